#include "zip.hpp"

#include <algorithm>
#include <autodiff/error.hpp>
#include <zip.h>

namespace xgrad::nn::detail {

namespace {

/// libzip's errors as values.
struct ZipError {
    ZipError() { zip_error_init(&error); }
    ZipError(const ZipError&) = delete;
    ZipError& operator=(const ZipError&) = delete;
    ~ZipError() { zip_error_fini(&error); }
    std::string text() { return zip_error_strerror(&error); }
    zip_error_t error;
};

struct Close {
    void operator()(zip_file_t* content) const { zip_fclose(content); }
    void operator()(zip_t* archive) const { zip_discard(archive); }
    void operator()(zip_source_t* source) const { zip_source_free(source); }
};

}  // namespace

ZipReader::ZipReader(std::span<const std::byte> bytes, const std::string& file, std::int64_t max_bytes) : file_(file) {
    constexpr std::size_t smallest = 22;  // an archive of nothing; libzip takes no bytes at all for one
    if (bytes.size() < smallest) fail("not a zip archive: it has at least 22 bytes, got " + std::to_string(bytes.size()));
    ZipError error;
    std::unique_ptr<zip_source_t, Close> source(zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error.error));
    if (!source) fail(error.text());
    std::unique_ptr<zip_t, Close> archive(zip_open_from_source(source.get(), ZIP_RDONLY, &error.error));
    if (!archive) fail("not a zip archive, or a damaged one: " + error.text());
    source.release();  // the archive's now

    const auto most = std::max<std::uint64_t>(static_cast<std::uint64_t>(std::max<std::int64_t>(max_bytes, 0)), bytes.size());
    std::uint64_t total = 0;
    const auto count = static_cast<std::uint64_t>(std::max<zip_int64_t>(zip_get_num_entries(archive.get(), 0), 0));
    for (std::uint64_t i = 0; i < count; ++i) {
        zip_stat_t info;
        constexpr auto wanted = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE;
        if (zip_stat_index(archive.get(), i, 0, &info) != 0 || (info.valid & wanted) != wanted)
            fail("damaged archive: " + std::string(zip_strerror(archive.get())));
        // Deflate expands at most 1032 times.
        if (info.size > (info.comp_size + 1) * 1032) fail(std::string(info.name) + " claims to be larger than its compressed data can be");
        total = info.size > most - total ? most + 1 : total + info.size;
        if (total > most) fail("expanded it would be larger than max_bytes, " + std::to_string(most));
        entries_.push_back({info.name, info.size});
    }
    archive_ = archive.release();
}

ZipReader::~ZipReader() { zip_discard(archive_); }

void ZipReader::fail(const std::string& rule) const { throw FormatError(file_ + ": " + rule); }

std::vector<std::byte> ZipReader::read(std::size_t entry, std::size_t bytes) const {
    const auto damaged = [&](const std::string& why) { fail(entries_[entry].name + " is damaged: " + why); };
    std::unique_ptr<zip_file_t, Close> content(zip_fopen_index(archive_, entry, 0));
    if (!content) damaged(zip_strerror(archive_));
    std::vector<std::byte> data(bytes);
    for (std::size_t at = 0; at < bytes;) {
        const auto got = zip_fread(content.get(), data.data() + at, bytes - at);
        if (got < 0) damaged(zip_file_strerror(content.get()));
        if (got == 0) damaged("it ends too early");
        at += static_cast<std::size_t>(got);
    }
    // The checksum is compared when the end is reached.
    std::byte more;
    if (bytes == entries_[entry].size && zip_fread(content.get(), &more, 1) != 0) damaged(zip_file_strerror(content.get()));
    return data;
}

