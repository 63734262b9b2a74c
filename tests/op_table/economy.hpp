#pragma once

#include <string>
#include <vector>

#include "../op_checker.hpp"

// The check of what a tape keeps and of what a pullback computes, and its cases.

namespace tests {

/// A row's operation on inputs of some size.
struct Economy {
    std::string row;
    std::vector<Shape> shapes;
    std::vector<int> inputs;     ///< which of them the tape keeps
    bool output = false;         ///< whether it keeps the result
    double extra = 0;            ///< what else it keeps, in bytes for each byte of the first input
    std::vector<int> runs = {};  ///< how many operations give the cotangent of each input, if only that one is wanted
};

std::vector<Economy> economies();

/// The bytes that stay in use after the operation, when nobody else holds its inputs, and the operations that run for
/// one cotangent at a time.
std::string check_economy(const Row& row, const Economy& economy);

}  // namespace tests
