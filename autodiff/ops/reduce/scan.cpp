#include "scan.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "autodiff/core/apply.hpp"
#include "autodiff/core/detail/axes.hpp"
#include "autodiff/core/detail/dispatch.hpp"
#include "autodiff/core/detail/parallel.hpp"
#include "autodiff/ops/elementwise/elementwise.hpp"
#include "autodiff/ops/shape/index.hpp"
#include "autodiff/ops/shape/shape.hpp"
#include "detail/reduction.hpp"
#include "reduce.hpp"

namespace xgrad {

using namespace detail;

namespace {

/// Runs over every line of a layout, from its start or its end: calls step(state, place) once for each element, in
/// order. Each line has its own state, initially `start`. Four lines are processed at a time, so that their additions
/// overlap.
template <class State, class Step>
void scan(const AxisSplit& a, bool reverse, const State& start, const Step& step) {
    const Int work = a.outer * a.n * a.inner, first = reverse ? a.n - 1 : 0, by = reverse ? -1 : 1;
    if (work == 0) return;
    if (a.inner == 1) {
        const auto lines = [&]<std::size_t... r>(std::index_sequence<r...>, Int line) {
            std::array<State, sizeof...(r)> state{(static_cast<void>(r), start)...};
            for (Int k = 0, i = line * a.n + first; k < a.n; ++k, i += by)
                (step(state[r], i + static_cast<Int>(r) * a.n), ...);
        };
        parallel_for(a.outer, work, [&](Int begin, Int end) {
            Int line = begin;
            for (; line + 4 <= end; line += 4) lines(std::make_index_sequence<4>{}, line);
            for (; line < end; ++line) lines(std::make_index_sequence<1>{}, line);
        });
        return;
    }
    constexpr Int strip = 256;
    const Int strips = (a.inner + strip - 1) / strip;
    parallel_for(a.outer * strips, work, [&](Int begin, Int end) {
        std::array<State, strip> state;
        for (Int s = begin; s < end; ++s) {
            const Int from = s % strips * strip, count = std::min(strip, a.inner - from);
            state.fill(start);
            for (Int k = 0, i = s / strips * a.n + first; k < a.n; ++k, i += by)
                for (Int c = 0; c < count; ++c) step(state[static_cast<std::size_t>(c)], i * a.inner + from + c);
        }
    });
}

/// The sum of a few long lines: each is processed in four parallel pieces, once for their totals and once for the
/// result.
template <class T, class Out, class Sum>
void sum_long_lines(const T* x, Out* y, const AxisSplit& a, bool reverse) {
    const Int piece = a.n / 4, by = reverse ? -1 : 1;
    for (Int o = 0; o < a.outer; ++o) {
        const Int first = o * a.n + (reverse ? a.n - 1 : 0);
        Sum state[4] = {};
        for (Int k = 0; k < piece; ++k)
            for (int r = 0; r < 3; ++r) state[r + 1] += static_cast<Sum>(x[first + by * (r * piece + k)]);
        state[2] += state[1];
        state[3] += state[2];
        for (Int k = 0; k < piece; ++k)
            for (int r = 0; r < 4; ++r) {
                const Int i = first + by * (r * piece + k);
                y[i] = static_cast<Out>(state[r] += static_cast<Sum>(x[i]));
            }
        for (Int k = 4 * piece; k < a.n; ++k) {
            const Int i = first + by * k;
            y[i] = static_cast<Out>(state[3] += static_cast<Sum>(x[i]));
        }
    }
}

/// The type of sums and products: integers are accumulated in i64, as in NumPy.
DType collected(DType dtype) { return is_floating(dtype) ? dtype : DType::i64; }

/// Calls f(input pointer, output pointer, accumulator): the accumulator is double, or u64, which wraps around like
/// NumPy's i64.
template <class F>
Tensor collect(const Tensor& x, const F& f) {
    Tensor y = empty(x.shape(), collected(x.dtype()));
    with_any(x.dtype(), [&]<class T>(T) {
        if constexpr (std::is_floating_point_v<T>) f(elements<T>(x), elements<T>(y), double{});
        else f(elements<T>(x), elements<std::uint64_t>(y), std::uint64_t{});
    });
    return y;
}

Tensor cumsum_values(const Tensor& x, int axis, bool reverse) {
    const AxisSplit a = along(x.shape(), axis);
    return collect(x, [&]<class T, class Out, class Sum>(const T* from, Out* to, Sum) {
        if (a.inner == 1 && a.outer < 4 && a.n >= 1024) return sum_long_lines<T, Out, Sum>(from, to, a, reverse);
        scan(a, reverse, Sum{0}, [=](Sum& sum, Int i) { to[i] = static_cast<Out>(sum += static_cast<Sum>(from[i])); });
    });
}

/// The transpose sums from the other end.
struct Cumsum {
    static constexpr const char* name = "cumsum";
    int axis = 0;
    bool reverse = false;
    XGRAD_ATTRIBUTES(axis, reverse)

