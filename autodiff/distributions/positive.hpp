#pragma once

#include "distribution.hpp"

// Distributions of positive numbers and of proportions.

namespace xgrad::distributions {

/// Density rate exp(-rate x), rate > 0.
struct XGRAD_API Exponential : Pathwise<Exponential> {
    Tensor rate;
    explicit Exponential(const Operand& rate);
    Tensor rsample(const Shape& shape = {}, Generator& generator = default_generator()) const;
    Tensor log_prob(const Operand& value) const;
    Tensor entropy() const;
    Tensor mean() const;
    Tensor variance() const;
    Tensor cdf(const Operand& value) const;
    Tensor icdf(const Operand& p) const;
};

/// Density rate^c x^(c - 1) exp(-rate x) / gamma(c), concentration c > 0 and rate > 0. rsample's gradient is that of
/// xgrad::gamma.
struct XGRAD_API Gamma : Pathwise<Gamma> {
    Tensor concentration, rate;
    Gamma(const Operand& concentration, const Operand& rate);
    Tensor rsample(const Shape& shape = {}, Generator& generator = default_generator()) const;
    Tensor log_prob(const Operand& value) const;
    Tensor entropy() const;
    Tensor mean() const;
    Tensor variance() const;
};

/// Density x^(concentration1 - 1) (1 - x)^(concentration0 - 1) / B on [0, 1]. rsample's gradient passes through two
/// gamma variates (Figurnov et al. 2018), so individual gradients differ from PyTorch's; their means are the same.
struct XGRAD_API Beta : Pathwise<Beta> {
    Tensor concentration1, concentration0;
    Beta(const Operand& concentration1, const Operand& concentration0);
    Tensor rsample(const Shape& shape = {}, Generator& generator = default_generator()) const;
    Tensor log_prob(const Operand& value) const;
    Tensor entropy() const;
    Tensor mean() const;
    Tensor variance() const;
};

/// Proportions (n) that sum to 1: density prod x^(concentration - 1) / B, concentration (…, n) > 0. rsample works as in
/// Beta.
struct XGRAD_API Dirichlet : Pathwise<Dirichlet> {
    Tensor concentration;
    explicit Dirichlet(const Operand& concentration);
    Tensor rsample(const Shape& shape = {}, Generator& generator = default_generator()) const;
    Tensor log_prob(const Operand& value) const;
    Tensor entropy() const;
    Tensor mean() const;
    Tensor variance() const;
};

}  // namespace xgrad::distributions
