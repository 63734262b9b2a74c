#include <doctest/doctest.h>

#include <autodiff/autodiff.hpp>
#include <functional>
#include <memory>
#include <stdexcept>
#include <thread>

#include "support.hpp"

using namespace xgrad;
using tests::close;
using tests::error_of;
using tests::here;

TEST_SUITE("tape: its thread") {
    TEST_CASE("a tape destroyed on another thread records no more") {
        auto tape = std::make_unique<Tape>();
        const Tensor x = tape->watch(tensor({1.0, 2.0}));
        const Tensor y = x * x;
        CHECK(tracked(y));
        std::thread([&] { tape.reset(); }).join();
        CHECK_FALSE(tracked(y));
        CHECK_FALSE(tracked(x * 2.0));
        Tape next;
        const Tensor z = next.watch(scalar(3.0));
        CHECK(next.gradient(z * z, z).item() == 6);
    }

    TEST_CASE("an outer tape destroyed on another thread leaves the inner one alone, and the other way round") {
        for (const bool outer_first : {true, false}) {
            auto outer = std::make_unique<Tape>(), inner = std::make_unique<Tape>();
            const Tensor x = (outer_first ? inner : outer)->watch(scalar(3.0));
            const Tensor y = x * x;
            std::thread([&] { (outer_first ? outer : inner).reset(); }).join();
            CHECK((outer_first ? inner : outer)->gradient(y, x).item() == 6);
        }
        CHECK(error_of<TapeError>([] {
                  Tape().gradient(scalar(1.0));
              }).starts_with("Tape::gradient: y must be recorded"));
    }

    TEST_CASE("a tape whose thread has ended is an error, also on a thread that has taken its place") {
        std::unique_ptr<Tape> tape;
        Tensor x, y;
        std::thread([&] {
            tape = std::make_unique<Tape>();
            x = tape->watch(scalar(3.0));
            y = x * x;
        }).join();
        const auto use = [&] {
            CHECK(error_of<TapeError>([&] { tape->gradient(y, x); }) ==
                  "Tape::gradient: a tape must be used by the thread that opened it, got one whose thread has ended" +
                      here());
            CHECK(error_of<TapeError>([&] { tape->watch(x); }).find("one whose thread has ended") != std::string::npos);
            CHECK(error_of<TapeError>([&] { tape->size(); }).starts_with("Tape::size: a tape must be used by"));
            CHECK_FALSE(tracked(y));
        };
        use();
        for (int i = 0; i < 3; ++i)
            std::thread([&] {
                Tape own;  // the new thread has a record too, perhaps where the old one's was
                use();
                const Tensor z = own.watch(scalar(2.0));
                CHECK(own.gradient(z * z, z).item() == 4);
            }).join();
        tape.reset();
        CHECK(grad([](const Tensor& a) { return a * a; }, scalar(2.0)).item() == 4);
    }
}

