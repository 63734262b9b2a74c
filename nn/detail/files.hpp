#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <new>
#include <span>
#include <string>
#include <string_view>

#include <autodiff/core/error.hpp>

// Files as the readers and writers of nn want them: for use inside the library.

namespace xgrad::nn::detail {

/// What is read, as errors speak of it: the file's name, and the user's line that wants it.
struct XGRAD_API Source {
    std::string name;
    Location where = {};

    /// "net.npz: the rule [main.cpp:12]".
    std::string message(const std::string& rule) const { return at(name + ": " + rule, where); }
    [[noreturn]] void fail(const std::string& rule) const { throw FormatError(message(rule)); }
    /// A part of it: "net.npz: weight.npy".
    Source part(const std::string& of) const { return {name + ": " + of, where}; }
};

/// Removes a file that is to be replaced; none is as well. Error when what bears that name is not a regular file.
void remove_file(const std::string& path, Location where);

/// A file's bytes, mapped into memory: pages are read when they are touched. Error when it cannot be opened or is not a
/// regular file, ValueError for a path with a zero byte.
class XGRAD_API MappedFile {
public:
    explicit MappedFile(const std::string& path, Location where = {});
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;
    ~MappedFile();

    std::span<const std::byte> bytes() const { return {static_cast<const std::byte*>(data_), size_}; }

private:
    void* data_ = nullptr;
    std::size_t size_ = 0;
};

/// A file that appears under its name all at once: what is written goes to `path`.tmp beside it, and commit() puts that
/// in the place of whatever bore the name. Until then, and whatever happens before, the old file stands; without a
/// commit the temporary is removed. What a killed process leaves behind is overwritten by the next one; of several that
/// write at once, each waits for the one before.
///
/// A link is followed, so that its target is replaced; an existing file's permissions are kept. Error naming the file
/// when anything fails, or when the name is that of something else than a file (a folder, a device, a pipe, a link to
/// itself), which stays what it is; ValueError for a path with a zero byte.
class XGRAD_API AtomicFile {
public:
    explicit AtomicFile(const std::string& path, Location where = {});
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
    Location where_;
    std::FILE* file_ = nullptr;
};

/// Writes a file atomically: `write_atomically(path, [&](AtomicFile& file) { file.write("text"); }, where)`. See
/// AtomicFile.
template <class F>
void write_atomically(const std::string& path, F&& write, Location where = {}) {
    AtomicFile file(path, where);
    write(file);
    file.commit();
}

/// Calls read(source) where bytes of somebody else say how much memory is needed: what there is not enough of is an
/// Error that names them.
template <class F>
auto within_memory(const Source& source, F&& read) {
    try {
        return read(source);
    } catch (const std::bad_alloc&) {
        throw Error(source.message("cannot be read: there is not enough memory"));
    }
}

/// read(bytes, source) of a file: `read_file(path, where, [&](std::span<const std::byte> bytes, const Source& source) {
/// … })`.
template <class F>
auto read_file(const std::string& path, Location where, F&& read) {
    const MappedFile file(path, where);
    return within_memory({path, where}, [&](const Source& source) { return read(file.bytes(), source); });
}

/// A text for a message, which would end at a zero byte.
XGRAD_API std::string with_visible_zeros(std::string text);

/// Makes a folder and those above it, unless it is there. Error when that fails, ValueError for a path with a zero
/// byte.
XGRAD_API void make_folder(const std::string& path, Location where = {});

}  // namespace xgrad::nn::detail
