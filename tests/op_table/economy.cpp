#include "economy.hpp"

// Rules name what they read, and the engine what is wanted: here are figures for both. Inputs that are kept, whether
// the result is, what else; and how many operations one input's cotangent takes, written as operations.

// clang-format off
namespace tests {

std::vector<Economy> economies() {
    const std::vector<Shape> one{{64, 64}}, two{{64, 64}, {64, 64}};
    return {
        {"negative", one, {}, false, 0, {1}}, {"exp", one, {}, true, 0, {1}}, {"sqrt", one, {}, true, 0, {2}}, {"log", one, {0}, false, 0, {1}},
        {"square", one, {0}, false, 0, {2}}, {"tanh", one, {0}, true, 0, {}}, {"relu", one, {}, true, 0, {}}, {"sin", one, {0}, false, 0, {2}},
        {"add", two, {}, false, 0, {0, 0}}, {"subtract", two, {}, false, 0, {0, 1}}, {"multiply", two, {0, 1}, false, 0, {1, 1}},
        {"divide", two, {1}, true, 0, {1, 3}}, {"where", {{64, 64}, {64, 64}, {64, 64}}, {}, false, 0.125, {1, 1, 0}},
        {"sum", one, {}, false, 0, {}}, {"mean", one, {}, false, 0, {}}, {"softmax", one, {}, true, 0, {}}, {"cumsum(axis 1)", one, {}, false, 0, {1}},
        {"sort", one, {}, false, 0.5, {1}}, {"transpose", one, {}, false, 0, {1}}, {"concat", two, {}, false, 0, {}},
        {"matmul", two, {0, 1}, false, 0, {1, 1}}, {"linear", {{64, 64}, {64, 64}, {64}}, {0, 1}, false, 0, {}},
        {"layer_norm", {{64, 64}, {64}, {64}}, {0, 1}, false, 2.0 / 64, {}},
        {"conv2d", {{2, 4, 16, 16}, {4, 4, 3, 3}, {4}}, {0, 1}, false, 0, {1, 1, 1}}, {"max_pool2d", {{2, 4, 16, 16}}, {}, false, 0.125, {1}},
    };
}

}  // namespace tests