TEST_SUITE("tape: inside another") {
    /// What ten thousand small gradients inside an open tape leave on it.
    std::size_t left_behind(const Tape& outer, const std::function<void(int)>& step) {
        for (int i = 0; i < 100; ++i) step(i);
        const std::size_t size = outer.size();
        const auto bytes = memory_stats().bytes_in_use;
        for (int i = 0; i < 100'000; ++i) step(i);
        CHECK(memory_stats().bytes_in_use == bytes);
        return outer.size() - size;
    }

    TEST_CASE("inner tapes that nobody needs any more leave nothing on an outer one") {
        Tape outer;
        const Tensor x = outer.watch(scalar(3.0));
        const Parameter p(scalar(2.0));
        const Tensor y = x * p;
        const auto square = [](const Tensor& a) { return a * a; };
        CHECK(left_behind(outer, [&](int i) { grad(square, scalar(static_cast<double>(i))); }) == 0);
        CHECK(left_behind(outer, [&](int) {
                  Tape inner;
                  const Tensor w = inner.watch(scalar(1.0));
                  tanh(w * w);  // no gradient taken
              }) == 0);
        CHECK(left_behind(outer, [&](int) {
                  Tape inner;
                  Tape innermost;
                  const Tensor w = inner.watch(scalar(1.0)), v = innermost.watch(w);
                  inner.gradient(innermost.gradient(v * v * w, v), w);
              }) == 0);
        CHECK(outer.gradient(y * x, x).item() == 12);
    }

    TEST_CASE("what the outer tape needs stays, what stands between is not counted") {
        Tape outer;
        const Tensor x = outer.watch(scalar(3.0));
        Tensor total = x;
        const std::size_t before = outer.size();
        for (int i = 0; i < 10; ++i) {
            Tape inner;
            const Tensor w = inner.watch(scalar(2.0));
            const Tensor own = w * w;    // for the inner tape alone
            const Tensor both = x * own;  // for both
            total = total + inner.gradient(both, w);  // x·2w, recorded for the outer one
        }
        CHECK(outer.size() - before <= 70);  // a source for x among them each time
        CHECK(outer.size() > before + 10);
        CHECK(outer.gradient(total, x).item() == 41);
    }

    TEST_CASE("a handle from a closed tape is no handle to what was recorded in its place") {
        Tape outer;
        const Tensor x = outer.watch(scalar(3.0));
        Tensor old;
        {
            Tape inner;
            old = inner.watch(scalar(5.0)) * 2.0;
        }
        const Tensor a = x * x, b = a * x;  // takes the place of what the inner tape recorded
        CHECK_FALSE(tracked(old));
        CHECK(tracked(a));
        const Tensor y = b + old * x;
        CHECK(tracked(x));
        CHECK(outer.gradient(y, x).item() == 27 + 10);
    }

    TEST_CASE("handles from before and after many dropped stretches are told apart") {
        Tape outer({.persistent = true});
        Tensors kept{outer.watch(scalar(1.0))}, dropped;
        for (int i = 0; i < 50; ++i) {
            {
                Tape inner;
                dropped.push_back(inner.watch(scalar(1.0)) * 2.0);
            }
            kept.push_back(kept.back() * 1.0);
        }
        for (const Tensor& t : dropped) CHECK_FALSE(tracked(t));
        for (const Tensor& t : kept) CHECK(tracked(t));
        for (const Tensor& t : kept) CHECK(outer.gradient(kept.back(), t).item() == 1);
    }

    TEST_CASE("a parameter first used inside an inner tape has its gradient, and is recorded once") {
        const Parameter p(scalar(2.0));
        Tape outer;
        const Tensor x = outer.watch(scalar(3.0));
        Tensor total = x * 0.0;
        for (int i = 0; i < 3; ++i) {
            Tape inner({.watch_parameters = i != 1});
            const Tensor w = inner.watch(scalar(1.0));
            inner.gradient(w * w, w);
            total = total + x * p;
        }
        const Gradients g = outer.gradient(total);
        CHECK(g[p].item() == 9);
        CHECK(g[x].item() == 6);
    }

    TEST_CASE("33 checkpoints stand inside each other") {
        const std::function<Tensor(const Tensor&, int)> nested = [&](const Tensor& x, int depth) -> Tensor {
            if (depth == 0) return sin(x);
            return checkpoint([&nested, depth](const Tensor& t) { return nested(t * 1.5, depth - 1); }, x);
        };
        const double scale = std::pow(1.5, 33);
        const Tensor x = scalar(1e-6);
        CHECK(grad([&](const Tensor& t) { return nested(t, 33); }, x).item() ==
              doctest::Approx(scale * std::cos(scale * 1e-6)));
    }

    TEST_CASE("tapes may be closed in any order") {
        std::vector<std::unique_ptr<Tape>> tapes;
        Tensors xs;
        for (int i = 0; i < 4; ++i) {
            tapes.push_back(std::make_unique<Tape>());
            xs.push_back(tapes.back()->watch(scalar(2.0 + i)));
        }
        const Tensor y = xs[0] * xs[1] * xs[2] * xs[3];
        tapes[0].reset();
        tapes[2].reset();
        CHECK(tapes[3]->gradient(y, xs[3]).item() == 24);
        tapes[3].reset();
        CHECK(tapes[1]->gradient(y, xs[1]).item() == 40);
        CHECK_FALSE(tracked(y));
    }
}

TEST_SUITE("tape: exceptions") {
    /// Throws when it is copied for the n-th time.
    struct Fragile {
        std::shared_ptr<int> left, alive = std::make_shared<int>(0);
        explicit Fragile(int copies) : left(std::make_shared<int>(copies)) {}
        Fragile(const Fragile& other) : left(other.left), alive(other.alive) {
            if ((*left)-- == 0) throw std::runtime_error("no copy");
        }
    };

    TEST_CASE("a pullback whose copy throws was never there") {
        int thrown = 0;
        for (int copies = 0; copies < 6; ++copies) {
            const Fragile fragile(1000);
            const auto keeper = fragile.alive;
            {
                Tape tape;
                const Tensor x = tape.watch(tensor({1.0, 2.0}));
                try {
                    const auto pull = [fragile](const Tensor& g) { return g; };
                    *fragile.left = copies;
                    apply("fragile", {x}, [](const Tensor& a) { return a * 2.0; }, pull);
                } catch (const std::runtime_error&) {
                    ++thrown;
                }
                *fragile.left = 1000;
                try {
                    const auto pull = [fragile](std::span<const Tensor> g, Needs) { return Tensors{g[0]}; };
                    *fragile.left = copies;
                    apply_many("fragile", {x}, [](const Tensor& a) { return Tensors{a, a}; }, pull);
                } catch (const std::runtime_error&) {
                    ++thrown;
                }
                CHECK(close(tape.gradient(sum(x * x), x), tensor({2.0, 4.0})));
            }
            CHECK(keeper.use_count() == 2);
        }
        CHECK(thrown >= 2);
    }
}

TEST_SUITE("NoRecording") {
    TEST_CASE("results are constants while one lives") {
        Tape tape;
        const Tensor x = tape.watch(scalar(3.0));
        Tensor y = x * x;
        const std::size_t size = tape.size();
        {
            const NoRecording off;
            CHECK_FALSE(tracked(y * x));
            {
                const NoRecording again;
                CHECK_FALSE(tracked(x));
            }
            CHECK_FALSE(tracked(x));
        }
        CHECK(tape.size() == size);
        CHECK(tracked(y * x));
        CHECK(tape.gradient(y, x).item() == 6);
    }

    TEST_CASE("a tape opened inside records, and goes on behind") {
        Tape outer;
        const Tensor x = outer.watch(scalar(3.0));
        std::unique_ptr<Tape> inner;
        Tensor w, y;
        {
            const NoRecording off;
            inner = std::make_unique<Tape>();
            w = inner->watch(x);
            y = w * x;
        }
        y = y * w;  // x·w²
        CHECK(inner->gradient(y, w).item() == 18);
        CHECK(outer.gradient(y, x).defined() == false);
    }

    TEST_CASE("a tape that gives its gradient meanwhile does not begin again") {
        Tape tape;
        const Tensor x = tape.watch(scalar(3.0));
        const Tensor y = x * x;
        {
            const NoRecording off;
            CHECK(tape.gradient(y, x).item() == 6);
        }
        CHECK_FALSE(tracked(x * x));
    }

    TEST_CASE("it says that a parameter is assigned on purpose") {
        Parameter p(scalar(2.0));
        Tape tape;
        const Tensor y = p * p;
        {
            const NoRecording off;
            p = p - 0.5;
        }
        CHECK(p.value().item() == 1.5);
        CHECK(tape.gradient(y)[p].item() == 4);
    }
}
