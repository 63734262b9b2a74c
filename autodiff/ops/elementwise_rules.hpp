#pragma once

// Value and gradient rule of every element-wise operation, one struct each, as text that is compiled twice: with SIMD vectors for the
// kernels (kernels/elementwise*.cpp, once per instruction set) and with Tensor for higher orders (ops/elementwise*.cpp).
//
// pull(g, …) returns the cotangent of an input for the cotangent g of the output y. `reads` says which of its other arguments a rule
// really uses: that is what a tape keeps. To add a rule: write it into the file of its theme, append it to its list below, declare its
// function in ops/elementwise.hpp and define it in ops/elementwise*.cpp.

#include <cstddef>

#include "rules_activations.hpp"
#include "rules_binary.hpp"
#include "rules_functions.hpp"
#include "rules_special.hpp"

namespace xgrad::rules {

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
    template <class... More>
    static List<Rule..., More...> with(List<More...>);
};

using Functions = List<Negative, Abs, Square, Sqrt, Cbrt, Reciprocal, Exp, Exp2, Expm1, Log, Log2, Log10, Log1p, Sin, Cos, Tan, Asin, Acos,
                       Atan, Sinh, Cosh, Tanh, Asinh, Acosh, Atanh, Deg2Rad, Rad2Deg, Clip, NanToNum, Sign, Floor, Ceil, Round, Trunc>;
using Special = List<Erf, Erfc, Erfinv, Lgamma, Digamma, Polygamma, Sinc, SincDerivative>;
using Activations = List<Sigmoid, Relu, LeakyRelu, Elu, GeluErf, GeluTanh, Silu, Softplus, Softsign, Mish, Hardtanh, Relu6, Hardsigmoid,
                         Hardswish, Selu, Celu, Logsigmoid, Tanhshrink, Softshrink, Hardshrink, Threshold>;
/// All rules of one input; the parts are compiled apart.
using Unary = decltype(decltype(Functions::with(Special{}))::with(Activations{}));
using Binary = List<Add, Subtract, Multiply, Divide, Remainder, Fmod, Pow, LogAddExp, Atan2, Hypot, Maximum, Minimum, Fmax, Fmin, Copysign,
                    FloorDivide, XLogY, Heaviside, Prelu>;

/// Whether a rule has a gradient.
template <class Rule>
inline constexpr bool differentiable = requires { Rule::reads; } || requires { Rule::reads_a; };

}  // namespace xgrad::rules
