#pragma once

#include <autodiff/functions/functions.hpp>
#include <autodiff/ops/shape/interpolate.hpp>
#include <autodiff/ops/shape/shape.hpp>

#include "nn/core/module.hpp"

// Layers without parameters that change shapes: for Sequential, with PyTorch's argument order.

namespace xgrad::nn {

/// Axes start_dim…end_dim (both included) merged into one; by default all but the first, the batch.
struct Flatten {
    int start_dim = 1, end_dim = -1;
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return flatten(Operand(x, where), start_dim, end_dim);
    }
};

/// Splits axis `dim` into several, one of whose sizes may be -1: `nn::Unflatten{1, {8, 4, 4}}`.
struct Unflatten {
    int dim;
    Shape sizes;
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return unflatten(Operand(x, where), dim, sizes);
    }
};

/// Returns x itself: a placeholder for a layer.
struct Identity {
    Tensor operator()(const Tensor& x) const { return x; }
};

/// Resizing of x (N, C, sizes…) by interpolation: `nn::Upsample({.scale_factor = 2, .mode = Interpolation::bilinear})`.
struct Upsample {
    InterpolateOptions options;
    explicit Upsample(const InterpolateOptions& given) : options(given) {}
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return interpolate(Operand(x, where), options);
    }
    void xgrad_visit(const Path&, Visitor&) {}
};

/// The windows of x (N, C, H, W) as columns (N, C * kernel elements, windows), and back: xgrad::unfold and xgrad::fold.
struct Unfold {
    PerAxis kernel_size;
    UnfoldOptions options;
    explicit Unfold(const PerAxis& size, const UnfoldOptions& given = {}) : kernel_size(size), options(given) {}
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return unfold(Operand(x, where), kernel_size, options);
    }
};
struct Fold {
    PerAxis output_size, kernel_size;
    UnfoldOptions options;
    Fold(const PerAxis& output, const PerAxis& size, const UnfoldOptions& given = {})
        : output_size(output), kernel_size(size), options(given) {}
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return fold(Operand(x, where), output_size, kernel_size, options);
    }
};

/// (…, C r², H, W) as (…, C, H r, W r), and back.
struct PixelShuffle {
    std::int64_t upscale_factor;
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return pixel_shuffle(Operand(x, where), upscale_factor);
    }
};
struct PixelUnshuffle {
    std::int64_t downscale_factor;
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return pixel_unshuffle(Operand(x, where), downscale_factor);
    }
};
struct ChannelShuffle {
    std::int64_t groups;
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return channel_shuffle(Operand(x, where), groups);
    }
};

}  // namespace xgrad::nn
