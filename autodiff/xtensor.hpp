#pragma once

// The bridge to xtensor: the only public header that includes it. Works with xtensor 0.24 (flat headers) and 0.26 and later.

#if __has_include(<xtensor/containers/xarray.hpp>)
#include <xtensor/containers/xadapt.hpp>
#include <xtensor/containers/xarray.hpp>
#else
#include <xtensor/xadapt.hpp>
#include <xtensor/xarray.hpp>
#endif

#include <algorithm>
#include <type_traits>
#include <vector>

#include "tensor.hpp"

namespace xgrad {

namespace detail {

inline std::vector<std::size_t> xtensor_shape(const Shape& shape) { return {shape.begin(), shape.end()}; }

/// The tensor element type that holds an xtensor value type: the type itself, or the integer of the same size and sign's range.
template <class V>
using TensorElement =
    std::conditional_t<std::is_same_v<V, float> || std::is_same_v<V, double> || std::is_same_v<V, bool>, V,
                       std::conditional_t<(sizeof(V) < 4 || (sizeof(V) == 4 && std::is_signed_v<V>)), std::int32_t, std::int64_t>>;

}  // namespace detail

/// A copy of the elements as an xarray of the same shape, row-major. DTypeError unless T is the element type.
template <class T>
xt::xarray<T> to_xtensor(const Tensor& tensor) {
    const auto values = tensor.data<T>();
    auto array = xt::xarray<T>::from_shape(detail::xtensor_shape(tensor.shape()));
    std::copy(values.begin(), values.end(), array.storage().begin());
    return array;
}

/// The elements under xtensor's interface, without a copy: constant, and valid while any handle to them lives. DTypeError unless T is the
/// element type.
template <class T>
auto view_xtensor(const Tensor& tensor) {
    const auto values = tensor.data<T>();
    return xt::adapt(values.data(), values.size(), xt::no_ownership(), detail::xtensor_shape(tensor.shape()));
}
template <class T>
auto view_xtensor(Tensor&&) = delete;  // the view would outlive its elements

/// A tensor with the values of any xtensor expression, of either layout. float, double, bool and integers up to 32 or 64 bits keep their
/// type; smaller integers become i32, unsigned 32-bit ones i64. DTypeError for a 64-bit unsigned value that does not fit.
template <class E>
Tensor from_xtensor(const xt::xexpression<E>& expression, Location where = Location::current()) {
    const E& e = expression.derived_cast();
    using V = std::decay_t<typename E::value_type>;
    static_assert(std::is_arithmetic_v<V> && !std::is_same_v<V, long double>, "xgrad: no tensor element type for this xtensor value type");
    using T = detail::TensorElement<V>;
    Shape shape;
    for (const auto n : e.shape()) shape.push_back(static_cast<std::int64_t>(n));
    Tensor tensor = detail::empty(shape, dtype_of<T>(), where);
    T* to = static_cast<T*>(detail::TensorAccess::data(tensor));
    for (auto it = e.template begin<xt::layout_type::row_major>(), end = e.template end<xt::layout_type::row_major>(); it != end; ++it) {
        const V value = *it;
        if constexpr (std::is_unsigned_v<V> && sizeof(V) == 8)
            check<DTypeError>(value <= static_cast<V>(INT64_MAX), where,
                              [] { return std::string("from_xtensor: an unsigned value does not fit into i64"); });
        *to++ = static_cast<T>(value);
    }
    return tensor;
}

}  // namespace xgrad
