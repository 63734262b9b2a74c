#pragma once

#include "autodiff/core/detail/parallel.hpp"
#include "autodiff/core/tensor.hpp"
#include "autodiff/kernels/kernels.hpp"

// Copies between strided layouts. Not for users.

namespace xgrad::detail {

/// The strides of a contiguous array, in elements.
inline void row_major(const Shape& shape, std::int64_t* strides) {
    std::int64_t stride = 1;
    for (int k = shape.rank() - 1; k >= 0; --k) {
        strides[k] = stride;
        stride *= shape[k];
    }
}

/// Merges axes that are contiguous with each other in both layouts and copies, with several threads if that pays off.
inline void copy_strided(void* to, const void* from, DType dtype, const kernels::StridedCopy& layout) {
    kernels::StridedCopy merged;
    std::int64_t work = 1;
    for (int k = 0; k < layout.rank; ++k) {
        const auto size = layout.sizes[k];
        work *= size;
        if (size == 1) continue;
        const int last = merged.rank - 1;
        if (last >= 0 && merged.to[last] == layout.to[k] * size && merged.from[last] == layout.from[k] * size) {
            merged.sizes[last] *= size;
            merged.to[last] = layout.to[k];
            merged.from[last] = layout.from[k];
        } else {
            merged.sizes[merged.rank] = size;
            merged.to[merged.rank] = layout.to[k];
            merged.from[merged.rank] = layout.from[k];
            ++merged.rank;
        }
    }
    if (work == 0) return;
    const auto bytes = size_of(dtype);
    const auto copy = kernels::active().move.copy[bytes == 1 ? 0 : bytes == 4 ? 1 : 2];
    if (merged.rank == 0) return copy(to, from, merged);
    parallel_for(merged.sizes[0], work, [&](std::int64_t begin, std::int64_t end) {
        kernels::StridedCopy part = merged;
        part.sizes[0] = end - begin;
        copy(static_cast<char*>(to) + begin * merged.to[0] * bytes,
             static_cast<const char*>(from) + begin * merged.from[0] * bytes, part);
    });
}

}  // namespace xgrad::detail
