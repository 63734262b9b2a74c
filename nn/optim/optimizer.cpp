#include "optimizer.hpp"

#include <algorithm>
#include <map>

#include "gradients.hpp"
#include "nn/core/pattern.hpp"

namespace xgrad::nn {

namespace {

using detail::ParameterState;

std::string described(const std::string& name, const Shape& shape, DType dtype) {
    return (name.empty() ? "parameter" : name) + " " + to_string(shape) + " " + name_of(dtype);
}

/// Lists the parameters and compares them with the states of the previous step; creates the states in the first step.
class Collector final : public Visitor {
public:
    Collector(const char* optimizer, std::vector<ParameterState>& slots, std::vector<Parameter*>& found, Location where)
        : optimizer_(optimizer), states_(slots), found_(found), first_(slots.empty()), where_(where) {}

    void parameter(const Path& path, Parameter& p) override {
        if (std::find(found_.begin(), found_.end(), &p) != found_.end()) return;
        const std::size_t i = found_.size();
        found_.push_back(&p);
        if (first_) {
            ParameterState& state = states_.emplace_back();
            state.name = path.str();
            state.shape = p.shape();
            state.dtype = p.dtype();
        }
        check<ValueError>(i < states_.size() && path.is(states_[i].name) && p.shape() == states_[i].shape &&
                              p.dtype() == states_[i].dtype,
                          where_, [&] {
                              return changed() + described(path.str(), p.shape(), p.dtype()) + " where " +
                                     (i < states_.size()
                                          ? described(states_[i].name, states_[i].shape, states_[i].dtype)
                                          : std::string("nothing")) +
                                     " was";
                          });
    }
    void finish() const {
        check<ValueError>(found_.size() == states_.size(), where_, [&] {
            const ParameterState& lost = states_[found_.size()];
            return changed() + "nothing where " + described(lost.name, lost.shape, lost.dtype) + " was";
        });
    }

private:
    std::string changed() const {
        return std::string(optimizer_) + ": the model must keep its structure between steps, got ";
    }

