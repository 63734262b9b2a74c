#include <autodiff/autodiff.hpp>
#include <autodiff/map.hpp>
#include <doctest/doctest.h>

#include <functional>

#include "support.hpp"

using namespace xgrad;
using tests::close;
using tests::error_of;
using tests::here;

namespace {

/// The central difference of f at x.
double slope(const std::function<double(double)>& f, double x, double h = 1e-4) {
    return (f(x + h) - f(x - h)) / (2 * h);
}

/// u = 0.4 sin(u) + 0.3 p.
Tensor settled(const Tensor& p) {
    return fixed_point([](const Tensor& u, const Tensor& q) { return sin(u) * 0.4 + q * 0.3; }, scalar(0.0), p);
}
Tensor root_of(const Tensor& p) {
    return root([](const Tensor& x, const Tensor& q) { return x * x - q; }, ones_like(stop_gradient(p)), p);
}

}  // namespace

TEST_SUITE("nesting") {
    TEST_CASE("an implicit function has derivatives of any order, reverse and forward") {
        const auto first = [](const Tensor& p) { return grad(settled, p); };
        const auto second = [&](const Tensor& p) { return grad(first, p); };
        const auto third = [&](const Tensor& p) { return grad(second, p); };
        const auto forward = [](const Tensor& p) { return jvp(settled, p, scalar(1.0)); };
        const auto at = [](const auto& f) { return [f](double p) { return f(scalar(p)).item(); }; };
        CHECK(first(scalar(0.8)).item() == doctest::Approx(slope(at(settled), 0.8)).epsilon(1e-6));
        CHECK(second(scalar(0.8)).item() == doctest::Approx(slope(at(first), 0.8)).epsilon(1e-6));
        CHECK(third(scalar(0.8)).item() == doctest::Approx(slope(at(second), 0.8)).epsilon(1e-6));
        CHECK(grad(third, scalar(0.8)).item() == doctest::Approx(slope(at(third), 0.8)).epsilon(1e-6));
        CHECK(grad(forward, scalar(0.8)).item() == doctest::Approx(second(scalar(0.8)).item()));
        CHECK(jvp(forward, scalar(0.8), scalar(1.0)).item() == doctest::Approx(second(scalar(0.8)).item()));
    }

    TEST_CASE("a gradient inside a checkpoint inside a derivative") {
        const Tensor a = tensor({0.3, -0.7, 1.1}), c = tensor({1.0, 2.0, -0.5}), v = cos(a);
        const auto inside = [&](const Tensor& q) {
            return grad([&](const Tensor& t) { return sum(sin(tanh(t) - q) * c); }, q);
        };
        const auto kept = [&](const Tensor& z) { return sin(inside(z)) * z; };
        const auto again = [&](const Tensor& z) { return sin(checkpoint(inside, z)) * z; };
        CHECK(close(grad([&](const Tensor& z) { return sum(jvp(again, z, v)); }, a),
                    grad([&](const Tensor& z) { return sum(jvp(kept, z, v)); }, a)));
        CHECK(close(hessian([&](const Tensor& z) { return sum(again(z)); }, a),
                    hessian([&](const Tensor& z) { return sum(kept(z)); }, a)));
    }

    TEST_CASE("a root inside checkpoints") {
        const Tensor p = tensor({1.0, 2.0, 3.0}), expected = 0.5 / sqrt(p);
        CHECK(close(
            grad([](const Tensor& x) { return sum(checkpoint([](const Tensor& q) { return root_of(q * 1.0); }, x)); },
                 p),
            expected));
        const auto twice = [](const Tensor& q) { return checkpoint([](const Tensor& r) { return root_of(r); }, q); };
        CHECK(close(grad([&](const Tensor& x) { return sum(checkpoint(twice, x)); }, p), expected));
    }

    TEST_CASE("a parameter that one tape watched is no input of the next at its depth") {
        const Parameter w = tensor({2.0});
        Tape outer;
        const Tensor y = square(w);
        {
            Tape inner;
            inner.gradient(sum(w * 3.0));
        }
        Tensor z;
        {
            Tape inner({.watch_parameters = false});
            z = w * 5.0;
            CHECK(inner.gradient(sum(z)).find(w) == nullptr);
        }
        CHECK(close(outer.gradient(sum(y + z), w), tensor({9.0})));
    }

    TEST_CASE("64 tapes may be open, and no more") {
        const std::function<double(int)> nested = [&](int depth) -> double {
            Tape tape;
            const Tensor w = tape.watch(tensor({3.0}));
            const Tensor y = w * w;
            const double below = depth > 1 ? nested(depth - 1) : 0;
            return below + tape.gradient(sum(y), w).item();
        };
        CHECK(nested(64) == 64 * 6);
        CHECK(error_of<TapeError>([&] {
                  nested(65);
              }).starts_with("Tape: at most 64 tapes may be open on a thread at a time, got one more"));
        CHECK(nested(2) == 12);
    }

    TEST_CASE("what a function of map throws comes out, whatever the size") {
        struct Stop {};
        static volatile bool always = true;
        for (const std::int64_t n : {10, 1 << 20}) {
            bool caught = false;
            try {
                map(
                    [](auto x) {
                        if (always) throw Stop{};
                        return x;
                    },
                    ones({n}));
            } catch (const Stop&) {
                caught = true;
            }
            CHECK(caught);
        }
    }

    TEST_CASE("transforms without arguments, and functions with changing numbers of results, are errors") {
        const auto f = [](const Tensors& xs) { return xs.empty() ? ones({}) : xs[0]; };
        CHECK(error_of<ValueError>([&] { jvp(f, Tensors{}, Tensors{}); }) ==
              "jvp: there must be an argument, got none" + here());
        CHECK(error_of<ValueError>([&] { hvp(f, Tensors{}, Tensors{}); }) ==
              "hvp: there must be an argument, got none" + here());
        const auto ragged = [](const Tensor& x) { return x.item() < 2 ? Tensors{x} : Tensors{x, x}; };
        CHECK(error_of<ValueError>([&] { vmap(ragged, tensor({1.0, 2.0})); }) ==
              "vmap: f must return as many tensors for each slice, got 1 and 2");
        CHECK(close(checkpoint([] { return ones({2}); }), ones({2})));
    }

    TEST_CASE("errors of transforms name the line that called them") {
        const Tensor x = tensor({1.0, 2.0}), u = ones({3}, DType::f64);
        const auto twice = [](const Tensor& v) { return v * 2.0; };
        CHECK(error_of<ShapeError>([&] { grad(twice, x); }).ends_with(here()));
        CHECK(error_of<ShapeError>([&] {
                  value_and_grad([](const Tensors& xs) { return xs[0]; }, Tensors{x});
              }).ends_with(here()));
        CHECK(error_of<ShapeError>([&] { hessian(twice, x); }).ends_with(here()));
        CHECK(error_of<ShapeError>([&] { vjp(twice, x, u); }).ends_with(here()));
        CHECK(error_of<ShapeError>([&] { jvp(twice, x, u); }).ends_with(here()));
        CHECK(error_of<DTypeError>([&] { jacobian(twice, tensor({1, 2})); }).ends_with(here()));
        CHECK(error_of<ShapeError>([&] { hvp(twice, x, u); }).ends_with(here()));
    }

    TEST_CASE("solvers do not take infinity for a solution") {
        CHECK(error_of([&] {
                  fixed_point([](const Tensor& x, const Tensor&) { return x / 0.0; }, scalar(2.5), scalar(1.0));
              }).starts_with("fixed_point: f must settle"));
        CHECK(error_of([&] {
                  root([](const Tensor& x, const Tensor& p) { return x * x - p; }, scalar(1e200), scalar(2.0));
              }).starts_with("root: Newton's method must converge"));
    }
}

