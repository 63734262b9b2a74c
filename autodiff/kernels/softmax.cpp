#include "exponential.hpp"
#include "reduce.hpp"
#include "reduce_parts.hpp"
#include "kernels.hpp"

namespace xgrad::kernels::XGRAD_ISA {

// --- exponentials: x - max(x) keeps them in [0, 1] -------------------------------------------------------------------

template <class T>
static inline bool finite(T value) {
    return value - value == T(0);
}
/// The logarithm of a sum of exponentials whose largest term is 1. If rounding has lost the contribution of the other
/// terms, others() sums them separately; there is only one largest term then. For f32 the sum, which is a double, still
/// represents 1e-8 to eight digits.
template <class T, class F>
static inline double log_of_sum(double sum, const F& others) {
    return sum < (sizeof(T) == 4 ? 1 + 1e-8 : 1 + 1e-3) ? __builtin_log1p(others()) : __builtin_log(sum);
}
/// The sum of the other terms in a row and in a column.
template <class T>
static inline double row_others(const T* x, Int n, T largest) {
    const Batch<T> m(largest), none(T(0));
    return sum_of<T, true>(n, [x, m, none](Int i, Int count) {
        const Batch<T> v = read(x + i, count);
        return xsimd::select(v == m, none, exp_down<T>(v - m));
    });
}
template <class T>
static inline double column_others(const T* x, Int n, Int stride, T largest) {
    double sum = 0;
    for (Int r = 0; r < n; ++r)
        if (x[r * stride] != largest)
            sum += __builtin_exp(static_cast<double>(x[r * stride]) - static_cast<double>(largest));
    return sum;
}
template <class T>
static inline T logsumexp_row(const T* x, Int n) {
    T largest = fold_row<Largest, false>(x, n);
    if (!finite(largest)) largest = fold_row<Largest>(x, n);
    if (!finite(largest)) return largest;
    const Batch<T> m(largest);
    const double sum = sum_of<T, true>(n, [x, m](Int i, Int count) { return exp_down<T>(read(x + i, count) - m); });
    return static_cast<T>(static_cast<double>(largest) + log_of_sum<T>(sum, [&] { return row_others(x, n, largest); }));
}
template <class T>
static void logsumexp_rows(const T* x, T* y, Int rows, Int n) {
    for (Int r = 0; r < rows; ++r) y[r] = logsumexp_row(x + r * n, n);
}

template <class T>
static void softmax_columns(const T* x, T* y, Int n, Int columns, Int stride);
template <class T>
static void log_softmax_columns(const T* x, T* y, Int n, Int columns, Int stride);
template <class T>
static void softmax_back_columns(const T* y, const T* g, T* dx, Int n, Int columns, Int stride);
template <class T>
static void log_softmax_back_columns(const T* y, const T* g, T* dx, Int n, Int columns, Int stride);

/// softmax: -inf has weight 0; inf, NaN or only -inf make the row NaN automatically: inf - inf, 0 / 0.
template <class T>
static void softmax_rows(const T* x, T* y, Int rows, Int n) {
    const auto columns = [n](const T* const* in, T* out, Int some, Int) { softmax_columns(in[0], out, n, some, some); };
    if (short_rows<true>({x}, y, rows, n, columns)) return;
    for (Int r = 0; r < rows; ++r) {
        const T* row = x + r * n;
        T* to = y + r * n;
        const Batch<T> m(fold_row<Largest, false>(row, n));
        const double sum = sum_of<T, true>(n, [row, to, m](Int i, Int count) {
            const auto e = exp_down<T>(read(row + i, count) - m);
            write(to + i, e, count);
            return e;
        });
        const Batch<T> scale(static_cast<T>(1 / sum));
        for_each<T>(n, [&](Int i, Int count) { write(to + i, read(to + i, count) * scale, count); });
    }
}
template <class T>
static void log_softmax_rows(const T* x, T* y, Int rows, Int n) {
    const auto columns = [n](const T* const* in, T* out, Int some, Int) {
        log_softmax_columns(in[0], out, n, some, some);
    };
    if (short_rows<true>({x}, y, rows, n, columns)) return;
    for (Int r = 0; r < rows; ++r) {
        const T* row = x + r * n;
        T* to = y + r * n;
        const T largest = fold_row<Largest, false>(row, n);
        const Batch<T> m(largest);
        const double sum =
            sum_of<T, true>(n, [row, m](Int i, Int count) { return exp_down<T>(read(row + i, count) - m); });
        const Batch<T> norm(static_cast<T>(log_of_sum<T>(sum, [&] { return row_others(row, n, largest); })));
        for_each<T>(n, [&](Int i, Int count) { write(to + i, (read(row + i, count) - m) - norm, count); });
    }
}
template <class T>
static constexpr T log_half = static_cast<T>(-0.693147180559945309417);
/// Every row of the dx of softmax or log_softmax sums to 0. The probability nearest 1, whose slope p (1 - p) would be
/// lost to the rounding of p, therefore gets minus the sum of the others, in which nothing cancels. `limit` is 1/2 in
/// the scale of y: at most one probability exceeds it.
template <class T, class F>
static inline void close_rows(const T* y, T* dx, Int n, T limit, const F& slope) {
    const Batch<T> half(limit), none(T(0));
    auto any = none > none;
    const double others = sum_of<T, true>(n, [&](Int i, Int count) {
        const auto large = read(y + i, count) > half;
        const auto d = slope(i, count);
        write(dx + i, d, count);
        any = any | large;
        return xsimd::select(large, none, d);
    });
    for (Int i = 0; i < n && xsimd::any(any); ++i)
        if (y[i] > limit) return dx[i] = static_cast<T>(-others), void();
}
template <class T>
static void softmax_back_rows(const T* y, const T* g, T* dx, Int rows, Int n) {
    const auto columns = [n](const T* const* in, T* out, Int some, Int) {
        softmax_back_columns(in[0], in[1], out, n, some, some);
    };
    if (short_rows<true>({y, g}, dx, rows, n, columns)) return;
    for (Int r = 0; r < rows; ++r) {
        const T *out = y + r * n, *cotangent = g + r * n;
        T* to = dx + r * n;
        const Batch<T> dot(static_cast<T>(
            sum_of<T>(n, [=](Int i, Int count) { return read(out + i, count) * read(cotangent + i, count); })));
        close_rows(out, to, n, T(0.5),
                   [&](Int i, Int count) { return read(out + i, count) * (read(cotangent + i, count) - dot); });
    }
}
template <class T>
static void log_softmax_back_rows(const T* y, const T* g, T* dx, Int rows, Int n) {
    const auto columns = [n](const T* const* in, T* out, Int some, Int) {
        log_softmax_back_columns(in[0], in[1], out, n, some, some);
    };
    if (short_rows<true>({y, g}, dx, rows, n, columns)) return;
    for (Int r = 0; r < rows; ++r) {
        const T *out = y + r * n, *cotangent = g + r * n;
        T* to = dx + r * n;
        const Batch<T> sum(static_cast<T>(sum_all(cotangent, n)));
        close_rows(out, to, n, log_half<T>, [&](Int i, Int count) {
            return read(cotangent + i, count) - exp_down<T>(read(out + i, count)) * sum;
        });
    }
}

// The same over columns. A strip is narrow enough for its elements to stay in the second-level cache between the
// passes.

template <class T, class F>
static inline void for_each_strip(Int n, Int columns, const F& f) {
    Int wide = (128 << 10) / static_cast<Int>(sizeof(T)) / (n > 0 ? n : 1) / 64 * 64;
    wide = wide < 64 ? 64 : wide > tile ? tile : wide;
    for (Int c = 0; c < columns; c += wide) f(c, columns - c < wide ? columns - c : wide);
}

/// shift = max, sums = sum(exp(x - shift)) of a strip; the exponentials are stored in y if it is given. A NaN
/// propagates through the sum.
template <bool store_exp, class T>
static inline void exp_totals(const T* x, T* y, T* shift, double* sums, Int n, Int count, Int stride) {
    fold_columns<Largest, false>(x, shift, n, count, stride);
    column_totals<T>(sums, n, count, stride, [=](Int at, Int k, Int some) {
        const auto e = exp_down<T>(read(x + at, some) - read(shift + k, some));
        if constexpr (store_exp) write(y + at, e, some);
        return e;
    });
}
template <class T>
static void logsumexp_columns(const T* x, T* y, Int n, Int columns, Int stride) {
    alignas(64) T shift[tile];
    alignas(64) double sums[tile];
    for_each_strip<T>(n, columns, [&](Int c, Int count) {
        exp_totals<false>(x + c, static_cast<T*>(nullptr), shift, sums, n, count, stride);
        for (Int k = 0; k < count; ++k) {
            y[c + k] = static_cast<T>(static_cast<double>(shift[k]) + log_of_sum<T>(sums[k], [&] {
                                          return column_others(x + c + k, n, stride, shift[k]);
                                      }));
            if (!finite(shift[k])) fold_columns<Largest>(x + c + k, y + c + k, n, 1, stride);
        }
    });
}
template <class T>
static void softmax_columns(const T* x, T* y, Int n, Int columns, Int stride) {
    alignas(64) T shift[tile];
    alignas(64) double sums[tile];
    for_each_strip<T>(n, columns, [&](Int c, Int count) {
        exp_totals<true>(x + c, y + c, shift, sums, n, count, stride);
        for (Int k = 0; k < count; ++k) shift[k] = static_cast<T>(1 / sums[k]);
        for (Int r = 0; r < n; ++r)
            for_each<T>(count, [&, to = y + r * stride + c](Int k, Int some) {
                write(to + k, read(to + k, some) * read(shift + k, some), some);
            });
    });
}
template <class T>
static void log_softmax_columns(const T* x, T* y, Int n, Int columns, Int stride) {
    alignas(64) T shift[tile], norm[tile];
    alignas(64) double sums[tile];
    for_each_strip<T>(n, columns, [&](Int c, Int count) {
        exp_totals<false>(x + c, static_cast<T*>(nullptr), shift, sums, n, count, stride);
        for (Int k = 0; k < count; ++k)
            norm[k] =
                static_cast<T>(log_of_sum<T>(sums[k], [&] { return column_others(x + c + k, n, stride, shift[k]); }));
        for (Int r = 0; r < n; ++r)
            for_each<T>(count, [&, at = r * stride + c](Int k, Int some) {
                write(y + at + k, (read(x + at + k, some) - read(shift + k, some)) - read(norm + k, some), some);
            });
    });
}
/// result = sum over rows of y * g, or of g alone.
template <bool dot, class T>
static inline void cotangent_totals(const T* y, const T* g, T* result, Int n, Int count, Int stride) {
    alignas(64) double sums[tile];
    column_totals<T>(sums, n, count, stride, [=](Int at, Int, Int some) {
        auto v = read(g + at, some);
        if constexpr (dot) v *= read(y + at, some);
        return v;
    });
    for (Int k = 0; k < count; ++k) result[k] = static_cast<T>(sums[k]);
}
/// The same for columns whose dx has been computed, at most a tile of them.
template <class T>
static inline void close_columns(const T* y, T* dx, Int n, Int count, Int stride, T limit) {
    alignas(64) double others[tile];
    alignas(64) T rest[tile];
    const Batch<T> half(limit), none(T(0));
    column_totals<T>(others, n, count, stride, [=](Int at, Int, Int some) {
        return xsimd::select(read(y + at, some) > half, none, read(dx + at, some));
    });
    for (Int k = 0; k < count; ++k) rest[k] = static_cast<T>(-others[k]);
    for (Int r = 0; r < n; ++r)
        for_each<T>(count, [&, at = r * stride](Int k, Int some) {
            write(dx + at + k,
                  xsimd::select(read(y + at + k, some) > half, read(rest + k, some), read(dx + at + k, some)), some);
        });
}
template <class T>
static void softmax_back_columns(const T* y, const T* g, T* dx, Int n, Int columns, Int stride) {
    alignas(64) T dot[tile];
    for_each_strip<T>(n, columns, [&](Int c, Int count) {
        cotangent_totals<true>(y + c, g + c, dot, n, count, stride);
        for (Int r = 0; r < n; ++r)
            for_each<T>(count, [&, at = r * stride + c](Int k, Int some) {
                write(dx + at + k, read(y + at + k, some) * (read(g + at + k, some) - read(dot + k, some)), some);
            });
        close_columns(y + c, dx + c, n, count, stride, T(0.5));
    });
}
template <class T>
static void log_softmax_back_columns(const T* y, const T* g, T* dx, Int n, Int columns, Int stride) {
    alignas(64) T sum[tile];
    for_each_strip<T>(n, columns, [&](Int c, Int count) {
        cotangent_totals<false>(y + c, g + c, sum, n, count, stride);
        for (Int r = 0; r < n; ++r)
            for_each<T>(count, [&, at = r * stride + c](Int k, Int some) {
                write(dx + at + k, read(g + at + k, some) - exp_down<T>(read(y + at + k, some)) * read(sum + k, some),
                      some);
            });
        close_columns(y + c, dx + c, n, count, stride, log_half<T>);
    });
}

template <class T>
static void fill(ReduceTable<T>& t) {
    t.logsumexp_rows = logsumexp_rows<T>;
    t.logsumexp_columns = logsumexp_columns<T>;
    t.softmax_rows = softmax_rows<T>;
    t.log_softmax_rows = log_softmax_rows<T>;
    t.softmax_columns = softmax_columns<T>;
    t.log_softmax_columns = log_softmax_columns<T>;
    t.softmax_back_rows = softmax_back_rows<T>;
    t.softmax_back_columns = softmax_back_columns<T>;
    t.log_softmax_back_rows = log_softmax_back_rows<T>;
    t.log_softmax_back_columns = log_softmax_back_columns<T>;
}

void fill_softmax(Kernels& all) {
    ReduceKernels& table = all.reduce;
    fill(table.f32);
    fill(table.f64);
}

}  // namespace xgrad::kernels::XGRAD_ISA
