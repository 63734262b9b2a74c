#pragma once

#include <cstdint>

#include <autodiff/ops/random.hpp>

namespace xgrad::nn {

/// The calling thread's generator: layers draw their initial values and seeds from it unless told otherwise. Every thread has a stream of its
/// own, which derives from the process's seed (0 until manual_seed): in the order in which threads first draw, so that threads started one after
/// another have the same numbers in every run. Where the order is left to chance, give each thread a Generator, or call manual_seed in it.
XGRAD_API Generator& default_generator();

/// Restarts the calling thread's generator: the same seed gives the same initial values, dropout masks and batches. It is the process's seed
/// from then on: threads that did not call manual_seed themselves, running or to come, begin streams of this seed with their next draw.
XGRAD_API void manual_seed(std::uint64_t seed);

namespace detail {

/// 64 well-mixed bits from a seed and a number: SplitMix64's output function (Steele, Lea, Flood: Fast splittable pseudorandom
/// number generators, OOPSLA 2014).
constexpr std::uint64_t mix(std::uint64_t seed, std::uint64_t number) {
    std::uint64_t z = seed + (number + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/// 64 random bits of the calling thread's generator.
XGRAD_API std::uint64_t draw_seed();

}  // namespace detail
}  // namespace xgrad::nn
