#pragma once

// Value and gradient rule of every element-wise operation, one struct each, as text that is compiled twice: with SIMD vectors for the
// kernels (kernels/elementwise*.cpp, once per instruction set) and with Tensor for higher orders (ops/elementwise.cpp).
//
// pull(g, …) returns the cotangent of an input for the cotangent g of the output y. `reads` says which of its other arguments a rule
// really uses: that is what a tape keeps. To add a rule: write it, append it to the list at the end, declare its function in
// ops/elementwise.hpp and define it in ops/elementwise.cpp.

#include <cstddef>

namespace xgrad::rules {

/// Which saved tensors a pull uses.
enum Reads : unsigned { none = 0, A = 1, B = 2, Y = 4 };  // A: the (first) input; B: the second; Y: the output

inline constexpr double ln2 = 0.693147180559945309417232121458;
inline constexpr double ln10 = 2.302585092994045684017991454684;
inline constexpr double two_over_sqrt_pi = 1.128379167095512573896158903122;
inline constexpr double sqrt_half = 0.707106781186547524400844362105;
inline constexpr double inv_sqrt_two_pi = 0.398942280401432677939946059934;
inline constexpr double sqrt_two_over_pi = 0.797884560802865355879892119869;

// --- one input ------------------------------------------------------------------------------------------------------

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
    static constexpr unsigned reads = Y;
    template <class V> V value(const V& x) const { return expm1(x); }
    template <class V> V pull(const V& g, const V&, const V& y) const { return g * (y + 1.0); }
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
    template <class V> V pull(const V& g, const V& x, const V&) const { return g / sqrt(1.0 - x * x); }
};
struct Acos {
    static constexpr const char* name = "acos";
    static constexpr unsigned reads = A;
    template <class V> V value(const V& x) const { return acos(x); }
    template <class V> V pull(const V& g, const V& x, const V&) const { return -g / sqrt(1.0 - x * x); }
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
    static constexpr unsigned reads = Y;
    template <class V> V value(const V& x) const { return tanh(x); }
    template <class V> V pull(const V& g, const V&, const V& y) const { return g * (1.0 - y * y); }
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
struct Erf {
    static constexpr const char* name = "erf";
    static constexpr unsigned reads = A;
    template <class V> V value(const V& x) const { return erf(x); }
    template <class V> V pull(const V& g, const V& x, const V&) const { return two_over_sqrt_pi * g * exp(-(x * x)); }
};
struct Sigmoid {
    static constexpr const char* name = "sigmoid";
    static constexpr unsigned reads = Y;
    template <class V> V value(const V& x) const { return 1.0 / (1.0 + exp(-x)); }
    template <class V> V pull(const V& g, const V&, const V& y) const { return g * y * (1.0 - y); }
};
struct Relu {
    static constexpr const char* name = "relu";
    static constexpr unsigned reads = Y;  // y > 0 exactly where x > 0, and the next operation keeps y anyway
    template <class V> V value(const V& x) const { return where(x <= 0.0, 0.0, x); }
    template <class V> V pull(const V& g, const V&, const V& y) const { return where(y > 0.0, g, 0.0); }
};
struct LeakyRelu {
    static constexpr const char* name = "leaky_relu";
    static constexpr unsigned reads = A;
    double slope = 0.01;
    template <class V> V value(const V& x) const { return where(x > 0.0, x, slope * x); }
    template <class V> V pull(const V& g, const V& x, const V&) const { return where(x > 0.0, g, slope * g); }
};
struct Elu {
    static constexpr const char* name = "elu";
    static constexpr unsigned reads = A;
    double alpha = 1;
    template <class V> V value(const V& x) const { return where(x > 0.0, x, alpha * expm1(x)); }
    template <class V> V pull(const V& g, const V& x, const V&) const {
        const V below = where(x > 0.0, 0.0, x);  // exp of what is not chosen must not overflow: 0 * inf
        return where(x > 0.0, g, alpha * g * exp(below));
    }
};
struct GeluErf {
    static constexpr const char* name = "gelu";
    static constexpr unsigned reads = A;
    template <class V> V value(const V& x) const { return 0.5 * x * (1.0 + erf(sqrt_half * x)); }
    template <class V> V pull(const V& g, const V& x, const V&) const {
        const V xs = where(abs(x) > 40.0, 0.0, x);  // there the density is 0, and x times it must not be inf * 0
        return g * (0.5 * (1.0 + erf(sqrt_half * x)) + inv_sqrt_two_pi * xs * exp(-0.5 * xs * xs));
    }
};
struct GeluTanh {
    static constexpr const char* name = "gelu_tanh";
    static constexpr unsigned reads = A;
    static constexpr double cubic = 0.044715;
    template <class V> V value(const V& x) const { return 0.5 * x * (1.0 + tanh(sqrt_two_over_pi * (x + cubic * x * x * x))); }
    template <class V> V pull(const V& g, const V& x, const V&) const {
        const V xs = where(abs(x) > 40.0, 0.0, x);
        const V t = tanh(sqrt_two_over_pi * (x + cubic * x * x * x));
        return g * (0.5 * (1.0 + t) + (0.5 * sqrt_two_over_pi) * xs * (1.0 - t * t) * (1.0 + (3.0 * cubic) * xs * xs));
    }
};
struct Silu {
    static constexpr const char* name = "silu";
    static constexpr unsigned reads = A;
    template <class V> V value(const V& x) const { return x / (1.0 + exp(-x)); }
    template <class V> V pull(const V& g, const V& x, const V&) const {
        const V s = sigmoid(x);
        return g * s * (1.0 + x * (1.0 - s));
    }
};
struct Softplus {
    static constexpr const char* name = "softplus";
    static constexpr unsigned reads = A;
    double beta = 1;
    template <class V> V value(const V& x) const {
        const V z = beta * x;
        return (where(z > 0.0, z, 0.0) + log1p(exp(-abs(z)))) / beta;
    }
    template <class V> V pull(const V& g, const V& x, const V&) const { return g * sigmoid(beta * x); }
};
struct Clip {
    static constexpr const char* name = "clip";
    static constexpr unsigned reads = A;
    double low = 0, high = 0;
    template <class V> V value(const V& x) const { return where(x < low, low, where(x > high, high, x)); }
    template <class V> V pull(const V& g, const V& x, const V&) const { return where(x < low, 0.0, where(x > high, 0.0, g)); }
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

// --- two inputs -----------------------------------------------------------------------------------------------------

struct Add {
    static constexpr const char* name = "add";
    static constexpr unsigned reads_a = none, reads_b = none;
    template <class V> V value(const V& a, const V& b) const { return a + b; }
    template <class V> V pull_a(const V& g, const V&, const V&, const V&) const { return g; }
    template <class V> V pull_b(const V& g, const V&, const V&, const V&) const { return g; }
};
struct Subtract {
    static constexpr const char* name = "subtract";
    static constexpr unsigned reads_a = none, reads_b = none;
    template <class V> V value(const V& a, const V& b) const { return a - b; }
    template <class V> V pull_a(const V& g, const V&, const V&, const V&) const { return g; }
    template <class V> V pull_b(const V& g, const V&, const V&, const V&) const { return -g; }
};
struct Multiply {
    static constexpr const char* name = "multiply";
    static constexpr unsigned reads_a = B, reads_b = A;
    template <class V> V value(const V& a, const V& b) const { return a * b; }
    template <class V> V pull_a(const V& g, const V&, const V& b, const V&) const { return g * b; }
    template <class V> V pull_b(const V& g, const V& a, const V&, const V&) const { return g * a; }
};
struct Divide {
    static constexpr const char* name = "divide";
    static constexpr unsigned reads_a = B, reads_b = B | Y;
    template <class V> V value(const V& a, const V& b) const { return a / b; }
    template <class V> V pull_a(const V& g, const V&, const V& b, const V&) const { return g / b; }
    template <class V> V pull_b(const V& g, const V&, const V& b, const V& y) const { return -g * y / b; }
};
struct Remainder {
    static constexpr const char* name = "remainder";
    static constexpr unsigned reads_a = none, reads_b = A | B;
    template <class V> V value(const V& a, const V& b) const { return remainder(a, b); }
    template <class V> V pull_a(const V& g, const V&, const V&, const V&) const { return g; }
    template <class V> V pull_b(const V& g, const V& a, const V& b, const V&) const { return -g * floor(a / b); }
};
struct Fmod {
    static constexpr const char* name = "fmod";
    static constexpr unsigned reads_a = none, reads_b = A | B;
    template <class V> V value(const V& a, const V& b) const { return fmod(a, b); }
    template <class V> V pull_a(const V& g, const V&, const V&, const V&) const { return g; }
    template <class V> V pull_b(const V& g, const V& a, const V& b, const V&) const { return -g * trunc(a / b); }
};
struct Pow {
    static constexpr const char* name = "pow";
    static constexpr unsigned reads_a = A | B, reads_b = A | B | Y;
    template <class V> V value(const V& a, const V& b) const { return pow(a, b); }
    template <class V> V pull_a(const V& g, const V& a, const V& b, const V&) const {
        const V e = where(logical_and(a == 0.0, b == 0.0), 1.0, b - 1.0);  // 0 * 0**-1 is to be 0
        return g * b * pow(a, e);
    }
    template <class V> V pull_b(const V& g, const V& a, const V& b, const V& y) const {
        const V base = where(logical_and(a == 0.0, b >= 0.0), 1.0, a);  // 0**b * log(0) is to be 0
        return g * y * log(base);
    }
};
struct LogAddExp {
    static constexpr const char* name = "logaddexp";
    static constexpr unsigned reads_a = A | B, reads_b = A | B;
    template <class V> static V difference(const V& a, const V& b) {
        const V d = a - b;
        return where(d == d, d, 0.0);  // inf - inf
    }
    template <class V> V value(const V& a, const V& b) const { return maximum(a, b) + log1p(exp(-abs(difference(a, b)))); }
    template <class V> V pull_a(const V& g, const V& a, const V& b, const V&) const { return g * sigmoid(difference(a, b)); }
    template <class V> V pull_b(const V& g, const V& a, const V& b, const V&) const { return g * sigmoid(difference(b, a)); }
};
struct Atan2 {  // a: y, b: x
    static constexpr const char* name = "atan2";
    static constexpr unsigned reads_a = A | B, reads_b = A | B;
    template <class V> static V radius(const V& a, const V& b) {
        const V h = hypot(a, b);
        return where(h == 0.0, 1.0, h);
    }
    template <class V> V value(const V& a, const V& b) const { return atan2(a, b); }
    template <class V> V pull_a(const V& g, const V& a, const V& b, const V&) const {
        const V h = radius(a, b);
        return g * (b / h) / h;
    }
    template <class V> V pull_b(const V& g, const V& a, const V& b, const V&) const {
        const V h = radius(a, b);
        return -g * (a / h) / h;
    }
};
struct Hypot {
    static constexpr const char* name = "hypot";
    static constexpr unsigned reads_a = A | Y, reads_b = B | Y;
    template <class V> V value(const V& a, const V& b) const { return hypot(a, b); }
    template <class V> V pull_a(const V& g, const V& a, const V&, const V& y) const { return g * (a / where(y == 0.0, 1.0, y)); }
    template <class V> V pull_b(const V& g, const V&, const V& b, const V& y) const { return g * (b / where(y == 0.0, 1.0, y)); }
};
struct Maximum {
    static constexpr const char* name = "maximum";
    static constexpr unsigned reads_a = A | B, reads_b = A | B;
    template <class V> V value(const V& a, const V& b) const { return maximum(a, b); }
    template <class V> V pull_a(const V& g, const V& a, const V& b, const V&) const { return where(a > b, g, where(a == b, 0.5 * g, 0.0)); }
    template <class V> V pull_b(const V& g, const V& a, const V& b, const V&) const { return where(b > a, g, where(a == b, 0.5 * g, 0.0)); }
};
struct Minimum {
    static constexpr const char* name = "minimum";
    static constexpr unsigned reads_a = A | B, reads_b = A | B;
    template <class V> V value(const V& a, const V& b) const { return -maximum(-a, -b); }
    template <class V> V pull_a(const V& g, const V& a, const V& b, const V&) const { return where(a < b, g, where(a == b, 0.5 * g, 0.0)); }
    template <class V> V pull_b(const V& g, const V& a, const V& b, const V&) const { return where(b < a, g, where(a == b, 0.5 * g, 0.0)); }
};
struct Fmax {
    static constexpr const char* name = "fmax";
    static constexpr unsigned reads_a = A | B, reads_b = A | B;
    template <class V> V value(const V& a, const V& b) const { return where(b != b, a, where(a > b, a, b)); }
    template <class V> V pull_a(const V& g, const V& a, const V& b, const V&) const {
        return where(logical_or(a > b, b != b), g, where(a == b, 0.5 * g, 0.0));
    }
    template <class V> V pull_b(const V& g, const V& a, const V& b, const V&) const {
        return where(logical_or(b > a, a != a), g, where(a == b, 0.5 * g, 0.0));
    }
};
struct Fmin {
    static constexpr const char* name = "fmin";
    static constexpr unsigned reads_a = A | B, reads_b = A | B;
    template <class V> V value(const V& a, const V& b) const { return where(b != b, a, where(a < b, a, b)); }
    template <class V> V pull_a(const V& g, const V& a, const V& b, const V&) const {
        return where(logical_or(a < b, b != b), g, where(a == b, 0.5 * g, 0.0));
    }
    template <class V> V pull_b(const V& g, const V& a, const V& b, const V&) const {
        return where(logical_or(b < a, a != a), g, where(a == b, 0.5 * g, 0.0));
    }
};
struct Copysign {
    static constexpr const char* name = "copysign";
    static constexpr unsigned reads_a = A | B, reads_b = none;
    template <class V> V value(const V& a, const V& b) const { return copysign(a, b); }
    template <class V> V pull_a(const V& g, const V& a, const V& b, const V&) const { return g * sign(a) * copysign(1.0, b); }
    template <class V> V pull_b(const V& g, const V&, const V&, const V&) const { return 0.0 * g; }
};
struct FloorDivide {
    static constexpr const char* name = "floor_divide";
    template <class V> V value(const V& a, const V& b) const { return floor_divide(a, b); }
};

// --- the lists the kernels are made from ----------------------------------------------------------------------------

template <class... Rule>
struct List {
    static constexpr std::size_t size = sizeof...(Rule);
    template <class R>
    static constexpr std::size_t index_of() {
        constexpr bool same[] = {__is_same(R, Rule)...};
        std::size_t i = 0;
        while (!same[i]) ++i;
        return i;
    }
};

using Unary = List<Negative, Abs, Square, Sqrt, Cbrt, Reciprocal, Exp, Exp2, Expm1, Log, Log2, Log10, Log1p, Sin, Cos, Tan, Asin, Acos,
                   Atan, Sinh, Cosh, Tanh, Asinh, Acosh, Atanh, Erf, Sigmoid, Relu, LeakyRelu, Elu, GeluErf, GeluTanh, Silu, Softplus, Clip,
                   Sign, Floor, Ceil, Round, Trunc>;
using Binary = List<Add, Subtract, Multiply, Divide, Remainder, Fmod, Pow, LogAddExp, Atan2, Hypot, Maximum, Minimum, Fmax, Fmin, Copysign,
                    FloorDivide>;

/// Whether a rule has a gradient.
template <class Rule>
inline constexpr bool differentiable = requires { Rule::reads; } || requires { Rule::reads_a; };

}  // namespace xgrad::rules
