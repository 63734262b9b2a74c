#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "files.hpp"

// Zip archives through libzip: internal to the library.

struct zip;
struct zip_file;

namespace xgrad::nn::detail {

/// An archive in memory. FormatError naming the file for any problem with it.
class ZipReader {
public:
    struct Entry {
        std::string name;
        std::uint64_t size;   ///< when expanded
        std::string problem;  ///< why it cannot be read, as an error message; "" when no problem is known
    };
    /// Reads the content of an entry from its beginning.
    class Content {
    public:
        Content(const ZipReader& archive, std::size_t entry);
        Content(const Content&) = delete;
        Content& operator=(const Content&) = delete;
        ~Content();

        void read(void* into, std::size_t bytes);
        /// Checks the checksum, once the whole entry has been read.
        void expect_end();

    private:
        [[noreturn]] void damaged(const std::string& why) const;

        const ZipReader& archive_;
        std::size_t entry_;
        zip_file* file_;
    };

    /// In total, at most `max_bytes` are expanded, or the archive's own size if that is larger.
    ZipReader(std::span<const std::byte> bytes, const Source& source, std::int64_t max_bytes);
    ~ZipReader();
    ZipReader(const ZipReader&) = delete;
    ZipReader& operator=(const ZipReader&) = delete;

    const std::vector<Entry>& entries() const { return entries_; }
    const Source& source() const { return source_; }
    /// Call this before reading a whole entry.
    void count(std::size_t entry) const;

private:
    Source source_;
    zip* archive_ = nullptr;
    std::vector<Entry> entries_;
    std::uint64_t most_;
    mutable std::uint64_t total_ = 0;
};

struct ZipContent {
    std::string name;
    std::string head;                ///< the first part of the content …
    std::span<const std::byte> body;  ///< … and the rest
};

/// Writes an archive; the same contents give the same bytes.
XGRAD_API void write_zip(AtomicFile& file, const std::string& path, const std::vector<ZipContent>& contents,
                         bool compressed, Location where = {});

}  // namespace xgrad::nn::detail
