#include <doctest/doctest.h>

#include <autodiff/autodiff.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <random>
#include <regex>
#include <set>
#include <sstream>

#include "support.hpp"

// Values of element-wise operations against the standard library in long double, over the whole range of both types.
// The bounds are in units in the last place of the result; results that are denormal may be off by the smallest normal
// number, because the vector kernels flush some of them.
// gelu is bounded from -1 on: further left the rounding of its argument weighs more and more. The special functions keep away
// from their zeros, where only the absolute error stays small. logaddexp is bounded for positive arguments, because its zeros among the negative ones cancel likewise.

using namespace xgrad;

namespace {

using Number = long double;
constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double all = inf;

struct Unary {
    std::string name;
    std::function<Tensor(const Tensor&)> f;
    Number (*reference)(Number);
    double low, high;  ///< arguments outside are not tried
    double ulp64, ulp32;  ///< largest error
};

struct Binary {
    std::string name;
    std::function<Tensor(const Tensor&, const Tensor&)> f;
    Number (*reference)(Number, Number);
    double ulp64, ulp32;
    double low = -all, high = all;
};

using X = const Tensor&;

Number round_half_even(Number x) { return std::nearbyint(x); }
Number sign_of(Number x) { return std::isnan(x) ? x : static_cast<Number>((x > 0) - (x < 0)); }
Number gelu_tanh(Number x) { return x / 2 * (1 + std::tanh(std::sqrt(2 / 3.14159265358979323846264L) * (x + 0.044715L * x * x * x))); }

constexpr Number pi = 3.14159265358979323846264338328L;

/// By Newton from the result in double: erf in the middle, erfc in the tails.
Number erfinv(Number x) {
    const Number m = std::fabs(x);
    if (!(m < 1)) return m == 1 ? std::copysign(Number(inf), x) : Number(nan);
    Number y = 0.9L * m;
    if (m > 0.7L) y = std::sqrt(-std::log(1 - m));
    for (int i = 0; i < 60; ++i) {
        const Number off = m < 0.5L ? std::erf(y) - m : (1 - m) - std::erfc(y), slope = 2 / std::sqrt(pi) * std::exp(-y * y);
        y -= off / (slope + y * off);  // Halley
    }
    return std::copysign(y, x);
}
/// Shifted far up, then by the asymptotic series; below 0 reflected.
Number digamma(Number x) {
    if (x == 0) return -std::copysign(Number(inf), x);
    if (x < 0) {
        if (x == std::floor(x)) return nan;
        return digamma(1 - x) - pi / std::tan(pi * (x - std::rint(x)));
    }
    Number total = 0;
    for (; x < 40; x += 1) total -= 1 / x;
    const Number s = 1 / (x * x);
    return total + std::log(x) - 1 / (2 * x) - s * (1 / 12.0L - s * (1 / 120.0L - s * (1 / 252.0L - s * (1 / 240.0L - s / 132))));
}
Number trigamma(Number x) {
    Number total = 0;
    for (; x < 40; x += 1) total += 1 / (x * x);
    const Number s = 1 / (x * x);
    return total + 1 / x + s / 2 + s / x * (1 / 6.0L - s * (1 / 30.0L - s * (1 / 42.0L - s * (1 / 30.0L - s * 5 / 66))));
}
Number sinc(Number x) {
    if (x == 0 || std::isinf(x)) return x == 0;
    const Number n = std::rint(x);
    const Number s = std::sin(pi * (x - n)) * (std::fmod(n, 2) == 0 ? 1 : -1);
    return s / (pi * x);
}
Number shrunk(Number x) {
    if (!(std::fabs(x) < 0.1L)) return x - std::tanh(x);
    const Number s = x * x;
    return x * s *
           (1 / 3.0L -
            s * (2 / 15.0L -
                 s * (17 / 315.0L - s * (62 / 2835.0L - s * (1382 / 155925.0L - s * (21844 / 6081075.0L - s * 929569 / 638512875.0L))))));
}
Number mish(Number x) {
    if (x > 30) return x;
    if (x < -1e4L) return 0;
    const Number e = std::exp(x), n = e * (e + 2);
    return x * (n / (n + 2));
}

// clang-format off
const std::vector<Unary>& unary_table() {
    static const std::vector<Unary> table{
        {"negative", [](X x) { return negative(x); }, [](Number x) { return -x; }, -all, all, 0, 0},
        {"operator-", [](X x) { return -x; }, [](Number x) { return -x; }, -all, all, 0, 0},
        {"positive", [](X x) { return positive(x); }, [](Number x) { return x; }, -all, all, 0, 0},
        {"abs", [](X x) { return abs(x); }, [](Number x) { return std::fabs(x); }, -all, all, 0, 0},
        {"sign", [](X x) { return sign(x); }, sign_of, -all, all, 0, 0},
        {"square", [](X x) { return square(x); }, [](Number x) { return x * x; }, -all, all, 1, 1},
        {"sqrt", [](X x) { return sqrt(x); }, [](Number x) { return std::sqrt(x); }, -all, all, 1, 1},
        {"cbrt", [](X x) { return cbrt(x); }, [](Number x) { return std::cbrt(x); }, -all, all, 2, 2},
        {"reciprocal", [](X x) { return reciprocal(x); }, [](Number x) { return 1 / x; }, -all, all, 1, 1},
        {"exp", [](X x) { return exp(x); }, [](Number x) { return std::exp(x); }, -all, all, 2, 2},
        {"exp2", [](X x) { return exp2(x); }, [](Number x) { return std::exp2(x); }, -all, all, 2, 2},
        {"expm1", [](X x) { return expm1(x); }, [](Number x) { return std::expm1(x); }, -all, all, 2, 2},
        {"log", [](X x) { return log(x); }, [](Number x) { return std::log(x); }, -all, all, 2, 2},
        {"log2", [](X x) { return log2(x); }, [](Number x) { return std::log2(x); }, -all, all, 2, 2},
        {"log10", [](X x) { return log10(x); }, [](Number x) { return std::log10(x); }, -all, all, 2, 2},
        {"log1p", [](X x) { return log1p(x); }, [](Number x) { return std::log1p(x); }, -all, all, 2, 2},
        {"sin", [](X x) { return sin(x); }, [](Number x) { return std::sin(x); }, -all, all, 8, 2},
        {"cos", [](X x) { return cos(x); }, [](Number x) { return std::cos(x); }, -all, all, 2, 2},
        {"tan", [](X x) { return tan(x); }, [](Number x) { return std::tan(x); }, -all, all, 8, 3},
        {"asin", [](X x) { return asin(x); }, [](Number x) { return std::asin(x); }, -all, all, 2, 2},
        {"acos", [](X x) { return acos(x); }, [](Number x) { return std::acos(x); }, -all, all, 2, 2},
        {"atan", [](X x) { return atan(x); }, [](Number x) { return std::atan(x); }, -all, all, 2, 2},
        {"sinh", [](X x) { return sinh(x); }, [](Number x) { return std::sinh(x); }, -all, all, 3, 3},
        {"cosh", [](X x) { return cosh(x); }, [](Number x) { return std::cosh(x); }, -all, all, 3, 3},
        {"tanh", [](X x) { return tanh(x); }, [](Number x) { return std::tanh(x); }, -all, all, 3, 3},
        {"asinh", [](X x) { return asinh(x); }, [](Number x) { return std::asinh(x); }, -all, all, 3, 3},
        {"acosh", [](X x) { return acosh(x); }, [](Number x) { return std::acosh(x); }, -all, all, 3, 3},
        {"atanh", [](X x) { return atanh(x); }, [](Number x) { return std::atanh(x); }, -all, all, 3, 3},
        {"erf", [](X x) { return erf(x); }, [](Number x) { return std::erf(x); }, -all, all, 3, 3},
        {"deg2rad", [](X x) { return deg2rad(x); }, [](Number x) { return x * (pi / 180); }, -all, all, 2, 2},
        {"rad2deg", [](X x) { return rad2deg(x); }, [](Number x) { return x * (180 / pi); }, -all, all, 2, 2},
        {"erfc", [](X x) { return erfc(x); }, [](Number x) { return std::erfc(x); }, -all, all, 5, 5},
        {"erfinv", [](X x) { return erfinv(x); }, erfinv, -all, all, 4, 4},
        {"lgamma", [](X x) { return lgamma(x); }, [](Number x) { return std::lgamma(x); }, 3, all, 4, 2},
        {"lgamma(up to 0.5)", [](X x) { return lgamma(x); }, [](Number x) { return std::lgamma(x); }, 0, 0.5, 4, 2},
        {"digamma", [](X x) { return digamma(x); }, digamma, 0, all, 6, 2},
        {"digamma(half way between poles)", [](X x) { return digamma(floor(x) - 0.375); }, [](Number x) { return digamma(std::floor(x) - 0.375L); }, -1e6, 0, 6, 2},
        {"polygamma", [](X x) { return polygamma(1, x); }, trigamma, 1e-150, 1e300, 6, 2},
        {"sinc", [](X x) { return sinc(x); }, sinc, -all, all, 6, 6},
        {"heaviside", [](X x) { return heaviside(x, 0.5); }, [](Number x) { return std::isnan(x) ? x : x == 0 ? 0.5L : Number(x > 0); }, -all, all, 0, 0},
        {"nan_to_num", [](X x) { return nan_to_num(x, {.nan = 1, .posinf = 2, .neginf = 3}); }, [](Number x) { return std::isnan(x) ? 1 : std::isinf(x) ? (x > 0 ? 2 : 3) : x; }, -all, all, 0, 0},
        {"logsigmoid", [](X x) { return logsigmoid(x); }, [](Number x) { return std::fmin(x, Number(0)) - std::log1p(std::exp(-std::fabs(x))) + (std::isinf(x) ? 0 : 0 * x); }, -all, all, 4, 4},
        {"softsign", [](X x) { return softsign(x); }, [](Number x) { return std::isinf(x) ? std::copysign(Number(1), x) : x / (1 + std::fabs(x)); }, -all, all, 2, 2},
        {"mish", [](X x) { return mish(x); }, mish, -80, all, 6, 6},
        {"prelu", [](X x) { return prelu(x, 0.25); }, [](Number x) { return x > 0 ? x : x / 4; }, -all, all, 0, 0},
        {"selu", [](X x) { return selu(x); }, [](Number x) { return 1.0507009873554804934193349852946L * (x > 0 ? x : 1.6732632423543772848170429916717L * std::expm1(x)); }, -all, all, 3, 3},
        {"celu", [](X x) { return celu(x, 2); }, [](Number x) { return x > 0 ? x : 2 * std::expm1(x / 2); }, -all, all, 3, 3},
        {"hardtanh", [](X x) { return hardtanh(x, -0.5, 2); }, [](Number x) { return x < -0.5L ? -0.5L : x > 2 ? 2 : x; }, -all, all, 0, 0},
        {"relu6", [](X x) { return relu6(x); }, [](Number x) { return x < 0 ? 0 : x > 6 ? 6 : x; }, -all, all, 0, 0},
        {"hardsigmoid", [](X x) { return hardsigmoid(x); }, [](Number x) { return x < -3 ? 0 : x > 3 ? 1 : (x + 3) / 6; }, -2.5, all, 3, 3},
        {"hardswish", [](X x) { return hardswish(x); }, [](Number x) { return x < -3 ? 0 : x > 3 ? x : x * (x + 3) / 6; }, -2.5, all, 3, 3},
        {"tanhshrink", [](X x) { return tanhshrink(x); }, shrunk, -all, all, 8, 8},
        {"softshrink", [](X x) { return softshrink(x); }, [](Number x) { return x > 0.5L ? x - 0.5L : x < -0.5L ? x + 0.5L : 0 * x; }, -all, all, 1, 1},
        {"hardshrink", [](X x) { return hardshrink(x); }, [](Number x) { return std::fabs(x) <= 0.5L ? 0 : x; }, -all, all, 0, 0},
        {"threshold", [](X x) { return threshold(x, 0.5, 7); }, [](Number x) { return x <= 0.5L ? 7 : x; }, -all, all, 0, 0},
        {"floor", [](X x) { return floor(x); }, [](Number x) { return std::floor(x); }, -all, all, 0, 0},
        {"ceil", [](X x) { return ceil(x); }, [](Number x) { return std::ceil(x); }, -all, all, 0, 0},
        {"round", [](X x) { return round(x); }, round_half_even, -all, all, 0, 0},
        {"trunc", [](X x) { return trunc(x); }, [](Number x) { return std::trunc(x); }, -all, all, 0, 0},
        {"clip", [](X x) { return clip(x, -0.5, 2); }, [](Number x) { return x < -0.5L ? -0.5L : x > 2 ? 2 : x; }, -all, all, 0, 0},
        {"sigmoid", [](X x) { return sigmoid(x); }, [](Number x) { return 1 / (1 + std::exp(-x)); }, -all, all, 4, 4},
        {"relu", [](X x) { return relu(x); }, [](Number x) { return x < 0 ? 0 : x; }, -all, all, 0, 0},
        {"leaky_relu", [](X x) { return leaky_relu(x, 0.25); }, [](Number x) { return x > 0 ? x : x / 4; }, -all, all, 0, 0},
        {"elu", [](X x) { return elu(x, 1.5); }, [](Number x) { return x > 0 ? x : 1.5L * std::expm1(x); }, -all, all, 3, 3},
        {"gelu", [](X x) { return gelu(x); }, [](Number x) { return x / 2 * std::erfc(-x * 0.707106781186547524400844L); }, -1, all, 6, 6},
        {"gelu(tanh)", [](X x) { return gelu(x, Gelu::tanh); }, gelu_tanh, -1, 1e10, 8, 8},
        {"silu", [](X x) { return silu(x); }, [](Number x) { return x / (1 + std::exp(-x)); }, -80, all, 4, 4},
        {"softplus", [](X x) { return softplus(x); }, [](Number x) { return std::fmax(x, Number(0)) + std::log1p(std::exp(-std::fabs(x))) + 0 * x; }, -1e300, 1e300, 4, 4},
        {"isnan", [](X x) { return isnan(x); }, [](Number x) { return Number(std::isnan(x)); }, -all, all, 0, 0},
        {"isinf", [](X x) { return isinf(x); }, [](Number x) { return Number(std::isinf(x)); }, -all, all, 0, 0},
        {"isfinite", [](X x) { return isfinite(x); }, [](Number x) { return Number(std::isfinite(x)); }, -all, all, 0, 0},
        {"signbit", [](X x) { return signbit(x); }, [](Number x) { return Number(std::signbit(x)); }, -all, all, 0, 0},
        {"logical_not", [](X x) { return logical_not(x != 0.0); }, [](Number x) { return Number(x == 0); }, -all, all, 0, 0},
    };
    return table;
}

const std::vector<Binary>& binary_table() {
    using N = Number;
    static const std::vector<Binary> table{
        {"add", [](X a, X b) { return add(a, b); }, [](N a, N b) { return a + b; }, 1, 1},
        {"operator+", [](X a, X b) { return a + b; }, [](N a, N b) { return a + b; }, 1, 1},
        {"subtract", [](X a, X b) { return subtract(a, b); }, [](N a, N b) { return a - b; }, 1, 1},
        {"operator-", [](X a, X b) { return a - b; }, [](N a, N b) { return a - b; }, 1, 1},
        {"multiply", [](X a, X b) { return multiply(a, b); }, [](N a, N b) { return a * b; }, 1, 1},
        {"operator*", [](X a, X b) { return a * b; }, [](N a, N b) { return a * b; }, 1, 1},
        {"divide", [](X a, X b) { return divide(a, b); }, [](N a, N b) { return a / b; }, 1, 1},
        {"operator/", [](X a, X b) { return a / b; }, [](N a, N b) { return a / b; }, 1, 1},
        {"floor_divide", [](X a, X b) { return floor_divide(a, b); }, [](N a, N b) { return std::floor(a / b); }, 1, 1, 0.125, 1000},
        {"remainder", [](X a, X b) { return remainder(a, b); }, [](N a, N b) { const N r = std::fmod(a, b); return r != 0 && (r < 0) != (b < 0) ? r + b : r; }, 1, 1, -1000, 1000},
        {"fmod", [](X a, X b) { return fmod(a, b); }, [](N a, N b) { return std::fmod(a, b); }, 1, 1, -1000, 1000},
        {"pow", [](X a, X b) { return pow(a, b); }, [](N a, N b) { return std::pow(a, b); }, 2, 2},
        {"logaddexp", [](X a, X b) { return logaddexp(a, b); }, [](N a, N b) { const N m = std::fmax(a, b); return std::isinf(m) && !std::isnan(a + b) ? m : m + std::log1p(std::exp(-std::fabs(a - b))) + 0 * (a + b); }, 4, 4, 0, 1e30},
        {"xlogy", [](X a, X b) { return xlogy(a, b); }, [](N a, N b) { return a == 0 && !std::isnan(b) ? N(0) : a * std::log(b); }, 3, 3},
        {"atan2", [](X a, X b) { return atan2(a, b); }, [](N a, N b) { return std::atan2(a, b); }, 3, 3},
        {"hypot", [](X a, X b) { return hypot(a, b); }, [](N a, N b) { return std::hypot(a, b); }, 2, 2},
        {"maximum", [](X a, X b) { return maximum(a, b); }, [](N a, N b) { return std::isnan(a) || std::isnan(b) ? N(nan) : std::fmax(a, b); }, 0, 0},
        {"minimum", [](X a, X b) { return minimum(a, b); }, [](N a, N b) { return std::isnan(a) || std::isnan(b) ? N(nan) : std::fmin(a, b); }, 0, 0},
        {"fmax", [](X a, X b) { return fmax(a, b); }, [](N a, N b) { return std::fmax(a, b); }, 0, 0},
        {"fmin", [](X a, X b) { return fmin(a, b); }, [](N a, N b) { return std::fmin(a, b); }, 0, 0},
        {"copysign", [](X a, X b) { return copysign(a, b); }, [](N a, N b) { return std::copysign(a, b); }, 0, 0},
        {"where", [](X a, X b) { return where(a > b, a, b * 2.0); }, [](N a, N b) { return a > b ? a : b * 2; }, 0, 0, -1e30, 1e30},
        {"equal", [](X a, X b) { return equal(a, b); }, [](N a, N b) { return N(a == b); }, 0, 0},
        {"operator==", [](X a, X b) { return a == b; }, [](N a, N b) { return N(a == b); }, 0, 0},
        {"not_equal", [](X a, X b) { return not_equal(a, b); }, [](N a, N b) { return N(a != b); }, 0, 0},
        {"operator!=", [](X a, X b) { return a != b; }, [](N a, N b) { return N(a != b); }, 0, 0},
        {"less", [](X a, X b) { return less(a, b); }, [](N a, N b) { return N(a < b); }, 0, 0},
        {"operator<", [](X a, X b) { return a < b; }, [](N a, N b) { return N(a < b); }, 0, 0},
        {"less_equal", [](X a, X b) { return less_equal(a, b); }, [](N a, N b) { return N(a <= b); }, 0, 0},
        {"operator<=", [](X a, X b) { return a <= b; }, [](N a, N b) { return N(a <= b); }, 0, 0},
        {"greater", [](X a, X b) { return greater(a, b); }, [](N a, N b) { return N(a > b); }, 0, 0},
        {"operator>", [](X a, X b) { return a > b; }, [](N a, N b) { return N(a > b); }, 0, 0},
        {"greater_equal", [](X a, X b) { return greater_equal(a, b); }, [](N a, N b) { return N(a >= b); }, 0, 0},
        {"operator>=", [](X a, X b) { return a >= b; }, [](N a, N b) { return N(a >= b); }, 0, 0},
        {"logical_and", [](X a, X b) { return logical_and(a > 0.0, b > 0.0); }, [](N a, N b) { return N(a > 0 && b > 0); }, 0, 0},
        {"logical_or", [](X a, X b) { return logical_or(a > 0.0, b > 0.0); }, [](N a, N b) { return N(a > 0 || b > 0); }, 0, 0},
        {"logical_xor", [](X a, X b) { return logical_xor(a > 0.0, b > 0.0); }, [](N a, N b) { return N((a > 0) != (b > 0)); }, 0, 0},
    };
    return table;
}
// clang-format on

/// Zeros, infinities, NaN, denormals, the ends of the range, halves and integers, and the places where functions bend.
template <class T>
std::vector<T> special_arguments() {
    using L = std::numeric_limits<T>;
    std::vector<T> xs{0,
                      L::denorm_min(),
                      L::min() / 2,
                      L::min(),
                      L::epsilon() / 4,
                      L::epsilon(),
                      T(1e-5),
                      T(0.1),
                      T(0.25),
                      T(0.5),
                      T(0.625),
                      T(0.99),
                      T(1),
                      T(1) + L::epsilon(),
                      T(1.5),
                      T(2),
                      T(2.5),
                      T(3),
                      T(3.14159265358979323846),
                      T(10),
                      T(20),
                      T(87),
                      T(88.5),
                      T(104),
                      T(700),
                      T(709),
                      T(745),
                      T(1000),
                      T(1e4),
                      T(12345678),
                      T(1e10),
                      T(1e30),
                      L::max(),
                      L::infinity()};
    const std::size_t positive = xs.size();
    for (std::size_t i = 0; i < positive; ++i) xs.push_back(-xs[i]);
    xs.push_back(L::quiet_NaN());
    return xs;
}

/// The special arguments, then `count` numbers, half of them of every order of magnitude, half between -10 and 10.
template <class T>
std::vector<T> arguments(int count, double low, double high, std::uint64_t seed = 7) {
    std::mt19937_64 engine(seed);
    const auto uniform = [&] { return static_cast<double>(engine() >> 11) * 0x1p-53; };
    const double largest = std::log2(static_cast<double>(std::numeric_limits<T>::max()));
    std::vector<T> xs = special_arguments<T>();
    for (int i = 0; i < count; ++i) {
        const double size = i % 2 ? std::exp2((2 * uniform() - 1) * (largest - 1)) : 10 * uniform();
        xs.push_back(static_cast<T>(engine() & 1 ? size : -size));
    }
    std::erase_if(xs, [&](T x) { return !std::isnan(x) && !(low <= static_cast<double>(x) && static_cast<double>(x) <= high); });
    return xs;
}

/// The distance of `got` from `exact` in units of the last place of T there.
template <class T>
double ulps(double got, Number exact) {
    const T nearest = static_cast<T>(exact);
    if (std::isnan(nearest)) return std::isnan(got) ? 0 : inf;
    if (static_cast<T>(got) == nearest) return 0;
    if (std::isnan(got)) return inf;
    using L = std::numeric_limits<T>;
    const Number error = std::fabs(static_cast<Number>(got) - exact);
    if (std::fabs(exact) < 4 * L::min()) return static_cast<double>(error / L::min());
    if (std::isinf(nearest) || std::isinf(got)) {  // next to the end of the range, the largest number will do
        return std::fabs(exact) > L::max() * Number(0.999999) && std::fabs(got) > L::max() * Number(0.999999) && (got > 0) == (exact > 0)
                   ? 1
                   : inf;
    }
    const Number unit = std::ldexp(Number(1), std::ilogb(exact) - (L::digits - 1));
    return static_cast<double>(error / unit);
}

class Worst {
public:
    void add(double error, const std::string& where) {
        if (error > error_) {
            error_ = error;
            where_ = where;
        }
    }
    std::string over(double bound) const {
        return error_ > bound ? "is off by " + std::to_string(error_) + " ulp at " + where_ : std::string();
    }

private:
    double error_ = 0;
    std::string where_;
};

template <class T>
std::string text(T x) {
    std::ostringstream out;
    out.precision(std::numeric_limits<T>::max_digits10);
    out << x;
    return out.str();
}

template <class T>
std::string complaint(const Unary& row, double bound) {
    const std::vector<T> xs = arguments<T>(4000, row.low, row.high);
    const std::vector<double> got = tests::values(row.f(tensor(xs)));
    Worst worst;
    for (std::size_t i = 0; i < xs.size(); ++i) {
        const Number exact = row.reference(static_cast<Number>(xs[i]));
        worst.add(ulps<T>(got[i], exact), text(xs[i]) + " (got " + text(got[i]) + ", exact is " + text(static_cast<double>(exact)) + ")");
    }
    return worst.over(bound);
}

template <class T>
std::string complaint(const Binary& row, double bound) {
    std::vector<T> as, bs;
    const std::vector<T> special = arguments<T>(0, row.low, row.high);
    for (const T a : special)
        for (const T b : special) {
            as.push_back(a);
            bs.push_back(b);
        }
    const std::vector<T> more_a = arguments<T>(3000, row.low, row.high, 8), more_b = arguments<T>(3000, row.low, row.high, 9);
    for (std::size_t i = 0; i < std::min(more_a.size(), more_b.size()); ++i) {
        as.push_back(more_a[i]);
        bs.push_back(more_b[i]);
    }
    const std::vector<double> got = tests::values(row.f(tensor(as), tensor(bs)));
    Worst worst;
    for (std::size_t i = 0; i < as.size(); ++i) {
        const Number exact = row.reference(static_cast<Number>(as[i]), static_cast<Number>(bs[i]));
        worst.add(ulps<T>(got[i], exact),
                  text(as[i]) + ", " + text(bs[i]) + " (got " + text(got[i]) + ", exact is " + text(static_cast<double>(exact)) + ")");
    }
    return worst.over(bound);
}

/// One value of x's elements does not depend on its neighbours or on the length: SIMD tails.
template <class T, class F>
bool same_for_every_length(const F& f, const std::vector<T>& xs) {
    const std::vector<double> whole = tests::values(f(tensor(xs)));
    for (std::size_t length = 0; length <= 70; ++length) {
        const std::vector<T> head(xs.begin(), xs.begin() + static_cast<std::ptrdiff_t>(length));
        const std::vector<double> got = tests::values(f(tensor(head)));
        if (got.size() != length) return false;
        for (std::size_t i = 0; i < length; ++i)
            if (got[i] != whole[i] && !(std::isnan(got[i]) && std::isnan(whole[i]))) return false;
    }
    return true;
}

template <class T>
std::vector<T> seventy(std::uint64_t seed) {
    std::mt19937_64 engine(seed);
    std::vector<T> xs(77);
    for (T& x : xs) x = static_cast<T>(3 * static_cast<double>(engine() >> 11) * 0x1p-53 - 1.5);
    return xs;
}

template <class T, class F>
bool broadcasts(const F& f, const Shape& a, const Shape& b) {
    const auto count = [](const Shape& s) {
        std::vector<T> v(static_cast<std::size_t>(s.size()));
        for (std::size_t i = 0; i < v.size(); ++i) v[i] = static_cast<T>((i * 7) % 1013);
        return v;
    };
    const std::vector<T> va = count(a), vb = count(b);
    const Tensor y = f(tensor(va, a), tensor(vb, b));
    const Shape shape = broadcast_shapes(a, b);
    if (y.shape() != shape) return false;
    const auto position = [&](const Shape& s, std::int64_t flat) {
        std::int64_t at = 0, stride = 1;
        for (int axis = shape.rank(); axis-- > 0; flat /= shape[axis]) {
            const int own = axis - (shape.rank() - s.rank());
            if (own < 0) continue;
            at += (s[own] == 1 ? 0 : flat % shape[axis]) * stride;
            stride *= s[own];
        }
        return static_cast<std::size_t>(at);
    };
    const auto got = y.template data<T>();
    for (std::int64_t i = 0; i < shape.size(); ++i)
        if (got[static_cast<std::size_t>(i)] != va[position(a, i)] - vb[position(b, i)]) return false;
    return true;
}

std::set<std::string> declared() {
    std::ifstream in(std::filesystem::path(XGRAD_SOURCE_DIR) / "autodiff" / "ops" / "elementwise.hpp");
    const std::regex declaration(R"(^XGRAD_API Tensor ([a-z]\w*|operator\S+?)\()");
    std::set<std::string> names;
    for (std::string line; std::getline(in, line);)
        if (std::smatch match; std::regex_search(line, match, declaration)) names.insert(match[1]);
    return names;
}

}  // namespace

