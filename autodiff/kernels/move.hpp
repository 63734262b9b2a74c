#pragma once

#include <cstdint>

namespace xgrad::kernels {

/// A copy between two strided layouts of one shape. Strides count elements and may be zero (source only) or negative.
struct StridedCopy {
    static constexpr int max_rank = 8;
    int rank = 0;
    std::int64_t sizes[max_rank] = {};
    std::int64_t to[max_rank] = {};
    std::int64_t from[max_rank] = {};
};

struct MoveKernels {
    /// Indexed by element size: [0] 1, [1] 4, [2] 8 bytes.
    void (*copy[3])(void* to, const void* from, const StridedCopy& layout);
    /// to += from.
    void (*accumulate_f32)(float* to, const float* from, std::int64_t n);
    void (*accumulate_f64)(double* to, const double* from, std::int64_t n);
};

}  // namespace xgrad::kernels
