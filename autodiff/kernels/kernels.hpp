#pragma once

#include <atomic>

#include "autodiff/core/export.hpp"
#include "elementwise.hpp"
#include "reduce.hpp"
#include "move.hpp"
#include "update.hpp"
#include "gemm.hpp"
#include "gather.hpp"
#include "recurrent.hpp"
#include "normalize.hpp"
#include "convolve.hpp"
#include "attention.hpp"

// The kernels of the instruction set in use. Each family has a table of function pointers in its own header. Every
// source in this folder is compiled once per instruction set and fills part of a table, in a function
// fill_NAME(Kernels&) for the source NAME.cpp. Plain arithmetic on raw pointers: no tensors, no tapes, no errors.
//
// To add a family: write its header and its source, and add its table to Kernels.

namespace xgrad::kernels {

struct Kernels {
    const char* isa;
    ElementwiseKernels elementwise;
    ReduceKernels reduce;
    MoveKernels move;
    UpdateKernels update;
    GemmKernels gemm;
    GatherKernels gather;
    RecurrentKernels recurrent;
    NormalizeKernels normalize;
    ConvolveKernels convolve;
    AttentionKernels attention;
};

/// Null until `active` has chosen.
extern XGRAD_API std::atomic<const Kernels*> chosen;
XGRAD_API const Kernels& select_isa();
/// Chosen once, at first use: the widest set that this processor supports, or the one named by the environment variable
/// XGRAD_ISA (baseline, avx2 or avx512; an unknown or unsupported one is an Error).
inline const Kernels& active() {
    const Kernels* kernels = chosen.load(std::memory_order_acquire);
    return kernels ? *kernels : select_isa();
}
/// Makes another set the active one, for tests that compare them. Returns false if it is not built in or the processor
/// lacks it.
XGRAD_API bool select(const char* isa);

}  // namespace xgrad::kernels
