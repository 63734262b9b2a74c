#pragma once

#include <string_view>

#include <autodiff/core/tensor.hpp>

#include "nn/core/module.hpp"

// Entropies and divergences of distributions, in nats, as torch.distributions computes them, and weight penalties.
// Classes or dimensions are the last axis, which is summed over; the other axes remain.

namespace xgrad::nn {

/// -sum p log(p) of probabilities (…, C), which must add up to 1; 0 log(0) is 0.
XGRAD_API Tensor categorical_entropy(const Tensor& probabilities, Location where = Location::current());
/// The same of softmax(logits), exact for huge logits.
XGRAD_API Tensor categorical_entropy_with_logits(const Tensor& logits, Location where = Location::current());
/// KL(p || q) = sum p (log(p) - log(q)) of probabilities (…, C), which must add up to 1. inf where q is 0 and p is not.
XGRAD_API Tensor categorical_kl(const Tensor& p, const Tensor& q, Location where = Location::current());
/// KL(softmax(p) || softmax(q)), exact for huge logits.
XGRAD_API Tensor categorical_kl_with_logits(const Tensor& p_logits, const Tensor& q_logits,
                                            Location where = Location::current());

/// sum (1/2 + log(2 pi) / 2 + log(scale)) of independent normal distributions with standard deviations (…, D).
XGRAD_API Tensor normal_entropy(const Tensor& scale, Location where = Location::current());
/// KL(N(p_loc, p_scale²) || N(q_loc, q_scale²)) = sum ((p_scale² + (p_loc - q_loc)²) / q_scale² - 1) / 2 - log(p_scale
/// / q_scale), of independent dimensions (…, D).
XGRAD_API Tensor normal_kl(const Tensor& p_loc, const Tensor& p_scale, const Tensor& q_loc, const Tensor& q_scale,
                           Location where = Location::current());
/// KL(N(loc, scale²) || N(0, 1)): the KL term of a variational autoencoder's loss.
XGRAD_API Tensor normal_kl(const Tensor& loc, const Tensor& scale, Location where = Location::current());

namespace detail {
XGRAD_API Tensor penalty(ModelRef model, std::string_view pattern, double p, Location where);
}

/// sum |w| over the parameters whose names match: `loss + 1e-4 * nn::l1_penalty(net, "*.weight")`. ValueError when none
/// matches.
template <class M>
Tensor l1_penalty(const M& model, std::string_view pattern = "*", Location where = Location::current()) {
    return detail::penalty(detail::readable(model), pattern, 1, where);
}
/// sum w² over the parameters whose names match. ValueError when none matches.
template <class M>
Tensor l2_penalty(const M& model, std::string_view pattern = "*", Location where = Location::current()) {
    return detail::penalty(detail::readable(model), pattern, 2, where);
}

}  // namespace xgrad::nn
