#include <cmath>
#include <cstring>
#include <optional>
#include <string>

#include "autodiff/core/apply.hpp"
#include "autodiff/core/detail/composition.hpp"
#include "autodiff/core/detail/dispatch.hpp"
#include "autodiff/core/detail/parallel.hpp"
#include "autodiff/ops/elementwise/elementwise.hpp"
#include "autodiff/ops/reduce/detail/reduction.hpp"
#include "detail/pooling.hpp"
#include "pool.hpp"

// Means of windows, and pooling based on them.

namespace xgrad {

using namespace detail;

namespace {

/// From this length on, a sum is worth a kernel call.
constexpr Int long_stretch = 16;

/// Sums of windows, each multiplied by a factor.
struct Averaging : Pooling {
    bool count_include_pad = true;
    std::optional<double> divisor_override = {};

    /// 1 / the divisor of a window's sum.
    double factor(const Windows& w, std::size_t z, std::size_t y, std::size_t x) const {
        if (divisor_override) return 1 / *divisor_override;
        const AxisWindows &az = w.axis[0], &ay = w.axis[1], &ax = w.axis[2];
        if (count_include_pad) return 1 / (az.whole[z] * ay.whole[y] * ax.whole[x]);
        return 1 / static_cast<double>(az.count[z] * ay.count[y] * ax.count[x]);
    }
    /// Calls f(window, factor, z, y, x) for all windows of a plane.
    template <class F>
    void for_windows(const Windows& w, const F& f) const {
        Int window = 0;
        for (std::size_t z = 0; z < w.axis[0].first.size(); ++z)
            for (std::size_t y = 0; y < w.axis[1].first.size(); ++y)
                for (std::size_t x = 0; x < w.axis[2].first.size(); ++x) f(window++, factor(w, z, y, x), z, y, x);
    }
};
/// Calls f(place, count, step) for each run of elements in a window: its rows, or all rows at once if they are
/// contiguous.
template <class F>
void for_stretches(const Windows& w, std::size_t z, std::size_t y, std::size_t x, const F& f) {
    const AxisWindows &az = w.axis[0], &ay = w.axis[1], &ax = w.axis[2];
    const bool joined = ax.count[x] == ax.size && ax.step == 1 && ay.step == 1;
    for (Int k = 0; k < az.count[z]; ++k) {
        const Int plane = ((az.first[z] + k * az.step) * ay.size + ay.first[y]) * ax.size + ax.first[x];
        if (joined) f(plane, ay.count[y] * ax.size, Int{1});
        else
            for (Int j = 0; j < ay.count[y]; ++j) f(plane + j * ay.step * ax.size, ax.count[x], ax.step);
    }
}

struct AvgPooling : Averaging {
    static constexpr const char* name = "avg_pool";
    XGRAD_ATTRIBUTES(kernel_size, stride, padding, ceil_mode, output_size, count_include_pad, divisor_override)

    Tensor value(const Tensor& x) const {
        const SharedWindows shared = windows(x.shape());
        const Windows& w = *shared;
        Tensor y = empty(w.out, x.dtype());
        with_floating(x.dtype(), [&]<class T>(T) {
            const T* from = elements<T>(x);
            T* to = elements<T>(y);
            parallel_for(w.planes, w.work() * 4, [&](Int begin, Int end) {
                for (Int p = begin; p < end; ++p)
                    for_windows(w, [&](Int window, double factor, std::size_t z, std::size_t r, std::size_t c) {
                        double sum = 0;
                        for_stretches(w, z, r, c, [&](Int at, Int count, Int step) {
                            const T* const run = from + p * w.size() + at;
                            if (step == 1 && count >= long_stretch) sum += reduce_kernels<T>().sum_all(run, count);
                            else
                                for (Int i = 0; i < count; ++i) sum += static_cast<double>(run[i * step]);
                        });
                        to[p * w.results() + window] = static_cast<T>(sum * factor);
                    });
            });
        });
        return y;
    }
    Tensor pullback(Tensor g, const Saved& s) const;
};

/// The transpose of AvgPooling.
struct AvgPoolGradient : Averaging {
    static constexpr const char* name = "avg_pool_gradient";
    Shape shape;
    XGRAD_ATTRIBUTES(kernel_size, stride, padding, ceil_mode, output_size, count_include_pad, divisor_override, shape)

