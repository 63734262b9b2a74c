#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

#include "export.hpp"

namespace xgrad {

/// Where in the user's source an operation was called. `current()` as a default argument captures the caller's line.
struct Location {
    const char* file = "";
    int line = 0;

    static constexpr Location current(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
        return {file, line};
    }
};

/// Base of everything the library throws. Format: `operation: broken rule, got what came [file:line]`.
class XGRAD_API Error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
    ~Error() override;
};

/// Shapes, ranks or axes that do not fit.
class XGRAD_API ShapeError : public Error {
public:
    using Error::Error;
    ~ShapeError() override;
};

/// Element types that do not fit: nothing is promoted silently.
class XGRAD_API DTypeError : public Error {
public:
    using Error::Error;
    ~DTypeError() override;
};

/// An index, axis or class label out of range.
class XGRAD_API IndexError : public Error {
public:
    using Error::Error;
    ~IndexError() override;
};

/// A tape used twice, from another thread, or asked for something it did not record.
class XGRAD_API TapeError : public Error {
public:
    using Error::Error;
    ~TapeError() override;
};

/// A file whose content is not what its format says.
class XGRAD_API FormatError : public Error {
public:
    using Error::Error;
    ~FormatError() override;
};

/// The system gave no memory for a result, whatever its size. What was there before stays usable, and smaller requests
/// may succeed.
class XGRAD_API MemoryError : public Error {
public:
    /// `tensor` describes what the bytes were for ("shape (3, 4) f64"); empty, or 0 bytes, where that is not known.
    MemoryError(const std::string& operation, std::size_t bytes, const std::string& tensor, Location where);
    ~MemoryError() override;
    std::size_t bytes() const { return bytes_; }
    const std::string& tensor() const { return *tensor_; }

private:
    std::size_t bytes_;
    std::shared_ptr<const std::string> tensor_;  // shared: an exception's copies must not throw
};

/// An argument outside its domain (a negative probability, a zero step, an empty list).
class XGRAD_API ValueError : public Error {
public:
    using Error::Error;
    ~ValueError() override;
};

/// `what` followed by the user's file and line where known: "matmul: … [net.cpp:12]".
XGRAD_API std::string at(std::string what, Location where);

/// Throws `E` unless `ok`. `message` is a callable that builds the text, so that the good path costs one branch.
template <class E = Error, class Message>
inline void check(bool ok, Location where, Message&& message) {
    if (!ok) [[unlikely]]
        throw E(at(message(), where));
}

namespace detail {

/// "12 B", "3.4 KB", "8.0 TB".
XGRAD_API std::string readable_bytes(std::int64_t bytes);

/// Rethrows the exception that is being handled; a failed allocation as a MemoryError of `operation` at the user's
/// line. `tensor`: what it was for, where the error does not say.
[[noreturn]] XGRAD_API void rethrow_named(const std::string& operation, Location where, const std::string& tensor = {});

/// f(), an operation's work: when memory fails in it, the error names the operation.
template <class F>
decltype(auto) named(const char* operation, Location where, F&& f) {
    try {
        return f();
    } catch (...) {
        rethrow_named(operation, where);
    }
}

}  // namespace detail
}  // namespace xgrad
