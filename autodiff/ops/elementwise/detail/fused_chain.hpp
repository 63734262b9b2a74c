#pragma once

// Sweeps through a chain of large element-wise operations one block at a time: the intermediate cotangents stay in a
// few kilobytes of cache and are never written to memory. Not for users.

#include <cstdint>

#include "autodiff/core/detail/record.hpp"
#include "autodiff/kernels/elementwise.hpp"

namespace xgrad::detail {

/// How one element-wise entry is pulled back: the kernel's inputs are the cotangent and the saved tensors; its outputs
/// are the cotangents of inputs `parts[j]`.
struct FusedStep {
    kernels::ElementwiseKernel kernel;
    const void* rule;
    const char* saved[4] = {};  // null: not read; the cotangent is passed instead
    std::uint8_t step[4] = {};
    int inputs = 0, outputs = 0;
    int parts[2] = {};

    /// Sets input i of the kernel to `tensor`. Returns false if it has neither the result's shape nor a single element.
    bool save(int i, const Tensor& tensor, const Shape& shape) {
        if (!tensor.defined()) return true;
        saved[i] = static_cast<const char*>(TensorAccess::data(tensor));
        step[i] = tensor.shape() == shape;
        return step[i] || tensor.size() == 1;
    }
    /// Sets input i to the number that `data` points to.
    void save_number(int i, const void* data) { saved[i] = static_cast<const char*>(data); }
};

}  // namespace xgrad::detail
