// Derivatives that numerical programs need: a log-likelihood with many parameters, a Hessian, a Jacobian.

#include <autodiff/autodiff.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <vector>

#include "gmm.hpp"

namespace {

using namespace xgrad;

void sizes(benchmark::internal::Benchmark* b) {
    b->ArgNames({"d", "K"})->Unit(benchmark::kMicrosecond);
    for (const auto& [d, k] : {std::pair{10, 5}, {10, 25}, {20, 10}, {32, 5}, {64, 10}}) b->Args({d, k});
}

void gmm_objective(benchmark::State& state) {
    const gmm::Problem problem(1000, state.range(0), state.range(1));
    const gmm::Objective objective(problem.x, problem.prior);
    const auto& [alpha, mu, q, l] = problem.parameters;
    for (auto _ : state) benchmark::DoNotOptimize(objective(alpha, mu, q, l));
}
BENCHMARK(gmm_objective)->Apply(sizes);

void gmm_gradient(benchmark::State& state) {
    const gmm::Problem problem(1000, state.range(0), state.range(1));
    const gmm::Objective objective(problem.x, problem.prior);
    const auto& [alpha, mu, q, l] = problem.parameters;
    for (auto _ : state) benchmark::DoNotOptimize(value_and_grad(objective, alpha, mu, q, l));
}
BENCHMARK(gmm_gradient)->Apply(sizes);

void gmm_gradient_by_hand(benchmark::State& state) {
    const gmm::Problem problem(1000, state.range(0), state.range(1));
    for (auto _ : state) benchmark::DoNotOptimize(gmm::by_hand(problem.x, problem.parameters, problem.prior));
}
BENCHMARK(gmm_gradient_by_hand)->Apply(sizes);

void rosenbrock_hessian(benchmark::State& state) {
    Generator generator(1);
    const Tensor x0 = randn({state.range(0)}, generator, DType::f64);
    const auto rosenbrock = [](const Tensor& x) {
        const Tensor head = slice(x, 0, 0, -1), tail = slice(x, 0, 1);
        return sum(100 * square(tail - square(head)) + square(1 - head));
    };
    for (auto _ : state) benchmark::DoNotOptimize(hessian(rosenbrock, x0));
}
BENCHMARK(rosenbrock_hessian)->Arg(100)->Unit(benchmark::kMicrosecond);

// y = w·tanh(x) for w (n, n).
void matmul_jacobian(benchmark::State& state) {
    Generator generator(1);
    const auto n = state.range(0);
    const Tensor x0 = randn({n}, generator, DType::f64), w = randn({n, n}, generator, DType::f64);
    for (auto _ : state) benchmark::DoNotOptimize(jacobian([&](const Tensor& x) { return matmul(w, tanh(x)); }, x0));
}
BENCHMARK(matmul_jacobian)->Arg(1000)->Unit(benchmark::kMillisecond);

// Per-sample gradients of a classifier, computed sample by sample, compared with one gradient of the whole batch.
constexpr std::int64_t samples = 64, inputs = 784, hidden = 256, classes = 10;

Tensor class_loss(const Tensors& w, const Tensor& x, const Tensor& y) {  // of a batch, or of one sample
    const Tensor scores = log_softmax(matmul(relu(matmul(x, w[0])), w[1]));
    return -sum(scores * y);
}

struct Classifier {
    Generator generator{1};
    Tensors w{randn({inputs, hidden}, generator) * 0.05, randn({hidden, classes}, generator) * 0.05};
    Tensor x = rand({samples, inputs}, generator), y = one_hot(randint(0, classes, {samples}, generator), classes);
};

void batch_loss(benchmark::State& state) {
    const Classifier c;
    for (auto _ : state) benchmark::DoNotOptimize(class_loss(c.w, c.x, c.y));
}
BENCHMARK(batch_loss)->Unit(benchmark::kMicrosecond);

void vmap_loss(benchmark::State& state) {
    const Classifier c;
    for (auto _ : state)
        benchmark::DoNotOptimize(
            vmap([&](const Tensor& x, const Tensor& y) { return class_loss(c.w, x, y); }, c.x, c.y));
}
BENCHMARK(vmap_loss)->Unit(benchmark::kMicrosecond);

void batch_gradient(benchmark::State& state) {
    const Classifier c;
    for (auto _ : state) benchmark::DoNotOptimize(grad([&](const Tensors& w) { return class_loss(w, c.x, c.y); }, c.w));
}
BENCHMARK(batch_gradient)->Unit(benchmark::kMicrosecond);

void per_sample_gradients(benchmark::State& state) {
    const Classifier c;
    for (auto _ : state) benchmark::DoNotOptimize(per_sample_grad(class_loss, c.w, c.x, c.y));
}
BENCHMARK(per_sample_gradients)->Unit(benchmark::kMicrosecond);

// 200 layers with everything stored, or with a checkpoint every 14 layers; reports time, and peak bytes of tape and
// tensors.
void deep_network(benchmark::State& state) {
    constexpr int layers = 200, width = 64;
    const int every = static_cast<int>(state.range(0));
    Generator generator(1);
    std::vector<Parameter> w;
    for (int i = 0; i < layers; ++i) w.emplace_back(randn({width, width}, generator) * 0.125);
    const Tensor x = randn({1024, width}, generator);
    std::int64_t peak = 0;
    for (auto _ : state) {
        reset_peak_memory();
        const std::int64_t before = memory_stats().bytes_in_use;
        Tape tape;
        Tensor h = x;
        for (int from = 0; from < layers; from += every) {
            const int to = std::min(from + every, layers);
            const auto piece = [&w, from, to](const Tensor& in) {
                Tensor out = in;
                for (int i = from; i < to; ++i) out = tanh(matmul(out, w[static_cast<std::size_t>(i)]));
                return out;
            };
            h = every == layers ? piece(h) : checkpoint(piece, h);
        }
        benchmark::DoNotOptimize(tape.gradient(mean(square(h))));
        peak = memory_stats().peak_bytes - before;
    }
    state.counters["peak_MB"] = static_cast<double>(peak) / (1 << 20);
}
BENCHMARK(deep_network)->ArgName("every")->Arg(200)->Arg(14)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
