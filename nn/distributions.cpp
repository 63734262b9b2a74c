#include "distributions.hpp"

#include <cmath>
#include <numbers>
#include <string>

#include <autodiff/ops/elementwise.hpp>
#include <autodiff/ops/reduce.hpp>

#include "pattern.hpp"

namespace xgrad::nn {

namespace {

const Tensor& with_classes(const char* name, const Tensor& x, Location where) {
    check<ShapeError>(x.ndim() > 0, where, [&] { return std::string(name) + ": the last axis is summed over, got a scalar"; });
    return x;
}

}  // namespace

Tensor categorical_entropy(const Tensor& p, Location where) {
    with_classes("categorical_entropy", p, where);
    return -sum(xlogy(Operand(p, where), p), -1);
}

Tensor categorical_entropy_with_logits(const Tensor& logits, Location where) {
    with_classes("categorical_entropy_with_logits", logits, where);
    const Tensor log_p = log_softmax(Operand(logits, where), -1);
    const Tensor finite = clip(log_p, -1e30, 0);  // p is 0 where it is -inf
    return -sum(exp(log_p) * finite, -1);
}

Tensor categorical_kl(const Tensor& p, const Tensor& q, Location where) {
    with_classes("categorical_kl", p, where);
    return sum(xlogy(Operand(p, where), p) - xlogy(Operand(p, where), q), -1);
}

Tensor categorical_kl_with_logits(const Tensor& p_logits, const Tensor& q_logits, Location where) {
    with_classes("categorical_kl_with_logits", p_logits, where);
    const Tensor log_p = log_softmax(Operand(p_logits, where), -1), log_q = log_softmax(Operand(q_logits, where), -1);
    return sum(exp(log_p) * (log_p - log_q), -1);
}

Tensor normal_entropy(const Tensor& scale, Location where) {
    with_classes("normal_entropy", scale, where);
    return sum(log(Operand(scale, where)) + 0.5 * (1 + std::log(2 * std::numbers::pi)), -1);
}

Tensor normal_kl(const Tensor& p_loc, const Tensor& p_scale, const Tensor& q_loc, const Tensor& q_scale, Location where) {
    with_classes("normal_kl", p_loc, where);
    const Tensor ratio = square(divide(Operand(p_scale, where), q_scale));
    const Tensor shift = square(subtract(Operand(p_loc, where), q_loc) / q_scale);
    return 0.5 * sum(ratio + shift - 1 - log(ratio), -1);
}

Tensor normal_kl(const Tensor& loc, const Tensor& scale, Location where) {
    with_classes("normal_kl", loc, where);
    const Tensor variance = square(Operand(scale, where));
    return 0.5 * sum(variance + square(loc) - 1 - log(variance), -1);
}

Tensor detail::penalty(ModelRef model, std::string_view pattern, double p, Location where) {
    Tensor total;
    for (const auto& [name, parameter] : named_parameters(model)) {
        if (!matches(pattern, name)) continue;
        const Tensor part = p == 1 ? sum(abs(Operand(parameter, where))) : sum(square(Operand(parameter, where)));
        total = total.defined() ? total + part : part;
    }
    check<ValueError>(total.defined(), where, [&] { return "penalty: no parameter's name matches \"" + std::string(pattern) + "\""; });
    return total;
}

}  // namespace xgrad::nn
