// Derivatives as numerical programs want them: a log-likelihood with many parameters, a Hessian, a Jacobian.

#include <autodiff/autodiff.hpp>

#include <benchmark/benchmark.h>

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

}  // namespace

BENCHMARK_MAIN();
