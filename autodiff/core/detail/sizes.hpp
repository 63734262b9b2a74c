#pragma once

#include <cstdint>
#include <string>

#include "autodiff/core/tensor.hpp"

// Sizes computed from numbers that users pass. Not for users.

namespace xgrad::detail {

/// Arithmetic on sizes that remembers whether any step left [-2^62, 2^62], so that one check at the end suffices.
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
    /// The number. ShapeError if it has left the range; `got` describes the arguments it was computed from, "padding
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

/// The maximum number of elements of a tensor, whatever its type.
inline constexpr std::int64_t most_elements = std::int64_t{1} << 46;

/// The number of elements of a tensor of this shape. ShapeError for a negative size and for more than `most_elements`
/// elements.
XGRAD_API std::int64_t count_elements(const Shape& shape, const char* operation, Location where);
/// The shape itself, checked in this way.
inline const Shape& checked_shape(const Shape& shape, const char* operation, Location where) {
    count_elements(shape, operation, where);
    return shape;
}

}  // namespace xgrad::detail
