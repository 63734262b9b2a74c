#pragma once

#include <autodiff/tape.hpp>

#include "module.hpp"

namespace xgrad::nn {

struct LayerNormOptions {
    double eps = 1e-5;
    bool elementwise_affine = true;
    bool bias = true;
    DType dtype = DType::f32;
};
/// layer_norm over the last axes, whose sizes `normalized_shape` repeats; weight starts as ones, bias as zeros.
struct XGRAD_API LayerNorm {
    Parameter weight, bias;

    LayerNorm(const Shape& normalized_shape, const LayerNormOptions& options = {});
    Tensor operator()(const Tensor& x, Location where = Location::current()) const;

    XGRAD_FIELDS(weight, bias)

private:
    Shape shape_;
    double eps_;
};

}  // namespace xgrad::nn
