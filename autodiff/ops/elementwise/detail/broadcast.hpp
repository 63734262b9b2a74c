#pragma once

// Runs an element-wise kernel over operands that broadcast. Not for users.

#include <cstdint>
#include <span>
#include <string>

#include "autodiff/core/detail/arguments.hpp"
#include "autodiff/core/detail/parallel.hpp"
#include "autodiff/core/tensor.hpp"
#include "autodiff/kernels/elementwise.hpp"

namespace xgrad::detail {

inline constexpr int max_operands = 6, max_results = 32;
/// What an element-wise kernel reads: the elements, their shape and size in bytes.
struct KernelInput {
    const void* data;
    const Shape* shape;
    std::int64_t element_bytes;
};
struct KernelOutput {
    void* data;  // null: not needed
    std::int64_t element_bytes;
    void* at(std::int64_t element) const { return data ? static_cast<char*>(data) + element * element_bytes : nullptr; }
};

/// For inputs that all have either the shape of the result or one element.
inline void run_flat(kernels::ElementwiseKernel kernel, const void* rule, std::int64_t size,
                     std::span<const KernelInput> in, const std::uint8_t* step, std::span<const KernelOutput> out) {
    const auto part = [&](std::int64_t begin, std::int64_t end) {
        const void* from[max_operands];
        void* to[max_results];
        for (std::size_t k = 0; k < in.size(); ++k)
            from[k] = static_cast<const char*>(in[k].data) + (step[k] ? begin * in[k].element_bytes : 0);
        for (std::size_t k = 0; k < out.size(); ++k) to[k] = out[k].at(begin);
        kernel(rule, end - begin, from, step, to);
    };
    parallel_for(size, size, part);
}

/// The general case, in broadcast.cpp.
void run_strided(kernels::ElementwiseKernel kernel, const void* rule, const Shape& shape,
                 std::span<const KernelInput> in, std::span<const KernelOutput> out);

inline void run(kernels::ElementwiseKernel kernel, const void* rule, const Shape& shape, std::int64_t size,
                std::span<const KernelInput> in, std::span<const KernelOutput> out) {
    if (size == 0) return;
    std::uint8_t step[max_operands];
    bool flat = true;
    for (std::size_t k = 0; k < in.size(); ++k) {
        const bool same = in[k].shape == &shape || *in[k].shape == shape;
        step[k] = same && size > 1;
        if (!same && in[k].shape->size() != 1) flat = false;
    }
    if (flat) run_flat(kernel, rule, size, in, step, out);
    else run_strided(kernel, rule, shape, in, out);
}

}  // namespace xgrad::detail
