#pragma once

#include <string>
#include <vector>

#include "autodiff/core/detail/axes.hpp"
#include "autodiff/core/per_axis.hpp"

// Checks shared by convolutions and pooling. Not for users.

namespace xgrad::detail {

/// (batch, channels, sizes…) or (channels, sizes…) with `axes` sizes, f32 or f64.
inline const Tensor& check_spatial(const char* name, int axes, const Operand& operand) {
    const Tensor& x = tensor_of(operand, name);
    check_floating(x, name, operand.where());
    check<ShapeError>(x.ndim() == axes + 1 || x.ndim() == axes + 2, operand.where(), [&] {
        return std::string(name) + ": the input must have " + std::to_string(axes + 2) +
               " axes (batch, channels, sizes), or " + std::to_string(axes + 1) + " without batch, got shape " +
               to_string(x.shape());
    });
    return x;
}

/// Checks that there is one number, or one for each of `axes`, none below `least`.
inline void check_per_axis(const char* name, const char* option, const PerAxis& numbers, int axes, Int least,
                           Location where) {
    check<ValueError>(numbers.count() == 1 || numbers.count() == axes, where, [&] {
        return std::string(name) + ": " + option + " must be one number or " + std::to_string(axes) + ", got " +
               std::to_string(numbers.count());
    });
    for (int k = 0; k < axes; ++k)
        check<ValueError>(numbers[k] >= least, where, [&] {
            return std::string(name) + ": " + option + " must be at least " + std::to_string(least) + ", got " +
                   std::to_string(numbers[k]);
        });
}

/// Expands the numbers to one for each of `axes`.
inline PerAxis for_each_axis(const PerAxis& numbers, int axes) {
    std::vector<Int> each;
    for (int k = 0; k < axes; ++k) each.push_back(numbers[k]);
    return each;
}

}  // namespace xgrad::detail
