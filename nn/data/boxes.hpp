#pragma once

#include <autodiff/core/tensor.hpp>

// Bounding boxes of objects in images, in the form torchvision.ops uses: rows (left, top, right, bottom) of f32 or f64
// with left <= right and top <= bottom. ShapeError for any shape other than (N, 4).

namespace xgrad::nn {

/// (right - left) (bottom - top) of each box: (N). Differentiable.
XGRAD_API Tensor box_area(const Tensor& boxes, Location where = Location::current());
/// The intersection over union of each pair of boxes a (N, 4) and b (M, 4): the area that both cover over the area that
/// either covers, (N, M); 0 where neither has any area. Differentiable where boxes overlap; elsewhere the gradient is
/// 0.
XGRAD_API Tensor box_iou(const Tensor& a, const Tensor& b, Location where = Location::current());

/// Non-maximum suppression: removes each box that overlaps a box with a higher score by more than `iou_threshold`, and
/// returns the indices (i64) of the remaining boxes, in descending order of their scores (N). Of equal scores, the
/// first counts as higher. No gradient flows. ValueError unless the threshold is in [0, 1].
XGRAD_API Tensor nms(const Tensor& boxes, const Tensor& scores, double iou_threshold,
                     Location where = Location::current());
/// The same within each class (N, i32 or i64): boxes of different classes do not suppress each other.
XGRAD_API Tensor batched_nms(const Tensor& boxes, const Tensor& scores, const Tensor& classes, double iou_threshold,
                             Location where = Location::current());

}  // namespace xgrad::nn
