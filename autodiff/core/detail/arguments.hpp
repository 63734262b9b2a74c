#pragma once

#include <cstdint>

#include "autodiff/core/tensor.hpp"

// Checks of arguments that many operations have, one text for each rule. Not for users.

namespace xgrad::detail {

using Int = std::int64_t;

/// The operand's tensor. ValueError for a plain number or an empty tensor.
const Tensor& tensor_of(const Operand& x, const char* operation);
/// ValueError for an empty tensor; plain numbers pass.
inline void check_defined(const char* operation, const Operand& x) {
    if (x.is_tensor() && !x.tensor().defined()) [[unlikely]]
        tensor_of(x, operation);
}
/// ValueError for an operation that was given numbers only, as whose dtype would the result have?
[[noreturn]] void throw_numbers_only(const char* operation, Location where);
inline void check_has_tensor(bool has_tensor, const char* operation, Location where) {
    if (!has_tensor) [[unlikely]]
        throw_numbers_only(operation, where);
}

[[noreturn]] void throw_not_floating(DType dtype, const char* operation, Location where);
/// DTypeError unless f32 or f64.
inline void check_floating(DType dtype, const char* operation, Location where) {
    if (!is_floating(dtype)) [[unlikely]]
        throw_not_floating(dtype, operation, where);
}
inline void check_floating(const Tensor& x, const char* operation, Location where) {
    check_floating(x.dtype(), operation, where);
}
/// DTypeError unless i32 or i64.
void check_index_type(const Tensor& x, const char* operation, Location where);

[[noreturn]] void throw_other_dtype(DType a, DType b, const char* operation, const char* what, Location where);
/// DTypeError unless both are the same; `what` says in the message what has b.
inline void check_same_dtype(DType a, DType b, const char* operation, Location where, const char* what = "") {
    if (a != b) [[unlikely]]
        throw_other_dtype(a, b, operation, what, where);
}
inline void check_same_dtype(const Tensor& a, const Tensor& b, const char* operation, Location where,
                             const char* what = "") {
    check_same_dtype(a.dtype(), b.dtype(), operation, where, what);
}

/// A plain number as a tensor of the dtype that it takes. ValueError if an integer type cannot hold it.
Tensor number_as(const Operand& x, DType dtype, const char* operation);

/// i64 for i32 with i64, as NumPy; else the first.
inline DType common_integer(DType a, DType b) { return (a == DType::i32 && b == DType::i64) ? b : a; }

/// The type in which two operands, of which one may be a number, are integers; bool if they are not.
inline DType integer_type(const Operand& a, const Operand& b) {
    const auto fits = [](const Operand& x) { return !x.is_tensor() || is_integer(x.dtype()); };
    if (!fits(a) || !fits(b) || (!a.is_tensor() && !b.is_tensor())) return DType::boolean;
    if (a.is_tensor() && b.is_tensor()) return common_integer(a.dtype(), b.dtype());
    return a.is_tensor() ? a.dtype() : b.dtype();
}

}  // namespace xgrad::detail
