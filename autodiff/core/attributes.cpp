#include "attributes.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

namespace xgrad {

bool operator==(const Attributes::Value& a, const Attributes::Value& b) {
    return a.name == b.name && a.is_list == b.is_list && a.is_integer == b.is_integer && a.integers == b.integers &&
           a.numbers.size() == b.numbers.size() &&
           (a.numbers.empty() ||
            std::memcmp(a.numbers.data(), b.numbers.data(), a.numbers.size() * sizeof(double)) == 0);
}

const Attributes::Value& Attributes::operator[](std::string_view name) const {
    for (const Value& value : values)
        if (value.name == name) return value;
    throw ValueError("Attributes: there must be one of each name, got none for " + std::string(name));
}

std::string to_string(const Attributes& attributes) {
    std::string text;
    for (const Attributes::Value& value : attributes.values) {
        text += (text.empty() ? "" : ", ") + value.name + (value.is_list ? "=[" : "=");
        const char* between = "";
        for (const std::int64_t n : value.integers) text += between + std::to_string(n), between = ", ";
        for (const double n : value.numbers) text += between + PlainNumber(n).text(), between = ", ";
        if (value.is_list) text += ']';
    }
    return text;
}

namespace {

using Json = nlohmann::ordered_json;

Json json_of(double number) {
    if (std::isnan(number)) return "nan";
    if (std::isinf(number)) return number > 0 ? "inf" : "-inf";
    return number;
}

double number_of(const Json& json) {
    if (json.is_string()) {
        const std::string text = json;
        if (text == "inf" || text == "-inf") return text == "inf" ? HUGE_VAL : -HUGE_VAL;
        if (text == "nan") return std::numeric_limits<double>::quiet_NaN();
        throw FormatError("attributes: a number was expected, got \"" + text + "\"");
    }
    if (!json.is_number()) throw FormatError("attributes: a number was expected, got " + json.dump());
    return json;
}

}  // namespace

std::string to_json(const Attributes& attributes) {
    Json object = Json::object();
    for (const Attributes::Value& value : attributes.values) {
        Json list = Json::array();
        for (const std::int64_t n : value.integers) list.push_back(n);
        for (const double n : value.numbers) list.push_back(json_of(n));
        // An empty list does not reveal its element type.
        if (value.is_list && list.empty() && !value.is_integer) list = nullptr;
        object[value.name] = value.is_list ? list : list[0];
    }
    return object.dump();
}

Attributes attributes_from_json(const std::string& text) {
    Attributes attributes;
    try {
        const Json object = Json::parse(text);
        if (!object.is_object()) throw FormatError("attributes: an object was expected, got " + object.dump());
        for (const auto& [name, json] : object.items()) {
            Attributes::Value value{name, json.is_array() || json.is_null(), !json.is_null(), {}, {}};
            const Json list = json.is_null() ? Json::array() : json.is_array() ? Json(json) : Json::array({json});
            for (const Json& element : list)
                if (!element.is_number_integer()) value.is_integer = false;
            for (const Json& element : list)
                if (value.is_integer) value.integers.push_back(element);
                else value.numbers.push_back(number_of(element));
            attributes.values.push_back(std::move(value));
        }
    } catch (const nlohmann::json::exception& error) {
        throw FormatError(std::string("attributes: the text must be JSON, got ") + error.what());
    }
    return attributes;
}

namespace detail {

std::string AttributeWriter::next_name(std::string_view& names) {
    const std::size_t begin = names.find_first_not_of(", "),
                      end = std::min(names.find_first_of(", ", begin), names.size());
    const std::string name(names.substr(begin, end - begin));
    names.remove_prefix(end);
    return name;
}

void AttributeWriter::number(const std::string& name, std::int64_t value) {
    to_.values.push_back({name, false, true, {value}, {}});
}
void AttributeWriter::number(const std::string& name, double value) {
    to_.values.push_back({name, false, false, {}, {value}});
}
void AttributeWriter::begin_list(const std::string& name, bool floating) {
    to_.values.push_back({name, true, !floating, {}, {}});
}

std::int64_t AttributeReader::integer(const Attributes::Value& value, std::size_t i) {
    if (!value.is_integer || i >= value.integers.size())
        throw ValueError("Attributes: " + value.name + " must be an integer, or enough of them, got " +
                         std::to_string(value.integers.size()));
    return value.integers[i];
}
double AttributeReader::number(const Attributes::Value& value, std::size_t i) {
    if (value.is_integer) return static_cast<double>(integer(value, i));
    if (i >= value.numbers.size())
        throw ValueError("Attributes: " + value.name + " must have more numbers, got " +
                         std::to_string(value.numbers.size()));
    return value.numbers[i];
}

}  // namespace detail
}  // namespace xgrad
