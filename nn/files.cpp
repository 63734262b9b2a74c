#include "files.hpp"

#include <autodiff/error.hpp>
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

[[noreturn]] void cannot(const char* what, const std::string& path, int code = errno) {
    throw Error(path + ": cannot be " + what + ": " + std::strerror(code));
}

/// The file that a chain of links leads to, so that a rename replaces it and not the link.
std::string behind_links(const std::string& path) {
    std::error_code error;
    fs::path at = path;
    for (int links = 0; links < 40 && fs::is_symlink(at, error); ++links) {
        const fs::path target = fs::read_symlink(at, error);
        if (error) break;
        at = target.is_absolute() ? target : at.parent_path() / target;
    }
    return at.string();
}

}  // namespace

MappedFile::MappedFile(const std::string& path) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat info{};
    if (file.fd < 0 || ::fstat(file.fd, &info) != 0) cannot("read", path);
    if (S_ISDIR(info.st_mode)) cannot("read", path, EISDIR);
    if (!S_ISREG(info.st_mode)) throw Error(path + ": cannot be read: not a regular file");
    size_ = static_cast<std::size_t>(info.st_size);
    if (size_ == 0) return;
    data_ = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.fd, 0);
    if (data_ == MAP_FAILED) cannot("read", path);
}

MappedFile::~MappedFile() {
    if (size_ > 0) ::munmap(data_, size_);
}

AtomicFile::AtomicFile(const std::string& path) : path_(behind_links(path)), temporary_(path_ + ".tmp") {
    std::error_code error;
    if (fs::is_directory(path_, error)) cannot("written", path, EISDIR);
    open_temporary();
}

void AtomicFile::open_temporary() {
    for (;;) {
        Descriptor file(::open(temporary_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666));
        struct stat mine{}, named{};
        if (file.fd < 0 || ::flock(file.fd, LOCK_EX) != 0 || ::fstat(file.fd, &mine) != 0) fail();
        // Whoever had the lock before has renamed or removed that file: what is open is no longer the temporary.
        if (::stat(temporary_.c_str(), &named) != 0 || named.st_ino != mine.st_ino || named.st_dev != mine.st_dev) continue;
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

void AtomicFile::fail() const { cannot("written", path_); }

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
    if (std::fflush(file_) != 0 || ::fsync(::fileno(file_)) != 0 || ::rename(temporary_.c_str(), path_.c_str()) != 0) fail();
    std::fclose(file_);  // nothing is left to be written
    file_ = nullptr;
    const fs::path folder = fs::path(path_).parent_path();
    const Descriptor place(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    // Some file systems have no fsync of folders and say so.
    if (place.fd < 0 || (::fsync(place.fd) != 0 && errno != EINVAL && errno != ENOTSUP)) fail();
}

}  // namespace xgrad::nn::detail
