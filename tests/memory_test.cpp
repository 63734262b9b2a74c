#include <doctest/doctest.h>

#include <autodiff/autodiff.hpp>
#include <cstdio>
#include <vector>

#if defined(__linux__)
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

#include "sanitized.hpp"
#include "support.hpp"

using namespace xgrad;
using tests::close;
using tests::error_of;
using tests::here;

TEST_SUITE("memory: what the system refuses") {
    // More than any machine's address space has.
    const Shape too_large{1 << 22, 1 << 22};
    const std::string request = "out of memory, got a request for 128 TB for a tensor of shape (4194304, 4194304) f64";

    TEST_CASE("a result that is too large names operation, shape and line, and the tape goes on") {
        Tape tape;
        const Tensor column = tape.watch(ones({1 << 22, 1}, DType::f64)), row = ones({1, 1 << 22}, DType::f64);
        CHECK(error_of<MemoryError>([&] { column + row; }) == "add: " + request + here());
        CHECK(error_of<MemoryError>([&] { broadcast_to(column, too_large); }) == "broadcast_to: " + request + here());
        CHECK(error_of<MemoryError>([&] { matmul(column, row); }) == "matmul: " + request + here());
        CHECK(error_of<MemoryError>([&] { outer(ravel(column), ravel(row)); }).find(request) != std::string::npos);
        CHECK(tape.gradient(sum(column * 2.0), column).data<double>()[5] == 2);
    }

    TEST_CASE("functions that make tensors") {
        CHECK(error_of<MemoryError>([&] { zeros(too_large, DType::f64); }) == "zeros: " + request + here());
        CHECK(error_of<MemoryError>([&] { ones(too_large, DType::f64); }) == "ones: " + request + here());
        CHECK(error_of<MemoryError>([&] { full(too_large, 3, DType::f64); }) == "full: " + request + here());
        CHECK(error_of<MemoryError>([&] { eye(1 << 22, DType::f64); }) == "eye: " + request);
        CHECK(error_of<MemoryError>([&] { arange(0, 1e13, 1, DType::f64); }).starts_with("arange: out of memory"));
    }

    TEST_CASE("an operation of the user's own, and its pullback") {
        Tape tape;
        const Tensor x = tape.watch(ones({2}, DType::f64));
        const auto fails = [&](const Tensor&) { return zeros(too_large, DType::f64); };
        CHECK(error_of<MemoryError>([&] { apply("mine", {x}, fails, [](const Tensor& g) { return g; }); }) ==
              "mine: " + request + here());
        const Tensor y = apply("mine", {x}, [](const Tensor& a) { return a * 2.0; }, fails);
        const auto place = here(__LINE__ - 1);
        CHECK(error_of<MemoryError>([&] { tape.gradient(sum(y), x); }) == "mine (backward): " + request + place);
        CHECK(grad([](const Tensor& a) { return a * a; }, scalar(3.0)).item() == 6);
    }

    TEST_CASE("it is an Error, and says how much was asked for") {
        try {
            zeros(too_large, DType::f64);
            FAIL("no error");
        } catch (const Error& error) {
            const auto* refused = dynamic_cast<const MemoryError*>(&error);
            REQUIRE(refused);
            CHECK(refused->bytes() >= std::size_t{1} << 47);
        }
    }
}

#if defined(__linux__) && \
    !defined(XGRAD_SANITIZED)  // sanitizers have allocators of their own, which keep what is freed

