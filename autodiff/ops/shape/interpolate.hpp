#pragma once

#include "autodiff/core/per_axis.hpp"
#include "autodiff/core/tensor.hpp"

// Resizing by interpolation.

namespace xgrad {

/// How an element of the result is made: of the nearest one (PyTorch's "nearest", which rounds down, and the
/// "nearest-exact" of other libraries), of two along each axis, or of four (Keys' cubic with a = -0.75). The linear
/// ones are named by their number of axes.
enum class Interpolation { nearest, nearest_exact, linear, bilinear, trilinear, bicubic };
struct InterpolateOptions {
    PerAxis size = {};  ///< the result's sizes in the axes after the second; one alone counts for all
    NumberOrList<double, 3> scale_factor = {};  ///< or factors for them; sizes are rounded down
    Interpolation mode = Interpolation::nearest;
    bool align_corners = false;  ///< the centres of the outermost elements coincide, not their outer edges
};
/// x (N, C, L), (N, C, H, W) or (N, C, D, H, W) resized, with the coordinates of torch.nn.functional.interpolate.
/// ValueError unless either size or scale_factor is given, and for align_corners with a nearest mode; ShapeError for a
/// rank that does not fit the mode, or where something is to be made of nothing.
XGRAD_API Tensor interpolate(const Operand& x, const InterpolateOptions& options);

}  // namespace xgrad
