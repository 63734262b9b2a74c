#include "precision.hpp"

#include <algorithm>
#include <nn/data/boxes.hpp>

using namespace xgrad;

double PrecisionRecall::average_precision() const {
    double area = 0, best = 0;
    for (std::size_t i = recall.size(); i-- > 0;) {
        best = std::max(best, precision[i]);
        area += best * (recall[i] - (i ? recall[i - 1] : 0));
    }
    return area;
}

std::vector<PrecisionRecall> precision_recall(const std::vector<Objects>& found, const std::vector<Objects>& there,
                                              double iou, std::int64_t classes) {
    struct Detection {
        float score;
        bool right;
    };
    std::vector<std::vector<Detection>> detections(static_cast<std::size_t>(classes));
    std::vector<double> totals(static_cast<std::size_t>(classes));
    for (std::size_t picture = 0; picture < there.size(); ++picture) {
        const auto truth = there[picture].classes.data<std::int64_t>(),
                   guess = found[picture].classes.data<std::int64_t>();
        for (const std::int64_t c : truth) ++totals[static_cast<std::size_t>(c)];
        const Tensor overlaps = ravel(nn::box_iou(found[picture].boxes, there[picture].boxes));
        std::vector<bool> taken(truth.size());
        const Tensor by_score = argsort(found[picture].scores, 0, true);
        for (const std::int64_t at : by_score.data<std::int64_t>()) {
            const auto i = static_cast<std::size_t>(at);
            std::size_t best = truth.size();
            float most = static_cast<float>(iou);
            for (std::size_t j = 0; j < truth.size(); ++j) {
                const float overlap = overlaps.data<float>()[i * truth.size() + j];
                if (truth[j] == guess[i] && !taken[j] && overlap >= most) best = j, most = overlap;
            }
            if (best < truth.size()) taken[best] = true;
            detections[static_cast<std::size_t>(guess[i])].push_back(
                {found[picture].scores.data<float>()[i], best < truth.size()});
        }
    }
    std::vector<PrecisionRecall> curves(static_cast<std::size_t>(classes));
    for (std::size_t c = 0; c < curves.size(); ++c) {
        std::ranges::stable_sort(detections[c], std::greater{}, &Detection::score);
        double right = 0, taken = 0;
        for (const Detection& detection : detections[c]) {
            right += detection.right;
            curves[c].recall.push_back(right / std::max(totals[c], 1.0));
            curves[c].precision.push_back(right / ++taken);
        }
    }
    return curves;
}
