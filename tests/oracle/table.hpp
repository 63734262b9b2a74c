#pragma once

#include <autodiff/autodiff.hpp>
#include <functional>
#include <string>
#include <vector>

#include "program.hpp"
#include "random.hpp"

namespace oracle {

using xgrad::Tensor;
using xgrad::Tensors;

/// One operation of the programs: which inputs and arguments it takes, how xgrad computes it, and the C++ text for it.
struct Operation {
    std::string name;
    /// C++ with $0, $1 for the inputs, #0, #1 for arguments and #* for all of them.
    std::string text;
    std::size_t arity;
    /// Draws the arguments; false if these inputs are unsuitable: shapes, or values near kinks, poles and overflow.
    std::function<bool(Random&, const Tensors&, Ints&)> draw;
    std::function<Tensor(const Tensors&, const Ints&)> run;
};

const std::vector<Operation>& operations();
const Operation& operation_named(const std::string& name);

}  // namespace oracle
