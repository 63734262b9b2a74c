#include "first_order.hpp"

#include <cmath>

namespace xgrad::nn {

using detail::ParameterState;
using Description = detail::OptimizerDescription;

namespace {

void check_not_negative(const char* optimizer, const char* option, double value, Location where) {
    check<ValueError>(value >= 0, where, [&] {
        return std::string(optimizer) + ": " + option + " must not be negative, got " + PlainNumber(value).text();
    });
}

/// Checks the common options, for optimizers that have them.
template <class Options>
void check_usual(const char* optimizer, const Options& o, Location where) {
    check_not_negative(optimizer, "lr", o.lr, where);
    if constexpr (requires { o.eps; }) check_not_negative(optimizer, "eps", o.eps, where);
    if constexpr (requires { o.momentum; }) check_not_negative(optimizer, "momentum", o.momentum, where);
    if constexpr (requires { o.weight_decay; }) check_not_negative(optimizer, "weight_decay", o.weight_decay, where);
    if constexpr (requires { o.betas; })
        for (const double beta : {o.betas.first, o.betas.second})
            check<ValueError>(beta >= 0 && beta < 1, where, [&] {
                return std::string(optimizer) + ": betas must be in [0, 1), got " + PlainNumber(beta).text();
            });
}

double sign_of(bool maximize) { return maximize ? -1 : 1; }

/// 1 - beta^t: the total weight in a moving average that started at 0.
double bias_correction(double beta, const ParameterState& state) {
    return 1 - std::pow(beta, static_cast<double>(state.steps));
}

template <class Options>
updates::Adam adam_rule(const Options& o, const ParameterState& state) {
    updates::Adam rule{.beta1 = o.betas.first,
                       .beta2 = o.betas.second,
                       .step_size = o.lr / bias_correction(o.betas.first, state),
                       .denominator_scale = 1 / std::sqrt(bias_correction(o.betas.second, state)),
                       .eps = o.eps};
    if constexpr (requires { o.maximize; }) rule.sign = sign_of(o.maximize);
    if constexpr (requires { o.amsgrad; }) rule.amsgrad = o.amsgrad;
    return rule;
}

}  // namespace

// --- SGD -------------------------------------------------------------------------------------------------------------

static Description describe(const SGDOptions&) { return {"SGD", {"momentum_buffer"}}; }
static void check_own(const SGDOptions& o, Location where) {
    check<ValueError>(!o.nesterov || (o.momentum > 0 && o.dampening == 0), where, [&] {
        return "SGD: nesterov needs momentum and no dampening, got momentum " + PlainNumber(o.momentum).text() +
               " and dampening " + PlainNumber(o.dampening).text();
    });
}
static UpdateRule rule_of(const SGDOptions& o, ParameterState& state) {
    return updates::Sgd{.lr = o.lr,
                        .sign = sign_of(o.maximize),
                        .decay = o.weight_decay,
                        .momentum = o.momentum,
                        .one_minus_dampening = state.tensors[0].defined() ? 1 - o.dampening : 1,
                        .nesterov = o.nesterov};
}

// --- Adam and its variants -------------------------------------------------------------------------------------------

static Description describe(const AdamOptions&) { return {"Adam", {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"}}; }
static UpdateRule rule_of(const AdamOptions& o, ParameterState& state) {
    updates::Adam rule = adam_rule(o, state);
    rule.decay = o.weight_decay;
    return rule;
}

static Description describe(const AdamWOptions&) { return {"AdamW", {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"}}; }
static UpdateRule rule_of(const AdamWOptions& o, ParameterState& state) {
    updates::Adam rule = adam_rule(o, state);
    rule.shrinkage = 1 - o.lr * o.weight_decay;
    return rule;
}

static Description describe(const NAdamOptions&) { return {"NAdam", {"exp_avg", "exp_avg_sq"}, "mu_product"}; }
static void check_own(const NAdamOptions& o, Location where) {
    check_not_negative("NAdam", "momentum_decay", o.momentum_decay, where);
}
static UpdateRule rule_of(const NAdamOptions& o, ParameterState& state) {
    const auto mu = [&](std::int64_t t) {
        return o.betas.first * (1 - 0.5 * std::pow(0.96, static_cast<double>(t) * o.momentum_decay));
    };
    const double now = mu(state.steps), next = mu(state.steps + 1);
    state.number *= now;
    updates::Adam rule = adam_rule(o, state);
    rule.decay = o.weight_decay;
    rule.step_size = o.lr * next / (1 - state.number * next);
    rule.nesterov_step = o.lr * (1 - now) / (1 - state.number);
    return rule;
}

static Description describe(const RAdamOptions&) { return {"RAdam", {"exp_avg", "exp_avg_sq"}}; }
static UpdateRule rule_of(const RAdamOptions& o, ParameterState& state) {
    updates::Adam rule = adam_rule(o, state);
    rule.decay = o.weight_decay;
    const double beta2 = o.betas.second, t = static_cast<double>(state.steps), seen2 = bias_correction(beta2, state);
    const double longest = 2 / (1 - beta2) - 1, length = longest - 2 * t * std::pow(beta2, t) / seen2;
    if (length > 5) {
        rule.step_size *= std::sqrt((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)) *
                          std::sqrt(seen2);
        rule.denominator_scale = 1;
    } else {  // use a denominator of 1
        rule.denominator_scale = 0;
        rule.eps = 1;
    }
    return rule;
}

static Description describe(const AdamaxOptions&) { return {"Adamax", {"exp_avg", "exp_inf"}}; }
static UpdateRule rule_of(const AdamaxOptions& o, ParameterState& state) {
    return updates::Adamax{.beta1 = o.betas.first,
                           .beta2 = o.betas.second,
                           .step_size = o.lr / bias_correction(o.betas.first, state),
                           .eps = o.eps,
                           .sign = sign_of(o.maximize),
                           .decay = o.weight_decay};
}

// --- scaled by past gradients ----------------------------------------------------------------------------------------

static Description describe(const RMSpropOptions&) {
    return {"RMSprop", {"square_avg", "grad_avg", "momentum_buffer"}};
}
static void check_own(const RMSpropOptions& o, Location where) {
    check_not_negative("RMSprop", "alpha", o.alpha, where);
}
static UpdateRule rule_of(const RMSpropOptions& o, ParameterState&) {
    return updates::Rmsprop{.lr = o.lr,
                            .alpha = o.alpha,
                            .eps = o.eps,
                            .momentum = o.momentum,
                            .sign = sign_of(o.maximize),
                            .decay = o.weight_decay,
                            .centered = o.centered};
}

static Description describe(const AdagradOptions&) { return {"Adagrad", {"sum"}}; }
static void check_own(const AdagradOptions& o, Location where) {
    check_not_negative("Adagrad", "lr_decay", o.lr_decay, where);
    check_not_negative("Adagrad", "initial_accumulator_value", o.initial_accumulator_value, where);
}
static UpdateRule rule_of(const AdagradOptions& o, ParameterState& state) {
    if (!state.tensors[0].defined()) state.tensors[0] = full(state.shape, o.initial_accumulator_value, state.dtype);
    return updates::Adagrad{.step_size = o.lr / (1 + static_cast<double>(state.steps - 1) * o.lr_decay),
                            .eps = o.eps,
                            .sign = sign_of(o.maximize),
                            .decay = o.weight_decay};
}

static Description describe(const AdadeltaOptions&) { return {"Adadelta", {"square_avg", "acc_delta"}}; }
static void check_own(const AdadeltaOptions& o, Location where) {
    check<ValueError>(o.rho >= 0 && o.rho <= 1, where,
                      [&] { return "Adadelta: rho must be in [0, 1], got " + PlainNumber(o.rho).text(); });
}
static UpdateRule rule_of(const AdadeltaOptions& o, ParameterState&) {
    return updates::Adadelta{
        .lr = o.lr, .rho = o.rho, .eps = o.eps, .sign = sign_of(o.maximize), .decay = o.weight_decay};
}

// --- by the signs of gradients ---------------------------------------------------------------------------------------

static Description describe(const RpropOptions&) { return {"Rprop", {"prev", "step_size"}}; }
static void check_own(const RpropOptions& o, Location where) {
    check<ValueError>(o.etas.first > 0 && o.etas.first < 1 && o.etas.second > 1, where, [&] {
        return "Rprop: etas must be in (0, 1) and above 1, got " + PlainNumber(o.etas.first).text() + " and " +
               PlainNumber(o.etas.second).text();
    });
}
static UpdateRule rule_of(const RpropOptions& o, ParameterState& state) {
    if (!state.tensors[1].defined()) state.tensors[1] = full(state.shape, o.lr, state.dtype);
    return updates::Rprop{.shrink = o.etas.first,
                          .grow = o.etas.second,
                          .smallest = o.step_sizes.first,
                          .largest = o.step_sizes.second,
                          .sign = sign_of(o.maximize)};
}

static Description describe(const LionOptions&) { return {"Lion", {"exp_avg"}}; }
static UpdateRule rule_of(const LionOptions& o, ParameterState&) {
    return updates::Lion{.lr = o.lr,
                         .beta1 = o.betas.first,
                         .beta2 = o.betas.second,
                         .sign = sign_of(o.maximize),
                         .shrinkage = 1 - o.lr * o.weight_decay};
}

// --- common to all ---------------------------------------------------------------------------------------------------

/// By default, only the common options are checked.
template <class Options>
static void check_own(const Options&, Location) {}

template <class Options>
RuleOptimizer<Options>::RuleOptimizer(const Options& options, Location where)
    : RuleOptimizer(options, describe(options), where) {}
template <class Options>
RuleOptimizer<Options>::RuleOptimizer(const Options& options, const Description& description, Location where)
    : OptimizerWith<Options>(options, description.name, description.states, description.number) {
    check_options(options, where);
}
template <class Options>
void RuleOptimizer<Options>::check_options(const Options& options, Location where) const {
    check_usual(this->name(), options, where);
    check_own(options, where);
}
template <class Options>
UpdateRule RuleOptimizer<Options>::rule(std::size_t group, ParameterState& state, Tensor&) const {
    return rule_of(this->options_of(group), state);
}

template class RuleOptimizer<SGDOptions>;
template class RuleOptimizer<AdamOptions>;
template class RuleOptimizer<AdamWOptions>;
template class RuleOptimizer<NAdamOptions>;
template class RuleOptimizer<RAdamOptions>;
template class RuleOptimizer<AdamaxOptions>;
template class RuleOptimizer<RMSpropOptions>;
template class RuleOptimizer<AdagradOptions>;
template class RuleOptimizer<AdadeltaOptions>;
template class RuleOptimizer<RpropOptions>;
template class RuleOptimizer<LionOptions>;

}  // namespace xgrad::nn
