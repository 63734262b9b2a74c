#include "gemm.hpp"

#include "gemm_tile.hpp"
#include "kernels.hpp"

// Products of a matrix, stored along k, with a few vectors: each row is read from memory once, for all vectors.

namespace xgrad::kernels::XGRAD_ISA {
namespace {

using Int = std::int64_t;

/// R rows with V vectors. Every element has one vector of partial sums, summed in the same order whatever R and V are:
/// its bits depend on k alone.
template <int R, int V, class T>
inline void dots(const ThinProblem<T>& p, Int row, Int vector) {
    constexpr Int w = width<T>;
    constexpr int q = quad<T>;
    const T *a = p.rows + row * p.row_stride, *b = p.vectors + vector * p.vector_stride;
    Batch<T> sum[R][V];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) sum[r][v] = Batch<T>(T(0));
    const auto step = [&](auto get) __attribute__((always_inline)) {
        Batch<T> x[V];
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) x[v] = get(b + v * p.vector_stride);
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) {
            const Batch<T> y = get(a + r * p.row_stride);
#pragma GCC unroll 4
            for (int v = 0; v < V; ++v) sum[r][v] = xsimd::fma(y, x[v], sum[r][v]);
        }
    };
    Int l = 0;
    for (; l + w <= p.k; l += w, a += w, b += w) step([](const T* from) { return load(from); });
    if (const Int left = p.k - l) step([left](const T* from) { return load_some(from, left); });

    T* const c = p.c + row * p.c_row + vector * p.c_vector;
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v)
#pragma GCC unroll 4
        for (int first = 0; first < R; first += q) {
            constexpr int some = R < q ? R : q;
            Batch<T> x[q];
#pragma GCC unroll 4
            for (int r = 0; r < q; ++r) x[r] = sum[r < some ? first + r : 0][v];
            Quad<T> dot = totals<T>(x);
            T* const to = c + first * p.c_row + v * p.c_vector;
            if (some == q && p.c_row == 1) {
                if (p.accumulate) dot = dot + Quad<T>::load_unaligned(to);
                dot.store_unaligned(to);
                continue;
            }
            alignas(16) T each[q];
            dot.store_aligned(each);
#pragma GCC unroll 4
            for (int r = 0; r < some; ++r) to[r * p.c_row] = p.accumulate ? to[r * p.c_row] + each[r] : each[r];
        }
}

template <int R, class T>
inline void row_group(const ThinProblem<T>& p, Int row) {
    constexpr int most = sizeof(Batch<T>) == 64 ? 4 : 2;  // as many as the registers hold in addition to four rows
    Int v = 0;
    for (; v + most <= p.count; v += most) dots<R, most>(p, row, v);
    if constexpr (most == 4)
        if (p.count - v >= 2) dots<R, 2>(p, row, v), v += 2;
    if (v < p.count) dots<R, 1>(p, row, v);
}

template <class T>
void thin(const ThinProblem<T>& p) {
    Int row = 0;
    if (p.count == 1)
        for (; row + 8 <= p.m; row += 8) dots<8, 1>(p, row, 0);
    for (; row + 4 <= p.m; row += 4) row_group<4>(p, row);
    for (; row < p.m; ++row) row_group<1>(p, row);
}

/// With 32 registers, four rows are combined with four vectors and every load serves two products; with 16, half as
/// many.
Int few(Int k) {
    constexpr bool wide = sizeof(Batch<float>) == 64;
    constexpr Int least = wide ? 8 : 4, most = wide ? 24 : 8;
    const Int some = k / (wide ? 8 : 16);
    return some < least ? least : some < most ? some : most;
}

}  // namespace

void fill_gemm_thin(Kernels& all) {
    GemmKernels& kernels = all.gemm;
    kernels.thin_f32 = thin<float>;
    kernels.thin_f64 = thin<double>;
    kernels.few = few;
}

}  // namespace xgrad::kernels::XGRAD_ISA
