#pragma once

#include <functional>
#include <memory>
#include <tuple>
#include <type_traits>

#include "transforms.hpp"

// Solutions of equations as functions of what stands in them: gradients by the implicit function theorem, whatever way
// the solver went.

namespace xgrad {

/// When fixed_point and root stop.
struct SolverOptions {
    double tolerance = 0;      ///< relative to 1 + max|x|; 0: 1e-12 for f64, 1e-5 for f32
    int max_iterations = 0;    ///< 0: 1000 for fixed_point, 100 for root
};

namespace detail {

XGRAD_API Tensor fixed_point(FunctionRef f, std::shared_ptr<const void> owner, const Tensor& x0,
                             const SolverOptions& options, Location where);
XGRAD_API Tensor root(FunctionRef f, std::shared_ptr<const void> owner, const Tensor& x0, const SolverOptions& options,
                      Location where);

/// Parameters as a closure keeps them: tensors by handle (a copy of a Parameter would be another parameter), anything
/// else by address.
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

/// The x with x = f(x, parameters), found by iterating from x0 until nothing changes by more than the tolerance.
///
/// f must be a contraction near the solution: Error naming the last change when it does not settle. The gradient with
/// respect to `parameters` and to whatever f captured is that of the solution (implicit function theorem; Christianson,
/// Reverse accumulation and implicit functions, 1998): one more iteration for the cotangent, u = g + Jᵀu, to any order.
/// Nothing of the iteration is kept, and x0 gets no gradient. `parameters`: a tensor, a vector or tuple of them, or a
/// model, which f takes as its second argument; what is not a tensor must live as long as the tape, as must what f
/// captured by reference.
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

/// The x with f(x, parameters) = 0, by Newton's method from x0 with the Jacobian of f, halving steps that do not help;
/// f(x) has as many elements as x. Error when it does not converge or the Jacobian is singular. Gradients as
/// fixed_point's, by one linear system.
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
