#include "cross_entropy.hpp"

#include <array>

#include "autodiff/core/apply.hpp"
#include "autodiff/core/detail/axes.hpp"
#include "autodiff/core/detail/composition.hpp"
#include "autodiff/ops/elementwise/elementwise.hpp"

namespace xgrad {

using namespace detail;

namespace {

constexpr double least = 1e-12f;  // PyTorch's constant is a float

struct BernoulliCrossEntropy {
    static constexpr const char* name = "bernoulli_cross_entropy";
    static Saves saves(Needs recorded) { return {.inputs = recorded[0] ? 0b11u : 0b01u}; }

    Tensor value(const Tensor& p, const Tensor& target) const {
        return (target - 1) * maximum(log1p(-p), -100) - target * maximum(log(p), -100);
    }
    std::array<Tensor, 2> pullback(Tensor g, const Saved& s) const {
        const Tensor &p = s.input(0), &target = s.input(1);
        return {s.needs(0) ? g * (p - target) / maximum(p * (1 - p), least) : Tensor(),
                s.needs(1) ? g * (log1p(-p) - log(p)) : Tensor()};
    }
};

}  // namespace

Tensor bernoulli_cross_entropy(const Operand& p_operand, const Operand& target_operand) {
    return composed("bernoulli_cross_entropy", p_operand.where(), [&]() -> Tensor {
        const Tensor p = tensor_of(p_operand, "bernoulli_cross_entropy"),
                     target = tensor_of(target_operand, "bernoulli_cross_entropy");
        check_floating(p, "bernoulli_cross_entropy", p_operand.where());
        return apply(BernoulliCrossEntropy{}, {p, target}, p_operand.where());
    });
}

}  // namespace xgrad
