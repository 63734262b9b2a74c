#include "random.hpp"

namespace xgrad::nn {

Generator& default_generator() {
    thread_local Generator generator;
    return generator;
}

void manual_seed(std::uint64_t seed) { default_generator() = Generator(seed); }

std::uint64_t detail::draw_seed() {
    auto& generator = default_generator();
    const std::uint64_t high = generator();
    return high << 32 | generator();
}

}  // namespace xgrad::nn
