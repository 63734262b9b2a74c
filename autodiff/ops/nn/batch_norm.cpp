#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "autodiff/core/detail/dispatch.hpp"
#include "autodiff/ops/elementwise/elementwise.hpp"
#include "autodiff/ops/reduce/detail/reduction.hpp"
#include "autodiff/ops/reduce/reduce.hpp"
#include "detail/normalization.hpp"
#include "normalize.hpp"

// batch_norm, group_norm and instance_norm: over parts of (batch, channels, …), with a weight for each channel.

namespace xgrad {

using namespace detail;

namespace {

/// x as (batch, channels, size). The statistics are computed for each channel over the batch, or for each group of
/// `per` channels of a sample.
struct Layout {
    Int batch = 0, channels = 0, size = 1;
    Int per = 0;  // 0: over the batch
    double eps = 0;

    Layout(const Shape& shape, double epsilon, Int per_group = 0)
        : batch(shape[0]), channels(shape[1]), per(per_group), eps(epsilon) {
        for (int k = 2; k < shape.rank(); ++k) size *= shape[k];
    }
    Int groups() const { return per ? channels / per : channels; }
    Int statistics() const { return per ? batch * groups() : channels; }
    Int statistic_of(Int sample, Int channel) const { return per ? sample * groups() + channel / per : channel; }
    double count() const { return static_cast<double>((per ? per : batch) * size); }
    Int elements() const { return batch * channels * size; }
    bool columns() const { return !per && size == 1; }
    Shape whole() const { return {batch, channels, size}; }
    /// The shape in which the statistics are taken over the axes `mask`.
    Shape view() const { return per ? Shape{batch, groups(), per * size} : whole(); }
    AxisMask mask() const { return per ? AxisMask{4} : AxisMask{5}; }
};

struct Statistics {
    Tensor mean, rstd;
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
        // Each statistic covers `pieces` contiguous pieces, `stride` apart.
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
            k.affine_columns(x + begin * a.channels, y + begin * a.channels, end - begin, a.channels, mean,
                             scale.data(), shift.data());
        });
        return;
    }
    parallel_for(a.batch * a.channels, a.elements(), [&](Int begin, Int end) {
        for (Int i = begin; i < end; ++i) {
            const Int c = i % a.channels, s = a.statistic_of(i / a.channels, c);
            k.affine(x + i * a.size, y + i * a.size, a.size, mean[s], weight ? rstd[s] * weight[c] : rstd[s],
                     bias ? bias[c] : T(0));
        }
    });
}

/// The variances are returned to the caller in double.
Tensor norm_values(const Tensor& x, const Tensor& weight, const Tensor& bias, const Layout& a, Statistics& stats,
                   std::vector<double>& variance) {
    Tensor y = empty(x.shape(), x.dtype());
    stats.mean = zeros({a.statistics()}, x.dtype());
    stats.rstd = zeros({a.statistics()}, x.dtype());
    variance.assign(static_cast<std::size_t>(a.statistics()), 0.0);
    if (x.size() == 0) return y;
    with_floating(x.dtype(), [&]<class T>(T) {
        T *mean = elements<T>(stats.mean), *rstd = elements<T>(stats.rstd);
        find_statistics(elements<T>(x), a, mean, rstd, variance.data());
        scale_values(elements<T>(x), elements<T>(y), a, mean, rstd, elements_or_null<T>(weight),
                     elements_or_null<T>(bias));
    });
    return y;
}

/// The sums of g and of g * (x - mean) for each sample and channel, or for each channel if channels are columns.
template <class T>
void back_sums(const T* x, const T* g, const Layout& a, const T* mean, double* sum_g, double* sum_gx) {
    const auto& k = normalize_kernels<T>();
    if (a.columns()) {
        std::vector<T> scratch(static_cast<std::size_t>(2 * a.channels));
        return k.back_sums_columns(x, g, a.batch, a.channels, mean, sum_g, sum_gx, scratch.data());
    }
    parallel_for(a.batch * a.channels, a.elements(), [&](Int begin, Int end) {
        for (Int i = begin; i < end; ++i)
            k.back_sums(x + i * a.size, g + i * a.size, a.size, mean[a.statistic_of(i / a.channels, i % a.channels)],
                        sum_g + i, sum_gx + i);
    });
}

