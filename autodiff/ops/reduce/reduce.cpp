#include "reduce.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <vector>

#include "autodiff/core/apply.hpp"
#include "autodiff/core/detail/dispatch.hpp"
#include "autodiff/core/detail/sweep.hpp"
#include "autodiff/ops/elementwise/elementwise.hpp"
#include "detail/reduction.hpp"

namespace xgrad {

namespace detail {
namespace {

/// y = fold of x along the middle axis with plain loops, for integers.
template <class In, class Out, class F>
void fold_plain(const In* x, Out* y, const AxisSplit& a, Out start, const F& f) {
    for (Int o = 0; o < a.outer; ++o) {
        for (Int c = 0; c < a.inner; ++c) y[o * a.inner + c] = start;
        for (Int r = 0; r < a.n; ++r)
            for (Int c = 0; c < a.inner; ++c) {
                Out& to = y[o * a.inner + c];
                to = static_cast<Out>(f(to, x[(o * a.n + r) * a.inner + c]));
            }
    }
}

template <class T>
void sum_floats(const T* x, T* y, const AxisSplit& a, double factor) {
    const auto& k = reduce_kernels<T>();
    constexpr Int piece = 32768;
    if (a.inner == 1 && a.n > 2 * piece &&
        a.outer < 8) {  // few long rows: pieces of fixed size, so that threads do not change the sum
        const Int pieces = (a.n + piece - 1) / piece;
        std::vector<double> part(static_cast<std::size_t>(pieces));
        for (Int o = 0; o < a.outer; ++o) {
            const T* row = x + o * a.n;
            parallel_for(pieces, a.n, [&](Int begin, Int end) {
                for (Int p = begin; p < end; ++p)
                    part[static_cast<std::size_t>(p)] = k.sum_all(row + p * piece, std::min(piece, a.n - p * piece));
            });
            double total = 0;
            for (const double p : part) total += p;
            y[o] = static_cast<T>(factor * total);
        }
        return;
    }
    for_slices(
        a, [&](Int from, Int to, Int rows) { k.sum_rows(x + from, y + to, rows, a.n, factor); },
        [&](Int from, Int to, Int columns) { k.sum_columns(x + from, y + to, a.n, columns, a.inner, factor); });
}

/// The type of sums and products: integers are accumulated in i64, as in NumPy.
DType collected(DType dtype) { return is_floating(dtype) ? dtype : DType::i64; }

void prod_values(const Tensor& x, const Tensor& y, const AxisSplit& a) {
    with_any(x.dtype(), [&]<class T>(T) {
        const T* from = elements<T>(x);
        if constexpr (std::is_floating_point_v<T>) {
            T* to = elements<T>(y);
            const auto& k = reduce_kernels<T>();
            if (a.n == 0) return fold_plain(from, to, a, T(1), [](T p, T v) { return p * v; });
            for_slices(
                a, [&](Int i, Int o, Int rows) { k.prod_rows(from + i, to + o, rows, a.n); },
                [&](Int i, Int o, Int columns) { k.prod_columns(from + i, to + o, a.n, columns, a.inner); });
        } else {
            // Unsigned: overflow wraps around, as in NumPy.
            fold_plain(from, elements<std::uint64_t>(y), a, std::uint64_t{1},
                       [](std::uint64_t p, T v) { return p * static_cast<std::uint64_t>(v); });
        }
    });
}

template <bool largest>
void extreme_values(const Tensor& x, const Tensor& y, const AxisSplit& a) {
    with_any(x.dtype(), [&]<class T>(T) {
        const T* from = elements<T>(x);
        T* to = elements<T>(y);
        if (a.outer * a.inner == 0) return;
        if constexpr (std::is_floating_point_v<T>) {
            const auto& k = reduce_kernels<T>();
            const auto rows = largest ? k.max_rows : k.min_rows;
            const auto columns = largest ? k.max_columns : k.min_columns;
            for_slices(
                a, [&](Int i, Int o, Int count) { rows(from + i, to + o, count, a.n); },
                [&](Int i, Int o, Int count) { columns(from + i, to + o, a.n, count, a.inner); });
        } else {
            constexpr T start = largest ? std::numeric_limits<T>::min() : std::numeric_limits<T>::max();
            fold_plain(from, to, a, start, [](T m, T v) { return (largest ? v > m : v < m) ? v : m; });
        }
    });
}

/// True if a reduction has slices without elements.
bool empty_slices(const Tensor& x, const Shape& result) { return x.size() == 0 && result.size() != 0; }

/// The largest or the smallest element.
template <bool largest>
struct Extreme {
    static constexpr const char* name = largest ? "max" : "min";
    AxisMask axes = 0;
    bool keepdims = false;
    XGRAD_ATTRIBUTES(axes, keepdims)
    static constexpr Saves saves{.inputs = 1, .outputs = 1};

