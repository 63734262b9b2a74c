#pragma once

#include "autodiff/core/tensor.hpp"

// Running sums, products and extremes along an axis: the result has x's shape. IndexError for an axis out of range; a
// rank-0 tensor counts as one element. Without an axis the tensor is flattened first, as in NumPy.

namespace xgrad {

/// y[i] = x[0] + … + x[i]. f32 is summed in double; i32 and bool give i64.
XGRAD_API Tensor cumsum(const Operand& x, int axis);
XGRAD_API Tensor cumsum(const Operand& x);
/// y[i] = x[0] * … * x[i]. Its gradient is right with any number of zeros. i32 and bool give i64.
XGRAD_API Tensor cumprod(const Operand& x, int axis);
XGRAD_API Tensor cumprod(const Operand& x);

/// Running extremes and their positions along the axis (i64).
struct RunningExtreme {
    Tensor values, indices;
};
/// The largest element so far and its position. Of equal elements the last one counts and gets the gradient; from the
/// first NaN on, the result is NaN. These are PyTorch's conventions. f32, f64, i32 and i64 (DTypeError for bool).
XGRAD_API RunningExtreme cummax(const Operand& x, int axis);
/// The smallest element so far and its position; see cummax.
XGRAD_API RunningExtreme cummin(const Operand& x, int axis);

/// log(exp(x[0]) + … + exp(x[i])) without overflow; -inf while all elements are -inf.
XGRAD_API Tensor logcumsumexp(const Operand& x, int axis);

}  // namespace xgrad
