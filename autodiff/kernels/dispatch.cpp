#include <cstdlib>
#include <cstring>
#include <string>

#include "autodiff/core/error.hpp"
#include "bf16.hpp"
#include "kernel_sources.hpp"  // made by autodiff/CMakeLists.txt
#include "kernels.hpp"

#ifdef XGRAD_HAVE_BF16
#include <cpuid.h>

#include "bf16/product.hpp"
#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#endif
#endif

namespace xgrad::kernels {

// XGRAD_KERNEL_SOURCES names the sources of kernels; each has a function that fills its part of the table.
#define XGRAD_DECLARE_FILL(source) void fill_##source(Kernels&);
#define XGRAD_CALL_FILL(source) fill_##source(kernels);
#define XGRAD_DECLARE_ISA(set)                \
    namespace set {                           \
    XGRAD_KERNEL_SOURCES(XGRAD_DECLARE_FILL)  \
    inline void fill(Kernels& kernels) {      \
        kernels.isa = #set;                   \
        XGRAD_KERNEL_SOURCES(XGRAD_CALL_FILL) \
    }                                         \
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
    if (!std::strcmp(isa, "avx2") && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
        __builtin_cpu_supports("bmi2"))
        return avx2::fill(table), true;
#endif
    if (!std::strcmp(isa, "baseline")) return baseline::fill(table), true;
    return false;
}

bool fill_wanted() {
    if (const char* wanted = std::getenv("XGRAD_ISA"); wanted && *wanted) {
        if (!fill(wanted))
            throw Error(std::string("XGRAD_ISA: must be baseline, or avx2 or avx512 where built in and supported by "
                                    "the processor, got ") +
                        wanted);
        return true;
    }
    return fill("avx512") || fill("avx2") || fill("baseline");
}

}  // namespace

std::atomic<const Kernels*> chosen{nullptr};

const Kernels& select_isa() {
    static const bool filled = fill_wanted();  // executed by one thread only
    (void)filled;
    chosen.store(&table, std::memory_order_release);
    return table;
}

bool select(const char* isa) {
    active();
    return fill(isa);
}

namespace {

#ifdef XGRAD_HAVE_BF16
struct Leaf {
    unsigned a = 0, b = 0, c = 0, d = 0;
    explicit Leaf(unsigned number, unsigned part = 0) { __get_cpuid_count(number, part, &a, &b, &c, &d); }
};

bool has_avx512_bf16() {
    return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && (Leaf(7, 1).a >> 5 & 1);
}

/// The system grants the AMX registers only to processes that request them.
bool has_amx() {
#ifdef __linux__
    constexpr unsigned bf16 = 1U << 22, tiles = 1U << 24;
    constexpr long ask = 0x1023, tile_data = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
    return has_avx512_bf16() && (Leaf(7).d & (bf16 | tiles)) == (bf16 | tiles) &&
           syscall(SYS_arch_prctl, ask, tile_data) == 0;
#else
    return false;
#endif
}

const Bf16Kernels* best_bf16(const char* name) {
    const bool any = !*name;
    if ((any || !std::strcmp(name, "amx")) && has_amx()) {
        static const Bf16Kernels amx{"amx", product_amx, bf16_scratch_bytes};
        return &amx;
    }
    // Without AMX, Intel processors multiply bf16 at half the speed of f32.
    if ((any ? __builtin_cpu_is("amd") : !std::strcmp(name, "avx512")) && has_avx512_bf16()) {
        static const Bf16Kernels avx512{"avx512", product_avx512, bf16_scratch_bytes};
        return &avx512;
    }
    return nullptr;
}
#else
const Bf16Kernels* best_bf16(const char*) { return nullptr; }
#endif

std::atomic<const Bf16Kernels*>& bf16_in_use() {
    static std::atomic<const Bf16Kernels*> kernels{best_bf16("")};
    return kernels;
}

}  // namespace

const Bf16Kernels* bf16() {
    return std::strcmp(active().isa, "avx512") ? nullptr : bf16_in_use().load(std::memory_order_relaxed);
}

bool select_bf16(const char* name) {
    const Bf16Kernels* const wanted = best_bf16(name);
    if (!wanted && *name && std::strcmp(name, "none")) return false;
    bf16_in_use() = wanted;
    return true;
}

}  // namespace xgrad::kernels
