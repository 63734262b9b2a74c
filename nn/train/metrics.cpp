#include "metrics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <autodiff/ops/elementwise/elementwise.hpp>
#include <autodiff/ops/reduce/reduce.hpp>
#include <autodiff/core/tape.hpp>

#include "nn/losses/loss.hpp"

namespace xgrad::nn {

namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

std::vector<std::int64_t> integers(const char* name, const Tensor& x, Location where) {
    check<DTypeError>(x.dtype() == DType::i64 || x.dtype() == DType::i32, where,
                      [&] { return std::string(name) + ": classes must be i32 or i64, got " + name_of(x.dtype()); });
    const Tensor wide = x.to(DType::i64);
    const auto data = wide.data<std::int64_t>();
    return {data.begin(), data.end()};
}

std::vector<double> numbers(const Tensor& x) {
    const Tensor wide = stop_gradient(x).to(DType::f64);
    const auto data = wide.data<double>();
    return {data.begin(), data.end()};
}

/// Predicted classes unchanged, or the classes of the largest scores.
Tensor predicted(const char* name, const Tensor& prediction, Location where) {
    if (!is_floating(prediction.dtype())) return prediction;
    check<ShapeError>(prediction.ndim() >= 2, where, [&] {
        return std::string(name) + ": scores must be (N, C) or (N, C, d…), got " + to_string(prediction.shape());
    });
    return argmax(stop_gradient(prediction), 1);
}

/// Predicted and true classes, equally many of both.
std::pair<std::vector<std::int64_t>, std::vector<std::int64_t>> compared(const char* name, const Tensor& prediction,
                                                                         const Tensor& target, Location where) {
    const Tensor classes = predicted(name, prediction, where);
    check<ShapeError>(classes.shape() == target.shape(), where, [&] {
        return std::string(name) + ": prediction and target must fit, got " + to_string(prediction.shape()) + " and " +
               to_string(target.shape());
    });
    return {integers(name, classes, where), integers(name, target, where)};
}

double count_right(const char* name, const Tensor& prediction, const Tensor& target, Location where) {
    const auto [p, t] = compared(name, prediction, target, where);
    return std::inner_product(p.begin(), p.end(), t.begin(), 0.0, std::plus{}, std::equal_to{});
}

double summed_cross_entropy(const Tensor& scores, const Tensor& target, Location where) {
    return cross_entropy(stop_gradient(scores), target, {.reduction = Reduction::sum}, where).item();
}

void check_scores(const Tensor& scores, const Tensor& target, Location where) {
    check<ShapeError>(scores.shape() == target.shape(), where, [&] {
        return "roc_auc: scores and target must have one shape, got " + to_string(scores.shape()) + " and " +
               to_string(target.shape());
    });
    for (const double t : numbers(target))
        check<ValueError>(t == 0 || t == 1, where,
                          [&] { return "roc_auc: targets must be 0 or 1, got " + PlainNumber(t).text(); });
    for (const double s : numbers(scores))
        check<ValueError>(!std::isnan(s), where,
                          [] { return std::string("roc_auc: scores must be numbers, got nan"); });
}

/// Counts, for each positive, the negatives below it and half of those equal to it (Mann and Whitney 1947).
double area(const std::vector<double>& scores, const std::vector<double>& targets) {
    std::vector<std::size_t> order(scores.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return scores[a] < scores[b]; });
    double won = 0, negatives = 0, positives = 0;
    for (std::size_t i = 0; i < order.size();) {
        double tied_positives = 0, tied_negatives = 0;
        for (const double score = scores[order[i]]; i < order.size() && scores[order[i]] == score; ++i)
            (targets[order[i]] == 1 ? tied_positives : tied_negatives) += 1;
        won += tied_positives * (negatives + tied_negatives / 2);
        negatives += tied_negatives;
        positives += tied_positives;
    }
    return positives > 0 && negatives > 0 ? won / (positives * negatives) : nan;
}

}  // namespace

double accuracy(const Tensor& prediction, const Tensor& target, Location where) {
    return count_right("accuracy", prediction, target, where) / static_cast<double>(target.size());
}

