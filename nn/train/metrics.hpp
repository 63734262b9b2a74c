#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <autodiff/core/tensor.hpp>

// Metrics: how good a model is, as plain numbers; no gradient flows through them.
//
// Functions evaluate one batch. Classes accumulate over batches: call update for each batch, value at the end, and
// reset before the next use. Their `state` is one tensor, so that a training run can be resumed in the middle of an
// epoch.
//
// Predictions are classes (i32 or i64) of any shape, or scores with the classes along axis 1, (N, C) or (N, C, d…), of
// which the largest is taken (the first, if several are equal). Targets are classes, i32 or i64. ShapeError,
// DTypeError, and IndexError for a class outside [0, classes).

namespace xgrad::nn {

/// The fraction of correct predictions; NaN when there are none.
XGRAD_API double accuracy(const Tensor& prediction, const Tensor& target, Location where = Location::current());
/// The fraction of the rows of scores (N, C) whose target is among the k largest; of equal scores, lower classes come
/// first. ValueError unless k is in [1, C].
XGRAD_API double top_k_accuracy(const Tensor& scores, const Tensor& target, std::int64_t k,
                                Location where = Location::current());
/// exp of the mean cross-entropy (as PyTorch's cross_entropy) of scores (N, C) or (N, C, d…): the effective number of
/// equally likely choices.
XGRAD_API double perplexity(const Tensor& scores, const Tensor& target, Location where = Location::current());
/// Area under the ROC curve (true positive rate against false positive rate) of real-valued scores for targets that are
/// 0 or 1 (any dtype): the probability that a positive sample has a higher score than a negative one, equal scores
/// counting half. NaN when one kind is missing; ValueError for other targets and for a score that is NaN.
XGRAD_API double roc_auc(const Tensor& scores, const Tensor& target, Location where = Location::current());

/// A weighted mean of numbers.
class XGRAD_API Mean {
public:
    void update(double value, double weight = 1) {
        sum_ += value * weight;
        weight_ += weight;
    }
    double value() const;  ///< NaN when there are none
    void reset() { *this = {}; }
    Tensor state() const;
    void set_state(const Tensor& state);

private:
    double sum_ = 0, weight_ = 0;
};

/// An exponential moving average of numbers, without bias at the start: after n numbers, their weights are (1-momentum)
/// momentum^(n-1-i), divided by the sum of the weights (as in Adam's moments).
class XGRAD_API RunningMean {
public:
    explicit RunningMean(double momentum = 0.98, Location where = Location::current());
    void update(double value);
    double value() const;  ///< NaN when there are none
    void reset();
    Tensor state() const;
    void set_state(const Tensor& state);

private:
    double momentum_, sum_ = 0, weight_ = 0;
};

/// accuracy over many batches.
class XGRAD_API Accuracy {
public:
    void update(const Tensor& prediction, const Tensor& target, Location where = Location::current());
    double value() const { return mean_.value(); }
    void reset() { mean_.reset(); }
    Tensor state() const { return mean_.state(); }
    void set_state(const Tensor& state) { mean_.set_state(state); }

private:
    Mean mean_;
};

/// perplexity over many batches: exp of the mean over all targets except those of class -100, which cross_entropy
/// ignores.
class XGRAD_API Perplexity {
public:
    void update(const Tensor& scores, const Tensor& target, Location where = Location::current());
    double value() const;
    void reset() { mean_.reset(); }
    Tensor state() const { return mean_.state(); }
    void set_state(const Tensor& state) { mean_.set_state(state); }

private:
    Mean mean_;
};

/// roc_auc over many batches. Keeps all scores.
class XGRAD_API RocAuc {
public:
    void update(const Tensor& scores, const Tensor& target, Location where = Location::current());
    double value() const;
    void reset() { *this = {}; }
    Tensor state() const;
    void set_state(const Tensor& state);

private:
    std::vector<double> scores_, targets_;
};

/// How per-class numbers are averaged: the mean over classes, over samples (all counted together), or over classes
/// weighted by their samples. As scikit-learn's `average`.
enum class Average { macro, micro, weighted };

/// How often each class was predicted as each class. value() is the accuracy.
class XGRAD_API ConfusionMatrix {
public:
    /// ValueError unless classes is in [1, 2^15].
    explicit ConfusionMatrix(std::int64_t classes, Location where = Location::current());

    void update(const Tensor& prediction, const Tensor& target, Location where = Location::current());
    std::int64_t classes() const { return classes_; }
    /// IndexError for a class out of range.
    std::int64_t count(std::int64_t target, std::int64_t prediction, Location where = Location::current()) const;
    /// All counts: targets in rows, predictions in columns (i64).
    Tensor counts() const;

    /// For each class, the fraction of its predictions that are correct; 0 if there are none, as everywhere below.
    std::vector<double> precision() const;
    /// For each class, the fraction of its samples that are predicted as it.
    std::vector<double> recall() const;
    /// The harmonic mean of precision and recall, per class.
    std::vector<double> f1() const;
    double precision(Average average) const { return averaged(precision(), average); }
    double recall(Average average) const { return averaged(recall(), average); }
    double f1(Average average) const { return averaged(f1(), average); }
    double accuracy() const;

    /// A human-readable table with precision, recall and F1; classes are shown by name, or by number without names.
    /// ValueError unless there is one name per class.
    std::string str(const std::vector<std::string>& names = {}, Location where = Location::current()) const;

    double value() const { return accuracy(); }
    void reset();
    Tensor state() const { return counts(); }
    void set_state(const Tensor& state);

private:
    double averaged(const std::vector<double>& by_class, Average average) const;
    double total(std::int64_t index, bool row) const;

    std::int64_t classes_;
    std::vector<std::int64_t> counts_;
};

}  // namespace xgrad::nn
