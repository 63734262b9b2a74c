#pragma once

#include "tensor.hpp"

// Compositions of operations: they have no gradient rule of their own. Arguments and errors are as in ops/.

namespace xgrad {

// --- element-wise ---------------------------------------------------------------------------------------------------

/// a + weight * (b - a): PyTorch's linear interpolation (or extrapolation).
XGRAD_API Tensor lerp(const Operand& a, const Operand& b, const Operand& weight);

// --- reductions and scans -------------------------------------------------------------------------------------------

/// The standard deviation, sqrt(var(x)). Divides by n - correction. The gradient at a variance of 0 is NaN or inf, as sqrt's.
XGRAD_API Tensor std(const Operand& x, const Axes& axes = {}, double correction = 0, bool keepdims = false);

// --- shapes and indices ---------------------------------------------------------------------------------------------

/// moveaxis: the axis `from` stands at `to` afterwards, the others keep their order.
XGRAD_API Tensor moveaxis(const Operand& x, int from, int to);

// --- linear algebra -------------------------------------------------------------------------------------------------

/// Products of all pairs: a flattened times b flattened, shape (a.size(), b.size()).
XGRAD_API Tensor outer(const Operand& a, const Operand& b);

}  // namespace xgrad
