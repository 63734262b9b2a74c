#pragma once

#include <vector>

#include "record.hpp"

// The reverse sweep, shared by the files that implement it: core/backward.cpp and
// ops/elementwise/detail/fused_chain.cpp. Not for users.

namespace xgrad::detail {

// Cotangents are processed between pullbacks by operations that an outer tape may record; these functions are defined
// next to those operations.

/// sum += part for tensors of the same shape and dtype, in place in either buffer if no other handle holds it.
void accumulate(Tensor& sum, Tensor&& part);
/// `reduced`, whose axes have `shape`'s size or 1, expanded to `shape`.
Tensor expand_to(Tensor reduced, const Shape& shape);
/// The sum of `part` over the axes along which an input of `shape` was broadcast.
Tensor reduce_to(const Tensor& part, const Shape& shape);

class Sweep;
/// Pulls back `top` and the element-wise entries below it whose results only this chain uses. Returns the lowest node
/// processed, or no_node if there is no such chain (fewer than two entries, too few elements, or different shapes);
/// then nothing has been done.
NodeId pull_fused_chain(Record& record, NodeId top, Sweep& sweep);

/// Scratch vectors of one sweep, kept by the record for the next one.
template <class T>
class Scratch {
public:
    Scratch(std::vector<std::vector<T>>& spare, std::size_t size) : spare_(spare) {
        if (!spare.empty()) {
            values_ = std::move(spare.back());
            spare.pop_back();
        }
        values_.resize(size);
    }
    ~Scratch() {
        values_.clear();
        spare_.push_back(std::move(values_));
    }
    T& operator[](std::size_t i) { return values_[i]; }
    const T& operator[](std::size_t i) const { return values_[i]; }

private:
    std::vector<std::vector<T>>& spare_;
    std::vector<T> values_;
};

/// One reverse sweep: marks the nodes between the roots and the sources, then walks the entries from the last root
/// down.
class Sweep {
public:
    Sweep(Record& record, int depth, NodeId end, std::span<NodeGradient> sources, bool all, bool consume);
    void run(std::span<NodeGradient> roots, std::span<NodeGradient> sources);

    // For fused chains: whether a node's cotangent is needed, where it is collected, and whether it must be kept there.
    bool wanted(NodeId node) const { return node >= start_ && (!marking_ || (marks_[node - start_] & is_needed)); }
    Tensor& cotangent(NodeId node) { return cotangents_[node - start_]; }
    bool is_source(NodeId node, Entry& entry) const {
        if (marking_) return marks_[node - start_] & is_named;
        return entry.is_source && record_.is_source_of(depth_, entry);
    }
    NodeId start() const { return start_; }

private:
    void mark(std::span<NodeGradient> sources);
    void release(Entry& entry) const noexcept {
        if (consume_ && !(entry.tapes & needed_below_)) entry.release();
    }
    void pull_several(Entry& entry);
    void pull(Entry& entry, Tensor* cotangents);
    void pull_unnamed(Entry& entry, Tensor* cotangents);
    void fit(const Entry& entry, std::size_t i, NodeId input, Tensor& part) const {
        Entry& source = *record_.nodes[input];
        if (part.dtype() != source.dtype || !(part.shape() == source.shape_of(input)))
            refit(entry, i, source.shape_of(input), source.dtype, part);
    }
    static void refit(const Entry& entry, std::size_t i, const Shape& shape, DType dtype, Tensor& part);
    static void collect(Tensor& sum, Tensor& part) {
        if (sum.defined()) accumulate(sum, std::move(part));
        else std::swap(sum, part);
    }
    void share_time(std::int64_t begin, NodeId lowest, NodeId top);

    enum Mark : unsigned char { is_needed = 1, is_named = 2 };  // depends on a source; is a source

    Record& record_;
    const int depth_;
    const NodeId start_, end_;
    const TapeMask needed_below_;  // outer tapes that may need the entries again
    const bool consume_, checking_, timing_, marking_;
    Scratch<unsigned char> marks_;
    Scratch<Tensor> cotangents_;  // cotangents collected so far, by node
    Tensor inline_parts_[8];
    std::vector<Tensor> parts_, several_;
};

}  // namespace xgrad::detail
