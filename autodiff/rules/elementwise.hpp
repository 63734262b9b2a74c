#pragma once

// Value and gradient rule of every element-wise operation, one struct each, as generic code that is compiled twice:
// with SIMD vectors for the kernels (kernels/elementwise*.cpp, once per instruction set) and with Tensor for higher
// orders (ops/elementwise/*.cpp).
//
// pull(g, …) returns the cotangent of an input for the cotangent g of the output y. `reads` says which of its other
// arguments a rule really uses: the tape keeps only those. To add a rule: write it in the file of its topic, add it and
// its function to the list below, and declare the function in ops/elementwise/elementwise.hpp.

#include <cstddef>

#include "activations.hpp"
#include "binary.hpp"
#include "functions.hpp"
#include "special.hpp"

namespace xgrad::rules {

// The single list of all rules and of the functions that run them. It generates the kernel tables, the functions on
// tensors (those marked `plain`; a `checked` one has arguments to check first and is defined explicitly in
// ops/elementwise/*.cpp) and the functions available in map():
//
//     F(plain, tanh, Tanh)                                       tanh(x)
//     F1(plain, elu, Elu, double, alpha, = 1.0)                  elu(x, alpha = 1.0); F2 with two arguments more
//     B(plain, hypot, Hypot)                                     hypot(a, b)
//     R(GeluErf)                                                 a rule whose functions are all written explicitly
// clang-format off
#define XGRAD_FUNCTIONS(R, F, F1, F2) \
    F(plain, negative, Negative) \
    F(plain, abs, Abs) \
    F(plain, square, Square) \
    F(plain, sqrt, Sqrt) \
    F(plain, cbrt, Cbrt) \
    F(plain, reciprocal, Reciprocal) \
    F(plain, exp, Exp) \
    F(plain, exp2, Exp2) \
    F(plain, expm1, Expm1) \
    F(plain, log, Log) \
    F(plain, log2, Log2) \
    F(plain, log10, Log10) \
    F(plain, log1p, Log1p) \
    F(plain, sin, Sin) \
    F(plain, cos, Cos) \
    F(plain, tan, Tan) \
    F(plain, asin, Asin) \
    F(plain, acos, Acos) \
    F(plain, atan, Atan) \
    F(plain, sinh, Sinh) \
    F(plain, cosh, Cosh) \
    F(plain, tanh, Tanh) \
    F(plain, asinh, Asinh) \
    F(plain, acosh, Acosh) \
    F(plain, atanh, Atanh) \
    F(plain, deg2rad, Deg2Rad) \
    F(plain, rad2deg, Rad2Deg) \
    F(plain, sign, Sign) \
    F(plain, floor, Floor) \
    F(plain, ceil, Ceil) \
    F(plain, round, Round) \
    F(plain, trunc, Trunc) \
    F2(checked, clip, Clip, double, low, , double, high, ) \
    R(NanToNum)
#define XGRAD_SPECIAL(R, F, F1, F2) \
    F(plain, erf, Erf) \
    F(plain, erfc, Erfc) \
    F(plain, erfinv, Erfinv) \
    F(plain, lgamma, Lgamma) \
    F(plain, digamma, Digamma) \
    F(plain, sinc, Sinc) \
    R(Polygamma) \
    R(SincDerivative)
#define XGRAD_ACTIVATIONS(R, F, F1, F2) \
    F(plain, sigmoid, Sigmoid) \
    F(plain, relu, Relu) \
    F(plain, silu, Silu) \
    F(plain, softsign, Softsign) \
    F(plain, mish, Mish) \
    F(plain, relu6, Relu6) \
    F(plain, hardsigmoid, Hardsigmoid) \
    F(plain, hardswish, Hardswish) \
    F(plain, selu, Selu) \
    F(plain, logsigmoid, Logsigmoid) \
    F(plain, tanhshrink, Tanhshrink) \
    F1(plain, leaky_relu, LeakyRelu, double, slope, = 0.01) \
    F1(plain, elu, Elu, double, alpha, = 1.0) \
    F1(checked, celu, Celu, double, alpha, = 1.0) \
    F1(checked, softshrink, Softshrink, double, lambda, = 0.5) \
    F1(plain, hardshrink, Hardshrink, double, lambda, = 0.5) \
    F2(checked, hardtanh, Hardtanh, double, low, = -1.0, double, high, = 1.0) \
    F2(plain, softplus, Softplus, double, beta, = 1.0, double, threshold, = __builtin_inf()) \
    F2(plain, threshold, Threshold, double, limit, , double, otherwise, ) \
    R(GeluErf) \
    R(GeluTanh)
#define XGRAD_BINARY(R, B) \
    B(plain, add, Add) \
    B(plain, subtract, Subtract) \
    B(plain, multiply, Multiply) \
    B(plain, divide, Divide) \
    B(plain, remainder, Remainder) \
    B(plain, fmod, Fmod) \
    B(plain, logaddexp, LogAddExp) \
    B(plain, atan2, Atan2) \
    B(plain, hypot, Hypot) \
    B(plain, maximum, Maximum) \
    B(plain, minimum, Minimum) \
    B(plain, fmax, Fmax) \
    B(plain, fmin, Fmin) \
    B(plain, copysign, Copysign) \
    B(plain, floor_divide, FloorDivide) \
    B(plain, xlogy, XLogY) \
    B(plain, heaviside, Heaviside) \
    R(Pow) \
    R(Prelu)
// clang-format on

namespace detail {
struct First {};
template <class, class... Rule>
struct ListAfter {
    using type = List<Rule...>;
};
}  // namespace detail

#define XGRAD_RULE(Rule) , Rule
#define XGRAD_RULE_OF(how, function, Rule, ...) , Rule
using Functions =
    detail::ListAfter<detail::First XGRAD_FUNCTIONS(XGRAD_RULE, XGRAD_RULE_OF, XGRAD_RULE_OF, XGRAD_RULE_OF)>::type;
using Special =
    detail::ListAfter<detail::First XGRAD_SPECIAL(XGRAD_RULE, XGRAD_RULE_OF, XGRAD_RULE_OF, XGRAD_RULE_OF)>::type;
using Activations =
    detail::ListAfter<detail::First XGRAD_ACTIVATIONS(XGRAD_RULE, XGRAD_RULE_OF, XGRAD_RULE_OF, XGRAD_RULE_OF)>::type;
/// All rules of one input; the parts are compiled separately.
using Unary = decltype(decltype(Functions::with(Special{}))::with(Activations{}));
using Binary = detail::ListAfter<detail::First XGRAD_BINARY(XGRAD_RULE, XGRAD_RULE_OF)>::type;
#undef XGRAD_RULE
#undef XGRAD_RULE_OF

/// Whether a rule has a gradient.
template <class Rule>
inline constexpr bool differentiable = requires { Rule::reads; } || requires { Rule::reads_a; };

}  // namespace xgrad::rules
