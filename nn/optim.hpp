#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <autodiff/ops/update.hpp>
#include <autodiff/tape.hpp>

#include "module.hpp"

// Optimizers, as torch.optim: `adam.step(net, tape.gradient(loss))`.
//
// They change the model's parameters in place where nobody else holds their values, and keep their own state (moments) by the position
// of a parameter in the model, never a pointer into it: a model may be moved, copied or replaced by one of the same structure between
// steps. A parameter without gradient is left as it is, and so is its state. ValueError when the structure has changed.

namespace xgrad::nn {

namespace detail {

/// What an optimizer keeps for one parameter.
struct Slot {
    std::string name;
    Shape shape;
    DType dtype = DType::f32;
    std::int64_t steps = 0;  ///< how many times it was updated
    std::array<Tensor, 3> tensors;
};

/// The state of an optimizer, and the walk through model, gradients and state that all of them share.
class XGRAD_API OptimizerState {
public:
    /// Updates one parameter: weight and slot are changed.
    using Update = void (*)(const void* options, Tensor& weight, const Tensor& gradient, Slot& slot);

    void step(const char* optimizer, ModelRef model, const Gradients& gradients, Update update, const void* options, Location where);
    void step(const char* optimizer, ModelRef model, const std::vector<Tensor>& gradients, Update update, const void* options,
              Location where);
    const std::vector<Slot>& slots() const { return slots_; }

private:
    void collect(const char* optimizer, ModelRef model, Location where);

    std::vector<Slot> slots_;
    std::vector<Parameter*> found_;  // scratch of one step; empty between steps
};

}  // namespace detail

struct SGDOptions {
    double lr = 1e-3;
    double momentum = 0, dampening = 0, weight_decay = 0;
    bool nesterov = false, maximize = false;
};

/// Stochastic gradient descent with momentum as torch.optim.SGD: g += weight_decay * w; v = momentum * v + (1 - dampening) * g (v = g the first
/// time); w -= lr * v, or lr * (g + momentum * v) with nesterov (Sutskever, Martens, Dahl, Hinton 2013).
/// ValueError for negative options and for nesterov without momentum or with dampening.
class XGRAD_API SGD {
public:
    explicit SGD(const SGDOptions& options = {}, Location where = Location::current());

    void step(ModelRef model, const Gradients& gradients, Location where = Location::current());
    /// With gradients from elsewhere, in the order of parameters(model); an empty one leaves its parameter as it is.
    void step(ModelRef model, const std::vector<Tensor>& gradients, Location where = Location::current());

    /// May be changed between steps: `sgd.options().lr *= 0.5`.
    SGDOptions& options() { return options_; }
    const SGDOptions& options() const { return options_; }
    void set_lr(double lr) { options_.lr = lr; }

private:
    SGDOptions options_;
    detail::OptimizerState state_;
};

struct AdamOptions {
    double lr = 1e-3;
    std::pair<double, double> betas = {0.9, 0.999};
    double eps = 1e-8, weight_decay = 0;
    bool amsgrad = false, maximize = false;
};

/// Adam (Kingma and Ba 2015) as torch.optim.Adam: weight_decay * w is added to the gradient; amsgrad as Reddi, Kale, Kumar 2018.
/// ValueError for negative options and betas outside [0, 1).
class XGRAD_API Adam {
public:
    explicit Adam(const AdamOptions& options = {}, Location where = Location::current());

    void step(ModelRef model, const Gradients& gradients, Location where = Location::current());
    /// With gradients from elsewhere, in the order of parameters(model); an empty one leaves its parameter as it is.
    void step(ModelRef model, const std::vector<Tensor>& gradients, Location where = Location::current());

    /// May be changed between steps: `adam.options().lr *= 0.5`.
    AdamOptions& options() { return options_; }
    const AdamOptions& options() const { return options_; }
    void set_lr(double lr) { options_.lr = lr; }

private:
    AdamOptions options_;
    detail::OptimizerState state_;
};

struct AdamWOptions {
    double lr = 1e-3;
    std::pair<double, double> betas = {0.9, 0.999};
    double eps = 1e-8, weight_decay = 1e-2;
    bool amsgrad = false, maximize = false;
};

/// Adam with decoupled weight decay (Loshchilov and Hutter 2019) as torch.optim.AdamW: w -= lr * weight_decay * w before each step.
/// ValueError for negative options and betas outside [0, 1).
class XGRAD_API AdamW {
public:
    explicit AdamW(const AdamWOptions& options = {}, Location where = Location::current());

    void step(ModelRef model, const Gradients& gradients, Location where = Location::current());
    /// With gradients from elsewhere, in the order of parameters(model); an empty one leaves its parameter as it is.
    void step(ModelRef model, const std::vector<Tensor>& gradients, Location where = Location::current());

    /// May be changed between steps: `adam.options().lr *= 0.5`.
    AdamWOptions& options() { return options_; }
    const AdamWOptions& options() const { return options_; }
    void set_lr(double lr) { options_.lr = lr; }

private:
    AdamWOptions options_;
    detail::OptimizerState state_;
};

}  // namespace xgrad::nn
