#pragma once

#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "apply.hpp"
#include "tape.hpp"

// Functions of functions. f is any callable that takes tensors (or one vector of tensors) and returns a Tensor. All of them nest freely.

namespace xgrad {

namespace detail {

template <class F, class... X>
auto value_and_grad_of(F&& f, const X&... xs) {
    Tape tape({.watch_parameters = false});
    std::vector<Tensor> watched{tape.watch(xs)...};
    Tensor y = [&]<std::size_t... I>(std::index_sequence<I...>) {
        return f(std::as_const(watched[I])...);
    }(std::index_sequence_for<X...>{});
    std::vector<Tensor> gradients = tape.gradient(y, watched, {.unconnected = Unconnected::zeros});
    return std::pair{std::move(y), std::move(gradients)};
}

/// A function of tensors by reference: what the compiled half of the transforms works with.
class FunctionRef {
public:
    template <class F>
        requires(!std::is_same_v<std::remove_cvref_t<F>, FunctionRef>)
    FunctionRef(const F& f)
        : object_(&f), call_([](const void* object, std::span<const Tensor> xs) -> Tensor {
              return call(*static_cast<const F*>(object), "function", xs);
          }) {}
    Tensor operator()(std::span<const Tensor> xs) const { return call_(object_, xs); }

private:
    const void* object_;
    Tensor (*call_)(const void*, std::span<const Tensor>);
};

/// f with its one argument spelled out, so that a generic lambda is never asked whether it takes a vector.
template <class F>
auto unary(const F& f) {
    return [&f](const Tensor& x) -> Tensor { return f(x); };
}

XGRAD_API Tensor vjp(FunctionRef f, const Tensor& x, const Tensor& u);
XGRAD_API Tensor jvp(FunctionRef f, const Tensor& x, const Tensor& v);
XGRAD_API Tensor jacobian(FunctionRef f, const Tensor& x);
XGRAD_API Tensor hessian(FunctionRef f, const Tensor& x);
XGRAD_API Tensor hvp(FunctionRef f, const Tensor& x, const Tensor& v);
XGRAD_API Tensor checkpoint(FunctionRef f, std::shared_ptr<const void> owner, std::span<const Tensor> xs);

}  // namespace detail

/// f(x) and its gradient: a pair (value, gradient of x's shape). f must return one element (ShapeError). With several arguments the
/// second is a tuple of gradients; for a vector argument, a vector. Zeros where f does not depend on an argument.
template <class F>
std::pair<Tensor, Tensor> value_and_grad(F&& f, const Tensor& x) {
    auto [y, gradients] = detail::value_and_grad_of(f, x);
    return {std::move(y), std::move(gradients[0])};
}
template <class F, class... X>
    requires(sizeof...(X) > 0 && (std::is_convertible_v<const X&, const Tensor&> && ...))
auto value_and_grad(F&& f, const Tensor& x, const X&... xs) {
    auto result = detail::value_and_grad_of(f, x, static_cast<const Tensor&>(xs)...);
    auto gradients = [&]<std::size_t... I>(std::index_sequence<I...>) { return std::tuple{std::move(result.second[I])...}; };
    return std::pair{std::move(result.first), gradients(std::make_index_sequence<sizeof...(X) + 1>{})};
}
template <class F>
std::pair<Tensor, Tensors> value_and_grad(F&& f, const Tensors& xs) {
    Tape tape({.watch_parameters = false});
    Tensors watched;
    for (const Tensor& x : xs) watched.push_back(tape.watch(x));
    Tensor y = f(std::as_const(watched));
    Tensors gradients = tape.gradient(y, watched, {.unconnected = Unconnected::zeros});
    return {std::move(y), std::move(gradients)};
}

/// The gradient of f at x, as value_and_grad's second part.
template <class F, class... X>
auto grad(F&& f, const X&... xs) {
    return value_and_grad(std::forward<F>(f), xs...).second;
}

/// uᵀ·J for the Jacobian J of f at x: the gradient of sum(u * f(x)); u has f(x)'s shape, the result x's.
template <class F>
Tensor vjp(const F& f, const Tensor& x, const Tensor& u) {
    return detail::vjp(detail::unary(f), x, u);
}
/// J·v: the derivative of f at x in direction v; v has x's shape, the result f(x)'s. Forward mode, derived from the pullbacks: a pullback
/// is linear in its cotangent, so its own transpose is the JVP.
template <class F>
Tensor jvp(const F& f, const Tensor& x, const Tensor& v) {
    return detail::jvp(detail::unary(f), x, v);
}
/// All derivatives of f at x: shape (f(x)'s axes…, x's axes…). Rows by reverse mode or columns by forward mode, whichever are fewer.
template <class F>
Tensor jacobian(const F& f, const Tensor& x) {
    return detail::jacobian(detail::unary(f), x);
}
/// Second derivatives of a one-element f: shape (x's axes…, x's axes…).
template <class F>
Tensor hessian(const F& f, const Tensor& x) {
    return detail::hessian(detail::unary(f), x);
}
/// The Hessian of f at x times v, without forming it; v and the result have x's shape.
template <class F>
Tensor hvp(const F& f, const Tensor& x, const Tensor& v) {
    return detail::hvp(detail::unary(f), x, v);
}

/// f(xs…), keeping only its inputs: what happens inside is computed again when the gradient needs it. Tensors and parameters that f uses
/// beside its arguments get their gradients too.
template <class F, class... X>
Tensor checkpoint(const F& f, const X&... xs) {
    const Tensor inputs[] = {static_cast<const Tensor&>(xs)...};
    auto spread = [f](std::span<const Tensor> in) -> Tensor {
        return [&]<std::size_t... I>(std::index_sequence<I...>) { return f(in[I]...); }(std::index_sequence_for<X...>{});
    };
    auto owned = std::make_shared<const decltype(spread)>(std::move(spread));
    return detail::checkpoint(*owned, owned, inputs);
}

}  // namespace xgrad
