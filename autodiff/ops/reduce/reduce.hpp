#pragma once

#include "autodiff/core/tensor.hpp"

// Reductions over any axes, as in NumPy: no axes means all of them, negative axes count from the end, keepdims leaves
// axes of size 1. IndexError for an axis that is out of range or listed twice. Empty reductions return the neutral
// element (sum 0, prod 1) if there is one, else they are a ShapeError.

namespace xgrad {

/// Sum of the elements. f32 sums are accurate to a few units in the last place, whatever their length.
XGRAD_API Tensor sum(const Operand& x, const Axes& axes = {}, bool keepdims = false);
XGRAD_API Tensor mean(const Operand& x, const Axes& axes = {}, bool keepdims = false);
/// Product of the elements; its gradient is right if elements are zero, and 0 where partial products underflow and
/// overflow at the same time.
XGRAD_API Tensor prod(const Operand& x, const Axes& axes = {}, bool keepdims = false);
/// The largest element; NaN if any element is NaN. Ties share the gradient evenly; if there are NaNs, they share all of
/// it.
XGRAD_API Tensor max(const Operand& x, const Axes& axes = {}, bool keepdims = false);
/// The smallest element; NaN if any element is NaN. Gradient as for max.
XGRAD_API Tensor min(const Operand& x, const Axes& axes = {}, bool keepdims = false);
/// The number that var, std and cov subtract from the number of elements in their divisor. A bool does not convert: it
/// would be meant as keepdims, or as PyTorch's `unbiased`.
class Correction {
public:
    template <class T>
        requires std::is_arithmetic_v<T>
    constexpr Correction(T number) : number_(static_cast<double>(number)) {
        static_assert(!std::is_same_v<T, bool>,
                      "xgrad: the correction is a number, which the divisor n - correction takes; keepdims follows it: "
                      "var(x, axes, 0, true)");
    }
    constexpr operator double() const { return number_; }

private:
    double number_;
};
/// Variance: the mean of |x - mean(x)|², with divisor n - correction. The default correction is NumPy's 0, not
/// PyTorch's 1.
XGRAD_API Tensor var(const Operand& x, const Axes& axes = {}, Correction correction = 0, bool keepdims = false);
/// log(sum(exp(x))) without overflow; -inf where all elements are -inf, with gradient 0. If elements are inf, they
/// share the gradient evenly.
XGRAD_API Tensor logsumexp(const Operand& x, const Axes& axes = {}, bool keepdims = false);
/// The vector norm (sum |x|^p)^(1/p); p = inf gives max |x|, -inf gives min |x|, 0 counts non-zeros. Gradient 0 at 0.
XGRAD_API Tensor norm(const Operand& x, double p = 2, const Axes& axes = {}, bool keepdims = false);
/// Position of the first largest element along `axis` (i64); without axis, in the flattened tensor. NaN counts as
/// largest. No gradient.
XGRAD_API Tensor argmax(const Operand& x, int axis, bool keepdims = false);
XGRAD_API Tensor argmax(const Operand& x);
/// Position of the first smallest element. NaN counts as smallest. No gradient.
XGRAD_API Tensor argmin(const Operand& x, int axis, bool keepdims = false);
XGRAD_API Tensor argmin(const Operand& x);
/// True if all (any) elements are true (non-zero). No gradient.
XGRAD_API Tensor all(const Operand& x, const Axes& axes = {}, bool keepdims = false);
XGRAD_API Tensor any(const Operand& x, const Axes& axes = {}, bool keepdims = false);

/// exp(x) / sum(exp(x)) along `axis`, without overflow. A slice that is all -inf gives NaN, as in PyTorch.
XGRAD_API Tensor softmax(const Operand& x, int axis = -1);
/// log(softmax(x)) along `axis`, without overflow.
XGRAD_API Tensor log_softmax(const Operand& x, int axis = -1);

/// Sums over the axes along which `shape` was broadcast to x's shape: the transpose of broadcast_to. ShapeError if it
/// does not broadcast.
XGRAD_API Tensor sum_to(const Operand& x, const Shape& shape);

}  // namespace xgrad
