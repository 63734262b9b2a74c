#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

#include "export.hpp"

namespace xgrad {

/// The place in the user's source where an operation was called. `current()` as a default argument captures the
/// caller's line.
struct Location {
    const char* file = "";
    int line = 0;

    static constexpr Location current(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
        return {file, line};
    }
};

/// Base class of everything the library throws. Message format: `operation: violated rule, got actual argument
/// [file:line]`.
class XGRAD_API Error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
    ~Error() override;
};

/// Incompatible shapes, ranks or axes.
class XGRAD_API ShapeError : public Error {
public:
    using Error::Error;
    ~ShapeError() override;
};

/// Incompatible element types: nothing is promoted silently.
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

/// A tape used twice, used from another thread, or asked for the gradient of something it did not record.
class XGRAD_API TapeError : public Error {
public:
    using Error::Error;
    ~TapeError() override;
};

/// A file whose content does not conform to its format.
class XGRAD_API FormatError : public Error {
public:
    using Error::Error;
    ~FormatError() override;
};

/// The system could not provide memory for a result, whatever its size. Existing tensors stay usable, and smaller
/// requests may succeed.
class XGRAD_API MemoryError : public Error {
public:
    /// `tensor` describes what the bytes were for ("shape (3, 4) f64"). It is empty, or `bytes` is 0, if that is not
    /// known.
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

/// `what` followed by the user's file and line if known: "matmul: … [net.cpp:12]".
XGRAD_API std::string at(std::string what, Location where);

/// Throws `E` unless `ok`. `message` is a callable that builds the text, so that success costs only one branch.
template <class E = Error, class Message>
inline void check(bool ok, Location where, Message&& message) {
    if (!ok) [[unlikely]]
        throw E(at(message(), where));
}

namespace detail {

/// "12 B", "3.4 KB", "8.0 TB".
XGRAD_API std::string readable_bytes(std::int64_t bytes);

/// Rethrows the exception being handled; a failed allocation becomes a MemoryError of `operation` at the user's line.
/// `tensor` describes what the memory was for if the error does not say.
[[noreturn]] XGRAD_API void rethrow_named(const std::string& operation, Location where, const std::string& tensor = {});

/// Runs f(), the work of an operation: if an allocation fails in it, the error names the operation.
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
