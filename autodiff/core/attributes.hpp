#pragma once

#include <array>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

#include "attribute_names.hpp"
#include "export.hpp"
#include "per_axis.hpp"
#include "tensor.hpp"

// The attributes of an operation as data that can be printed, compared, saved and exported.

namespace xgrad {

/// Named numbers, in the order of the operation's fields.
class XGRAD_API Attributes {
public:
    /// One number or a list of numbers, integer or floating point.
    struct Value {
        std::string name;
        bool is_list = false, is_integer = true;
        std::vector<std::int64_t> integers;
        std::vector<double> numbers;
        /// Floating-point numbers are compared by their bits.
        friend XGRAD_API bool operator==(const Value& a, const Value& b);
    };

    std::vector<Value> values;
    /// ValueError for an unknown name.
    const Value& operator[](std::string_view name) const;
    friend bool operator==(const Attributes& a, const Attributes& b) { return a.values == b.values; }
};

/// "axis=1, shape=[3, 4], eps=1e-05"
XGRAD_API std::string to_string(const Attributes& attributes);
/// The same as a JSON object, from which identical attributes are read back; NaN and infinities are written as strings.
XGRAD_API std::string to_json(const Attributes& attributes);
/// FormatError unless the text is an object of numbers and lists of numbers.
XGRAD_API Attributes attributes_from_json(const std::string& text);

namespace detail {

template <class T>
concept HasAttributes = requires(const T& object) {
    object.attributes();
    T::attribute_names();
};

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
            if (value.is_integer()) number(name, value.integer());
            else number(name, static_cast<double>(value));
        } else if constexpr (std::is_floating_point_v<T>) number(name, static_cast<double>(value));
        else if constexpr (std::is_enum_v<T> || std::is_integral_v<T>) number(name, static_cast<std::int64_t>(value));
        else {
            begin_list(name, std::is_floating_point_v<element_of<T>>);
            for_elements(value, [&](auto element) { add(element); });
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
    void number(const std::string& name, std::int64_t value);
    void number(const std::string& name, double value);
    void begin_list(const std::string& name, bool floating);
    template <class E>
    void add(E element) {
        if constexpr (std::is_floating_point_v<E>) to_.values.back().numbers.push_back(static_cast<double>(element));
        else to_.values.back().integers.push_back(static_cast<std::int64_t>(element));
    }

    Attributes& to_;
};

class XGRAD_API AttributeReader {
public:
    AttributeReader(const Attributes& from) : from_(from) {}
    template <class T>
    void field(const std::string& name, T& value) const {
        if constexpr (HasAttributes<T>) {
            AttributeWriter::each(T::attribute_names(), value.attributes(), name + '.',
                                  [&](const std::string& inner, auto& part) { field(inner, part); });
        } else if constexpr (std::is_same_v<T, PlainNumber>) {
            const Attributes::Value& v = from_[name];
            if (v.is_integer) value = integer(v, 0);
            else value = number(v, 0);
        } else if constexpr (std::is_floating_point_v<T>) value = static_cast<T>(number(from_[name], 0));
        else if constexpr (std::is_enum_v<T> || std::is_integral_v<T>) value = static_cast<T>(integer(from_[name], 0));
        else list(from_[name], value);
    }

private:
    static std::int64_t integer(const Attributes::Value& value, std::size_t i);
    static double number(const Attributes::Value& value, std::size_t i);
    static std::size_t size(const Attributes::Value& value) { return value.integers.size() + value.numbers.size(); }
    template <class E>
    static E element(const Attributes::Value& value, std::size_t i) {
        if constexpr (std::is_floating_point_v<E>) return static_cast<E>(number(value, i));
        else return static_cast<E>(integer(value, i));
    }
    template <class E>
    static std::vector<E> elements(const Attributes::Value& value) {
        std::vector<E> list;
        for (std::size_t i = 0; i < size(value); ++i) list.push_back(element<E>(value, i));
        return list;
    }
    static void list(const Attributes::Value& value, Shape& shape) { shape = Shape(elements<std::int64_t>(value)); }
    template <class E>
    static void list(const Attributes::Value& value, std::vector<E>& to) {
        to = elements<E>(value);
    }
    template <class E, int N>
    static void list(const Attributes::Value& value, NumberOrList<E, N>& to) {
        to = NumberOrList<E, N>(elements<E>(value));
    }
    template <class E>
    static void list(const Attributes::Value& value, std::optional<E>& to) {
        to.reset();
        if (size(value)) to = element<E>(value, 0);
    }
    template <class E, std::size_t N>
    static void list(const Attributes::Value& value, std::array<E, N>& to) {
        for (std::size_t i = 0; i < N; ++i) to[i] = element<E>(value, i);
    }
    template <class E, std::size_t N>
    static void list(const Attributes::Value& value, E (&to)[N]) {
        for (std::size_t i = 0; i < N; ++i) to[i] = element<E>(value, i);
    }

    const Attributes& from_;
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
    const AttributeReader reader(attributes);
    AttributeWriter::each(names, fields, "", [&](const std::string& name, auto& field) { reader.field(name, field); });
}

}  // namespace detail

/// An operation's attributes; empty if it has none.
template <class Operation>
Attributes attributes_of([[maybe_unused]] const Operation& operation) {
    if constexpr (detail::HasAttributes<Operation>)
        return detail::write_fields(Operation::attribute_names(), operation.attributes());
    else return {};
}

/// Sets an operation's attributes. ValueError if one is missing.
template <class Operation>
void set_attributes([[maybe_unused]] Operation& operation, [[maybe_unused]] const Attributes& attributes) {
    if constexpr (detail::HasAttributes<Operation>)
        detail::read_fields(Operation::attribute_names(), operation.attributes(), attributes);
}

}  // namespace xgrad
