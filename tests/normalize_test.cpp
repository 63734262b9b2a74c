#include <doctest/doctest.h>

#include "support.hpp"

using namespace xgrad;
using tests::close;
using tests::error_of;
using tests::here;

namespace {

const Tensor none;

/// Numbers without a pattern, the same everywhere: sin(0), sin(1), … times 2.
Tensor waves(const Shape& shape) {
    return reshape(sin(arange(static_cast<double>(shape.size()), DType::f64)) * 2, shape);
}

}  // namespace

TEST_SUITE("normalisation") {
    TEST_CASE("errors of the normalisations name the rule and what came") {
        const Tensor x = zeros({2, 4, 3}), four = zeros({4}), three = zeros({3});
        CHECK(error_of<ShapeError>([&] { layer_norm(x, {4}); }) ==
              "layer_norm: the normalized shape must be that of the input's last axes, got (4,) and (2, 4, 3)" +
                  here());
        CHECK(error_of<ShapeError>([&] { layer_norm(x, {3}, four); }) ==
              "layer_norm: weight must be (3,) for an input of shape (2, 4, 3), got (4,)" + here());
        CHECK(error_of<DTypeError>([&] { layer_norm(x, {3}, three, three.to(DType::f64)); }) ==
              "layer_norm: dtypes must agree, got f32 and f64 for bias (convert one with .to())" + here());
        CHECK(error_of<DTypeError>([&] { rms_norm(arange(4, DType::i64), {4}); }) ==
              "rms_norm: must be f32 or f64, got i64" + here());
        CHECK(error_of<ShapeError>([&] { group_norm(x, 3); }) ==
              "group_norm: the groups must divide the channels, got 3 groups for shape (2, 4, 3)" + here());
        CHECK(error_of<ShapeError>([&] { instance_norm(zeros({2, 4})); }) ==
              "instance_norm: the input must be (batch, channels, size, …), got shape (2, 4)" + here());
        CHECK(
            error_of<ValueError>([&] { batch_norm(x, none, none); }) ==
            "batch_norm: running_mean and running_var must both be given, or neither in training, got an empty tensor" +
                here());
        CHECK(error_of<ValueError>([&] { batch_norm(zeros({1, 4}), none, none, none, none, {.training = true}); }) ==
              "batch_norm: training needs more than one value for each channel, got shape (1, 4)" + here());
    }

    TEST_CASE("batch_norm gives what a module keeps") {
        const Tensor x = waves({4, 3, 5}), ones3 = ones({3}, DType::f64), zeros3 = zeros({3}, DType::f64);
        const auto [y, mean, variance] = batch_norm(x, zeros3, ones3, ones3, zeros3, {.training = true});
        CHECK(close(mean, 0.1 * xgrad::mean(x, {0, 2})));
        CHECK(close(variance, 0.9 + 0.1 * var(x, {0, 2}, 1)));
        CHECK(close(xgrad::mean(y, {0, 2}), zeros3));
        const BatchNormResult eval = batch_norm(x, mean, variance);
        CHECK(close(eval.running_mean, mean));
        CHECK(close(eval.y, (x - reshape(mean, {3, 1})) / sqrt(reshape(variance, {3, 1}) + 1e-5)));
    }

    TEST_CASE("large offsets do not spoil the variance in single precision") {
        const Tensor x = (waves({4, 256}) + 1000).to(DType::f32), exact = layer_norm(x.to(DType::f64), {256});
        CHECK(close(layer_norm(x, {256}).to(DType::f64), exact, 1e-4));
    }
}
