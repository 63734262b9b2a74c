#include "reduce.hpp"

#include "exponential.hpp"
#include "isa.hpp"

namespace xgrad::kernels::XGRAD_ISA {

using Int = std::int64_t;

// --- building blocks --------------------------------------------------------------------------------------------------

/// count is a compile-time `width` in the main loops, so that the branch disappears.
template <class T>
static inline Batch<T> read(const T* from, Int count) {
    return count == width<T> ? load(from) : load_some(from, count);
}
template <class T>
static inline void write(T* to, const Batch<T>& value, Int count) {
    if (count == width<T>) store(to, value);
    else store_some(to, value, count);
}
template <class T>
static inline double total(const Batch<T>& value, Int count = width<T>) {
    alignas(64) T lanes[Batch<T>::size];
    value.store_aligned(lanes);
    double sum = 0;
    for (Int i = 0; i < count; ++i) sum += static_cast<double>(lanes[i]);
    return sum;
}

/// The sum of f(i, count) over a row, count elements at a time: accumulators over short blocks, the blocks added in double. Eight of them hide
/// the latency of a load; for a longer f two do, and leave registers to it. (Named ones: GCC keeps arrays of batches in memory.)
template <class T, bool long_f = false, class F>
static inline double sum_of(Int n, const F& f) {
    using B = Batch<T>;
    constexpr Int W = width<T>, block = 64 * W, unroll = long_f ? 2 : 8;
    double sum = 0;
    Int i = 0;
    while (n - i >= unroll * W) {
        const Int end = i + (n - i < block ? (n - i) / (unroll * W) * (unroll * W) : block);
        B a0 = f(i, W), a1 = f(i + W, W);
        if constexpr (long_f) {
            for (i += unroll * W; i < end; i += unroll * W) a0 += f(i, W), a1 += f(i + W, W);
        } else {
            B a2 = f(i + 2 * W, W), a3 = f(i + 3 * W, W), a4 = f(i + 4 * W, W), a5 = f(i + 5 * W, W), a6 = f(i + 6 * W, W),
              a7 = f(i + 7 * W, W);
            for (i += unroll * W; i < end; i += unroll * W) {
                a0 += f(i, W), a1 += f(i + W, W), a2 += f(i + 2 * W, W), a3 += f(i + 3 * W, W);
                a4 += f(i + 4 * W, W), a5 += f(i + 5 * W, W), a6 += f(i + 6 * W, W), a7 += f(i + 7 * W, W);
            }
            a0 += (a2 + a3), a1 += ((a4 + a5) + (a6 + a7));
        }
        sum += total<T>(a0 + a1);
    }
    if (n - i >= W) {
        B a = f(i, W);
        for (i += W; n - i >= W; i += W) a += f(i, W);
        sum += total<T>(a);
    }
    if (i < n) sum += total<T>(f(i, n - i), n - i);
    return sum;
}
template <class T, class F>
static inline void for_each(Int n, const F& f) {
    Int i = 0;
    for (; n - i >= width<T>; i += width<T>) f(i, width<T>);
    if (i < n) f(i, n - i);
}

/// Rows too short to fill vectors are turned into columns, 64 at a time: columns(inputs, result, rows in this block, first row). The result
/// has the inputs' layout (`wide`) or one number per row. False, and nothing done, for rows that are not short.
template <bool wide, class T, int N, class F>
static inline bool short_rows(const T* const (&x)[N], T* y, Int rows, Int n, const F& columns) {
    constexpr Int limit = 4 * width<T>, block = 64;
    if (n >= limit || n < 2 || rows < width<T>) return false;
    alignas(64) T in[N][limit * block], out[wide ? limit * block : 1];
    const T* inputs[N];
    for (int k = 0; k < N; ++k) inputs[k] = in[k];
    for (Int first = 0; first < rows; first += block) {
        const Int some = rows - first < block ? rows - first : block;
        for (int k = 0; k < N; ++k)
            for (Int r = 0; r < some; ++r)
                for (Int i = 0; i < n; ++i) in[k][i * some + r] = x[k][(first + r) * n + i];
        columns(inputs, wide ? out : y + first, some, first);
        if constexpr (wide)
            for (Int r = 0; r < some; ++r)
                for (Int i = 0; i < n; ++i) y[(first + r) * n + i] = out[i * some + r];
    }
    return true;
}

struct Product {
    template <class V>
    static V combine(const V& a, const V& b) {
        return a * b;
    }
    static constexpr bool keeps_nan = true;  // by itself
};
struct Largest {
    template <class T>
    static Batch<T> combine(const xsimd::batch<T, arch>& a, const xsimd::batch<T, arch>& b) {
        return xsimd::max(a, b);
    }
    template <class T>
    static T one(T a, T b) {
        return a != a || a > b ? a : b;
    }
    static constexpr bool keeps_nan = false;
};
struct Smallest {
    template <class T>
    static Batch<T> combine(const xsimd::batch<T, arch>& a, const xsimd::batch<T, arch>& b) {
        return xsimd::min(a, b);
    }
    template <class T>
    static T one(T a, T b) {
        return a != a || a < b ? a : b;
    }
    static constexpr bool keeps_nan = false;
};

template <class Op, class T>
static inline T combine_one(T a, T b) {
    if constexpr (Op::keeps_nan) return Op::combine(a, b);
    else return Op::one(a, b);
}

/// Folds one row of n >= 1 elements. Without `nan`, one NaN or another may be missed.
template <class Op, bool nan = !Op::keeps_nan, class T>
static inline T fold_row(const T* x, Int n) {
    using B = Batch<T>;
    constexpr Int W = width<T>;
    Int i = 0;
    T result = x[0];
    bool seen = false;
    if (n >= 4 * W) {
        B a0 = load(x), a1 = load(x + W), a2 = load(x + 2 * W), a3 = load(x + 3 * W);
        auto bad = xsimd::isnan(a0 + a1) | xsimd::isnan(a2 + a3);
        for (i = 4 * W; n - i >= 4 * W; i += 4 * W) {
            const B b0 = load(x + i), b1 = load(x + i + W), b2 = load(x + i + 2 * W), b3 = load(x + i + 3 * W);
            a0 = Op::combine(a0, b0), a1 = Op::combine(a1, b1), a2 = Op::combine(a2, b2), a3 = Op::combine(a3, b3);
            // max and min of a processor drop one side's NaN; an addition keeps both. (isnan: xsimd's != says false for NaN.)
            if constexpr (nan) bad = bad | xsimd::isnan(b0 + b1) | xsimd::isnan(b2 + b3);
        }
        if constexpr (nan) seen = xsimd::any(bad);
        alignas(64) T lanes[Batch<T>::size];
        Op::combine(Op::combine(a0, a1), Op::combine(a2, a3)).store_aligned(lanes);
        result = lanes[0];
        for (Int k = 1; k < W; ++k) result = combine_one<Op>(result, lanes[k]);
    } else {
        i = 1;
    }
    for (Int k = i; k < n; ++k) result = combine_one<Op>(result, x[k]);
    // b0 + b1 is also NaN for inf - inf, so what was flagged is looked at again.
    if (seen)
        for (Int k = 0; k < n; ++k)
            if (x[k] != x[k]) return x[k];
    return result;
}

template <class Op, bool nan, int unroll, class T>
static inline void fold_column_group(const T* x, T* y, Int n, Int stride, Int count) {
    using B = Batch<T>;
    B a[unroll], first_nan[unroll];
    for (int u = 0; u < unroll; ++u) first_nan[u] = a[u] = read(x + u * width<T>, unroll > 1 ? width<T> : count);
    for (Int r = 1; r < n; ++r)
        for (int u = 0; u < unroll; ++u) {
            const B b = read(x + r * stride + u * width<T>, unroll > 1 ? width<T> : count);
            a[u] = Op::combine(a[u], b);
            if constexpr (nan) first_nan[u] = xsimd::select(xsimd::isnan(b), b, first_nan[u]);
        }
    for (int u = 0; u < unroll; ++u) {
        if constexpr (nan) a[u] = xsimd::select(xsimd::isnan(first_nan[u]), first_nan[u], a[u]);
        write(y + u * width<T>, a[u], unroll > 1 ? width<T> : count);
    }
}
template <class Op, bool nan = !Op::keeps_nan, class T>
static void fold_columns(const T* x, T* y, Int n, Int columns, Int stride) {
    Int c = 0;
    for (; columns - c >= 4 * width<T>; c += 4 * width<T>) fold_column_group<Op, nan, 4>(x + c, y + c, n, stride, width<T>);
    for (; columns - c >= width<T>; c += width<T>) fold_column_group<Op, nan, 1>(x + c, y + c, n, stride, width<T>);
    if (c < columns) fold_column_group<Op, nan, 1>(x + c, y + c, n, stride, columns - c);
}

template <class Op, class T>
static void fold_rows(const T* x, T* y, Int rows, Int n) {
    const auto columns = [n](const T* const* in, T* out, Int some, Int) { fold_columns<Op>(in[0], out, n, some, some); };
    if (short_rows<false>({x}, y, rows, n, columns)) return;
    for (Int r = 0; r < rows; ++r) y[r] = fold_row<Op>(x + r * n, n);
}

// --- sums -------------------------------------------------------------------------------------------------------------

template <class T>
static double sum_all(const T* x, Int n) {
    return sum_of<T>(n, [x](Int i, Int count) { return read(x + i, count); });
}
template <class T>
static double sum_squares_all(const T* x, Int n) {
    return sum_of<T>(n, [x](Int i, Int count) {
        const auto v = read(x + i, count);
        return v * v;
    });
}
template <class T>
static void sum_squares_rows(const T* x, T* y, Int rows, Int n) {
    for (Int r = 0; r < rows; ++r) y[r] = static_cast<T>(sum_squares_all(x + r * n, n));
}

/// Sums over rows of f(row * stride + column, column, count), for at most `tile` columns: `group` rows are added up in registers, a whole
/// cache line of each at a time (rows whose stride is a power of two share one cache set), then added to the totals in double.
static constexpr Int tile = 1024;
template <class T, class F>
static inline void column_totals(double* totals, Int n, Int columns, Int stride, const F& f) {
    using B = Batch<T>;
    constexpr Int W = width<T>, line = 64 / static_cast<Int>(sizeof(T)) / W, group = 8;
    for (Int c = 0; c < columns; ++c) totals[c] = 0;
    for (Int r = 0; r < n; r += group) {
        const Int end = (n - r < group ? n : r + group) * stride, begin = r * stride;
        Int c = 0;
        for (; columns - c >= line * W; c += line * W) {
            B a[line];
            for (Int u = 0; u < line; ++u) a[u] = f(begin + c + u * W, c + u * W, W);
            for (Int at = begin + stride; at < end; at += stride)
                for (Int u = 0; u < line; ++u) a[u] += f(at + c + u * W, c + u * W, W);
            alignas(64) T lanes[line * W];
            for (Int u = 0; u < line; ++u) a[u].store_aligned(lanes + u * W);
            for (Int u = 0; u < line * W; ++u) totals[c + u] += static_cast<double>(lanes[u]);
        }
        for (; c < columns; c += W) {
            const Int count = columns - c < W ? columns - c : W;
            B a = f(begin + c, c, count);
            for (Int at = begin + stride; at < end; at += stride) a += f(at + c, c, count);
            alignas(64) T lanes[W];
            a.store_aligned(lanes);
            for (Int u = 0; u < count; ++u) totals[c + u] += static_cast<double>(lanes[u]);
        }
    }
}
template <class T, class F>
static inline void sum_columns_of(T* y, Int n, Int columns, Int stride, double factor, const F& f) {
    alignas(64) double totals[tile];
    for (Int c = 0; c < columns; c += tile) {
        const Int count = columns - c < tile ? columns - c : tile;
        column_totals<T>(totals, n, count, stride, [&f, c](Int at, Int, Int some) { return f(at + c, some); });
        for (Int k = 0; k < count; ++k) y[c + k] = static_cast<T>(factor * totals[k]);
    }
}
template <class T>
static void sum_columns(const T* x, T* y, Int n, Int columns, Int stride, double factor) {
    sum_columns_of(y, n, columns, stride, factor, [x](Int at, Int count) { return read(x + at, count); });
}
template <class T>
static void sum_rows(const T* x, T* y, Int rows, Int n, double factor) {
    const auto columns = [n, factor](const T* const* in, T* out, Int some, Int) { sum_columns(in[0], out, n, some, some, factor); };
    if (short_rows<false>({x}, y, rows, n, columns)) return;
    for (Int r = 0; r < rows; ++r) y[r] = static_cast<T>(factor * sum_all(x + r * n, n));
}
template <class T>
static void sum_squares_columns(const T* x, T* y, Int n, Int columns, Int stride) {
    sum_columns_of(y, n, columns, stride, 1.0, [x](Int at, Int count) {
        const auto v = read(x + at, count);
        return v * v;
    });
}

// --- variance: the mean first, then the squares of what is left ---------------------------------------------------------

template <class T>
static void var_rows(const T* x, T* y, T* mean, Int rows, Int n, double factor) {
    for (Int r = 0; r < rows; ++r) {
        const T* row = x + r * n;
        mean[r] = static_cast<T>(sum_all(row, n) / static_cast<double>(n));
        const Batch<T> m(mean[r]);
        y[r] = static_cast<T>(factor * sum_of<T>(n, [row, m](Int i, Int count) {
                                  const auto d = read(row + i, count) - m;
                                  return d * d;
                              }));
    }
}
template <class T>
static void var_columns(const T* x, T* y, T* mean, Int n, Int columns, Int stride, double factor) {
    alignas(64) double totals[tile];
    for (Int c = 0; c < columns; c += tile) {
        const Int count = columns - c < tile ? columns - c : tile;
        const T* from = x + c;
        column_totals<T>(totals, n, count, stride, [from](Int at, Int, Int some) { return read(from + at, some); });
        T* means = mean + c;
        for (Int k = 0; k < count; ++k) means[k] = static_cast<T>(totals[k] / static_cast<double>(n));
        column_totals<T>(totals, n, count, stride, [from, means](Int at, Int k, Int some) {
            const auto d = read(from + at, some) - read(means + k, some);
            return d * d;
        });
        for (Int k = 0; k < count; ++k) y[c + k] = static_cast<T>(factor * totals[k]);
    }
}
template <class T>
static void var_back_rows(const T* x, const T* g, const T* mean, T* dx, Int rows, Int n, double factor) {
    for (Int r = 0; r < rows; ++r) {
        const Batch<T> m(mean[r]), slope(static_cast<T>(factor * static_cast<double>(g[r])));
        for_each<T>(n, [&, row = r * n](Int i, Int count) { write(dx + row + i, slope * (read(x + row + i, count) - m), count); });
    }
}
template <class T>
static void var_back_columns(const T* x, const T* g, const T* mean, T* dx, Int n, Int columns, Int stride, double factor) {
    const Batch<T> f(static_cast<T>(factor));
    for (Int r = 0; r < n; ++r)
        for_each<T>(columns, [&, row = r * stride](Int c, Int count) {
            write(dx + row + c, f * read(g + c, count) * (read(x + row + c, count) - read(mean + c, count)), count);
        });
}

// --- exponentials: x - max(x) keeps them in [0, 1] ----------------------------------------------------------------------

template <class T>
static inline bool finite(T value) {
    return value - value == T(0);
}
template <class T>
static inline T logsumexp_row(const T* x, Int n) {
    T largest = fold_row<Largest, false>(x, n);
    if (!finite(largest)) largest = fold_row<Largest>(x, n);
    if (!finite(largest)) return largest;
    const Batch<T> m(largest);
    const double sum = sum_of<T, true>(n, [x, m](Int i, Int count) { return exp_down<T>(read(x + i, count) - m); });
    return static_cast<T>(static_cast<double>(largest) + __builtin_log(sum));
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

/// softmax: -inf weighs nothing; inf, NaN or nothing but -inf make the row NaN by themselves: inf - inf, 0 / 0.
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
    const auto columns = [n](const T* const* in, T* out, Int some, Int) { log_softmax_columns(in[0], out, n, some, some); };
    if (short_rows<true>({x}, y, rows, n, columns)) return;
    for (Int r = 0; r < rows; ++r) {
        const T* row = x + r * n;
        T* to = y + r * n;
        const Batch<T> m(fold_row<Largest, false>(row, n));
        const double sum = sum_of<T, true>(n, [row, m](Int i, Int count) { return exp_down<T>(read(row + i, count) - m); });
        const Batch<T> norm(static_cast<T>(__builtin_log(sum)));
        for_each<T>(n, [&](Int i, Int count) { write(to + i, (read(row + i, count) - m) - norm, count); });
    }
}
template <class T>
static void softmax_back_rows(const T* y, const T* g, T* dx, Int rows, Int n) {
    const auto columns = [n](const T* const* in, T* out, Int some, Int) { softmax_back_columns(in[0], in[1], out, n, some, some); };
    if (short_rows<true>({y, g}, dx, rows, n, columns)) return;
    for (Int r = 0; r < rows; ++r) {
        const T *out = y + r * n, *cotangent = g + r * n;
        T* to = dx + r * n;
        const Batch<T> dot(
            static_cast<T>(sum_of<T>(n, [=](Int i, Int count) { return read(out + i, count) * read(cotangent + i, count); })));
        for_each<T>(n, [&](Int i, Int count) { write(to + i, read(out + i, count) * (read(cotangent + i, count) - dot), count); });
    }
}
template <class T>
static void log_softmax_back_rows(const T* y, const T* g, T* dx, Int rows, Int n) {
    const auto columns = [n](const T* const* in, T* out, Int some, Int) { log_softmax_back_columns(in[0], in[1], out, n, some, some); };
    if (short_rows<true>({y, g}, dx, rows, n, columns)) return;
    for (Int r = 0; r < rows; ++r) {
        const T *out = y + r * n, *cotangent = g + r * n;
        T* to = dx + r * n;
        const Batch<T> sum(static_cast<T>(sum_all(cotangent, n)));
        for_each<T>(n,
                    [&](Int i, Int count) { write(to + i, read(cotangent + i, count) - exp_down<T>(read(out + i, count)) * sum, count); });
    }
}

// The same over columns. A strip is narrow enough for its elements to stay in the second-level cache between the passes.

template <class T, class F>
static inline void for_each_strip(Int n, Int columns, const F& f) {
    Int wide = (128 << 10) / static_cast<Int>(sizeof(T)) / (n > 0 ? n : 1) / 64 * 64;
    wide = wide < 64 ? 64 : wide > tile ? tile : wide;
    for (Int c = 0; c < columns; c += wide) f(c, columns - c < wide ? columns - c : wide);
}

/// shift = max, sums = sum(exp(x - shift)) of a strip; the exponentials are kept in y if there is one. A NaN comes through the sum.
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
            y[c + k] = static_cast<T>(static_cast<double>(shift[k]) + __builtin_log(sums[k]));
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
            for_each<T>(count,
                        [&, to = y + r * stride + c](Int k, Int some) { write(to + k, read(to + k, some) * read(shift + k, some), some); });
    });
}
template <class T>
static void log_softmax_columns(const T* x, T* y, Int n, Int columns, Int stride) {
    alignas(64) T shift[tile], norm[tile];
    alignas(64) double sums[tile];
    for_each_strip<T>(n, columns, [&](Int c, Int count) {
        exp_totals<false>(x + c, static_cast<T*>(nullptr), shift, sums, n, count, stride);
        for (Int k = 0; k < count; ++k) norm[k] = static_cast<T>(__builtin_log(sums[k]));
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
template <class T>
static void softmax_back_columns(const T* y, const T* g, T* dx, Int n, Int columns, Int stride) {
    alignas(64) T dot[tile];
    for_each_strip<T>(n, columns, [&](Int c, Int count) {
        cotangent_totals<true>(y + c, g + c, dot, n, count, stride);
        for (Int r = 0; r < n; ++r)
            for_each<T>(count, [&, at = r * stride + c](Int k, Int some) {
                write(dx + at + k, read(y + at + k, some) * (read(g + at + k, some) - read(dot + k, some)), some);
            });
    });
}
template <class T>
static void log_softmax_back_columns(const T* y, const T* g, T* dx, Int n, Int columns, Int stride) {
    alignas(64) T sum[tile];
    for_each_strip<T>(n, columns, [&](Int c, Int count) {
        cotangent_totals<false>(y + c, g + c, sum, n, count, stride);
        for (Int r = 0; r < n; ++r)
            for_each<T>(count, [&, at = r * stride + c](Int k, Int some) {
                write(dx + at + k, read(g + at + k, some) - exp_down<T>(read(y + at + k, some)) * read(sum + k, some), some);
            });
    });
}

template <class T>
static void fill(ReduceTable<T>& t) {
    t.sum_all = sum_all<T>;
    t.sum_squares_all = sum_squares_all<T>;
    t.sum_rows = sum_rows<T>;
    t.sum_columns = sum_columns<T>;
    t.prod_rows = fold_rows<Product, T>;
    t.max_rows = fold_rows<Largest, T>;
    t.min_rows = fold_rows<Smallest, T>;
    t.sum_squares_rows = sum_squares_rows<T>;
    t.prod_columns = fold_columns<Product, false, T>;
    t.max_columns = fold_columns<Largest, true, T>;
    t.min_columns = fold_columns<Smallest, true, T>;
    t.sum_squares_columns = sum_squares_columns<T>;
    t.var_rows = var_rows<T>;
    t.var_columns = var_columns<T>;
    t.var_back_rows = var_back_rows<T>;
    t.var_back_columns = var_back_columns<T>;
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

void fill_reduce(ReduceKernels& table) {
    fill(table.f32);
    fill(table.f64);
}

}  // namespace xgrad::kernels::XGRAD_ISA
