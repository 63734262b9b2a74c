#include "reduce.hpp"

#include <algorithm>
#include <limits>
#include <vector>

#include "../composition.hpp"
#include "../apply.hpp"
#include "elementwise.hpp"
#include "reduction.hpp"

namespace xgrad {

namespace detail {
namespace {

/// y = fold of x along the middle axis in plain loops: what integers get.
template <class In, class Out, class F>
void fold_plain(const In* x, Out* y, const Along& a, Out start, const F& f) {
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
void sum_floats(const T* x, T* y, const Along& a, double factor) {
    const auto& k = reduce_kernels<T>();
    constexpr Int piece = 32768;
    if (a.inner == 1 && a.n > 2 * piece && a.outer < 8) {  // few long rows: pieces of fixed size, so that threads do not change the sum
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

/// The type of sums and products: integers are collected in i64, as NumPy does.
DType collected(DType dtype) { return is_floating(dtype) ? dtype : DType::i64; }

void prod_values(const Tensor& x, const Tensor& y, const Along& a) {
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
            // Unsigned: an overflow wraps around as NumPy's does.
            fold_plain(from, elements<std::uint64_t>(y), a, std::uint64_t{1},
                       [](std::uint64_t p, T v) { return p * static_cast<std::uint64_t>(v); });
        }
    });
}

template <bool largest>
void extreme_values(const Tensor& x, const Tensor& y, const Along& a) {
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

/// True when some slice of a reduction has no element.
bool empty_slices(const Tensor& x, const Shape& result) { return x.size() == 0 && result.size() != 0; }

template <bool largest>
Tensor extreme(const char* name, const Operand& operand, const Axes& axes, bool keepdims) {
    const Tensor& x = tensor_of(operand, name);
    const AxisMask mask = mask_of(axes, x.ndim(), name, operand.where(), true);
    const Shape result = without_axes(x.shape(), mask, keepdims);
    check<ShapeError>(!empty_slices(x, result), operand.where(),
                      [&] { return std::string(name) + ": there must be an element to choose, got shape " + to_string(x.shape()); });
    return apply(
        name, {x},
        [mask, result](const Tensor& in) {
            return reduce_groups(in, mask, result, in.dtype(),
                                 [](const Tensor& from, const Tensor& to, const Step& s) { extreme_values<largest>(from, to, s.layout); });
        },
        [x, mask](Tensor g, const Tensor& y) {
            const Tensor values = stop_gradient(x);  // a NaN is the largest and the smallest
            const Tensor ties = logical_or(equal(values, stop_gradient(keep(y, x.shape(), mask))), isnan(values)).to(x.dtype());
            const Tensor count = sum_kept(ties, mask);
            return keep(g, x.shape(), mask) / count * ties;
        },
        operand.where());
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
        // The value first, at the speed of memory; then where it stands, a block at a time.
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

template <bool largest>
Tensor position(const char* name, const Operand& operand, const Tensor& x, int axis, const Shape& result) {
    const Along a = along(x.shape(), axis);
    check<ShapeError>(!empty_slices(x, result), operand.where(),
                      [&] { return std::string(name) + ": there must be an element to choose, got shape " + to_string(x.shape()); });
    Tensor out = empty(result, DType::i64);
    if (out.size() == 0) return out;
    Int* to = elements<Int>(out);
    with_any(x.dtype(), [&]<class T>(T) {
        const T* from = elements<T>(x);
        for_slices(
            a,
            [&](Int i, Int o, Int rows) {
                for (Int r = 0; r < rows; ++r) {
                    to[o + r] = position_in_row<largest>(from + i + r * a.n, a.n);
                }
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
template <bool largest>
Tensor position(const char* name, const Operand& operand, int axis, bool keepdims) {
    const Tensor& x = tensor_of(operand, name);
    axis = normalise_axis(axis, x.ndim() == 0 ? 1 : x.ndim(), name, operand.where());
    return position<largest>(name, operand, x, axis, x.ndim() == 0 ? Shape{} : without_axes(x.shape(), AxisMask{1} << axis, keepdims));
}
template <bool largest>
Tensor position(const char* name, const Operand& operand) {
    const Tensor flat = TensorAccess::view(tensor_of(operand, name), {operand.size()});
    return position<largest>(name, operand, flat, 0, {});
}

template <bool every>
Tensor truth(const char* name, const Operand& operand, const Axes& axes, bool keepdims) {
    const Tensor& x = tensor_of(operand, name);
    const AxisMask mask = mask_of(axes, x.ndim(), name, operand.where(), true);
    return reduce_groups(x, mask, without_axes(x.shape(), mask, keepdims), DType::boolean,
                         [](const Tensor& from, const Tensor& to, const Step& s) {
                             with_any(from.dtype(), [&]<class T>(T) {
                                 fold_plain(elements<T>(from), elements<std::uint8_t>(to), s.layout, std::uint8_t{every},
                                            [](std::uint8_t t, T v) { return every ? t & (v != T(0)) : t | (v != T(0)); });
                             });
                         });
}

/// All products of everything before: 1, x0, x0·x1, …, along the middle axis of (outer, n, inner), or from the other end. Doubling
/// the reach each time takes log2(n) passes, all of them ordinary operations: right with any number of zeros, to any order.
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

Tensor prod_gradient(const Tensor& x, const Tensor& g, const Tensor& y, AxisMask mask) {
    // Without zeros y / x will do, but not for higher orders: near zeros their terms cancel to nothing.
    const bool recording = tracked(g) || tracked(x) || tracked(y);
    if (!recording && all(logical_and(isfinite(y), not_equal(y, 0))).item<bool>())
        return keep(g, x.shape(), mask) * keep(y, x.shape(), mask) / x;
    // Kept axes first, reduced ones behind, as one axis.
    std::vector<int> order, back(static_cast<std::size_t>(x.ndim()));
    for (const bool reduced : {false, true})
        for (int k = 0; k < x.ndim(); ++k)
            if ((mask >> k & 1) == reduced) back[static_cast<std::size_t>(k)] = static_cast<int>(order.size()), order.push_back(k);
    const Tensor moved = transpose(x, order);
    const Int n = y.size() ? x.size() / y.size() : 0;
    const Tensor lines = reshape(moved, {y.size(), n, 1});
    const bool finite = all(isfinite(x)).item<bool>();
    Tensor others = product_of(exclusive_products(lines, finite, false), exclusive_products(lines, finite, true), finite);
    if (finite && any(isinf(others)).item<bool>()) {
        // Overflow in one of the two, where the product itself has become 0 without a zero: the slope is then 0, too.
        const Tensor vanished =
            logical_and(equal(prod(stop_gradient(lines), 1, true), 0), all(not_equal(stop_gradient(lines), 0), 1, true));
        others = where(logical_and(vanished, isinf(others)), 0, others);
    }
    return keep(g, x.shape(), mask) * transpose(reshape(others, moved.shape()), back);
}

}  // namespace

Tensor product_of(const Tensor& a, const Tensor& b, bool finite) {
    const Tensor y = a * b;
    if (!finite) return y;
    const Tensor lost = isnan(y);
    return any(lost).item<bool>() ? where(lost, 0, where(lost, 1, a) * where(lost, 1, b)) : y;
}

void sum_values(const Tensor& x, const Tensor& y, const Along& a, double factor) {
    with_any(x.dtype(), [&]<class T>(T) {
        if constexpr (std::is_floating_point_v<T>) sum_floats(elements<T>(x), elements<T>(y), a, factor);
        else
            fold_plain(elements<T>(x), elements<std::uint64_t>(y), a, std::uint64_t{0},
                       [](std::uint64_t s, T v) { return s + static_cast<std::uint64_t>(v); });
    });
}

Tensor sum_over(const char* name, const Tensor& x, AxisMask mask, const Shape& result, double factor, Location where) {
    return apply(
        name, {x},
        [mask, result, factor](const Tensor& in) {
            return reduce_groups(in, mask, result, collected(in.dtype()), [factor](const Tensor& from, const Tensor& to, const Step& s) {
                sum_values(from, to, s.layout, s.last ? factor : 1);
            });
        },
        // The gradient is the same along the summed axes: it is written out where somebody needs it whole.
        dealing<Cotangents::gives_thin>(
            [mask, factor, shape = x.shape()](Tensor g) { return keep(factor == 1 ? g : g * factor, shape, mask); }),
        where);
}

Tensor expand(const Tensor& g, const Shape& shape, AxisMask mask, double factor) {
    Along a;
    if (tracked(g) || !single_group(shape, mask, a)) return broadcast_to(keep(factor == 1 ? g : g * factor, shape, mask), shape);
    Tensor out = empty(shape, g.dtype());
    with_floating(g.dtype(), [&]<class T>(T) {
        const T* from = elements<T>(g);
        T* to = elements<T>(out);
        const T scale = static_cast<T>(factor);
        if (a.inner == 1) {
            parallel_for(out.size(), out.size(), [&](Int begin, Int end) {
                for (Int i = begin; i < end;) {
                    const Int stop = std::min(end, (i / a.n + 1) * a.n);
                    std::fill(to + i, to + stop, scale * from[i / a.n]);
                    i = stop;
                }
            });
        } else {
            parallel_for(a.outer * a.n, out.size(), [&](Int begin, Int end) {
                for (Int r = begin; r < end; ++r) {
                    const T* source = from + r / a.n * a.inner;
                    T* target = to + r * a.inner;
                    for (Int c = 0; c < a.inner; ++c) target[c] = scale * source[c];
                }
            });
        }
    });
    return out;
}

}  // namespace detail

using namespace detail;

Tensor sum(const Operand& operand, const Axes& axes, bool keepdims) {
    const Tensor& x = tensor_of(operand, "sum");
    const AxisMask mask = mask_of(axes, x.ndim(), "sum", operand.where(), true);
    return sum_over("sum", x, mask, without_axes(x.shape(), mask, keepdims), 1, operand.where());
}

Tensor mean(const Operand& operand, const Axes& axes, bool keepdims) {
    const Tensor& x = tensor_of(operand, "mean");
    check_floating(x, "mean", operand.where());
    const AxisMask mask = mask_of(axes, x.ndim(), "mean", operand.where(), true);
    return sum_over("mean", x, mask, without_axes(x.shape(), mask, keepdims), 1 / count_of(x.shape(), mask), operand.where());
}

Tensor sum_to(const Operand& operand, const Shape& shape) {
    const Tensor& x = tensor_of(operand, "sum_to");
    const Shape& from = x.shape();
    if (from == shape) return x;
    const int lead = from.rank() - shape.rank();
    AxisMask mask = lead > 0 ? (AxisMask{1} << lead) - 1 : 0;
    bool fits = lead >= 0;
    for (int k = 0; fits && k < shape.rank(); ++k) {
        if (shape[k] == from[k + lead]) continue;
        fits = shape[k] == 1;
        mask |= AxisMask{1} << (k + lead);
    }
    check<ShapeError>(fits, operand.where(), [&] {
        return "sum_to: the shape must broadcast to the tensor's, got " + to_string(shape) + " and " + to_string(from);
    });
    return sum_over("sum_to", x, mask, shape, 1, operand.where());
}

Tensor prod(const Operand& operand, const Axes& axes, bool keepdims) {
    const Tensor& x = tensor_of(operand, "prod");
    const AxisMask mask = mask_of(axes, x.ndim(), "prod", operand.where(), true);
    const Shape result = without_axes(x.shape(), mask, keepdims);
    return apply(
        "prod", {x},
        [mask, result](const Tensor& in) {
            return reduce_groups(in, mask, result, collected(in.dtype()),
                                 [](const Tensor& from, const Tensor& to, const Step& s) { prod_values(from, to, s.layout); });
        },
        [x, mask](Tensor g, const Tensor& y) { return prod_gradient(x, g, y, mask); }, operand.where());
}

Tensor max(const Operand& x, const Axes& axes, bool keepdims) { return extreme<true>("max", x, axes, keepdims); }
Tensor min(const Operand& x, const Axes& axes, bool keepdims) { return extreme<false>("min", x, axes, keepdims); }

Tensor argmax(const Operand& x, int axis, bool keepdims) {
    return composed("argmax", x.where(), [&]() -> Tensor { return position<true>("argmax", x, axis, keepdims); });
}
Tensor argmax(const Operand& x) {
    return composed("argmax", x.where(), [&]() -> Tensor { return position<true>("argmax", x); });
}
Tensor argmin(const Operand& x, int axis, bool keepdims) {
    return composed("argmin", x.where(), [&]() -> Tensor { return position<false>("argmin", x, axis, keepdims); });
}
Tensor argmin(const Operand& x) {
    return composed("argmin", x.where(), [&]() -> Tensor { return position<false>("argmin", x); });
}

Tensor all(const Operand& x, const Axes& axes, bool keepdims) { return truth<true>("all", x, axes, keepdims); }
Tensor any(const Operand& x, const Axes& axes, bool keepdims) { return truth<false>("any", x, axes, keepdims); }

}  // namespace xgrad
