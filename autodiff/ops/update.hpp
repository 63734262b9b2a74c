#pragma once

#include "../tensor.hpp"

// Fused parameter updates: one pass over memory, in place where nobody else holds the buffers. They take their state by value and give
// it back, and are not differentiable. Shapes and dtypes must agree (ShapeError, DTypeError).

namespace xgrad {

struct SgdStep {
    double lr = 1e-2, momentum = 0, dampening = 0, weight_decay = 0;
    bool nesterov = false, maximize = false;
    bool first = false;  ///< no velocity yet: it becomes the gradient
};
/// One step of stochastic gradient descent as torch.optim.SGD. `velocity` may be empty when momentum is 0.
XGRAD_API void sgd_update(Tensor& weight, const Tensor& gradient, Tensor& velocity, const SgdStep& step);

struct AdamStep {
    double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0;
    bool decoupled = false;  ///< weight decay as in AdamW
    bool amsgrad = false, maximize = false;
    std::int64_t t = 1;      ///< number of this step, from 1
};
/// One step of Adam (Kingma and Ba 2015) or AdamW (Loshchilov and Hutter 2019) as torch.optim. `max_square` may be empty unless amsgrad.
XGRAD_API void adam_update(Tensor& weight, const Tensor& gradient, Tensor& mean, Tensor& square, Tensor& max_square, const AdamStep& step);

/// Rows of `weight` (n, width) at `indices` whose p-norm is above max_norm scaled by max_norm / (norm + 1e-7), as torch.embedding_renorm_.
/// IndexError unless every index is in [0, n).
XGRAD_API void renorm_rows(Tensor& weight, const Tensor& indices, double max_norm, double p, Location where = Location::current());

}  // namespace xgrad
