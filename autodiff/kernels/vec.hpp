#pragma once

#include <math.h>

#include "isa.hpp"

// Vec: a SIMD vector with the functions that the element-wise rules call, found by argument-dependent lookup, and with numbers as operands.

namespace xgrad::kernels::XGRAD_ISA {

template <class T>
struct Mask {
    typename Batch<T>::batch_bool_type m;
    friend Mask logical_and(const Mask& a, const Mask& b) { return {a.m & b.m}; }
    friend Mask logical_or(const Mask& a, const Mask& b) { return {a.m | b.m}; }
};

template <class T>
struct Vec {
    using B = Batch<T>;
    B v;

    Vec() = default;
    Vec(const B& batch) : v(batch) {}
    Vec(double number) : v(static_cast<T>(number)) {}

    friend Vec operator-(const Vec& a) { return B(-a.v); }
    friend Vec operator+(const Vec& a, const Vec& b) { return B(a.v + b.v); }
    friend Vec operator-(const Vec& a, const Vec& b) { return B(a.v - b.v); }
    friend Vec operator*(const Vec& a, const Vec& b) { return B(a.v * b.v); }
    friend Vec operator/(const Vec& a, const Vec& b) { return B(a.v / b.v); }
    friend Mask<T> operator<(const Vec& a, const Vec& b) { return {a.v < b.v}; }
    friend Mask<T> operator<=(const Vec& a, const Vec& b) { return {a.v <= b.v}; }
    friend Mask<T> operator>(const Vec& a, const Vec& b) { return {a.v > b.v}; }
    friend Mask<T> operator>=(const Vec& a, const Vec& b) { return {a.v >= b.v}; }
    friend Mask<T> operator==(const Vec& a, const Vec& b) { return {a.v == b.v}; }
    friend Mask<T> operator!=(const Vec& a, const Vec& b) { return {!(a.v == b.v)}; }  // xsimd's own is false for NaN with AVX
    friend Vec where(const Mask<T>& c, const Vec& a, const Vec& b) { return B(xsimd::select(c.m, a.v, b.v)); }

    /// f lane by lane, for what has no vector form.
    template <class F>
    static Vec lanes(F f, const Vec& a) {
        alignas(64) T x[B::size];
        a.v.store_aligned(x);
        for (T& e : x) e = f(e);
        return B::load_aligned(x);
    }
    template <class F>
    static Vec lanes(F f, const Vec& a, const Vec& b) {
        alignas(64) T x[B::size], y[B::size];
        a.v.store_aligned(x);
        b.v.store_aligned(y);
        for (std::size_t i = 0; i < B::size; ++i) x[i] = f(x[i], y[i]);
        return B::load_aligned(x);
    }

    /// `fast`, except in the lanes that are `rare`: there xsimd's function is wrong, and f is asked.
    template <class F>
    static Vec mend(const Vec& fast, const Mask<T>& rare, F f, const Vec& a) {
        if (!xsimd::any(rare.m)) [[likely]]
            return fast;
        return where(rare, lanes(f, a), fast);
    }
    static constexpr double smallest_normal = sizeof(T) == 4 ? static_cast<double>(__FLT_MIN__) : __DBL_MIN__;
    static Mask<T> denormal(const Vec& a) { return logical_and(a < smallest_normal, a > 0.0); }
    static Mask<T> next_to_overflow(const Vec& a) {  // xsimd's exp gives inf from 88.4 on in f32, 0.4 too early
        return logical_and(a > (sizeof(T) == 4 ? 88.0 : 709.0), a < (sizeof(T) == 4 ? 89.0 : 710.0));
    }

