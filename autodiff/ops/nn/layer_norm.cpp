#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include "autodiff/core/detail/dispatch.hpp"
#include "autodiff/ops/elementwise/elementwise.hpp"
#include "autodiff/ops/reduce/detail/reduction.hpp"
#include "autodiff/ops/reduce/reduce.hpp"
#include "detail/normalization.hpp"
#include "normalize.hpp"

// layer_norm and rms_norm: over whole rows, with a weight for each of their elements.

namespace xgrad {

using namespace detail;

namespace {

/// A tensor as rows of n elements, over its last axes.
struct Rows {
    Int count = 1, n = 1;
    AxisMask mask = 0;
    Shape parameters;  // of one row

    Rows(const Shape& shape, int axes) {
        for (int k = 0; k < shape.rank(); ++k) {
            if (k < shape.rank() - axes) {
                count *= shape[k];
                continue;
            }
            n *= shape[k];
            mask |= AxisMask{1} << k;
            parameters.push_back(shape[k]);
        }
    }
};
struct Statistics {
    Tensor mean, rstd;  // one for each row; no mean if the rows are not centred
};

Tensor row_values(const Tensor& x, const Tensor& weight, const Tensor& bias, const Rows& rows, double eps,
                  const Statistics& stats) {
    Tensor y = empty(x.shape(), x.dtype());
    if (x.size() == 0) return y;
    with_floating(x.dtype(), [&]<class T>(T) {
        const T *from = elements<T>(x), *w = elements_or_null<T>(weight), *b = elements_or_null<T>(bias);
        T *to = elements<T>(y), *mean = elements_or_null<T>(stats.mean), *rstd = elements<T>(stats.rstd);
        parallel_for(rows.count, x.size(), [&](Int begin, Int end) {
            normalize_kernels<T>().rows(from + begin * rows.n, w, b, to + begin * rows.n, mean ? mean + begin : nullptr,
                                        rstd + begin, end - begin, rows.n, eps);
        });
    });
    return y;
}

/// The cotangents of x, weight and bias in one pass.
std::array<Tensor, 3> row_back(const Tensor& x, const Tensor& g, const Tensor& weight, const Rows& rows,
                               const Statistics& stats, const bool (&wanted)[3]) {
    std::array<Tensor, 3> parts;
    if (wanted[0]) parts[0] = overwritable(g);
    for (const int k : {1, 2})
        if (wanted[k]) parts[static_cast<std::size_t>(k)] = zeros(rows.parameters, x.dtype());
    if (x.size() == 0) return parts;
    with_floating(x.dtype(), [&]<class T>(T) {
        const T *from = elements<T>(x), *cotangent = elements<T>(g), *w = elements_or_null<T>(weight);
        const T *mean = elements_or_null<T>(stats.mean), *rstd = elements<T>(stats.rstd);
        T* to = elements_or_null<T>(parts[0]);
        const bool sums = wanted[1] || wanted[2];
        // The size of the pieces does not depend on the number of threads, so neither do the sums.
        const Int least = 64, piece = std::max(least, (rows.count + 15) / 16),
                  pieces = (rows.count + piece - 1) / piece;
        std::vector<double> totals(static_cast<std::size_t>(sums ? 2 * rows.n * pieces : 0));
        parallel_for(pieces, x.size(), [&](Int begin, Int end) {
            std::vector<T> scratch(static_cast<std::size_t>(sums ? 2 * rows.n : 0));
            for (Int p = begin; p < end; ++p) {
                const Int first = p * piece, count = std::min(piece, rows.count - first), at = first * rows.n;
                double* const total = sums ? totals.data() + 2 * rows.n * p : nullptr;
                normalize_kernels<T>().back_rows(from + at, cotangent + at, w, mean ? mean + first : nullptr,
                                                 rstd + first, to ? to + at : nullptr, total,
                                                 sums ? total + rows.n : nullptr, scratch.data(), count, rows.n);
            }
        });
        for (const int k : {1, 2}) {
            if (!wanted[k]) continue;
            T* const sum = elements<T>(parts[static_cast<std::size_t>(k)]);
            for (Int i = 0; i < rows.n; ++i) {
                double total = 0;
                for (Int p = 0; p < pieces; ++p)
                    total += totals[static_cast<std::size_t>((2 * p + k - 1) * rows.n + i)];
                sum[i] = static_cast<T>(total);
            }
        }
    });
    return parts;
}

/// layer_norm; without centring, rms_norm. The result is followed by the rows' means and reciprocal standard
/// deviations.
template <bool centred_rows>
struct RowNorm {
    static constexpr const char* name = centred_rows ? "layer_norm" : "rms_norm";
    int axes = 1;
    double eps = 0;
    XGRAD_ATTRIBUTES(axes, eps)
    static constexpr Saves saves{.inputs = 0b011, .outputs = 0b110};
    static constexpr int results = 1;

