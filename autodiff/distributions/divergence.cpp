#include "divergence.hpp"

#include <cmath>

#include "autodiff/ops/linalg/linalg.hpp"
#include "autodiff/ops/reduce/reduce.hpp"
#include "autodiff/ops/shape/arrange.hpp"
#include "detail/values.hpp"

// Integrals of p (log p - log q), most of them listed in PyTorch's documentation of torch.distributions.kl; -E log q is
// written out if p's entropy is known.

namespace xgrad::distributions {

using namespace detail;

namespace {

/// inf where p has values outside q's support.
Tensor inf_where(const Tensor& outside, const Tensor& divergence) {
    return where(outside, infinity(divergence), divergence);
}

/// -E log q of a normal q, for a p with this mean and variance.
Tensor cross_entropy(const Tensor& mean, const Tensor& variance, const Normal& q) {
    return 0.5 * log_two_pi + log(q.scale) + 0.5 * ((variance + square(mean - q.loc)) / square(q.scale));
}
/// -E log q of a gamma q, for a p with this mean and mean logarithm.
Tensor cross_entropy(const Tensor& mean, const Tensor& mean_log, const Gamma& q) {
    return lgamma(q.concentration) - q.concentration * log(q.rate) - (q.concentration - 1) * mean_log + q.rate * mean;
}
/// -E log q of a Gumbel q, for a p with this mean and E exp(-(x - loc) / scale).
Tensor cross_entropy(const Tensor& mean, const Tensor& mean_exp, const Gumbel& q) {
    return log(q.scale) + (mean - q.loc) / q.scale + mean_exp;
}

/// The mean of log(x) for x uniform in [low, high]; 0 log(0) is 0.
Tensor mean_log(const Tensor& low, const Tensor& high) {
    return (xlogy(high, high) - xlogy(low, low)) / (high - low) - 1;
}

Tensor of_normal(const Tensor& loc, const Tensor& scale, const Tensor& q_loc, const Tensor& q_scale) {
    const Tensor ratio = square(scale / q_scale);
    return 0.5 * (ratio + square((loc - q_loc) / q_scale) - 1 - log(ratio));
}

Tensor of_chances(const Chance& p, const Chance& q) {
    const Tensor yes = p.probs(), no = p.complement();
    return p.times_log(yes) - q.times_log(yes) + (p.times_log_complement(no) - q.times_log_complement(no));
}

Tensor of_classes(const Classes& p, const Classes& q) {
    const Tensor probs = p.probs();
    return p.times_log(probs) - q.times_log(probs);
}

}  // namespace

Tensor detail::divergence(const Normal& p, const Normal& q) { return of_normal(p.loc, p.scale, q.loc, q.scale); }
Tensor detail::divergence(const LogNormal& p, const LogNormal& q) { return of_normal(p.loc, p.scale, q.loc, q.scale); }
Tensor detail::divergence(const Uniform& p, const Uniform& q) {
    return inf_where(logical_or(q.low > p.low, q.high < p.high), log((q.high - q.low) / (p.high - p.low)));
}
Tensor detail::divergence(const Laplace& p, const Laplace& q) {
    const Tensor ratio = p.scale / q.scale, distance = abs(p.loc - q.loc);
    return distance / q.scale + ratio * exp(-distance / p.scale) - 1 - log(ratio);
}
Tensor detail::divergence(const Gumbel& p, const Gumbel& q) {
    const Tensor ratio = p.scale / q.scale, shift = (p.loc - q.loc) / q.scale;
    return shift - log(ratio) + euler_gamma * ratio + exp(lgamma(1 + ratio) - shift) - (1 + euler_gamma);
}
Tensor detail::divergence(const MultivariateNormal& p, const MultivariateNormal& q) {
    const auto log_det = [](const Tensor& l) { return sum(log(diagonal(l, 0, -2, -1)), -1); };
    const Tensor ratio = triangular_solve(q.scale_tril, p.scale_tril);
    const Tensor shift = triangular_solve(q.scale_tril, expand_dims(q.loc - p.loc, -1));
    const Tensor squares = sum(square(ratio), {-2, -1}) + sum(square(shift), {-2, -1});
    return log_det(q.scale_tril) - log_det(p.scale_tril) + 0.5 * (squares - static_cast<double>(p.event_shape()[0]));
}
Tensor detail::divergence(const Exponential& p, const Exponential& q) {
    const Tensor ratio = q.rate / p.rate;
    return ratio - 1 - log(ratio);
}
Tensor detail::divergence(const Gamma& p, const Gamma& q) {
    return q.concentration * log(p.rate / q.rate) + lgamma(q.concentration) - lgamma(p.concentration) +
           (p.concentration - q.concentration) * digamma(p.concentration) +
           (q.rate - p.rate) * (p.concentration / p.rate);
}
Tensor detail::divergence(const Beta& p, const Beta& q) {
    const Tensor p_total = p.concentration1 + p.concentration0, q_total = q.concentration1 + q.concentration0;
    const Tensor log_betas = lgamma(q.concentration1) + lgamma(q.concentration0) - lgamma(q_total) -
                             (lgamma(p.concentration1) + lgamma(p.concentration0) - lgamma(p_total));
    return log_betas + (p.concentration1 - q.concentration1) * digamma(p.concentration1) +
           (p.concentration0 - q.concentration0) * digamma(p.concentration0) + (q_total - p_total) * digamma(p_total);
}
Tensor detail::divergence(const Dirichlet& p, const Dirichlet& q) {
    const Tensor p_total = sum(p.concentration, -1, true), q_total = sum(q.concentration, -1, true);
    const Tensor parts = lgamma(q.concentration) - lgamma(p.concentration) +
                         (p.concentration - q.concentration) * (digamma(p.concentration) - digamma(p_total));
    return sum(parts, -1) + squeeze(lgamma(p_total) - lgamma(q_total), -1);
}
Tensor detail::divergence(const Bernoulli& p, const Bernoulli& q) { return of_chances(p.chance, q.chance); }
Tensor detail::divergence(const Binomial& p, const Binomial& q) {
    return inf_where(p.total_count > q.total_count, p.total_count * of_chances(p.chance, q.chance));
}
Tensor detail::divergence(const Poisson& p, const Poisson& q) {
    return xlogy(p.rate, p.rate) - xlogy(p.rate, q.rate) - (p.rate - q.rate);
}
Tensor detail::divergence(const Categorical& p, const Categorical& q) { return of_classes(p.classes, q.classes); }
Tensor detail::divergence(const OneHotCategorical& p, const OneHotCategorical& q) {
    return of_classes(p.classes, q.classes);
}

Tensor detail::divergence(const Normal& p, const Gumbel& q) {
    const Tensor mean_exp = exp((q.loc - p.loc) / q.scale + 0.5 * square(p.scale / q.scale));
    return cross_entropy(p.loc, mean_exp, q) - p.entropy();
}
Tensor detail::divergence(const Normal& p, const Laplace& q) {
    const Tensor shift = (p.loc - q.loc) / p.scale;
    const Tensor distance =
        std::sqrt(2 / std::numbers::pi) * exp(-0.5 * square(shift)) + shift * erf(shift / std::numbers::sqrt2);
    return log(2 * q.scale) + p.scale * distance / q.scale - p.entropy();
}
Tensor detail::divergence(const Gumbel& p, const Normal& q) {
    return cross_entropy(p.mean(), p.variance(), q) - p.entropy();
}
Tensor detail::divergence(const Laplace& p, const Normal& q) {
    return cross_entropy(p.loc, p.variance(), q) - p.entropy();
}
Tensor detail::divergence(const Uniform& p, const Normal& q) {
    return cross_entropy(p.mean(), p.variance(), q) - p.entropy();
}
Tensor detail::divergence(const Uniform& p, const Gumbel& q) {
    const Tensor below = exp((q.loc - p.low) / q.scale), above = exp((q.loc - p.high) / q.scale);
    return cross_entropy(p.mean(), q.scale / (p.high - p.low) * (below - above), q) - p.entropy();
}
Tensor detail::divergence(const Uniform& p, const Exponential& q) {
    return inf_where(p.low < 0, q.rate * p.mean() - log(q.rate) - p.entropy());
}
Tensor detail::divergence(const Uniform& p, const Gamma& q) {
    const Tensor low = where(p.low < 0, zeros_like(p.low), p.low), high = where(p.low < 0, ones_like(p.high), p.high);
    return inf_where(p.low < 0, cross_entropy(p.mean(), mean_log(low, high), q) - p.entropy());
}
Tensor detail::divergence(const Uniform& p, const Beta& q) {
    const Tensor outside = logical_or(p.low < 0, p.high > 1);
    const Tensor low = where(outside, zeros_like(p.low), p.low), high = where(outside, ones_like(p.high), p.high);
    const Tensor log_beta =
        lgamma(q.concentration1) + lgamma(q.concentration0) - lgamma(q.concentration1 + q.concentration0);
    const Tensor logs =
        (q.concentration1 - 1) * mean_log(low, high) + (q.concentration0 - 1) * mean_log(1 - high, 1 - low);
    return inf_where(outside, log_beta - logs - p.entropy());
}
Tensor detail::divergence(const Exponential& p, const Normal& q) {
    return cross_entropy(p.mean(), p.variance(), q) - p.entropy();
}
Tensor detail::divergence(const Exponential& p, const Gumbel& q) {
    const Tensor product = p.rate * q.scale;
    return cross_entropy(p.mean(), exp(q.loc / q.scale) * product / (product + 1), q) - p.entropy();
}
Tensor detail::divergence(const Exponential& p, const Gamma& q) {
    return cross_entropy(p.mean(), -euler_gamma - log(p.rate), q) - p.entropy();
}
Tensor detail::divergence(const Gamma& p, const Normal& q) {
    return cross_entropy(p.mean(), p.variance(), q) - p.entropy();
}
Tensor detail::divergence(const Gamma& p, const Gumbel& q) {
    const Tensor mean_exp = exp(q.loc / q.scale - p.concentration * log1p(reciprocal(p.rate * q.scale)));
    return cross_entropy(p.mean(), mean_exp, q) - p.entropy();
}
Tensor detail::divergence(const Gamma& p, const Exponential& q) {
    return q.rate * p.mean() - log(q.rate) - p.entropy();
}
Tensor detail::divergence(const Beta& p, const Normal& q) {
    return cross_entropy(p.mean(), p.variance(), q) - p.entropy();
}
Tensor detail::divergence(const Beta& p, const Exponential& q) { return q.rate * p.mean() - log(q.rate) - p.entropy(); }
Tensor detail::divergence(const Beta& p, const Gamma& q) {
    const Tensor logarithm = digamma(p.concentration1) - digamma(p.concentration1 + p.concentration0);
    return cross_entropy(p.mean(), logarithm, q) - p.entropy();
}
Tensor detail::divergence(const Beta& p, const Uniform& q) {
    return inf_where(logical_or(q.low > 0, q.high < 1), log(q.high - q.low) - p.entropy());
}
Tensor detail::divergence(const Bernoulli& p, const Poisson& q) {
    return q.rate - xlogy(p.probs(), q.rate) - p.entropy();
}

Shape detail::paired(const Distribution& p, const Distribution& q, Location where) {
    check_same_dtype(p.dtype(), q.dtype(), "kl_divergence", where);
    check<ShapeError>(p.event_shape() == q.event_shape(), where, [&] {
        return "kl_divergence: both distributions must have events of one shape, got " + to_string(p.event_shape()) +
               " and " + to_string(q.event_shape());
    });
    return broadcast_shapes(p.batch_shape(), q.batch_shape(), "kl_divergence", where);
}
Shape detail::paired(const Categorical& p, const Categorical& q, Location where) {
    check<ShapeError>(p.classes.count() == q.classes.count(), where, [&] {
        return "kl_divergence: both distributions must have the same number of classes, got " +
               std::to_string(p.classes.count()) + " and " + std::to_string(q.classes.count());
    });
    return paired(static_cast<const Distribution&>(p), q, where);
}
Shape detail::paired(const Binomial& p, const Binomial& q, Location where) {
    const Shape shape = paired(static_cast<const Distribution&>(p), q, where);
    check<ValueError>(bool(all(p.total_count >= q.total_count)), where, [] {
        return std::string("kl_divergence: a Binomial's total_count must not be below the other's, got one that is");
    });
    return shape;
}

}  // namespace xgrad::distributions