    Tensor value(const Tensor& x) const { return cumsum_values(x, axis, reverse); }
    Tensor pullback(Tensor g) const { return apply(Cumsum{axis, !reverse}, {g}, Location{}); }
};

/// t shifted by one position along the axis, towards its end or its start; the gap is filled with `fill`.
Tensor shifted(const Tensor& t, int axis, bool towards_end, double fill) {
    if (t.ndim() == 0 || t.size() == 0) return full_like(stop_gradient(t), fill);
    Shape one = t.shape();
    const Int n = one[axis];
    one[axis] = 1;
    const Tensor gap = full(one, fill, t.dtype());
    return towards_end ? concat({gap, slice(t, axis, 0, n - 1)}, axis) : concat({slice(t, axis, 1, n), gap}, axis);
}

/// s[i] = a[i] * s[i-1] + b[i], from the start or from the end. Its transpose is a recurrence of the same kind in the
/// other direction.
struct Recurrence {
    static constexpr const char* name = "recurrence";
    int axis = 0;
    bool reverse = false;
    XGRAD_ATTRIBUTES(axis, reverse)
    static Saves saves(Needs recorded) { return {.inputs = 0b01, .outputs = recorded[0] ? 1u : 0u}; }

    Tensor value(const Tensor& factor, const Tensor& term) const {
        Tensor s = empty(term.shape(), term.dtype());
        with_floating(term.dtype(), [&]<class T>(T) {
            const T *f = elements<T>(factor), *t = elements<T>(term);
            T* to = elements<T>(s);
            struct State {
                double value = 0;
                bool started = false;  // the first factor has no effect, even if it is NaN
            };
            scan(along(term.shape(), axis), reverse, State{}, [=](State& state, Int i) {
                const double before = state.started ? static_cast<double>(f[i]) * state.value : 0;
                state = {before + static_cast<double>(t[i]), true};
                to[i] = static_cast<T>(state.value);
            });
        });
        return s;
    }
    std::array<Tensor, 2> pullback(Tensor g, const Saved& s) const {
        const Tensor back = apply(Recurrence{axis, !reverse}, {shifted(s.input(0), axis, reverse, 0), g}, Location{});
        return {s.needs(0) ? back * shifted(s.output(), axis, !reverse, 0) : Tensor(), s.needs(1) ? back : Tensor()};
    }
};

Tensor recurrence(const Tensor& a, const Tensor& b, int axis, bool reverse) {
    return apply(Recurrence{axis, reverse}, {a, b}, Location{});
}

/// dx[k] = (product of all before k) * (g[k] + x[k+1] (g[k+1] + x[k+2] (…))): there is no division, so zeros are safe.
struct Cumprod {
    static constexpr const char* name = "cumprod";
    int axis = 0;
    XGRAD_ATTRIBUTES(axis)
    static constexpr Saves saves{.inputs = 1, .outputs = 1};

