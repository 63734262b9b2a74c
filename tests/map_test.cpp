#include <doctest/doctest.h>

#include <autodiff/autodiff.hpp>
#include <autodiff/map.hpp>
#include <cmath>

#include "support.hpp"

using namespace xgrad;
using tests::error_of;
using tests::here;

namespace {

Tensor numbers(const Shape& shape, std::uint64_t seed, DType dtype = DType::f64) {
    Generator generator(seed);
    return rand(shape, generator, dtype) * 2.0 - 0.7;
}

double distance(const Tensor& a, const Tensor& b) {
    CHECK(a.shape() == b.shape());
    return a.size() == 0 ? 0.0 : max(abs(a - b)).item();
}

const auto swish = [](auto x) { return x / (1.0 + exp(-x)); };
const auto bump = [](auto x) { return tanh(x * x + 0.5 * x) * exp(-x * x); };
const auto mixed = [](auto a, auto b) { return where(a < b, a * sin(b), maximum(a, 0.25) / (2.0 + b * b)); };
const auto six = [](auto a, auto b, auto c, auto d, auto e, auto f) {
    return a * b + c / (3.0 + d) - pow(e + 2.0, 1.5) * log1p(f + 1.0);
};
const auto polar = [](auto r, auto t) { return std::array{r * cos(t), r * sin(t)}; };

}  // namespace

