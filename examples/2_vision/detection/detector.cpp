#include "detector.hpp"

#include <algorithm>
#include <cmath>

using namespace xgrad;

namespace {

double middle_of(std::int64_t cell) { return (static_cast<double>(cell) + 0.5) * stride; }

/// Distances (n, 4) from the centres of cells to the left, top, right and bottom edges.
Tensor distances(const Tensor& answers) { return stride * exp(minimum(slice(answers, 1, 1, 5), 4)); }

/// The training targets: the cells near the centre of an object, with their distances to its edges and its class.
struct Answers {
    std::vector<std::int64_t> cell, kind;
    std::vector<float> edges;
};
Answers answers_for(const Scenes& scenes) {
    Answers answers;
    for (std::size_t scene = 0; scene < scenes.objects.size(); ++scene) {
        const auto boxes = scenes.objects[scene].boxes.data<float>();
        for (std::int64_t row = 0; row < cells; ++row)
            for (std::int64_t column = 0; column < cells; ++column) {
                const double x = middle_of(column), y = middle_of(row);
                double nearest = stride;  // of several objects, the nearest; near means within two cells in each
                                          // direction
                std::size_t best = boxes.size();
                for (std::size_t i = 0; i < boxes.size(); i += 4) {
                    const bool inside = x > boxes[i] && y > boxes[i + 1] && x < boxes[i + 2] && y < boxes[i + 3];
                    const double away = std::max(std::abs((boxes[i] + boxes[i + 2]) / 2 - x),
                                                 std::abs((boxes[i + 1] + boxes[i + 3]) / 2 - y));
                    if (inside && away < nearest) best = i, nearest = away;
                }
                if (best == boxes.size()) continue;
                answers.cell.push_back((static_cast<std::int64_t>(scene) * cells + row) * cells + column);
                answers.kind.push_back(scenes.objects[scene].classes.data<std::int64_t>()[best / 4]);
                for (const double edge :
                     {x - boxes[best], y - boxes[best + 1], boxes[best + 2] - x, boxes[best + 3] - y})
                    answers.edges.push_back(static_cast<float>(edge));
            }
    }
    return answers;
}

/// The IoU of boxes around a common centre, given by their distances (n, 4). (n)
Tensor overlap(const Tensor& a, const Tensor& b) {
    const auto area = [](const Tensor& d) {
        return (select(d, 1, 0) + select(d, 1, 2)) * (select(d, 1, 1) + select(d, 1, 3));
    };
    const Tensor both = area(minimum(a, b));
    return both / (area(a) + area(b) - both);
}

/// All boxes of one picture (144, 15) with a score for each class, without duplicates of a better box.
Objects detect(const Tensor& said, double least) {
    const Tensor scores = expand_dims(sigmoid(select(said, 1, 0)), 1) * softmax(slice(said, 1, 5));
    const Tensor middle = (arange(cells).to(DType::f32) + 0.5) * stride;
    const Tensor x = tile(middle, {cells}), y = repeat(middle, cells), edges = distances(said);
    const Tensor boxes = clip(
        stack({x - select(edges, 1, 0), y - select(edges, 1, 1), x + select(edges, 1, 2), y + select(edges, 1, 3)}, 1),
        0, canvas);
    const Tensor sure = argwhere(greater(scores, least));  // (n, 2): cell and class
    const Objects all = {take(boxes, select(sure, 1, 0), 0), select(sure, 1, 1),
                         masked_select(scores, greater(scores, least))};
    const Tensor kept = nn::batched_nms(all.boxes, all.scores, all.classes, 0.5);
    return {take(all.boxes, kept, 0), take(all.classes, kept), take(all.scores, kept)};
}

}  // namespace

Tensor detection_loss(const Tensor& said, const Scenes& scenes) {
    const Answers answers = answers_for(scenes);
    const auto n = static_cast<std::int64_t>(answers.cell.size());
    const auto doubt = [&](const Tensor& sure) {
        return nn::binary_cross_entropy_with_logits(select(said, 1, 0), sure, {.reduction = nn::Reduction::sum});
    };
    if (n == 0) return doubt(zeros({said.shape(0)}));  // a very narrow object may contain no cell centre
    const Tensor cell = tensor(answers.cell, {n}), there = take(said, cell, 0);
    const Tensor fits = overlap(distances(there), tensor(answers.edges, {n, 4}));
    // A cell that predicts an object also predicts how well its box will fit.
    const Tensor sure = index_add({said.shape(0)}, cell, stop_gradient(fits));
    return doubt(sure) / static_cast<double>(n) + 2 * mean(1 - fits) +
           nn::cross_entropy(slice(there, 1, 5), tensor(answers.kind, {n}));
}

std::vector<Objects> detect_all(const Detector& detector, const Tensor& images, double least) {
    const Tensor said = in_blocks(detector, images, 100);
    std::vector<Objects> found;
    for (std::int64_t i = 0; i < images.shape(0); ++i)
        found.push_back(detect(slice(said, 0, i * cells * cells, (i + 1) * cells * cells), least));
    return found;
}
