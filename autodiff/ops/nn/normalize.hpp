#pragma once

#include <optional>

#include "autodiff/core/tensor.hpp"

// Normalisations, with PyTorch's names, arguments and defaults: (x - mean(x)) / sqrt(var(x) + eps) * weight + bias,
// where mean and variance (the biased one, divided by n) are taken over different parts of x. weight and bias may be
// empty. DTypeError unless all are f32 or all f64, ShapeError for a weight or bias of another shape than the one named.

namespace xgrad {

struct NormOptions {
    double eps = 1e-5;
};
/// Over the last axes, whose sizes `normalized_shape` repeats; weight and bias have that shape. (Ba, Kiros, Hinton
/// 2016.)
XGRAD_API Tensor layer_norm(const Operand& x, const Shape& normalized_shape, const Operand& weight = Tensor(),
                            const Operand& bias = Tensor(), const NormOptions& options = {});

struct RmsNormOptions {
    std::optional<double> eps =
        {};  ///< the spacing of numbers at 1 in x's element type where it is not given, as PyTorch
};
/// x / sqrt(mean(x²) + eps) * weight over the last axes, whose sizes `normalized_shape` repeats; weight has that shape.
/// (Zhang, Sennrich 2019.)
XGRAD_API Tensor rms_norm(const Operand& x, const Shape& normalized_shape, const Operand& weight = Tensor(),
                          const RmsNormOptions& options = {});

/// Of x (batch, channels, …): over each of `num_groups` groups of neighbouring channels and all axes behind them, for
/// each sample; weight and bias (channels). ShapeError unless the groups divide the channels. (Wu, He 2018.)
XGRAD_API Tensor group_norm(const Operand& x, std::int64_t num_groups, const Operand& weight = Tensor(),
                            const Operand& bias = Tensor(), const NormOptions& options = {});
/// Of x (batch, channels, …): over the axes behind, for each sample and channel; weight and bias (channels). ShapeError
/// unless x has at least three axes. (Ulyanov, Vedaldi, Lempitsky 2016.)
XGRAD_API Tensor instance_norm(const Operand& x, const Operand& weight = Tensor(), const Operand& bias = Tensor(),
                               const NormOptions& options = {});

struct BatchNormFuncOptions {
    bool training = false;
    double momentum = 0.1;  ///< weight of the new batch in the running statistics
    double eps = 1e-5;
};
/// y, and the running statistics as they are afterwards (constants to a tape).
struct BatchNormResult {
    Tensor y, running_mean, running_var;
};
/// Of x (batch, channels, …): over all axes but the channels; all other arguments are (channels). In training with the
/// batch's own mean and variance, and running statistics that move towards these (the variance divided by n - 1, as
/// PyTorch); without running statistics the batch's own are returned. Else with the running statistics, which must be
/// given, and to which y is then differentiable as well. ValueError for training with a single value for each channel.
/// (Ioffe, Szegedy 2015.)
///
///     auto [y, mean, var] = batch_norm(x, running_mean, running_var, weight, bias, {.training = true});
XGRAD_API BatchNormResult batch_norm(const Operand& x, const Operand& running_mean, const Operand& running_var,
                                     const Operand& weight = Tensor(), const Operand& bias = Tensor(),
                                     const BatchNormFuncOptions& options = {});

}  // namespace xgrad
