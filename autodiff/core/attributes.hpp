#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "attribute_names.hpp"
#include "export.hpp"
#include "per_axis.hpp"
#include "tensor.hpp"

// The attributes of an operation as data that can be printed, compared, saved and exported.

namespace xgrad {

/// Values by name, in the order of the operation's fields.
class XGRAD_API Attributes {
public:
    /// An integer, a floating number, an enumerator by its name, or a list of numbers.
    using Value = std::variant<std::int64_t, double, std::string, std::vector<std::int64_t>, std::vector<double>>;
    struct Named {
        std::string name;
        Value value;
        /// Floating numbers are equal when their bits are.
        friend XGRAD_API bool operator==(const Named& a, const Named& b);
    };

    std::vector<Named> values;
    /// ValueError for a name that is not there.
    const Value& operator[](std::string_view name) const;
    friend bool operator==(const Attributes& a, const Attributes& b) { return a.values == b.values; }
};

/// "axis=1, shape=[3, 4], mode=linear, eps=1e-05"
XGRAD_API std::string to_string(const Attributes& attributes);
/// The same as a JSON object, from which identical attributes are read back; NaN and infinities are "+nan", "+inf" and
/// "-inf" in it.
XGRAD_API std::string to_json(const Attributes& attributes);
/// FormatError unless the text is an object of numbers, names and lists of numbers, with integers of up to 64 bits.
XGRAD_API Attributes attributes_from_json(const std::string& text);

namespace detail {

/// "1", "1e-05", "linear", "[3, 4]"
XGRAD_API std::string attribute_text(const Attributes::Value& value);

template <class T>
concept HasAttributes = requires(const T& object) {
    object.attributes();
    T::attribute_names();
};

/// The name of an enumerator as the compiler prints it: "V = xgrad::Gelu::erf". Empty for a value without a name, which
/// it prints as "(xgrad::Gelu)7".
template <auto V>
constexpr std::string_view enumerator() {
    std::string_view text = __PRETTY_FUNCTION__;
    text = text.substr(0, text.rfind("; std::string_view = "));  // g++
    if (text.back() == ']') text.remove_suffix(1);  // clang
    const std::size_t begin =
        text.find_last_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") + 1;
    const bool named = text[begin - 1] != ')' && text[begin - 1] != '-';
    return named ? text.substr(begin) : std::string_view();
}
/// The names of an enumeration's values 0, 1, …. A value beyond, or without a name, is written as a number.
template <class E>
inline constexpr auto enumerators = []<int... I>(std::integer_sequence<int, I...>) {
    return std::array<std::string_view, sizeof...(I)>{enumerator<static_cast<E>(I)>()...};
}(std::make_integer_sequence<int, 12>());

/// Adds the values of fields to Attributes; AttributeReader reads them back.
class XGRAD_API AttributeWriter {
public:
    AttributeWriter(Attributes& to) : to_(to) {}
    template <class T>
    void field(const std::string& name, const T& value) {
        if constexpr (HasAttributes<T>) {
            each(T::attribute_names(), value.attributes(), name + '.',
                 [&](const std::string& inner, const auto& part) { field(inner, part); });
        } else if constexpr (std::is_same_v<T, PlainNumber>) {
            if (value.is_integer()) add(name, value.integer());
            else add(name, static_cast<double>(value));
        } else if constexpr (std::is_floating_point_v<T>) add(name, static_cast<double>(value));
        else if constexpr (std::is_enum_v<T>) add_enumerator(name, static_cast<std::int64_t>(value), enumerators<T>);
        else if constexpr (std::is_integral_v<T>) add(name, static_cast<std::int64_t>(value));
        else {
            using E = element_of<T>;
            std::vector<std::conditional_t<std::is_floating_point_v<E>, double, std::int64_t>> list;
            for_elements(value, [&](auto element) {
                list.push_back(static_cast<typename decltype(list)::value_type>(element));
            });
            add(name, std::move(list));
        }
    }
    /// Calls f(name, field) for each field; `names` is the comma-separated list from XGRAD_ATTRIBUTES, and `prefix` is
    /// prepended to each name.
    template <class... Fields, class F>
    static void each(std::string_view names, std::tuple<Fields&...> fields, const std::string& prefix, F&& f) {
        std::apply([&](auto&... field) { (f(prefix + next_name(names), field), ...); }, fields);
    }

private:
    template <class T>
    struct Element {
        using type = std::remove_cvref_t<decltype(*std::begin(std::declval<const T&>()))>;
    };
    template <class E, int N>
    struct Element<NumberOrList<E, N>> {
        using type = E;
    };
    template <class E>
    struct Element<std::optional<E>> {
        using type = E;
    };
    template <class T>
    using element_of = typename Element<T>::type;
    template <class T, class F>
    static void for_elements(const T& list, F&& f) {
        for (const auto& element : list) f(element);
    }
    template <class E, int N, class F>
    static void for_elements(const NumberOrList<E, N>& list, F&& f) {
        for (int i = 0; i < list.count(); ++i) f(list[i]);
    }
    template <class E, class F>
    static void for_elements(const std::optional<E>& value, F&& f) {
        if (value) f(*value);
    }
    static std::string next_name(std::string_view& names);
    void add(const std::string& name, Attributes::Value value);
    void add_enumerator(const std::string& name, std::int64_t value, std::span<const std::string_view> names);

