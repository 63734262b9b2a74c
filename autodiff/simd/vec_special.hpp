#pragma once

#include "autodiff/rules/common.hpp"
#include "special.hpp"
#include "vec.hpp"

// Special functions of SIMD vectors, found by argument-dependent lookup like those in vec.hpp.

namespace xgrad::kernels::XGRAD_ISA {

// Coefficients of our own Chebyshev expansions, computed with 60 digits.
inline constexpr double erfc_f32[] = {1.074006907263101101,      -0.8833944540944694941,   0.5902283282953617831,
                                      -0.3104672165396889803,    0.1195285395861078361,    -0.02682769073173012904,
                                      -0.001220029958530924469,  0.003034219869929678509,  -0.0005163730642593441987,
                                      -0.0002653779711704027718, 0.00005478455840750891873};
inline constexpr double erf_f32[] = {0.1283791658815026333,    -0.3761262690358043833,  0.1128359746348805314,
                                     -0.02685432879606724434,  0.005189311942686617681, -0.0008018854992786386964,
                                     0.00007882497110086663567};
inline constexpr double erfc_f64[] = {1.074006907088339686,       -0.8833944531698834543,   0.5902283571041078994,
                                      -0.3104672619005899023,     0.1195277612869064245,    -0.02682723462359338213,
                                      -0.001212416617791298528,   0.003034061984653381565,  -0.0005483098092993420508,
                                      -0.0002767776719468510093,  0.0001075623325893745552, 0.00003039703618045209063,
                                      -0.00001747429337775988155, -4.744589091472279966e-6, 2.775634368734083303e-6,
                                      9.866966312548384998e-7,    -4.252043259403838379e-7, -2.135534485203641075e-7,
                                      6.261308487108537246e-8,    3.177893775910165377e-8,  -8.551791962840436784e-9};
inline constexpr double erf_f64[] = {0.1283791670955125667,    -0.3761263890318354353,     0.1128379167094512975,
                                     -0.02686617064325699433,  0.005223977607269945286,    -0.0008548325982543225057,
                                     0.0001205529511266700108, -0.00001492474078537757504, 1.644747119059461806e-6,
                                     -1.620882985681020078e-7, 1.372152040635109444e-8,    -7.798543850549946904e-10};
inline constexpr double erfinv_f32_near[] = {
    1.501409359832882091,     0.2466402893894098233,    -0.004177389759080280892, -0.001252748416455868757,
    0.0002183469146927874114, -4.959743495185407987e-6, -3.463356165553260353e-6, 4.654287304851042326e-7,
    2.328584450787435443e-8,  -8.739830973051999304e-9};
inline constexpr double erfinv_f64_near[] = {
    1.653654562683102714,      0.240158182425588344,       -0.006033670871426907335,  -0.0007407025341546571921,
    0.0001867342080200855299,  -0.00001388252339392044189, -1.365469176400138592e-6,  4.234788167771692769e-7,
    -2.90703907619368836e-8,   -4.112660406648258072e-9,   1.051223078467489163e-9,   -5.414304547208058167e-11,
    -1.297869533465644525e-11, 2.63053019262310655e-12,    -8.074595688729043221e-14, -4.002061774855267609e-14,
    6.52565514140107659e-15,   -3.933508641199521581e-17,  -1.226184846370976365e-16, 1.550600949667920496e-17,
    6.388447500191610073e-19,  -3.471530767602300355e-19,  1.877151678052992222e-20,  3.190558617341753775e-21,
    -3.385033015721010391e-22};
inline constexpr double erfinv_f32_far[] = {
    2.832976802077254617,      1.001674999527091675,     0.009445297540476772267, -0.007637870673387043671,
    0.005686578154946471663,   -0.003594679307532833535, 0.001486617125573367384, -0.00006159138671558808965,
    -0.0003110473673482299301, 0.0001186673987499193361};
inline constexpr double erfinv_f64_middle[] = {
    3.083885610492220676,      1.005258967694165379,      0.005370914553555201077,    -0.003751208508224261048,
    0.002491442097947023867,   -0.001688275535463659443,  0.00095328934180699248,     -0.0003550378135746499259,
    0.00002403151022169409669, 0.00006828711576985262503, -0.00004732066303594573278, 0.00001246503556828312528,
    2.932506943526351275e-6,   -3.985726034382243153e-6,  1.481777224479087462e-6,    -2.758450687635950867e-8,
    -2.457701547204404832e-7,  1.315576074832163747e-7,   -2.068640210919594381e-8,   -1.529453243615235792e-8,
    7.598895200781736674e-9};
inline constexpr double erfinv_f64_far[] = {
    4.849906401408584339,      1.010300464864545323,       -0.0001387193183796811515, -0.0002150301198265734853,
    0.00007599527808366724596, -0.00001968177071872294827, 4.526052666868586247e-6,   -9.930292771517976636e-7,
    2.290520674607598772e-7,   -6.755649023342919962e-8,   2.902087951058581377e-8,   -1.525467832624711895e-8,
    7.817555181729633075e-9,   -3.471550109717930797e-9,   1.319926725928543392e-9,   -4.375491688259567522e-10,
    6.741355261208323273e-11,  4.289069546883856063e-11,   -1.989821355992846785e-11};

/// Evaluates the even and odd powers of a polynomial separately, so that two dependency chains run in parallel. The
/// coefficients are known at compile time.
template <int Last, class T, int N>
__attribute__((always_inline)) inline Batch<T> every_second(const double (&c)[N], const Batch<T>& square,
                                                            const Batch<T>& sum) {
    if constexpr (Last < 0) return sum;
    else return every_second<Last - 2, T>(c, square, xsimd::fma(sum, square, Batch<T>(static_cast<T>(c[Last]))));
}
/// c[0] + c[1] x + …
template <class T, int N>
__attribute__((always_inline)) inline Vec<T> polynomial(const Vec<T>& x, const double (&c)[N]) {
    const Batch<T> square = x.v * x.v;
    const Batch<T> last = every_second<N - 3, T>(c, square, Batch<T>(static_cast<T>(c[N - 1])));
    const Batch<T> other = every_second<N - 4, T>(c, square, Batch<T>(static_cast<T>(c[N - 2])));
    if constexpr (N % 2) return Batch<T>(xsimd::fma(other, x.v, last));
    else return Batch<T>(xsimd::fma(last, x.v, other));
}

/// exp(-x²), accurate to the last place, for x in [0, 26.6] (f64) or [0, 9.3] (f32). x = h + l with so few digits in h
/// that h² is exact.
template <class T>
inline Vec<T> exp_minus_square(const Vec<T>& x) {
    constexpr bool single = sizeof(T) == 4;
    using B = Batch<T>;
    using I = xsimd::as_integer_t<B>;
    using Bits = typename I::value_type;
    const B h = xsimd::bitwise_cast<B>(xsimd::bitwise_cast<I>(x.v) & I(static_cast<Bits>(single ? -4096 : -134217728)));
    const auto e = Vec<T>::reduce(-(h * h), (x.v - h) * (x.v + h));
    const B power = e.power();
    return B(xsimd::fma(power, e.small, power));
}

/// erf and erfc: x plus x times a polynomial in x² for |x| < 1 (erfc: 1/2); beyond, erfc(x) = exp(-x²) P(t) / (x + 3)
/// with t = (x - 3) / (x + 3), following Shepherd and Laframboise (1981). The coefficients are our own Chebyshev
/// expansions.
template <class T>
struct ErrorFunction {
    Vec<T> magnitude, small, tail, exponential;  ///< |x|; erf(x) where |x| < 1; erfc(|x|) for 1/2 and more; exp(-x²)

