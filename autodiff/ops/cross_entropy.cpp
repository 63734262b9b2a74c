#include "cross_entropy.hpp"

#include <array>

#include "../composition.hpp"
#include "../apply.hpp"
#include "axes.hpp"
#include "elementwise.hpp"

namespace xgrad {

using namespace detail;

namespace {
constexpr double least = 1e-12f;  // PyTorch's constant is a float
}

Tensor bernoulli_cross_entropy(const Operand& p_operand, const Operand& target_operand) {
    return composed("bernoulli_cross_entropy", p_operand.where(), [&]() -> Tensor {
        const Tensor p = tensor_of(p_operand, "bernoulli_cross_entropy"), target = tensor_of(target_operand, "bernoulli_cross_entropy");
        check_floating(p, "bernoulli_cross_entropy", p_operand.where());
        return apply(
            "bernoulli_cross_entropy", {p, target},
            [](const Tensor& a, const Tensor& t) { return (t - 1) * maximum(log1p(-a), -100) - t * maximum(log(a), -100); },
            [p, target](Tensor g) { return std::array{g * (p - target) / maximum(p * (1 - p), least), g * (log1p(-p) - log(p))}; },
            p_operand.where());
    });
}

}  // namespace xgrad
