#pragma once

#include "autodiff/core/tensor.hpp"

// The connectionist temporal classification loss (Graves et al., 2006).

namespace xgrad {

/// How the losses of the elements or samples are combined: not at all, averaged, or summed.
enum class Reduction { none, mean, sum };

struct CtcOptions {
    std::int64_t blank = 0;
    Reduction reduction = Reduction::mean;  ///< mean: each loss is first divided by its target's length (at least 1)
    bool zero_infinity = false;             ///< replace inf by 0
};
/// -log of the probability that the classes drawn at each step spell the target after runs of one class are merged and
/// blanks removed, like torch.nn.functional.ctc_loss. log_probs are (T, N, C) or (T, C); targets are (N, S), all
/// targets concatenated in a vector, or (S); lengths are (N) or (). inf, with gradient 0, if the input is too short for
/// the target. The gradient is that of the formula for any log_probs; PyTorch's has exp(log_probs) added, which
/// log_softmax cancels. ShapeError, DTypeError; IndexError for a class outside [0, C), ValueError for a length that is
/// negative or too large.
XGRAD_API Tensor ctc_loss(const Operand& log_probs, const Operand& targets, const Operand& input_lengths,
                          const Operand& target_lengths, const CtcOptions& options = {});

}  // namespace xgrad
