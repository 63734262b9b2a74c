#include "fused_chain.hpp"

#include <algorithm>
#include <array>

#include "autodiff/core/detail/sweep.hpp"
#include "autodiff/kernels/kernels.hpp"
#include "autodiff/ops/elementwise/elementwise.hpp"
#include "autodiff/ops/shape/shape.hpp"
#include "broadcast.hpp"

namespace xgrad::detail {
namespace {

constexpr std::int64_t block_bytes = 8 << 10;
constexpr std::size_t max_steps = 24;
constexpr int no_target = -1;

/// The destination of a cotangent that a step computes: a later step of the chain, or a sum outside it.
struct Target {
    int step = no_target, sum = no_target;
};

struct ChainStep {
    NodeId node;
    FusedStep pull;
    const char* start = nullptr;  // the cotangent from above the chain, if any
    std::uint8_t start_step = 0;
    Target targets[2];
};

/// The cotangent of a node outside the chain.
struct ExternalSum {
    NodeId node;
    Tensor sum;
    bool started;  // already holds a value
};

struct Chain {
    const Shape& shape;
    DType dtype;
    std::array<ChainStep, max_steps> steps;
    std::size_t count = 0;
    std::vector<ExternalSum> sums;

    std::int64_t bytes() const { return size_of(dtype); }
    int step_of(NodeId node) const {
        for (std::size_t m = 0; m < count; ++m)
            if (steps[m].node == node) return static_cast<int>(m);
        return no_target;
    }
};

/// Sets up the entry as a step of the chain. Returns false if it cannot be one.
bool make_step(Record& record, Sweep& sweep, const Chain& chain, NodeId node, ChainStep& step) {
    Entry& entry = *record.nodes[node];
    if (!entry.kind || !entry.kind->fuse || sweep.is_source(node, entry) || entry.is_source ||
        entry.dtype != chain.dtype || !(*entry.shape == chain.shape))
        return false;
    std::uint64_t bits = 0;
    const NodeId* inputs = entry.input_nodes();
    for (std::uint32_t i = 0; i < entry.inputs; ++i) {
        if (inputs[i] == no_node || !sweep.wanted(inputs[i])) continue;
        bits |= std::uint64_t{1} << i;
        if (!(record.nodes[inputs[i]]->shape_of(inputs[i]) == chain.shape) ||
            record.nodes[inputs[i]]->dtype != chain.dtype)
            return false;
    }
    step.node = node;
    return bits && entry.kind->fuse(entry.closure(), entry, Needs(bits), step.pull);
}

/// Selects steps from the top down, as long as every entry reached is element-wise and of the same shape.
void choose_steps(Record& record, Sweep& sweep, NodeId top, Chain& chain) {
    std::array<NodeId, 2 * max_steps> fed;  // inputs of the steps so far
    std::size_t fed_count = 0;
    for (NodeId node = top + 1; node-- > sweep.start() && chain.count < max_steps;) {
        if (!sweep.wanted(node)) continue;
        if (!sweep.cotangent(node).defined() &&
            std::find(fed.begin(), fed.begin() + fed_count, node) == fed.begin() + fed_count)
            continue;
        ChainStep step;
        if (!make_step(record, sweep, chain, node, step)) return;
        for (int j = 0; j < step.pull.outputs; ++j)
            fed[fed_count++] = record.nodes[node]->input_nodes()[step.pull.parts[j]];
        chain.steps[chain.count++] = step;
    }
}

/// The external sum for a node, initialised with the cotangent collected there so far.
int external_sum(Sweep& sweep, Chain& chain, NodeId node) {
    for (std::size_t k = 0; k < chain.sums.size(); ++k)
        if (chain.sums[k].node == node) return static_cast<int>(k);
    Tensor& old = sweep.cotangent(node);
    ExternalSum sum{node, {}, old.defined()};
    // Reuse the buffer if nothing else reads it, this chain included.
    if (old.defined() && old.shape() == chain.shape && TensorAccess::unique(old)) sum.sum = std::move(old);
    else sum.sum = old.defined() ? add(zeros(chain.shape, chain.dtype), old) : empty(chain.shape, chain.dtype);
    chain.sums.push_back(std::move(sum));
    return static_cast<int>(chain.sums.size()) - 1;
}

/// Determines where each cotangent goes, and what has already been collected there.
void place_cotangents(Record& record, Sweep& sweep, Chain& chain) {
    for (std::size_t m = 0; m < chain.count; ++m) {
        ChainStep& step = chain.steps[m];
        Tensor& above = sweep.cotangent(step.node);
        if (above.defined()) {
            if (above.size() != 1 && !(above.shape() == chain.shape)) above = broadcast_to(above, chain.shape);
            step.start = static_cast<const char*>(TensorAccess::data(above));
            step.start_step = above.size() != 1;
        }
        for (int j = 0; j < step.pull.outputs; ++j) {
            const NodeId to = record.nodes[step.node]->input_nodes()[step.pull.parts[j]];
            step.targets[j].step = chain.step_of(to);
            if (step.targets[j].step == no_target) step.targets[j].sum = external_sum(sweep, chain, to);
        }
    }
}

/// Pulls elements [from, from + n) through the whole chain. `room`: one block for each step's cotangent, and two for
/// cotangents that are added to a sum.
void run_block(const Chain& chain, std::int64_t from, std::int64_t n, char* room) {
    const std::int64_t at = from * chain.bytes();
    const auto& add =
        kernels::active().elementwise.binary[rules::Binary::index_of<rules::Add>()].value[chain.dtype == DType::f64];
    const auto buffer = [&](std::size_t i) { return room + static_cast<std::int64_t>(i) * block_bytes; };
    bool collected[max_steps] = {};
    std::array<bool, 2 * max_steps> written{};
    const auto start_of = [&](const ChainStep& step) { return step.start + (step.start_step ? at : 0); };
    for (std::size_t m = 0; m < chain.count; ++m) {
        const ChainStep& step = chain.steps[m];
        const char* const g = collected[m] ? buffer(m) : start_of(step);
        const std::uint8_t g_step = collected[m] ? 1 : step.start_step;
        const void* in[4];
        std::uint8_t steps[4];
        for (int k = 0; k < step.pull.inputs; ++k) {
            const bool is_saved = step.pull.saved[k] != nullptr;
            in[k] = is_saved ? step.pull.saved[k] + (step.pull.step[k] ? at : 0) : g;
            steps[k] = is_saved ? step.pull.step[k] : g_step;
        }
        void* out[2];
        char* total[2];  // where the sum is kept
        const char* summand[2];  // what the cotangent is added to; null: nothing so far
        std::uint8_t summand_step[2] = {1, 1};
        for (int j = 0; j < step.pull.outputs; ++j) {
            const Target target = step.targets[j];
            if (target.step != no_target) {
                const auto to = static_cast<std::size_t>(target.step);
                total[j] = buffer(to);
                summand[j] = collected[to] ? total[j] : chain.steps[to].start ? start_of(chain.steps[to]) : nullptr;
                if (!collected[to]) summand_step[j] = chain.steps[to].start_step;
                collected[to] = true;
            } else {
                const auto to = static_cast<std::size_t>(target.sum);
                total[j] = static_cast<char*>(TensorAccess::data(chain.sums[to].sum)) + at;
                summand[j] = chain.sums[to].started || written[to] ? total[j] : nullptr;
                written[to] = true;
            }
            out[j] = summand[j] ? buffer(chain.count + static_cast<std::size_t>(j)) : total[j];
        }
        step.pull.kernel(step.pull.rule, n, in, steps, out);
        // Adds in the same order as the entry-by-entry sweep, so the results are bitwise equal.
        for (int j = 0; j < step.pull.outputs; ++j) {
            if (!summand[j]) continue;
            const void* const both[] = {summand[j], out[j]};
            const std::uint8_t both_steps[] = {summand_step[j], 1};
            void* const to[] = {total[j]};
            add(nullptr, n, both, both_steps, to);
        }
    }
}

void run_blocks(const Chain& chain) {
    const std::int64_t size = chain.shape.size(), block = block_bytes / chain.bytes(),
                       blocks = (size + block - 1) / block;
    const int threads = static_cast<int>(threads_for(size, blocks));
    const std::int64_t room = (static_cast<std::int64_t>(chain.count) + 2) * block_bytes;
    const Tensor scratch = empty({threads, room}, DType::boolean);
    in_threads(threads, threads, [&](std::int64_t thread, std::int64_t) {
        for (std::int64_t b = blocks * thread / threads; b < blocks * (thread + 1) / threads; ++b)
            run_block(chain, b * block, std::min(block, size - b * block),
                      static_cast<char*>(TensorAccess::data(scratch)) + thread * room);
    });
}

}  // namespace

NodeId pull_fused_chain(Record& record, NodeId top, Sweep& sweep) {
    const Entry& first = *record.nodes[top];
    if (first.shape->size() < least_block_elements || recording) return no_node;
    Chain chain{.shape = *first.shape, .dtype = first.dtype, .steps = {}, .count = 0, .sums = {}};
    choose_steps(record, sweep, top, chain);
    if (chain.count < 2) return no_node;
    place_cotangents(record, sweep, chain);
    run_blocks(chain);
    for (std::size_t m = 0; m < chain.count; ++m) sweep.cotangent(chain.steps[m].node) = Tensor();
    for (ExternalSum& sum : chain.sums) sweep.cotangent(sum.node) = std::move(sum.sum);
    return chain.steps[chain.count - 1].node;
}

}  // namespace xgrad::detail
