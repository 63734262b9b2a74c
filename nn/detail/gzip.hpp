#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "files.hpp"

// Data that may be gzipped: internal to the library.

namespace xgrad::nn::detail {

/// Reads bytes in memory from beginning to end, expanding them if they are gzipped. FormatError naming the file for any
/// problem.
class ByteReader {
public:
    ByteReader(std::span<const std::byte> file, const Source& source);
    ~ByteReader();
    ByteReader(const ByteReader&) = delete;
    ByteReader& operator=(const ByteReader&) = delete;

    /// FormatError "truncated in its `what`" when fewer bytes are left.
    void read(void* into, std::size_t bytes, const char* what);
    void expect_end();
    /// Everything that is left, at most `most` bytes: FormatError if there is more.
    std::string rest(std::int64_t most);
    /// An upper bound on the total number of bytes, including those already read.
    std::uint64_t most() const;
    [[noreturn]] void fail(const std::string& reason) const { source_.fail(reason); }
    const Source& source() const { return source_; }
    bool gzipped() const { return inflater_ != nullptr; }

private:
    struct Inflater;
    std::size_t expand(void* into, std::size_t bytes);
    /// Reads at most `bytes` bytes; returns 0 at the end.
    std::size_t some(void* into, std::size_t bytes);

    std::span<const std::byte> file_;
    Source source_;
    std::size_t at_ = 0;
    std::unique_ptr<Inflater> inflater_;  // null for plain data
};

}  // namespace xgrad::nn::detail
