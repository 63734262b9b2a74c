#pragma once

#include "autodiff/core/per_axis.hpp"
#include "autodiff/core/tensor.hpp"

// Convolutions with PyTorch's layout, arguments and defaults (elsewhere called cross-correlations: the kernel is not
// flipped). x is (batch, channels, sizes…) or, without batch, (channels, sizes…); weight (out, channels / groups,
// kernel sizes…); bias (out) or empty. Each output size is floor((size + 2 padding - dilation (kernel - 1) - 1) /
// stride) + 1. ShapeError if sizes do not match, DTypeError unless all are f32 or all f64, ValueError for an option out
// of range. All of them are differentiable to any order.

namespace xgrad {

struct ConvFuncOptions {
    PerAxis stride = 1;
    PerAxis padding = 0;  ///< zeros added at both ends
    PerAxis dilation = 1;
    std::int64_t groups = 1;  ///< channels and outputs are split into this many independent groups
};
XGRAD_API Tensor conv1d(const Operand& x, const Operand& weight, const Operand& bias = Tensor(),
                        const ConvFuncOptions& options = {});
XGRAD_API Tensor conv2d(const Operand& x, const Operand& weight, const Operand& bias = Tensor(),
                        const ConvFuncOptions& options = {});
XGRAD_API Tensor conv3d(const Operand& x, const Operand& weight, const Operand& bias = Tensor(),
                        const ConvFuncOptions& options = {});

struct ConvTransposeFuncOptions {
    PerAxis stride = 1;
    PerAxis padding = 0;  ///< number of elements cut off at both ends
    PerAxis output_padding = 0;  ///< added to the output size, at its end
    std::int64_t groups = 1;
    PerAxis dilation = 1;
};
/// The transpose of conv1d with the same options: it computes the gradient with respect to conv1d's input. weight is
/// (channels, out / groups, kernel sizes…); each output size is (size - 1) stride - 2 padding + dilation (kernel - 1) +
/// output_padding + 1.
XGRAD_API Tensor conv_transpose1d(const Operand& x, const Operand& weight, const Operand& bias = Tensor(),
                                  const ConvTransposeFuncOptions& options = {});
XGRAD_API Tensor conv_transpose2d(const Operand& x, const Operand& weight, const Operand& bias = Tensor(),
                                  const ConvTransposeFuncOptions& options = {});
XGRAD_API Tensor conv_transpose3d(const Operand& x, const Operand& weight, const Operand& bias = Tensor(),
                                  const ConvTransposeFuncOptions& options = {});

}  // namespace xgrad
