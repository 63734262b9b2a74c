#pragma once

#include <autodiff/ops/nn/ctc.hpp>
#include <autodiff/core/tensor.hpp>

// Losses, as torch.nn.functional: names, arguments, defaults and numbers are PyTorch's. `reduction` says what becomes
// of the losses of the elements or samples: none leaves them, mean (the default) averages, sum adds. Both arguments
// have one shape unless said otherwise (ShapeError): a target (n,) against an input (n, 1) would broadcast to (n, n) by
// mistake. Targets of 1 and -1, or 0 and 1, may have any dtype. Those that compare more than two things stand in
// margin.hpp.

namespace xgrad::nn {

using xgrad::ctc_loss;
using xgrad::CtcOptions;
using xgrad::Reduction;

struct LossOptions {
    Reduction reduction = Reduction::mean;
};

// --- of numbers -----------------------------------------------------------------------------------------------------

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
/// d² / (2 beta) for d = |input - target| < beta, else d - beta / 2 (second derivative 0); the l1_loss for beta = 0.
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
    double eps = 1e-8;  ///< for the logarithm of a rate that is 0
    Reduction reduction = Reduction::mean;
};
/// exp(input) - target * input, or input - target * log(input + eps): counts with a Poisson distribution.
XGRAD_API Tensor poisson_nll_loss(const Tensor& input, const Tensor& target, const PoissonNllOptions& options = {},
                                  Location where = Location::current());

struct GaussianNllOptions {
    bool full = false;  ///< add the constant log(2 pi) / 2
    double eps = 1e-6;  ///< the variance is at least this; its gradient does not see that
    Reduction reduction = Reduction::mean;
};
/// (log(var) + (input - target)² / var) / 2. var has input's shape, or the same with a last size of 1, or without the
/// last axis. ValueError for a negative variance.
XGRAD_API Tensor gaussian_nll_loss(const Tensor& input, const Tensor& target, const Tensor& var,
                                   const GaussianNllOptions& options = {}, Location where = Location::current());

// --- of probabilities -----------------------------------------------------------------------------------------------

struct BceOptions {
    Tensor weight = {};  ///< factors that broadcast to the losses
    Reduction reduction = Reduction::mean;
};
/// -target * log(input) - (1 - target) * log(1 - input), logarithms at least -100. ValueError for an input outside [0,
/// 1].
XGRAD_API Tensor binary_cross_entropy(const Tensor& input, const Tensor& target, const BceOptions& options = {},
                                      Location where = Location::current());

struct BceWithLogitsOptions {
    Tensor weight = {};  ///< factors that broadcast to the losses
    Reduction reduction = Reduction::mean;
    Tensor pos_weight = {};  ///< factors of the positive class, which broadcast
};
/// binary_cross_entropy of sigmoid(input), exact for huge inputs; -pos_weight * target * log(p) in the place of the
/// first term.
XGRAD_API Tensor binary_cross_entropy_with_logits(const Tensor& input, const Tensor& target,
                                                  const BceWithLogitsOptions& options = {},
                                                  Location where = Location::current());

struct NllOptions {
    Tensor weight = {};  ///< a factor (C,) for each class; the mean is then weighted, too
    std::int64_t ignore_index = -100;
    Reduction reduction = Reduction::mean;
};
/// -input at the class of `target`. input: log-probabilities (N, C), (C,) or (N, C, d…); target: classes as i32 or i64,
/// (N,), () or (N, d…), which is also the shape of the loss without reduction. Samples of class ignore_index count for
/// nothing. ShapeError, DTypeError; IndexError for a class outside [0, C).
XGRAD_API Tensor nll_loss(const Tensor& input, const Tensor& target, const NllOptions& options = {},
                          Location where = Location::current());

struct CrossEntropyOptions {
    Tensor weight = {};  ///< a factor (C,) for each class; the mean over classes as targets is then weighted, too
    std::int64_t ignore_index = -100;
    Reduction reduction = Reduction::mean;
    double label_smoothing = 0;  ///< share of the target that is spread evenly over all classes
};
/// -log(softmax(input)) at the class of `target`, exact for huge inputs: nll_loss of log_softmax over the classes.
/// input: unnormalised scores. A floating target of input's shape is taken as probabilities of the classes. ValueError
/// unless 0 <= label_smoothing
/// <= 1.
XGRAD_API Tensor cross_entropy(const Tensor& input, const Tensor& target, const CrossEntropyOptions& options = {},
                               Location where = Location::current());

// With nothing but a reduction.
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

/// kl_div has one reduction more: batchmean, the sum divided by the first size, which is the divergence by its
/// definition.
enum class KlReduction { none, mean, sum, batchmean };
struct KlDivOptions {
    KlReduction reduction = KlReduction::mean;
    bool log_target = false;  ///< the target is log-probabilities, too
};
/// target * (log(target) - input), element-wise: input are log-probabilities, 0 * log(0) is 0.
XGRAD_API Tensor kl_div(const Tensor& input, const Tensor& target, const KlDivOptions& options = {},
                        Location where = Location::current());

}  // namespace xgrad::nn
