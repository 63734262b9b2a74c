#include <algorithm>
#include <cstdio>
#include <numeric>

#include <autodiff/ops/reduce/reduce.hpp>
#include <autodiff/core/tape.hpp>

#include "metrics.hpp"

namespace xgrad::nn {

namespace {

double ratio(double part, double whole) { return whole == 0 ? 0 : part / whole; }

std::string decimal(double x) {
    char buffer[32];
    std::snprintf(buffer, sizeof buffer, "%.4f", x);
    return buffer;
}

/// A table with aligned columns: the first is left-aligned, the others right-aligned.
std::string aligned(const std::vector<std::vector<std::string>>& rows) {
    // Continuation bytes of UTF-8 characters have no width.
    const auto width = [](const std::string& text) {
        return static_cast<std::size_t>(
            std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
    };
    std::vector<std::size_t> widths(rows[0].size());
    for (const auto& row : rows)
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
    std::string text;
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            const std::string space(widths[i] - width(row[i]), ' ');
            text += i == 0 ? row[i] + space : "  " + space + row[i];
        }
        text += '\n';
    }
    return text;
}

}  // namespace

ConfusionMatrix::ConfusionMatrix(std::int64_t classes, Location where) : classes_(classes) {
    check<ValueError>(classes > 0 && classes <= 1 << 15, where,
                      [&] { return "ConfusionMatrix: classes must be in [1, 32768], got " + std::to_string(classes); });
    counts_.resize(static_cast<std::size_t>(classes * classes));
}

void ConfusionMatrix::update(const Tensor& prediction, const Tensor& target, Location where) {
    const auto classes_of = [&](const Tensor& x) {
        check<DTypeError>(x.dtype() == DType::i64 || x.dtype() == DType::i32, where, [&] {
            return std::string("ConfusionMatrix: classes must be i32 or i64, got ") + name_of(x.dtype());
        });
        const Tensor wide = x.to(DType::i64);
        for (const std::int64_t c : wide.data<std::int64_t>())
            check<IndexError>(c >= 0 && c < classes_, where, [&] {
                return "ConfusionMatrix: class must be in [0, " + std::to_string(classes_) + "), got " +
                       std::to_string(c);
            });
        return wide;
    };
    const auto scores_fit = [&] {
        return !is_floating(prediction.dtype()) || (prediction.ndim() >= 2 && prediction.shape(1) == classes_);
    };
    check<ShapeError>(scores_fit(), where, [&] {
        return "ConfusionMatrix: scores must have " + std::to_string(classes_) + " classes along axis 1, got " +
               to_string(prediction.shape());
    });
    const Tensor predicted =
        classes_of(is_floating(prediction.dtype()) ? argmax(stop_gradient(prediction), 1) : prediction);
    check<ShapeError>(predicted.shape() == target.shape(), where, [&] {
        return "ConfusionMatrix: prediction and target must fit, got " + to_string(prediction.shape()) + " and " +
               to_string(target.shape());
    });
    const Tensor wanted = classes_of(target);
    const auto p = predicted.data<std::int64_t>(), t = wanted.data<std::int64_t>();
    for (std::size_t i = 0; i < p.size(); ++i) ++counts_[static_cast<std::size_t>(t[i] * classes_ + p[i])];
}

std::int64_t ConfusionMatrix::count(std::int64_t target, std::int64_t prediction, Location where) const {
    for (const std::int64_t c : {target, prediction})
        check<IndexError>(c >= 0 && c < classes_, where, [&] {
            return "ConfusionMatrix: class must be in [0, " + std::to_string(classes_) + "), got " + std::to_string(c);
        });
    return counts_[static_cast<std::size_t>(target * classes_ + prediction)];
}

Tensor ConfusionMatrix::counts() const { return tensor(counts_, {classes_, classes_}); }

double ConfusionMatrix::total(std::int64_t index, bool row) const {
    double sum = 0;
    for (std::int64_t i = 0; i < classes_; ++i) sum += static_cast<double>(row ? count(index, i) : count(i, index));
    return sum;
}

std::vector<double> ConfusionMatrix::precision() const {
    std::vector<double> by_class;
    for (std::int64_t c = 0; c < classes_; ++c)
        by_class.push_back(ratio(static_cast<double>(count(c, c)), total(c, false)));
    return by_class;
}

std::vector<double> ConfusionMatrix::recall() const {
    std::vector<double> by_class;
    for (std::int64_t c = 0; c < classes_; ++c)
        by_class.push_back(ratio(static_cast<double>(count(c, c)), total(c, true)));
    return by_class;
}

std::vector<double> ConfusionMatrix::f1() const {
    std::vector<double> by_class;
    for (std::int64_t c = 0; c < classes_; ++c)
        by_class.push_back(ratio(2 * static_cast<double>(count(c, c)), total(c, true) + total(c, false)));
    return by_class;
}

double ConfusionMatrix::accuracy() const {
    double right = 0;
    for (std::int64_t c = 0; c < classes_; ++c) right += static_cast<double>(count(c, c));
    return right / static_cast<double>(std::accumulate(counts_.begin(), counts_.end(), std::int64_t{0}));
}

double ConfusionMatrix::averaged(const std::vector<double>& by_class, Average average) const {
    // Each sample has one target and one prediction, so the micro averages all equal the accuracy.
    if (average == Average::micro) return accuracy();
    double sum = 0, weights = 0;
    for (std::int64_t c = 0; c < classes_; ++c) {
        const double samples = total(c, true);
        // As in scikit-learn, a class that occurs in neither targets nor predictions is not counted.
        const double weight = average == Average::weighted ? samples : samples + total(c, false) > 0;
        sum += by_class[static_cast<std::size_t>(c)] * weight;
        weights += weight;
    }
    return ratio(sum, weights);
}

std::string ConfusionMatrix::str(const std::vector<std::string>& names, Location where) const {
    check<ValueError>(names.empty() || static_cast<std::int64_t>(names.size()) == classes_, where, [&] {
        return "ConfusionMatrix: a name for each class is needed, got " + std::to_string(names.size()) + " for " +
               std::to_string(classes_);
    });
    const auto name = [&](std::int64_t c) {
        return names.empty() ? std::to_string(c) : names[static_cast<std::size_t>(c)];
    };
    const auto p = precision(), r = recall(), f = f1();
    std::vector<std::vector<std::string>> rows{{"true \\ predicted"}};
    for (std::int64_t c = 0; c < classes_; ++c) rows[0].push_back(name(c));
    rows[0].insert(rows[0].end(), {"precision", "recall", "F1"});
    for (std::int64_t t = 0; t < classes_; ++t) {
        rows.push_back({name(t)});
        for (std::int64_t c = 0; c < classes_; ++c) rows.back().push_back(std::to_string(count(t, c)));
        const auto i = static_cast<std::size_t>(t);
        rows.back().insert(rows.back().end(), {decimal(p[i]), decimal(r[i]), decimal(f[i])});
    }
    return aligned(rows) + "accuracy " + decimal(accuracy()) + "\n";
}

void ConfusionMatrix::reset() { std::fill(counts_.begin(), counts_.end(), 0); }

void ConfusionMatrix::set_state(const Tensor& state) {
    check<ShapeError>(state.shape() == Shape{classes_, classes_}, {}, [&] {
        return "ConfusionMatrix: the state must be " + to_string(Shape{classes_, classes_}) + ", got " +
               to_string(state.shape());
    });
    const auto data = state.data<std::int64_t>();
    counts_.assign(data.begin(), data.end());
}

}  // namespace xgrad::nn
