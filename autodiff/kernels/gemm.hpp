#pragma once

#include <cstdint>

namespace xgrad::kernels {

/// c (m,n) = op(a)·op(b), plus c itself with `accumulate`, plus a row `bias` unless null. Row-major; a is (m,k), or
/// (k,m) when transposed, b (k,n) or (n,k); rows are lda, ldb and ldc elements apart.
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

/// c (m,n) = a·b with b packed beforehand, which pays off if b is used repeatedly. Otherwise like GemmProblem; only the
/// columns [begin, end) of c are computed, where begin is a multiple of `panel`. Row i of a starts at a + offset[i], or
/// at a + i * k if offset is null.
template <class T>
struct PackedProblem {
    std::int64_t m, n, k;
    const T* a;
    const std::int64_t* offset;
    const T* packed;
    T* c;
    std::int64_t begin, end;
    bool accumulate;
    const T* bias;
};

/// The dot products of m rows, stored along k, with a few vectors, stored along k: element (row, vector) is at c[row *
/// c_row + vector * c_vector].
template <class T>
struct ThinProblem {
    std::int64_t m, count, k;
    const T* rows;
    std::int64_t row_stride;
    const T* vectors;
    std::int64_t vector_stride;
    T* c;
    std::int64_t c_row, c_vector;
    bool accumulate;
};

/// Packing b and multiplying by packed b, for one type. Packed, b has k rows of n elements, rounded up to a multiple of
/// `panel`; unpacked, its rows are ldb elements apart.
template <class T>
struct PackedTable {
    void (*pack)(const T* b, std::int64_t ldb, bool transposed, std::int64_t n, std::int64_t k, T* packed);
    void (*run)(const PackedProblem<T>&);
    std::int64_t panel;
};

struct GemmKernels {
    /// Each element is summed in an order that depends on k alone: products split into pieces by rows and columns are
    /// bitwise equal to the whole. `scratch` is 64-byte aligned and has `scratch_bytes` bytes.
    void (*f32)(const GemmProblem<float>&, void* scratch);
    void (*f64)(const GemmProblem<double>&, void* scratch);
    std::int64_t scratch_bytes;
    /// The number of multiplications up to which these kernels were measured to be faster than OpenBLAS; the second is
    /// for a transposed.
    std::int64_t largest, largest_transposed;

    PackedTable<float> packed_f32;
    PackedTable<double> packed_f64;
    template <class T>
    const PackedTable<T>& packed() const {
        if constexpr (sizeof(T) == 4) return packed_f32;
        else return packed_f64;
    }

    /// Rounds each number to bf16, to nearest, ties to even; NaN stays NaN.
    void (*round_to_bf16)(const float* from, float* to, std::int64_t count);

    /// If both operands are stored along k: the number of rows of one up to which the thin kernel was measured to be
    /// faster than packing the other.
    std::int64_t (*few)(std::int64_t k);
    void (*thin_f32)(const ThinProblem<float>&);
    void (*thin_f64)(const ThinProblem<double>&);
    void run(const ThinProblem<float>& problem) const { thin_f32(problem); }
    void run(const ThinProblem<double>& problem) const { thin_f64(problem); }

    void run(const GemmProblem<float>& problem, void* scratch) const { f32(problem, scratch); }
    void run(const GemmProblem<double>& problem, void* scratch) const { f64(problem, scratch); }
};

}  // namespace xgrad::kernels