namespace {

/// libzip writes through this into a file of ours.
struct Sink {
    AtomicFile& file;
    ZipError error;
    std::exception_ptr thrown;
};

zip_int64_t answer(Sink& sink, void* data, zip_uint64_t length, zip_source_cmd_t command) {
    switch (command) {
        case ZIP_SOURCE_SUPPORTS: return ZIP_SOURCE_SUPPORTS_WRITABLE;
        case ZIP_SOURCE_ERROR: return zip_error_to_data(&sink.error.error, data, length);
        case ZIP_SOURCE_STAT: zip_stat_init(static_cast<zip_stat_t*>(data)); return sizeof(zip_stat_t);
        case ZIP_SOURCE_OPEN:  // of the old content, which is none
        case ZIP_SOURCE_CLOSE:
        case ZIP_SOURCE_FREE:
        case ZIP_SOURCE_BEGIN_WRITE:
        case ZIP_SOURCE_COMMIT_WRITE:
        case ZIP_SOURCE_ROLLBACK_WRITE:
        case ZIP_SOURCE_REMOVE: return 0;
        case ZIP_SOURCE_WRITE: sink.file.write(data, length); return static_cast<zip_int64_t>(length);
        case ZIP_SOURCE_TELL_WRITE: return sink.file.tell();
        case ZIP_SOURCE_SEEK_WRITE: {
            // An archive of gigabytes does not overflow these; libzip itself seeks from the beginning only.
            const auto* to = ZIP_SOURCE_GET_ARGS(zip_source_args_seek_t, data, length, &sink.error.error);
            if (to == nullptr || to->whence == SEEK_END) return -1;
            sink.file.seek(to->offset + (to->whence == SEEK_CUR ? sink.file.tell() : 0));
            return 0;
        }
        default: zip_error_set(&sink.error.error, ZIP_ER_OPNOTSUPP, 0); return -1;
    }
}

zip_int64_t answer_safely(void* state, void* data, zip_uint64_t length, zip_source_cmd_t command) {
    Sink& sink = *static_cast<Sink*>(state);
    try {
        return answer(sink, data, length, command);
    } catch (...) {
        // An exception must not pass through libzip; it is thrown on at the other side.
        sink.thrown = std::current_exception();
        zip_error_set(&sink.error.error, ZIP_ER_WRITE, 0);
        return -1;
    }
}

}  // namespace

void write_zip(AtomicFile& file, const std::string& path, const std::vector<ZipContent>& contents, bool compressed) {
    Sink sink{file, {}, {}};
    ZipError error;
    const auto fail = [&](const std::string& why) {
        if (sink.thrown) std::rethrow_exception(sink.thrown);
        throw Error(path + ": cannot be written: " + why);
    };
    std::unique_ptr<zip_source_t, Close> target(zip_source_function_create(answer_safely, &sink, &error.error));
    if (!target) fail(error.text());
    std::unique_ptr<zip_t, Close> archive(zip_open_from_source(target.get(), ZIP_CREATE | ZIP_TRUNCATE, &error.error));
    if (!archive) fail(error.text());
    target.release();

    for (const ZipContent& content : contents) {
        // libzip reads them when it closes the archive; it does not change them.
        const auto bytes = [](const void* data) { return static_cast<zip_uint8_t*>(const_cast<void*>(data)); };
        const zip_buffer_fragment_t parts[] = {{bytes(content.head.data()), content.head.size()},
                                               {bytes(content.body.data()), content.body.size()}};
        zip_source_t* source = zip_source_buffer_fragment_create(parts, content.body.empty() ? 1 : 2, 0, &error.error);
        const auto index = source ? zip_file_add(archive.get(), content.name.c_str(), source, ZIP_FL_ENC_UTF_8) : -1;
        if (index < 0) {
            zip_source_free(source);
            fail(zip_strerror(archive.get()));
        }
        const auto at = static_cast<zip_uint64_t>(index);
        constexpr zip_uint16_t first_day = 1 << 5 | 1;  // 1980-01-01, where zip's calendar begins
        if (zip_set_file_compression(archive.get(), at, compressed ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0) != 0 ||
            zip_file_set_dostime(archive.get(), at, 0, first_day, 0) != 0)
            fail(zip_strerror(archive.get()));
    }
    if (zip_close(archive.get()) != 0) fail(zip_strerror(archive.get()));
    archive.release();
}

}  // namespace xgrad::nn::detail