std::array<Tensor, 3> norm_back(const Tensor& x, const Tensor& g, const Tensor& weight, const Layout& a,
                                const Statistics& stats, const bool (&wanted)[3]) {
    std::array<Tensor, 3> parts;
    if (wanted[0]) parts[0] = overwritable(g);
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
                    elements<T>(parts[static_cast<std::size_t>(k)])[c] =
                        static_cast<T>((k == 1 ? dw : db)[static_cast<std::size_t>(c)]);
        if (!wanted[0]) return;
        // dx = rstd (w g - mean(w g) - xhat mean(w g xhat)) as a multiple of g, plus a multiple of x - mean, plus a
        // constant.
        const auto of_g = [&](Int s, Int c) { return w ? rstd[s] * w[c] : rstd[s]; };
        const auto of_x = [&](Int s) {
            const double r = static_cast<double>(rstd[s]);
            return static_cast<T>(-r * r * r * of_statistic[static_cast<std::size_t>(2 * s + 1)] / a.count());
        };
        const auto constant = [&](Int s) {
            return static_cast<T>(-static_cast<double>(rstd[s]) * of_statistic[static_cast<std::size_t>(2 * s)] /
                                  a.count());
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
                k.back(from + i * a.size, cotangent + i * a.size, to + i * a.size, a.size, mean[s], of_g(s, c), of_x(s),
                       constant(s));
            }
        });
    });
    return parts;
}

/// The pullback of a normalisation of (x, weight, bias) that saves x, weight and, as outputs 1 and 2, its statistics.
std::array<Tensor, 3> norm_pullback(const Tensor& g, const Saved& s, const Layout& a) {
    const Tensor &x = s.input(0), &weight = s.input(1);
    const AxisMask mask = a.mask();
    const Tensor seen = reshape(x, a.view()), middle = centred(seen, mask);
    const Tensor rstd = 1 / sqrt(mean_kept(square(middle), mask) + a.eps), xhat = middle * rstd,
                 whole = reshape(g, a.whole());
    std::array<Tensor, 3> parts;
    if (s.needs(0)) {
        const Tensor u = reshape(weight.defined() ? whole * reshape(weight, {a.channels, 1}) : whole, a.view());
        parts[0] = reshape(rstd * (u - mean_kept(u, mask) - xhat * mean_kept(u * xhat, mask)), x.shape());
    }
    if (s.needs(1)) parts[1] = sum(whole * reshape(xhat, a.whole()), {0, 2});
    if (s.needs(2)) parts[2] = sum(whole, {0, 2});
    return parts;
}
std::array<Tensor, 3> fused_norm_pullback(const Tensor& g, const Saved& s, const Layout& a) {
    return norm_back(s.input(0), g, s.input(1), a, {s.output(1), s.output(2)}, {s.needs(0), s.needs(1), s.needs(2)});
}

/// group_norm; with one group per channel, instance_norm. The result is followed by the means and reciprocal standard
/// deviations.
struct GroupNorm {
    static constexpr const char* name = "group_norm";
    Int num_groups = 1;
    double eps = 0;
    XGRAD_ATTRIBUTES(num_groups, eps)
    static constexpr Saves saves{.inputs = 0b011, .outputs = 0b110};
    static constexpr int results = 1;

    std::array<Tensor, 3> value(const Tensor& x, const Tensor& weight, const Tensor& bias) const {
        Statistics stats;
        std::vector<double> variance;
        Tensor y = norm_values(x, weight, bias, layout(x.shape()), stats, variance);
        return {std::move(y), stats.mean, stats.rstd};
    }
    std::array<Tensor, 3> pullback(Tensor g, const Saved& s) const { return norm_pullback(g, s, layout(g.shape())); }
    std::array<Tensor, 3> fused_pullback(Tensor g, const Saved& s) const {
        return fused_norm_pullback(g, s, layout(g.shape()));
    }

private:
    Layout layout(const Shape& shape) const { return {shape, eps, std::max<Int>(1, shape[1] / num_groups)}; }
};

