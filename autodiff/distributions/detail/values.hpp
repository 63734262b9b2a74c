#pragma once

#include <limits>
#include <numbers>
#include <string>

#include "autodiff/distributions/distribution.hpp"
#include "autodiff/ops/random/detail/parameters.hpp"

// Helpers shared by the distributions. Not for users.

namespace xgrad::distributions::detail {

using namespace xgrad::detail;

inline constexpr double euler_gamma = std::numbers::egamma;
inline constexpr double log_two_pi = 1.83787706640934548356;

/// The argument of log_prob, cdf or icdf: a number takes the element type of `like`. DTypeError, ShapeError or
/// ValueError if it does not match. The last `event_axes` axes must equal those of `shape`; the others broadcast.
inline Tensor value_of(const char* name, const Operand& value, const Tensor& like, const Shape& shape, const Rule& rule,
                       int event_axes = 0) {
    const Location where = value.where();
    const Tensor x = value.is_tensor() ? tensor_of(value, name) : scalar(value.number(), like.dtype());
    check_same_dtype(like, x, name, where, "the value");
    check_rule(name, "the value", x, rule, where);
    bool fits = x.ndim() >= event_axes;
    for (int k = 1; fits && k <= event_axes; ++k) fits = x.shape(-k) == shape[shape.rank() - k];
    check<ShapeError>(fits, where, [&] {
        return std::string(name) + ": the value must be (…, " + std::to_string(shape.back()) + "), got " +
               to_string(x.shape());
    });
    broadcast_shapes(x.shape(), shape, name, where);
    return x;
}

/// a's shape followed by b's.
inline Shape joined(Shape a, const Shape& b) {
    for (const Int size : b) a.push_back(size);
    return a;
}
/// The leading axes, without the last `axes`.
inline Shape without_last(const Shape& shape, int axes) { return Shape(shape.begin(), shape.rank() - axes); }

inline Tensor infinity(const Tensor& like) { return scalar(std::numeric_limits<double>::infinity(), like.dtype()); }
inline Tensor not_a_number(const Tensor& like) {
    return scalar(std::numeric_limits<double>::quiet_NaN(), like.dtype());
}

}  // namespace xgrad::distributions::detail
