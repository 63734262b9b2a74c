#include "conv.hpp"

#include <array>
#include <string>

#include "../record.hpp"
#include "convolution.hpp"
#include "reduce.hpp"
#include "shape.hpp"
#include "sizes.hpp"
#include "spatial.hpp"

// The rules of convolutions. <g, conv(x, w)> is linear in each of three tensors; of the products that take two of them and give the
// cotangent of the third, the pullback of each consists of the other two.

namespace xgrad {

using namespace detail;

namespace {

struct Names {
    const char *forward, *transpose, *weight;
};
constexpr Names names[] = {{"conv1d", "conv_transpose1d", "conv1d_weight"},
                           {"conv2d", "conv_transpose2d", "conv2d_weight"},
                           {"conv3d", "conv_transpose3d", "conv3d_weight"}};

/// The sum over all axes but the channels'.
Tensor bias_gradient(const Tensor& g) {
    std::vector<int> axes;
    for (int k = 0; k < g.ndim(); ++k)
        if (k != 1) axes.push_back(k);
    return sum(g, axes);
}

Tensor transposed(const Tensor& y, const Tensor& w, const Tensor& bias, const ConvGeometry& geometry, Location where = {});
Tensor weights(const Tensor& x, const Tensor& y, const ConvGeometry& geometry);

const Names& names_of(const ConvGeometry& geometry) { return names[geometry.x.rank() - 3]; }

Tensor convolve(const Tensor& x, const Tensor& w, const Tensor& bias, const ConvGeometry& geometry, Location where = {}) {
    const bool need_x = is_tracked(x), need_w = is_tracked(w);
    return apply(
        names_of(geometry).forward, {x, w, bias},
        [geometry](const Tensor& a, const Tensor& b, const Tensor& c) { return conv_values(a, b, c, geometry); },
        [x = need_w ? x : Tensor(), w = need_x ? w : Tensor(), geometry](const Tensor& g, Needs needs) -> std::array<Tensor, 3> {
            std::array<Tensor, 3> parts;
            if (needs[0]) parts[0] = transposed(g, w, Tensor(), geometry);
            if (needs[1]) parts[1] = weights(x, g, geometry);
            if (needs[2]) parts[2] = bias_gradient(g);
            return parts;
        },
        where);
}

Tensor transposed(const Tensor& y, const Tensor& w, const Tensor& bias, const ConvGeometry& geometry, Location where) {
    const bool need_y = is_tracked(y), need_w = is_tracked(w);
    return apply(
        names_of(geometry).transpose, {y, w, bias},
        [geometry](const Tensor& a, const Tensor& b, const Tensor& c) { return conv_transpose_values(a, b, c, geometry); },
        [y = need_w ? y : Tensor(), w = need_y ? w : Tensor(), geometry](const Tensor& g, Needs needs) -> std::array<Tensor, 3> {
            std::array<Tensor, 3> parts;
            if (needs[0]) parts[0] = convolve(g, w, Tensor(), geometry);
            if (needs[1]) parts[1] = weights(g, y, geometry);
            if (needs[2]) parts[2] = bias_gradient(g);
            return parts;
        },
        where);
}

Tensor weights(const Tensor& x, const Tensor& y, const ConvGeometry& geometry) {
    const bool need_x = is_tracked(x), need_y = is_tracked(y);
    return apply(
        names_of(geometry).weight, {x, y}, [geometry](const Tensor& a, const Tensor& b) { return conv_weight_values(a, b, geometry); },
        [x = need_y ? x : Tensor(), y = need_x ? y : Tensor(), geometry](const Tensor& g, Needs needs) -> std::array<Tensor, 2> {
            std::array<Tensor, 2> parts;
            if (needs[0]) parts[0] = transposed(y, g, Tensor(), geometry);
            if (needs[1]) parts[1] = convolve(x, g, Tensor(), geometry);
            return parts;
        },
        {});
}

/// The arguments of a convolution, checked; the input with its batch axis.
struct Arguments {
    Tensor x, w, bias;
    bool batched;
};

Arguments arguments_of(const char* name, int axes, const Operand& input, const Operand& weight, const Operand& bias) {
    const Location where = input.where();
    Arguments a{check_spatial(name, axes, input), tensor_of(weight, name), {}, true};
    check<DTypeError>(a.w.dtype() == a.x.dtype(), where, [&] {
        return std::string(name) + ": dtypes must agree, got " + name_of(a.x.dtype()) + " and " + name_of(a.w.dtype()) + " for the weight";
    });
    if (!bias.is_tensor() || bias.tensor().defined()) {
        a.bias = tensor_of(bias, name);
        check<DTypeError>(a.bias.dtype() == a.x.dtype(), where, [&] {
            return std::string(name) + ": dtypes must agree, got " + name_of(a.x.dtype()) + " and " + name_of(a.bias.dtype()) +
                   " for the bias";
        });
    }
    a.batched = a.x.ndim() == axes + 2;
    if (!a.batched) a.x = expand_dims({a.x, where}, 0);
    return a;
}

/// The checks that both directions share; `own` are the weight's first two sizes as the operation's documentation names them.
ConvGeometry geometry_of(const char* name, int axes, const Arguments& a, std::int64_t groups, const PerAxis& stride, const PerAxis& padding,
                         const PerAxis& dilation, bool transpose, Location where) {
    check_per_axis(name, "stride", stride, axes, 1, where);
    check_per_axis(name, "padding", padding, axes, 0, where);
    check_per_axis(name, "dilation", dilation, axes, 1, where);
    const Int channels = a.x.shape(1);
    check<ValueError>(groups >= 1 && channels % groups == 0, where, [&] {
        return std::string(name) + ": groups must divide the channels, got " + std::to_string(groups) + " for shape " +
               to_string(a.x.shape());
    });
    const bool fits =
        a.w.ndim() == axes + 2 && (transpose ? a.w.shape(0) == channels : a.w.shape(1) == channels / groups && a.w.shape(0) % groups == 0);
    check<ShapeError>(fits, where, [&] {
        std::string wanted = transpose ? "(" + std::to_string(channels) + ", out / groups" : "(out, " + std::to_string(channels / groups);
        for (int k = 0; k < axes; ++k) wanted += ", kernel";
        return std::string(name) + ": the weight must be " + wanted + ") for an input of shape " + to_string(a.x.shape()) + " and " +
               std::to_string(groups) + (groups == 1 ? " group" : " groups") + ", got " + to_string(a.w.shape());
    });
    ConvGeometry g;
    g.batch = a.x.shape(0);
    g.groups = groups;
    g.channels = transpose ? a.w.shape(1) * groups : channels;
    g.outputs = a.w.shape(0);
    const Int bias_size = transpose ? g.channels : g.outputs;
    check<ShapeError>(!a.bias.defined() || a.bias.shape() == Shape{bias_size}, where, [&] {
        return std::string(name) + ": the bias must be (" + std::to_string(bias_size) + ",), got " + to_string(a.bias.shape());
    });
    for (int k = 0; k < axes; ++k) {
        const int at = 3 - axes + k;
        g.kernel[at] = a.w.shape(2 + k);
        g.stride[at] = stride[k];
        g.padding[at] = padding[k];
        g.dilation[at] = dilation[k];
        check<ShapeError>(g.kernel[at] >= 1, where,
                          [&] { return std::string(name) + ": the kernel must not be empty, got weight " + to_string(a.w.shape()); });
    }
    g.w = a.w.shape();
    return g;
}

Tensor conv(int axes, const Operand& input, const Operand& weight, const Operand& bias, const ConvFuncOptions& options) {
    const char* const name = names[axes - 1].forward;
    const Location where = input.where();
    const Arguments a = arguments_of(name, axes, input, weight, bias);
    ConvGeometry g = geometry_of(name, axes, a, options.groups, options.stride, options.padding, options.dilation, false, where);
    g.x = a.x.shape();
    g.y = {g.batch, g.outputs};
    for (int at = 3 - axes; at < 3; ++at) {
        g.size[at] = g.x[at - 3 + g.x.rank()];
        const auto got = [&] {
            return "padding " + std::to_string(g.padding[at]) + " and dilation " + std::to_string(g.dilation[at]) + " for weight " +
                   to_string(g.w) + " and input " + to_string(g.x);
        };
        const Int span = (Size(g.dilation[at]) * (g.kernel[at] - 1) + 1).value(name, where, got);
        const Int padded = (Size(2) * g.padding[at] + g.size[at]).value(name, where, got);
        check<ShapeError>(span <= padded, where, [&] {
            return std::string(name) + ": the kernel must fit the padded input, got weight " + to_string(g.w) + " for input " +
                   to_string(a.batched ? g.x : input.shape());
        });
        g.result[at] = (padded - span) / g.stride[at] + 1;
        g.y.push_back(g.result[at]);
    }
    count_elements(g.y, name, where);
    const Tensor y = convolve(a.x, a.w, a.bias, g, where);
    return a.batched ? y : squeeze({y, where}, 0);
}

Tensor conv_transpose(int axes, const Operand& input, const Operand& weight, const Operand& bias, const ConvTransposeFuncOptions& options) {
    const char* const name = names[axes - 1].transpose;
    const Location where = input.where();
    const Arguments a = arguments_of(name, axes, input, weight, bias);
    ConvGeometry g = geometry_of(name, axes, a, options.groups, options.stride, options.padding, options.dilation, true, where);
    check_per_axis(name, "output_padding", options.output_padding, axes, 0, where);
    g.y = a.x.shape();
    g.x = {g.batch, g.channels};
    for (int at = 3 - axes; at < 3; ++at) {
        g.result[at] = g.y[at - 3 + g.y.rank()];
        const Int extra = options.output_padding[at - 3 + axes];
        check<ValueError>(extra < g.stride[at] || extra < g.dilation[at], where, [&] {
            return std::string(name) + ": output_padding must be smaller than stride or dilation, got " + std::to_string(extra);
        });
        const Size reach = Size(g.result[at] - 1) * g.stride[at] + Size(g.dilation[at]) * (g.kernel[at] - 1);
        g.size[at] = (reach - Size(2) * g.padding[at] + extra + 1).value(name, where, [&] {
            return "stride " + std::to_string(g.stride[at]) + ", padding " + std::to_string(g.padding[at]) + ", output_padding " +
                   std::to_string(extra) + " and dilation " + std::to_string(g.dilation[at]) + " for weight " + to_string(g.w) +
                   " and input " + to_string(g.y);
        });
        check<ShapeError>(g.size[at] >= 1, where, [&] {
            return std::string(name) + ": the output must not be empty, got input " + to_string(a.batched ? g.y : input.shape()) +
                   " and weight " + to_string(g.w);
        });
        g.x.push_back(g.size[at]);
    }
    count_elements(g.x, name, where);
    const Tensor y = transposed(a.x, a.w, a.bias, g, where);
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

Tensor conv_transpose1d(const Operand& x, const Operand& weight, const Operand& bias, const ConvTransposeFuncOptions& options) {
    return conv_transpose(1, x, weight, bias, options);
}
Tensor conv_transpose2d(const Operand& x, const Operand& weight, const Operand& bias, const ConvTransposeFuncOptions& options) {
    return conv_transpose(2, x, weight, bias, options);
}
Tensor conv_transpose3d(const Operand& x, const Operand& weight, const Operand& bias, const ConvTransposeFuncOptions& options) {
    return conv_transpose(3, x, weight, bias, options);
}

}  // namespace xgrad
