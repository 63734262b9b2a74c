#include <doctest/doctest.h>

#include <autodiff/autodiff.hpp>
#include <string>
#include <utility>
#include <vector>

#include "support.hpp"

// Operands that are about to die give their buffers to the results: nothing may change by that.

using namespace xgrad;

namespace {

using Unary = Tensor (*)(const Operand&);
using Binary = Tensor (*)(const Operand&, const Operand&);

template <class F>
struct Named {
    const char* name;
    F f;
};
const std::vector<Named<Unary>> unary{
    {"negative", negative},
    {"abs", abs},
    {"square", square},
    {"sqrt", sqrt},
    {"reciprocal", reciprocal},
    {"exp", exp},
    {"log", log},
    {"sin", sin},
    {"tanh", tanh},
    {"sigmoid", sigmoid},
    {"relu", relu},
    {"silu", silu},
    {"erf", erf},
    {"lgamma", lgamma},
    {"logsigmoid", logsigmoid},
    {"floor", floor},
    {"sum", [](const Operand& x) { return sum(x); }},
    {"softmax", [](const Operand& x) { return softmax(x, -1); }},
    {"transpose", [](const Operand& x) { return transpose(x); }},
    {"x * 2", [](const Operand& x) { return x * 2.0; }},
    {"2 / x", [](const Operand& x) { return 2.0 / x; }},
    {"2 - x", [](const Operand& x) { return 2.0 - x; }},
    {"x ^ 3", [](const Operand& x) { return pow(x, 3); }},
};
const std::vector<Named<Binary>> binary{
    {"add", add},     {"subtract", subtract}, {"multiply", multiply},   {"divide", divide},
    {"pow", pow},     {"maximum", maximum},   {"minimum", minimum},     {"hypot", hypot},
    {"atan2", atan2}, {"fmod", fmod},         {"remainder", remainder}, {"logaddexp", logaddexp},
    {"xlogy", xlogy}, {"copysign", copysign},
};

struct Outcome {
    std::vector<double> value, a, b;
    friend bool operator==(const Outcome&, const Outcome&) = default;
};
std::vector<double> numbers(const Tensor& t) { return {t.data<double>().begin(), t.data<double>().end()}; }

/// f of results that nobody else holds, which are named or about to die.
template <class F>
Outcome outcome(const F& f, const Tensor& xa, const Tensor& xb, bool recorded) {
    if (!recorded) return {numbers(f(xa * 1.0, xb * 1.0)), {}, {}};
    Tape tape;
    const Tensor p = tape.watch(xa), q = tape.watch(xb);
    const Tensor y = f(p * 1.0, q * 1.0);
    const Tensors g =
        tape.gradient(y, {p, q}, {.cotangent = sin(arange(y.size(), DType::f64)), .unconnected = Unconnected::zeros});
    return {numbers(y), numbers(g[0]), numbers(g[1])};
}

}  // namespace

TEST_CASE("operands that are about to die give the same numbers as those that live on") {
    const Tensor x = abs(sin(arange(1, 13, 1, DType::f64))) + 0.5;
    const std::vector<std::pair<Tensor, Tensor>> pairs{{reshape(x, {3, 4}), reshape(x + 0.25, {3, 4})},
                                                       {reshape(x, {3, 4}), slice(x, 0, 0, 4) + 0.1},
                                                       {slice(x, 0, 0, 4) + 0.1, reshape(x, {3, 4})}};
    for (const bool recorded : {false, true}) {
        for (const Named<Unary>& each : unary) {
            const char* const name = each.name;
            const Unary f = each.f;
            CAPTURE(name);
            CAPTURE(recorded);
            const Tensor a = reshape(x, {3, 4});
            const Outcome lasting =
                outcome([f](const Tensor& p, const Tensor&) { return ravel(f(p)); }, a, a, recorded);
            const Outcome dying =
                outcome([f](Tensor p, const Tensor&) { return ravel(f(std::move(p))); }, a, a, recorded);
            CHECK(lasting == dying);
        }
        for (const Named<Binary>& each : binary)
            for (const auto& pair : pairs) {
                const char* const name = each.name;
                const Binary f = each.f;
                const Tensor &a = pair.first, &b = pair.second;
                CAPTURE(name);
                CAPTURE(recorded);
                const Outcome lasting =
                    outcome([f](const Tensor& p, const Tensor& q) { return ravel(f(p, q)); }, a, b, recorded);
                CHECK(lasting ==
                      outcome([f](Tensor p, const Tensor& q) { return ravel(f(std::move(p), q)); }, a, b, recorded));
                CHECK(lasting ==
                      outcome([f](const Tensor& p, Tensor q) { return ravel(f(p, std::move(q))); }, a, b, recorded));
                CHECK(lasting == outcome([f](Tensor p, Tensor q) { return ravel(f(std::move(p), std::move(q))); }, a, b,
                                         recorded));
            }
    }
}
