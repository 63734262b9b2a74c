#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <type_traits>
#include <utility>

#include "export.hpp"

// Element types, and plain numbers that take one.

namespace xgrad {

/// Element types. f32 and f64 are differentiable; the others hold indices and masks.
enum class DType : std::uint8_t { f32, f64, i32, i64, boolean };

/// "f32", "f64", "i32", "i64" or "bool".
XGRAD_API const char* name_of(DType dtype);
XGRAD_API std::ostream& operator<<(std::ostream& out, DType dtype);
/// Bytes of one element.
constexpr std::int64_t size_of(DType dtype) {
    constexpr std::int64_t sizes[] = {4, 8, 4, 8, 1};
    return sizes[static_cast<int>(dtype)];
}
constexpr bool is_floating(DType dtype) { return dtype <= DType::f64; }
constexpr bool is_integer(DType dtype) { return dtype == DType::i32 || dtype == DType::i64; }

namespace detail {

/// The types accepted by an argument that is an integer: integers and unscoped enumerators, but neither bool nor
/// floating point.
template <class T>
concept Integer =
    (std::is_integral_v<T> && !std::is_same_v<T, bool>) || (std::is_enum_v<T> && std::is_convertible_v<T, long long>);

// Why such arguments are variadic templates: if a class has one constructor from a number and another from a
// std::initializer_list, g++ 12 ignores the designators in `{.keepdims = true}` and `{.stride = 2}` and takes them for
// a list of numbers. With a single variadic constructor it rejects them, as clang does.

}  // namespace detail

/// The DType of a C++ element type: float, double, bool, or an integer of 4 or 8 bytes.
template <class T>
constexpr DType dtype_of() {
    if constexpr (std::is_same_v<T, float>) return DType::f32;
    else if constexpr (std::is_same_v<T, double>) return DType::f64;
    else if constexpr (std::is_same_v<T, bool>) return DType::boolean;
    else {
        static_assert(std::is_integral_v<T> && (sizeof(T) == 4 || sizeof(T) == 8),
                      "xgrad: no tensor element type for this C++ type");
        return sizeof(T) == 4 ? DType::i32 : DType::i64;
    }
}

/// A plain number: exact if it was given as an integer, else a double. It takes the dtype of the tensor it is combined
/// with.
class PlainNumber {
public:
    template <class T>
        requires std::is_arithmetic_v<T>
    constexpr PlainNumber(T number) : value_(static_cast<double>(number)) {
        if constexpr (std::is_same_v<T, bool>) integer_ = number, exact_ = true;
        else if constexpr (std::is_integral_v<T>)
            if (std::in_range<std::int64_t>(number)) integer_ = static_cast<std::int64_t>(number), exact_ = true;
    }
    constexpr operator double() const { return value_; }
    /// Whether it was given as an integer; false for floating-point numbers and for unsigned ones beyond i64.
    constexpr bool is_integer() const { return exact_; }
    constexpr std::int64_t integer() const { return integer_; }
    template <class T>
    constexpr T as() const {
        return exact_ && std::is_integral_v<T> ? static_cast<T>(integer_) : static_cast<T>(value_);
    }
    /// Whether an element of this type can hold it; a floating-point type may round it.
    XGRAD_API bool fits(DType dtype) const;
    /// "2", "0.5", "1e-09".
    XGRAD_API std::string text() const;

private:
    double value_;
    std::int64_t integer_ = 0;
    bool exact_ = false;
};

}  // namespace xgrad
