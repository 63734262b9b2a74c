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
        std::uint64_t size;   ///< when expanded
        std::string problem;  ///< why it cannot be read, as an error says it; "" when nothing is known against it
    };
    /// The content of an entry, from its beginning on.
    class Content {
    public:
        Content(const ZipReader& archive, std::size_t entry);
        Content(const Content&) = delete;
        Content& operator=(const Content&) = delete;
        ~Content();

        void read(void* into, std::size_t bytes);
        /// Compares the checksum, once all of it has been read.
        void expect_end();

    private:
        [[noreturn]] void damaged(const std::string& why) const;

        const ZipReader& archive_;
        std::size_t entry_;
        zip_file* file_;
    };

    /// No more than `max_bytes` are expanded in all, or as many as the archive itself has.
    ZipReader(std::span<const std::byte> bytes, const Source& source, std::int64_t max_bytes);
    ~ZipReader();
    ZipReader(const ZipReader&) = delete;
    ZipReader& operator=(const ZipReader&) = delete;

    const std::vector<Entry>& entries() const { return entries_; }
    const Source& source() const { return source_; }
    /// To be called before an entry is read as a whole.
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
    std::string head;                ///< the content is this …
    std::span<const std::byte> body;  ///< … and this
};

/// Writes an archive; the same contents give the same bytes.
XGRAD_API void write_zip(AtomicFile& file, const std::string& path, const std::vector<ZipContent>& contents,
                         bool compressed, Location where = {});

}  // namespace xgrad::nn::detail
