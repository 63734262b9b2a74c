#include "transforms.hpp"

#include <algorithm>
#include <string>

#include "ops/elementwise.hpp"
#include "ops/reduce.hpp"
#include "ops/shape.hpp"
#include "record.hpp"

namespace xgrad::detail {
namespace {

void check_like(const char* name, const char* what, const Tensor& direction, const Tensor& of) {
    check<ShapeError>(direction.shape() == of.shape(), {}, [&] {
        return std::string(name) + ": " + what + " must have shape " + to_string(of.shape()) + ", got " + to_string(direction.shape());
    });
    check<DTypeError>(direction.dtype() == of.dtype(), {}, [&] {
        return std::string(name) + ": " + what + " must be " + name_of(of.dtype()) + ", got " + name_of(direction.dtype());
    });
}

/// 1 at element i, 0 elsewhere.
Tensor unit(const Tensor& like, std::int64_t i) {
    Tensor u = zeros_like(like);
    if (like.dtype() == DType::f32) static_cast<float*>(TensorAccess::data(u))[i] = 1;
    else static_cast<double*>(TensorAccess::data(u))[i] = 1;
    return u;
}

Shape joined(const Shape& a, const Shape& b) {
    Shape shape = a;
    for (const std::int64_t n : b) shape.push_back(n);
    return shape;
}

}  // namespace

Tensor vjp(FunctionRef f, const Tensor& x, const Tensor& u) {
    Tape tape({.watch_parameters = false});
    const Tensor watched = tape.watch(x);
    const Tensor y = f({&watched, 1});
    check_like("vjp", "the cotangent", u, y);
    return tape.gradient(y, watched, {.cotangent = u, .unconnected = Unconnected::zeros});
}

Tensor jvp(FunctionRef f, const Tensor& x, const Tensor& v) {
    check_like("jvp", "the direction", v, x);
    Tape outer({.watch_parameters = false});
    Tensor u, pulled;  // pulled = Jᵀ·u, a linear function of u whose transpose is J
    {
        Tape inner({.watch_parameters = false});
        const Tensor watched = inner.watch(x);
        const Tensor y = f({&watched, 1});
        u = outer.watch(zeros_like(y));
        pulled = inner.gradient(y, watched, {.cotangent = u, .unconnected = Unconnected::zeros});
    }
    return outer.gradient(pulled, u, {.cotangent = v, .unconnected = Unconnected::zeros});
}

Tensor jacobian(FunctionRef f, const Tensor& x) {
    const auto assemble = [](const std::vector<Tensor>& slices, const Shape& each, const Shape& result, bool columns) {
        if (slices.empty()) return Tensor();
        Tensor all = reshape(stack(slices), {static_cast<std::int64_t>(slices.size()), each.size()});
        return reshape(columns ? transpose(all) : all, result);
    };
    Tape outer({.persistent = true, .watch_parameters = false});
    Tensor u, pulled, y;
    std::vector<Tensor> slices;
    {
        Tape inner({.persistent = true, .watch_parameters = false});
        const Tensor watched = inner.watch(x);
        y = f({&watched, 1});
        if (y.size() == 0 || x.size() == 0) return zeros(joined(y.shape(), x.shape()), x.dtype());
        if (y.size() <= x.size()) {
            for (std::int64_t i = 0; i < y.size(); ++i)
                slices.push_back(inner.gradient(y, watched, {.cotangent = unit(y, i), .unconnected = Unconnected::zeros}));
            return assemble(slices, x.shape(), joined(y.shape(), x.shape()), false);
        }
        u = outer.watch(zeros_like(y));
        pulled = inner.gradient(y, watched, {.cotangent = u, .unconnected = Unconnected::zeros});
    }
    for (std::int64_t i = 0; i < x.size(); ++i)
        slices.push_back(outer.gradient(pulled, u, {.cotangent = unit(x, i), .unconnected = Unconnected::zeros}));
    return assemble(slices, y.shape(), joined(y.shape(), x.shape()), true);
}

namespace {
Tensor gradient_of(FunctionRef f, const Tensor& x) {
    Tape tape({.watch_parameters = false});
    const Tensor watched = tape.watch(x);
    return tape.gradient(f({&watched, 1}), watched, {.unconnected = Unconnected::zeros});
}
}  // namespace

Tensor hessian(FunctionRef f, const Tensor& x) {
    const auto gradient = [&f](const Tensor& at) { return gradient_of(f, at); };
    return jacobian(gradient, x);
}

Tensor hvp(FunctionRef f, const Tensor& x, const Tensor& v) {
    check_like("hvp", "the direction", v, x);
    Tape tape({.watch_parameters = false});
    const Tensor watched = tape.watch(x);
    return tape.gradient(gradient_of(f, watched), watched, {.cotangent = v, .unconnected = Unconnected::zeros});
}

// --- checkpoint -----------------------------------------------------------------------------------------------------

namespace {

/// While one lives, whatever the tapes of `from` watch is an input of the tape opened last as soon as it is used. What an enclosing
/// adoption takes is taken too: an input of the outer checkpoint may be used by the inner one alone.
class Adoption {
public:
    explicit Adoption(Record& record, std::uint32_t from)
        : record_(record), outer_(record.adopt), outer_depth_(record.adopt_depth), first_(record.adopted.size()) {
        record.adopt = outer_ | from;
        record.adopt_depth = static_cast<int>(record.scopes.size()) - 1;
    }
    ~Adoption() {
        take();
        record_.adopt = outer_;
        record_.adopt_depth = outer_depth_;
    }
    /// The nodes that were used, each once; they leave the tape again.
    std::vector<NodeId> take() {
        std::vector<NodeId> nodes(record_.adopted.begin() + static_cast<std::ptrdiff_t>(first_), record_.adopted.end());
        record_.adopted.resize(first_);
        std::sort(nodes.begin(), nodes.end());
        nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
        for (const NodeId node : nodes) record_.nodes[node]->scopes &= ~Record::bit(record_.adopt_depth);
        return nodes;
    }

private:
    Record& record_;
    std::uint32_t outer_;
    int outer_depth_;
    std::size_t first_;
};

struct CheckpointEntry {
    FunctionRef f;
    std::shared_ptr<const void> owner;
    std::vector<Tensor> xs;
    std::vector<NodeId> used;

