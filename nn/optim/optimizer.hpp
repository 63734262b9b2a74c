#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <autodiff/ops/nn/update.hpp>
#include <autodiff/core/tape.hpp>

#include "nn/core/module.hpp"
#include "nn/core/state.hpp"

// The common part of all optimizers: `adam.step(net, tape.gradient(loss))`.
//
// An optimizer changes the model's parameters in place when no other handle holds their values. It keeps its own state
// (moments) by the position of a parameter in the model, never a pointer into it: a model may be moved, copied or
// replaced by one of the same structure between steps. A parameter that is frozen or has no gradient is left unchanged,
// and so is its state. ValueError when the structure has changed, and when there is nothing to do: no parameter has a
// gradient (the loss is not of this model or not of this tape), or all are frozen.

namespace xgrad::nn {

namespace detail {

/// The state that an optimizer keeps for one parameter.
struct ParameterState {
    std::string name;
    Shape shape;
    DType dtype = DType::f32;
    std::size_t group = 0;
    std::int64_t steps = 0;  ///< the number of updates, including the current one
    double number = 1;  ///< for use by the rule (NAdam)
    std::array<Tensor, 3> tensors;
};

}  // namespace detail

/// An optimizer of any kind, as a schedule or a Trainer sees it.
class XGRAD_API Optimizer {
public:
    virtual ~Optimizer();

    /// Updates the model's parameters once.
    void step(ModelRef model, const Gradients& gradients, Location where = Location::current());
    /// With gradients from another source, in the order of parameters(model); an empty gradient leaves its parameter
    /// unchanged.
    void step(ModelRef model, const std::vector<Tensor>& gradients, Location where = Location::current());

    /// The number of parameter groups: group 0 holds the parameters that no pattern matches; the patterns follow in
    /// their order.
    std::size_t groups() const { return 1 + patterns_.size(); }
    double lr(std::size_t group = 0) const;
    void set_lr(double lr);  ///< of all groups
    void set_lr(double lr, std::size_t group);
    /// The learning rate before any schedule changed it.
    double initial_lr(std::size_t group) const;
    void set_initial_lr(double lr, std::size_t group);
    /// The momentum of SGD and RMSprop, or the first beta of Adam and its variants; nullopt if there is none.
    std::optional<double> momentum(std::size_t group = 0) const;
    void set_momentum(double momentum, std::size_t group);  ///< ValueError if there is none

    /// Everything that a run needs to resume exactly as if it had not stopped: moments and step counts by the
    /// parameters' names ("fc1.weight.exp_avg", "fc1.weight.step"), learning rates and momenta by group
    /// ("param_groups.0.lr").
    virtual State state_dict() const;
    /// Loads such a state, also before the first step; it must belong to the model that is then stepped. ValueError for
    /// names that this optimizer or (in the next step) that model does not have.
    virtual void load_state_dict(const State& state, Location where = Location::current());

    const char* name() const { return name_; }

protected:
    /// A parameter to be updated; its value has been moved out.
    struct Task {
        Parameter* parameter;
        detail::ParameterState* state;
        Tensor value, gradient;
    };

    /// Up to three tensors per parameter, and one number if `number` is given, all by their names in the state.
    Optimizer(const char* name, std::array<const char*, 3> states, const char* number = nullptr)
        : name_(name), state_names_(states), number_name_(number) {}
    Optimizer(const Optimizer&);
    Optimizer& operator=(const Optimizer&);

    /// The update of one parameter. The states it names start as zeros unless this function sets them; it may also
    /// replace the gradient by another tensor.
    virtual UpdateRule rule(std::size_t group, detail::ParameterState& state, Tensor& gradient) const = 0;
    virtual double* lr_of(std::size_t group) = 0;
    virtual double* momentum_of(std::size_t group) = 0;
    /// Changes the values of all tasks. The steps in their states are already counted.
    virtual void run(std::vector<Task>& tasks);

    void add_pattern(std::string pattern);
    void check_group(std::size_t group, Location where = {}) const;
    /// Lists the parameters of the model in found(), and compares them with the previous step.
    void collect(ModelRef model, Location where);
    const std::vector<Parameter*>& found() const { return found_; }
    [[noreturn]] void fail_without_gradient(const Gradients* given, Location where) const;

private:
    template <class Find>
    void step_by(ModelRef model, const Find& find, const Gradients* given, Location where);
    void restore(Location where);
    std::size_t group_of(const std::string& parameter) const;

    const char* name_;
    std::array<const char*, 3> state_names_;
    const char* number_name_;
    std::vector<std::string> patterns_;
    std::vector<std::optional<double>> initial_lrs_;
    std::vector<detail::ParameterState> states_;
    State loaded_;  // to be taken over by the next step

    // Scratch of one step; empty between steps.
    std::vector<Parameter*> found_;
    std::vector<Task> tasks_;
    std::vector<ParameterUpdate> updates_;
};

/// The options that can be set per parameter group; the others are changed in the options that `group` returns.
struct GroupOptions {
    std::optional<double> lr = {}, weight_decay = {};
};

/// An optimizer with its options.
template <class Options>
class OptimizerWith : public Optimizer {
public:
    /// The options of group 0. They may be changed between steps: `adam.options().eps = 1e-6`.
    Options& options() { return options_[0]; }
    const Options& options() const { return options_[0]; }

    /// Parameters whose names match get their own options: `adam.group("*.bias", {.weight_decay = 0})`. The first
    /// pattern that matches applies. Options that are not given take group 0's current values. Returns all options of
    /// the new group; the reference is valid until the next call.
    Options& group(std::string pattern, const GroupOptions& given = {}, Location where = Location::current()) {
        Options chosen = options_[0];
        if (given.lr) chosen.lr = *given.lr;
        if (given.weight_decay) {
            if constexpr (requires { chosen.weight_decay; }) chosen.weight_decay = *given.weight_decay;
            else throw ValueError(at(std::string(name()) + ": there is no weight_decay to set", where));
        }
        check_options(chosen, where);
        add_pattern(std::move(pattern));
        return options_.emplace_back(std::move(chosen));
    }

protected:
    OptimizerWith(const Options& options, const char* name, std::array<const char*, 3> states,
                  const char* number = nullptr)
        : Optimizer(name, states, number), options_{options} {}

    /// ValueError for invalid options.
    virtual void check_options(const Options& options, Location where) const = 0;
    const Options& options_of(std::size_t group) const { return options_[group]; }

private:
    double* lr_of(std::size_t group) final { return &options_[group].lr; }
    double* momentum_of([[maybe_unused]] std::size_t group) final {
        if constexpr (requires(Options& o) { o.momentum; }) return &options_[group].momentum;
        else if constexpr (requires(Options& o) { o.betas.first; }) return &options_[group].betas.first;
        else return nullptr;
    }

    std::vector<Options> options_;
};

namespace detail {
/// The description of an optimizer in first_order.cpp: its name, and the names of its states.
struct OptimizerDescription {
    const char* name;
    std::array<const char*, 3> states;
    const char* number = nullptr;
};
}  // namespace detail

/// An optimizer defined by an update rule of its options: in first_order.cpp, three functions of the options describe
/// it, check its own options, and fill in the rule.
template <class Options>
class RuleOptimizer final : public OptimizerWith<Options> {
public:
    explicit RuleOptimizer(const Options& options = {}, Location where = Location::current());

private:
    RuleOptimizer(const Options& options, const detail::OptimizerDescription& description, Location where);
    void check_options(const Options& options, Location where) const override;
    UpdateRule rule(std::size_t group, detail::ParameterState& state, Tensor& gradient) const override;
};

}  // namespace xgrad::nn