    Tensor value(const Tensor& x) const {
        return collect(x, [&]<class T, class Out, class Product>(const T* from, Out* to, Product) {
            scan(along(x.shape(), axis), false, Product{1},
                 [=](Product& p, Int i) { to[i] = static_cast<Out>(p *= static_cast<Product>(from[i])); });
        });
    }
    Tensor pullback(Tensor g, const Saved& s) const {
        const Tensor& x = s.input();
        return product_of(shifted(s.output(), axis, true, 1), recurrence(shifted(x, axis, false, 0), g, axis, true),
                          all_finite(x, g));
    }
    Tensor fused_pullback(Tensor g, const Saved& s) const {
        const Tensor& x = s.input();
        const bool finite = all_finite(x, g);
        Tensor dx = empty(x.shape(), x.dtype());
        const AxisSplit a = along(x.shape(), axis);
        with_floating(x.dtype(), [&]<class T>(T) {
            const T *in = elements<T>(x), *cotangent = elements<T>(g);
            T* to = elements<T>(dx);
            struct State {
                double sum = 0, factor = 0;
            };
            scan(a, true, State{}, [=](State& state, Int i) {
                state = {static_cast<double>(cotangent[i]) + state.factor * state.sum, static_cast<double>(in[i])};
                to[i] = static_cast<T>(state.sum);
            });
            scan(a, false, 1.0, [=](double& p, Int i) {
                const double slope = p * static_cast<double>(to[i]);
                to[i] = finite && slope != slope ? T(0) : static_cast<T>(slope);  // underflow times overflow
                p *= static_cast<double>(in[i]);
            });
        });
        return dx;
    }

private:
    static bool all_finite(const Tensor& x, const Tensor& g) {
        return all(isfinite(x)).item<bool>() && all(isfinite(g)).item<bool>();
    }
};

template <bool largest, class T>
bool replaces(T value, T best) {
    if constexpr (std::is_floating_point_v<T>) {
        if (value != value) return true;
        if (best != best) return false;
    }
    return largest ? value >= best : value <= best;
}

/// The position of the largest or smallest element so far; of equal elements the last one.
template <bool largest>
struct RunningPosition {
    static constexpr const char* name = largest ? "cummax_indices" : "cummin_indices";
    int axis = 0;
    XGRAD_ATTRIBUTES(axis)

    Tensor value(const Tensor& x) const {
        Tensor indices = empty(x.shape(), DType::i64);
        with_any(x.dtype(), [&]<class T>(T) {
            const T* from = elements<T>(x);
            Int* to = elements<Int>(indices);
            struct State {
                T best = 0;
                Int place = -1, next = 0;
            };
            scan(along(x.shape(), axis), false, State{}, [=](State& s, Int i) {
                if (s.place < 0 || replaces<largest>(from[i], s.best)) s.best = from[i], s.place = s.next;
                ++s.next;
                to[i] = s.place;
            });
        });
        return indices;
    }
};

template <bool largest>
RunningExtreme running_extreme(const char* name, const Operand& operand, int axis) {
    const Tensor& x = tensor_of(operand, name);
    const Location where = operand.where();
    check<DTypeError>(x.dtype() != DType::boolean, where,
                      [&] { return std::string(name) + ": the elements must be numbers, got bool"; });
    axis = normalise_axis(axis, x.ndim() == 0 ? 1 : x.ndim(), name, where);
    const Tensor indices = apply(RunningPosition<largest>{axis}, {x}, where, name);
    if (x.ndim() == 0) return {x, indices};
    return {take_along_axis({x, where}, indices, axis), indices};
}

struct LogCumsumExp {
    static constexpr const char* name = "logcumsumexp";
    int axis = 0;
    XGRAD_ATTRIBUTES(axis)
    static constexpr Saves saves{.inputs = 1};

