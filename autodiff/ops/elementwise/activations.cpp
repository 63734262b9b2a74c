#include "autodiff/core/detail/composition.hpp"
#include "autodiff/ops/shape/shape.hpp"
#include "detail/run.hpp"

// Activations that choose among rules or arrange their arguments, and what slopes of activations are made of.

namespace xgrad {

using namespace detail;
using namespace detail::elementwise;

Normal standard_normal(const Tensor& x) {
    const Tensor near = where(abs(x) > 40.0, 0.0, x);  // the density's derivatives must not be inf * 0
    return {0.5 * erfc(-rules::sqrt_half * x), rules::inv_sqrt_two_pi * exp(-0.5 * near * near)};
}
Sloped logistic(const Tensor& x) {
    Tensor y = sigmoid(x), slope = y * sigmoid(-x);
    return {std::move(y), std::move(slope)};
}
Tensor sigmoid_slope(const Tensor& x, const Tensor& y) { return y * sigmoid(-x); }
Tensor tanh_slope(const Tensor& x, const Tensor&) { return 4.0 * logistic(2.0 * x).slope; }
Tensor gelu(const Operand& x, Gelu form) {
    return composed("gelu", x.where(), [&]() -> Tensor {
        return form == Gelu::erf ? unary(rules::GeluErf{}, x) : unary(rules::GeluTanh{}, x);
    });
}

Tensor prelu(const Operand& x, const Operand& weight) {
    check_defined("prelu", x);
    check_defined("prelu", weight);
    if (!x.is_tensor() || !weight.is_tensor()) return binary(rules::Prelu{}, x, weight);
    if (weight.shape() == x.shape()) return binary(rules::Prelu{}, x, weight);
    if (weight.size() == 1) {
        const Tensor slope = weight.ndim() > x.ndim() ? reshape(weight, {}) : weight.tensor();
        return binary(rules::Prelu{}, x, {slope, x.where()});
    }
    // One slope for each channel, along axis 1.
    const std::int64_t channels = x.ndim() >= 2 ? x.shape(1) : 1;
    check<ShapeError>(weight.ndim() == 1 && weight.size() == channels, x.where(), [&] {
        return "prelu: the weight must have one element or one for each of the " + std::to_string(channels) +
               " channels, got shape " + to_string(weight.shape());
    });
    Shape shape{channels};
    for (int k = 2; k < x.ndim(); ++k) shape.push_back(1);
    const Tensor slopes = reshape(weight, shape);
    return binary(rules::Prelu{}, x, {slopes, x.where()});
}

}  // namespace xgrad
