#pragma once

// The sweep through a chain of large element-wise operations, a block at a time: the cotangents between them live in a
// few kilobytes of cache and are never written to memory. Not for users.

#include <cstdint>

#include "autodiff/core/detail/record.hpp"
#include "autodiff/kernels/elementwise.hpp"

namespace xgrad::detail {

/// How one element-wise entry is pulled back: kernel inputs are the cotangent and what was saved; its outputs are
/// cotangents of inputs `parts[j]`.
struct FusedStep {
    kernels::ElementwiseKernel kernel;
    const void* rule;
    const char* saved[4] = {};  // null: not read, the cotangent stands in
    std::uint8_t step[4] = {};
    int inputs = 0, outputs = 0;
    int parts[2] = {};

    /// Input i of the kernel is `tensor`. False when it is neither of the result's shape nor a single number.
    bool save(int i, const Tensor& tensor, const Shape& shape) {
        if (!tensor.defined()) return true;
        saved[i] = static_cast<const char*>(TensorAccess::data(tensor));
        step[i] = tensor.shape() == shape;
        return step[i] || tensor.size() == 1;
    }
    /// The number that `data` points to.
    void save_number(int i, const void* data) { saved[i] = static_cast<const char*>(data); }
};

}  // namespace xgrad::detail
