#include <array>
#include <cmath>
#include <vector>

#include "elementwise.hpp"
#include "normalization.hpp"
#include "normalize.hpp"
#include "reduce.hpp"
#include "reduction.hpp"

// batch_norm, group_norm and instance_norm: over parts of (batch, channels, …), with a weight for each channel.

namespace xgrad {

using namespace detail;

namespace {

/// x as (batch, channels, size). The statistics are those of each channel over the batch, or of each group of `per` channels of a sample.
struct Layout {
    Int batch = 0, channels = 0, size = 1;
    Int per = 0;  // 0: over the batch
    double eps = 0;

    Int groups() const { return per ? channels / per : channels; }
    Int statistics() const { return per ? batch * groups() : channels; }
    Int statistic_of(Int sample, Int channel) const { return per ? sample * groups() + channel / per : channel; }
    double count() const { return static_cast<double>((per ? per : batch) * size); }
    Int elements() const { return batch * channels * size; }
    bool columns() const { return !per && size == 1; }
    Shape whole() const { return {batch, channels, size}; }
    /// With the axes that the statistics are taken over, `mask`.
    Shape view() const { return per ? Shape{batch, groups(), per * size} : whole(); }
    AxisMask mask() const { return per ? AxisMask{4} : AxisMask{5}; }
};

struct Statistics {
    Tensor mean, rstd;
    std::vector<double> variance;
};

template <class T>
void find_statistics(const T* x, const Layout& a, T* mean, T* rstd, double* variance) {
    const auto& sums = reduce_kernels<T>();
    const auto& k = normalize_kernels<T>();
    if (a.columns()) {
        constexpr Int strip = 64;
        parallel_for((a.channels + strip - 1) / strip, a.elements(), [&](Int begin, Int end) {
            const Int from = begin * strip, columns = std::min(end * strip, a.channels) - from;
            sums.var_columns(x + from, rstd + from, mean + from, a.batch, columns, a.channels, 1 / a.count());
        });
        for (Int c = 0; c < a.channels; ++c) variance[c] = static_cast<double>(rstd[c]);
    } else {
        // Contiguous pieces of a statistic: `pieces` of them, `stride` apart.
        const Int length = a.per ? a.per * a.size : a.size, pieces = a.per ? 1 : a.batch, stride = a.channels * a.size;
        parallel_for(a.statistics(), a.elements(), [&](Int begin, Int end) {
            for (Int s = begin; s < end; ++s) {
                const T* const from = x + s * length;
                double sum = 0, rest = 0, squares = 0;
                for (Int p = 0; p < pieces; ++p) sum += sums.sum_all(from + p * stride, length);
                const T rounded = static_cast<T>(sum / a.count());
                for (Int p = 0; p < pieces; ++p) {
                    double part = 0, part_squares = 0;
                    k.deviations(from + p * stride, length, rounded, &part, &part_squares);
                    rest += part;
                    squares += part_squares;
                }
                rest /= a.count();
                mean[s] = static_cast<T>(static_cast<double>(rounded) + rest);
                const double v = squares / a.count() - rest * rest;
                variance[s] = v < 0 ? 0 : v;  // NaN stays
            }
        });
    }
    for (Int s = 0; s < a.statistics(); ++s) rstd[s] = static_cast<T>(1 / std::sqrt(variance[s] + a.eps));
}

/// y = (x - mean) * rstd * weight + bias.
template <class T>
void scale_values(const T* x, T* y, const Layout& a, const T* mean, const T* rstd, const T* weight, const T* bias) {
    const auto& k = normalize_kernels<T>();
    if (a.columns()) {
        std::vector<T> scale(rstd, rstd + a.channels), shift(static_cast<std::size_t>(a.channels));
        for (Int c = 0; c < a.channels; ++c) {
            if (weight) scale[static_cast<std::size_t>(c)] *= weight[c];
            if (bias) shift[static_cast<std::size_t>(c)] = bias[c];
        }
        parallel_for(a.batch, a.elements(), [&](Int begin, Int end) {
            k.affine_columns(x + begin * a.channels, y + begin * a.channels, end - begin, a.channels, mean, scale.data(), shift.data());
        });
        return;
    }
    parallel_for(a.batch * a.channels, a.elements(), [&](Int begin, Int end) {
        for (Int i = begin; i < end; ++i) {
            const Int c = i % a.channels, s = a.statistic_of(i / a.channels, c);
            k.affine(x + i * a.size, y + i * a.size, a.size, mean[s], weight ? rstd[s] * weight[c] : rstd[s], bias ? bias[c] : T(0));
        }
    });
}

Tensor norm_values(const Tensor& x, const Tensor& weight, const Tensor& bias, const Layout& a, Statistics& stats) {
    Tensor y = empty(x.shape(), x.dtype());
    stats.mean = empty({a.statistics()}, x.dtype());
    stats.rstd = empty({a.statistics()}, x.dtype());
    stats.variance.assign(static_cast<std::size_t>(a.statistics()), 0.0);
    if (x.size() == 0) return y;
    with_floating(x.dtype(), [&]<class T>(T) {
        T *mean = elements<T>(stats.mean), *rstd = elements<T>(stats.rstd);
        find_statistics(elements<T>(x), a, mean, rstd, stats.variance.data());
        scale_values(elements<T>(x), elements<T>(y), a, mean, rstd, elements_or_null<T>(weight), elements_or_null<T>(bias));
    });
    return y;
}

/// Sums of g and of g * (x - mean) for each sample and channel, or each channel where these are columns.
template <class T>
void back_sums(const T* x, const T* g, const Layout& a, const T* mean, double* sum_g, double* sum_gx) {
    const auto& k = normalize_kernels<T>();
    if (a.columns()) {
        std::vector<T> scratch(static_cast<std::size_t>(2 * a.channels));
        return k.back_sums_columns(x, g, a.batch, a.channels, mean, sum_g, sum_gx, scratch.data());
    }
    parallel_for(a.batch * a.channels, a.elements(), [&](Int begin, Int end) {
        for (Int i = begin; i < end; ++i)
            k.back_sums(x + i * a.size, g + i * a.size, a.size, mean[a.statistic_of(i / a.channels, i % a.channels)], sum_g + i,
                        sum_gx + i);
    });
}

std::array<Tensor, 3> norm_back(const Tensor& x, const Tensor& g, const Tensor& weight, const Layout& a, const Statistics& stats,
                                const bool (&wanted)[3]) {
    std::array<Tensor, 3> parts;
    if (wanted[0]) parts[0] = reuse(g);
    for (const int k : {1, 2})
        if (wanted[k]) parts[static_cast<std::size_t>(k)] = zeros({a.channels}, x.dtype());
    if (x.size() == 0) return parts;
    with_floating(x.dtype(), [&]<class T>(T) {
        const T *from = elements<T>(x), *cotangent = elements<T>(g), *w = elements_or_null<T>(weight);
        const T *mean = elements<T>(stats.mean), *rstd = elements<T>(stats.rstd);
        const Int samples = a.columns() ? 1 : a.batch, sums = samples * a.channels;
        std::vector<double> both(static_cast<std::size_t>(2 * sums)), dw(static_cast<std::size_t>(a.channels)), db(dw),
            of_statistic(static_cast<std::size_t>(2 * a.statistics()));
        double *const sum_g = both.data(), *const sum_gx = sum_g + sums;
        back_sums(from, cotangent, a, mean, sum_g, sum_gx);
        for (Int i = 0; i < sums; ++i) {
            const Int c = i % a.channels, s = a.statistic_of(i / a.channels, c);
            const double factor = w ? static_cast<double>(w[c]) : 1;
            dw[static_cast<std::size_t>(c)] += sum_gx[i] * static_cast<double>(rstd[s]);
            db[static_cast<std::size_t>(c)] += sum_g[i];
            of_statistic[static_cast<std::size_t>(2 * s)] += factor * sum_g[i];
            of_statistic[static_cast<std::size_t>(2 * s + 1)] += factor * sum_gx[i];
        }
        for (const int k : {1, 2})
            if (wanted[k])
                for (Int c = 0; c < a.channels; ++c)
                    elements<T>(parts[static_cast<std::size_t>(k)])[c] = static_cast<T>((k == 1 ? dw : db)[static_cast<std::size_t>(c)]);
        if (!wanted[0]) return;
        // dx = rstd (w g - mean(w g) - xhat mean(w g xhat)) as a multiple of g, one of x - mean, and a constant.
        const auto of_g = [&](Int s, Int c) { return w ? rstd[s] * w[c] : rstd[s]; };
        const auto of_x = [&](Int s) {
            const double r = static_cast<double>(rstd[s]);
            return static_cast<T>(-r * r * r * of_statistic[static_cast<std::size_t>(2 * s + 1)] / a.count());
        };
        const auto constant = [&](Int s) {
            return static_cast<T>(-static_cast<double>(rstd[s]) * of_statistic[static_cast<std::size_t>(2 * s)] / a.count());
        };
        T* const to = elements<T>(parts[0]);
        const auto& k = normalize_kernels<T>();
        if (a.columns()) {
            std::vector<T> factors(static_cast<std::size_t>(3 * a.channels));
            T *const first = factors.data(), *const second = first + a.channels, *const third = second + a.channels;
            for (Int c = 0; c < a.channels; ++c) first[c] = of_g(c, c), second[c] = of_x(c), third[c] = constant(c);
            parallel_for(a.batch, x.size(), [&](Int begin, Int end) {
                const Int at = begin * a.channels;
                k.back_columns(from + at, cotangent + at, to + at, end - begin, a.channels, mean, first, second, third);
            });
            return;
        }
        parallel_for(a.batch * a.channels, x.size(), [&](Int begin, Int end) {
            for (Int i = begin; i < end; ++i) {
                const Int c = i % a.channels, s = a.statistic_of(i / a.channels, c);
                k.back(from + i * a.size, cotangent + i * a.size, to + i * a.size, a.size, mean[s], of_g(s, c), of_x(s), constant(s));
            }
        });
    });
    return parts;
}

Tensor normalise(const char* name, const Operand& operand, const Tensor& weight, const Tensor& bias, const Layout& a, Statistics& stats) {
    const Tensor x = operand.tensor();
    Tensor y = norm_values(x, weight, bias, a, stats);
    const Tensor inputs[] = {x, weight, bias};
    if (!any_tracked(inputs)) return y;
    record_applied(
        name, inputs, {&y, 1},
        [a](const Tensor& in, const Tensor& w, const Tensor& b) {
            Statistics unused;
            return norm_values(in, w, b, a, unused);
        },
        [x, weight, a, saved = Statistics{stats.mean, stats.rstd, {}}, biased = bias.defined()](Tensor g,
                                                                                                Needs needs) -> std::array<Tensor, 3> {
            const bool wanted[] = {needs[0], weight.defined() && needs[1], biased && needs[2]};
            if (!tracked(g) && !tracked(x) && !(weight.defined() && tracked(weight))) return norm_back(x, g, weight, a, saved, wanted);
            const AxisMask mask = a.mask();
            const Tensor seen = reshape(x, a.view()), middle = centred(seen, mask);
            const Tensor rstd = 1 / sqrt(mean_kept(square(middle), mask) + a.eps), xhat = middle * rstd, whole = reshape(g, a.whole());
            std::array<Tensor, 3> parts;
            if (wanted[0]) {
                const Tensor u = reshape(weight.defined() ? whole * reshape(weight, {a.channels, 1}) : whole, a.view());
                parts[0] = reshape(rstd * (u - mean_kept(u, mask) - xhat * mean_kept(u * xhat, mask)), x.shape());
            }
            if (wanted[1]) parts[1] = sum(whole * reshape(xhat, a.whole()), {0, 2});
            if (wanted[2]) parts[2] = sum(whole, {0, 2});
            return parts;
        },
        operand.where());
    return y;
}

Layout layout_of(const char* name, const Operand& operand, int least_rank) {
    const Tensor& x = tensor_of(operand, name);
    check_floating(x, name, operand.where());
    check<ShapeError>(x.ndim() >= least_rank, operand.where(), [&] {
        return std::string(name) + ": the input must be (batch, channels" + (least_rank > 2 ? ", size, …)" : ", …)") + ", got shape " +
               to_string(x.shape());
    });
    Layout a;
    a.batch = x.shape()[0];
    a.channels = x.shape()[1];
    for (int k = 2; k < x.ndim(); ++k) a.size *= x.shape()[k];
    return a;
}

Tensor values_with(const Tensor& x, const Tensor& mean, const Tensor& variance, const Tensor& weight, const Tensor& bias, const Layout& a) {
    Tensor y = empty(x.shape(), x.dtype());
    if (x.size() == 0) return y;
    with_floating(x.dtype(), [&]<class T>(T) {
        std::vector<T> rstd(static_cast<std::size_t>(a.channels));
        for (Int c = 0; c < a.channels; ++c)
            rstd[static_cast<std::size_t>(c)] = static_cast<T>(1 / std::sqrt(static_cast<double>(elements<T>(variance)[c]) + a.eps));
        scale_values(elements<T>(x), elements<T>(y), a, elements<T>(mean), rstd.data(), elements_or_null<T>(weight),
                     elements_or_null<T>(bias));
    });
    return y;
}

/// batch_norm with given statistics: y is linear in x, and differentiable to all five.
Tensor norm_with(const Operand& operand, const Tensor& mean, const Tensor& variance, const Tensor& weight, const Tensor& bias,
                 const Layout& a) {
    const Tensor x = operand.tensor();
    Tensor y = values_with(x, mean, variance, weight, bias, a);
    const Tensor inputs[] = {x, mean, variance, weight, bias};
    if (!any_tracked(inputs)) return y;
    // What only the gradients to the statistics and the weight read is kept for these alone.
    const bool reads_x = tracked(mean) || tracked(variance) || (weight.defined() && tracked(weight));
    record_applied(
        "batch_norm", inputs, {&y, 1},
        [a](const Tensor& in, const Tensor& m, const Tensor& v, const Tensor& w, const Tensor& b) {
            return values_with(in, m, v, w, b, a);
        },
        [x = reads_x ? x : Tensor(), mean, variance, weight, a, biased = bias.defined()](Tensor g, Needs needs) -> std::array<Tensor, 5> {
            const Shape column{a.channels, 1};
            const Tensor rstd = 1 / sqrt(variance + a.eps), scale = weight.defined() ? rstd * weight : rstd;  // (channels)
            const Tensor whole = reshape(g, a.whole());
            std::array<Tensor, 5> parts;
            if (needs[0]) parts[0] = reshape(whole * reshape(scale, column), g.shape());
            if (needs[1] || (biased && needs[4])) {
                const Tensor sums = sum(whole, {0, 2});
                if (needs[1]) parts[1] = -scale * sums;
                if (biased && needs[4]) parts[4] = sums;
            }
            const bool for_weight = weight.defined() && needs[3];
            if (!needs[2] && !for_weight) return parts;
            const Tensor products = sum(whole * (reshape(x, a.whole()) - reshape(mean, column)), {0, 2});
            if (needs[2]) parts[2] = products * scale * square(rstd) * -0.5;
            if (for_weight) parts[3] = products * rstd;
            return parts;
        },
        operand.where());
    return y;
}

}  // namespace

Tensor group_norm(const Operand& x, std::int64_t num_groups, const Operand& weight, const Operand& bias, const NormOptions& options) {
    Layout a = layout_of("group_norm", x, 2);
    check<ShapeError>(num_groups > 0 && a.channels % num_groups == 0, x.where(), [&] {
        return "group_norm: the groups must divide the channels, got " + std::to_string(num_groups) + " groups for shape " +
               to_string(x.shape());
    });
    a.per = a.channels / num_groups;
    if (a.per == 0) a.per = 1;
    a.eps = options.eps;
    Statistics stats;
    return normalise("group_norm", x, optional_of(weight, "group_norm", "weight", x, {a.channels}),
                     optional_of(bias, "group_norm", "bias", x, {a.channels}), a, stats);
}

Tensor instance_norm(const Operand& x, const Operand& weight, const Operand& bias, const NormOptions& options) {
    Layout a = layout_of("instance_norm", x, 3);
    a.per = 1;
    a.eps = options.eps;
    Statistics stats;
    return normalise("instance_norm", x, optional_of(weight, "instance_norm", "weight", x, {a.channels}),
                     optional_of(bias, "instance_norm", "bias", x, {a.channels}), a, stats);
}

BatchNorm batch_norm(const Operand& x, const Operand& running_mean, const Operand& running_var, const Operand& weight_operand,
                     const Operand& bias_operand, const BatchNormFuncOptions& options) {
    Layout a = layout_of("batch_norm", x, 2);
    a.eps = options.eps;
    const Shape channels{a.channels};
    const Tensor mean = optional_of(running_mean, "batch_norm", "running_mean", x, channels),
                 variance = optional_of(running_var, "batch_norm", "running_var", x, channels),
                 weight = optional_of(weight_operand, "batch_norm", "weight", x, channels),
                 bias = optional_of(bias_operand, "batch_norm", "bias", x, channels);
    check<ValueError>(mean.defined() == variance.defined() && (options.training || mean.defined()), x.where(), [] {
        return std::string("batch_norm: running_mean and running_var must both be given, or neither in training, got ") + "an empty tensor";
    });
    if (!options.training) return {norm_with(x, mean, variance, weight, bias, a), stop_gradient(mean), stop_gradient(variance)};
    check<ValueError>(a.count() > 1 || x.size() == 0, x.where(),
                      [&] { return "batch_norm: training needs more than one value for each channel, got shape " + to_string(x.shape()); });
    Statistics stats;
    BatchNorm result{normalise("batch_norm", x, weight, bias, a, stats), stop_gradient(mean), stop_gradient(variance)};
    if (x.size() == 0) return result;
    const Tensor batch_variance = empty(channels, x.dtype());
    with_floating(x.dtype(), [&]<class T>(T) {
        for (Int c = 0; c < a.channels; ++c)
            elements<T>(batch_variance)[c] = static_cast<T>(stats.variance[static_cast<std::size_t>(c)] * a.count() / (a.count() - 1));
    });
    const double m = options.momentum;
    result.running_mean = mean.defined() ? result.running_mean * (1 - m) + stats.mean * m : stats.mean;
    result.running_var = mean.defined() ? result.running_var * (1 - m) + batch_variance * m : batch_variance;
    return result;
}

}  // namespace xgrad
