#pragma once

#include "autodiff/simd/isa.hpp"

// Shared by the sources of reductions and softmax.

namespace xgrad::kernels::XGRAD_ISA {

using Int = std::int64_t;

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

/// The sum of f(i, count) over a row, count elements at a time: accumulators sum short blocks, and the blocks are added
/// in double. Eight accumulators hide the latency of a load; for a longer f two are enough and leave it more registers.
/// (They are separate variables because GCC keeps arrays of batches in memory.)
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
            B a2 = f(i + 2 * W, W), a3 = f(i + 3 * W, W), a4 = f(i + 4 * W, W), a5 = f(i + 5 * W, W),
              a6 = f(i + 6 * W, W), a7 = f(i + 7 * W, W);
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
template <class T>
static inline double sum_all(const T* x, Int n) {
    return sum_of<T>(n, [x](Int i, Int count) { return read(x + i, count); });
}
template <class T, class F>
static inline void for_each(Int n, const F& f) {
    Int i = 0;
    for (; n - i >= width<T>; i += width<T>) f(i, width<T>);
    if (i < n) f(i, n - i);
}

/// Rows too short to fill vectors are transposed into columns, 64 at a time: columns(inputs, result, rows in this
/// block, first row). The result has the inputs' layout (`wide`) or one number per row. Returns false and does nothing
/// if the rows are not short.
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
    static constexpr bool keeps_nan = true;  // without extra work
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

/// Folds one row of n >= 1 elements. Without `nan`, NaNs may be missed.
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
            // A processor's max and min drop a NaN on one side; an addition keeps it from either. (isnan: xsimd's != is
            // false for NaN.)
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
    // b0 + b1 is also NaN for inf - inf, so a flagged row is checked again.
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
    for (; columns - c >= 4 * width<T>; c += 4 * width<T>)
        fold_column_group<Op, nan, 4>(x + c, y + c, n, stride, width<T>);
    for (; columns - c >= width<T>; c += width<T>) fold_column_group<Op, nan, 1>(x + c, y + c, n, stride, width<T>);
    if (c < columns) fold_column_group<Op, nan, 1>(x + c, y + c, n, stride, columns - c);
}

template <class Op, class T>
static void fold_rows(const T* x, T* y, Int rows, Int n) {
    const auto columns = [n](const T* const* in, T* out, Int some, Int) {
        fold_columns<Op>(in[0], out, n, some, some);
    };
    if (short_rows<false>({x}, y, rows, n, columns)) return;
    for (Int r = 0; r < rows; ++r) y[r] = fold_row<Op>(x + r * n, n);
}

/// Sums over rows of f(row * stride + column, column, count), for at most `tile` columns: `group` rows are summed in
/// registers, a whole cache line of each at a time (rows whose stride is a power of two share one cache set), then
/// added to the totals in double.
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
}  // namespace xgrad::kernels::XGRAD_ISA