    friend Vec abs(const Vec& a) { return B(xsimd::abs(a.v)); }
    friend Vec sign(const Vec& a) { return where(a > 0.0, 1.0, where(a < 0.0, -1.0, a)); }
    friend Vec sqrt(const Vec& a) { return B(xsimd::sqrt(a.v)); }
    friend Vec exp(const Vec& a) { return mend(B(xsimd::exp(a.v)), next_to_overflow(a), [](T x) { return static_cast<T>(::exp(static_cast<double>(x))); }, a); }
    friend Vec exp2(const Vec& a) { return B(xsimd::exp2(a.v)); }
    friend Vec expm1(const Vec& a) {
        const Vec y = mend(B(xsimd::expm1(a.v)), next_to_overflow(a), [](T x) { return static_cast<T>(::expm1(static_cast<double>(x))); }, a);
        return where(a == 0.0, a, y);  // keeps -0
    }
    friend Vec log(const Vec& a) { return mend(B(xsimd::log(a.v)), denormal(a), [](T x) { return static_cast<T>(::log(static_cast<double>(x))); }, a); }
    friend Vec log2(const Vec& a) { return mend(B(xsimd::log2(a.v)), denormal(a), [](T x) { return static_cast<T>(::log2(static_cast<double>(x))); }, a); }
    friend Vec log10(const Vec& a) { return mend(B(xsimd::log10(a.v)), denormal(a), [](T x) { return static_cast<T>(::log10(static_cast<double>(x))); }, a); }
    friend Vec log1p(const Vec& a) { return where(a == 0.0, a, B(xsimd::log1p(a.v))); }  // keeps -0
    friend Vec sin(const Vec& a) { return B(xsimd::sin(a.v)); }
    friend Vec cos(const Vec& a) { return B(xsimd::cos(a.v)); }
    friend Vec tan(const Vec& a) { return B(xsimd::tan(a.v)); }
    friend Vec asin(const Vec& a) { return B(xsimd::asin(a.v)); }
    friend Vec acos(const Vec& a) { return B(xsimd::acos(a.v)); }
    friend Vec atan(const Vec& a) { return B(xsimd::atan(a.v)); }
    friend Vec sinh(const Vec& a) { return B(xsimd::sinh(a.v)); }
    friend Vec cosh(const Vec& a) { return B(xsimd::cosh(a.v)); }
    friend Vec tanh(const Vec& a) { return B(xsimd::tanh(a.v)); }
    friend Vec asinh(const Vec& a) { return B(xsimd::asinh(a.v)); }
    friend Vec acosh(const Vec& a) { return where(a >= 1.0, Vec(B(xsimd::acosh(a.v))), __builtin_nan("")); }
    friend Vec atanh(const Vec& a) { return B(xsimd::atanh(a.v)); }
    friend Vec erf(const Vec& a) { return B(xsimd::erf(where(abs(a) > 6.0, copysign(6.0, a), a).v)); }  // 1 from there on, and no square overflows
    friend Vec cbrt(const Vec& a) { return mend(B(xsimd::cbrt(a.v)), denormal(abs(a)), [](T x) { return static_cast<T>(::cbrt(static_cast<double>(x))); }, a); }
    friend Vec floor(const Vec& a) { return B(xsimd::floor(a.v)); }
    friend Vec ceil(const Vec& a) { return B(xsimd::ceil(a.v)); }
    friend Vec round(const Vec& a) { return B(xsimd::nearbyint(a.v)); }
    friend Vec trunc(const Vec& a) { return B(xsimd::trunc(a.v)); }
    friend Vec sigmoid(const Vec& a) { return 1.0 / (1.0 + exp(-a)); }
    friend Vec maximum(const Vec& a, const Vec& b) { return where(a != a, a, where(a > b, a, b)); }
    friend Vec hypot(const Vec& a, const Vec& b) {
        // Scaled by the larger one, so that no square overflows.
        const Vec x = abs(a), y = abs(b);
        const Vec large = where(x > y, x, y), small = where(x > y, y, x), ratio = small / where(large == 0.0, 1.0, large);
        const Vec h = large * sqrt(1.0 + ratio * ratio);
        const double inf = __builtin_inf();
        return where(logical_or(x == inf, y == inf), inf, where(logical_or(a != a, b != b), a + b, h));
    }
    friend Vec atan2(const Vec& a, const Vec& b) {  // xsimd's own is NaN at the origin and wrong at infinity
        const Vec y = abs(a), x = abs(b);
        const Vec angle = atan(where(y == 0.0, 0.0, where(y == x, 1.0, y / x)));
        return where(b == b, copysign(where(copysign(1.0, b) < 0.0, 3.14159265358979323846 - angle, angle), a), b);
    }
    friend Vec copysign(const Vec& a, const Vec& b) { return B(xsimd::copysign(xsimd::abs(a.v), b.v)); }
    friend Vec pow(const Vec& a, const Vec& b) {
        return lanes([](T x, T y) { return sizeof(T) == 4 ? static_cast<T>(::powf(static_cast<float>(x), static_cast<float>(y))) : static_cast<T>(::pow(x, y)); }, a, b);
    }
    friend Vec fmod(const Vec& a, const Vec& b) { return lanes(remainder_towards_zero, a, b); }
    friend Vec remainder(const Vec& a, const Vec& b) { return lanes(remainder_towards_minus_infinity, a, b); }
    friend Vec floor_divide(const Vec& a, const Vec& b) {
        return lanes(
            [](T x, T y) -> T {
                if (y == 0) return x / y;
                const T m = remainder_towards_minus_infinity(x, y);
                const T q = (x - m) / y;
                return __builtin_isfinite(q) ? static_cast<T>(__builtin_rint(q)) : q;
            },
            a, b);
    }

private:
    static T remainder_towards_zero(T x, T y) { return sizeof(T) == 4 ? static_cast<T>(::fmodf(static_cast<float>(x), static_cast<float>(y))) : static_cast<T>(::fmod(x, y)); }
    static T remainder_towards_minus_infinity(T x, T y) {
        const T m = remainder_towards_zero(x, y);
        if (m == 0) return static_cast<T>(__builtin_copysign(0.0, y));
        return (m < 0) != (y < 0) ? m + y : m;
    }
};

/// One pass over n elements: N inputs, one output per function. See ElementwiseKernel.
template <class T, int N, class... F>
inline void pass(std::int64_t n, const void* const* in, const std::uint8_t* step, void* const* out, const F&... f) {
    constexpr std::int64_t w = width<T>;
    alignas(64) T splat[N][w];
    const T* p[N];
    std::int64_t inc[N];
    for (int k = 0; k < N; ++k) {
        p[k] = static_cast<const T*>(in[k]);
        inc[k] = step[k] ? w : 0;
        if (!step[k]) {
            for (std::int64_t i = 0; i < w; ++i) splat[k][i] = *p[k];
            p[k] = splat[k];
        }
    }
    std::int64_t i = 0;
    for (; i + w <= n; i += w) {
        Vec<T> x[N];
        for (int k = 0; k < N; ++k) {
            x[k] = load(p[k]);
            p[k] += inc[k];
        }
        void* const* o = out;
        (store(static_cast<T*>(*o++) + i, f(x).v), ...);
    }
    if (i < n) {
        Vec<T> x[N];
        for (int k = 0; k < N; ++k) x[k] = inc[k] ? load_some(p[k], n - i, T(1)) : load(p[k]);
        void* const* o = out;
        (store_some(static_cast<T*>(*o++) + i, f(x).v, n - i), ...);
    }
}

}  // namespace xgrad::kernels::XGRAD_ISA