    Tensor value(const Tensor& x) const {
        return reduce_groups(
            x, axes, without_axes(x.shape(), axes, keepdims), x.dtype(),
            [](const Tensor& from, const Tensor& to, const Step& s) { extreme_values<largest>(from, to, s.layout); });
    }
    Tensor pullback(Tensor g, const Saved& s) const {
        const Tensor& x = s.input();
        const Tensor values = stop_gradient(x);  // a NaN counts as the largest and as the smallest
        const Tensor ties =
            logical_or(equal(values, stop_gradient(with_axes(s.output(), x.shape(), axes))), isnan(values))
                .to(x.dtype());
        const Tensor count = sum_kept(ties, axes);
        return with_axes(g, x.shape(), axes) / count * ties;
    }
};

template <bool largest>
Tensor extreme(const Operand& operand, const Axes& axes, bool keepdims) {
    constexpr const char* name = Extreme<largest>::name;
    const Tensor& x = tensor_of(operand, name);
    const AxisMask mask = mask_of(axes, x.ndim(), name, operand.where(), true);
    check<ShapeError>(!empty_slices(x, without_axes(x.shape(), mask, keepdims)), operand.where(), [&] {
        return std::string(name) + ": there must be an element to choose, got shape " + to_string(x.shape());
    });
    return apply(Extreme<largest>{mask, keepdims}, {x}, operand.where());
}

template <bool largest, class T>
bool better(T a, T b) {
    if constexpr (std::is_floating_point_v<T>)
        if (a != a) return b == b;
    return largest ? a > b : a < b;
}

template <bool largest, class T>
Int position_in_row(const T* row, Int n) {
    constexpr Int block = 64;
    Int best = 0;
    if (!std::is_floating_point_v<T> || n < block) {
        for (Int k = 1; k < n; ++k)
            if (better<largest>(row[k], row[best])) best = k;
        return best;
    }
    if constexpr (std::is_floating_point_v<T>) {
        // First the value, at memory speed; then its position, one block at a time.
        T value;
        (largest ? reduce_kernels<T>().max_rows : reduce_kernels<T>().min_rows)(row, &value, 1, n);
        for (; n - best >= block && value == value; best += block) {
            bool here = false;
            for (Int k = 0; k < block; ++k) here |= row[best + k] == value;
            if (here) break;
        }
        while (row[best] != value && !(value != value && row[best] != row[best])) ++best;
    }
    return best;
}

/// The position of the first largest or smallest element along an axis; without an axis, in the flattened tensor.
template <bool largest>
struct ArgExtreme {
    static constexpr const char* name = largest ? "argmax" : "argmin";
    std::optional<int> axis = {};
    bool keepdims = false;
    XGRAD_ATTRIBUTES(axis, keepdims)

