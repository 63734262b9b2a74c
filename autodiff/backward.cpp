#include <algorithm>
#include <string>

#include "blocks.hpp"
#include "ops/elementwise.hpp"
#include "ops/reduce.hpp"
#include "ops/shape.hpp"
#include "record.hpp"

// The reverse sweep: the only place where gradients are added and where broadcasting is undone.

namespace xgrad {
namespace detail {
namespace {

enum Mark : unsigned char { needed = 1, kept = 2 };  // depends on a source; is one

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

}  // namespace

void sweep(Record& record, int depth, NodeId y, Tensor cotangent, std::span<SweepSource> sources,
           std::vector<std::pair<std::uint64_t, Tensor>>* found, bool consume) {
    const NodeId start = record.scopes[static_cast<std::size_t>(depth)].start;
    const std::uint32_t own = Record::bit(depth), needed_below = record.open_below(depth);
    const std::size_t count = y - start + std::size_t{1};

    // Sources recorded before this tape was opened: parameters of an outer tape, tensors watched by it.
    std::vector<SweepSource> outer;
    const auto outer_slot = [&](NodeId node) -> Tensor* {
        for (SweepSource& s : outer)
            if (s.node == node) return &s.gradient;
        return nullptr;
    };
    if (found) {
        if (depth > 0)
            record.parameters.for_each(record.serial, [&](std::uint64_t, NodeId node) {
                if (node < start && record.nodes[node] && (record.nodes[node]->scopes & own)) outer.push_back({node, {}});
            });
    } else {
        for (const SweepSource& s : sources)
            if (s.node < start && !outer_slot(s.node)) outer.push_back({s.node, {}});
    }

    // What is between y and a source. On a tape of its own with no sources named everything is: it would not be recorded otherwise.
    const bool marking = !found || depth > 0;
    Scratch<unsigned char> marks(record.spare_marks, marking ? count : 0);
    if (marking) {
        for (const SweepSource& s : sources)
            if (s.node >= start && s.node <= y) marks[s.node - start] = needed | kept;
        for (NodeId node = start; node <= y;) {
            Entry* entry = record.nodes[node];
            if (!entry) {
                ++node;
                continue;
            }
            bool reached = found && entry->is_source && (entry->scopes & own);
            const NodeId* inputs = entry->input_nodes();
            for (std::uint32_t i = 0; i < entry->inputs && !reached; ++i)
                if (inputs[i] != no_node)
                    reached = inputs[i] >= start ? marks[inputs[i] - start] & needed : outer_slot(inputs[i]) != nullptr;
            for (std::uint32_t k = 0; k < entry->outputs; ++k, ++node)
                if (reached) marks[node - start] |= needed;
        }
    }

    Scratch<Tensor> slots(record.spare_slots, count);
    slots[y - start] = std::move(cotangent);
    const auto is_kept = [&](NodeId node) { return marking && (marks[node - start] & kept); };
    const auto slot_of = [&](NodeId node) -> Tensor* {
        if (node < start) return outer_slot(node);
        return marking && !(marks[node - start] & needed) ? nullptr : &slots[node - start];
    };
    struct Nodes final : BlockNodes {
        decltype(slot_of)& find;
        decltype(is_kept)& keeps;
        Nodes(decltype(slot_of)& f, decltype(is_kept)& k) : find(f), keeps(k) {}
        Tensor* slot(NodeId node) override { return find(node); }
        bool kept(NodeId node) const override { return keeps(node); }
    } block_nodes(slot_of, is_kept);
    std::vector<Tensor> several;
    constexpr std::size_t usual = 8;
    Tensor few[usual];
    std::vector<Tensor> many;

    for (NodeId node = y + 1; node-- > start;) {
        Entry* entry = record.nodes[node];
        if (!entry) continue;
        const NodeId first = node = entry->first_node;
        const NodeId end = std::min(first + entry->outputs, y + 1);  // y may be the first of several outputs
        bool reached = slots[first - start].defined();
        for (NodeId k = first + 1; k < end; ++k) reached = reached || slots[k - start].defined();
        if (!reached) {
            if (consume && !(entry->scopes & needed_below)) entry->release();
            continue;
        }
        if (entry->outputs == 1 && slots[first - start].defined() && entry->behaviour && entry->behaviour->block &&
            entry->shape->size() >= least_block_elements)
            if (const NodeId lowest = pull_in_blocks(record, first, start, block_nodes); lowest != no_node) {
                for (node = first + 1; node-- > lowest;)
                    if (consume && record.nodes[node] && !(record.nodes[node]->scopes & needed_below)) record.nodes[node]->release();
                node = lowest;
                continue;
            }
        if (entry->is_source && found && (entry->scopes & own))
            found->emplace_back(entry->source(), whole(slots[first - start], *entry->shape));

        // Which inputs lie between y and a source.
        const NodeId* inputs = entry->input_nodes();
        std::uint64_t bits = 0;
        bool wanted = false;
        for (std::uint32_t i = 0; i < entry->inputs; ++i) {
            const NodeId in = inputs[i];
            if (in == no_node) continue;
            if (marking && (in < start ? !outer_slot(in) : !(marks[in - start] & needed))) continue;
            wanted = true;
            if (i < 64) bits |= std::uint64_t{1} << i;  // beyond, Needs says yes to all
        }
        if (wanted && entry->behaviour) {
            const Cotangents kind = entry->behaviour->cotangents;
            Tensor* cotangents = &slots[first - start];
            Tensor copy;
            if (entry->outputs > 1) {
                several.clear();
                for (NodeId k = first; k < first + entry->outputs; ++k)
                    several.push_back(k < end && slots[k - start].defined() ? whole(slots[k - start], entry->shape_of(k))
                                                                            : zeros(entry->shape_of(k), entry->dtype));
                cotangents = several.data();
            } else if (is_kept(first)) {
                copy = *cotangents;
                cotangents = &copy;
            }
            if (kind < Cotangents::thin && entry->outputs == 1 && !(cotangents->shape() == *entry->shape))
                *cotangents = broadcast_to(*cotangents, *entry->shape);
            Tensor* parts = few;
            if (entry->inputs > usual) {
                many.assign(entry->inputs, Tensor());
                parts = many.data();
            }
            const Needs needs(bits);
            entry->behaviour->pull(entry->closure(), *entry, cotangents, needs, parts);
            for (std::uint32_t i = 0; i < entry->inputs; ++i) {
                if (!parts[i].defined()) continue;
                const NodeId in = inputs[i];
                if (in == no_node || !needs[i] ||
                    (i >= 64 && marking && in >= start && !(marks[in - start] & needed))) {  // more than was asked for
                    parts[i] = Tensor();
                    continue;
                }
                Tensor* slot = in < start ? outer_slot(in) : &slots[in - start];
                if (!slot) {
                    parts[i] = Tensor();
                    continue;
                }
                Entry& source = *record.nodes[in];
                const Shape& shape = source.shape_of(in);
                if (kind == Cotangents::elementwise && !(shape == *entry->shape)) {
                    // Even when the shapes agree: a thin part may stand for several equal ones.
                    parts[i] = sum_thin_to(std::move(parts[i]), *entry->shape, shape);
                } else if (parts[i].dtype() != source.dtype || !(parts[i].shape() == shape)) {
                    if (kind == Cotangents::whole || !is_thin(parts[i], shape)) {
                        check_part(parts[i], *entry, i, shape, source.dtype);
                        parts[i] = sum_to(parts[i], shape);
                    }
                }
                if (slot->defined()) accumulate(*slot, std::move(parts[i]));
                else std::swap(*slot, parts[i]);
                parts[i] = Tensor();  // a handle left here would keep the buffer from being reused
            }
        }
        if (!is_kept(first)) slots[first - start] = Tensor();
        for (NodeId k = first + 1; k < end; ++k)
            if (!is_kept(k)) slots[k - start] = Tensor();
        if (consume && !(entry->scopes & needed_below)) entry->release();
    }

    for (SweepSource& s : sources) {
        s.gradient = s.node < start ? *outer_slot(s.node) : s.node <= y ? slots[s.node - start] : Tensor();
        if (s.gradient.defined()) s.gradient = whole(std::move(s.gradient), record.nodes[s.node]->shape_of(s.node));
    }
    if (found)
        for (SweepSource& s : outer)
            if (s.gradient.defined())
                found->emplace_back(record.nodes[s.node]->source(), whole(std::move(s.gradient), *record.nodes[s.node]->shape));
}

}  // namespace detail

namespace {

Tensor starting_cotangent(const Tensor& y, const GradientOptions& options, Location where) {
    if (!options.cotangent.defined()) {
        check<ShapeError>(y.size() == 1, where, [&] {
            return "Tape::gradient: y must have one element, or a cotangent of its shape be given, got " + to_string(y.shape());
        });
        return full(y.shape(), 1, y.dtype());
    }
    check<ShapeError>(options.cotangent.shape() == y.shape(), where, [&] {
        return "Tape::gradient: the cotangent must have y's shape " + to_string(y.shape()) + ", got " +
               to_string(options.cotangent.shape());
    });
    check<DTypeError>(options.cotangent.dtype() == y.dtype(), where, [&] {
        return std::string("Tape::gradient: the cotangent must have y's dtype ") + name_of(y.dtype()) + ", got " +
               name_of(options.cotangent.dtype());
    });
    return options.cotangent;
}

}  // namespace

void Tape::gradients_of(const Tensor& y, std::vector<std::pair<std::uint64_t, Tensor>>* found, Tensor* sources, std::size_t count,
                        const GradientOptions& options, Location where) {
    check<TapeError>(thread_ == std::this_thread::get_id(), where, [] {
        return std::string("Tape::gradient: a tape must be used by the thread that opened it, got a call from another thread");
    });
    check<TapeError>(!used_, where, [] {
        return std::string(
            "Tape::gradient: a tape gives one gradient, got a second call; make it persistent: Tape tape({.persistent = true})");
    });
    check<DTypeError>(is_floating(y.dtype()), where,
                      [&] { return std::string("Tape::gradient: y must be f32 or f64, got ") + name_of(y.dtype()); });
    Tensor cotangent = starting_cotangent(y, options, where);

    detail::Record& r = *record_;
    const std::uint32_t own = detail::Record::bit(depth_), active = r.active;
    const detail::NodeId start = r.scopes[static_cast<std::size_t>(depth_)].start;
    struct Finish {  // also when a pullback throws
        detail::Record& record;
        std::uint32_t active;
        ~Finish() { record.set_active(active); }
    } finish{r, active};
    // Look up nodes as this tape sees them, whatever else is paused.
    r.set_active(active | own);
    const detail::NodeId node = r.node_of(y);
    std::vector<detail::SweepSource> wanted;
    for (std::size_t i = 0; i < count; ++i) {
        detail::NodeId source = r.node_of(sources[i]);
        if (source == detail::no_node && depth_ > 0) {  // recorded by an outer tape that is paused just now
            r.set_active(~0u);
            source = r.node_of(sources[i]);
            r.set_active(active | own);
        }
        wanted.push_back({source, {}});
    }
    if (!options_.persistent) {
        used_ = true;
        r.scopes[static_cast<std::size_t>(depth_)].finished = true;
        finish.active = active & ~own;
    }
    const auto result_for = [&](std::size_t i, Tensor&& gradient) {
        if (gradient.defined()) sources[i] = std::move(gradient);
        else sources[i] = options.unconnected.gives_zeros() ? zeros(sources[i].shape(), sources[i].dtype()) : Tensor();
    };
    r.set_active(active & r.open_below(depth_));  // only outer tapes see the gradient being computed
    const bool recorded = node != detail::no_node && node >= start;
    if (found && recorded) {
        detail::sweep(r, depth_, node, std::move(cotangent), {}, found, !options_.persistent);
        std::sort(found->begin(), found->end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    }
    if (!found) {
        std::vector<detail::SweepSource> distinct;
        const auto position = [&](detail::NodeId n) {
            return std::find_if(distinct.begin(), distinct.end(), [&](const auto& s) { return s.node == n; });
        };
        for (const auto& s : wanted)
            if (s.node != detail::no_node && position(s.node) == distinct.end()) distinct.push_back(s);
        if (recorded) detail::sweep(r, depth_, node, std::move(cotangent), distinct, nullptr, !options_.persistent);
        else if (node != detail::no_node)  // y is older than this tape: it depends on nothing recorded here but itself
            if (const auto self = position(node); self != distinct.end()) self->gradient = cotangent;
        for (std::size_t i = 0; i < count; ++i) {
            const auto s = position(wanted[i].node);
            result_for(i, s != distinct.end() ? Tensor(s->gradient) : Tensor());
        }
    }
}

Gradients Tape::gradient(const Tensor& y, const GradientOptions& options, Location where) {
    Gradients gradients;
    gradients_of(y, &gradients.found_, nullptr, 0, options, where);
    return gradients;
}

Tensor Tape::gradient(const Tensor& y, const Tensor& x, const GradientOptions& options, Location where) {
    Tensor source = x;
    gradients_of(y, nullptr, &source, 1, options, where);
    return source;
}

std::vector<Tensor> Tape::gradient(const Tensor& y, const std::vector<Tensor>& xs, const GradientOptions& options, Location where) {
    std::vector<Tensor> sources = xs;
    gradients_of(y, nullptr, sources.data(), sources.size(), options, where);
    return sources;
}

}  // namespace xgrad
