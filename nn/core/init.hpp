#pragma once

#include <autodiff/core/tape.hpp>

#include "random.hpp"

// Weight initialisation, as in torch.nn.init. Each function replaces a parameter's value and keeps its shape and dtype;
// the random ones draw from a generator. fan_in and fan_out of a weight (out, in, kernel…) are in * kernel size and out
// * kernel size; they need at least two axes (ShapeError).

namespace xgrad::nn::init {

enum class Fan { in, out };
enum class Nonlinearity { linear, sigmoid, tanh, relu, leaky_relu, selu };

/// The factor that keeps the variance of activations through a nonlinearity: 1, 5/3 for tanh, sqrt(2) for relu,
/// sqrt(2/(1+slope²)) for leaky_relu, 3/4 for selu.
XGRAD_API double calculate_gain(Nonlinearity nonlinearity, double slope = 0.01);

XGRAD_API void constant(Parameter& p, double value);
XGRAD_API void zeros(Parameter& p);
XGRAD_API void ones(Parameter& p);
/// Uniform in [low, high).
XGRAD_API void uniform(Parameter& p, double low = 0, double high = 1, Generator& generator = default_generator());
/// Normal with the given mean and standard deviation.
XGRAD_API void normal(Parameter& p, double mean = 0, double std = 1, Generator& generator = default_generator());
/// U(-a, a), a = gain * sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010).
XGRAD_API void xavier_uniform(Parameter& p, double gain = 1, Generator& generator = default_generator());
/// N(0, s²), s = gain * sqrt(2 / (fan_in + fan_out)) (Glorot and Bengio 2010).
XGRAD_API void xavier_normal(Parameter& p, double gain = 1, Generator& generator = default_generator());

struct KaimingOptions {
    double a = 0;  ///< slope of the leaky_relu that follows
    Fan mode = Fan::in;
    Nonlinearity nonlinearity = Nonlinearity::leaky_relu;
};
/// U(-b, b), b = gain * sqrt(3 / fan) (He, Zhang, Ren, Sun 2015).
XGRAD_API void kaiming_uniform(Parameter& p, const KaimingOptions& options = {},
                               Generator& generator = default_generator());
/// N(0, s²), s = gain / sqrt(fan) (He, Zhang, Ren, Sun 2015).
XGRAD_API void kaiming_normal(Parameter& p, const KaimingOptions& options = {},
                              Generator& generator = default_generator());

}  // namespace xgrad::nn::init
