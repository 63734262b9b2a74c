#include "zip.hpp"

#include <algorithm>
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
    void operator()(zip_t* archive) const { zip_discard(archive); }
    void operator()(zip_source_t* source) const { zip_source_free(source); }
};

}  // namespace

namespace {

/// Why an entry cannot be read, or "".
std::string problem_of(const zip_stat_t& info) {
    if (info.encryption_method != ZIP_EM_NONE) return "it is encrypted, which is not supported";
    if (info.comp_method == ZIP_CM_STORE || info.comp_method == ZIP_CM_DEFLATE) {
        // Deflate expands by a factor of at most 1032.
        if (info.size > (info.comp_size + 1) * 1032) return "it claims to be larger than its compressed data can be";
        return "";
    }
    const char* name = info.comp_method == ZIP_CM_LZMA    ? "LZMA"
                       : info.comp_method == ZIP_CM_BZIP2 ? "bzip2"
                                                          : "an unknown method";
    return "compression must be none or deflate, as NumPy's, others are not supported, got " + std::string(name) +
           " (" + std::to_string(info.comp_method) + ")";
}

}  // namespace

ZipReader::ZipReader(std::span<const std::byte> bytes, const Source& source, std::int64_t max_bytes)
    : source_(source),
      most_(std::max<std::uint64_t>(static_cast<std::uint64_t>(std::max<std::int64_t>(max_bytes, 0)), bytes.size())) {
    constexpr std::size_t smallest = 22;  // an empty archive; libzip accepts zero bytes as one
    if (bytes.size() < smallest)
        source.fail("not a zip archive: it has at least 22 bytes, got " + std::to_string(bytes.size()));
    ZipError error;
    std::unique_ptr<zip_source_t, Close> data(zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error.error));
    if (!data) source.fail(error.text());
    std::unique_ptr<zip_t, Close> archive(zip_open_from_source(data.get(), ZIP_RDONLY, &error.error));
    if (!archive) source.fail("not a zip archive, or a damaged one: " + error.text());
    data.release();  // now owned by the archive

    const auto count = static_cast<std::uint64_t>(std::max<zip_int64_t>(zip_get_num_entries(archive.get(), 0), 0));
    for (std::uint64_t i = 0; i < count; ++i) {
        zip_stat_t info;
        constexpr auto wanted =
            ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
        if (zip_stat_index(archive.get(), i, 0, &info) != 0 || (info.valid & wanted) != wanted)
            source.fail("damaged archive: " + std::string(zip_strerror(archive.get())));
        const std::string problem = problem_of(info);
        entries_.push_back({info.name, info.size, problem.empty() ? "" : source.part(info.name).message(problem)});
    }
    archive_ = archive.release();
}

ZipReader::~ZipReader() { zip_discard(archive_); }

void ZipReader::count(std::size_t entry) const {
    const std::uint64_t size = entries_[entry].size;
    if (size > most_ - total_) source_.fail("expanded it would be larger than max_bytes, " + std::to_string(most_));
    total_ += size;
}

ZipReader::Content::Content(const ZipReader& archive, std::size_t entry)
    : archive_(archive), entry_(entry), file_(zip_fopen_index(archive.archive_, entry, 0)) {
    if (!file_) damaged(zip_strerror(archive.archive_));
}

ZipReader::Content::~Content() { zip_fclose(file_); }

void ZipReader::Content::damaged(const std::string& why) const {
    archive_.source_.fail(archive_.entries_[entry_].name + " is damaged: " + why);
}

void ZipReader::Content::read(void* into, std::size_t bytes) {
    auto* to = static_cast<std::byte*>(into);
    while (bytes > 0) {
        const auto got = zip_fread(file_, to, bytes);
        if (got < 0) damaged(zip_file_strerror(file_));
        if (got == 0) damaged("it ends too early");
        to += got;
        bytes -= static_cast<std::size_t>(got);
    }
}

void ZipReader::Content::expect_end() {
    // libzip checks the checksum when the end is reached.
    std::byte more;
    const auto got = zip_fread(file_, &more, 1);
    if (got != 0) damaged(got < 0 ? zip_file_strerror(file_) : "it ends too late");
}

namespace {

/// libzip writes to an AtomicFile through this.
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
        case ZIP_SOURCE_OPEN:  // opens the old content, which is empty
        case ZIP_SOURCE_CLOSE:
        case ZIP_SOURCE_FREE:
        case ZIP_SOURCE_BEGIN_WRITE:
        case ZIP_SOURCE_COMMIT_WRITE:
        case ZIP_SOURCE_ROLLBACK_WRITE:
        case ZIP_SOURCE_REMOVE: return 0;
        case ZIP_SOURCE_WRITE: sink.file.write(data, length); return static_cast<zip_int64_t>(length);
        case ZIP_SOURCE_TELL_WRITE: return sink.file.tell();
        case ZIP_SOURCE_SEEK_WRITE: {
            // Archives of several gigabytes do not overflow here; libzip itself only seeks from the beginning.
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
        // An exception must not pass through libzip; it is rethrown after libzip returns.
        sink.thrown = std::current_exception();
        zip_error_set(&sink.error.error, ZIP_ER_WRITE, 0);
        return -1;
    }
}

}  // namespace

void write_zip(AtomicFile& file, const std::string& path, const std::vector<ZipContent>& contents, bool compressed,
               Location where) {
    if (contents.empty())
        return file.write(std::string("PK\5\6") + std::string(18, '\0'));  // libzip would write nothing
    Sink sink{file, {}, {}};
    ZipError error;
    const auto fail = [&](const std::string& why) {
        if (sink.thrown) std::rethrow_exception(sink.thrown);
        throw Error(at(path + ": cannot be written: " + why, where));
    };
    std::unique_ptr<zip_source_t, Close> target(zip_source_function_create(answer_safely, &sink, &error.error));
    if (!target) fail(error.text());
    std::unique_ptr<zip_t, Close> archive(zip_open_from_source(target.get(), ZIP_CREATE | ZIP_TRUNCATE, &error.error));
    if (!archive) fail(error.text());
    target.release();

    for (const ZipContent& content : contents) {
        // libzip reads the contents when it closes the archive; it does not change them.
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
        constexpr zip_uint16_t first_day = 1 << 5 | 1;  // 1980-01-01, the first date in zip's calendar
        if (zip_set_file_compression(archive.get(), at, compressed ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0) != 0 ||
            zip_file_set_dostime(archive.get(), at, 0, first_day, 0) != 0)
            fail(zip_strerror(archive.get()));
    }
    if (zip_close(archive.get()) != 0) fail(zip_strerror(archive.get()));
    archive.release();
}

}  // namespace xgrad::nn::detail
