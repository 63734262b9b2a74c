#include <doctest/doctest.h>

#include <autodiff/autodiff.hpp>
#include <memory>
#include <thread>

#include "support.hpp"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define XGRAD_CLANG_ASAN
#endif
#endif

using namespace xgrad;
using tests::close;
using tests::error_of;

namespace {

Tensor cube(const Tensor& x) { return x * x * x; }

}  // namespace

TEST_SUITE("tape") {
    TEST_CASE("a gradient is found by the watched tensor") {
        Tape tape;
        const Tensor x = tape.watch(tensor({1.0, 2.0})), w = tape.watch(tensor({3.0, 4.0}));
        const Tensor y = sum(x * x * w);
        const Gradients g = tape.gradient(y);
        CHECK(g.size() == 2);
        CHECK(close(g[x], tensor({6.0, 16.0})));
        CHECK(close(*g.find(w), tensor({1.0, 4.0})));
    }

    TEST_CASE("find gives nothing for what y does not depend on") {
        Tape tape;
        const Tensor x = tape.watch(tensor({1.0})), other = tape.watch(tensor({2.0}));
        const Gradients g = tape.gradient(sum(square(x)));
        CHECK(g.size() == 1);
        CHECK(g.find(other) == nullptr);
        CHECK(g.find(tensor({1.0})) == nullptr);
        CHECK_THROWS_AS(g[other], TapeError);
        CHECK_THROWS_AS(g[tensor({1.0})], TapeError);
    }

    TEST_CASE("a cotangent weights the elements of y") {
        Tape tape;
        const Tensor x = tape.watch(tensor({1.0, 2.0}));
        CHECK(close(tape.gradient(square(x), x, {.cotangent = tensor({10.0, 1.0})}), tensor({20.0, 4.0})));
    }

    TEST_CASE("several sources are asked for at once") {
        Tape tape;
        const Tensor x = tape.watch(scalar(2.0)), w = tape.watch(scalar(5.0));
        const std::vector<Tensor> g = tape.gradient(x * x * w, {w, x});
        CHECK(g.size() == 2);
        CHECK(g[0].item<double>() == 4);
        CHECK(g[1].item<double>() == 20);
    }

    TEST_CASE("an unconnected source is absent or zeros as asked") {
        Tape tape({.persistent = true});
        const Tensor x = tape.watch(tensor({1.0, 2.0})), other = tape.watch(tensor({{1.0f}}));
        const Tensor y = sum(x);
        CHECK_FALSE(tape.gradient(y, other).defined());
        const Tensor z = tape.gradient(y, other, {.unconnected = Unconnected::zeros});
        CHECK(close(z, tensor({{0.0}})));
        CHECK(z.dtype() == DType::f32);
        CHECK(close(tape.gradient(y, other, {.unconnected = Unconnected::zeros}), tensor({{0.0}})));
        CHECK_FALSE(tape.gradient(y, other, {.unconnected = Unconnected::absent}).defined());
        CHECK_FALSE(tape.gradient(scalar(1.0), x).defined());
    }

    TEST_CASE("an intermediate result is a source too") {
        Tape tape({.persistent = true});
        const Tensor x = tape.watch(tensor({1.0, 2.0}));
        const Tensor h = x * x;
        const Tensor y = sum(h * h);
        CHECK(close(tape.gradient(y, h), tensor({2.0, 8.0})));
        const auto both = tape.gradient(y, {x, h});
        CHECK(close(both[0], tensor({4.0, 32.0})));
        CHECK(close(both[1], tensor({2.0, 8.0})));
        CHECK(close(tape.gradient(y, y), scalar(1.0)));
    }

    TEST_CASE("one source may be named twice") {
        Tape tape;
        const Tensor x = tape.watch(scalar(3.0));
        const auto g = tape.gradient(x * x, {x, x});
        CHECK(g[0].item<double>() == 6);
        CHECK(g[1].item<double>() == 6);
    }

    TEST_CASE("watching a recorded tensor makes it a source and lets its gradient pass") {
        Tape tape;
        const Tensor x = tape.watch(tensor({1.0, 2.0}));
        const Tensor h = tape.watch(x * x);
        const Gradients g = tape.gradient(sum(h * h));
        CHECK(close(g[h], tensor({2.0, 8.0})));
        CHECK(close(g[x], tensor({4.0, 32.0})));
    }

    TEST_CASE("a watched handle may go out of scope before the gradient is taken") {
        Tape tape;
        Tensor y;
        {
            const Tensor x = tape.watch(tensor({1.0, 2.0}));
            y = sum(x * x);
        }
        CHECK(tape.gradient(y).size() == 1);
    }

    TEST_CASE("y may go on living and being used after the gradient") {
        Tape tape;
        const Tensor x = tape.watch(scalar(2.0));
        const Tensor y = x * x;
        const Tensor g = tape.gradient(y, x);
        CHECK((y + g).item<double>() == 8);
        CHECK_FALSE(tracked(y * 2.0));
    }

    TEST_CASE("tensors of a tape that is gone are constants") {
        Tensor h;
        {
            Tape tape;
            h = square(tape.watch(tensor({1.0, 2.0})));
            CHECK(tracked(h));
        }
        CHECK_FALSE(tracked(h));
        Tape tape;
        const Tensor w = tape.watch(tensor({5.0, 6.0}));
        const Gradients g = tape.gradient(sum(w * h));  // truncated back-propagation through time
        CHECK(g.size() == 1);
        CHECK(close(g[w], tensor({1.0, 4.0})));
        CHECK(g.find(h) == nullptr);
    }

    TEST_CASE("what depends on no source is not recorded") {
        Tape tape;
        const Tensor a = tensor({1.0, 2.0});
        for (int i = 0; i < 10; ++i) sum(exp(a) * a);
        CHECK(tape.size() == 0);
        const Tensor x = tape.watch(a);
        const auto before = tape.size();
        exp(stop_gradient(x));
        CHECK(tape.size() == before);
        exp(x);
        CHECK(tape.size() == before + 1);
    }

    TEST_CASE("nothing is recorded without a tape") {
        const Parameter p(tensor({1.0}));
        CHECK_FALSE(tracked(p));
        CHECK_FALSE(tracked(p * 2.0));
    }
}

