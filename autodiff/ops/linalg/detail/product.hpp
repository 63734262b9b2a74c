#pragma once

#include "autodiff/core/precision.hpp"
#include "autodiff/core/tensor.hpp"

namespace xgrad::detail {

/// op(a)·op(b), recorded as matmul, for tensors of one dtype with at least two axes and inner sizes that agree; leading
/// axes broadcast. `ta` and `tb` say which operand is transposed (in its last two axes): they are flags for the kernel
/// and never cause a copy. `precision` applies to f32. Not for users.
Tensor product(const Tensor& a, const Tensor& b, bool ta = false, bool tb = false, Location where = {},
               Precision precision = Precision::full);

}  // namespace xgrad::detail
