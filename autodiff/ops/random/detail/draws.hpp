#pragma once

#include "autodiff/ops/random/random.hpp"

// What distributions/ draws beside the public functions. Not for users.

namespace xgrad::detail {

/// Gamma numbers with scale 1, and their logarithms, which a tiny alpha does not underflow. alpha > 0 has been checked.
Tensor standard_gamma(const Operand& alpha, Generator& generator);
Tensor log_standard_gamma(const Operand& alpha, Generator& generator);
/// How often each class comes in `count` draws, (…, C), from probabilities (…, C), which have been checked and need not
/// add up to 1.
Tensor multinomial_counts(std::int64_t count, const Tensor& probabilities, Generator& generator);

}  // namespace xgrad::detail
