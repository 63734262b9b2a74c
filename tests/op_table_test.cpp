#include "op_table.hpp"
#include "op_table/economy.hpp"
#include "op_table/large.hpp"
#include "places.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <regex>
#include <set>
#include <sstream>

using namespace tests;

namespace {

/// XGRAD_TEST_ROWS in the environment, a regular expression, checks only rows whose name it matches from the beginning.
template <class Check>
void every_row(Check&& check) {
    const char* chosen = std::getenv("XGRAD_TEST_ROWS");
    const std::regex pattern(chosen ? chosen : "");
    for (const Row& row : op_table()) {
        if (chosen && !std::regex_search(row.name, pattern, std::regex_constants::match_continuous)) continue;
        const std::string complaint = check(row);
        CHECK_MESSAGE(complaint.empty(), complaint);
    }
}

template <class Check>
void every_differentiable_row(Check&& check) {
    every_row([&](const Row& row) { return row.has_gradient() ? check(row) : std::string(); });
}

/// Functions declared in the headers of operations, members, templates in other headers (op_table/beyond.cpp), and what
/// is inside the engine.
std::set<std::string> declared_operations() {
    std::set<std::string> names{"with_gradient_hook", "to",          "+=",   "-=",         "*=", "/=", "map",
                                "checkpoint",         "fixed_point", "root", "gamma_slope"};
    for (const auto& [name, count] : declared_functions({"ops", "rules", "functions"}))
        if (name != "broadcast_shapes") names.insert(name);
    return names;
}

}  // namespace

TEST_SUITE("operations") {
    TEST_CASE("every operation in the public headers has a row and every row an operation") {
        const std::set<std::string> declared = declared_operations();
        CHECK(declared.size() > 100);
        std::set<std::string> rows, names;
        for (const Row& row : op_table()) {
            CHECK_MESSAGE(names.insert(row.name).second, row.name << " stands twice in op_table.hpp");
            CHECK_MESSAGE(declared.count(row.operation()), row.name << " in op_table.hpp is declared nowhere");
            rows.insert(row.operation());
        }
        for (const std::string& name : declared) CHECK_MESSAGE(rows.count(name), name << " has no row in op_table.hpp");
    }

    TEST_CASE("reverse and forward mode agree with differences for every operation") {
        every_differentiable_row([](const Row& row) { return check_derivatives(row, 1); });
    }

    TEST_CASE("second derivatives agree with differences for every operation") {
        every_differentiable_row([](const Row& row) { return check_derivatives(row, 2); });
    }

    TEST_CASE("third derivatives agree with differences") {
        every_differentiable_row(
            [](const Row& row) { return row.flags & third ? check_derivatives(row, 3) : std::string(); });
    }

    TEST_CASE("an input that is used twice gets both gradients from every operation") {
        every_differentiable_row(check_fan_out);
    }

    TEST_CASE("single precision agrees with double precision for every operation") {
        every_row(check_single_precision);
    }

    TEST_CASE("all instruction sets agree for every operation") { every_row(check_instruction_sets); }

    TEST_CASE("a gradient is the same whether or not an outer tape records it for every operation") {
        every_row(check_composed_path);
    }

    TEST_CASE("a cotangent that a sum spreads gives the gradient of the whole one for every operation") {
        every_differentiable_row(check_constant_cotangent);
    }

    TEST_CASE("every operation gives the same bits again") { every_row(check_repeatable); }

    TEST_CASE("every operation is a value: run again, also after reading it back, it gives the same bits") {
        every_row(check_run_again);
    }

    TEST_CASE("ties and kinks and infinities follow the conventions") { every_row(check_points); }

    TEST_CASE("a large batch gives what its pieces give, with one thread and with two") {
        for (const LargeCase& large : large_cases()) {
            const auto row =
                std::find_if(op_table().begin(), op_table().end(), [&](const Row& r) { return r.name == large.row; });
            CHECK_MESSAGE(row != op_table().end(), large.row << " has a large case and no row");
            if (row == op_table().end()) continue;
            std::string complaint;
            try {
                complaint = check_large(*row, large);
            } catch (const std::exception& error) {
                complaint = large.row + " threw " + error.what();
            }
            CHECK_MESSAGE(complaint.empty(), complaint);
        }
    }

    TEST_CASE("a tape keeps what a pullback reads, and a pullback computes what is wanted") {
        for (const Economy& economy : economies()) {
            const auto row =
                std::find_if(op_table().begin(), op_table().end(), [&](const Row& r) { return r.name == economy.row; });
            CHECK_MESSAGE(row != op_table().end(), economy.row << " has figures and no row");
            if (row == op_table().end()) continue;
            const std::string complaint = check_economy(*row, economy);
            CHECK_MESSAGE(complaint.empty(), complaint);
        }
    }

    TEST_CASE("an operation is recorded exactly when it has a gradient") { every_row(check_recorded); }
}
