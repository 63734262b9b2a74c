#include "arguments/arguments.hpp"
#include "places.hpp"
#include "support.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <cstdlib>
#include <map>
#include <random>
#include <regex>

using namespace tests;
using tests::error_of;
using tests::here;

TEST_SUITE("arguments") {
    TEST_CASE("every public function is called with odd arguments") {
        std::map<std::string, int> rows;
        for (const PublicFunction& function : public_functions()) ++rows[function.name];
        const std::map<std::string, int> declared = declared_functions({"ops", "rules", "functions"}, true);
        CHECK(declared.size() > 200);
        for (const auto& declaration : declared) {
            const std::string& name = declaration.first;
            if (name == "update_parameters") continue;  // takes pointers to what optimizers own
            if (name == "run_map") continue;            // what map() calls
            if (name == "manual_seed") continue;        // takes any number, and other tests draw from that stream
            CHECK_MESSAGE(rows[name] >= declaration.second,
                          name << " has " << rows[name] << " rows in arguments/table.cpp");
        }
    }

    // XGRAD_TEST_SEED draws others, XGRAD_TEST_ARGUMENTS more of them, XGRAD_TEST_FUNCTIONS (a regular expression) for
    // some functions only.
    TEST_CASE("odd arguments give a result or an error that names the function and the user's line") {
        const char* seed = std::getenv("XGRAD_TEST_SEED");
        const char* only = std::getenv("XGRAD_TEST_FUNCTIONS");
        const char* times = std::getenv("XGRAD_TEST_ARGUMENTS");
        for (const PublicFunction& function : public_functions()) {
            if (only && !std::regex_match(function.name, std::regex(only))) continue;
            std::mt19937_64 engine(seed ? std::strtoull(seed, nullptr, 10) : 1);
            std::map<std::string, int> faults;
            for (int i = times ? std::atoi(times) : 200; i > 0; --i) {
                INFO(function.name);
                std::vector<std::uint8_t> bytes(64);
                for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(engine() >> 13);
                if (const std::string fault = fault_of(function, bytes); !fault.empty())
                    ++faults[std::regex_replace(fault, std::regex(R"(-?\d[\d.e+]*|\([-\d, ]*\))"), "#")];
            }
            for (const auto& [fault, count] : faults) FAIL_CHECK(fault << " (" << count << " times)");
        }
    }
}
