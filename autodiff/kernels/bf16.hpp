#pragma once

#include <cstdint>

#include "autodiff/core/export.hpp"
#include "gemm.hpp"

namespace xgrad::kernels {

/// As GemmProblem, but that the rows of a, or those of b, may lie anywhere; which are then not transposed.
struct Bf16Problem : GemmProblem<float> {
    const std::int64_t* offset_a = nullptr;  // row i begins at a + offset_a[i]
    const std::int64_t* offset_b = nullptr;  // row l begins at b + offset_b[l]
};

/// Products of numbers rounded to bf16 (to nearest, ties to even), added up in f32, where the processor has
/// instructions for them. These take subnormal numbers for zero.
struct Bf16Kernels {
    const char* name;  ///< "amx" or "avx512"
    /// As GemmKernels'. Each element is summed in an order that depends on k alone, c and the bias first.
    void (*product)(const Bf16Problem&, void* scratch);
    std::int64_t scratch_bytes;
};

/// The fastest for this processor, or null: then products of rounded numbers run in the kernels of f32. Null, too,
/// unless the instruction set in use is avx512 (XGRAD_ISA may name another one).
const Bf16Kernels* bf16();
/// Makes bf16() give the one of this name, null for "none", the fastest for ""; for tests that compare them. False when
/// the processor lacks it.
XGRAD_API bool select_bf16(const char* name);

}  // namespace xgrad::kernels
