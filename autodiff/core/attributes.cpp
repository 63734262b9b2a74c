#include "attributes.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <set>
#include <span>
#include <nlohmann/json.hpp>

namespace xgrad {

bool operator==(const Attributes::Named& a, const Attributes::Named& b) {
    if (a.name != b.name || a.value.index() != b.value.index()) return false;
    const auto bits = [](const Attributes::Value& v) {
        if (const double* number = std::get_if<double>(&v)) return std::span(number, 1);
        if (const auto* list = std::get_if<std::vector<double>>(&v)) return std::span<const double>(*list);
        return std::span<const double>();
    };
    const std::span<const double> x = bits(a.value), y = bits(b.value);
    if (x.size() != y.size()) return false;
    return x.empty() ? a.value == b.value : std::memcmp(x.data(), y.data(), x.size_bytes()) == 0;
}

const Attributes::Value& Attributes::operator[](std::string_view name) const {
    for (const Named& each : values)
        if (each.name == name) return each.value;
    throw ValueError("Attributes: there must be one of each name, got none for " + std::string(name));
}

namespace {

template <class... F>
struct Overloaded : F... {
    using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;  // clang 14 does not deduce it

std::string text_of(std::int64_t number) { return std::to_string(number); }
std::string text_of(double number) { return PlainNumber(number).text(); }
std::string text_of(const std::string& word) { return word; }
template <class T>
std::string text_of(const std::vector<T>& list) {
    std::string text = "[";
    for (const T& number : list) text += (text.size() == 1 ? "" : ", ") + text_of(number);
    return text + "]";
}

}  // namespace

std::string detail::attribute_text(const Attributes::Value& value) {
    return std::visit([](const auto& v) { return text_of(v); }, value);
}

std::string to_string(const Attributes& attributes) {
    std::string text;
    for (const auto& [name, value] : attributes.values)
        text += (text.empty() ? "" : ", ") + name + '=' + detail::attribute_text(value);
    return text;
}

namespace {

using Json = nlohmann::ordered_json;

Json json_of(double number) {
    if (std::isnan(number)) return "+nan";  // no name of an enumerator
    if (std::isinf(number)) return number > 0 ? "+inf" : "-inf";
    return number;
}

double number_of(const Json& json) {
    if (json.is_string()) {
        const std::string text = json;
        if (text == "+inf" || text == "-inf") return text == "+inf" ? HUGE_VAL : -HUGE_VAL;
        if (text == "+nan") return std::numeric_limits<double>::quiet_NaN();
        throw FormatError("attributes: a number was expected, got \"" + text + "\"");
    }
    if (!json.is_number()) throw FormatError("attributes: a number was expected, got " + json.dump());
    return json;
}

}  // namespace

std::string to_json(const Attributes& attributes) {
    Json object = Json::object();
    for (const auto& [name, value] : attributes.values)
        object[name] = std::visit(Overloaded{[](std::int64_t number) -> Json { return number; },
                                             [](double number) { return json_of(number); },
                                             [](const std::string& word) -> Json { return word; },
                                             [](const std::vector<std::int64_t>& list) -> Json { return list; },
                                             [](const std::vector<double>& list) -> Json {
                                                 if (list.empty())
                                                     return nullptr;  // an empty list does not show its type
                                                 Json numbers = Json::array();
                                                 for (const double number : list) numbers.push_back(json_of(number));
                                                 return numbers;
                                             }},
                                  value);
    return object.dump(-1, ' ', false, Json::error_handler_t::replace);
}

namespace {

std::int64_t integer_of(const Json& json) {
    if (json.is_number_unsigned() && json.get<std::uint64_t>() > std::numeric_limits<std::int64_t>::max())
        throw FormatError("attributes: an integer must fit 64 bits with a sign, got " + json.dump());
    return json;
}

Attributes::Value value_of(const Json& json) {
    if (json.is_null()) return std::vector<double>();
    if (json.is_number_integer()) return integer_of(json);
    if (json.is_string() && json != "+nan" && json != "+inf" && json != "-inf") return json.get<std::string>();
    if (!json.is_array()) return number_of(json);
    bool integers = true;
    for (const Json& element : json) integers = integers && element.is_number_integer();
    std::vector<std::int64_t> whole;
    std::vector<double> numbers;
    for (const Json& element : json)
        if (integers) whole.push_back(integer_of(element));
        else numbers.push_back(number_of(element));
    if (integers) return whole;
    return numbers;
}

/// Refuses what is nested deeper than attributes are, before it is built, and names that come twice.
struct ParserCheck {
    std::set<std::string> names;
    bool operator()(int depth, nlohmann::json::parse_event_t event, const Json& parsed) {
        using Event = nlohmann::json::parse_event_t;
        if ((event == Event::object_start || event == Event::array_start) && depth > 1)
            throw FormatError("attributes: a number was expected, got a list or an object in one");
        if (event == Event::key && !names.insert(parsed.get<std::string>()).second)
            throw FormatError("attributes: names must differ, got " + parsed.get<std::string>() + " twice");
        return true;
    }
};

}  // namespace

Attributes attributes_from_json(const std::string& text) {
    Attributes attributes;
    try {
        const Json object = Json::parse(text, ParserCheck());
        if (!object.is_object()) throw FormatError("attributes: an object was expected, got " + object.dump());
        for (const auto& [name, json] : object.items()) attributes.values.push_back({name, value_of(json)});
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

void AttributeWriter::add(const std::string& name, Attributes::Value value) {
    to_.values.push_back({name, std::move(value)});
}
void AttributeWriter::add_enumerator(const std::string& name, std::int64_t value,
                                     std::span<const std::string_view> names) {
    if (value >= 0 && value < static_cast<std::int64_t>(names.size()) &&
        !names[static_cast<std::size_t>(value)].empty())
        add(name, std::string(names[static_cast<std::size_t>(value)]));
    else add(name, value);
}

namespace {

[[noreturn]] void throw_other_kind(const std::string& name, const char* expected, const Attributes::Value& got) {
    throw ValueError("Attributes: " + name + " must be " + expected + ", got " + attribute_text(got));
}

}  // namespace

bool AttributeReader::is_integer(const std::string& name) const {
    return std::holds_alternative<std::int64_t>(from_[name]);
}
std::int64_t AttributeReader::integer(const std::string& name) const {
    const Attributes::Value& value = from_[name];
    if (const auto* number = std::get_if<std::int64_t>(&value)) return *number;
    throw_other_kind(name, "an integer", value);
}
double AttributeReader::number(const std::string& name) const {
    const Attributes::Value& value = from_[name];
    if (const auto* number = std::get_if<std::int64_t>(&value)) return static_cast<double>(*number);
    if (const auto* number = std::get_if<double>(&value)) return *number;
    throw_other_kind(name, "a number", value);
}
std::int64_t AttributeReader::enumerator_of(const std::string& name, std::span<const std::string_view> names) const {
    const Attributes::Value& value = from_[name];
    if (const auto* number = std::get_if<std::int64_t>(&value)) return *number;
    const std::string word = attribute_text(value);
    std::string expected;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (names[i].empty()) continue;
        if (word == names[i]) return static_cast<std::int64_t>(i);
        expected += (expected.empty() ? "one of " : ", ") + std::string(names[i]);
    }
    throw_other_kind(name, expected.empty() ? "an integer" : expected.c_str(), value);
}
std::vector<std::int64_t> AttributeReader::integers(const std::string& name) const {
    const Attributes::Value& value = from_[name];
    if (const auto* list = std::get_if<std::vector<std::int64_t>>(&value)) return *list;
    if (const auto* list = std::get_if<std::vector<double>>(&value); list && list->empty()) return {};
    throw_other_kind(name, "a list of integers", value);
}
std::vector<double> AttributeReader::numbers(const std::string& name) const {
    const Attributes::Value& value = from_[name];
    if (const auto* list = std::get_if<std::vector<std::int64_t>>(&value)) return {list->begin(), list->end()};
    if (const auto* list = std::get_if<std::vector<double>>(&value)) return *list;
    throw_other_kind(name, "a list of numbers", value);
}
void AttributeReader::check_range(const std::string& name, std::int64_t value, std::int64_t low, std::int64_t high) {
    if (value < low || value > high)
        throw ValueError("Attributes: " + name + " must be in [" + std::to_string(low) + ", " + std::to_string(high) +
                         "], got " + std::to_string(value));
}
void AttributeReader::check_finite(const std::string& name, double value, bool fits) {
    if (!fits && std::isfinite(value))
        throw ValueError("Attributes: " + name + " must be a number of single precision, got " + text_of(value));
}
void AttributeReader::check_count(const std::string& name, std::size_t count, std::size_t low, std::size_t high) {
    if (count < low || count > high)
        throw ValueError("Attributes: " + name + " must have " + (low == high ? "" : "at most ") +
                         std::to_string(high) + " numbers, got " + std::to_string(count));
}
void AttributeReader::finish() const {
    if (read_ == from_.values.size()) return;
    throw ValueError("Attributes: each must be one of the operation's, got others in " + to_string(from_));
}

}  // namespace detail
}  // namespace xgrad
