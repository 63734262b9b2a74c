#include <algorithm>
#include <cmath>

#include "autodiff/core/apply.hpp"
#include "autodiff/core/detail/composition.hpp"
#include "autodiff/core/detail/dispatch.hpp"
#include "autodiff/ops/elementwise/elementwise.hpp"
#include "detail/reduction.hpp"
#include "reduce.hpp"

// Variance and norms.

namespace xgrad {

using namespace detail;

namespace {

struct Moments {
    Tensor variance, mean;
};

Moments var_values(const Tensor& x, const AxisSplit& a, const Shape& result, double factor) {
    Moments m{empty(result, x.dtype()), empty(result, x.dtype())};
    with_floating(x.dtype(), [&]<class T>(T) {
        const T* from = elements<T>(x);
        T *variance = elements<T>(m.variance), *mean = elements<T>(m.mean);
        const auto& k = reduce_kernels<T>();
        for_slices(
            a, [&](Int i, Int o, Int rows) { k.var_rows(from + i, variance + o, mean + o, rows, a.n, factor); },
            [&](Int i, Int o, Int columns) {
                k.var_columns(from + i, variance + o, mean + o, a.n, columns, a.inner, factor);
            });
    });
    return m;
}

/// g * factor * (x - mean).
Tensor var_back(const Tensor& x, const Tensor& g, const AxisSplit& a, double factor) {
    Tensor dx = empty(x.shape(), x.dtype());
    const Tensor mean = var_values(x, a, {a.outer * a.inner}, 1).mean;
    with_floating(x.dtype(), [&]<class T>(T) {
        const T *in = elements<T>(x), *cotangent = elements<T>(g), *means = elements<T>(mean);
        T* to = elements<T>(dx);
        const auto& k = reduce_kernels<T>();
        for_slices(
            a,
            [&](Int i, Int o, Int rows) {
                k.var_back_rows(in + i, cotangent + o, means + o, to + i, rows, a.n, factor);
            },
            [&](Int i, Int o, Int columns) {
                k.var_back_columns(in + i, cotangent + o, means + o, to + i, a.n, columns, a.inner, factor);
            });
    });
    return dx;
}

Tensor var_forward(const Tensor& x, AxisMask mask, const Shape& result, double factor) {
    AxisSplit layout;
    if (single_group(x.shape(), mask, layout)) return var_values(x, layout, result, factor).variance;
    std::vector<int> order;
    for (const bool reduced : {false, true})
        for (int k = 0; k < x.ndim(); ++k)
            if ((mask >> k & 1) == reduced) order.push_back(k);
    const Int outer = result.size();
    return var_values(transpose(x, order), {outer, outer ? x.size() / outer : 1, 1}, result, factor).variance;
}

/// The largest (or smallest) of `sizes` over `mask`, with the axes kept: a unit in which no power leaves the range. 1
/// if it is 0, inf or NaN.
Tensor unit_of(const Tensor& sizes, AxisMask mask, bool largest) {
    std::vector<int> axes;
    for (int k = 0; k < sizes.ndim(); ++k)
        if (mask >> k & 1) axes.push_back(k);
    const Tensor unit = largest ? max(sizes, axes, true) : min(sizes, axes, true);
    return where(logical_and(isfinite(unit), greater(unit, 0)), unit, 1);
}

/// sqrt(sum x²). If the squares leave the range of the type, it is recomputed with x scaled by its largest element.
Tensor euclidean(const Tensor& x, AxisMask mask, const Shape& result) {
    const Tensor squares =
        reduce_groups(x, mask, result, x.dtype(), [](const Tensor& from, const Tensor& to, const Step& s) {
            if (!s.first) return sum_values(from, to, s.layout, 1);
            with_floating(from.dtype(), [&]<class T>(T) {
                const T* in = elements<T>(from);
                T* out = elements<T>(to);
                const auto& k = reduce_kernels<T>();
                const AxisSplit& a = s.layout;
                for_slices(
                    a, [&](Int i, Int o, Int rows) { k.sum_squares_rows(in + i, out + o, rows, a.n); },
                    [&](Int i, Int o, Int columns) { k.sum_squares_columns(in + i, out + o, a.n, columns, a.inner); });
            });
        });
    const double smallest = x.dtype() == DType::f32 ? 1e-30 : 1e-290;
    const Tensor doubtful = logical_or(isinf(squares), less(squares, smallest));
    if (!any(doubtful).item<bool>() || x.size() == 0) return sqrt(squares);
    const Tensor scale = unit_of(abs(x), mask, true);
    return reshape(sqrt(sum_kept(square(x / scale), mask)) * scale, result);
}

struct Var {
    static constexpr const char* name = "var";
    AxisMask axes = 0;
    double correction = 0;
    bool keepdims = false;
    XGRAD_ATTRIBUTES(axes, correction, keepdims)
    static constexpr Saves saves{.inputs = 1};

