#pragma once

#include <autodiff/ops/nn/ctc.hpp>
#include <autodiff/core/tensor.hpp>

// Losses, as in torch.nn.functional: names, arguments, defaults and values are PyTorch's. `reduction` is applied to the
// losses of the elements or samples: none returns them all, mean (the default) averages, sum adds. Input and target
// have the same shape unless stated otherwise (ShapeError): a target (n,) against an input (n, 1) would broadcast to
// (n, n) by mistake. Targets of 1 and -1, or 0 and 1, may have any dtype. Losses that compare more than two tensors are
// in margin.hpp.

namespace xgrad::nn {

using xgrad::ctc_loss;
using xgrad::CtcOptions;
using xgrad::Reduction;

struct LossOptions {
    Reduction reduction = Reduction::mean;
};

// --- regression ------------------------------------------------------------------------------------------------------

/// (input - target)².
XGRAD_API Tensor mse_loss(const Tensor& input, const Tensor& target, const LossOptions& options = {},
                          Location where = Location::current());

/// |input - target|, gradient 0 where they are equal.
XGRAD_API Tensor l1_loss(const Tensor& input, const Tensor& target, const LossOptions& options = {},
                         Location where = Location::current());

struct SmoothL1Options {
    Reduction reduction = Reduction::mean;
    double beta = 1;
};
/// d² / (2 beta) for d = |input - target| < beta, else d - beta / 2 (second derivative 0); l1_loss for beta = 0.
/// ValueError if beta < 0.
XGRAD_API Tensor smooth_l1_loss(const Tensor& input, const Tensor& target, const SmoothL1Options& options = {},
                                Location where = Location::current());

struct HuberOptions {
    Reduction reduction = Reduction::mean;
    double delta = 1;
};
/// d² / 2 for d = |input - target| < delta, else delta * (d - delta / 2) (second derivative 0). ValueError unless delta
/// is positive.
XGRAD_API Tensor huber_loss(const Tensor& input, const Tensor& target, const HuberOptions& options = {},
                            Location where = Location::current());

struct PoissonNllOptions {
    bool log_input = true;  ///< the input is the logarithm of the rate
    bool full = false;  ///< add Stirling's approximation of log(target!) where target > 1
    double eps = 1e-8;  ///< avoids the logarithm of 0 for a rate of 0
    Reduction reduction = Reduction::mean;
};
/// exp(input) - target * input, or input - target * log(input + eps): the negative log-likelihood of
/// Poisson-distributed counts.
XGRAD_API Tensor poisson_nll_loss(const Tensor& input, const Tensor& target, const PoissonNllOptions& options = {},
                                  Location where = Location::current());

struct GaussianNllOptions {
    bool full = false;  ///< add the constant log(2 pi) / 2
    double eps = 1e-6;  ///< the variance is clamped to at least this; the clamp does not affect its gradient
    Reduction reduction = Reduction::mean;
};
/// (log(var) + (input - target)² / var) / 2. var has input's shape, or the same with a last size of 1, or without the
/// last axis. ValueError for a negative variance.
XGRAD_API Tensor gaussian_nll_loss(const Tensor& input, const Tensor& target, const Tensor& var,
                                   const GaussianNllOptions& options = {}, Location where = Location::current());

// --- classification --------------------------------------------------------------------------------------------------

struct BceOptions {
    Tensor weight = {};  ///< factors that broadcast to the losses
    Reduction reduction = Reduction::mean;
};
/// -target * log(input) - (1 - target) * log(1 - input), with logarithms clamped to at least -100. ValueError for an
/// input outside [0, 1].
XGRAD_API Tensor binary_cross_entropy(const Tensor& input, const Tensor& target, const BceOptions& options = {},
                                      Location where = Location::current());

struct BceWithLogitsOptions {
    Tensor weight = {};  ///< factors that broadcast to the losses
    Reduction reduction = Reduction::mean;
    Tensor pos_weight = {};  ///< factors of the positive class, which broadcast to the losses
};
/// binary_cross_entropy of sigmoid(input), exact for huge inputs; -pos_weight * target * log(p) instead of the first
/// term.
XGRAD_API Tensor binary_cross_entropy_with_logits(const Tensor& input, const Tensor& target,
                                                  const BceWithLogitsOptions& options = {},
                                                  Location where = Location::current());

struct NllOptions {
    Tensor weight = {};  ///< one factor per class, (C,); the mean is then weighted too
    std::int64_t ignore_index = -100;
    Reduction reduction = Reduction::mean;
};
/// -input at the class of `target`. input: log-probabilities (N, C), (C,) or (N, C, d…); target: classes as i32 or i64,
/// (N,), () or (N, d…), which is also the shape of the loss without reduction. Samples of class ignore_index do not
/// contribute. ShapeError, DTypeError; IndexError for a class outside [0, C).
XGRAD_API Tensor nll_loss(const Tensor& input, const Tensor& target, const NllOptions& options = {},
                          Location where = Location::current());

struct CrossEntropyOptions {
    Tensor weight = {};  ///< one factor per class, (C,); with class indices as targets the mean is then weighted too
    std::int64_t ignore_index = -100;
    Reduction reduction = Reduction::mean;
    double label_smoothing = 0;  ///< the fraction of the target spread evenly over all classes
};
/// -log(softmax(input)) at the class of `target`, exact for huge inputs: nll_loss of log_softmax over the classes.
/// input: unnormalised scores. A floating target of input's shape is interpreted as class probabilities. ValueError
/// unless 0 <= label_smoothing <= 1.
XGRAD_API Tensor cross_entropy(const Tensor& input, const Tensor& target, const CrossEntropyOptions& options = {},
                               Location where = Location::current());

// Overloads that take only a reduction.
template <class Options>
    requires __is_same
(Options, LossOptions) Tensor
    nll_loss(const Tensor& input, const Tensor& target, const Options& options, Location where = Location::current()) {
    return nll_loss(input, target, NllOptions{.reduction = options.reduction}, where);
}
template <class Options>
    requires __is_same
(Options, LossOptions) Tensor cross_entropy(const Tensor& input, const Tensor& target, const Options& options,
                                            Location where = Location::current()) {
    return cross_entropy(input, target, CrossEntropyOptions{.reduction = options.reduction}, where);
}

/// kl_div has one more reduction: batchmean, the sum divided by the first size, which is the KL divergence by its
/// definition.
enum class KlReduction { none, mean, sum, batchmean };
struct KlDivOptions {
    KlReduction reduction = KlReduction::mean;
    bool log_target = false;  ///< the target holds log-probabilities too
};
/// target * (log(target) - input), element-wise: input holds log-probabilities, 0 * log(0) is 0.
XGRAD_API Tensor kl_div(const Tensor& input, const Tensor& target, const KlDivOptions& options = {},
                        Location where = Location::current());

}  // namespace xgrad::nn
