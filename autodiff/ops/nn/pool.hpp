#pragma once

#include <optional>

#include "autodiff/core/per_axis.hpp"
#include "autodiff/core/tensor.hpp"

// Pooling with PyTorch's layout, arguments and defaults: x is (batch, channels, sizes…) or (channels, sizes…), and a
// window of the kernel's size slides over the spatial axes. Each output size is floor((size + 2 padding - dilation
// (kernel - 1) - 1) / stride) + 1; with ceil_mode it is rounded up, provided that the last window still starts inside
// the input or its left padding. ShapeError if sizes do not match, ValueError for options out of range.

namespace xgrad {

struct MaxPoolOptions {
    PerAxis stride = {};  ///< the kernel's size by default
    PerAxis padding = 0;  ///< with a value that is never the largest; at most half the kernel
    PerAxis dilation = 1;
    bool ceil_mode = false;
};
/// The largest element of each window; NaN if the window has one. Of equal elements the first gets the gradient.
XGRAD_API Tensor max_pool1d(const Operand& x, const PerAxis& kernel, const MaxPoolOptions& options = {});
XGRAD_API Tensor max_pool2d(const Operand& x, const PerAxis& kernel, const MaxPoolOptions& options = {});
XGRAD_API Tensor max_pool3d(const Operand& x, const PerAxis& kernel, const MaxPoolOptions& options = {});

/// Values and their positions in the flattened spatial axes (i64).
struct MaxPoolResult {
    Tensor values, indices;
};
XGRAD_API MaxPoolResult max_pool1d_with_indices(const Operand& x, const PerAxis& kernel,
                                                const MaxPoolOptions& options = {});
XGRAD_API MaxPoolResult max_pool2d_with_indices(const Operand& x, const PerAxis& kernel,
                                                const MaxPoolOptions& options = {});
XGRAD_API MaxPoolResult max_pool3d_with_indices(const Operand& x, const PerAxis& kernel,
                                                const MaxPoolOptions& options = {});

struct AvgPoolOptions {
    PerAxis stride = {};
    PerAxis padding = 0;
    bool ceil_mode = false;
    bool count_include_pad =
        true;  ///< divide by the size of the whole window, padding included; else by the number of input elements in it
    std::optional<double> divisor_override = {};
};
/// The mean of each window.
XGRAD_API Tensor avg_pool1d(const Operand& x, const PerAxis& kernel, const AvgPoolOptions& options = {});
XGRAD_API Tensor avg_pool2d(const Operand& x, const PerAxis& kernel, const AvgPoolOptions& options = {});
XGRAD_API Tensor avg_pool3d(const Operand& x, const PerAxis& kernel, const AvgPoolOptions& options = {});

struct LpPoolOptions {
    PerAxis stride = {};
    bool ceil_mode = false;
};
/// (sum x^p)^(1/p) over each window; p = 1 gives sums, inf gives max_pool. Gradient 0 where the sum is 0. As in PyTorch
/// no absolute value is taken: for even p this makes no difference, for others the sums must not be negative. A window
/// truncated by ceil_mode is the sum of the elements in it (PyTorch scales it up).
XGRAD_API Tensor lp_pool1d(const Operand& x, double p, const PerAxis& kernel, const LpPoolOptions& options = {});
XGRAD_API Tensor lp_pool2d(const Operand& x, double p, const PerAxis& kernel, const LpPoolOptions& options = {});
XGRAD_API Tensor lp_pool3d(const Operand& x, double p, const PerAxis& kernel, const LpPoolOptions& options = {});

/// The mean over windows that split the input into `output` parts along each axis: part i is [floor(i n / output),
/// ceil((i + 1) n / output)).
XGRAD_API Tensor adaptive_avg_pool1d(const Operand& x, const PerAxis& output);
XGRAD_API Tensor adaptive_avg_pool2d(const Operand& x, const PerAxis& output);
XGRAD_API Tensor adaptive_avg_pool3d(const Operand& x, const PerAxis& output);
/// The largest element of the same windows.
XGRAD_API Tensor adaptive_max_pool1d(const Operand& x, const PerAxis& output);
XGRAD_API Tensor adaptive_max_pool2d(const Operand& x, const PerAxis& output);
XGRAD_API Tensor adaptive_max_pool3d(const Operand& x, const PerAxis& output);
XGRAD_API MaxPoolResult adaptive_max_pool1d_with_indices(const Operand& x, const PerAxis& output);
XGRAD_API MaxPoolResult adaptive_max_pool2d_with_indices(const Operand& x, const PerAxis& output);
XGRAD_API MaxPoolResult adaptive_max_pool3d_with_indices(const Operand& x, const PerAxis& output);

}  // namespace xgrad
