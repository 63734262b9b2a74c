#pragma once

#include "autodiff/core/attributes.hpp"
#include "autodiff/core/detail/axes.hpp"
#include "autodiff/core/tensor.hpp"

// Strided parts of a tensor: extracting them and putting them back. Not for users.

namespace xgrad::detail {

/// A part of a tensor: element (i, j, …) of `shape` is at offset + i strides[0] + j strides[1] + ….
struct View {
    Shape shape, strides;
    Int offset = 0;
    bool slice = false;  // affects only the names that graphs show for the pullback
    XGRAD_ATTRIBUTES(shape, strides, offset)

    View() = default;
    /// The whole tensor, to be narrowed.
    explicit View(const Shape& whole);
};

/// The view's elements of x, not recorded. They are shared if they are contiguous.
Tensor take_part(const Tensor& x, const View& view);
/// The same, recorded; no two of them may be at the same position.
Tensor viewed(const char* label, const Tensor& x, const View& view, Location where);
/// A tensor of shape `whole`, filled with `fill` except for `part` at the view's positions. With 0 it is the transpose
/// of `viewed`.
Tensor placed(const char* label, const Tensor& part, const Shape& whole, const View& view, PlainNumber fill,
              Location where);

}  // namespace xgrad::detail
