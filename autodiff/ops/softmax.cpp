#include <algorithm>
#include <limits>

#include "../apply.hpp"
#include "elementwise.hpp"
#include "reduce.hpp"
#include "reduction.hpp"

// logsumexp, softmax and log_softmax: fused kernels forward, and backward when nobody records; the same in operations beside them.

namespace xgrad {

using namespace detail;

namespace {

void logsumexp_values(const Tensor& x, const Tensor& y, const Along& a) {
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
Tensor softmax_along(const Tensor& x, const Along& a) {
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
    Tensor dx = reuse(g);
    if (y.size() == 0) return dx;
    const Along a = along(y.shape(), axis);
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
Tensor normalised_exponential(const char* name, const Operand& operand, int axis) {
    const Tensor& x = tensor_of(operand, name);
    check_floating(x, name, operand.where());
    axis = normalise_axis(axis, x.ndim() == 0 ? 1 : x.ndim(), name, operand.where());
    return apply(
        name, {x}, [axis](const Tensor& in) { return softmax_values<logarithm>(in, axis); },
        [axis](Tensor g, const Tensor& y) {
            if (!tracked(g) && !tracked(y)) return softmax_back<logarithm>(y, g, axis);
            const AxisMask mask = y.ndim() == 0 ? 0 : AxisMask{1} << axis;
            const Tensor p = logarithm ? exp(y) : y;
            return closed(logarithm ? g - p * sum_kept(g, mask) : p * (g - sum_kept(g * p, mask)), p, mask);
        },
        operand.where());
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
    return apply(
        "logsumexp", {x},
        [mask, result = without_axes(x.shape(), mask, keepdims)](const Tensor& in) {
            return reduce_groups(in, mask, result, in.dtype(),
                                 [](const Tensor& from, const Tensor& to, const Step& s) { logsumexp_values(from, to, s.layout); });
        },
        [x, mask](Tensor g, const Tensor& y) {
            // The softmax of x. exp(x - y) alone is not it: where y is large its rounding takes the logarithm of the sum with it.
            // Where y is infinite: inf is shared by the elements that are inf, and nothing by those of -inf.
            constexpr double inf = std::numeric_limits<double>::infinity();
            const Tensor kept = keep(stop_gradient(y), x.shape(), mask), infinite = isinf(kept);
            const Tensor seen =
                any(infinite).item<bool>() ? where(infinite, where(equal(stop_gradient(x), kept), zeros_like(x), -inf), x) : x;
            const Tensor over = keep(where(equal(stop_gradient(y), -inf), 0, g), x.shape(), mask);
            Along layout;
            if (single_group(x.shape(), mask, layout)) {
                if (!tracked(x)) return over * softmax_along<false>(seen, layout);
                const Tensor lines = softmax(reshape(seen, {layout.outer, layout.n, layout.inner}), 1);
                return over * reshape(lines, x.shape());
            }
            const Tensor e = exp(seen - where(infinite, 0, kept));
            return over * e / sum_kept(e, mask);
        },
        operand.where());
}

Tensor softmax(const Operand& x, int axis) { return normalised_exponential<false>("softmax", x, axis); }
Tensor log_softmax(const Operand& x, int axis) { return normalised_exponential<true>("log_softmax", x, axis); }

}  // namespace xgrad
