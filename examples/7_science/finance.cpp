// Option prices by Monte Carlo, and their sensitivities to all inputs, in one backward pass through the paths (Giles
// and Glasserman, Smoking adjoints, 2006). The market model is that of Black and Scholes (1973) or of Heston (1993),
// whose variance is random as well. Both have closed forms to compare with. The market data are invented.

#include <autodiff/autodiff.hpp>
#include <autodiff/map.hpp>
#include <nn/nn.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <complex>
#include <fmt/core.h>
#include <functional>
#include <numbers>
#include <string>
#include <vector>

#include <example.hpp>

using namespace xgrad;

namespace {

using Numbers = std::vector<double>;

/// A call option's price as a function of the market: the paths of one chunk, and the closed form.
struct Market {
    std::string name;
    std::vector<std::string> inputs;
    Numbers at;
    std::int64_t chunk;
    std::function<Tensor(const Tensors& inputs, std::int64_t paths, Generator&)> payoffs;  // (paths), discounted
    std::function<double(const Numbers&)> closed_form;
};

double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }

double black_scholes(const Numbers& in) {
    const double spot = in[0], volatility = in[1], rate = in[2], years = in[3], strike = in[4];
    const double spread = volatility * std::sqrt(years);
    const double d = (std::log(spot / strike) + (rate + volatility * volatility / 2) * years) / spread;
    return spot * normal_cdf(d) - strike * std::exp(-rate * years) * normal_cdf(d - spread);
}

/// The last price is lognormal: one random number per path, and one fused pass over them.
Tensor black_scholes_payoffs(const Tensors& in, std::int64_t paths, Generator& random) {
    const Tensor &spot = in[0], &volatility = in[1], &rate = in[2], &years = in[3], &strike = in[4];
    const Tensor drift = log(spot) + (rate - square(volatility) / 2) * years, spread = volatility * sqrt(years);
    const auto payoff = [](auto z, auto d, auto s, auto k) { return relu(exp(d + s * z) - k); };
    return exp(-rate * years) * map(payoff, randn({paths}, random, DType::f64), drift, spread, strike);
}

/// Heston's price by Lewis' integral (2001), with the characteristic function in the form of Albrecher, Mayer,
/// Schoutens, Tistaert (The little Heston trap, 2007), which is continuous.
double heston(const Numbers& in) {
    using Complex = std::complex<double>;
    const double spot = in[0], v0 = in[1], kappa = in[2], theta = in[3], xi = in[4], rho = in[5], rate = in[6],
                 years = in[7], strike = in[8];
    const auto characteristic = [&](Complex u) {  // of the logarithm of the price over the forward
        const Complex i(0, 1), b = kappa - rho * xi * i * u, d = std::sqrt(b * b + xi * xi * (i * u + u * u)),
                               g = (b - d) / (b + d);
        const Complex e = std::exp(-d * years);
        const Complex c = kappa * theta / (xi * xi) * ((b - d) * years - 2.0 * std::log((1.0 - g * e) / (1.0 - g)));
        return std::exp(c + v0 / (xi * xi) * (b - d) * (1.0 - e) / (1.0 - g * e));
    };
    const double k = std::log(spot / strike) + rate * years, h = 0.05;
    double integral = 0;
    for (double u = h / 2; u < 150; u += h)  // midpoints
        integral += h * (std::exp(Complex(0, u * k)) * characteristic(Complex(u, -0.5))).real() / (u * u + 0.25);
    return spot - std::sqrt(spot * strike) * std::exp(-rate * years / 2) / std::numbers::pi * integral;
}

