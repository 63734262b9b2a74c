#include <algorithm>
#include <string>

#include "blocks.hpp"
#include "ops/elementwise.hpp"
#include "ops/reduce.hpp"
#include "ops/shape.hpp"
#include "record.hpp"

// The reverse sweep: the only place where gradients are added and where broadcasting is undone.

namespace xgrad::detail {
namespace {

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

void check_part(const Tensor& part, const Entry& entry, std::size_t input, const Shape& shape, DType dtype) {
    check<DTypeError>(part.dtype() == dtype, entry.where(), [&] {
        return std::string(entry.name) + ": the pullback's cotangent for input " + std::to_string(input) + " must be " + name_of(dtype) +
               ", got " + name_of(part.dtype());
    });
    bool fits = part.ndim() >= shape.rank();
    for (int i = 1; fits && i <= shape.rank(); ++i)
        fits = shape[shape.rank() - i] == part.shape()[part.ndim() - i] || shape[shape.rank() - i] == 1;
    check<ShapeError>(fits, entry.where(), [&] {
        return std::string(entry.name) + ": the pullback's cotangent for input " + std::to_string(input) + " must have its shape " +
               to_string(shape) + ", got " + to_string(part.shape());
    });
}

Tensor whole(Tensor thin, const Shape& shape) { return thin.shape() == shape ? thin : broadcast_to(thin, shape); }

/// `part` has size 1 or `shape`'s along every axis.
bool is_thin(const Tensor& part, const Shape& shape) {
    if (part.ndim() != shape.rank()) return false;
    for (int i = 0; i < shape.rank(); ++i)
        if (part.shape()[i] != shape[i] && part.shape()[i] != 1) return false;
    return true;
}

/// Undoes the broadcasting of an input of shape `to` to `from`, for a cotangent that is thin in `from`.
Tensor sum_thin_to(Tensor part, const Shape& from, const Shape& to) {
    const int lead = from.rank() - to.rank();
    double copies = 1;
    Shape target;
    for (int i = 0; i < from.rank(); ++i) {
        const std::int64_t have = part.shape()[i];
        const bool summed = i < lead || (to[i - lead] == 1 && from[i] != 1);
        if (summed && have == 1) copies *= static_cast<double>(from[i]);
        if (i >= lead) target.push_back(summed ? 1 : have);
    }
    part = sum_to(part, target);
    return copies == 1 ? part : part * copies;
}

/// One reverse sweep: marks what lies between the roots and a source, then walks the entries from the last root down.
class Sweep final : BlockNodes {
public:
    Sweep(Record& record, int depth, NodeId end, std::span<SweepSource> sources, FoundGradients* found, bool consume)
        : record_(record),
          start_(record.scopes[static_cast<std::size_t>(depth)].start),
          end_(end),
          own_(Record::bit(depth)),
          needed_below_(record.open_below(depth)),
          sources_(sources),
          found_(found),
          consume_(consume),
          checking_(record.checking & own_),
          timing_(record.profiling & own_),
          marking_(!everything_is_needed(depth)),
          marks_(record.spare_marks, marking_ ? count() : 0),
          slots_(record.spare_slots, count()) {
        collect_outer(depth);
        if (marking_) mark();
    }

    void run(std::span<SweepSource> roots) {
        for (SweepSource& root : roots)
            if (Tensor* sum = slot(root.node)) collect(*sum, root.gradient);
        for (NodeId node = end_; node-- > start_;) {
            Entry* entry = record_.nodes[node];
            if (entry->outputs != 1) [[unlikely]] {
                node = entry->first_node;
                pull_several(*entry);
                continue;
            }
            Tensor& slot = slots_[node - start_];
            if (!slot.defined()) {
                release(*entry);
                continue;
            }
            if (entry->large && !checking_ && entry->behaviour && entry->behaviour->block) {
                const std::int64_t begin = timing_ ? now_in_nanoseconds() : 0;
                if (const NodeId lowest = pull_in_blocks(record_, node, start_, *this); lowest != no_node) {
                    if (timing_) share_time(begin, lowest, node);
                    for (++node; node-- > lowest;) release(*record_.nodes[node]);
                    node = lowest;
                    continue;
                }
            }
            if (entry->is_source && found_ && (entry->scopes & own_)) found_->emplace_back(entry->source(), whole(slot, *entry->shape));
            const bool keep = kept(node);
            if (entry->behaviour) {
                if (keep) {
                    Tensor copy = slot;
                    pull(*entry, &copy);
                } else {
                    pull(*entry, &slot);
                }
            }
            if (!keep) reset(slot);
            release(*entry);
        }
        deliver();
    }

private:
    std::size_t count() const { return end_ - start_; }

