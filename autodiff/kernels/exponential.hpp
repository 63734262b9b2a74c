#pragma once

#include "autodiff/simd/isa.hpp"

namespace xgrad::kernels::XGRAD_ISA {

/// exp(x) for x <= 0 or slightly above: not having to handle overflow makes it twice as fast as the general function.
/// Results below the normal numbers are 0.
template <class T>
static inline Batch<T> exp_down(const Batch<T>& x) {
    if constexpr (sizeof(T) == 8) {
        return xsimd::exp(x);
    } else {
        // x = k*log(2) + r. Adding 1.5*2^23 rounds to an integer, whose lowest bits are then k + 127: the exponent of
        // 2^k.
        using B = Batch<T>;
        const B magic(12582912.0f + 127.0f), none(0.0f);
        const B shifted = xsimd::fma(x, B(1.44269504088896341f), magic);
        const B k = shifted - magic;
        const B r = xsimd::fnma(k, B(-2.12194440e-4f), xsimd::fnma(k, B(0.693359375f), x));
        const B rr = r * r;
        const B high = xsimd::fma(B(1.3997796e-3f), r, B(8.3955629e-3f)),
                low = xsimd::fma(B(4.1665401e-2f), r, B(1.6666277e-1f));
        const B p = xsimd::fma(xsimd::fma(xsimd::fma(high, rr, low), r, B(0.5f)), rr, r) + B(1.0f);
        const B power = xsimd::bitwise_cast<B>(xsimd::bitwise_cast<Batch<std::int32_t>>(shifted) << 23);
        return xsimd::select(x < B(-87.0f), none, p * power);
    }
}

}  // namespace xgrad::kernels::XGRAD_ISA