    static void pull(void* closure, Entry& entry, Tensor* cotangents, Needs, Tensor* parts) {
        const auto& self = *static_cast<CheckpointEntry*>(closure);
        const std::uint64_t serial = Origin::serial(TensorAccess::origin(self.xs.back()));
        Tape tape({.watch_parameters = false});
        Tensor y;
        {
            const Adoption adoption(*recording, ~0u);
            y = self.f(std::span(self.xs).first(self.xs.size() - 1));
        }
        std::vector<Tensor> sources;
        for (const NodeId node : self.used) {
            Tensor source = self.xs.back();
            TensorAccess::set_origin(source, Origin::node(serial, node));
            sources.push_back(std::move(source));
        }
        const std::vector<Tensor> gradients = tape.gradient(y, sources, {.cotangent = *cotangents}, entry.where());
        std::move(const_cast<Tensor*>(gradients.data()), const_cast<Tensor*>(gradients.data()) + gradients.size(), parts);
    }
    static void destroy(void* closure) noexcept { static_cast<CheckpointEntry*>(closure)->~CheckpointEntry(); }
    static constexpr Behaviour behaviour{&pull, nullptr, &destroy};
};

}  // namespace

Tensor checkpoint(FunctionRef f, std::shared_ptr<const void> owner, std::span<const Tensor> xs) {
    if (!recording) return f(xs);
    Record& record = *recording;
    const std::uint32_t active = record.active;
    Tensor y;
    std::vector<NodeId> used;
    {
        Pause pause;  // the outer tapes see one entry, not what happens inside
        Tape tape({.watch_parameters = false});
        Adoption adoption(record, active);
        y = stop_gradient(f(xs));
        used = adoption.take();
    }
    std::uint32_t scopes = 0;
    for (const NodeId node : used) {
        if (!(record.nodes[node]->scopes & active)) record.adopt_node(node);  // by the enclosing checkpoint
        scopes |= record.nodes[node]->scopes & active;
    }
    if (!scopes) return y;
    Entry* entry = record.append("checkpoint", used, {&y, 1}, scopes, sizeof(CheckpointEntry), {});
    std::vector<Tensor> kept(xs.begin(), xs.end());
    kept.push_back(scalar(0.0, DType::f32));  // carries the record's serial number
    TensorAccess::set_origin(kept.back(), Origin::node(record.serial, entry->first_node));
    ::new (entry->closure()) CheckpointEntry{f, std::move(owner), std::move(kept), std::move(used)};
    entry->behaviour = &CheckpointEntry::behaviour;
    return y;
}

}  // namespace xgrad::detail
