#include <cmath>

#include "elementwise_values.hpp"

namespace tests {

using namespace xgrad;

namespace {

using X = const Tensor&;
constexpr double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN(),
                 all = inf;

Number round_half_even(Number x) { return std::nearbyint(x); }
Number sign_of(Number x) { return std::isnan(x) ? x : static_cast<Number>((x > 0) - (x < 0)); }
Number gelu_tanh(Number x) {
    return x / 2 * (1 + std::tanh(std::sqrt(2 / 3.14159265358979323846264L) * (x + 0.044715L * x * x * x)));
}

constexpr Number pi = 3.14159265358979323846264338328L;

/// By Newton from the result in double: erf in the middle, erfc in the tails.
Number erfinv(Number x) {
    const Number m = std::fabs(x);
    if (!(m < 1)) return m == 1 ? std::copysign(Number(inf), x) : Number(nan);
    Number y = 0.9L * m;
    if (m > 0.7L) y = std::sqrt(-std::log(1 - m));
    for (int i = 0; i < 60; ++i) {
        const Number off = m < 0.5L ? std::erf(y) - m : (1 - m) - std::erfc(y),
                     slope = 2 / std::sqrt(pi) * std::exp(-y * y);
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
    return total + std::log(x) - 1 / (2 * x) -
           s * (1 / 12.0L - s * (1 / 120.0L - s * (1 / 252.0L - s * (1 / 240.0L - s / 132))));
}
Number trigamma(Number x) {
    Number total = 0;
    for (; x < 40; x += 1) total += 1 / (x * x);
    const Number s = 1 / (x * x);
    return total + 1 / x + s / 2 +
           s / x * (1 / 6.0L - s * (1 / 30.0L - s * (1 / 42.0L - s * (1 / 30.0L - s * 5 / 66))));
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
                 s * (17 / 315.0L - s * (62 / 2835.0L - s * (1382 / 155925.0L -
                                                             s * (21844 / 6081075.0L - s * 929569 / 638512875.0L))))));
}
Number mish(Number x) {
    if (x > 30) return x;
    if (x < -1e4L) return 0;
    const Number e = std::exp(x), n = e * (e + 2);
    return x * (n / (n + 2));
}

}  // namespace

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
        {"tanh", [](X x) { return tanh(x); }, [](Number x) { return std::tanh(x); }, -all, all, 2.25, 2.25},
        {"asinh", [](X x) { return asinh(x); }, [](Number x) { return std::asinh(x); }, -all, all, 3, 3},
        {"acosh", [](X x) { return acosh(x); }, [](Number x) { return std::acosh(x); }, -all, all, 3, 3},
        {"atanh", [](X x) { return atanh(x); }, [](Number x) { return std::atanh(x); }, -all, all, 3, 3},
        {"erf", [](X x) { return erf(x); }, [](Number x) { return std::erf(x); }, -all, all, 2, 2},
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
        {"sigmoid", [](X x) { return sigmoid(x); }, [](Number x) { return 1 / (1 + std::exp(-x)); }, -all, all, 2, 2},
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
        {"operator%", [](X a, X b) { return a % b; }, [](N a, N b) { const N r = std::fmod(a, b); return r != 0 && (r < 0) != (b < 0) ? r + b : r; }, 1, 1, -1000, 1000},
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

}  // namespace tests
