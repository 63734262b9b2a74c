#pragma once

#include <math.h>

#include "isa.hpp"

// Vec: a SIMD vector with the functions that the element-wise rules call, found by argument-dependent lookup. Operands
// may be plain numbers.

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

    friend Vec operator-(const Vec& a) {
        return B(a.v ^ B(T(-0.0)));
    }  // xsimd computes 0 - a with AVX-512, which is 0 for 0
    friend Vec operator+(const Vec& a, const Vec& b) { return B(a.v + b.v); }
    friend Vec operator-(const Vec& a, const Vec& b) { return B(a.v - b.v); }
    friend Vec operator*(const Vec& a, const Vec& b) { return B(a.v * b.v); }
    friend Vec operator/(const Vec& a, const Vec& b) { return B(a.v / b.v); }
    friend Mask<T> operator<(const Vec& a, const Vec& b) { return {a.v < b.v}; }
    friend Mask<T> operator<=(const Vec& a, const Vec& b) { return {a.v <= b.v}; }
    friend Mask<T> operator>(const Vec& a, const Vec& b) { return {a.v > b.v}; }
    friend Mask<T> operator>=(const Vec& a, const Vec& b) { return {a.v >= b.v}; }
    friend Mask<T> operator==(const Vec& a, const Vec& b) { return {a.v == b.v}; }
    friend Mask<T> operator!=(const Vec& a, const Vec& b) {
        return {!(a.v == b.v)};
    }  // xsimd's != is false for NaN with AVX
    friend Vec where(const Mask<T>& c, const Vec& a, const Vec& b) { return B(xsimd::select(c.m, a.v, b.v)); }

    /// Applies f lane by lane, for functions without a vector form.
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

    /// `fast`, except in `special` lanes, where xsimd's function is wrong: there f is used.
    template <class F>
    static Vec fix_lanes(const Vec& fast, const Mask<T>& special, F f, const Vec& a) {
        if (!xsimd::any(special.m)) [[likely]]
            return fast;
        return where(special, lanes(f, a), fast);
    }
    static constexpr double smallest_normal = sizeof(T) == 4 ? static_cast<double>(__FLT_MIN__) : __DBL_MIN__;
    static Mask<T> denormal(const Vec& a) { return logical_and(a < smallest_normal, a > 0.0); }
    static Mask<T> next_to_overflow(const Vec& a) {  // xsimd's exp gives inf from 88.4 on in f32, 0.4 too early
        return logical_and(a > (sizeof(T) == 4 ? 88.0 : 709.0), a < (sizeof(T) == 4 ? 89.0 : 710.0));
    }

    friend Vec abs(const Vec& a) { return B(xsimd::abs(a.v)); }
    friend Vec sign(const Vec& a) { return where(a > 0.0, 1.0, where(a < 0.0, -1.0, a)); }
    friend Vec sqrt(const Vec& a) { return B(xsimd::sqrt(a.v)); }
    /// 2^k times (1 + (exp(r) - 1)), in two steps of half the exponent each, so that overflow gives inf and underflow
    /// denormals and then 0.
    friend Vec exp(const Vec& a) {
        using U = xsimd::batch<xsimd::as_unsigned_integer_t<T>, typename B::arch_type>;
        constexpr int bias = single ? 127 : 1023, fraction = single ? 23 : 52;
        // In this order a NaN passes through min and max.
        const B bounded = xsimd::max(B(single ? T(-105) : T(-746)), xsimd::min(B(single ? T(89) : T(710)), a.v));
        const Reduced e = reduce(bounded);
        const U n =
            xsimd::bitwise_cast<U>(e.shifted) - xsimd::bitwise_cast<U>(shift()) + U(2 * bias);  // k + 2 bias > 0
        const U half = n >> 1;
        const B low = xsimd::bitwise_cast<B>(half << fraction), high = xsimd::bitwise_cast<B>((n - half) << fraction);
        return B((e.small + B(T(1))) * low * high);
    }
    friend Vec exp2(const Vec& a) { return B(xsimd::exp2(a.v)); }
    friend Vec expm1(const Vec& a) {
        const Vec y = fix_lanes(
            B(xsimd::expm1(a.v)), next_to_overflow(a),
            [](T x) { return static_cast<T>(::expm1(static_cast<double>(x))); }, a);
        return where(a == 0.0, a, y);  // keeps -0
    }
    friend Vec log(const Vec& a) {
        return fix_lanes(
            B(xsimd::log(a.v)), denormal(a), [](T x) { return static_cast<T>(::log(static_cast<double>(x))); }, a);
    }
    friend Vec log2(const Vec& a) {
        return fix_lanes(
            B(xsimd::log2(a.v)), denormal(a), [](T x) { return static_cast<T>(::log2(static_cast<double>(x))); }, a);
    }
    friend Vec log10(const Vec& a) {
        return fix_lanes(
            B(xsimd::log10(a.v)), denormal(a), [](T x) { return static_cast<T>(::log10(static_cast<double>(x))); }, a);
    }
    friend Vec log1p(const Vec& a) { return where(a == 0.0, a, B(xsimd::log1p(a.v))); }  // keeps -0
    friend Vec sin(const Vec& a) { return B(xsimd::sin(a.v)); }
    friend Vec cos(const Vec& a) { return B(xsimd::cos(a.v)); }
    friend Vec tan(const Vec& a) { return B(xsimd::tan(a.v)); }
    friend Vec asin(const Vec& a) { return B(xsimd::asin(a.v)); }
    friend Vec acos(const Vec& a) { return B(xsimd::acos(a.v)); }
    friend Vec atan(const Vec& a) { return B(xsimd::atan(a.v)); }
    friend Vec sinh(const Vec& a) { return B(xsimd::sinh(a.v)); }
    friend Vec cosh(const Vec& a) { return B(xsimd::cosh(a.v)); }
    friend Vec asinh(const Vec& a) { return B(xsimd::asinh(a.v)); }
    friend Vec acosh(const Vec& a) { return where(a >= 1.0, Vec(B(xsimd::acosh(a.v))), __builtin_nan("")); }
    friend Vec atanh(const Vec& a) { return B(xsimd::atanh(a.v)); }
    friend Vec cbrt(const Vec& a) {
        return fix_lanes(
            B(xsimd::cbrt(a.v)), denormal(abs(a)), [](T x) { return static_cast<T>(::cbrt(static_cast<double>(x))); },
            a);
    }
    // copysign: without SSE4.1 xsimd loses -0 here.
    friend Vec floor(const Vec& a) { return copysign(B(xsimd::floor(a.v)), a); }
    friend Vec ceil(const Vec& a) { return copysign(B(xsimd::ceil(a.v)), a); }
    friend Vec round(const Vec& a) { return B(xsimd::nearbyint(a.v)); }
    friend Vec trunc(const Vec& a) { return copysign(B(xsimd::trunc(a.v)), a); }
    friend Vec sigmoid(const Vec& a) {
        // Uses an exponential that does not overflow. The remainder of the rounded quotient is used to correct it, as
        // in tanh.
        const Vec e = exp(-abs(a)), numerator = where(a >= 0.0, 1.0, e), inverse = 1.0 / (1.0 + e),
                  y = numerator * inverse;
        return B(xsimd::fma(xsimd::fnma(y.v, e.v, numerator.v - y.v), inverse.v, y.v));
    }
    friend Vec maximum(const Vec& a, const Vec& b) { return where(a != a, a, where(a > b, a, b)); }
    friend Vec hypot(const Vec& a, const Vec& b) {
        // Scaled by the larger operand, so that no square overflows.
        const Vec x = abs(a), y = abs(b);
        const Vec large = where(x > y, x, y), small = where(x > y, y, x),
                  ratio = small / where(large == 0.0, 1.0, large);
        const Vec h = large * sqrt(1.0 + ratio * ratio);
        const double inf = __builtin_inf();
        return where(logical_or(x == inf, y == inf), inf, where(logical_or(a != a, b != b), a + b, h));
    }
    friend Vec atan2(const Vec& a, const Vec& b) {  // xsimd's atan2 is NaN at the origin and wrong at infinity
        const Vec y = abs(a), x = abs(b);
        const Vec angle = atan(where(y == 0.0, 0.0, where(y == x, 1.0, y / x)));
        return where(b == b, copysign(where(copysign(1.0, b) < 0.0, 3.14159265358979323846 - angle, angle), a), b);
    }
    friend Vec copysign(const Vec& a, const Vec& b) { return B(xsimd::copysign(xsimd::abs(a.v), b.v)); }
    friend Vec pow(const Vec& a, const Vec& b) {
        return lanes(
            [](T x, T y) {
                return sizeof(T) == 4 ? static_cast<T>(::powf(static_cast<float>(x), static_cast<float>(y)))
                                      : static_cast<T>(::pow(x, y));
            },
            a, b);
    }
    friend Vec fmod(const Vec& a, const Vec& b) { return lanes(remainder_towards_zero, a, b); }
    friend Vec remainder(const Vec& a, const Vec& b) { return lanes(remainder_towards_minus_infinity, a, b); }
    friend Vec floor_divide(const Vec& a, const Vec& b) {
        return lanes(
            [](T x, T y) -> T {
                if (y == 0) return x / y;
                if (__builtin_isinf(y) && __builtin_isfinite(x)) return x == 0 || (x < 0) == (y < 0) ? x / y : T(-1);
                const T m = remainder_towards_minus_infinity(x, y);
                const T q = (x - m) / y;
                return __builtin_isfinite(q) ? static_cast<T>(__builtin_rint(q)) : q;
            },
            a, b);
    }

    static constexpr bool single = sizeof(T) == 4;
    static B coefficient(double c) { return B(static_cast<T>(c)); }
    /// Adding 1.5 * 2^mantissa rounds to an integer, which is then in the low bits.
    static B shift() { return coefficient(single ? 0x1.8p23 : 0x1.8p52); }

    /// x = k ln2 + r with |r| <= ln2 / 2: k + shift(), and exp(r) - 1.
    struct Reduced {
        B shifted, small;
        /// 2^k, if that is a normal number.
        B power() const {
            using I = xsimd::as_integer_t<B>;
            return xsimd::bitwise_cast<B>((xsimd::bitwise_cast<I>(shifted) + I(single ? 127 : 1023))
                                          << (single ? 23 : 52));
        }
    };
    /// Reduces x - rest, where rest is too small for x's precision. exp(r) - 1 comes from its Taylor series.
    static Reduced reduce(const B& x, const B& rest = B(T(0))) {
        const auto& c = coefficient;
        const B t = xsimd::fma(x - rest, c(1.442695040888963407359924681), shift());
        const B k = t - shift();
        const B high = xsimd::fma(k, c(single ? -0.693359375 : -6.93147180369123816490e-01), x);
        const B r = xsimd::fma(k, c(single ? 2.12194440054690583e-4 : -1.90821492927058770002e-10), high) - rest;
        const B r2 = r * r;  // two or three chains at a time: a single long one would stall
        B series;
        if constexpr (single) {
            const B top = xsimd::fma(c(1.0 / 5040), r, c(1.0 / 720)), middle = xsimd::fma(c(1.0 / 120), r, c(1.0 / 24));
            series = xsimd::fma(xsimd::fma(top, r2, middle), r2, xsimd::fma(c(1.0 / 6), r, c(0.5)));
        } else {
            const B r4 = r2 * r2;
            const B low = xsimd::fma(xsimd::fma(c(1.0 / 3628800), r, c(1.0 / 362880)), r2,
                                     xsimd::fma(c(1.0 / 40320), r, c(1.0 / 5040)));
            const B top = xsimd::fma(c(1.0 / 6227020800), r2, xsimd::fma(c(1.0 / 479001600), r, c(1.0 / 39916800)));
            const B bottom =
                xsimd::fma(xsimd::fma(c(1.0 / 720), r, c(1.0 / 120)), r2, xsimd::fma(c(1.0 / 24), r, c(1.0 / 6)));
            series = xsimd::fma(xsimd::fma(top, r4, low), r4, bottom);
            series = xsimd::fma(series, r, c(0.5));
        }
        return {t, xsimd::fma(series, r2, r)};
    }

    /// exp(x) - 1 for x >= 0 below the largest power of two: 2^k (exp(r) - 1) + (2^k - 1).
    static Vec bounded_expm1(const Vec& x) {
        const Reduced e = reduce(x.v);
        const B power = e.power();
        return B(xsimd::fma(power, e.small, power - B(T(1))));
    }

