#pragma once

#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "autodiff/core/apply.hpp"
#include "autodiff/core/tape.hpp"

// Function transforms. f is any callable that takes tensors (or one vector of tensors) and returns a Tensor. Transforms
// nest freely.

namespace xgrad {

namespace detail {

template <class F, class... X>
auto value_and_grad_of(F&& f, Location where, const X&... xs) {
    Tape tape({.watch_parameters = false});
    std::vector<Tensor> watched{tape.watch(xs, where)...};
    Tensor y = [&]<std::size_t... I>(std::index_sequence<I...>) {
        return f(std::as_const(watched[I])...);
    }(std::index_sequence_for<X...>{});
    std::vector<Tensor> gradients = tape.gradient(y, watched, {.unconnected = Unconnected::zeros}, where);
    return std::pair{std::move(y), std::move(gradients)};
}

/// A reference to a callable; a plain function has no object address and is stored as a function pointer.
class Callee {
public:
    template <class F>
    explicit Callee(const F& f) {
        if constexpr (std::is_function_v<F>) function_ = reinterpret_cast<void (*)()>(&f);
        else object_ = &f;
    }
    template <class F>
    const F& get() const {
        if constexpr (std::is_function_v<F>) return *reinterpret_cast<F*>(function_);
        else return *static_cast<const F*>(object_);
    }

private:
    union {
        const void* object_;
        void (*function_)();
    };
};

/// A reference to a function of tensors, used by the non-template part of the transforms.
class FunctionRef {
public:
    template <class F>
        requires(!std::is_same_v<std::remove_cvref_t<F>, FunctionRef>)
    FunctionRef(const F& f)
        : callee_(f), call_([](const Callee& callee, std::span<const Tensor> xs) -> Tensor {
              return call(callee.get<F>(), "function", xs);
          }) {}
    Tensor operator()(std::span<const Tensor> xs) const { return call_(callee_, xs); }

private:
    Callee callee_;
    Tensor (*call_)(const Callee&, std::span<const Tensor>);
};

/// The same for a function that returns one tensor or several (a vector, array, tuple or pair of them).
class FunctionsRef {
public:
    template <class F>
        requires(!std::is_same_v<std::remove_cvref_t<F>, FunctionsRef>)
    FunctionsRef(const F& f)
        : callee_(f), call_([](const Callee& callee, std::span<const Tensor> xs) -> Tensors {
              return as_tensors(callee.get<F>()(xs));
          }) {}
    Tensors operator()(std::span<const Tensor> xs) const { return call_(callee_, xs); }

