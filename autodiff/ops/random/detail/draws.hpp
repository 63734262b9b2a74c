#pragma once

#include "autodiff/ops/random/random.hpp"

// Draws that distributions/ needs in addition to the public functions. Not for users.

namespace xgrad::detail {

/// Gamma variates with scale 1, and their logarithms, which do not underflow for a tiny alpha. alpha > 0 has been
/// checked.
Tensor standard_gamma(const Operand& alpha, Generator& generator);
Tensor log_standard_gamma(const Operand& alpha, Generator& generator);
/// How often each class occurs in `count` draws, (…, C), from probabilities (…, C), which have been checked and need
/// not sum to 1.
Tensor multinomial_counts(std::int64_t count, const Tensor& probabilities, Generator& generator);

}  // namespace xgrad::detail
