#pragma once

// Distributions with PyTorch's names and arguments, in namespace xgrad::distributions. Each is a struct of its
// parameters, which are tensors whose shapes broadcast:
//
//     Normal n(loc, scale);
//     Tensor x = n.sample({100}), y = n.rsample({100});  // shape (100, batch…, event…); y moves with the parameters
//     Tensor l = sum(n.log_prob(x)), h = n.entropy(), d = kl_divergence(n, Normal(0.0, 1.0));
//
// log_prob, entropy, moments and divergences are differentiable in the parameters and in the value, to any order.
// Errors: ValueError for a parameter or value outside its domain, ShapeError for incompatible shapes, DTypeError for
// mixed element types. If all parameters are plain numbers, the element type is f32.
#include "discrete.hpp"  // Bernoulli, Binomial, Poisson, Categorical, OneHotCategorical, Multinomial
#include "distribution.hpp"  // common to all: batch_shape, event_shape, sample, stddev
#include "divergence.hpp"  // kl_divergence
#include "positive.hpp"  // Exponential, Gamma, Beta, Dirichlet
#include "real.hpp"  // Normal, LogNormal, Uniform, Laplace, Gumbel, StudentT, MultivariateNormal
