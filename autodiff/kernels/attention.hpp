#pragma once

#include <cstdint>

namespace xgrad::kernels {

/// The steps of attention between its matrix products, on one block of scores: `rows` rows of `columns`, `columns`
/// elements apart.
template <class T>
struct AttentionTable {
    /// s becomes exp(s - m), where m is each row's largest score so far; `sum` (the sum of exp(s - m) so far) and `out`
    /// (rows of `width`) are rescaled from the previous largest score. A row that has seen only -inf keeps sum and out
    /// at 0.
    void (*soften)(T* s, std::int64_t rows, std::int64_t columns, T* largest, T* sum, T* out, std::int64_t width);
    /// s becomes exp(s - logsum), 0 where logsum is -inf; ds becomes s * (ds - delta) * scale. A row's ds sum to 0: if
    /// an s is close to 1, its slope s (1 - s) would be lost to rounding, so its ds is left at 0 and becomes minus the
    /// sum of the others after all blocks. `others` accumulates a row's ds over its blocks, and `peak` receives the
    /// position of such an s (this block's first column is `column`).
    void (*harden)(T* s, T* ds, std::int64_t rows, std::int64_t columns, const T* logsum, const T* delta, T scale,
                   std::int64_t column, T* others, std::int64_t* peak);
};

struct AttentionKernels {
    AttentionTable<float> f32;
    AttentionTable<double> f64;

    template <class T>
    const AttentionTable<T>& of() const {
        if constexpr (sizeof(T) == 4) return f32;
        else return f64;
    }
};

}  // namespace xgrad::kernels
