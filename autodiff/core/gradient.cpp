#include <algorithm>
#include <string>

#include "detail/record.hpp"

// The parts of Tape::gradient around the sweep, common to all overloads.

namespace xgrad {
namespace {

using detail::NodeGradient;
using detail::NodeId;

Tensor cotangent_of(const Tensor& y, const Tensor& given, Location where) {
    check<DTypeError>(is_floating(y.dtype()), where,
                      [&] { return std::string("Tape::gradient: y must be f32 or f64, got ") + name_of(y.dtype()); });
    if (!given.defined()) {
        check<ShapeError>(y.size() == 1, where, [&] {
            return "Tape::gradient: y must have one element, or a cotangent of its shape be given, got " +
                   to_string(y.shape());
        });
        return full(y.shape(), 1, y.dtype());
    }
    check<ShapeError>(given.shape() == y.shape(), where, [&] {
        return "Tape::gradient: the cotangent must have y's shape " + to_string(y.shape()) + ", got " +
               to_string(given.shape());
    });
    check<DTypeError>(given.dtype() == y.dtype(), where, [&] {
        return std::string("Tape::gradient: the cotangent must have y's dtype ") + name_of(y.dtype()) + ", got " +
               name_of(given.dtype());
    });
    return given;
}

/// One cotangent for each result; an empty tensor means 1.
std::span<const Tensor> cotangents_of(std::span<const Tensor> ys, const GradientOptions& options, Location where) {
    check<ValueError>(!ys.empty(), where,
                      [] { return std::string("Tape::gradient: there must be a result to differentiate, got none"); });
    const bool one = options.cotangent.defined();
    const std::size_t given = options.cotangents.size() + (one ? 1 : 0);
    check<ValueError>(given == 0 || (given == ys.size() && !(one && !options.cotangents.empty())), where, [&] {
        return "Tape::gradient: one cotangent for each result is needed, got " + std::to_string(given) + " for " +
               std::to_string(ys.size());
    });
    if (one) return {&options.cotangent, 1};
    return options.cotangents;
}

/// Exists while a tape computes a gradient.
class Taking {
public:
    Taking(detail::Record& record, int depth, bool persistent)
        : record_(record), depth_(depth), persistent_(persistent), active_(record.active), after_(active_) {}
    Taking(const Taking&) = delete;
    Taking& operator=(const Taking&) = delete;
    ~Taking() { record_.set_active(after_); }  // also when a pullback throws

    /// The recorded results with their cotangents. `must_be_recorded`: this tape must have recorded all of them.
    std::vector<NodeGradient> roots(std::span<const Tensor> ys, const GradientOptions& options, bool must_be_recorded,
                                    Location where) {
        const std::span<const Tensor> cotangents = cotangents_of(ys, options, where);
        std::vector<NodeGradient> roots;
        roots.reserve(ys.size());
        for (std::size_t j = 0; j < ys.size(); ++j) {
            NodeGradient root{node_of_result(ys[j], must_be_recorded),
                              cotangent_of(ys[j], cotangents.empty() ? Tensor() : cotangents[j], where)};
            check<TapeError>(!must_be_recorded || root.node != detail::no_node, where, [&] {
                return "Tape::gradient: y must be recorded by this tape, got one that " + why_not(ys[j]);
            });
            if (root.node != detail::no_node) roots.push_back(std::move(root));
        }
        return roots;
    }
    void sweep(std::span<NodeGradient> roots, std::span<NodeGradient> sources, bool all) {
        if (!persistent_) {
            record_.at(depth_).finished = true;
            ++record_.changes;
            after_ = active_ & ~own();
        }
        record_.set_active(active_ &
                           record_.unfinished_below(depth_));  // only outer tapes see the gradient being computed
        if (!roots.empty()) detail::sweep(record_, depth_, roots, sources, all, !persistent_);
    }

private:
    /// The node of y on this tape. The tape captures y if it is older or a parameter, provided that this tape
    /// (`own_only`) or any tape watches it.
    NodeId node_of_result(const Tensor& y, bool own_only) {
        if (const NodeId node = record_.node_on(depth_, detail::TensorAccess::origin(y)); node != detail::no_node)
            return !own_only || !record_.nodes[node]->is_source || (record_.nodes[node]->tapes & own())
                       ? node
                       : detail::no_node;
        record_.set_active(own_only ? own() : active_ | own());  // even if this tape is paused
        const NodeId node = record_.node_of(y);
        record_.set_active(active_);
        return node;
    }
    std::string why_not(const Tensor& y) const {
        std::string why = detail::why_not_recorded(record_, y);
        return why.empty() ? "was recorded before this tape was opened; name the source: tape.gradient(y, x)" : why;
    }
    detail::TapeMask own() const { return detail::Record::bit(depth_); }