    Shape result(const Shape& x) const { return axis ? without_axes(x, AxisMask{1} << *axis, keepdims) : Shape{}; }
    Tensor value(const Tensor& x) const {
        const AxisSplit a = axis ? along(x.shape(), *axis) : AxisSplit{1, x.size(), 1};
        Tensor out = empty(result(x.shape()), DType::i64);
        if (out.size() == 0) return out;
        Int* to = elements<Int>(out);
        with_any(x.dtype(), [&]<class T>(T) {
            const T* from = elements<T>(x);
            for_slices(
                a,
                [&](Int i, Int o, Int rows) {
                    for (Int r = 0; r < rows; ++r) to[o + r] = position_in_row<largest>(from + i + r * a.n, a.n);
                },
                [&](Int i, Int o, Int columns) {
                    std::vector<T> best(from + i, from + i + columns);
                    std::fill(to + o, to + o + columns, Int{0});
                    for (Int k = 1; k < a.n; ++k)
                        for (Int c = 0; c < columns; ++c) {
                            const T value = from[i + k * a.inner + c];
                            if (better<largest>(value, best[static_cast<std::size_t>(c)]))
                                best[static_cast<std::size_t>(c)] = value, to[o + c] = k;
                        }
                });
        });
        return out;
    }
};

template <bool largest>
Tensor arg_extreme(const Operand& operand, std::optional<int> axis, bool keepdims) {
    constexpr const char* name = ArgExtreme<largest>::name;
    const Tensor& x = tensor_of(operand, name);
    if (axis) axis = normalise_axis(*axis, x.ndim() == 0 ? 1 : x.ndim(), name, operand.where());
    const ArgExtreme<largest> op{axis, keepdims};
    check<ShapeError>(!empty_slices(x, op.result(x.shape())), operand.where(), [&] {
        return std::string(name) + ": there must be an element to choose, got shape " +
               to_string(axis ? x.shape() : Shape{x.size()});
    });
    return apply(op, {x}, operand.where());
}

/// Whether all or any elements are true.
template <bool every>
struct Truth {
    static constexpr const char* name = every ? "all" : "any";
    AxisMask axes = 0;
    bool keepdims = false;
    XGRAD_ATTRIBUTES(axes, keepdims)

    Tensor value(const Tensor& x) const {
        return reduce_groups(x, axes, without_axes(x.shape(), axes, keepdims), DType::boolean,
                             [](const Tensor& from, const Tensor& to, const Step& s) {
                                 with_any(from.dtype(), [&]<class T>(T) {
                                     fold_plain(
                                         elements<T>(from), elements<std::uint8_t>(to), s.layout, std::uint8_t{every},
                                         [](std::uint8_t t, T v) { return every ? t & (v != T(0)) : t | (v != T(0)); });
                                 });
                             });
    }
};

/// The exclusive products 1, x0, x0·x1, … along the middle axis of (outer, n, inner), or from the other end. Doubling
/// the reach each time takes log2(n) passes of ordinary operations, which are right with any number of zeros, to any
/// order.
Tensor exclusive_products(const Tensor& x, bool finite, bool from_end) {
    const Int n = x.shape(1);
    auto shifted = [&](const Tensor& p, Int by) {
        const Int stay = std::min(by, n);
        const Tensor pad = ones({x.shape(0), stay, x.shape(2)}, x.dtype());
        return from_end ? concat({slice(p, 1, stay, n), pad}, 1) : concat({pad, slice(p, 1, 0, n - stay)}, 1);
    };
    Tensor p = shifted(x, 1);
    for (Int reach = 1; reach < n; reach *= 2) p = product_of(p, shifted(p, reach), finite);
    return p;
}

struct Prod {
    static constexpr const char* name = "prod";
    AxisMask axes = 0;
    bool keepdims = false;
    XGRAD_ATTRIBUTES(axes, keepdims)
    static constexpr Saves saves{.inputs = 1, .outputs = 1};

