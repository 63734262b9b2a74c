#pragma once

#include <cstdint>
#include <vector>

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

    /// Where a stream of numbers starts.
    struct Draw {
        std::uint64_t seed, first;
    };
    /// Reserves counters for `blocks` blocks of four words each.
    Draw draw(std::uint64_t blocks);

private:
    std::uint64_t seed_ = 0;
    std::uint64_t counter_ = 0;
};

/// True while a checkpoint computes again what it computed before: every draw then gives the numbers of the first time and leaves its
/// generator alone. Whoever counts draws on the side must not count these.
XGRAD_API bool drawing_again();

namespace detail {

/// While one lives, the draws of this thread are written into `draws`, or, when it repeats, read from there in the same order.
class XGRAD_API DrawLog {
public:
    DrawLog(std::vector<Generator::Draw>& draws, bool repeats);
    ~DrawLog();
    DrawLog(const DrawLog&) = delete;
    DrawLog& operator=(const DrawLog&) = delete;

private:
    friend class xgrad::Generator;
    friend XGRAD_API bool xgrad::drawing_again();
    std::vector<Generator::Draw>& draws_;
    std::size_t next_ = 0;
    bool repeats_;
    DrawLog* enclosing_;
};

}  // namespace detail

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
