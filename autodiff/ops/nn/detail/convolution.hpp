#pragma once

#include <cstdint>

#include "autodiff/core/precision.hpp"
#include "autodiff/core/tensor.hpp"

// The three products of a convolution, on values. Not for users.

namespace xgrad::detail {

/// Sizes of a convolution y = conv(x, w): x (batch, channels, size…), w (outputs, channels / groups, kernel…), y
/// (batch, outputs, result…). There are always three spatial axes; if fewer are used, the leading ones have size 1.
struct ConvGeometry {
    std::int64_t batch = 0, channels = 0, outputs = 0, groups = 1;
    std::int64_t size[3] = {1, 1, 1}, kernel[3] = {1, 1, 1}, result[3] = {1, 1, 1};
    std::int64_t stride[3] = {1, 1, 1}, padding[3] = {0, 0, 0}, dilation[3] = {1, 1, 1};
    Precision precision = Precision::full;
    Shape x, w, y;  ///< the tensors' own shapes

    std::int64_t in() const { return groups ? channels / groups : 0; }  ///< channels of a group
    std::int64_t out() const { return groups ? outputs / groups : 0; }  ///< outputs of a group
    std::int64_t work() const { return y.size() * in() * kernel[0] * kernel[1] * kernel[2]; }
};

/// y = conv(x, w) + bias (which may be empty).
Tensor conv_values(const Tensor& x, const Tensor& w, const Tensor& bias, const ConvGeometry& geometry);
/// x = the transpose of conv(·, w), applied to y, + bias.
Tensor conv_transpose_values(const Tensor& y, const Tensor& w, const Tensor& bias, const ConvGeometry& geometry);
/// w = the transpose of conv(x, ·), applied to y.
Tensor conv_weight_values(const Tensor& x, const Tensor& y, const ConvGeometry& geometry);

}  // namespace xgrad::detail
