#pragma once

#include <string_view>
#include <vector>

#include <autodiff/ops/shape/arrange.hpp>
#include <autodiff/ops/nn/conv.hpp>
#include <autodiff/core/tape.hpp>

#include "nn/core/module.hpp"

namespace xgrad::nn {

/// A convolution's padding: one number per spatial axis, one for all, "valid" (none), or "same", which keeps the sizes;
/// if the total padding is odd, the end is padded by one more. ValueError for any other word.
class XGRAD_API ConvPadding {
public:
    ConvPadding() = default;
    template <xgrad::detail::Integer... I>
        requires(sizeof...(I) > 0)
    ConvPadding(I... numbers) : numbers_(numbers...) {}
    ConvPadding(const PerAxis& numbers) : numbers_(numbers) {}
    template <std::size_t N>
    ConvPadding(const char (&word)[N], Location where = Location::current()) : same_(is_same(word, where)) {}

    bool same() const { return same_; }
    const PerAxis& numbers() const { return numbers_; }

private:
    static bool is_same(std::string_view word, Location where);

    PerAxis numbers_ = 0;
    bool same_ = false;
};

struct ConvOptions {
    PerAxis stride = 1;
    ConvPadding padding = 0;
    PerAxis dilation = 1;
    std::int64_t groups = 1;
    bool bias = true;
    PadMode padding_mode = PadMode::constant;  ///< the padding mode: zeros, or PyTorch's reflect, replicate, circular
    DType dtype = DType::f32;
};
struct ConvTransposeOptions {
    PerAxis stride = 1;
    PerAxis padding = 0;
    PerAxis output_padding = 0;
    std::int64_t groups = 1;
    bool bias = true;
    PerAxis dilation = 1;
    DType dtype = DType::f32;
};

namespace detail {

/// The common part of Conv1d, Conv2d and Conv3d.
class XGRAD_API Conv {
public:
    Parameter weight, bias;

    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return with_weight(x, weight, where);
    }
    /// The same with another weight instead of its own.
    Tensor with_weight(const Tensor& x, const Tensor& other, Location where = Location::current()) const;
    const ConvOptions& options() const { return options_; }

    void xgrad_visit(const Path& path, Visitor& visitor);

protected:
    Conv(int axes, std::int64_t in_channels, std::int64_t out_channels, const PerAxis& kernel_size,
         const ConvOptions& options, Location where);

private:
    Tensor padded(const Tensor& x, Location where) const;

    int axes_;
    ConvOptions options_;
    PerAxis before_, after_;  // padding at both ends of each axis
    bool pads_itself_;  // pads before the convolution, which itself supports only zeros, equally many at both ends
};

/// The common part of ConvTranspose1d, ConvTranspose2d and ConvTranspose3d.
class XGRAD_API ConvTranspose {
public:
    static constexpr int output_axis = 1;  ///< the weight's output axis, which is the first axis in other layers

    Parameter weight, bias;

    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return with_weight(x, weight, where);
    }
    /// With the result's sizes (one per spatial axis) instead of output_padding. ValueError unless they are at least
    /// the sizes without output padding, and exceed them by less than a stride.
    Tensor operator()(const Tensor& x, const std::vector<std::int64_t>& output_size,
                      Location where = Location::current()) const;
    /// The same with another weight instead of its own.
    Tensor with_weight(const Tensor& x, const Tensor& other, Location where = Location::current()) const {
        return transposed(x, other, options_.output_padding, where);
    }
    const ConvTransposeOptions& options() const { return options_; }

    void xgrad_visit(const Path& path, Visitor& visitor);

protected:
    ConvTranspose(int axes, std::int64_t in_channels, std::int64_t out_channels, const PerAxis& kernel_size,
                  const ConvTransposeOptions& options, Location where);

private:
    Tensor transposed(const Tensor& x, const Tensor& other, const PerAxis& output_padding, Location where) const;

    int axes_;
    ConvTransposeOptions options_;
};

}  // namespace detail

