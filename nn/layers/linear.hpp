#pragma once

#include <concepts>

#include <autodiff/functions/functions.hpp>
#include <autodiff/ops/linalg/matmul.hpp>
#include <autodiff/core/tape.hpp>

#include "nn/core/module.hpp"

namespace xgrad::nn {

struct LinearOptions {
    bool bias = true;
    DType dtype = DType::f32;
};

/// x·weightᵀ + bias: maps x (…, in_features) to (…, out_features). weight is (out_features, in_features), bias
/// (out_features); both start as U(-k, k) with k = 1/sqrt(in_features), PyTorch's default. ShapeError unless x's last
/// axis is in_features.
///
/// `a.weight = b.weight` copies the value and ties nothing: to use one weight in two places, see nn::alias in
/// module.hpp.
struct XGRAD_API Linear {
    Parameter weight, bias;

    Linear(std::int64_t in_features, std::int64_t out_features, const LinearOptions& options = {},
           Location where = Location::current());
    template <std::same_as<bool> Bool>
    Linear(std::int64_t in_features, std::int64_t out_features, Bool with_bias, Location where = Location::current())
        : Linear(in_features, out_features, LinearOptions{.bias = with_bias}, where) {}

    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return with_weight(x, weight, where);
    }
    /// The same with another weight instead of its own.
    Tensor with_weight(const Tensor& x, const Tensor& other, Location where = Location::current()) const {
        return linear(Operand(x, where), other, bias);
    }

    std::int64_t in_features() const { return weight.shape(1); }
    std::int64_t out_features() const { return weight.shape(0); }

    void xgrad_visit(const Path& path, Visitor& visitor);
};

/// x1ᵀ·weight[k]·x2 + bias[k] for each output k: maps x1 (…, in1_features) and x2 (…, in2_features) to (…,
/// out_features). weight is (out_features, in1_features, in2_features), bias (out_features); both start as U(-k, k)
/// with k = 1/sqrt(in1_features). ShapeError unless leading axes agree.
struct XGRAD_API Bilinear {
    Parameter weight, bias;

    Bilinear(std::int64_t in1_features, std::int64_t in2_features, std::int64_t out_features,
             const LinearOptions& options = {}, Location where = Location::current());

    Tensor operator()(const Tensor& x1, const Tensor& x2, Location where = Location::current()) const {
        return bilinear(Operand(x1, where), x2, weight, bias);
    }

    void xgrad_visit(const Path& path, Visitor& visitor);
};

}  // namespace xgrad::nn
