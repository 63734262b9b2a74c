#pragma once

#include <benchmark/benchmark.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

// The processor's peak in f32 on one thread: chains of fused multiplications and additions in registers. Compiled with
// -march=native; without fused instructions, separate multiplications and additions are used.

/// The operations of one iteration.
inline double run_fused_chains() {
#if defined(__AVX512F__)
    using V = __m512;
    const auto fma = [](V a, V b, V c) { return _mm512_fmadd_ps(a, b, c); };
    const V one = _mm512_set1_ps(0.5f);
#elif defined(__FMA__)
    using V = __m256;
    const auto fma = [](V a, V b, V c) { return _mm256_fmadd_ps(a, b, c); };
    const V one = _mm256_set1_ps(0.5f);
#else
    typedef float V __attribute__((vector_size(16)));
    const auto fma = [](V a, V b, V c) { return a * b + c; };
    const V one = {0.5f, 0.5f, 0.5f, 0.5f};
#endif
    constexpr int chains = 12, steps = 1000;
    V sum[chains] = {};
    for (V& s : sum) benchmark::DoNotOptimize(s);  // otherwise equal chains would be merged into one
    for (int i = 0; i < steps; ++i)
#pragma GCC unroll 12
        for (int c = 0; c < chains; ++c) sum[c] = fma(sum[c], one, one);
    for (V& s : sum) benchmark::DoNotOptimize(s);
    return 2.0 * chains * steps * sizeof(V) / sizeof(float);
}
