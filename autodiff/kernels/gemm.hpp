#pragma once

#include <cstdint>

namespace xgrad::kernels {

/// c (m,n) = op(a)·op(b), plus c itself with `accumulate`, plus a row `bias` unless null. Row-major; a is (m,k), or (k,m) when
/// transposed, b (k,n) or (n,k); rows are lda, ldb and ldc elements apart.
template <class T>
struct GemmProblem {
    bool transpose_a, transpose_b;
    std::int64_t m, n, k;
    const T* a;
    std::int64_t lda;
    const T* b;
    std::int64_t ldb;
    T* c;
    std::int64_t ldc;
    bool accumulate;
    const T* bias;
};

struct GemmKernels {
    /// Each element is summed in an order that depends on k alone: products cut into pieces by rows and columns agree bit by bit with
    /// the whole. `scratch` is 64-byte aligned, of `scratch_bytes`.
    void (*f32)(const GemmProblem<float>&, void* scratch);
    void (*f64)(const GemmProblem<double>&, void* scratch);
    std::int64_t scratch_bytes;
    /// Up to how many multiplications these kernels were found faster than OpenBLAS; the latter with a transposed.
    std::int64_t largest, largest_transposed;

    void run(const GemmProblem<float>& problem, void* scratch) const { f32(problem, scratch); }
    void run(const GemmProblem<double>& problem, void* scratch) const { f64(problem, scratch); }
};

}  // namespace xgrad::kernels
