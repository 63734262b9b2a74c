#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "autodiff/core/detail/axes.hpp"
#include "autodiff/core/detail/composition.hpp"
#include "autodiff/core/detail/sizes.hpp"
#include "autodiff/core/tape.hpp"
#include "autodiff/ops/elementwise/elementwise.hpp"
#include "autodiff/ops/linalg/matmul.hpp"
#include "autodiff/ops/nn/detail/spatial.hpp"
#include "autodiff/ops/nn/pool.hpp"
#include "autodiff/ops/reduce/reduce.hpp"
#include "autodiff/ops/shape/arrange.hpp"
#include "autodiff/ops/shape/scatter.hpp"
#include "autodiff/ops/shape/shape.hpp"
#include "functions.hpp"

// Compositions for neural networks; embedding_bag has its own file.

namespace xgrad {

using namespace detail;

namespace {

void check_probability(const char* name, const Tensor& x, double p, Location where) {
    check_floating(x, name, where);
    check<ValueError>(p >= 0 && p <= 1, where,
                      [&] { return std::string(name) + ": p must be in [0, 1], got " + PlainNumber(p).text(); });
}

/// Dropout of x with a mask of the given shape, which broadcasts.
Tensor dropped(const char* name, const Operand& operand, const Shape& shape, double p, Generator& generator) {
    check_probability(name, tensor_of(operand, name), p, operand.where());
    const double keep = 1 - p;
    const Tensor mask = bernoulli(keep, shape, generator, operand.dtype());
    return multiply(operand, keep == 0 ? mask : mask * (1 / keep));
}

Tensor alpha_dropped(const char* name, const Operand& operand, const Shape& shape, double p, Generator& generator) {
    check_probability(name, tensor_of(operand, name), p, operand.where());
    const double keep = 1 - p, lowest = -1.7580993408473766;  // selu(-inf)
    const Tensor mask = bernoulli(keep, shape, generator, operand.dtype());
    if (keep == 0) return multiply(operand, mask);
    const double scale = 1 / std::sqrt(keep * (1 + lowest * lowest * p)), shift = -scale * lowest * p;
    return add({multiply(operand, mask * scale), operand.where()}, (1 - mask) * (scale * lowest) + shift);
}

/// x's shape with size 1 for all axes after the first `axes`.
Shape leading_only(const Shape& shape, int axes) {
    Shape result = shape;
    for (int k = axes; k < shape.rank(); ++k) result[k] = 1;
    return result;
}

Int elements_behind(const Shape& shape, int axis) {
    return Shape(shape.begin() + axis + 1, shape.rank() - axis - 1).size();
}

void check_rank(const char* name, const Operand& operand, int least, int most) {
    const int rank = tensor_of(operand, name).ndim();
    check<ShapeError>(rank >= least && rank <= most, operand.where(), [&] {
        return std::string(name) + ": the input must have " + std::to_string(least) +
               (most == least + 1 ? " or " : " to ") + std::to_string(most) + " axes, got shape " +
               to_string(operand.shape());
    });
}

/// x is (batch, channels, …), or (channels, …) with one axis less.
Tensor channels_dropped(const char* name, int axes, const Operand& x, double p, Generator& generator) {
    check_rank(name, x, axes + 1, axes + 2);
    const bool batched =
        x.ndim() == axes + 2 || axes == 2;  // PyTorch reads three axes in dropout2d as (batch, channels, size)
    return dropped(name, x, leading_only(x.shape(), batched ? 2 : 1), p, generator);
}

}  // namespace

// --- dropout ---------------------------------------------------------------------------------------------------------

Tensor dropout(const Operand& x, double p, Generator& generator) {
    return composed("dropout", x.where(),
                    [&]() -> Tensor { return dropped("dropout", x, tensor_of(x, "dropout").shape(), p, generator); });
}
Tensor dropout1d(const Operand& x, double p, Generator& generator) {
    return composed("dropout1d", x.where(),
                    [&]() -> Tensor { return channels_dropped("dropout1d", 1, x, p, generator); });
}
Tensor dropout2d(const Operand& x, double p, Generator& generator) {
    return composed("dropout2d", x.where(),
                    [&]() -> Tensor { return channels_dropped("dropout2d", 2, x, p, generator); });
}
Tensor dropout3d(const Operand& x, double p, Generator& generator) {
    return composed("dropout3d", x.where(),
                    [&]() -> Tensor { return channels_dropped("dropout3d", 3, x, p, generator); });
}

Tensor alpha_dropout(const Operand& x, double p, Generator& generator) {
    return composed("alpha_dropout", x.where(), [&]() -> Tensor {
        return alpha_dropped("alpha_dropout", x, tensor_of(x, "alpha_dropout").shape(), p, generator);
    });
}
Tensor feature_alpha_dropout(const Operand& x, double p, Generator& generator) {
    return composed("feature_alpha_dropout", x.where(), [&]() -> Tensor {
        check_rank("feature_alpha_dropout", x, 2, Shape::max_rank);
        return alpha_dropped("feature_alpha_dropout", x, leading_only(x.shape(), 2), p, generator);
    });
}

// --- activations -----------------------------------------------------------------------------------------------------

Tensor glu(const Operand& operand, int axis) {
    return composed("glu", operand.where(), [&]() -> Tensor {
        const Tensor& x = tensor_of(operand, "glu");
        axis = normalise_axis(axis, x.ndim(), "glu", operand.where());
        const Int n = x.shape()[axis];
        check<ShapeError>(n % 2 == 0, operand.where(), [&] {
            return "glu: the axis to be halved must have an even size, got " + std::to_string(n) + " in " +
                   to_string(x.shape());
        });
        return multiply({slice(operand.without_reuse(), axis, 0, n / 2), operand.where()},
                        sigmoid({slice(operand.without_reuse(), axis, n / 2), operand.where()}));
    });
}

Tensor softmin(const Operand& x, int axis) {
    return composed("softmin", x.where(), [&]() -> Tensor { return softmax({negative(x), x.where()}, axis); });
}

Tensor rrelu(const Operand& operand, double lower, double upper, Generator& generator) {
    return composed("rrelu", operand.where(), [&]() -> Tensor {
        const Tensor& x = tensor_of(operand, "rrelu");
        check_floating(x, "rrelu", operand.where());
        check<ValueError>(lower <= upper, operand.where(), [&] {
            return "rrelu: lower must not be above upper, got " + PlainNumber(lower).text() + " and " +
                   PlainNumber(upper).text();
        });
        const Tensor slopes =
            rand(x.shape(), generator).to(x.dtype()) * (upper - lower) + lower;  // the same slopes in f32 and f64
        return multiply(operand.without_reuse(), where(less_equal(stop_gradient(x), 0), slopes, 1));
    });
}

// --- arithmetic of layers
// ----------------------------------------------------------------------------------------------

Tensor bilinear(const Operand& x1, const Operand& x2, const Operand& weight, const Operand& bias) {
    return composed("bilinear", x1.where(), [&]() -> Tensor {
        const Tensor &a = tensor_of(x1, "bilinear"), &b = tensor_of(x2, "bilinear"), &w = tensor_of(weight, "bilinear");
        const Location where = x1.where();
        bool fits = w.ndim() == 3 && a.ndim() >= 1 && a.ndim() == b.ndim() && a.shape(-1) == w.shape(1) &&
                    b.shape(-1) == w.shape(2);
        for (int k = 0; fits && k < a.ndim() - 1; ++k) fits = a.shape(k) == b.shape(k);
        check<ShapeError>(fits, where, [&] {
            return "bilinear: inputs (…, in1) and (…, in2) and a weight (out, in1, in2) are needed, got " +
                   to_string(a.shape()) + ", " + to_string(b.shape()) + " and " + to_string(w.shape());
        });
        const Int outputs = w.shape(0), in1 = w.shape(1), in2 = w.shape(2);
        const Tensor half = linear({b, where}, reshape({w, where}, {outputs * in1, in2}));  // (…, out·in1)
        Shape shape(a.shape().begin(), a.ndim() - 1);
        shape.push_back(outputs);
        shape.push_back(in1);
        const Tensor y =
            squeeze(matmul({reshape(half, shape), where}, expand_dims(a, -1)), -1);  // (…, out, in1)·(…, in1, 1)
        return bias.tensor().defined() ? add({y, where}, bias) : y;
    });
}

Tensor local_response_norm(const Operand& operand, std::int64_t size, double alpha, double beta, double k) {
    return composed("local_response_norm", operand.where(), [&]() -> Tensor {
        const Tensor& x = tensor_of(operand, "local_response_norm");
        check_rank("local_response_norm", operand, 3, Shape::max_rank);
        check<ValueError>(size > 0, operand.where(),
                          [&] { return "local_response_norm: size must be positive, got " + std::to_string(size); });
        const Int batch = x.shape(0), channels = x.shape(1), rest = elements_behind(x.shape(), 1);
        const Tensor squares = reshape(square(operand.without_reuse()), {batch, 1, channels, rest});
        const Tensor padded = pad(squares, {{0, 0}, {0, 0}, {size / 2, (size - 1) / 2}, {0, 0}});
        const Tensor means = reshape(avg_pool2d(padded, {size, 1}, {.stride = 1}), x.shape());
        return divide(operand.without_reuse(), pow(means * alpha + k, beta));
    });
}

// --- rearranging elements ---------------------------------------------------------------------------------------

Tensor unflatten(const Operand& operand, int axis, const Shape& sizes) {
    return composed("unflatten", operand.where(), [&]() -> Tensor {
        const Tensor& x = tensor_of(operand, "unflatten");
        axis = normalise_axis(axis, x.ndim(), "unflatten", operand.where());
        const Int n = x.shape(axis);
        Size product = 1;
        int unknown = 0;
        for (const Int size : sizes)
            if (size == -1) ++unknown;
            else product = product * size;
        const Int known = product.value("unflatten", operand.where(), [&] { return to_string(sizes); });
        const bool fits = unknown == 0 ? known == n : unknown == 1 && known > 0 && n % known == 0;
        check<ShapeError>(sizes.rank() > 0 && fits, operand.where(), [&] {
            return "unflatten: the sizes must multiply to " + std::to_string(n) + ", got " + to_string(sizes) +
                   " for axis " + std::to_string(axis) + " of " + to_string(x.shape());
        });
        Shape shape;
        for (int k = 0; k < x.ndim(); ++k)
            if (k != axis) shape.push_back(x.shape(k));
            else
                for (const Int size : sizes) shape.push_back(size == -1 ? n / known : size);
        return reshape(operand, shape);
    });
}

Tensor pixel_shuffle(const Operand& operand, std::int64_t factor) {
    return composed("pixel_shuffle", operand.where(), [&]() -> Tensor {
        const Tensor& x = tensor_of(operand, "pixel_shuffle");
        check<ShapeError>(
            x.ndim() >= 3 && factor > 0 && (Size(factor) * factor).fits() && x.shape(-3) % (factor * factor) == 0,
            operand.where(), [&] {
                return "pixel_shuffle: the channels of (…, channels, height, width) must be a multiple of the factor's "
                       "square, got " +
                       to_string(x.shape()) + " and factor " + std::to_string(factor);
            });
        Shape shape = x.shape();
        const int last = x.ndim() - 1;
        const Int height = shape[last - 1], width = shape[last];
        shape[last - 2] /= factor * factor;
        Int planes = 1;
        for (int k = 0; k <= last - 2; ++k) planes *= shape[k];
        const auto got = [&] { return to_string(x.shape()) + " and factor " + std::to_string(factor); };
        shape[last - 1] = (Size(height) * factor).value("pixel_shuffle", operand.where(), got);
        shape[last] = (Size(width) * factor).value("pixel_shuffle", operand.where(), got);
        return reshape(permute(reshape(operand, {planes, factor, factor, height, width}), {0, 3, 1, 4, 2}), shape);
    });
}

Tensor pixel_unshuffle(const Operand& operand, std::int64_t factor) {
    return composed("pixel_unshuffle", operand.where(), [&]() -> Tensor {
        const Tensor& x = tensor_of(operand, "pixel_unshuffle");
        check<ShapeError>(x.ndim() >= 3 && factor > 0 && x.shape(-2) % factor == 0 && x.shape(-1) % factor == 0,
                          operand.where(), [&] {
                              return "pixel_unshuffle: height and width of (…, channels, height, width) must be "
                                     "multiples of the factor, got " +
                                     to_string(x.shape()) + " and factor " + std::to_string(factor);
                          });
        Shape shape = x.shape();
        const int last = x.ndim() - 1;
        Int planes = 1;
        for (int k = 0; k <= last - 2; ++k) planes *= shape[k];
        shape[last - 2] = (Size(shape[last - 2]) * factor * factor).value("pixel_unshuffle", operand.where(), [&] {
            return to_string(x.shape()) + " and factor " + std::to_string(factor);
        });
        const Int height = shape[last - 1] /= factor, width = shape[last] /= factor;
        return reshape(permute(reshape(operand, {planes, height, factor, width, factor}), {0, 2, 4, 1, 3}), shape);
    });
}

Tensor channel_shuffle(const Operand& operand, std::int64_t groups) {
    return composed("channel_shuffle", operand.where(), [&]() -> Tensor {
        const Tensor& x = tensor_of(operand, "channel_shuffle");
        check<ShapeError>(x.ndim() >= 2 && groups > 0 && x.shape(1) % groups == 0, operand.where(), [&] {
            return "channel_shuffle: groups must divide the channels of (batch, channels, …), got " +
                   std::to_string(groups) + " for " + to_string(x.shape());
        });
        const Int batch = x.shape(0), channels = x.shape(1), rest = elements_behind(x.shape(), 1);
        return reshape(swapaxes(reshape(operand, {batch, groups, channels / groups, rest}), 1, 2), x.shape());
    });
}

// --- max_unpool ------------------------------------------------------------------------------------------------------

namespace {

Tensor max_unpool(const char* name, int axes, const Operand& operand, const Operand& index_operand,
                  const PerAxis& kernel, const MaxUnpoolOptions& o) {
    const Tensor& x = check_spatial(name, axes, operand);
    const Tensor& indices = tensor_of(index_operand, name);
    const Location where = operand.where();
    check<ShapeError>(indices.shape() == x.shape(), where, [&] {
        return std::string(name) + ": input and indices must have one shape, got " + to_string(x.shape()) + " and " +
               to_string(indices.shape());
    });
    const PerAxis stride = o.stride.given() ? o.stride : kernel;
    check_per_axis(name, "kernel", kernel, axes, 1, where);
    check_per_axis(name, "stride", stride, axes, 1, where);
    check_per_axis(name, "padding", o.padding, axes, 0, where);
    check<ValueError>(o.output_size.empty() || o.output_size.size() == static_cast<std::size_t>(axes), where, [&] {
        return std::string(name) + ": output_size must have " + std::to_string(axes) + " sizes, got " +
               std::to_string(o.output_size.size());
    });
    Shape shape(x.shape().begin(), x.ndim() - axes);
    const Int planes = shape.size();
    Int plane = 1;
    for (int k = 0; k < axes; ++k) {
        const Size from_windows =
            Size(x.shape()[x.ndim() - axes + k] - 1) * stride[k] - Size(2) * o.padding[k] + kernel[k];
        const Int size =
            (o.output_size.empty() ? from_windows : o.output_size[static_cast<std::size_t>(k)]).value(name, where, [&] {
                return "kernel " + std::to_string(kernel[k]) + ", stride " + std::to_string(stride[k]) +
                       " and padding " + std::to_string(o.padding[k]);
            });
        check<ShapeError>(size >= 0, where, [&] {
            return std::string(name) + ": sizes must not be negative, got " + std::to_string(size);
        });
        shape.push_back(size);
        count_elements(shape, name, where);
        plane *= size;
    }
    const Int each = elements_behind(x.shape(), x.ndim() - axes - 1);
    const Tensor flat =
        scatter({zeros({planes, plane}, x.dtype()), where}, 1, reshape(index_operand.without_reuse(), {planes, each}),
                reshape(operand, {planes, each}));
    return reshape(flat, shape);
}

}  // namespace

Tensor max_unpool1d(const Operand& x, const Operand& indices, const PerAxis& kernel, const MaxUnpoolOptions& options) {
    return composed("max_unpool1d", x.where(),
                    [&]() -> Tensor { return max_unpool("max_unpool1d", 1, x, indices, kernel, options); });
}
Tensor max_unpool2d(const Operand& x, const Operand& indices, const PerAxis& kernel, const MaxUnpoolOptions& options) {
    return composed("max_unpool2d", x.where(),
                    [&]() -> Tensor { return max_unpool("max_unpool2d", 2, x, indices, kernel, options); });
}
Tensor max_unpool3d(const Operand& x, const Operand& indices, const PerAxis& kernel, const MaxUnpoolOptions& options) {
    return composed("max_unpool3d", x.where(),
                    [&]() -> Tensor { return max_unpool("max_unpool3d", 3, x, indices, kernel, options); });
}

}  // namespace xgrad
