#include <doctest/doctest.h>

#include <autodiff/autodiff.hpp>
#include <autodiff/kernels/kernels.hpp>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "support.hpp"

using namespace xgrad;

namespace {

struct Size {
    std::int64_t m, n, k;
};

template <class T>
std::vector<T> numbers(std::int64_t count, std::mt19937& random) {
    std::vector<T> x;
    x.reserve(static_cast<std::size_t>(count + 1));  // the elements of an empty tensor have an address, too
    x.resize(static_cast<std::size_t>(count));
    for (T& e : x) e = static_cast<T>(static_cast<int>(random() % 2001) - 1000) / T(1000);
    return x;
}

/// One element of op(a)·op(b), summed in f64.
template <class T>
double element(const Size& s, bool ta, bool tb, const std::vector<T>& a, const std::vector<T>& b, std::int64_t i,
               std::int64_t j) {
    double sum = 0;
    for (std::int64_t l = 0; l < s.k; ++l)
        sum += static_cast<double>(a[static_cast<std::size_t>(ta ? l * s.m + i : i * s.k + l)]) *
               static_cast<double>(b[static_cast<std::size_t>(tb ? j * s.k + l : l * s.n + j)]);
    return sum;
}

/// How many elements are wrong over all combinations of transposes, accumulation and bias. The output has a wider row
/// than it needs, and what lies between the rows must stay as it is.
template <class T>
int mistakes(const Size& s, std::mt19937& random) {
    const kernels::GemmKernels& gemm = kernels::active().gemm;
    static const std::unique_ptr<std::byte[]> room(new std::byte[static_cast<std::size_t>(std::int64_t{4} << 20)]);
    REQUIRE(gemm.scratch_bytes + 64 <= std::int64_t{4} << 20);
    void* const scratch = reinterpret_cast<void*>((reinterpret_cast<std::uintptr_t>(room.get()) + 63) / 64 * 64);
    int wrong = 0;
    const double tolerance = (sizeof(T) == 4 ? 3e-6 : 1e-14) * static_cast<double>(s.k + 4);
    const auto a = numbers<T>(s.m * s.k, random), b = numbers<T>(s.k * s.n, random), bias = numbers<T>(s.n, random);
    const std::int64_t ldc = s.n + 3;
    const auto before = numbers<T>(s.m * ldc, random);
    for (const bool ta : {false, true})
        for (const bool tb : {false, true}) {
            std::vector<double> product;
            for (std::int64_t i = 0; i < s.m; ++i)
                for (std::int64_t j = 0; j < s.n; ++j) product.push_back(element(s, ta, tb, a, b, i, j));
            for (const bool accumulate : {false, true})
                for (const bool with_bias : {false, true}) {
                    std::vector<T> c = before;
                    if (!accumulate)  // must not be read
                        for (std::int64_t i = 0; i < s.m; ++i)
                            for (std::int64_t j = 0; j < s.n; ++j)
                                c[static_cast<std::size_t>(i * ldc + j)] = std::numeric_limits<T>::quiet_NaN();
                    gemm.run(kernels::GemmProblem<T>{ta, tb, s.m, s.n, s.k, a.data(), ta ? s.m : s.k, b.data(),
                                                     tb ? s.k : s.n, c.data(), ldc, accumulate,
                                                     with_bias ? bias.data() : nullptr},
                             scratch);
                    for (std::int64_t i = 0; i < s.m; ++i)
                        for (std::int64_t j = 0; j < ldc; ++j) {
                            const auto at = static_cast<std::size_t>(i * ldc + j);
                            if (j >= s.n) {
                                wrong += c[at] != before[at];
                                continue;
                            }
                            double want = product[static_cast<std::size_t>(i * s.n + j)];
                            if (accumulate) want += static_cast<double>(before[at]);
                            if (with_bias) want += static_cast<double>(bias[static_cast<std::size_t>(j)]);
                            wrong += !(std::abs(static_cast<double>(c[at]) - want) <= tolerance);
                        }
                }
        }
    return wrong;
}

/// How many elements of rows times a few vectors are wrong, added to what is there and not, written either way round;
/// what lies between stays.
template <class T>
int thin_mistakes(const Size& s, std::mt19937& random) {
    int wrong = 0;
    const double tolerance = (sizeof(T) == 4 ? 3e-6 : 1e-14) * static_cast<double>(s.k + 4);
    const std::int64_t gap = 3;
    const auto rows = numbers<T>(s.m * (s.k + gap), random), vectors = numbers<T>(s.n * (s.k + gap), random);
    for (const bool accumulate : {false, true})
        for (const bool turned : {false, true}) {
            const std::int64_t c_row = turned ? 1 : s.n + gap, c_vector = turned ? s.m + gap : 1,
                               size = turned ? s.n * c_vector : s.m * c_row;
            const auto before = numbers<T>(size, random);
            std::vector<T> c = before;
            kernels::active().gemm.run(kernels::ThinProblem<T>{s.m, s.n, s.k, rows.data(), s.k + gap, vectors.data(),
                                                               s.k + gap, c.data(), c_row, c_vector, accumulate});
            std::vector<bool> written(c.size());
            for (std::int64_t i = 0; i < s.m; ++i)
                for (std::int64_t j = 0; j < s.n; ++j) {
                    const auto at = static_cast<std::size_t>(i * c_row + j * c_vector);
                    written[at] = true;
                    double want = accumulate ? static_cast<double>(before[at]) : 0;
                    for (std::int64_t l = 0; l < s.k; ++l)
                        want += static_cast<double>(rows[static_cast<std::size_t>(i * (s.k + gap) + l)]) *
                                static_cast<double>(vectors[static_cast<std::size_t>(j * (s.k + gap) + l)]);
                    wrong += !(std::abs(static_cast<double>(c[at]) - want) <= tolerance);
                }
            for (std::size_t at = 0; at < c.size(); ++at) wrong += !written[at] && c[at] != before[at];
        }
    return wrong;
}

std::vector<std::string> instruction_sets() {
    const std::string own = kernels::active().isa;
    std::vector<std::string> sets;
    for (const char* isa : {"baseline", "avx2", "avx512"})
        if (kernels::select(isa)) sets.emplace_back(isa);
    kernels::select(own.c_str());
    return sets;
}

}  // namespace

