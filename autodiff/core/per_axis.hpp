#pragma once

#include <cstdint>
#include <vector>

#include "tensor.hpp"

namespace xgrad {

/// One number for up to N positions, or one for each: `2` or `{2, 3}`.
template <class T, int N>
class NumberOrList {
public:
    constexpr NumberOrList() = default;
    template <class... Numbers>
        requires(sizeof...(Numbers) > 0 &&
                 ((std::is_floating_point_v<T> ? std::is_arithmetic_v<Numbers> && !std::is_same_v<Numbers, bool>
                                               : detail::Integer<Numbers>) &&
                  ...))
    constexpr NumberOrList(Numbers... numbers) : numbers_{static_cast<T>(numbers)...}, count_(sizeof...(Numbers)) {
        static_assert(sizeof...(Numbers) <= N, "xgrad: more numbers than there can be axes");
    }
    NumberOrList(const std::vector<T>& numbers) : count_(static_cast<int>(numbers.size())) {
        for (int i = 0; i < N && i < count_; ++i) numbers_[i] = numbers[static_cast<std::size_t>(i)];
    }

    /// The number for the i-th position.
    constexpr T operator[](int i) const { return numbers_[i < count_ ? i : count_ > 0 ? count_ - 1 : 0]; }
    /// False for `{}`, which leaves the choice to the operation.
    constexpr bool given() const { return count_ > 0; }
    /// How many numbers were given; 1 if one applies to all positions.
    constexpr int count() const { return count_; }

private:
    T numbers_[N] = {};
    int count_ = 0;
};

/// A number for every spatial axis, or one number for all of them.
using PerAxis = NumberOrList<std::int64_t, 3>;

}  // namespace xgrad
