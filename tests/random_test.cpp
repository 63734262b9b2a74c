#include <autodiff/distributions/distributions.hpp>
#include <doctest/doctest.h>
#include <nn/core/random.hpp>

#include <algorithm>
#include <cmath>
#include <functional>

#include "support.hpp"

using namespace xgrad;
using namespace xgrad::distributions;
using namespace tests;

namespace {

constexpr std::int64_t many = 20000;

// The seeds are fixed, so that what fits once fits always; the thresholds say how good a fit that is.

/// The largest distance between the distribution function of the numbers and `cdf`, times sqrt(n) (Kolmogorov and
/// Smirnov): above 1.95 once in a thousand.
double distance(const Tensor& x, const std::function<double(double)>& cdf) {
    auto sorted = values(x);
    std::sort(sorted.begin(), sorted.end());
    const auto n = static_cast<double>(sorted.size());
    double worst = 0;
    for (std::size_t i = 0; i < sorted.size(); ++i) {
        const double p = cdf(sorted[i]), before = static_cast<double>(i) / n, after = static_cast<double>(i + 1) / n;
        worst = std::max({worst, p - before, after - p});
    }
    return worst * std::sqrt(n);
}

/// Pearson's sum over classes that are expected at least ten times, others being merged with their neighbours, as a
/// distance from its mean in standard deviations: above 4 once in a hundred for one degree of freedom, once in ten
/// thousand for many.
double chi_square(const Tensor& x, const std::vector<double>& chances) {
    std::vector<double> seen(chances.size(), 0);
    for (const double v : values(x)) {
        REQUIRE(v >= 0);
        REQUIRE(v < static_cast<double>(seen.size()));
        ++seen[static_cast<std::size_t>(v)];
    }
    const auto n = static_cast<double>(x.size());
    double sum = 0, expected = 0, found = 0, left = n, groups = -1;
    for (std::size_t k = 0; k < chances.size(); ++k) {
        expected += n * chances[k], found += seen[k];
        if (expected < 10 || (left - expected < 10 && k + 1 < chances.size())) continue;
        sum += (found - expected) * (found - expected) / expected;
        left -= expected, groups += 1, expected = 0, found = 0;
    }
    return groups > 0 ? (sum - groups) / std::sqrt(2 * groups) : sum;
}

/// The regularised lower incomplete gamma function.
double gamma_cdf(double a, double x) {
    if (x <= 0) return 0;
    double term = std::exp(a * std::log(x) - x - std::lgamma(a + 1)), total = term;
    for (double n = 1; term > total * 1e-17 || x > a + n; ++n) total += term *= x / (a + n);
    return total;
}

template <class D>
std::vector<double> chances(const D& d, std::int64_t up_to) {
    return values(exp(d.log_prob(arange(static_cast<double>(up_to), DType::f64))));
}

}  // namespace

