#pragma once

#include <autodiff/autodiff.hpp>
#include <functional>
#include <limits>
#include <string>
#include <vector>

// What the values of element-wise operations are compared with: functions of the standard library, or our own, in long
// double. The bounds are in units in the last place of the result; results that are denormal may be off by the smallest
// normal number, because the vector kernels flush some of them. gelu is bounded from -1 on: further left the rounding
// of its argument weighs more and more. The special functions keep away from their zeros, where only the absolute error
// stays small. logaddexp is bounded for positive arguments, because its zeros among the negative ones cancel likewise.

namespace tests {

using Number = long double;

struct Unary {
    std::string name;
    std::function<xgrad::Tensor(const xgrad::Tensor&)> f;
    Number (*reference)(Number);
    double low, high;  ///< arguments outside are not tried
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
