#include "npz.hpp"

#include <algorithm>
#include <cstring>
#include <set>

#include "nn/core/detail/stored.hpp"
#include "nn/detail/files.hpp"
#include "nn/detail/npy.hpp"
#include "nn/detail/other_formats.hpp"
#include "nn/detail/utf8.hpp"
#include "nn/detail/zip.hpp"

namespace xgrad::nn {

namespace {

using detail::Source;
using Bytes = std::span<const std::byte>;

constexpr std::string_view suffix = ".npy";

/// The arrays of an archive, to be expanded one by one.
class Npz final : public detail::StoredState {
public:
    Npz(Bytes bytes, const Source& source, const NpzLimits& limits) : archive_(archive(bytes, source, limits)) {
        std::set<std::string_view> names;
        for (std::size_t i = 0; i < archive_.entries().size(); ++i) {
            const auto& [name, size, problem] = archive_.entries()[i];
            if (!names.insert(name).second) source.fail("names must be unique, got " + name + " twice");
            headers_.emplace_back();
            if (name.ends_with(suffix)) list_.push_back(look_at(i, headers_.back()));
            else
                list_.push_back(
                    {name, {}, {}, source.part(name).message("no array: such a member's name ends in .npy"), false});
        }
        const auto is_array = [](const auto& entry) { return entry.name.ends_with(suffix); };
        if (!list_.empty() && std::none_of(archive_.entries().begin(), archive_.entries().end(), is_array))
            source.fail("not an npz archive: no name in it ends in .npy, got " + list_[0].name);
    }

    const std::vector<detail::Stored>& list() const override { return list_; }
    Tensor read(std::size_t i) const override {
        archive_.count(i);
        detail::ZipReader::Content content(archive_, i);
        std::vector<std::byte> head(headers_[i].length);
        content.read(head.data(), head.size());
        const auto next = [&](void* into, std::size_t count) { content.read(into, count); };
        Tensor t = detail::decode_npy(headers_[i], next, archive_.source().part(archive_.entries()[i].name));
        content.expect_end();
        return t;
    }

private:
    static detail::ZipReader archive(Bytes bytes, const Source& source, const NpzLimits& limits) {
        detail::refuse_others(bytes, detail::Format::zip, source);
        return {bytes, source, limits.max_bytes};
    }
    /// A problem with an array is stored, to be reported when the array is requested.
    detail::Stored look_at(std::size_t i, detail::NpyHeader& header) const {
        const auto& [name, size, problem] = archive_.entries()[i];
        detail::Stored found{name.substr(0, name.size() - suffix.size()), {}, {}, problem};
        if (!problem.empty()) return found;
        const Source part = archive_.source().part(name);
        try {
            std::vector<std::byte> head(
                static_cast<std::size_t>(std::min<std::uint64_t>(size, detail::max_npy_header)));
            detail::ZipReader::Content content(archive_, i);
            content.read(head.data(), head.size());
            if (head.size() == size) content.expect_end();
            header = detail::parse_npy_header(head, size, part);
        } catch (const FormatError& error) {
            found.problem = error.what();
            return found;
        }
        found.shape = header.shape;
        found.dtype = detail::dtype_of(header.element);
        if (!header.unsupported.empty()) found.problem = part.message(header.unsupported);
        found.numbers = header.numbers;
        return found;
    }

    detail::ZipReader archive_;
    std::vector<detail::NpyHeader> headers_;
    std::vector<detail::Stored> list_;
};

}  // namespace

void save_npy(const std::string& path, const Tensor& t, Location where) {
    const auto write = [&](detail::AtomicFile& file) {
        file.write(detail::format_npy_header(t));
        file.write(detail::bytes_of(t).data(), detail::bytes_of(t).size());
    };
    detail::write_atomically(path, write, where);
}

namespace {

Tensor npy_of(Bytes bytes, const Source& source) {
    detail::refuse_others(bytes, detail::Format::npy, source);
    const detail::NpyHeader header = detail::parse_npy_header(bytes, bytes.size(), source);
    if (!header.unsupported.empty()) source.fail(header.unsupported);
    bytes = bytes.subspan(header.length);
    const auto next = [&](void* into, std::size_t count) {
        std::memcpy(into, bytes.data(), count);
        bytes = bytes.subspan(count);
    };
    return detail::decode_npy(header, next, source);
}

}  // namespace

Tensor read_npy(const std::string& path, Location where) { return detail::read_file(path, where, npy_of); }

Tensor parse_npy(Bytes bytes, const std::string& name, Location where) {
    return detail::within_memory({name, where}, [&](const Source& source) { return npy_of(bytes, source); });
}

void save_npz(const std::string& path, const State& state, const NpzOptions& options, Location where) {
    std::set<std::string_view> names;
    std::vector<detail::ZipContent> contents;
    for (const auto& [name, t] : state) {
        check<ValueError>(names.insert(name).second, where,
                          [&, n = name] { return "save_npz: names must be unique, got " + n + " twice"; });
        check<ValueError>(
            detail::utf8_valid(name) == name.size() && name.find('\0') == name.npos, where, [&, n = name] {
                return "save_npz: names must be UTF-8 without zero bytes, got " + detail::with_visible_zeros(n);
            });
        contents.push_back({name + std::string(suffix), detail::format_npy_header(t), detail::bytes_of(t)});
    }
    const auto write = [&](detail::AtomicFile& file) {
        detail::write_zip(file, path, contents, options.compressed, where);
    };
    detail::write_atomically(path, write, where);
}

LoadReport load_npz(const std::string& path, ModelRef model, const LoadOptions& options, const NpzLimits& limits,
                    Location where) {
    return detail::read_file(path, where, [&](Bytes bytes, const Source& source) {
        return detail::load(model, Npz(bytes, source, limits), options, "load_npz: " + path + ": ", where);
    });
}

State read_npz(const std::string& path, const NpzLimits& limits, Location where) {
    return detail::read_file(path, where,
                             [&](Bytes bytes, const Source& source) { return Npz(bytes, source, limits).read_all(); });
}

Tensor read_npz_array(const std::string& path, std::string_view name, const NpzLimits& limits, Location where) {
    return detail::read_file(path, where, [&](Bytes bytes, const Source& source) {
        return Npz(bytes, source, limits).read_one(name, "read_npz_array: " + path + ": ", where);
    });
}

State parse_npz(Bytes bytes, const std::string& name, const NpzLimits& limits, Location where) {
    return detail::within_memory({name, where},
                                 [&](const Source& source) { return Npz(bytes, source, limits).read_all(); });
}

}  // namespace xgrad::nn
