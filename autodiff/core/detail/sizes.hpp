#pragma once

#include <cstdint>
#include <string>

#include "autodiff/core/tensor.hpp"

// Sizes computed from numbers that users pass. Not for users.

namespace xgrad::detail {

/// Arithmetic on sizes that remembers whether a step left [-2^62, 2^62], so that one check at the end covers all of it.
class Size {
public:
    static constexpr std::int64_t limit = std::int64_t{1} << 62;

    constexpr Size(std::int64_t value) : value_(value), fits_(value >= -limit && value <= limit) {}

    friend constexpr Size operator+(Size a, Size b) {
        return of(a, b, [](auto x, auto y, auto* to) { return __builtin_add_overflow(x, y, to); });
    }
    friend constexpr Size operator-(Size a, Size b) {
        return of(a, b, [](auto x, auto y, auto* to) { return __builtin_sub_overflow(x, y, to); });
    }
    friend constexpr Size operator*(Size a, Size b) {
        return of(a, b, [](auto x, auto y, auto* to) { return __builtin_mul_overflow(x, y, to); });
    }

    constexpr bool fits() const { return fits_; }
    /// The number. ShapeError where it has left the range; `got` gives the arguments that it was made of, "padding
    /// 9223372036854775807".
    template <class Got>
    std::int64_t value(const char* operation, Location where, Got&& got) const {
        check<ShapeError>(fits_, where,
                          [&] { return std::string(operation) + ": sizes must be below 2^62, got " + got(); });
        return value_;
    }

private:
    template <class Step>
    static constexpr Size of(Size a, Size b, const Step& step) {
        Size result(0);
        const bool overflows = step(a.value_, b.value_, &result.value_);
        result.fits_ = a.fits_ && b.fits_ && !overflows && Size(result.value_).fits_;
        return result;
    }

    std::int64_t value_;
    bool fits_;
};

/// What a tensor can hold at most, whatever its type.
inline constexpr std::int64_t most_elements = std::int64_t{1} << 46;

/// How many elements a tensor of this shape has. ShapeError for a negative size and for more elements than any memory
/// holds.
XGRAD_API std::int64_t count_elements(const Shape& shape, const char* operation, Location where);
/// The shape itself, checked so.
inline const Shape& checked_shape(const Shape& shape, const char* operation, Location where) {
    count_elements(shape, operation, where);
    return shape;
}

}  // namespace xgrad::detail