    std::array<Tensor, 3> value(const Tensor& x, const Tensor& weight, const Tensor& bias) const {
        const Rows rows(x.shape(), axes);
        const auto room = [&] { return x.size() ? empty({rows.count}, x.dtype()) : zeros({rows.count}, x.dtype()); };
        const Statistics stats{centred_rows ? room() : Tensor(), room()};
        return {row_values(x, weight, bias, rows, eps, stats), stats.mean, stats.rstd};
    }
    std::array<Tensor, 3> pullback(Tensor g, const Saved& s) const {
        const Tensor &x = s.input(0), &weight = s.input(1);
        const Rows rows(x.shape(), axes);
        const Tensor middle = centred_rows ? centred(x, rows.mask) : x;
        const Tensor rstd = 1 / sqrt(mean_kept(square(middle), rows.mask) + eps), xhat = middle * rstd;
        std::array<Tensor, 3> parts;
        if (s.needs(0)) {
            const Tensor u = weight.defined() ? g * weight : g;
            const Tensor across = u - xhat * mean_kept(u * xhat, rows.mask);
            parts[0] = rstd * (centred_rows ? across - mean_kept(u, rows.mask) : across);
        }
        if (s.needs(1)) parts[1] = sum_to(g * xhat, rows.parameters);
        if (s.needs(2)) parts[2] = sum_to(g, rows.parameters);
        return parts;
    }
    std::array<Tensor, 3> fused_pullback(Tensor g, const Saved& s) const {
        const Tensor& x = s.input(0);
        return row_back(x, g, s.input(1), Rows(x.shape(), axes), {s.output(1), s.output(2)},
                        {s.needs(0), s.needs(1), s.needs(2)});
    }
};

/// The checked argument: its last axes have the normalized shape.
const Tensor& rows_over(const char* name, const Operand& operand, const Shape& normalized) {
    const Tensor& x = tensor_of(operand, name);
    check_floating(x, name, operand.where());
    const int kept = x.ndim() - normalized.rank();
    bool fits = kept >= 0 && normalized.rank() > 0;
    for (int k = kept; fits && k < x.ndim(); ++k) fits = x.shape()[k] == normalized[k - kept];
    check<ShapeError>(fits, operand.where(), [&] {
        return std::string(name) + ": the normalized shape must be that of the input's last axes, got " +
               to_string(normalized) + " and " + to_string(x.shape());
    });
    return x;
}

}  // namespace

Tensor layer_norm(const Operand& operand, const Shape& normalized, const Operand& weight, const Operand& bias,
                  const NormOptions& options) {
    const Tensor& x = rows_over("layer_norm", operand, normalized);
    return apply(RowNorm<true>{normalized.rank(), options.eps},
                 {x, optional_of(weight, "layer_norm", "weight", operand, normalized),
                  optional_of(bias, "layer_norm", "bias", operand, normalized)},
                 operand.where())[0];
}

Tensor rms_norm(const Operand& operand, const Shape& normalized, const Operand& weight,
                const RMSNormFuncOptions& options) {
    const Tensor& x = rows_over("rms_norm", operand, normalized);
    const double eps =
        options.eps.value_or(x.dtype() == DType::f32 ? static_cast<double>(std::numeric_limits<float>::epsilon())
                                                     : std::numeric_limits<double>::epsilon());
    return apply(RowNorm<false>{normalized.rank(), eps},
                 {x, optional_of(weight, "rms_norm", "weight", operand, normalized), Tensor()}, operand.where())[0];
}

}  // namespace xgrad
