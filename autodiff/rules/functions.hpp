#pragma once

#include "common.hpp"

// Rules of one input: arithmetic, exponentials, trigonometry, rounding.

namespace xgrad::rules {

struct Negative {
    static constexpr const char* name = "negative";
    static constexpr unsigned reads = none;
    template <class V> V value(const V& x) const { return -x; }
    template <class V> V pull(const V& g, const V&, const V&) const { return -g; }
};
struct Abs {
    static constexpr const char* name = "abs";
    static constexpr unsigned reads = A;
    template <class V> V value(const V& x) const { return abs(x); }
    template <class V> V pull(const V& g, const V& x, const V&) const { return g * sign(x); }
};
struct Square {
    static constexpr const char* name = "square";
    static constexpr unsigned reads = A;
    template <class V> V value(const V& x) const { return x * x; }
    template <class V> V pull(const V& g, const V& x, const V&) const { return 2.0 * g * x; }
};
struct Sqrt {
    static constexpr const char* name = "sqrt";
    static constexpr unsigned reads = Y;
    template <class V> V value(const V& x) const { return sqrt(x); }
    template <class V> V pull(const V& g, const V&, const V& y) const { return 0.5 * g / y; }
};
struct Cbrt {
    static constexpr const char* name = "cbrt";
    static constexpr unsigned reads = Y;
    template <class V> V value(const V& x) const { return cbrt(x); }
    template <class V> V pull(const V& g, const V&, const V& y) const { return g / (3.0 * y * y); }
};
struct Reciprocal {
    static constexpr const char* name = "reciprocal";
    static constexpr unsigned reads = Y;
    template <class V> V value(const V& x) const { return 1.0 / x; }
    template <class V> V pull(const V& g, const V&, const V& y) const { return -g * y * y; }
};
struct Exp {
    static constexpr const char* name = "exp";
    static constexpr unsigned reads = Y;
    template <class V> V value(const V& x) const { return exp(x); }
    template <class V> V pull(const V& g, const V&, const V& y) const { return g * y; }
};
struct Exp2 {
    static constexpr const char* name = "exp2";
    static constexpr unsigned reads = Y;
    template <class V> V value(const V& x) const { return exp2(x); }
    template <class V> V pull(const V& g, const V&, const V& y) const { return ln2 * g * y; }
};
struct Expm1 {
    static constexpr const char* name = "expm1";
    static constexpr unsigned reads = A;  // y + 1 reaches 0 long before the slope does
    template <class V> V value(const V& x) const { return expm1(x); }
    template <class V> V pull(const V& g, const V& x, const V&) const { return g * exp(x); }
};
struct Log {
    static constexpr const char* name = "log";
    static constexpr unsigned reads = A;
    template <class V> V value(const V& x) const { return log(x); }
    template <class V> V pull(const V& g, const V& x, const V&) const { return g / x; }
};
struct Log2 {
    static constexpr const char* name = "log2";
    static constexpr unsigned reads = A;
    template <class V> V value(const V& x) const { return log2(x); }
    template <class V> V pull(const V& g, const V& x, const V&) const { return g / (ln2 * x); }
};
struct Log10 {
    static constexpr const char* name = "log10";
    static constexpr unsigned reads = A;
    template <class V> V value(const V& x) const { return log10(x); }
    template <class V> V pull(const V& g, const V& x, const V&) const { return g / (ln10 * x); }
};
struct Log1p {
    static constexpr const char* name = "log1p";
    static constexpr unsigned reads = A;
    template <class V> V value(const V& x) const { return log1p(x); }
    template <class V> V pull(const V& g, const V& x, const V&) const { return g / (1.0 + x); }
};
struct Sin {
    static constexpr const char* name = "sin";
    static constexpr unsigned reads = A;
    template <class V> V value(const V& x) const { return sin(x); }
    template <class V> V pull(const V& g, const V& x, const V&) const { return g * cos(x); }
};
struct Cos {
    static constexpr const char* name = "cos";
    static constexpr unsigned reads = A;
    template <class V> V value(const V& x) const { return cos(x); }
    template <class V> V pull(const V& g, const V& x, const V&) const { return -g * sin(x); }
};
struct Tan {
    static constexpr const char* name = "tan";
    static constexpr unsigned reads = Y;
    template <class V> V value(const V& x) const { return tan(x); }
    template <class V> V pull(const V& g, const V&, const V& y) const { return g * (1.0 + y * y); }
};
struct Asin {
    static constexpr const char* name = "asin";
    static constexpr unsigned reads = A;
    template <class V> V value(const V& x) const { return asin(x); }
    template <class V> V pull(const V& g, const V& x, const V&) const { return g / sqrt((1.0 - x) * (1.0 + x)); }
};
struct Acos {
    static constexpr const char* name = "acos";
    static constexpr unsigned reads = A;
    template <class V> V value(const V& x) const { return acos(x); }
    template <class V> V pull(const V& g, const V& x, const V&) const { return -g / sqrt((1.0 - x) * (1.0 + x)); }
};
struct Atan {
    static constexpr const char* name = "atan";
    static constexpr unsigned reads = A;
    template <class V> V value(const V& x) const { return atan(x); }
    template <class V> V pull(const V& g, const V& x, const V&) const { return g / (1.0 + x * x); }
};
struct Sinh {
    static constexpr const char* name = "sinh";
    static constexpr unsigned reads = A;
    template <class V> V value(const V& x) const { return sinh(x); }
    template <class V> V pull(const V& g, const V& x, const V&) const { return g * cosh(x); }
};
struct Cosh {
    static constexpr const char* name = "cosh";
    static constexpr unsigned reads = A;
    template <class V> V value(const V& x) const { return cosh(x); }
    template <class V> V pull(const V& g, const V& x, const V&) const { return g * sinh(x); }
};
struct Tanh {
    static constexpr const char* name = "tanh";
    static constexpr unsigned reads = A | Y;
    template <class V> V value(const V& x) const { return tanh(x); }
    // 1 - y² reaches 0 long before the slope does: 4 s(2x) s(-2x), with s the sigmoid, is accurate in the tails.
    template <class V> V pull(const V& g, const V& x, const V& y) const { return g * tanh_slope(x, y); }
};
struct Asinh {
    static constexpr const char* name = "asinh";
    static constexpr unsigned reads = A;
    template <class V> V value(const V& x) const { return asinh(x); }
    template <class V> V pull(const V& g, const V& x, const V&) const { return g / hypot(x, 1.0); }
};
struct Acosh {
    static constexpr const char* name = "acosh";
    static constexpr unsigned reads = A;
    template <class V> V value(const V& x) const { return acosh(x); }
    template <class V> V pull(const V& g, const V& x, const V&) const { return g / (sqrt(x - 1.0) * sqrt(x + 1.0)); }
};
struct Atanh {
    static constexpr const char* name = "atanh";
    static constexpr unsigned reads = A;
    template <class V> V value(const V& x) const { return atanh(x); }
    template <class V> V pull(const V& g, const V& x, const V&) const { return g / ((1.0 - x) * (1.0 + x)); }
};
struct Deg2Rad {
    static constexpr const char* name = "deg2rad";
    static constexpr unsigned reads = none;
    template <class V> V value(const V& x) const { return (pi / 180) * x; }
    template <class V> V pull(const V& g, const V&, const V&) const { return (pi / 180) * g; }
};
struct Rad2Deg {
    static constexpr const char* name = "rad2deg";
    static constexpr unsigned reads = none;
    template <class V> V value(const V& x) const { return (180 / pi) * x; }
    template <class V> V pull(const V& g, const V&, const V&) const { return (180 / pi) * g; }
};
struct Clip {
    static constexpr const char* name = "clip";
    static constexpr unsigned reads = A;
    double low = 0, high = 0;
    XGRAD_ATTRIBUTES(low, high)
    template <class V> V value(const V& x) const { return where(x < low, low, where(x > high, high, x)); }
    template <class V> V pull(const V& g, const V& x, const V&) const {
        return where(logical_and(x >= low, x <= high), g, 0.0);
    }
};
struct NanToNum {
    static constexpr const char* name = "nan_to_num";
    static constexpr unsigned reads = A;
    double nan = 0, high = 0, low = 0;
    XGRAD_ATTRIBUTES(nan, high, low)
    template <class V> V value(const V& x) const {
        const double inf = __builtin_inf();
        return where(x != x, nan, where(x == inf, high, where(x == -inf, low, x)));
    }
    template <class V> V pull(const V& g, const V& x, const V&) const { return where(x - x == 0.0, g, 0.0); }
};

// Piecewise constant: no pull.
struct Sign {
    static constexpr const char* name = "sign";
    template <class V> V value(const V& x) const { return sign(x); }
};
struct Floor {
    static constexpr const char* name = "floor";
    template <class V> V value(const V& x) const { return floor(x); }
};
struct Ceil {
    static constexpr const char* name = "ceil";
    template <class V> V value(const V& x) const { return ceil(x); }
};
struct Round {
    static constexpr const char* name = "round";
    template <class V> V value(const V& x) const { return round(x); }
};
struct Trunc {
    static constexpr const char* name = "trunc";
    template <class V> V value(const V& x) const { return trunc(x); }
};

}  // namespace xgrad::rules
