#include "boxes.hpp"

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include <autodiff/ops/elementwise/elementwise.hpp>
#include <autodiff/ops/shape/shape.hpp>
#include <autodiff/core/tape.hpp>

namespace xgrad::nn {

namespace {

void check_boxes(const char* name, const Tensor& boxes, Location where) {
    check<ShapeError>(boxes.ndim() == 2 && boxes.shape(1) == 4, where,
                      [&] { return std::string(name) + ": boxes must be (N, 4), got " + to_string(boxes.shape()); });
}

Tensor area(const Tensor& boxes) {
    return (select(boxes, 1, 2) - select(boxes, 1, 0)) * (select(boxes, 1, 3) - select(boxes, 1, 1));
}

/// Checks that there is one number per box.
void check_numbers(const char* name, const char* what, const Tensor& numbers, const Tensor& boxes, Location where) {
    check<ShapeError>(numbers.shape() == Shape{boxes.shape(0)}, where, [&] {
        return std::string(name) + ": one " + what + " for each box is needed, got " + to_string(numbers.shape()) +
               " for " + to_string(boxes.shape());
    });
}

/// nms among boxes of the same class; without classes, among all boxes.
Tensor suppressed(const char* name, const Tensor& boxes, const Tensor& scores, const Tensor* classes, double threshold,
                  Location where) {
    const NoRecording nothing;
    check_boxes(name, boxes, where);
    check_numbers(name, "score", scores, boxes, where);
    if (classes) check_numbers(name, "class", *classes, boxes, where);
    check<ValueError>(threshold >= 0 && threshold <= 1, where, [&] {
        return std::string(name) + ": iou_threshold must be in [0, 1], got " + PlainNumber(threshold).text();
    });
    const Tensor numbers = scores.to(DType::f64), corners = boxes.to(DType::f64),
                 kinds = classes ? classes->to(DType::i64) : Tensor();
    const auto score = numbers.data<double>(), corner = corners.data<double>();
    std::vector<std::int64_t> order(score.size()), kept;
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](std::int64_t i, std::int64_t j) { return score[i] > score[j]; });
    const auto overlap = [&](std::int64_t i, std::int64_t j) {
        const auto a = corner.subspan(4 * i, 4), b = corner.subspan(4 * j, 4);
        const double width = std::max(0.0, std::min(a[2], b[2]) - std::max(a[0], b[0])),
                     height = std::max(0.0, std::min(a[3], b[3]) - std::max(a[1], b[1]));
        const double common = width * height;
        const double either = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common;
        return either > 0 ? common / either : 0;
    };
    const auto hidden_by = [&](std::int64_t i, std::int64_t j) {
        return (!classes || kinds.data<std::int64_t>()[i] == kinds.data<std::int64_t>()[j]) &&
               overlap(i, j) > threshold;
    };
    for (const std::int64_t i : order)
        if (std::none_of(kept.begin(), kept.end(), [&](std::int64_t j) { return hidden_by(i, j); })) kept.push_back(i);
    return tensor(kept, {static_cast<std::int64_t>(kept.size())});
}

}  // namespace

Tensor box_area(const Tensor& boxes, Location where) {
    check_boxes("box_area", boxes, where);
    return area(boxes);
}

Tensor box_iou(const Tensor& a, const Tensor& b, Location where) {
    check_boxes("box_iou", a, where);
    check_boxes("box_iou", b, where);
    const Tensor first = expand_dims(a, 1), second = expand_dims(b, 0);
    const Tensor corner = maximum(slice(first, 2, 0, 2), slice(second, 2, 0, 2)),
                 opposite = minimum(slice(first, 2, 2), slice(second, 2, 2));
    const Tensor sides = relu(opposite - corner);
    const Tensor common = select(sides, 2, 0) * select(sides, 2, 1);
    const Tensor either = expand_dims(area(a), 1) + expand_dims(area(b), 0) - common;
    return common / xgrad::where(either > 0.0, either, 1.0);
}

Tensor nms(const Tensor& boxes, const Tensor& scores, double iou_threshold, Location where) {
    return suppressed("nms", boxes, scores, nullptr, iou_threshold, where);
}

Tensor batched_nms(const Tensor& boxes, const Tensor& scores, const Tensor& classes, double iou_threshold,
                   Location where) {
    return suppressed("batched_nms", boxes, scores, &classes, iou_threshold, where);
}

}  // namespace xgrad::nn
