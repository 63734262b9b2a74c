#include "optim.hpp"

#include <algorithm>

namespace xgrad::nn {

namespace detail {

namespace {

/// Takes a parameter's value out, so that its buffer can be updated in place, and puts it back whatever happens.
class Taken {
public:
    explicit Taken(Parameter& parameter) : parameter_(parameter), value_(parameter.release()) {}
    ~Taken() { parameter_ = value_; }
    Taken(const Taken&) = delete;
    Taken& operator=(const Taken&) = delete;
    Tensor& value() { return value_; }

private:
    Parameter& parameter_;
    Tensor value_;
};

std::string described(const std::string& name, const Shape& shape, DType dtype) {
    return (name.empty() ? "parameter" : name) + " " + to_string(shape) + " " + name_of(dtype);
}

/// Lists the parameters and compares them with the slots of the step before; makes the slots in the first.
class Collector final : public Visitor {
public:
    Collector(const char* optimizer, std::vector<Slot>& slots, std::vector<Parameter*>& found, Location where)
        : optimizer_(optimizer), slots_(slots), found_(found), first_(slots.empty()), where_(where) {}

    void parameter(const Path& path, Parameter& p) override {
        if (std::find(found_.begin(), found_.end(), &p) != found_.end()) return;
        const std::size_t i = found_.size();
        found_.push_back(&p);
        if (first_) slots_.push_back({path.str(), p.shape(), p.dtype(), 0, {}});
        check<ValueError>(
            i < slots_.size() && path.is(slots_[i].name) && p.shape() == slots_[i].shape && p.dtype() == slots_[i].dtype, where_, [&] {
                return changed() + described(path.str(), p.shape(), p.dtype()) + " where " +
                       (i < slots_.size() ? described(slots_[i].name, slots_[i].shape, slots_[i].dtype) : std::string("nothing")) + " was";
            });
    }
    void finish() const {
        check<ValueError>(found_.size() == slots_.size(), where_, [&] {
            const Slot& lost = slots_[found_.size()];
            return changed() + "nothing where " + described(lost.name, lost.shape, lost.dtype) + " was";
        });
    }

private:
    std::string changed() const { return std::string(optimizer_) + ": the model must keep its structure between steps, got "; }

