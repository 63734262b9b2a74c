#pragma once

#include "autodiff/core/tensor.hpp"

namespace xgrad {

/// -target * log(p) - (1 - target) * log(1 - p), with both logarithms clamped to at least -100, like PyTorch's binary
/// cross-entropy of probabilities; p and target broadcast. The gradient to p is (p - target) / max(p (1 - p), 1e-12),
/// and to the target log(1 - p) - log(p). f32 and f64 only (DTypeError).
XGRAD_API Tensor bernoulli_cross_entropy(const Operand& p, const Operand& target);

}  // namespace xgrad
