#pragma once

#include <optional>
#include <utility>

#include <autodiff/core/tape.hpp>

#include "nn/core/module.hpp"

// Layers whose weight is computed from other parameters: `nn::WeightNorm layer(nn::Linear(64, 64))`. The wrapped layer
// is any layer of nn that has with_weight(x, weight): linear layers and convolutions. The parameter names are those
// that PyTorch's torch.nn.utils.weight_norm and spectral_norm leave in a layer: its own, except weight, then weight_g
// and weight_v, or weight_orig, weight_u and weight_v.

namespace xgrad::nn {

namespace detail {

/// The norms of v over all axes but `axis`, which is kept; without axis, the norm of the whole tensor.
XGRAD_API Tensor norm_except(const Tensor& v, std::optional<int> axis, Location where);
/// g * v / norm_except(v).
XGRAD_API Tensor weight_normed(const Tensor& g, const Tensor& v, std::optional<int> axis, Location where);

struct Spectral {
    int iterations;
    double eps;
    int axis;
};
/// Initial vectors u and v for a weight.
XGRAD_API std::pair<Tensor, Tensor> spectral_start(const Tensor& weight, const Spectral& how);
/// weight / σ, where σ is the largest singular value, estimated from u and v; with `moves`, power iterations improve u
/// and v first.
XGRAD_API Tensor spectral_normed(const Tensor& weight, Tensor& u, Tensor& v, const Spectral& how, bool moves,
                                 Location where);
XGRAD_API int checked_axis(const char* name, int axis, int rank, Location where);

}  // namespace detail

/// A layer whose weight is weight_g * weight_v / |weight_v|, with one norm per slice of axis `dim`; nullopt: one for
/// the whole weight. (Salimans, Kingma 2016.) IndexError for an axis out of range.
template <class L>
class WeightNorm {
public:
    Parameter weight_g, weight_v;

    explicit WeightNorm(L layer, std::optional<int> dim = 0, Location where = Location::current())
        : layer_(std::move(layer)), dim_(dim) {
        if (dim_) dim_ = detail::checked_axis("WeightNorm", *dim_, layer_.weight.ndim(), where);
        weight_v = layer_.weight.release();
        weight_g = detail::norm_except(weight_v.value(), dim_, where);
    }

    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return layer_.with_weight(x, weight(where), where);
    }
    /// The current weight.
    Tensor weight(Location where = Location::current()) const {
        return detail::weight_normed(weight_g, weight_v, dim_, where);
    }
    /// The wrapped layer, whose own weight is empty.
    const L& layer() const { return layer_; }

    void xgrad_visit(const Path& path, Visitor& visitor) {
        detail::visit(layer_, path, visitor);
        detail::visit_fields(*this, std::tie(weight_g, weight_v), "weight_g, weight_v", path, visitor);
    }

private:
    L layer_;
    std::optional<int> dim_;
};

struct SpectralNormOptions {
    int n_power_iterations = 1;
    double eps = 1e-12;
    std::optional<int> dim = {};  ///< the weight's output axis: 1 in transposed convolutions, else 0
};
/// A layer whose weight is divided by its largest singular value, where the weight is viewed as a matrix (outputs,
/// everything else). The singular value is estimated from the vectors weight_u and weight_v, which each call in
/// training improves by power iterations; gradients treat them as constants. Threads that share a layer in training
/// need a lock. (Miyato, Kataoka, Koyama, Yoshida 2018.) IndexError for an axis out of range.
template <class L>
class SpectralNorm {
public:
    Parameter weight_orig;
    mutable Tensor weight_u, weight_v;
    bool training = true;

    explicit SpectralNorm(L layer, const SpectralNormOptions& options = {}, Location where = Location::current())
        : layer_(std::move(layer)), how_{options.n_power_iterations, options.eps, 0} {
        if constexpr (requires { L::output_axis; }) how_.axis = L::output_axis;
        if (options.dim) how_.axis = detail::checked_axis("SpectralNorm", *options.dim, layer_.weight.ndim(), where);
        weight_orig = layer_.weight.release();
        std::tie(weight_u, weight_v) = detail::spectral_start(weight_orig.value(), how_);
    }

    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return layer_.with_weight(x, weight(where), where);
    }
    /// The weight as the next call uses it; in training, calling this updates weight_u and weight_v.
    Tensor weight(Location where = Location::current()) const {
        return detail::spectral_normed(weight_orig, weight_u, weight_v, how_, training, where);
    }
    const L& layer() const { return layer_; }

    void xgrad_visit(const Path& path, Visitor& visitor) {
        detail::visit(layer_, path, visitor);
        detail::visit_fields(*this, std::tie(weight_orig, weight_u, weight_v), "weight_orig, weight_u, weight_v", path,
                             visitor);
    }

private:
    L layer_;
    detail::Spectral how_;
};

}  // namespace xgrad::nn
