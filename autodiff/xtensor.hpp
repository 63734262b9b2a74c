#pragma once

// The bridge to xtensor, and the only public header that includes it. Works with xtensor 0.24 (flat headers) and with
// 0.26 and later.
//
//     Tensor t = from_xtensor(xt::sin(a) * b);    // any expression, of either layout; moved-in arrays are not copied
//     const auto view = view_xtensor<double>(t);  // the tensor's elements in xtensor's arithmetic, without a copy
//     xt::xarray<double> c = t;                   // a copy: tensors convert to arrays of their element type
//     Tensor y = apply<double>("exp", {t}, [](const auto& x) { return xt::exp(x); },
//                              [](const auto& g, const auto& y, const auto&) { return g * y; });

#if __has_include(<xtensor/containers/xarray.hpp>)
#include <xtensor/containers/xadapt.hpp>
#include <xtensor/containers/xarray.hpp>
#include <xtensor/containers/xtensor.hpp>
#else
#include <xtensor/xadapt.hpp>
#include <xtensor/xarray.hpp>
#include <xtensor/xtensor.hpp>
#endif

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/apply.hpp"
#include "core/foreign.hpp"
#include "core/tensor.hpp"

namespace xgrad {

namespace detail {

inline std::vector<std::size_t> xtensor_shape(const Shape& shape) { return {shape.begin(), shape.end()}; }

/// The tensor element type that holds an xtensor value type: the type itself, or a signed integer that covers its range
/// (uint64 excepted).
template <class V>
using TensorElement = std::conditional_t<
    std::is_same_v<V, float> || std::is_same_v<V, double> || std::is_same_v<V, bool>, V,
    std::conditional_t<(sizeof(V) < 4 || (sizeof(V) == 4 && std::is_signed_v<V>)), std::int32_t, std::int64_t>>;
/// The value types that arrays and tensors represent identically in memory.
template <class V>
concept SameElement =
    std::is_arithmetic_v<V> && !std::is_same_v<V, long double> && std::is_signed_v<V> != std::is_same_v<V, bool> &&
    sizeof(V) == sizeof(TensorElement<V>) && std::is_floating_point_v<V> == std::is_floating_point_v<TensorElement<V>>;

/// xtensor's owning containers, with the number of axes if the type fixes it.
template <class A>
struct XtensorContainer {
    static constexpr bool value = false;
};
template <class EC, xt::layout_type L, class SC, class Tag>
struct XtensorContainer<xt::xarray_container<EC, L, SC, Tag>> {
    static constexpr bool value = true;
    static constexpr int axes = -1;
};
template <class EC, std::size_t N, xt::layout_type L, class Tag>
struct XtensorContainer<xt::xtensor_container<EC, N, L, Tag>> {
    static constexpr bool value = true;
    static constexpr int axes = static_cast<int>(N);
};
/// A container passed as an rvalue whose elements a tensor can take over in place.
template <class A>
concept GivenAway = !std::is_reference_v<A> && !std::is_const_v<A> && XtensorContainer<A>::value &&
                    SameElement<typename A::value_type> && A::static_layout != xt::layout_type::column_major;

template <class E>
Shape shape_of_xtensor(const E& expression) {
    Shape shape;
    for (const auto n : expression.shape()) shape.push_back(static_cast<std::int64_t>(n));
    return shape;
}

}  // namespace detail

/// A copy of the elements as an xarray of the same shape, row-major. DTypeError unless T is the element type.
template <class T>
xt::xarray<T> to_xtensor(const Tensor& tensor, Location where = Location::current()) {
    const auto values = tensor.data<T>(where);
    auto array = xt::xarray<T>::from_shape(detail::xtensor_shape(tensor.shape()));
    std::copy(values.begin(), values.end(), array.storage().begin());
    return array;
}

/// The elements with xtensor's interface, without a copy: read-only, and valid while any handle to them exists.
/// DTypeError unless T is the element type.
template <class T>
auto view_xtensor(const Tensor& tensor, Location where = Location::current()) {
    const auto values = tensor.data<T>(where);
    return xt::adapt(values.data(), values.size(), xt::no_ownership(), detail::xtensor_shape(tensor.shape()));
}
template <class T>
auto view_xtensor(Tensor&&, Location = {}) = delete;  // the view would outlive its elements

/// A tensor with the values of any xtensor expression, of either layout. float, double, bool and signed integers of 32
/// or 64 bits keep their type; smaller integers become i32, unsigned 32-bit ones i64. DTypeError for a 64-bit unsigned
/// value that does not fit.
template <class E>
Tensor from_xtensor(const xt::xexpression<E>& expression, Location where = Location::current()) {
    const E& e = expression.derived_cast();
    using V = std::decay_t<typename E::value_type>;
    static_assert(std::is_arithmetic_v<V> && !std::is_same_v<V, long double>,
                  "xgrad: no tensor element type for this xtensor value type");
    using T = detail::TensorElement<V>;
    Tensor tensor = detail::empty(detail::shape_of_xtensor(e), dtype_of<T>(), where);
    T* to = static_cast<T*>(detail::TensorAccess::data(tensor));
    for (auto it = e.template begin<xt::layout_type::row_major>(), end = e.template end<xt::layout_type::row_major>();
         it != end; ++it) {
        const V value = *it;
        if constexpr (std::is_unsigned_v<V> && sizeof(V) == 8)
            check<DTypeError>(value <= static_cast<V>(INT64_MAX), where,
                              [] { return std::string("from_xtensor: an unsigned value does not fit into i64"); });
        *to++ = static_cast<T>(value);
    }
    return tensor;
}

/// The same for an xarray or xtensor that is moved in, `from_xtensor(std::move(array))`: the tensor takes over its
/// elements without a copy if they are row-major and have a tensor's element type; otherwise they are copied.
template <detail::GivenAway A>
Tensor from_xtensor(A&& array, Location where = Location::current()) {
    const Shape shape = detail::shape_of_xtensor(array);
    if (array.layout() != xt::layout_type::row_major && shape.rank() > 1)
        return from_xtensor(static_cast<const xt::xexpression<A>&>(array), where);
    using Elements = std::decay_t<decltype(array.storage())>;
    return detail::keep_elements(
        Elements(std::move(array.storage())), [](Elements& elements) { return elements.data(); }, shape,
        dtype_of<detail::TensorElement<typename A::value_type>>(), where);
}

namespace detail {

/// Converts a tensor to an xt::xarray or xt::xtensor. ShapeError for another number of axes, DTypeError for another
/// element type.
template <class A>
    requires(XtensorContainer<A>::value && SameElement<typename A::value_type>)
struct Bridge<A> {
    static A from(const Tensor& tensor) {
        using T = TensorElement<typename A::value_type>;
        constexpr int axes = XtensorContainer<A>::axes;
        check<DTypeError>(tensor.dtype() == dtype_of<T>(), {}, [&] {
            return std::string("xtensor: the array's dtype must be the tensor's ") + name_of(tensor.dtype()) +
                   ", got " + name_of(dtype_of<T>());
        });
        check<ShapeError>(axes < 0 || tensor.ndim() == axes, {}, [&] {
            return "xtensor: an array of " + std::to_string(axes) + " axes cannot hold shape " +
                   to_string(tensor.shape());
        });
        return A(view_xtensor<T>(tensor));
    }
};

/// A function's result as a tensor of T: an xtensor expression, a number, or std::nullopt, which becomes an empty
/// tensor.
template <class T, class R>
Tensor from_result(R&& result, Location where) {
    using V = std::decay_t<R>;
    if constexpr (std::is_same_v<V, std::nullopt_t>) return {};
    else if constexpr (std::is_arithmetic_v<V>) return scalar(static_cast<T>(result), where);
    else if constexpr (std::is_same_v<std::decay_t<typename V::value_type>, T>)
        return from_xtensor(std::forward<R>(result), where);
    else return from_xtensor(xt::cast<T>(std::forward<R>(result)), where);
}
template <class T, class R>
std::vector<Tensor> from_results(R&& results, Location where) {
    if constexpr (requires { std::tuple_size<std::decay_t<R>>::value; })
        return std::apply(
            [&](auto&&... parts) {
                return std::vector<Tensor>{from_result<T>(std::forward<decltype(parts)>(parts), where)...};
            },
            std::forward<R>(results));
    else return {from_result<T>(std::forward<R>(results), where)};
}

/// An operation whose value and pullback are functions of xtensor views.
template <class T, std::size_t N, class Value, class Pullback>
struct XtensorOperation {
    static constexpr const char* name = "xtensor";
    static constexpr Saves saves{.inputs = (1u << N) - 1, .outputs = 1};
    using Tensors = std::array<Tensor, N>;
    const char* label;
    Value value_of;
    Pullback pullback_of;
    Location where;

