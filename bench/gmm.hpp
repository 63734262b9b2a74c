#pragma once

// The log-likelihood of a Gaussian mixture with a Wishart prior, a standard problem of automatic differentiation, and
// its hand-written gradient:
//     sum_i logsumexp_k(alpha_k + sum(q_k) - 0.5 |Q_k (x_i - mu_k)|²) - n logsumexp(alpha)
//     + sum_k (0.5 gamma² (|exp(q_k)|² + |L_k|²) - m sum(q_k)) + constants
// for points x_i, with Q_k lower triangular, exp(q_k) on its diagonal and L_k below it. The test compares the two.

#include <autodiff/autodiff.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace gmm {

using namespace xgrad;

struct Prior {
    double gamma = 1, m = 0;
};

/// alpha (K), mu (K, d), q (K, d), l (K, d(d-1)/2): the strict lower triangles, row by row.
struct Parameters {
    Tensor alpha, mu, q, l;
};

inline double log_gamma_of_dimension(double a, std::int64_t d) {
    double total = 0.25 * static_cast<double>(d * (d - 1)) * std::log(std::numbers::pi);
    for (std::int64_t j = 0; j < d; ++j) total += std::lgamma(a - 0.5 * static_cast<double>(j));
    return total;
}

inline double constants(std::int64_t n, std::int64_t d, std::int64_t k, const Prior& prior) {
    const double freedom = static_cast<double>(d) + prior.m + 1, dims = static_cast<double>(d);
    const double normalisation =
        freedom * dims * (std::log(prior.gamma) - 0.5 * std::log(2.0)) - log_gamma_of_dimension(0.5 * freedom, d);
    return -0.5 * static_cast<double>(n) * dims * std::log(2 * std::numbers::pi) -
           static_cast<double>(k) * normalisation;
}

// --- with xgrad ------------------------------------------------------------------------------------------------------

/// Rows of the factors that are processed together: they read no coordinate after their own, so that zeros are not
/// multiplied.
inline constexpr std::int64_t block_rows = 5;

class Objective {
public:
    /// x (n, d), f64.
    Objective(const Tensor& x, const Prior& prior) : prior_(prior), n_(x.shape(0)), d_(x.shape(1)) {
        const Tensor points = concat({ones({1, n_}, DType::f64), transpose(x)}, 0);
        std::vector<std::int64_t> from, sizes;
        const std::int64_t zero = d_ + d_ * (d_ - 1) / 2;
        for (std::int64_t first = 0; first < d_; first += block_rows) {
            const std::int64_t end = std::min(d_, first + block_rows);
            // The index of element (i, j) of Q in (exp(q), l, 0).
            for (std::int64_t i = first; i < end; ++i)
                for (std::int64_t j = 0; j < end; ++j)
                    from.push_back(i == j ? i : j < i ? d_ + i * (i - 1) / 2 + j : zero);
            blocks_.push_back({end - first, end, slice(points, 0, 0, end + 1)});
            sizes_.push_back((end - first) * end);
        }
        from_ = tensor(from);
    }

    Tensor operator()(const Tensor& alpha, const Tensor& mu, const Tensor& q, const Tensor& l) const {
        const std::int64_t k = alpha.size();
        const Tensor diagonal = exp(q), sum_q = sum(q, 1);
        const std::vector<Tensor> factors =
            split(take(concat({diagonal, l, zeros({k, 1}, DType::f64)}, 1), from_, 1), sizes_, 1);
        Tensor squares;
        for (std::size_t b = 0; b < blocks_.size(); ++b) {
            // Q_k x_i - Q_k mu_k for all k and i is one product: (K·rows, columns + 1)·(columns + 1, n). The axis of
            // points is last, so that sums over d and K are sums of rows.
            const auto& [rows, columns, points] = blocks_[b];
            const Tensor factor = reshape(factors[b], {k, rows, columns}),
                         centre = expand_dims(slice(mu, 1, 0, columns), 2);
            const Tensor shifted = reshape(concat({-matmul(factor, centre), factor}, 2), {k * rows, columns + 1});
            const Tensor part = sum(square(reshape(matmul(shifted, points), {k, rows, n_})), 1);
            squares = squares.defined() ? squares + part : part;
        }
        const Tensor terms = expand_dims(alpha + sum_q, 1) - 0.5 * squares;
        const Tensor prior =
            0.5 * prior_.gamma * prior_.gamma * (sum(square(diagonal)) + sum(square(l))) - prior_.m * sum(sum_q);
        return sum(logsumexp(terms, 0)) - static_cast<double>(n_) * logsumexp(alpha) + prior +
               constants(n_, d_, k, prior_);
    }

private:
    struct Block {
        std::int64_t rows, columns;
        Tensor points;  // a row of ones, and the first coordinates
    };
    Prior prior_;
    std::int64_t n_, d_;
    Tensor from_;
    std::vector<Block> blocks_;
    std::vector<std::int64_t> sizes_;
};

