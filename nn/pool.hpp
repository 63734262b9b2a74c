#pragma once

#include <autodiff/functions.hpp>
#include <autodiff/ops/pool.hpp>

// Pooling as layers, for Sequential: `nn::MaxPool2d(2)`, `nn::AvgPool2d(3, {.stride = 2, .padding = 1})`. They have no parameters; what each computes,
// its options and its errors stand at its function in autodiff/ops/pool.hpp.

namespace xgrad::nn {

/// The largest element of each window; with their places: xgrad::max_pool2d_with_indices.
struct MaxPool1d {
    PerAxis kernel_size;
    MaxPoolOptions options;
    explicit MaxPool1d(const PerAxis& size, const MaxPoolOptions& given = {}) : kernel_size(size), options(given) {}
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return max_pool1d(Operand(x, where), kernel_size, options);
    }
};
struct MaxPool2d {
    PerAxis kernel_size;
    MaxPoolOptions options;
    explicit MaxPool2d(const PerAxis& size, const MaxPoolOptions& given = {}) : kernel_size(size), options(given) {}
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return max_pool2d(Operand(x, where), kernel_size, options);
    }
};
struct MaxPool3d {
    PerAxis kernel_size;
    MaxPoolOptions options;
    explicit MaxPool3d(const PerAxis& size, const MaxPoolOptions& given = {}) : kernel_size(size), options(given) {}
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return max_pool3d(Operand(x, where), kernel_size, options);
    }
};

/// The mean of each window.
struct AvgPool1d {
    PerAxis kernel_size;
    AvgPoolOptions options;
    explicit AvgPool1d(const PerAxis& size, const AvgPoolOptions& given = {}) : kernel_size(size), options(given) {}
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return avg_pool1d(Operand(x, where), kernel_size, options);
    }
};
struct AvgPool2d {
    PerAxis kernel_size;
    AvgPoolOptions options;
    explicit AvgPool2d(const PerAxis& size, const AvgPoolOptions& given = {}) : kernel_size(size), options(given) {}
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return avg_pool2d(Operand(x, where), kernel_size, options);
    }
};
struct AvgPool3d {
    PerAxis kernel_size;
    AvgPoolOptions options;
    explicit AvgPool3d(const PerAxis& size, const AvgPoolOptions& given = {}) : kernel_size(size), options(given) {}
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return avg_pool3d(Operand(x, where), kernel_size, options);
    }
};

/// (sum x^p)^(1/p) over each window.
struct LPPool1d {
    double norm_type;
    PerAxis kernel_size;
    LpPoolOptions options;
    LPPool1d(double p, const PerAxis& size, const LpPoolOptions& given = {}) : norm_type(p), kernel_size(size), options(given) {}
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return lp_pool1d(Operand(x, where), norm_type, kernel_size, options);
    }
};
struct LPPool2d {
    double norm_type;
    PerAxis kernel_size;
    LpPoolOptions options;
    LPPool2d(double p, const PerAxis& size, const LpPoolOptions& given = {}) : norm_type(p), kernel_size(size), options(given) {}
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return lp_pool2d(Operand(x, where), norm_type, kernel_size, options);
    }
};
struct LPPool3d {
    double norm_type;
    PerAxis kernel_size;
    LpPoolOptions options;
    LPPool3d(double p, const PerAxis& size, const LpPoolOptions& given = {}) : norm_type(p), kernel_size(size), options(given) {}
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return lp_pool3d(Operand(x, where), norm_type, kernel_size, options);
    }
};

/// The mean over as many parts of each axis as output_size says.
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

/// The largest element of the same parts.
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

/// The partial inverse of MaxPool: x's elements at their places among zeros, `unpool(values, indices)`.
struct MaxUnpool1d {
    PerAxis kernel_size;
    PerAxis stride, padding;
    explicit MaxUnpool1d(const PerAxis& size, const MaxUnpoolOptions& given = {})
        : kernel_size(size), stride(given.stride), padding(given.padding) {}
    /// output_size: of the sizes alone, where several would give the same pooled sizes.
    Tensor operator()(const Tensor& x, const Tensor& indices, const std::vector<std::int64_t>& output_size = {},
                      Location where = Location::current()) const {
        return max_unpool1d(Operand(x, where), indices, kernel_size, {.stride = stride, .padding = padding, .output_size = output_size});
    }
};
struct MaxUnpool2d {
    PerAxis kernel_size;
    PerAxis stride, padding;
    explicit MaxUnpool2d(const PerAxis& size, const MaxUnpoolOptions& given = {})
        : kernel_size(size), stride(given.stride), padding(given.padding) {}
    /// output_size: of the sizes alone, where several would give the same pooled sizes.
    Tensor operator()(const Tensor& x, const Tensor& indices, const std::vector<std::int64_t>& output_size = {},
                      Location where = Location::current()) const {
        return max_unpool2d(Operand(x, where), indices, kernel_size, {.stride = stride, .padding = padding, .output_size = output_size});
    }
};
struct MaxUnpool3d {
    PerAxis kernel_size;
    PerAxis stride, padding;
    explicit MaxUnpool3d(const PerAxis& size, const MaxUnpoolOptions& given = {})
        : kernel_size(size), stride(given.stride), padding(given.padding) {}
    /// output_size: of the sizes alone, where several would give the same pooled sizes.
    Tensor operator()(const Tensor& x, const Tensor& indices, const std::vector<std::int64_t>& output_size = {},
                      Location where = Location::current()) const {
        return max_unpool3d(Operand(x, where), indices, kernel_size, {.stride = stride, .padding = padding, .output_size = output_size});
    }
};

}  // namespace xgrad::nn
