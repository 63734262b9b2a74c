#pragma once

#include "autodiff/core/tensor.hpp"

// PyTorch's gather and scatter: single elements read from, or written to, positions along one axis. `indices` (i32 or
// i64) has x's rank and at most its size along the other axes; as everywhere in xgrad, negative indices count from the
// end. Since tensors are immutable, scatter returns a new one. IndexError for an index out of range, ShapeError if the
// shape of the indices does not match.

namespace xgrad {

/// y[i, j, …] = x[…, indices[i, j, …], …] along `axis`: the result has the shape of `indices`. Repeated indices
/// accumulate in the gradient.
XGRAD_API Tensor gather(const Operand& x, int axis, const Operand& indices);
/// x with source[i, j, …] at […, indices[i, j, …], …]. The source is a number, or a tensor at least as large as
/// `indices` in each axis. If an index repeats, the last one in row-major order counts and gets the gradient.
XGRAD_API Tensor scatter(const Operand& x, int axis, const Operand& indices, const Operand& source);
/// x with source[i, j, …] added at the same positions; repeated indices accumulate.
XGRAD_API Tensor scatter_add(const Operand& x, int axis, const Operand& indices, const Operand& source);

}  // namespace xgrad
