#include <doctest/doctest.h>

#include <autodiff/autodiff.hpp>
#include <cmath>

#include "support.hpp"

using namespace xgrad;
using tests::close;
using tests::error_of;
using tests::here;

namespace {

Tensor numbers(const Shape& shape, std::uint64_t seed) {
    Generator generator(seed);
    return randn(shape, generator, DType::f64);
}

const auto square_root_step = [](const Tensor& x, const Tensor& a) { return 0.5 * (x + a / x); };  // Heron
const auto squash = [](const Tensor& x, const Tensor& w) { return tanh(matmul(w, x)) * 0.4 + 0.3; };
const auto kepler = [](const Tensor& e, const Tensor& p) { return e - select(p, 0, 0) * sin(e) - select(p, 0, 1); };

}  // namespace

TEST_SUITE("implicit") {
    TEST_CASE("the fixed point of Heron's step is the square root, and so are its derivatives") {
        const auto f = [](const Tensor& a) { return fixed_point(square_root_step, ones_like(a), a); };
        const Tensor a = tensor({2.0, 9.0, 0.25});
        CHECK(close(f(a), sqrt(a), 1e-14));
        const GradcheckReport r = gradcheck(f, {a}, {.order = 3});
        CHECK_MESSAGE(r.ok, r.message);
    }
    TEST_CASE("a fixed point has gradients to what its function captured") {
        const Tensor w0 = numbers({3, 3}, 1) * 0.5;
        const auto passed = [](const Tensor& w) { return sum(square(fixed_point(squash, zeros({3}, DType::f64), w))); };
        const auto captured = [](const Tensor& w) {
            return sum(square(fixed_point([w](const Tensor& x) { return squash(x, w); }, zeros({3}, DType::f64))));
        };
        CHECK(close(grad(passed, w0), grad(captured, w0), 1e-12));
        const GradcheckReport r = gradcheck(passed, {w0}, {.order = 2});
        CHECK_MESSAGE(r.ok, r.message);
    }
    TEST_CASE("parameters come as a vector, as a tuple, and as Parameters") {
        const Tensor a = tensor({2.0, 3.0}), b = tensor({0.1, 0.2});
        const auto by_vector = [](const Tensor& x, const Tensors& p) { return p[0] + p[1] * sin(x); };
        const auto r = gradcheck(
            [&](const Tensor& p, const Tensor& q) { return fixed_point(by_vector, zeros_like(p), Tensors{p, q}); },
            {a, b}, {.order = 2});
        CHECK_MESSAGE(r.ok, r.message);
        const auto by_tuple = [](const Tensor& x, const std::tuple<Tensor, Tensor>& p) {
            return std::get<0>(p) + std::get<1>(p) * sin(x);
        };
        CHECK(close(fixed_point(by_tuple, zeros_like(a), std::tuple{a, b}),
                    fixed_point(by_vector, zeros_like(a), Tensors{a, b}), 1e-12));
        const Parameter p(a);
        Tape tape;
        const Tensor y = sum(fixed_point(square_root_step, ones_like(a), p));
        CHECK(close(tape.gradient(y)[p], 0.5 / sqrt(a), 1e-12));
    }
    TEST_CASE("nothing of the iteration is recorded") {
        Tape tape;
        const Tensor a = tape.watch(tensor({2.0}));
        const Tensor y = fixed_point(square_root_step, ones_like(a), a);
        CHECK(summary(tape).find("2 entries, ") != std::string::npos);
        CHECK(tracked(y));
        CHECK(!tracked(fixed_point(square_root_step, ones({1}, DType::f64), tensor({2.0}))));
    }
    TEST_CASE("roots of Kepler's equation have their derivatives") {
        const auto f = [](const Tensor& p) { return root(kepler, tensor({1.0}), p); };
        const Tensor p = tensor({0.3, 1.2});
        CHECK(std::abs(kepler(f(p), p).item()) < 1e-13);
        const GradcheckReport r = gradcheck(f, {p}, {.order = 3});
        CHECK_MESSAGE(r.ok, r.message);
    }
    TEST_CASE("a root of several equations is a matrix of unknowns too") {
        // x·x = a for 2x2 matrices: a square root.
        const auto f = [](const Tensor& a) {
            return root([](const Tensor& x, const Tensor& b) { return matmul(x, x) - b; }, eye(2, DType::f64), a);
        };
        const Tensor a = tensor({{4.0, 1.0}, {0.5, 3.0}});
        CHECK(close(matmul(f(a), f(a)), a, 1e-12));
        const GradcheckReport r = gradcheck(f, {a}, {.order = 2});
        CHECK_MESSAGE(r.ok, r.message);
    }
    TEST_CASE("Newton's steps are halved where they would overshoot") {
        const auto arctangent = [](const Tensor& x) { return atan(x); };  // the full step diverges from 2
        CHECK(std::abs(root(arctangent, tensor({2.0})).item()) < 1e-12);
    }
    TEST_CASE("a fixed point inside a checkpoint and inside hessian") {
        const Tensor w0 = numbers({2, 2}, 3) * 0.4;
        const auto f = [](const Tensor& w) { return sum(fixed_point(squash, zeros({2}, DType::f64), w)); };
        CHECK(close(grad([&](const Tensor& w) { return checkpoint(f, w); }, w0), grad(f, w0), 1e-12));
        const Tensor h = reshape(hessian(f, w0), {4, 4});
        CHECK(close(h, transpose(h), 1e-9));
    }
    TEST_CASE("what does not settle or converge is an error that says so") {
        // clang-format off
        const auto doubled = [](const Tensor& x) { return 2.0 * x + 1.0; };
        CHECK(error_of<Error>([&] { fixed_point(doubled, tensor({0.0}), {.max_iterations = 3}); }) == "fixed_point: f must settle within 3 iterations, got a last change of 4" + here());
        CHECK(error_of<ShapeError>([&] { fixed_point([](const Tensor& x) { return sum(x); }, tensor({0.0, 1.0})); }) == "fixed_point: f(x) must have x's shape (2,), got ()" + here());
        CHECK(error_of<Error>([&] { root([](const Tensor& x) { return square(x) + 1.0; }, tensor({0.3}), {.max_iterations = 5}); }).rfind("root: Newton's method must converge within 5 iterations, got max|f(x)| = ", 0) == 0);
        // clang-format on
    }
}