/// The convolution of x (batch, in_channels, sizes…), or without batch, with out_channels outputs; sizes and errors as
/// for xgrad::conv2d. weight is (out_channels, in_channels / groups, kernel sizes…), bias (out_channels); both start as
/// U(-k, k) with k = 1/sqrt(in_channels / groups * kernel size), PyTorch's default. ValueError for sizes that are not
/// positive, groups that do not divide both channels, and "same" with a stride.
///
///     nn::Conv2d conv(3, 8, 5, {.padding = 2});       nn::Conv2d(3, 8, {3, 5}, {.padding = "same"})
struct Conv1d : detail::Conv {
    Conv1d(std::int64_t in_channels, std::int64_t out_channels, const PerAxis& kernel_size,
           const ConvOptions& options = {}, Location where = Location::current())
        : Conv(1, in_channels, out_channels, kernel_size, options, where) {}
    template <xgrad::detail::Integer... I>
        requires(sizeof...(I) > 0 && sizeof...(I) <= 4)
    Conv1d(std::int64_t in_channels, std::int64_t out_channels, const PerAxis& kernel_size, I... numbers)
        : Conv1d(in_channels, out_channels, kernel_size, ConvOptions{numbers...}) {}
};
struct Conv2d : detail::Conv {
    Conv2d(std::int64_t in_channels, std::int64_t out_channels, const PerAxis& kernel_size,
           const ConvOptions& options = {}, Location where = Location::current())
        : Conv(2, in_channels, out_channels, kernel_size, options, where) {}
    template <xgrad::detail::Integer... I>
        requires(sizeof...(I) > 0 && sizeof...(I) <= 4)
    Conv2d(std::int64_t in_channels, std::int64_t out_channels, const PerAxis& kernel_size, I... numbers)
        : Conv2d(in_channels, out_channels, kernel_size, ConvOptions{numbers...}) {}
};
struct Conv3d : detail::Conv {
    Conv3d(std::int64_t in_channels, std::int64_t out_channels, const PerAxis& kernel_size,
           const ConvOptions& options = {}, Location where = Location::current())
        : Conv(3, in_channels, out_channels, kernel_size, options, where) {}
    template <xgrad::detail::Integer... I>
        requires(sizeof...(I) > 0 && sizeof...(I) <= 4)
    Conv3d(std::int64_t in_channels, std::int64_t out_channels, const PerAxis& kernel_size, I... numbers)
        : Conv3d(in_channels, out_channels, kernel_size, ConvOptions{numbers...}) {}
};

/// The transpose of a convolution from out_channels to in_channels: it maps x (batch, in_channels, sizes…) to (batch,
/// out_channels, sizes…); sizes and errors as for xgrad::conv_transpose2d. weight is (in_channels, out_channels /
/// groups, kernel sizes…), bias (out_channels); both start as U(-k, k) with k = 1/sqrt(out_channels / groups * kernel
/// size), PyTorch's default.
struct ConvTranspose1d : detail::ConvTranspose {
    ConvTranspose1d(std::int64_t in_channels, std::int64_t out_channels, const PerAxis& kernel_size,
                    const ConvTransposeOptions& options = {}, Location where = Location::current())
        : ConvTranspose(1, in_channels, out_channels, kernel_size, options, where) {}
    template <xgrad::detail::Integer... I>
        requires(sizeof...(I) > 0 && sizeof...(I) <= 4)
    ConvTranspose1d(std::int64_t in_channels, std::int64_t out_channels, const PerAxis& kernel_size, I... numbers)
        : ConvTranspose1d(in_channels, out_channels, kernel_size, ConvTransposeOptions{numbers...}) {}
};
struct ConvTranspose2d : detail::ConvTranspose {
    ConvTranspose2d(std::int64_t in_channels, std::int64_t out_channels, const PerAxis& kernel_size,
                    const ConvTransposeOptions& options = {}, Location where = Location::current())
        : ConvTranspose(2, in_channels, out_channels, kernel_size, options, where) {}
    template <xgrad::detail::Integer... I>
        requires(sizeof...(I) > 0 && sizeof...(I) <= 4)
    ConvTranspose2d(std::int64_t in_channels, std::int64_t out_channels, const PerAxis& kernel_size, I... numbers)
        : ConvTranspose2d(in_channels, out_channels, kernel_size, ConvTransposeOptions{numbers...}) {}
};
struct ConvTranspose3d : detail::ConvTranspose {
    ConvTranspose3d(std::int64_t in_channels, std::int64_t out_channels, const PerAxis& kernel_size,
                    const ConvTransposeOptions& options = {}, Location where = Location::current())
        : ConvTranspose(3, in_channels, out_channels, kernel_size, options, where) {}
    template <xgrad::detail::Integer... I>
        requires(sizeof...(I) > 0 && sizeof...(I) <= 4)
    ConvTranspose3d(std::int64_t in_channels, std::int64_t out_channels, const PerAxis& kernel_size, I... numbers)
        : ConvTranspose3d(in_channels, out_channels, kernel_size, ConvTransposeOptions{numbers...}) {}
};

}  // namespace xgrad::nn