    /// Whether all that this tape recorded lies above a source: with no sources named, or all that it watches; else it would not be recorded.
    bool everything_is_needed(int depth) const {
        if (depth > 0) return false;
        if (found_) return true;
        for (const SweepSource& s : sources_)
            if (s.node >= end_ || !record_.nodes[s.node]->is_source) return false;
        return sources_.size() == record_.sources;
    }

    /// Sources recorded before this tape was opened: parameters of an outer tape, tensors watched by it.
    void collect_outer(int depth) {
        if (found_) {
            if (depth > 0)
                record_.for_each_parameter([&](std::uint64_t, NodeId node) {
                    if (node < start_ && (record_.nodes[node]->scopes & own_)) outer_.push_back({node, {}});
                });
        } else {
            for (const SweepSource& s : sources_)
                if (s.node < start_ && !outer_slot(s.node)) outer_.push_back({s.node, {}});
        }
    }

    void mark() {
        for (const SweepSource& s : sources_)
            if (s.node >= start_ && s.node < end_) marks_[s.node - start_] = is_needed | is_kept;
        for (NodeId node = start_; node < end_;) {
            Entry* entry = record_.nodes[node];
            bool reached = found_ && entry->is_source && (entry->scopes & own_);
            const NodeId* inputs = entry->input_nodes();
            for (std::uint32_t i = 0; i < entry->inputs && !reached; ++i) reached = inputs[i] != no_node && wanted(inputs[i]);
            for (std::uint32_t k = 0; k < entry->outputs; ++k, ++node)
                if (reached && node < end_) marks_[node - start_] |= is_needed;
        }
    }

    Tensor* outer_slot(NodeId node) {
        for (SweepSource& s : outer_)
            if (s.node == node) return &s.gradient;
        return nullptr;
    }
    bool wanted(NodeId node) {
        if (node < start_) return !outer_.empty() && outer_slot(node);
        return !marking_ || (marks_[node - start_] & is_needed);
    }
    Tensor* slot(NodeId node) override {
        if (node < start_) return outer_slot(node);
        return wanted(node) ? &slots_[node - start_] : nullptr;
    }
    bool kept(NodeId node) const override {
        return marking_ ? (marks_[node - start_] & is_kept) != 0 : !found_ && record_.nodes[node]->is_source;
    }

    /// Nothing will ask this entry again, unless an outer tape does.
    void release(Entry& entry) const noexcept {
        if (consume_ && !(entry.scopes & needed_below_)) entry.release();
    }

    void pull_several(Entry& entry) {
        const NodeId first = entry.first_node, end = std::min(first + entry.outputs, end_);  // y may be the first of them
        bool reached = false;
        for (NodeId k = first; k < end; ++k) reached = reached || slots_[k - start_].defined();
        if (reached && entry.behaviour) {
            several_.clear();
            for (NodeId k = first; k < first + entry.outputs; ++k)
                several_.push_back(k < end && slots_[k - start_].defined() ? whole(slots_[k - start_], entry.shape_of(k))
                                                                           : zeros(entry.shape_of(k), entry.dtype));
            pull(entry, several_.data());
        }
        for (NodeId k = first; k < end; ++k)
            if (!kept(k)) reset(slots_[k - start_]);
        release(entry);
    }

    /// A chain of entries was pulled as one since `begin`: each gets an equal part of the time.
    void share_time(std::int64_t begin, NodeId lowest, NodeId top) {
        record_.timings.resize(std::max<std::size_t>(record_.timings.size(), top + std::size_t{1}));
        const std::int64_t each = (now_in_nanoseconds() - begin) / (top - lowest + 1);
        for (NodeId node = top + 1; node-- > lowest; begin += each) {
            record_.timings[node].backward_start = begin;
            record_.timings[node].backward = each;
        }
    }

    /// Asks the entry for the cotangents of its inputs and adds them to their slots.
    void pull(Entry& entry, Tensor* cotangents) {
        try {
            pull_unnamed(entry, cotangents);
        } catch (...) {
            if (entry.line == 0) throw;  // a checkpoint's: the user's lines are in the function
            rethrow_named(std::string(entry.name) + " (backward)", entry.where(), shape_and_type(*entry.shape, entry.dtype));
        }
    }

