#include "idx.hpp"

#include <algorithm>
#include <autodiff/error.hpp>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <zlib.h>

namespace {

namespace fs = std::filesystem;

class GzipFile {
public:
    explicit GzipFile(const fs::path& path) : path_(path) {
        std::error_code error;
        if (fs::is_directory(path, error)) throw xgrad::Error(path.string() + ": cannot be read: is a directory");
        errno = 0;
        file_.reset(gzopen(path.c_str(), "rb"));
        if (!file_) throw xgrad::Error(path.string() + ": cannot be read: " + std::strerror(errno ? errno : ENOMEM));
        gzbuffer(file_.get(), 1 << 17);
        // zlib passes through what is not gzip, which would hide a wrong file.
        if (gzdirect(file_.get())) fail("not a gzip file");
    }

    void read(void* into, std::size_t bytes, const char* what) {
        auto* at = static_cast<std::uint8_t*>(into);
        while (bytes > 0) {
            const int got = gzread(file_.get(), at, static_cast<unsigned>(std::min<std::size_t>(bytes, 1 << 24)));
            check_stream();
            if (got <= 0) fail(std::string("truncated in its ") + what);
            at += got;
            bytes -= static_cast<std::size_t>(got);
        }
    }
    void expect_end() {
        char more;
        const int got = gzread(file_.get(), &more, 1);
        check_stream();
        if (got != 0) fail("longer than its header says");
    }
    [[noreturn]] void fail(const std::string& reason) const { throw xgrad::FormatError(path_.string() + ": " + reason); }

private:
    void check_stream() const {
        int code = Z_OK;
        const char* message = gzerror(file_.get(), &code);
        if (code == Z_BUF_ERROR) fail("truncated");
        if (code == Z_ERRNO) throw xgrad::Error(path_.string() + ": cannot be read: " + std::strerror(errno));
        if (code != Z_OK && code != Z_STREAM_END) {
            std::string_view reason = message;  // zlib puts the path in front
            if (const auto end = reason.rfind(": "); end != reason.npos) reason.remove_prefix(end + 2);
            fail("damaged gzip data: " + std::string(reason));
        }
    }

    struct Close {
        void operator()(gzFile_s* file) const { gzclose(file); }
    };
    fs::path path_;
    std::unique_ptr<gzFile_s, Close> file_;
};

}  // namespace

IdxArray read_idx(const fs::path& path) {
    GzipFile file(path);
    std::uint8_t magic[4];
    file.read(magic, sizeof magic, "header");
    if (magic[0] != 0 || magic[1] != 0) file.fail("not an IDX file: it must start with two zero bytes");
    if (magic[2] != 0x08) file.fail("element type " + std::to_string(magic[2]) + " is not supported, only 8 (unsigned byte)");
    const int rank = magic[3];
    if (rank < 1 || rank > xgrad::Shape::max_rank) file.fail("number of axes must be in [1, 8], got " + std::to_string(rank));

    // Deflate expands at most 1032 times, so the file's own length bounds what it can hold.
    const std::uint64_t most = (static_cast<std::uint64_t>(fs::file_size(path)) + 1) * 1032;
    IdxArray array;
    std::uint64_t total = 1;
    for (int i = 0; i < rank; ++i) {
        std::uint8_t b[4];
        file.read(b, sizeof b, "header");
        const std::uint64_t size = std::uint64_t{b[0]} << 24 | std::uint64_t{b[1]} << 16 | std::uint64_t{b[2]} << 8 | b[3];
        array.shape.push_back(static_cast<std::int64_t>(size));
        // Zero sizes are no way around the bound: they are counted as one.
        total *= std::max<std::uint64_t>(size, 1);
        if (total > most) file.fail("its header asks for more elements than a file of this length can hold");
    }
    array.bytes.resize(static_cast<std::size_t>(array.shape.size()));
    file.read(array.bytes.data(), array.bytes.size(), "data");
    file.expect_end();
    return array;
}
