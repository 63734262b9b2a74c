#pragma once

#include <cmath>
#include <concepts>
#include <type_traits>

#include "discrete.hpp"
#include "positive.hpp"
#include "real.hpp"

namespace xgrad::distributions {

namespace detail {

// Of two in one family, and of others that have a closed form. The shapes fit; inf where p has values that q has not.
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
/// Whether every p has values outside every q's, so that the divergence is inf whatever the parameters.
template <class P, class Q>
inline constexpr bool exceeds =
    (among<P, Normal, Laplace, Gumbel> && among<Q, Beta, Exponential, Gamma, Uniform>) ||
    (among<P, Exponential, Gamma> && among<Q, Beta, Uniform>) || (among<P, Poisson> && among<Q, Bernoulli, Binomial>);

/// The shape of p's divergence from q. Whatever must hold of the two is checked.
XGRAD_API Shape paired(const Distribution& p, const Distribution& q, Location where);
XGRAD_API Shape paired(const Categorical& p, const Categorical& q, Location where);
XGRAD_API Shape paired(const Binomial& p, const Binomial& q, Location where);

template <class P, class Q>
concept HasDivergence = requires(const P& p, const Q& q) { detail::divergence(p, q); };

}  // namespace detail

/// The Kullback-Leibler divergence of q from p, E_p[log p - log q], in nats: one for each batch element. Of any two in
/// one family but Multinomial, and of a Normal from Gumbel and Laplace; Gumbel and Laplace from Normal; Uniform from
/// Normal, Gumbel, Exponential, Gamma, Beta; Exponential from Normal, Gumbel, Gamma; Gamma from Normal, Gumbel,
/// Exponential; Beta from Normal, Exponential, Gamma, Uniform; Bernoulli from Poisson. inf where p has values that q
/// has not, also for the pairs where it always has. Any other pair does not compile. ShapeError where batches do not
/// broadcast or events differ, DTypeError for mixed element types, ValueError where the first of two Binomials has the
/// smaller total_count: there is no closed form.
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
