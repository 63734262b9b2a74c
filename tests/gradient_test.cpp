#include <doctest/doctest.h>

#include <autodiff/autodiff.hpp>

#include "support.hpp"

using namespace xgrad;
using tests::close;
using tests::error_of;
using tests::here;

TEST_SUITE("gradient: a result that the tape did not record") {
    TEST_CASE("a loss computed before the tape was opened") {
        const Parameter w(tensor({1.0, 2.0}));
        const Tensor loss = sum(w * w);
        Tape tape;
        CHECK(error_of<TapeError>([&] { tape.gradient(loss); }) ==
              "Tape::gradient: y must be recorded by this tape, got one that is a constant: it was not recorded. "
              "Either nothing that it was "
              "computed from is watched (tape.watch(x), or a Parameter), or on the way it went through stop_gradient, "
              "through item() or "
              "data(), or through an operation without gradient such as a comparison, argmax or round." +
                  here());
        CHECK(tape.gradient(sum(w * w))[w].defined());  // the failed call was no gradient
    }

    TEST_CASE("a loss of a tape that is gone") {
        const Parameter w(tensor({1.0, 2.0}));
        Tensor loss;
        {
            Tape tape;
            loss = sum(w * w);
        }
        Tape tape;
        CHECK(error_of<TapeError>([&] { tape.gradient(loss); })
                  .starts_with("Tape::gradient: y must be recorded by this tape, got one that was recorded on a tape "
                               "that is gone"));
    }

    TEST_CASE("a loss that an outer tape recorded before") {
        Tape outer;
        const Tensor x = outer.watch(scalar(3.0));
        const Tensor y = x * x;
        Tape inner;
        CHECK(error_of<TapeError>([&] { inner.gradient(y); })
                  .starts_with("Tape::gradient: y must be recorded by this tape, got one that was recorded before this "
                               "tape was opened"));
        CHECK(inner.gradient(y, {.unconnected = Unconnected::absent}).size() == 0);
    }

    TEST_CASE("one of several results") {
        Tape tape;
        const Tensor x = tape.watch(scalar(3.0));
        const Tensor y = x * x;
        CHECK(error_of<TapeError>([&] { tape.gradient({y, scalar(1.0)}); }).find("is a constant") != std::string::npos);
        CHECK(tape.gradient({y, scalar(1.0)}, {.unconnected = Unconnected::zeros})[x].item() == 6);
    }

    TEST_CASE("with .unconnected, and with sources, it is what the options say") {
        Tape tape({.persistent = true});
        const Tensor x = tape.watch(scalar(3.0));
        CHECK(tape.gradient(scalar(1.0), {.unconnected = Unconnected::zeros}).size() == 0);
        CHECK_FALSE(tape.gradient(scalar(1.0), x).defined());
        CHECK(tape.gradient(scalar(1.0), x, {.unconnected = Unconnected::zeros}).item() == 0);
        CHECK(grad([](const Tensor&) { return scalar(1.0); }, scalar(3.0)).item() == 0);
    }

    TEST_CASE("a parameter is its own gradient's source") {
        const Parameter w(scalar(2.0));
        Tape outer;
        const Tensor used = w * 1.0;
        Tape inner;
        CHECK(inner.gradient(w)[w].item() == 1);
    }
}

TEST_SUITE("gradient: several results") {
    TEST_CASE("one sweep gives the sum of their gradients, each with its cotangent") {
        Tape tape({.persistent = true});
        const Tensor x = tape.watch(tensor({1.0, 2.0})), w = tape.watch(scalar(3.0));
        const Tensor a = x * x, b = sum(x) * w;
        const Tensor u = tensor({10.0, 1.0}), v = scalar(2.0);
        const Tensor dx = u * 2.0 * x + v * w, dw = v * sum(x);
        const Tensors both = tape.gradient({a, b}, {x, w}, {.cotangents = {u, v}});
        CHECK(close(both[0], dx));
        CHECK(close(both[1], dw));
        CHECK(close(tape.gradient({a, b}, x, {.cotangents = {u, v}}), dx));
        const Gradients g = tape.gradient({a, b}, GradientOptions{.cotangents = {u, v}});
        CHECK(close(g[x], dx));
        CHECK(close(g[w], dw));
        const Tensors ys{a, b}, xs{w, x};
        CHECK(close(tape.gradient(ys, xs, {.cotangents = {u, v}})[0], dw));
        CHECK(close(tape.gradient({b, sum(a)}, x), w + 2.0 * x));  // of one element each: no cotangents needed
    }

    TEST_CASE("a result may be there twice, be a source, or feed another") {
        Tape tape({.persistent = true});
        const Tensor x = tape.watch(scalar(3.0));
        const Tensor y = x * x, z = y * y;
        CHECK(tape.gradient({y, y}, x).item() == 12);
        CHECK(tape.gradient({y, z}, x).item() == 6 + 108);
        CHECK(tape.gradient({y, z, x}, y).item() == 1 + 18);
        CHECK(tape.gradient({x, z}, x).item() == 1 + 108);
    }

    TEST_CASE("outer tapes differentiate it") {
        const auto f = [](const Tensor& x) {
            Tape inner;
            const Tensor w = inner.watch(x);
            return inner.gradient({w * w * w, sin(w)}, w, {.cotangents = {x, scalar(2.0)}});  // 3x³ + 2cos x
        };
        CHECK(grad(f, scalar(0.7)).item() == doctest::Approx(9 * 0.49 - 2 * std::sin(0.7)));
    }

    TEST_CASE("each result has one cotangent") {
        Tape tape;
        const Tensor x = tape.watch(scalar(3.0));
        const Tensor y = x * x, u = scalar(1.0);
        CHECK(error_of<ValueError>([&] { tape.gradient({y, x}, x, {.cotangents = {u}}); }) ==
              "Tape::gradient: one cotangent for each result is needed, got 1 for 2" + here());
        CHECK(error_of<ValueError>([&] { tape.gradient({y, x}, x, {.cotangent = u}); }).find("got 1 for 2") !=
              std::string::npos);
        CHECK(error_of<ValueError>([&] { tape.gradient(Tensors{}, x); }).find("got none") != std::string::npos);
        CHECK(error_of<ShapeError>([&] {
                  tape.gradient({y, x}, x, {.cotangents = {u, ones({2}, DType::f64)}});
              }).ends_with(here()));
    }
}

