#include <array>
#include <cmath>
#include <span>

#include "autodiff/core/detail/composition.hpp"
#include "autodiff/core/detail/dispatch.hpp"
#include "detail/lapack.hpp"
#include "detail/matrices.hpp"

// eigh, svd and pinv.

namespace xgrad {

using namespace detail;

namespace {

constexpr int not_finite = -1;

void check_converged(const char* operation, const Failures& failures, Location where) {
    failures.check_none(where, [&](int info) {
        return std::string(operation) + (info == not_finite ? ": the matrix must be finite, got NaN or inf"
                                                            : ": the iteration must converge, got no convergence");
    });
}

/// 1 / (w_j - w_i), or 0 if they are equal up to rounding; w is (…, n), the result (…, n, n).
Tensor inverse_gaps(const Tensor& w) {
    const Tensor scale = max(abs(stop_gradient(w)), -1, true);
    const Tensor gaps = expand_dims(w, -2) - expand_dims(w, -1);
    const Tensor equal = less_equal(abs(stop_gradient(gaps)), expand_dims(scale, -1) * (10 * precision_of(w.dtype())));
    return where(equal, 0, 1 / where(equal, 1, gaps));
}

/// x - xᵀ.
Tensor antisymmetric(const Tensor& x) { return x - transposed(x); }

// --- eigh ------------------------------------------------------------------------------------------------------------

std::array<Tensor, 2> eigh_values(const Tensor& a, Location where) {
    const Shape batch = batch_of(a.shape());
    const Int n = a.shape(-1);
    std::array<Tensor, 2> y{empty(with_batch(batch, {n}), a.dtype()), own_copy(a, a.shape())};
    if (a.size() == 0) return y;
    Failures failures(batch);
    with_floating(a.dtype(), [&]<class T>(T) {
        T *w = elements<T>(y[0]), *all = elements<T>(y[1]);
        for_matrices(batch.size(), 9 * n * n * n, [&](Int i) {
            T* v = all + i * n * n;
            for (Int row = 0; row < n && !failures[i]; ++row)
                if (!finite(v + row * n, row + 1)) failures[i] = not_finite;
            if (!failures[i]) failures[i] = symmetric_eigen_in_place(static_cast<int>(n), v, w + i * n);
        });
    });
    check_converged("eigh", failures, where);
    y[1] = transposed(y[1]);
    return y;
}

struct Eigendecomposition {
    static constexpr const char* name = "eigh";
    Location where = {};
    static constexpr Saves saves{.outputs = 0b11};

    std::array<Tensor, 2> value(const Tensor& a) const { return eigh_values(a, where); }
    static Tensor pullback(std::span<const Tensor> g, const Saved& s) {
        const Tensor &w = s.output(0), &v = s.output(1);
        if (v.size() == 0) return zeros_like(v);
        // v·(diag(gw) + F∘(vᵀ·gv))·vᵀ, of which only the symmetric part counts: in v's basis, the change of v is
        // antisymmetric.
        const Tensor inside =
            inverse_gaps(w) * (0.5 * antisymmetric(product(v, g[1], true))) + matrix_with_diagonal(g[0]);
        return product(v, product(inside, v, false, true));
    }
};

}  // namespace

Eigh eigh(const Operand& operand) {
    const std::array<Tensor, 2> y =
        apply(Eigendecomposition{operand.where()}, {square_of(operand, "eigh")}, operand.where());
    return {y[0], y[1]};
}

// --- svd -------------------------------------------------------------------------------------------------------------

namespace {

std::array<Tensor, 3> svd_values(const char* operation, const Tensor& a, bool vectors, Location where) {
    const Shape batch = batch_of(a.shape());
    const Int m = a.shape(-2), n = a.shape(-1), k = std::min(m, n);
    std::array<Tensor, 3> y;
    y[1] = empty(with_batch(batch, {k}), a.dtype());
    if (vectors) {
        y[0] = empty(with_batch(batch, {m, k}), a.dtype());
        y[2] = empty(with_batch(batch, {k, n}), a.dtype());
    }
    if (a.size() == 0) return y;
    Failures failures(batch);
    with_floating(a.dtype(), [&]<class T>(T) {
        for_matrices(batch.size(), 9 * m * n * k, [&](Int i) {
            const T* from = elements<T>(a) + i * m * n;
            std::vector<T> work(from, from + m * n);
            T* u = vectors ? elements<T>(y[0]) + i * m * k : nullptr;
            T* vh = vectors ? elements<T>(y[2]) + i * k * n : nullptr;
            failures[i] = finite(from, m * n) ? singular_values(static_cast<int>(m), static_cast<int>(n), work.data(),
                                                                u, elements<T>(y[1]) + i * k, vh)
                                              : not_finite;
        });
    });
    check_converged(operation, failures, where);
    return y;
}

struct Svd {
    static constexpr const char* name = "svd";
    bool vectors = true;  // false: u and vh are left empty unless a derivative may need them
    Location where = {};
    XGRAD_ATTRIBUTES(vectors)
    static constexpr Saves saves{.outputs = 0b111};

