#pragma once

#include "autodiff/core/tensor.hpp"

namespace xgrad::detail {

/// How the logarithm w of a gamma-distributed number moves with the shape parameter alpha while its quantile stays, and
/// the order-th derivative of that with respect to alpha at fixed w: for order 0 -(∂F/∂alpha) / (∂F/∂w) with F(alpha,
/// w) = P(alpha, exp(w)), the distribution function. Not for users; gamma's rule. Differentiates in both arguments up
/// to the eighth derivative of F (ValueError beyond).
XGRAD_API Tensor gamma_slope(const Operand& alpha, const Operand& w, int order = 0);

}  // namespace xgrad::detail