    const char* optimizer_;
    std::vector<Slot>& slots_;
    std::vector<Parameter*>& found_;
    bool first_;
    Location where_;
};

}  // namespace

void OptimizerState::collect(const char* optimizer, ModelRef model, Location where) {
    found_.clear();
    Collector collector(optimizer, slots_, found_, where);
    model.visit(collector);
    collector.finish();
}

void OptimizerState::step(const char* optimizer, ModelRef model, const Gradients& gradients, Update update, const void* options,
                          Location where) {
    collect(optimizer, model, where);
    for (std::size_t i = 0; i < found_.size(); ++i)
        if (const Tensor* gradient = gradients.find(*found_[i])) {
            update(options, Taken(*found_[i]).value(), *gradient, slots_[i]);
            ++slots_[i].steps;
        }
    found_.clear();
}

void OptimizerState::step(const char* optimizer, ModelRef model, const std::vector<Tensor>& gradients, Update update, const void* options,
                          Location where) {
    collect(optimizer, model, where);
    check<ValueError>(gradients.size() == found_.size(), where, [&] {
        return std::string(optimizer) + ": one gradient for each parameter is needed, got " + std::to_string(gradients.size()) + " for " +
               std::to_string(found_.size()) + " parameters";
    });
    for (std::size_t i = 0; i < found_.size(); ++i)
        if (gradients[i].defined()) {
            update(options, Taken(*found_[i]).value(), gradients[i], slots_[i]);
            ++slots_[i].steps;
        }
    found_.clear();
}

}  // namespace detail

namespace {

void check_not_negative(const char* optimizer, const char* option, double value, Location where) {
    check<ValueError>(value >= 0, where,
                      [&] { return std::string(optimizer) + ": " + option + " must not be negative, got " + std::to_string(value); });
}

template <class Options>
void check_adam(const char* optimizer, const Options& options, Location where) {
    check_not_negative(optimizer, "lr", options.lr, where);
    check_not_negative(optimizer, "eps", options.eps, where);
    check_not_negative(optimizer, "weight_decay", options.weight_decay, where);
    for (const double beta : {options.betas.first, options.betas.second})
        check<ValueError>(beta >= 0 && beta < 1, where,
                          [&] { return std::string(optimizer) + ": betas must be in [0, 1), got " + std::to_string(beta); });
}

void update_sgd(const void* given, Tensor& weight, const Tensor& gradient, detail::Slot& slot) {
    const auto& o = *static_cast<const SGDOptions*>(given);
    sgd_update(weight, gradient, slot.tensors[0],
               {.lr = o.lr,
                .momentum = o.momentum,
                .dampening = o.dampening,
                .weight_decay = o.weight_decay,
                .nesterov = o.nesterov,
                .maximize = o.maximize,
                .first = !slot.tensors[0].defined()});
}

template <class Options, bool decoupled>
void update_adam(const void* given, Tensor& weight, const Tensor& gradient, detail::Slot& slot) {
    const auto& o = *static_cast<const Options*>(given);
    auto& [mean, square, max_square] = slot.tensors;
    if (!mean.defined()) {
        mean = zeros(slot.shape, slot.dtype);
        square = zeros(slot.shape, slot.dtype);
    }
    if (o.amsgrad && !max_square.defined()) max_square = zeros(slot.shape, slot.dtype);
    adam_update(weight, gradient, mean, square, max_square,
                {.lr = o.lr,
                 .beta1 = o.betas.first,
                 .beta2 = o.betas.second,
                 .eps = o.eps,
                 .weight_decay = o.weight_decay,
                 .decoupled = decoupled,
                 .amsgrad = o.amsgrad,
                 .maximize = o.maximize,
                 .t = slot.steps + 1});
}

}  // namespace

SGD::SGD(const SGDOptions& options, Location where) : options_(options) {
    check_not_negative("SGD", "lr", options.lr, where);
    check_not_negative("SGD", "momentum", options.momentum, where);
    check_not_negative("SGD", "weight_decay", options.weight_decay, where);
    check<ValueError>(!options.nesterov || (options.momentum > 0 && options.dampening == 0), where, [&] {
        return "SGD: nesterov needs momentum and no dampening, got momentum " + std::to_string(options.momentum) + " and dampening " +
               std::to_string(options.dampening);
    });
}
void SGD::step(ModelRef model, const Gradients& gradients, Location where) {
    state_.step("SGD", model, gradients, &update_sgd, &options_, where);
}
void SGD::step(ModelRef model, const std::vector<Tensor>& gradients, Location where) {
    state_.step("SGD", model, gradients, &update_sgd, &options_, where);
}

Adam::Adam(const AdamOptions& options, Location where) : options_(options) { check_adam("Adam", options, where); }
void Adam::step(ModelRef model, const Gradients& gradients, Location where) {
    state_.step("Adam", model, gradients, &update_adam<AdamOptions, false>, &options_, where);
}
void Adam::step(ModelRef model, const std::vector<Tensor>& gradients, Location where) {
    state_.step("Adam", model, gradients, &update_adam<AdamOptions, false>, &options_, where);
}

AdamW::AdamW(const AdamWOptions& options, Location where) : options_(options) { check_adam("AdamW", options, where); }
void AdamW::step(ModelRef model, const Gradients& gradients, Location where) {
    state_.step("AdamW", model, gradients, &update_adam<AdamWOptions, true>, &options_, where);
}
void AdamW::step(ModelRef model, const std::vector<Tensor>& gradients, Location where) {
    state_.step("AdamW", model, gradients, &update_adam<AdamWOptions, true>, &options_, where);
}

}  // namespace xgrad::nn