/// Uses the batch's own statistics. The result is followed by the means, the reciprocal standard deviations, and the
/// variances with divisor n - 1.
struct BatchNormTraining {
    static constexpr const char* name = "batch_norm";
    double eps = 0;
    XGRAD_ATTRIBUTES(eps)
    static constexpr Saves saves{.inputs = 0b011, .outputs = 0b0110};
    static constexpr int results = 1;

    std::array<Tensor, 4> value(const Tensor& x, const Tensor& weight, const Tensor& bias) const {
        const Layout a(x.shape(), eps);
        Statistics stats;
        std::vector<double> variance;
        Tensor y = norm_values(x, weight, bias, a, stats, variance), unbiased = zeros({a.channels}, x.dtype());
        if (x.size() == 0) return {std::move(y), stats.mean, stats.rstd, std::move(unbiased)};
        with_floating(x.dtype(), [&]<class T>(T) {
            for (Int c = 0; c < a.channels; ++c)
                elements<T>(unbiased)[c] =
                    static_cast<T>(variance[static_cast<std::size_t>(c)] * a.count() / (a.count() - 1));
        });
        return {std::move(y), stats.mean, stats.rstd, std::move(unbiased)};
    }
    std::array<Tensor, 3> pullback(Tensor g, const Saved& s) const {
        return norm_pullback(g, s, Layout(g.shape(), eps));
    }
    std::array<Tensor, 3> fused_pullback(Tensor g, const Saved& s) const {
        return fused_norm_pullback(g, s, Layout(g.shape(), eps));
    }
};

/// Uses the given statistics: linear in x, and differentiable in all five inputs.
struct BatchNormInference {
    static constexpr const char* name = "batch_norm_inference";
    double eps = 0;
    XGRAD_ATTRIBUTES(eps)
    static Saves saves(Needs recorded) {
        const bool products = recorded[2] || recorded[3], scale = recorded[0] || recorded[1] || recorded[2];
        return {.inputs = (products ? 0b0111u : 0u) | (scale ? 0b1100u : 0u)};
    }

    Tensor value(const Tensor& x, const Tensor& mean, const Tensor& variance, const Tensor& weight,
                 const Tensor& bias) const {
        const Layout a(x.shape(), eps);
        Tensor y = empty(x.shape(), x.dtype());
        if (x.size() == 0) return y;
        with_floating(x.dtype(), [&]<class T>(T) {
            std::vector<T> rstd(static_cast<std::size_t>(a.channels));
            for (Int c = 0; c < a.channels; ++c)
                rstd[static_cast<std::size_t>(c)] =
                    static_cast<T>(1 / std::sqrt(static_cast<double>(elements<T>(variance)[c]) + eps));
            scale_values(elements<T>(x), elements<T>(y), a, elements<T>(mean), rstd.data(), elements_or_null<T>(weight),
                         elements_or_null<T>(bias));
        });
        return y;
    }
    std::array<Tensor, 5> pullback(Tensor g, const Saved& s) const {
        const Layout a(g.shape(), eps);
        const Tensor &x = s.input(0), &mean = s.input(1), &variance = s.input(2), &weight = s.input(3);
        const Shape column{a.channels, 1};
        const Tensor rstd = variance.defined() ? 1 / sqrt(variance + eps) : Tensor();  // (channels)
        const Tensor scale = weight.defined() ? rstd * weight : rstd;
        const Tensor whole = reshape(g, a.whole());
        std::array<Tensor, 5> parts;
        if (s.needs(0)) parts[0] = reshape(whole * reshape(scale, column), g.shape());
        if (s.needs(1) || s.needs(4)) {
            const Tensor sums = sum(whole, {0, 2});
            if (s.needs(1)) parts[1] = -scale * sums;
            if (s.needs(4)) parts[4] = sums;
        }
        if (!s.needs(2) && !s.needs(3)) return parts;
        const Tensor products = sum(whole * (reshape(x, a.whole()) - reshape(mean, column)), {0, 2});
        if (s.needs(2)) parts[2] = products * scale * square(rstd) * -0.5;
        if (s.needs(3)) parts[3] = products * rstd;
        return parts;
    }
};