TEST_SUITE("with_gradient_hook") {
    TEST_CASE("it sees the whole gradient and may change it") {
        Tape tape({.persistent = true});
        const Tensor x = tape.watch(tensor({1.0, 2.0}));
        Tensor seen;
        const Tensor h = with_gradient_hook(x * 3.0, [&](const Tensor& g) { seen = g; });
        const Tensor doubled = with_gradient_hook(h, [](const Tensor& g) { return g * 2.0; });
        CHECK(close(tape.gradient(sum(doubled) + sum(doubled * doubled), x), (1.0 + 2.0 * h) * 2.0 * 3.0));
        CHECK(close(seen, (1.0 + 2.0 * h) * 2.0));
        CHECK(seen.shape() == Shape{2});
        CHECK(close(h, x * 3.0));
    }

    TEST_CASE("it is called once in each sweep that reaches it") {
        int calls = 0;
        Tape tape({.persistent = true});
        const Tensor x = tape.watch(scalar(2.0)), w = tape.watch(scalar(2.0));
        const Tensor h = with_gradient_hook(x, [&](const Tensor&) { ++calls; });
        tape.gradient(h * h + h * w, x);
        CHECK(calls == 1);
        tape.gradient(w * w, w);
        CHECK(calls == 1);
    }

    TEST_CASE("what it computes is differentiated") {
        // h is x, and its gradient g becomes g·x: the derivative of h³ is 3h²·x, and of that 6h·x·x (again through h) +
        // 3h².
        const auto f = [](const Tensor& x) {
            return pow(with_gradient_hook(x, [x](const Tensor& g) { return g * x; }), 3);
        };
        const auto first = [&](const Tensor& x) { return grad(f, x); };
        CHECK(first(scalar(2.0)).item() == doctest::Approx(24));
        CHECK(grad(first, scalar(2.0)).item() == doctest::Approx(6 * 2 * 2 * 2 + 3 * 4));
    }

    TEST_CASE("a gradient of another shape is an error") {
        Tape tape;
        const Tensor x = tape.watch(tensor({1.0, 2.0}));
        const Tensor h = with_gradient_hook(x, [](const Tensor&) { return tensor({1.0, 2.0, 3.0}); });
        CHECK(error_of<ShapeError>([&] {
                  tape.gradient(sum(h), x);
              }).starts_with("with_gradient_hook: the pullback's cotangent"));
    }
}

TEST_SUITE("parameters: assignment") {
    TEST_CASE("a recorded result is no value for a parameter") {
        Parameter p(tensor({1.0, 2.0}));
        Tape tape;
        const Tensor y = p * 2.0;
        CHECK(error_of<TapeError>([&] { p = y; }) ==
              "Parameter: the value must be a constant, got a tensor of shape (2,) that a tape records, whose gradient "
              "would end here; "
              "compute with the tensor itself, or assign stop_gradient(tensor)");
        CHECK_THROWS_AS(p -= y, TapeError);
        CHECK_THROWS_AS(Parameter(p * 1.0), TapeError);
        CHECK(close(p.value(), tensor({1.0, 2.0})));
        p = stop_gradient(y);
        CHECK(close(p.value(), tensor({2.0, 4.0})));
    }

    TEST_CASE("other parameters, constants and results of finished tapes are values") {
        Parameter p(tensor({1.0, 2.0})), q(tensor({3.0, 4.0}));
        Tape tape;
        const Tensor y = sum(p * q);
        p = q;
        p = Parameter(q);
        q = tensor({5.0, 6.0});
        const Gradients g = tape.gradient(y);
        p = p - g[p];
        CHECK(close(p.value(), tensor({0.0, 0.0})));
    }

    TEST_CASE("shape and type stay while a tape that used the parameter records") {
        Parameter p(scalar(2.0));
        {
            Tape tape;
            const Tensor a = p * p;
            CHECK(error_of<TapeError>([&] { p = tensor({5.0f}); }) ==
                  "Parameter: shape and type must stay () f64 while a tape that has used the parameter records, got "
                  "(1,) f32");
            CHECK_THROWS_AS(p = scalar(5.0f), TapeError);
            CHECK(p.release().item() == 2);
            CHECK_THROWS_AS(p = scalar(5.0f), TapeError);
            p = scalar(3.0);
            const Tensor b = p * p;
            CHECK(tape.gradient(a + b)[p].item() == 4 + 6);
            p = tensor({5.0f});  // the tape has given its gradient
        }
        {
            Tape tape;
            p = tensor({1.0, 2.0});  // and this one has not used it
            CHECK(close(tape.gradient(sum(p * p))[p], tensor({2.0, 4.0})));
        }
        Tape outer;
        const Tensor y = sum(p * p);
        {
            Tape inner;
            CHECK_THROWS_AS(p = scalar(1.0), TapeError);
        }
        CHECK_THROWS_AS(p = scalar(1.0), TapeError);
        CHECK(outer.gradient(y)[p].defined());
    }
}
