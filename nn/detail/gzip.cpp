#include "gzip.hpp"

#include <algorithm>
#include <cstring>
#include <zlib.h>

namespace xgrad::nn::detail {

struct ByteReader::Inflater {
    Inflater() {
        constexpr int gzip_only = 16;
        if (inflateInit2(&stream, MAX_WBITS + gzip_only) != Z_OK) throw std::bad_alloc();
    }
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;
    ~Inflater() { inflateEnd(&stream); }
    z_stream stream{};
    bool ended = false;  // the current member; another may follow
};

ByteReader::ByteReader(std::span<const std::byte> file, const Source& source) : file_(file), source_(source) {
    if (file.size() >= 2 && file[0] == std::byte{0x1f} && file[1] == std::byte{0x8b})
        inflater_ = std::make_unique<Inflater>();
}

ByteReader::~ByteReader() = default;

// Deflate expands by a factor of at most 1032.
std::uint64_t ByteReader::most() const { return inflater_ ? (std::uint64_t{file_.size()} + 1) * 1032 : file_.size(); }

std::size_t ByteReader::expand(void* into, std::size_t bytes) {
    z_stream& stream = inflater_->stream;
    constexpr std::size_t most = 1 << 30;  // zlib counts with 32 bits
    stream.next_out = static_cast<Bytef*>(into);
    stream.avail_out = static_cast<uInt>(std::min(bytes, most));
    const std::size_t wanted = stream.avail_out;
    while (stream.avail_out > 0) {
        const std::size_t given = std::min(file_.size() - at_, most);
        if (inflater_->ended) {
            if (given == 0) break;
            inflateReset(&stream);
            inflater_->ended = false;
        }
        stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(file_.data() + at_));
        stream.avail_in = static_cast<uInt>(given);
        const int code = inflate(&stream, Z_NO_FLUSH);
        at_ += given - stream.avail_in;
        if (code == Z_STREAM_END) inflater_->ended = true;
        else if (code == Z_BUF_ERROR || (code == Z_OK && given == 0)) fail("truncated");
        else if (code != Z_OK) fail(std::string("damaged gzip data: ") + (stream.msg ? stream.msg : zError(code)));
    }
    return wanted - stream.avail_out;
}

std::size_t ByteReader::some(void* into, std::size_t bytes) {
    if (inflater_) return expand(into, bytes);
    const std::size_t got = std::min(bytes, file_.size() - at_);
    if (got) std::memcpy(into, file_.data() + at_, got);
    at_ += got;
    return got;
}

std::string ByteReader::rest(std::int64_t most) {
    std::string all;
    char part[1 << 16];
    while (const std::size_t got = some(part, sizeof part)) {
        if (static_cast<std::int64_t>(all.size() + got) > most)
            fail("it would take more than max_bytes, " + std::to_string(most));
        all.append(part, got);
    }
    return all;
}

void ByteReader::read(void* into, std::size_t bytes, const char* what) {
    auto* to = static_cast<std::byte*>(into);
    while (bytes > 0) {
        const std::size_t got = some(to, bytes);
        if (got == 0) fail(std::string("truncated in its ") + what);
        to += got;
        bytes -= got;
    }
}

void ByteReader::expect_end() {
    std::byte more;
    if (inflater_ ? expand(&more, 1) != 0 : at_ != file_.size()) fail("longer than its header says");
}

}  // namespace xgrad::nn::detail
