#include "safetensors.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <set>
#include <string_view>

#include "detail/safetensors_header.hpp"
#include "nn/core/detail/stored.hpp"
#include "nn/detail/files.hpp"
#include "nn/detail/other_formats.hpp"
#include "nn/detail/utf8.hpp"

namespace xgrad::nn {

namespace {

static_assert(std::endian::native == std::endian::little,
              "xgrad: the formats of weights are little-endian, and so must the machine be");

using detail::Source;
using Bytes = std::span<const std::byte>;

constexpr std::uint64_t max_header = 100'000'000;

/// The tensors of a file, to be read one by one.
class Safetensors final : public detail::StoredState {
public:
    Safetensors(Bytes bytes, const Source& source) : source_(source) {
        detail::refuse_others(bytes, detail::Format::safetensors, source);
        std::uint64_t length = 0;
        if (bytes.size() < sizeof length)
            source.fail("a safetensors file has at least 8 bytes, got " + std::to_string(bytes.size()));
        std::memcpy(&length, bytes.data(), sizeof length);
        bytes = bytes.subspan(sizeof length);
        if (length > max_header)
            source.fail("the header may have 100000000 bytes, got a length of " + std::to_string(length));
        if (length > bytes.size())
            source.fail("truncated in its header, which should have " + std::to_string(length) + " bytes, got " +
                        std::to_string(bytes.size()));
        const std::string_view text(reinterpret_cast<const char*>(bytes.data()), length);
        data_ = bytes.subspan(length);
        header_ = detail::parse_safetensors_header(text, data_.size(), source);
        for (const auto& entry : header_.entries) {
            const std::string problem = entry.unsupported.empty() ? "" : source.message(entry.unsupported);
            list_.push_back({entry.name, entry.shape, detail::dtype_of(entry.element), problem});
        }
    }

    const std::vector<detail::Stored>& list() const override { return list_; }
    Tensor read(std::size_t i) const override {
        const auto& entry = header_.entries[i];
        const Bytes bytes = data_.subspan(entry.begin, entry.end - entry.begin);
        return detail::decode(bytes, entry.element, entry.shape, false, source_.part(entry.name));
    }
    const Metadata& metadata() const { return header_.metadata; }

private:
    Source source_;
    Bytes data_;
    detail::SafetensorsHeader header_;
    std::vector<detail::Stored> list_;
};

bool is_utf8(std::string_view text) { return detail::utf8_valid(text) == text.size(); }

void check_names(const State& state, const Metadata& metadata, Location where) {
    std::set<std::string_view> names;
    const auto check_name = [&](const std::string& name) {
        check<ValueError>(names.insert(name).second, where,
                          [&] { return "save_safetensors: names must be unique, got " + name + " twice"; });
        check<ValueError>(is_utf8(name), where,
                          [&] { return "save_safetensors: names and texts must be UTF-8, got " + name; });
    };
    for (const auto& [name, t] : state) {
        check_name(name);
        check<ValueError>(name != "__metadata__", where,
                          [] { return std::string("save_safetensors: a tensor cannot have the name __metadata__"); });
    }
    names.clear();
    for (const auto& [name, text] : metadata) {
        check_name(name);
        check<ValueError>(is_utf8(text), where,
                          [&, t = text] { return "save_safetensors: names and texts must be UTF-8, got " + t; });
    }
}

}  // namespace

void save_safetensors(const std::string& path, const State& state, const Metadata& metadata, Location where) {
    check_names(state, metadata, where);
    // Larger element types first, as the format's own writers do: every tensor is then aligned to its element size.
    std::vector<const State::value_type*> order;
    for (const auto& entry : state) order.push_back(&entry);
    std::stable_sort(order.begin(), order.end(),
                     [](auto* a, auto* b) { return size_of(a->second.dtype()) > size_of(b->second.dtype()); });
    detail::SafetensorsHeader header{{}, metadata};
    std::uint64_t at = 0;
    for (const auto* entry : order) {
        const auto& [name, t] = *entry;
        const std::uint64_t begin = at;
        at += detail::bytes_of(t).size();
        header.entries.push_back({name, detail::element_of(t.dtype()), t.shape(), begin, at});
    }
    const std::string text = detail::format_safetensors_header(header);
    const auto write = [&](detail::AtomicFile& file) {
        const std::uint64_t length = text.size();
        file.write(&length, sizeof length);
        file.write(text);
        for (const auto* entry : order)
            file.write(detail::bytes_of(entry->second).data(), detail::bytes_of(entry->second).size());
    };
    detail::write_atomically(path, write, where);
}

LoadReport load_safetensors(const std::string& path, ModelRef model, const LoadOptions& options, Location where) {
    return detail::read_file(path, where, [&](Bytes bytes, const Source& source) {
        return detail::load(model, Safetensors(bytes, source), options, "load_safetensors: " + path + ": ", where);
    });
}

State read_safetensors(const std::string& path, Location where) {
    return detail::read_file(path, where,
                             [](Bytes bytes, const Source& source) { return Safetensors(bytes, source).read_all(); });
}

Tensor read_safetensors_tensor(const std::string& path, std::string_view name, Location where) {
    return detail::read_file(path, where, [&](Bytes bytes, const Source& source) {
        return Safetensors(bytes, source).read_one(name, "read_safetensors_tensor: " + path + ": ", where);
    });
}

State parse_safetensors(Bytes bytes, const std::string& name, Location where) {
    return detail::within_memory({name, where},
                                 [&](const Source& source) { return Safetensors(bytes, source).read_all(); });
}

Metadata read_safetensors_metadata(const std::string& path, Location where) {
    return detail::read_file(path, where,
                             [](Bytes bytes, const Source& source) { return Safetensors(bytes, source).metadata(); });
}

}  // namespace xgrad::nn
