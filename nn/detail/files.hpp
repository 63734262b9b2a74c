#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <new>
#include <span>
#include <string>
#include <string_view>

#include <autodiff/core/error.hpp>

// Files for the readers and writers of nn: internal to the library.

namespace xgrad::nn::detail {

/// The source of what is read, as named in errors: the file name, and the user's line that requested it.
struct XGRAD_API Source {
    std::string name;
    Location where = {};

    /// "net.npz: the rule [main.cpp:12]".
    std::string message(const std::string& rule) const { return at(name + ": " + rule, where); }
    [[noreturn]] void fail(const std::string& rule) const { throw FormatError(message(rule)); }
    /// A part of the source: "net.npz: weight.npy".
    Source part(const std::string& of) const { return {name + ": " + of, where}; }
};

/// Removes a file that is to be replaced; it need not exist. Error when `path` is not a regular file.
void remove_file(const std::string& path, Location where);

/// A file's bytes, mapped into memory: pages are read on access. Error when the file cannot be opened or is not a
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

/// A file that appears under its name all at once: output goes to `path`.tmp next to it, and commit() renames that over
/// whatever had the name. Until then the old file is kept, whatever happens; without a commit the temporary is removed.
/// A temporary left behind by a killed process is overwritten by the next one; concurrent writers wait for each other.
///
/// A link is followed, so that its target is replaced; an existing file's permissions are kept. Error naming the file
/// when anything fails, or when the name is that of something other than a file (a folder, a device, a pipe, a link to
/// itself), which is left unchanged; ValueError for a path with a zero byte.
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
    /// Flushes everything to the disk, renames the file, then flushes the folder.
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

/// Calls read(source) where bytes from a file determine how much memory is needed: if there is not enough, an Error
/// names the source.
template <class F>
auto within_memory(const Source& source, F&& read) {
    try {
        return read(source);
    } catch (const std::bad_alloc&) {
        throw Error(source.message("cannot be read: there is not enough memory"));
    }
}

/// Calls read(bytes, source) with a file's content: `read_file(path, where, [&](std::span<const std::byte> bytes, const
/// Source& source) { … })`.
template <class F>
auto read_file(const std::string& path, Location where, F&& read) {
    const MappedFile file(path, where);
    return within_memory({path, where}, [&](const Source& source) { return read(file.bytes(), source); });
}

/// Makes zero bytes in a text visible, since a message would end at the first one.
XGRAD_API std::string with_visible_zeros(std::string text);

/// Creates a folder and its parents, unless it exists. Error when that fails, ValueError for a path with a zero byte.
XGRAD_API void make_folder(const std::string& path, Location where = {});

}  // namespace xgrad::nn::detail