    detail::Record& record_;
    const int depth_;
    const bool persistent_;
    const detail::TapeMask active_;
    detail::TapeMask after_;
};

}  // namespace

detail::Record& Tape::begin_gradient(Location where) const {
    detail::Record& record = detail::TapeAccess::record(*this, "Tape::gradient", where);
    check<TapeError>(!used_, where, [] {
        return std::string(
            "Tape::gradient: a tape gives one gradient, got a second call; make it persistent: Tape tape({.persistent "
            "= true})");
    });
    return record;
}

Gradients Tape::gradients_of(std::span<const Tensor> ys, const GradientOptions& options, Location where) {
    detail::Record& record = begin_gradient(where);
    Taking taking(record, depth_, options_.persistent);
    std::vector<NodeGradient> roots = taking.roots(ys, options, !options.unconnected, where), sources;
    const auto first = std::lower_bound(record.sources.begin(), record.sources.end(), record.at(depth_).start);
    sources.reserve(static_cast<std::size_t>(record.sources.end() - first));
    for (auto node = first; node != record.sources.end(); ++node)
        if (record.is_source_of(depth_, *record.nodes[*node])) sources.push_back({*node, {}});
    used_ = !options_.persistent;
    taking.sweep(roots, sources, true);
    Gradients gradients;
    gradients.found_.reserve(sources.size());
    for (NodeGradient& source : sources)
        if (source.gradient.defined())
            gradients.found_.emplace_back(record.nodes[source.node]->source(), std::move(source.gradient));
    std::sort(gradients.found_.begin(), gradients.found_.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    return gradients;
}

Tensors Tape::gradients_of(std::span<const Tensor> ys, std::span<const Tensor> xs, const GradientOptions& options,
                           Location where) {
    detail::Record& record = begin_gradient(where);
    Taking taking(record, depth_, options_.persistent);
    std::vector<NodeGradient> roots = taking.roots(ys, options, false, where);
    std::vector<NodeId> nodes;
    std::vector<NodeGradient> sources;  // distinct, sorted by node
    nodes.reserve(xs.size());
    sources.reserve(xs.size());
    for (const Tensor& x : xs) nodes.push_back(record.node_on(depth_, detail::TensorAccess::origin(x)));
    for (const NodeId node : nodes)
        if (node != detail::no_node) sources.push_back({node, {}});
    const auto before = [](const NodeGradient& a, const NodeGradient& b) { return a.node < b.node; };
    std::sort(sources.begin(), sources.end(), before);
    sources.erase(
        std::unique(sources.begin(), sources.end(), [](const auto& a, const auto& b) { return a.node == b.node; }),
        sources.end());
    used_ = !options_.persistent;
    const bool all = depth_ == 0 && sources.size() == record.sources.size() &&
                     std::all_of(sources.begin(), sources.end(),
                                 [&](const NodeGradient& s) { return record.nodes[s.node]->is_source; });
    taking.sweep(roots, sources, all);
    Tensors gradients;
    for (std::size_t i = 0; i < xs.size(); ++i) {
        const auto source = std::lower_bound(sources.begin(), sources.end(), NodeGradient{nodes[i], {}}, before);
        if (source != sources.end() && source->node == nodes[i] && source->gradient.defined())
            gradients.push_back(source->gradient);
        else if (options.unconnected == Unconnected::zeros) gradients.push_back(zeros(xs[i].shape(), xs[i].dtype()));
        else gradients.emplace_back();
    }
    return gradients;
}

Gradients Tape::gradient(const Tensor& y, const GradientOptions& options, Location where) {
    return gradients_of({&y, 1}, options, where);
}
Tensor Tape::gradient(const Tensor& y, const Tensor& x, const GradientOptions& options, Location where) {
    return std::move(gradients_of({&y, 1}, {&x, 1}, options, where)[0]);
}
Tensors Tape::gradient(const Tensor& y, const TensorList& xs, const GradientOptions& options, Location where) {
    return gradients_of({&y, 1}, xs.span(), options, where);
}
Gradients Tape::gradient(const TensorList& ys, const GradientOptions& options, Location where) {
    return gradients_of(ys.span(), options, where);
}
Tensor Tape::gradient(const TensorList& ys, const Tensor& x, const GradientOptions& options, Location where) {
    return std::move(gradients_of(ys.span(), {&x, 1}, options, where)[0]);
}
Tensors Tape::gradient(const TensorList& ys, const TensorList& xs, const GradientOptions& options, Location where) {
    return gradients_of(ys.span(), xs.span(), options, where);
}

}  // namespace xgrad
