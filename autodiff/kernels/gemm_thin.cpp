#include "gemm.hpp"

#include "isa.hpp"

// Products of a matrix, stored along k, with a few vectors: each of its rows is read once, from memory, for all of them.

namespace xgrad::kernels::XGRAD_ISA {
namespace {

using Int = std::int64_t;

template <class T>
inline T dot_end(const Batch<T>& sum, const T* a, const T* b, Int from, Int k) {
    T total = xsimd::hadd(sum);
    for (; from < k; ++from) total += a[from] * b[from];
    return total;
}

/// R rows with V vectors. Every element has one vector of partial sums, whatever R and V are: its bits depend on k alone.
template <int R, int V, class T>
inline void dots(const ThinProblem<T>& p, Int row, Int vector) {
    constexpr Int w = width<T>;
    const T *const a = p.rows + row * p.row_stride, *const b = p.vectors + vector * p.vector_stride;
    Batch<T> sum[R][V];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) sum[r][v] = Batch<T>(T(0));
    Int l = 0;
    for (; l + w <= p.k; l += w) {
        Batch<T> x[V];
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) x[v] = load(b + v * p.vector_stride + l);
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) {
            const Batch<T> y = load(a + r * p.row_stride + l);
#pragma GCC unroll 4
            for (int v = 0; v < V; ++v) sum[r][v] = xsimd::fma(y, x[v], sum[r][v]);
        }
    }
    T* const c = p.c + row * p.c_row + vector * p.c_vector;
    for (int r = 0; r < R; ++r)
        for (int v = 0; v < V; ++v) {
            T& to = c[r * p.c_row + v * p.c_vector];
            const T dot = dot_end(sum[r][v], a + r * p.row_stride, b + v * p.vector_stride, l, p.k);
            to = p.accumulate ? to + dot : dot;
        }
}

template <int R, class T>
inline void row_group(const ThinProblem<T>& p, Int row) {
    constexpr int most = sizeof(Batch<T>) == 64 ? 4 : 2;  // as many as the registers hold beside four rows
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

}  // namespace

void fill_thin(GemmKernels& kernels);
void fill_thin(GemmKernels& kernels) {
    kernels.thin_f32 = thin<float>;
    kernels.thin_f64 = thin<double>;
}

}  // namespace xgrad::kernels::XGRAD_ISA
