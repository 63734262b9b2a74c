#pragma once

#include "tensor.hpp"

// Compositions of operations: they have no gradient rule of their own. Arguments and errors are as in ops/.

namespace xgrad {

// --- element-wise ---------------------------------------------------------------------------------------------------

/// a + weight * (b - a): PyTorch's linear interpolation (or extrapolation).
XGRAD_API Tensor lerp(const Operand& a, const Operand& b, const Operand& weight);

// --- reductions and scans -------------------------------------------------------------------------------------------

/// The standard deviation, sqrt(var(x)). Divides by n - correction. The gradient at a variance of 0 is NaN or inf, as sqrt's.
XGRAD_API Tensor std(const Operand& x, const Axes& axes = {}, double correction = 0, bool keepdims = false);

/// The n-th differences x[i+1] - x[i] along `axis`, each time one shorter; of bools where they change. ValueError for a negative n.
XGRAD_API Tensor diff(const Operand& x, int n = 1, int axis = -1);
/// How many elements are not 0 (i64). No gradient.
XGRAD_API Tensor count_nonzero(const Operand& x, const Axes& axes = {}, bool keepdims = false);
/// The middle element, or the mean of the middle two (NumPy's rule; PyTorch takes the lower). NaN where there is one. ShapeError without elements.
XGRAD_API Tensor median(const Operand& x, const Axes& axes = {}, bool keepdims = false);

/// What a quantile between two elements is: on the line between them, the lower, the higher, the nearer (halves to the even position) or the mean.
enum class Quantile { linear, lower, higher, nearest, midpoint };
/// The elements at positions q * (n - 1) of the sorted ones, as NumPy's quantile: a vector of q gives a leading axis. NaN where there is one;
/// the gradient goes to the elements that were taken. ValueError unless every q is in [0, 1]. ShapeError without elements.
XGRAD_API Tensor quantile(const Operand& x, double q, const Axes& axes = {}, Quantile method = Quantile::linear, bool keepdims = false);
XGRAD_API Tensor quantile(const Operand& x, const std::vector<double>& q, const Axes& axes = {}, Quantile method = Quantile::linear,
                          bool keepdims = false);

/// The largest element minus the smallest ("peak to peak"); ties share the gradient evenly. ShapeError without elements.
XGRAD_API Tensor ptp(const Operand& x, const Axes& axes = {}, bool keepdims = false);
/// The sum of what is not NaN; NaNs get gradient 0.
XGRAD_API Tensor nansum(const Operand& x, const Axes& axes = {}, bool keepdims = false);
/// The mean of what is not NaN; NaN where nothing else is there.
XGRAD_API Tensor nanmean(const Operand& x, const Axes& axes = {}, bool keepdims = false);
/// sum(weights * x) / sum(weights), as NumPy's: the weights have x's shape, or are a vector along the only axis. ShapeError otherwise, ValueError
/// where they add up to 0.
XGRAD_API Tensor average(const Operand& x, const Operand& weights, const Axes& axes = {}, bool keepdims = false);
/// The covariances of the rows of x (variables, observations), or of one vector with itself; divides by observations - correction. NumPy's and
/// PyTorch's default of 1, unlike var's. ShapeError for more axes.
XGRAD_API Tensor cov(const Operand& x, double correction = 1);
/// The covariances divided by both standard deviations: in [-1, 1]; NaN for a variable that does not vary.
XGRAD_API Tensor corrcoef(const Operand& x);

// --- shapes and indices ---------------------------------------------------------------------------------------------

/// moveaxis: the axis `from` stands at `to` afterwards, the others keep their order.
XGRAD_API Tensor moveaxis(const Operand& x, int from, int to);

// --- linear algebra -------------------------------------------------------------------------------------------------

/// Products of all pairs: a flattened times b flattened, shape (a.size(), b.size()).
XGRAD_API Tensor outer(const Operand& a, const Operand& b);

}  // namespace xgrad
