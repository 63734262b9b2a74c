// map() knows every element-wise function: value and slope of each, from the same list as the functions on tensors.

#include <autodiff/autodiff.hpp>
#include <autodiff/map.hpp>
#include <doctest/doctest.h>

#include <set>

#include "places.hpp"
#include "support.hpp"

using namespace xgrad;

namespace {

const Tensor x = tensor({-1.3, -0.4, 0.2, 0.45, 0.8, 1.7, 2.6}), y = tensor({0.7, 1.9, -0.6, 0.35, -1.2, 0.55, 2.1});

/// Where f is not defined a slope is of no use: dual numbers make NaN of what the rules leave.
Tensor defined(const Tensor& slope, const Tensor& value) { return where(isnan(value), 0, slope); }

/// f in map against f on tensors, value and gradients; outside of f's domain both values are NaN.
template <class F>
bool agrees(const F& f) {
    Tape tape({.persistent = true});
    const Tensor a = tape.watch(x), b = tape.watch(y);
    if constexpr (std::is_invocable_v<F, const Tensor&, const Tensor&>) {
        const Tensor fused = map(f, a, b), plain = f(a, b);
        const GradientOptions options{.cotangent = ones_like(fused), .unconnected = Unconnected::zeros};
        return tests::close(fused, plain) &&
               tests::close(defined(tape.gradient(fused, a, options), plain),
                            defined(tape.gradient(plain, a, options), plain)) &&
               tests::close(defined(tape.gradient(fused, b, options), plain),
                            defined(tape.gradient(plain, b, options), plain)) &&
               tests::close(map(f, a, y), f(a, y)) &&
               tests::close(defined(tape.gradient(map(f, a, y), a, options), plain),
                            defined(tape.gradient(f(a, y), a, options), plain)) &&
               tests::close(defined(tape.gradient(map(f, x, b), b, options), plain),
                            defined(tape.gradient(f(x, b), b, options), plain));
    } else {
        const Tensor fused = map(f, a), plain = f(a);
        const GradientOptions options{.cotangent = ones_like(fused), .unconnected = Unconnected::zeros};
        return tests::close(fused, plain) && tests::close(defined(tape.gradient(fused, a, options), plain),
                                                          defined(tape.gradient(plain, a, options), plain));
    }
}

std::set<std::string> checked;
#define AGREES(function, ...)  \
    checked.insert(#function); \
    CHECK_MESSAGE(agrees(__VA_ARGS__), #function);

}  // namespace

TEST_CASE("map knows every function of the list of rules, and those written by hand") {
    checked.clear();
// clang-format off
#define XGRAD_UNARY(function, Rule) AGREES(function, [](auto v) { return function(v); })
#define XGRAD_UNARY_1(function, Rule, ...) AGREES(function, [](auto v) { return function(v, 0.5); })
#define XGRAD_UNARY_2(function, Rule, ...) AGREES(function, [](auto v) { return function(v, -0.5, 1.5); })
#define XGRAD_BINARY(function, Rule, ...) AGREES(function, [](auto v, auto w) { return function(v, w); })
#define XGRAD_RULE(Rule)
#include <autodiff/rules/all.inc>
    // clang-format on
    AGREES(clip, [](auto v) { return clip(v, -0.5, 1.5); })
    AGREES(gelu, [](auto v) { return gelu(v) + gelu(v, Gelu::tanh); })
    AGREES(polygamma, [](auto v) { return polygamma(1, v) + polygamma(0, v); })
    AGREES(nan_to_num, [](auto v) { return nan_to_num(log(v), {.nan = 2.0}); })
    AGREES(prelu, [](auto v) { return prelu(v, v * 0.0 + 0.25); })
    AGREES(pow, [](auto v, auto w) { return pow(v, w) + pow(v, 2) + pow(2.0, w); })
    AGREES(positive, [](auto v) { return positive(v); })
    AGREES(where, [](auto v) { return where(v < 0.5, v, 2.0 * v); })

    // What elementwise.hpp declares, but for comparisons and logic, whose results are no numbers.
    const std::set<std::string> no_numbers{
        "equal",       "not_equal", "less",  "less_equal", "greater", "greater_equal", "logical_and", "logical_or",
        "logical_xor", "isnan",     "isinf", "isfinite",   "signbit", "logical_not",   "logical_not", "operator"};
    std::size_t declared = 0;
    for (const auto& declaration : declared_functions({"ops/elementwise/elementwise.hpp", "rules"})) {
        const std::string& name = declaration.first;
        if (no_numbers.count(name) || name.starts_with("operator")) continue;
        ++declared;
        CHECK_MESSAGE(checked.count(name), name << " is not known to map");
    }
    CHECK(declared > 70);
}
