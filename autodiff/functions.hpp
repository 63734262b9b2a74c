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
/// Rotated by k quarter turns in the plane of two axes, from the first towards the second.
XGRAD_API Tensor rot90(const Operand& x, int k = 1, int axis1 = 0, int axis2 = 1);
/// x beside itself, `repetitions` times along each axis, as NumPy: missing ones are 1 and stand in front, missing axes of x likewise.
/// ValueError for a negative number.
XGRAD_API Tensor tile(const Operand& x, const std::vector<std::int64_t>& repetitions);
/// Each element along `axis` repeated, as NumPy: all the same number of times, or as an index tensor with one number per element says.
/// Without an axis, of the flattened tensor. ValueError for a negative number.
XGRAD_API Tensor repeat(const Operand& x, const Operand& count, int axis);
XGRAD_API Tensor repeat(const Operand& x, const Operand& count);
/// Whether meshgrid's first tensor varies along the second axis, as x does in a picture (xy), or along the first (ij).
enum class Indexing { xy, ij };
/// Coordinates of a grid: one tensor for each vector, all of the grid's shape, with the vector along its axis. NumPy's default is xy.
XGRAD_API std::vector<Tensor> meshgrid(const std::vector<Tensor>& vectors, Indexing indexing = Indexing::xy,
                                       Location where = Location::current());

/// x with `values` at the indices along `axis`, as NumPy's put_along_axis, but as a new tensor: indices broadcast to x's shape except along
/// that axis, values (a number or a tensor) to theirs. Where indices repeat, the last one counts.
XGRAD_API Tensor put_along_axis(const Operand& x, const Operand& indices, const Operand& values, int axis);
/// `value` (a number or a tensor that broadcasts) where the mask (bool) holds, else x.
XGRAD_API Tensor masked_fill(const Operand& x, const Operand& mask, const Operand& value);
/// The elements where the mask (bool) holds, as a vector; both broadcast.
XGRAD_API Tensor masked_select(const Operand& x, const Operand& mask);
/// x[mask] of NumPy: the mask (bool) has the shape of x's leading axes, which one axis of those chosen replaces.
XGRAD_API Tensor select(const Operand& x, const Operand& mask);
/// The indices of elements that are not zero, a vector for each axis, as NumPy. No gradient.
XGRAD_API std::vector<Tensor> nonzero(const Operand& x);

// --- linear algebra -------------------------------------------------------------------------------------------------

/// Products of all pairs: a flattened times b flattened, shape (a.size(), b.size()).
XGRAD_API Tensor outer(const Operand& a, const Operand& b);

}  // namespace xgrad
