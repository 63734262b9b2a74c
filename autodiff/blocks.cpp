#include "blocks.hpp"

#include <algorithm>
#include <array>

#include "kernels/kernels.hpp"
#include "ops/broadcast.hpp"
#include "ops/elementwise.hpp"
#include "ops/shape.hpp"

namespace xgrad::detail {
namespace {

constexpr std::int64_t block_bytes = 8 << 10;
constexpr std::size_t most_members = 24;
constexpr int outside = -1, nowhere = -2;

struct Member {
    NodeId node;
    BlockStep pull;
    const char* start = nullptr;      // the cotangent that came from above the chain, if any
    std::uint8_t start_step = 0;
    int target_member[2] = {nowhere, nowhere};  // where a part goes: a member, or an outside tensor
    int target_outside[2] = {};
};

struct Outside {
    NodeId node;
    Tensor sum;
    bool started;  // holds something already
};

}  // namespace

NodeId pull_in_blocks(Record& record, NodeId top, NodeId start, BlockNodes& nodes) {
    const Entry& first = *record.nodes[top];
    const Shape& shape = *first.shape;
    const std::int64_t size = shape.size();
    if (size < least_block_elements || recording || !first.behaviour || !first.behaviour->block) return no_node;

    // Which entries: from the top down, as long as everything that is reached is element-wise and of this shape.
    std::array<Member, most_members> members;
    std::size_t count = 0;
    const auto member_of = [&](NodeId node) {
        for (std::size_t m = 0; m < count; ++m)
            if (members[m].node == node) return static_cast<int>(m);
        return -1;
    };
    std::array<NodeId, 2 * most_members> fed;  // inputs of the members so far
    std::size_t fed_count = 0;
    for (NodeId node = top + 1; node-- > start && count < most_members;) {
        Entry* entry = record.nodes[node];
        Tensor* slot = nodes.slot(node);
        const bool reached = slot && (slot->defined() || std::find(fed.begin(), fed.begin() + fed_count, node) != fed.begin() + fed_count);
        if (!entry || !reached) continue;
        if (!entry->behaviour || !entry->behaviour->block || nodes.kept(node) || entry->is_source || entry->dtype != first.dtype ||
            !(*entry->shape == shape))
            break;
        std::uint64_t bits = 0;
        bool fits = true;
        const NodeId* inputs = entry->input_nodes();
        for (std::uint32_t i = 0; i < entry->inputs; ++i) {
            if (inputs[i] == no_node || !nodes.slot(inputs[i])) continue;
            bits |= std::uint64_t{1} << i;
            fits = fits && record.nodes[inputs[i]]->shape_of(inputs[i]) == shape && record.nodes[inputs[i]]->dtype == first.dtype;
        }
        Member member;
        member.node = node;
        if (!bits || !fits || !entry->behaviour->block(entry->closure(), *entry, Needs(bits), member.pull)) break;
        for (std::uint32_t i = 0; i < entry->inputs; ++i)
            if (bits >> i & 1) fed[fed_count++] = inputs[i];
        members[count++] = member;
    }
    if (count < 2) return no_node;

    // Where every part goes, and what is there already.
    const std::int64_t bytes = size_of(first.dtype), block = block_bytes / bytes;
    std::vector<Outside> outside_sums;
    for (std::size_t m = 0; m < count; ++m) {
        Member& member = members[m];
        Tensor& slot = *nodes.slot(member.node);
        if (slot.defined()) {
            if (slot.size() != 1 && !(slot.shape() == shape)) slot = broadcast_to(slot, shape);
            member.start = static_cast<const char*>(TensorAccess::data(slot));
            member.start_step = slot.size() != 1;
        }
        for (int j = 0; j < member.pull.outputs; ++j) {
            const NodeId to = record.nodes[member.node]->input_nodes()[member.pull.parts[j]];
            if (const int inside = member_of(to); inside >= 0) {
                member.target_member[j] = inside;
                continue;
            }
            const auto known = std::find_if(outside_sums.begin(), outside_sums.end(), [&](const Outside& o) { return o.node == to; });
            member.target_member[j] = outside;
            member.target_outside[j] = static_cast<int>(known - outside_sums.begin());
            if (known == outside_sums.end()) {
                Tensor& old = *nodes.slot(to);
                const bool started = old.defined();
                Tensor sum = empty(shape, first.dtype);
                if (started) {
                    // Its own buffer if nobody else reads it, this chain included.
                    if (old.shape() == shape && TensorAccess::unique(old)) sum = std::move(old);
                    else sum = add(zeros(shape, first.dtype), old);
                }
                outside_sums.push_back({to, std::move(sum), started});
            }
        }
    }

    const auto& plus = kernels::active().elementwise.binary[rules::Binary::index_of<rules::Add>()].value[first.dtype == DType::f64];
    const std::int64_t blocks = (size + block - 1) / block;
    const int threads = static_cast<int>(std::min<std::int64_t>(threads_for(size), blocks));
    // Per thread: a block for every member's cotangent, and two for parts that are added to something.
    const Tensor scratch = empty({threads, static_cast<std::int64_t>(count) + 2, block_bytes}, DType::boolean);

    const auto run_blocks = [&](int thread) {
        char* const own = static_cast<char*>(TensorAccess::data(scratch)) + thread * (static_cast<std::int64_t>(count) + 2) * block_bytes;
        const auto buffer = [&](std::size_t i) { return own + static_cast<std::int64_t>(i) * block_bytes; };
        for (std::int64_t b = blocks * thread / threads; b < blocks * (thread + 1) / threads; ++b) {
            const std::int64_t from = b * block, n = std::min(block, size - from);
            bool collected[most_members] = {};
            std::array<bool, 2 * most_members> written{};
            const auto sum_to = [&](char* target, const void* a, std::uint8_t a_step, const void* part) {
                const void* in[] = {a, part};
                const std::uint8_t steps[] = {a_step, 1};
                void* out[] = {target};
                plus(nullptr, n, in, steps, out);
            };
            const auto start_of = [&](const Member& member) { return member.start + (member.start_step ? from * bytes : 0); };
            for (std::size_t m = 0; m < count; ++m) {
                const Member& member = members[m];
                const char* const g = collected[m] ? buffer(m) : start_of(member);
                const std::uint8_t g_step = collected[m] ? 1 : member.start_step;
                const void* in[4];
                std::uint8_t step[4];
                for (int k = 0; k < member.pull.inputs; ++k) {
                    const bool is_saved = member.pull.saved[k] != nullptr;
                    in[k] = is_saved ? member.pull.saved[k] + (member.pull.step[k] ? from * bytes : 0) : g;
                    step[k] = is_saved ? member.pull.step[k] : g_step;
                }
                void* out[2];
                char* target[2];          // where the sum is kept
                const char* summand[2];   // what the part is added to; null: nothing yet
                std::uint8_t summand_step[2] = {1, 1};
                for (int j = 0; j < member.pull.outputs; ++j) {
                    const int inside = member.target_member[j];
                    if (inside >= 0) {
                        const Member& to = members[static_cast<std::size_t>(inside)];
                        target[j] = buffer(static_cast<std::size_t>(inside));
                        summand[j] = collected[inside] ? target[j] : to.start ? start_of(to) : nullptr;
                        if (!collected[inside]) summand_step[j] = to.start_step;
                        collected[inside] = true;
                    } else {
                        const auto o = static_cast<std::size_t>(member.target_outside[j]);
                        target[j] = static_cast<char*>(TensorAccess::data(outside_sums[o].sum)) + from * bytes;
                        summand[j] = outside_sums[o].started || written[o] ? target[j] : nullptr;
                        written[o] = true;
                    }
                    out[j] = summand[j] ? buffer(count + static_cast<std::size_t>(j)) : target[j];
                }
                member.pull.kernel(member.pull.rule, n, in, step, out);
                // In the order in which the sweep adds, entry by entry: the bits are the same.
                for (int j = 0; j < member.pull.outputs; ++j)
                    if (summand[j]) sum_to(target[j], summand[j], summand_step[j], out[j]);
            }
        }
    };
    if (threads <= 1) {
        run_blocks(0);
    } else {
#pragma omp parallel for num_threads(threads) schedule(static)
        for (int t = 0; t < threads; ++t) run_blocks(t);
    }

    for (std::size_t m = 0; m < count; ++m) *nodes.slot(members[m].node) = Tensor();
    for (Outside& o : outside_sums) *nodes.slot(o.node) = std::move(o.sum);
    return members[count - 1].node;
}

}  // namespace xgrad::detail
