#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "files.hpp"

// Zip archives through libzip: for use inside the library.

struct zip;
struct zip_file;

namespace xgrad::nn::detail {

/// An archive in memory. FormatError naming the file for whatever is wrong with it.
class ZipReader {
public:
    struct Entry {
        std::string name;
        std::uint64_t size;  ///< when expanded
    };

    /// FormatError when it would be larger than `max_bytes`, and than itself, once expanded.
    ZipReader(std::span<const std::byte> bytes, const std::string& file, std::int64_t max_bytes);
    ~ZipReader();
    ZipReader(const ZipReader&) = delete;
    ZipReader& operator=(const ZipReader&) = delete;

    const std::vector<Entry>& entries() const { return entries_; }
    /// The first `bytes` of an entry's content; all of it, whose checksum is then compared, when that is its size.
    std::vector<std::byte> read(std::size_t entry, std::size_t bytes) const;

private:
    [[noreturn]] void fail(const std::string& rule) const;

    std::string file_;
    zip* archive_ = nullptr;
    std::vector<Entry> entries_;
};

struct ZipContent {
    std::string name;
    std::string head;                ///< the content is this …
    std::span<const std::byte> body;  ///< … and this
};

/// Writes an archive; the same contents give the same bytes.
XGRAD_API void write_zip(AtomicFile& file, const std::string& path, const std::vector<ZipContent>& contents, bool compressed);

}  // namespace xgrad::nn::detail
