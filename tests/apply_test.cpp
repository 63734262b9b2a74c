#include <doctest/doctest.h>

#include <array>
#include <autodiff/autodiff.hpp>
#include <memory>

#include "support.hpp"

using namespace xgrad;
using tests::close;
using tests::error_of;

TEST_SUITE("apply") {
    TEST_CASE("a pullback takes the cotangent alone") {
        const auto f = [](const Tensor& x) {
            return apply("double", {x}, [](const Tensor& a) { return a + a; }, [](Tensor g) { return g * 2.0; });
        };
        CHECK(gradcheck(f, {tensor({1.0, 2.0})}, {.order = 2}));
    }

    TEST_CASE("a pullback takes the cotangent and the output") {
        const auto f = [](const Tensor& x) {
            return apply(
                "my_exp", {x}, [](const Tensor& a) { return exp(a); }, [](Tensor g, const Tensor& y) { return g * y; });
        };
        CHECK(gradcheck(f, {tensor({1.0, 2.0})}, {.order = 3}));
    }

    TEST_CASE("a pullback is told which cotangents are needed") {
        const auto f = [](const Tensor& x, const Tensor& w) {
            return apply(
                "my_multiply", {x, w}, [](const Tensor& a, const Tensor& b) { return a * b; },
                [x, w](Tensor g, Needs needs) {
                    return std::array<Tensor, 2>{needs[0] ? g * w : Tensor(), needs[1] ? g * x : Tensor()};
                });
        };
        CHECK(gradcheck(f, {tensor({1.0, 2.0}), tensor({3.0, 4.0})}, {.order = 2}));
    }

    TEST_CASE("a pullback takes cotangent and output and needs") {
        const auto f = [](const Tensor& x, const Tensor& w) {
            return apply(
                "my_divide", {x, w}, [](const Tensor& a, const Tensor& b) { return a / b; },
                [w](Tensor g, const Tensor& y, Needs needs) {
                    return std::vector<Tensor>{needs[0] ? g / w : Tensor(), needs[1] ? -g * y / w : Tensor()};
                });
        };
        CHECK(gradcheck(f, {tensor({1.0, 2.0}), tensor({3.0, 4.0})}, {.order = 2}));
    }

    TEST_CASE("a forward function takes a span or nothing") {
        const auto spanned = [](const Tensor& x) {
            return apply(
                "spanned", {x}, [](std::span<const Tensor> in) { return in[0] * 3.0; },
                [](Tensor g) { return g * 3.0; });
        };
        const auto captured = [](const Tensor& x) {
            return apply("captured", {x}, [x] { return x * 3.0; }, [](Tensor g) { return g * 3.0; });
        };
        const auto listed = [](const Tensor& x) {
            const std::vector<Tensor> inputs{x, x};
            return apply(
                "listed", inputs, [](const std::vector<Tensor>& in) { return in[0] + in[1]; },
                [](Tensor g) { return std::array{g, g}; });
        };
        CHECK(gradcheck(spanned, {tensor({1.0, 2.0})}));
        CHECK(gradcheck(captured, {tensor({1.0, 2.0})}));
        CHECK(gradcheck(listed, {tensor({1.0, 2.0})}));
    }

    TEST_CASE("an operation may have several outputs") {
        const auto sine_and_cosine = [](const Tensor& x) {
            return apply_many(
                "sine_and_cosine", {x}, [](const Tensor& a) { return std::vector<Tensor>{sin(a), cos(a)}; },
                [x](std::span<const Tensor> g, Needs) { return g[0] * cos(x) - g[1] * sin(x); });
        };
        const auto both = [&](const Tensor& x) {
            const auto y = sine_and_cosine(x);
            return y[0] * y[1] * y[1];
        };
        const auto second_only = [&](const Tensor& x) { return sine_and_cosine(x)[1]; };
        const auto neither = [&](const Tensor& x) {
            sine_and_cosine(x);
            return x * 1.0;
        };
        CHECK(gradcheck(both, {tensor({0.3, 2.0})}, {.order = 2}));
        CHECK(gradcheck(second_only, {tensor({0.3, 2.0})}, {.order = 2}));
        CHECK(gradcheck(neither, {tensor({0.3, 2.0})}, {.order = 2}));
    }

    TEST_CASE("a cotangent may have the broadcast shape") {
        const auto f = [](const Tensor& x, const Tensor& b) {
            return apply(
                "my_add", {x, b}, [](const Tensor& u, const Tensor& v) { return u + v; },
                [](Tensor g) { return std::array{g, g}; });
        };
        CHECK(gradcheck(f, {tensor({{1.0, 2.0}, {3.0, 4.0}}), tensor({5.0, 6.0})}, {.order = 2}));
        CHECK(gradcheck(f, {tensor({{1.0}, {3.0}}), scalar(5.0)}, {.order = 2}));
    }

    TEST_CASE("nothing inside the forward function is recorded") {
        Tape tape;
        const Tensor x = tape.watch(tensor({1.0, 2.0}));
        const auto before = tape.size();
        apply("deep", {x}, [](const Tensor& a) { return sin(cos(exp(a))); }, [](Tensor g) { return g; });
        CHECK(tape.size() == before + 1);
    }

    TEST_CASE("a pullback runs once and only for what is asked") {
        int calls = 0;
        const auto counted = [&](const Tensor& x) {
            return apply(
                "counted", {x}, [](const Tensor& a) { return a * 2.0; },
                [&calls](Tensor g) {
                    ++calls;
                    return g * 2.0;
                });
        };
        Tape tape({.persistent = true});
        const Tensor x = tape.watch(scalar(1.0)), w = tape.watch(scalar(2.0));
        const Tensor shared = counted(x);
        const Tensor y = shared * shared * w + shared;
        counted(w);  // y does not use it
        tape.gradient(y, w);
        CHECK(calls == 0);
        tape.gradient(y, shared);
        CHECK(calls == 0);
        tape.gradient(y, x);
        CHECK(calls == 1);
        tape.gradient(y);
        CHECK(calls == 2);
    }

    TEST_CASE("a constant input is never needed") {
        bool first = true, second = false;
        Tape tape;
        const Tensor c = tensor({1.0, 2.0}), x = tape.watch(tensor({3.0, 4.0}));
        const Tensor y = apply(
            "asks", {c, x}, [](const Tensor& a, const Tensor& b) { return a * b; },
            [&](Tensor g, Needs needs) {
                first = needs[0];
                second = needs[1];
                return std::array{Tensor(), g * c};
            });
        CHECK(close(tape.gradient(sum(y), x), tensor({1.0, 2.0})));
        CHECK_FALSE(first);
        CHECK(second);
    }

    TEST_CASE("what a pullback captured dies with the tape") {
        const auto token = std::make_shared<int>(0);
        {
            Tape tape;
            const Tensor x = tape.watch(scalar(1.0));
            apply("holds", {x}, [](const Tensor& a) { return a * 2.0; }, [token](Tensor g) { return g * 2.0; });
            CHECK(token.use_count() == 2);
        }
        CHECK(token.use_count() == 1);
    }

    TEST_CASE("backward lets go of what a pullback captured") {
        const auto token = std::make_shared<int>(0);
        Tape tape;
        const Tensor x = tape.watch(scalar(1.0));
        const Tensor y =
            apply("holds", {x}, [](const Tensor& a) { return a * 2.0; }, [token](Tensor g) { return g * 2.0; });
        tape.gradient(y, x);
        CHECK(token.use_count() == 1);
    }
}

