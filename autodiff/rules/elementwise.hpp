#pragma once

// Value and gradient rule of every element-wise operation, one struct each, as text that is compiled twice: with SIMD
// vectors for the kernels (kernels/elementwise*.cpp, once per instruction set) and with Tensor for higher orders
// (ops/elementwise/).
//
// pull(g, …) returns the cotangent of an input for the cotangent g of the output y. `reads` says which of its other
// arguments the slope uses, which is what the tape keeps. A rule whose numbers are restricted says so in `requirement`
// and `valid()`.
//
// A function is declared beside the rules of its theme, in a file *.inc, with its doc comment. From that one list come
// the kernels' tables, the functions on tensors, the functions that map() knows, and what the tests must cover:
//
//     XGRAD_UNARY(tanh, Tanh)                tanh(x)
//     XGRAD_UNARY_1(elu, Elu, alpha, = 1.0)  elu(x, alpha = 1.0); XGRAD_UNARY_2 has two numbers
//     XGRAD_BINARY(atan2, Atan2, y, x)       atan2(y, x)
//     XGRAD_RULE(GeluErf)                    a rule whose function is declared and defined by hand
//
// To add one: write the struct and the declaration.

#include "activations.hpp"
#include "binary.hpp"
#include "functions.hpp"
#include "special.hpp"

namespace xgrad::rules {

namespace detail {
struct First {};
template <class, class... Rule>
struct ListAfter {
    using type = List<Rule...>;
};
}  // namespace detail

#define XGRAD_UNARY(function, Rule) , Rule
#define XGRAD_UNARY_1(function, Rule, ...) , Rule
#define XGRAD_UNARY_2(function, Rule, ...) , Rule
#define XGRAD_BINARY(function, Rule, ...) , Rule
#define XGRAD_RULE(Rule) , Rule
// clang-format off
using Functions = detail::ListAfter<detail::First
#include "functions.inc"
    >::type;
using Special = detail::ListAfter<detail::First
#include "special.inc"
    >::type;
using Activations = detail::ListAfter<detail::First
#include "activations.inc"
    >::type;
using Binary = detail::ListAfter<detail::First
#include "binary.inc"
    >::type;
// clang-format on
#undef XGRAD_UNARY
#undef XGRAD_UNARY_1
#undef XGRAD_UNARY_2
#undef XGRAD_BINARY
#undef XGRAD_RULE

/// All rules of one input; the parts are compiled apart.
using Unary = decltype(decltype(Functions::with(Special{}))::with(Activations{}));

/// Whether a rule has a gradient.
template <class Rule>
inline constexpr bool differentiable = requires { Rule::reads; } || requires { Rule::reads_a; };

}  // namespace xgrad::rules
