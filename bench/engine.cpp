// The engine by itself: how time grows with the tape, and what one operation costs.

#include <autodiff/autodiff.hpp>

#include <benchmark/benchmark.h>

#include <cmath>

namespace {

using namespace xgrad;

Generator generator(0);

/// Time per entry of one recording, sweep and destruction.
void count_entries(benchmark::State& state, double entries) {
    state.counters["per_entry"] =
        benchmark::Counter(entries, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

// A chain of n entries: linear in n, and no recursion at a million.
void tape_length(benchmark::State& state) {
    const auto n = state.range(0);
    const Tensor x0 = scalar(0.5f);
    for (auto _ : state) {
        Tape tape;
        Tensor y = tape.watch(x0);
        for (std::int64_t i = 0; i < n; ++i) y = tanh(y);
        benchmark::DoNotOptimize(tape.gradient(y));
    }
    count_entries(state, static_cast<double>(n));
    state.SetComplexityN(n);
}
BENCHMARK(tape_length)
    ->RangeMultiplier(10)
    ->Range(1000, 1000000)
    ->Unit(benchmark::kMicrosecond)
    ->Complexity(benchmark::oN);

// y = (y + y) / 2, `depth` times: every node has two edges to the next, so a walk over all paths would take 2^depth
// steps.
void shared_ladder(benchmark::State& state) {
    const auto depth = state.range(0);
    const Tensor x0 = scalar(0.01f);
    for (auto _ : state) {
        Tape tape;
        Tensor y = tape.watch(x0);
        for (std::int64_t i = 0; i < depth; ++i) y = 0.5 * (y + y);
        benchmark::DoNotOptimize(tape.gradient(y));
    }
    count_entries(state, 2.0 * static_cast<double>(depth));
    state.SetComplexityN(depth);
}
BENCHMARK(shared_ladder)->DenseRange(15, 60, 15)->Unit(benchmark::kMicrosecond)->Complexity(benchmark::oN);

/// A linear layer with this many inputs and outputs on a small batch, as in a policy or a text generator: its weights
/// are read once for all samples.
void small_batch(benchmark::State& state) {
    const std::int64_t size = state.range(0), batch = state.range(1);
    const Tensor weight = rand({size, size}, generator), x = rand({batch, size}, generator);
    for (auto _ : state) benchmark::DoNotOptimize(linear(x, weight));
    const auto work = static_cast<double>(2 * batch * size * size);
    state.counters["flops"] = benchmark::Counter(work, benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(small_batch)->ArgsProduct({{256, 1024}, {1, 4, 8, 16}})->Unit(benchmark::kMicrosecond);

/// The price of a barrier option and its sensitivities to spot, rate and volatility over so many paths of 12 steps: on
/// one tape, and chunk by chunk.
Tensor price(const Tensors& market, const Tensors& normals) {
    const Tensor &spot = market[0], &rate = market[1], &volatility = market[2], &z = normals[0];
    const double dt = 1.0 / 12;
    Tensor s = spot, alive = scalar(1.0);
    for (int t = 0; t < 12; ++t) {
        s = s * exp((rate - 0.5 * volatility * volatility) * dt + volatility * std::sqrt(dt) * select(z, 1, t));
        alive = alive * sigmoid((s - 80.0) * 0.5);
    }
    return sum(alive * relu(s - 100.0) * exp(-rate));
}
const Tensors market{scalar(100.0), scalar(0.03), scalar(0.2)};
void sum_whole(benchmark::State& state) {
    const Tensors normals{randn({state.range(0), 12}, generator, DType::f64)};
    for (auto _ : state)
        benchmark::DoNotOptimize(value_and_grad([&](const Tensors& m) { return price(m, normals); }, market));
}
void sum_chunked(benchmark::State& state) {
    const Tensors normals{randn({state.range(0), 12}, generator, DType::f64)};
    for (auto _ : state) benchmark::DoNotOptimize(sum_over_chunks(price, market, normals));
}
BENCHMARK(sum_whole)->RangeMultiplier(10)->Range(1000, 100000)->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK(sum_chunked)->RangeMultiplier(10)->Range(1000, 100000)->Unit(benchmark::kMicrosecond)->UseRealTime();

/// One operation on 16 elements: its value alone, recorded, and with its part of the backward pass.
template <class F>
void operation(const char* name, F f) {
    constexpr int repeats = 100;
    const auto counter =
        benchmark::Counter(repeats, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
    const Tensor x0 = rand({4, 4}, generator);
    benchmark::RegisterBenchmark((std::string(name) + "/value").c_str(), [=](benchmark::State& state) {
        for (auto _ : state)
            for (int i = 0; i < repeats; ++i) benchmark::DoNotOptimize(f(x0));
        state.counters["per_operation"] = counter;
    });
    benchmark::RegisterBenchmark((std::string(name) + "/recorded").c_str(), [=](benchmark::State& state) {
        for (auto _ : state) {
            Tape tape;
            const Tensor x = tape.watch(x0);
            for (int i = 0; i < repeats; ++i) benchmark::DoNotOptimize(f(x));
        }
        state.counters["per_operation"] = counter;
    });
    benchmark::RegisterBenchmark((std::string(name) + "/gradient").c_str(), [=](benchmark::State& state) {
        for (auto _ : state) {
            Tape tape;
            Tensor y = tape.watch(x0);
            for (int i = 0; i < repeats; ++i) y = f(y);
            benchmark::DoNotOptimize(tape.gradient(y, {.cotangent = x0}));
        }
        state.counters["per_operation"] = counter;
    });
}

}  // namespace

int main(int argc, char** argv) {
    const Tensor w = rand({4, 4}, generator);
    operation("add", [w](const Tensor& x) { return x + w; });
    operation("multiply", [w](const Tensor& x) { return x * w; });
    operation("multiply_number", [](const Tensor& x) { return 0.5 * x; });
    operation("tanh", [](const Tensor& x) { return tanh(x); });
    operation("transpose", [](const Tensor& x) { return transpose(x); });
    operation("matmul", [w](const Tensor& x) { return matmul(x, w); });
    operation("softmax", [](const Tensor& x) { return softmax(x); });
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    benchmark::RunSpecifiedBenchmarks();
}
