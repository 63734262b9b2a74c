#include "random.hpp"

namespace xgrad::nn {

std::uint64_t detail::draw_seed() {
    auto& generator = default_generator();
    const std::uint64_t high = generator();
    return high << 32 | generator();
}

}  // namespace xgrad::nn
