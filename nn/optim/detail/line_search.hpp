#pragma once

#include <autodiff/core/tensor.hpp>

// The line search of LBFGS; not for users.

namespace xgrad::nn::detail {

/// A point on the line: its distance t, the value, the slope along the line, and the gradient.
struct LinePoint {
    double t = 0, f = 0, slope = 0;
    Tensor gradient;
};

/// The value and slope at t.
class LineFunction {
public:
    template <class F>
    LineFunction(const F& f) : f_(&f), call_([](const void* g, double t) { return (*static_cast<const F*>(g))(t); }) {}
    LinePoint operator()(double t) const { return call_(f_, t); }

private:
    const void* f_;
    LinePoint (*call_)(const void*, double);
};

/// A point that satisfies the strong Wolfe conditions with c1 = 1e-4 and c2 = 0.9, or the best of 25 points, as in
/// torch.optim.LBFGS (after minFunc by M. Schmidt): a bracket is found with growing steps and then narrowed, both by
/// cubic interpolation. `width` is the direction's largest element.
LinePoint strong_wolfe(const LineFunction& at, const LinePoint& start, double t, double width, double tolerance_change);

}  // namespace xgrad::nn::detail
