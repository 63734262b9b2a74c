#include "safetensors_header.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>
#include <unordered_set>

namespace xgrad::nn::detail {

namespace {

using nlohmann::json;

constexpr std::pair<std::string_view, Element> dtypes[] = {
    {"F16", Element::f16},     {"BF16", Element::bf16}, {"F32", Element::f32}, {"F64", Element::f64},
    {"I8", Element::i8},       {"U8", Element::u8},     {"I16", Element::i16}, {"U16", Element::u16},
    {"I32", Element::i32},     {"U32", Element::u32},   {"I64", Element::i64}, {"U64", Element::u64},
    {"BOOL", Element::boolean}};

std::string excerpt(std::string_view text) {
    constexpr std::size_t most = 60;
    return '"' + (text.size() > most ? std::string(text.substr(0, most)) + "…" : std::string(text)) + '"';
}

/// Processes the header event by event: only its entries are kept, and nesting is rejected as soon as it begins.
class HeaderReader final : public nlohmann::json_sax<json> {
public:
    explicit HeaderReader(const Source& source) : source_(source) {}

    bool null() override { return unexpected("null"); }
    bool boolean(bool) override { return unexpected("a boolean"); }
    bool number_integer(number_integer_t value) override { return unexpected(std::to_string(value)); }
    bool number_float(number_float_t, const string_t& text) override { return unexpected(excerpt(text)); }
    bool binary(binary_t&) override { return unexpected("binary"); }
    bool number_unsigned(number_unsigned_t value) override {
        if (in_ == In::shape) {
            if (rank_ == Shape::max_rank) fail("a tensor has at most 8 axes, got more in " + excerpt(entry_.name));
            if (value >> 62) fail("a size is too large, got " + std::to_string(value) + " in " + excerpt(entry_.name));
            sizes_[rank_++] = static_cast<std::int64_t>(value);
        } else if (in_ == In::offsets && offsets_ < 2) {
            (offsets_++ == 0 ? entry_.begin : entry_.end) = value;
        } else {
            return unexpected(std::to_string(value));
        }
        return true;
    }
    bool string(string_t& value) override {
        if (in_ == In::metadata) header.metadata.emplace_back(key_, value);
        else if (in_ == In::entry && key_ == "dtype") take_dtype(value);
        else return unexpected(excerpt(value));
        return true;
    }
    bool start_object(std::size_t) override {
        if (in_ == In::nothing) {
            in_ = In::header;
        } else if (in_ == In::header) {
            in_ = key_ == "__metadata__" ? In::metadata : In::entry;
            if (in_ == In::entry) entry_ = {.name = key_};
            seen_ = rank_ = offsets_ = 0;
        } else {
            return unexpected("an object");
        }
        return true;
    }
    bool key(string_t& name) override {
        key_ = std::move(name);
        if (in_ == In::entry) {
            const unsigned bit = key_ == "dtype" ? 1 : key_ == "shape" ? 2 : key_ == "data_offsets" ? 4 : 0;
            if (bit == 0)
                fail("a tensor has dtype, shape and data_offsets, got " + excerpt(key_) + " in " +
                     excerpt(entry_.name));
            if (seen_ & bit) fail("names must be unique, got " + excerpt(key_) + " twice in " + excerpt(entry_.name));
            seen_ |= bit;
        } else if (!(in_ == In::metadata ? metadata_names_ : names_).insert(key_).second) {
            fail("names must be unique, got " + excerpt(key_) + " twice");
        }
        return true;
    }
    bool end_object() override {
        if (in_ == In::entry) {
            if (seen_ != 7) fail("a tensor has dtype, shape and data_offsets, got fewer in " + excerpt(entry_.name));
            if (offsets_ != 2)
                fail("data_offsets are two numbers, got " + std::to_string(offsets_) + " in " + excerpt(entry_.name));
            entry_.shape = Shape(sizes_, rank_);
            header.entries.push_back(entry_);
        }
        in_ = in_ == In::header ? In::nothing : In::header;
        return true;
    }
    bool start_array(std::size_t) override {
        if (in_ != In::entry || key_ == "dtype") return unexpected("an array");
        in_ = key_ == "shape" ? In::shape : In::offsets;
        return true;
    }
    bool end_array() override {
        in_ = In::entry;
        return true;
    }
    bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
        fail("the header must be JSON in UTF-8, which it is not at byte " + std::to_string(position));
    }

