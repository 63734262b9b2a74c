#pragma once

#include <Random123/philox.h>

#include <cmath>
#include <cstdint>
#include <numbers>

#include "autodiff/ops/random/random.hpp"

// Counter-based random bits for the functions that draw. Not for users.

namespace xgrad::detail {

struct Block {
    std::uint32_t word[4];
};
inline std::uint64_t wide(const std::uint32_t* words) { return std::uint64_t{words[0]} << 32 | words[1]; }

/// Block number `counter` for a seed; `again` selects further blocks for the same counter.
inline Block block_of(std::uint64_t seed, std::uint64_t counter, std::uint32_t again = 0) {
    const philox4x32_ctr_t at = {
        {static_cast<std::uint32_t>(counter), static_cast<std::uint32_t>(counter >> 32), again, 0}};
    const philox4x32_key_t key = {{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)}};
    const philox4x32_ctr_t r = philox4x32(at, key);
    return {{r.v[0], r.v[1], r.v[2], r.v[3]}};
}

inline double unit53(std::uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1p-53; }

/// Two normal numbers from two uniform ones, u in (0, 1] and v in [0, 1) (Box and Muller 1958).
template <class T>
void box_muller(double u, double v, T* two) {
    const double radius = std::sqrt(-2 * std::log(u)), angle = 2 * std::numbers::pi * v;
    two[0] = static_cast<T>(radius * std::cos(angle));
    two[1] = static_cast<T>(radius * std::sin(angle));
}

/// As many numbers as one element needs, from the blocks of its own counter: rejections for one element do not affect
/// any other.
class Stream {
public:
    Stream(const Generator::Draw& drawn, std::int64_t element)
        : seed_(drawn.seed), counter_(drawn.first + static_cast<std::uint64_t>(element)) {}

    std::uint64_t bits() {
        if (next_ == 4) {
            block_ = block_of(seed_, counter_, again_++);
            next_ = 0;
        }
        next_ += 2;
        return wide(block_.word + next_ - 2);
    }
    /// In (0, 1), both ends excluded.
    double uniform() { return (static_cast<double>(bits() >> 12) + 0.5) * 0x1p-52; }
    double exponential() { return -std::log(uniform()); }
    double normal() {
        double two[2];
        const double u = uniform();
        box_muller(u, uniform(), two);
        return two[0];
    }

private:
    std::uint64_t seed_, counter_;
    std::uint32_t again_ = 0;
    int next_ = 4;
    Block block_{};
};

/// The number of successes in n trials with probability p each.
double binomial_number(Stream& stream, double n, double p);

}  // namespace xgrad::detail