TEST_SUITE("map") {
    TEST_CASE("map gives what the operations give, in both precisions and for every length of tail") {
        for (const DType dtype : {DType::f32, DType::f64})
            for (const std::int64_t n : {0, 1, 2, 3, 7, 8, 9, 31, 100}) {
                const Tensor x = numbers({n}, 1, dtype);
                CHECK(distance(map(bump, x), bump(x)) < (dtype == DType::f32 ? 1e-6 : 1e-14));
                CHECK(map(bump, x).dtype() == dtype);
            }
    }
    TEST_CASE("map over a scalar is a scalar") {
        CHECK(map(swish, scalar(1.5)).item() == doctest::Approx(1.5 / (1 + std::exp(-1.5))));
        CHECK(map(swish, scalar(1.5)).ndim() == 0);
    }
    TEST_CASE("map broadcasts, and numbers are operands") {
        const Tensor a = numbers({3, 1, 4}, 1), b = numbers({5, 1}, 2);
        CHECK(distance(map(mixed, a, b), mixed(a, b)) < 1e-14);
        CHECK(distance(map(mixed, a, 0.3), mixed(a, scalar(0.3, DType::f64))) < 1e-14);
        CHECK(distance(map(mixed, -0.2, b), mixed(scalar(-0.2, DType::f64), b)) < 1e-14);
    }
    TEST_CASE("the derivative of map is exact to third order") {
        CHECK_MESSAGE(gradcheck([](const Tensor& x) { return map(swish, x); }, {numbers({7}, 1)}, {.order = 3}).ok,
                      "swish");
        const auto two = gradcheck([](const Tensor& a, const Tensor& b) { return map(mixed, a, b); },
                                   {numbers({3, 1}, 3), numbers({4}, 4)}, {.order = 2});
        CHECK_MESSAGE(two.ok, two.message);
    }
    TEST_CASE("six tensors of six shapes have their gradients to second order") {
        const auto r = gradcheck([](const Tensors& x) { return map(six, x[0], x[1], x[2], x[3], x[4], x[5]); },
                                 {numbers({2, 3}, 1), numbers({3}, 2), numbers({2, 1}, 3), numbers({}, 4),
                                  numbers({1, 3}, 5), numbers({2, 3}, 6)},
                                 {.order = 2});
        CHECK_MESSAGE(r.ok, r.message);
    }
    TEST_CASE("several results come as an array, each with its gradient") {
        const Tensor r = numbers({4}, 1), t = numbers({4}, 2);
        const auto [x, y] = map(polar, r, t);
        CHECK(distance(x, r * cos(t)) < 1e-14);
        CHECK(distance(y, r * sin(t)) < 1e-14);
        for (int which : {0, 1, 2}) {
            const auto report = gradcheck(
                [which](const Tensor& a, const Tensor& b) {
                    const auto [p, q] = map(polar, a, b);
                    return which == 0 ? p : which == 1 ? q : p * q + q;
                },
                {r, t}, {.order = 2});
            CHECK_MESSAGE(report.ok, report.message);
        }
    }
    TEST_CASE("a tuple and a constant are results too") {
        const auto f = [](auto x) { return std::tuple{2.0 * x, 3.0, x}; };
        const Tensor x = numbers({5}, 1);
        const auto y = map(f, x);
        CHECK(distance(y[1], full({5}, 3.0, DType::f64)) == 0.0);
        const auto r = gradcheck([&](const Tensor& v) { return map(f, v)[0] * map(f, v)[1]; }, {x}, {.order = 2});
        CHECK_MESSAGE(r.ok, r.message);
    }
    TEST_CASE("every function agrees with its operation") {
        const Tensor x = rand({37}, *std::make_unique<Generator>(3), DType::f64) * 0.8 + 0.1;
        const auto check = [&](const char* name, const auto& f) {
            CHECK_MESSAGE(distance(map(f, x), f(x)) < 1e-13, name);
            const auto g = grad([&](const Tensor& v) { return sum(map(f, v)); }, x);
            CHECK_MESSAGE(distance(g, grad([&](const Tensor& v) { return sum(f(v)); }, x)) < 1e-12, name);
        };
        check("roots", [](auto v) { return sqrt(v) + cbrt(v) + reciprocal(v) + square(v) + abs(v); });
        check("exponentials",
              [](auto v) { return exp(v) + exp2(v) + expm1(v) + log(v) + log2(v) + log10(v) + log1p(v); });
        check("circular", [](auto v) { return sin(v) + cos(v) + tan(v) + asin(v) + acos(v) + atan(v); });
        check("hyperbolic",
              [](auto v) { return sinh(v) + cosh(v) + tanh(v) + asinh(v) + acosh(v + 1.0) + atanh(v) + erf(v); });
        check("activations", [](auto v) {
            return sigmoid(v) + relu(v - 0.4) + leaky_relu(v - 0.4) + elu(v - 0.4, 1.3) + gelu(v) +
                   gelu(v, Gelu::tanh) + silu(v) + softplus(v) + clip(v, 0.2, 0.6);
        });
        check("special functions", [](auto v) {
            return erfc(v) + erfinv(v) + lgamma(v) + digamma(v) + polygamma(1, v) + sinc(v) + xlogy(v, v + 1.0) +
                   logsigmoid(v) + softsign(v) + mish(v) + selu(v) + hardsigmoid(v) + hardswish(v);
        });
        check("steps", [](auto v) { return v * (sign(v) + floor(3.0 * v) + ceil(v) + round(v) + trunc(v)); });
        check("pairs", [](auto v) {
            return hypot(v, 1.0 - v) + atan2(v, v + 1.0) + logaddexp(v, 2.0 * v) + minimum(v, 1.0 - v) +
                   copysign(v, v - 0.5) + pow(v, v) + remainder(5.0 * v, v + 1.0) + fmod(5.0 * v, v + 1.0);
        });
        check("powers",
              [](auto v) { return pow(v, 2) + pow(v, 0.5) + pow(v, -1) + pow(v, 1) + pow(v, 2.5) + pow(2.0, v); });
        check("assignments", [](auto v) {
            auto y = v;
            y += 2.0;
            y *= v;
            y -= v / 3.0;
            y /= v + 1.0;
            return +y - 1.0;
        });
        check("selection", [](auto v) {
            return where(v >= 0.5, v * v, -v) + where(v == 0.5, v, 1.0) + where(v != 0.5, v, 1.0) +
                   where(v <= 0.3, v, 0.0);
        });
        check("a constant part", [](auto v) { return v * stop_gradient(v); });
    }
    TEST_CASE("map works inside jvp, hessian and checkpoint") {
        const Tensor x = numbers({4}, 1), v = numbers({4}, 2);
        const auto f = [](const Tensor& t) { return map(bump, t); };
        const auto composed = [](const Tensor& t) { return bump(t); };
        CHECK(distance(jvp(f, x, v), jvp(composed, x, v)) < 1e-13);
        const auto scalar_f = [&](const Tensor& t) { return sum(f(t) * t); };
        CHECK(distance(hessian(scalar_f, x), hessian([&](const Tensor& t) { return sum(composed(t) * t); }, x)) <
              1e-12);
        CHECK(distance(grad([&](const Tensor& t) { return sum(checkpoint(f, t)); }, x),
                       grad([&](const Tensor& t) { return sum(f(t)); }, x)) == 0);
    }
    TEST_CASE("only what is watched has slopes") {
        Tape tape;
        const Tensor a = tape.watch(numbers({3}, 1)), b = numbers({3}, 2);
        const Tensor y = map(mixed, a, b);
        CHECK(distance(tape.gradient(sum(y), a),
                       grad([&](const Tensor& t) { return sum(mixed(t, b)); }, stop_gradient(a))) < 1e-14);
    }
    TEST_CASE("errors name map, the shapes and the line") {
        // clang-format off
        CHECK(error_of<ShapeError>([] { map(mixed, zeros({2}), zeros({3})); }) == "map: shapes must broadcast, got (2,) and (3,)" + here());
        CHECK(error_of<DTypeError>([] { map(mixed, zeros({2}), zeros({2}, DType::f64)); }) == "map: dtypes must agree, got f32 and f64 (convert one with .to())" + here());
        CHECK(error_of<DTypeError>([] { map(swish, tensor({1, 2})); }) == "map: must be f32 or f64, got i32" + here());
        CHECK(error_of<ValueError>([] { map(swish, 1.0); }) == "map: at least one operand must be a tensor, got numbers" + here());
        // clang-format on
    }
}
