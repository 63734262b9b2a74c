#pragma once

// Included by every kernel source that is compiled once per instruction set. XGRAD_ISA names the set and is the
// namespace of everything that such a source defines, so that the linker cannot confuse two builds of a function. Keep
// standard library functions out of these sources for the same reason: the linker may pick an inline one compiled for
// AVX-512 for a baseline caller.

#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__) || \
    defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__) || defined(__NO_SIGNED_ZEROS__)
#error \
    "xgrad: <autodiff/map.hpp> would compute wrong values under -ffast-math or -Ofast: compile this source with -fno-fast-math after them"
#endif

#include <cstdint>
#include <cstring>
#include <xsimd/config/xsimd_config.hpp>

// GCC 12 warns about its own AVX-512 intrinsics wherever they are inlined
// (https://gcc.gnu.org/bugzilla/show_bug.cgi?id=105593), unless the warning is disabled for them or for their callers,
// xsimd's functions.
#ifdef __AVX512F__
#if !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#endif

// xsimd 8 has no fused multiply-add for AVX-512 and uses two instructions instead of one. These functions are declared
// before xsimd's are defined, so that all of xsimd finds them. Only in the library's own kernels, where `xsimd` is a
// private copy: a user's xsimd must not be changed.
#if defined(xsimd) && defined(__AVX512F__) && XSIMD_VERSION_MAJOR == 8
namespace xsimd {
template <class T, class A>
class batch;
struct avx512f;
}  // namespace xsimd
namespace xsimd::kernel {
#define XGRAD_FUSED(name, intrinsic)                                                                              \
    template <class A>                                                                                            \
    inline batch<float, A> name(const batch<float, A>& x, const batch<float, A>& y, const batch<float, A>& z,     \
                                const avx512f&) noexcept {                                                        \
        return intrinsic##_ps(x, y, z);                                                                           \
    }                                                                                                             \
    template <class A>                                                                                            \
    inline batch<double, A> name(const batch<double, A>& x, const batch<double, A>& y, const batch<double, A>& z, \
                                 const avx512f&) noexcept {                                                       \
        return intrinsic##_pd(x, y, z);                                                                           \
    }
XGRAD_FUSED(fma, _mm512_fmadd)
XGRAD_FUSED(fms, _mm512_fmsub)
XGRAD_FUSED(fnma, _mm512_fnmadd)
XGRAD_FUSED(fnms, _mm512_fnmsub)
#undef XGRAD_FUSED
}  // namespace xsimd::kernel
#endif

#include <xsimd/xsimd.hpp>

#if defined(__AVX512F__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#ifndef XGRAD_ISA  // in a user's source (map.hpp): depends on the compiler's options, and is never one of the library's
                   // own names
#if defined(__AVX512F__) && defined(__AVX512BW__)
#define XGRAD_ISA user_avx512
#elif defined(__AVX2__) && defined(__FMA__)
#define XGRAD_ISA user_avx2
#else
#define XGRAD_ISA user_baseline
#endif
#endif

namespace xgrad::kernels::XGRAD_ISA {

#if defined(__AVX512F__) && defined(__AVX512BW__)
using arch = xsimd::avx512bw;
#elif defined(__AVX2__) && defined(__FMA__)
using arch = xsimd::fma3<xsimd::avx2>;
#elif defined(__aarch64__)
using arch = xsimd::neon64;
#else
using arch = xsimd::sse2;
#endif

template <class T>
using Batch = xsimd::batch<T, arch>;
template <class T>
inline constexpr std::int64_t width = static_cast<std::int64_t>(Batch<T>::size);

template <class T>
inline Batch<T> load(const T* from) {
    return Batch<T>::load_unaligned(from);
}
template <class T>
inline void store(T* to, const Batch<T>& value) {
    value.store_unaligned(to);
}
#if defined(__AVX512F__) && defined(__AVX512BW__)
/// The first `count` < width elements; the rest are `fill`.
inline Batch<float> load_some(const float* from, std::int64_t count, float fill = 0) {
    return _mm512_mask_loadu_ps(_mm512_set1_ps(fill), static_cast<__mmask16>((1U << count) - 1), from);
}
inline Batch<double> load_some(const double* from, std::int64_t count, double fill = 0) {
    return _mm512_mask_loadu_pd(_mm512_set1_pd(fill), static_cast<__mmask8>((1U << count) - 1), from);
}
inline void store_some(float* to, const Batch<float>& value, std::int64_t count) {
    _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1U << count) - 1), value);
}
inline void store_some(double* to, const Batch<double>& value, std::int64_t count) {
    _mm512_mask_storeu_pd(to, static_cast<__mmask8>((1U << count) - 1), value);
}
#else
/// The first `count` < width elements; the rest are `fill`.
template <class T>
inline Batch<T> load_some(const T* from, std::int64_t count, T fill = T(0)) {
    alignas(64) T buffer[Batch<T>::size];
    for (std::int64_t i = 0; i < width<T>; ++i) buffer[i] = i < count ? from[i] : fill;
    return Batch<T>::load_aligned(buffer);
}
template <class T>
inline void store_some(T* to, const Batch<T>& value, std::int64_t count) {
    alignas(64) T buffer[Batch<T>::size];
    value.store_aligned(buffer);
    *to = *buffer;
    for (std::int64_t i = 1; i < count; ++i) to[i] = buffer[i];
}
#endif

}  // namespace xgrad::kernels::XGRAD_ISA
