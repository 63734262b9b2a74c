#include "transforms.hpp"

#include <algorithm>
#include <bit>
#include <string>

#include "autodiff/core/apply.hpp"
#include "autodiff/core/detail/capture.hpp"
#include "autodiff/core/detail/record.hpp"
#include "autodiff/core/precision.hpp"
#include "autodiff/ops/elementwise/elementwise.hpp"
#include "autodiff/ops/random/random.hpp"
#include "autodiff/ops/reduce/reduce.hpp"
#include "autodiff/ops/shape/shape.hpp"

namespace xgrad::detail {
namespace {

void check_like(const char* name, const char* what, const Tensor& direction, const Tensor& of, Location where) {
    check<ShapeError>(direction.shape() == of.shape(), where, [&] {
        return std::string(name) + ": " + what + " must have shape " + to_string(of.shape()) + ", got " +
               to_string(direction.shape());
    });
    check<DTypeError>(direction.dtype() == of.dtype(), where, [&] {
        return std::string(name) + ": " + what + " must be " + name_of(of.dtype()) + ", got " +
               name_of(direction.dtype());
    });
}

void check_directions(const char* name, std::span<const Tensor> vs, std::span<const Tensor> xs, Location where) {
    check<ValueError>(!xs.empty(), where, [&] { return std::string(name) + ": there must be an argument, got none"; });
    check<ValueError>(vs.size() == xs.size(), where, [&] {
        return std::string(name) + ": one direction for each argument is needed, got " + std::to_string(vs.size()) +
               " for " + std::to_string(xs.size());
    });
    for (std::size_t i = 0; i < xs.size(); ++i) check_like(name, "the direction", vs[i], xs[i], where);
}

Tensors watch_all(Tape& tape, std::span<const Tensor> xs, Location where) {
    Tensors watched;
    for (const Tensor& x : xs) watched.push_back(tape.watch(x, where));
    return watched;
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

Tensors vjp(FunctionRef f, std::span<const Tensor> xs, const Tensor& u, Location where) {
    Tape tape({.watch_parameters = false});
    const Tensors watched = watch_all(tape, xs, where);
    const Tensor y = f(watched);
    check_like("vjp", "the cotangent", u, y, where);
    return tape.gradient(y, watched, {.cotangent = u, .unconnected = Unconnected::zeros}, where);
}

Tensor jvp(FunctionRef f, std::span<const Tensor> xs, std::span<const Tensor> vs, Location where) {
    check_directions("jvp", vs, xs, where);
    Tape outer({.watch_parameters = false});
    Tape inner({.watch_parameters = false});
    const Tensors watched = watch_all(inner, xs, where);
    const Tensor y = f(watched);
    const Tensor u = outer.watch(zeros_like(y));
    // sum_i v_i * (J_iᵀ·u), a linear function of u whose gradient is sum_i J_i·v_i
    const Tensors pulled = inner.gradient(y, watched, {.cotangent = u, .unconnected = Unconnected::zeros}, where);
    return outer.gradient(pulled, u, {.cotangents = {vs.begin(), vs.end()}, .unconnected = Unconnected::zeros}, where);
}

namespace {

/// Rows or columns of a Jacobian, one for each element of `like`, as one tensor.
template <class Slice>
Tensor assemble(const Tensor& like, std::int64_t each, const Slice& slice) {
    std::vector<Tensor> slices;
    slices.reserve(static_cast<std::size_t>(like.size()));
    for (std::int64_t i = 0; i < like.size(); ++i) slices.push_back(reshape(slice(i), {each}));
    return stack(slices);  // (like's size, each)
}

}  // namespace

Tensors jacobian(FunctionRef f, std::span<const Tensor> xs, Location where) {
    Tape outer({.persistent = true, .watch_parameters = false});
    Tensor u, y;
    Tensors pulled;
    Tensors result(xs.size());
    std::int64_t columns = 0;
    for (const Tensor& x : xs) columns += x.size();
    {
        Tape inner({.persistent = true, .watch_parameters = false});
        const Tensors watched = watch_all(inner, xs, where);
        y = f(watched);
        if (y.size() == 0 || columns == 0) {
            for (std::size_t k = 0; k < xs.size(); ++k)
                result[k] = zeros(joined(y.shape(), xs[k].shape()), xs[k].dtype());
            return result;
        }
        if (y.size() <= columns) {
            std::vector<Tensors> rows(xs.size());
            for (std::int64_t i = 0; i < y.size(); ++i) {
                Tensors row =
                    inner.gradient(y, watched, {.cotangent = unit(y, i), .unconnected = Unconnected::zeros}, where);
                for (std::size_t k = 0; k < xs.size(); ++k) rows[k].push_back(std::move(row[k]));
            }
            for (std::size_t k = 0; k < xs.size(); ++k)
                result[k] = reshape(stack(rows[k]), joined(y.shape(), xs[k].shape()));
            return result;
        }
        u = outer.watch(zeros_like(y));
        pulled = inner.gradient(y, watched, {.cotangent = u, .unconnected = Unconnected::zeros}, where);
    }
    for (std::size_t k = 0; k < xs.size(); ++k) {
        const auto column = [&](std::int64_t i) {
            return outer.gradient(pulled[k], u, {.cotangent = unit(xs[k], i), .unconnected = Unconnected::zeros},
                                  where);
        };
        const Shape shape = joined(y.shape(), xs[k].shape());
        result[k] =
            xs[k].size() == 0 ? zeros(shape, y.dtype()) : reshape(transpose(assemble(xs[k], y.size(), column)), shape);
    }
    return result;
}

namespace {
Tensors gradients_of(FunctionRef f, std::span<const Tensor> xs, Location where) {
    Tape tape({.watch_parameters = false});
    const Tensors watched = watch_all(tape, xs, where);
    return tape.gradient(f(watched), watched, {.unconnected = Unconnected::zeros}, where);
}
}  // namespace

std::vector<Tensors> hessian(FunctionRef f, std::span<const Tensor> xs, Location where) {
    std::vector<Tensors> blocks;
    for (std::size_t i = 0; i < xs.size(); ++i) {
        const auto gradient = [&f, i, where](std::span<const Tensor> at) { return gradients_of(f, at, where)[i]; };
        blocks.push_back(jacobian(gradient, xs, where));
    }
    return blocks;
}

Tensors hvp(FunctionRef f, std::span<const Tensor> xs, std::span<const Tensor> vs, Location where) {
    check_directions("hvp", vs, xs, where);
    Tape tape({.watch_parameters = false});
    const Tensors watched = watch_all(tape, xs, where);
    const Tensors gradients = gradients_of(f, watched, where);
    return tape.gradient(gradients, watched, {.cotangents = {vs.begin(), vs.end()}, .unconnected = Unconnected::zeros},
                         where);
}

// --- vmap ------------------------------------------------------------------------------------------------------------

Tensors vmap(FunctionsRef f, std::span<const Tensor> xs) {
    check<ValueError>(!xs.empty(), {},
                      [] { return std::string("vmap: there must be an argument to map over, got none"); });
    std::vector<Tensors> slices;  // of each argument: one operation splits it, and one joins them in the pullback
    for (const Tensor& x : xs) {
        check<ShapeError>(x.ndim() > 0 && x.shape(0) == xs[0].shape(0) && x.shape(0) > 0, {}, [&] {
            return "vmap: the arguments must have one leading size, at least 1, got " + to_string(xs[0].shape()) +
                   " and " + to_string(x.shape());
        });
        slices.push_back(unbind(x));
    }
    std::vector<Tensors> results;
    Tensors arguments(xs.size());
    for (std::size_t i = 0; i < slices[0].size(); ++i) {
        for (std::size_t k = 0; k < xs.size(); ++k) arguments[k] = slices[k][i];
        Tensors ys = f(arguments);
        if (i == 0) results.resize(ys.size());
        check<ValueError>(ys.size() == results.size(), {}, [&] {
            return "vmap: f must return as many tensors for each slice, got " + std::to_string(results.size()) +
                   " and " + std::to_string(ys.size());
        });
        for (std::size_t j = 0; j < ys.size(); ++j) results[j].push_back(std::move(ys[j]));
    }
    Tensors stacked;
    for (const Tensors& each : results) stacked.push_back(stack(each));
    return stacked;
}

// --- functions recorded as one entry
// ------------------------------------------------------------------------------------

namespace {

/// Precedes the entries that use the owner, so that a sweep, which runs backwards, releases it after them.
struct KeptOwner {
    static void pull(void*, Pull&) {}
    static void destroy(void* closure) noexcept { static_cast<std::shared_ptr<const void>*>(closure)->~shared_ptr(); }
    static constexpr Kind kind{&pull, &destroy};
};

struct Checkpoint {
    static constexpr const char* name = "checkpoint";
    static constexpr bool runs_once = true;  // the function has already run and holds its own inputs
    FunctionsRef f;
    std::shared_ptr<const void> owner;
    Tensors xs, used;
    mutable std::vector<Generator::Draw> draws;
    mutable Tensors values;
    Precision precision = current_precision();

    Tensors value(std::span<const Tensor>) const { return std::move(values); }
    Tensors pullback(std::span<const Tensor> g, const Saved&) const {
        return vjp_of_captures(used, g, {}, [&] {
            const DrawLog log(draws, true);
            const Autocast as_forward(precision);
            return f(xs);
        });
    }
};

}  // namespace

void keep_for_tapes(std::shared_ptr<const void> owner) {
    if (!recording || !recording->active) return;
    Tensor mark = scalar(0.0, DType::f32);  // an entry needs a result
    Entry* entry = recording->append("keep", {}, {&mark, 1}, recording->active, sizeof(owner), {});
    ::new (entry->closure()) std::shared_ptr<const void>(std::move(owner));
    entry->kind = &KeptOwner::kind;
}

bool recorded_by_innermost(const Tensor& y) {
    if (!recording) return false;
    const NodeId node = recording->node_of(y);
    return node != no_node && (recording->nodes[node]->tapes & std::bit_floor(recording->active));
}

Tensors checkpoint(FunctionsRef f, std::shared_ptr<const void> owner, std::span<const Tensor> xs) {
    if (!recording || !recording->active) return f(xs);
    Checkpoint operation{f, std::move(owner), {xs.begin(), xs.end()}, {}, {}, {}};
    operation.values = run_unrecorded(operation.used, [&] {
        const DrawLog log(operation.draws, false);
        return f(xs);
    });
    const Tensors used = operation.used;
    return apply(std::move(operation), std::span<const Tensor>(used), Location{});
}

}  // namespace xgrad::detail