    explicit ErrorFunction(const Vec<T>& x) : magnitude(abs(x)) {
        constexpr double limit = sizeof(T) == 4 ? 9.3 : 26.6;  // erfc is below the smallest normal number beyond this
        const Vec<T> m = where(magnitude > limit, limit, magnitude), near = where(magnitude > 1.0, 1.0, magnitude);
        const Vec<T> r = 1.0 / (m + 3.0), t = (m - 3.0) * r;
        Vec<T> p, q;
        if constexpr (sizeof(T) == 4) {
            p = polynomial(t, erfc_f32);
            q = polynomial(near * near, erf_f32);
        } else {
            p = polynomial(t, erfc_f64);
            q = polynomial(near * near, erf_f64);
        }
        small = x + x * q;
        exponential = exp_minus_square(m);
        tail = where(magnitude > limit, 0.0, exponential * (p * r));
    }
};
template <class T>
inline Vec<T> erf(const Vec<T>& x) {
    const ErrorFunction<T> e(x);
    return where(e.magnitude < 1.0, e.small, copysign(1.0 - e.tail, x));
}
template <class T>
inline Vec<T> erfc(const ErrorFunction<T>& e, const Vec<T>& x) {
    return where(e.magnitude < 0.5, 1.0 - e.small, where(x < 0.0, 2.0 - e.tail, e.tail));
}
template <class T>
inline Vec<T> erfc(const Vec<T>& x) {
    return erfc(ErrorFunction<T>(x), x);
}

/// The standard normal distribution function and its density, which share the exponential. Beyond erfc's range (|x| >
/// 37, in f32 13) the density keeps its negligible value at the limit.
template <class T>
struct Normal {
    Vec<T> distribution, density;
};
template <class T>
inline Normal<T> standard_normal(const Vec<T>& x) {
    const Vec<T> u = -rules::sqrt_half * x;
    const ErrorFunction<T> e(u);
    return {0.5 * erfc(e, u), rules::inv_sqrt_two_pi * e.exponential};
}

/// erfinv(x) / x as polynomials in w = -log(1 - x²), and in sqrt(w) if w is large: the substitution of Giles (2012),
/// with our own Chebyshev expansions.
template <class T>
inline Vec<T> erfinv(const Vec<T>& x) {
    const Vec<T> m = abs(x), w = -log((1.0 - m) * (1.0 + m));
    constexpr double border = sizeof(T) == 4 ? 5.0 : 6.25;
    Vec<T> p;
    if constexpr (sizeof(T) == 4) {
        p = polynomial(w - 2.5, erfinv_f32_near);
    } else {
        p = polynomial(w - 3.125, erfinv_f64_near);
    }
    if (xsimd::any((w > border).m)) {
        const Vec<T> s = sqrt(where(w > border, w, border));
        Vec<T> q;
        if constexpr (sizeof(T) == 4) {
            q = polynomial(s - 3.0, erfinv_f32_far);
        } else {
            const Vec<T> left = polynomial(s - 3.25, erfinv_f64_middle);
            const Vec<T> right = polynomial(s - 5.0, erfinv_f64_far);
            q = where(s < 4.0, left, right);
        }
        p = where(w > border, q, p);
    }
    return where(m == 1.0, copysign(__builtin_inf(), x), p * x);
}

/// sin(pi x) / (pi x), using the sine of the exact remainder, so that it is 0 at the integers.
template <class T>
inline Vec<T> sinc(const Vec<T>& x) {
    constexpr double whole = sizeof(T) == 4 ? 16777216.0 : 9007199254740992.0;  // even integers from here on
    const Vec<T> m = abs(x), b = where(m > whole, whole, m), n = round(b), half = 0.5 * n;
    const Vec<T> sign = 1.0 - 2.0 * abs(n - 2.0 * round(half)), z = pi * b;
    return where(b == 0.0, 1.0, sign * sin(pi * (b - n)) / where(b == 0.0, 1.0, z));
}

template <class T>
inline Vec<T> lgamma(const Vec<T>& x) {
    return Vec<T>::lanes(
        [](T e) {
            int sign;  // the sign of gamma; lgamma itself would write it to a global variable
            return static_cast<T>(::lgamma_r(static_cast<double>(e), &sign));
        },
        x);
}
template <class T>
inline Vec<T> digamma(const Vec<T>& x) {
    return Vec<T>::lanes([](T e) { return static_cast<T>(digamma(static_cast<double>(e))); }, x);
}
template <class T>
inline Vec<T> polygamma(int order, const Vec<T>& x) {
    return Vec<T>::lanes([order](T e) { return static_cast<T>(polygamma(order, static_cast<double>(e))); }, x);
}
template <class T>
inline Vec<T> sinc_derivative(int order, const Vec<T>& x) {
    return Vec<T>::lanes([order](T e) { return static_cast<T>(sinc_derivative(order, static_cast<double>(e))); }, x);
}

}  // namespace xgrad::kernels::XGRAD_ISA