    Tensor value(const Tensor& x) const {
        return reduce_groups(
            x, axes, without_axes(x.shape(), axes, keepdims), collected(x.dtype()),
            [](const Tensor& from, const Tensor& to, const Step& s) { prod_values(from, to, s.layout); });
    }
    Tensor pullback(Tensor g, const Saved& s) const {
        const Tensor& x = s.input();
        const Int results = s.output().size(), n = results ? x.size() / results : 0;
        // Kept axes first, followed by the reduced ones merged into one axis.
        std::vector<int> order, back(static_cast<std::size_t>(x.ndim()));
        for (const bool reduced : {false, true})
            for (int k = 0; k < x.ndim(); ++k)
                if ((axes >> k & 1) == reduced)
                    back[static_cast<std::size_t>(k)] = static_cast<int>(order.size()), order.push_back(k);
        const Tensor moved = transpose(x, order);
        const Tensor lines = reshape(moved, {results, n, 1});
        const bool finite = all(isfinite(x)).item<bool>();
        Tensor others =
            product_of(exclusive_products(lines, finite, false), exclusive_products(lines, finite, true), finite);
        if (finite && any(isinf(others)).item<bool>()) {
            // Overflow in one of the two while the product itself has underflowed to 0 without a zero: the slope is
            // then 0 too.
            const Tensor vanished = logical_and(equal(prod(stop_gradient(lines), 1, true), 0),
                                                all(not_equal(stop_gradient(lines), 0), 1, true));
            others = where(logical_and(vanished, isinf(others)), 0, others);
        }
        return with_axes(g, x.shape(), axes) * transpose(reshape(others, moved.shape()), back);
    }
    /// Without zeros y / x is enough, but not for higher orders: near zeros their terms cancel completely.
    Tensor fused_pullback(Tensor g, const Saved& s) const {
        const Tensor &x = s.input(), &y = s.output();
        if (!all(logical_and(isfinite(y), not_equal(y, 0))).item<bool>()) return pullback(std::move(g), s);
        return with_axes(g, x.shape(), axes) * with_axes(y, x.shape(), axes) / x;
    }
};

/// The sum times a factor over the axes of a mask.
Tensor summed(const Tensor& x, AxisMask axes, const Shape& result, double factor) {
    return reduce_groups(x, axes, result, collected(x.dtype()),
                         [factor](const Tensor& from, const Tensor& to, const Step& s) {
                             sum_values(from, to, s.layout, s.last ? factor : 1);
                         });
}

/// The sum or the mean. Its gradient is constant along the summed axes, where it has size 1.
template <bool divided>
struct Sum {
    static constexpr const char* name = divided ? "mean" : "sum";
    static constexpr bool takes_reduced = true;
    AxisMask axes = 0;
    bool keepdims = false;
    XGRAD_ATTRIBUTES(axes, keepdims)

    Tensor value(const Tensor& x) const {
        return summed(x, axes, without_axes(x.shape(), axes, keepdims), factor(x.shape()));
    }
    Tensor pullback(Tensor g, const Saved& s) const {
        const double by = factor(s.shape());
        return with_axes(by == 1 ? g : g * by, s.shape(), axes);
    }

private:
    double factor(const Shape& shape) const { return divided ? 1 / count_of(shape, axes) : 1; }
};

/// The axes to sum: the leading axes of `from` that `to` does not have, and those along which `to` has size 1.
struct BroadcastAxes {
    AxisMask leading = 0, stretched = 0;
    bool fits = false;  // `to` broadcasts to `from`

    BroadcastAxes(const Shape& from, const Shape& to) {
        const int lead = from.rank() - to.rank();
        leading = lead > 0 ? (AxisMask{1} << lead) - 1 : 0;
        fits = lead >= 0;
        for (int k = 0; fits && k < to.rank(); ++k) {
            if (to[k] == from[k + lead]) continue;
            fits = to[k] == 1;
            stretched |= AxisMask{1} << (k + lead);
        }
    }
};

struct SumTo {
    static constexpr const char* name = "sum_to";
    static constexpr bool takes_reduced = true;
    Shape shape;
    XGRAD_ATTRIBUTES(shape)

