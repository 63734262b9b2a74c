#pragma once

#include <cmath>
#include <concepts>
#include <type_traits>

#include "discrete.hpp"
#include "positive.hpp"
#include "real.hpp"

namespace xgrad::distributions {

namespace detail {

// Divergences within one family, and between families if there is a closed form. The shapes must be compatible; inf
// where p has values outside q's support.
XGRAD_API Tensor divergence(const Normal& p, const Normal& q);
XGRAD_API Tensor divergence(const LogNormal& p, const LogNormal& q);
XGRAD_API Tensor divergence(const Uniform& p, const Uniform& q);
XGRAD_API Tensor divergence(const Laplace& p, const Laplace& q);
XGRAD_API Tensor divergence(const Gumbel& p, const Gumbel& q);
XGRAD_API Tensor divergence(const MultivariateNormal& p, const MultivariateNormal& q);
XGRAD_API Tensor divergence(const Exponential& p, const Exponential& q);
XGRAD_API Tensor divergence(const Gamma& p, const Gamma& q);
XGRAD_API Tensor divergence(const Beta& p, const Beta& q);
XGRAD_API Tensor divergence(const Dirichlet& p, const Dirichlet& q);
XGRAD_API Tensor divergence(const Bernoulli& p, const Bernoulli& q);
XGRAD_API Tensor divergence(const Binomial& p, const Binomial& q);
XGRAD_API Tensor divergence(const Poisson& p, const Poisson& q);
XGRAD_API Tensor divergence(const Categorical& p, const Categorical& q);
XGRAD_API Tensor divergence(const OneHotCategorical& p, const OneHotCategorical& q);

XGRAD_API Tensor divergence(const Normal& p, const Gumbel& q);
XGRAD_API Tensor divergence(const Normal& p, const Laplace& q);
XGRAD_API Tensor divergence(const Gumbel& p, const Normal& q);
XGRAD_API Tensor divergence(const Laplace& p, const Normal& q);
XGRAD_API Tensor divergence(const Uniform& p, const Normal& q);
XGRAD_API Tensor divergence(const Uniform& p, const Gumbel& q);
XGRAD_API Tensor divergence(const Uniform& p, const Exponential& q);
XGRAD_API Tensor divergence(const Uniform& p, const Gamma& q);
XGRAD_API Tensor divergence(const Uniform& p, const Beta& q);
XGRAD_API Tensor divergence(const Exponential& p, const Normal& q);
XGRAD_API Tensor divergence(const Exponential& p, const Gumbel& q);
XGRAD_API Tensor divergence(const Exponential& p, const Gamma& q);
XGRAD_API Tensor divergence(const Gamma& p, const Normal& q);
XGRAD_API Tensor divergence(const Gamma& p, const Gumbel& q);
XGRAD_API Tensor divergence(const Gamma& p, const Exponential& q);
XGRAD_API Tensor divergence(const Beta& p, const Normal& q);
XGRAD_API Tensor divergence(const Beta& p, const Exponential& q);
XGRAD_API Tensor divergence(const Beta& p, const Gamma& q);
XGRAD_API Tensor divergence(const Beta& p, const Uniform& q);
XGRAD_API Tensor divergence(const Bernoulli& p, const Poisson& q);

template <class T, class... Set>
inline constexpr bool among = (std::is_same_v<T, Set> || ...);
/// Whether every P has values outside the support of every Q, so that the divergence is inf whatever the parameters
/// are.
template <class P, class Q>
inline constexpr bool exceeds =
    (among<P, Normal, Laplace, Gumbel> && among<Q, Beta, Exponential, Gamma, Uniform>) ||
    (among<P, Exponential, Gamma> && among<Q, Beta, Uniform>) || (among<P, Poisson> && among<Q, Bernoulli, Binomial>);

/// The shape of the divergence between p and q. Checks all requirements on the pair.
XGRAD_API Shape paired(const Distribution& p, const Distribution& q, Location where);
XGRAD_API Shape paired(const Categorical& p, const Categorical& q, Location where);
XGRAD_API Shape paired(const Binomial& p, const Binomial& q, Location where);

template <class P, class Q>
concept HasDivergence = requires(const P& p, const Q& q) { detail::divergence(p, q); };

}  // namespace detail

/// The Kullback-Leibler divergence of p from q, E_p[log p - log q], in nats: one for each batch element. Defined for
/// any two distributions of one family except Multinomial, and for Normal from Gumbel and Laplace; Gumbel and Laplace
/// from Normal; Uniform from Normal, Gumbel, Exponential, Gamma, Beta; Exponential from Normal, Gumbel, Gamma; Gamma
/// from Normal, Gumbel, Exponential; Beta from Normal, Exponential, Gamma, Uniform; Bernoulli from Poisson. inf where p
/// has values outside q's support, also for pairs of families where this is always so. Any other pair does not compile.
/// ShapeError if batches do not broadcast or event shapes differ, DTypeError for mixed element types, ValueError if the
/// first of two Binomials has the smaller total_count, for which there is no closed form.
template <class P, class Q>
    requires std::derived_from<P, Distribution> && std::derived_from<Q, Distribution>
Tensor kl_divergence(const P& p, const Q& q, Location where = Location::current()) {
    static_assert(detail::HasDivergence<P, Q> || detail::exceeds<P, Q>,
                  "xgrad: kl_divergence has no closed form for this pair of distributions");
    const Shape shape = detail::paired(p, q, where);
    if constexpr (detail::exceeds<P, Q>) return full(shape, HUGE_VAL, p.dtype());
    else return detail::divergence(p, q);
}

}  // namespace xgrad::distributions