namespace {

/// Bytes of this process that are in memory.
std::int64_t resident() {
    long pages = 0, in_memory = 0;
    std::FILE* file = std::fopen("/proc/self/statm", "r");
    CHECK(std::fscanf(file, "%ld %ld", &pages, &in_memory) == 2);
    std::fclose(file);
    return in_memory * sysconf(_SC_PAGESIZE);
}

/// What a child of this process that runs `f` gives back; its faults and limits are its own.
template <class F>
int in_child(F&& f) {
    std::fflush(nullptr);
    const pid_t child = fork();
    if (child == 0) {
        int result = 100;
        try {
            result = f();
        } catch (const std::exception& error) {
            std::fprintf(stderr, "in the child: %s\n", error.what());
        }
        _exit(result);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/// The child may use that many bytes more than it does now.
void limit_memory(std::size_t more) {
    long pages = 0;
    std::FILE* file = std::fopen("/proc/self/statm", "r");
    if (std::fscanf(file, "%ld", &pages) != 1) _exit(101);
    std::fclose(file);
    const rlim_t bytes = static_cast<rlim_t>(pages) * static_cast<rlim_t>(sysconf(_SC_PAGESIZE)) + more;
    const rlimit limit{bytes, bytes};
    if (setrlimit(RLIMIT_AS, &limit) != 0) _exit(102);
}

Tensor chain(Tensor y, std::int64_t length) {
    for (std::int64_t i = 0; i < length; ++i) y = tanh(y);
    return y;
}

}  // namespace

TEST_SUITE("memory: given back") {
    TEST_CASE("a long tape's memory goes back to the system") {
        constexpr std::int64_t mega = 1 << 20;
        const auto resident_with_tape_of = [](std::int64_t length) {
            Tape tape;
            const Tensor x = tape.watch(scalar(0.5));
            const Tensor y = chain(x, length);
            const std::int64_t bytes = resident();
            tape.gradient(y, x);
            return bytes;
        };
        resident_with_tape_of(100);  // the program's own pages come in with their first use
        release_cached_memory();
        const std::int64_t before = resident();
        const std::int64_t at_most = resident_with_tape_of(500'000) - before;
        CHECK(at_most > 100 * mega);
        release_cached_memory();
        // The C library keeps the end of its second and later heaps, where tables of 4 MB may have stood.
        CHECK(resident() - before < at_most / 12);
    }

    TEST_CASE("blocks in use stay, and what is cached is used again or gone") {
        Tensors alive;
        for (int i = 0; i < 1000; ++i) {
            alive.push_back(full({i % 50}, i, DType::f64));
            full({i % 50}, -1, DType::f64);
        }
        release_cached_memory();
        for (int i = 0; i < 1000; ++i) full({i % 50}, -2, DType::f64);
        release_cached_memory();
        bool same = true;
        for (int i = 0; i < 1000; ++i)
            for (const double v : alive[static_cast<std::size_t>(i)].data<double>()) same = same && v == i;
        CHECK(same);
    }

    TEST_CASE("with a tape open, what it has recorded stays") {
        Tape tape;
        const Tensor x = tape.watch(scalar(0.5));
        const Tensor y = x * x * x;
        release_cached_memory();
        CHECK(tape.gradient(y, x).item() == 0.75);
    }

    TEST_CASE("after a long chain ran out of memory the thread works") {
        const int result = in_child([] {
            release_cached_memory();
            limit_memory(std::size_t{200} << 20);
            for (int round = 0; round < 3; ++round) {
                bool ran_out = false;
                try {
                    Tape tape;
                    chain(tape.watch(scalar(0.5)), 100'000'000);
                } catch (const MemoryError& error) {
                    ran_out = std::string(error.what()).starts_with("tanh: out of memory");
                    if (!ran_out) std::fprintf(stderr, "%s\n", error.what());
                }
                if (!ran_out) return 1;
                const std::vector<double> own(10'000'000, 1.0);  // 80 MB for somebody else
                if (own.back() != 1) return 2;
            }
            const Tensor large = ones({10'000'000}, DType::f64);  // another size class than what the chain has used
            if (large.data<double>()[7] != 1) return 3;
            return grad([](const Tensor& x) { return chain(x, 100'000); }, scalar(0.5)).defined() ? 0 : 4;
        });
        CHECK(result == 0);
    }

    TEST_CASE("small blocks that are kept make room for a large one") {
        const int result = in_child([] {
            release_cached_memory();
            limit_memory(std::size_t{200} << 20);
            {
                Tensors small;
                for (int i = 0; i < 800'000; ++i) small.push_back(scalar(1.0));
            }
            return zeros({15'000'000}, DType::f64).size() == 15'000'000 ? 0 : 1;
        });
        CHECK(result == 0);
    }
}

#endif
