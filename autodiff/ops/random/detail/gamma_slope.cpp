#include "gamma_slope.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>

#include "autodiff/core/apply.hpp"
#include "autodiff/core/detail/axes.hpp"
#include "autodiff/core/detail/dispatch.hpp"
#include "autodiff/core/detail/parallel.hpp"
#include "autodiff/ops/elementwise/elementwise.hpp"
#include "autodiff/ops/shape/shape.hpp"

// With z = exp(w), P and Q = 1 - P the regularised incomplete gamma functions and p = z^a exp(-z) / gamma(a) the
// density of w, the slope is k = -(∂P/∂a) / p = (∂Q/∂a) / p. P / p is a power series, Q / p a continued fraction
// (Abramowitz and Stegun 1964, 6.5.29 and 6.5.31), and d(log p)/da = w - digamma(a), so that with s = P / p and c = Q /
// p
//
//     k = -((w - digamma(a)) s + ∂s/∂a) = (w - digamma(a)) c + ∂c/∂a,
//
// in which nothing overflows or underflows. ∂k/∂w follows from k p = -∂P/∂a: it is digamma(a) - w - (a - z) k. For
// large a that equation has one solution that is smooth at z = a; its expansion in 1/a, whose terms are power series in
// z/a - 1, is k. Derivatives with respect to a are obtained by computing with truncated Taylor series in a throughout.

namespace xgrad::detail {

namespace {

constexpr int highest = 8;

/// A truncated Taylor series in a: coefficient j is the j-th derivative divided by j!. Its length is that of the
/// Arithmetic in use.
struct Series {
    double c[highest + 2] = {};
};

struct Arithmetic {
    int n;  // number of coefficients

    Series constant(double value) const {
        Series r;
        r.c[0] = value;
        return r;
    }
    Series add(const Series& a, const Series& b) const {
        Series r;
        for (int j = 0; j < n; ++j) r.c[j] = a.c[j] + b.c[j];
        return r;
    }
    Series multiply(const Series& a, const Series& b) const {
        Series r;
        for (int j = 0; j < n; ++j)
            for (int i = 0; i <= j; ++i) r.c[j] += a.c[i] * b.c[j - i];
        return r;
    }
    Series reciprocal(const Series& a) const {
        Series r;
        r.c[0] = 1 / a.c[0];
        for (int j = 1; j < n; ++j) {
            double sum = 0;
            for (int i = 1; i <= j; ++i) sum += a.c[i] * r.c[j - i];
            r.c[j] = -sum * r.c[0];
        }
        return r;
    }
    /// value + slope (a - a0).
    Series linear(double value, double slope) const {
        Series r;
        r.c[0] = value;
        r.c[1] = slope;
        return r;
    }
    /// The derivative; its last coefficient is unknown and 0.
    Series derivative(const Series& a) const {
        Series r;
        for (int j = 0; j + 1 < n; ++j) r.c[j] = (j + 1) * a.c[j + 1];
        return r;
    }
    bool settled(const Series& change, const Series& total) const {
        for (int j = 0; j < n; ++j)
            if (std::abs(change.c[j]) > 1e-17 * std::abs(total.c[j])) return false;
        return true;
    }
};

/// digamma and its derivatives at a as a Taylor series; `psi` are the derivatives, starting with the zeroth.
Series digamma_series(const Arithmetic& x, const double* psi) {
    Series r;
    double factorial = 1;
    for (int j = 0; j < x.n; ++j) {
        r.c[j] = psi[j] / factorial;
        factorial *= j + 1;
    }
    return r;
}

constexpr int most_terms = 100000;

/// From the power series, whose factor 1/a is taken out so that the rest is regular at a = 0: digamma(a) = digamma(a +
/// 1) - 1/a.
Series from_power_series(const Arithmetic& x, double a, double w, double z, const double* psi_next) {
    Series term = x.constant(1), total = term;
    for (int n = 1; n < most_terms; ++n) {
        term = x.multiply(term, x.multiply(x.constant(z), x.reciprocal(x.linear(a + n, 1))));
        total = x.add(total, term);
        if (z < a + n && x.settled(term, total)) break;
    }
    Series log_density = digamma_series(x, psi_next);
    for (int j = 0; j < x.n; ++j) log_density.c[j] = -log_density.c[j];
    log_density.c[0] += w;
    const Series sum = x.add(x.multiply(log_density, total), x.derivative(total));
    return x.multiply(x.reciprocal(x.linear(-a, -1)), sum);
}

/// From the continued fraction, by Lentz's method as modified by Thompson and Barnett (J. Comput. Phys. 64, 1986).
Series from_continued_fraction(const Arithmetic& x, double a, double w, double z, const double* psi) {
    Series b = x.linear(z + 1 - a, -1), c = x.constant(1e300), d = x.reciprocal(b), total = d;
    int enough = most_terms;
    for (int n = 1; n < enough; ++n) {
        const Series numerator = x.linear(n * (a - n), n);
        b.c[0] += 2;
        d = x.reciprocal(x.add(b, x.multiply(numerator, d)));
        c = x.add(b, x.multiply(numerator, x.reciprocal(c)));
        const Series factor = x.multiply(c, d);
        total = x.multiply(total, factor);
        // The derivatives converge a little later than the value.
        if (enough == most_terms && std::abs(factor.c[0] - 1) < 4e-16) enough = n + n / 2 + 30;
    }
    Series log_density = digamma_series(x, psi);
    for (int j = 0; j < x.n; ++j) log_density.c[j] = -log_density.c[j];
    log_density.c[0] += w;
    return x.add(x.multiply(log_density, total), x.derivative(total));
}

constexpr int large_terms = 8, large_powers = 32;

/// Coefficients of h = z k in powers of 1/a (rows) and e = z/a - 1. With L = w - digamma(a) = log(1 + e) + 1/(2a) +
/// 1/(12a²) - …, order by order: h_k e / (1 + e) = L_k + dh_{k-1}/de - h_{k-1} / (1 + e).
const auto& large_coefficients() {
    static const auto table = [] {
        constexpr int width = large_powers + 2 * large_terms + 2;  // each row has two fewer than the one before
        std::array<std::array<double, large_powers>, large_terms> rows{};
        double before[width] = {}, right[width];
        for (int k = 0; k < large_terms; ++k) {
            double divided = 0;  // h_{k-1} / (1 + e), one coefficient at a time
            for (int j = 0; j < width; ++j) {
                divided = before[j] - divided;
                right[j] = (j + 1 < width ? (j + 1) * before[j + 1] : 0) - divided;
                if (k == 0 && j > 0) right[j] += (j % 2 ? 1.0 : -1.0) / j;
            }
            right[0] = 0;  // it cancels against the constant of L_k, which makes the solution smooth
            for (int j = 0; j + 1 < width; ++j) before[j] = right[j + 1] + right[j];
            before[width - 1] = 0;
            std::copy_n(before, large_powers, rows[static_cast<std::size_t>(k)].begin());
        }
        return rows;
    }();
    return table;
}

Series from_large(const Arithmetic& x, double a, double z) {
    const Series inverse = x.reciprocal(x.linear(a, 1));
    Series e = x.multiply(x.constant(z), inverse);
    e.c[0] = (z - a) / a;
    Series total;
    for (int k = large_terms - 1; k >= 0; --k) {
        Series row;
        for (int j = large_powers - 1; j >= 0; --j)
            row = x.add(x.multiply(row, e),
                        x.constant(large_coefficients()[static_cast<std::size_t>(k)][static_cast<std::size_t>(j)]));
        total = x.add(x.multiply(total, inverse), row);
    }
    return x.multiply(total, x.constant(1 / z));
}

double slope(int order, double a, double w, const double* psi, const double* psi_next) {
    if (!(a > 0) || std::isnan(w)) return std::numeric_limits<double>::quiet_NaN();
    const Arithmetic x{order + 2};
    const double z = std::exp(w);
    Series k;
    if (a >= 200 && std::abs(z / a - 1) <= 0.25) k = from_large(x, a, z);
    else if (z <= a + 1) k = from_power_series(x, a, w, z, psi_next);
    else k = from_continued_fraction(x, a, w, z, psi);
    double factorial = 1;
    for (int j = 2; j <= order; ++j) factorial *= j;
    return factorial * k.c[order];
}

struct GammaSlope {
    static constexpr const char* name = "gamma_slope";
    int order = 0;
    XGRAD_ATTRIBUTES(order)
    static Saves saves(Needs recorded) { return {.inputs = 0b11, .outputs = recorded[1] ? 1u : 0u}; }