    Attributes& to_;
};

/// Reads fields by their names. ValueError for a value that is missing, of another kind, or beyond what the field
/// holds.
class XGRAD_API AttributeReader {
public:
    AttributeReader(const Attributes& from) : from_(from) {}
    template <class T>
    void field(const std::string& name, T& value) {
        if constexpr (HasAttributes<T>) {
            AttributeWriter::each(T::attribute_names(), value.attributes(), name + '.',
                                  [&](const std::string& inner, auto& part) { field(inner, part); });
            return;
        } else if constexpr (std::is_same_v<T, PlainNumber>) {
            if (is_integer(name)) value = integer(name);
            else value = number(name);
        } else if constexpr (std::is_floating_point_v<T>) value = narrowed<T>(name, number(name));
        else if constexpr (std::is_enum_v<T>)
            value = static_cast<T>(narrowed<std::underlying_type_t<T>>(name, enumerator_of(name, enumerators<T>)));
        else if constexpr (std::is_integral_v<T>) value = narrowed<T>(name, integer(name));
        else list(name, value);
        ++read_;
    }
    /// ValueError if there are attributes that no field has read.
    void finish() const;

private:
    bool is_integer(const std::string& name) const;
    std::int64_t integer(const std::string& name) const;
    double number(const std::string& name) const;
    /// The value of the enumerator that is written there, by name or as a number.
    std::int64_t enumerator_of(const std::string& name, std::span<const std::string_view> names) const;
    std::vector<std::int64_t> integers(const std::string& name) const;
    std::vector<double> numbers(const std::string& name) const;
    static void check_range(const std::string& name, std::int64_t value, std::int64_t low, std::int64_t high);
    static void check_finite(const std::string& name, double value, bool fits);
    static void check_count(const std::string& name, std::size_t count, std::size_t low, std::size_t high);

    template <class T, class Number>
    static T narrowed(const std::string& name, Number value) {
        const auto result = static_cast<T>(value);
        if constexpr (std::is_floating_point_v<T>) check_finite(name, value, std::isfinite(result));
        else if constexpr (sizeof(T) < sizeof value)
            check_range(name, value, static_cast<std::int64_t>(std::numeric_limits<T>::min()),
                        static_cast<std::int64_t>(std::numeric_limits<T>::max()));
        return result;
    }
    template <class E>
    std::vector<E> elements(const std::string& name, std::size_t low, std::size_t high) const {
        std::vector<E> list;
        if constexpr (std::is_floating_point_v<E>)
            for (const double n : numbers(name)) list.push_back(narrowed<E>(name, n));
        else
            for (const std::int64_t n : integers(name)) {
                if constexpr (std::is_enum_v<E>)
                    list.push_back(static_cast<E>(narrowed<std::underlying_type_t<E>>(name, n)));
                else list.push_back(narrowed<E>(name, n));
            }
        check_count(name, list.size(), low, high);
        return list;
    }
    void list(const std::string& name, Shape& shape) const {
        shape = Shape(elements<std::int64_t>(name, 0, Shape::max_rank));
    }
    template <class E>
    void list(const std::string& name, std::vector<E>& to) const {
        to = elements<E>(name, 0, std::numeric_limits<std::size_t>::max());
    }
    template <class E, int N>
    void list(const std::string& name, NumberOrList<E, N>& to) const {
        to = NumberOrList<E, N>(elements<E>(name, 0, N));
    }
    template <class E>
    void list(const std::string& name, std::optional<E>& to) const {
        const std::vector<E> values = elements<E>(name, 0, 1);
        to.reset();
        if (!values.empty()) to = values[0];
    }
    template <class E, std::size_t N>
    void list(const std::string& name, std::array<E, N>& to) const {
        const std::vector<E> values = elements<E>(name, N, N);
        for (std::size_t i = 0; i < N; ++i) to[i] = values[i];
    }
    template <class E, std::size_t N>
    void list(const std::string& name, E (&to)[N]) const {
        const std::vector<E> values = elements<E>(name, N, N);
        for (std::size_t i = 0; i < N; ++i) to[i] = values[i];
    }

    const Attributes& from_;
    std::size_t read_ = 0;
};

// Depends on the fields' types only, so that operations with the same field types share the code.
template <class... Fields>
Attributes write_fields(const char* names, std::tuple<const Fields&...> fields) {
    Attributes attributes;
    AttributeWriter writer(attributes);
    AttributeWriter::each(names, fields, "",
                          [&](const std::string& name, const auto& field) { writer.field(name, field); });
    return attributes;
}
template <class... Fields>
void read_fields(const char* names, std::tuple<Fields&...> fields, const Attributes& attributes) {
    AttributeReader reader(attributes);
    AttributeWriter::each(names, fields, "", [&](const std::string& name, auto& field) { reader.field(name, field); });
    reader.finish();
}

}  // namespace detail

/// An operation's attributes; empty if it has none.
template <class Operation>
Attributes attributes_of([[maybe_unused]] const Operation& operation) {
    if constexpr (detail::HasAttributes<Operation>)
        return detail::write_fields(Operation::attribute_names(), operation.attributes());
    else return {};
}

/// Sets the fields of an operation. ValueError for an attribute that is missing, of another kind, beyond what its field
/// holds, or that no field has.
template <class Operation>
void set_attributes([[maybe_unused]] Operation& operation, [[maybe_unused]] const Attributes& attributes) {
    if constexpr (detail::HasAttributes<Operation>)
        detail::read_fields(Operation::attribute_names(), operation.attributes(), attributes);
    else detail::AttributeReader(attributes).finish();
}

}  // namespace xgrad
