#include "conv.hpp"

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "autodiff/core/apply.hpp"
#include "autodiff/core/detail/sizes.hpp"
#include "autodiff/ops/reduce/reduce.hpp"
#include "autodiff/ops/shape/shape.hpp"
#include "detail/convolution.hpp"
#include "detail/spatial.hpp"

// The rules of convolutions. <g, conv(x, w)> is linear in each of three tensors. There are three products that take two
// of them and return the cotangent of the third; the pullback of each consists of the other two.

namespace xgrad {

using namespace detail;

namespace {

struct Names {
    const char *forward, *transpose, *weight;
};
constexpr Names names[] = {{"conv1d", "conv_transpose1d", "conv1d_weight"},
                           {"conv2d", "conv_transpose2d", "conv2d_weight"},
                           {"conv3d", "conv_transpose3d", "conv3d_weight"}};
const Names& names_for(const Tensor& x) { return names[x.ndim() - 3]; }

/// How a kernel moves along each spatial axis, and how channels are grouped.
struct Steps {
    PerAxis stride = 1, padding = 0, dilation = 1;
    Int groups = 1;
    Precision precision = Precision::full;

    /// The geometry without the sizes of x and y along the spatial axes.
    ConvGeometry geometry(int axes, Int batch, Int channels, Int outputs, const PerAxis& kernel_size) const {
        ConvGeometry g;
        g.batch = batch;
        g.channels = channels;
        g.outputs = outputs;
        g.groups = groups;
        g.precision = precision;
        g.x = {batch, channels};
        g.w = {outputs, g.in()};
        g.y = {batch, outputs};
        for (int k = 0; k < axes; ++k) {
            const int at = 3 - axes + k;
            g.w.push_back(g.kernel[at] = kernel_size[k]);
            g.stride[at] = stride[k];
            g.padding[at] = padding[k];
            g.dilation[at] = dilation[k];
        }
        return g;
    }
    /// The size of x that `result` results cover exactly.
    Int covered(int k, Int kernel_size, Int result) const {
        return (result - 1) * stride[k] - 2 * padding[k] + dilation[k] * (kernel_size - 1) + 1;
    }
};

/// The sizes along the spatial axes.
PerAxis spatial_sizes(const Shape& shape) { return std::vector<Int>(shape.begin() + 2, shape.end()); }

/// The sum over all axes except the channels.
Tensor bias_gradient(const Tensor& g) {
    std::vector<int> axes;
    for (int k = 0; k < g.ndim(); ++k)
        if (k != 1) axes.push_back(k);
    return sum(g, axes);
}

Tensor transposed(const Tensor& y, const Tensor& w, const Steps& steps, const Shape& x_shape);
Tensor weights(const Tensor& x, const Tensor& y, const Steps& steps, const Shape& w_shape);

/// y = conv(x, w) + bias.
struct Conv : Steps {
    static constexpr const char* name = "conv";
    XGRAD_ATTRIBUTES(stride, padding, dilation, groups, precision)
    static Saves saves(Needs recorded) { return each_others(recorded); }

