#include "elementwise_run.hpp"

// Exponentials, trigonometry, special functions and rounding. Every function here is one line: the rule it runs.

namespace xgrad {

using namespace detail;
using namespace detail::elementwise;

Tensor exp(const Operand& x) { return unary(rules::Exp{}, x); }
Tensor exp2(const Operand& x) { return unary(rules::Exp2{}, x); }
Tensor expm1(const Operand& x) { return unary(rules::Expm1{}, x); }
Tensor log(const Operand& x) { return unary(rules::Log{}, x); }
Tensor log2(const Operand& x) { return unary(rules::Log2{}, x); }
Tensor log10(const Operand& x) { return unary(rules::Log10{}, x); }
Tensor log1p(const Operand& x) { return unary(rules::Log1p{}, x); }
Tensor sin(const Operand& x) { return unary(rules::Sin{}, x); }
Tensor cos(const Operand& x) { return unary(rules::Cos{}, x); }
Tensor tan(const Operand& x) { return unary(rules::Tan{}, x); }
Tensor asin(const Operand& x) { return unary(rules::Asin{}, x); }
Tensor acos(const Operand& x) { return unary(rules::Acos{}, x); }
Tensor atan(const Operand& x) { return unary(rules::Atan{}, x); }
Tensor sinh(const Operand& x) { return unary(rules::Sinh{}, x); }
Tensor cosh(const Operand& x) { return unary(rules::Cosh{}, x); }
Tensor tanh(const Operand& x) { return unary(rules::Tanh{}, x); }
Tensor asinh(const Operand& x) { return unary(rules::Asinh{}, x); }
Tensor acosh(const Operand& x) { return unary(rules::Acosh{}, x); }
Tensor atanh(const Operand& x) { return unary(rules::Atanh{}, x); }
Tensor erf(const Operand& x) { return unary(rules::Erf{}, x); }
Tensor floor(const Operand& x) { return unary(rules::Floor{}, x); }
Tensor ceil(const Operand& x) { return unary(rules::Ceil{}, x); }
Tensor round(const Operand& x) { return unary(rules::Round{}, x); }
Tensor trunc(const Operand& x) { return unary(rules::Trunc{}, x); }
Tensor logaddexp(const Operand& a, const Operand& b) { return binary(rules::LogAddExp{}, a, b); }
Tensor atan2(const Operand& y, const Operand& x) { return binary(rules::Atan2{}, y, x); }
Tensor hypot(const Operand& a, const Operand& b) { return binary(rules::Hypot{}, a, b); }
Tensor deg2rad(const Operand& x) { return unary(rules::Deg2Rad{}, x); }
Tensor rad2deg(const Operand& x) { return unary(rules::Rad2Deg{}, x); }
Tensor erfc(const Operand& x) { return unary(rules::Erfc{}, x); }
Tensor erfinv(const Operand& x) { return unary(rules::Erfinv{}, x); }
Tensor lgamma(const Operand& x) { return unary(rules::Lgamma{}, x); }
Tensor digamma(const Operand& x) { return unary(rules::Digamma{}, x); }
Tensor polygamma(int n, const Operand& x) {
    check<ValueError>(n >= 0, x.where(), [&] { return "polygamma: the order must not be negative, got " + std::to_string(n); });
    return n == 0 ? digamma(x) : unary(rules::Polygamma{n}, x);
}
Tensor sinc(const Operand& x) { return unary(rules::Sinc{}, x); }
Tensor sinc_derivative(int order, const Operand& x) { return unary(rules::SincDerivative{order}, x); }
Tensor xlogy(const Operand& x, const Operand& y) { return binary(rules::XLogY{}, x, y); }

}  // namespace xgrad
