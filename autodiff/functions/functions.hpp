#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "autodiff/core/per_axis.hpp"
#include "autodiff/core/tensor.hpp"
#include "autodiff/ops/random/random.hpp"
#include "autodiff/ops/reduce/reduce.hpp"

// Compositions of operations, without gradient rules of their own. Arguments and errors are as in ops/.

namespace xgrad {

// --- element-wise ----------------------------------------------------------------------------------------------------

/// a + weight * (b - a): PyTorch's linear interpolation (or extrapolation).
XGRAD_API Tensor lerp(const Operand& a, const Operand& b, const Operand& weight);

// --- reductions and scans --------------------------------------------------------------------------------------------

/// The standard deviation, sqrt(var(x)). Divides by n - correction. The gradient at a variance of 0 is 0, as in
/// PyTorch. `stddev` is an alias that does not become ambiguous with namespace std under `using namespace xgrad`.
XGRAD_API Tensor std(const Operand& x, const Axes& axes = {}, Correction correction = 0, bool keepdims = false);
inline Tensor stddev(const Operand& x, const Axes& axes = {}, Correction correction = 0, bool keepdims = false) {
    return xgrad::std(x, axes, correction, keepdims);
}

/// The n-th differences x[i+1] - x[i] along `axis`, one element shorter each time; for bools, whether neighbours
/// differ. ValueError for a negative n.
XGRAD_API Tensor diff(const Operand& x, int n = 1, int axis = -1);
/// The number of elements that are not 0 (i64). No gradient.
XGRAD_API Tensor count_nonzero(const Operand& x, const Axes& axes = {}, bool keepdims = false);
/// The middle element, or the mean of the middle two (NumPy's rule; PyTorch takes the lower). NaN if any element is
/// NaN. ShapeError if there are no elements.
XGRAD_API Tensor median(const Operand& x, const Axes& axes = {}, bool keepdims = false);

/// How to compute a quantile that falls between two elements: linear interpolation, the lower, the higher, the nearer
/// (halves to the even position) or the mean.
enum class Quantile { linear, lower, higher, nearest, midpoint };
/// The elements at positions q * (n - 1) in sorted order, like NumPy's quantile: a vector of q adds a leading axis. NaN
/// if any element is NaN; the gradient goes to the elements used. ValueError unless every q is in [0, 1]. ShapeError if
/// there are no elements.
XGRAD_API Tensor quantile(const Operand& x, double q, const Axes& axes = {}, Quantile method = Quantile::linear,
                          bool keepdims = false);
XGRAD_API Tensor quantile(const Operand& x, const std::vector<double>& q, const Axes& axes = {},
                          Quantile method = Quantile::linear, bool keepdims = false);

/// The largest element minus the smallest ("peak to peak"); ties share the gradient evenly. ShapeError if there are no
/// elements.
XGRAD_API Tensor ptp(const Operand& x, const Axes& axes = {}, bool keepdims = false);
/// The sum of the elements that are not NaN; NaNs get gradient 0.
XGRAD_API Tensor nansum(const Operand& x, const Axes& axes = {}, bool keepdims = false);
/// The mean of the elements that are not NaN; NaN if all are.
XGRAD_API Tensor nanmean(const Operand& x, const Axes& axes = {}, bool keepdims = false);
/// sum(weights * x) / sum(weights), as in NumPy: the weights have x's shape, or are a vector along the single axis
/// given. ShapeError otherwise, ValueError if they sum to 0.
XGRAD_API Tensor average(const Operand& x, const Operand& weights, const Axes& axes = {}, bool keepdims = false);
/// The covariance matrix of the rows of x (variables, observations), or the variance of a single vector; divides by
/// observations - correction. The default of 1 is that of NumPy and PyTorch, unlike var's. ShapeError for more axes.
XGRAD_API Tensor cov(const Operand& x, Correction correction = 1);
/// The covariances divided by both standard deviations: in [-1, 1]; NaN for a constant variable.
XGRAD_API Tensor corrcoef(const Operand& x);

// --- shapes and indices ----------------------------------------------------------------------------------------------

/// Moves the axis `from` to position `to`; the other axes keep their order.
XGRAD_API Tensor moveaxis(const Operand& x, int from, int to);
/// Rotates x by k quarter turns in the plane of two axes, from the first towards the second.
XGRAD_API Tensor rot90(const Operand& x, int k = 1, int axis1 = 0, int axis2 = 1);
/// x repeated as a whole, `repetitions` times along each axis, as in NumPy: missing repetitions are leading ones, and
/// missing axes of x are leading axes of size 1. ValueError for a negative number.
XGRAD_API Tensor tile(const Operand& x, const std::vector<std::int64_t>& repetitions);
/// Each element along `axis` repeated, as in NumPy: all the same number of times, or as often as an integer tensor with
/// one count per element says. Without an axis, the tensor is flattened. ValueError for a negative count.
XGRAD_API Tensor repeat(const Operand& x, const Operand& count, int axis);
XGRAD_API Tensor repeat(const Operand& x, const Operand& count);
/// Whether meshgrid's first tensor varies along the second axis, like x in an image (xy), or along the first (ij).
enum class Indexing { xy, ij };
/// The coordinates of a grid: one tensor for each vector, all in the grid's shape, with the vector along its axis. As
/// in NumPy, the default is xy.
XGRAD_API std::vector<Tensor> meshgrid(const std::vector<Tensor>& vectors, Indexing indexing = Indexing::xy,
                                       Location where = Location::current());

/// x with `values` at the indices along `axis`, like NumPy's put_along_axis, but as a new tensor: indices broadcast to
/// x's shape except along that axis, and values (a number or a tensor) broadcast to the indices' shape. If an index
/// repeats, the last one counts.
XGRAD_API Tensor put_along_axis(const Operand& x, const Operand& indices, const Operand& values, int axis);
/// `value` (a number or a tensor that broadcasts) where the mask (bool) is true, else x.
XGRAD_API Tensor masked_fill(const Operand& x, const Operand& mask, const Operand& value);
/// The elements where the mask (bool) is true, as a vector; x and mask broadcast.
XGRAD_API Tensor masked_select(const Operand& x, const Operand& mask);
/// NumPy's x[mask]: the mask (bool) has the shape of x's leading axes, which are replaced by one axis of the selected
/// slices.
XGRAD_API Tensor select(const Operand& x, const Operand& mask);
/// The indices of elements that are not zero, a vector for each axis, as in NumPy. No gradient.
XGRAD_API std::vector<Tensor> nonzero(const Operand& x);

// --- linear algebra --------------------------------------------------------------------------------------------------

/// Products of all pairs: a flattened times b flattened, shape (a.size(), b.size()).
XGRAD_API Tensor outer(const Operand& a, const Operand& b);
/// NumPy's dot: the sum of products over a's last axis and b's second-to-last (its only axis if b is a vector). A
/// scalar multiplies the other operand.
XGRAD_API Tensor dot(const Operand& a, const Operand& b);
/// The sum of products over the last axes of both: shape (a's other axes…, b's other axes…). A scalar multiplies the
/// other operand.
XGRAD_API Tensor inner(const Operand& a, const Operand& b);
/// The inner product of all elements, both operands flattened. ShapeError unless they have the same number of elements.
XGRAD_API Tensor vdot(const Operand& a, const Operand& b);
/// Sums of products over the last `axes` axes of a and the first `axes` of b, or over the axes listed; the other axes
/// keep their order, a's first. ShapeError unless the sizes agree.
XGRAD_API Tensor tensordot(const Operand& a, const Operand& b, int axes = 2);
XGRAD_API Tensor tensordot(const Operand& a, const Operand& b, const std::vector<int>& axes_a,
                           const std::vector<int>& axes_b);
/// The Kronecker product: blocks a[i, j] * b, for any rank; the shorter shape is padded with leading ones.
XGRAD_API Tensor kron(const Operand& a, const Operand& b);
/// Einstein summation as in NumPy: einsum("bij,bjk->bik", {x, y}). There is one letter for each axis; letters that are
/// not in the output are summed over. A letter that occurs twice in one operand takes the diagonal; "..." stands for
/// all axes not named, which broadcast, as do axes of size 1. Without "->" the output has "..." followed by the letters
/// that occur once, in alphabetical order. More than two operands are contracted in pairs, the pair that needs the
/// fewest multiplications first. Products are computed as matrix products; an operand whose storage order already suits
/// them is not copied. ValueError for malformed subscripts, ShapeError if sizes do not agree.
XGRAD_API Tensor einsum(const std::string& subscripts, const std::vector<Tensor>& operands,
                        Location where = Location::current());

/// The sum along a diagonal of the matrices in two axes, `offset` places above the main one: NumPy's trace.
XGRAD_API Tensor trace(const Operand& x, int offset = 0, int axis1 = 0, int axis2 = 1);

struct Lstsq {
    Tensor solution, residuals, rank, singular_values;
};
/// The x (…, n, k) that minimises |a·x - b| for a (…, m, n) and b (…, m, k) or (m), the one with the least norm if
/// there are several; the squared residuals (…, k) of each column, the rank (…, i64) and the singular values of a (…,
/// min(m, n)). rcond is as in pinv, and so is the gradient: it is right where the rank does not change nearby. Rank and
/// singular values have no gradient here: use svdvals.
XGRAD_API Lstsq lstsq(const Operand& a, const Operand& b, double rcond = -1);

/// The exponential of each matrix (…, n, n): Padé approximation with scaling and squaring, following Higham 2005, SIAM
/// J. Matrix Anal. Appl. 26, with the smaller bounds of Al-Mohy and Higham 2009 in f64, so that its gradient is as
/// accurate as its value.
XGRAD_API Tensor matrix_exp(const Operand& a);
/// a·a·…·a, n factors, by repeated squaring; a negative n takes the inverse. a⁰ is the identity.
XGRAD_API Tensor matrix_power(const Operand& a, int n);

/// Which matrix norm: "fro" (Frobenius), "nuc" (sum of singular values), or 1, -1 (largest, smallest sum of a column's
/// absolute values), inf, -inf (of a row's), 2, -2 (largest, smallest singular value). ValueError for anything else.
class XGRAD_API MatrixOrder {
public:
    enum Kind { fro, nuc, columns, rows, singular };
    MatrixOrder(const char* name, Location where = Location::current());
    MatrixOrder(double order, Location where = Location::current());
    MatrixOrder(int order, Location where = Location::current()) : MatrixOrder(static_cast<double>(order), where) {}
    Kind kind() const { return kind_; }
    bool largest() const { return largest_; }

private:
    Kind kind_;
    bool largest_ = true;
};
struct MatrixNormOptions {
    std::array<int, 2> axes = {-2, -1};
    bool keepdims = false;
};
/// The norm of each matrix in the two axes. Ties share the gradient evenly; at a zero matrix the Frobenius norm has
/// gradient 0.
XGRAD_API Tensor matrix_norm(const Operand& x, const MatrixOrder& order = "fro", const MatrixNormOptions& options = {});
/// The condition number norm(x)·norm(x⁻¹) of each matrix (…, n, n) in the given norm. For 2 and -2 it is the ratio of
/// singular values, for any shape (…, m, n), and inf for a singular matrix; in the other norms a singular matrix is a
/// ValueError.
XGRAD_API Tensor cond(const Operand& x, const MatrixOrder& order = 2);

// --- neural networks -------------------------------------------------------------------------------------------------

/// Each element zeroed with probability p and the others scaled by 1 / (1 - p), so that the mean is preserved.
/// ValueError unless 0 <= p <= 1. (Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov 2014.)
XGRAD_API Tensor dropout(const Operand& x, double p, Generator& generator);
/// Whole channels of x (batch, channels, sizes…) zeroed together. dropout1d and dropout3d also take (channels, sizes…);
/// dropout2d reads three axes as (batch, channels, size), as in PyTorch. (Tompson, Goroshin, Jain, LeCun, Bregler
/// 2015.)
XGRAD_API Tensor dropout1d(const Operand& x, double p, Generator& generator);
XGRAD_API Tensor dropout2d(const Operand& x, double p, Generator& generator);
XGRAD_API Tensor dropout3d(const Operand& x, double p, Generator& generator);
/// Dropout for networks with selu: elements are set to selu(-inf), and all are scaled and shifted so that mean 0 and
/// variance 1 are preserved. p = 1 gives zeros. ValueError unless 0 <= p <= 1. (Klambauer, Unterthiner, Mayr,
/// Hochreiter 2017.)
XGRAD_API Tensor alpha_dropout(const Operand& x, double p, Generator& generator);
/// The same for whole channels of x (batch, channels, …).
XGRAD_API Tensor feature_alpha_dropout(const Operand& x, double p, Generator& generator);

/// a * sigmoid(b), where a and b are the halves of x along `axis` (Dauphin, Fan, Auli, Grangier 2017). ShapeError if
/// its size is odd.
XGRAD_API Tensor glu(const Operand& x, int axis = -1);
/// softmax(-x) along `axis`.
XGRAD_API Tensor softmin(const Operand& x, int axis = -1);
/// x for x > 0, else x times a slope drawn for each element from U(lower, upper) (Xu, Wang, Chen, Li 2015). For
/// inference use leaky_relu with the mean slope. ValueError if lower > upper.
XGRAD_API Tensor rrelu(const Operand& x, double lower, double upper, Generator& generator);

/// x1ᵀ·weight[k]·x2 + bias[k] for each output k: x1 (…, in1), x2 (…, in2), weight (out, in1, in2), bias (out) or empty;
/// the result is (…, out). ShapeError unless the shapes match; leading axes do not broadcast.
XGRAD_API Tensor bilinear(const Operand& x1, const Operand& x2, const Operand& weight, const Operand& bias = Tensor());

enum class BagMode { sum, mean, max };
struct EmbeddingBagFuncOptions {
    BagMode mode = BagMode::mean;
    bool include_last_offset = false;  ///< the last offset is the number of indices and starts no bag
    std::optional<std::int64_t> padding_idx = {};  ///< an index to ignore; negative counts from the end
};
/// Bags of rows of `weight` (n, width), each reduced to one row, like torch.nn.functional.embedding_bag: indices are
/// (bags, length), or a vector in which bag i starts at offsets[i] (i32 or i64, starting with 0 and never decreasing).
/// Sums may weight each row: per_sample_weights has the indices' shape (ValueError for other modes). An empty bag gives
/// zeros; of equal largest elements, the first gets the gradient.
XGRAD_API Tensor embedding_bag(const Operand& indices, const Operand& weight, const Operand& offsets = Tensor(),
                               const Operand& per_sample_weights = Tensor(),
                               const EmbeddingBagFuncOptions& options = {});

/// x / (k + alpha * m)^beta, where m is the mean of squares over `size` neighbouring channels of x (batch, channels,
/// sizes…), padded with zeros at both ends (Krizhevsky, Sutskever, Hinton 2012, with PyTorch's mean).
XGRAD_API Tensor local_response_norm(const Operand& x, std::int64_t size, double alpha = 1e-4, double beta = 0.75,
                                     double k = 1);

/// Splits one axis into several whose sizes multiply to its size; one of them may be -1. ShapeError otherwise.
XGRAD_API Tensor unflatten(const Operand& x, int axis, const Shape& sizes);
/// (…, channels * factor², height, width) as (…, channels, height * factor, width * factor): each square of pixels is
/// made of the channels of one pixel (Shi et al. 2016). ShapeError unless factor² divides the channels.
XGRAD_API Tensor pixel_shuffle(const Operand& x, std::int64_t factor);
/// The inverse of pixel_shuffle.
XGRAD_API Tensor pixel_unshuffle(const Operand& x, std::int64_t factor);
/// The channels of x (batch, channels, …), split into `groups`, reordered: the first of each group, then the second of
/// each, and so on (Zhang, Zhou, Lin, Sun 2018).
XGRAD_API Tensor channel_shuffle(const Operand& x, std::int64_t groups);

struct MaxUnpoolOptions {
    PerAxis stride = {};  ///< the kernel's size by default
    PerAxis padding = 0;
    std::vector<std::int64_t> output_size =
        {};  ///< spatial sizes only; by default (size - 1) stride - 2 padding + kernel
};
/// Zeros with the elements of x at the positions where max_pool*d_with_indices found them. x and indices have the same
/// shape, (batch, channels, sizes…) or (channels, sizes…). If an index repeats, the last one counts.
XGRAD_API Tensor max_unpool1d(const Operand& x, const Operand& indices, const PerAxis& kernel,
                              const MaxUnpoolOptions& options = {});
XGRAD_API Tensor max_unpool2d(const Operand& x, const Operand& indices, const PerAxis& kernel,
                              const MaxUnpoolOptions& options = {});
XGRAD_API Tensor max_unpool3d(const Operand& x, const Operand& indices, const PerAxis& kernel,
                              const MaxUnpoolOptions& options = {});

/// The angles p * base^(-i / count) in f64, (length, count), for positions p = first, first + 1, … and i = 0 … count-1.
XGRAD_API Tensor position_angles(std::int64_t length, std::int64_t count, double base = 10000, std::int64_t first = 0,
                                 Location where = Location::current());
/// Alternating sines and cosines of position_angles(length, width / 2), (length, width). ValueError unless width is
/// even. (Vaswani et al. 2017.)
XGRAD_API Tensor sinusoidal_positions(std::int64_t length, std::int64_t width, DType dtype = DType::f32,
                                      double base = 10000, Location where = Location::current());
/// Which numbers rotary rotates together: the first half with the second (i with i + D/2), or neighbours (2i with 2i +
/// 1).
enum class RotaryPairs { halves, neighbours };
/// Each pair of numbers in the last axis of x (…, L, D) rotated by the angle for its position: cosine and sine are (L,
/// D/2) or broadcast with (…, L, D/2). ShapeError unless D is even. (Su, Lu, Pan, Murtadha, Wen, Liu 2021.)
XGRAD_API Tensor rotary(const Operand& x, const Operand& cosine, const Operand& sine,
                        RotaryPairs pairs = RotaryPairs::halves);

/// x / max(|x|, eps) with the p-norm along `axis`, PyTorch's normalize. Zeros stay zeros.
XGRAD_API Tensor normalize(const Operand& x, double p = 2, int axis = 1, double eps = 1e-12);
/// a · b / (max(|a|, eps) max(|b|, eps)) along `axis`; both broadcast.
XGRAD_API Tensor cosine_similarity(const Operand& a, const Operand& b, int axis = 1, double eps = 1e-8);
/// The p-norm of a - b + eps over the last axis; both broadcast.
XGRAD_API Tensor pairwise_distance(const Operand& a, const Operand& b, double p = 2, double eps = 1e-6,
                                   bool keepdims = false);

// --- windows and sampling --------------------------------------------------------------------------------------------

struct UnfoldOptions {
    PerAxis dilation = 1;
    PerAxis padding = 0;  ///< zeros at both ends
    PerAxis stride = 1;
};
/// The windows of x (batch, channels, height, width), or without batch, as columns, like torch.nn.functional.unfold
/// (im2col): (batch, channels * kernel elements, windows). ValueError for options out of range, ShapeError if the
/// kernel does not fit.
XGRAD_API Tensor unfold(const Operand& x, const PerAxis& kernel, const UnfoldOptions& options = {});
/// The transpose of unfold (col2im): columns (batch, channels * kernel elements, windows) become images of
/// `output_size`, and overlapping windows add up. ShapeError unless the number of columns equals the number of windows
/// in such an image.
XGRAD_API Tensor fold(const Operand& x, const PerAxis& output_size, const PerAxis& kernel,
                      const UnfoldOptions& options = {});

/// The sampling coordinates for each element of a result of `size` under the affine maps theta: (n, 2, 3) and (n, c, h,
/// w) give (n, h, w, 2); (n, 3, 4) and (n, c, d, h, w) give (n, d, h, w, 3). The last axis holds x, y and z; -1 and 1
/// are the centres of the outermost elements with align_corners, else their outer edges. Like
/// torch.nn.functional.affine_grid (Jaderberg et al. 2015).
XGRAD_API Tensor affine_grid(const Operand& theta, const Shape& size, bool align_corners = false);

/// How grid_sample interpolates: linearly along each axis, by the nearest element (halves to even; no gradient to the
/// grid), or with Keys' cubic with a = -0.75.
enum class GridSample { bilinear, nearest, bicubic };
/// The values beyond the input: zeros, its outermost elements, or its mirror image.
enum class GridPadding { zeros, border, reflection };
struct GridSampleOptions {
    GridSample mode = GridSample::bilinear;
    GridPadding padding_mode = GridPadding::zeros;
    bool align_corners = false;  ///< -1 and 1 are the centres of the outermost elements, not their outer edges
};
/// x (n, c, h, w) sampled at the positions in grid (n, H, W, 2): (n, c, H, W); or x (n, c, d, h, w) and grid (n, D, H,
/// W, 3), except for bicubic. Differentiable in both, like torch.nn.functional.grid_sample. A coordinate that is NaN or
/// very large counts as outside. ShapeError if the shapes do not match.
XGRAD_API Tensor grid_sample(const Operand& x, const Operand& grid, const GridSampleOptions& options = {});

// --- more on indices and distances -----------------------------------------------------------------------------------

enum class ScatterReduce { sum, prod, mean, max, min };
/// Each element of x reduced together with all source elements that are scattered to it, like
/// torch.Tensor.scatter_reduce: source[i, j, …] goes to […, indices[i, j, …], …] along `axis`, as in scatter. Without
/// include_self, x counts only where no source element goes. Ties of max and min share the gradient evenly; the
/// gradient of products is right with zeros. Errors as in scatter_add.
XGRAD_API Tensor scatter_reduce(const Operand& x, int axis, const Operand& indices, const Operand& source,
                                ScatterReduce reduce, bool include_self = true);
/// The p-norm distances between all pairs of rows i < j of x (n, width), in that order: n (n - 1) / 2. Gradient 0 where
/// two rows are equal.
XGRAD_API Tensor pdist(const Operand& x, double p = 2);

}  // namespace xgrad