TEST_SUITE("numbers and conditions") {
    TEST_CASE("a tensor of one element is a condition, others are not") {
        const Tensor one = scalar(1.0), two = scalar(2.0);
        CHECK_FALSE(bool(one == two));
        CHECK(bool(one < two));
        CHECK_FALSE(bool(Tensor()));
        CHECK_FALSE(bool(scalar(0)));
        CHECK(error_of<ShapeError>([&] { static_cast<void>(bool(tensor({1.0, 2.0}) == one)); }) ==
              "Tensor as a condition: one element is needed, got shape (2,); any() and all() give one, defined() tells "
              "an empty tensor");
    }

    TEST_CASE("an integer tensor takes no number that it cannot hold") {
        const Tensor i = tensor({1, 2, 3});
        CHECK(close(i + 2, tensor({3, 4, 5}), 0));
        CHECK(error_of<ValueError>([&] { i + 0.5; }) ==
              "add: a plain number takes the tensor's type i32, which cannot hold 0.5 "
              "(convert the tensor with .to())" +
                  here());
        CHECK(error_of<ValueError>([&] {
                  less(i, 1e30);
              }).starts_with("less: a plain number takes the tensor's type i32"));
        CHECK(error_of<ValueError>([&] { masked_fill(i, i > 1, 1.5); }).starts_with("masked_fill: a plain number"));
    }

    TEST_CASE("tensors of bool in rows, and of a vector") {
        CHECK(tensor({{true, false}, {false, true}}).shape() == Shape{2, 2});
        CHECK(close(tensor(std::vector<bool>{true, false}), tensor({true, false}), 0));
    }

    TEST_CASE("einsum finds an order in which no product has too many axes") {
        const Tensor four = full({1, 1, 1, 1}, 2.0), three = full({1, 1, 1}, 2.0);
        CHECK(einsum("abcd,efgh,ijkl,aei,bfj,cgk,dhl->", {four, four, four, three, three, three, three}).item() == 128);
        CHECK(error_of<ShapeError>([&] {
                  einsum("abcd,efgh,ijkl->abcdefghijkl", {four, four, four});
              }).starts_with("einsum: "));
    }

    TEST_CASE("sizes that overflow are an error") {
        CHECK(error_of<ShapeError>([&] {
                  reshape(zeros({0}), {std::int64_t{1} << 62, 4});
              }).starts_with("reshape: the sizes must multiply"));
    }

    TEST_CASE("values at the edges: floor_divide by infinity, std of equal numbers, cond of nothing") {
        CHECK(close(floor_divide(tensor({1.0, -1.0, 0.0}), -std::numeric_limits<double>::infinity()),
                    tensor({-1.0, 0.0, 0.0}), 0));
        CHECK(
            close(grad([](const Tensor& x) { return xgrad::std(x); }, tensor({2.0, 2.0})), zeros({2}, DType::f64), 0));
        CHECK(cond(zeros({2, 2}, DType::f64)).item() == std::numeric_limits<double>::infinity());
    }

    TEST_CASE("an operation that assigns knows the user's line") {
        Tape tape;
        Tensor a = tape.watch(tensor({1.0}));
        const Tensor wrong = tensor({1.0, 2.0, 3.0});
        a = concat({a, a});
        CHECK(error_of<ShapeError>([&] { a += wrong; }).ends_with(here()));
    }
}

TEST_CASE("checkpoint: several results of one operation are inputs, each with its own gradient") {
    const Tensor x = tensor({0.5, -1.0, 2.0, 0.25, 1.5, -0.75});
    const auto f = [](const Tensors& p) { return sum(p[0] * square(p[1]) + exp(p[2])); };
    const auto direct = [&](const Tensor& u) { return f(split(u, 3)); };
    const auto kept = [&](const Tensor& u) {
        const Tensors p = split(u, 3);
        return checkpoint([=](const Tensor& a, const Tensor& b) { return f({a, b, p[2]}); }, p[0], p[1]);
    };
    const auto nested = [&](const Tensor& u) {
        const Tensors p = split(u, 3);
        return checkpoint(
            [=](const Tensor& a) { return checkpoint([=](const Tensor& b) { return f({a, b, p[2]}); }, p[1]); }, p[0]);
    };
    CHECK(close(grad(kept, x), grad(direct, x)));
    CHECK(close(grad(nested, x), grad(direct, x)));
    CHECK(close(hessian(kept, x), hessian(direct, x)));
    CHECK(close(hessian(nested, x), hessian(direct, x)));
}