void check_channels(const char* name, const Operand& operand, int least_rank) {
    const Tensor& x = tensor_of(operand, name);
    check_floating(x, name, operand.where());
    check<ShapeError>(x.ndim() >= least_rank, operand.where(), [&] {
        return std::string(name) + ": the input must be (batch, channels" + (least_rank > 2 ? ", size, …)" : ", …)") +
               ", got shape " + to_string(x.shape());
    });
}

}  // namespace

Tensor group_norm(const Operand& x, std::int64_t num_groups, const Operand& weight, const Operand& bias,
                  const NormOptions& options) {
    check_channels("group_norm", x, 2);
    const Int channels = x.shape()[1];
    check<ShapeError>(num_groups > 0 && channels % num_groups == 0, x.where(), [&] {
        return "group_norm: the groups must divide the channels, got " + std::to_string(num_groups) +
               " groups for shape " + to_string(x.shape());
    });
    return apply(GroupNorm{num_groups, options.eps},
                 {x.tensor(), optional_of(weight, "group_norm", "weight", x, {channels}),
                  optional_of(bias, "group_norm", "bias", x, {channels})},
                 x.where())[0];
}

Tensor instance_norm(const Operand& x, const Operand& weight, const Operand& bias, const NormOptions& options) {
    check_channels("instance_norm", x, 3);
    const Int channels = x.shape()[1];
    return apply(GroupNorm{std::max<Int>(1, channels), options.eps},
                 {x.tensor(), optional_of(weight, "instance_norm", "weight", x, {channels}),
                  optional_of(bias, "instance_norm", "bias", x, {channels})},
                 x.where(), "instance_norm")[0];
}

BatchNormResult batch_norm(const Operand& x, const Operand& running_mean, const Operand& running_var,
                           const Operand& weight_operand, const Operand& bias_operand,
                           const BatchNormFuncOptions& options) {
    check_channels("batch_norm", x, 2);
    const Shape channels{x.shape()[1]};
    const Tensor mean = optional_of(running_mean, "batch_norm", "running_mean", x, channels),
                 variance = optional_of(running_var, "batch_norm", "running_var", x, channels),
                 weight = optional_of(weight_operand, "batch_norm", "weight", x, channels),
                 bias = optional_of(bias_operand, "batch_norm", "bias", x, channels);
    check<ValueError>(mean.defined() == variance.defined() && (options.training || mean.defined()), x.where(), [] {
        return std::string(
                   "batch_norm: running_mean and running_var must both be given, or neither in training, got ") +
               "an empty tensor";
    });
    if (!options.training) {
        const Tensor y =
            apply(BatchNormInference{options.eps}, {x.tensor(), mean, variance, weight, bias}, x.where(), "batch_norm");
        return {y, stop_gradient(mean), stop_gradient(variance)};
    }
    check<ValueError>(Layout(x.shape(), options.eps).count() > 1 || x.size() == 0, x.where(), [&] {
        return "batch_norm: training needs more than one value for each channel, got shape " + to_string(x.shape());
    });
    const auto [y, batch_mean, rstd, batch_variance] =
        apply(BatchNormTraining{options.eps}, {x.tensor(), weight, bias}, x.where());
    BatchNormResult result{y, stop_gradient(mean), stop_gradient(variance)};
    if (x.size() == 0) return result;
    const double m = options.momentum;
    result.running_mean = mean.defined() ? result.running_mean * (1 - m) + batch_mean * m : batch_mean;
    result.running_var = mean.defined() ? result.running_var * (1 - m) + batch_variance * m : batch_variance;
    return result;
}

}  // namespace xgrad
