#pragma once

#include "autodiff/core/tensor.hpp"

// Linear algebra through LAPACK, for f32 and f64. The last two axes are the matrix, leading axes are batches, and
// broadcast where there are two operands. Compositions of these (matrix_norm, matrix_exp, lstsq, einsum, …) stand in
// functions/functions.hpp.
//
// ShapeError for shapes that do not fit; ValueError where there is no result, naming the operation, what is wrong and
// the batch: "cholesky: the matrix must be positive definite, got a leading minor of order 2 that is not (batch index
// 3)".

namespace xgrad {

/// x with a·x = b: a (…, n, n), b (…, n, k), or (n) for one vector, as NumPy's solve. ValueError for a singular a, that
/// is one with a pivot of exactly zero. The gradient uses the factors again.
XGRAD_API Tensor solve(const Operand& a, const Operand& b);

struct TriangularSolveOptions {
    bool upper = false;  ///< a's upper triangle is read, not the lower one
    bool left = true;  ///< op(a)·x = b, else x·op(a) = b
    bool unit = false;  ///< a's diagonal counts as ones and is not read
    bool transpose = false;  ///< op(a) is aᵀ
};
/// x with op(a)·x = b for a triangular a (…, n, n); b (…, n, k), or (n) for one vector. The other triangle is not read
/// and has gradient 0. ValueError for a zero on the diagonal.
XGRAD_API Tensor triangular_solve(const Operand& a, const Operand& b, const TriangularSolveOptions& options = {});

/// The inverse of a (…, n, n). ValueError for a singular a.
XGRAD_API Tensor inv(const Operand& a);
/// The Moore-Penrose pseudo-inverse (…, n, m) of a (…, m, n). Singular values of at most rcond times the largest count
/// as zero; rcond < 0 stands for max(m, n) times the precision of the type. The gradient (Golub and Pereyra 1973, SIAM
/// J. Numer. Anal. 10) is right where the rank does not change nearby.
XGRAD_API Tensor pinv(const Operand& a, double rcond = -1);

struct CholeskyOptions {
    bool upper = false;
};
/// The lower l (…, n, n) with a = l·lᵀ, or with upper the upper u with a = uᵀ·u. Reads a's lower triangle; the gradient
/// is symmetric, that of a symmetric a. ValueError unless a is positive definite. Gradient: Murray 2016,
/// arXiv:1602.07527.
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
/// LAPACK's, as in NumPy: r's diagonal may be negative. The gradient (Roberts and Roberts 2020, arXiv:2009.10071) needs
/// the first k columns of a to be independent, a ValueError otherwise.
XGRAD_API QR qr(const Operand& a);

struct Eigh {
    Tensor eigenvalues, eigenvectors;
};
/// Eigenvalues (…, n), ascending, and eigenvectors, the columns of (…, n, n), of a symmetric a (…, n, n). Reads the
/// lower triangle; the gradient is symmetric. Signs of vectors are LAPACK's, so only functions that do not depend on
/// them have a meaningful gradient. Where eigenvalues are equal (up to rounding) the same goes for the basis of their
/// eigenspace: the vectors' gradient leaves such pairs out, which is right for first derivatives of functions of the
/// eigenvalues alone; what is put together of values and vectors again (a function of the matrix) is not, and neither
/// are second derivatives there. Gradient: Giles 2008, An extended collection of matrix derivative results. ValueError
/// for NaN or inf in a.
XGRAD_API Eigh eigh(const Operand& a);

struct SVD {
    Tensor u, s, vh;
};
/// a (…, m, n) = u·diag(s)·vh with u (…, m, k), s (…, k) descending and vh (…, k, n), k = min(m, n). Signs are
/// LAPACK's. Equal singular values, and for the vectors' gradient zero ones, are treated as equal eigenvalues are by
/// eigh. Gradient: Townsend 2016, Differentiating the singular value decomposition. ValueError for NaN or inf in a.
XGRAD_API SVD svd(const Operand& a);
/// The singular values alone, descending: svd(a).s, and cheaper where no gradient is wanted.
XGRAD_API Tensor svdvals(const Operand& a);

}  // namespace xgrad
