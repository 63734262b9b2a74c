#include "optim.hpp"

#include <cmath>

namespace xgrad::nn {

using detail::Slot;

namespace {

void check_not_negative(const char* optimizer, const char* option, double value, Location where) {
    check<ValueError>(value >= 0, where,
                      [&] { return std::string(optimizer) + ": " + option + " must not be negative, got " + PlainNumber(value).text(); });
}

/// What most options have, where they have it.
template <class Options>
void check_usual(const char* optimizer, const Options& o, Location where) {
    check_not_negative(optimizer, "lr", o.lr, where);
    if constexpr (requires { o.eps; }) check_not_negative(optimizer, "eps", o.eps, where);
    if constexpr (requires { o.momentum; }) check_not_negative(optimizer, "momentum", o.momentum, where);
    if constexpr (requires { o.weight_decay; }) check_not_negative(optimizer, "weight_decay", o.weight_decay, where);
    if constexpr (requires { o.betas; })
        for (const double beta : {o.betas.first, o.betas.second})
            check<ValueError>(beta >= 0 && beta < 1, where,
                              [&] { return std::string(optimizer) + ": betas must be in [0, 1), got " + PlainNumber(beta).text(); });
}

double sign_of(bool maximize) { return maximize ? -1 : 1; }

/// 1 - beta^t: what a mean that started at 0 has seen.
double seen(double beta, const Slot& slot) { return 1 - std::pow(beta, static_cast<double>(slot.steps)); }

template <class Options>
updates::Adam adam_rule(const Options& o, const Slot& slot) {
    updates::Adam rule{.beta1 = o.betas.first,
                       .beta2 = o.betas.second,
                       .size = o.lr / seen(o.betas.first, slot),
                       .scale = 1 / std::sqrt(seen(o.betas.second, slot)),
                       .eps = o.eps};
    if constexpr (requires { o.maximize; }) rule.sign = sign_of(o.maximize);
    if constexpr (requires { o.amsgrad; }) rule.amsgrad = o.amsgrad;
    return rule;
}

}  // namespace

// --- SGD ------------------------------------------------------------------------------------------------------------

SGD::SGD(const SGDOptions& options, Location where) : OptimizerWith(options, "SGD", {"momentum_buffer"}) { check_options(options, where); }
void SGD::check_options(const SGDOptions& o, Location where) const {
    check_usual("SGD", o, where);
    check<ValueError>(!o.nesterov || (o.momentum > 0 && o.dampening == 0), where, [&] {
        return "SGD: nesterov needs momentum and no dampening, got momentum " + PlainNumber(o.momentum).text() + " and dampening " +
               PlainNumber(o.dampening).text();
    });
}
UpdateRule SGD::rule(std::size_t group, Slot& slot, Tensor&) const {
    const SGDOptions& o = options_of(group);
    return updates::Sgd{.lr = o.lr,
                        .sign = sign_of(o.maximize),
                        .decay = o.weight_decay,
                        .momentum = o.momentum,
                        .undamped = slot.tensors[0].defined() ? 1 - o.dampening : 1,
                        .nesterov = o.nesterov};
}

// --- Adam and its kin -----------------------------------------------------------------------------------------------

Adam::Adam(const AdamOptions& options, Location where) : OptimizerWith(options, "Adam", {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"}) {
    check_options(options, where);
}
void Adam::check_options(const AdamOptions& o, Location where) const { check_usual("Adam", o, where); }
UpdateRule Adam::rule(std::size_t group, Slot& slot, Tensor&) const {
    const AdamOptions& o = options_of(group);
    updates::Adam rule = adam_rule(o, slot);
    rule.decay = o.weight_decay;
    return rule;
}

AdamW::AdamW(const AdamWOptions& options, Location where) : OptimizerWith(options, "AdamW", {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"}) {
    check_options(options, where);
}
void AdamW::check_options(const AdamWOptions& o, Location where) const { check_usual("AdamW", o, where); }
UpdateRule AdamW::rule(std::size_t group, Slot& slot, Tensor&) const {
    const AdamWOptions& o = options_of(group);
    updates::Adam rule = adam_rule(o, slot);
    rule.keep = 1 - o.lr * o.weight_decay;
    return rule;
}

NAdam::NAdam(const NAdamOptions& options, Location where) : OptimizerWith(options, "NAdam", {"exp_avg", "exp_avg_sq"}, "mu_product") {
    check_options(options, where);
}
void NAdam::check_options(const NAdamOptions& o, Location where) const {
    check_usual("NAdam", o, where);
    check_not_negative("NAdam", "momentum_decay", o.momentum_decay, where);
}
UpdateRule NAdam::rule(std::size_t group, Slot& slot, Tensor&) const {
    const NAdamOptions& o = options_of(group);
    const auto mu = [&](std::int64_t t) { return o.betas.first * (1 - 0.5 * std::pow(0.96, static_cast<double>(t) * o.momentum_decay)); };
    const double now = mu(slot.steps), next = mu(slot.steps + 1);
    slot.number *= now;
    updates::Adam rule = adam_rule(o, slot);
    rule.decay = o.weight_decay;
    rule.size = o.lr * next / (1 - slot.number * next);
    rule.size_g = o.lr * (1 - now) / (1 - slot.number);
    return rule;
}

RAdam::RAdam(const RAdamOptions& options, Location where) : OptimizerWith(options, "RAdam", {"exp_avg", "exp_avg_sq"}) {
    check_options(options, where);
}
void RAdam::check_options(const RAdamOptions& o, Location where) const { check_usual("RAdam", o, where); }
UpdateRule RAdam::rule(std::size_t group, Slot& slot, Tensor&) const {
    const RAdamOptions& o = options_of(group);
    updates::Adam rule = adam_rule(o, slot);
    rule.decay = o.weight_decay;
    const double beta2 = o.betas.second, t = static_cast<double>(slot.steps), seen2 = seen(beta2, slot);
    const double longest = 2 / (1 - beta2) - 1, length = longest - 2 * t * std::pow(beta2, t) / seen2;
    if (length > 5) {
        rule.size *= std::sqrt((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)) * std::sqrt(seen2);
        rule.scale = 1;
    } else {  // a denominator of 1
        rule.scale = 0;
        rule.eps = 1;
    }
    return rule;
}

Adamax::Adamax(const AdamaxOptions& options, Location where) : OptimizerWith(options, "Adamax", {"exp_avg", "exp_inf"}) {
    check_options(options, where);
}
void Adamax::check_options(const AdamaxOptions& o, Location where) const { check_usual("Adamax", o, where); }
UpdateRule Adamax::rule(std::size_t group, Slot& slot, Tensor&) const {
    const AdamaxOptions& o = options_of(group);
    return updates::Adamax{.beta1 = o.betas.first,
                           .beta2 = o.betas.second,
                           .size = o.lr / seen(o.betas.first, slot),
                           .eps = o.eps,
                           .sign = sign_of(o.maximize),
                           .decay = o.weight_decay};
}

// --- by the size of the gradients so far ----------------------------------------------------------------------------

RMSprop::RMSprop(const RMSpropOptions& options, Location where)
    : OptimizerWith(options, "RMSprop", {"square_avg", "grad_avg", "momentum_buffer"}) {
    check_options(options, where);
}
void RMSprop::check_options(const RMSpropOptions& o, Location where) const {
    check_usual("RMSprop", o, where);
    check_not_negative("RMSprop", "alpha", o.alpha, where);
}
UpdateRule RMSprop::rule(std::size_t group, Slot&, Tensor&) const {
    const RMSpropOptions& o = options_of(group);
    return updates::Rmsprop{.lr = o.lr,
                            .alpha = o.alpha,
                            .eps = o.eps,
                            .momentum = o.momentum,
                            .sign = sign_of(o.maximize),
                            .decay = o.weight_decay,
                            .centered = o.centered};
}

Adagrad::Adagrad(const AdagradOptions& options, Location where) : OptimizerWith(options, "Adagrad", {"sum"}) {
    check_options(options, where);
}
void Adagrad::check_options(const AdagradOptions& o, Location where) const {
    check_usual("Adagrad", o, where);
    check_not_negative("Adagrad", "lr_decay", o.lr_decay, where);
    check_not_negative("Adagrad", "initial_accumulator_value", o.initial_accumulator_value, where);
}
UpdateRule Adagrad::rule(std::size_t group, Slot& slot, Tensor&) const {
    const AdagradOptions& o = options_of(group);
    if (!slot.tensors[0].defined()) slot.tensors[0] = full(slot.shape, o.initial_accumulator_value, slot.dtype);
    return updates::Adagrad{.size = o.lr / (1 + static_cast<double>(slot.steps - 1) * o.lr_decay),
                            .eps = o.eps,
                            .sign = sign_of(o.maximize),
                            .decay = o.weight_decay};
}

Adadelta::Adadelta(const AdadeltaOptions& options, Location where) : OptimizerWith(options, "Adadelta", {"square_avg", "acc_delta"}) {
    check_options(options, where);
}
void Adadelta::check_options(const AdadeltaOptions& o, Location where) const {
    check_usual("Adadelta", o, where);
    check<ValueError>(o.rho >= 0 && o.rho <= 1, where, [&] { return "Adadelta: rho must be in [0, 1], got " + PlainNumber(o.rho).text(); });
}
UpdateRule Adadelta::rule(std::size_t group, Slot&, Tensor&) const {
    const AdadeltaOptions& o = options_of(group);
    return updates::Adadelta{.lr = o.lr, .rho = o.rho, .eps = o.eps, .sign = sign_of(o.maximize), .decay = o.weight_decay};
}

// --- by the signs of gradients --------------------------------------------------------------------------------------

Rprop::Rprop(const RpropOptions& options, Location where) : OptimizerWith(options, "Rprop", {"prev", "step_size"}) {
    check_options(options, where);
}
void Rprop::check_options(const RpropOptions& o, Location where) const {
    check_usual("Rprop", o, where);
    check<ValueError>(o.etas.first > 0 && o.etas.first < 1 && o.etas.second > 1, where, [&] {
        return "Rprop: etas must be in (0, 1) and above 1, got " + PlainNumber(o.etas.first).text() + " and " +
               PlainNumber(o.etas.second).text();
    });
}
UpdateRule Rprop::rule(std::size_t group, Slot& slot, Tensor&) const {
    const RpropOptions& o = options_of(group);
    if (!slot.tensors[1].defined()) slot.tensors[1] = full(slot.shape, o.lr, slot.dtype);
    return updates::Rprop{.shrink = o.etas.first,
                          .grow = o.etas.second,
                          .smallest = o.step_sizes.first,
                          .largest = o.step_sizes.second,
                          .sign = sign_of(o.maximize)};
}

Lion::Lion(const LionOptions& options, Location where) : OptimizerWith(options, "Lion", {"exp_avg"}) { check_options(options, where); }
void Lion::check_options(const LionOptions& o, Location where) const { check_usual("Lion", o, where); }
UpdateRule Lion::rule(std::size_t group, Slot&, Tensor&) const {
    const LionOptions& o = options_of(group);
    return updates::Lion{
        .lr = o.lr, .beta1 = o.betas.first, .beta2 = o.betas.second, .sign = sign_of(o.maximize), .keep = 1 - o.lr * o.weight_decay};
}

}  // namespace xgrad::nn
