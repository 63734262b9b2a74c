#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "files.hpp"

// Data that may be gzipped: for use inside the library.

namespace xgrad::nn::detail {

/// Reads bytes in memory from beginning to end, expanding them if they are gzip. FormatError naming the file for
/// whatever is wrong.
class ByteReader {
public:
    ByteReader(std::span<const std::byte> file, const Source& source);
    ~ByteReader();
    ByteReader(const ByteReader&) = delete;
    ByteReader& operator=(const ByteReader&) = delete;

    /// FormatError "truncated in its `what`" when there are fewer.
    void read(void* into, std::size_t bytes, const char* what);
    void expect_end();
    /// All that is left, at most `most` bytes: FormatError beyond.
    std::string rest(std::int64_t most);
    /// No more than this many bytes can come, read ones included.
    std::uint64_t most() const;
    [[noreturn]] void fail(const std::string& reason) const { source_.fail(reason); }
    const Source& source() const { return source_; }
    bool gzipped() const { return inflater_ != nullptr; }

private:
    struct Inflater;
    std::size_t expand(void* into, std::size_t bytes);
    /// At most so many bytes; 0 at the end.
    std::size_t some(void* into, std::size_t bytes);

    std::span<const std::byte> file_;
    Source source_;
    std::size_t at_ = 0;
    std::unique_ptr<Inflater> inflater_;  // null for plain data
};

}  // namespace xgrad::nn::detail