    std::array<Tensor, 3> value(const Tensor& a, bool for_pullback) const {
        return svd_values(name, a, vectors || for_pullback, where);
    }
    static Tensor pullback(std::span<const Tensor> g, const Saved& saved) {
        const Tensor &u = saved.output(0), &s = saved.output(1), &vh = saved.output(2);
        const Int m = u.shape(-2), n = vh.shape(-1), k = s.shape(-1);
        if (k == 0 || s.size() == 0) return zeros(saved.shape(), u.dtype());
        // In units of the largest singular value, whose square may leave the range: all terms except the last are
        // divided by it.
        const Tensor largest = max(stop_gradient(s), -1, true), unit = xgrad::where(equal(largest, 0), 1, largest);
        const Tensor relative = s / unit, row = expand_dims(relative, -2), column = expand_dims(relative, -1);
        // 1 / (s_j² - s_i²) from the gaps, which avoids needless cancellation. If both are 0, so is the gap.
        const Tensor total = row + column, none = equal(total, 0);
        const Tensor f = inverse_gaps(relative) * xgrad::where(none, 0, 1 / xgrad::where(none, 1, total));
        const Tensor zero =
            less_equal(stop_gradient(relative), static_cast<double>(std::max(m, n)) * precision_of(s.dtype()));
        const Tensor inverse = xgrad::where(zero, 0, 1 / xgrad::where(zero, 1, relative));
        const Tensor &gu = g[0], &gs = g[1], &gvh = g[2];
        const Tensor sides =
            f * antisymmetric(product(u, gu, true)) * row + column * (f * antisymmetric(product(vh, gvh, false, true)));
        const Tensor inside = sides / expand_dims(unit, -1) + matrix_with_diagonal(gs);
        // The parts of gu and gv outside the spaces that u and v span.
        Tensor left = product(u, inside);
        if (m > k) left = left + (gu - product(u, product(u, gu, true))) * expand_dims(inverse / unit, -2);
        Tensor result = product(left, vh);
        if (n > k)
            result = result +
                     product(u, expand_dims(inverse / unit, -1) * (gvh - product(product(gvh, vh, false, true), vh)));
        return result;
    }
};

struct Pinv {
    static constexpr const char* name = "pinv";
    double rcond = -1;
    Location where = {};
    XGRAD_ATTRIBUTES(rcond)
    static constexpr Saves saves{.inputs = 1, .outputs = 1};

    Tensor value(const Tensor& a) const {
        const Int m = a.shape(-2), n = a.shape(-1);
        if (a.size() == 0) return zeros(with_batch(batch_of(a.shape()), {n, m}), a.dtype());
        const auto y = svd_values(name, a, true, where);
        const double cutoff = rcond < 0 ? static_cast<double>(std::max(m, n)) * precision_of(a.dtype()) : rcond;
        const Tensor zero = less_equal(y[1], max(y[1], -1, true) * cutoff);
        const Tensor inverse = xgrad::where(zero, 0, 1 / xgrad::where(zero, 1, y[1]));
        return product(y[2], y[0] * expand_dims(inverse, -2), true, true);
    }
    static Tensor pullback(Tensor g, const Saved& s) {
        const Tensor &a = s.input(), &p = s.output();
        // dp = -p·da·p + p·pᵀ·daᵀ·(1 - a·p) + (1 - p·a)·daᵀ·pᵀ·p
        const Tensor h = transposed(g);
        // (1 - a·p)·gᵀ·p·pᵀ and pᵀ·p·gᵀ·(1 - p·a), in an order in which no square of p can leave the range.
        const Tensor right = h - product(a, product(p, h)), left = h - product(product(h, p), a);
        return product(product(right, p), p, false, true) + product(p, product(p, left), true) -
               product(p, product(g, p, false, true), true);
    }
};

}  // namespace

SVD svd(const Operand& operand) {
    const std::array<Tensor, 3> y = apply(Svd{true, operand.where()}, {matrix_of(operand, "svd")}, operand.where());
    return {y[0], y[1], y[2]};
}

Tensor svdvals(const Operand& operand) {
    return composed("svdvals", operand.where(), [&]() -> Tensor {
        return apply(Svd{false, operand.where()}, {matrix_of(operand, "svdvals")}, operand.where())[1];
    });
}

Tensor pinv(const Operand& operand, double rcond) {
    return apply(Pinv{rcond, operand.where()}, {matrix_of(operand, "pinv")}, operand.where());
}

}  // namespace xgrad
