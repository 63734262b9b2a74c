// libFuzzer on the public functions of the engine: the first two bytes choose one, the others are its arguments
// (tests/arguments/).

#include "../arguments/arguments.hpp"

#include <cstdlib>
#include <iostream>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 3) return 0;
    const auto& functions = tests::public_functions();
    const auto& function = functions[(data[0] * 256u + data[1]) % functions.size()];
    if (const std::string fault = fault_of(function, {data + 2, size - 2}); !fault.empty()) {
        std::cerr << fault << '\n';
        std::abort();
    }
    return 0;
}
