#include "other_formats.hpp"

#include <algorithm>
#include <optional>
#include <string_view>

namespace xgrad::nn::detail {

namespace {

const char* name_of(Format format) {
    constexpr const char* names[] = {"an IDX file",   "a gzip file",        "an npy file",
                                     "a zip archive", "a safetensors file", "a text",
                                     "a pickle",      "an HDF5 file",       "a Git LFS pointer"};
    return names[static_cast<int>(format)];
}

const char* advice(Format format) {
    switch (format) {
        case Format::gzip: return "unpack it first";
        case Format::npy: return "read_npy reads it";
        case Format::zip: return "read_npz reads those that NumPy writes";
        case Format::safetensors: return "read_safetensors and load_safetensors read it";
        case Format::pickle:
            return "as torch.save writes it, a program for Python alone; there, "
                   "safetensors.torch.save_file(model.state_dict(), \"model.safetensors\") writes what "
                   "load_safetensors reads";
        case Format::hdf5: return "h5py and numpy.savez make an npz of it";
        case Format::git_lfs: return "git lfs pull gets the file that it stands for";
        default: return "";
    }
}

std::string_view first_member(std::string_view zip) {
    if (zip.size() < 30) return {};
    const auto length = static_cast<std::size_t>(static_cast<unsigned char>(zip[26])) |
                        static_cast<std::size_t>(static_cast<unsigned char>(zip[27])) << 8;
    return zip.substr(30, length);
}

std::optional<Format> format_of(std::string_view text) {
    const std::string_view first = text.substr(0, 512);
    if (first.starts_with("\x93NUMPY")) return Format::npy;
    if (first.starts_with("\x89HDF\r\n")) return Format::hdf5;
    if (first.starts_with("version https://git-lfs")) return Format::git_lfs;
    // A safetensors file begins with its header's length, whose upper half is zero: the other bytes may look like one
    // of the formats below.
    if (first.size() < 9) return std::nullopt;
    if (first.substr(4, 5) == std::string_view("\0\0\0\0{", 5)) return Format::safetensors;
    // torch.save's archives have the pickle as their first member; before version 1.6 its files began with the pickle
    // of a magic number.
    if (first.starts_with("PK\3\4")) return first_member(first).ends_with("data.pkl") ? Format::pickle : Format::zip;
    if (first.starts_with("\x80\2\x8a\nl\xfc\x9c"
                          "F\xf9 j\xa8P\x19."))
        return Format::pickle;
    if (first.starts_with("\x1f\x8b\x08")) return Format::gzip;
    if (first[0] == '\x80' && first[1] >= 2 && first[1] <= 5 && text.ends_with('.')) return Format::pickle;
    return std::nullopt;
}

}  // namespace

void refuse_others(std::span<const std::byte> bytes, Format wanted, const Source& source) {
    const auto found = format_of({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    if (found && *found != wanted)
        source.fail(std::string("not ") + name_of(wanted) + " but " + name_of(*found) + ": " + advice(*found));
}

}  // namespace xgrad::nn::detail
