#include "interpolate.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "autodiff/core/apply.hpp"
#include "autodiff/core/detail/axes.hpp"
#include "autodiff/core/detail/composition.hpp"
#include "autodiff/core/detail/dispatch.hpp"
#include "autodiff/core/detail/parallel.hpp"
#include "autodiff/core/detail/sizes.hpp"

namespace xgrad {

using namespace detail;

namespace {

/// Element i of the result combines `width` elements of the input: the sum of weights[i, k] times the element at
/// indices[i, k].
struct Taps {
    Int width = 0;
    std::vector<Int> indices;
    std::vector<double> weights;
};

const char* name_of_mode(Interpolation mode) {
    constexpr const char* names[] = {"nearest", "nearest_exact", "linear", "bilinear", "trilinear", "bicubic"};
    return names[static_cast<int>(mode)];
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
    const bool nearest = mode == Interpolation::nearest || mode == Interpolation::nearest_exact;
    Taps taps{nearest ? 1 : mode == Interpolation::bicubic ? 4 : 2, {}, {}};
    taps.indices.reserve(static_cast<std::size_t>(to * taps.width));
    taps.weights.reserve(static_cast<std::size_t>(to * taps.width));
    const auto add = [&](Int index, double weight) {
        taps.indices.push_back(std::clamp<Int>(index, 0, from - 1));
        taps.weights.push_back(weight);
    };
    for (Int i = 0; i < to; ++i) {
        const double position = static_cast<double>(i);
        if (nearest) {
            // In single precision, as in PyTorch: if a position falls on an integer, the rounding decides.
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
    return taps;
}

/// Interpolation along one axis; if transposed, its gradient.
template <bool transposed>
struct Interpolate {
    static constexpr const char* name = transposed ? "interpolate_gradient" : "interpolate";
    int axis = 0;
    Int size = 0;  // the result's size along the axis
    std::optional<double> scale_factor = {};
    Interpolation mode = Interpolation::nearest;
    bool align_corners = false;
    XGRAD_ATTRIBUTES(axis, size, scale_factor, mode, align_corners)

    Tensor value(const Tensor& x) const {
        Shape shape = x.shape();
        const Int from_size = transposed ? size : shape[axis], to_size = transposed ? shape[axis] : size;
        shape[axis] = size;
        const Taps taps = taps_for(from_size, to_size, scale_factor, mode, align_corners);
        const Int* index = taps.indices.data();
        const double* weight = taps.weights.data();
        Tensor y = zeros(shape, x.dtype());
        const AxisSplit a = along(shape, axis);
        with_floating(x.dtype(), [&]<class T>(T) {
            const T* from = elements<T>(x);
            T* to = elements<T>(y);
            parallel_for(a.outer, a.outer * (from_size + to_size) * a.inner, [&](Int begin, Int end) {
                for (Int o = begin; o < end; ++o)
                    for (Int i = 0; i < to_size; ++i)
                        for (Int k = i * taps.width; k < (i + 1) * taps.width; ++k) {
                            const Int before = (o * from_size + index[k]) * a.inner,
                                      after = (o * to_size + i) * a.inner;
                            const Int source = transposed ? after : before, target = transposed ? before : after;
                            const T w = static_cast<T>(weight[k]);
                            for (Int c = 0; c < a.inner; ++c) to[target + c] += w * from[source + c];
                        }
            });
        });
        return y;
    }
    Tensor pullback(Tensor g, const Saved& s) const {
        return apply(Interpolate<!transposed>{axis, s.shape()[axis], scale_factor, mode, align_corners}, {g}, {});
    }
};

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
            return std::string("interpolate: ") + name_of_mode(mode) + " needs " +
                   (nearest ? "3 to 5" : std::to_string(wanted + 2)) + " axes, got shape " + to_string(x.shape());
        });
        check<ValueError>(options.size.given() != options.scale_factor.given(), where, [&] {
            return std::string("interpolate: either size or scale_factor must be given, got ") +
                   (options.size.given() ? "both" : "neither");
        });
        check<ValueError>(!(nearest && options.align_corners), where, [&] {
            return std::string("interpolate: align_corners belongs to the linear and cubic modes, got ") +
                   name_of_mode(mode);
        });
        const int given = options.size.count() + options.scale_factor.count();
        check<ValueError>(given == 1 || given == axes, where, [&] {
            return "interpolate: there must be one size or factor, or one for each of " + std::to_string(axes) +
                   " axes, got " + std::to_string(given);
        });
        Tensor y = x;
        for (int k = 0; k < axes; ++k) {
            const Int from = x.shape()[k + 2];
            Int to;
            std::optional<double> factor;
            if (options.scale_factor.given()) {
                factor = options.scale_factor[k];
                check<ValueError>(*factor > 0 && std::isfinite(*factor), where, [&] {
                    return "interpolate: factors must be positive, got " + PlainNumber(*factor).text();
                });
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
                return "interpolate: sizes must be positive, got " + std::to_string(from) + " and " +
                       std::to_string(to) + " for axis " + std::to_string(k + 2);
            });
            Shape shape = y.shape();
            shape[k + 2] = to;
            count_elements(shape, "interpolate", where);
            // Along an axis that keeps its size the linear modes copy, whatever the factor: this is PyTorch's rule,
            // which does not apply to nearest or bicubic.
            if (to == from && !nearest && mode != Interpolation::bicubic) continue;
            y = apply(Interpolate<false>{k + 2, to, factor, mode, options.align_corners}, {y}, where);
        }
        return y;
    });
}

}  // namespace xgrad
