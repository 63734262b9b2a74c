#pragma once

#include <cstdint>

#include <autodiff/ops/random/random.hpp>

namespace xgrad::nn {

// Layers draw their initial values and seeds from the engine's generator unless told otherwise.
using xgrad::default_generator;
using xgrad::manual_seed;

namespace detail {

using xgrad::detail::mix;

/// 64 random bits of the calling thread's generator.
XGRAD_API std::uint64_t draw_seed();

}  // namespace detail
}  // namespace xgrad::nn