    const char* optimizer_;
    std::vector<ParameterState>& states_;
    std::vector<Parameter*>& found_;
    bool first_;
    Location where_;
};

std::string prefix_of(const std::string& parameter) { return parameter.empty() ? "" : parameter + "."; }
std::string group_prefix(std::size_t group) { return "param_groups." + std::to_string(group) + "."; }

}  // namespace

Optimizer::~Optimizer() = default;

Optimizer::Optimizer(const Optimizer&) = default;
Optimizer& Optimizer::operator=(const Optimizer&) = default;

// --- groups ----------------------------------------------------------------------------------------------------------

void Optimizer::check_group(std::size_t group, Location where) const {
    check<IndexError>(group < groups(), where, [&] {
        return std::string(name_) + ": group must be in [0, " + std::to_string(groups()) + "), got " +
               std::to_string(group);
    });
}

std::size_t Optimizer::group_of(const std::string& parameter) const {
    for (std::size_t i = 0; i < patterns_.size(); ++i)
        if (matches(patterns_[i], parameter)) return i + 1;
    return 0;
}

void Optimizer::add_pattern(std::string pattern) {
    patterns_.push_back(std::move(pattern));
    for (ParameterState& state : states_) state.group = group_of(state.name);
}

double Optimizer::lr(std::size_t group) const {
    check_group(group);
    return *const_cast<Optimizer*>(this)->lr_of(group);
}
void Optimizer::set_lr(double lr) {
    for (std::size_t i = 0; i < groups(); ++i) *lr_of(i) = lr;
}
void Optimizer::set_lr(double lr, std::size_t group) {
    check_group(group);
    *lr_of(group) = lr;
}

double Optimizer::initial_lr(std::size_t group) const {
    return group < initial_lrs_.size() && initial_lrs_[group] ? *initial_lrs_[group] : lr(group);
}
void Optimizer::set_initial_lr(double lr, std::size_t group) {
    check_group(group);
    if (initial_lrs_.size() < groups()) initial_lrs_.resize(groups());
    initial_lrs_[group] = lr;
}

std::optional<double> Optimizer::momentum(std::size_t group) const {
    check_group(group);
    const double* momentum = const_cast<Optimizer*>(this)->momentum_of(group);
    return momentum ? std::optional(*momentum) : std::nullopt;
}
void Optimizer::set_momentum(double momentum, std::size_t group) {
    check_group(group);
    double* place = momentum_of(group);
    check<ValueError>(place, {}, [&] { return std::string(name_) + ": there is no momentum to set"; });
    *place = momentum;
}

// --- a step ----------------------------------------------------------------------------------------------------------

void Optimizer::collect(ModelRef model, Location where) {
    found_.clear();
    const bool first = states_.empty();
    Collector collector(name_, states_, found_, where);
    model.visit(collector);
    collector.finish();
    if (!first) return;
    for (ParameterState& state : states_) state.group = group_of(state.name);
    for (const std::string& pattern : patterns_)
        check<ValueError>(std::any_of(states_.begin(), states_.end(),
                                      [&](const ParameterState& state) { return matches(pattern, state.name); }),
                          where, [&] {
                              return std::string(name_) +
                                     ": each group must have a parameter, got no name that matches \"" + pattern + "\"";
                          });
    if (!loaded_.empty()) restore(where);
}

void Optimizer::fail_without_gradient(const Gradients* given, Location where) const {
    throw ValueError(at(std::string(name_) + ": " + detail::why_no_gradients(found_, given), where));
}

template <class Find>
void Optimizer::step_by(ModelRef model, const Find& find, const Gradients* given, Location where) {
    // Puts the values back and empties the scratch, even after an exception.
    struct Guard {
        Optimizer& o;
        ~Guard() {
            for (Task& task : o.tasks_)
                if (task.value.defined()) *task.parameter = task.value;
            o.tasks_.clear();
            o.updates_.clear();
            o.found_.clear();
        }
    } guard{*this};
    collect(model, where);
    for (std::size_t i = 0; i < found_.size(); ++i) {
        const Tensor* gradient = found_[i]->frozen() ? nullptr : find(i);
        if (!gradient || !gradient->defined()) continue;
        const ParameterState& state = states_[i];
        const auto message = [&] {
            return std::string(name_) + ": the gradient must be like its parameter " +
                   described(state.name, state.shape, state.dtype) + ", got " + to_string(gradient->shape()) + " " +
                   name_of(gradient->dtype());
        };
        check<ShapeError>(gradient->shape() == state.shape, where, message);
        check<DTypeError>(gradient->dtype() == state.dtype, where, message);
        tasks_.push_back({found_[i], &states_[i], Tensor(), *gradient});
    }
    if (tasks_.empty()) fail_without_gradient(given, where);
    for (Task& task : tasks_) {
        task.value = task.parameter->release();
        ++task.state->steps;
    }
    run(tasks_);
}

void Optimizer::step(ModelRef model, const Gradients& gradients, Location where) {
    step_by(model, [&](std::size_t i) { return gradients.find(*found_[i]); }, &gradients, where);
}

void Optimizer::step(ModelRef model, const std::vector<Tensor>& gradients, Location where) {
    const auto find = [&](std::size_t i) {
        check<ValueError>(gradients.size() == found_.size(), where, [&] {
            return std::string(name_) + ": one gradient for each parameter is needed, got " +
                   std::to_string(gradients.size()) + " for " + std::to_string(found_.size()) + " parameters";
        });
        return &gradients[i];
    };
    step_by(model, find, nullptr, where);
}

void Optimizer::run(std::vector<Task>& tasks) {
    for (Task& task : tasks) {
        ParameterState& state = *task.state;
        const UpdateRule update = rule(state.group, state, task.gradient);
        for (unsigned k = 0; k < 3; ++k)
            if (update.states() >> k & 1 && !state.tensors[k].defined())
                state.tensors[k] = zeros(state.shape, state.dtype);
        updates_.push_back(
            {&task.value, &task.gradient, {&state.tensors[0], &state.tensors[1], &state.tensors[2]}, update});
    }
    update_parameters(updates_);
}

// --- state -----------------------------------------------------------------------------------------------------------

State Optimizer::state_dict() const {
    State state;
    for (std::size_t group = 0; group < groups(); ++group) {
        const auto add = [&](const char* name, double number) {
            state.emplace_back(group_prefix(group) + name, scalar(number));
        };
        add("lr", lr(group));
        if (group < initial_lrs_.size() && initial_lrs_[group]) add("initial_lr", *initial_lrs_[group]);
        if (const auto value = momentum(group)) add("momentum", *value);
    }
    state.insert(state.end(), loaded_.begin(), loaded_.end());
    for (const ParameterState& parameter : states_) {
        if (parameter.steps == 0) continue;
        const std::string prefix = prefix_of(parameter.name);
        state.emplace_back(prefix + "step", scalar(parameter.steps));
        if (number_name_) state.emplace_back(prefix + number_name_, scalar(parameter.number));
        for (std::size_t k = 0; k < 3; ++k)
            if (parameter.tensors[k].defined()) state.emplace_back(prefix + state_names_[k], parameter.tensors[k]);
    }
    return state;
}

void Optimizer::load_state_dict(const State& state, Location where) {
    State rest;
    std::vector<std::pair<double*, double>> numbers;
    std::vector<std::optional<double>> initial_lrs(groups());
    for (const auto& [name, t] : state) {
        const std::size_t dot = name.rfind('.');
        const std::string last = name.substr(dot == std::string::npos ? 0 : dot + 1);
        bool known = false;
        for (std::size_t group = 0; group < groups() && !known; ++group) {
            if (name == group_prefix(group) + "lr") numbers.emplace_back(lr_of(group), t.item());
            else if (name == group_prefix(group) + "initial_lr") initial_lrs[group] = t.item();
            else if (name == group_prefix(group) + "momentum" && momentum_of(group))
                numbers.emplace_back(momentum_of(group), t.item());
            else continue;
            known = true;
        }
        if (known) continue;
        known = last == "step" || (number_name_ && last == number_name_);
        for (const char* own : state_names_) known = known || (own && last == own);
        check<ValueError>(known && !name.starts_with("param_groups."), where, [&, &entry = name] {
            return std::string(name_) + ": the state is not of such an optimizer, got " + entry;
        });
        rest.emplace_back(name, t);
    }
    for (const auto& [place, number] : numbers) *place = number;
    initial_lrs_ = std::move(initial_lrs);
    states_.clear();
    loaded_ = std::move(rest);
}

void Optimizer::restore(Location where) {
    std::map<std::string_view, const Tensor*> given;
    for (const auto& [name, t] : loaded_) given.emplace(name, &t);
    const auto take = [&](const std::string& name) -> const Tensor* {
        const auto found = given.find(name);
        if (found == given.end()) return nullptr;
        const Tensor* t = found->second;
        given.erase(found);
        return t;
    };
    std::string wrong;
    for (ParameterState& parameter : states_) {
        const std::string prefix = prefix_of(parameter.name);
        if (const Tensor* t = take(prefix + "step")) parameter.steps = t->item<std::int64_t>();
        if (const Tensor* t = number_name_ ? take(prefix + number_name_) : nullptr) parameter.number = t->item();
        for (std::size_t k = 0; k < 3; ++k)
            if (const Tensor* t = state_names_[k] ? take(prefix + state_names_[k]) : nullptr) {
                if (t->shape() != parameter.shape)
                    wrong = prefix + state_names_[k] + " of shape " + to_string(t->shape());
                parameter.tensors[k] = stop_gradient(*t).to(parameter.dtype);
            }
    }
    if (wrong.empty() && !given.empty()) wrong = given.begin()->first;
    if (!wrong.empty()) states_.clear();
    check<ValueError>(wrong.empty(), where,
                      [&] { return std::string(name_) + ": the loaded state does not fit the model, got " + wrong; });
    loaded_.clear();
}

}  // namespace xgrad::nn
