#include <algorithm>
#include <string>

#include "detail/sweep.hpp"
#include "precision.hpp"

// The reverse sweep: the only place where gradients are added and where broadcasting is undone.

namespace xgrad::detail {
namespace {

void check_part(const Tensor& part, const Entry& entry, std::size_t input, const Shape& shape, DType dtype) {
    check<DTypeError>(part.dtype() == dtype, entry.where(), [&] {
        return std::string(entry.name) + ": the pullback's cotangent for input " + std::to_string(input) + " must be " +
               name_of(dtype) + ", got " + name_of(part.dtype());
    });
    bool fits = part.ndim() >= shape.rank();
    for (int i = 1; fits && i <= shape.rank(); ++i)
        fits = shape[shape.rank() - i] == part.shape()[part.ndim() - i] || shape[shape.rank() - i] == 1;
    check<ShapeError>(fits, entry.where(), [&] {
        return std::string(entry.name) + ": the pullback's cotangent for input " + std::to_string(input) +
               " must have its shape " + to_string(shape) + ", got " + to_string(part.shape());
    });
}

/// Whether `part` has size 1 or `shape`'s size along every axis.
bool is_reduced_form(const Tensor& part, const Shape& shape) {
    if (part.ndim() != shape.rank()) return false;
    for (int i = 0; i < shape.rank(); ++i)
        if (part.shape()[i] != shape[i] && part.shape()[i] != 1) return false;
    return true;
}

}  // namespace

Sweep::Sweep(Record& record, int depth, NodeId end, std::span<NodeGradient> sources, bool all, bool consume)
    : record_(record),
      depth_(depth),
      start_(record.at(depth).start),
      end_(end),
      needed_below_(record.unfinished_below(depth)),
      consume_(consume),
      checking_(record.checking & Record::bit(depth)),
      timing_(record.profiling & Record::bit(depth)),
      // Everything that the outermost tape recorded depends on a source, or it would not have been recorded.
      marking_(depth > 0 || !all),
      marks_(record.spare_marks, marking_ ? end - start_ : 0),
      cotangents_(record.spare_slots, end - start_) {
    if (marking_) mark(sources);
}

void Sweep::run(std::span<NodeGradient> roots, std::span<NodeGradient> sources) {
    const Autocast as_each_says(Precision::full);  // an operation that multiplies in bf16 stores that as an attribute
    for (NodeGradient& root : roots)
        if (wanted(root.node)) collect(cotangents_[root.node - start_], root.gradient);
    for (NodeId node = end_; node-- > start_;) {
        Entry* entry = record_.nodes[node];
        if (entry->outputs != 1) [[unlikely]] {
            node = entry->first_node;
            pull_several(*entry);
            continue;
        }
        Tensor& cotangent = cotangents_[node - start_];
        if (!cotangent.defined()) {
            release(*entry);
            continue;
        }
        if (entry->large && !checking_ && entry->kind && entry->kind->fuse) {
            const std::int64_t begin = timing_ ? now_in_nanoseconds() : 0;
            if (const NodeId lowest = pull_fused_chain(record_, node, *this); lowest != no_node) {
                if (timing_) share_time(begin, lowest, node);
                for (++node; node-- > lowest;) release(*record_.nodes[node]);
                node = lowest;
                continue;
            }
        }
        const bool is_source = this->is_source(node, *entry);
        if (entry->kind) {
            if (is_source) {
                Tensor copy = cotangent;
                pull(*entry, &copy);
            } else {
                pull(*entry, &cotangent);
            }
        }
        if (!is_source) reset(cotangent);
        release(*entry);
    }
    for (NodeGradient& s : sources) {
        if (s.node >= end_ || !cotangents_[s.node - start_].defined()) continue;
        s.gradient = expand_to(std::move(cotangents_[s.node - start_]), record_.nodes[s.node]->shape_of(s.node));
    }
}

void Sweep::mark(std::span<NodeGradient> sources) {
    for (const NodeGradient& s : sources)
        if (s.node < end_) marks_[s.node - start_] = is_needed | is_named;
    for (NodeId node = start_; node < end_;) {
        Entry* entry = record_.nodes[node];
        bool reached = false;
        const NodeId* inputs = entry->input_nodes();
        for (std::uint32_t i = 0; i < entry->inputs && !reached; ++i)
            reached = inputs[i] != no_node && wanted(inputs[i]);
        for (std::uint32_t k = 0; k < entry->outputs; ++k, ++node)
            if (reached && node < end_) marks_[node - start_] |= is_needed;
    }
}

void Sweep::pull_several(Entry& entry) {
    const NodeId first = entry.first_node, end = std::min(first + entry.outputs, end_);  // y may be the first output
    bool reached = false;
    for (NodeId k = first; k < end; ++k) reached = reached || cotangents_[k - start_].defined();
    if (reached && entry.kind) {
        several_.clear();
        for (NodeId k = first; k < first + entry.outputs; ++k)
            several_.push_back(k < end && cotangents_[k - start_].defined()
                                   ? expand_to(cotangents_[k - start_], entry.shape_of(k))
                                   : zeros(entry.shape_of(k), entry.dtype));
        pull(entry, several_.data());
    }
    for (NodeId k = first; k < end; ++k)
        if (!is_source(k, entry)) reset(cotangents_[k - start_]);
    release(entry);
}

/// Pulls the entry back and collects the cotangents of its inputs.
void Sweep::pull(Entry& entry, Tensor* cotangents) {
    try {
        pull_unnamed(entry, cotangents);
    } catch (...) {
        if (entry.line == 0) throw;  // a checkpoint: the errors inside its function name the user's lines
        rethrow_named(std::string(entry.name) + " (backward)", entry.where(),
                      shape_and_type(*entry.shape, entry.dtype));
    }
}

void Sweep::pull_unnamed(Entry& entry, Tensor* cotangents) {
    const NodeId* inputs = entry.input_nodes();
    std::uint64_t bits = 0;
    bool any = false;
    for (std::uint32_t i = 0; i < entry.inputs; ++i) {
        if (inputs[i] == no_node || !wanted(inputs[i])) continue;
        any = true;
        if (i < 64) bits |= std::uint64_t{1} << i;  // Needs reports all further inputs as needed
    }
    if (!any) return;
    if (!entry.kind->takes_reduced && entry.outputs == 1 && !(cotangents->shape() == *entry.shape))
        *cotangents = expand_to(std::move(*cotangents), *entry.shape);
    Tensor* parts = inline_parts_;
    if (entry.inputs > std::size(inline_parts_)) {
        parts_.assign(entry.inputs, Tensor());
        parts = parts_.data();
    }
    const Needs needs(bits);
    const std::int64_t begin = timing_ ? now_in_nanoseconds() : 0;
    Pull pull{record_, entry, cotangents, needs, parts};
    entry.kind->pull(entry.closure(), pull);
    if (timing_) [[unlikely]]
        share_time(begin, entry.first_node, entry.first_node);
    for (std::uint32_t i = 0; i < entry.inputs; ++i) {
        if (!parts[i].defined()) continue;
        if (inputs[i] != no_node && needs[i] && (i < 64 || wanted(inputs[i]))) {
            if (checking_) [[unlikely]]
                check_finite(entry.name, "the gradient for input " + std::to_string(i), parts[i],
                             " from a result of shape " + to_string(*entry.shape), entry.where());
            fit(entry, i, inputs[i], parts[i]);
            collect(cotangents_[inputs[i] - start_], parts[i]);
        }
        reset(parts[i]);  // it may not have been requested, and a handle left here would prevent reuse of the buffer
    }
}

/// Undoes broadcasting in `part`, the cotangent that the entry returned for its i-th input and whose shape or type
/// differs from the input's.
void Sweep::refit(const Entry& entry, std::size_t i, const Shape& shape, DType dtype, Tensor& part) {
    if (part.dtype() == dtype && entry.kind->takes_reduced && is_reduced_form(part, shape)) return;
    check_part(part, entry, i, shape, dtype);
    part = reduce_to(part, shape);
}

/// Splits the time since `begin` evenly among the entries of a chain that were pulled back together.
void Sweep::share_time(std::int64_t begin, NodeId lowest, NodeId top) {
    record_.timings.resize(std::max<std::size_t>(record_.timings.size(), top + std::size_t{1}));
    const std::int64_t each = (now_in_nanoseconds() - begin) / (top - lowest + 1);
    for (NodeId node = top + 1; node-- > lowest; begin += each) {
        record_.timings[node].backward_start = begin;
        record_.timings[node].backward = each;
    }
}

void sweep(Record& record, int depth, std::span<NodeGradient> roots, std::span<NodeGradient> sources, bool all,
           bool consume) {
    NodeId end = record.at(depth).start;
    for (const NodeGradient& root : roots) end = std::max(end, root.node + 1);
    Sweep(record, depth, end, sources, all, consume).run(roots, sources);
}

}  // namespace xgrad::detail
