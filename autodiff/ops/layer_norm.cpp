#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include "elementwise.hpp"
#include "normalization.hpp"
#include "normalize.hpp"
#include "reduce.hpp"
#include "reduction.hpp"

// layer_norm and rms_norm: over whole rows, with a weight for each of their elements.

namespace xgrad {

using namespace detail;

namespace {

/// What x looks like: rows of n elements, over the last axes.
struct Rows {
    Int count = 1, n = 1;
    AxisMask mask = 0;
    double eps = 0;
    bool centred = true;
};
struct Statistics {
    Tensor mean, rstd;  // one for each row; without mean where the rows are not centred
};

Tensor row_values(const Tensor& x, const Tensor& weight, const Tensor& bias, const Rows& rows, const Statistics& stats) {
    Tensor y = empty(x.shape(), x.dtype());
    if (x.size() == 0) return y;
    with_floating(x.dtype(), [&]<class T>(T) {
        const T *from = elements<T>(x), *w = elements_or_null<T>(weight), *b = elements_or_null<T>(bias);
        T *to = elements<T>(y), *mean = elements_or_null<T>(stats.mean), *rstd = elements<T>(stats.rstd);
        parallel_for(rows.count, x.size(), [&](Int begin, Int end) {
            normalize_kernels<T>().rows(from + begin * rows.n, w, b, to + begin * rows.n, mean ? mean + begin : nullptr, rstd + begin,
                                        end - begin, rows.n, rows.eps);
        });
    });
    return y;
}

Statistics room_for(const Tensor& x, const Rows& rows) {
    return {rows.centred ? empty({rows.count}, x.dtype()) : Tensor(), empty({rows.count}, x.dtype())};
}

/// The cotangents of x, weight and bias in one pass.
std::array<Tensor, 3> row_back(const Tensor& x, const Tensor& g, const Tensor& weight, const Rows& rows, const Statistics& stats,
                               const Shape& parameters, const bool (&wanted)[3]) {
    std::array<Tensor, 3> parts;
    if (wanted[0]) parts[0] = reuse(g);
    for (const int k : {1, 2})
        if (wanted[k]) parts[static_cast<std::size_t>(k)] = zeros(parameters, x.dtype());
    if (x.size() == 0) return parts;
    with_floating(x.dtype(), [&]<class T>(T) {
        const T *from = elements<T>(x), *cotangent = elements<T>(g), *w = elements_or_null<T>(weight);
        const T *mean = elements_or_null<T>(stats.mean), *rstd = elements<T>(stats.rstd);
        T* to = elements_or_null<T>(parts[0]);
        const bool sums = wanted[1] || wanted[2];
        // Pieces of a size that does not depend on the threads, so that the sums do not either.
        const Int least = 64, piece = std::max(least, (rows.count + 15) / 16), pieces = (rows.count + piece - 1) / piece;
        std::vector<double> totals(static_cast<std::size_t>(sums ? 2 * rows.n * pieces : 0));
        parallel_for(pieces, x.size(), [&](Int begin, Int end) {
            std::vector<T> scratch(static_cast<std::size_t>(sums ? 2 * rows.n : 0));
            for (Int p = begin; p < end; ++p) {
                const Int first = p * piece, count = std::min(piece, rows.count - first), at = first * rows.n;
                double* const total = sums ? totals.data() + 2 * rows.n * p : nullptr;
                normalize_kernels<T>().back_rows(from + at, cotangent + at, w, mean ? mean + first : nullptr, rstd + first,
                                                 to ? to + at : nullptr, total, sums ? total + rows.n : nullptr, scratch.data(), count,
                                                 rows.n);
            }
        });
        for (const int k : {1, 2}) {
            if (!wanted[k]) continue;
            T* const sum = elements<T>(parts[static_cast<std::size_t>(k)]);
            for (Int i = 0; i < rows.n; ++i) {
                double total = 0;
                for (Int p = 0; p < pieces; ++p) total += totals[static_cast<std::size_t>((2 * p + k - 1) * rows.n + i)];
                sum[i] = static_cast<T>(total);
            }
        }
    });
    return parts;
}

Tensor normalise_rows(const char* name, const Operand& operand, const Tensor& weight, const Tensor& bias, const Rows& rows,
                      const Shape& parameters) {
    const Tensor x = operand.tensor();
    const Statistics stats = room_for(x, rows);
    Tensor y = row_values(x, weight, bias, rows, stats);
    const Tensor inputs[] = {x, weight, bias};
    if (!any_tracked(inputs)) return y;
    record_applied(
        name, inputs, {&y, 1},
        [rows](const Tensor& in, const Tensor& w, const Tensor& b) { return row_values(in, w, b, rows, room_for(in, rows)); },
        [x, weight, stats, rows, parameters, biased = bias.defined()](Tensor g, Needs needs) -> std::array<Tensor, 3> {
            const bool wanted[] = {needs[0], weight.defined() && needs[1], biased && needs[2]};
            if (!tracked(g) && !tracked(x) && !(weight.defined() && tracked(weight)))
                return row_back(x, g, weight, rows, stats, parameters, wanted);
            const Tensor middle = rows.centred ? centred(x, rows.mask) : x;
            const Tensor rstd = 1 / sqrt(mean_kept(square(middle), rows.mask) + rows.eps), xhat = middle * rstd;
            std::array<Tensor, 3> parts;
            if (wanted[0]) {
                const Tensor u = weight.defined() ? g * weight : g;
                const Tensor across = u - xhat * mean_kept(u * xhat, rows.mask);
                parts[0] = rstd * (rows.centred ? across - mean_kept(u, rows.mask) : across);
            }
            if (wanted[1]) parts[1] = sum_to(g * xhat, parameters);
            if (wanted[2]) parts[2] = sum_to(g, parameters);
            return parts;
        },
        operand.where());
    return y;
}

Rows rows_over(const char* name, const Operand& operand, const Shape& normalized) {
    const Tensor& x = tensor_of(operand, name);
    check_floating(x, name, operand.where());
    const int kept = x.ndim() - normalized.rank();
    Rows rows;
    bool fits = kept >= 0 && normalized.rank() > 0;
    for (int k = 0; fits && k < x.ndim(); ++k) {
        if (k >= kept) {
            fits = x.shape()[k] == normalized[k - kept];
            rows.n *= x.shape()[k];
            rows.mask |= AxisMask{1} << k;
        } else {
            rows.count *= x.shape()[k];
        }
    }
    check<ShapeError>(fits, operand.where(), [&] {
        return std::string(name) + ": the normalized shape must be that of the input's last axes, got " + to_string(normalized) + " and " +
               to_string(x.shape());
    });
    return rows;
}

}  // namespace

Tensor layer_norm(const Operand& x, const Shape& normalized, const Operand& weight, const Operand& bias, const NormOptions& options) {
    Rows rows = rows_over("layer_norm", x, normalized);
    rows.eps = options.eps;
    return normalise_rows("layer_norm", x, optional_of(weight, "layer_norm", "weight", x, normalized),
                          optional_of(bias, "layer_norm", "bias", x, normalized), rows, normalized);
}

Tensor rms_norm(const Operand& x, const Shape& normalized, const Operand& weight, const RmsNormOptions& options) {
    Rows rows = rows_over("rms_norm", x, normalized);
    rows.eps = options.eps.value_or(x.dtype() == DType::f32 ? static_cast<double>(std::numeric_limits<float>::epsilon())
                                                            : std::numeric_limits<double>::epsilon());
    rows.centred = false;
    return normalise_rows("rms_norm", x, optional_of(weight, "rms_norm", "weight", x, normalized), Tensor(), rows, normalized);
}

}  // namespace xgrad
