#pragma once

#include <cstdint>

#include "autodiff/core/tensor.hpp"

// From a dtype to the C++ type of the elements. Not for users.

namespace xgrad::detail {

/// f(T{}) with the C++ type of the elements; the dtype must be f32 or f64.
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
/// f(const I*) with the elements of an index tensor, which must be i32 or i64.
template <class F>
void with_indices(const Tensor& indices, F&& f) {
    if (indices.dtype() == DType::i32) f(static_cast<const std::int32_t*>(elements<std::int32_t>(indices)));
    else f(static_cast<const std::int64_t*>(elements<std::int64_t>(indices)));
}

}  // namespace xgrad::detail
