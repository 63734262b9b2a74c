#pragma once

#include "autodiff/core/tensor.hpp"

namespace xgrad::detail {

/// The derivative of the logarithm w of a gamma variate with respect to the shape parameter alpha at a fixed quantile,
/// or the order-th derivative of that with respect to alpha at fixed w. For order 0 it is -(∂F/∂alpha) / (∂F/∂w) with
/// the distribution function F(alpha, w) = P(alpha, exp(w)). Not for users; used by gamma's rule. Differentiable in
/// both arguments up to the eighth derivative of F (ValueError beyond).
XGRAD_API Tensor gamma_slope(const Operand& alpha, const Operand& w, int order = 0);

}  // namespace xgrad::detail
