#pragma once

#include "autodiff/core/tensor.hpp"

// Sorting. NaN is larger than every number: last when ascending, first when descending. Equal elements keep their order
// (0 and -0 are equal). Rank-0 tensors count as one element; IndexError for an axis out of range.

namespace xgrad {

/// x sorted along `axis`, like NumPy's sort; use ravel first to sort all elements. The gradient goes back to the
/// position each element came from.
XGRAD_API Tensor sort(const Operand& x, int axis = -1, bool descending = false);
/// The positions along `axis` (i64) of the elements in sorted order. No gradient.
XGRAD_API Tensor argsort(const Operand& x, int axis = -1, bool descending = false);

/// The k largest elements and their positions (i64).
struct TopK {
    Tensor values, indices;
};
/// The k largest elements along `axis`, or the k smallest, best first; of equal elements the earlier ones. ValueError
/// unless k is in [0, size].
XGRAD_API TopK topk(const Operand& x, std::int64_t k, int axis = -1, bool largest = true);

/// The distinct values of x, ascending, as a vector; all NaNs count as one value. No gradient.
XGRAD_API Tensor unique(const Operand& x);

enum class Side { left, right };
/// For each value, the index (i64) at which inserting it into the ascending `sorted` keeps it sorted: before elements
/// equal to it (left) or after them (right). `sorted` is a vector, or has the values' leading axes and is searched
/// along its last axis, as in PyTorch. ShapeError and DTypeError otherwise. No gradient.
XGRAD_API Tensor searchsorted(const Operand& sorted, const Operand& values, Side side = Side::left);

}  // namespace xgrad
