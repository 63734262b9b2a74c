#pragma once

#include "autodiff/kernels/bf16.hpp"

namespace xgrad::kernels {

// Compiled for processors with AVX-512 and its BF16 instructions; called only there. Scratch as Bf16Kernels says.
void product_amx(const Bf16Problem& problem, void* scratch);  // where there is AMX, too
void product_avx512(const Bf16Problem& problem, void* scratch);
extern const std::int64_t bf16_scratch_bytes;

}  // namespace xgrad::kernels
