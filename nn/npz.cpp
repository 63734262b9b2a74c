#include "npz.hpp"

#include <algorithm>
#include <set>

#include "files.hpp"
#include "npy.hpp"
#include "stored.hpp"
#include "zip.hpp"

namespace xgrad::nn {

namespace {

constexpr std::string_view suffix = ".npy";

/// The arrays of an archive, to be expanded one by one.
class Npz final : public detail::StoredState {
public:
    Npz(std::span<const std::byte> bytes, const std::string& file, const NpzLimits& limits) : archive_(bytes, file, limits.max_bytes) {
        std::set<std::string_view> names;
        for (std::size_t i = 0; i < archive_.entries().size(); ++i) {
            const auto& [name, size] = archive_.entries()[i];
            if (!name.ends_with(suffix)) throw FormatError(file + ": the names in an npz archive must end in .npy, got " + name);
            if (!names.insert(name).second) throw FormatError(file + ": names must be unique, got " + name + " twice");
            const auto head = archive_.read(i, static_cast<std::size_t>(std::min<std::uint64_t>(size, detail::max_npy_header)));
            headers_.push_back(detail::parse_npy_header(head, size, file + ": " + name));
            list_.push_back(
                {name.substr(0, name.size() - suffix.size()), headers_.back().shape, detail::dtype_of(headers_.back().element)});
        }
    }

    const std::vector<detail::Stored>& list() const override { return list_; }
    Tensor read(std::size_t i) const override {
        const auto content = archive_.read(i, headers_[i].length + headers_[i].data_bytes);
        return detail::decode_npy(headers_[i], std::span(content).subspan(headers_[i].length));
    }

private:
    detail::ZipReader archive_;
    std::vector<detail::NpyHeader> headers_;
    std::vector<detail::Stored> list_;
};

}  // namespace

void save_npz(const std::string& path, const State& state, const NpzOptions& options, Location where) {
    std::set<std::string_view> names;
    std::vector<detail::ZipContent> contents;
    for (const auto& [name, t] : state) {
        check<ValueError>(names.insert(name).second, where,
                          [&, n = name] { return "save_npz: names must be unique, got " + n + " twice"; });
        contents.push_back({name + std::string(suffix), detail::format_npy_header(t), detail::bytes_of(t)});
    }
    detail::write_atomically(path, [&](detail::AtomicFile& file) { detail::write_zip(file, path, contents, options.compressed); });
}

LoadReport load_npz(const std::string& path, ModelRef model, const LoadOptions& options, const NpzLimits& limits, Location where) {
    const detail::MappedFile file(path);
    return detail::load(model, Npz(file.bytes(), path, limits), options, "load_npz: " + path + ": ", where);
}

State read_npz(const std::string& path, const NpzLimits& limits) { return parse_npz(detail::MappedFile(path).bytes(), path, limits); }

State parse_npz(std::span<const std::byte> bytes, const std::string& name, const NpzLimits& limits) {
    return Npz(bytes, name, limits).read_all();
}

}  // namespace xgrad::nn
