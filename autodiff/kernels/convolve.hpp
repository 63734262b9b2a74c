#pragma once

#include <cstdint>

namespace xgrad::kernels {

/// Products with matrices that are never written out: each row of the wide operand is a section of one buffer, and
/// these sections overlap, like the shifted images of a convolution. Vectors are read up to `slack` elements past the
/// end of a section, whatever is stored there.
template <class T>
struct ConvolveTable {
    /// c (m,n) = a (m,k) · b (k,n) + bias (m, unless null), where row l of b starts at b + offset[l]; row i of c starts
    /// at c + i * ldc, and likewise for a.
    void (*spread)(const T* a, std::int64_t lda, const T* b, const std::int64_t* offset, const T* bias, T* c,
                   std::int64_t ldc, std::int64_t m, std::int64_t n, std::int64_t k);
    /// c (m,k) += a (m,n) · bᵀ, summed over `images` images of both, `image_a` and `image_b` elements apart. The n
    /// elements of a are followed by zeros.
    void (*gather)(const T* a, std::int64_t lda, std::int64_t image_a, const T* b, const std::int64_t* offset,
                   std::int64_t image_b, T* c, std::int64_t ldc, std::int64_t m, std::int64_t n, std::int64_t k,
                   std::int64_t images);
};

struct ConvolveKernels {
    /// This many elements after those used must be readable, and be zeros or finite numbers.
    static constexpr std::int64_t slack = 64;

    ConvolveTable<float> f32;
    ConvolveTable<double> f64;

    template <class T>
    const ConvolveTable<T>& of() const {
        if constexpr (sizeof(T) == 4) return f32;
        else return f64;
    }
};

}  // namespace xgrad::kernels
