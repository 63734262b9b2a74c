#include "real.hpp"

#include <cmath>

#include "autodiff/ops/linalg/linalg.hpp"
#include "autodiff/ops/linalg/matmul.hpp"
#include "autodiff/ops/random/detail/draws.hpp"
#include "autodiff/ops/reduce/reduce.hpp"
#include "autodiff/ops/shape/arrange.hpp"
#include "detail/values.hpp"

namespace xgrad::distributions {

using namespace detail;

Shape Distribution::extended(const Shape& shape) const {
    for (const Int size : shape)
        check<ShapeError>(size >= 0, {}, [&] { return "sample: sizes must not be negative, got " + to_string(shape); });
    return joined(joined(shape, batch_), event_);
}
Tensor Distribution::over(const Tensor& x) const { return broadcast_to(x, extended({})); }

// --- Normal ----------------------------------------------------------------------------------------------------------

Normal::Normal(const Operand& l, const Operand& s) {
    const auto given = checked("Normal", {{"loc", l, finite}, {"scale", s, positive_number}}, batch_);
    loc = given[0], scale = given[1], dtype_ = loc.dtype();
}
Tensor Normal::rsample(const Shape& shape, Generator& generator) const {
    return loc + scale * randn(extended(shape), generator, loc.dtype());
}
Tensor Normal::log_prob(const Operand& value) const {
    const Tensor z = (value_of("Normal::log_prob", value, loc, batch_, not_nan) - loc) / scale;
    return -0.5 * square(z) - (log(scale) + 0.5 * log_two_pi);
}
Tensor Normal::entropy() const { return over(log(scale) + 0.5 * (1 + log_two_pi)); }
Tensor Normal::mean() const { return over(loc); }
Tensor Normal::variance() const { return over(square(scale)); }
Tensor Normal::cdf(const Operand& value) const {
    return 0.5 * erfc((loc - value_of("Normal::cdf", value, loc, batch_, not_nan)) / (scale * std::numbers::sqrt2));
}
Tensor Normal::icdf(const Operand& p) const {
    return loc + scale * (std::numbers::sqrt2 * erfinv(2 * value_of("Normal::icdf", p, loc, batch_, probability) - 1));
}

// --- LogNormal -------------------------------------------------------------------------------------------------------

LogNormal::LogNormal(const Operand& l, const Operand& s) {
    const auto given = checked("LogNormal", {{"loc", l, finite}, {"scale", s, positive_number}}, batch_);
    loc = given[0], scale = given[1], dtype_ = loc.dtype();
}
Tensor LogNormal::rsample(const Shape& shape, Generator& generator) const {
    return exp(base().rsample(shape, generator));
}
Tensor LogNormal::log_prob(const Operand& value) const {
    const Tensor x = log(value_of("LogNormal::log_prob", value, loc, batch_, positive_number));
    return base().log_prob(x) - x;
}
Tensor LogNormal::entropy() const { return base().entropy() + loc; }
Tensor LogNormal::mean() const { return exp(loc + 0.5 * square(scale)); }
Tensor LogNormal::variance() const { return expm1(square(scale)) * exp(2 * loc + square(scale)); }
Tensor LogNormal::cdf(const Operand& value) const {
    return base().cdf(log(value_of("LogNormal::cdf", value, loc, batch_, not_negative)));
}
Tensor LogNormal::icdf(const Operand& p) const { return exp(base().icdf(p)); }

// --- Uniform ---------------------------------------------------------------------------------------------------------

Uniform::Uniform(const Operand& l, const Operand& h) {
    const auto given = checked("Uniform", {{"low", l, finite}, {"high", h, finite}}, batch_);
    low = given[0], high = given[1], dtype_ = low.dtype();
    check<ValueError>(bool(all(low < high)), l.where(),
                      [] { return std::string("Uniform: low must be below high, got one that is not"); });
}
Tensor Uniform::rsample(const Shape& shape, Generator& generator) const {
    return low + (high - low) * rand(extended(shape), generator, low.dtype());
}
Tensor Uniform::log_prob(const Operand& value) const {
    const Tensor x = value_of("Uniform::log_prob", value, low, batch_, not_nan);
    check<ValueError>(bool(all(logical_and(x >= low, x <= high))), value.where(), [] {
        return std::string("Uniform::log_prob: the value must be in [low, high], got one that is not");
    });
    return where(x < high, -log(high - low), -infinity(low));
}
Tensor Uniform::entropy() const { return over(log(high - low)); }
Tensor Uniform::mean() const { return over(0.5 * (low + high)); }
Tensor Uniform::variance() const { return over(square(high - low) / 12); }
Tensor Uniform::cdf(const Operand& value) const {
    return clip((value_of("Uniform::cdf", value, low, batch_, not_nan) - low) / (high - low), 0, 1);
}
Tensor Uniform::icdf(const Operand& p) const {
    return low + (high - low) * value_of("Uniform::icdf", p, low, batch_, probability);
}

// --- Laplace ---------------------------------------------------------------------------------------------------------

Laplace::Laplace(const Operand& l, const Operand& s) {
    const auto given = checked("Laplace", {{"loc", l, finite}, {"scale", s, positive_number}}, batch_);
    loc = given[0], scale = given[1], dtype_ = loc.dtype();
}
Tensor Laplace::rsample(const Shape& shape, Generator& generator) const {  // the difference of two exponential variates
    const Tensor one = scalar(1.0, loc.dtype());
    const Tensor above = exponential(one, extended(shape), generator),
                 below = exponential(one, extended(shape), generator);
    return loc + scale * (above - below);
}
Tensor Laplace::log_prob(const Operand& value) const {
    return -abs(value_of("Laplace::log_prob", value, loc, batch_, not_nan) - loc) / scale - log(2 * scale);
}
Tensor Laplace::entropy() const { return over(1 + log(2 * scale)); }
Tensor Laplace::mean() const { return over(loc); }
Tensor Laplace::variance() const { return over(2 * square(scale)); }
Tensor Laplace::cdf(const Operand& value) const {
    const Tensor z = (value_of("Laplace::cdf", value, loc, batch_, not_nan) - loc) / scale;
    return 0.5 * exp(minimum(z, 0)) -
           0.5 * expm1(-maximum(z, 0));  // accurate on both sides; the slope at 0 is half from each
}
Tensor Laplace::icdf(const Operand& p) const {
    const Tensor twice = 2 * value_of("Laplace::icdf", p, loc, batch_, probability);
    return loc + scale * (log(minimum(twice, 1)) - log(minimum(2 - twice, 1)));
}

// --- Gumbel ----------------------------------------------------------------------------------------------------------

Gumbel::Gumbel(const Operand& l, const Operand& s) {
    const auto given = checked("Gumbel", {{"loc", l, finite}, {"scale", s, positive_number}}, batch_);
    loc = given[0], scale = given[1], dtype_ = loc.dtype();
}
Tensor Gumbel::rsample(const Shape& shape, Generator& generator) const {
    return loc - scale * log(exponential(scalar(1.0, loc.dtype()), extended(shape), generator));
}
Tensor Gumbel::log_prob(const Operand& value) const {
    const Tensor z = (loc - value_of("Gumbel::log_prob", value, loc, batch_, not_nan)) / scale;
    return z - exp(z) - log(scale);
}
Tensor Gumbel::entropy() const { return over(log(scale) + (1 + euler_gamma)); }
Tensor Gumbel::mean() const { return loc + euler_gamma * scale; }
Tensor Gumbel::variance() const { return over(square(scale) * (std::numbers::pi * std::numbers::pi / 6)); }
Tensor Gumbel::cdf(const Operand& value) const {
    return exp(-exp((loc - value_of("Gumbel::cdf", value, loc, batch_, not_nan)) / scale));
}
Tensor Gumbel::icdf(const Operand& p) const {
    return loc - scale * log(-log(value_of("Gumbel::icdf", p, loc, batch_, probability)));
}

// --- StudentT --------------------------------------------------------------------------------------------------------

StudentT::StudentT(const Operand& d, const Operand& l, const Operand& s) {
    const auto given =
        checked("StudentT", {{"df", d, positive_number}, {"loc", l, finite}, {"scale", s, positive_number}}, batch_);
    df = given[0], loc = given[1], scale = given[2], dtype_ = df.dtype();
}
Tensor StudentT::rsample(const Shape& shape,
                         Generator& generator) const {  // normal / sqrt(chi² / df), chi² = 2 gamma(df / 2)
    const Tensor half = 0.5 * broadcast_to(df, extended(shape));
    const Tensor normal = randn(extended(shape), generator, df.dtype());
    return loc + scale * (normal * exp(0.5 * (log(half) - log_standard_gamma(half, generator))));
}
Tensor StudentT::log_prob(const Operand& value) const {
    const Tensor z = (value_of("StudentT::log_prob", value, loc, batch_, not_nan) - loc) / scale;
    const Tensor constant = log(scale) + 0.5 * log(std::numbers::pi * df) + lgamma(0.5 * df) - lgamma(0.5 * (df + 1));
    return -0.5 * (df + 1) * log1p(square(z) / df) - constant;
}
Tensor StudentT::entropy() const {
    const Tensor half = 0.5 * df, next = 0.5 * (df + 1);
    const Tensor log_beta = lgamma(half) + 0.5 * std::log(std::numbers::pi) - lgamma(next);
    return over(log(scale) + next * (digamma(next) - digamma(half)) + 0.5 * log(df) + log_beta);
}
Tensor StudentT::mean() const { return over(where(df > 1, loc, not_a_number(loc))); }
Tensor StudentT::variance() const {
    const Tensor safe = where(df > 2, df, full_like(df, 3));
    return over(where(df > 2, square(scale) * safe / (safe - 2), where(df > 1, infinity(df), not_a_number(df))));
}

// --- MultivariateNormal ----------------------------------------------------------------------------------------------

namespace {

Tensor transposed(const Tensor& matrix) { return swapaxes(matrix, -1, -2); }

/// The lower factor of a covariance matrix whose inverse is given: the Cholesky factor of the inverse with rows and
/// columns reversed, reversed again and transposed, is the inverse of that factor.
Tensor factor_of_inverse(const Tensor& precision) {
    const Tensor inverse = transposed(flip(cholesky(flip(precision, {-2, -1})), {-2, -1}));
    return triangular_solve(inverse, eye(precision.shape(-1), precision.dtype()));
}

}  // namespace

MultivariateNormal::MultivariateNormal(const Operand& l, const Covariance& spread) {
    const Location place = l.where();
    const int given =
        spread.covariance_matrix.defined() + spread.precision_matrix.defined() + spread.scale_tril.defined();
    check<ValueError>(given == 1, place, [&] {
        return "MultivariateNormal: exactly one of covariance_matrix, precision_matrix and scale_tril must be given, "
               "got " +
               std::to_string(given);
    });
    const Tensor matrix = spread.covariance_matrix.defined() ? spread.covariance_matrix
                          : spread.scale_tril.defined()      ? spread.scale_tril
                                                             : spread.precision_matrix;
    loc = tensor_of(l, "MultivariateNormal");
    check_same_dtype(matrix, loc, "MultivariateNormal", place, "loc");
    check_rule("MultivariateNormal", "loc", loc, finite, place);
    check_rule("MultivariateNormal", "the matrix", matrix, finite, place);
    check<ShapeError>(
        loc.ndim() >= 1 && matrix.ndim() >= 2 && matrix.shape(-1) == loc.shape(-1) && matrix.shape(-2) == loc.shape(-1),
        place, [&] {
            return "MultivariateNormal: loc (…, n) and a matrix (…, n, n) are needed, got " + to_string(loc.shape()) +
                   " and " + to_string(matrix.shape());
        });
    batch_ =
        broadcast_shapes(without_last(loc.shape(), 1), without_last(matrix.shape(), 2), "MultivariateNormal", place);
    event_ = {loc.shape(-1)};
    dtype_ = loc.dtype();
    if (spread.covariance_matrix.defined()) scale_tril = cholesky({matrix, place});
    else if (spread.precision_matrix.defined()) scale_tril = factor_of_inverse(matrix);
    else {
        scale_tril = tril(matrix);
        check_rule("MultivariateNormal", "the diagonal of scale_tril", diagonal(stop_gradient(matrix), 0, -2, -1),
                   positive_number, place);
    }
}
Tensor MultivariateNormal::rsample(const Shape& shape, Generator& generator) const {
    const Tensor noise = randn(extended(shape), generator, loc.dtype());
    const Autocast exact(Precision::full);
    return loc + squeeze(matmul(scale_tril, expand_dims(noise, -1)), -1);
}
Tensor MultivariateNormal::log_prob(const Operand& value) const {
    const Tensor x = value_of("MultivariateNormal::log_prob", value, loc, extended({}), not_nan, 1) - loc;
    const Tensor z = triangular_solve(scale_tril, expand_dims(x, -1));
    return -0.5 * (sum(square(z), {-2, -1}) + static_cast<double>(event_[0]) * log_two_pi) -
           sum(log(diagonal(scale_tril, 0, -2, -1)), -1);
}
Tensor MultivariateNormal::entropy() const {
    const Tensor log_det = sum(log(diagonal(scale_tril, 0, -2, -1)), -1);
    return broadcast_to(log_det + 0.5 * static_cast<double>(event_[0]) * (1 + log_two_pi), batch_);
}
Tensor MultivariateNormal::mean() const { return over(loc); }
Tensor MultivariateNormal::variance() const { return over(sum(square(scale_tril), -1)); }
Tensor MultivariateNormal::covariance_matrix() const {
    const Autocast exact(Precision::full);
    return matmul(scale_tril, transposed(scale_tril));
}
Tensor MultivariateNormal::precision_matrix() const {
    const Tensor inverse = triangular_solve(scale_tril, eye(event_[0], loc.dtype()));
    const Autocast exact(Precision::full);
    return matmul(transposed(inverse), inverse);
}

}  // namespace xgrad::distributions
