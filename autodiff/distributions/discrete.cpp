#include "discrete.hpp"

#include <cmath>

#include "autodiff/ops/random/detail/draws.hpp"
#include "autodiff/ops/reduce/reduce.hpp"
#include "autodiff/ops/shape/index.hpp"
#include "detail/values.hpp"

namespace xgrad::distributions {

using namespace detail;

namespace {

void check_one_given(const char* name, const ProbsOrLogits& given, Location where) {
    check<ValueError>(given.probs.defined() != given.logits.defined(), where, [&] {
        return std::string(name) + ": exactly one of probs and logits must be given, got " +
               (given.probs.defined() ? "both" : "none");
    });
}

/// -sum p log(p) over an axis of log(p), with 0 log(0) = 0.
Tensor entropy_of_logs(const Tensor& log_p, int axis) {
    return -sum(exp(log_p) * where(isinf(log_p), zeros_like(log_p), log_p), axis);
}

/// 0 … n along a first axis, followed by `axes` axes of size 1.
Tensor counts_to(double n, int axes, DType dtype) {
    Shape shape{static_cast<Int>(n) + 1};
    for (int k = 0; k < axes; ++k) shape.push_back(1);
    return reshape(arange(n + 1, dtype), shape);
}

/// x log(p) with 0 log(0) = 0, for logarithms that may be -inf.
Tensor times_logarithm(const Tensor& x, const Tensor& log_p) {
    return x * where(logical_and(equal(x, 0), isinf(log_p)), zeros_like(log_p), log_p);
}

}  // namespace

// --- Chance and Classes ----------------------------------------------------------------------------------------------

Chance::Chance(const char* name, const ProbsOrLogits& given, Location where)
    : probs_(given.probs), logits_(given.logits) {
    check_one_given(name, given, where);
    if (probs_.defined()) check_rule(name, "probs", probs_, probability, where);
    else check_rule(name, "logits", logits_, not_nan, where);
}
Tensor Chance::probs() const { return probs_.defined() ? probs_ : sigmoid(logits_); }
Tensor Chance::complement() const { return probs_.defined() ? 1 - probs_ : sigmoid(-logits_); }
Tensor Chance::logits() const { return logits_.defined() ? logits_ : log(probs_) - log1p(-probs_); }
Tensor Chance::times_log(const Tensor& x) const {
    return probs_.defined() ? xlogy(x, probs_) : times_logarithm(x, logsigmoid(logits_));
}
Tensor Chance::times_log_complement(const Tensor& x) const {
    return probs_.defined() ? xlogy(x, 1 - probs_) : times_logarithm(x, logsigmoid(-logits_));
}

Classes::Classes(const char* name, const ProbsOrLogits& given, Location place)
    : probs_(given.probs), logits_(given.logits) {
    check_one_given(name, given, place);
    const Tensor& x = this->given();
    check<ShapeError>(x.ndim() >= 1 && x.shape().back() > 0, place, [&] {
        return std::string(name) + ": the last axis must be that of the classes, got " + to_string(x.shape());
    });
    if (probs_.defined()) {
        check_rule(name, "probs", probs_, not_negative, place);
        check<ValueError>(bool(all(sum(stop_gradient(probs_), -1) > 0)), place,
                          [&] { return std::string(name) + ": probs must not all be 0, got such a row"; });
        return;
    }
    check_rule(name, "logits", logits_, {"must not be NaN or inf", [](double v) { return v < HUGE_VAL; }}, place);
    check<ValueError>(bool(all(any(logits_ > -HUGE_VAL, -1))), place,
                      [&] { return std::string(name) + ": logits must not all be -inf, got such a row"; });
}
Tensor Classes::probs() const { return probs_.defined() ? probs_ / sum(probs_, -1, true) : softmax(logits_, -1); }
Tensor Classes::logits() const { return probs_.defined() ? log(probs()) : log_softmax(logits_, -1); }
Tensor Classes::entropy() const {
    if (logits_.defined()) return entropy_of_logs(logits(), -1);
    const Tensor p = probs();
    return -sum(xlogy(p, p), -1);
}
Tensor Classes::times_log(const Tensor& x) const {
    return sum(probs_.defined() ? xlogy(x, probs()) : times_logarithm(x, logits()), -1);
}

// --- Bernoulli -------------------------------------------------------------------------------------------------------

Bernoulli::Bernoulli(const ProbsOrLogits& p, Location where) : chance("Bernoulli", p, where) {
    batch_ = chance.given().shape();
    dtype_ = chance.given().dtype();
}
Tensor Bernoulli::sample(const Shape& shape, Generator& generator) const {
    return bernoulli(broadcast_to(stop_gradient(chance.probs()), extended(shape)), generator);
}
Tensor Bernoulli::log_prob(const Operand& value) const {
    const Tensor x = value_of("Bernoulli::log_prob", value, chance.given(), batch_, zero_or_one);
    return chance.times_log(x) + chance.times_log_complement(1 - x);
}
Tensor Bernoulli::entropy() const {
    return -(chance.times_log(chance.probs()) + chance.times_log_complement(chance.complement()));
}
Tensor Bernoulli::mean() const { return chance.probs(); }
Tensor Bernoulli::variance() const { return chance.probs() * chance.complement(); }

// --- Binomial --------------------------------------------------------------------------------------------------------

Binomial::Binomial(const Operand& n, const ProbsOrLogits& p) : chance("Binomial", p, n.where()) {
    const Operand given(chance.given(), n.where());
    total_count = checked("Binomial", {{"total_count", n, whole}, {"probs or logits", given, not_nan}}, batch_)[0];
    dtype_ = total_count.dtype();
}
Tensor Binomial::sample(const Shape& shape, Generator& generator) const {
    return binomial(stop_gradient(total_count), stop_gradient(chance.probs()), extended(shape), generator);
}
Tensor Binomial::log_prob(const Operand& value) const {
    const Tensor x = value_of("Binomial::log_prob", value, total_count, batch_, whole);
    check<ValueError>(bool(all(x <= total_count)), value.where(), [] {
        return std::string("Binomial::log_prob: the value must not be above total_count, got one that is");
    });
    const Tensor rest = total_count - x;
    return lgamma(total_count + 1) - lgamma(x + 1) - lgamma(rest + 1) + chance.times_log(x) +
           chance.times_log_complement(rest);
}
Tensor Binomial::entropy(Location place) const {
    const double n = total_count.size() ? max(stop_gradient(total_count)).item() : 0;
    check<ValueError>(bool(all(equal(total_count, n))), place, [] {
        return std::string("Binomial::entropy: total_count must be the same everywhere, got several");
    });
    return entropy_of_logs(log_prob(counts_to(n, batch_.rank(), total_count.dtype())), 0);
}
Tensor Binomial::mean() const { return total_count * chance.probs(); }
Tensor Binomial::variance() const { return total_count * chance.probs() * chance.complement(); }

// --- Poisson ---------------------------------------------------------------------------------------------------------

Poisson::Poisson(const Operand& r) {
    rate = checked("Poisson", {{"rate", r, not_negative}}, batch_)[0];
    dtype_ = rate.dtype();
}
Tensor Poisson::sample(const Shape& shape, Generator& generator) const {
    return poisson(stop_gradient(rate), extended(shape), generator);
}
Tensor Poisson::log_prob(const Operand& value) const {
    const Tensor x = value_of("Poisson::log_prob", value, rate, batch_, whole);
    return xlogy(x, rate) - rate - lgamma(x + 1);
}
Tensor Poisson::mean() const { return rate; }
Tensor Poisson::variance() const { return rate; }

// --- Categorical -----------------------------------------------------------------------------------------------------

Categorical::Categorical(const ProbsOrLogits& p, Location where) : classes("Categorical", p, where) {
    batch_ = without_last(classes.given().shape(), 1);
    dtype_ = classes.given().dtype();
}
Tensor Categorical::sample(const Shape& shape, Generator& generator) const {
    return categorical(stop_gradient(classes.logits()), shape, generator);
}
Tensor Categorical::log_prob(const Operand& value) const {
    const Location place = value.where();
    const Tensor& x = tensor_of(value, "Categorical::log_prob");
    check_index_type(x, "Categorical::log_prob", place);
    check<ValueError>(bool(all(logical_and(x >= 0, x < classes.count()))), place, [&] {
        return "Categorical::log_prob: classes must be in [0, " + std::to_string(classes.count()) +
               "), got one that is not";
    });
    const Shape shape = broadcast_shapes(x.shape(), batch_, "Categorical::log_prob", place);
    const Tensor logs = broadcast_to(logits(), joined(shape, {classes.count()}));
    return squeeze(take_along_axis(logs, expand_dims(broadcast_to(x, shape), -1), -1), -1);
}

// --- OneHotCategorical -----------------------------------------------------------------------------------------------

OneHotCategorical::OneHotCategorical(const ProbsOrLogits& p, Location where) : classes("OneHotCategorical", p, where) {
    batch_ = without_last(classes.given().shape(), 1);
    dtype_ = classes.given().dtype();
    event_ = {classes.count()};
}
Tensor OneHotCategorical::sample(const Shape& shape, Generator& generator) const {
    return one_hot(categorical(stop_gradient(classes.logits()), shape, generator), classes.count(),
                   classes.given().dtype());
}
Tensor OneHotCategorical::log_prob(const Operand& value) const {
    const Tensor x = value_of("OneHotCategorical::log_prob", value, classes.given(), extended({}), zero_or_one, 1);
    check<ValueError>(bool(all(equal(sum(stop_gradient(x), -1), 1))), value.where(), [] {
        return std::string("OneHotCategorical::log_prob: the value must have one 1 along its last axis, got another");
    });
    return classes.times_log(x);
}
Tensor OneHotCategorical::variance() const {
    const Tensor p = classes.probs();
    return p * (1 - p);
}

// --- Multinomial -----------------------------------------------------------------------------------------------------

Multinomial::Multinomial(Int n, const ProbsOrLogits& p, Location where)
    : total_count(n), classes("Multinomial", p, where) {
    check<ValueError>(n >= 0, where,
                      [&] { return "Multinomial: total_count must not be negative, got " + std::to_string(n); });
    batch_ = without_last(classes.given().shape(), 1);
    dtype_ = classes.given().dtype();
    event_ = {classes.count()};
}
Tensor Multinomial::sample(const Shape& shape, Generator& generator) const {
    const Tensor p = broadcast_to(stop_gradient(classes.probs()), extended(shape));
    return multinomial_counts(total_count, p, generator);
}
Tensor Multinomial::log_prob(const Operand& value) const {
    const Tensor x = value_of("Multinomial::log_prob", value, classes.given(), extended({}), whole, 1);
    const auto n = static_cast<double>(total_count);
    check<ValueError>(bool(all(equal(sum(stop_gradient(x), -1), n))), value.where(), [&] {
        return "Multinomial::log_prob: counts must add up to total_count " + std::to_string(total_count) +
               ", got others";
    });
    return lgamma(scalar(n + 1, x.dtype())) - sum(lgamma(x + 1), -1) + classes.times_log(x);
}
Tensor Multinomial::entropy() const {
    const auto n = static_cast<double>(total_count);
    const Tensor p = clip(probs(), 0, 1);  // dividing by the sum may round above 1
    const Tensor counts = counts_to(n, p.ndim(), p.dtype());
    const Tensor one_class = Binomial(scalar(n, p.dtype()), {.probs = p}).log_prob(counts);
    return n * classes.entropy() - lgamma(scalar(n + 1, p.dtype())) +
           sum(sum(exp(one_class) * lgamma(counts + 1), 0), -1);
}
Tensor Multinomial::mean() const { return static_cast<double>(total_count) * probs(); }
Tensor Multinomial::variance() const {
    const Tensor p = probs();
    return static_cast<double>(total_count) * p * (1 - p);
}

}  // namespace xgrad::distributions
