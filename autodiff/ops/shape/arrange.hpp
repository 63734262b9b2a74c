#pragma once

#include <utility>

#include "autodiff/core/tensor.hpp"

// More operations that rearrange elements, for every dtype: mirrored, rotated, padded, cut into triangles, diagonals
// and windows.

namespace xgrad {

/// Elements in reverse order along the axes (all of them when none are named).
XGRAD_API Tensor flip(const Operand& x, const Axes& axes = {});
/// Elements moved `shift` places towards the end along `axis`; what is pushed over the end comes back at the start.
/// Without an axis, of the flattened tensor.
XGRAD_API Tensor roll(const Operand& x, std::int64_t shift, int axis);
XGRAD_API Tensor roll(const Operand& x, std::int64_t shift);
/// AxisSplit several axes, a shift for each. ValueError unless there are as many.
XGRAD_API Tensor roll(const Operand& x, const std::vector<std::int64_t>& shifts, const std::vector<int>& axes);

/// The lower (upper) triangle of the matrices in the last two axes, zeros above (below) the k-th diagonal: k = 0 is the
/// main one, k > 0 above it. ShapeError for less than two axes.
XGRAD_API Tensor tril(const Operand& x, std::int64_t k = 0);
XGRAD_API Tensor triu(const Operand& x, std::int64_t k = 0);
/// The diagonals of the matrices in two axes as a new last axis, the two being dropped; `offset` > 0 is above the main
/// one. It has no elements where the offset lies outside the matrix.
XGRAD_API Tensor diagonal(const Operand& x, std::int64_t offset = 0, int axis1 = 0, int axis2 = 1);
/// A square matrix with the vector x on its k-th diagonal and zeros elsewhere; of a matrix, its k-th diagonal.
/// ShapeError for another rank.
XGRAD_API Tensor diag(const Operand& x, std::int64_t k = 0);

/// What stands in the margin: a number; the elements mirrored at the first and last one, which are not repeated; these
/// repeated; or the elements once more from the other end. NumPy's constant, reflect, edge and wrap.
enum class PadMode { constant, reflect, replicate, circular };
struct PadOptions {
    PadMode mode = PadMode::constant;
    PlainNumber value = 0;  ///< of PadMode::constant
};
/// x with `widths` = {before, after} elements more at each axis; one pair alone counts for all axes. As NumPy,
/// reflections and repetitions go on where a margin is wider than the tensor. ValueError for negative widths or another
/// number of them, ShapeError for a margin around nothing that is not constant.
XGRAD_API Tensor pad(const Operand& x, const std::vector<std::pair<std::int64_t, std::int64_t>>& widths,
                     const PadOptions& options = {});

/// Windows of `size` elements along `axis`, `step` apart, as torch.Tensor.unfold: the axis then counts the windows, and
/// a new last axis their elements. In the gradient overlapping windows add up. ValueError unless 0 <= size <=
/// x.shape(axis) and step > 0.
XGRAD_API Tensor unfold(const Operand& x, int axis, std::int64_t size, std::int64_t step);

}  // namespace xgrad
