#include <autodiff/autodiff.hpp>
#include <autodiff/map.hpp>

#include "side.hpp"

// Compiled for the host processor, as users of map() do for full speed: its loop is compiled here, not in the library.

using namespace xgrad;

void map_elementwise(benchmark::State& state) {
    Generator generator(1);
    const Tensor x0 = randn({1 << 20}, generator);
    for (auto _ : state) {
        Tape tape;
        const Tensor x = tape.watch(x0);
        benchmark::DoNotOptimize(
            tape.gradient(sum(map([](auto v) { return tanh(v * v + 0.5 * v) * exp(-v * v); }, x))));
    }
}
