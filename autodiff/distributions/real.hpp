#pragma once

#include "distribution.hpp"

// Distributions of real numbers with a location and a scale, and of vectors.

namespace xgrad::distributions {

/// The normal distribution with mean loc and standard deviation scale > 0.
struct XGRAD_API Normal : Pathwise<Normal> {
    Tensor loc, scale;
    Normal(const Operand& loc, const Operand& scale);
    Tensor rsample(const Shape& shape = {}, Generator& generator = default_generator()) const;
    Tensor log_prob(const Operand& value) const;
    Tensor entropy() const;
    Tensor mean() const;
    Tensor variance() const;
    Tensor cdf(const Operand& value) const;
    /// The inverse of cdf; -inf below 1e-16 in f64 (erfinv's domain), as in PyTorch.
    Tensor icdf(const Operand& p) const;
};

/// The exponential of a normal variate: loc and scale are those of the logarithm.
struct XGRAD_API LogNormal : Pathwise<LogNormal> {
    Tensor loc, scale;
    LogNormal(const Operand& loc, const Operand& scale);
    Tensor rsample(const Shape& shape = {}, Generator& generator = default_generator()) const;
    Tensor log_prob(const Operand& value) const;
    Tensor entropy() const;
    Tensor mean() const;
    Tensor variance() const;
    Tensor cdf(const Operand& value) const;
    Tensor icdf(const Operand& p) const;
    /// The distribution of the logarithm.
    Normal base() const { return {loc, scale}; }
};

/// Uniform in [low, high), low < high. The density at `high` itself is 0.
struct XGRAD_API Uniform : Pathwise<Uniform> {
    Tensor low, high;
    Uniform(const Operand& low, const Operand& high);
    Tensor rsample(const Shape& shape = {}, Generator& generator = default_generator()) const;
    Tensor log_prob(const Operand& value) const;
    Tensor entropy() const;
    Tensor mean() const;
    Tensor variance() const;
    Tensor cdf(const Operand& value) const;
    Tensor icdf(const Operand& p) const;
};

/// Density exp(-|x - loc| / scale) / (2 scale).
struct XGRAD_API Laplace : Pathwise<Laplace> {
    Tensor loc, scale;
    Laplace(const Operand& loc, const Operand& scale);
    Tensor rsample(const Shape& shape = {}, Generator& generator = default_generator()) const;
    Tensor log_prob(const Operand& value) const;
    Tensor entropy() const;
    Tensor mean() const;
    Tensor variance() const;
    Tensor cdf(const Operand& value) const;
    Tensor icdf(const Operand& p) const;
};

/// Distribution function exp(-exp(-(x - loc) / scale)).
struct XGRAD_API Gumbel : Pathwise<Gumbel> {
    Tensor loc, scale;
    Gumbel(const Operand& loc, const Operand& scale);
    Tensor rsample(const Shape& shape = {}, Generator& generator = default_generator()) const;
    Tensor log_prob(const Operand& value) const;
    Tensor entropy() const;
    Tensor mean() const;
    Tensor variance() const;
    Tensor cdf(const Operand& value) const;
    Tensor icdf(const Operand& p) const;
};

/// Student's t distribution with df > 0 degrees of freedom, shifted by loc and scaled by scale. The mean is NaN for df
/// <= 1; the variance is inf for 1 < df <= 2 and NaN for df <= 1.
struct XGRAD_API StudentT : Pathwise<StudentT> {
    Tensor df, loc, scale;
    StudentT(const Operand& df, const Operand& loc = 0, const Operand& scale = 1);
    Tensor rsample(const Shape& shape = {}, Generator& generator = default_generator()) const;
    Tensor log_prob(const Operand& value) const;
    Tensor entropy() const;
    Tensor mean() const;
    Tensor variance() const;
};

/// Exactly one of three: the covariance matrix (…, n, n), its inverse, or its lower triangular factor l with a positive
/// diagonal, where l·lᵀ is the covariance matrix.
struct Covariance {
    Tensor covariance_matrix = {};
    Tensor precision_matrix = {};
    Tensor scale_tril = {};
};
/// Normally distributed vectors (n) with mean loc (…, n). Leading axes of the mean and the covariance matrix broadcast.
struct XGRAD_API MultivariateNormal : Pathwise<MultivariateNormal> {
    Tensor loc, scale_tril;
    MultivariateNormal(const Operand& loc, const Covariance& spread);
    Tensor rsample(const Shape& shape = {}, Generator& generator = default_generator()) const;
    Tensor log_prob(const Operand& value) const;
    Tensor entropy() const;
    Tensor mean() const;
    Tensor variance() const;
    Tensor covariance_matrix() const;
    Tensor precision_matrix() const;
};

}  // namespace xgrad::distributions
