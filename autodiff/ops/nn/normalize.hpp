#pragma once

#include <optional>

#include "autodiff/core/tensor.hpp"

// Normalisations, with PyTorch's names, arguments and defaults: (x - mean(x)) / sqrt(var(x) + eps) * weight + bias,
// where the mean and the biased variance (divided by n) are computed over different parts of x. weight and bias may be
// empty. DTypeError unless all are f32 or all f64, ShapeError for a weight or bias of the wrong shape.

namespace xgrad {

struct NormOptions {
    double eps = 1e-5;
};
/// Normalises over the last axes, whose sizes must equal `normalized_shape`; weight and bias have that shape. (Ba,
/// Kiros, Hinton 2016.)
XGRAD_API Tensor layer_norm(const Operand& x, const Shape& normalized_shape, const Operand& weight = Tensor(),
                            const Operand& bias = Tensor(), const NormOptions& options = {});

struct RMSNormFuncOptions {
    std::optional<double> eps = {};  ///< by default the machine epsilon of x's element type, as in PyTorch
};
/// x / sqrt(mean(x²) + eps) * weight over the last axes, whose sizes must equal `normalized_shape`; weight has that
/// shape. (Zhang, Sennrich 2019.)
XGRAD_API Tensor rms_norm(const Operand& x, const Shape& normalized_shape, const Operand& weight = Tensor(),
                          const RMSNormFuncOptions& options = {});

/// Normalises x (batch, channels, …) over each of `num_groups` groups of neighbouring channels and all axes after them,
/// for each sample; weight and bias are (channels). ShapeError unless the groups divide the channels. (Wu, He 2018.)
XGRAD_API Tensor group_norm(const Operand& x, std::int64_t num_groups, const Operand& weight = Tensor(),
                            const Operand& bias = Tensor(), const NormOptions& options = {});
/// Normalises x (batch, channels, …) over the axes after the channels, for each sample and channel; weight and bias are
/// (channels). ShapeError unless x has at least three axes. (Ulyanov, Vedaldi, Lempitsky 2016.)
XGRAD_API Tensor instance_norm(const Operand& x, const Operand& weight = Tensor(), const Operand& bias = Tensor(),
                               const NormOptions& options = {});

struct BatchNormFuncOptions {
    bool training = false;
    double momentum = 0.1;  ///< weight of the new batch in the running statistics
    double eps = 1e-5;
};
/// y and the updated running statistics (constants for any tape).
struct BatchNormResult {
    Tensor y, running_mean, running_var;
};
/// Normalises x (batch, channels, …) over all axes except the channels; all other arguments are (channels). In training
/// it uses the batch's mean and variance and moves the running statistics towards them (with the unbiased variance,
/// divided by n - 1, as in PyTorch); without running statistics it returns the batch's. Otherwise it uses the running
/// statistics, which must be given; y is then differentiable with respect to them too. ValueError for training with a
/// single value per channel. (Ioffe, Szegedy 2015.)
///
///     auto [y, mean, var] = batch_norm(x, running_mean, running_var, weight, bias, {.training = true});
XGRAD_API BatchNormResult batch_norm(const Operand& x, const Operand& running_mean, const Operand& running_var,
                                     const Operand& weight = Tensor(), const Operand& bias = Tensor(),
                                     const BatchNormFuncOptions& options = {});

}  // namespace xgrad
