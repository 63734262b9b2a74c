#include <algorithm>
#include <limits>

#include "autodiff/core/apply.hpp"
#include "autodiff/core/detail/dispatch.hpp"
#include "autodiff/ops/elementwise/elementwise.hpp"
#include "detail/reduction.hpp"
#include "reduce.hpp"

// logsumexp, softmax and log_softmax: fused kernels forward and backward, and pullbacks written with operations.

namespace xgrad {

using namespace detail;

namespace {

void logsumexp_values(const Tensor& x, const Tensor& y, const AxisSplit& a) {
    with_floating(x.dtype(), [&]<class T>(T) {
        const T* from = elements<T>(x);
        T* to = elements<T>(y);
        const auto& k = reduce_kernels<T>();
        if (a.n == 0) return std::fill_n(to, a.outer * a.inner, -std::numeric_limits<T>::infinity()), void();
        for_slices(
            a, [&](Int i, Int o, Int rows) { k.logsumexp_rows(from + i, to + o, rows, a.n); },
            [&](Int i, Int o, Int columns) { k.logsumexp_columns(from + i, to + o, a.n, columns, a.inner); });
    });
}

template <bool logarithm>
Tensor softmax_along(const Tensor& x, const AxisSplit& a) {
    Tensor y = empty(x.shape(), x.dtype());
    if (x.size() == 0) return y;
    with_floating(x.dtype(), [&]<class T>(T) {
        const T* from = elements<T>(x);
        T* to = elements<T>(y);
        const auto& k = reduce_kernels<T>();
        const auto by_rows = logarithm ? k.log_softmax_rows : k.softmax_rows;
        const auto by_columns = logarithm ? k.log_softmax_columns : k.softmax_columns;
        for_slices(
            a, [&](Int i, Int, Int rows) { by_rows(from + i, to + i, rows, a.n); },
            [&](Int i, Int, Int columns) { by_columns(from + i, to + i, a.n, columns, a.inner); });
    });
    return y;
}

template <bool logarithm>
Tensor softmax_values(const Tensor& x, int axis) {
    return softmax_along<logarithm>(x, along(x.shape(), axis));
}

template <bool logarithm>
Tensor softmax_back(const Tensor& y, const Tensor& g, int axis) {
    Tensor dx = overwritable(g);
    if (y.size() == 0) return dx;
    const AxisSplit a = along(y.shape(), axis);
    with_floating(y.dtype(), [&]<class T>(T) {
        const T *out = elements<T>(y), *cotangent = elements<T>(g);
        T* to = elements<T>(dx);
        const auto& k = reduce_kernels<T>();
        const auto by_rows = logarithm ? k.log_softmax_back_rows : k.softmax_back_rows;
        const auto by_columns = logarithm ? k.log_softmax_back_columns : k.softmax_back_columns;
        for_slices(
            a, [&](Int i, Int, Int rows) { by_rows(out + i, cotangent + i, to + i, rows, a.n); },
            [&](Int i, Int, Int columns) { by_columns(out + i, cotangent + i, to + i, a.n, columns, a.inner); });
    });
    return dx;
}

template <bool logarithm>
struct SoftmaxAlong {
    static constexpr const char* name = logarithm ? "log_softmax" : "softmax";
    int axis = 0;
    XGRAD_ATTRIBUTES(axis)
    static constexpr Saves saves{.outputs = 1};

    Tensor value(const Tensor& x) const { return softmax_values<logarithm>(x, axis); }
    Tensor pullback(Tensor g, const Saved& s) const {
        const AxisMask mask = g.ndim() == 0 ? 0 : AxisMask{1} << axis;
        const Tensor p = logarithm ? exp(s.output()) : s.output();
        return closed(logarithm ? g - p * sum_kept(g, mask) : p * (g - sum_kept(g * p, mask)), p, mask);
    }
    Tensor fused_pullback(Tensor g, const Saved& s) const { return softmax_back<logarithm>(s.output(), g, axis); }
};

struct LogSumExp {
    static constexpr const char* name = "logsumexp";
    AxisMask axes = 0;
    bool keepdims = false;
    XGRAD_ATTRIBUTES(axes, keepdims)
    static constexpr Saves saves{.inputs = 1, .outputs = 1};

    Tensor value(const Tensor& x) const {
        return reduce_groups(
            x, axes, without_axes(x.shape(), axes, keepdims), x.dtype(),
            [](const Tensor& from, const Tensor& to, const Step& s) { logsumexp_values(from, to, s.layout); });
    }
    Tensor pullback(Tensor g, const Saved& s) const { return with_softmax(g, s, &softmax_lines); }
    Tensor fused_pullback(Tensor g, const Saved& s) const { return with_softmax(g, s, &softmax_along<false>); }

private:
    static Tensor softmax_lines(const Tensor& x, const AxisSplit& a) {
        return reshape(softmax(reshape(x, {a.outer, a.n, a.inner}), 1), x.shape());
    }
    /// g times the softmax of x. exp(x - y) alone is not accurate: if y is large, its rounding loses the logarithm of
    /// the sum. If y is infinite: elements that are inf share g, and those that are -inf get nothing.
    Tensor with_softmax(const Tensor& g, const Saved& s, Tensor (*softmax_of)(const Tensor&, const AxisSplit&)) const {
        constexpr double inf = std::numeric_limits<double>::infinity();
        const Tensor &x = s.input(), &y = s.output();
        const Tensor kept = with_axes(stop_gradient(y), x.shape(), axes), infinite = isinf(kept);
        const Tensor seen = any(infinite).item<bool>()
                                ? where(infinite, where(equal(stop_gradient(x), kept), zeros_like(x), -inf), x)
                                : x;
        const Tensor over = with_axes(where(equal(stop_gradient(y), -inf), 0, g), x.shape(), axes);
        AxisSplit layout;
        if (single_group(x.shape(), axes, layout)) return over * softmax_of(seen, layout);
        const Tensor e = exp(seen - where(infinite, 0, kept));
        return over * e / sum_kept(e, axes);
    }
};

template <class Op>
Tensor normalised_exponential(const Operand& operand, int axis) {
    const Tensor& x = tensor_of(operand, Op::name);
    check_floating(x, Op::name, operand.where());
    axis = normalise_axis(axis, x.ndim() == 0 ? 1 : x.ndim(), Op::name, operand.where());
    return apply(Op{axis}, {x}, operand.where());
}

}  // namespace

Tensor detail::closed(const Tensor& dx, const Tensor& p, AxisMask mask) {
    const Tensor large = greater(stop_gradient(p), 0.5);
    return where(large, -sum_kept(where(large, 0.0, dx), mask), dx);
}

Tensor logsumexp(const Operand& operand, const Axes& axes, bool keepdims) {
    const Tensor& x = tensor_of(operand, "logsumexp");
    check_floating(x, "logsumexp", operand.where());
    const AxisMask mask = mask_of(axes, x.ndim(), "logsumexp", operand.where(), true);
    return apply(LogSumExp{mask, keepdims}, {x}, operand.where());
}

Tensor softmax(const Operand& x, int axis) { return normalised_exponential<SoftmaxAlong<false>>(x, axis); }
Tensor log_softmax(const Operand& x, int axis) { return normalised_exponential<SoftmaxAlong<true>>(x, axis); }

}  // namespace xgrad