// --- hand-written ----------------------------------------------------------------------------------------------------

struct Gradient {
    double value = 0;
    std::vector<double> alpha, mu, q, l;
};

/// Scalar C++, written in the straightforward way: all data of a point stay in the cache.
inline Gradient by_hand(const Tensor& points, const Parameters& p, const Prior& prior) {
    const auto n = static_cast<std::size_t>(points.shape(0)), d = static_cast<std::size_t>(points.shape(1)),
               k = static_cast<std::size_t>(p.alpha.size()), triangle = d * (d - 1) / 2;
    const double *x = points.data<double>().data(), *alpha = p.alpha.data<double>().data(),
                 *mu = p.mu.data<double>().data(), *q = p.q.data<double>().data(), *l = p.l.data<double>().data();
    Gradient g{0, std::vector<double>(k), std::vector<double>(k * d), std::vector<double>(k * d),
               std::vector<double>(k * triangle)};
    std::vector<double> diagonal(k * d), sum_q(k), centred(k * d), whitened(k * d), terms(k), back(d);
    for (std::size_t j = 0; j < k; ++j)
        for (std::size_t r = 0; r < d; ++r) {
            diagonal[j * d + r] = std::exp(q[j * d + r]);
            sum_q[j] += q[j * d + r];
        }
    for (std::size_t i = 0; i < n; ++i) {
        double largest = -INFINITY;
        for (std::size_t j = 0; j < k; ++j) {
            double squares = 0;
            double *c = &centred[j * d], *w = &whitened[j * d];
            const double* row = l + j * triangle;
            for (std::size_t r = 0; r < d; row += r, ++r) {
                c[r] = x[i * d + r] - mu[j * d + r];
                double total = diagonal[j * d + r] * c[r];
                for (std::size_t s = 0; s < r; ++s) total += row[s] * c[s];
                w[r] = total;
                squares += total * total;
            }
            terms[j] = alpha[j] + sum_q[j] - 0.5 * squares;
            largest = std::max(largest, terms[j]);
        }
        double total = 0;
        for (std::size_t j = 0; j < k; ++j) total += std::exp(terms[j] - largest);
        g.value += largest + std::log(total);
        for (std::size_t j = 0; j < k; ++j) {
            const double weight = std::exp(terms[j] - largest) / total;
            const double *c = &centred[j * d], *w = &whitened[j * d], *row = l + j * triangle;
            double *gl = g.l.data() + j * triangle, *gq = &g.q[j * d], *gmu = &g.mu[j * d];
            g.alpha[j] += weight;
            for (std::size_t r = 0; r < d; row += r, gl += r, ++r) {
                const double gw = -weight * w[r];
                for (std::size_t s = 0; s < r; ++s) {
                    gl[s] += gw * c[s];
                    gmu[s] -= gw * row[s];
                }
                gq[r] += weight + gw * diagonal[j * d + r] * c[r];
                gmu[r] -= gw * diagonal[j * d + r];
            }
        }
    }
    double largest = -INFINITY, total = 0;
    for (std::size_t j = 0; j < k; ++j) largest = std::max(largest, alpha[j]);
    for (std::size_t j = 0; j < k; ++j) total += std::exp(alpha[j] - largest);
    g.value += constants(points.shape(0), points.shape(1), p.alpha.size(), prior) -
               static_cast<double>(n) * (largest + std::log(total));
    const double scale = prior.gamma * prior.gamma;
    for (std::size_t j = 0; j < k; ++j) {
        g.alpha[j] -= static_cast<double>(n) * std::exp(alpha[j] - largest) / total;
        g.value -= prior.m * sum_q[j];
        for (std::size_t r = 0; r < d; ++r) {
            const double square = diagonal[j * d + r] * diagonal[j * d + r];
            g.value += 0.5 * scale * square;
            g.q[j * d + r] += scale * square - prior.m;
        }
        for (std::size_t s = j * triangle; s < (j + 1) * triangle; ++s) {
            g.value += 0.5 * scale * l[s] * l[s];
            g.l[s] += scale * l[s];
        }
    }
    return g;
}

// --- an instance -----------------------------------------------------------------------------------------------------

struct Problem {
    Tensor x;
    Parameters parameters;
    Prior prior{0.9, 2};

    Problem(std::int64_t n, std::int64_t d, std::int64_t k) {
        xgrad::Generator generator(static_cast<std::uint64_t>(d * 1000 + k));
        auto normal = [&](const Shape& shape, double scale) { return scale * randn(shape, generator, DType::f64); };
        x = normal({n, d}, 1);
        parameters = {normal({k}, 1), normal({k, d}, 1), normal({k, d}, 0.2), normal({k, d * (d - 1) / 2}, 0.2)};
    }
};

}  // namespace gmm
