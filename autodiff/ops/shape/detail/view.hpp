#pragma once

#include "autodiff/core/attributes.hpp"
#include "autodiff/core/detail/axes.hpp"
#include "autodiff/core/tensor.hpp"

// Strided parts: taken out of a tensor, and put back into one. Not for users.

namespace xgrad::detail {

/// A part of a tensor: element (i, j, …) of `shape` stands at offset + i strides[0] + j strides[1] + ….
struct View {
    Shape shape, strides;
    Int offset = 0;
    bool slice = false;  // changes nothing but the names under which graphs show the way back
    XGRAD_ATTRIBUTES(shape, strides, offset)

    View() = default;
    /// All of a tensor, to be narrowed.
    explicit View(const Shape& whole);
};

/// The view's elements of x, not recorded. They are shared where they stand side by side.
Tensor take_part(const Tensor& x, const View& view);
/// The same, recorded; no two of them may stand at one place.
Tensor viewed(const char* label, const Tensor& x, const View& view, Location where);
/// A tensor of shape `whole`: `fill`, except for `part` in the view's places. With 0 the transpose of `viewed`.
Tensor placed(const char* label, const Tensor& part, const Shape& whole, const View& view, PlainNumber fill,
              Location where);

}  // namespace xgrad::detail
