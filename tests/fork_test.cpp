#include <doctest/doctest.h>
#include <omp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <autodiff/autodiff.hpp>
#include <autodiff/map.hpp>
#include <cstdlib>
#include <thread>
#include <vector>

#include "sanitized.hpp"

using namespace xgrad;

namespace {

/// One number from each kind of work that threads share: our loops, our tiles, BLAS, LAPACK, a gradient.
std::vector<double> threaded_work() {
    Generator generator(1);
    const Tensor a = randn({600, 600}, generator), images = randn({16, 3, 32, 32}, generator),
                 filters = randn({8, 3, 3, 3}, generator);
    const Tensor long_one = randn({1 << 20}, generator),
                 square = randn({300, 300}, generator).to(DType::f64) + 20 * eye(300, DType::f64);
    Tape tape;
    const Tensor w = tape.watch(a);
    return {sum(matmul(a, a)).item(),
            sum(matmul(randn({100, 100}, generator), randn({100, 100}, generator))).item(),
            sum(conv2d(images, filters)).item(),
            sum(exp(long_one)).item(),
            sum(solve(square, ones({300, 300}, DType::f64))).item(),
            sum(tape.gradient(sum(tanh(matmul(w, a))), w)).item()};
}

/// The exit code of a child that runs `body`; -1 where it was killed, as it is when it hangs.
template <class Body>
int in_child(const Body& body) {
    const pid_t child = fork();
    if (child == 0) {
        alarm(60);
        _exit(body() ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

struct Threads {
    int before = omp_get_max_threads();
    explicit Threads(int count) { omp_set_num_threads(count); }
    ~Threads() { omp_set_num_threads(before); }
};

}  // namespace

TEST_CASE("fork: parent, child and grandchild compute the same after work on several threads") {
    const Threads three(3);
    const std::vector<double> expected = threaded_work();
    // LLVM's OpenMP begins a child with the number of threads that the environment gives, and other numbers of threads
    // round otherwise.
    const auto the_same = [&] {
        omp_set_num_threads(3);
        return threaded_work() == expected;
    };
    CHECK(in_child([&] { return the_same() && in_child(the_same) == 0; }) == 0);
    CHECK(threaded_work() == expected);
}

TEST_CASE("fork: from a thread of its own, and in a parallel region") {
    const Threads three(3);
    const std::vector<double> expected = threaded_work();
    int from_thread = -1;
    std::thread([&] {
        omp_set_num_threads(2);
        threaded_work();
        from_thread = in_child([&] {
            omp_set_num_threads(3);
            return threaded_work() == expected;
        });
    }).join();
    CHECK(from_thread == 0);

    // map runs its function on several threads: the child of one of them is single-threaded, and its sums may differ in
    // the last bits.
    std::atomic_flag forked;
    std::atomic<int> from_region = -1;
    map(
        [&](const auto& v) {
            if (!forked.test_and_set())
                from_region = in_child([&] { return threaded_work().size() == expected.size(); });
            return v;
        },
        ones({1 << 18}));
    CHECK(from_region == 0);
}

#if !defined(XGRAD_SANITIZED)  // a sanitizer's allocator does not survive it
TEST_CASE("fork: while other threads allocate") {
    std::atomic<bool> stop = false;
    std::vector<std::thread> busy;
    for (int t = 0; t < 3; ++t)
        busy.emplace_back([&] {
            std::vector<Tensor> some;
            while (!stop) {
                for (int i = 0; i < 100; ++i) some.push_back(ones({5000}));
                some.clear();
                release_cached_memory();  // has what all threads share in hand most of the time
            }
        });
    int failed = 0;
    for (int i = 0; i < 50 && !failed; ++i)
        failed += in_child([] {
                      release_cached_memory();
                      return sum(ones({5000})).item() == 5000;
                  }) != 0;
    stop = true;
    for (std::thread& thread : busy) thread.join();
    CHECK(failed == 0);
}
#endif
