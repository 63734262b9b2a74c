#pragma once

#include <cstdint>

namespace xgrad::kernels {

/// The steps of attention between its matrix products, on one block of scores: `rows` rows of `columns`, `columns`
/// elements apart.
template <class T>
struct AttentionTable {
    /// s becomes exp(s - m), where m is each row's largest score so far; `sum` (what exp(s - m) adds up to so far) and
    /// `out` (rows of `width`) are rescaled from the largest score before. A row that has seen nothing but -inf keeps
    /// sum and out 0.
    void (*soften)(T* s, std::int64_t rows, std::int64_t columns, T* largest, T* sum, T* out, std::int64_t width);
    /// s becomes exp(s - logsum), 0 where logsum is -inf; ds becomes s * (ds - delta) * scale. A row's ds add up to 0:
    /// where an s is nearly 1, its slope s (1 - s) would be lost in rounding, so that its ds is left 0, to become minus
    /// the sum of the others when all blocks are through. `others` adds up a row's ds over its blocks, `peak` gets the
    /// place of such an s (this block's first column is `column`).
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
