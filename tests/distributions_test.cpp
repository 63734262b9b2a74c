#include <autodiff/distributions/distributions.hpp>
#include <autodiff/ops/random/detail/gamma_slope.hpp>
#include <doctest/doctest.h>

#include <cmath>
#include <functional>

#include "checked_figures.hpp"
#include "support.hpp"

using namespace xgrad;
using namespace xgrad::distributions;
using namespace tests;

namespace {

constexpr double inf = HUGE_VAL;
using In = const std::vector<Tensor>&;

Tensor real(double seed, const Shape& shape) { return wave(shape, seed, 1.5); }
Tensor positive(double seed, const Shape& shape) { return exp(wave(shape, seed)); }
Tensor share(double seed, const Shape& shape) { return sigmoid(wave(shape, seed)); }
Tensor triangle(double seed, const Shape& batch, std::int64_t n) {
    Shape square = batch, diagonal = batch;
    square.push_back(n), square.push_back(n), diagonal.push_back(n);
    return tril(wave(square, seed, 0.4), -1) + expand_dims(positive(seed + 1, diagonal), -1) * eye(n, DType::f64);
}

/// The figures, in f64 and f32; a distribution is made of the leading inputs.
struct Family {
    Checked check{"distributions"};
    void one(const std::string& name, const std::vector<Tensor>& inputs, const std::function<Tensor(In)>& f) {
        check(name, nn::Identity(), inputs, [&](auto&, In x) { return f(x); });
    }
    /// Moments; parameters that they do not depend on get the gradient 0.
    template <class Make>
    void part(const std::string& name, const Make& make, const std::vector<Tensor>& inputs,
              const std::function<Tensor(const decltype(make(inputs))&)>& f) {
        one(name, inputs, [&](In x) {
            Tensor y = f(make(x));
            for (const Tensor& t : x) y = y + 0 * sum(t);
            return y;
        });
    }
    template <class Make>
    void moments(const std::string& name, const Make& make, const std::vector<Tensor>& inputs) {
        part(name + " mean", make, inputs, [](const auto& d) { return d.mean(); });
        part(name + " variance", make, inputs, [](const auto& d) { return d.variance(); });
    }
    template <class Make>
    void entropy(const std::string& name, const Make& make, const std::vector<Tensor>& inputs) {
        part(name + " entropy", make, inputs, [](const auto& d) { return d.entropy(); });
    }
    template <class Make>
    void density(const std::string& name, const Make& make, std::vector<Tensor> inputs, const Tensor& value) {
        moments(name, make, inputs);
        entropy(name, make, inputs);
        inputs.push_back(value);
        one(name + " log_prob", inputs, [&](In x) { return make(x).log_prob(x.back()); });
    }
    template <class Make>
    void whole(const std::string& name, const Make& make, std::vector<Tensor> inputs, const Tensor& value) {
        density(name, make, inputs, value);
        part(name + " stddev", make, inputs, [](const auto& d) { return d.stddev(); });
        inputs.push_back(value);
        one(name + " cdf", inputs, [&](In x) { return make(x).cdf(x.back()); });
        inputs.back() = share(9, {3, 4});
        one(name + " icdf", inputs, [&](In x) { return make(x).icdf(x.back()); });
    }
    /// A value without gradient, of the parameters' element type unless it is of integers.
    template <class Make>
    void mass(const std::string& name, const Make& make, const Tensor& input, const Tensor& value) {
        one(name + " log_prob 0", {input},
            [&](In x) { return make(x).log_prob(is_floating(value.dtype()) ? value.to(x[0].dtype()) : value); });
    }
    template <class P, class Q>
    void kl(const std::string& name, std::vector<Tensor> p, const std::vector<Tensor>& q) {
        const std::size_t n = p.size();
        p.insert(p.end(), q.begin(), q.end());
        one("kl " + name, p, [n](In x) { return kl_divergence(made<P>(x, 0), made<Q>(x, n)); });
    }
    template <class D>
    static D made(In x, std::size_t first) {
        if constexpr (std::is_constructible_v<D, Tensor, Tensor>) return D(x[first], x[first + 1]);
        else return D(x[first]);
    }
};

template <class D>
auto of = [](In x) { return Family::made<D>(x, 0); };

}  // namespace

