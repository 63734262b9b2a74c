#include <doctest/doctest.h>
#include <nn/nn.hpp>

#include "support.hpp"

using namespace xgrad;
using tests::close;
using tests::error_of;
using tests::here;

TEST_SUITE_BEGIN("nn");

TEST_CASE("boxes: areas and overlaps") {
    const Tensor a = tensor({{0.0, 0.0, 2.0, 2.0}, {0.0, 0.0, 1.0, 4.0}}),
                 b = tensor({{1.0, 1.0, 3.0, 3.0}, {0.0, 0.0, 2.0, 2.0}, {5.0, 5.0, 6.0, 6.0}});
    CHECK(close(nn::box_area(a), tensor({4.0, 4.0})));
    CHECK(close(nn::box_iou(a, b), tensor({{1.0 / 7, 1.0, 0.0}, {0.0, 2.0 / 6, 0.0}})));
    CHECK(nn::box_iou(a, slice(b, 0, 0, 0)).shape() == Shape{2, 0});
    const Tensor point = tensor({{1.0, 1.0, 1.0, 1.0}});
    CHECK(close(nn::box_iou(point, point), tensor({{0.0}})));
    CHECK(gradcheck([](const Tensor& x, const Tensor& y) { return nn::box_iou(x, y); },
                    {tensor({{0.1, 0.2, 2.0, 2.1}}), tensor({{1.0, 1.0, 3.0, 3.0}, {-1.0, 0.0, 1.5, 2.6}})}));
    CHECK(error_of<ShapeError>([&] { nn::box_iou(a, tensor({1.0})); }) ==
          "box_iou: boxes must be (N, 4), got (1,)" + here());
}

TEST_CASE("boxes: non-maximum suppression") {
    const Tensor boxes = tensor({{0.f, 0.f, 10.f, 10.f},
                                 {1.f, 0.f, 10.f, 10.f},
                                 {20.f, 0.f, 30.f, 10.f},
                                 {0.f, 0.f, 10.f, 5.f},
                                 {2.f, 0.f, 11.f, 10.f}});
    const Tensor scores = tensor({0.8f, 0.9f, 0.1f, 0.7f, 0.8f});
    // 1 suppresses 0 (IoU 0.9) and 4 (IoU 0.8); 3 overlaps 1 by 45 of 95.
    CHECK(close(nn::nms(boxes, scores, 0.5), tensor({1, 3, 2})));
    CHECK(close(nn::nms(boxes, scores, 0.4), tensor({1, 2})));
    CHECK(close(nn::nms(boxes, scores, 1), tensor({1, 0, 4, 3, 2})));  // equal scores in their order
    CHECK(close(nn::batched_nms(boxes, scores, tensor({0, 1, 1, 0, 1}), 0.5), tensor({1, 0, 3, 2})));
    CHECK(nn::nms(zeros({0, 4}), zeros({0}), 0.5).shape() == Shape{0});
    CHECK(error_of<ShapeError>([&] { nn::nms(boxes, slice(scores, 0, 1), 0.5); }) ==
          "nms: one score for each box is needed, got (4,) for (5, 4)" + here());
    CHECK(error_of<ShapeError>([&] { nn::batched_nms(boxes, scores, tensor({1}), 0.5); }) ==
          "batched_nms: one class for each box is needed, got (1,) for (5, 4)" + here());
    CHECK(error_of<ValueError>([&] { nn::nms(boxes, scores, 1.5); }) ==
          "nms: iou_threshold must be in [0, 1], got 1.5" + here());
}

TEST_SUITE_END();