double top_k_accuracy(const Tensor& scores, const Tensor& target, std::int64_t k, Location where) {
    check<ShapeError>(scores.ndim() == 2 && target.shape() == Shape{scores.shape(0)}, where, [&] {
        return "top_k_accuracy: scores must be (N, C) and target (N), got " + to_string(scores.shape()) + " and " +
               to_string(target.shape());
    });
    const std::int64_t classes = scores.shape(1);
    check<ValueError>(k >= 1 && k <= classes, where, [&] {
        return "top_k_accuracy: k must be in [1, " + std::to_string(classes) + "], got " + std::to_string(k);
    });
    const std::vector<double> s = numbers(scores);
    double right = 0;
    const auto targets = integers("top_k_accuracy", target, where);
    for (std::size_t n = 0; n < targets.size(); ++n) {
        const std::int64_t c = targets[n];
        check<IndexError>(c >= 0 && c < classes, where, [&] {
            return "top_k_accuracy: class must be in [0, " + std::to_string(classes) + "), got " + std::to_string(c);
        });
        const auto row = s.begin() + static_cast<std::int64_t>(n) * classes;
        std::int64_t ahead = 0;
        for (std::int64_t j = 0; j < classes; ++j) ahead += row[j] > row[c] || (row[j] == row[c] && j < c);
        right += !std::isnan(row[c]) && ahead < k;
    }
    return right / static_cast<double>(targets.size());
}

namespace {
/// The number of targets that cross_entropy does not ignore.
double counted(const Tensor& target) {
    const auto classes = numbers(target);
    const auto ignored =
        std::count(classes.begin(), classes.end(), static_cast<double>(CrossEntropyOptions{}.ignore_index));
    return static_cast<double>(classes.size()) - static_cast<double>(ignored);
}
}  // namespace

double perplexity(const Tensor& scores, const Tensor& target, Location where) {
    const double sum = summed_cross_entropy(scores, target, where);
    return std::exp(sum / counted(target));
}

double roc_auc(const Tensor& scores, const Tensor& target, Location where) {
    check_scores(scores, target, where);
    return area(numbers(scores), numbers(target));
}

// --- over many batches -----------------------------------------------------------------------------------------------

double Mean::value() const { return weight_ == 0 ? nan : sum_ / weight_; }
Tensor Mean::state() const { return tensor({sum_, weight_}); }
void Mean::set_state(const Tensor& state) {
    const auto data = state.data<double>();
    sum_ = data[0];
    weight_ = data[1];
}

RunningMean::RunningMean(double momentum, Location where) : momentum_(momentum) {
    check<ValueError>(momentum >= 0 && momentum < 1, where,
                      [&] { return "RunningMean: momentum must be in [0, 1), got " + PlainNumber(momentum).text(); });
}
void RunningMean::update(double value) {
    sum_ = momentum_ * sum_ + (1 - momentum_) * value;
    weight_ = momentum_ * weight_ + (1 - momentum_);
}
double RunningMean::value() const { return weight_ == 0 ? nan : sum_ / weight_; }
void RunningMean::reset() { sum_ = weight_ = 0; }
Tensor RunningMean::state() const { return tensor({sum_, weight_}); }
void RunningMean::set_state(const Tensor& state) {
    const auto data = state.data<double>();
    sum_ = data[0];
    weight_ = data[1];
}

void Accuracy::update(const Tensor& prediction, const Tensor& target, Location where) {
    const double right = count_right("Accuracy", prediction, target, where);
    if (target.size() > 0) mean_.update(right / static_cast<double>(target.size()), static_cast<double>(target.size()));
}

void Perplexity::update(const Tensor& scores, const Tensor& target, Location where) {
    const double sum = summed_cross_entropy(scores, target, where);
    if (const double n = counted(target); n > 0) mean_.update(sum / n, n);
}
double Perplexity::value() const { return std::exp(mean_.value()); }

void RocAuc::update(const Tensor& scores, const Tensor& target, Location where) {
    check_scores(scores, target, where);
    const auto s = numbers(scores), t = numbers(target);
    scores_.insert(scores_.end(), s.begin(), s.end());
    targets_.insert(targets_.end(), t.begin(), t.end());
}
double RocAuc::value() const { return area(scores_, targets_); }
Tensor RocAuc::state() const {
    std::vector<double> both = scores_;
    both.insert(both.end(), targets_.begin(), targets_.end());
    return tensor(both, {2, static_cast<std::int64_t>(scores_.size())});
}
void RocAuc::set_state(const Tensor& state) {
    const auto data = state.data<double>();
    const auto half = data.begin() + static_cast<std::ptrdiff_t>(data.size() / 2);
    scores_.assign(data.begin(), half);
    targets_.assign(half, data.end());
}

}  // namespace xgrad::nn
