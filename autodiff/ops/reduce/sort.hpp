#pragma once

#include "autodiff/core/tensor.hpp"

// Order. NaN is larger than every number: last when ascending, first when descending. Equal elements keep their order
// (0 and -0 are equal). Rank-0 tensors count as one element; IndexError for an axis out of range.

namespace xgrad {

/// x sorted along `axis`, as NumPy's sort; ravel first to sort all elements. The gradient goes back to where each
/// element came from.
XGRAD_API Tensor sort(const Operand& x, int axis = -1, bool descending = false);
/// The positions along `axis` (i64) of the elements in sorted order. No gradient.
XGRAD_API Tensor argsort(const Operand& x, int axis = -1, bool descending = false);

/// The k largest elements and their positions (i64).
struct TopK {
    Tensor values, indices;
};
/// The k largest elements along `axis`, or the k smallest, the best first; of equal ones the first. ValueError unless k
/// is in [0, size].
XGRAD_API TopK topk(const Operand& x, std::int64_t k, int axis = -1, bool largest = true);

/// The different values of x, ascending, as a vector; NaN counts as one value. No gradient.
XGRAD_API Tensor unique(const Operand& x);

enum class Side { left, right };
/// For each value the index (i64) at which it would have to be inserted into the ascending `sorted` to keep it so:
/// before elements equal to it (left) or behind them (right). `sorted` is a vector, or has the values' leading axes and
/// is searched along its last one, as PyTorch's. ShapeError and DTypeError otherwise. No gradient.
XGRAD_API Tensor searchsorted(const Operand& sorted, const Operand& values, Side side = Side::left);

}  // namespace xgrad
