#pragma once

#include <autodiff/autodiff.hpp>
#include <functional>
#include <initializer_list>
#include <limits>
#include <string>
#include <vector>

// The checker of operations: every row of op_table.hpp goes through every check below. A check returns a description of
// the fault, with operation, shapes and seed, or an empty text.

namespace tests {

using xgrad::DType;
using xgrad::Shape;
using xgrad::Tensor;
using xgrad::Tensors;

inline constexpr double inf = std::numeric_limits<double>::infinity();
inline constexpr double nan = std::numeric_limits<double>::quiet_NaN();
inline constexpr double pi = 3.14159265358979323846;

/// Numbers as a row writes them: `3`, `{1, 2}`, or a tensor for more axes.
struct Values {
    Values(double number) : tensor(xgrad::scalar(number)) {}
    Values(std::initializer_list<double> numbers) : tensor(xgrad::tensor(numbers)) {}
    Values(const Tensor& t) : tensor(t) {}
    Tensor tensor;
};

/// What a convention promises at one point: the value and the gradients of sum(f). Gradients omitted at the end are not
/// promised.
struct Point {
    std::vector<Values> inputs;
    Values value;
    std::vector<Values> gradients = {};
};

struct Domain {
    double low, high;
};

enum Flags : unsigned {
    differentiable = 0,
    no_gradient = 1,  ///< nothing is recorded for it
    third = 2,  ///< third derivatives are checked as well
    outside = 4,  ///< its result is not computed by an operation: random numbers, a shape that depends on values, a
                  ///< constant
    custom = 8,  ///< made from a user's functions
};

/// One operation, perhaps with arguments in parentheses: "sum(axis 0)".
struct Row {
    std::string name;
    std::function<Tensor(const Tensors&)> f;
    std::vector<std::vector<Shape>> cases;  ///< input shapes, one list per case
    std::vector<Domain> domains;  ///< of each input; the last one also applies to further inputs
    std::vector<Point> points = {};
    unsigned flags = differentiable;

    std::string operation() const { return name.substr(0, name.find('(')); }
    bool has_gradient() const { return !(flags & no_gradient); }
};

/// Reverse and forward mode against central differences up to `order`, one direction and every element; and uᵀ(Jv) =
/// (uᵀJ)v.
std::string check_derivatives(const Row& row, int order);
/// The same for f(x…) + f(x…), and for f(x, x) where shapes and domains allow it.
std::string check_fan_out(const Row& row);
/// f32 values and gradients compared with those in f64, and the dtype of both.
std::string check_single_precision(const Row& row);
/// Values and gradients of every instruction set against those of the active one.
std::string check_instruction_sets(const Row& row);
/// A plain gradient against one that an outer tape records.
std::string check_composed_path(const Row& row);
/// A cotangent that is constant along some axes, as it comes back from a sum, against the same one written out.
std::string check_constant_cotangent(const Row& row);
/// Two runs return equal bits.
std::string check_repeatable(const Row& row);
/// Every value and gradient, plain and recorded, is computed by operations made from their attributes: an operation
/// that is run again on the same inputs returns equal bits, and so does an operation made from the attributes read back
/// from text.
std::string check_run_again(const Row& row);
/// Values and gradients at the row's special points, in f64 and f32, plain and recorded.
std::string check_points(const Row& row);
/// Nothing is recorded for an operation without a gradient, and an entry is recorded for one with a gradient.
std::string check_recorded(const Row& row);

}  // namespace tests
