#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

namespace oracle {

/// Random choices that are the same with every standard library.
class Random {
public:
    explicit Random(std::uint64_t seed) : engine_(seed) {}
    /// In [0, n).
    std::int64_t below(std::int64_t n) { return static_cast<std::int64_t>(engine_() % static_cast<std::uint64_t>(n)); }
    std::int64_t between(std::int64_t low, std::int64_t high) { return low + below(high - low + 1); }
    double uniform(double low, double high) {
        return low + (high - low) * static_cast<double>(engine_() >> 11) * 0x1p-53;
    }
    bool chance(double p) { return uniform(0, 1) < p; }
    std::vector<std::int64_t> permutation(std::int64_t n) {
        std::vector<std::int64_t> order;
        for (std::int64_t i = 0; i < n; ++i) order.insert(order.begin() + below(i + 1), i);
        return order;
    }

private:
    std::mt19937_64 engine_;
};

}  // namespace oracle