    static Tensors as_tensors(const Tensor& y) { return {y}; }
    static Tensors as_tensors(Tensors ys) { return ys; }
    template <class Results>
    static Tensors as_tensors(const Results& ys) {
        return std::apply([](const auto&... each) { return Tensors{each...}; }, ys);
    }

private:
    Callee callee_;
    Tensors (*call_)(const Callee&, std::span<const Tensor>);
};

/// `ys` converted to R, the function's return type.
template <class R>
R as_result(Tensors ys) {
    if constexpr (std::is_convertible_v<R, Tensor>) return std::move(ys[0]);
    else if constexpr (std::is_same_v<R, Tensors>) return ys;
    else
        return [&]<std::size_t... I>(std::index_sequence<I...>) {
            return R{std::move(ys[I])...};
        }(std::make_index_sequence<std::tuple_size_v<R>>{});
}

/// f with its single argument typed, so that a generic lambda is never instantiated with a vector.
template <class F>
auto unary(const F& f) {
    return [&f](const Tensor& x) -> Tensor { return f(x); };
}

/// A callable that stores a function and returns it: by reference if it is a model passed as an lvalue, else as a copy.
template <class F>
auto held(F&& f) {
    using Function = std::remove_cvref_t<F>;
    if constexpr (std::is_lvalue_reference_v<F> && requires { &Function::xgrad_visit; })
        return [&f]() -> const Function& { return f; };
    else return [f = std::decay_t<F>(std::forward<F>(f))]() -> const auto& { return f; };
}

XGRAD_API Tensors vjp(FunctionRef f, std::span<const Tensor> xs, const Tensor& u, Location where);
XGRAD_API Tensor jvp(FunctionRef f, std::span<const Tensor> xs, std::span<const Tensor> vs, Location where);
XGRAD_API Tensors jacobian(FunctionRef f, std::span<const Tensor> xs, Location where);
XGRAD_API std::vector<Tensors> hessian(FunctionRef f, std::span<const Tensor> xs, Location where);
XGRAD_API Tensors hvp(FunctionRef f, std::span<const Tensor> xs, std::span<const Tensor> vs, Location where);
XGRAD_API Tensors vmap(FunctionsRef f, std::span<const Tensor> xs);
XGRAD_API Tensors checkpoint(FunctionsRef f, std::shared_ptr<const void> owner, std::span<const Tensor> xs);

/// The tapes that are recording now keep `owner` alive until their gradients no longer need what is recorded from here
/// on.
XGRAD_API void keep_for_tapes(std::shared_ptr<const void> owner);
/// Whether the tape opened last records `y`: whether y depends on what that tape watches.
XGRAD_API bool recorded_by_innermost(const Tensor& y);

}  // namespace detail

/// f(x) and its gradient: a pair (value, gradient in x's shape). f must return one element (ShapeError). With several
/// arguments the second is a tuple of gradients; for a vector argument, a vector. The gradient is zeros for an argument
/// that f does not depend on.
template <class F>
std::pair<Tensor, Tensor> value_and_grad(F&& f, const Tensor& x, Location where = Location::current()) {
    auto [y, gradients] = detail::value_and_grad_of(f, where, x);
    return {std::move(y), std::move(gradients[0])};
}
template <class F, class... X>
    requires(sizeof...(X) > 0 && (std::is_convertible_v<const X&, const Tensor&> && ...))
auto value_and_grad(F&& f, const Tensor& x, const X&... xs) {
    auto result = detail::value_and_grad_of(f, Location(), x, static_cast<const Tensor&>(xs)...);
    auto gradients = [&]<std::size_t... I>(std::index_sequence<I...>) {
        return std::tuple{std::move(result.second[I])...};
    };
    return std::pair{std::move(result.first), gradients(std::make_index_sequence<sizeof...(X) + 1>{})};
}
template <class F>
std::pair<Tensor, Tensors> value_and_grad(F&& f, const Tensors& xs, Location where = Location::current()) {
    Tape tape({.watch_parameters = false});
    Tensors watched;
    for (const Tensor& x : xs) watched.push_back(tape.watch(x, where));
    Tensor y = f(std::as_const(watched));
    Tensors gradients = tape.gradient(y, watched, {.unconnected = Unconnected::zeros}, where);
    return {std::move(y), std::move(gradients)};
}

/// The gradient of f at x: the second part of value_and_grad's result.
template <class F>
Tensor grad(F&& f, const Tensor& x, Location where = Location::current()) {
    return value_and_grad(std::forward<F>(f), x, where).second;
}
template <class F>
Tensors grad(F&& f, const Tensors& xs, Location where = Location::current()) {
    return value_and_grad(std::forward<F>(f), xs, where).second;
}
template <class F, class... X>
    requires(sizeof...(X) > 0 && (std::is_convertible_v<const X&, const Tensor&> && ...))
auto grad(F&& f, const Tensor& x, const X&... xs) {
    return value_and_grad(std::forward<F>(f), x, xs...).second;
}

// f may also be a plain function. Below, a function of several arguments is given them as a vector, {x, y}; it takes
// them one by one (up to six) or as one const Tensors&. Directions are vectors too, and so are results with one element
// per argument.

/// uᵀ·J for the Jacobian J of f at x: the gradient of sum(u * f(x)); u has f(x)'s shape, the result x's.
template <class F>
Tensor vjp(const F& f, const Tensor& x, const Tensor& u, Location where = Location::current()) {
    return detail::vjp(detail::unary(f), {&x, 1}, u, where)[0];
}
template <class F>
Tensors vjp(const F& f, const Tensors& xs, const Tensor& u, Location where = Location::current()) {
    return detail::vjp(f, xs, u, where);
}
/// J·v: the derivative of f at x in direction v; v has x's shape, the result f(x)'s. Forward mode, derived from the
/// pullbacks: a pullback is linear in its cotangent, so its transpose is the JVP. For several arguments, the sum of
/// J_i·v_i over them.
template <class F>
Tensor jvp(const F& f, const Tensor& x, const Tensor& v, Location where = Location::current()) {
    return detail::jvp(detail::unary(f), {&x, 1}, {&v, 1}, where);
}
template <class F>
Tensor jvp(const F& f, const Tensors& xs, const Tensors& vs, Location where = Location::current()) {
    return detail::jvp(f, xs, vs, where);
}
/// All derivatives of f at x: shape (f(x)'s axes…, x's axes…). Computed by rows in reverse mode or by columns in
/// forward mode, whichever are fewer.
template <class F>
Tensor jacobian(const F& f, const Tensor& x, Location where = Location::current()) {
    return detail::jacobian(detail::unary(f), {&x, 1}, where)[0];
}
template <class F>
Tensors jacobian(const F& f, const Tensors& xs, Location where = Location::current()) {
    return detail::jacobian(f, xs, where);
}
/// Second derivatives of a one-element f: shape (x's axes…, x's axes…). For several arguments, the blocks [i][j] of
/// shape (x_i's axes…, x_j's axes…).
template <class F>
Tensor hessian(const F& f, const Tensor& x, Location where = Location::current()) {
    return detail::hessian(detail::unary(f), {&x, 1}, where)[0][0];
}
template <class F>
std::vector<Tensors> hessian(const F& f, const Tensors& xs, Location where = Location::current()) {
    return detail::hessian(f, xs, where);
}
/// The Hessian of f at x times v, without forming it; v and the result have x's shape.
template <class F>
Tensor hvp(const F& f, const Tensor& x, const Tensor& v, Location where = Location::current()) {
    return detail::hvp(detail::unary(f), {&x, 1}, {&v, 1}, where)[0];
}
template <class F>
Tensors hvp(const F& f, const Tensors& xs, const Tensors& vs, Location where = Location::current()) {
    return detail::hvp(f, xs, vs, where);
}

/// f applied to each slice along the leading axis of the arguments, with the results stacked along a new leading axis.
/// f may return several tensors (an array, pair, tuple or vector of them), each of which is then stacked. ShapeError
/// unless all arguments have the same first size.
///
/// It runs f once for each slice. An operation costs about 0.1 us here, so batching rules would gain little on slices
/// that are large enough to matter, and this way every function works. If each slice is tiny, write the batch into the
/// operations themselves (matmul, broadcasting).
template <class F, class... X>
auto vmap(const F& f, const X&... xs) {
    const Tensor inputs[] = {static_cast<const Tensor&>(xs)...};
    const auto spread = [&f](std::span<const Tensor> in) {
        return
            [&]<std::size_t... I>(std::index_sequence<I...>) { return f(in[I]...); }(std::index_sequence_for<X...>{});
    };
    return detail::as_result<decltype(spread({}))>(detail::vmap(spread, inputs));
}

/// The gradient with respect to `parameters` for each sample: loss(parameters, x_i…) must return one element for the
/// i-th slices x_i along the leading axis of `batch`. Results have a leading axis of samples: (n, parameter's axes…).
/// For a vector of parameters, a vector.
template <class F, class P, class... X>
auto per_sample_grad(const F& loss, const P& parameters, const X&... batch) {
    const auto one = [&](const auto&... x) { return grad([&](const auto& p) { return loss(p, x...); }, parameters); };
    return vmap(one, batch...);
}

/// f(xs…), saving only its inputs: intermediate values are recomputed when the gradient needs them, and the same random
/// numbers are drawn again. Tensors and parameters that f captures get their gradients too. f may return several
/// tensors (an array, pair, tuple or vector of them). A lambda is copied; a model (with XGRAD_FIELDS) passed as an
/// lvalue is kept by reference, because copies of its parameters would be other parameters: it must outlive the tape.
/// Parameters and modes (train, eval) must not change before the gradient is computed. A checkpoint opens a tape, and
/// at most 64 may be open on a thread, which limits how deep checkpoints and tapes can nest.
template <class F, class... X>
auto checkpoint(F&& function, const X&... xs) {
    const std::array<Tensor, sizeof...(X)> inputs{static_cast<const Tensor&>(xs)...};
    auto spread = [f = detail::held(std::forward<F>(function))]([[maybe_unused]] std::span<const Tensor> in) {
        return
            [&]<std::size_t... I>(std::index_sequence<I...>) { return f()(in[I]...); }(std::index_sequence_for<X...>{});
    };
    using R = decltype(spread({}));
    auto owned = std::make_shared<const decltype(spread)>(std::move(spread));
    return detail::as_result<R>(detail::checkpoint(*owned, owned, inputs));
}

}  // namespace xgrad