TEST_SUITE("tape: size") {
    TEST_CASE("a million entries are recorded and differentiated and destroyed") {
        constexpr int n = 1'000'000;
        constexpr double factor = 1 + 1e-6;
        double slope = 1;
        for (int i = 0; i < n; ++i) slope *= factor;
        Tape tape;
        const Tensor x = tape.watch(scalar(0.5));
        Tensor y = x;
        for (int i = 0; i < n; ++i) y = y * factor;
        CHECK(tape.size() == n + 1);
        CHECK(tape.gradient(y, x).item<double>() == doctest::Approx(slope).epsilon(1e-9));
    }

    TEST_CASE("a long chain that is never differentiated is destroyed as well") {
        Tape tape;
        Tensor y = tape.watch(scalar(0.5));
        for (int i = 0; i < 300'000; ++i) y = sin(y);
        CHECK(tape.size() == 300'001);
    }

    TEST_CASE("a long chain has a second derivative") {
        constexpr int n = 20'000;
        const auto f = [](const Tensor& x) {
            Tensor y = x;
            for (int i = 0; i < n; ++i) y = y + 1e-4 * y * y;
            return y;
        };
        const double h = 1e-5, at = 0.01;
        const double expected =
            (grad(f, scalar(at + h)).item<double>() - grad(f, scalar(at - h)).item<double>()) / (2 * h);
        CHECK(grad([&](const Tensor& x) { return grad(f, x); }, scalar(at)).item<double>() ==
              doctest::Approx(expected).epsilon(1e-6));
    }

    TEST_CASE("a ladder of shared nodes costs one visit for each node") {
        Tape tape;
        const Tensor x = tape.watch(scalar(1.0));
        Tensor y = x;
        for (int i = 0; i < 60; ++i) y = y + y;
        CHECK(tape.gradient(y, x).item<double>() == std::ldexp(1.0, 60));
    }

    TEST_CASE("an operation may have many inputs") {
        Tape tape;
        const Tensor x = tape.watch(tensor({1.0, 2.0}));
        std::vector<Tensor> parts;
        for (int i = 0; i < 100; ++i) parts.push_back(x * static_cast<double>(i));
        const Tensor y = concat(parts);
        CHECK(close(tape.gradient(sum(y), x), tensor({4950.0, 4950.0})));
    }
}

TEST_SUITE("tape: nesting") {
    TEST_CASE("the gradient of an inner tape is differentiated by the outer one") {
        Tape outer;
        const Tensor x = outer.watch(tensor({1.0, 2.0}));
        Tape inner;
        const Tensor y = sum(cube(x));
        const Tensor dx = inner.gradient(y, x);
        CHECK(close(dx, tensor({3.0, 12.0})));
        CHECK(close(outer.gradient(sum(dx), x), tensor({6.0, 12.0})));
    }

    TEST_CASE("the inner tape may be gone when the outer one takes its gradient") {
        Tape outer;
        const Tensor x = outer.watch(scalar(2.0));
        Tensor dx;
        {
            Tape inner;
            dx = inner.gradient(cube(x), x);
        }
        CHECK(outer.gradient(dx, x).item<double>() == 12);
    }

    TEST_CASE("three tapes give the third derivative") {
        Tape first;
        const Tensor x = first.watch(scalar(2.0));
        Tensor d1, d2;
        {
            Tape second;
            {
                Tape third;
                const Tensor y = x * cube(x);
                d1 = third.gradient(y, x);
            }
            d2 = second.gradient(d1, x);
        }
        CHECK(d1.item<double>() == 32);
        CHECK(d2.item<double>() == 48);
        CHECK(first.gradient(d2, x).item<double>() == 48);
    }

    TEST_CASE("an inner tape watches for itself") {
        Tape outer;
        const Tensor a = outer.watch(scalar(2.0));
        Tape inner;
        const Tensor b = inner.watch(a);
        const Tensor y = a * a * b;
        CHECK(inner.gradient(y, b).item<double>() == 4);  // of b alone: a is another variable for the inner tape
        CHECK(outer.gradient(y, a).item<double>() == 12);
    }

    TEST_CASE("an inner gradient is recorded only for tapes that are still open") {
        Tape tape;
        const Tensor x = tape.watch(scalar(2.0));
        CHECK_FALSE(tracked(tape.gradient(cube(x), x)));
    }

    TEST_CASE("parameters have gradients of gradients") {
        const Parameter p(tensor({1.0, 2.0}));
        Tape outer;
        Tensor penalty;
        {
            Tape inner;
            const Gradients g = inner.gradient(sum(cube(p)));
            penalty = sum(square(g[p]));  // |3p^2|^2, whose derivative is 36 p^3
        }
        CHECK(close(outer.gradient(penalty)[p], tensor({36.0, 288.0})));
    }

    TEST_CASE("what the inner tape recorded is still there for the outer one") {
        Tape outer;
        const Tensor x = outer.watch(scalar(3.0));
        Tape inner;
        const Tensor y = x * x;
        const Tensor g = inner.gradient(y, x);
        CHECK(outer.gradient(y * g, x).item<double>() == 54);  // 2x^3
    }

    TEST_CASE("tapes that are closed out of order do no harm") {
        auto outer = std::make_unique<Tape>();
        const Tensor x = outer->watch(scalar(3.0));
        auto inner = std::make_unique<Tape>();
        const Tensor w = inner->watch(scalar(2.0));
        const Tensor y = x * w;
        outer.reset();
        CHECK(inner->gradient(y, w).item<double>() == 3);
        inner.reset();
        Tape next;
        const Tensor z = next.watch(scalar(1.0));
        CHECK(next.gradient(z * z, z).item<double>() == 2);
    }
}

TEST_SUITE("tape: use") {
    TEST_CASE("a persistent tape gives any number of gradients") {
        Tape tape({.persistent = true});
        const Tensor x = tape.watch(tensor({1.0, 2.0}));
        const Tensor y = sum(exp(x)), z = sum(x * x);
        const Tensor first = tape.gradient(y, x);
        CHECK(close(tape.gradient(y, x), first));
        CHECK(close(tape.gradient(z, x), tensor({2.0, 4.0})));
        const Tensor later = y * z;  // recorded after a gradient was taken
        CHECK(tape.gradient(later, x).defined());
    }

    TEST_CASE("a tape that is not persistent gives one") {
        Tape tape;
        const Tensor x = tape.watch(scalar(1.0));
        const Tensor y = x * x;
        tape.gradient(y, x);
        CHECK_THROWS_AS(tape.gradient(y, x), TapeError);
        CHECK_THROWS_AS(tape.gradient(y), TapeError);
        CHECK_THROWS_AS(tape.watch(x), TapeError);
    }

    TEST_CASE("another thread may not use a tape and does not record on it") {
        Tape tape;
        const Tensor x = tape.watch(scalar(3.0));
        const Tensor y = x * x;
        bool recorded = true;
        std::string of_gradient, of_watch;
        std::thread([&] {
            recorded = tracked(x * x);
            of_gradient = error_of<TapeError>([&] { tape.gradient(y, x); });
            of_watch = error_of<TapeError>([&] { tape.watch(x); });
        }).join();
        CHECK_FALSE(recorded);
        CHECK(of_gradient.find("thread") != std::string::npos);
        CHECK(of_watch.find("thread") != std::string::npos);
        CHECK(tape.gradient(y, x).item<double>() == 6);
    }

    TEST_CASE("an operation that throws leaves the tape usable") {
        Tape tape;
        const Tensor x = tape.watch(tensor({1.0, 2.0}));
        CHECK_THROWS_AS(x + tensor({1.0, 2.0, 3.0}), ShapeError);
        CHECK(close(tape.gradient(sum(x * x), x), tensor({2.0, 4.0})));
    }

    TEST_CASE("a pullback that throws leaves the thread able to record") {
        {
            Tape tape;
            const Tensor x = tape.watch(scalar(1.0));
            const Tensor y = apply(
                "fails", {x}, [](const Tensor& a) { return a * 2.0; },
                [](Tensor) -> Tensor { throw ValueError("on purpose"); });
            CHECK_THROWS_AS(tape.gradient(y, x), ValueError);
        }
        Tape tape;
        const Tensor x = tape.watch(scalar(3.0));
        CHECK(tape.gradient(x * x, x).item<double>() == 6);
    }

    TEST_CASE("both floating types live on one tape") {
        Tape tape;
        const Tensor x = tape.watch(tensor({1.5f, 2.5f}));
        const Tensor g = tape.gradient(sum(square(x.to(DType::f64))), x);
        CHECK(g.dtype() == DType::f32);
        CHECK(close(g, tensor({3.0, 5.0})));
    }
}

TEST_SUITE("parameters") {
    TEST_CASE("every tape watches parameters by itself") {
        const Parameter w(tensor({1.0, 2.0})), unused(tensor({1.0}));
        Tape tape;
        const Gradients g = tape.gradient(sum(w * w * w));
        CHECK(g.size() == 1);
        CHECK(close(g[w], tensor({3.0, 12.0})));
        CHECK(g.find(unused) == nullptr);
    }

    TEST_CASE("a copy of a parameter is another parameter") {
        Parameter a(tensor({1.0, 2.0}));
        Parameter b = a;
        {
            Tape tape;
            const Gradients g = tape.gradient(sum(a * 2.0 + b * 3.0));
            CHECK(close(g[a], tensor({2.0, 2.0})));
            CHECK(close(g[b], tensor({3.0, 3.0})));
        }
        b = tensor({9.0, 9.0});
        CHECK(close(a, tensor({1.0, 2.0})));
    }

    TEST_CASE("assigning to a parameter keeps its identity") {
        Parameter w(tensor({1.0}));
        Tape tape;
        const Tensor y = sum(w * 3.0);
        const Gradients g = tape.gradient(y);
        w = tensor({5.0});
        CHECK(close(g[w], tensor({3.0})));
        CHECK(close(w.value(), tensor({5.0})));
        Tape next;
        CHECK(close(next.gradient(sum(square(w)))[w], tensor({10.0})));
    }

    TEST_CASE("compound assignment names a new result, and a parameter keeps its identity") {
        Tensor a = tensor({1.0, 2.0});
        const Tensor before = a;
        a += 1.0;
        a *= a;
        CHECK(a.data<double>()[1] == 9);
        CHECK(before.data<double>()[1] == 2);
        Parameter p(tensor({3.0}));
        {
            Tape tape;
            const Tensor y = sum(p * p);
            CHECK(tape.gradient(y)[p].item() == 6);
        }
        p -= 1.0;
        p /= 2.0;
        Tape tape;
        CHECK(tape.gradient(sum(p * p))[p].item() == 2);
    }
    TEST_CASE("a parameter may be assigned from another one") {
        const Parameter a(tensor({1.0}));
        Parameter b(tensor({2.0}));
        b = a;
        Tape tape;
        const Gradients g = tape.gradient(sum(a * b * b));
        CHECK(close(g[a], tensor({1.0})));
        CHECK(close(g[b], tensor({2.0})));
    }

    TEST_CASE("a vector of parameters may grow") {
        std::vector<Parameter> all;
        for (int i = 0; i < 20; ++i) all.emplace_back(tensor({static_cast<double>(i)}));
        Tape tape;
        Tensor y = scalar(0.0);
        for (const Parameter& p : all) y = y + sum(p * p);
        const Gradients g = tape.gradient(y);
        CHECK(g.size() == 20);
        for (int i = 0; i < 20; ++i) CHECK(close(g[all[static_cast<std::size_t>(i)]], tensor({2.0 * i})));
    }

    TEST_CASE("a frozen parameter is a constant") {
        Parameter w(tensor({1.0})), v(tensor({2.0}));
        w.freeze();
        {
            Tape tape;
            const Gradients g = tape.gradient(sum(w * v));
            CHECK(g.size() == 1);
            CHECK(g.find(w) == nullptr);
        }
        w.freeze(false);
        Tape tape;
        CHECK(close(tape.gradient(sum(w * v))[w], tensor({2.0})));
    }

    TEST_CASE("a tape told not to watch parameters does not") {
        const Parameter w(tensor({1.0}));
        Tape tape({.watch_parameters = false});
        CHECK_FALSE(tracked(w * 2.0));
        const Tensor x = tape.watch(w);
        CHECK(close(tape.gradient(sum(x * x), x), tensor({2.0})));
    }

    TEST_CASE("the value of a parameter is a constant and release takes it out") {
        Parameter w(tensor({1.0}));
        Tape tape;
        CHECK_FALSE(tracked(w.value() * 2.0));
        CHECK(tracked(w * 2.0));
        const Tensor taken = w.release();
        CHECK(close(taken, tensor({1.0})));
        CHECK_FALSE(w.defined());
        w = taken;
        CHECK(tracked(w * 2.0));
    }
}

TEST_SUITE("memory") {
    TEST_CASE("backward releases saved values as it goes") {
        constexpr std::int64_t n = 1 << 15;
        constexpr int depth = 24;
        std::int64_t in_use_at_the_end = 0;
        Tape tape;
        const Tensor x = tape.watch(zeros({n}, DType::f64));
        Tensor y = apply(
            "first", {x}, [](const Tensor& a) { return a * 1.0; },
            [&](Tensor g) {
                in_use_at_the_end = memory_stats().bytes_in_use;
                return g;
            });
        const auto before = memory_stats().bytes_in_use;
        for (int i = 0; i < depth; ++i) y = tanh(y);
        y = sum(y);
        const auto recorded = memory_stats().bytes_in_use;
        CHECK(recorded - before >= (depth - 1) * n * 8);
        tape.gradient(y, x);
        CHECK(in_use_at_the_end - before <= 4 * n * 8);
    }

    TEST_CASE("a persistent tape keeps them") {
        constexpr std::int64_t n = 1 << 14;
        Tape tape({.persistent = true});
        const Tensor x = tape.watch(zeros({n}, DType::f64));
        Tensor y = x;
        const auto before = memory_stats().bytes_in_use;
        for (int i = 0; i < 10; ++i) y = tanh(y);
        y = sum(y);
        tape.gradient(y, x);
        CHECK(memory_stats().bytes_in_use - before >= 9 * n * 8);
    }

    TEST_CASE("operations that need no saved value keep none") {
        constexpr std::int64_t n = 1 << 15;
        Tape tape;
        Tensor y = tape.watch(zeros({n}, DType::f64));
        const auto before = memory_stats().bytes_in_use;
        for (int i = 0; i < 20; ++i) y = y + 1.0;
        CHECK(memory_stats().bytes_in_use - before <= 3 * n * 8);
    }

    TEST_CASE("steps ask nothing of the system once warm") {
        Parameter w1(full({8, 32}, 0.1)), b1(zeros({32})), w2(full({32, 1}, 0.1));
        const Tensor x = ones({16, 8});
        const auto step = [&] {
            Tape tape;
            const Gradients g = tape.gradient(mean(square(matmul(tanh(matmul(x, w1) + b1), w2))));
            w1 = w1.value() - 0.1 * g[w1];
            b1 = b1.value() - 0.1 * g[b1];
            w2 = w2.value() - 0.1 * g[w2];
        };
        for (int i = 0; i < 5; ++i) step();
        const auto warm = memory_stats();
        for (int i = 0; i < 50; ++i) step();
#if !defined(__SANITIZE_ADDRESS__) && \
    !defined(XGRAD_CLANG_ASAN)  // there every block comes from the system, so that each use after free is seen
        CHECK(memory_stats().system_blocks == warm.system_blocks);
#endif
        CHECK(memory_stats().bytes_in_use == warm.bytes_in_use);
        CHECK(memory_stats().blocks > warm.blocks);
    }

    TEST_CASE("the peak is counted from the last reset") {
        reset_peak_memory();
        const auto before = memory_stats();
        CHECK(before.peak_bytes == before.bytes_in_use);
        zeros({1 << 16}, DType::f64);
        const auto after = memory_stats();
        CHECK(after.bytes_in_use == before.bytes_in_use);
        CHECK(after.peak_bytes >= before.peak_bytes + (1 << 19));
    }
}
