#include <array>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "autodiff/core/detail/axes.hpp"
#include "autodiff/core/tape.hpp"
#include "autodiff/ops/elementwise/elementwise.hpp"
#include "autodiff/ops/linalg/matmul.hpp"
#include "autodiff/ops/shape/index.hpp"
#include "autodiff/ops/shape/shape.hpp"
#include "functions.hpp"

// Sampling at differentiable positions: affine_grid and grid_sample.

namespace xgrad {

using namespace detail;

namespace {

/// The coordinates of `n` elements in [-1, 1], where -1 and 1 are the centres of the outermost elements or their outer
/// edges.
Tensor coordinates(Int n, bool align_corners, DType dtype) {
    if (align_corners) return n == 1 ? zeros({1}, dtype) : linspace(-1, 1, n, dtype);
    return (2.0 * arange(static_cast<double>(n), dtype) + 1.0) / static_cast<double>(n) - 1.0;
}

}  // namespace

Tensor affine_grid(const Operand& operand, const Shape& size, bool align_corners) {
    const Tensor& theta = tensor_of(operand, "affine_grid");
    const Location where = operand.where();
    check_floating(theta, "affine_grid", where);
    const int axes = size.rank() - 2;
    check<ShapeError>((axes == 2 || axes == 3) && theta.shape() == Shape{size[0], axes, axes + 1}, where, [&] {
        return "affine_grid: theta must be (n, 2, 3) for a size (n, c, h, w), or (n, 3, 4) for (n, c, d, h, w), got " +
               to_string(theta.shape()) + " and " + to_string(size);
    });
    Shape places;
    for (int k = 0; k < axes; ++k) {
        check<ShapeError>(size[k + 2] > 0, where,
                          [&] { return "affine_grid: sizes must be positive, got " + to_string(size); });
        places.push_back(size[k + 2]);
    }
    std::vector<Tensor> base;  // x first: the last axis
    for (int k = axes - 1; k >= 0; --k) {
        Shape line;
        for (int j = 0; j < axes; ++j) line.push_back(j == k ? places[k] : 1);
        base.push_back(
            ravel(broadcast_to(reshape(coordinates(places[k], align_corners, theta.dtype()), line), places)));
    }
    base.push_back(ones({places.size()}, theta.dtype()));
    Shape result{size[0]};
    for (const Int n : places) result.push_back(n);
    result.push_back(axes);
    const Autocast exact(Precision::full);  // positions are not activations: bf16 would have steps of half a pixel
    return reshape(matmul({stack(base, 1), where}, swapaxes(theta, 1, 2)),
                   result);  // (places, axes+1)·(n, axes+1, axes)
}

namespace {

/// The contribution of one axis to one corner: the index of the element (n, places), its weight, and whether it is
/// inside the input.
struct Tap {
    Tensor index, weight, inside;
};

struct Sampler {
    Int n;
    const GridSampleOptions& options;

