#pragma once

#include <cstdint>

#include "autodiff/core/export.hpp"
#include "gemm.hpp"

namespace xgrad::kernels {

/// Like GemmProblem, except that the rows of a, or those of b, may be anywhere; that operand is then not transposed.
struct Bf16Problem : GemmProblem<float> {
    const std::int64_t* offset_a = nullptr;  // row i begins at a + offset_a[i]
    const std::int64_t* offset_b = nullptr;  // row l begins at b + offset_b[l]
};

/// Products of numbers rounded to bf16 (to nearest, ties to even), summed in f32, for processors with instructions for
/// them. These instructions flush subnormal numbers to zero.
struct Bf16Kernels {
    const char* name;  ///< "amx" or "avx512"
    /// As in GemmKernels. Each element is summed in an order that depends on k alone, starting with c and the bias.
    void (*product)(const Bf16Problem&, void* scratch);
    std::int64_t scratch_bytes;
};

/// The fastest for this processor, or null: then products of rounded numbers use the f32 kernels. Also null unless the
/// instruction set in use is avx512 (XGRAD_ISA may select another one).
const Bf16Kernels* bf16();
/// Makes bf16() return the kernels of this name, null for "none", the fastest for ""; for tests that compare them.
/// Returns false if the processor lacks it.
XGRAD_API bool select_bf16(const char* name);

}  // namespace xgrad::kernels
