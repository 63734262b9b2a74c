#pragma once

#include <optional>
#include <type_traits>
#include <utility>

#include <autodiff/transform/gradcheck.hpp>
#include <autodiff/inspect/inspect.hpp>
#include <autodiff/ops/random/random.hpp>
#include <autodiff/core/tape.hpp>
#include <autodiff/transform/transforms.hpp>

#include "functional.hpp"
#include "module.hpp"

// The transforms with respect to a structured argument: a model, or any struct whose fields XGRAD_FIELDS names. Also
// to_dot, which draws a tape with a model's names.
//
//     auto [loss, g] = nn::value_and_grad([&](const Net& net) { return nn::cross_entropy(net(x), y); }, net);
//     struct State { Tensor position, velocity; XGRAD_FIELDS(position, velocity) };  // g is a Net; or tensors alone
//
// f takes the argument as const and must compute with the argument it is given, a copy that is on the tape: ValueError
// if its result does not depend on that copy (because f uses a model that it has captured). Derivatives are taken with
// respect to the argument's floating parameters or, if it has none, its floating tensors, in the order of
// nn::parameters; a frozen parameter is a constant, whose derivatives are zeros. These transforms nest in each other,
// in those of xgrad and in tapes. A call of f draws from the argument's random streams and updates its running
// statistics, as a call of the argument itself would. Results with one tensor per parameter are returned in the
// argument's own type, with other floating fields set to zero; their parameters are bound (Parameter::bind) to the
// derivatives where an outer tape records them. ValueError for a model whose copy shares a layer with it through a
// smart pointer.

