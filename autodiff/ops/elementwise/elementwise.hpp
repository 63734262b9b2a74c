#pragma once

#include <concepts>
#include <limits>
#include <optional>

#include "autodiff/core/tensor.hpp"

// Element-wise operations, with NumPy's broadcasting and names. Each takes tensors of one dtype, or a tensor and a
// plain number, which takes the tensor's dtype; mixed dtypes are a DTypeError, shapes that do not broadcast a
// ShapeError. Differentiable ones need f32 or f64 (arithmetic also works on i32 and i64, without gradient). Errors name
// the line of the call. The formulas and their derivatives are in
// rules/*.hpp; functions that have nothing but their rule are declared beside it, in rules/*.inc.

namespace xgrad {

// clang-format off
#define XGRAD_UNARY(function, Rule) XGRAD_API Tensor function(const Operand& x);
#define XGRAD_UNARY_1(function, Rule, p, default_p) XGRAD_API Tensor function(const Operand& x, double p default_p);
#define XGRAD_UNARY_2(function, Rule, p, default_p, q, default_q) \
    XGRAD_API Tensor function(const Operand& x, double p default_p, double q default_q);
#define XGRAD_BINARY(function, Rule, a, b) XGRAD_API Tensor function(const Operand& a, const Operand& b);
#define XGRAD_RULE(Rule)
#include "autodiff/rules/all.inc"
// clang-format on

// --- arithmetic ------------------------------------------------------------------------------------------------------

/// a**b. At a = 0: gradient to a is 0 for b = 0 and b > 1, 1 for b = 1; gradient to b is 0 for b >= 0.
XGRAD_API Tensor pow(const Operand& a, const Operand& b);
/// +x: the same tensor.
XGRAD_API Tensor positive(const Operand& x);
XGRAD_API Tensor operator+(const Operand& a, const Operand& b);
XGRAD_API Tensor operator-(const Operand& a, const Operand& b);
XGRAD_API Tensor operator*(const Operand& a, const Operand& b);
XGRAD_API Tensor operator/(const Operand& a, const Operand& b);
/// remainder: has the sign of b, like Python's %.
XGRAD_API Tensor operator%(const Operand& a, const Operand& b);
XGRAD_API Tensor operator-(const Operand& x);
inline Tensor operator+(const Operand& x) { return positive(x); }
/// a = a + b and so on: the handle refers to the new result; other handles keep the old value. A Parameter keeps its
/// identity.
template <std::derived_from<Tensor> T>
T& operator+=(T& a, const Operand& b) {
    return a = add(Operand(a, b.where()), b);
}
template <std::derived_from<Tensor> T>
T& operator-=(T& a, const Operand& b) {
    return a = subtract(Operand(a, b.where()), b);
}
template <std::derived_from<Tensor> T>
T& operator*=(T& a, const Operand& b) {
    return a = multiply(Operand(a, b.where()), b);
}
template <std::derived_from<Tensor> T>
T& operator/=(T& a, const Operand& b) {
    return a = divide(Operand(a, b.where()), b);
}

template <std::derived_from<Tensor> T>
T& operator%=(T& a, const Operand& b) {
    return a = remainder(Operand(a, b.where()), b);
}

// --- trigonometric and hyperbolic; angles in radians -----------------------------------------------------------------

// --- more functions -----------------------------------------------------------------------------------------------

/// The n-th derivative of digamma, n >= 0 (ValueError otherwise). At 0 and the negative integers: inf for odd n; as
/// digamma for even n.
XGRAD_API Tensor polygamma(int n, const Operand& x);

// --- choosing --------------------------------------------------------------------------------------------------------

/// x clamped to [low, high]; gradient 1 inside and at the limits, 0 outside and at NaN. ValueError if low > high.
XGRAD_API Tensor clip(const Operand& x, PlainNumber low, PlainNumber high);
/// The replacements for NaN, inf and -inf in nan_to_num; by default infinities become the largest finite numbers of the
/// dtype.
struct NanToNum {
    double nan = 0;
    std::optional<double> posinf = {}, neginf = {};
};
/// x with NaN and infinities replaced; gradient 0 there. Integers and bools have none and are unchanged.
XGRAD_API Tensor nan_to_num(const Operand& x, NanToNum options = {});
/// a where condition (bool) is true, else b; all three broadcast. The side that was not chosen gets gradient 0, which
/// an earlier operation's rule may still turn into NaN: sqrt's slope at 0 is inf, and 0 times inf is NaN. So select the
/// argument as well: where(x > 0, sqrt(where(x > 0, x, 1)), 0).
XGRAD_API Tensor where(const Operand& condition, const Operand& a, const Operand& b);

// --- activations -----------------------------------------------------------------------------------------------------

/// How gelu computes the normal distribution function: exactly, or with the tanh approximation of Hendrycks and Gimpel
/// (2016).
enum class Gelu { erf, tanh };
/// x * Phi(x) with Phi the standard normal distribution function.
XGRAD_API Tensor gelu(const Operand& x, Gelu form = Gelu::erf);
/// x for x > 0, else weight * x. The weight has one element, one for each channel (axis 1 of x), or x's own shape:
/// ShapeError otherwise.
XGRAD_API Tensor prelu(const Operand& x, const Operand& weight);

// --- comparisons and logic: bool results, no gradient ----------------------------------------------------------------

XGRAD_API Tensor equal(const Operand& a, const Operand& b);
XGRAD_API Tensor not_equal(const Operand& a, const Operand& b);
XGRAD_API Tensor less(const Operand& a, const Operand& b);
XGRAD_API Tensor less_equal(const Operand& a, const Operand& b);
XGRAD_API Tensor greater(const Operand& a, const Operand& b);
XGRAD_API Tensor greater_equal(const Operand& a, const Operand& b);
XGRAD_API Tensor operator==(const Operand& a, const Operand& b);
XGRAD_API Tensor operator!=(const Operand& a, const Operand& b);
XGRAD_API Tensor operator<(const Operand& a, const Operand& b);
XGRAD_API Tensor operator<=(const Operand& a, const Operand& b);
XGRAD_API Tensor operator>(const Operand& a, const Operand& b);
XGRAD_API Tensor operator>=(const Operand& a, const Operand& b);
/// For bool tensors only (DTypeError otherwise).
XGRAD_API Tensor logical_and(const Operand& a, const Operand& b);
XGRAD_API Tensor logical_or(const Operand& a, const Operand& b);
XGRAD_API Tensor logical_xor(const Operand& a, const Operand& b);
XGRAD_API Tensor logical_not(const Operand& x);
XGRAD_API Tensor isnan(const Operand& x);
XGRAD_API Tensor isinf(const Operand& x);
XGRAD_API Tensor isfinite(const Operand& x);
/// True where the sign bit is set, -0 included.
XGRAD_API Tensor signbit(const Operand& x);

}  // namespace xgrad
