#pragma once

#include "autodiff/kernels/bf16.hpp"

namespace xgrad::kernels {

// Compiled for processors with AVX-512 and its BF16 instructions, and called only on these. For `scratch` see
// Bf16Kernels.
void product_amx(const Bf16Problem& problem, void* scratch);  // also requires AMX
void product_avx512(const Bf16Problem& problem, void* scratch);
extern const std::int64_t bf16_scratch_bytes;

}  // namespace xgrad::kernels
