#pragma once

#include <string>
#include <vector>

#include "../op_checker.hpp"

// The check of large batches and its cases.

namespace tests {

/// A batch of a row's operation that is large enough for several blocks, several threads and CBLAS.
struct LargeCase {
    static constexpr int shared = -1;

    std::string row;
    std::vector<Shape> shapes;
    std::vector<int>
        split;  ///< the batch axis of each input; `shared`: a parameter, whose gradients of all samples add up
    int result_axis = 0;     ///< the batch axis of the result
};

std::vector<LargeCase> large_cases();

/// Value and gradients of a large batch against those of its pieces put together, in f64 and f32, with 1 and 2 threads;
/// and the same again with an element-wise chain after the operation, which is pulled back in blocks.
std::string check_large(const Row& row, const LargeCase& large);

}  // namespace tests
