#include "autodiff/core/detail/composition.hpp"
#include "detail/run.hpp"

// The functions that only run their rule, generated from the list of rules, and special functions with arguments.

namespace xgrad {

using namespace detail;
using namespace detail::elementwise;

namespace {

/// The rule, whose numbers must be as it requires: ValueError.
template <class Rule>
Rule checked(const Rule& rule, Location where) {
    if constexpr (requires { Rule::requirement; })
        check<ValueError>(rule.valid(), where, [&] {
            std::string got;
            for (const auto& [name, value] : attributes_of(rule).values)
                got += (got.empty() ? ", got " : " and ") + attribute_text(value);
            return std::string(Rule::name) + ": " + Rule::requirement + got;
        });
    return rule;
}

}  // namespace

#define XGRAD_UNARY(function, Rule) \
    Tensor function(const Operand& x) { return unary(rules::Rule{}, x); }
#define XGRAD_UNARY_1(function, Rule, p, default_p) \
    Tensor function(const Operand& x, double p) { return unary(checked(rules::Rule{p}, x.where()), x); }
#define XGRAD_UNARY_2(function, Rule, p, default_p, q, default_q) \
    Tensor function(const Operand& x, double p, double q) { return unary(checked(rules::Rule{p, q}, x.where()), x); }
#define XGRAD_BINARY(function, Rule, a, b) \
    Tensor function(const Operand& a, const Operand& b) { return binary(rules::Rule{}, a, b); }
#define XGRAD_RULE(Rule)
#include "autodiff/rules/all.inc"

Tensor polygamma(int n, const Operand& x) {
    return composed("polygamma", x.where(), [&]() -> Tensor {
        check<ValueError>(n >= 0 && n <= 1000, x.where(),
                          [&] { return "polygamma: the order must be in [0, 1000], got " + std::to_string(n); });
        return n == 0 ? digamma(x) : unary(rules::Polygamma{n}, x);
    });
}
Tensor sinc_derivative(int order, const Operand& x) { return unary(rules::SincDerivative{order}, x); }

}  // namespace xgrad
