#pragma once

#include <cstdint>

#include "../tensor.hpp"

namespace xgrad {

/// A source of random numbers: Philox4x32-10, counter-based (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3, SC 2011).
/// The numbers depend on the seed and on how many were drawn before, not on threads or instruction sets. Copy it to draw the same again.
class XGRAD_API Generator {
public:
    explicit Generator(std::uint64_t seed = 0) : seed_(seed) {}
    std::uint64_t seed() const { return seed_; }
    std::uint64_t counter() const { return counter_; }
    void set_counter(std::uint64_t counter) { counter_ = counter; }
    /// 32 random bits.
    std::uint32_t operator()();
    using result_type = std::uint32_t;
    static constexpr std::uint32_t min() { return 0; }
    static constexpr std::uint32_t max() { return 0xffffffffu; }

    /// Reserves counters for `blocks` blocks of four words each and returns the first.
    std::uint64_t advance(std::uint64_t blocks) {
        const auto first = counter_;
        counter_ += blocks;
        return first;
    }

private:
    std::uint64_t seed_ = 0;
    std::uint64_t counter_ = 0;
};

/// Uniform in [0, 1).
XGRAD_API Tensor rand(const Shape& shape, Generator& generator, DType dtype = DType::f32);
/// Standard normal.
XGRAD_API Tensor randn(const Shape& shape, Generator& generator, DType dtype = DType::f32);
/// Integers in [low, high). ValueError unless low < high.
XGRAD_API Tensor randint(std::int64_t low, std::int64_t high, const Shape& shape, Generator& generator, DType dtype = DType::i64);
/// 1 with probability p, else 0. ValueError unless 0 <= p <= 1.
XGRAD_API Tensor bernoulli(double p, const Shape& shape, Generator& generator, DType dtype = DType::f32);
/// A random permutation of 0 … n-1 (i64).
XGRAD_API Tensor permutation(std::int64_t n, Generator& generator);

}  // namespace xgrad
