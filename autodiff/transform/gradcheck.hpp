#pragma once

#include <string>

#include "transforms.hpp"

namespace xgrad {

struct GradcheckOptions {
    int order = 1;             ///< 1: gradients; 2: also the gradients of gradients
    double eps = 1e-6;         ///< step of the central difference, relative to max(1, |x|)
    double rtol = 1e-5;
    double atol = 1e-7;
    std::uint64_t seed = 0;    ///< of the random cotangent and directions
    bool full_jacobian = true; ///< every element by itself, beside a random direction
};

struct GradcheckReport {
    bool ok = false;
    std::string message = {};  ///< what was compared, and the first disagreement: which input, element, both numbers
    double worst = 0;          ///< largest error / (atol + rtol |reference|) seen
    explicit operator bool() const { return ok; }
};

namespace detail {
XGRAD_API GradcheckReport gradcheck(FunctionRef f, std::span<const Tensor> xs, const GradcheckOptions& options);
}

/// Compares the derivatives of f at `xs` (f64) with central differences: reverse mode, forward mode and, to order 2,
/// both of the gradient. f takes the tensors one by one or as a vector; random numbers that it draws are drawn again
/// each time. DTypeError unless all inputs are f64.
template <class F>
GradcheckReport gradcheck(const F& f, const std::vector<Tensor>& xs, const GradcheckOptions& options = {}) {
    return detail::gradcheck(f, xs, options);
}

}  // namespace xgrad
