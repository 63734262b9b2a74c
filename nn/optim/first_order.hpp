#pragma once

#include "optimizer.hpp"

// Optimizers, as in torch.optim, with PyTorch's names and defaults. All of them take `weight_decay` as a penalty:
// weight_decay * w is added to the gradient, unless stated otherwise; `maximize` flips the sign of the gradient.
// ValueError for invalid options. The arithmetic that each performs on its tensors is in autodiff/rules/update.hpp.

namespace xgrad::nn {

struct SGDOptions {
    double lr = 1e-3;
    double momentum = 0, dampening = 0, weight_decay = 0;
    bool nesterov = false, maximize = false;
};

/// Stochastic gradient descent with momentum: v = momentum * v + (1 - dampening) * g (v = g in the first step); w -= lr
/// * v, or lr * (g + momentum * v) with nesterov (Sutskever, Martens, Dahl, Hinton 2013), which needs momentum and no
/// dampening.
using SGD = RuleOptimizer<SGDOptions>;
extern template class XGRAD_API RuleOptimizer<SGDOptions>;

struct AdamOptions {
    double lr = 1e-3;
    std::pair<double, double> betas = {0.9, 0.999};
    double eps = 1e-8, weight_decay = 0;
    bool amsgrad = false, maximize = false;
};

/// Adam (Kingma and Ba 2015); amsgrad as Reddi, Kale, Kumar 2018.
using Adam = RuleOptimizer<AdamOptions>;
extern template class XGRAD_API RuleOptimizer<AdamOptions>;

struct AdamWOptions {
    double lr = 1e-3;
    std::pair<double, double> betas = {0.9, 0.999};
    double eps = 1e-8, weight_decay = 1e-2;
    bool amsgrad = false, maximize = false;
};

/// Adam with decoupled weight decay (Loshchilov and Hutter 2019): w -= lr * weight_decay * w before each step.
using AdamW = RuleOptimizer<AdamWOptions>;
extern template class XGRAD_API RuleOptimizer<AdamWOptions>;

struct NAdamOptions {
    double lr = 2e-3;
    std::pair<double, double> betas = {0.9, 0.999};
    double eps = 1e-8, weight_decay = 0, momentum_decay = 4e-3;
};

/// Adam with Nesterov's momentum (Dozat 2016), by the formula of PyTorch's documentation; its code before 2.0 has one
/// factor too many in the product of the momenta.
using NAdam = RuleOptimizer<NAdamOptions>;
extern template class XGRAD_API RuleOptimizer<NAdamOptions>;

struct RAdamOptions {
    double lr = 1e-3;
    std::pair<double, double> betas = {0.9, 0.999};
    double eps = 1e-8, weight_decay = 0;
};

/// Adam with its variance rectified (Liu, Jiang, He, Chen, Liu, Gao, Han 2020): momentum alone while there are too few
/// steps to estimate the variance.
using RAdam = RuleOptimizer<RAdamOptions>;
extern template class XGRAD_API RuleOptimizer<RAdamOptions>;

struct AdamaxOptions {
    double lr = 2e-3;
    std::pair<double, double> betas = {0.9, 0.999};
    double eps = 1e-8, weight_decay = 0;
    bool maximize = false;
};

/// Adam with the largest gradient instead of the mean square (Kingma and Ba 2015, section 7).
using Adamax = RuleOptimizer<AdamaxOptions>;
extern template class XGRAD_API RuleOptimizer<AdamaxOptions>;

struct RMSpropOptions {
    double lr = 1e-2, alpha = 0.99, eps = 1e-8, weight_decay = 0, momentum = 0;
    bool centered = false, maximize = false;
};

/// The gradient divided by the root of its mean square (Hinton, lecture 6 of his course, 2012), or by its standard
/// deviation when centered (Graves 2013).
using RMSprop = RuleOptimizer<RMSpropOptions>;
extern template class XGRAD_API RuleOptimizer<RMSpropOptions>;

struct AdagradOptions {
    double lr = 1e-2, lr_decay = 0, weight_decay = 0, initial_accumulator_value = 0, eps = 1e-10;
    bool maximize = false;
};

/// The gradient divided by the root of the sum of its squares (Duchi, Hazan, Singer 2011).
using Adagrad = RuleOptimizer<AdagradOptions>;
extern template class XGRAD_API RuleOptimizer<AdagradOptions>;

struct AdadeltaOptions {
    double lr = 1, rho = 0.9, eps = 1e-6, weight_decay = 0;
    bool maximize = false;
};

/// The gradient scaled by the ratio of the root mean squares of past steps and past gradients (Zeiler 2012).
using Adadelta = RuleOptimizer<AdadeltaOptions>;
extern template class XGRAD_API RuleOptimizer<AdadeltaOptions>;

struct RpropOptions {
    double lr = 1e-2;  ///< the size of the first step
    std::pair<double, double> etas = {0.5, 1.2}, step_sizes = {1e-6, 50};
    bool maximize = false;
};

/// One step size per element, which grows while the gradient keeps its sign and shrinks when the sign changes
/// (Riedmiller and Braun 1993). For full-batch gradients, not for mini-batches.
using Rprop = RuleOptimizer<RpropOptions>;
extern template class XGRAD_API RuleOptimizer<RpropOptions>;

struct LionOptions {
    double lr = 1e-4;
    std::pair<double, double> betas = {0.9, 0.99};
    double weight_decay = 0;
    bool maximize = false;
};

/// The sign of a momentum (Chen, Liang, Huang and others 2023, algorithm 2), with decoupled weight decay: w -= lr *
/// (sign(b1 * m + (1 - b1) * g) + weight_decay * w), then m = b2 * m + (1 - b2) * g.
using Lion = RuleOptimizer<LionOptions>;
extern template class XGRAD_API RuleOptimizer<LionOptions>;

}  // namespace xgrad::nn
