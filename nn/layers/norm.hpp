#pragma once

#include <initializer_list>
#include <optional>

#include <autodiff/functions/functions.hpp>
#include <autodiff/ops/nn/normalize.hpp>
#include <autodiff/core/tape.hpp>

#include "nn/core/module.hpp"

// Normalisations as layers. weight starts as ones, bias as zeros. The formula of each is documented at its function in
// autodiff/ops/nn/normalize.hpp.

namespace xgrad::nn {

struct BatchNormOptions {
    double eps = 1e-5;
    std::optional<double> momentum = 0.1;  ///< weight of a new batch in the running statistics; nullopt: the running
                                           ///< statistics are the mean over all batches
    bool affine = true;  ///< with weight and bias
    bool track_running_stats = true;  ///< false: the batch's own statistics in eval mode too
    DType dtype = DType::f32;
};
struct InstanceNormOptions {
    double eps = 1e-5;
    double momentum = 0.1;
    bool affine = false, track_running_stats = false;
    DType dtype = DType::f32;
};

namespace detail {

/// The common part of batch and instance normalisation. A call in training mode updates the running statistics, so
/// threads that share a layer in training need a lock; a checkpoint that recomputes does not count its batch twice.
class XGRAD_API RunningNorm {
public:
    Parameter weight, bias;
    mutable Tensor running_mean, running_var, num_batches_tracked;
    bool training = true;

    void xgrad_visit(const Path& path, Visitor& visitor);

protected:
    RunningNorm(const char* name, std::int64_t num_features, const BatchNormOptions& options, Location where);
    Tensor batch_normalised(const Tensor& x, const char* name, int least_rank, int most_rank, Location where) const;
    Tensor instance_normalised(const Tensor& x, const char* name, int axes, Location where) const;

private:
    void check_input(const Tensor& x, const char* name, int least_rank, int most_rank, int channel_axis,
                     Location where) const;
    /// The weight of a new batch in the running statistics, given the number of batches including it.
    double weight_of(const Tensor& batches) const { return momentum_ ? *momentum_ : 1 / batches.item<double>(); }

    std::int64_t features_;
    double eps_;
    std::optional<double> momentum_;
};

}  // namespace detail

/// Batch normalisation over all axes except the channels (axis 1): in training with the batch's own statistics, of
/// which running_mean and running_var keep a moving average; in eval mode with the running statistics. weight and bias
/// (num_features) with affine. x: BatchNorm1d (N, C) or (N, C, L), BatchNorm2d (N, C, H, W), BatchNorm3d (N, C, D, H,
/// W); ShapeError otherwise. ValueError in training with a single value per channel.
struct BatchNorm1d : detail::RunningNorm {
    explicit BatchNorm1d(std::int64_t num_features, const BatchNormOptions& options = {},
                         Location where = Location::current())
        : RunningNorm("BatchNorm1d", num_features, options, where) {}
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return batch_normalised(x, "BatchNorm1d", 2, 3, where);
    }
};
struct BatchNorm2d : detail::RunningNorm {
    explicit BatchNorm2d(std::int64_t num_features, const BatchNormOptions& options = {},
                         Location where = Location::current())
        : RunningNorm("BatchNorm2d", num_features, options, where) {}
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return batch_normalised(x, "BatchNorm2d", 4, 4, where);
    }
};
struct BatchNorm3d : detail::RunningNorm {
    explicit BatchNorm3d(std::int64_t num_features, const BatchNormOptions& options = {},
                         Location where = Location::current())
        : RunningNorm("BatchNorm3d", num_features, options, where) {}
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return batch_normalised(x, "BatchNorm3d", 5, 5, where);
    }
};

