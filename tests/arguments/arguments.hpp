#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

// Every public function called with odd and extreme arguments. A result or an xgrad::Error that names the function and
// the user's line is fine; anything else is a fault: another exception, a signal, a sanitizer's complaint, too much
// time. A function that is declared and stands not in the table fails the suite (arguments_test.cpp).

namespace tests {

class Draws;

struct PublicFunction {
    std::string name;
    std::string in_errors;  ///< what errors call it
    bool located;  ///< it gets the user's line
    void (*call)(Draws& draws, const void* function);
    const void* function;
};

/// All of them, in no order that matters; overloads are one each.
const std::vector<PublicFunction>& public_functions();

/// What is wrong with how the function takes the arguments that `bytes` stand for; empty when nothing is.
std::string fault_of(const PublicFunction& function, std::span<const std::uint8_t> bytes);

}  // namespace tests
