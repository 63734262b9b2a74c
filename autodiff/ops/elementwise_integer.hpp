#pragma once

// Arithmetic on i32 and i64: plain loops, no gradient. Not for users.

#include <cstdint>
#include <type_traits>

#include "../kernels/elementwise.hpp"
#include "../tensor.hpp"

namespace xgrad::detail {

Tensor integer_binary(kernels::ElementwiseKernel kernel, const char* name, const Operand& a, const Operand& b);
Tensor integer_unary(kernels::ElementwiseKernel kernel, const Tensor& x);
/// ValueError for a negative exponent, as NumPy's.
void check_integer_exponents(const Operand& exponents, Location where);

template <class Rule, class... Rules>
inline constexpr bool is_one_of = (std::is_same_v<Rule, Rules> || ...);

template <class Rule>
inline constexpr bool has_integer_value =
    is_one_of<Rule, rules::Add, rules::Subtract, rules::Multiply, rules::Maximum, rules::Minimum, rules::FloorDivide, rules::Remainder,
              rules::Fmod, rules::Pow, rules::Negative, rules::Abs, rules::Sign, rules::Square, rules::Floor, rules::Ceil, rules::Round,
              rules::Trunc>;

template <class Rule, class T>
T integer_value(T a, T b) {
    using U = std::make_unsigned_t<T>;  // wraps around, as NumPy
    if constexpr (std::is_same_v<Rule, rules::Add>) return static_cast<T>(static_cast<U>(a) + static_cast<U>(b));
    else if constexpr (std::is_same_v<Rule, rules::Subtract>) return static_cast<T>(static_cast<U>(a) - static_cast<U>(b));
    else if constexpr (std::is_same_v<Rule, rules::Multiply>) return static_cast<T>(static_cast<U>(a) * static_cast<U>(b));
    else if constexpr (std::is_same_v<Rule, rules::Maximum>) return a > b ? a : b;
    else if constexpr (std::is_same_v<Rule, rules::Minimum>) return a < b ? a : b;
    else if constexpr (std::is_same_v<Rule, rules::Pow>) {
        U power = 1, square = static_cast<U>(a);
        for (U n = static_cast<U>(b); n; n >>= 1, square *= square)
            if (n & 1) power *= square;
        return static_cast<T>(power);
    } else {
        if (b == 0) return 0;  // as NumPy
        const T m = b == -1 ? T(0) : static_cast<T>(a % b);
        const bool adjust = m != 0 && (m < 0) != (b < 0);
        if constexpr (std::is_same_v<Rule, rules::Fmod>) return m;
        else if constexpr (std::is_same_v<Rule, rules::Remainder>) return adjust ? m + b : m;
        else return b == -1 ? static_cast<T>(U(0) - static_cast<U>(a)) : static_cast<T>(a / b - adjust);
    }
}
template <class Rule, class T>
T integer_value(T a) {
    using U = std::make_unsigned_t<T>;
    if constexpr (std::is_same_v<Rule, rules::Negative>) return static_cast<T>(U(0) - static_cast<U>(a));
    else if constexpr (std::is_same_v<Rule, rules::Abs>) return a < 0 ? static_cast<T>(U(0) - static_cast<U>(a)) : a;
    else if constexpr (std::is_same_v<Rule, rules::Sign>) return static_cast<T>((a > 0) - (a < 0));
    else if constexpr (std::is_same_v<Rule, rules::Square>) return static_cast<T>(static_cast<U>(a) * static_cast<U>(a));
    else return a;  // whole already
}

template <class Rule, class T, bool binary>
void integer_loop(const void*, std::int64_t n, const void* const* in, const std::uint8_t* step, void* const* out) {
    const auto* a = static_cast<const T*>(in[0]);
    auto* y = static_cast<T*>(out[0]);
    if constexpr (binary) {
        const auto* b = static_cast<const T*>(in[1]);
        for (std::int64_t i = 0; i < n; ++i) y[i] = integer_value<Rule, T>(a[i * step[0]], b[i * step[1]]);
    } else {
        for (std::int64_t i = 0; i < n; ++i) y[i] = integer_value<Rule, T>(a[i * step[0]]);
    }
}

/// The loop for a rule on i32 or i64; null where integers have no such operation.
template <class Rule, bool binary>
kernels::ElementwiseKernel integer_kernel(DType dtype) {
    if constexpr (has_integer_value<Rule>) {
        if (dtype == DType::i32) return integer_loop<Rule, std::int32_t, binary>;
        if (dtype == DType::i64) return integer_loop<Rule, std::int64_t, binary>;
    }
    return nullptr;
}

}  // namespace xgrad::detail