/// Steps of Euler's method with full truncation (Lord, Koekkoek, Van Dijk 2010): a negative variance counts as (nearly)
/// zero.
Tensor heston_payoffs(const Tensors& in, std::int64_t paths, Generator& random, std::int64_t steps) {
    const Tensor &spot = in[0], &v0 = in[1], &kappa = in[2], &theta = in[3], &xi = in[4], &rho = in[5], &rate = in[6],
                 &years = in[7], &strike = in[8];
    const Tensor dt = years / static_cast<double>(steps), a = kappa * dt, b = kappa * theta * dt, c = xi * sqrt(dt);
    const Tensor z = randn({steps, paths}, random, DType::f64), other = randn({steps, paths}, random, DType::f64);
    constexpr double least = 1e-10;  // where the square root still has a finite slope
    Tensor variance = broadcast_to(v0, {paths});
    Tensors variances;
    for (const Tensor& step : unbind(z)) {  // one step after another, each fused
        variances.push_back(variance);
        variance = map(
            [](auto v, auto dz, auto pull, auto level, auto noise) {
                const auto up = maximum(v, least);
                return v + level - pull * up + noise * sqrt(up) * dz;
            },
            variance, step, a, b, c);
    }
    // The log-price change over all steps is a sum.
    const Tensor noise = rho * z + sqrt(1 - square(rho)) * other;
    const auto moves =
        map([](auto v, auto dz, auto h) { return sqrt(maximum(v, least) * h) * dz - 0.5 * maximum(v, least) * h; },
            stack(variances), noise, dt);
    const Tensor price = spot * exp(rate * years + sum(moves, 0));
    return exp(-rate * years) * relu(price - strike);
}

/// The price and, after a sweep, its derivatives by all inputs, with their standard errors, estimated from the spread
/// of the chunks' means.
struct Estimate {
    Tensor means, errors;
    double seconds = 0;
};

/// `paths` in chunks that stay in the cache, at least two and equal (which may add a few paths); the same random
/// numbers in each call.
Estimate simulate(const Market& market, const Numbers& at, std::int64_t paths, std::uint64_t seed, bool sweep) {
    const auto start = std::chrono::steady_clock::now();
    Generator random(seed);
    const std::vector<Tensor> inputs = unbind(tensor(at));
    const std::int64_t chunks = std::max<std::int64_t>(2, (paths + market.chunk - 1) / market.chunk),
                       each = (paths + chunks - 1) / chunks;
    const auto price_of = [&](const Tensors& in) { return mean(market.payoffs(in, each, random)); };
    Numbers all;
    for (std::int64_t i = 0; i < chunks; ++i) {
        if (sweep) {
            const auto [price, gradient] = value_and_grad(price_of, inputs);
            all.push_back(price.item());
            for (const Tensor& one : gradient) all.push_back(one.item());
        } else all.push_back(price_of(inputs).item());
    }
    const Tensor table = reshape(tensor(all), {chunks, -1});
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return {mean(table, 0), sqrt(var(table, 0) / static_cast<double>(chunks - 1)), seconds};
}

/// Central differences of a function by each number: two calls for each.
Numbers bumped(const std::function<double(const Numbers&)>& f, const Numbers& at, double relative) {
    Numbers slopes;
    for (std::size_t i = 0; i < at.size(); ++i) {
        Numbers up = at, down = at;
        const double h = relative * std::abs(at[i]);
        up[i] += h;
        down[i] -= h;
        slopes.push_back((f(up) - f(down)) / (2 * h));
    }
    return slopes;
}

/// A derivative as a function of the spot price, from a sweep over a few paths for each point.
nn::Plot by_spot(const Market& market, std::size_t input, std::int64_t paths, std::uint64_t seed) {
    Numbers spots, swept, exact;
    for (double spot = 60; spot <= 160; spot += 5) {
        Numbers at = market.at;
        at[0] = spot;
        spots.push_back(spot);
        swept.push_back(simulate(market, at, paths, seed, true).means[static_cast<std::int64_t>(input) + 1].item());
        exact.push_back(bumped(market.closed_form, at, 1e-4)[input]);
    }
    nn::Plot plot({.title = market.name + ": derivative by " + market.inputs[input], .x = "spot"});
    return plot.line("closed form", spots, exact)
        .points(fmt::format("one sweep through {} paths", paths), spots, swept);
}