    ConvGeometry geometry(const Shape& x, const Shape& w) const {
        const int axes = x.rank() - 2;
        ConvGeometry g = Steps::geometry(axes, x[0], x[1], w[0], spatial_sizes(w));
        for (int k = 0; k < axes; ++k) {
            const int at = 3 - axes + k;
            const Int room = x[2 + k] - covered(k, g.kernel[at], 1);
            g.x.push_back(g.size[at] = x[2 + k]);
            g.y.push_back(g.result[at] = room < 0 ? 0 : room / stride[k] + 1);
        }
        return g;
    }
    Tensor value(const Tensor& x, const Tensor& w, const Tensor& bias) const {
        return conv_values(x, w, bias, geometry(x.shape(), w.shape()));
    }
    std::array<Tensor, 3> pullback(Tensor g, const Saved& s) const {
        std::array<Tensor, 3> parts;
        if (s.needs(0)) parts[0] = transposed(g, s.input(1), *this, s.shape(0));
        if (s.needs(1)) parts[1] = weights(s.input(0), g, *this, s.shape(1));
        if (s.needs(2)) parts[2] = bias_gradient(g);
        return parts;
    }
};

/// The part of conv(x, w) with y's shape; smaller than the whole if output_padding added whole strides to x.
Tensor convolve(const Tensor& x, const Tensor& w, const Steps& steps, const Shape& y_shape) {
    Tensor y = apply(Conv{steps}, {x, w, Tensor()}, Location{}, names_for(x).forward);
    for (int k = 2; k < y.ndim(); ++k)
        if (y.shape()[k] != y_shape[k]) y = slice(y, k, 0, y_shape[k]);
    return y;
}

/// x = the transpose of conv(·, w), applied to y, + bias.
struct ConvTranspose : Steps {
    static constexpr const char* name = "conv_transpose";
    PerAxis output_padding = 0;
    XGRAD_ATTRIBUTES(stride, padding, output_padding, dilation, groups, precision)
    static Saves saves(Needs recorded) { return each_others(recorded); }

    ConvGeometry geometry(const Shape& y, const Shape& w) const {
        const int axes = y.rank() - 2;
        ConvGeometry g = Steps::geometry(axes, y[0], w[1] * groups, w[0], spatial_sizes(w));
        for (int k = 0; k < axes; ++k) {
            const int at = 3 - axes + k;
            g.x.push_back(g.size[at] = covered(k, g.kernel[at], y[2 + k]) + output_padding[k]);
            g.y.push_back(g.result[at] = y[2 + k]);
        }
        return g;
    }
    Tensor value(const Tensor& y, const Tensor& w, const Tensor& bias) const {
        return conv_transpose_values(y, w, bias, geometry(y.shape(), w.shape()));
    }
    std::array<Tensor, 3> pullback(Tensor g, const Saved& s) const {
        std::array<Tensor, 3> parts;
        if (s.needs(0)) parts[0] = convolve(g, s.input(1), *this, s.shape(0));
        if (s.needs(1)) parts[1] = weights(g, s.input(0), *this, s.shape(1));
        if (s.needs(2)) parts[2] = bias_gradient(g);
        return parts;
    }
};

Tensor transposed(const Tensor& y, const Tensor& w, const Steps& steps, const Shape& x_shape) {
    std::vector<Int> extra;
    for (int k = 2; k < y.ndim(); ++k) extra.push_back(x_shape[k] - steps.covered(k - 2, w.shape()[k], y.shape()[k]));
    return apply(ConvTranspose{steps, extra}, {y, w, Tensor()}, Location{}, names_for(y).transpose);
}

/// w = the transpose of conv(x, ·), applied to y.
struct ConvWeight : Steps {
    static constexpr const char* name = "conv_weight";
    PerAxis kernel_size = 1;
    XGRAD_ATTRIBUTES(kernel_size, stride, padding, dilation, groups, precision)
    static Saves saves(Needs recorded) { return each_others(recorded); }

