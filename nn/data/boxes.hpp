#pragma once

#include <autodiff/core/tensor.hpp>

// Boxes around objects in pictures, as torchvision.ops has them: rows (left, top, right, bottom) of f32 or f64 with
// left <= right and top <= bottom. ShapeError for another shape than (N, 4).

namespace xgrad::nn {

/// (right - left) (bottom - top) of each box: (N). Differentiable.
XGRAD_API Tensor box_area(const Tensor& boxes, Location where = Location::current());
/// Of each pair of boxes a (N, 4) and b (M, 4) the area that both have over the area that either has: (N, M), 0 where
/// neither has any. Differentiable where boxes overlap; where they do not the gradient is 0.
XGRAD_API Tensor box_iou(const Tensor& a, const Tensor& b, Location where = Location::current());

/// Non-maximum suppression: which boxes (i64, those of the highest scores (N) first) remain when each box goes that
/// overlaps one with a higher score by more than `iou_threshold`. Of equal scores the first is the higher. No gradient
/// flows. ValueError unless the threshold is in [0, 1].
XGRAD_API Tensor nms(const Tensor& boxes, const Tensor& scores, double iou_threshold,
                     Location where = Location::current());
/// The same within each class (N, i32 or i64): boxes of different classes do not suppress each other.
XGRAD_API Tensor batched_nms(const Tensor& boxes, const Tensor& scores, const Tensor& classes, double iou_threshold,
                             Location where = Location::current());

}  // namespace xgrad::nn
