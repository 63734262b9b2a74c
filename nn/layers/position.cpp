#include "position.hpp"

#include <bit>
#include <cmath>
#include <string>
#include <vector>

#include <autodiff/ops/elementwise/elementwise.hpp>
#include <autodiff/ops/shape/shape.hpp>

#include "nn/core/detail/fields.hpp"
#include "nn/core/init.hpp"

namespace xgrad::nn {

namespace {

using Int = std::int64_t;

/// The number of steps of x, after checking its shape.
Int steps_of(const char* name, const Tensor& x, Int width, bool batch_first, Location where) {
    check<ShapeError>((x.ndim() == 2 || x.ndim() == 3) && x.shape(-1) == width, where, [&] {
        return std::string(name) + ": the input must be " + (batch_first ? "(samples, steps, " : "(steps, samples, ") +
               std::to_string(width) + ") or (steps, " + std::to_string(width) + "), got " + to_string(x.shape());
    });
    return x.shape(batch_first && x.ndim() == 3 ? 1 : 0);
}

/// x + positions (T, width).
Tensor plus(const Tensor& x, const Tensor& positions, bool batch_first, Location where) {
    return Operand(x, where) + (batch_first || x.ndim() == 2 ? positions : expand_dims(positions, 1));
}

void check_first(const char* name, Int first, Location where) {
    check<ValueError>(first >= 0, where, [&] {
        return std::string(name) + ": the first position must not be negative, got " + std::to_string(first);
    });
}

}  // namespace

SinusoidalPositions::SinusoidalPositions(Int d_model, const PositionOptions& options, Location where)
    : dropout(options.dropout, where),
      table_(sinusoidal_positions(options.max_len, d_model, DType::f64, 10000, where)),
      batch_first_(options.batch_first) {}
Tensor SinusoidalPositions::operator()(const Tensor& x, Int first, Location where) const {
    check_first("SinusoidalPositions", first, where);
    const Int width = table_.shape(1), last = first + steps_of("SinusoidalPositions", x, width, batch_first_, where);
    const Tensor rows =
        slice(last <= table_.shape(0) ? table_ : sinusoidal_positions(last, width, DType::f64), 0, first, last);
    return dropout(plus(x, rows.to(x.dtype()), batch_first_, where));
}

LearnedPositions::LearnedPositions(Int max_len, Int d_model, const LearnedPositionOptions& options, Location where)
    : dropout(options.dropout, where), batch_first_(options.batch_first) {
    check<ValueError>(max_len > 0 && d_model > 0, where, [&] {
        return "LearnedPositions: sizes must be positive, got " + std::to_string(max_len) + " and " +
               std::to_string(d_model);
    });
    weight = zeros({max_len, d_model}, options.dtype);
    init::normal(weight);
}
Tensor LearnedPositions::operator()(const Tensor& x, Int first, Location where) const {
    check_first("LearnedPositions", first, where);
    const Int last = first + steps_of("LearnedPositions", x, weight.shape(1), batch_first_, where);
    check<ShapeError>(last <= weight.shape(0), where, [&] {
        return "LearnedPositions: there are " + std::to_string(weight.shape(0)) + " positions, got " +
               std::to_string(last) + " steps";
    });
    return dropout(plus(x, slice(weight, 0, first, last), batch_first_, where));
}

RotaryPositions::RotaryPositions(Int dim, const RotaryOptions& options, Location where) : dim_(dim), options_(options) {
    check<ValueError>(dim > 0 && dim % 2 == 0, where,
                      [&] { return "RotaryPositions: dim must be positive and even, got " + std::to_string(dim); });
    const Tensor angles = position_angles(options.max_len, dim / 2, options.base);
    cosine_ = cos(angles);
    sine_ = sin(angles);
}
Tensor RotaryPositions::operator()(const Tensor& x, Int first, Location where) const {
    check<ShapeError>(x.ndim() >= 2 && x.shape(-1) == dim_, where, [&] {
        return "RotaryPositions: the input must be (…, steps, " + std::to_string(dim_) + "), got " +
               to_string(x.shape());
    });
    check_first("RotaryPositions", first, where);
    const Int steps = x.shape(-2), last = first + steps;
    Tensor c, s;
    if (last <= options_.max_len) {
        c = slice(cosine_, 0, first, last);
        s = slice(sine_, 0, first, last);
    } else {
        const Tensor angles = position_angles(steps, dim_ / 2, options_.base, first);
        c = cos(angles);
        s = sin(angles);
    }
    return rotary({x, where}, c.to(x.dtype()), s.to(x.dtype()), options_.pairs);
}

Tensor alibi_mask(Int num_heads, Int queries, Int keys, DType dtype, Location where) {
    check<ValueError>(num_heads > 0 && queries > 0 && keys >= queries, where, [&] {
        return "alibi_mask: there must be heads, queries and at least as many keys, got " + std::to_string(num_heads) +
               ", " + std::to_string(queries) + " and " + std::to_string(keys);
    });
    const auto below = static_cast<Int>(std::bit_floor(static_cast<std::uint64_t>(num_heads)));
    std::vector<double> slopes;
    for (Int i = 1; i <= below; ++i)
        slopes.push_back(std::exp2(-8.0 * static_cast<double>(i) / static_cast<double>(below)));
    for (Int i = 1; static_cast<Int>(slopes.size()) < num_heads; i += 2)
        slopes.push_back(std::exp2(-4.0 * static_cast<double>(i) / static_cast<double>(below)));
    const Tensor distance = abs(arange(keys) - expand_dims(arange(keys - queries, keys), 1)).to(DType::f64);
    return (-tensor(slopes, {num_heads, 1, 1}) * distance).to(dtype);
}

XGRAD_FIELDS_OF(SinusoidalPositions, dropout)
XGRAD_FIELDS_OF(LearnedPositions, weight, dropout)
void RotaryPositions::xgrad_visit(const Path&, Visitor&) {}

}  // namespace xgrad::nn
