#include <doctest/doctest.h>
#include <omp.h>

#include <atomic>
#include <autodiff/autodiff.hpp>
#include <autodiff/core/detail/parallel.hpp>
#include <autodiff/map.hpp>
#include <cstdlib>
#include <nn/core/random.hpp>
#include <new>
#include <thread>

#include "support.hpp"

using namespace xgrad;
using tests::close;

namespace {

struct Net {
    Parameter w1, b1, w2;
    explicit Net(Generator& g)
        : w1(randn({8, 16}, g, DType::f64)), b1(randn({16}, g, DType::f64)), w2(randn({16, 1}, g, DType::f64)) {}
    Tensor loss(const Tensor& x) const { return mean(square(matmul(tanh(matmul(x, w1) + b1), w2))); }
};

Tensors gradients(const Net& net, const Tensor& x) {
    Tape tape;
    const Gradients g = tape.gradient(net.loss(x));
    return {g[net.w1], g[net.b1], g[net.w2]};
}

template <class F>
void in_threads(int count, F&& f) {
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i) threads.emplace_back([&f, i] { f(static_cast<std::size_t>(i)); });
    for (std::thread& t : threads) t.join();
}

}  // namespace

TEST_SUITE("threads") {
#ifdef _OPENMP  // not in the build for the thread sanitizer, which does not know its threads
    TEST_CASE("what is thrown in one of the library's own threads comes out of the call") {
        const int before = omp_get_max_threads();
        omp_set_num_threads(2);
        for (const std::int64_t thrower : {0, 50}) {
            int done = 0;
            CHECK_THROWS_AS(detail::parallel_for(100, 1 << 20,
                                                 [&](std::int64_t begin, std::int64_t) {
                                                     if (begin == thrower) throw std::bad_alloc();
                                                     done = 1;
                                                 }),
                            std::bad_alloc);
            CHECK(done == 1);
        }
        omp_set_num_threads(before);
    }
#endif

    TEST_CASE("threads: as many as the host program says") {
        const auto used = [] {
            std::atomic<int> most = 0;
            map(
                [&](const auto& v) {
                    most = omp_get_num_threads();
                    return v;
                },
                ones({1 << 20}));
            return most.load();
        };
        const int before = omp_get_max_threads();
        if (const char* wanted = std::getenv("OMP_NUM_THREADS")) CHECK(before == std::atoi(wanted));
        CHECK(used() == before);
        for (const int threads : {1, 3, 2}) {
            omp_set_num_threads(threads);
            CHECK(used() == threads);
        }
        omp_set_num_threads(before);
    }

    TEST_CASE("threads with tapes of their own share parameters") {
        constexpr int threads = 4, steps = 50;
        Generator generator(3);
        const Net net(generator);
        std::vector<Tensor> batches;
        for (int i = 0; i < threads; ++i) batches.push_back(randn({5, 8}, generator, DType::f64));

        std::vector<Tensors> expected, got(threads);
        for (const Tensor& x : batches) expected.push_back(gradients(net, x));
        in_threads(threads, [&](std::size_t i) {
            for (int step = 0; step < steps; ++step) got[i] = gradients(net, batches[i]);
        });
        for (std::size_t i = 0; i < threads; ++i)
            for (std::size_t k = 0; k < 3; ++k) CHECK(close(got[i][k], expected[i][k], 0));
    }

    TEST_CASE("tensors are made in one thread and dropped in another") {
        std::vector<Tensor> handed(64);
        std::thread([&] {
            for (std::size_t i = 0; i < handed.size(); ++i)
                handed[i] = full({100}, static_cast<double>(i), DType::f64) + 1.0;
        }).join();
        in_threads(4, [&](std::size_t t) {
            for (std::size_t i = t; i < handed.size(); i += 4) {
                const bool right = close(handed[i], full({100}, static_cast<double>(i + 1), DType::f64));
                handed[i] = right ? Tensor() : handed[i];
            }
        });
        for (const Tensor& t : handed) CHECK_FALSE(t.defined());
    }

    TEST_CASE("one constant is read and copied by many threads") {
        const Tensor shared = ones({1000});
        std::vector<double> sums(4);
        in_threads(4, [&](std::size_t i) {
            for (int k = 0; k < 200; ++k) {
                const Tensor copy = shared;
                sums[i] += sum(copy * 2.0).item<double>();
            }
        });
        for (const double s : sums) CHECK(s == 400'000);
    }

    TEST_CASE("threads nest tapes and take second derivatives") {
        std::vector<double> results(4);
        in_threads(4, [&](std::size_t i) {
            const double x = 1 + static_cast<double>(i);
            for (int k = 0; k < 50; ++k)
                results[i] =
                    grad([](const Tensor& a) { return grad([](const Tensor& b) { return b * b * b; }, a); }, scalar(x))
                        .item<double>();
        });
        for (std::size_t i = 0; i < results.size(); ++i) CHECK(results[i] == 6.0 * (1 + static_cast<double>(i)));
    }

    TEST_CASE("threads make and copy parameters") {
        std::vector<int> good(4);
        in_threads(4, [&](std::size_t i) {
            for (int k = 0; k < 100; ++k) {
                const Parameter a(tensor({1.0, 2.0}));
                const Parameter b = a;
                Tape tape;
                const Gradients g = tape.gradient(sum(a * 2.0 + b * 3.0));
                good[i] += close(g[a], tensor({2.0, 2.0})) && close(g[b], tensor({3.0, 3.0}));
            }
        });
        for (const int n : good) CHECK(n == 100);
    }

    TEST_CASE("a thread may throw and another go on") {
        std::vector<int> thrown(4);
        in_threads(4, [&](std::size_t i) {
            for (int k = 0; k < 50; ++k) {
                Tape tape;
                const Tensor x = tape.watch(tensor({1.0, 2.0}));
                try {
                    matmul(x, tensor({1.0, 2.0, 3.0}));
                } catch (const ShapeError&) {
                    ++thrown[i];
                }
                if (!close(tape.gradient(sum(x * x), x), tensor({2.0, 4.0}))) thrown[i] = -1000;
            }
        });
        for (const int n : thrown) CHECK(n == 50);
    }

    TEST_CASE("numbers drawn do not depend on the thread") {
        Generator here(11);
        const Tensor expected = randn({1000}, here);
        std::vector<Tensor> drawn(4);
        in_threads(4, [&](std::size_t i) {
            Generator generator(11);
            drawn[i] = randn({1000}, generator);
        });
        for (const Tensor& t : drawn) CHECK(close(t, expected, 0));
    }

    TEST_CASE("threads draw from streams of the process's seed, each from its own") {
        const auto draw = [] { return rand({100}, nn::default_generator()); };
        // This thread's and those of three threads one after another, of which the last seeds itself.
        const auto run = [&](std::uint64_t seed) {
            nn::manual_seed(seed);
            Tensors drawn(4);
            for (std::size_t i = 0; i < 3; ++i)
                std::thread([&] {
                    if (i == 2) nn::manual_seed(99);
                    drawn[i] = draw();
                }).join();
            drawn[3] = draw();
            return drawn;
        };
        const Tensors one = run(1), again = run(1), two = run(2);
        for (std::size_t i = 0; i < 4; ++i) CHECK(close(one[i], again[i], 0));
        CHECK(!close(one[0], one[1], 0));
        CHECK(!close(one[0], one[3], 0));
        CHECK(!close(one[0], two[0], 0));
        CHECK(!close(one[1], two[1], 0));
        CHECK(close(one[2], two[2], 0));
        Generator generator(1);
        CHECK(close(one[3], rand({100}, generator), 0));  // the caller's numbers are those of its seed
    }

    TEST_CASE("a running thread begins anew with the process's next seed, unless it has seeded itself") {
        const auto draw = [] { return rand({100}, nn::default_generator()); };
        Tensors follows(3), own(2);
        nn::manual_seed(5);
        std::atomic<int> stage{0};
        std::thread follower([&] {
            for (std::size_t i = 0; i < 3; ++i) {
                while (stage != static_cast<int>(2 * i)) std::this_thread::yield();
                follows[i] = draw();
                ++stage;
            }
        });
        const auto wait = [&](int until) {
            while (stage != until) std::this_thread::yield();
        };
        wait(1);
        nn::manual_seed(6);
        own[0] = draw();
        ++stage;
        wait(3);
        nn::manual_seed(5);
        ++stage;
        follower.join();
        CHECK(close(follows[0], follows[2], 0));
        CHECK(!close(follows[0], follows[1], 0));
        std::thread([] { nn::manual_seed(7); }).join();
        nn::manual_seed(6);
        std::thread([] { nn::manual_seed(8); }).join();  // does not touch this thread
        own[1] = draw();
        CHECK(close(own[0], own[1], 0));
    }
}
