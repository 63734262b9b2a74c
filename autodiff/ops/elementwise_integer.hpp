#pragma once

// Arithmetic on i32 and i64: plain loops, no gradient. Not for users.

#include <cstdint>
#include <type_traits>

#include "../kernels/elementwise.hpp"
#include "../tensor.hpp"

namespace xgrad::detail {

Tensor integer_binary(kernels::ElementwiseKernel kernel, const char* name, const Operand& a, const Operand& b);

template <class Rule, class T>
constexpr bool has_integer_value =
    std::is_same_v<Rule, rules::Add> || std::is_same_v<Rule, rules::Subtract> || std::is_same_v<Rule, rules::Multiply> ||
    std::is_same_v<Rule, rules::Maximum> || std::is_same_v<Rule, rules::Minimum> || std::is_same_v<Rule, rules::FloorDivide> ||
    std::is_same_v<Rule, rules::Remainder> || std::is_same_v<Rule, rules::Fmod>;

template <class Rule, class T>
T integer_value(T a, T b) {
    using U = std::make_unsigned_t<T>;  // wraps around, as NumPy
    if constexpr (std::is_same_v<Rule, rules::Add>) return static_cast<T>(static_cast<U>(a) + static_cast<U>(b));
    else if constexpr (std::is_same_v<Rule, rules::Subtract>) return static_cast<T>(static_cast<U>(a) - static_cast<U>(b));
    else if constexpr (std::is_same_v<Rule, rules::Multiply>) return static_cast<T>(static_cast<U>(a) * static_cast<U>(b));
    else if constexpr (std::is_same_v<Rule, rules::Maximum>) return a > b ? a : b;
    else if constexpr (std::is_same_v<Rule, rules::Minimum>) return a < b ? a : b;
    else {
        if (b == 0) return 0;  // as NumPy
        const T m = b == -1 ? T(0) : static_cast<T>(a % b);
        const bool adjust = m != 0 && (m < 0) != (b < 0);
        if constexpr (std::is_same_v<Rule, rules::Fmod>) return m;
        else if constexpr (std::is_same_v<Rule, rules::Remainder>) return adjust ? m + b : m;
        else return b == -1 ? static_cast<T>(U(0) - static_cast<U>(a)) : static_cast<T>(a / b - adjust);
    }
}

template <class Rule, class T>
void integer_loop(const void*, std::int64_t n, const void* const* in, const std::uint8_t* step, void* const* out) {
    const auto* a = static_cast<const T*>(in[0]);
    const auto* b = static_cast<const T*>(in[1]);
    auto* y = static_cast<T*>(out[0]);
    for (std::int64_t i = 0; i < n; ++i) y[i] = integer_value<Rule, T>(a[i * step[0]], b[i * step[1]]);
}

/// The loop for a rule on i32 or i64; null where integers have no such operation.
template <class Rule>
kernels::ElementwiseKernel integer_kernel(DType dtype) {
    if constexpr (has_integer_value<Rule, std::int64_t>) {
        if (dtype == DType::i32) return integer_loop<Rule, std::int32_t>;
        if (dtype == DType::i64) return integer_loop<Rule, std::int64_t>;
    }
    return nullptr;
}

}  // namespace xgrad::detail
