#pragma once

#include <cstdint>

#include "autodiff/core/precision.hpp"
#include "autodiff/core/tensor.hpp"
#include "autodiff/kernels/bf16.hpp"

// Matrix products on plain memory. Not for users.

namespace xgrad::detail {

/// C (m,n) = op(A)·op(B), plus C itself with `accumulate`, plus a row `bias` unless null; row-major and dense; A is
/// (m,k), or (k,m) when transposed, B (k,n) or (n,k).
struct Gemm {
    bool transpose_a, transpose_b;
    std::int64_t m, n, k;
    bool accumulate = false;
    Precision precision = Precision::full;  // for f32
    std::int64_t work() const { return m * n * k; }
};

void gemm(const Gemm& size, const float* a, const float* b, float* c, const float* bias = nullptr);
void gemm(const Gemm& size, const double* a, const double* b, double* c, const double* bias = nullptr);
/// For integers, which wrap around, with plain loops.
void gemm(const Gemm& size, const std::int32_t* a, const std::int32_t* b, std::int32_t* c);
void gemm(const Gemm& size, const std::int64_t* a, const std::int64_t* b, std::int64_t* c);

/// Requires that kernels::bf16() is not null.
void product_bf16(const kernels::Bf16Problem& problem);
/// Each number rounded to bf16, for products in f32 if the processor has no bf16 products.
Tensor rounded_to_bf16(const float* from, std::int64_t count);

/// If OpenBLAS runs kernels for another instruction set than ours, the OPENBLAS_CORETYPE that would correct this: a
/// version older than the processor mistakes it for an early one (Debian 12's takes Intel's Emerald Rapids for
/// Prescott, of 2004) and is then several times slower than our kernels at every size. Null if OpenBLAS's choice is
/// right or CBLAS is another library.
XGRAD_API const char* better_blas_core();

/// op(B) packed for repeated products with it; B is (k,n), or (n,k) when transposed.
template <class T>
class PackedMatrix {
public:
    PackedMatrix(const T* b, bool transposed, std::int64_t n, std::int64_t k);
    /// C (m,n) = A·op(B), plus C itself with `accumulate`, plus a row `bias` unless null; A is (m,k).
    void product(std::int64_t m, const T* a, T* c, bool accumulate = false, const T* bias = nullptr) const;

private:
    std::int64_t n_, k_;
    Tensor memory_;
};
extern template class PackedMatrix<float>;
extern template class PackedMatrix<double>;

}  // namespace xgrad::detail
