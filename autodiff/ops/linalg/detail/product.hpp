#pragma once

#include "autodiff/core/precision.hpp"
#include "autodiff/core/tensor.hpp"

namespace xgrad::detail {

/// op(a)·op(b), recorded as matmul, for tensors of one dtype with at least two axes and inner sizes that agree; leading
/// axes broadcast. `ta` and `tb` say which is transposed (its last two axes): a flag to the kernel, never a copy.
/// `precision` is that of f32. Not for users.
Tensor product(const Tensor& a, const Tensor& b, bool ta = false, bool tb = false, Location where = {},
               Precision precision = Precision::full);

}  // namespace xgrad::detail
