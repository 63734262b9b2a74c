#pragma once

#include <string>
#include <vector>

#include "../op_checker.hpp"

// The check of what a tape stores and of what a pullback computes, and its cases.

namespace tests {

/// A row's operation on inputs of some size.
struct Economy {
    std::string row;
    std::vector<Shape> shapes;
    std::vector<int> inputs;     ///< which inputs the tape stores
    bool output = false;         ///< whether it stores the result
    double extra = 0;            ///< what else it stores, in bytes per byte of the first input
    std::vector<int> runs = {};  ///< the number of operations that compute the cotangent of each input, if only that
                                 ///< one is requested
};

std::vector<Economy> economies();

/// Checks the bytes that stay in use after the operation when no other handle holds its inputs, and the operations that
/// run for one cotangent at a time.
std::string check_economy(const Row& row, const Economy& economy);

}  // namespace tests
