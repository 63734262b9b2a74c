#pragma once

#include "optimizer.hpp"

// Optimizers, as torch.optim, in PyTorch's names and defaults. All of them take `weight_decay` as a penalty: weight_decay * w is added to the
// gradient, unless said otherwise; `maximize` turns the sign of the gradient round. ValueError for options that make no sense. Which
// arithmetic each does on its tensors stands in autodiff/ops/update_rules.hpp.

namespace xgrad::nn {

struct SGDOptions {
    double lr = 1e-3;
    double momentum = 0, dampening = 0, weight_decay = 0;
    bool nesterov = false, maximize = false;
};

/// Stochastic gradient descent with momentum: v = momentum * v + (1 - dampening) * g (v = g the first time); w -= lr * v, or
/// lr * (g + momentum * v) with nesterov (Sutskever, Martens, Dahl, Hinton 2013), which needs momentum and no dampening.
class XGRAD_API SGD final : public OptimizerWith<SGDOptions> {
public:
    explicit SGD(const SGDOptions& options = {}, Location where = Location::current());

private:
    void check_options(const SGDOptions& options, Location where) const override;
    UpdateRule rule(std::size_t group, detail::Slot& slot, Tensor& gradient) const override;
};

struct AdamOptions {
    double lr = 1e-3;
    std::pair<double, double> betas = {0.9, 0.999};
    double eps = 1e-8, weight_decay = 0;
    bool amsgrad = false, maximize = false;
};

/// Adam (Kingma and Ba 2015); amsgrad as Reddi, Kale, Kumar 2018.
class XGRAD_API Adam final : public OptimizerWith<AdamOptions> {
public:
    explicit Adam(const AdamOptions& options = {}, Location where = Location::current());

private:
    void check_options(const AdamOptions& options, Location where) const override;
    UpdateRule rule(std::size_t group, detail::Slot& slot, Tensor& gradient) const override;
};

struct AdamWOptions {
    double lr = 1e-3;
    std::pair<double, double> betas = {0.9, 0.999};
    double eps = 1e-8, weight_decay = 1e-2;
    bool amsgrad = false, maximize = false;
};

/// Adam with decoupled weight decay (Loshchilov and Hutter 2019): w -= lr * weight_decay * w before each step.
class XGRAD_API AdamW final : public OptimizerWith<AdamWOptions> {
public:
    explicit AdamW(const AdamWOptions& options = {}, Location where = Location::current());

private:
    void check_options(const AdamWOptions& options, Location where) const override;
    UpdateRule rule(std::size_t group, detail::Slot& slot, Tensor& gradient) const override;
};

struct NAdamOptions {
    double lr = 2e-3;
    std::pair<double, double> betas = {0.9, 0.999};
    double eps = 1e-8, weight_decay = 0, momentum_decay = 4e-3;
};

/// Adam with Nesterov's momentum (Dozat 2016), by the formula of PyTorch's documentation; its code before 2.0 has one factor too many in the
/// product of the momenta.
class XGRAD_API NAdam final : public OptimizerWith<NAdamOptions> {
public:
    explicit NAdam(const NAdamOptions& options = {}, Location where = Location::current());

private:
    void check_options(const NAdamOptions& options, Location where) const override;
    UpdateRule rule(std::size_t group, detail::Slot& slot, Tensor& gradient) const override;
};

struct RAdamOptions {
    double lr = 1e-3;
    std::pair<double, double> betas = {0.9, 0.999};
    double eps = 1e-8, weight_decay = 0;
};

/// Adam with its variance rectified (Liu, Jiang, He, Chen, Liu, Gao, Han 2020): momentum alone while there are too few steps to tell.
class XGRAD_API RAdam final : public OptimizerWith<RAdamOptions> {
public:
    explicit RAdam(const RAdamOptions& options = {}, Location where = Location::current());

private:
    void check_options(const RAdamOptions& options, Location where) const override;
    UpdateRule rule(std::size_t group, detail::Slot& slot, Tensor& gradient) const override;
};

struct AdamaxOptions {
    double lr = 2e-3;
    std::pair<double, double> betas = {0.9, 0.999};
    double eps = 1e-8, weight_decay = 0;
    bool maximize = false;
};

/// Adam with the largest gradient in the place of the squared mean (Kingma and Ba 2015, section 7).
class XGRAD_API Adamax final : public OptimizerWith<AdamaxOptions> {
public:
    explicit Adamax(const AdamaxOptions& options = {}, Location where = Location::current());

private:
    void check_options(const AdamaxOptions& options, Location where) const override;
    UpdateRule rule(std::size_t group, detail::Slot& slot, Tensor& gradient) const override;
};

struct RMSpropOptions {
    double lr = 1e-2, alpha = 0.99, eps = 1e-8, weight_decay = 0, momentum = 0;
    bool centered = false, maximize = false;
};

/// The gradient divided by the root of its mean square (Hinton, lecture 6 of his course, 2012), or by its standard deviation when centered
/// (Graves 2013).
class XGRAD_API RMSprop final : public OptimizerWith<RMSpropOptions> {
public:
    explicit RMSprop(const RMSpropOptions& options = {}, Location where = Location::current());

private:
    void check_options(const RMSpropOptions& options, Location where) const override;
    UpdateRule rule(std::size_t group, detail::Slot& slot, Tensor& gradient) const override;
};

struct AdagradOptions {
    double lr = 1e-2, lr_decay = 0, weight_decay = 0, initial_accumulator_value = 0, eps = 1e-10;
    bool maximize = false;
};

/// The gradient divided by the root of the sum of its squares (Duchi, Hazan, Singer 2011).
class XGRAD_API Adagrad final : public OptimizerWith<AdagradOptions> {
public:
    explicit Adagrad(const AdagradOptions& options = {}, Location where = Location::current());

private:
    void check_options(const AdagradOptions& options, Location where) const override;
    UpdateRule rule(std::size_t group, detail::Slot& slot, Tensor& gradient) const override;
};

struct AdadeltaOptions {
    double lr = 1, rho = 0.9, eps = 1e-6, weight_decay = 0;
    bool maximize = false;
};

/// Steps as large as those before, on average, for the gradient's size (Zeiler 2012).
class XGRAD_API Adadelta final : public OptimizerWith<AdadeltaOptions> {
public:
    explicit Adadelta(const AdadeltaOptions& options = {}, Location where = Location::current());

private:
    void check_options(const AdadeltaOptions& options, Location where) const override;
    UpdateRule rule(std::size_t group, detail::Slot& slot, Tensor& gradient) const override;
};

struct RpropOptions {
    double lr = 1e-2;  ///< the size of the first step
    std::pair<double, double> etas = {0.5, 1.2}, step_sizes = {1e-6, 50};
    bool maximize = false;
};

/// A step size for each element, which grows while the gradient keeps its sign and shrinks when that changes (Riedmiller and Braun 1993).
/// For gradients of all data, not of batches.
class XGRAD_API Rprop final : public OptimizerWith<RpropOptions> {
public:
    explicit Rprop(const RpropOptions& options = {}, Location where = Location::current());

private:
    void check_options(const RpropOptions& options, Location where) const override;
    UpdateRule rule(std::size_t group, detail::Slot& slot, Tensor& gradient) const override;
};

struct LionOptions {
    double lr = 1e-4;
    std::pair<double, double> betas = {0.9, 0.99};
    double weight_decay = 0;
    bool maximize = false;
};

/// The sign of a momentum (Chen, Liang, Huang and others 2023, algorithm 2), with decoupled weight decay: w -= lr * (sign(b1 * m + (1 - b1) * g) +
/// weight_decay * w), then m = b2 * m + (1 - b2) * g.
class XGRAD_API Lion final : public OptimizerWith<LionOptions> {
public:
    explicit Lion(const LionOptions& options = {}, Location where = Location::current());

private:
    void check_options(const LionOptions& options, Location where) const override;
    UpdateRule rule(std::size_t group, detail::Slot& slot, Tensor& gradient) const override;
};

}  // namespace xgrad::nn
