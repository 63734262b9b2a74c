#include "normalize.hpp"

#include "autodiff/simd/isa.hpp"
#include "kernels.hpp"

namespace xgrad::kernels::XGRAD_ISA {
namespace {

using Int = std::int64_t;

constexpr Int block = 64;  // vectors summed before their sum is added to a double
constexpr Int group = 16;  // rows, the same for sums over columns

/// count is a compile-time `width` in the main loops, so that the branch disappears.
template <class T>
inline Batch<T> read(const T* from, Int count) {
    return count == width<T> ? load(from) : load_some(from, count);
}
template <class T>
inline void write(T* to, const Batch<T>& value, Int count) {
    if (count == width<T>) store(to, value);
    else store_some(to, value, count);
}
template <class T>
inline double total(const Batch<T>& value, Int count = width<T>) {
    alignas(64) T lanes[Batch<T>::size];
    value.store_aligned(lanes);
    double sum = 0;
    for (Int i = 0; i < count; ++i) sum += static_cast<double>(lanes[i]);
    return sum;
}
template <class T, class F>
inline void for_each(Int n, const F& f) {
    Int i = 0;
    for (; n - i >= width<T>; i += width<T>) f(i, width<T>);
    if (i < n) f(i, n - i);
}

/// Two sums in one pass: f(i, count, a, b) adds `count` elements to a and to b.
template <class T, class F>
inline void two_sums(Int n, double* first, double* second, const F& f) {
    constexpr Int W = width<T>;
    double s = 0, t = 0;
    Int i = 0;
    while (n - i >= 2 * W) {
        const Int end = i + (n - i < block * W ? (n - i) / (2 * W) * (2 * W) : block * W);
        Batch<T> a0(T(0)), a1(T(0)), b0(T(0)), b1(T(0));
        for (; i < end; i += 2 * W) {
            f(i, W, a0, b0);
            f(i + W, W, a1, b1);
        }
        s += total<T>(a0 + a1);
        t += total<T>(b0 + b1);
    }
    for (; i < n; i += W) {
        Batch<T> a(T(0)), b(T(0));
        const Int count = n - i < W ? n - i : W;
        f(i, count, a, b);
        s += total<T>(a, count);
        t += total<T>(b, count);
    }
    *first = s;
    *second = t;
}
template <class T, class F>
inline double one_sum(Int n, const F& f) {
    constexpr Int W = width<T>;
    double s = 0;
    Int i = 0;
    while (n - i >= 4 * W) {
        const Int end = i + (n - i < block * W ? (n - i) / (4 * W) * (4 * W) : block * W);
        Batch<T> a0(T(0)), a1(T(0)), a2(T(0)), a3(T(0));
        for (; i < end; i += 4 * W) {
            a0 = a0 + f(i, W);
            a1 = a1 + f(i + W, W);
            a2 = a2 + f(i + 2 * W, W);
            a3 = a3 + f(i + 3 * W, W);
        }
        s += total<T>((a0 + a1) + (a2 + a3));
    }
    for (; i < n; i += W) {
        const Int count = n - i < W ? n - i : W;
        s += total<T>(f(i, count), count);
    }
    return s;
}

// --- rows ------------------------------------------------------------------------------------------------------------

template <class T>
void deviations(const T* x, Int n, T mean, double* sum, double* squares) {
    const Batch<T> m(mean);
    two_sums<T>(n, sum, squares, [x, m](Int i, Int count, Batch<T>& a, Batch<T>& b) {
        const Batch<T> d = read(x + i, count) - m;
        a = a + d;
        b = xsimd::fma(d, d, b);
    });
}

template <class T, bool weighted, bool biased>
inline void scale_row(const T* x, const T* weight, const T* bias, T* y, Int n, T mean, T rstd) {
    const Batch<T> m(mean), s(rstd);
    for_each<T>(n, [&](Int i, Int count) {
        Batch<T> v = (read(x + i, count) - m) * s;
        if constexpr (weighted && biased) v = xsimd::fma(v, read(weight + i, count), read(bias + i, count));
        else if constexpr (weighted) v = v * read(weight + i, count);
        else if constexpr (biased) v = v + read(bias + i, count);
        write(y + i, v, count);
    });
}

template <class T>
void norm_rows(const T* x, const T* weight, const T* bias, T* y, T* mean, T* rstd, Int rows, Int n, double eps) {
    const auto scale = weight && bias ? scale_row<T, true, true>
                       : weight       ? scale_row<T, true, false>
                       : bias         ? scale_row<T, false, true>
                                      : scale_row<T, false, false>;
    for (Int r = 0; r < rows; ++r) {
        const T* row = x + r * n;
        const double size = static_cast<double>(n);
        T m = 0;
        double sum = 0, squares = 0;
        if (mean) m = static_cast<T>(one_sum<T>(n, [row](Int i, Int count) { return read(row + i, count); }) / size);
        deviations(row, n, m, &sum, &squares);
        double variance = squares / size;
        if (mean) {
            // The mean is rounded: correct it by the mean of the remaining deviations, so that the mean of equal
            // numbers is the number itself.
            const double rest = sum / size;
            mean[r] = m = static_cast<T>(static_cast<double>(m) + rest);
            variance -= rest * rest;
            if (variance < 0) variance = 0;
        }
        rstd[r] = static_cast<T>(1 / __builtin_sqrt(variance + eps));
        scale(row, weight, bias, y + r * n, n, m, rstd[r]);
    }
}

/// One row of back_rows. `dweight` and `dbias` accumulate in T.
template <class T, bool weighted, bool parameters, bool inputs>
inline void back_row(const T* x, const T* g, const T* weight, T* dx, T* dweight, T* dbias, Int n, bool centred, T mean,
                     T rstd) {
    const Batch<T> m(mean), s(rstd);
    double sum_g, sum_gx;
    two_sums<T>(n, &sum_g, &sum_gx, [&](Int i, Int count, Batch<T>& a, Batch<T>& b) {
        const Batch<T> xhat = (read(x + i, count) - m) * s;
        Batch<T> u = read(g + i, count);
        if constexpr (parameters) {
            write(dweight + i, xsimd::fma(u, xhat, read(dweight + i, count)), count);
            write(dbias + i, read(dbias + i, count) + u, count);
        }
        if constexpr (inputs) {
            if constexpr (weighted) u = u * read(weight + i, count);
            a = a + u;
            b = xsimd::fma(u, xhat, b);
        }
    });
    if constexpr (inputs) {
        const Batch<T> first(centred ? static_cast<T>(sum_g / static_cast<double>(n)) : T(0)),
            second(static_cast<T>(sum_gx / static_cast<double>(n)));
        for_each<T>(n, [&](Int i, Int count) {
            const Batch<T> xhat = (read(x + i, count) - m) * s;
            Batch<T> u = read(g + i, count);
            if constexpr (weighted) u = u * read(weight + i, count);
            write(dx + i, s * xsimd::fnma(xhat, second, u - first), count);
        });
    }
}

template <class T>
void norm_back_rows(const T* x, const T* g, const T* weight, const T* mean, const T* rstd, T* dx, double* dweight,
                    double* dbias, T* scratch, Int rows, Int n) {
    const bool parameters = dweight;
    const auto back = dx ? (parameters ? (weight ? back_row<T, true, true, true> : back_row<T, false, true, true>)
                                       : (weight ? back_row<T, true, false, true> : back_row<T, false, false, true>))
                         : back_row<T, false, true, false>;
    if (!dx && !parameters) return;
    for (Int first = 0; first < rows; first += group) {
        const Int last = rows - first < group ? rows : first + group;
        if (parameters) std::memset(scratch, 0, static_cast<std::size_t>(2 * n) * sizeof(T));
        for (Int r = first; r < last; ++r)
            back(x + r * n, g + r * n, weight, dx ? dx + r * n : nullptr, scratch, parameters ? scratch + n : nullptr,
                 n, mean != nullptr, mean ? mean[r] : T(0), rstd[r]);
        if (parameters) {
            for (Int i = 0; i < n; ++i) dweight[i] += static_cast<double>(scratch[i]);
            for (Int i = 0; i < n; ++i) dbias[i] += static_cast<double>(scratch[n + i]);
        }
    }
}

// --- segments --------------------------------------------------------------------------------------------------------

template <class T>
void affine(const T* x, T* y, Int n, T mean, T scale, T shift) {
    const Batch<T> m(mean), s(scale), t(shift);
    for_each<T>(n, [&](Int i, Int count) { write(y + i, xsimd::fma(read(x + i, count) - m, s, t), count); });
}
template <class T>
void back_sums(const T* x, const T* g, Int n, T mean, double* sum_g, double* sum_gx) {
    const Batch<T> m(mean);
    two_sums<T>(n, sum_g, sum_gx, [&](Int i, Int count, Batch<T>& a, Batch<T>& b) {
        const Batch<T> u = read(g + i, count);
        a = a + u;
        b = xsimd::fma(u, read(x + i, count) - m, b);
    });
}
template <class T>
void back(const T* x, const T* g, T* dx, Int n, T mean, T a, T b, T c) {
    const Batch<T> m(mean), va(a), vb(b), vc(c);
    for_each<T>(n, [&](Int i, Int count) {
        write(dx + i, xsimd::fma(va, read(g + i, count), xsimd::fma(vb, read(x + i, count) - m, vc)), count);
    });
}

// --- columns ---------------------------------------------------------------------------------------------------------

template <class T>
void affine_columns(const T* x, T* y, Int rows, Int n, const T* mean, const T* scale, const T* shift) {
    for (Int r = 0; r < rows; ++r)
        for_each<T>(n, [&, at = r * n](Int i, Int count) {
            write(y + at + i,
                  xsimd::fma(read(x + at + i, count) - read(mean + i, count), read(scale + i, count),
                             read(shift + i, count)),
                  count);
        });
}
template <class T>
void back_sums_columns(const T* x, const T* g, Int rows, Int n, const T* mean, double* sum_g, double* sum_gx,
                       T* scratch) {
    for (Int i = 0; i < n; ++i) sum_g[i] = sum_gx[i] = 0;
    for (Int first = 0; first < rows; first += group) {
        const Int last = rows - first < group ? rows : first + group;
        std::memset(scratch, 0, static_cast<std::size_t>(2 * n) * sizeof(T));
        for (Int r = first; r < last; ++r)
            for_each<T>(n, [&, at = r * n](Int i, Int count) {
                const Batch<T> u = read(g + at + i, count);
                write(scratch + i, read(scratch + i, count) + u, count);
                write(scratch + n + i,
                      xsimd::fma(u, read(x + at + i, count) - read(mean + i, count), read(scratch + n + i, count)),
                      count);
            });
        for (Int i = 0; i < n; ++i) {
            sum_g[i] += static_cast<double>(scratch[i]);
            sum_gx[i] += static_cast<double>(scratch[n + i]);
        }
    }
}
template <class T>
void back_columns(const T* x, const T* g, T* dx, Int rows, Int n, const T* mean, const T* a, const T* b, const T* c) {
    for (Int r = 0; r < rows; ++r)
        for_each<T>(n, [&, at = r * n](Int i, Int count) {
            const Batch<T> d = read(x + at + i, count) - read(mean + i, count);
            write(dx + at + i,
                  xsimd::fma(read(a + i, count), read(g + at + i, count),
                             xsimd::fma(read(b + i, count), d, read(c + i, count))),
                  count);
        });
}

template <class T>
void fill(NormalizeTable<T>& t) {
    t.rows = norm_rows<T>;
    t.back_rows = norm_back_rows<T>;
    t.deviations = deviations<T>;
    t.affine = affine<T>;
    t.back_sums = back_sums<T>;
    t.back = back<T>;
    t.affine_columns = affine_columns<T>;
    t.back_sums_columns = back_sums_columns<T>;
    t.back_columns = back_columns<T>;
}

}  // namespace

void fill_normalize(Kernels& all) {
    NormalizeKernels& table = all.normalize;
    fill(table.f32);
    fill(table.f64);
}

}  // namespace xgrad::kernels::XGRAD_ISA
