#include "autodiff/core/detail/dispatch.hpp"
#include "detail/lapack.hpp"
#include "detail/matrices.hpp"

// The Cholesky decomposition.

namespace xgrad {

using namespace detail;

namespace {

Tensor cholesky_values(const Tensor& a, Location where) {
    Tensor y = triangle(a, false);
    const Int n = a.shape(-1);
    if (a.size() == 0) return y;
    Failures failures(batch_of(a.shape()));
    with_floating(a.dtype(), [&]<class T>(T) {
        T* l = elements<T>(y);
        for_matrices(count_of_matrices(a), n * n * n / 3,
                     [&](Int i) { failures[i] = cholesky_in_place(static_cast<int>(n), l + i * n * n); });
    });
    failures.check_none(where, [](int order) {
        return "cholesky: the matrix must be positive definite, got a leading minor of order " + std::to_string(order) +
               " that is not";
    });
    return y;
}

/// l⁻ᵀ·p·l⁻¹ for the lower triangle p of lᵀ·g with its diagonal halved, symmetrised; in g's buffer.
Tensor cholesky_back(const Tensor& l, Tensor&& g) {
    Tensor p = own_copy(std::move(g));
    if (p.size() == 0) return p;
    const Int n = l.shape(-1);
    const int size = static_cast<int>(n);
    with_floating(l.dtype(), [&]<class T>(T) {
        const T* factors = elements<T>(l);
        T* all = elements<T>(p);
        for_matrices(count_of_matrices(l), 3 * n * n * n, [&](Int matrix) {
            const T* f = factors + matrix * n * n;
            T* x = all + matrix * n * n;
            Lapack<T>::trmm(CblasRowMajor, CblasLeft, CblasLower, CblasTrans, CblasNonUnit, size, size, T(1), f, size,
                            x, size);
            for (Int i = 0; i < n; ++i) {
                x[i * n + i] *= T(0.5);
                std::fill(x + i * n + i + 1, x + (i + 1) * n, T(0));
            }
            Lapack<T>::trsm(CblasRowMajor, CblasLeft, CblasLower, CblasTrans, CblasNonUnit, size, size, T(1), f, size,
                            x, size);
            Lapack<T>::trsm(CblasRowMajor, CblasRight, CblasLower, CblasNoTrans, CblasNonUnit, size, size, T(1), f,
                            size, x, size);
            constexpr Int block = 16;
            for (Int top = 0; top < n; top += block)
                for (Int left = 0; left <= top; left += block)
                    for (Int i = top; i < std::min(n, top + block); ++i)
                        for (Int j = left; j < std::min(i, left + block); ++j)
                            x[i * n + j] = x[j * n + i] = T(0.5) * (x[i * n + j] + x[j * n + i]);
        });
    });
    return p;
}

struct Cholesky {
    static constexpr const char* name = "cholesky";
    Location where = {};
    static constexpr Saves saves{.outputs = 1};

    Tensor value(const Tensor& a) const { return cholesky_values(a, where); }
    static Tensor pullback(Tensor g, const Saved& s) {
        const Tensor& l = s.output();
        const Tensor p = triangle(product(l, g, true), false, 0.5);
        const Tensor half = solve_triangular(name, l, p, {.transpose = true});
        return symmetric_part(solve_triangular(name, l, half, {.left = false}));
    }
    static Tensor fused_pullback(Tensor g, const Saved& s) { return cholesky_back(s.output(), std::move(g)); }
};

}  // namespace

Tensor cholesky(const Operand& operand, const CholeskyOptions& options) {
    const Tensor& a = square_of(operand, "cholesky");
    const Tensor l = apply(Cholesky{operand.where()}, {a}, operand.where());
    return options.upper ? transposed(l) : l;
}

}  // namespace xgrad