/// Instance normalisation over the axes after the channels, for each sample and channel. x (N, C, sizes…) or (C,
/// sizes…). Running statistics, if tracked, are used in eval mode; as in PyTorch, num_batches_tracked stays 0.
struct InstanceNorm1d : detail::RunningNorm {
    explicit InstanceNorm1d(std::int64_t num_features, const InstanceNormOptions& o = {},
                            Location where = Location::current())
        : RunningNorm("InstanceNorm1d", num_features, {o.eps, o.momentum, o.affine, o.track_running_stats, o.dtype},
                      where) {}
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return instance_normalised(x, "InstanceNorm1d", 1, where);
    }
};
struct InstanceNorm2d : detail::RunningNorm {
    explicit InstanceNorm2d(std::int64_t num_features, const InstanceNormOptions& o = {},
                            Location where = Location::current())
        : RunningNorm("InstanceNorm2d", num_features, {o.eps, o.momentum, o.affine, o.track_running_stats, o.dtype},
                      where) {}
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return instance_normalised(x, "InstanceNorm2d", 2, where);
    }
};
struct InstanceNorm3d : detail::RunningNorm {
    explicit InstanceNorm3d(std::int64_t num_features, const InstanceNormOptions& o = {},
                            Location where = Location::current())
        : RunningNorm("InstanceNorm3d", num_features, {o.eps, o.momentum, o.affine, o.track_running_stats, o.dtype},
                      where) {}
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return instance_normalised(x, "InstanceNorm3d", 3, where);
    }
};

struct LayerNormOptions {
    double eps = 1e-5;
    bool elementwise_affine = true;  ///< with weight and bias
    bool bias = true;
    DType dtype = DType::f32;
};
/// Layer normalisation over the last axes, whose sizes are normalized_shape; weight and bias have that shape.
/// `nn::LayerNorm(64)`, `nn::LayerNorm({8, 64})`.
struct XGRAD_API LayerNorm {
    Parameter weight, bias;

    explicit LayerNorm(const Shape& normalized_shape, const LayerNormOptions& options = {});
    explicit LayerNorm(std::int64_t size, const LayerNormOptions& options = {}) : LayerNorm(Shape{size}, options) {}
    explicit LayerNorm(std::initializer_list<std::int64_t> sizes, const LayerNormOptions& options = {})
        : LayerNorm(Shape(sizes), options) {}
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return layer_norm(Operand(x, where), shape_, weight, bias, {.eps = eps_});
    }

    void xgrad_visit(const Path& path, Visitor& visitor);

private:
    Shape shape_;
    double eps_;
};

struct RMSNormOptions {
    std::optional<double> eps = {};  ///< default: the spacing of numbers at 1 (machine epsilon) in x's dtype
    bool elementwise_affine = true;  ///< with weight
    DType dtype = DType::f32;
};
/// x / sqrt(mean(x²) + eps) * weight over the last axes, whose sizes are normalized_shape.
struct XGRAD_API RMSNorm {
    Parameter weight;

    explicit RMSNorm(const Shape& normalized_shape, const RMSNormOptions& options = {});
    explicit RMSNorm(std::int64_t size, const RMSNormOptions& options = {}) : RMSNorm(Shape{size}, options) {}
    explicit RMSNorm(std::initializer_list<std::int64_t> sizes, const RMSNormOptions& options = {})
        : RMSNorm(Shape(sizes), options) {}
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return rms_norm(Operand(x, where), shape_, weight, {.eps = eps_});
    }

    void xgrad_visit(const Path& path, Visitor& visitor);

private:
    Shape shape_;
    std::optional<double> eps_;
};

struct GroupNormOptions {
    double eps = 1e-5;
    bool affine = true;
    DType dtype = DType::f32;
};
/// Group normalisation of x (N, num_channels, …) over each of num_groups groups of channels; weight and bias
/// (num_channels).
struct XGRAD_API GroupNorm {
    Parameter weight, bias;

    /// ValueError unless num_groups divides num_channels.
    GroupNorm(std::int64_t num_groups, std::int64_t num_channels, const GroupNormOptions& options = {},
              Location where = Location::current());
    Tensor operator()(const Tensor& x, Location where = Location::current()) const;

    void xgrad_visit(const Path& path, Visitor& visitor);

private:
    std::int64_t groups_, channels_;
    double eps_;
};

struct LocalResponseNormOptions {
    double alpha = 1e-4, beta = 0.75, k = 1;
};
/// xgrad::local_response_norm over `size` neighbouring channels.
struct LocalResponseNorm {
    std::int64_t size;
    LocalResponseNormOptions options;
    explicit LocalResponseNorm(std::int64_t channels, const LocalResponseNormOptions& given = {})
        : size(channels), options(given) {}
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return local_response_norm(Operand(x, where), size, options.alpha, options.beta, options.k);
    }
};

}  // namespace xgrad::nn
