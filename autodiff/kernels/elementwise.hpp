#pragma once

#include <cstdint>

#include "autodiff/rules/elementwise.hpp"

namespace xgrad::kernels {

/// n elements of an element-wise operation: out[j][i] = f(in[0][i·step[0]], in[1][i·step[1]], …). A step is 0 (one
/// value for all) or 1. An output may be one of the inputs.
using ElementwiseKernel = void (*)(const void* rule, std::int64_t n, const void* const* in, const std::uint8_t* step,
                                   void* const* out);

struct ElementwiseKernels {
    // [2]: f32, f64. Inputs of a pull: g, x, y and g, a, b, y.
    struct One {
        ElementwiseKernel value[2], pull[2];
    } unary[rules::Unary::size];
    struct Two {
        ElementwiseKernel value[2], pull_a[2], pull_b[2], pull_both[2];
    } binary[rules::Binary::size];
    /// in: condition (bytes), a, b; by element size: [0] 1, [1] 4, [2] 8 bytes.
    ElementwiseKernel where[3];
};

}  // namespace xgrad::kernels