TEST_SUITE("gemm") {
    TEST_CASE("kernels agree with plain loops for every instruction set, layout and edge") {
        const std::string own = kernels::active().isa;
        for (const std::string& isa : instruction_sets()) {
            CAPTURE(isa);
            REQUIRE(kernels::select(isa.c_str()));
            std::mt19937 random(7);
            const auto both = [&](const Size& s) {
                CAPTURE(s.m);
                CAPTURE(s.n);
                CAPTURE(s.k);
                CHECK(mistakes<float>(s, random) == 0);
                CHECK(mistakes<double>(s, random) == 0);
            };
            for (std::int64_t m = 1; m <= 70; m += m < 14 ? 1 : 7)
                for (std::int64_t n = 1; n <= 70; n += n < 34 ? 1 : 5)
                    for (const std::int64_t k : {1, 3, 4, 9}) both({m, n, k});
            for (const std::int64_t k : {0, 2, 5, 16, 31, 70, 193, 385, 800})
                for (const std::int64_t m : {1, 5, 29})
                    for (const std::int64_t n : {1, 10, 61}) both({m, n, k});
            for (const std::int64_t rows : {1, 3, 4, 5, 8, 11, 23})
                for (std::int64_t vectors = 1; vectors <= 12; ++vectors)
                    for (const std::int64_t k : {0, 1, 3, 4, 7, 16, 33, 100}) {
                        CAPTURE(rows);
                        CAPTURE(vectors);
                        CAPTURE(k);
                        CHECK(thin_mistakes<float>({rows, vectors, k}, random) == 0);
                        CHECK(thin_mistakes<double>({rows, vectors, k}, random) == 0);
                    }
            // More than one block of each kind.
            for (const Size& s : {Size{7, 33, 1025}, {150, 210, 390}, {10, 1500, 20}, {1500, 10, 20}, {110, 400, 200}})
                both(s);
        }
        kernels::select(own.c_str());
    }

    // xsimd 8 takes two instructions for AVX-512: half the speed, which nothing but the rounding shows.
    TEST_CASE("a multiplication and an addition are one rounding where the processor can") {
        const std::string own = kernels::active().isa;
        const float x = 1.0f + 0x1p-12f, rounded = x * x;
        std::vector<float> a, b(16, -rounded), c(256);
        for (int i = 0; i < 16; ++i) a.insert(a.end(), {1.0f, x});
        b.insert(b.end(), 16, x);
        for (const std::string& isa : instruction_sets()) {
            if (isa == "baseline") continue;
            CAPTURE(isa);
            REQUIRE(kernels::select(isa.c_str()));
            std::vector<std::byte> room(static_cast<std::size_t>(kernels::active().gemm.scratch_bytes + 64));
            void* const scratch =
                reinterpret_cast<void*>((reinterpret_cast<std::uintptr_t>(room.data()) + 63) / 64 * 64);
            kernels::active().gemm.run(kernels::GemmProblem<float>{false, false, 16, 16, 2, a.data(), 2, b.data(), 16,
                                                                   c.data(), 16, false, nullptr},
                                       scratch);
            CHECK(c[0] == std::fma(x, x, -rounded));
            CHECK(c[0] != 0);
        }
        kernels::select(own.c_str());
    }

    TEST_CASE("matmul and linear of every size agree with plain loops") {
        std::mt19937 random(9);
        for (const Size& s : {Size{1, 1, 1},
                              {4, 2, 2},
                              {3, 5, 4},
                              {1, 40, 30},
                              {40, 1, 30},
                              {64, 10, 256},
                              {64, 256, 100},
                              {2, 300, 50},
                              {12, 900, 256},
                              {4, 2100, 1100},
                              {2100, 3, 1100},
                              {1500, 1, 2000},
                              {300, 300, 300}}) {
            CAPTURE(s.m);
            CAPTURE(s.n);
            CAPTURE(s.k);
            const auto a = numbers<double>(s.m * s.k, random), b = numbers<double>(s.k * s.n, random),
                       bias = numbers<double>(s.n, random);
            const Tensor x = tensor(std::span(a), {s.m, s.k}), w = tensor(std::span(b), {s.n, s.k});
            const auto y = tests::values(linear(x, w, tensor(std::span(bias), {s.n}))),
                       z = tests::values(matmul(x, tensor(std::span(b), {s.k, s.n})));
            double error = 0;
            for (std::int64_t i = 0; i < s.m; ++i)
                for (std::int64_t j = 0; j < s.n; ++j) {
                    const auto at = static_cast<std::size_t>(i * s.n + j);
                    error = std::max(error, std::abs(y[at] - element(s, false, true, a, b, i, j) -
                                                     bias[static_cast<std::size_t>(j)]));
                    error = std::max(error, std::abs(z[at] - element(s, false, false, a, b, i, j)));
                }
            CHECK(error < 1e-12 * static_cast<double>(s.k + 4));
        }
    }
}
