#pragma once

#include <math.h>

#include "isa.hpp"

// Special functions of one double, which the vectors call lane by lane.

namespace xgrad::kernels::XGRAD_ISA {

inline constexpr double pi = 3.14159265358979323846;

/// cot(pi x), accurate near its poles and zeros; x must not be an integer.
inline double cot_pi(double x) {
    const double r = x - ::rint(x);  // the period is 1
    if (r > 0.25) return ::tan(pi * (0.5 - r));
    if (r < -0.25) return -::tan(pi * (0.5 + r));
    return 1 / ::tan(pi * r);
}

/// The derivative of log |gamma|. NaN at the negative integers; at 0, infinity with the sign of the side that the sign
/// of the zero names.
inline double digamma(double x) {
    constexpr double root_high = 0x1.762d86356be3fp+0, root_low = 9.5499954299656977e-17;
    // digamma(x) / (x - root) on [1, 2], around 1.5: a Chebyshev expansion.
    constexpr double near[] = {
        0.9510558760318328932,    -0.4236274212814606027,    0.2405424842407738985,   -0.1484049230538800674,
        0.09498872445498365687,   -0.06192213327556182539,   0.04076083381023946231,  -0.02697579665686471857,
        0.01790725249634521256,   -0.01190822016978600217,   0.007926943794456376574, -0.005279936417885741406,
        0.003519014164936380506,  -0.002345501627910711735,  0.001556587976179794459, -0.001036422724782802261,
        0.0007234757252061551074, -0.0004860641705041235266, 0.000226952050712578951, -0.0001446038460924008776,
        0.0002599100450715036727, -0.0001783734240046242384};
    // B_2k / 2k of the asymptotic expansion log x - 1/(2x) - sum B_2k / (2k x^2k).
    constexpr double far[] = {1.0 / 12,  -1.0 / 120,     1.0 / 252, -1.0 / 240,
                              1.0 / 132, -691.0 / 32760, 1.0 / 12,  -3617.0 / 8160};
    if (x == 0) return -::copysign(HUGE_VAL, x);
    double result = 0;
    if (x < 0) {
        if (x == ::floor(x)) return NAN;
        result = -pi * cot_pi(x);
        x = 1 - x;
    }
    if (x >= 10) {
        const double s = 1 / (x * x);
        double series = 0;
        for (int k = 7; k >= 0; --k) series = (series + far[k]) * s;
        return result + (::log(x) - 0.5 / x - series);
    }
    if (x < 1) {
        result -= 1 / x;
        x += 1;
    }
    double steps = 0;
    for (; x > 2; x -= 1) steps += 1 / (x - 1);
    double p = 0;
    for (int k = 21; k >= 0; --k) p = p * (x - 1.5) + near[k];
    return result + (steps + ((x - root_high) - root_low) * p);
}

/// d^n/dt^n of cot t as a polynomial in c = cot t.
inline double cot_derivative(int n, double c) {
    double p[48] = {0, 1};
    for (int k = 0; k < n; ++k) {  // -(1 + c²) p'
        double q[48] = {};
        for (int i = 1; i <= k + 1; ++i) {
            q[i - 1] -= i * p[i];
            q[i + 1] -= i * p[i];
        }
        for (int i = 0; i <= k + 2; ++i) p[i] = q[i];
    }
    double value = 0;
    for (int i = n + 1; i >= 0; --i) value = value * c + p[i];
    return value;
}

/// n! / x^(n+1).
inline double factorial_over_power(int n, double x) {
    double p = x;
    for (int k = 1; k <= n; ++k) p *= x / k;
    return 1 / p;
}

/// The n-th derivative of digamma: (-1)^(n+1) n! sum 1 / (x + k)^(n+1), with the tail of the sum from the
/// Euler-Maclaurin formula.
inline double polygamma(int n, double x) {
    if (n == 0) return digamma(x);
    constexpr double coefficient[] = {1.0 / 12,
                                      -1.0 / 720,
                                      1.0 / 30240,
                                      -1.0 / 1209600,
                                      1.0 / 47900160,
                                      -5.2841901386874931848e-10,
                                      1.3382536530684678833e-11,
                                      -3.3896802963225828668e-13,
                                      8.5860620562778445641e-15,
                                      -2.174868698558061873e-16,
                                      5.5090028283602295152e-18,
                                      -1.3954464685812523341e-19};  // B_2k / (2k)!
    const double sign = n % 2 ? 1 : -1;
    if (x <= 0 && x == ::floor(x)) {  // for odd n both sides of a pole agree
        if (n % 2) return HUGE_VAL;
        return x == 0 ? -::copysign(HUGE_VAL, x) : NAN;
    }
    if (x < -20) {
        if (n <= 40) {
            double scale = 1;
            for (int k = 0; k <= n; ++k) scale *= pi;
            return -sign * polygamma(n, 1 - x) - scale * cot_derivative(n, cot_pi(x));
        }
        if (x < -40) x += ::floor(-x) - 40;  // the omitted terms are negligible compared with those near 0
    }
    double total = 0;
    for (; x < n + 12; x += 1) total += factorial_over_power(n, x);
    const double t = factorial_over_power(n, x);
    double tail = 0, power = t / x, rising = n + 1;
    for (int j = 0; j < 12; ++j) {
        tail += coefficient[j] * rising * power;
        power /= x * x;
        rising *= (n + 2.0 * j + 2) * (n + 2.0 * j + 3);
    }
    // (n - 1)! / x^n, which is 0 at infinity and not inf * 0.
    const double integral = factorial_over_power(n - 1, x);
    return sign * (total + (integral + (0.5 * t + tail)));
}

/// The n-th derivative of sin(pi x) / (pi x), n >= 1.
inline double sinc_derivative(int n, double x) {
    if (::isinf(x)) return 0;
    const double z = pi * x;
    if (::fabs(z) < 1 + 0.5 * n) {  // pi^n sum ± z^m / m! / (n + m + 1), m = 2k - n
        double scale = 1;
        for (int k = 0; k < n; ++k) scale *= pi;
        int m = n % 2;
        double term = m ? z : 1, total = 0;
        if ((n + m) / 2 % 2) term = -term;
        for (;; m += 2) {
            const double part = term / (n + m + 1);
            total += part;
            if (!(::fabs(part) > 1e-18 * ::fabs(total))) break;
            term *= -z * z / ((m + 1.0) * (m + 2.0));
        }
        return scale * total;
    }
    // x f_n + n f_{n-1} = pi^(n-1) sin(pi x + n pi/2)
    const double r = x - 2 * ::rint(0.5 * x), s = ::sin(pi * r), c = ::cos(pi * r);
    const double turned[] = {s, c, -s, -c};
    double f = s / z, scale = 1;
    for (int k = 1; k <= n; ++k) {
        f = (scale * turned[k % 4] - k * f) / x;
        scale *= pi;
    }
    return f;
}

}  // namespace xgrad::kernels::XGRAD_ISA