    Tensor value(const Tensor& x) const {
        const BroadcastAxes axes(x.shape(), shape);
        return summed(x, axes.leading | axes.stretched, shape, 1);
    }
    Tensor pullback(Tensor g, const Saved& s) const {
        return with_axes(g, s.shape(), BroadcastAxes(s.shape(), shape).leading);
    }
};

/// Applies Op over the axes.
template <class Op>
Tensor reduced(const Operand& operand, const Axes& axes, bool keepdims) {
    const Tensor& x = tensor_of(operand, Op::name);
    return apply(Op{mask_of(axes, x.ndim(), Op::name, operand.where(), true), keepdims}, {x}, operand.where());
}

}  // namespace

Tensor product_of(const Tensor& a, const Tensor& b, bool finite) {
    const Tensor y = a * b;
    if (!finite) return y;
    const Tensor lost = isnan(y);
    return any(lost).item<bool>() ? where(lost, 0, where(lost, 1, a) * where(lost, 1, b)) : y;
}

void sum_values(const Tensor& x, const Tensor& y, const AxisSplit& a, double factor) {
    with_any(x.dtype(), [&]<class T>(T) {
        if constexpr (std::is_floating_point_v<T>) sum_floats(elements<T>(x), elements<T>(y), a, factor);
        else
            fold_plain(elements<T>(x), elements<std::uint64_t>(y), a, std::uint64_t{0},
                       [](std::uint64_t s, T v) { return s + static_cast<std::uint64_t>(v); });
    });
}

Tensor sum_kept(const Tensor& x, AxisMask axes) { return apply(Sum<false>{axes, true}, {x}, Location{}); }
Tensor mean_kept(const Tensor& x, AxisMask axes) { return apply(Sum<true>{axes, true}, {x}, Location{}); }

}  // namespace detail

using namespace detail;

Tensor sum(const Operand& x, const Axes& axes, bool keepdims) { return reduced<Sum<false>>(x, axes, keepdims); }
Tensor mean(const Operand& x, const Axes& axes, bool keepdims) {
    check_floating(tensor_of(x, "mean"), "mean", x.where());
    return reduced<Sum<true>>(x, axes, keepdims);
}

Tensor sum_to(const Operand& operand, const Shape& shape) {
    const Tensor& x = tensor_of(operand, "sum_to");
    if (x.shape() == shape) return x;
    check<ShapeError>(BroadcastAxes(x.shape(), shape).fits, operand.where(), [&] {
        return "sum_to: the shape must broadcast to the tensor's, got " + to_string(shape) + " and " +
               to_string(x.shape());
    });
    return apply(SumTo{shape}, {x}, operand.where());
}
Tensor detail::reduce_to(const Tensor& part, const Shape& shape) { return sum_to(part, shape); }

Tensor prod(const Operand& x, const Axes& axes, bool keepdims) { return reduced<Prod>(x, axes, keepdims); }

Tensor max(const Operand& x, const Axes& axes, bool keepdims) { return extreme<true>(x, axes, keepdims); }
Tensor min(const Operand& x, const Axes& axes, bool keepdims) { return extreme<false>(x, axes, keepdims); }

Tensor argmax(const Operand& x, int axis, bool keepdims) { return arg_extreme<true>(x, axis, keepdims); }
Tensor argmax(const Operand& x) { return arg_extreme<true>(x, {}, false); }
Tensor argmin(const Operand& x, int axis, bool keepdims) { return arg_extreme<false>(x, axis, keepdims); }
Tensor argmin(const Operand& x) { return arg_extreme<false>(x, {}, false); }

Tensor all(const Operand& x, const Axes& axes, bool keepdims) { return reduced<Truth<true>>(x, axes, keepdims); }
Tensor any(const Operand& x, const Axes& axes, bool keepdims) { return reduced<Truth<false>>(x, axes, keepdims); }

}  // namespace xgrad
