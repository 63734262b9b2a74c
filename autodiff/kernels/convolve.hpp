#pragma once

#include <cstdint>

namespace xgrad::kernels {

/// Products with matrices that are never written out: each row of the wide operand is a stretch of one buffer, and
/// these stretches overlap, as the shifted images of a convolution do. Vectors are read up to `slack` elements beyond a
/// stretch's end, whatever stands there.
template <class T>
struct ConvolveTable {
    /// c (m,n) = a (m,k) · b (k,n) + bias (m, unless null), row l of b being b + offset[l]; row i of c begins at c + i
    /// * ldc, and likewise a.
    void (*spread)(const T* a, std::int64_t lda, const T* b, const std::int64_t* offset, const T* bias, T* c,
                   std::int64_t ldc, std::int64_t m, std::int64_t n, std::int64_t k);
    /// c (m,k) += a (m,n) · bᵀ, summed over `images` of both, `image_a` and `image_b` elements apart. Behind its n
    /// elements a has zeros.
    void (*gather)(const T* a, std::int64_t lda, std::int64_t image_a, const T* b, const std::int64_t* offset,
                   std::int64_t image_b, T* c, std::int64_t ldc, std::int64_t m, std::int64_t n, std::int64_t k,
                   std::int64_t images);
};

struct ConvolveKernels {
    /// Zeros or finite numbers must be readable for so many elements behind what is used.
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