TEST_SUITE("element-wise values") {
    TEST_CASE("every element-wise operation has its values checked") {
        std::set<std::string> rows;
        const auto operation = [](const std::string& name) { return name.substr(0, name.find('(')); };
        for (const Unary& row : unary_table()) rows.insert(operation(row.name));
        for (const Binary& row : binary_table()) rows.insert(operation(row.name));
        for (const std::string& name : declared()) CHECK_MESSAGE(rows.count(name), name << " has no row in elementwise_values_test.cpp");
    }

    TEST_CASE("functions of one argument are right to a few units in the last place in f64") {
        for (const Unary& row : unary_table()) {
            const std::string problem = complaint<double>(row, row.ulp64);
            CHECK_MESSAGE(problem.empty(), row.name << ' ' << problem);
        }
    }

    TEST_CASE("functions of one argument are right to a few units in the last place in f32") {
        for (const Unary& row : unary_table()) {
            const std::string problem = complaint<float>(row, row.ulp32);
            CHECK_MESSAGE(problem.empty(), row.name << ' ' << problem);
        }
    }

    TEST_CASE("functions of two arguments are right to a few units in the last place in f64") {
        for (const Binary& row : binary_table()) {
            const std::string problem = complaint<double>(row, row.ulp64);
            CHECK_MESSAGE(problem.empty(), row.name << ' ' << problem);
        }
    }

    TEST_CASE("functions of two arguments are right to a few units in the last place in f32") {
        for (const Binary& row : binary_table()) {
            const std::string problem = complaint<float>(row, row.ulp32);
            CHECK_MESSAGE(problem.empty(), row.name << ' ' << problem);
        }
    }

    TEST_CASE("the sign of zero is kept") {
        const auto odd = {"negative", "positive", "sqrt",  "cbrt",   "expm1",   "log1p",    "sin",  "tan",
                          "asin",     "atan",     "sinh",  "tanh",   "asinh",   "atanh",    "erf",  "floor",
                          "ceil",     "round",    "trunc", "erfinv", "deg2rad", "softsign", "mish", "tanhshrink"};
        for (const Unary& row : unary_table())
            for (const std::string name : odd)
                if (name == row.name)
                    for (const double zero : {0.0, -0.0}) {
                        const bool expected = std::signbit(row.reference(zero));
                        CHECK_MESSAGE(std::signbit(row.f(scalar(zero)).item<double>()) == expected,
                                      row.name << " of " << zero << " in f64");
                        CHECK_MESSAGE(std::signbit(row.f(scalar(static_cast<float>(zero))).item<double>()) == expected,
                                      row.name << " of " << zero << " in f32");
                    }
    }

    TEST_CASE("values do not depend on the length of a tensor") {
        for (const Unary& row : unary_table()) {
            CHECK_MESSAGE(same_for_every_length(row.f, seventy<double>(1)), row.name << " in f64");
            CHECK_MESSAGE(same_for_every_length(row.f, seventy<float>(1)), row.name << " in f32");
        }
        for (const Binary& row : binary_table()) {
            const auto same = [&]<class T>(T) {
                const std::vector<T> other = seventy<T>(2);
                return same_for_every_length([&](const Tensor& a) { return row.f(a, slice(tensor(other), 0, 0, a.size())); },
                                             seventy<T>(1)) &&
                       same_for_every_length([&](const Tensor& a) { return row.f(a, scalar(T(0.75))); }, seventy<T>(1)) &&
                       same_for_every_length([&](const Tensor& b) { return row.f(scalar(T(0.75)), b); }, seventy<T>(1));
            };
            CHECK_MESSAGE(same(0.0), row.name << " in f64");
            CHECK_MESSAGE(same(0.0f), row.name << " in f32");
        }
    }

    TEST_CASE("shapes broadcast as in NumPy") {
        const auto minus = [](const Tensor& a, const Tensor& b) { return a - b; };
        const std::vector<std::pair<Shape, Shape>> pairs{
            {{3, 4}, {4}},
            {{4}, {3, 4}},
            {{3, 1}, {1, 4}},
            {{3, 4}, {3, 1}},
            {{3, 1}, {3, 4}},
            {{}, {3, 4}},
            {{3, 4}, {}},
            {{2, 3, 4}, {3, 1}},
            {{2, 1, 4}, {3, 1}},
            {{1, 1}, {1}},
            {{0, 3}, {3}},
            {{0, 3}, {1, 1}},
            {{5, 1, 7}, {6, 1}},
            {{2, 3, 1, 5}, {1, 4, 1}},
            {{1, 2, 1, 2, 1, 2}, {2, 1, 2, 1, 2, 1}},
            {{600, 1}, {1, 700}},
            {{600, 700}, {700}},
            {{600, 700}, {600, 1}},
        };
        for (const auto& pair : pairs) {
            const auto &a = pair.first, &b = pair.second;  // clang 14 does not capture structured bindings
            CAPTURE(a);
            CAPTURE(b);
            CHECK(broadcasts<double>(minus, a, b));
            CHECK(broadcasts<float>(minus, a, b));
            CHECK(broadcasts<std::int64_t>(minus, a, b));
            CHECK(broadcasts<std::int32_t>(minus, a, b));
        }
    }

    TEST_CASE("integers have arithmetic and comparisons") {
        using I = std::int64_t;
        const Tensor a = tensor({I{-7}, I{7}, I{0}, I{9'007'199'254'740'993}}), b = tensor({I{3}, I{-3}, I{5}, I{2}});
        const auto is = [](const Tensor& x, std::initializer_list<I> expected) {
            const auto data = x.data<I>();
            return std::equal(data.begin(), data.end(), expected.begin(), expected.end());
        };
        CHECK(is(a + b, {-4, 4, 5, 9'007'199'254'740'995}));
        CHECK(is(a - b, {-10, 10, -5, 9'007'199'254'740'991}));
        CHECK(is(a * b, {-21, -21, 0, 18'014'398'509'481'986}));
        CHECK(is(floor_divide(a, b), {-3, -3, 0, 4'503'599'627'370'496}));
        CHECK(is(remainder(a, b), {2, -2, 0, 1}));
        CHECK(is(fmod(a, b), {-1, 1, 0, 1}));
        CHECK(is(negative(a), {7, -7, 0, -9'007'199'254'740'993}));
        CHECK(is(abs(a), {7, 7, 0, 9'007'199'254'740'993}));
        CHECK(is(maximum(a, b), {3, 7, 5, 9'007'199'254'740'993}));
        CHECK(is(minimum(a, b), {-7, -3, 0, 2}));
        CHECK(is(a + 1, {-6, 8, 1, 9'007'199'254'740'994}));
        CHECK(is(where(a > b, a, b), {3, 7, 5, 9'007'199'254'740'993}));
        CHECK(tests::values(a > b) == std::vector<double>{0, 1, 0, 1});
        CHECK(tests::values(a == a) == std::vector<double>{1, 1, 1, 1});
        const Tensor c = tensor({7, -7}), d = tensor({2, 2});
        CHECK(c.dtype() == DType::i32);
        CHECK((c * d).dtype() == DType::i32);
        CHECK(tests::values(c * d) == std::vector<double>{14, -14});
        CHECK(tests::values(remainder(c, d)) == std::vector<double>{1, 1});
    }

    TEST_CASE("a plain number takes the dtype of the tensor") {
        CHECK((tensor({1.0f}) + 0.5).dtype() == DType::f32);
        CHECK((0.5 * tensor({1.0})).dtype() == DType::f64);
        CHECK((1 - tensor({1, 2})).dtype() == DType::i32);
        CHECK((tensor({1.0f}) > 0.5).dtype() == DType::boolean);
        CHECK(where(tensor({true, false}), tensor({1.0f, 2.0f}), 0).dtype() == DType::f32);
    }

    TEST_CASE("a temporary operand gives the value that a kept one gives") {
        const Tensor a = tensor({1.0, 2.0, 3.0}), row = tensor({{1.0}, {2.0}});
        CHECK(tests::close(exp(a + 1.0), exp(tensor({2.0, 3.0, 4.0}))));
        CHECK(tests::close((a + 0.0) - (a * 2.0), -a));
        CHECK(tests::close((a * 1.0) - row, a - row));
        CHECK(tests::close(row - (a * 1.0), row - a));
        CHECK(tests::close(a, tensor({1.0, 2.0, 3.0})));
        Tensor kept = a * 1.0;
        const Tensor same = kept;
        const Tensor moved = exp(std::move(kept));
        CHECK(tests::close(same, a));
        CHECK(tests::close(moved, exp(a)));
    }
}