    Tensor value(const Tensor& x) const {
        return var_forward(x, axes, without_axes(x.shape(), axes, keepdims), factor(x.shape()));
    }
    Tensor pullback(Tensor g, const Saved& s) const {
        const Tensor& x = s.input();
        return with_axes(g, x.shape(), axes) * (2 * factor(x.shape())) * centred(x, axes);
    }
    Tensor fused_pullback(Tensor g, const Saved& s) const {
        const Tensor& x = s.input();
        AxisSplit layout;
        if (x.size() == 0 || !single_group(x.shape(), axes, layout)) return pullback(std::move(g), s);
        return var_back(x, g, layout, 2 * factor(x.shape()));
    }

private:
    double factor(const Shape& shape) const { return 1 / std::max(0.0, count_of(shape, axes) - correction); }
};

/// The norm for a finite p that is not 0.
struct Norm {
    static constexpr const char* name = "norm";
    double p = 2;
    AxisMask axes = 0;
    bool keepdims = false;
    XGRAD_ATTRIBUTES(p, axes, keepdims)
    static constexpr Saves saves{.inputs = 1, .outputs = 1};

    Tensor value(const Tensor& x) const {
        const Shape result = without_axes(x.shape(), axes, keepdims);
        if (p == 2) return euclidean(x, axes, result);
        if (x.size() == 0) return reshape(pow(sum_kept(x, axes), 1 / p), result);
        const Tensor size = abs(x), unit = unit_of(size, axes, p > 0);
        return reshape(pow(sum_kept(pow(size / unit, p), axes), 1 / p) * unit, result);
    }
    Tensor pullback(Tensor g, const Saved& s) const {
        const Tensor &x = s.input(), &y = s.output();
        const Tensor zero = equal(y, 0);
        if (p == 2) return x * with_axes(where(zero, 0, g / where(zero, 1, y)), x.shape(), axes);
        // g * sign(x) * (|x| / y)^(p-1), where zeros (in x or in y) are replaced before they reach pow.
        const Tensor scaled = with_axes(where(zero, 0, g), x.shape(), axes);
        const Tensor ratio = abs(x) / with_axes(where(zero, 1, y), x.shape(), axes);
        return scaled * sign(x) * pow(where(equal(x, 0), 1, ratio), p - 1);
    }
};

}  // namespace

Tensor var(const Operand& operand, const Axes& axes, Correction correction, bool keepdims) {
    const Tensor& x = tensor_of(operand, "var");
    check_floating(x, "var", operand.where());
    return apply(Var{mask_of(axes, x.ndim(), "var", operand.where(), true), correction, keepdims}, {x},
                 operand.where());
}

Tensor norm(const Operand& operand, double p, const Axes& axes, bool keepdims) {
    return composed("norm", operand.where(), [&]() -> Tensor {
        const Tensor& x = tensor_of(operand, "norm");
        check_floating(x, "norm", operand.where());
        const AxisMask mask = mask_of(axes, x.ndim(), "norm", operand.where(), true);
        if (std::isinf(p)) {
            const Tensor absolute = abs(x);
            return p > 0 ? max(absolute, axes, keepdims) : min(absolute, axes, keepdims);
        }
        if (p == 0) return sum(not_equal(stop_gradient(x), 0).to(x.dtype()), axes, keepdims);
        if (p == 1) return sum(abs(x), axes, keepdims);
        return apply(Norm{p, mask, keepdims}, {x}, operand.where());
    });
}

}  // namespace xgrad
