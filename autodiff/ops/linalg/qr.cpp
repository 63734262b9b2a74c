#include <array>
#include <span>

#include "autodiff/core/detail/composition.hpp"
#include "autodiff/core/detail/dispatch.hpp"
#include "detail/lapack.hpp"
#include "detail/matrices.hpp"

// The QR decomposition.

namespace xgrad {

using namespace detail;

namespace {

std::array<Tensor, 2> qr_values(const Tensor& a) {
    const Shape batch = batch_of(a.shape());
    const Int m = a.shape(-2), n = a.shape(-1), k = std::min(m, n);
    std::array<Tensor, 2> y{empty(with_batch(batch, {m, k}), a.dtype()), empty(with_batch(batch, {k, n}), a.dtype())};
    if (k == 0) return y;
    with_floating(a.dtype(), [&]<class T>(T) {
        for_matrices(batch.size(), 2 * m * n * k, [&](Int matrix) {
            const T* from = elements<T>(a) + matrix * m * n;
            T *q = elements<T>(y[0]) + matrix * m * k, *r = elements<T>(y[1]) + matrix * k * n;
            std::vector<T> factors(from, from + m * n), tau(static_cast<std::size_t>(k));
            qr_in_place(static_cast<int>(m), static_cast<int>(n), factors.data(), tau.data());
            const T* f = factors.data();
            for (Int i = 0; i < k; ++i) {
                std::fill(r + i * n, r + i * n + i, T(0));
                std::copy(f + i * n + i, f + (i + 1) * n, r + i * n + i);
            }
            for (Int i = 0; i < m; ++i) std::copy(f + i * n, f + i * n + k, q + i * k);
            orthogonal_in_place(static_cast<int>(m), static_cast<int>(k), q, tau.data());
        });
    });
    return y;
}

/// The gradient for independent columns: (gq + q·copyltu(r·grᵀ - gqᵀ·q))·r⁻ᵀ, where copyltu mirrors the lower triangle.
Tensor qr_back(const Tensor& q, const Tensor& r, const Tensor& gq, const Tensor& gr, Location where) {
    const Tensor m = triangle(product(r, gr, false, true) - product(gq, q, true), false, 0.5);
    return solve_triangular("qr", r, gq + product(q, m + transposed(m)),
                            {.upper = true, .left = false, .transpose = true}, where);
}

struct Qr {
    static constexpr const char* name = "qr";
    Location where = {};
    static constexpr Saves saves{.outputs = 0b11};

    static std::array<Tensor, 2> value(const Tensor& a) { return qr_values(a); }
    Tensor pullback(std::span<const Tensor> g, const Saved& s) const {
        const Tensor &q = s.output(0), &r = s.output(1);
        const Int k = q.shape(-1), n = r.shape(-1);
        if (r.size() == 0 || q.size() == 0) return zeros(s.shape(), q.dtype());
        if (k == n) return qr_back(q, r, g[0], g[1], where);
        // Wide: a = (x, y) and r = (u, v) with x = q·u square and y = q·v, so that v = qᵀ·y.
        const auto left = [k](const Tensor& t) { return slice(t, -1, 0, k); };
        const auto right = [k](const Tensor& t) { return slice(t, -1, k); };
        const Tensor v = right(r), gv = right(g[1]);
        const Tensor gq = g[0] + product(q, product(v, gv, false, true));
        return concat({qr_back(q, left(r), gq, left(g[1]), where), product(q, gv)}, -1);
    }
};

}  // namespace

QR qr(const Operand& operand) {
    return composed("qr", operand.where(), [&]() -> QR {
        const std::array<Tensor, 2> y = apply(Qr{operand.where()}, {matrix_of(operand, "qr")}, operand.where());
        return {y[0], y[1]};
    });
}

}  // namespace xgrad
