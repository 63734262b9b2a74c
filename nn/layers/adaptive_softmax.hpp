#pragma once

#include <array>
#include <vector>

#include <autodiff/core/tape.hpp>

#include "linear.hpp"
#include "nn/core/module.hpp"

namespace xgrad::nn {

struct AdaptiveLogSoftmaxOptions {
    double div_value = 4;  ///< each cluster is narrower than the one before by this factor
    bool head_bias = false;
    DType dtype = DType::f32;
};

/// A softmax over very many classes, sorted by frequency, that computes only what the targets need. The most frequent
/// classes, up to cutoffs[0], have their own outputs in `head`, which also has one output for each cluster of rarer
/// classes between two cutoffs. Each cluster has two linear layers in `tail`, the first of which narrows x. (Grave,
/// Joulin, Cissé, Grangier, Jégou 2017.) Parameter names and initial values are PyTorch's: head.weight,
/// tail.0.0.weight, tail.0.1.weight. ValueError unless cutoffs are increasing, from 1 to n_classes - 1.
struct XGRAD_API AdaptiveLogSoftmaxWithLoss {
    Linear head;
    std::vector<std::array<Linear, 2>> tail;

    AdaptiveLogSoftmaxWithLoss(std::int64_t in_features, std::int64_t n_classes,
                               const std::vector<std::int64_t>& cutoffs, const AdaptiveLogSoftmaxOptions& options = {},
                               Location where = Location::current());

    struct Result {
        Tensor output, loss;
    };
    /// The log-probability (N) of each sample's target, and the negative of their mean. x (N, in_features), target (N)
    /// as i32 or i64: ShapeError, DTypeError; IndexError for a class outside [0, n_classes).
    Result operator()(const Tensor& x, const Tensor& target, Location where = Location::current()) const;
    /// The log-probabilities (N, n_classes) of all classes.
    Tensor log_prob(const Tensor& x, Location where = Location::current()) const;
    /// The most probable class of each sample (i64).
    Tensor predict(const Tensor& x, Location where = Location::current()) const;

    void xgrad_visit(const Path& path, Visitor& visitor);

private:
    std::int64_t shortlist() const { return cutoffs_[0]; }
    /// Log-probabilities within cluster i.
    Tensor within(std::size_t i, const Tensor& x, Location where) const;

    std::vector<std::int64_t> cutoffs_;  // with n_classes appended
};

}  // namespace xgrad::nn
