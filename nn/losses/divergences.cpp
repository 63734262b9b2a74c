#include "divergences.hpp"

#include <string>

#include <autodiff/distributions/distributions.hpp>
#include <autodiff/ops/elementwise/elementwise.hpp>
#include <autodiff/ops/reduce/reduce.hpp>

#include "nn/core/pattern.hpp"

namespace xgrad::nn {

namespace {

const Tensor& with_classes(const char* name, const Tensor& x, Location where) {
    check<ShapeError>(x.ndim() > 0, where,
                      [&] { return std::string(name) + ": the last axis is summed over, got a scalar"; });
    return x;
}

}  // namespace

Tensor categorical_entropy(const Tensor& p, Location where) {
    with_classes("categorical_entropy", p, where);
    return -sum(xlogy(Operand(p, where), p), -1);
}

Tensor categorical_entropy_with_logits(const Tensor& logits, Location where) {
    with_classes("categorical_entropy_with_logits", logits, where);
    return distributions::Categorical({.logits = logits}, where).entropy();
}

Tensor categorical_kl(const Tensor& p, const Tensor& q, Location where) {
    with_classes("categorical_kl", p, where);
    return sum(xlogy(Operand(p, where), p) - xlogy(Operand(p, where), q), -1);
}

Tensor categorical_kl_with_logits(const Tensor& p_logits, const Tensor& q_logits, Location where) {
    with_classes("categorical_kl_with_logits", p_logits, where);
    return kl_divergence(distributions::Categorical({.logits = p_logits}, where),
                         distributions::Categorical({.logits = q_logits}, where), where);
}

Tensor normal_entropy(const Tensor& scale, Location where) {
    with_classes("normal_entropy", scale, where);
    return sum(distributions::Normal(0.0, {scale, where}).entropy(), -1);
}

Tensor normal_kl(const Tensor& p_loc, const Tensor& p_scale, const Tensor& q_loc, const Tensor& q_scale,
                 Location where) {
    with_classes("normal_kl", p_loc, where);
    return sum(kl_divergence(distributions::Normal({p_loc, where}, p_scale),
                             distributions::Normal({q_loc, where}, q_scale), where),
               -1);
}

Tensor normal_kl(const Tensor& loc, const Tensor& scale, Location where) {
    with_classes("normal_kl", loc, where);
    return sum(kl_divergence(distributions::Normal({loc, where}, scale),
                             distributions::Normal(zeros_like(loc), ones_like(loc)), where),
               -1);
}

Tensor detail::penalty(ModelRef model, std::string_view pattern, double p, Location where) {
    Tensor total;
    for (const auto& [name, parameter] : named_parameters(model)) {
        if (!matches(pattern, name)) continue;
        const Tensor part = p == 1 ? sum(abs(Operand(parameter, where))) : sum(square(Operand(parameter, where)));
        total = total.defined() ? total + part : part;
    }
    check<ValueError>(total.defined(), where,
                      [&] { return "penalty: no parameter's name matches \"" + std::string(pattern) + "\""; });
    return total;
}

}  // namespace xgrad::nn
