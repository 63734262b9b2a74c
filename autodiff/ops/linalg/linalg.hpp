#pragma once

#include "autodiff/core/tensor.hpp"

// Linear algebra through LAPACK, for f32 and f64. The last two axes are the matrix; leading axes are batches, which
// broadcast if there are two operands. Compositions of these operations (matrix_norm, matrix_exp, lstsq, einsum, …) are
// in functions/functions.hpp.
//
// ShapeError for incompatible shapes; ValueError if there is no result, naming the operation, the problem and the
// batch: "cholesky: the matrix must be positive definite, got a leading minor of order 2 that is not (batch index 3)".

namespace xgrad {

/// The x with a·x = b: a (…, n, n), b (…, n, k), or (n) for a single vector, as in NumPy. ValueError for a singular a,
/// meaning a pivot of exactly zero. The gradient reuses the factorisation.
XGRAD_API Tensor solve(const Operand& a, const Operand& b);

struct TriangularSolveOptions {
    bool upper = false;  ///< read a's upper triangle instead of the lower one
    bool left = true;  ///< op(a)·x = b, else x·op(a) = b
    bool unit = false;  ///< a's diagonal is taken as ones and not read
    bool transpose = false;  ///< op(a) is aᵀ
};
/// The x with op(a)·x = b for a triangular a (…, n, n); b (…, n, k), or (n) for a single vector. The other triangle is
/// not read and has gradient 0. ValueError for a zero on the diagonal.
XGRAD_API Tensor triangular_solve(const Operand& a, const Operand& b, const TriangularSolveOptions& options = {});

/// The inverse of a (…, n, n). ValueError for a singular a.
XGRAD_API Tensor inv(const Operand& a);
/// The Moore-Penrose pseudo-inverse (…, n, m) of a (…, m, n). Singular values of at most rcond times the largest count
/// as zero; rcond < 0 means max(m, n) times the machine epsilon of the type. The gradient (Golub and Pereyra 1973, SIAM
/// J. Numer. Anal. 10) is right where the rank does not change nearby.
XGRAD_API Tensor pinv(const Operand& a, double rcond = -1);

struct CholeskyOptions {
    bool upper = false;
};
/// The lower triangular l (…, n, n) with a = l·lᵀ, or with `upper` the upper triangular u with a = uᵀ·u. Reads a's
/// lower triangle; the gradient is symmetric, that of a symmetric a. ValueError unless a is positive definite.
/// Gradient: Murray 2016, arXiv:1602.07527.
XGRAD_API Tensor cholesky(const Operand& a, const CholeskyOptions& options = {});

/// The determinant (…) of a (…, n, n); 1 for n = 0. First and second derivatives are right for singular matrices too
/// (through the singular value decomposition); higher ones need an invertible a.
XGRAD_API Tensor det(const Operand& a);
struct SLogDet {
    Tensor sign, logabsdet;
};
/// Sign and logarithm of the absolute value of the determinant, without overflow. The sign has no gradient. A singular
/// a gives 0, -inf and NaN gradients.
XGRAD_API SLogDet slogdet(const Operand& a);

struct QR {
    Tensor q, r;
};
/// a (…, m, n) = q·r with orthonormal columns q (…, m, k) and upper triangular r (…, k, n), k = min(m, n). Signs are
/// LAPACK's, as in NumPy: r's diagonal may be negative. The gradient (Roberts and Roberts 2020, arXiv:2009.10071)
/// requires the first k columns of a to be linearly independent, and is a ValueError otherwise.
XGRAD_API QR qr(const Operand& a);

struct Eigh {
    Tensor eigenvalues, eigenvectors;
};
/// Eigenvalues (…, n), ascending, and eigenvectors, the columns of (…, n, n), of a symmetric a (…, n, n). Reads the
/// lower triangle; the gradient is symmetric. The signs of the vectors are LAPACK's, so only functions that do not
/// depend on them have a meaningful gradient. If eigenvalues are equal (up to rounding), the same applies to the basis
/// of their eigenspace: the vectors' gradient leaves such pairs out. That is right for first derivatives of functions
/// of the eigenvalues alone, but not for functions recombined from values and vectors (matrix functions), nor for
/// second derivatives there. Gradient: Giles 2008, An extended collection of matrix derivative results. ValueError for
/// NaN or inf in a.
XGRAD_API Eigh eigh(const Operand& a);

struct SVD {
    Tensor u, s, vh;
};
/// a (…, m, n) = u·diag(s)·vh with u (…, m, k), s (…, k) descending and vh (…, k, n), k = min(m, n). Signs are
/// LAPACK's. Equal singular values, and zero ones in the vectors' gradient, are treated like equal eigenvalues in eigh.
/// Gradient: Townsend 2016, Differentiating the singular value decomposition. ValueError for NaN or inf in a.
XGRAD_API SVD svd(const Operand& a);
/// The singular values alone, descending: svd(a).s, but cheaper if no gradient is needed.
XGRAD_API Tensor svdvals(const Operand& a);

}  // namespace xgrad
