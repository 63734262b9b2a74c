#pragma once

#include <cstdint>

namespace xgrad::kernels {

/// Reductions for one element type. A `_rows` kernel reads `rows` contiguous rows of n elements and reduces each; a
/// `_columns` kernel reads n rows of `columns` elements, `stride` elements apart, and reduces over the rows. Sums are
/// accumulated in blocks, and the blocks are added in double.
template <class T>
struct ReduceTable {
    using Rows = void (*)(const T* x, T* y, std::int64_t rows, std::int64_t n);
    using Columns = void (*)(const T* x, T* y, std::int64_t n, std::int64_t columns, std::int64_t stride);

    double (*sum_all)(const T* x, std::int64_t n);
    double (*sum_squares_all)(const T* x, std::int64_t n);
    /// y = factor * sum.
    void (*sum_rows)(const T* x, T* y, std::int64_t rows, std::int64_t n, double factor);
    void (*sum_columns)(const T* x, T* y, std::int64_t n, std::int64_t columns, std::int64_t stride, double factor);
    Rows prod_rows, max_rows, min_rows, sum_squares_rows;
    Columns prod_columns, max_columns, min_columns, sum_squares_columns;

    /// y = factor * sum (x - mean)²; the means are stored. The mean of equal numbers is the number itself.
    void (*var_rows)(const T* x, T* y, T* mean, std::int64_t rows, std::int64_t n, double factor);
    void (*var_columns)(const T* x, T* y, T* mean, std::int64_t n, std::int64_t columns, std::int64_t stride,
                        double factor);
    /// dx = factor * g * (x - mean).
    void (*var_back_rows)(const T* x, const T* g, const T* mean, T* dx, std::int64_t rows, std::int64_t n,
                          double factor);
    void (*var_back_columns)(const T* x, const T* g, const T* mean, T* dx, std::int64_t n, std::int64_t columns,
                             std::int64_t stride, double factor);

    Rows logsumexp_rows;
    Columns logsumexp_columns;

    // These keep the shape: y and dx are laid out like x.
    Rows softmax_rows, log_softmax_rows;
    Columns softmax_columns, log_softmax_columns;
    /// softmax: dx = y * (g - sum(g * y)); log_softmax: dx = g - exp(y) * sum(g). A probability above 1/2 gets minus
    /// the sum of the others.
    void (*softmax_back_rows)(const T* y, const T* g, T* dx, std::int64_t rows, std::int64_t n);
    void (*softmax_back_columns)(const T* y, const T* g, T* dx, std::int64_t n, std::int64_t columns,
                                 std::int64_t stride);
    void (*log_softmax_back_rows)(const T* y, const T* g, T* dx, std::int64_t rows, std::int64_t n);
    void (*log_softmax_back_columns)(const T* y, const T* g, T* dx, std::int64_t n, std::int64_t columns,
                                     std::int64_t stride);
};

struct ReduceKernels {
    ReduceTable<float> f32;
    ReduceTable<double> f64;

    template <class T>
    const ReduceTable<T>& of() const {
        if constexpr (sizeof(T) == 4) return f32;
        else return f64;
    }
};

}  // namespace xgrad::kernels