    /// The coordinate in elements: -1 and 1 are the centres of the first and the last element, or their outer edges.
    Tensor in_elements(const Tensor& coordinate) const {
        const auto size = static_cast<double>(n);
        return options.align_corners ? (coordinate + 1.0) * ((size - 1) / 2) : ((coordinate + 1.0) * size - 1.0) * 0.5;
    }
    /// Reflected at the ends until it is between them.
    Tensor reflected(const Tensor& u) const {
        const auto size = static_cast<double>(n);
        const double low = options.align_corners ? 0 : -0.5, span = options.align_corners ? size - 1 : size;
        if (span == 0) return u * 0.0;
        const Tensor far = where(u < low, low - u, u - low), times = floor(far / span), rest = far - times * span;
        return where(equal(remainder(times, 2.0), 0.0), rest + low, (span + low) - rest);
    }
    Tensor padded(const Tensor& u) const {
        const double last = static_cast<double>(n - 1);
        if (options.padding_mode == GridPadding::zeros) return u;
        return hardtanh(options.padding_mode == GridPadding::reflection ? reflected(u) : u, 0.0, last);
    }
    /// The element at an integer coordinate, which is a constant for every tape.
    Tap tap(const Tensor& place, const Tensor& weight) const {
        const double last = static_cast<double>(n - 1);
        const Tensor at = stop_gradient(place), inside = logical_and(at >= 0.0, at <= last);
        return {xgrad::where(inside, at, 0.0).to(DType::i64), weight, inside};
    }
    std::vector<Tap> taps(const Tensor& coordinate) const {
        const Tensor raw = in_elements(coordinate);
        // Coordinates beyond the range of an index, and NaN, count as outside.
        const Tensor u = xgrad::where(abs(stop_gradient(raw)) < 1e9, raw, -100.0);
        if (options.mode == GridSample::bicubic) {
            const Tensor first = floor(stop_gradient(u)), t = u - first;
            std::vector<Tap> four;
            for (int k = -1; k <= 2; ++k)
                four.push_back(tap(padded(first + static_cast<double>(k)), cubic(t - static_cast<double>(k))));
            return four;
        }
        const Tensor v = padded(u);
        if (options.mode == GridSample::nearest) return {tap(round(v), Tensor())};
        const Tensor first = floor(stop_gradient(v)), t = v - first;
        return {tap(first, 1.0 - t), tap(first + 1.0, t)};
    }
    /// Keys' cubic with a = -0.75, at a distance of up to 2.
    static Tensor cubic(const Tensor& distance) {
        constexpr double a = -0.75;
        const Tensor d = abs(distance);
        return xgrad::where(d <= 1.0, ((a + 2) * d - (a + 3)) * d * d + 1.0, ((d - 5.0) * d + 8.0) * d * a - 4 * a);
    }
};

}  // namespace

Tensor grid_sample(const Operand& operand, const Operand& grid_operand, const GridSampleOptions& options) {
    const Tensor &x = tensor_of(operand, "grid_sample"), &grid = tensor_of(grid_operand, "grid_sample");
    const Location where = operand.where();
    check_floating(x, "grid_sample", where);
    check_same_dtype(x, grid, "grid_sample", where, "the grid");
    const int axes = x.ndim() - 2;
    check<ShapeError>(
        (axes == 2 || axes == 3) && grid.ndim() == x.ndim() && grid.shape(0) == x.shape(0) && grid.shape(-1) == axes,
        where, [&] {
            return "grid_sample: the grid must be (n, h, w, 2) for an input (n, c, h, w), or (n, d, h, w, 3) for (n, "
                   "c, d, h, w), got " +
                   to_string(grid.shape()) + " for " + to_string(x.shape());
        });
    check<ValueError>(options.mode != GridSample::bicubic || axes == 2, where, [&] {
        return "grid_sample: bicubic needs an input of 4 axes, got shape " + to_string(x.shape());
    });
    Int elements_of_channel = 1, places = 1;
    Shape result{x.shape(0), x.shape(1)};
    for (int k = 0; k < axes; ++k) {
        check<ShapeError>(x.shape(k + 2) > 0, where,
                          [&] { return "grid_sample: sizes must be positive, got " + to_string(x.shape()); });
        elements_of_channel *= x.shape(k + 2);
        places *= grid.shape(k + 1);
        result.push_back(grid.shape(k + 1));
    }
    std::vector<std::vector<Tap>> taps;
    for (int k = 0; k < axes; ++k)  // the grid lists the last axis first
        taps.push_back(Sampler{x.shape(k + 2), options}.taps(
            reshape(select({grid, where}, -1, axes - 1 - k), {grid.shape(0), places})));

    const Tensor flat = reshape(x, {x.shape(0), x.shape(1), elements_of_channel});
    Tensor y;
    const std::function<void(int, Tap)> add_corners = [&](int axis, Tap corner) {
        if (axis < axes) {
            for (const Tap& tap : taps[static_cast<std::size_t>(axis)]) {
                if (axis == 0) {
                    add_corners(1, tap);
                    continue;
                }
                add_corners(axis + 1, {corner.index * x.shape(axis + 2) + tap.index,
                                       corner.weight.defined() ? corner.weight * tap.weight : Tensor(),
                                       logical_and(corner.inside, tap.inside)});
            }
            return;
        }
        const Tensor value = take_along_axis({flat, where}, expand_dims(corner.index, 1), 2);  // (n, c, places)
        const Tensor weight =
            corner.weight.defined() ? xgrad::where(corner.inside, corner.weight, 0.0) : corner.inside.to(x.dtype());
        const Tensor part = xgrad::where(expand_dims(corner.inside, 1), value, 0.0) * expand_dims(weight, 1);
        y = y.defined() ? y + part : part;
    };
    add_corners(0, {});
    return reshape(y, result);
}

}  // namespace xgrad
