#pragma once

#include <optional>

#include "autodiff/core/tensor.hpp"

// Operations that select elements by an index tensor (i32 or i64, a constant). IndexError for an index out of range;
// negative indices count from the end. Repeated indices accumulate in the gradient.

namespace xgrad {

/// Slices of x along `axis` at `indices`, like NumPy's take: the result has x's shape with that axis replaced by the
/// shape of `indices`.
XGRAD_API Tensor take(const Operand& x, const Operand& indices, int axis = 0);
/// Zeros of the given shape with `source`'s slices added at `indices` along `axis`: the transpose of take.
XGRAD_API Tensor index_add(const Shape& shape, const Operand& indices, const Operand& source, int axis = 0);
/// Elements x[…, indices[i…, j], …] along `axis`, like NumPy's take_along_axis: `indices` has x's rank, and x's size
/// (or 1) along all other axes.
XGRAD_API Tensor take_along_axis(const Operand& x, const Operand& indices, int axis);
struct EmbeddingFuncOptions {
    std::optional<std::int64_t> padding_idx = {};  ///< the row that gets no gradient; negative counts from the end
};
/// Rows of `weight` (n, width) at `indices`, like torch.nn.functional.embedding: the result has indices' shape followed
/// by `width`. IndexError unless every index is in [0, n).
XGRAD_API Tensor embedding(const Operand& indices, const Operand& weight, const EmbeddingFuncOptions& options = {});
/// 1 at the label, 0 elsewhere; the classes are a new last axis. IndexError unless every label is in [0, classes).
XGRAD_API Tensor one_hot(const Operand& labels, std::int64_t classes, DType dtype = DType::f32);

/// The indices of the elements of x that are not zero (or true): one row for each, in row-major order, as in NumPy. No
/// gradient.
XGRAD_API Tensor argwhere(const Operand& x);

}  // namespace xgrad
