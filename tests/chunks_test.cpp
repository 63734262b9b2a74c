#include <doctest/doctest.h>

#include <atomic>
#include <autodiff/autodiff.hpp>
#include <omp.h>
#include <stdexcept>

#include "support.hpp"

using namespace xgrad;
using tests::error_of;

namespace {

/// Squared errors of a line through weighted points, summed.
Tensor errors(const Tensors& line, const Tensors& points) {
    return sum(points[1] * square(line[0] * points[0] + line[1] - points[2]));
}

Tensors points(std::int64_t rows, DType dtype = DType::f64) {
    Generator generator(7);
    return {randn({rows}, generator, dtype), rand({rows}, generator, dtype), randn({rows}, generator, dtype)};
}

bool near(const Tensor& a, const Tensor& b, double tolerance = 1e-12) {
    return a.shape() == b.shape() && a.dtype() == b.dtype() &&
           all(less(abs(a - b), tolerance * (1 + abs(b)))).item<bool>();
}

struct Threads {
    const int before = omp_get_max_threads();
    explicit Threads(int count) { omp_set_num_threads(count); }
    ~Threads() { omp_set_num_threads(before); }
};

}  // namespace

TEST_SUITE("sum_over_chunks") {
    TEST_CASE("value and gradient are those of the whole sum, whatever the chunks and threads") {
        const Tensors line{scalar(0.5), scalar(-1.0)};
        for (const std::int64_t rows : {1, 7, 8, 9, 72, 73, 1000, 20001}) {
            const Tensors data = points(rows);
            const auto [value, gradients] = value_and_grad([&](const Tensors& x) { return errors(x, data); }, line);
            for (const int threads : {1, 3})
                for (const std::int64_t chunk : {0, 1, 8, 100, 100000}) {
                    if (chunk == 1 && rows > 1000) continue;
                    const Threads use(threads);
                    const auto [y, g] = sum_over_chunks(errors, line, data, {.rows = chunk});
                    CAPTURE(rows);
                    CAPTURE(chunk);
                    CHECK(near(y, value));
                    REQUIRE(g.size() == 2);
                    CHECK(near(g[0], gradients[0]));
                    CHECK(near(g[1], gradients[1]));
                    CHECK_FALSE(tracked(y));
                }
        }
    }

    TEST_CASE("the same call gives the same bits") {
        const Tensors line{scalar(0.5), scalar(-1.0)}, data = points(5000);
        const Threads use(2);
        const auto [y, g] = sum_over_chunks(errors, line, data);
        for (int i = 0; i < 5; ++i) {
            const auto [again, again_g] = sum_over_chunks(errors, line, data);
            CHECK(all(equal(y, again)).item<bool>());
            CHECK(all(equal(g[1], again_g[1])).item<bool>());
        }
    }

    TEST_CASE("chunks are rows of every tensor, also of integers, and the tape stays small") {
        std::atomic<std::int64_t> most{0}, rows{0};
        const Tensor table = ones({4, 3}, DType::f64);
        const Tensor labels = arange(0, 10000, 1, DType::i64) % 4;
        const auto f = [&](const Tensors& inputs, const Tensors& chunk) {
            rows += chunk[0].shape(0);
            most = std::max<std::int64_t>(most, chunk[0].shape(0));
            return sum(take(inputs[0], chunk[0], 0) * chunk[1]);
        };
        const Tensor factors = ones({10000, 3}, DType::f64);
        const auto [y, g] = sum_over_chunks(f, {table}, {labels, factors}, {.threads = false});
        CHECK(rows == 10000);
        CHECK(most < 10000);
        CHECK(near(y, scalar(30000.0)));
        CHECK(near(g[0], full({4, 3}, 2500.0, DType::f64)));
    }

    TEST_CASE("what f does not depend on gets zeros, and parameters in f are constants") {
        const Parameter scale = scalar(3.0);
        const auto f = [&](const Tensors&, const Tensors& chunk) { return sum(scale * chunk[0]); };
        const auto [y, g] = sum_over_chunks(f, {ones({2}, DType::f64)}, {ones({100}, DType::f64)});
        CHECK(near(y, scalar(300.0)));
        CHECK(near(g[0], zeros({2}, DType::f64)));
        CHECK(sum_over_chunks(f, {}, {ones({5}, DType::f64)}).second.empty());
    }

    TEST_CASE("no rows are a chunk without rows") {
        const auto [y, g] = sum_over_chunks(errors, {scalar(1.0), scalar(2.0)}, points(0));
        CHECK(y.item() == 0);
        CHECK(g[0].item() == 0);
    }

    TEST_CASE("what it refuses") {
        const Tensors line{scalar(0.5), scalar(-1.0)}, data = points(10);
        const auto refused = [&](const Tensors& inputs, const Tensors& rows, const ChunkOptions& options = {}) {
            return error_of([&] { sum_over_chunks(errors, inputs, rows, options); });
        };
        CHECK(refused(line, {}).starts_with("sum_over_chunks: there must be data, got none ["));
        CHECK(refused(line, {data[0], data[1], points(9)[2]})
                  .starts_with("sum_over_chunks: all data must have the same number of rows, got (10,) and (9,) ["));
        CHECK(refused(line, {scalar(1.0)}).starts_with("sum_over_chunks: all data must have the same number of rows"));
        CHECK(refused(line, data, {.rows = -1}).starts_with("sum_over_chunks: rows must not be negative, got -1 ["));
        CHECK(refused({Tensor(), line[1]}, data)
                  .starts_with("sum_over_chunks: the argument must be a tensor, got an empty one ["));
        CHECK(error_of<ShapeError>([&] {
                  sum_over_chunks([](const Tensors&, const Tensors& chunk) { return chunk[0]; }, line, data);
              }).starts_with("sum_over_chunks: f must return a single number, got shape (8,) ["));
        Tape tape;
        const Tensor x = tape.watch(line[0]);
        CHECK(error_of<TapeError>([&] {
                  sum_over_chunks(errors, {x, line[1]}, data);
              }).starts_with("sum_over_chunks: the inputs must not be recorded"));
    }

    TEST_CASE("what f throws in a thread comes out") {
        const Threads use(2);
        const auto f = [](const Tensors& inputs, const Tensors& chunk) -> Tensor {
            if (chunk[0].shape(0) == 3) throw std::runtime_error("the last chunk");
            return sum(inputs[0] * chunk[0]);
        };
        CHECK_THROWS_WITH_AS(sum_over_chunks(f, {scalar(1.0)}, {ones({103}, DType::f64)}, {.rows = 10}),
                             "the last chunk", std::runtime_error);
    }
}
