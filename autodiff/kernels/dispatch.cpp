#include <cstdlib>
#include <cstring>
#include <string>

#include "../error.hpp"
#include "kernels.hpp"

namespace xgrad::kernels {

#define XGRAD_DECLARE_ISA(set)                              \
    namespace set {                                         \
    void fill_elementwise_functions(ElementwiseKernels&);   \
    void fill_elementwise_special(ElementwiseKernels&);     \
    void fill_elementwise_activations(ElementwiseKernels&); \
    void fill_elementwise_binary(ElementwiseKernels&);      \
    void fill_reduce(ReduceKernels&);                       \
    void fill_softmax(ReduceKernels&);                      \
    void fill_move(MoveKernels&);                           \
    void fill_update(UpdateKernels&);                       \
    void fill_gemm(GemmKernels&);                           \
    void fill_choose(ChooseKernels&);                       \
    void fill_recurrent(RecurrentKernels&);                 \
    void fill_normalize(NormalizeKernels&);                 \
    void fill_convolve(ConvolveKernels&);                   \
    void fill_attention(AttentionKernels&);                 \
    inline void fill(Kernels& kernels) {                    \
        kernels.isa = #set;                                 \
        fill_elementwise_functions(kernels.elementwise);    \
        fill_elementwise_special(kernels.elementwise);      \
        fill_elementwise_activations(kernels.elementwise);  \
        fill_elementwise_binary(kernels.elementwise);       \
        fill_reduce(kernels.reduce);                        \
        fill_softmax(kernels.reduce);                       \
        fill_move(kernels.move);                            \
        fill_update(kernels.update);                        \
        fill_gemm(kernels.gemm);                            \
        fill_choose(kernels.choose);                        \
        fill_recurrent(kernels.recurrent);                  \
        fill_normalize(kernels.normalize);                  \
        fill_attention(kernels.attention);                  \
        fill_convolve(kernels.convolve);                    \
    }                                                       \
    }

XGRAD_DECLARE_ISA(baseline)
#ifdef XGRAD_HAVE_AVX2
XGRAD_DECLARE_ISA(avx2)
#endif
#ifdef XGRAD_HAVE_AVX512
XGRAD_DECLARE_ISA(avx512)
#endif

namespace {

Kernels table;

bool fill(const char* isa) {
#ifdef XGRAD_HAVE_AVX512
    if (!std::strcmp(isa, "avx512") && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512cd"))
        return avx512::fill(table), true;
#endif
#ifdef XGRAD_HAVE_AVX2
    if (!std::strcmp(isa, "avx2") && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2"))
        return avx2::fill(table), true;
#endif
    if (!std::strcmp(isa, "baseline")) return baseline::fill(table), true;
    return false;
}

bool fill_wanted() {
    if (const char* wanted = std::getenv("XGRAD_ISA"); wanted && *wanted) {
        if (!fill(wanted))
            throw Error(std::string("XGRAD_ISA: must be baseline, or avx2 or avx512 where built in and supported by the processor, got ") +
                        wanted);
        return true;
    }
    return fill("avx512") || fill("avx2") || fill("baseline");
}

}  // namespace

std::atomic<const Kernels*> chosen{nullptr};

const Kernels& choose() {
    static const bool filled = fill_wanted();  // by one thread only
    (void)filled;
    chosen.store(&table, std::memory_order_release);
    return table;
}

bool select(const char* isa) {
    active();
    return fill(isa);
}

}  // namespace xgrad::kernels
