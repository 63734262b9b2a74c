#pragma once

#include <utility>

#include "autodiff/core/error.hpp"

// Errors of functions that are composed of others. Not for users.

namespace xgrad::detail {

/// Rethrows the error being handled, with the same type and the same rule, as an error of `operation` at the user's
/// line.
[[noreturn]] XGRAD_API void rethrow_as(const char* operation, Location where);

/// Runs f(), the work of a function that calls other operations: their errors name this function and the user's line,
/// because the user did not call those operations. User-supplied callables must not run inside it.
template <class F>
decltype(auto) composed(const char* operation, Location where, F&& f) {
    try {
        return named(operation, where, std::forward<F>(f));
    } catch (const Error&) {
        rethrow_as(operation, where);
    }
}

}  // namespace xgrad::detail