TEST_SUITE("random") {
    TEST_CASE("numbers need no generator, and manual_seed repeats them") {
        manual_seed(5);
        const std::vector<Tensor> first{rand({3}), randn({2, 2}, DType::f64), randint(0, 9, {4}),
                                        bernoulli(0.5, {5}, DType::i32), permutation(6)};
        manual_seed(5);
        const std::vector<Tensor> again{rand({3}), randn({2, 2}, DType::f64), randint(0, 9, {4}),
                                        bernoulli(0.5, {5}, DType::i32), permutation(6)};
        for (std::size_t i = 0; i < first.size(); ++i) {
            CHECK(values(first[i]) == values(again[i]));
            CHECK(first[i].dtype() == again[i].dtype());
        }
        CHECK(first[1].dtype() == DType::f64);
        CHECK(&nn::default_generator() == &xgrad::default_generator());
    }

    TEST_CASE("continuous numbers have their distribution") {
        Generator g(11);
        for (const DType dtype : {DType::f64, DType::f32}) {
            const auto number = [dtype](double x) { return scalar(x, dtype); };
            const auto phi = [](double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); };
            CHECK(distance(normal(number(2), number(3), {many}, g), [&](double x) { return phi((x - 2) / 3); }) < 1.95);
            CHECK(distance(uniform(number(-1), number(3), {many}, g), [](double x) { return (x + 1) / 4; }) < 1.95);
            CHECK(distance(exponential(number(4), {many}, g), [](double x) { return -std::expm1(-x / 4); }) < 1.95);
            for (const double a : {0.01, 0.3, 1.0, 2.5, 30.0, 1000.0}) {
                if (a < 0.1 && dtype == DType::f32) continue;  // a third of the numbers is below the smallest f32
                INFO("gamma " << a);
                const double as_given = number(a).item();
                CHECK(distance(gamma(number(a), number(2), {many}, g),
                               [&](double x) { return gamma_cdf(as_given, x / 2); }) < 1.95);
            }
            CHECK(distance(beta(number(0.25), number(1), {many}, g), [](double x) { return std::pow(x, 0.25); }) <
                  1.95);
            CHECK(distance(beta(number(1), number(1000), {many}, g),
                           [](double x) { return -std::expm1(1000 * std::log1p(-x)); }) < 1.95);
            const auto two_three = [](double x) { return x * x * (6 - 8 * x + 3 * x * x); };
            CHECK(distance(beta(number(2), number(3), {many}, g), two_three) < 1.95);
            CHECK(distance(LogNormal(number(1), number(0.5)).sample({many}, g),
                           [&](double x) { return phi((std::log(x) - 1) / 0.5); }) < 1.95);
            CHECK(distance(Laplace(number(1), number(2)).sample({many}, g), [](double x) {
                      return x < 1 ? 0.5 * std::exp((x - 1) / 2) : 1 - 0.5 * std::exp((1 - x) / 2);
                  }) < 1.95);
            CHECK(distance(Gumbel(number(1), number(2)).sample({many}, g),
                           [](double x) { return std::exp(-std::exp((1 - x) / 2)); }) < 1.95);
            const auto t3 = [](double x) {
                const double r = x / std::sqrt(3.0);
                return 0.5 + (r / (1 + r * r) + std::atan(r)) / 3.14159265358979323846;
            };
            CHECK(distance(StudentT(number(3)).sample({many}, g), t3) < 1.95);
            const Tensor shares = Dirichlet(tensor({0.5, 0.3, 0.7}).to(dtype)).sample({many}, g);
            CHECK(distance(select(shares, 1, 0), [](double x) { return std::sqrt(x); }) < 1.95);
            CHECK(close(sum(shares, 1), ones({many}, dtype), 1e-6));
            const Tensor factor = tensor({{2.0, 0.0}, {-1.0, 0.5}}).to(dtype), middle = tensor({1.0, -2.0}).to(dtype);
            const Tensor x = MultivariateNormal(middle, {.scale_tril = factor}).sample({many}, g);
            CHECK(distance(ravel(triangular_solve(factor, transpose(x - middle))), phi) < 1.95);
        }
    }

    TEST_CASE("counts have their distribution") {
        Generator g(12);
        for (const DType dtype : {DType::f64, DType::f32}) {
            const auto number = [dtype](double x) { return scalar(x, dtype); };
            const std::int64_t n =
                dtype == DType::f64 ? 10 * many : many;  // a wrong constant in a rejection shows in many numbers only
            for (const double rate : {0.1, 3.0, 9.9, 10.1, 400.0, 1e4}) {
                INFO("poisson " << rate);
                const auto p = chances(Poisson(scalar(number(rate).item())),
                                       static_cast<std::int64_t>(rate + 10 * std::sqrt(rate) + 20));
                CHECK(chi_square(poisson(number(rate), {n}, g), p) < 4);
            }
            for (const auto& pair :
                 {std::pair{1.0, 0.3}, {7.0, 0.5}, {40.0, 0.9}, {40.0, 0.4}, {1e5, 1e-6}, {1e5, 0.37}, {1e5, 0.999}}) {
                const double attempts = pair.first, chance = pair.second;
                INFO("binomial " << attempts << ", " << chance);
                const Binomial exact(scalar(attempts), {.probs = scalar(number(chance).item())});
                const Tensor x = binomial(number(attempts), number(chance), {n}, g);
                CHECK(chi_square(x, chances(exact, static_cast<std::int64_t>(attempts) + 1)) < 4);
            }
            CHECK(chi_square(bernoulli(full({many}, 0.2, dtype), g), {0.8, 0.2}) < 4);
            const Tensor p = tensor({0.1, 0.0, 0.5, 0.4}).to(dtype);
            CHECK(chi_square(Categorical({.probs = p}).sample({many}, g), {0.1, 0, 0.5, 0.4}) < 4);
            CHECK(chi_square(categorical(log(p) + 100, {many}, g), {0.1, 0, 0.5, 0.4}) < 4);
            CHECK(chi_square(multinomial(3 * p, many, {.replacement = true}, g), {0.1, 0, 0.5, 0.4}) < 4);
            CHECK(chi_square(argmax(OneHotCategorical({.probs = p}).sample({many}, g), 1), {0.1, 0, 0.5, 0.4}) < 4);
            CHECK(chi_square(argmax(gumbel_softmax(broadcast_to(log(p), {many, 4}), {}, g), 1), {0.1, 0, 0.5, 0.4}) <
                  4);
            const Tensor bags = Multinomial(30, {.probs = p}).sample({many}, g);
            CHECK(values(sum(bags, 1)) == std::vector<double>(many, 30));
            CHECK(sum(select(bags, 1, 1)).item() == 0);
            CHECK(chi_square(select(bags, 1, 2), chances(Binomial(30, {.probs = scalar(0.5)}), 31)) < 4);
            CHECK(chi_square(select(bags, 1, 3), chances(Binomial(30, {.probs = scalar(0.4)}), 31)) < 4);
            const Tensor shut =
                Multinomial(100, {.probs = tensor({0.0, 0.1, 0.2, 0.3, 0.0, 0.0}).to(dtype)}).sample({many}, g);
            CHECK(values(sum(shut, 1)) == std::vector<double>(many, 100));
            for (const int never : {0, 4, 5}) CHECK(sum(select(shut, 1, never)).item() == 0);
            CHECK(chi_square(select(shut, 1, 1), chances(Binomial(100, {.probs = scalar(1.0 / 6)}), 101)) < 4);
        }
    }

    TEST_CASE("multinomial without replacement draws one class after the other") {
        Generator g(13);
        const Tensor w = tensor({1.0, 2.0, 3.0, 4.0});
        const Tensor pairs = multinomial(broadcast_to(w, {many, 4}), 2, {}, g);
        std::vector<double> expected(16, 0);
        for (int i = 0; i < 4; ++i)
            for (int j = 0; j < 4; ++j)
                if (i != j) expected[static_cast<std::size_t>(4 * i + j)] = (i + 1) / 10.0 * (j + 1) / (9.0 - i);
        CHECK(chi_square(select(pairs, 1, 0) * 4 + select(pairs, 1, 1), expected) < 4);
        auto all = values(multinomial(w, 4, {}, g));
        std::sort(all.begin(), all.end());
        CHECK(all == std::vector<double>{0, 1, 2, 3});
        auto rare = values(multinomial(tensor({0.0, 1e-320, 1.0}), 2, {}, g));
        std::sort(rare.begin(), rare.end());
        CHECK(rare == std::vector<double>{1, 2});
        CHECK(error_of<ValueError>([&] { multinomial(tensor({1e308, 1e308}), 1, {.replacement = true}, g); }) ==
              "multinomial: weights must have a finite sum, got inf in row 0" + nearby());
        CHECK(error_of<ValueError>([&] { multinomial(tensor({1.0, 0.0}), 2, {}, g); }) ==
              "multinomial: at least 2 classes must have a weight, got 1 in row 0" + nearby());
        CHECK(error_of<ValueError>([&] {
                  multinomial(tensor({1.0, -1.0}), 1, {}, g);
              }).find("multinomial: weights must be finite and not negative, got -1") == 0);
    }

    TEST_CASE("every element draws from its own stream, whatever runs beside it") {
        // A large draw is shared by threads; the same numbers come in pieces that are too small for that.
        const auto check = [](const auto& draw) {
            constexpr std::int64_t piece = 500, pieces = 40;
            Generator together(3), apart(3);
            const auto whole = values(draw(Shape{piece * pieces}, together));
            std::vector<double> parts;
            for (std::int64_t k = 0; k < pieces; ++k)
                for (const double v : values(draw(Shape{piece}, apart))) parts.push_back(v);
            CHECK(whole == parts);
        };
        check([](const Shape& s, Generator& g) { return exponential(scalar(2.0), s, g); });
        check([](const Shape& s, Generator& g) { return gamma(scalar(0.3), 1, s, g); });
        check([](const Shape& s, Generator& g) { return poisson(scalar(50.0), s, g); });
        check([](const Shape& s, Generator& g) { return binomial(scalar(500.0), 0.4, s, g); });
        check([](const Shape& s, Generator& g) { return bernoulli(full(s, 0.4), g); });
        check([](const Shape& s, Generator& g) { return categorical(zeros({7}), s, g); });
        check([](const Shape& s, Generator& g) {
            return select(Multinomial(20, {.probs = ones({3})}).sample(s, g), 1, 1);
        });
    }

    TEST_CASE("gumbel_softmax, hard, is one-hot with the gradient of the soft one") {
        const Tensor logits = tensor({{0.5, -1.0, 2.0}, {0.1, 0.2, 0.3}}),
                     weights = tensor({{1.0, 2.0, 3.0}, {-1.0, 4.0, 0.5}});
        for (const int axis : {0, 1}) {
            Tensor y[2], slope[2];
            for (const bool hard : {false, true}) {
                Tape tape;
                const Tensor x = tape.watch(logits);
                Generator g(4);
                y[hard] = gumbel_softmax(x, {.tau = 0.7, .hard = hard, .axis = axis}, g);
                slope[hard] = tape.gradient(sum(y[hard] * weights), x);
            }
            CHECK(close(slope[0], slope[1]));
            CHECK(close(y[1], (y[0] >= max(y[0], axis, true)).to(DType::f64), 0));
        }
        CHECK(error_of<ValueError>([&] {
                  gumbel_softmax(logits, {.tau = 0});
              }).find("gumbel_softmax: tau must be positive, got 0") == 0);
    }

    TEST_CASE("means of pathwise gradients are gradients of means") {
        // Of 100 000 numbers, to five standard errors.
        const auto check = [](const char* name, const auto& numbers, const auto& mean,
                              std::initializer_list<double> at) {
            INFO(name);
            constexpr std::int64_t n = 100000;
            Tape tape;
            std::vector<Tensor> copies, single;
            for (const double x : at) {
                copies.push_back(tape.watch(full({n}, x, DType::f64)));
                single.push_back(tape.watch(scalar(x)));
            }
            Generator g(6);
            const Tensor all = sum(numbers(copies, g)), exact = mean(single);
            const Gradients both = tape.gradient(all + exact);
            for (std::size_t i = 0; i < copies.size(); ++i) {
                const Tensor each = both[copies[i]];
                const double error = 5 * xgrad::std(each).item() / std::sqrt(static_cast<double>(n));
                CHECK(std::abs(xgrad::mean(each).item() - both[single[i]].item()) < error);
            }
        };
        using P = const std::vector<Tensor>&;
        for (const double a : {0.05, 0.7, 3.0, 80.0, 5000.0}) {
            check(
                "gamma", [](P p, Generator& g) { return gamma(p[0], p[1], g); }, [](P p) { return p[0] * p[1]; },
                {a, 2.0});
            check(
                "beta", [](P p, Generator& g) { return beta(p[0], p[1], g); }, [](P p) { return p[0] / (p[0] + p[1]); },
                {a, 1.5});
        }
        check(
            "StudentT", [](P p, Generator& g) { return square(StudentT(p[0], p[1], p[2]).rsample({}, g)); },
            [](P p) { return square(p[2]) * p[0] / (p[0] - 2) + square(p[1]); }, {12.0, 0.5, 2.0});
        check(
            "Dirichlet",
            [](P p, Generator& g) { return select(Dirichlet(stack({p[0], p[1], p[2]}, 1)).rsample({}, g), 1, 0); },
            [](P p) { return p[0] / (p[0] + p[1] + p[2]); }, {0.4, 1.0, 2.5});
        check(
            "MultivariateNormal",
            [](P p, Generator& g) {
                const Tensor zero = zeros_like(p[0]);
                const Tensor rows = stack({stack({exp(p[0]), zero}, 1), stack({p[1], exp(p[0])}, 1)}, 1);
                return prod(MultivariateNormal(stack({p[2], zero}, 1), {.scale_tril = rows}).rsample({}, g), 1);
            },
            [](P p) { return exp(p[0]) * p[1] + 0 * p[2]; }, {0.3, -0.6, 1.0});
    }

    TEST_CASE("parameters of random numbers outside their domain") {
        Generator g(1);
        CHECK(error_of<ValueError>([&] { normal(0.0, -1.0, {2}, g); }) ==
              "normal: scale must not be negative, got -1" + nearby());
        CHECK(error_of<ValueError>([&] { gamma(tensor({1.0, 0.0}), 1, g); }) ==
              "gamma: alpha must be positive, got 0" + nearby());
        CHECK(error_of<ValueError>([&] {
                  poisson(tensor({NAN}), g);
              }).find("poisson: rate must not be negative, got nan") == 0);
        CHECK(error_of<ValueError>([&] {
                  binomial(1.5, 0.5, {2}, g);
              }).find("binomial: n must be a whole number and not negative, got 1.5") == 0);
        CHECK(error_of<ValueError>([&] { bernoulli(tensor({1.25}), g); }) ==
              "bernoulli: p must be in [0, 1], got 1.25" + nearby());
        CHECK(error_of<ShapeError>([&] { normal(zeros({3}), 1.0, {2}, g); }).find("broadcast") != std::string::npos);
        CHECK(error_of<DTypeError>([&] { normal(zeros({3}), ones({3}, DType::f64), g); }) ==
              "normal: dtypes must agree, got f32 and f64 for scale (convert one with .to())" + nearby());
        CHECK(error_of<ValueError>([&] { categorical(tensor({-INFINITY, -INFINITY}), {}, g); }) ==
              "categorical: a class must be possible, got none in row 0" + nearby());
    }
}
