#include "safetensors.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <set>
#include <string_view>

#include "files.hpp"
#include "safetensors_header.hpp"
#include "stored.hpp"
#include "utf8.hpp"

namespace xgrad::nn {

namespace {

static_assert(std::endian::native == std::endian::little, "xgrad: the formats of weights are little-endian, and so must the machine be");

constexpr std::uint64_t max_header = 100'000'000;

/// The tensors of a file, to be read one by one.
class Safetensors final : public detail::StoredState {
public:
    Safetensors(std::span<const std::byte> bytes, const std::string& file) {
        const auto fail = [&](const std::string& rule) { throw FormatError(file + ": " + rule); };
        std::uint64_t length = 0;
        if (bytes.size() < sizeof length) fail("a safetensors file has at least 8 bytes, got " + std::to_string(bytes.size()));
        std::memcpy(&length, bytes.data(), sizeof length);
        bytes = bytes.subspan(sizeof length);
        if (length > max_header) fail("the header may have 100000000 bytes, got a length of " + std::to_string(length));
        if (length > bytes.size())
            fail("truncated in its header, which should have " + std::to_string(length) + " bytes, got " + std::to_string(bytes.size()));
        const std::string_view text(reinterpret_cast<const char*>(bytes.data()), length);
        data_ = bytes.subspan(length);
        header_ = detail::parse_safetensors_header(text, data_.size(), file);
        for (const auto& entry : header_.entries) list_.push_back({entry.name, entry.shape, detail::dtype_of(entry.element)});
    }

    const std::vector<detail::Stored>& list() const override { return list_; }
    Tensor read(std::size_t i) const override {
        const auto& entry = header_.entries[i];
        return detail::decode(data_.subspan(entry.begin, entry.end - entry.begin), entry.element, entry.shape, false);
    }
    const Metadata& metadata() const { return header_.metadata; }

private:
    std::span<const std::byte> data_;
    detail::SafetensorsHeader header_;
    std::vector<detail::Stored> list_;
};

bool is_utf8(std::string_view text) { return detail::utf8_valid(text) == text.size(); }

void check_names(const State& state, const Metadata& metadata, Location where) {
    std::set<std::string_view> names;
    const auto check_name = [&](const std::string& name) {
        check<ValueError>(names.insert(name).second, where,
                          [&] { return "save_safetensors: names must be unique, got " + name + " twice"; });
        check<ValueError>(is_utf8(name), where, [&] { return "save_safetensors: names and texts must be UTF-8, got " + name; });
    };
    for (const auto& [name, t] : state) {
        check_name(name);
        check<ValueError>(name != "__metadata__", where,
                          [] { return std::string("save_safetensors: a tensor cannot have the name __metadata__"); });
    }
    names.clear();
    for (const auto& [name, text] : metadata) {
        check_name(name);
        check<ValueError>(is_utf8(text), where, [&] { return "save_safetensors: names and texts must be UTF-8, got " + text; });
    }
}

}  // namespace

void save_safetensors(const std::string& path, const State& state, const Metadata& metadata, Location where) {
    check_names(state, metadata, where);
    // Large elements first, as the format's own writers do it: every tensor is then aligned to its element.
    std::vector<const State::value_type*> order;
    for (const auto& entry : state) order.push_back(&entry);
    std::stable_sort(order.begin(), order.end(), [](auto* a, auto* b) { return size_of(a->second.dtype()) > size_of(b->second.dtype()); });
    detail::SafetensorsHeader header{{}, metadata};
    std::uint64_t at = 0;
    for (const auto* entry : order) {
        const auto& [name, t] = *entry;
        const std::uint64_t begin = at;
        at += detail::bytes_of(t).size();
        header.entries.push_back({name, detail::element_of(t.dtype()), t.shape(), begin, at});
    }
    const std::string text = detail::format_safetensors_header(header);
    detail::write_atomically(path, [&](detail::AtomicFile& file) {
        const std::uint64_t length = text.size();
        file.write(&length, sizeof length);
        file.write(text);
        for (const auto* entry : order) file.write(detail::bytes_of(entry->second).data(), detail::bytes_of(entry->second).size());
    });
}

LoadReport load_safetensors(const std::string& path, ModelRef model, const LoadOptions& options, Location where) {
    const detail::MappedFile file(path);
    return detail::load(model, Safetensors(file.bytes(), path), options, "load_safetensors: " + path + ": ", where);
}

State read_safetensors(const std::string& path) { return parse_safetensors(detail::MappedFile(path).bytes(), path); }

State parse_safetensors(std::span<const std::byte> bytes, const std::string& name) { return Safetensors(bytes, name).read_all(); }

Metadata read_safetensors_metadata(const std::string& path) {
    const detail::MappedFile file(path);
    return Safetensors(file.bytes(), path).metadata();
}

}  // namespace xgrad::nn
