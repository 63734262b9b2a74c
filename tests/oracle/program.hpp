#pragma once

// A random program as data, which both libraries can run. C++17, because libtorch's headers are.

#include <cstdint>
#include <string>
#include <vector>

namespace oracle {

using Ints = std::vector<std::int64_t>;

/// Elements as doubles, whatever their type.
struct Array {
    Ints shape;
    bool single = false;  // f32, else f64
    std::vector<double> values;
};

/// An operation of the table, applied to earlier values.
struct Step {
    std::string operation;
    std::vector<std::size_t> inputs;
    Ints arguments;
};

/// Values are numbered: leaves first, then one per step. The result is the sum over all values that no step uses
/// (leaves aside), each element times `weight`.
struct Program {
    std::vector<Array> leaves;
    std::vector<Step> steps;

    std::size_t size() const { return leaves.size() + steps.size(); }
    std::vector<bool> used() const {
        std::vector<bool> marks(size());
        for (const Step& step : steps)
            for (const std::size_t input : step.inputs) marks[input] = true;
        return marks;
    }
};

inline double weight(std::size_t element) { return static_cast<double>((element * 7919 + 13) % 101) / 50.0 - 1; }

/// A library's results for the program: all values, and the gradient of every leaf.
struct Outcome {
    std::vector<Array> values, gradients;
    std::string error;
};

Outcome run_with_xgrad(const Program& program);
Outcome run_with_torch(const Program& program);

/// A program of 5 to 40 steps. The same seed produces the same program on every machine.
Program draw(std::uint64_t seed);
/// As C++ that compiles against xgrad.
std::string to_cpp(const Program& program);

}  // namespace oracle
