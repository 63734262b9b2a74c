#pragma once

#include "autodiff/core/per_axis.hpp"
#include "autodiff/core/tensor.hpp"

// Resizing by interpolation.

namespace xgrad {

/// How an element of the result is computed: from the nearest input element (PyTorch's "nearest", which rounds down, or
/// "nearest-exact", as in other libraries), from two along each axis, or from four (Keys' cubic with a = -0.75). The
/// linear modes are named after their number of axes.
enum class Interpolation { nearest, nearest_exact, linear, bilinear, trilinear, bicubic };
struct InterpolateOptions {
    PerAxis size = {};  ///< the result's sizes along the axes after the second; a single number applies to all
    NumberOrList<double, 3> scale_factor = {};  ///< or factors for these sizes; the products are rounded down
    Interpolation mode = Interpolation::nearest;
    bool align_corners = false;  ///< align the centres of the outermost elements instead of their outer edges
};
/// x (N, C, L), (N, C, H, W) or (N, C, D, H, W) resized, with the coordinates of torch.nn.functional.interpolate.
/// ValueError unless exactly one of size and scale_factor is given, and for align_corners with a nearest mode;
/// ShapeError for a rank that does not match the mode, or for a non-empty result from an empty input.
XGRAD_API Tensor interpolate(const Operand& x, const InterpolateOptions& options);

}  // namespace xgrad