private:
    static T remainder_towards_zero(T x, T y) {
        return sizeof(T) == 4 ? static_cast<T>(::fmodf(static_cast<float>(x), static_cast<float>(y)))
                              : static_cast<T>(::fmod(x, y));
    }
    static T remainder_towards_minus_infinity(T x, T y) {
        const T m = remainder_towards_zero(x, y);
        if (m == 0) return static_cast<T>(__builtin_copysign(0.0, y));
        return (m < 0) != (y < 0) ? m + y : m;
    }
};

/// (e^2|x| - 1) / (e^2|x| + 1) with the numerator e from expm1, which is accurate near 0; |x| beyond the limit gives 1.
/// The rounding of e + 2 and of the quotient is corrected with the remainder of the quotient. Without branches, so that
/// a mix of small and large elements costs no more than either kind alone.
template <class T>
inline Vec<T> tanh(const Vec<T>& x) {
    const Vec<T> m = abs(x), limit = sizeof(T) == 4 ? 10.0 : 20.0, bounded = where(m > limit, limit, m);
    const Vec<T> e = Vec<T>::bounded_expm1(bounded + bounded), inverse = 1.0 / (e + 2.0), y = e * inverse;
    const Batch<T> rest = xsimd::fnma(y.v, e.v, xsimd::fnma(Batch<T>(T(2)), y.v, e.v));
    return copysign(Vec<T>(Batch<T>(xsimd::fma(rest, inverse.v, y.v))), x);
}

