#pragma once

#include <cstdint>

#include "distribution.hpp"

// Distributions of counts and classes. Computations use the given parameter, probabilities or logits, directly;
// probabilities of 0 and 1 and logits of any size are exact.

namespace xgrad::distributions {

namespace detail {

/// The probability of one event.
class XGRAD_API Chance {
public:
    Chance(const char* name, const ProbsOrLogits& given, Location where);
    const Tensor& given() const { return probs_.defined() ? probs_ : logits_; }
    Tensor probs() const;  ///< p
    Tensor complement() const;  ///< 1 - p
    Tensor logits() const;  ///< log(p / (1 - p))
    Tensor times_log(const Tensor& x) const;  ///< x log(p), 0 for x = 0
    Tensor times_log_complement(const Tensor& x) const;  ///< x log(1 - p), 0 for x = 0

private:
    Tensor probs_, logits_;
};

/// The probabilities of classes, along the last axis. Probabilities are normalised to sum to 1.
class XGRAD_API Classes {
public:
    Classes(const char* name, const ProbsOrLogits& given, Location where);
    const Tensor& given() const { return probs_.defined() ? probs_ : logits_; }
    Tensor probs() const;
    Tensor logits() const;  ///< their logarithms
    Tensor entropy() const;  ///< -sum p log(p)
    Tensor times_log(const Tensor& x) const;  ///< sum x log(p), 0 log(0) being 0
    std::int64_t count() const { return given().shape().back(); }

private:
    Tensor probs_, logits_;
};

}  // namespace detail

/// 1 with probability p, else 0, in the element type of p.
struct XGRAD_API Bernoulli : Spread<Bernoulli> {
    detail::Chance chance;
    explicit Bernoulli(const ProbsOrLogits& p, Location where = Location::current());
    Tensor probs() const { return chance.probs(); }
    Tensor logits() const { return chance.logits(); }
    Tensor sample(const Shape& shape = {}, Generator& generator = default_generator()) const;
    Tensor log_prob(const Operand& value) const;
    Tensor entropy() const;
    Tensor mean() const;
    Tensor variance() const;
};

/// The number of successes in total_count trials, each with probability p.
struct XGRAD_API Binomial : Spread<Binomial> {
    Tensor total_count;
    detail::Chance chance;
    Binomial(const Operand& total_count, const ProbsOrLogits& p);
    Tensor probs() const { return chance.probs(); }
    Tensor logits() const { return chance.logits(); }
    Tensor sample(const Shape& shape = {}, Generator& generator = default_generator()) const;
    Tensor log_prob(const Operand& value) const;
    /// Computed as the sum over all counts: ValueError unless all elements of total_count are equal.
    Tensor entropy(Location where = Location::current()) const;
    Tensor mean() const;
    Tensor variance() const;
};

/// Counts with mean rate >= 0. Its entropy has no closed form.
struct XGRAD_API Poisson : Spread<Poisson> {
    Tensor rate;
    explicit Poisson(const Operand& rate);
    Tensor sample(const Shape& shape = {}, Generator& generator = default_generator()) const;
    Tensor log_prob(const Operand& value) const;
    Tensor mean() const;
    Tensor variance() const;
};

/// A class 0 … C-1 (i64) with probabilities (…, C). A class has no mean.
struct XGRAD_API Categorical : Distribution {
    detail::Classes classes;
    explicit Categorical(const ProbsOrLogits& p, Location where = Location::current());
    Tensor probs() const { return classes.probs(); }
    Tensor logits() const { return classes.logits(); }
    Tensor sample(const Shape& shape = {}, Generator& generator = default_generator()) const;
    Tensor log_prob(const Operand& value) const;
    Tensor entropy() const { return classes.entropy(); }
};

/// Like Categorical, but values are vectors (C) with a 1 at the class, in the element type of the probabilities.
struct XGRAD_API OneHotCategorical : Spread<OneHotCategorical> {
    detail::Classes classes;
    explicit OneHotCategorical(const ProbsOrLogits& p, Location where = Location::current());
    Tensor probs() const { return classes.probs(); }
    Tensor logits() const { return classes.logits(); }
    Tensor sample(const Shape& shape = {}, Generator& generator = default_generator()) const;
    Tensor log_prob(const Operand& value) const;
    Tensor entropy() const { return classes.entropy(); }
    Tensor mean() const { return classes.probs(); }
    Tensor variance() const;
};

/// How often each class (C) occurs in total_count draws.
struct XGRAD_API Multinomial : Spread<Multinomial> {
    std::int64_t total_count;
    detail::Classes classes;
    Multinomial(std::int64_t total_count, const ProbsOrLogits& p, Location where = Location::current());
    Tensor probs() const { return classes.probs(); }
    Tensor logits() const { return classes.logits(); }
    Tensor sample(const Shape& shape = {}, Generator& generator = default_generator()) const;
    Tensor log_prob(const Operand& value) const;
    Tensor entropy() const;
    Tensor mean() const;
    Tensor variance() const;
};

}  // namespace xgrad::distributions