namespace xgrad::nn {

namespace detail {

/// ValueError unless y depends on the leaves of `argument`, which the most recently opened tape watches.
XGRAD_API void check_depends(const char* name, const Tensor& y, ModelRef argument, Location where);

inline Substitution with_leaves(const Tensors& leaves, Location where = {}) {
    return {{Substitutes::By::leaves, {}, leaves}, where};
}

/// f as a function of the argument's leaves, followed by its other arguments.
template <class F, class M>
auto of_leaves(const char* name, const F& f, const M& argument, Location where = {}) {
    return [&f, &argument, name, where](const Tensors& given, const auto&... xs) -> Tensor {
        Tensor y = call_as(name, argument, argument, with_leaves(given, where), f, xs...);
        check_depends(name, y, readable(argument), where);
        return y;
    };
}

/// The same as a function of the vector that ravel returns.
template <class F, class M>
auto of_row(const char* name, const F& f, const M& argument, Location where) {
    return [g = of_leaves(name, f, argument, where), &argument, name, where](const Tensor& row) -> Tensor {
        return g(unravel(name, readable(argument), row, where));
    };
}

template <class M>
M as_gradients(const char* name, const M& argument, Tensors gradients, Location where = {}) {
    M result = argument;
    fill_gradients(name, result, readable(argument), std::move(gradients), where);
    return result;
}

}  // namespace detail

/// f(argument), which has one element, and its gradient, in the argument's type: each parameter holds the derivative
/// with respect to it.
template <class F, class M>
    requires detail::Structured<M>
std::pair<Tensor, M> value_and_grad(F&& f, const M& argument, Location where = Location::current()) {
    constexpr const char* name = "nn::grad";
    auto [y, gradients] = xgrad::value_and_grad(detail::of_leaves(name, f, argument, where),
                                                detail::leaves(detail::readable(argument)), where);
    return {std::move(y), detail::as_gradients(name, argument, std::move(gradients), where)};
}
/// Only the gradient.
template <class F, class M>
    requires detail::Structured<M>
M grad(F&& f, const M& argument, Location where = Location::current()) {
    return value_and_grad(std::forward<F>(f), argument, where).second;
}

/// uᵀ·J for the Jacobian J of f at the argument, in the argument's type; u has f's shape.
template <class F, class M>
    requires detail::Structured<M>
M vjp(const F& f, const M& argument, const Tensor& u, Location where = Location::current()) {
    constexpr const char* name = "nn::vjp";
    return detail::as_gradients(
        name, argument,
        xgrad::vjp(detail::of_leaves(name, f, argument, where), detail::leaves(detail::readable(argument)), u, where),
        where);
}

/// J·v: the derivative of f along v, an argument of the same type that holds a direction for each parameter (such as a
/// gradient).
template <class F, class M>
    requires detail::Structured<M>
Tensor jvp(const F& f, const M& argument, const std::type_identity_t<M>& v, Location where = Location::current()) {
    return xgrad::jvp(detail::of_leaves("nn::jvp", f, argument, where), detail::leaves(detail::readable(argument)),
                      detail::leaves(detail::readable(v)), where);
}

/// All derivatives of f: shape (f's axes…, n) for the n elements of nn::ravel(argument), in its order; each row can be
/// passed to nn::unravel.
template <class F, class M>
    requires detail::Structured<M>
Tensor jacobian(const F& f, const M& argument, Location where = Location::current()) {
    constexpr const char* name = "nn::jacobian";
    return xgrad::jacobian(detail::of_row(name, f, argument, where),
                           detail::ravel(name, detail::readable(argument), where), where);
}

/// Second derivatives of a one-element f: a matrix (n, n) over the elements of nn::ravel(argument), in its order.
template <class F, class M>
    requires detail::Structured<M>
Tensor hessian(const F& f, const M& argument, Location where = Location::current()) {
    constexpr const char* name = "nn::hessian";
    return xgrad::hessian(detail::of_row(name, f, argument, where),
                          detail::ravel(name, detail::readable(argument), where), where);
}

/// The Hessian of a one-element f times v, without forming it; v and the result have the argument's type.
template <class F, class M>
    requires detail::Structured<M>
M hvp(const F& f, const M& argument, const std::type_identity_t<M>& v, Location where = Location::current()) {
    constexpr const char* name = "nn::hvp";
    return detail::as_gradients(
        name, argument,
        xgrad::hvp(detail::of_leaves(name, f, argument, where), detail::leaves(detail::readable(argument)),
                   detail::leaves(detail::readable(v)), where),
        where);
}

/// The gradient of loss(argument, x_i…), which has one element, for each sample i; the x_i are slices along the leading
/// axis of the batch. Returned in the argument's type, with a leading axis of samples before each parameter's own axes.
template <class F, class M, class... X>
    requires detail::Structured<M>
M per_sample_grad(const F& loss, const M& argument, const X&... batch) {
    constexpr const char* name = "nn::per_sample_grad";
    return detail::as_gradients(name, argument,
                                xgrad::per_sample_grad(detail::of_leaves(name, loss, argument),
                                                       detail::leaves(detail::readable(argument)), batch...));
}

namespace detail {

/// Assembles the arguments of vmap's f for one slice; `in` holds the slices of all their tensors, one argument after
/// another.
template <class F, class A, class... Rest>
auto call_slice(const F& f, std::span<const Tensor> in, const A& first, const Rest&... rest) {
    const auto go_on = [&](const auto& argument, [[maybe_unused]] std::size_t used) {
        if constexpr (sizeof...(Rest) == 0) return f(argument);
        else
            return call_slice([&](const auto&... others) { return f(argument, others...); }, in.subspan(used), rest...);
    };
    if constexpr (Structured<A>) {
        const std::size_t n = everything(readable(first)).size();
        const Substitution slices(
            {Substitutes::By::everything, {}, Tensors(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(n))}, {});
        return call_as("nn::vmap", first, first, slices, [&](const A& argument) { return go_on(argument, n); });
    } else return go_on(in[0], 1);
}

template <class T>
Tensors parts(const T& value) {
    if constexpr (Structured<T>) return everything(readable(value));
    else return xgrad::detail::FunctionsRef::as_tensors(value);
}

}  // namespace detail

/// xgrad::vmap for a structured argument or result of f: f receives slices along the leading axis of each tensor in the
/// arguments, buffers too, and its results are stacked tensor by tensor. `nn::stack(models)` makes such an argument
/// from several models: an ensemble.
template <class F, class... A>
    requires((detail::Structured<A> || ...) || detail::Structured<std::invoke_result_t<const F&, const A&...>>)
auto vmap(const F& f, const A&... arguments) {
    using R = std::remove_cvref_t<std::invoke_result_t<const F&, const A&...>>;
    Tensors inputs;
    const auto add = [&inputs](Tensors parts) { inputs.insert(inputs.end(), parts.begin(), parts.end()); };
    (add(detail::parts(arguments)), ...);
    std::optional<R> first;
    const auto slice = [&](std::span<const Tensor> in) {
        R result = detail::call_slice(f, in, arguments...);
        if (!first) first.emplace(result);
        return detail::parts(result);
    };
    Tensors stacked = xgrad::detail::vmap(slice, inputs);
    if constexpr (detail::Structured<R>) {
        R result = *first;
        detail::fill("nn::vmap", result, *first, {{detail::Substitutes::By::everything, {}, std::move(stacked)}, {}});
        return result;
    } else return xgrad::detail::as_result<R>(std::move(stacked));
}

/// f(argument, xs…), keeping only its inputs, including the argument's parameters: xgrad::checkpoint with a model that
/// need not outlive the tape, since a copy is kept. Other tensors that f uses receive their gradients too. Running
/// statistics are updated once.
template <class F, class M, class... X>
    requires detail::Structured<M>
auto checkpoint(F&& f, const M& argument, const X&... xs) {
    Tensors inputs = detail::leaves(detail::readable(argument));
    const std::size_t n = inputs.size();
    (inputs.push_back(xs), ...);
    // The argument itself exists only during the first run.
    auto run = [f = xgrad::detail::held(std::forward<F>(f)), model = M(argument), caller = &argument,
                n](std::span<const Tensor> in) {
        const auto body = [&]<std::size_t... I>(std::index_sequence<I...>) {
            return detail::call_as("nn::checkpoint", model, drawing_again() ? model : *caller,
                                   detail::with_leaves({in.begin(), in.begin() + static_cast<std::ptrdiff_t>(n)}), f(),
                                   in[n + I]...);
        };
        return body(std::index_sequence_for<X...>{});
    };
    using R = decltype(run({}));
    auto owned = std::make_shared<decltype(run)>(std::move(run));
    return xgrad::detail::as_result<R>(xgrad::detail::checkpoint(*owned, owned, inputs));
}

/// xgrad::gradcheck of f with respect to the argument's parameters, which must be f64 (nn::to); f returns a tensor of
/// any shape. Each evaluation of f draws the same random numbers.
template <class F, class M>
    requires detail::Structured<M>
GradcheckReport gradcheck(const F& f, const M& argument, const GradcheckOptions& options = {}) {
    const auto of_leaves = [&](const Tensors& given) -> Tensor {
        return detail::call_as("nn::gradcheck", argument, argument, detail::with_leaves(given), f);
    };
    return xgrad::gradcheck(of_leaves, detail::leaves(detail::readable(argument)), options);
}

/// xgrad::to_dot with the names of the model's parameters; operations that use them are drawn inside boxes labelled
/// with their layers' names.
XGRAD_API std::string to_dot(const Tape& tape, ModelRef model, std::size_t max_entries = 400);

}  // namespace xgrad::nn
