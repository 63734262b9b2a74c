#pragma once

#include <functional>
#include <memory>
#include <tuple>
#include <type_traits>

#include "transforms.hpp"

// Solutions of equations as functions of the parameters of the equations: gradients come from the implicit function
// theorem and do not depend on the solver's path.

namespace xgrad {

/// Stopping criteria of fixed_point and root.
struct SolverOptions {
    double tolerance = 0;      ///< relative to 1 + max|x|; 0: 1e-12 for f64, 1e-5 for f32
    int max_iterations = 0;    ///< 0: 1000 for fixed_point, 100 for root
};

namespace detail {

XGRAD_API Tensor fixed_point(FunctionRef f, std::shared_ptr<const void> owner, const Tensor& x0,
                             const SolverOptions& options, Location where);
XGRAD_API Tensor root(FunctionRef f, std::shared_ptr<const void> owner, const Tensor& x0, const SolverOptions& options,
                      Location where);

/// Parameters in the form a closure stores them: tensors by handle (a copy of a Parameter would be another parameter),
/// anything else by address.
inline Tensor stored(const Tensor& parameter) { return parameter; }
inline Tensors stored(const Tensors& parameters) { return parameters; }
template <class... P>
auto stored(const std::tuple<P...>& parameters) {
    return std::apply([](const auto&... each) { return std::make_tuple(stored(each)...); }, parameters);
}
template <class P>
std::reference_wrapper<const P> stored(const P& parameters) {
    return std::cref(parameters);
}

template <class T>
const T& given(const T& parameters) {
    return parameters;
}
template <class T>
const T& given(std::reference_wrapper<const T> parameters) {
    return parameters.get();
}

template <class F, class... P>
auto with_parameters(const F& f, const P&... parameters) {
    auto bound = [f, all = std::make_tuple(stored(parameters)...)](std::span<const Tensor> x) -> Tensor {
        const auto spread = [&](const auto&... each) -> Tensor { return f(x[0], given(each)...); };
        return std::apply(spread, all);
    };
    return std::make_shared<const decltype(bound)>(std::move(bound));
}

}  // namespace detail

/// The x with x = f(x, parameters), found by iterating from x0 until no element changes by more than the tolerance.
///
/// f must be a contraction near the solution: if the iteration does not converge, an Error reports the last change. The
/// gradient with respect to `parameters` and to whatever f captures is that of the solution (implicit function theorem;
/// Christianson, Reverse accumulation and implicit functions, 1998): one more iteration for the cotangent, u = g + Jᵀu,
/// to any order. The iterations are not saved, and x0 gets no gradient. `parameters`: a tensor, a vector or tuple of
/// them, or a model, which f takes as its second argument. Anything that is not a tensor must outlive the tape, and so
/// must anything that f captures by reference.
template <class F, class P>
    requires(!std::is_same_v<P, SolverOptions>)
Tensor fixed_point(const F& f, const Tensor& x0, const P& parameters, const SolverOptions& options = {},
                   Location where = Location::current()) {
    const auto bound = detail::with_parameters(f, parameters);
    return detail::fixed_point(*bound, bound, x0, options, where);
}
template <class F>
Tensor fixed_point(const F& f, const Tensor& x0, const SolverOptions& options = {},
                   Location where = Location::current()) {
    const auto bound = detail::with_parameters(f);
    return detail::fixed_point(*bound, bound, x0, options, where);
}

/// The x with f(x, parameters) = 0, found by Newton's method from x0 with the Jacobian of f; steps that do not help are
/// halved. f(x) has as many elements as x. Error if it does not converge or the Jacobian is singular. Gradients are as
/// for fixed_point, from one linear system.
template <class F, class P>
    requires(!std::is_same_v<P, SolverOptions>)
Tensor root(const F& f, const Tensor& x0, const P& parameters, const SolverOptions& options = {},
            Location where = Location::current()) {
    const auto bound = detail::with_parameters(f, parameters);
    return detail::root(*bound, bound, x0, options, where);
}
template <class F>
Tensor root(const F& f, const Tensor& x0, const SolverOptions& options = {}, Location where = Location::current()) {
    const auto bound = detail::with_parameters(f);
    return detail::root(*bound, bound, x0, options, where);
}

}  // namespace xgrad
