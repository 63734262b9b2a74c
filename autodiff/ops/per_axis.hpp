#pragma once

#include <cstdint>
#include <initializer_list>

namespace xgrad {

/// A number for every spatial axis, or one number for all of them.
class PerAxis {
public:
    constexpr PerAxis() : count_(0) {}
    constexpr PerAxis(std::int64_t all) : numbers_{all, all, all} {}
    PerAxis(std::initializer_list<std::int64_t> numbers) : count_(static_cast<int>(numbers.size())) {
        for (int i = 0; i < 3 && count_ > 0; ++i) numbers_[i] = numbers.begin()[i < count_ ? i : count_ - 1];
    }
    constexpr std::int64_t operator[](int axis) const { return numbers_[axis]; }
    /// False for PerAxis{}, which leaves it to the operation.
    constexpr bool given() const { return count_ > 0; }
    /// How many there are; 1 where one stands for all.
    constexpr int count() const { return count_; }

private:
    std::int64_t numbers_[3] = {};
    int count_ = 1;
};

}  // namespace xgrad
