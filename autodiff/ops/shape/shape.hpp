#pragma once

#include <limits>
#include <optional>

#include "autodiff/core/tensor.hpp"

// Operations that rearrange elements without changing them, for every dtype.

namespace xgrad {

/// The shape that `a` and `b` broadcast to. ShapeError if there is none.
XGRAD_API Shape broadcast_shapes(const Shape& a, const Shape& b, const char* operation = "broadcast_shapes",
                                 Location where = Location::current());

/// The same elements in row-major order under another shape; one size may be -1. Shares the elements. ShapeError unless
/// the sizes agree.
XGRAD_API Tensor reshape(const Operand& x, const Shape& shape);
/// reshape to rank 1.
XGRAD_API Tensor ravel(const Operand& x);
/// Axes start…end (both included) merged into one, as in PyTorch.
XGRAD_API Tensor flatten(const Operand& x, int start = 0, int end = -1);
/// Axes in the given order; reversed if none is given. IndexError unless they are a permutation.
XGRAD_API Tensor transpose(const Operand& x);
XGRAD_API Tensor transpose(const Operand& x, const std::vector<int>& axes);
/// PyTorch's name for transpose with axes.
XGRAD_API Tensor permute(const Operand& x, const std::vector<int>& axes);
XGRAD_API Tensor swapaxes(const Operand& x, int a, int b);
/// A new axis of size 1 at each of the given positions of the result.
XGRAD_API Tensor expand_dims(const Operand& x, const Axes& axes);
/// Removes axes of size 1 (all of them, or those given: ShapeError if one has another size).
XGRAD_API Tensor squeeze(const Operand& x, const Axes& axes = {});
/// Repeats axes of size 1 (and leading ones) to reach `shape`. ShapeError if it does not broadcast.
XGRAD_API Tensor broadcast_to(const Operand& x, const Shape& shape);

/// Every `step`th element of [start, stop) along `axis`, like Python's x[start:stop:step]: negative bounds count from
/// the end, bounds out of range are clipped, a negative step goes backwards. ValueError for a zero step.
XGRAD_API Tensor slice(const Operand& x, int axis, std::optional<std::int64_t> start,
                       std::optional<std::int64_t> stop = std::nullopt, std::int64_t step = 1);
/// The same along the leading axes, one Slice for each; the remaining axes are kept whole.
XGRAD_API Tensor slice(const Operand& x, const std::vector<Slice>& slices);
/// x[index] along `axis`, which is dropped; negative counts from the end. IndexError when out of range.
XGRAD_API Tensor select(const Operand& x, int axis, std::int64_t index);

/// The arguments of concat and stack: tensors, and plain numbers, which take the first tensor's type. It only refers to
/// them and must not outlive the call.
class Parts {
public:
    Parts(const std::vector<Tensor>& tensors) : tensors_(tensors) {}
    Parts(std::initializer_list<Operand> operands) : operands_(operands.begin(), operands.size()) {}
    std::span<const Tensor> tensors() const { return tensors_; }
    std::span<const Operand> operands() const { return operands_; }  ///< one of the two is empty

private:
    std::span<const Tensor> tensors_;
    std::span<const Operand> operands_;
};
/// Joined along an existing axis. ShapeError unless the other sizes agree, ValueError for an empty list.
XGRAD_API Tensor concat(const Parts& parts, int axis = 0, Location where = Location::current());
/// Joined along a new axis.
XGRAD_API Tensor stack(const Parts& parts, int axis = 0, Location where = Location::current());
/// The slices along `axis`, which is dropped: stack's inverse.
XGRAD_API std::vector<Tensor> unbind(const Operand& x, int axis = 0);
/// `sections` equal parts along `axis`. ShapeError if `sections` does not divide the size.
XGRAD_API std::vector<Tensor> split(const Operand& x, int sections, int axis = 0);
/// Parts with the given sizes along `axis`. ShapeError unless the sizes sum to the axis's size.
XGRAD_API std::vector<Tensor> split(const Operand& x, const std::vector<std::int64_t>& sizes, int axis = 0);

}  // namespace xgrad