/// A function's value and its slope, which share the exponential. No slope is computed from a rounded value: 1 - y
/// reaches 0 long before it should.
template <class T>
struct Sloped {
    Vec<T> value, slope;
};
/// The sigmoid.
template <class T>
inline Sloped<T> logistic(const Vec<T>& a) {
    const Vec<T> e = exp(-abs(a)), r = 1.0 / (1.0 + e), small = e * r;
    return {where(a >= 0.0, r, small), small * r};
}
/// The same slopes if the value y is already known: from y as long as that is accurate to a few units in the last
/// place, else from x. The result in a lane does not depend on its neighbours.
template <class T>
inline Vec<T> sigmoid_slope(const Vec<T>& x, const Vec<T>& y) {
    const Vec<T> near = y * (1.0 - y);
    const Mask<T> far = x > 2.0;
    if (!xsimd::any(far.m)) [[likely]]
        return near;
    return where(far, logistic(x).slope, near);
}
template <class T>
inline Vec<T> tanh_slope(const Vec<T>& x, const Vec<T>& y) {
    const Vec<T> near = 1.0 - y * y;
    const Mask<T> far = abs(x) > 2.0;
    if (!xsimd::any(far.m)) [[likely]]
        return near;
    return where(far, 4.0 * logistic(2.0 * x).slope, near);
}
/// tanh: with e = exp(2|a|) - 1 it is e / (e + 2), and its slope is 4 (e + 1) / (e + 2)², which is negligible beyond
/// the limit.
template <class T>
inline Sloped<T> tangent(const Vec<T>& a) {
    const Vec<T> m = abs(a), limit = sizeof(T) == 4 ? 43.0 : 350.0, bounded = where(m > limit, limit, m);
    const Vec<T> e = Vec<T>::bounded_expm1(bounded + bounded), r = 1.0 / (e + 2.0);
    return {copysign(e * r, a), where(m > limit, 0.0, 4.0 * ((e + 1.0) * r) * r)};
}

