#pragma once

#include "autodiff/core/precision.hpp"
#include "autodiff/core/tensor.hpp"

namespace xgrad {

/// Matrix product with NumPy's rules: (m,k)·(k,n); a vector is a row on the left and a column on the right, and the
/// added axis is dropped again; leading axes are batches and broadcast. f32 and f64. ShapeError unless inner sizes
/// agree; rank 0 is not allowed.
XGRAD_API Tensor matmul(const Operand& a, const Operand& b);
/// x·weightᵀ + bias, as in PyTorch: x (…, in), weight (out, in), bias (out) or empty; the result is (…, out). Nothing
/// is transposed in memory.
XGRAD_API Tensor linear(const Operand& x, const Operand& weight, const Operand& bias = Tensor());

}  // namespace xgrad