    Tensor value(const Tensor& x) const {
        Tensor y = empty(x.shape(), x.dtype());
        with_floating(x.dtype(), [&]<class T>(T) {
            const T* from = elements<T>(x);
            T* to = elements<T>(y);
            struct State {  // the sum so far is exp(largest) * sum
                double largest = -std::numeric_limits<double>::infinity(), sum = 0;
            };
            scan(along(x.shape(), axis), false, State{}, [=](State& s, Int i) {
                const double value = static_cast<double>(from[i]), difference = value - s.largest;
                if (difference <= 0) s.sum += std::exp(difference);
                else if (value != -std::numeric_limits<double>::infinity()) {  // inf, NaN and the elements after them
                                                                               // also take this branch
                    s.sum = value == s.largest ? s.sum : s.sum * std::exp(-difference) + 1;
                    s.largest = value;
                }
                to[i] = static_cast<T>(s.sum == 0 ? s.largest : s.largest + std::log(s.sum));
            });
        });
        return y;
    }
    /// dx[j] = sum over i >= j of g[i] exp(x[j]) / (exp(x[0]) + … + exp(x[i])), everything in units of the largest
    /// element so far.
    Tensor pullback(Tensor g, const Saved& saved) const {
        const Tensor& x = saved.input();
        const Tensor running = stop_gradient(cummax(stop_gradient(x), axis).values);
        constexpr double inf = std::numeric_limits<double>::infinity();
        const Tensor largest = where(equal(running, -inf), 0, running), before = shifted(largest, axis, true, 0);
        const Tensor step = where(equal(before, largest), 0, before - largest), decay = exp(where(step > 0, 0, step));
        // If the largest is inf, the elements that are inf share the gradient.
        const Tensor top = equal(largest, inf),
                     seen = where(top, where(equal(stop_gradient(x), inf), zeros_like(x), -inf), x);
        const Tensor e = exp(seen - where(top, 0, largest)), s = recurrence(decay, e, axis, false),
                     sum = where(equal(s, 0), 1, s);
        // The weight of a later cotangent one position earlier: exp(y[i-1] - y[i]).
        const Tensor worth = decay * shifted(s, axis, true, 0) / sum;
        return e / sum * recurrence(shifted(worth, axis, false, 0), g, axis, true);
    }
};

int axis_of(const Tensor& x, int axis, const char* name, Location where) {
    return normalise_axis(axis, x.ndim() == 0 ? 1 : x.ndim(), name, where);
}

}  // namespace

Tensor cumsum(const Operand& operand, int axis) {
    const Tensor& x = tensor_of(operand, "cumsum");
    return apply(Cumsum{axis_of(x, axis, "cumsum", operand.where())}, {x}, operand.where());
}
Tensor cumsum(const Operand& operand) {
    const Tensor flat = ravel({tensor_of(operand, "cumsum"), operand.where()});
    return cumsum({flat, operand.where()}, 0);
}

Tensor cumprod(const Operand& operand, int axis) {
    const Tensor& x = tensor_of(operand, "cumprod");
    return apply(Cumprod{axis_of(x, axis, "cumprod", operand.where())}, {x}, operand.where());
}
Tensor cumprod(const Operand& operand) {
    const Tensor flat = ravel({tensor_of(operand, "cumprod"), operand.where()});
    return cumprod({flat, operand.where()}, 0);
}

RunningExtreme cummax(const Operand& x, int axis) { return running_extreme<true>("cummax", x, axis); }
RunningExtreme cummin(const Operand& x, int axis) { return running_extreme<false>("cummin", x, axis); }

Tensor logcumsumexp(const Operand& operand, int axis) {
    const Tensor& x = tensor_of(operand, "logcumsumexp");
    check_floating(x, "logcumsumexp", operand.where());
    return apply(LogCumsumExp{axis_of(x, axis, "logcumsumexp", operand.where())}, {x}, operand.where());
}

}  // namespace xgrad
