#pragma once

#include <string>

#include "transforms.hpp"

namespace xgrad {

struct GradcheckOptions {
    int order = 1;             ///< 1: gradients; 2: also the gradients of gradients
    double eps = 1e-6;         ///< step of the central difference, relative to max(1, |x|)
    double rtol = 1e-5;
    double atol = 1e-7;
    std::uint64_t seed = 0;    ///< for the random cotangent and directions
    bool full_jacobian = true; ///< check every element separately, in addition to a random direction
};

struct GradcheckReport {
    bool ok = false;
    std::string message = {};  ///< what was compared, and the first mismatch: input, element and both numbers
    double worst = 0;          ///< largest error / (atol + rtol |reference| + rounding in f) seen
    explicit operator bool() const { return ok; }
};

namespace detail {
XGRAD_API GradcheckReport gradcheck(FunctionRef f, std::span<const Tensor> xs, const GradcheckOptions& options);
}

/// Compares the derivatives of f at `xs` (f64) with central differences: reverse mode, forward mode and, for order 2,
/// both modes applied to the gradient. f takes the tensors one by one or as a vector; each call of f draws the same
/// random numbers. DTypeError unless all inputs are f64.
template <class F>
GradcheckReport gradcheck(const F& f, const std::vector<Tensor>& xs, const GradcheckOptions& options = {}) {
    return detail::gradcheck(f, xs, options);
}

}  // namespace xgrad