TEST_SUITE("distributions") {
    TEST_CASE("densities, entropies, moments and divergences are PyTorch's with all gradients") {
        Family f;
        const std::vector<Tensor> spread{real(1, {4}), positive(2, {3, 1})}, other{real(3, {4}), positive(4, {3, 1})};
        const std::vector<Tensor> above{positive(1, {4}), positive(2, {3, 1})},
            above_other{positive(3, {4}), positive(4, {3, 1})};
        const std::vector<Tensor> inside{0.1 + 0.2 * share(1, {4}), 0.5 + 0.4 * share(2, {3, 1})};
        const std::vector<Tensor> around{-positive(1, {4}), 1 + positive(2, {3, 1})};
        const Tensor value = real(3, {3, 4}), one = positive(1, {3, 4}), one_other = positive(2, {3, 4}),
                     p = share(1, {3, 4});
        const Tensor logits = real(1, {3, 4}), low = real(1, {4}), wide = positive(2, {3, 1});

        f.whole("Normal", of<Normal>, spread, value);
        f.whole("LogNormal", of<LogNormal>, spread, positive(3, {3, 4}));
        f.whole("Uniform", of<Uniform>, {low, low + wide}, low + share(3, {3, 4}) * wide);
        f.whole("Laplace", of<Laplace>, spread, value);
        f.whole("Gumbel", of<Gumbel>, spread, positive(3, {3, 4}));
        f.whole("Exponential", of<Exponential>, {one_other}, positive(3, {3, 4}));
        f.density(
            "StudentT", [](In x) { return StudentT(x[0], x[1], x[2]); },
            {2 + positive(4, {3, 4}), spread[0], spread[1]}, value);
        f.density("Gamma", of<Gamma>, above, positive(3, {3, 4}));
        f.density("Beta", of<Beta>, above, share(3, {3, 4}));
        f.moments("Dirichlet", of<Dirichlet>, {one});
        f.entropy("Dirichlet", of<Dirichlet>, {one});
        f.mass("Dirichlet", of<Dirichlet>, one, softmax(wave({2, 3, 4}, 3), -1));

        const auto by_factor = [](In x) { return MultivariateNormal(x[0], {.scale_tril = x[1]}); };
        const auto by_covariance = [](In x) {
            return MultivariateNormal(x[0], {.covariance_matrix = (x[1] + swapaxes(x[1], -1, -2)) / 2});
        };
        const auto by_precision = [](In x) {
            return MultivariateNormal(x[0], {.precision_matrix = (x[1] + swapaxes(x[1], -1, -2)) / 2});
        };
        const Tensor square = triangle(5, {2}, 3), matrix = matmul(square, swapaxes(square, -1, -2));
        f.density("MultivariateNormal", by_factor, {real(1, {2, 3}), triangle(2, {}, 3)}, real(3, {2, 3}));
        f.density("MultivariateNormal covariance", by_covariance, {real(1, {3}), matrix}, real(3, {2, 3}));
        f.density("MultivariateNormal precision", by_precision, {real(1, {3}), matrix}, real(3, {2, 3}));

        const Tensor bits = (real(3, {3, 4}) > 0).to(DType::f64), labels = tensor({{0, 3, 1}, {2, 2, 0}});
        const Tensor counts = tensor({{0.0, 1.0, 5.0, 2.0}, {3.0, 4.0, 0.0, 5.0}, {1.0, 1.0, 2.0, 3.0}});
        const Tensor bags = tensor({{2.0, 1.0, 0.0, 3.0}, {0.0, 6.0, 0.0, 0.0}, {1.0, 2.0, 2.0, 1.0}});
        const auto discrete = [&](const std::string& name, const auto& make, const Tensor& by, const Tensor& at) {
            f.mass(name, make, by, at);
            f.entropy(name, make, {by});
            if constexpr (requires { make(std::vector<Tensor>{}).mean(); }) f.moments(name, make, {by});
        };
        discrete("Bernoulli probs", [](In x) { return Bernoulli({.probs = x[0]}); }, p, bits);
        f.part(
            "Bernoulli probs stddev", [](In x) { return Bernoulli({.probs = x[0]}); }, {p},
            [](const auto& d) { return d.stddev(); });
        discrete("Bernoulli logits", [](In x) { return Bernoulli({.logits = x[0]}); }, logits, bits);
        discrete("Binomial probs", [](In x) { return Binomial(5, {.probs = x[0]}); }, p, counts);
        discrete("Binomial logits", [](In x) { return Binomial(5, {.logits = x[0]}); }, logits, counts);
        f.mass("Poisson", of<Poisson>, one, counts);
        f.moments("Poisson", of<Poisson>, {one});
        discrete("Categorical probs", [](In x) { return Categorical({.probs = x[0]}); }, one, labels);
        discrete("Categorical logits", [](In x) { return Categorical({.logits = x[0]}); }, logits, labels);
        discrete(
            "OneHotCategorical probs", [](In x) { return OneHotCategorical({.probs = x[0]}); }, one,
            one_hot(labels, 4));
        discrete(
            "OneHotCategorical logits", [](In x) { return OneHotCategorical({.logits = x[0]}); }, logits,
            one_hot(labels, 4));
        discrete("Multinomial probs", [](In x) { return Multinomial(6, {.probs = x[0]}); }, one, bags);
        discrete("Multinomial logits", [](In x) { return Multinomial(6, {.logits = x[0]}); }, logits, bags);

        f.kl<Normal, Normal>("Normal Normal", spread, other);
        f.kl<LogNormal, LogNormal>("LogNormal LogNormal", spread, other);
        f.kl<Laplace, Laplace>("Laplace Laplace", spread, other);
        f.kl<Gumbel, Gumbel>("Gumbel Gumbel", spread, other);
        f.kl<Gamma, Gamma>("Gamma Gamma", above, above_other);
        f.kl<Beta, Beta>("Beta Beta", above, above_other);
        f.kl<Exponential, Exponential>("Exponential Exponential", {one}, {one_other});
        f.kl<Poisson, Poisson>("Poisson Poisson", {one}, {one_other});
        f.kl<Dirichlet, Dirichlet>("Dirichlet Dirichlet", {one}, {one_other});
        f.kl<Uniform, Uniform>("Uniform Uniform", inside, around);
        f.kl<Normal, Gumbel>("Normal Gumbel", spread, other);
        f.kl<Normal, Laplace>("Normal Laplace", spread, other);
        f.kl<Gumbel, Normal>("Gumbel Normal", spread, other);
        f.kl<Laplace, Normal>("Laplace Normal", spread, other);
        f.kl<Uniform, Normal>("Uniform Normal", inside, other);
        f.kl<Exponential, Normal>("Exponential Normal", {one}, other);
        f.kl<Gamma, Normal>("Gamma Normal", above, other);
        f.kl<Beta, Normal>("Beta Normal", above, other);
        f.kl<Uniform, Gumbel>("Uniform Gumbel", inside, other);
        f.kl<Exponential, Gumbel>("Exponential Gumbel", {one}, other);
        f.kl<Gamma, Gumbel>("Gamma Gumbel", above, other);
        f.kl<Uniform, Exponential>("Uniform Exponential", inside, {one_other});
        f.kl<Gamma, Exponential>("Gamma Exponential", above, {one_other});
        f.kl<Beta, Exponential>("Beta Exponential", above, {one_other});
        f.kl<Uniform, Gamma>("Uniform Gamma", inside, above_other);
        f.kl<Exponential, Gamma>("Exponential Gamma", {one}, above_other);
        f.kl<Beta, Gamma>("Beta Gamma", above, above_other);
        f.kl<Uniform, Beta>("Uniform Beta", inside, above_other);
        f.kl<Beta, Uniform>("Beta Uniform", above, around);
        const auto pair = [&](const std::string& name, const Tensor& a, const Tensor& b, const auto& make) {
            f.one("kl " + name, {a, b}, [&](In x) { return kl_divergence(make(x[0]), make(x[1])); });
        };
        const Tensor q = share(2, {3, 4}), more = real(2, {3, 4});
        pair("Bernoulli Bernoulli", p, q, [](const Tensor& x) { return Bernoulli({.probs = x}); });
        pair("Bernoulli Bernoulli logits", logits, more, [](const Tensor& x) { return Bernoulli({.logits = x}); });
        pair("Categorical Categorical", one, one_other, [](const Tensor& x) { return Categorical({.probs = x}); });
        pair("Categorical Categorical logits", logits, more,
             [](const Tensor& x) { return Categorical({.logits = x}); });
        pair("OneHotCategorical OneHotCategorical logits", logits, more,
             [](const Tensor& x) { return OneHotCategorical({.logits = x}); });
        pair("Binomial Binomial", p, q, [](const Tensor& x) { return Binomial(5, {.probs = x}); });
        f.one("kl Bernoulli Poisson", {p, one_other},
              [](In x) { return kl_divergence(Bernoulli({.probs = x[0]}), Poisson(x[1])); });
        f.one("kl MultivariateNormal MultivariateNormal",
              {real(1, {2, 3}), triangle(2, {}, 3), real(4, {3}), triangle(5, {2}, 3)}, [](In x) {
                  return kl_divergence(MultivariateNormal(x[0], {.scale_tril = x[1]}),
                                       MultivariateNormal(x[2], {.scale_tril = x[3]}));
              });
        f.check.names.insert("gamma slope");
        f.check.all();
    }

    TEST_CASE("gamma numbers move with their parameter as 30 digits say, and PyTorch to its own precision") {
        const Figures figures("distributions");
        const Tensor alpha = figures.at("gamma slope", "alpha"), w = figures.at("gamma slope", "w");
        for (const int order : {0, 1}) {
            const auto ours = values(xgrad::detail::gamma_slope(alpha, w, order)),
                       exact = values(figures.at("gamma slope", "order " + std::to_string(order)));
            for (std::size_t i = 0; i < ours.size(); ++i) {
                INFO("order " << order << ", alpha " << values(alpha)[i] << ", w " << values(w)[i]);
                CHECK(std::abs(ours[i] / exact[i] - 1) < (order == 0 ? 1e-12 : 1e-9));
            }
        }
        const Tensor z = exp(w);
        const auto ours = values(z * xgrad::detail::gamma_slope(alpha, w)),
                   theirs = values(figures.at("gamma slope", "torch"));
        for (std::size_t i = 0; i < ours.size(); ++i)
            if (values(w)[i] > -50)
                CHECK(ours[i] == doctest::Approx(theirs[i]).epsilon(
                                     0.03));  // its approximation is 2.7 % off at the worst of these
        CHECK(error_of<ValueError>([&] {
                  xgrad::detail::gamma_slope(alpha, w, 8);
              }).find("gamma: there are derivatives up to order 8") == 0);
    }

    TEST_CASE("samples move with every parameter so that their quantile stays") {
        const auto check = [](const auto& make, std::vector<Tensor> parameters) {
            const auto gradients_of = [&](const auto& loss) {
                Tape tape;
                std::vector<Tensor> watched, gradients;
                for (const Tensor& p : parameters) watched.push_back(tape.watch(p));
                const Gradients g = tape.gradient(loss(make(watched)));
                for (const Tensor& p : watched) gradients.push_back(g[p]);
                return gradients;
            };
            Tensor x;
            const auto by_sample = gradients_of([&](const auto& d) {
                Generator generator(7);
                const Tensor y = d.rsample({5}, generator);
                x = stop_gradient(y);
                return sum(y * wave(y.shape(), 3));
            });
            const auto by_quantile = gradients_of(
                [&](const auto& d) { return -sum(d.cdf(x) / exp(stop_gradient(d.log_prob(x))) * wave(x.shape(), 3)); });
            for (std::size_t i = 0; i < by_sample.size(); ++i) CHECK(close(by_sample[i], by_quantile[i], 1e-9));
        };
        const std::vector<Tensor> spread{real(1, {4}), positive(2, {3, 1})};
        check(of<Normal>, spread);
        check(of<LogNormal>, spread);
        check(of<Uniform>, {real(1, {4}), real(1, {4}) + positive(2, {3, 1})});
        check(of<Laplace>, spread);
        check(of<Gumbel>, spread);
        check(of<Exponential>, {positive(2, {3, 4})});
    }

    TEST_CASE("densities differentiate to second order in value and parameters") {
        const auto check = [](const auto& f, const std::vector<Tensor>& inputs) {
            const GradcheckReport report = gradcheck(f, inputs, {.order = 2});
            CHECK_MESSAGE(report, report.message);
        };
        const Tensor v = tensor({0.3, 0.8}), a = tensor({1.7, 0.6}), b = tensor({0.9, 2.2});
        check([](const Tensor& x, const Tensor& l, const Tensor& s) { return Normal(l, s).log_prob(x); }, {v, a, b});
        check([](const Tensor& x, const Tensor& l, const Tensor& s) { return LogNormal(l, s).log_prob(x); }, {v, a, b});
        check([](const Tensor& x, const Tensor& l, const Tensor& s) { return Gumbel(l, s).log_prob(x); }, {v, a, b});
        check([](const Tensor& x, const Tensor& l, const Tensor& s) { return Laplace(l, s).log_prob(x); }, {v, a, b});
        check([](const Tensor& x, const Tensor& d, const Tensor& s) { return StudentT(d, 0.1, s).log_prob(x); },
              {v, a, b});
        check([](const Tensor& x, const Tensor& c, const Tensor& r) { return Gamma(c, r).log_prob(x); }, {v, a, b});
        check([](const Tensor& x, const Tensor& c, const Tensor& r) { return Beta(c, r).log_prob(x); }, {v, a, b});
        check([](const Tensor& x, const Tensor& r) { return Exponential(r).log_prob(x); }, {v, a});
        check([](const Tensor& p) { return Bernoulli({.probs = p}).log_prob(tensor({1.0, 0.0})); }, {v});
        check([](const Tensor& l) { return Categorical({.logits = l}).log_prob(tensor({1})); }, {v});
        check([](const Tensor& x,
                 const Tensor& l) { return MultivariateNormal(x, {.scale_tril = l}).log_prob(tensor({0.4, -1.0})); },
              {v, tensor({{1.5, 0.0}, {0.4, 0.7}})});
        check([](const Tensor& p, const Tensor& q) { return kl_divergence(Gamma(p, 1.5), Gamma(q, p)); }, {a, b});
        check([](const Tensor& p,
                 const Tensor& q) { return kl_divergence(Bernoulli({.logits = p}), Bernoulli({.logits = q})); },
              {a, b});
    }

    TEST_CASE("tails and impossible values are exact") {
        const auto number = [](const Tensor& x) { return x.item(); };
        CHECK(number(Normal(0.0, scalar(1.0)).log_prob(1e10)) == -5e19 - 0.91893853320467274178);
        CHECK(number(Normal(0.0, scalar(1.0)).cdf(-30)) == doctest::Approx(4.906713927148187e-198).epsilon(1e-12));
        CHECK(number(Laplace(0.0, scalar(1.0)).cdf(-50)) == doctest::Approx(0.5 * std::exp(-50)).epsilon(1e-12));
        CHECK(number(Laplace(0.0, scalar(1.0)).icdf(1e-30)) == doctest::Approx(std::log(2e-30)).epsilon(1e-12));
        CHECK(number(Exponential(scalar(2.0)).cdf(1e-20)) == doctest::Approx(2e-20).epsilon(1e-12));
        CHECK(number(Bernoulli({.logits = scalar(800.0)}).log_prob(0)) == -800);
        CHECK(number(Bernoulli({.logits = scalar(800.0)}).entropy()) == 0);
        CHECK(number(Bernoulli({.probs = scalar(0.0)}).log_prob(0)) == 0);
        CHECK(number(Bernoulli({.probs = scalar(0.0)}).log_prob(1)) == -inf);
        CHECK(number(Poisson(scalar(0.0)).log_prob(0)) == 0);
        CHECK(number(Binomial(3, {.probs = scalar(1.0)}).log_prob(3)) == 0);
        const Tensor shut = tensor({0.0, -inf, 0.0});
        CHECK(number(Categorical({.logits = shut}).entropy()) == doctest::Approx(std::log(2)));
        CHECK(close(grad([](const Tensor& l) { return Categorical({.logits = l}).entropy(); }, shut), zeros_like(shut),
                    1e-15));
        CHECK(number(OneHotCategorical({.logits = shut}).log_prob(tensor({1.0, 0.0, 0.0}))) ==
              doctest::Approx(-std::log(2)));
        CHECK(number(OneHotCategorical({.logits = shut}).log_prob(tensor({0.0, 1.0, 0.0}))) == -inf);
        CHECK(number(Multinomial(2, {.logits = shut}).log_prob(tensor({1.0, 0.0, 1.0}))) ==
              doctest::Approx(std::log(0.5)));
        CHECK(values(StudentT(tensor({0.5, 1.5, 3.0})).variance())[1] == inf);
        CHECK(std::isnan(values(StudentT(tensor({0.5, 1.5, 3.0})).mean())[0]));
        CHECK(values(Uniform(0.0, tensor({1.0, 2.0})).log_prob(1))[0] == -inf);
        // Tiny parameters: shares of numbers below the smallest that f32 can hold.
        Generator g(2);
        CHECK(number(all(isfinite(Dirichlet(full({100, 3}, 0.001)).sample({}, g)))) == 1);
        CHECK(number(all(isfinite(
                  grad([&](const Tensor& c) { return sum(Gamma(c, 1.0).rsample({}, g)); }, full({100}, 0.001))))) == 1);
    }

    TEST_CASE("divergences of what is not absolutely continuous are inf") {
        const Normal n(zeros({2}), 1.0);
        CHECK(values(kl_divergence(n, Gamma(2.0, 1.0))) == std::vector<double>{inf, inf});
        CHECK(values(kl_divergence(Exponential(1.0), Beta(1.0, tensor({1.0f, 2.0f})))) ==
              std::vector<double>{inf, inf});
        CHECK(kl_divergence(Poisson(1.0), Binomial(3, {.probs = scalar(0.5f)})).item() == inf);
        CHECK(kl_divergence(Uniform(0.0, 2.0), Uniform(0.5, 3.0)).item() == inf);
        CHECK(kl_divergence(Uniform(-1.0, 2.0), Gamma(2.0, 1.0)).item() == inf);
        CHECK(kl_divergence(Uniform(0.0, 2.0), Beta(2.0, 1.0)).item() == inf);
        CHECK(kl_divergence(Beta(2.0, 1.0), Uniform(0.0, 0.5)).item() == inf);
        CHECK(kl_divergence(Categorical({.probs = tensor({0.5, 0.5})}), Categorical({.probs = tensor({1.0, 0.0})}))
                  .item() == inf);
        CHECK(kl_divergence(Binomial(4, {.probs = scalar(0.5)}), Binomial(3, {.probs = scalar(0.5)})).item() == inf);
        CHECK(error_of<ValueError>(
                  [] { kl_divergence(Binomial(3, {.probs = scalar(0.5)}), Binomial(4, {.probs = scalar(0.5)})); })
                  .find("kl_divergence: a Binomial's total_count must not be below the other's, got one that is "
                        "[distributions_test.cpp") == 0);
    }

    TEST_CASE("shapes are those of the batch and of the event") {
        Generator g(1);
        const Normal n(zeros({3, 1}), ones({4}));
        CHECK(n.batch_shape() == Shape{3, 4});
        CHECK(n.sample({2}, g).shape() == Shape{2, 3, 4});
        CHECK(n.mean().shape() == Shape{3, 4});
        const Dirichlet d(ones({5, 3}));
        CHECK(d.batch_shape() == Shape{5});
        CHECK(d.event_shape() == Shape{3});
        CHECK(d.sample({2}, g).shape() == Shape{2, 5, 3});
        CHECK(Categorical({.probs = ones({5, 3})}).sample({2}, g).shape() == Shape{2, 5});
        CHECK(MultivariateNormal(zeros({2}), {.scale_tril = ones({7, 2, 2})}).sample({6}, g).shape() == Shape{6, 7, 2});
        CHECK(Normal(0, 1).sample().dtype() == DType::f32);
        Tape tape;
        const Tensor w = tape.watch(scalar(1.0));
        const Normal moving(w, 1);
        const std::size_t before = tape.size();
        CHECK_FALSE(tracked(moving.sample({3}, g)));
        CHECK(tape.size() == before);
        CHECK(tracked(moving.rsample({3}, g)));
    }

    TEST_CASE("parameters and values outside their domain") {
        CHECK(error_of<ValueError>([] { Normal(0.0, tensor({1.0, -2.0})); }) ==
              "Normal: scale must be positive, got -2" + nearby());
        CHECK(error_of<ValueError>([] { Uniform(1.0, 1.0); }) ==
              "Uniform: low must be below high, got one that is not" + nearby());
        CHECK(error_of<ValueError>([] { Bernoulli({}); }) ==
              "Bernoulli: exactly one of probs and logits must be given, got none" + nearby());
        CHECK(error_of<ValueError>([] {
                  Categorical({.probs = ones({2}), .logits = ones({2})});
              }).find("Categorical: exactly one of probs and logits must be given, got both") == 0);
        CHECK(error_of<ValueError>([] { Bernoulli({.probs = scalar(1.5)}); }) ==
              "Bernoulli: probs must be in [0, 1], got 1.5" + nearby());
        CHECK(error_of<ValueError>([] { MultivariateNormal(zeros({2}), {}); })
                  .find("MultivariateNormal: exactly one of covariance_matrix, precision_matrix and scale_tril must be "
                        "given, got 0") == 0);
        CHECK(error_of<ShapeError>([] {
                  MultivariateNormal(zeros({2}), {.scale_tril = eye(3)});
              }).find("MultivariateNormal: loc (…, n) and a matrix (…, n, n) are needed, got (2,) and (3, 3)") == 0);
        CHECK(error_of<ValueError>([] { Exponential(1.0).log_prob(-1.0); }) ==
              "Exponential::log_prob: the value must not be negative, got -1" + nearby());
        CHECK(error_of<ValueError>([] {
                  Poisson(1.0).log_prob(0.5);
              }).find("Poisson::log_prob: the value must be a whole number and not negative, got 0.5") == 0);
        CHECK(error_of<ValueError>([] { Categorical({.probs = ones({3})}).log_prob(tensor({3})); }) ==
              "Categorical::log_prob: classes must be in [0, 3), got one that is not" + nearby());
        CHECK(error_of<DTypeError>([] { Normal(0.0, 1.0).log_prob(tensor({1.0})); }) ==
              "Normal::log_prob: dtypes must agree, got f32 and f64 for the value (convert one with .to())" + nearby());
        CHECK(error_of<ShapeError>([] { Normal(zeros({3}), ones({4})); }).find("Normal: ") == 0);
        CHECK(error_of<ShapeError>([] { Dirichlet(ones({3})).log_prob(tensor({1.0f})); }) ==
              "Dirichlet::log_prob: the value must be (…, 3), got (1,)" + nearby());
        CHECK(error_of<ShapeError>([] {
                  kl_divergence(Normal(zeros({3}), 1.0), Normal(zeros({4}), 1.0));
              }).find("kl_divergence: ") == 0);
        CHECK(error_of<ShapeError>([] { kl_divergence(Dirichlet(ones({3})), Dirichlet(ones({1}))); }) ==
              "kl_divergence: both distributions must have events of one shape, got (3,) and (1,)" + nearby());
        CHECK(error_of<ShapeError>([] {
                  kl_divergence(Categorical({.probs = ones({3})}), Categorical({.probs = ones({1})}));
              }) == "kl_divergence: both distributions must have the same number of classes, got 3 and 1" + nearby());
        CHECK(error_of<DTypeError>([] { kl_divergence(Normal(0.0, 1.0), Normal(0.0, scalar(1.0))); }) ==
              "kl_divergence: dtypes must agree, got f32 and f64 (convert one with .to())" + nearby());
        CHECK(error_of<ShapeError>([] {
                  Normal(0.0, 1.0).sample({-1});
              }).find("sample: sizes must not be negative, got (-1") == 0);
    }
}