    SafetensorsHeader header;

private:
    enum class In { nothing, header, metadata, entry, shape, offsets };

    void take_dtype(std::string_view name) {
        for (const auto& [known, element] : dtypes)
            if (name == known) {
                entry_.element = element;
                return;
            }
        entry_.unsupported =
            "dtype must be F16, BF16, F32, F64, I8, U8, I16, U16, I32, U32, I64, U64 or BOOL, others are not "
            "supported, got " +
            excerpt(name) + " in " + excerpt(entry_.name);
    }
    bool unexpected(const std::string& what) const {
        fail("the header must be an object of objects with dtype, shape and data_offsets, got " + what +
             (key_.empty() ? "" : " at " + excerpt(key_)));
    }
    [[noreturn]] void fail(const std::string& rule) const { source_.fail(rule); }

    const Source& source_;
    std::string key_;
    std::unordered_set<std::string> names_, metadata_names_;
    SafetensorsEntry entry_{};
    In in_ = In::nothing;
    unsigned seen_ = 0;
    std::int64_t sizes_[Shape::max_rank] = {};
    int rank_ = 0, offsets_ = 0;
};

/// The positions must fill the data without overlaps or gaps, and their lengths must match dtype and shape.
void check_places(const std::vector<SafetensorsEntry>& entries, std::uint64_t data_bytes, const Source& source) {
    const auto fail = [&](const SafetensorsEntry& entry, const std::string& rule) {
        source.fail(rule + ", got [" + std::to_string(entry.begin) + ", " + std::to_string(entry.end) + "] for " +
                    excerpt(entry.name));
    };
    std::vector<const SafetensorsEntry*> order;
    for (const SafetensorsEntry& entry : entries) {
        if (entry.begin > entry.end || entry.end > data_bytes)
            fail(entry, "data_offsets must lie in the file's " + std::to_string(data_bytes) + " bytes of data");
        const auto bytes = bytes_of(entry.shape, entry.element);
        if (entry.unsupported.empty() && (!bytes || static_cast<std::uint64_t>(*bytes) != entry.end - entry.begin))
            fail(entry, "data_offsets must be as far apart as shape " + to_string(entry.shape) + " says");
        order.push_back(&entry);
    }
    std::sort(order.begin(), order.end(),
              [](auto* a, auto* b) { return std::pair(a->begin, a->end) < std::pair(b->begin, b->end); });
    std::uint64_t at = 0;
    for (const SafetensorsEntry* entry : order) {
        if (entry->begin != at) fail(*entry, "data_offsets must neither overlap nor leave holes");
        at = entry->end;
    }
    if (at != data_bytes)
        source.fail("the tensors must fill the file, got " + std::to_string(at) + " bytes of tensors and " +
                    std::to_string(data_bytes) + " of data");
}

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view text, std::uint64_t data_bytes, const Source& source) {
    if (text.empty() || text.front() != '{') source.fail("the header must begin with {");
    // A zero byte would end the text for the JSON reader, and hide what follows.
    if (text.find('\0') != text.npos) source.fail("the header must be JSON in UTF-8, got a zero byte");
    HeaderReader reader(source);
    json::sax_parse(text.begin(), text.end(), &reader);
    check_places(reader.header.entries, data_bytes, source);
    return std::move(reader.header);
}

std::string format_safetensors_header(const SafetensorsHeader& header) {
    nlohmann::ordered_json root = nlohmann::ordered_json::object();
    // Inserts directly into the list of members: ordered_json's own insertion searches all names each time.
    auto& members = root.get_ref<nlohmann::ordered_json::object_t&>();
    if (!header.metadata.empty()) {
        auto& metadata = root["__metadata__"];
        for (const auto& [name, text] : header.metadata) metadata[name] = text;
    }
    for (const SafetensorsEntry& entry : header.entries) {
        const auto* known = std::find_if(std::begin(dtypes), std::end(dtypes),
                                         [&](const auto& dtype) { return dtype.second == entry.element; });
        nlohmann::ordered_json shape = nlohmann::ordered_json::array();
        for (const std::int64_t n : entry.shape) shape.push_back(n);
        nlohmann::ordered_json value{
            {"dtype", known->first}, {"shape", shape}, {"data_offsets", {entry.begin, entry.end}}};
        members.push_back({entry.name, std::move(value)});
    }
    std::string text = root.dump();
    text.resize((text.size() + 7) / 8 * 8, ' ');
    return text;
}

}  // namespace xgrad::nn::detail