    void pull_unnamed(Entry& entry, Tensor* cotangents) {
        const NodeId* inputs = entry.input_nodes();
        std::uint64_t bits = 0;
        bool any = false;
        for (std::uint32_t i = 0; i < entry.inputs; ++i) {
            if (inputs[i] == no_node || !wanted(inputs[i])) continue;
            any = true;
            if (i < 64) bits |= std::uint64_t{1} << i;  // beyond, Needs says yes to all
        }
        if (!any) return;
        if (entry.behaviour->cotangents < Cotangents::thin && entry.outputs == 1 && !(cotangents->shape() == *entry.shape))
            *cotangents = broadcast_to(*cotangents, *entry.shape);
        Tensor* parts = few_;
        if (entry.inputs > usual) {
            many_.assign(entry.inputs, Tensor());
            parts = many_.data();
        }
        const Needs needs(bits);
        const std::int64_t begin = timing_ ? now_in_nanoseconds() : 0;
        entry.behaviour->pull(entry.closure(), entry, cotangents, needs, parts);
        if (timing_) [[unlikely]]
            share_time(begin, entry.first_node, entry.first_node);
        for (std::uint32_t i = 0; i < entry.inputs; ++i) {
            if (!parts[i].defined()) continue;
            if (inputs[i] != no_node && needs[i] && (i < 64 || wanted(inputs[i]))) {
                if (checking_) [[unlikely]]
                    check_finite(entry.name, "the gradient for input " + std::to_string(i), parts[i],
                                 " from a result of shape " + to_string(*entry.shape), entry.where());
                add(entry, i, inputs[i], parts[i]);
            }
            reset(parts[i]);  // more than was asked for; and a handle left here would keep the buffer from being reused
        }
    }

    /// Adds `part`, what `entry` gave for its input i, to the input's slot, after undoing the input's broadcasting.
    void add(const Entry& entry, std::size_t i, NodeId input, Tensor& part) {
        Entry& source = *record_.nodes[input];
        const Cotangents kind = entry.behaviour->cotangents;
        if (kind == Cotangents::elementwise) {
            // When the shapes agree a thin part stays thin.
            if (source.shape != entry.shape || source.outputs != 1) [[unlikely]]
                if (const Shape& shape = source.shape_of(input); !(shape == *entry.shape))
                    part = sum_thin_to(std::move(part), *entry.shape, shape);
        }
        if (part.dtype() != source.dtype || (kind != Cotangents::elementwise && !(part.shape() == source.shape_of(input)))) {
            const Shape& shape = source.shape_of(input);
            if (kind == Cotangents::whole || !is_thin(part, shape)) {
                check_part(part, entry, i, shape, source.dtype);
                part = sum_to(part, shape);
            }
        }
        collect(input < start_ ? *outer_slot(input) : slots_[input - start_], part);
    }

    static void collect(Tensor& sum, Tensor& part) {
        if (sum.defined()) accumulate(sum, std::move(part));
        else std::swap(sum, part);
    }

    void deliver() {
        for (SweepSource& s : sources_) {
            s.gradient = s.node < start_ ? *outer_slot(s.node) : s.node < end_ ? slots_[s.node - start_] : Tensor();
            if (s.gradient.defined()) s.gradient = whole(std::move(s.gradient), record_.nodes[s.node]->shape_of(s.node));
        }
        if (found_)
            for (SweepSource& s : outer_)
                if (s.gradient.defined())
                    found_->emplace_back(record_.nodes[s.node]->source(), whole(std::move(s.gradient), *record_.nodes[s.node]->shape));
    }

    enum Mark : unsigned char { is_needed = 1, is_kept = 2 };  // depends on a source; is one
    static constexpr std::size_t usual = 8;

    Record& record_;
    const NodeId start_, end_;
    const TapeMask own_, needed_below_;
    const std::span<SweepSource> sources_;
    FoundGradients* const found_;
    const bool consume_, checking_, timing_, marking_;
    Scratch<unsigned char> marks_;
    Scratch<Tensor> slots_;  // cotangents collected so far
    std::vector<SweepSource> outer_;
    Tensor few_[usual];
    std::vector<Tensor> many_, several_;
};

}  // namespace

void sweep(Record& record, int depth, std::span<SweepSource> roots, std::span<SweepSource> sources, FoundGradients* found, bool consume) {
    NodeId end = record.scopes[static_cast<std::size_t>(depth)].start;
    for (const SweepSource& root : roots) end = std::max(end, root.node + 1);
    Sweep(record, depth, end, sources, found, consume).run(roots);
}

}  // namespace xgrad::detail
