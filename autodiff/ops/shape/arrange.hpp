#pragma once

#include <utility>

#include "autodiff/core/tensor.hpp"

// More operations that rearrange elements, for every dtype: flipping, rolling, padding, and extracting triangles,
// diagonals and windows.

namespace xgrad {

/// Elements in reverse order along the axes (all axes if none are given).
XGRAD_API Tensor flip(const Operand& x, const Axes& axes = {});
/// Elements moved `shift` places towards the end along `axis`; those pushed past the end reappear at the start. Without
/// an axis, the elements are shifted in flattened order.
XGRAD_API Tensor roll(const Operand& x, std::int64_t shift, int axis);
XGRAD_API Tensor roll(const Operand& x, std::int64_t shift);
/// The same along several axes, with a shift for each. ValueError unless there are as many shifts as axes.
XGRAD_API Tensor roll(const Operand& x, const std::vector<std::int64_t>& shifts, const std::vector<int>& axes);

/// The lower (upper) triangle of the matrices in the last two axes, with zeros above (below) the k-th diagonal: k = 0
/// is the main one, k > 0 above it. ShapeError for fewer than two axes.
XGRAD_API Tensor tril(const Operand& x, std::int64_t k = 0);
XGRAD_API Tensor triu(const Operand& x, std::int64_t k = 0);
/// The diagonals of the matrices in two axes, which are dropped, as a new last axis; `offset` > 0 is above the main
/// one. A diagonal outside the matrix has no elements.
XGRAD_API Tensor diagonal(const Operand& x, std::int64_t offset = 0, int axis1 = 0, int axis2 = 1);
/// A square matrix with the vector x on its k-th diagonal and zeros elsewhere; of a matrix, its k-th diagonal.
/// ShapeError for other ranks.
XGRAD_API Tensor diag(const Operand& x, std::int64_t k = 0);

/// The values in the margin: a number; the elements mirrored at the first and last one, which are not repeated; the
/// first and last element repeated; or the elements continued from the other end. NumPy's constant, reflect, edge and
/// wrap.
enum class PadMode { constant, reflect, replicate, circular };
struct PadOptions {
    PadMode mode = PadMode::constant;
    PlainNumber value = 0;  ///< for PadMode::constant
};
/// x with `widths` = {before, after} elements added along each axis; a single pair applies to all axes. As in NumPy,
/// reflections and repetitions continue if a margin is wider than the tensor. ValueError for negative widths or the
/// wrong number of pairs, ShapeError for a non-constant margin around an empty tensor.
XGRAD_API Tensor pad(const Operand& x, const std::vector<std::pair<std::int64_t, std::int64_t>>& widths,
                     const PadOptions& options = {});

/// Windows of `size` elements along `axis`, `step` apart, like torch.Tensor.unfold: the axis then runs over the
/// windows, and a new last axis over their elements. In the gradient overlapping windows add up. ValueError unless 0 <=
/// size <= x.shape(axis) and step > 0.
XGRAD_API Tensor unfold(const Operand& x, int axis, std::int64_t size, std::int64_t step);

}  // namespace xgrad
