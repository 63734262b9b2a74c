#include "init.hpp"

#include <cmath>

#include <autodiff/ops/elementwise/elementwise.hpp>

namespace xgrad::nn::init {

namespace {

struct Fans {
    double in, out;
};

Fans fans_of(const Parameter& p) {
    check<ShapeError>(p.ndim() >= 2, {},
                      [&] { return "init: fan in and out need at least 2 axes, got " + to_string(p.shape()); });
    double kernel = 1;
    for (int i = 2; i < p.ndim(); ++i) kernel *= static_cast<double>(p.shape(i));
    return {kernel * static_cast<double>(p.shape(1)), kernel * static_cast<double>(p.shape(0))};
}

double kaiming_std(const Parameter& p, const KaimingOptions& options) {
    const Fans fans = fans_of(p);
    return calculate_gain(options.nonlinearity, options.a) / std::sqrt(options.mode == Fan::in ? fans.in : fans.out);
}

double xavier_std(const Parameter& p, double gain) {
    const Fans fans = fans_of(p);
    return gain * std::sqrt(2 / (fans.in + fans.out));
}

// The uniform distribution on (-bound, bound) has standard deviation bound / sqrt(3).
void uniform_of_std(Parameter& p, double std, Generator& generator) {
    const double bound = std::sqrt(3.0) * std;
    uniform(p, -bound, bound, generator);
}

}  // namespace

double calculate_gain(Nonlinearity nonlinearity, double slope) {
    switch (nonlinearity) {
        case Nonlinearity::tanh: return 5.0 / 3;
        case Nonlinearity::relu: return std::sqrt(2.0);
        case Nonlinearity::leaky_relu: return std::sqrt(2 / (1 + slope * slope));
        case Nonlinearity::selu: return 0.75;
        case Nonlinearity::linear:
        case Nonlinearity::sigmoid: break;
    }
    return 1;
}

void constant(Parameter& p, double value) { p = full(p.shape(), value, p.dtype()); }
void zeros(Parameter& p) { constant(p, 0); }
void ones(Parameter& p) { constant(p, 1); }

void uniform(Parameter& p, double low, double high, Generator& generator) {
    p = rand(p.shape(), generator, p.dtype()) * (high - low) + low;
}
void normal(Parameter& p, double mean, double std, Generator& generator) {
    p = randn(p.shape(), generator, p.dtype()) * std + mean;
}
void xavier_uniform(Parameter& p, double gain, Generator& generator) {
    uniform_of_std(p, xavier_std(p, gain), generator);
}
void xavier_normal(Parameter& p, double gain, Generator& generator) { normal(p, 0, xavier_std(p, gain), generator); }
void kaiming_uniform(Parameter& p, const KaimingOptions& options, Generator& generator) {
    uniform_of_std(p, kaiming_std(p, options), generator);
}
void kaiming_normal(Parameter& p, const KaimingOptions& options, Generator& generator) {
    normal(p, 0, kaiming_std(p, options), generator);
}

}  // namespace xgrad::nn::init
