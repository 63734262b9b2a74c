#pragma once

#include <autodiff/autodiff.hpp>
#include <cstdint>
#include <functional>
#include <utility>

#include "data.hpp"

// Linear probing: what a linear classifier can extract from the features of a network.

/// Features that describe images, each standardised to mean 0 and deviation 1 on other images.
class Description {
public:
    Description(std::function<xgrad::Tensor(const xgrad::Tensor&)> features, const xgrad::Tensor& others)
        : features_(std::move(features)) {
        const xgrad::Tensor some = in_blocks(features_, xgrad::slice(others, 0, 0, 5000));
        mean_ = xgrad::mean(some, 0);
        deviation_ = xgrad::std(some, 0) + 1e-3;
    }
    /// The features of images (N, …): (N, features).
    xgrad::Tensor operator()(const xgrad::Tensor& images) const { return (features_(images) - mean_) / deviation_; }

private:
    std::function<xgrad::Tensor(const xgrad::Tensor&)> features_;
    xgrad::Tensor mean_, deviation_;
};

/// Ridge regression from descriptions (n, features) to classes, in its dual form: (K + penalty)⁻¹ Y where K contains
/// the products of all pairs. The penalty is chosen for the fewest leave-one-out errors, which have a closed form
/// (Allen 1974).
class Ridge {
public:
    Ridge(const xgrad::Tensor& x, const xgrad::Tensor& labels, std::int64_t classes) : known_(x) {
        using namespace xgrad;
        const Tensor targets = one_hot(labels, classes) - 1.0 / static_cast<double>(classes), products = compared(x);
        double least = 1e30;
        for (double penalty = 1e-3; penalty < 100; penalty *= 2) {
            const Tensor inverse = inv(products + penalty * eye(x.shape(0))), weights = matmul(inverse, targets);
            const double errors = mean(square(weights / expand_dims(diagonal(inverse), 1))).item();
            if (errors < least) weights_ = weights, least = errors;
        }
    }
    /// Scores of the classes (N, classes).
    xgrad::Tensor operator()(const xgrad::Tensor& x) const { return matmul(compared(x), weights_); }

private:
    xgrad::Tensor compared(const xgrad::Tensor& x) const {
        return matmul(x, transpose(known_)) / static_cast<double>(known_.shape(1));
    }
    xgrad::Tensor known_, weights_;
};
