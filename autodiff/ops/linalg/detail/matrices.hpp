#pragma once

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "autodiff/core/apply.hpp"
#include "autodiff/core/detail/axes.hpp"
#include "autodiff/core/detail/parallel.hpp"
#include "autodiff/core/detail/record.hpp"
#include "autodiff/ops/elementwise/elementwise.hpp"
#include "autodiff/ops/linalg/linalg.hpp"
#include "autodiff/ops/reduce/reduce.hpp"
#include "autodiff/ops/shape/shape.hpp"
#include "product.hpp"

// Helpers shared by the files in ops/linalg/. Not for users.

namespace xgrad::detail {

/// The operand's tensor: f32 or f64, with at least two axes and sizes that fit LAPACK's integers.
const Tensor& matrix_of(const Operand& operand, const char* operation);
/// The same, square.
const Tensor& square_of(const Operand& operand, const char* operation);

inline Shape batch_of(const Shape& shape) { return Shape(shape.begin(), shape.rank() - 2); }
inline Shape with_batch(Shape batch, std::initializer_list<Int> sizes) {
    for (const Int n : sizes) batch.push_back(n);
    return batch;
}
/// The number of matrices in a tensor.
inline Int count_of_matrices(const Tensor& x) { return batch_of(x.shape()).size(); }

/// " (batch index 3)", " (batch index (1, 3))", or "" without batch axes.
std::string batch_index(const Shape& batch, Int i);

/// LAPACK's error code for each matrix of a batch: threads fill it in, and the caller throws for the first failure.
class Failures {
public:
    explicit Failures(const Shape& batch) : batch_(batch), info_(static_cast<std::size_t>(batch.size())) {}
    int& operator[](Int i) { return info_[static_cast<std::size_t>(i)]; }
    /// Throws text(info) + batch index for the first code that is not 0.
    template <class Text>
    void check_none(Location where, const Text& text) const {
        for (std::size_t i = 0; i < info_.size(); ++i)
            check<ValueError>(info_[i] == 0, where,
                              [&] { return text(info_[i]) + batch_index(batch_, static_cast<Int>(i)); });
    }

private:
    Shape batch_;
    std::vector<int> info_;
};

/// The index of matrix i of a broadcast batch in an operand with batch axes `own`.
Int index_in(const Shape& own, const Shape& batch, Int i);

/// Calls body(i) for every matrix of a batch, on several threads if the work is large enough.
template <class Body>
void for_matrices(Int count, Int work_each, const Body& body) {
    parallel_for(count, count * work_each, [&](Int begin, Int end) {
        for (Int i = begin; i < end; ++i) body(i);
    });
}

/// x broadcast to `shape`, in a buffer with no other handle.
Tensor own_copy(const Tensor& x, const Shape& shape);
inline Tensor own_copy(Tensor&& x) {
    return TensorAccess::unique(x) ? TensorAccess::constant(std::move(x)) : own_copy(x, x.shape());
}

inline Tensor transposed(const Tensor& x) { return swapaxes(x, -1, -2); }
/// The lower (upper) triangle of each matrix, with the diagonal times a factor and zeros elsewhere.
Tensor triangle(const Tensor& x, bool upper, double diagonal = 1);
/// (x + xᵀ) / 2.
inline Tensor symmetric_part(const Tensor& x) { return (x + transposed(x)) * 0.5; }
/// The diagonal of each matrix, (…, n, m) to (…, min(n, m)); and square matrices with the given diagonal.
Tensor diagonal_of(const Tensor& x, Int offset = 0);
Tensor matrix_with_diagonal(const Tensor& x);

/// triangular_solve for matrices of one dtype; errors name `operation`.
Tensor solve_triangular(const char* operation, const Tensor& a, const Tensor& b, const TriangularSolveOptions& options,
                        Location where = {});

/// The LU factors of every matrix of a batch, as LAPACK computes them for the transposed matrix, which is how it sees a
/// row-major one.
struct LU {
    Tensor factors, pivots;
};
/// `failures` receives the number of the first zero pivot, counted from 1.
LU factorise(const Tensor& a, Failures& failures);

/// Whether all elements are finite; otherwise some LAPACK routines do not terminate.
template <class T>
bool finite(const T* x, Int n) {
    for (Int i = 0; i < n; ++i)
        if (!std::isfinite(x[i])) return false;
    return true;
}

inline double precision_of(DType dtype) {
    return dtype == DType::f32 ? static_cast<double>(std::numeric_limits<float>::epsilon())
                               : std::numeric_limits<double>::epsilon();
}

}  // namespace xgrad::detail