    Tensor value(std::span<const Tensor> given) const {
        return [&]<std::size_t... I>(std::index_sequence<I...>) {
            const auto views = std::make_tuple(view_xtensor<T>(given[I], where)...);
            return from_result<T>(std::apply(value_of, views), where);
        }(std::make_index_sequence<N>{});
    }
    /// The cotangents, recorded as a function of g alone.
    std::vector<Tensor> pullback(Tensor g, const Saved& s) const {
        const Tensors inputs = inputs_of(s);
        check_first_order(any_tracked(inputs));
        return apply_many(
            label, {g},
            [self = *this, inputs, y = s.output()](const Tensor& given) {
                std::vector<Tensor> all = self.pull(given, y, inputs);
                for (std::size_t i = 0; i < N; ++i)
                    if (!all[i].defined())
                        all[i] = tensor(std::vector<T>(static_cast<std::size_t>(inputs[i].size())), inputs[i].shape());
                return all;
            },
            [self = *this, inputs, y = s.output()](std::span<const Tensor> directions, Needs) {
                self.check_first_order(any_tracked(directions));
                return std::array{self.push(directions, y, inputs)};
            },
            where);
    }
    std::vector<Tensor> fused_pullback(Tensor g, const Saved& s) const { return pull(g, s.output(), inputs_of(s)); }

private:
    static Tensors inputs_of(const Saved& s) {
        Tensors inputs;
        for (std::size_t i = 0; i < N; ++i) inputs[i] = s.input(i);
        return inputs;
    }
    std::vector<Tensor> pull(const Tensor& g, const Tensor& y, const Tensors& inputs) const {
        std::vector<Tensor> parts = std::apply(
            [&](const auto&... x) {
                const auto views =
                    std::make_tuple(view_xtensor<T>(g, where), view_xtensor<T>(y, where), view_xtensor<T>(x, where)...);
                return from_results<T>(std::apply(pullback_of, views), where);
            },
            inputs);
        check<ValueError>(parts.size() == N, where, [&] {
            return std::string(label) + ": the pullback must return a cotangent for each of " + std::to_string(N) +
                   " inputs, got " + std::to_string(parts.size());
        });
        return parts;
    }
    /// The derivative of the cotangents with respect to g, applied to directions: the pullback is linear in g, so
    /// applying it to unit vectors yields the columns.
    Tensor push(std::span<const Tensor> directions, const Tensor& y, const Tensors& inputs) const {
        std::vector<T> result(static_cast<std::size_t>(y.size()));
        std::vector<T> unit(result.size());
        for (std::size_t i = 0; i < unit.size(); ++i) {
            unit[i] = 1;
            const std::vector<Tensor> parts = pull(tensor(unit, y.shape()), y, inputs);
            unit[i] = 0;
            for (std::size_t k = 0; k < N; ++k) {
                if (!parts[k].defined()) continue;
                const auto a = parts[k].template data<T>(), b = directions[k].template data<T>();
                for (std::size_t j = 0; j < a.size(); ++j) result[i] += a[j] * b[j];
            }
        }
        return tensor(result, y.shape());
    }
    void check_first_order(bool higher) const {
        check<TapeError>(!higher, where, [&] {
            return std::string(label) +
                   ": there are no second derivatives of an operation whose pullback is written in xtensor; write it "
                   "with tensors";
        });
    }
};

}  // namespace detail

/// An operation written with xtensor: apply() with functions of views of the inputs, which must be tensors of T (float
/// or double; DTypeError).
///
///     Tensor y = apply<double>("scaled", {x, s}, [](const auto& x, const auto& s) { return x * s; },
///                              [](const auto& g, const auto&, const auto& x, const auto& s) {
///                                  return std::make_tuple(g * s, g * x);
///                              });
///
/// value: `(x…)`, returns an xtensor expression or a number. pullback: `(g, y, x…)` for the cotangent g of the value y,
/// returns one expression per input: a single expression for one input, else a tuple, with std::nullopt if the result
/// does not depend on an input. A cotangent may have the broadcast shape; the sweep sums it back to the input's shape.
/// Returned expressions are evaluated after the function returns: they must not refer to its local variables unless
/// these are moved or copied in. Supports first derivatives and forward mode (at the cost of one pullback for each
/// element of y); second derivatives are a TapeError: for these, write the pullback with tensors and use plain apply().
template <class T, class Value, class Pullback, std::size_t N>
    requires std::is_floating_point_v<T>
Tensor apply(const char* name, const Tensor (&inputs)[N], Value value, Pullback pullback,
             Location where = Location::current()) {
    for (const Tensor& x : inputs)
        check<DTypeError>(x.dtype() == dtype_of<T>(), where, [&] {
            return std::string(name) + ": the inputs must be " + name_of(dtype_of<T>()) + ", got " + name_of(x.dtype());
        });
    return apply(detail::XtensorOperation<T, N, Value, Pullback>{name, std::move(value), std::move(pullback), where},
                 std::span<const Tensor>(inputs), where, name);
}

}  // namespace xgrad