    Tensor value(const Tensor& alpha, const Tensor& w) const {
        const Shape shape = broadcast_shapes(alpha.shape(), w.shape(), name);
        const Tensor as = broadcast_to(alpha, shape).to(DType::f64), ws = broadcast_to(w, shape).to(DType::f64);
        std::array<Tensor, highest + 2> psi, psi_next;
        for (int j = 0; j <= order + 1; ++j) {
            psi[static_cast<std::size_t>(j)] = polygamma(j, as);
            psi_next[static_cast<std::size_t>(j)] = polygamma(j, as + 1);
        }
        Tensor out = empty(shape, DType::f64);
        double* to = elements<double>(out);
        const double *from_a = elements<double>(as), *from_w = elements<double>(ws);
        large_coefficients();
        parallel_for(out.size(), out.size() * 256, [&](Int begin, Int end) {
            double at[highest + 2], next[highest + 2];
            for (Int i = begin; i < end; ++i) {
                for (int j = 0; j <= order + 1; ++j) {
                    at[j] = elements<double>(psi[static_cast<std::size_t>(j)])[i];
                    next[j] = elements<double>(psi_next[static_cast<std::size_t>(j)])[i];
                }
                to[i] = slope(order, from_a[i], from_w[i], at, next);
            }
        });
        return out.to(alpha.dtype());
    }
    std::array<Tensor, 2> pullback(Tensor g, const Saved& s) const {
        const Tensor &alpha = s.input(0), &w = s.input(1);
        std::array<Tensor, 2> parts;
        if (s.needs(0)) parts[0] = g * gamma_slope(alpha, w, order + 1);
        if (s.needs(1)) {  // in f64: terms cancel if alpha is large
            const Tensor a = alpha.to(DType::f64), x = w.to(DType::f64);
            Tensor of_w = polygamma(order, a) - (a - exp(x)) * s.output().to(DType::f64);
            of_w = order == 0 ? of_w - x : of_w - order * gamma_slope(a, x, order - 1);
            parts[1] = g * of_w.to(g.dtype());
        }
        return parts;
    }
};

}  // namespace

Tensor gamma_slope(const Operand& alpha_operand, const Operand& w_operand, int order) {
    const Location where = alpha_operand.where();
    check<ValueError>(order < highest, where, [&] {
        return "gamma: there are derivatives up to order " + std::to_string(highest) +
               " with respect to alpha, got a request for order " + std::to_string(order + 1);
    });
    const Tensor &alpha = tensor_of(alpha_operand, GammaSlope::name), &w = tensor_of(w_operand, GammaSlope::name);
    broadcast_shapes(alpha.shape(), w.shape(), GammaSlope::name, where);
    return apply(GammaSlope{order}, {alpha, w}, where);
}

}  // namespace xgrad::detail
