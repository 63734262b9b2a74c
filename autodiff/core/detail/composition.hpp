#pragma once

#include <utility>

#include "autodiff/core/error.hpp"

// Errors of functions that are made of others. Not for users.

namespace xgrad::detail {

/// Throws the error that is being handled once more, of the same kind and with the same rule, as one of `operation` at
/// the user's line.
[[noreturn]] XGRAD_API void rethrow_as(const char* operation, Location where);

/// f(), the work of a function that calls others: their errors name it and the user's line, for the user has not called
/// those others. Nothing that users pass to be called may run in it.
template <class F>
decltype(auto) composed(const char* operation, Location where, F&& f) {
    try {
        return named(operation, where, std::forward<F>(f));
    } catch (const Error&) {
        rethrow_as(operation, where);
    }
}

}  // namespace xgrad::detail