    Tensor value(const Tensor& g) const {
        const SharedWindows shared = windows(shape);
        const Windows& w = *shared;
        Tensor x = empty(shape, g.dtype());
        with_floating(g.dtype(), [&]<class T>(T) {
            const T* from = elements<T>(g);
            T* to = elements<T>(x);
            parallel_for(w.planes, w.work() * 4, [&](Int begin, Int end) {
                std::memset(to + begin * w.size(), 0, static_cast<std::size_t>((end - begin) * w.size()) * sizeof(T));
                for (Int p = begin; p < end; ++p)
                    for_windows(w, [&](Int window, double factor, std::size_t z, std::size_t r, std::size_t c) {
                        const T share = static_cast<T>(static_cast<double>(from[p * w.results() + window]) * factor);
                        for_stretches(w, z, r, c, [&](Int at, Int count, Int step) {
                            T* const run = to + p * w.size() + at;
                            for (Int i = 0; i < count; ++i) run[i * step] += share;
                        });
                    });
            });
        });
        return x;
    }
    Tensor pullback(Tensor g) const { return apply(AvgPooling{*this}, {g}, Location{}); }
};

Tensor AvgPooling::pullback(Tensor g, const Saved& s) const {
    return apply(AvgPoolGradient{*this, s.shape()}, {g}, Location{});
}

Tensor avg_pool(const char* name, int axes, const Operand& x, const PerAxis& kernel, const AvgPoolOptions& o) {
    const Pooling pooling = moving_windows(name, axes, x, kernel, o.stride, o.padding, 1, o.ceil_mode);
    check<ValueError>(!o.divisor_override || *o.divisor_override != 0, x.where(),
                      [&] { return std::string(name) + ": divisor_override must not be 0, got 0"; });
    return apply(AvgPooling{{pooling, o.count_include_pad, o.divisor_override}}, {x.tensor()}, x.where(), name);
}

Tensor lp_pool(const char* name, int axes, const Operand& x, double p, const PerAxis& kernel, const LpPoolOptions& o) {
    const Pooling pooling = moving_windows(name, axes, x, kernel, o.stride, 0, 1, o.ceil_mode);
    check<ValueError>(p > 0, x.where(),
                      [&] { return std::string(name) + ": p must be positive, got " + PlainNumber(p).text(); });
    const auto sums = [&](const Tensor& of) { return apply(AvgPooling{{pooling, true, 1}}, {of}, x.where(), name); };
    if (p == 1) return sums(x.tensor());
    const Tensor sum = sums(pow(x.without_reuse(), p)), nothing = equal(sum, 0);
    return where(nothing, 0, pow({where(nothing, 1, sum), x.where()}, 1 / p));
}

Tensor adaptive_avg_pool(const char* name, int axes, const Operand& x, const PerAxis& output) {
    const Pooling pooling = adaptive_windows(name, axes, x, output);
    return apply(AvgPooling{{pooling}}, {x.tensor()}, x.where(), name);
}

}  // namespace

Tensor avg_pool1d(const Operand& x, const PerAxis& kernel, const AvgPoolOptions& options) {
    return avg_pool("avg_pool1d", 1, x, kernel, options);
}
Tensor avg_pool2d(const Operand& x, const PerAxis& kernel, const AvgPoolOptions& options) {
    return avg_pool("avg_pool2d", 2, x, kernel, options);
}
Tensor avg_pool3d(const Operand& x, const PerAxis& kernel, const AvgPoolOptions& options) {
    return avg_pool("avg_pool3d", 3, x, kernel, options);
}

Tensor lp_pool1d(const Operand& x, double p, const PerAxis& kernel, const LpPoolOptions& options) {
    return composed("lp_pool1d", x.where(), [&]() -> Tensor {
        if (std::isinf(p) && p > 0)
            return max_pool1d(x, kernel, {.stride = options.stride, .ceil_mode = options.ceil_mode});
        return lp_pool("lp_pool1d", 1, x, p, kernel, options);
    });
}
Tensor lp_pool2d(const Operand& x, double p, const PerAxis& kernel, const LpPoolOptions& options) {
    return composed("lp_pool2d", x.where(), [&]() -> Tensor {
        if (std::isinf(p) && p > 0)
            return max_pool2d(x, kernel, {.stride = options.stride, .ceil_mode = options.ceil_mode});
        return lp_pool("lp_pool2d", 2, x, p, kernel, options);
    });
}
Tensor lp_pool3d(const Operand& x, double p, const PerAxis& kernel, const LpPoolOptions& options) {
    return composed("lp_pool3d", x.where(), [&]() -> Tensor {
        if (std::isinf(p) && p > 0)
            return max_pool3d(x, kernel, {.stride = options.stride, .ceil_mode = options.ceil_mode});
        return lp_pool("lp_pool3d", 3, x, p, kernel, options);
    });
}

Tensor adaptive_avg_pool1d(const Operand& x, const PerAxis& output) {
    return adaptive_avg_pool("adaptive_avg_pool1d", 1, x, output);
}
Tensor adaptive_avg_pool2d(const Operand& x, const PerAxis& output) {
    return adaptive_avg_pool("adaptive_avg_pool2d", 2, x, output);
}
Tensor adaptive_avg_pool3d(const Operand& x, const PerAxis& output) {
    return adaptive_avg_pool("adaptive_avg_pool3d", 3, x, output);
}

}  // namespace xgrad
