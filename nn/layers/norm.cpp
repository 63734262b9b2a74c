#include "norm.hpp"

#include <string>

#include <autodiff/ops/elementwise/elementwise.hpp>
#include <autodiff/ops/reduce/reduce.hpp>
#include <autodiff/ops/shape/shape.hpp>

#include "nn/core/detail/fields.hpp"

namespace xgrad::nn {

namespace detail {

RunningNorm::RunningNorm(const char* name, std::int64_t num_features, const BatchNormOptions& options, Location where)
    : features_(num_features), eps_(options.eps), momentum_(options.momentum) {
    check<ValueError>(num_features > 0, where, [&] {
        return std::string(name) + ": num_features must be positive, got " + std::to_string(num_features);
    });
    const Shape shape{num_features};
    if (options.affine) {
        weight = ones(shape, options.dtype);
        bias = zeros(shape, options.dtype);
    }
    if (!options.track_running_stats) return;
    running_mean = zeros(shape, options.dtype);
    running_var = ones(shape, options.dtype);
    num_batches_tracked = scalar(std::int64_t{0});
}

void RunningNorm::check_input(const Tensor& x, const char* name, int least_rank, int most_rank, int channel_axis,
                              Location where) const {
    check<ShapeError>(
        x.ndim() >= least_rank && x.ndim() <= most_rank && x.shape(channel_axis) == features_, where, [&] {
            return std::string(name) + ": the input must have " + std::to_string(least_rank) +
                   (most_rank > least_rank ? " or " + std::to_string(most_rank) : std::string()) + " axes and " +
                   std::to_string(features_) + " channels, got shape " + to_string(x.shape());
        });
}

Tensor RunningNorm::batch_normalised(const Tensor& x, const char* name, int least_rank, int most_rank,
                                     Location where) const {
    check_input(x, name, least_rank, most_rank, 1, where);
    const bool tracks = running_mean.defined(), own = training || !tracks,
               updates = training && tracks && !drawing_again();
    xgrad::BatchNormFuncOptions options{.training = own, .momentum = 0, .eps = eps_};
    const Operand input(x, where);
    if (!updates) return batch_norm(input, running_mean, running_var, weight, bias, options).y;
    const Tensor batches = num_batches_tracked + 1;
    options.momentum = weight_of(batches);
    auto [y, mean, var] = batch_norm(input, running_mean, running_var, weight, bias, options);
    running_mean = std::move(mean);
    running_var = std::move(var);
    num_batches_tracked = batches;
    return y;
}

Tensor RunningNorm::instance_normalised(const Tensor& x, const char* name, int axes, Location where) const {
    const bool batched = x.ndim() == axes + 2;
    check_input(x, name, axes + 1, axes + 2, batched ? 1 : 0, where);
    if (!batched) return squeeze(instance_normalised(expand_dims(Operand(x, where), 0), name, axes, where), 0);
    const Operand input(x, where);
    if (!running_mean.defined()) return instance_norm(input, weight, bias, {.eps = eps_});
    if (!training) return batch_norm(input, running_mean, running_var, weight, bias, {.eps = eps_}).y;
    Tensor y = instance_norm(input, weight, bias, {.eps = eps_});
    if (drawing_again()) return y;
    const Tensor values = stop_gradient(x);
    std::vector<int> sizes;
    for (int k = 2; k < x.ndim(); ++k) sizes.push_back(k);
    const Tensor means = mean(mean(values, sizes), 0), variances = mean(var(values, sizes, 1), 0);  // (N, C) to (C)
    const double momentum = momentum_.value_or(0);
    running_mean = running_mean * (1 - momentum) + means * momentum;
    running_var = running_var * (1 - momentum) + variances * momentum;
    return y;
}

}  // namespace detail

LayerNorm::LayerNorm(const Shape& normalized_shape, const LayerNormOptions& options)
    : shape_(normalized_shape), eps_(options.eps) {
    if (!options.elementwise_affine) return;
    weight = ones(shape_, options.dtype);
    if (options.bias) bias = zeros(shape_, options.dtype);
}

RMSNorm::RMSNorm(const Shape& normalized_shape, const RMSNormOptions& options)
    : shape_(normalized_shape), eps_(options.eps) {
    if (options.elementwise_affine) weight = ones(shape_, options.dtype);
}

GroupNorm::GroupNorm(std::int64_t num_groups, std::int64_t num_channels, const GroupNormOptions& options,
                     Location where)
    : groups_(num_groups), channels_(num_channels), eps_(options.eps) {
    check<ValueError>(num_groups > 0 && num_channels > 0 && num_channels % num_groups == 0, where, [&] {
        return "GroupNorm: num_groups must divide num_channels, got " + std::to_string(num_groups) + " and " +
               std::to_string(num_channels);
    });
    if (!options.affine) return;
    weight = ones({num_channels}, options.dtype);
    bias = zeros({num_channels}, options.dtype);
}

Tensor GroupNorm::operator()(const Tensor& x, Location where) const {
    check<ShapeError>(x.ndim() >= 2 && x.shape(1) == channels_, where, [&] {
        return "GroupNorm: the input must have " + std::to_string(channels_) + " channels in axis 1, got shape " +
               to_string(x.shape());
    });
    return group_norm(Operand(x, where), groups_, weight, bias, {.eps = eps_});
}

XGRAD_FIELDS_OF(detail::RunningNorm, weight, bias, running_mean, running_var, num_batches_tracked)
XGRAD_FIELDS_OF(LayerNorm, weight, bias)
XGRAD_FIELDS_OF(RMSNorm, weight)
XGRAD_FIELDS_OF(GroupNorm, weight, bias)

}  // namespace xgrad::nn
