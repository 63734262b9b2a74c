#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>

#include <autodiff/export.hpp>

// Files as the readers and writers of nn want them: for use inside the library.

namespace xgrad::nn::detail {

/// A file's bytes, mapped into memory: pages are read when they are touched. Error when it cannot be opened or is not a regular file.
class XGRAD_API MappedFile {
public:
    explicit MappedFile(const std::string& path);
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;
    ~MappedFile();

    std::span<const std::byte> bytes() const { return {static_cast<const std::byte*>(data_), size_}; }

private:
    void* data_ = nullptr;
    std::size_t size_ = 0;
};

/// A file that appears under its name all at once: what is written goes to `path`.tmp beside it, and commit() puts that in the
/// place of whatever bore the name. Until then, and whatever happens before, the old file stands; without a commit the temporary is removed.
/// What a killed process leaves behind is overwritten by the next one; of several that write at once, each waits for the one before.
///
/// A link is followed, so that its target is replaced; an existing file's permissions are kept. Error naming the file when anything fails.
class XGRAD_API AtomicFile {
public:
    explicit AtomicFile(const std::string& path);
    AtomicFile(const AtomicFile&) = delete;
    AtomicFile& operator=(const AtomicFile&) = delete;
    ~AtomicFile();

    void write(const void* data, std::size_t bytes);
    void write(std::string_view text) { write(text.data(), text.size()); }
    void seek(std::int64_t position);
    std::int64_t tell() const;
    /// Everything to the disk, then the new name, then the folder to the disk.
    void commit();

private:
    void open_temporary();
    [[noreturn]] void fail() const;

    std::string path_, temporary_;
    std::FILE* file_ = nullptr;
};

/// Writes a file atomically: `write_atomically(path, [&](AtomicFile& file) { file.write("text"); })`. See AtomicFile.
template <class F>
void write_atomically(const std::string& path, F&& write) {
    AtomicFile file(path);
    write(file);
    file.commit();
}

}  // namespace xgrad::nn::detail
