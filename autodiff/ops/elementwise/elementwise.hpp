#pragma once

#include <concepts>
#include <limits>
#include <optional>

#include "autodiff/core/tensor.hpp"

// Element-wise operations, with NumPy's broadcasting and names. Each takes tensors of one dtype, or a tensor and a
// plain number, which takes the tensor's dtype; mixed dtypes are a DTypeError, shapes that do not broadcast a
// ShapeError. Differentiable ones need f32 or f64 (arithmetic also works on i32 and i64, without gradient). Errors name
// the line of the call. The formulas and their derivatives are in rules/*.hpp.

namespace xgrad {

// --- arithmetic ------------------------------------------------------------------------------------------------------

XGRAD_API Tensor add(const Operand& a, const Operand& b);
XGRAD_API Tensor subtract(const Operand& a, const Operand& b);
XGRAD_API Tensor multiply(const Operand& a, const Operand& b);
/// a / b. Integers are not divided: use floor_divide, or convert first (DTypeError).
XGRAD_API Tensor divide(const Operand& a, const Operand& b);
/// floor(a / b), rounding towards minus infinity. No gradient.
XGRAD_API Tensor floor_divide(const Operand& a, const Operand& b);
/// a - b*floor(a/b): has the sign of b, like Python's %. Gradients 1 and -floor(a/b).
XGRAD_API Tensor remainder(const Operand& a, const Operand& b);
/// a - b*trunc(a/b): has the sign of a, like C's fmod. Gradients 1 and -trunc(a/b).
XGRAD_API Tensor fmod(const Operand& a, const Operand& b);
/// a**b. At a = 0: gradient to a is 0 for b = 0 and b > 1, 1 for b = 1; gradient to b is 0 for b >= 0.
XGRAD_API Tensor pow(const Operand& a, const Operand& b);
XGRAD_API Tensor negative(const Operand& x);
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

/// |x|; gradient 0 at 0, NaN at NaN.
XGRAD_API Tensor abs(const Operand& x);
/// -1, 0 or 1. No gradient.
XGRAD_API Tensor sign(const Operand& x);
XGRAD_API Tensor square(const Operand& x);
/// Square root; its gradient at 0 is inf.
XGRAD_API Tensor sqrt(const Operand& x);
/// x**(1/3), real for negative x; its gradient at 0 is inf.
XGRAD_API Tensor cbrt(const Operand& x);
/// 1 / x.
XGRAD_API Tensor reciprocal(const Operand& x);

// --- exponentials and logarithms -------------------------------------------------------------------------------------

XGRAD_API Tensor exp(const Operand& x);
XGRAD_API Tensor exp2(const Operand& x);
/// exp(x) - 1, accurate for small x.
XGRAD_API Tensor expm1(const Operand& x);
XGRAD_API Tensor log(const Operand& x);
XGRAD_API Tensor log2(const Operand& x);
XGRAD_API Tensor log10(const Operand& x);
/// log(1 + x), accurate for small x.
XGRAD_API Tensor log1p(const Operand& x);
/// log(exp(a) + exp(b)) without overflow. Gradient: inf gets all of it, two infs half each, two -infs none, as in
/// logsumexp.
XGRAD_API Tensor logaddexp(const Operand& a, const Operand& b);

// --- trigonometric and hyperbolic; angles in radians -----------------------------------------------------------------

XGRAD_API Tensor sin(const Operand& x);
XGRAD_API Tensor cos(const Operand& x);
XGRAD_API Tensor tan(const Operand& x);
XGRAD_API Tensor asin(const Operand& x);
XGRAD_API Tensor acos(const Operand& x);
XGRAD_API Tensor atan(const Operand& x);
/// The angle of the point (x, y) in (-pi, pi]. Gradient 0 at the origin.
XGRAD_API Tensor atan2(const Operand& y, const Operand& x);
/// sqrt(a² + b²) without overflow; gradient 0 at (0, 0).
XGRAD_API Tensor hypot(const Operand& a, const Operand& b);
XGRAD_API Tensor sinh(const Operand& x);
XGRAD_API Tensor cosh(const Operand& x);
XGRAD_API Tensor tanh(const Operand& x);
XGRAD_API Tensor asinh(const Operand& x);
XGRAD_API Tensor acosh(const Operand& x);
XGRAD_API Tensor atanh(const Operand& x);
XGRAD_API Tensor deg2rad(const Operand& x);
XGRAD_API Tensor rad2deg(const Operand& x);

// --- special functions -----------------------------------------------------------------------------------------------

/// The error function 2/sqrt(pi) ∫_0^x exp(-t²) dt.
XGRAD_API Tensor erf(const Operand& x);
/// 1 - erf(x), accurate where the result is small.
XGRAD_API Tensor erfc(const Operand& x);
/// The inverse of erf: ±inf at ±1, NaN beyond.
XGRAD_API Tensor erfinv(const Operand& x);
/// log |gamma(x)|; inf at 0 and the negative integers, where the gradient is digamma's.
XGRAD_API Tensor lgamma(const Operand& x);
/// The derivative of lgamma. -inf at 0, inf at -0, NaN at the negative integers.
XGRAD_API Tensor digamma(const Operand& x);
/// The n-th derivative of digamma, n >= 0 (ValueError otherwise). At 0 and the negative integers: inf for odd n; as
/// digamma for even n.
XGRAD_API Tensor polygamma(int n, const Operand& x);
/// x * log(y), and 0 for x = 0 unless y is NaN. Where x = 0 and y <= 0 both gradients are 0.
XGRAD_API Tensor xlogy(const Operand& x, const Operand& y);
/// NumPy's normalised sin(pi x) / (pi x), 1 at 0 and 0 at the other integers; derivatives at 0 are right to any order.
XGRAD_API Tensor sinc(const Operand& x);

// --- rounding: gradient 0, so nothing is recorded --------------------------------------------------------------------

XGRAD_API Tensor floor(const Operand& x);
XGRAD_API Tensor ceil(const Operand& x);
/// To the nearest integer, halves to even.
XGRAD_API Tensor round(const Operand& x);
XGRAD_API Tensor trunc(const Operand& x);

// --- choosing --------------------------------------------------------------------------------------------------------

/// The element-wise larger; NaN if either is NaN. In a tie each side gets half of the gradient; with a NaN on either
/// side both get all of it (as in PyTorch).
XGRAD_API Tensor maximum(const Operand& a, const Operand& b);
XGRAD_API Tensor minimum(const Operand& a, const Operand& b);
/// Like maximum and minimum, but a number wins over a NaN and gets the gradient.
XGRAD_API Tensor fmax(const Operand& a, const Operand& b);
XGRAD_API Tensor fmin(const Operand& a, const Operand& b);
/// |a| with the sign of b. Gradient to a only.
XGRAD_API Tensor copysign(const Operand& a, const Operand& b);
/// x clamped to [low, high]; gradient 1 inside and at the limits, 0 outside and at NaN. ValueError if low > high.
XGRAD_API Tensor clip(const Operand& x, PlainNumber low, PlainNumber high);
/// 0 for x < 0, 1 for x > 0, `at_zero` for 0. No gradient.
XGRAD_API Tensor heaviside(const Operand& x, const Operand& at_zero);
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

/// 1 / (1 + exp(-x)).
XGRAD_API Tensor sigmoid(const Operand& x);
/// max(x, 0); gradient 0 at 0, 1 at NaN.
XGRAD_API Tensor relu(const Operand& x);
/// x for x > 0, else slope * x.
XGRAD_API Tensor leaky_relu(const Operand& x, double slope = 0.01);
/// x for x > 0, else alpha * (exp(x) - 1). At 0 the gradient is alpha, the second derivative 0; at NaN 1.
XGRAD_API Tensor elu(const Operand& x, double alpha = 1.0);
/// How gelu computes the normal distribution function: exactly, or with the tanh approximation of Hendrycks and Gimpel
/// (2016).
enum class Gelu { erf, tanh };
/// x * Phi(x) with Phi the standard normal distribution function.
XGRAD_API Tensor gelu(const Operand& x, Gelu form = Gelu::erf);
/// x * sigmoid(x), also called swish.
XGRAD_API Tensor silu(const Operand& x);
/// log(1 + exp(beta * x)) / beta without overflow; x itself if beta * x > threshold. PyTorch's threshold is 20, which
/// changes the value there by up to 2e-9; this formula does not need one.
XGRAD_API Tensor softplus(const Operand& x, double beta = 1.0,
                          double threshold = std::numeric_limits<double>::infinity());
/// log(sigmoid(x)) without overflow.
XGRAD_API Tensor logsigmoid(const Operand& x);
/// x / (1 + |x|).
XGRAD_API Tensor softsign(const Operand& x);
/// x * tanh(softplus(x)).
XGRAD_API Tensor mish(const Operand& x);
/// x for x > 0, else weight * x. The weight has one element, one for each channel (axis 1 of x), or x's own shape:
/// ShapeError otherwise.
XGRAD_API Tensor prelu(const Operand& x, const Operand& weight);
/// scale * elu(x, alpha) with the self-normalising constants of Klambauer et al. (2017); at the kink as elu.
XGRAD_API Tensor selu(const Operand& x);
/// x for x > 0, else alpha * (exp(x / alpha) - 1); second derivative 0 at 0. ValueError for alpha = 0.
XGRAD_API Tensor celu(const Operand& x, double alpha = 1.0);
/// x clamped to [low, high]; gradient 1 inside, 0 outside and, unlike clip, 0 at the limits. ValueError if low > high.
XGRAD_API Tensor hardtanh(const Operand& x, double low = -1.0, double high = 1.0);
/// x clamped to [0, 6]; gradient 0 at the limits.
XGRAD_API Tensor relu6(const Operand& x);
/// (x + 3) / 6 clamped to [0, 1]; gradient 0 at the limits and at NaN.
XGRAD_API Tensor hardsigmoid(const Operand& x);
/// x * hardsigmoid(x); gradient -1/2 at -3, 3/2 at 3 and 1 at NaN, second derivative 0 there.
XGRAD_API Tensor hardswish(const Operand& x);
/// x - tanh(x), accurate for small x.
XGRAD_API Tensor tanhshrink(const Operand& x);
/// x - lambda above lambda, x + lambda below -lambda, else 0 with gradient 0. ValueError for a negative lambda.
XGRAD_API Tensor softshrink(const Operand& x, double lambda = 0.5);
/// x where |x| > lambda, else 0 with gradient 0.
XGRAD_API Tensor hardshrink(const Operand& x, double lambda = 0.5);
/// x where x > limit, else the constant `value` with gradient 0.
XGRAD_API Tensor threshold(const Operand& x, double limit, double value);

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
