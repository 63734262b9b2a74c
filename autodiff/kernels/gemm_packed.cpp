#include <cstring>

#include "gemm_tile.hpp"

// Products with an operand that was laid out beforehand.

namespace xgrad::kernels::XGRAD_ISA {
namespace {

template <class T>
void pack(const T* b, std::int64_t ldb, bool transposed, std::int64_t n, std::int64_t k, T* packed) {
    constexpr std::int64_t nr = tile_columns<T>;
    const Depths<T> blocks(k);
    for (std::int64_t l = 0; l < k; l += blocks.depth) {
        const std::int64_t depth = smaller(blocks.depth, k - l);
        for (std::int64_t j = 0; j < n; j += nr, packed += nr * depth) {
            if (transposed) pack_columns(b + j * ldb + l, ldb, depth, smaller(nr, n - j), packed);
            else pack_rows(b + l * ldb + j, ldb, depth, smaller(nr, n - j), b + (k - 1) * ldb + n, packed);
        }
    }
}

template <class T>
void run_packed(const PackedProblem<T>& p) {
    constexpr std::int64_t mr = tile_rows, nr = tile_columns<T>;
    const std::int64_t padded = pieces(p.n, nr) * nr;
    const Depths<T> blocks(p.k);
    Tile<T> t;
    t.step_a = p.k;
    t.step_b = nr;
    t.ldc = p.n;
    t.transposed = false;
    for (std::int64_t l = 0, block = 0; block < blocks.count; ++block, l += blocks.depth) {
        t.depth = smaller(blocks.depth, p.k - l);
        t.accumulate = p.accumulate || block > 0;
        for (std::int64_t j = p.begin; j < p.end; j += nr) {
            t.columns = smaller(nr, p.n - j);
            t.b = p.packed + l * padded + j * t.depth;
            t.bias = p.bias && block == 0 ? p.bias + j : nullptr;
            for (std::int64_t i = 0; i < p.m; i += mr) {
                if (p.offset) t.offset = p.offset + i;
                t.a = p.offset ? p.a + l : p.a + i * p.k + l;
                t.c = p.c + i * p.n + j;
                run_tile<T, true>(t, smaller(mr, p.m - i));
            }
        }
    }
}

void round_to_bf16(const float* from, float* to, std::int64_t count) {
    const auto round = [](std::uint32_t x) {
        const std::uint32_t nearest = x + 0x7fff + (x >> 16 & 1), quiet = x | 0x400000;
        return ((x & 0x7fffffff) > 0x7f800000 ? quiet : nearest) & 0xffff0000;
    };
    constexpr std::int64_t together = 16;  // so that the compiler takes vectors
    std::int64_t i = 0;
    for (; i + together <= count; i += together) {
        std::uint32_t x[together];
        std::memcpy(x, from + i, sizeof x);
        for (std::uint32_t& element : x) element = round(element);
        std::memcpy(to + i, x, sizeof x);
    }
    for (; i < count; ++i) {
        std::uint32_t x;
        std::memcpy(&x, from + i, sizeof x);
        x = round(x);
        std::memcpy(to + i, &x, sizeof x);
    }
}

}  // namespace

void fill_packed(GemmKernels& kernels);
void fill_packed(GemmKernels& kernels) {
    kernels.packed_f32 = {pack<float>, run_packed<float>, tile_columns<float>};
    kernels.round_to_bf16 = round_to_bf16;
    kernels.packed_f64 = {pack<double>, run_packed<double>, tile_columns<double>};
}

}  // namespace xgrad::kernels::XGRAD_ISA
