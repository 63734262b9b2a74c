#pragma once

#include <cmath>
#include <cstdint>
#include <string>

#include "autodiff/core/attributes.hpp"
#include "autodiff/core/tensor.hpp"

// Helpers for operations with axes: checked arguments, and axes counted from the front. Not for users.

namespace xgrad::detail {

using Int = std::int64_t;

/// Bit i: axis i.
using AxisMask = std::uint32_t;

/// A plain number as a tensor of the dtype that it takes. ValueError if an integer type cannot hold it.
inline Tensor number_as(const Operand& x, DType dtype, const char* operation) {
    check<ValueError>(x.number().fits(dtype), x.where(), [&] {
        return std::string(operation) + ": a plain number takes the tensor's type " + name_of(dtype) +
               ", which cannot hold " + x.number().text() + " (convert the tensor with .to())";
    });
    return scalar(x.number(), dtype);
}

/// i64 for i32 with i64, as in NumPy; else the first type.
inline DType common_integer(DType a, DType b) { return (a == DType::i32 && b == DType::i64) ? b : a; }

/// The common integer type of two operands, of which one may be a plain number; bool if they are not integers.
inline DType integer_type(const Operand& a, const Operand& b) {
    const auto fits = [](const Operand& x) { return !x.is_tensor() || is_integer(x.dtype()); };
    if (!fits(a) || !fits(b) || (!a.is_tensor() && !b.is_tensor())) return DType::boolean;
    if (a.is_tensor() && b.is_tensor()) return common_integer(a.dtype(), b.dtype());
    return a.is_tensor() ? a.dtype() : b.dtype();
}

/// The operand's tensor. ValueError for a plain number or an empty tensor.
inline const Tensor& tensor_of(const Operand& x, const char* operation) {
    check<ValueError>(x.is_tensor() && x.tensor().defined(), x.where(), [&] {
        return std::string(operation) + ": the argument must be a tensor, got " +
               (x.is_tensor() ? "an empty one" : "the number " + x.number().text());
    });
    return x.tensor();
}

inline void check_floating(const Tensor& x, const char* operation, Location where) {
    check<DTypeError>(is_floating(x.dtype()), where, [&] {
        return std::string(operation) + ": the element type must be f32 or f64, got " + name_of(x.dtype());
    });
}
inline void check_index_type(const Tensor& x, const char* operation, Location where) {
    check<DTypeError>(x.dtype() == DType::i32 || x.dtype() == DType::i64, where, [&] {
        return std::string(operation) + ": indices must be i32 or i64, got " + name_of(x.dtype());
    });
}

/// `axis` in [-rank, rank) as a number in [0, rank). IndexError otherwise.
inline int normalise_axis(int axis, int rank, const char* operation, Location where) {
    check<IndexError>(axis >= -rank && axis < rank, where, [&] {
        return std::string(operation) + ": axis must be in [" + std::to_string(-rank) + ", " + std::to_string(rank) +
               "), got " + std::to_string(axis);
    });
    return axis < 0 ? axis + rank : axis;
}

/// The axes as bits. IndexError if one is out of range or listed twice. With `scalar_axis`, a scalar counts as having
/// one axis.
inline AxisMask mask_of(const Axes& axes, int rank, const char* operation, Location where, bool scalar_axis = false) {
    if (axes.all()) return (AxisMask{1} << rank) - 1;
    AxisMask mask = 0;
    for (const int axis : axes.list()) {
        const AxisMask bit = AxisMask{1} << normalise_axis(axis, rank == 0 && scalar_axis ? 1 : rank, operation, where);
        check<IndexError>(!(mask & bit), where, [&] {
            return std::string(operation) + ": axes must differ, got " + std::to_string(axis) + " twice";
        });
        mask |= bit;
    }
    return rank == 0 ? 0 : mask;
}

/// `shape` without the masked axes, or with them of size 1.
inline Shape without_axes(const Shape& shape, AxisMask mask, bool keep_as_one) {
    Shape result;
    for (int k = 0; k < shape.rank(); ++k)
        if (!(mask >> k & 1)) result.push_back(shape[k]);
        else if (keep_as_one) result.push_back(1);
    return result;
}

/// A shape split at one axis: the sizes before it multiplied, its own size, the sizes after it multiplied.
struct AxisSplit {
    Int outer = 1, n = 1, inner = 1;
    XGRAD_ATTRIBUTES(outer, n, inner)
};
inline AxisSplit along(const Shape& shape, int axis) {
    AxisSplit a;
    for (int k = 0; k < shape.rank(); ++k) (k < axis ? a.outer : k == axis ? a.n : a.inner) *= shape[k];
    return a;
}

/// f(T{}) with the C++ type of the elements; the tensor must be f32 or f64.
template <class F>
decltype(auto) with_floating(DType dtype, F&& f) {
    return dtype == DType::f32 ? f(float{}) : f(double{});
}
/// The same for every dtype; bool is std::uint8_t here (0 or 1).
template <class F>
decltype(auto) with_any(DType dtype, F&& f) {
    switch (dtype) {
        case DType::f32: return f(float{});
        case DType::f64: return f(double{});
        case DType::i32: return f(std::int32_t{});
        case DType::i64: return f(std::int64_t{});
        default: return f(std::uint8_t{});
    }
}
template <class T>
T* elements(const Tensor& t) {
    return static_cast<T*>(TensorAccess::data(t));
}

}  // namespace xgrad::detail
