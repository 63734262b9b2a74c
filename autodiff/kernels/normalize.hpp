#pragma once

#include <cstdint>

namespace xgrad::kernels {

/// Normalisation for one element type, in three layouts: whole rows with a weight for each element of a row
/// (layer_norm), contiguous segments with one set of numbers each, and columns. Sums are accumulated in blocks, and the
/// blocks are added in double.
template <class T>
struct NormalizeTable {
    /// y = (x - mean) * rstd * weight + bias; mean and rstd of each row are stored. If `mean` is null, nothing is
    /// subtracted and rstd is computed from the mean square. weight and bias may be null.
    void (*rows)(const T* x, const T* weight, const T* bias, T* y, T* mean, T* rstd, std::int64_t rows, std::int64_t n,
                 double eps);
    /// dx, unless null; the sums of g * xhat and of g over all rows, unless `dweight` is null. `scratch` has room for
    /// 2n elements.
    void (*back_rows)(const T* x, const T* g, const T* weight, const T* mean, const T* rstd, T* dx, double* dweight,
                      double* dbias, T* scratch, std::int64_t rows, std::int64_t n);

    /// The sums of x - mean and of its squares. The first is not 0 because the mean is rounded.
    void (*deviations)(const T* x, std::int64_t n, T mean, double* sum, double* squares);
    /// y = (x - mean) * scale + shift.
    void (*affine)(const T* x, T* y, std::int64_t n, T mean, T scale, T shift);
    /// The sums of g and of g * (x - mean).
    void (*back_sums)(const T* x, const T* g, std::int64_t n, T mean, double* sum_g, double* sum_gx);
    /// dx = a * g + b * (x - mean) + c.
    void (*back)(const T* x, const T* g, T* dx, std::int64_t n, T mean, T a, T b, T c);

    // The same with numbers for each of n columns. `scratch` has room for 2n elements.
    void (*affine_columns)(const T* x, T* y, std::int64_t rows, std::int64_t n, const T* mean, const T* scale,
                           const T* shift);
    void (*back_sums_columns)(const T* x, const T* g, std::int64_t rows, std::int64_t n, const T* mean, double* sum_g,
                              double* sum_gx, T* scratch);
    void (*back_columns)(const T* x, const T* g, T* dx, std::int64_t rows, std::int64_t n, const T* mean, const T* a,
                         const T* b, const T* c);
};

struct NormalizeKernels {
    NormalizeTable<float> f32;
    NormalizeTable<double> f64;

    template <class T>
    const NormalizeTable<T>& of() const {
        if constexpr (sizeof(T) == 4) return f32;
        else return f64;
    }
};

}  // namespace xgrad::kernels
