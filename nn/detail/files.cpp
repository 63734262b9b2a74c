#include "files.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace xgrad::nn::detail {

namespace {

namespace fs = std::filesystem;

/// A descriptor that closes itself.
struct Descriptor {
    explicit Descriptor(int opened) : fd(opened) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (fd >= 0) ::close(fd);
    }
    int release() { return std::exchange(fd, -1); }
    int fd;
};

[[noreturn]] void cannot(const std::string& what, const std::string& path, const std::string& why, Location where) {
    throw Error(at(path + ": cannot be " + what + ": " + why, where));
}

/// A path for system calls, which end it at a zero byte.
const char* to_system(const std::string& path, Location where) {
    check<ValueError>(path.find('\0') == path.npos, where, [&] {
        return "file: a path must be without zero bytes, got \"" + with_visible_zeros(path) + '"';
    });
    return path.c_str();
}

/// The file that a chain of links leads to, so that a rename replaces the file and not the link. The file need not
/// exist.
std::string behind_links(const std::string& path, Location where) {
    std::error_code error;
    fs::path at = to_system(path, where);
    for (int links = 0; fs::is_symlink(at, error); ++links) {
        const fs::path target = fs::read_symlink(at, error);
        if (links == 40) error = std::make_error_code(std::errc::too_many_symbolic_link_levels);
        if (error) cannot("written", path, error.message(), where);
        at = target.is_absolute() ? target : at.parent_path() / target;
    }
    return at.string();
}

/// Why this cannot be read or replaced as a file, or nullptr if it can.
const char* not_a_file(const struct stat& info) {
    if (S_ISREG(info.st_mode)) return nullptr;
    return S_ISDIR(info.st_mode) ? "Is a directory" : "not a regular file";
}

}  // namespace

MappedFile::MappedFile(const std::string& path, Location where) {
    const auto fail = [&] { cannot("read", path, std::strerror(errno), where); };
    // O_NONBLOCK: otherwise opening a pipe would wait for its writer.
    const Descriptor file(::open(to_system(path, where), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat info{};
    if (file.fd < 0 || ::fstat(file.fd, &info) != 0) fail();
    if (const char* why = not_a_file(info)) cannot("read", path, why, where);
    size_ = static_cast<std::size_t>(info.st_size);
    if (size_ == 0) return;
    data_ = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.fd, 0);
    if (data_ == MAP_FAILED) fail();
}

MappedFile::~MappedFile() {
    if (size_ > 0) ::munmap(data_, size_);
}

void remove_file(const std::string& path, Location where) {
    struct stat info{};
    if (::stat(to_system(path, where), &info) == 0)
        if (const char* why = not_a_file(info)) cannot("written", path, why, where);
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) cannot("removed", path, std::strerror(errno), where);
}

AtomicFile::AtomicFile(const std::string& path, Location where)
    : path_(behind_links(path, where)), temporary_(path_ + ".tmp"), where_(where) {
    struct stat info{};
    if (::stat(path_.c_str(), &info) == 0)
        if (const char* why = not_a_file(info)) cannot("written", path, why, where);
    // Opening a device may have side effects.
    if (::lstat(temporary_.c_str(), &info) == 0 && not_a_file(info))
        cannot("written", path, temporary_ + ", which is needed for that, is not a regular file", where);
    open_temporary();
}

void AtomicFile::open_temporary() {
    for (;;) {
        Descriptor file(::open(temporary_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666));
        struct stat mine{}, named{};
        if (file.fd < 0 || ::flock(file.fd, LOCK_EX) != 0 || ::fstat(file.fd, &mine) != 0) fail();
        // The previous holder of the lock has renamed or removed that file: the open file is no longer the temporary.
        if (::stat(temporary_.c_str(), &named) != 0 || named.st_ino != mine.st_ino || named.st_dev != mine.st_dev)
            continue;
        if (::stat(path_.c_str(), &named) == 0 && ::fchmod(file.fd, named.st_mode & 0777) != 0) fail();
        if (::ftruncate(file.fd, 0) != 0) fail();
        file_ = ::fdopen(file.fd, "wb");
        if (file_ == nullptr) fail();
        file.release();
        return;
    }
}

AtomicFile::~AtomicFile() {
    if (file_ == nullptr) return;
    ::unlink(temporary_.c_str());
    std::fclose(file_);
}

void AtomicFile::fail() const { cannot("written", path_, std::strerror(errno), where_); }

void AtomicFile::write(const void* data, std::size_t bytes) {
    if (std::fwrite(data, 1, bytes, file_) != bytes) fail();
}

void AtomicFile::seek(std::int64_t position) {
    if (::fseeko(file_, position, SEEK_SET) != 0) fail();
}

std::int64_t AtomicFile::tell() const {
    const auto position = ::ftello(file_);
    if (position < 0) fail();
    return position;
}

void AtomicFile::commit() {
    if (std::fflush(file_) != 0 || ::fsync(::fileno(file_)) != 0 || ::rename(temporary_.c_str(), path_.c_str()) != 0)
        fail();
    std::fclose(file_);  // nothing is left to write
    file_ = nullptr;
    const fs::path folder = fs::path(path_).parent_path();
    const Descriptor place(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    // Some file systems do not support fsync of folders and return an error.
    if (place.fd < 0 || (::fsync(place.fd) != 0 && errno != EINVAL && errno != ENOTSUP)) fail();
}

std::string with_visible_zeros(std::string text) {
    for (auto zero = text.find('\0'); zero != text.npos; zero = text.find('\0')) text.replace(zero, 1, "\\0");
    return text;
}

void make_folder(const std::string& path, Location where) {
    std::error_code error;
    fs::create_directories(to_system(path, where), error);
    if (error) cannot("made", path, error.message(), where);
}

}  // namespace xgrad::nn::detail
