#include "positive.hpp"

#include "autodiff/ops/random/detail/draws.hpp"
#include "autodiff/ops/reduce/reduce.hpp"
#include "detail/values.hpp"

namespace xgrad::distributions {

using namespace detail;

// --- Exponential -----------------------------------------------------------------------------------------------------

Exponential::Exponential(const Operand& r) {
    rate = checked("Exponential", {{"rate", r, positive_number}}, batch_)[0];
    dtype_ = rate.dtype();
}
Tensor Exponential::rsample(const Shape& shape, Generator& generator) const {
    return exponential(scalar(1.0, rate.dtype()), extended(shape), generator) / rate;
}
Tensor Exponential::log_prob(const Operand& value) const {
    return log(rate) - rate * value_of("Exponential::log_prob", value, rate, batch_, not_negative);
}
Tensor Exponential::entropy() const { return 1 - log(rate); }
Tensor Exponential::mean() const { return reciprocal(rate); }
Tensor Exponential::variance() const { return reciprocal(square(rate)); }
Tensor Exponential::cdf(const Operand& value) const {
    return -expm1(-rate * value_of("Exponential::cdf", value, rate, batch_, not_negative));
}
Tensor Exponential::icdf(const Operand& p) const {
    return -log1p(-value_of("Exponential::icdf", p, rate, batch_, probability)) / rate;
}

// --- Gamma -----------------------------------------------------------------------------------------------------------

Gamma::Gamma(const Operand& c, const Operand& r) {
    const auto given = checked("Gamma", {{"concentration", c, positive_number}, {"rate", r, positive_number}}, batch_);
    concentration = given[0], rate = given[1], dtype_ = rate.dtype();
}
Tensor Gamma::rsample(const Shape& shape, Generator& generator) const {
    return standard_gamma(broadcast_to(concentration, extended(shape)), generator) / rate;
}
Tensor Gamma::log_prob(const Operand& value) const {
    const Tensor x = value_of("Gamma::log_prob", value, rate, batch_, not_negative);
    return concentration * log(rate) + xlogy(concentration - 1, x) - rate * x - lgamma(concentration);
}
Tensor Gamma::entropy() const {
    return concentration - log(rate) + lgamma(concentration) + (1 - concentration) * digamma(concentration);
}
Tensor Gamma::mean() const { return concentration / rate; }
Tensor Gamma::variance() const { return concentration / square(rate); }

// --- Beta ------------------------------------------------------------------------------------------------------------

Beta::Beta(const Operand& c1, const Operand& c0) {
    const auto given =
        checked("Beta", {{"concentration1", c1, positive_number}, {"concentration0", c0, positive_number}}, batch_);
    concentration1 = given[0], concentration0 = given[1], dtype_ = concentration1.dtype();
}
Tensor Beta::rsample(const Shape& shape, Generator& generator) const {
    const Tensor one = log_standard_gamma(broadcast_to(concentration1, extended(shape)), generator);
    return sigmoid(one - log_standard_gamma(broadcast_to(concentration0, extended(shape)), generator));
}
Tensor Beta::log_prob(const Operand& value) const {
    const Tensor x = value_of("Beta::log_prob", value, concentration1, batch_, probability);
    const Tensor log_beta = lgamma(concentration1) + lgamma(concentration0) - lgamma(concentration1 + concentration0);
    return xlogy(concentration1 - 1, x) + xlogy(concentration0 - 1, 1 - x) - log_beta;
}
Tensor Beta::entropy() const {
    const Tensor total = concentration1 + concentration0;
    return lgamma(concentration1) + lgamma(concentration0) - lgamma(total) -
           (concentration1 - 1) * digamma(concentration1) - (concentration0 - 1) * digamma(concentration0) +
           (total - 2) * digamma(total);
}
Tensor Beta::mean() const { return concentration1 / (concentration1 + concentration0); }
Tensor Beta::variance() const {
    const Tensor total = concentration1 + concentration0;
    return (concentration1 / total) * (concentration0 / total) / (total + 1);
}

// --- Dirichlet -------------------------------------------------------------------------------------------------------

Dirichlet::Dirichlet(const Operand& c) {
    Shape shape;
    concentration = checked("Dirichlet", {{"concentration", c, positive_number}}, shape)[0];
    check<ShapeError>(shape.rank() >= 1, c.where(),
                      [] { return std::string("Dirichlet: concentration must be (…, n), got a scalar"); });
    batch_ = without_last(shape, 1);
    event_ = {shape.back()};
    dtype_ = concentration.dtype();
}
Tensor Dirichlet::rsample(const Shape& shape, Generator& generator) const {
    return softmax(log_standard_gamma(broadcast_to(concentration, extended(shape)), generator), -1);
}
Tensor Dirichlet::log_prob(const Operand& value) const {
    const Tensor x = value_of("Dirichlet::log_prob", value, concentration, extended({}), not_negative, 1);
    const double tolerance = x.dtype() == DType::f32 ? 1e-4 : 1e-6;
    check<ValueError>(bool(all(abs(sum(stop_gradient(x), -1) - 1) < tolerance)), value.where(), [] {
        return std::string("Dirichlet::log_prob: the value's last axis must add up to 1, got one that does not");
    });
    return sum(xlogy(concentration - 1, x), -1) + lgamma(sum(concentration, -1)) - sum(lgamma(concentration), -1);
}
Tensor Dirichlet::entropy() const {
    const Tensor total = sum(concentration, -1);
    return sum(lgamma(concentration), -1) - lgamma(total) - (static_cast<double>(event_[0]) - total) * digamma(total) -
           sum((concentration - 1) * digamma(concentration), -1);
}
Tensor Dirichlet::mean() const { return concentration / sum(concentration, -1, true); }
Tensor Dirichlet::variance() const {
    const Tensor total = sum(concentration, -1, true), share = concentration / total;
    return share * (1 - share) / (total + 1);
}

}  // namespace xgrad::distributions
