#pragma once

#include <initializer_list>
#include <vector>

#include <autodiff/functions/functions.hpp>
#include <autodiff/ops/nn/pool.hpp>

#include "nn/core/module.hpp"

// Pooling as layers, for Sequential: `nn::MaxPool2d(2)`, `nn::AvgPool2d(3, {.stride = 2, .padding = 1})`; plain
// integers after the kernel are, as in PyTorch, stride, padding and (of MaxPool) dilation. They have no parameters; the
// formula, options and errors of each are documented at its function in autodiff/ops/nn/pool.hpp.

namespace xgrad::nn {

namespace detail {

/// The members of layers with a window.
template <class Options>
struct Pool {
    PerAxis kernel_size;
    Options options;

    explicit Pool(const PerAxis& size, const Options& given = {}) : kernel_size(size), options(given) {}
    explicit Pool(std::initializer_list<std::int64_t> sizes, const Options& given = {})
        : Pool(PerAxis(std::vector<std::int64_t>(sizes)), given) {}
    template <xgrad::detail::Integer... I>
        requires(sizeof...(I) > 0 && requires(I... numbers) { Options{numbers...}; })
    Pool(const PerAxis& size, I... numbers) : Pool(size, Options{numbers...}) {}
};

}  // namespace detail

/// The largest element of each window; to get the indices as well: xgrad::max_pool2d_with_indices.
struct MaxPool1d : detail::Pool<MaxPoolOptions> {
    using Pool::Pool;
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return max_pool1d(Operand(x, where), kernel_size, options);
    }
};
struct MaxPool2d : detail::Pool<MaxPoolOptions> {
    using Pool::Pool;
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return max_pool2d(Operand(x, where), kernel_size, options);
    }
};
struct MaxPool3d : detail::Pool<MaxPoolOptions> {
    using Pool::Pool;
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return max_pool3d(Operand(x, where), kernel_size, options);
    }
};

/// The mean of each window.
struct AvgPool1d : detail::Pool<AvgPoolOptions> {
    using Pool::Pool;
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return avg_pool1d(Operand(x, where), kernel_size, options);
    }
};
struct AvgPool2d : detail::Pool<AvgPoolOptions> {
    using Pool::Pool;
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return avg_pool2d(Operand(x, where), kernel_size, options);
    }
};
struct AvgPool3d : detail::Pool<AvgPoolOptions> {
    using Pool::Pool;
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return avg_pool3d(Operand(x, where), kernel_size, options);
    }
};

/// (sum x^p)^(1/p) over each window.
struct LPPool1d : detail::Pool<LpPoolOptions> {
    double norm_type;
    template <class... Rest>
    LPPool1d(double p, const PerAxis& size, const Rest&... rest) : Pool(size, rest...), norm_type(p) {}
    LPPool1d(double p, const PerAxis& size, const LpPoolOptions& given) : Pool(size, given), norm_type(p) {}
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return lp_pool1d(Operand(x, where), norm_type, kernel_size, options);
    }
};
struct LPPool2d : detail::Pool<LpPoolOptions> {
    double norm_type;
    template <class... Rest>
    LPPool2d(double p, const PerAxis& size, const Rest&... rest) : Pool(size, rest...), norm_type(p) {}
    LPPool2d(double p, const PerAxis& size, const LpPoolOptions& given) : Pool(size, given), norm_type(p) {}
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return lp_pool2d(Operand(x, where), norm_type, kernel_size, options);
    }
};
struct LPPool3d : detail::Pool<LpPoolOptions> {
    double norm_type;
    template <class... Rest>
    LPPool3d(double p, const PerAxis& size, const Rest&... rest) : Pool(size, rest...), norm_type(p) {}
    LPPool3d(double p, const PerAxis& size, const LpPoolOptions& given) : Pool(size, given), norm_type(p) {}
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return lp_pool3d(Operand(x, where), norm_type, kernel_size, options);
    }
};

/// Divides each axis into output_size parts and takes the mean of each part.
struct AdaptiveAvgPool1d {
    PerAxis output_size;
    explicit AdaptiveAvgPool1d(const PerAxis& size) : output_size(size) {}
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return adaptive_avg_pool1d(Operand(x, where), output_size);
    }
};
struct AdaptiveAvgPool2d {
    PerAxis output_size;
    explicit AdaptiveAvgPool2d(const PerAxis& size) : output_size(size) {}
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return adaptive_avg_pool2d(Operand(x, where), output_size);
    }
};
struct AdaptiveAvgPool3d {
    PerAxis output_size;
    explicit AdaptiveAvgPool3d(const PerAxis& size) : output_size(size) {}
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return adaptive_avg_pool3d(Operand(x, where), output_size);
    }
};

/// The largest element of each of the same parts.
struct AdaptiveMaxPool1d {
    PerAxis output_size;
    explicit AdaptiveMaxPool1d(const PerAxis& size) : output_size(size) {}
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return adaptive_max_pool1d(Operand(x, where), output_size);
    }
};
struct AdaptiveMaxPool2d {
    PerAxis output_size;
    explicit AdaptiveMaxPool2d(const PerAxis& size) : output_size(size) {}
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return adaptive_max_pool2d(Operand(x, where), output_size);
    }
};
struct AdaptiveMaxPool3d {
    PerAxis output_size;
    explicit AdaptiveMaxPool3d(const PerAxis& size) : output_size(size) {}
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return adaptive_max_pool3d(Operand(x, where), output_size);
    }
};

/// The partial inverse of MaxPool: x's elements at their original positions, zeros elsewhere, `unpool(values,
/// indices)`.
struct MaxUnpool1d : detail::Pool<MaxUnpoolOptions> {
    using Pool::Pool;
    void xgrad_visit(const Path&, Visitor&) {}
    /// output_size: only the spatial sizes, needed if several input sizes have the same pooled size.
    Tensor operator()(const Tensor& x, const Tensor& indices, const std::vector<std::int64_t>& output_size = {},
                      Location where = Location::current()) const {
        MaxUnpoolOptions o = options;
        o.output_size = output_size;
        return max_unpool1d(Operand(x, where), indices, kernel_size, o);
    }
};
struct MaxUnpool2d : detail::Pool<MaxUnpoolOptions> {
    using Pool::Pool;
    void xgrad_visit(const Path&, Visitor&) {}
    /// output_size: only the spatial sizes, needed if several input sizes have the same pooled size.
    Tensor operator()(const Tensor& x, const Tensor& indices, const std::vector<std::int64_t>& output_size = {},
                      Location where = Location::current()) const {
        MaxUnpoolOptions o = options;
        o.output_size = output_size;
        return max_unpool2d(Operand(x, where), indices, kernel_size, o);
    }
};
struct MaxUnpool3d : detail::Pool<MaxUnpoolOptions> {
    using Pool::Pool;
    void xgrad_visit(const Path&, Visitor&) {}
    /// output_size: only the spatial sizes, needed if several input sizes have the same pooled size.
    Tensor operator()(const Tensor& x, const Tensor& indices, const std::vector<std::int64_t>& output_size = {},
                      Location where = Location::current()) const {
        MaxUnpoolOptions o = options;
        o.output_size = output_size;
        return max_unpool3d(Operand(x, where), indices, kernel_size, o);
    }
};

}  // namespace xgrad::nn
