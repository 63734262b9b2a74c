#include <chrono>

#include "arguments.hpp"
#include "draws.hpp"

namespace tests {

using namespace xgrad;

std::string fault_of(const PublicFunction& function, std::span<const std::uint8_t> bytes) {
    using Clock = std::chrono::steady_clock;
    const bool recorded = !bytes.empty() && (bytes[0] & 1);
    const auto begin = Clock::now();
    try {
        Tape tape;
        Draws draws(bytes.subspan(bytes.empty() ? 0 : 1), recorded ? &tape : nullptr);
        function.call(draws, function.function);
    } catch (const Error& error) {
        const std::string text = error.what();
        if (!text.starts_with(function.in_errors + ": ") && !text.starts_with(function.in_errors + " ("))
            return function.name + ": the error does not name it: " + text;
        if (function.located && !text.ends_with(" [user.cpp:7]"))
            return function.name + ": the error does not name the user's line: " + text;
    } catch (const std::exception& error) {
        return function.name + ": an exception that is none of ours: " + error.what();
    }
    if (const std::chrono::duration<double> took = Clock::now() - begin; took.count() > 5)
        return function.name + ": took " + std::to_string(took.count()) + " s";
    return {};
}

}  // namespace tests
