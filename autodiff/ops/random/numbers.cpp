#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>

#include "autodiff/core/apply.hpp"
#include "autodiff/core/detail/axes.hpp"
#include "autodiff/core/detail/composition.hpp"
#include "autodiff/core/detail/dispatch.hpp"
#include "autodiff/core/detail/parallel.hpp"
#include "autodiff/core/tape.hpp"
#include "autodiff/ops/elementwise/elementwise.hpp"
#include "autodiff/ops/reduce/reduce.hpp"
#include "autodiff/ops/shape/shape.hpp"
#include "detail/draws.hpp"
#include "detail/gamma_slope.hpp"
#include "detail/parameters.hpp"
#include "detail/stream.hpp"
#include "random.hpp"

// Random numbers of distributions with tensors as parameters: each element draws from its own stream, in double.

namespace xgrad {

using namespace detail;

namespace {

// --- samplers --------------------------------------------------------------------------------------------------------

/// The logarithm of a gamma variate with scale 1 (Marsaglia and Tsang 2000, with their section 6 for alpha < 1).
double log_gamma_number(Stream& stream, double alpha) {
    if (alpha < 1) return log_gamma_number(stream, alpha + 1) + std::log(stream.uniform()) / alpha;
    const double d = alpha - 1.0 / 3, c = 1 / std::sqrt(9 * d);
    for (;;) {
        const double x = stream.normal(), root = 1 + c * x;
        if (root <= 0) continue;
        const double v = root * root * root;
        if (std::log(stream.uniform()) < 0.5 * x * x + d * (1 - v + std::log(v))) return std::log(d) + std::log(v);
    }
}

constexpr double half_log_two_pi = 0.91893853320467274178;

/// log(k!) - ((k + 1/2) log(k + 1) - (k + 1) + log(2 pi) / 2): the error of Stirling's formula.
double stirling_rest(double k) {
    static const auto small = [] {
        std::array<double, 16> rest{};
        long double log_factorial = 0;
        for (int i = 0; i < 16; ++i) {
            const long double next = i + 1;
            if (i > 0) log_factorial += std::log(static_cast<long double>(i));
            rest[static_cast<std::size_t>(i)] =
                static_cast<double>(log_factorial - ((i + 0.5L) * std::log(next) - next +
                                                     0.5L * std::log(2 * std::numbers::pi_v<long double>)));
        }
        return rest;
    }();
    if (k < 16) return small[static_cast<std::size_t>(k)];
    const double x = 1 / (k + 1), s = x * x;
    return x * (1.0 / 12 - s * (1.0 / 360 - s * (1.0 / 1260 - s / 1680)));
}

/// By search from 0 for small rates, else PTRS (Hörmann 1993).
double poisson_number(Stream& stream, double rate) {
    if (rate == 0) return 0;
    if (rate < 10) {
        double left = stream.uniform(), p = std::exp(-rate), k = 0;
        for (; left > p && p > 0; p *= rate / ++k) left -= p;
        return k;
    }
    const double b = 0.931 + 2.53 * std::sqrt(rate), a = -0.059 + 0.02483 * b,
                 inverse_alpha = 1.1239 + 1.1328 / (b - 3.4), squeeze = 0.9277 - 3.6224 / (b - 2);
    for (;;) {
        const double u = stream.uniform() - 0.5, v = stream.uniform(), s = 0.5 - std::abs(u);
        const double k = std::floor((2 * a / s + b) * u + rate + 0.43);
        if (s >= 0.07 && v <= squeeze) return k;
        if (k < 0 || (s < 0.013 && v > s)) continue;
        const double next = k + 1, change = (rate - next) / next, logarithm = std::log1p(change);
        const double log_p =
            next * (logarithm - change) - logarithm - 0.5 * std::log(next) - half_log_two_pi - stirling_rest(k);
        if (std::log(v * inverse_alpha / (a / (s * s) + b)) <= log_p) return k;
    }
}

}  // namespace

/// By search from 0 for small n p, else BTRS (Hörmann 1993).
double detail::binomial_number(Stream& stream, double n, double p) {
    if (p > 0.5) return n - binomial_number(stream, n, 1 - p);
    if (n == 0 || p == 0) return 0;
    const double odds = p / (1 - p);
    if (n * p < 10) {
        double left = stream.uniform(), chance = std::exp(n * std::log1p(-p)), k = 0;
        for (; left > chance && k < n && chance > 0; chance *= odds * (n - k + 1) / k) {
            left -= chance;
            ++k;
        }
        return k;
    }
    const double deviation = std::sqrt(n * p * (1 - p)), b = 1.15 + 2.53 * deviation,
                 a = -0.0873 + 0.0248 * b + 0.01 * p, alpha = (2.83 + 5.1 / b) * deviation, squeeze = 0.92 - 4.2 / b,
                 mode = std::floor((n + 1) * p);
    for (;;) {
        const double u = stream.uniform() - 0.5, v = stream.uniform(), s = 0.5 - std::abs(u);
        const double k = std::floor((2 * a / s + b) * u + n * p + 0.5);
        if (s >= 0.07 && v <= squeeze) return k;
        if (k < 0 || k > n) continue;
        const double bound = (mode + 0.5) * std::log((mode + 1) / (odds * (n - mode + 1))) +
                             (n + 1) * std::log((n - mode + 1) / (n - k + 1)) +
                             (k + 0.5) * std::log(odds * (n - k + 1) / (k + 1)) + stirling_rest(mode) +
                             stirling_rest(n - mode) - stirling_rest(k) - stirling_rest(n - k);
        if (std::log(v * alpha / (a / (s * s) + b)) <= bound) return k;
    }
}

namespace {

// --- parameters ------------------------------------------------------------------------------------------------------

/// The checked parameters, with the result's shape.
template <std::size_t N>
std::array<Tensor, N> parameters(const char* operation, const Named (&named)[N], const Shape* shape) {
    Shape common;
    std::array<Tensor, N> result = checked(operation, named, common);
    const Location where = named[0].value.where();
    composed(operation, where, [&] {
        for (Tensor& p : result) p = broadcast_to({p, where}, shape ? *shape : common);
    });
    return result;
}

/// A tensor whose elements are make(stream, parameters…) for each element's parameters.
template <class... P, class F>
Tensor drawn(Generator& generator, const F& make, const Tensor& first, const P&... others) {
    Tensor out = TensorAccess::empty_like(first);
    const Generator::Draw at = generator.draw(static_cast<std::uint64_t>(out.size()));
    with_floating(out.dtype(), [&]<class T>(T) {
        T* to = elements<T>(out);
        parallel_for(out.size(), out.size() * 32, [&](Int begin, Int end) {
            for (Int i = begin; i < end; ++i) {
                Stream stream(at, i);
                to[i] = static_cast<T>(make(stream, static_cast<double>(elements<T>(first)[i]),
                                            static_cast<double>(elements<T>(others)[i])...));
            }
        });
    });
    return out;
}

Tensor draw_normal(const Operand& loc, const Operand& scale, const Shape* shape, Generator& generator) {
    const auto [l, s] = parameters("normal", {{"loc", loc, finite}, {"scale", scale, not_negative}}, shape);
    return l + s * drawn(generator, [](Stream& stream, double) { return stream.normal(); }, l);
}

Tensor draw_uniform(const Operand& low, const Operand& high, const Shape* shape, Generator& generator) {
    const auto [l, h] = parameters("uniform", {{"low", low, finite}, {"high", high, finite}}, shape);
    check<ValueError>(bool(all(l <= h)), low.where(),
                      [] { return std::string("uniform: low must not be above high, got one that is"); });
    return l + (h - l) * drawn(generator, [](Stream& stream, double) { return stream.uniform(); }, l);
}

Tensor draw_exponential(const Operand& scale, const Shape* shape, Generator& generator) {
    const auto [s] = parameters("exponential", {{"scale", scale, not_negative}}, shape);
    return s * drawn(generator, [](Stream& stream, double) { return stream.exponential(); }, s);
}

Tensor draw_gamma(const Operand& alpha, const Operand& scale, const Shape* shape, Generator& generator) {
    const auto [a, s] =
        parameters("gamma", {{"alpha", alpha, positive_number}, {"scale", scale, positive_number}}, shape);
    return s * standard_gamma({a, alpha.where()}, generator);
}

Tensor draw_beta(const Operand& a, const Operand& b, const Shape* shape, Generator& generator) {
    const auto [x, y] = parameters("beta", {{"a", a, positive_number}, {"b", b, positive_number}}, shape);
    const Tensor first = log_standard_gamma({x, a.where()}, generator),
                 second = log_standard_gamma({y, b.where()}, generator);
    return sigmoid(first - second);
}

Tensor draw_poisson(const Operand& rate, const Shape* shape, Generator& generator) {
    const auto [r] = parameters("poisson", {{"rate", rate, not_negative}}, shape);
    return drawn(generator, poisson_number, r);
}

Tensor draw_binomial(const Operand& n, const Operand& p, const Shape* shape, Generator& generator) {
    const auto [attempts, chance] = parameters("binomial", {{"n", n, whole}, {"p", p, probability}}, shape);
    return drawn(generator, binomial_number, attempts, chance);
}

/// Gamma variates drawn for alpha, or their logarithms, as functions of alpha at fixed quantiles.
struct GammaNumbers {
    static constexpr const char* name = "gamma";
    bool logarithms = false;
    XGRAD_ATTRIBUTES(logarithms)
    static constexpr Saves saves{.inputs = 0b01, .outputs = 1};

