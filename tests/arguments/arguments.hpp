#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

// Every public function called with odd and extreme arguments. A result or an xgrad::Error that names the function and
// the user's line is fine; anything else is a fault: another exception, a signal, a sanitizer report, too much time. A
// declared function that is not in the table fails the suite (arguments_test.cpp).

namespace tests {

class Draws;

struct PublicFunction {
    std::string name;
    std::string in_errors;  ///< its name in errors
    bool located;  ///< it receives the user's line
    void (*call)(Draws& draws, const void* function);
    const void* function;
};

/// All public functions, in no particular order; each overload is one entry.
const std::vector<PublicFunction>& public_functions();

/// Describes the function's fault for the arguments encoded by `bytes`; empty if there is none.
std::string fault_of(const PublicFunction& function, std::span<const std::uint8_t> bytes);

}  // namespace tests