void study(Example& example, const Market& market, std::int64_t paths, std::vector<nn::Plot>& plots) {
    const std::string& name = market.name;
    const auto run = [&](const Numbers& at, bool sweep) { return simulate(market, at, paths, example.seed(), sweep); };
    nn::ProgressBar progress;
    constexpr int repeats = 7;
    progress.start(name, 2 * (repeats + static_cast<std::int64_t>(market.at.size())), "simulations");
    Numbers price_seconds, sweep_seconds;
    Estimate estimate;
    for (int i = 0; i < repeats; ++i) {
        price_seconds.push_back(run(market.at, false).seconds);
        estimate = run(market.at, true);
        sweep_seconds.push_back(estimate.seconds);
        if (progress.advance(2)) progress.show();
    }
    const auto simulated_price = [&](const Numbers& at) {
        if (progress.advance()) progress.show();
        return run(at, false).means[0].item();
    };
    const Tensor by_bumps = tensor(bumped(simulated_price, market.at, 1e-6));
    progress.clear();

    const Tensor exact =
        concat({tensor({market.closed_form(market.at)}), tensor(bumped(market.closed_form, market.at, 1e-4))});
    fmt::print("{}      sweep        +-  closed form   bumping\n", name);
    for (std::int64_t i = 0; i < exact.size(); ++i)
        fmt::print("  {:14} {:10.4f} {:8.4f} {:10.4f} {:>10}\n",
                   i == 0 ? "price" : market.inputs[static_cast<std::size_t>(i - 1)], estimate.means[i].item(),
                   estimate.errors[i].item(), exact[i].item(),
                   i == 0 ? "" : fmt::format("{:.4f}", by_bumps[i - 1].item()));

    const double price_time = median(tensor(price_seconds)).item(), sweep_time = median(tensor(sweep_seconds)).item();
    example.figure(name + ": time for price and all sensitivities over that of the price", sweep_time / price_time,
                   {.at_most = 3, .brief_at_most = 4});
    example.figure(name + ": paths per second with all sensitivities", static_cast<double>(paths) / sweep_time);
    example.figure(name + ": largest distance from the closed form, in standard errors",
                   max(abs(estimate.means - exact) / estimate.errors).item(), {.at_most = 4, .brief_at_most = 4});
    example.figure(name + ": largest relative distance from bumping",
                   max(abs(estimate.means[Slice{1, {}}] / by_bumps - 1)).item(),
                   {.at_most = 1e-3, .brief_at_most = 1e-2});
    for (const std::size_t input : {0, 1}) plots.push_back(by_spot(market, input, paths / 10, example.seed()));
}

}  // namespace

int main(int argc, char** argv) {
    Example example("finance", "Prices options by Monte Carlo with all sensitivities in one sweep.");
    std::int64_t paths = 100000, chunk = 500, steps = 100;
    example.option("--paths", paths, "Simulated paths");
    example.option("--chunk", chunk,
                   "Paths at a time in Heston's market, so that what a tape holds stays in the cache");
    example.option("--steps", steps, "Steps of a path in Heston's market");
    example.default_threads(1);  // a chunk is too small to share
    return example.run(argc, argv, [&] {
        example.note("The numbers of both markets are made up.");
        if (example.brief()) paths = 20000, steps = 50;
        const std::vector<Market> markets = {
            {"Black-Scholes",
             {"spot", "volatility", "rate", "years", "strike"},
             {100, 0.2, 0.03, 1, 105},
             2500,
             black_scholes_payoffs,
             black_scholes},
            {"Heston",
             {"spot", "variance", "reversion", "long variance", "vol of var", "correlation", "rate", "years", "strike"},
             {100, 0.05, 2, 0.04, 0.3, -0.7, 0.03, 1, 105},
             chunk,
             [&](const Tensors& in, std::int64_t n, Generator& random) { return heston_payoffs(in, n, random, steps); },
             heston}};
        std::vector<nn::Plot> plots;
        for (const Market& market : markets) study(example, market, paths, plots);
        example.picture("sensitivities.svg",
                        "How the price of a call option changes with what goes into it, for some prices of the share.",
                        plots);
    });
}