    Tensor value(const Tensor& x, const Tensor& y) const {
        const int axes = x.ndim() - 2;
        ConvGeometry g = geometry(axes, x.shape()[0], x.shape()[1], y.shape()[1], kernel_size);
        g.x = x.shape();
        g.y = y.shape();
        for (int k = 0; k < axes; ++k) {
            g.size[3 - axes + k] = g.x[2 + k];
            g.result[3 - axes + k] = g.y[2 + k];
        }
        return conv_weight_values(x, y, g);
    }
    std::array<Tensor, 2> pullback(Tensor g, const Saved& s) const {
        std::array<Tensor, 2> parts;
        if (s.needs(0)) parts[0] = transposed(s.input(1), g, *this, s.shape(0));
        if (s.needs(1)) parts[1] = convolve(s.input(0), g, *this, s.shape(1));
        return parts;
    }
};

Tensor weights(const Tensor& x, const Tensor& y, const Steps& steps, const Shape& w_shape) {
    return apply(ConvWeight{steps, spatial_sizes(w_shape)}, {x, y}, Location{}, names_for(x).weight);
}

/// The checked arguments of a convolution; the input has a batch axis.
struct Arguments {
    Tensor x, w, bias;
    bool batched;
};

Arguments arguments_of(const char* name, int axes, const Operand& input, const Operand& weight, const Operand& bias) {
    const Location where = input.where();
    Arguments a{check_spatial(name, axes, input), tensor_of(weight, name), {}, true};
    check_same_dtype(a.x, a.w, name, where, "the weight");
    if (!bias.is_tensor() || bias.tensor().defined()) {
        a.bias = tensor_of(bias, name);
        check_same_dtype(a.x, a.bias, name, where, "the bias");
    }
    a.batched = a.x.ndim() == axes + 2;
    if (!a.batched) a.x = expand_dims({a.x, where}, 0);
    return a;
}

/// The checks shared by both directions.
Steps steps_of(const char* name, int axes, const Arguments& a, std::int64_t groups, const PerAxis& stride,
               const PerAxis& padding, const PerAxis& dilation, bool transpose, Location where) {
    check_per_axis(name, "stride", stride, axes, 1, where);
    check_per_axis(name, "padding", padding, axes, 0, where);
    check_per_axis(name, "dilation", dilation, axes, 1, where);
    const Int channels = a.x.shape(1);
    check<ValueError>(groups >= 1 && channels % groups == 0, where, [&] {
        return std::string(name) + ": groups must divide the channels, got " + std::to_string(groups) + " for shape " +
               to_string(a.x.shape());
    });
    const bool fits =
        a.w.ndim() == axes + 2 &&
        (transpose ? a.w.shape(0) == channels : a.w.shape(1) == channels / groups && a.w.shape(0) % groups == 0);
    check<ShapeError>(fits, where, [&] {
        std::string wanted = transpose ? "(" + std::to_string(channels) + ", out / groups"
                                       : "(out, " + std::to_string(channels / groups);
        for (int k = 0; k < axes; ++k) wanted += ", kernel";
        return std::string(name) + ": the weight must be " + wanted + ") for an input of shape " +
               to_string(a.x.shape()) + " and " + std::to_string(groups) + (groups == 1 ? " group" : " groups") +
               ", got " + to_string(a.w.shape());
    });
    const Int bias_size = transpose ? a.w.shape(1) * groups : a.w.shape(0);
    check<ShapeError>(!a.bias.defined() || a.bias.shape() == Shape{bias_size}, where, [&] {
        return std::string(name) + ": the bias must be (" + std::to_string(bias_size) + ",), got " +
               to_string(a.bias.shape());
    });
    for (int k = 0; k < axes; ++k)
        check<ShapeError>(a.w.shape(2 + k) >= 1, where, [&] {
            return std::string(name) + ": the kernel must not be empty, got weight " + to_string(a.w.shape());
        });
    return {for_each_axis(stride, axes), for_each_axis(padding, axes), for_each_axis(dilation, axes), groups,
            current_precision()};
}

Tensor conv(int axes, const Operand& input, const Operand& weight, const Operand& bias,
            const ConvFuncOptions& options) {
    const char* const name = names[axes - 1].forward;
    const Location where = input.where();
    const Arguments a = arguments_of(name, axes, input, weight, bias);
    Conv op{steps_of(name, axes, a, options.groups, options.stride, options.padding, options.dilation, false, where)};
    for (int k = 0; k < axes; ++k) {
        const auto got = [&] {
            return "padding " + std::to_string(op.padding[k]) + " and dilation " + std::to_string(op.dilation[k]) +
                   " for weight " + to_string(a.w.shape()) + " and input " + to_string(a.x.shape());
        };
        const Int span = (Size(op.dilation[k]) * (a.w.shape(2 + k) - 1) + 1).value(name, where, got);
        const Int padded = (Size(2) * op.padding[k] + a.x.shape(2 + k)).value(name, where, got);
        check<ShapeError>(span <= padded, where, [&] {
            return std::string(name) + ": the kernel must fit the padded input, got weight " + to_string(a.w.shape()) +
                   " for input " + to_string(a.batched ? a.x.shape() : input.shape());
        });
    }
    count_elements(op.geometry(a.x.shape(), a.w.shape()).y, name, where);
    const Tensor y = apply(std::move(op), {a.x, a.w, a.bias}, where, name);
    return a.batched ? y : squeeze({y, where}, 0);
}

Tensor conv_transpose(int axes, const Operand& input, const Operand& weight, const Operand& bias,
                      const ConvTransposeFuncOptions& options) {
    const char* const name = names[axes - 1].transpose;
    const Location where = input.where();
    const Arguments a = arguments_of(name, axes, input, weight, bias);
    ConvTranspose op{
        steps_of(name, axes, a, options.groups, options.stride, options.padding, options.dilation, true, where)};
    check_per_axis(name, "output_padding", options.output_padding, axes, 0, where);
    op.output_padding = for_each_axis(options.output_padding, axes);
    for (int k = 0; k < axes; ++k) {
        const Int stride = op.stride[k], dilation = op.dilation[k], padding = op.padding[k],
                  extra = op.output_padding[k];
        check<ValueError>(extra < stride || extra < dilation, where, [&] {
            return std::string(name) + ": output_padding must be smaller than stride or dilation, got " +
                   std::to_string(extra);
        });
        const Size reach = Size(a.x.shape(2 + k) - 1) * stride + Size(dilation) * (a.w.shape(2 + k) - 1);
        const Int size = (reach - Size(2) * padding + extra + 1).value(name, where, [&] {
            return "stride " + std::to_string(stride) + ", padding " + std::to_string(padding) + ", output_padding " +
                   std::to_string(extra) + " and dilation " + std::to_string(dilation) + " for weight " +
                   to_string(a.w.shape()) + " and input " + to_string(a.x.shape());
        });
        check<ShapeError>(size >= 1, where, [&] {
            return std::string(name) + ": the output must not be empty, got input " +
                   to_string(a.batched ? a.x.shape() : input.shape()) + " and weight " + to_string(a.w.shape());
        });
    }
    count_elements(op.geometry(a.x.shape(), a.w.shape()).x, name, where);
    const Tensor y = apply(std::move(op), {a.x, a.w, a.bias}, where, name);
    return a.batched ? y : squeeze({y, where}, 0);
}

}  // namespace

Tensor conv1d(const Operand& x, const Operand& weight, const Operand& bias, const ConvFuncOptions& options) {
    return conv(1, x, weight, bias, options);
}
Tensor conv2d(const Operand& x, const Operand& weight, const Operand& bias, const ConvFuncOptions& options) {
    return conv(2, x, weight, bias, options);
}
Tensor conv3d(const Operand& x, const Operand& weight, const Operand& bias, const ConvFuncOptions& options) {
    return conv(3, x, weight, bias, options);
}

Tensor conv_transpose1d(const Operand& x, const Operand& weight, const Operand& bias,
                        const ConvTransposeFuncOptions& options) {
    return conv_transpose(1, x, weight, bias, options);
}
Tensor conv_transpose2d(const Operand& x, const Operand& weight, const Operand& bias,
                        const ConvTransposeFuncOptions& options) {
    return conv_transpose(2, x, weight, bias, options);
}
Tensor conv_transpose3d(const Operand& x, const Operand& weight, const Operand& bias,
                        const ConvTransposeFuncOptions& options) {
    return conv_transpose(3, x, weight, bias, options);
}

}  // namespace xgrad