    static Tensor value(const Tensor&, const Tensor& drawn) { return drawn; }
    std::array<Tensor, 2> pullback(Tensor g, const Saved& s) const {
        const Tensor &alpha = s.input(0), &y = s.output();
        if (logarithms) return {g * gamma_slope(alpha, y)};
        const double tiny =
            y.dtype() == DType::f32 ? std::numeric_limits<float>::min() : std::numeric_limits<double>::min();
        return {g * y * gamma_slope(alpha, log(maximum(y, tiny)))};
    }
};

}  // namespace

Tensor detail::standard_gamma(const Operand& alpha, Generator& generator) {
    const auto number = [](Stream& stream, double a) { return std::exp(log_gamma_number(stream, a)); };
    return apply(GammaNumbers{}, {alpha.tensor(), drawn(generator, number, alpha.tensor())}, alpha.where());
}

Tensor detail::log_standard_gamma(const Operand& alpha, Generator& generator) {
    return apply(GammaNumbers{true}, {alpha.tensor(), drawn(generator, log_gamma_number, alpha.tensor())},
                 alpha.where(), "log_gamma");
}

Tensor bernoulli(const Tensor& p, Generator& generator, Location where) {
    const Operand operand(p, where);
    const auto [chance] = parameters("bernoulli", {{"p", operand, probability}}, nullptr);
    return drawn(generator, [](Stream& stream, double x) { return stream.uniform() < x ? 1.0 : 0.0; }, chance);
}

Tensor normal(const Operand& loc, const Operand& scale, const Shape& shape, Generator& g) {
    return draw_normal(loc, scale, &shape, g);
}
Tensor normal(const Operand& loc, const Operand& scale, Generator& g) { return draw_normal(loc, scale, nullptr, g); }
Tensor uniform(const Operand& low, const Operand& high, const Shape& shape, Generator& g) {
    return draw_uniform(low, high, &shape, g);
}
Tensor uniform(const Operand& low, const Operand& high, Generator& g) { return draw_uniform(low, high, nullptr, g); }
Tensor exponential(const Operand& scale, const Shape& shape, Generator& g) {
    return draw_exponential(scale, &shape, g);
}
Tensor exponential(const Operand& scale, Generator& g) { return draw_exponential(scale, nullptr, g); }
Tensor gamma(const Operand& alpha, const Operand& scale, const Shape& shape, Generator& g) {
    return draw_gamma(alpha, scale, &shape, g);
}
Tensor gamma(const Operand& alpha, const Operand& scale, Generator& g) { return draw_gamma(alpha, scale, nullptr, g); }
Tensor beta(const Operand& a, const Operand& b, const Shape& shape, Generator& g) { return draw_beta(a, b, &shape, g); }
Tensor beta(const Operand& a, const Operand& b, Generator& g) { return draw_beta(a, b, nullptr, g); }
Tensor poisson(const Operand& rate, const Shape& shape, Generator& g) { return draw_poisson(rate, &shape, g); }
Tensor poisson(const Operand& rate, Generator& g) { return draw_poisson(rate, nullptr, g); }
Tensor binomial(const Operand& n, const Operand& p, const Shape& shape, Generator& g) {
    return draw_binomial(n, p, &shape, g);
}
Tensor binomial(const Operand& n, const Operand& p, Generator& g) { return draw_binomial(n, p, nullptr, g); }

}  // namespace xgrad
