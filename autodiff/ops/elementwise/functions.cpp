#include "autodiff/core/detail/composition.hpp"
#include "detail/run.hpp"

// The functions that only run their rule, generated from the list of rules, and special functions with arguments.

namespace xgrad {

using namespace detail;
using namespace detail::elementwise;

#define XGRAD_NOTHING(...)
#define XGRAD_PLAIN(...) __VA_ARGS__
#define XGRAD_CHECKED(...)
#define XGRAD_IF_plain XGRAD_PLAIN
#define XGRAD_IF_checked XGRAD_CHECKED
#define XGRAD_UNARY_FUNCTION(how, function, Rule) \
    XGRAD_IF_##how(Tensor function(const Operand& x) { return unary(rules::Rule{}, x); })
#define XGRAD_UNARY_FUNCTION_1(how, function, Rule, T, a, default_a) \
    XGRAD_IF_##how(Tensor function(const Operand& x, T a) { return unary(rules::Rule{a}, x); })
#define XGRAD_UNARY_FUNCTION_2(how, function, Rule, T, a, default_a, U, b, default_b) \
    XGRAD_IF_##how(Tensor function(const Operand& x, T a, U b) { return unary(rules::Rule{a, b}, x); })
#define XGRAD_BINARY_FUNCTION(how, function, Rule) \
    XGRAD_IF_##how(Tensor function(const Operand& a, const Operand& b) { return binary(rules::Rule{}, a, b); })

XGRAD_FUNCTIONS(XGRAD_NOTHING, XGRAD_UNARY_FUNCTION, XGRAD_UNARY_FUNCTION_1, XGRAD_UNARY_FUNCTION_2)
XGRAD_SPECIAL(XGRAD_NOTHING, XGRAD_UNARY_FUNCTION, XGRAD_UNARY_FUNCTION_1, XGRAD_UNARY_FUNCTION_2)
XGRAD_ACTIVATIONS(XGRAD_NOTHING, XGRAD_UNARY_FUNCTION, XGRAD_UNARY_FUNCTION_1, XGRAD_UNARY_FUNCTION_2)
XGRAD_BINARY(XGRAD_NOTHING, XGRAD_BINARY_FUNCTION)

Tensor polygamma(int n, const Operand& x) {
    return composed("polygamma", x.where(), [&]() -> Tensor {
        check<ValueError>(n >= 0 && n <= 1000, x.where(),
                          [&] { return "polygamma: the order must be in [0, 1000], got " + std::to_string(n); });
        return n == 0 ? digamma(x) : unary(rules::Polygamma{n}, x);
    });
}
Tensor sinc_derivative(int order, const Operand& x) { return unary(rules::SincDerivative{order}, x); }

}  // namespace xgrad
