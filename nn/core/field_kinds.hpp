#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <iterator>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <autodiff/core/tape.hpp>

// What kinds of fields a model can have, and whether it names all of them. Part of module.hpp, which explains it.

namespace xgrad::nn {

class Path;
class Visitor;
class RandomStream;

namespace detail {

template <class T>
concept Module = requires(T& x, const Path& path, Visitor& visitor) { x.xgrad_visit(path, visitor); };
template <class T>
concept PointerLike = std::is_class_v<T> && requires(T& x) {
    *x;
    static_cast<bool>(x);
};
template <class T>
concept Range = requires(T& x) {
    std::begin(x);
    std::end(x);
};
template <class T>
concept TupleLike = requires { std::tuple_size<T>::value; };

template <class T>
using range_element = std::remove_cvref_t<decltype(*std::begin(std::declval<T&>()))>;

/// A map from names to models: its elements are named by their keys.
template <class T>
concept Keyed = Range<T> && requires(T& x) {
    { (*std::begin(x)).first } -> std::convertible_to<std::string_view>;
    (*std::begin(x)).second;
};

/// A trivially copyable type has no Parameter inside, because Parameter is not trivially copyable; so numbers, enums,
/// functions and plain lambdas pass.
template <class T>
constexpr bool cannot_hold_parameters() {
    if constexpr (std::is_pointer_v<T>) return std::is_function_v<std::remove_pointer_t<T>>;
    else if constexpr (std::is_trivially_copyable_v<T> && !requires(T& x) { x.get(); }) return true;
    else if constexpr (Range<T>)
        return cannot_hold_parameters<std::iter_value_t<decltype(std::begin(std::declval<T&>()))>>();
    else return false;
}

/// Must a field of this type be named because it contains parameters or layers? A Tensor need not be: it may be a
/// constant.
template <class T>
constexpr bool holds_parameters();
template <class T, std::size_t... I>
constexpr bool element_holds_parameters(std::index_sequence<I...>) {
    return (holds_parameters<std::remove_cvref_t<std::tuple_element_t<I, T>>>() || ...);
}
template <class T>
constexpr bool holds_parameters() {
    if constexpr (std::is_same_v<T, Parameter> || std::is_same_v<T, RandomStream> || Module<T>) return true;
    else if constexpr (std::is_same_v<T, Tensor> || !(std::is_class_v<T> || std::is_array_v<T>)) return false;
    else if constexpr (Range<T>) {
        if constexpr (std::is_same_v<range_element<T>, T>) return false;  // e.g. std::filesystem::path
        else return holds_parameters<range_element<T>>();
    } else if constexpr (TupleLike<T>)
        return element_holds_parameters<T>(std::make_index_sequence<std::tuple_size_v<T>>());
    else if constexpr (PointerLike<T>) {
        using Target = std::remove_cvref_t<decltype(*std::declval<T&>())>;
        if constexpr (std::is_same_v<Target, T>) return false;
        else return holds_parameters<Target>();
    } else return false;
}

// --- do the names cover all fields? ----------------------------------------------------------------------------------

// C++20 cannot list a struct's fields, but it can test whether a struct can be made from a list of values. A struct
// that can be made from n values, each convertible to anything, has at least n fields. If value i converts only to
// types without parameters and the struct can then no longer be made, field i holds parameters. This works for
// aggregates; where it cannot decide (constructors, private fields), no error is raised.

template <class Struct>
struct Anything {
    template <class T>
        requires(!std::is_same_v<T, Struct>)
    operator T() const {
        throw;  // never called; clang requires a body
    }
};
template <class Struct>
struct AnythingPlain {
    template <class T>
        requires(!std::is_same_v<T, Struct> && !holds_parameters<T>())
    operator T() const {
        throw;  // never called; clang requires a body
    }
};

/// Can Struct be made from this many values, where the one at `plain` has no parameters?
template <class Struct, std::size_t plain, std::size_t... I>
constexpr bool can_be_made(std::index_sequence<I...>) {
    return requires {
        Struct{std::declval<std::conditional_t<I == plain, AnythingPlain<Struct>, Anything<Struct>>>()...};
    };
}

template <class Struct, std::size_t n>
constexpr std::size_t count_fields() {
    if constexpr (n == 0 || can_be_made<Struct, n>(std::make_index_sequence<n>())) return n;
    else return count_fields<Struct, n - 1>();
}

template <class Struct, std::size_t n, std::size_t... I>
constexpr std::size_t count_holders(std::index_sequence<I...>) {
    return (std::size_t{0} + ... + (can_be_made<Struct, I>(std::make_index_sequence<n>()) ? 0 : 1));
}

/// The number of values that `Struct{…}` takes for it: an array counts once per element.
template <class T>
constexpr std::size_t holders_in() {
    if constexpr (std::is_array_v<T>) return std::extent_v<T> * holders_in<std::remove_extent_t<T>>();
    else return holds_parameters<T>() ? 1 : 0;
}

/// False when a field that holds parameters is certainly not among the named ones.
template <class Struct, class... Named>
constexpr bool names_all_holders() {
    if constexpr (!std::is_aggregate_v<Struct>) return true;
    else {
        constexpr std::size_t most = std::min<std::size_t>(
            sizeof(Struct), (std::size_t{0} + ... + (std::is_array_v<Named> ? std::extent_v<Named> : 1)) + 24);
        constexpr std::size_t n = count_fields<Struct, most>();
        return count_holders<Struct, n>(std::make_index_sequence<n>()) <= (std::size_t{0} + ... + holders_in<Named>());
    }
}

// --- is XGRAD_FIELDS the model's own, and public? --------------------------------------------------------------------

template <class Owner>
Owner owner_of(void (Owner::*)(const Path&, Visitor&));

/// False for a struct that inherits from a model and adds fields, but has no XGRAD_FIELDS itself.
template <class T>
constexpr bool names_own_fields() {
    if constexpr (requires { &T::xgrad_visit; }) {
        using Owner = decltype(owner_of(&T::xgrad_visit));
        if constexpr (std::is_same_v<Owner, T>) return true;
        else if constexpr (std::is_aggregate_v<T>) return names_all_holders<T, Owner>();
        else return sizeof(T) < sizeof(Owner) + sizeof(Parameter);
    } else return true;
}

struct OtherVisit {
    int xgrad_visit;
};
template <class T>
struct BothVisits : T, OtherVisit {};
/// Is there an xgrad_visit that is not accessible? If so, the name becomes ambiguous once another one is inherited as
/// well.
template <class T>
constexpr bool has_private_fields() {
    if constexpr (std::is_class_v<T> && !std::is_final_v<T> && !Module<T>)
        return !requires { &BothVisits<T>::xgrad_visit; };
    else return false;
}

}  // namespace detail

}  // namespace xgrad::nn
