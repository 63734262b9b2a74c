#include "../composition.hpp"
#include "interpolate.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "../apply.hpp"
#include "axes.hpp"
#include "parallel.hpp"
#include "sizes.hpp"

namespace xgrad {

using namespace detail;

namespace {

/// Element i of the result is made of `width` elements of the input: the sum of weights[i, k] times the one at indices[i, k].
struct Taps {
    Int width, from, to;  // sizes along the axis before and after
    Tensor indices, weights;  // i64 and f64
};

const char* name_of_mode(Interpolation mode) {
    constexpr const char* names[] = {"nearest", "nearest_exact", "linear", "bilinear", "trilinear", "bicubic"};
    return names[static_cast<int>(mode)];
}

/// f(first element in the input, first element in the result, weight) for every tap; a.inner elements each time.
template <class T, class F>
void each_line(const Along& a, const Taps& taps, const F& f) {
    const Int* index = elements<Int>(taps.indices);
    const double* weight = elements<double>(taps.weights);
    parallel_for(a.outer, a.outer * (taps.from + taps.to) * a.inner, [&](Int begin, Int end) {
        for (Int o = begin; o < end; ++o)
            for (Int i = 0; i < taps.to; ++i)
                for (Int k = i * taps.width; k < (i + 1) * taps.width; ++k)
                    f((o * taps.from + index[k]) * a.inner, (o * taps.to + i) * a.inner, static_cast<T>(weight[k]));
    });
}

Tensor spread(const Tensor& y, int axis, const Taps& taps);

Tensor resample(const Tensor& x, int axis, const Taps& taps, Location where) {
    return apply(
        "interpolate", {x},
        [axis, taps](const Tensor& in) {
            Shape shape = in.shape();
            shape[axis] = taps.to;
            Tensor y = zeros(shape, in.dtype());
            const Along a = along(shape, axis);
            with_floating(in.dtype(), [&]<class T>(T) {
                const T* from = elements<T>(in);
                T* to = elements<T>(y);
                each_line<T>(a, taps, [&](Int source, Int target, T weight) {
                    for (Int c = 0; c < a.inner; ++c) to[target + c] += weight * from[source + c];
                });
            });
            return y;
        },
        [axis, taps](Tensor g) { return spread(g, axis, taps); }, where);
}

/// The transpose of resample.
Tensor spread(const Tensor& g, int axis, const Taps& taps) {
    return apply(
        "interpolate_gradient", {g},
        [axis, taps](const Tensor& in) {
            Shape shape = in.shape();
            shape[axis] = taps.from;
            Tensor y = zeros(shape, in.dtype());
            const Along a = along(shape, axis);
            with_floating(in.dtype(), [&]<class T>(T) {
                const T* from = elements<T>(in);
                T* to = elements<T>(y);
                each_line<T>(a, taps, [&](Int target, Int source, T weight) {
                    for (Int c = 0; c < a.inner; ++c) to[target + c] += weight * from[source + c];
                });
            });
            return y;
        },
        [axis, taps](Tensor h) { return resample(h, axis, taps, {}); }, {});
}

/// Keys' kernel (1981), "Cubic convolution interpolation for digital image processing", eq. 4, for a = -0.75.
double keys(double distance) {
    constexpr double a = -0.75;
    const double d = std::abs(distance);
    return d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
}

Taps taps_for(Int from, Int to, std::optional<double> factor, Interpolation mode, bool align_corners) {
    const double step = align_corners ? (to > 1 ? static_cast<double>(from - 1) / static_cast<double>(to - 1) : 0)
                        : factor      ? 1 / *factor
                                      : static_cast<double>(from) / static_cast<double>(to);
    std::vector<Int> indices;
    std::vector<double> weights;
    const bool nearest = mode == Interpolation::nearest || mode == Interpolation::nearest_exact;
    const auto room = static_cast<std::size_t>(to) * (nearest ? 1 : mode == Interpolation::bicubic ? 4 : 2);
    indices.reserve(room);
    weights.reserve(room);
    const auto add = [&](Int index, double weight) {
        indices.push_back(std::clamp<Int>(index, 0, from - 1));
        weights.push_back(weight);
    };
    for (Int i = 0; i < to; ++i) {
        const double position = static_cast<double>(i);
        if (nearest) {
            // In single precision, as PyTorch: where a position falls on an integer the rounding decides.
            const float offset = mode == Interpolation::nearest ? 0.0f : 0.5f;
            add(static_cast<Int>(std::floor((static_cast<float>(i) + offset) * static_cast<float>(step))), 1);
            continue;
        }
        double source = align_corners ? step * position : step * (position + 0.5) - 0.5;
        if (mode != Interpolation::bicubic) source = std::max(source, 0.0);
        const double low = std::floor(source), rest = source - low;
        const Int first = static_cast<Int>(low);
        if (mode == Interpolation::bicubic) {
            for (int k = -1; k <= 2; ++k) add(first + k, keys(rest - k));
        } else {
            add(first, 1 - rest);
            add(first + 1, rest);
        }
    }
    return {to ? static_cast<Int>(indices.size()) / to : 0, from, to, tensor(indices), tensor(weights)};
}

}  // namespace

Tensor interpolate(const Operand& operand, const InterpolateOptions& options) {
    return composed("interpolate", operand.where(), [&]() -> Tensor {
        const Tensor& x = tensor_of(operand, "interpolate");
        const Location where = operand.where();
        check_floating(x, "interpolate", where);
        const int axes = x.ndim() - 2;
        const Interpolation mode = options.mode;
        const bool nearest = mode == Interpolation::nearest || mode == Interpolation::nearest_exact;
        const int wanted = mode == Interpolation::linear ? 1 : mode == Interpolation::trilinear ? 3 : 2;
        check<ShapeError>(nearest ? axes >= 1 && axes <= 3 : axes == wanted, where, [&] {
            return std::string("interpolate: ") + name_of_mode(mode) + " needs " + (nearest ? "3 to 5" : std::to_string(wanted + 2)) +
                   " axes, got shape " + to_string(x.shape());
        });
        check<ValueError>(options.size.given() != options.scale_factor.given(), where, [&] {
            return std::string("interpolate: either size or scale_factor must be given, got ") +
                   (options.size.given() ? "both" : "neither");
        });
        check<ValueError>(!(nearest && options.align_corners), where, [&] {
            return std::string("interpolate: align_corners belongs to the linear and cubic modes, got ") + name_of_mode(mode);
        });
        const int given = options.size.count() + options.scale_factor.count();
        check<ValueError>(given == 1 || given == axes, where, [&] {
            return "interpolate: there must be one size or factor, or one for each of " + std::to_string(axes) + " axes, got " +
                   std::to_string(given);
        });
        Tensor y = x;
        for (int k = 0; k < axes; ++k) {
            const Int from = x.shape()[k + 2];
            Int to;
            std::optional<double> factor;
            if (options.scale_factor.given()) {
                factor = options.scale_factor[k];
                check<ValueError>(*factor > 0 && std::isfinite(*factor), where,
                                  [&] { return "interpolate: factors must be positive, got " + PlainNumber(*factor).text(); });
                const double scaled = std::floor(static_cast<double>(from) * *factor);
                check<ShapeError>(scaled <= static_cast<double>(most_elements), where, [&] {
                    return "interpolate: too many elements, got factor " + PlainNumber(*factor).text() + " for shape " +
                           to_string(x.shape());
                });
                to = static_cast<Int>(scaled);
            } else {
                to = options.size[k];
            }
            check<ShapeError>(to > 0 && from > 0, where, [&] {
                return "interpolate: sizes must be positive, got " + std::to_string(from) + " and " + std::to_string(to) + " for axis " +
                       std::to_string(k + 2);
            });
            Shape shape = y.shape();
            shape[k + 2] = to;
            count_elements(shape, "interpolate", where);
            // Along an axis that keeps its size the linear modes copy, whatever the factor was: PyTorch's rule, which neither nearest nor bicubic has.
            if (to == from && !nearest && mode != Interpolation::bicubic) continue;
            y = resample(y, k + 2, taps_for(from, to, factor, mode, options.align_corners), where);
        }
        return y;
    });
}

}  // namespace xgrad
