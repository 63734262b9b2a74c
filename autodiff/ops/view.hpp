#pragma once

#include "../tensor.hpp"
#include "axes.hpp"

// Strided views: copied out of a tensor, and put back into one. Not for users.

namespace xgrad::detail {

/// Elements of an array of shape `whole`: element (i, j, …) of `shape` stands at start + i strides[0] + j strides[1] + …. No two of them
/// stand at one place.
struct View {
    Shape whole, shape;
    Int start = 0;
    Int strides[Shape::max_rank] = {};

    /// All of it, to be narrowed.
    explicit View(const Shape& of);
};

/// The view's elements of x.
Tensor viewed(const char* name, const Tensor& x, const View& view, Location where);
/// `fill` everywhere, except for `part` in the view's places: with 0 the transpose of `viewed`.
Tensor placed(const char* name, const Tensor& part, const View& view, PlainNumber fill, Location where);

}  // namespace xgrad::detail
