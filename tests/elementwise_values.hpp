#pragma once

#include <autodiff/autodiff.hpp>
#include <functional>
#include <limits>
#include <string>
#include <vector>

// The reference for the values of element-wise operations: functions of the standard library, or our own, in long
// double. The bounds are in units in the last place of the result; denormal results may be off by the smallest normal
// number, because the vector kernels flush some of them. gelu is bounded from -1 on: further left, the rounding of its
// argument has a growing effect. The special functions avoid their zeros, where only the absolute error stays small.
// logaddexp is bounded for positive arguments, because cancellation occurs likewise at its zeros among the negative
// ones.

namespace tests {

using Number = long double;

struct Unary {
    std::string name;
    std::function<xgrad::Tensor(const xgrad::Tensor&)> f;
    Number (*reference)(Number);
    double low, high;  ///< arguments outside are not tested
    double ulp64, ulp32;  ///< largest error
};

struct Binary {
    std::string name;
    std::function<xgrad::Tensor(const xgrad::Tensor&, const xgrad::Tensor&)> f;
    Number (*reference)(Number, Number);
    double ulp64, ulp32;
    double low = -std::numeric_limits<double>::infinity(), high = -low;
};

const std::vector<Unary>& unary_table();
const std::vector<Binary>& binary_table();

}  // namespace tests