TEST_SUITE("wrong pullbacks") {
    const Tensor at_x = tensor({1.3, 0.7}), at_w = tensor({0.4, -1.1});

    TEST_CASE("gradcheck catches a wrong value") {
        const auto f = [](const Tensor& x) {
            return apply("wrong", {x}, [](const Tensor& a) { return a * a; }, [x](Tensor g) { return g * x * 2.001; });
        };
        const GradcheckReport report = gradcheck(f, {at_x});
        CHECK_FALSE(report);
        CHECK(report.worst > 1);
        CHECK(report.message.find("reverse mode") != std::string::npos);
    }

    TEST_CASE("gradcheck names the input and the element and both numbers") {
        const auto f = [](const Tensor& x, const Tensor& w) {
            return apply(
                "wrong", {x, w}, [](const Tensor& a, const Tensor& b) { return a * b; },
                [x, w](Tensor g) { return std::array{g * w, g * x + tensor({0.0, 1.0})}; });
        };
        // A direction sees the mistake first; without it every element is looked at.
        const GradcheckReport report = gradcheck(f, {at_x, at_w});
        CHECK_FALSE(report);
        CHECK(report.message.find("got ") != std::string::npos);
        CHECK(report.message.find("differences give ") != std::string::npos);
    }

    TEST_CASE("gradcheck catches a gradient that is forgotten") {
        const auto f = [](const Tensor& x, const Tensor& w) {
            return apply(
                "forgets", {x, w}, [](const Tensor& a, const Tensor& b) { return a * b; },
                [w](Tensor g) { return std::array{g * w, Tensor()}; });
        };
        CHECK_FALSE(gradcheck(f, {at_x, at_w}));
    }

    TEST_CASE("gradcheck catches swapped gradients") {
        const auto f = [](const Tensor& x, const Tensor& w) {
            return apply(
                "swaps", {x, w}, [](const Tensor& a, const Tensor& b) { return a * b; },
                [x, w](Tensor g) { return std::array{g * x, g * w}; });
        };
        CHECK_FALSE(gradcheck(f, {at_x, at_w}));
    }

    TEST_CASE("gradcheck catches a gradient of the wrong element") {
        const auto f = [](const Tensor& x) {
            return apply(
                "reverses", {x}, [](const Tensor& a) { return a * 2.0; },
                [](Tensor g) { return slice(g, 0, std::nullopt, std::nullopt, -1) * 2.0; });
        };
        CHECK_FALSE(gradcheck(f, {at_x}));
    }

    TEST_CASE("gradcheck catches a pullback that is not linear in the cotangent") {
        const auto f = [](const Tensor& x) {
            return apply("squares", {x}, [](const Tensor& a) { return a * 1.0; }, [](Tensor g) { return g * g; });
        };
        CHECK_FALSE(gradcheck(f, {at_x}));
    }

    TEST_CASE("gradcheck catches a second derivative without its cross term") {
        const auto f = [](const Tensor& x, const Tensor& w) {
            const Tensor detached = stop_gradient(w);
            return apply(
                "forgets_cross_term", {x, w}, [](const Tensor& a, const Tensor& b) { return a * b; },
                [x, detached](Tensor g) { return std::array{g * detached, g * x}; });
        };
        CHECK(gradcheck(f, {at_x, at_w}));
        const GradcheckReport report = gradcheck(f, {at_x, at_w}, {.order = 2});
        CHECK_FALSE(report);
        CHECK(report.message.find("gradient of input 0: ") != std::string::npos);
    }

    TEST_CASE("gradcheck catches a pullback that forgets the cotangent at second order") {
        const auto f = [](const Tensor& x) {
            return apply(
                "detaches", {x}, [](const Tensor& a) { return a * a; },
                [x](Tensor g) { return stop_gradient(g) * x * 2.0; });
        };
        CHECK_FALSE(gradcheck([&](const Tensor& x) { return f(f(x)); }, {at_x}, {.order = 2}));
    }

    TEST_CASE("gradcheck refuses what is not f64") {
        const auto f = [](const Tensor& x) { return x * 2.0; };
        CHECK_THROWS_AS(gradcheck(f, {tensor({1.0f})}), DTypeError);
        CHECK_THROWS_AS(gradcheck([](const Tensor& x) { return x.to(DType::f32); }, {at_x}), DTypeError);
        CHECK_THROWS_AS(gradcheck(f, {at_x}, {.order = 0}), ValueError);
    }

    TEST_CASE("gradcheck agrees with right gradients of several inputs") {
        const auto f = [](const Tensor& x, const Tensor& w, const Tensor& b) { return tanh(matmul(x, w) + b); };
        const auto g = [](const std::vector<Tensor>& in) { return in[0] * in[1]; };
        const GradcheckReport report =
            gradcheck(f, {tensor({{0.1, 0.2}}), tensor({{0.3, -0.4}, {0.5, 0.6}}), tensor({0.7, -0.8})}, {.order = 2});
        CHECK_MESSAGE(report.ok, report.message);
        CHECK(report.worst < 1);
        CHECK(gradcheck(g, {at_x, at_w}, {.order = 2}));
    }

    TEST_CASE("the engine refuses a cotangent of the wrong shape") {
        Tape tape;
        const Tensor x = tape.watch(at_x);
        const Tensor y = apply(
            "wrong_shape", {x}, [](const Tensor& a) { return a * 2.0; },
            [](Tensor) { return tensor({1.0, 2.0, 3.0}); });
        CHECK(error_of<ShapeError>([&] { tape.gradient(sum(y), x); }).find("wrong_shape: ") == 0);
    }

    TEST_CASE("the engine refuses a cotangent of the wrong dtype") {
        Tape tape;
        const Tensor x = tape.watch(at_x);
        const Tensor y = apply(
            "wrong_dtype", {x}, [](const Tensor& a) { return a * 2.0; }, [](Tensor) { return tensor({1.0f, 2.0f}); });
        CHECK(error_of<DTypeError>([&] { tape.gradient(sum(y), x); }).find("wrong_dtype: ") == 0);
    }

    TEST_CASE("the engine refuses the wrong number of cotangents") {
        Tape tape;
        const Tensor x = tape.watch(at_x);
        const Tensor y = apply(
            "wrong_number", {x}, [](const Tensor& a) { return a * 2.0; }, [](Tensor g) { return std::array{g, g, g}; });
        CHECK(error_of<TapeError>([&] { tape.gradient(sum(y), x); }).find("wrong_number: ") == 0);
    }
}

TEST_CASE("gradcheck names the input and the element that is wrong, with both numbers") {
    // The slope of the second input is wrong at its last element alone.
    const auto f = [](const Tensor& a, const Tensor& b) {
        return apply(
            "faulty", {a, b}, [](const Tensor& x, const Tensor& y) { return x * y; },
            [a, b](Tensor g) { return std::array{g * b, where(equal(a, 3.0), g * a * 1.5, g * a)}; });
    };
    for (const bool full : {true, false}) {
        const GradcheckReport report =
            gradcheck(f, {tensor({1.0, 2.0, 3.0}), tensor({4.0, 5.0, 6.0})}, {.full_jacobian = full});
        CAPTURE(report.message);
        CHECK_FALSE(report);
        CHECK(report.message.find("input 1, element (2,): got ") != std::string::npos);
        CHECK(report.message.find(", differences give ") != std::string::npos);
    }
}