template <int...>
struct Indices {};
template <int N>
struct FirstIndices;
template <>
struct FirstIndices<1> {
    using type = Indices<0>;
};
template <>
struct FirstIndices<2> {
    using type = Indices<0, 1>;
};
template <>
struct FirstIndices<3> {
    using type = Indices<0, 1, 2>;
};
template <>
struct FirstIndices<4> {
    using type = Indices<0, 1, 2, 3>;
};

/// The last `count` < width elements; the other lanes are filled with one of them, so that no lane computes anything
/// unusual.
template <class T>
inline Vec<T> load_tail(const T* from, std::int64_t count) {
    return count == 1 ? Batch<T>(*from) : load_some(from, count, *from);
}

// Inputs and outputs are expanded as parameter packs instead of loops, so that the compiler keeps everything in
// registers and drops the inputs that a rule does not read.
template <class T, int... K, int... J, class... F>
inline void pass(Indices<K...>, Indices<J...>, std::int64_t n, const void* const* in, const std::uint8_t* step,
                 void* const* out, const F&... f) {
    constexpr std::int64_t w = width<T>;
    constexpr int count = sizeof...(K);
    T* const to[] = {static_cast<T*>(out[J])...};
    std::int64_t i = 0;
    if ((step[K] && ...)) {
        const T* const p[] = {static_cast<const T*>(in[K])...};
        for (; i + w <= n; i += w) {
            const Vec<T> x[] = {load(p[K] + i)...};
            (store(to[J] + i, f(x).v), ...);
        }
        if (i < n) {
            const Vec<T> x[] = {load_tail(p[K] + i, n - i)...};
            (store_some(to[J] + i, f(x).v, n - i), ...);
        }
        return;
    }
    alignas(64) T splat[count][w];  // inputs with step 0, as a vector that is read repeatedly
    const auto source = [&](int k) -> const T* {
        const T* from = static_cast<const T*>(in[k]);
        if (step[k]) return from;
        for (std::int64_t l = 0; l < w; ++l) splat[k][l] = *from;
        return splat[k];
    };
    const T* const p[] = {source(K)...};
    const std::int64_t moves[] = {(step[K] ? -1 : 0)...};  // a mask for the index
    for (; i + w <= n; i += w) {
        const Vec<T> x[] = {load(p[K] + (i & moves[K]))...};
        (store(to[J] + i, f(x).v), ...);
    }
    if (i < n) {
        const Vec<T> x[] = {(moves[K] ? load_tail(p[K] + i, n - i) : Vec<T>(load(p[K])))...};
        (store_some(to[J] + i, f(x).v, n - i), ...);
    }
}

/// One pass over n elements: N inputs, one output per function. See ElementwiseKernel.
template <class T, int N, class... F>
inline void pass(std::int64_t n, const void* const* in, const std::uint8_t* step, void* const* out, const F&... f) {
    pass<T>(typename FirstIndices<N>::type{}, typename FirstIndices<sizeof...(F)>::type{}, n, in, step, out, f...);
}

}  // namespace xgrad::kernels::XGRAD_ISA
