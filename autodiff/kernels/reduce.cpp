#include "reduce.hpp"

#include "reduce_parts.hpp"
#include "kernels.hpp"

namespace xgrad::kernels::XGRAD_ISA {

// --- sums ------------------------------------------------------------------------------------------------------------

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
    const auto columns = [n, factor](const T* const* in, T* out, Int some, Int) {
        sum_columns(in[0], out, n, some, some, factor);
    };
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

// --- variance: the mean first, then the squares of the deviations, and the rounding error of the mean
// -----------------

/// The mean and factor * the sum of squared deviations, computed from the deviations around the rounded mean, whose sum
/// is `left`.
template <class T>
static inline void finish_variance(T rounded, double left, double squares, Int n, double factor, T& mean, T& y) {
    const double rest = left / static_cast<double>(n), sum = squares - rest * left;
    mean = static_cast<T>(static_cast<double>(rounded) + rest);
    y = static_cast<T>(factor * (sum < 0 ? 0 : sum));
}
template <class T>
static void var_rows(const T* x, T* y, T* mean, Int rows, Int n, double factor) {
    for (Int r = 0; r < rows; ++r) {
        const T* row = x + r * n;
        const T rounded = static_cast<T>(sum_all(row, n) / static_cast<double>(n));
        const Batch<T> m(rounded);
        const double left = sum_of<T>(n, [row, m](Int i, Int count) { return read(row + i, count) - m; });
        const double squares = sum_of<T>(n, [row, m](Int i, Int count) {
            const auto d = read(row + i, count) - m;
            return d * d;
        });
        finish_variance(rounded, left, squares, n, factor, mean[r], y[r]);
    }
}
template <class T>
static void var_columns(const T* x, T* y, T* mean, Int n, Int columns, Int stride, double factor) {
    alignas(64) double totals[tile], left[tile];
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
        column_totals<T>(left, n, count, stride, [from, means](Int at, Int k, Int some) {
            return read(from + at, some) - read(means + k, some);
        });
        for (Int k = 0; k < count; ++k) finish_variance(means[k], left[k], totals[k], n, factor, means[k], y[c + k]);
    }
}
template <class T>
static void var_back_rows(const T* x, const T* g, const T* mean, T* dx, Int rows, Int n, double factor) {
    for (Int r = 0; r < rows; ++r) {
        const Batch<T> m(mean[r]), slope(static_cast<T>(factor * static_cast<double>(g[r])));
        for_each<T>(n, [&, row = r * n](Int i, Int count) {
            write(dx + row + i, slope * (read(x + row + i, count) - m), count);
        });
    }
}
template <class T>
static void var_back_columns(const T* x, const T* g, const T* mean, T* dx, Int n, Int columns, Int stride,
                             double factor) {
    const Batch<T> f(static_cast<T>(factor));
    for (Int r = 0; r < n; ++r)
        for_each<T>(columns, [&, row = r * stride](Int c, Int count) {
            write(dx + row + c, f * read(g + c, count) * (read(x + row + c, count) - read(mean + c, count)), count);
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
}

void fill_reduce(Kernels& all) {
    ReduceKernels& table = all.reduce;
    fill(table.f32);
    fill(table.f64);
}

}  // namespace xgrad::kernels::XGRAD_ISA
