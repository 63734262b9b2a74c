#pragma once

#include "autodiff/core/tensor.hpp"

// The loss of connectionist temporal classification (Graves et al., 2006).

namespace xgrad {

/// What becomes of the losses of the elements or samples: left as they are, averaged, or added.
enum class Reduction { none, mean, sum };

struct CtcOptions {
    std::int64_t blank = 0;
    Reduction reduction = Reduction::mean;  ///< mean: of the losses divided by their targets' lengths (at least 1)
    bool zero_infinity = false;             ///< 0 instead of inf
};
/// -log of the probability that the classes drawn at each step spell the target, once runs of one class are merged and
/// blanks are gone; torch.nn.functional.ctc_loss. log_probs (T, N, C) or (T, C); targets (N, S), the targets one behind
/// the other in a vector, or (S); lengths (N) or (). inf, with gradient 0, where the input is too short for the target.
/// The gradient is that of the formula for any log_probs; PyTorch's has exp(log_probs) added, which log_softmax takes
/// out again. ShapeError, DTypeError; IndexError for a class outside [0, C), ValueError for a length that is negative
/// or too large.
XGRAD_API Tensor ctc_loss(const Operand& log_probs, const Operand& targets, const Operand& input_lengths,
                          const Operand& target_lengths, const CtcOptions& options = {});

}  // namespace xgrad
