#pragma once

// Element-wise operations without a gradient, on tensors and numbers, including integer arithmetic. Not for users.

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "autodiff/core/apply.hpp"
#include "autodiff/core/detail/axes.hpp"
#include "autodiff/core/tensor.hpp"
#include "autodiff/kernels/elementwise.hpp"

namespace xgrad::detail {

// --- a function as an operation --------------------------------------------------------------------------------------

/// The kernel's value, of type `result`, for a tensor, for two that broadcast, or for a tensor and a number of its
/// type.
Tensor kernel_value(kernels::ElementwiseKernel kernel, DType result, const Tensor& x);
Tensor kernel_value(kernels::ElementwiseKernel kernel, DType result, const Tensor& a, const Tensor& b);
Tensor kernel_value(kernels::ElementwiseKernel kernel, DType result, const Tensor& x, const PlainNumber& number,
                    bool number_first);

/// A function of two tensors. F provides its name and, for each element type, its kernel and the result's type.
template <class F>
struct OfTensors {
    static constexpr const char* name = F::name;
    Tensor value(const Tensor& a, const Tensor& b) const {
        return kernel_value(F::kernel(a.dtype()), F::result(a.dtype()), a, b);
    }
};
/// The same for a tensor and a number.
template <class F>
struct OfNumber {
    static constexpr const char* name = F::name_with_number;
    PlainNumber number = 0;
    bool number_first = false;
    XGRAD_ATTRIBUTES(number, number_first)

    Tensor value(const Tensor& x) const {
        return kernel_value(F::kernel(x.dtype()), F::result(x.dtype()), x, number, number_first);
    }
};

/// Checks two operands that broadcast, at least one of them a tensor, for one dtype: integer types may be mixed, and
/// the tensor's type must be able to hold a number.
void check_operands(const char* name, const Operand& a, const Operand& b);

/// Applies F to such operands, as the operation `label`.
template <class F>
Tensor apply_to_operands(const Operand& a, const Operand& b, const char* label = F::name) {
    check_operands(label, a, b);
    const Location where = a.where();
    if (!a.is_tensor()) return apply(OfNumber<F>{a.number(), true}, {b.tensor()}, where, label);
    if (!b.is_tensor()) return apply(OfNumber<F>{b.number(), false}, {a.tensor()}, where, label);
    if (a.dtype() == b.dtype()) return apply(OfTensors<F>{}, {a.tensor(), b.tensor()}, where, label);
    const DType wide = common_integer(a.dtype(), b.dtype());
    return apply(OfTensors<F>{}, {a.tensor().to(wide, where), b.tensor().to(wide, where)}, where, label);
}

// --- integers --------------------------------------------------------------------------------------------------------

/// ValueError for a negative exponent, as in NumPy.
void check_integer_exponents(const Operand& exponents, Location where);

template <class Rule, class... Rules>
inline constexpr bool is_one_of = (std::is_same_v<Rule, Rules> || ...);

template <class Rule>
inline constexpr bool has_integer_value =
    is_one_of<Rule, rules::Add, rules::Subtract, rules::Multiply, rules::Maximum, rules::Minimum, rules::FloorDivide,
              rules::Remainder, rules::Fmod, rules::Pow, rules::Negative, rules::Abs, rules::Sign, rules::Square,
              rules::Floor, rules::Ceil, rules::Round, rules::Trunc>;

template <class Rule, class T>
T integer_value(T a, T b) {
    using U = std::make_unsigned_t<T>;  // wraps around, as in NumPy
    if constexpr (std::is_same_v<Rule, rules::Add>) return static_cast<T>(static_cast<U>(a) + static_cast<U>(b));
    else if constexpr (std::is_same_v<Rule, rules::Subtract>)
        return static_cast<T>(static_cast<U>(a) - static_cast<U>(b));
    else if constexpr (std::is_same_v<Rule, rules::Multiply>)
        return static_cast<T>(static_cast<U>(a) * static_cast<U>(b));
    else if constexpr (std::is_same_v<Rule, rules::Maximum>) return a > b ? a : b;
    else if constexpr (std::is_same_v<Rule, rules::Minimum>) return a < b ? a : b;
    else if constexpr (std::is_same_v<Rule, rules::Pow>) {
        U power = 1, square = static_cast<U>(a);
        for (U n = static_cast<U>(b); n; n >>= 1, square *= square)
            if (n & 1) power *= square;
        return static_cast<T>(power);
    } else {
        if (b == 0) return 0;  // as in NumPy
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
    else if constexpr (std::is_same_v<Rule, rules::Square>)
        return static_cast<T>(static_cast<U>(a) * static_cast<U>(a));
    else return a;  // already an integer
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

/// The name of an operation that is derived from a rule: "integer_add", "add_number", "integer_add_number".
template <class Rule, bool integer, bool with_number>
struct DerivedName {
    static constexpr std::string_view before = integer ? "integer_" : "", rule = Rule::name,
                                      after = with_number ? "_number" : "";
    static constexpr auto text = [] {
        std::array<char, before.size() + rule.size() + after.size() + 1> whole{};
        auto at = whole.begin();
        for (const std::string_view part : {before, rule, after}) at = std::copy(part.begin(), part.end(), at);
        return whole;
    }();
};

/// A rule on integers.
template <class Rule, bool binary>
struct IntegerRule {
    static constexpr const char *name = DerivedName<Rule, true, false>::text.data(),
                                *name_with_number = DerivedName<Rule, true, true>::text.data();
    static kernels::ElementwiseKernel kernel(DType dtype) {
        return dtype == DType::i32 ? integer_loop<Rule, std::int32_t, binary>
                                   : integer_loop<Rule, std::int64_t, binary>;
    }
    static DType result(DType dtype) { return dtype; }
};

template <class Rule>
struct IntegerUnary {
    using F = IntegerRule<Rule, false>;
    static constexpr const char* name = F::name;
    Tensor value(const Tensor& x) const { return kernel_value(F::kernel(x.dtype()), x.dtype(), x); }
};

template <class Rule>
Tensor integer_unary(const Operand& x) {
    return apply(IntegerUnary<Rule>{}, {x.tensor()}, x.where(), Rule::name);
}
template <class Rule>
Tensor integer_binary(const Operand& a, const Operand& b) {
    return apply_to_operands<IntegerRule<Rule, true>>(a, b, Rule::name);
}

}  // namespace xgrad::detail
