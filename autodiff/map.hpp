#pragma once

#include <array>
#include <limits>
#include <tuple>
#include <type_traits>
#include <utility>

#include "core/apply.hpp"
#include "ops/elementwise/elementwise.hpp"
#include "ops/elementwise/map_inputs.hpp"
#include "ops/reduce/reduce.hpp"
#include "ops/shape/shape.hpp"
#include "rules/elementwise.hpp"
#include "simd/vec_special.hpp"
#include "transform/transforms.hpp"

// map(): a fused element-wise operation from one generic lambda. The loop over the elements is compiled in your
// translation unit, for the instruction set your compiler targets (use -march=native, or -mavx2 -mfma, for full speed).
// This is the only public header that includes xsimd.

namespace xgrad {

namespace kernels::XGRAD_ISA {

/// The argument type of map's function: a vector of elements and, if N > 0, their derivatives along N directions (dual
/// numbers). It supports the functions of ops/elementwise/elementwise.hpp, with the same values and derivatives: both
/// come from rules/elementwise.hpp.
template <class T, int N>
class Number {
public:
    using V = Vec<T>;
    V value;
    std::array<V, N> d;

    Number() = default;
    Number(const V& v) : value(v) { d.fill(V(0.0)); }
    Number(double number) : Number(V(number)) {}

    // Rules without a gradient produce constants.
    template <class Rule>
    static Number unary(const Rule& rule, const Number& a) {
        Number y(Bare{}, rule.value(a.value));
        for (int i = 0; i < N; ++i) {
            if constexpr (rules::differentiable<Rule>) y.d[i] = rule.pull(a.d[i], a.value, y.value);
            else y.d[i] = V(0.0);
        }
        return y;
    }
    template <class Rule>
    static Number binary(const Rule& rule, const Number& a, const Number& b) {
        Number y(Bare{}, rule.value(a.value, b.value));
        for (int i = 0; i < N; ++i) {
            if constexpr (rules::differentiable<Rule>)
                y.d[i] =
                    rule.pull_a(a.d[i], a.value, b.value, y.value) + rule.pull_b(b.d[i], a.value, b.value, y.value);
            else y.d[i] = V(0.0);
        }
        return y;
    }
    template <class Rule>
    static Number left(const Rule& rule, const Number& a, double number) {
        const V b(number);
        Number y(Bare{}, rule.value(a.value, b));
        for (int i = 0; i < N; ++i) {
            if constexpr (rules::differentiable<Rule>) y.d[i] = rule.pull_a(a.d[i], a.value, b, y.value);
            else y.d[i] = V(0.0);
        }
        return y;
    }
    template <class Rule>
    static Number right(const Rule& rule, double number, const Number& b) {
        const V a(number);
        Number y(Bare{}, rule.value(a, b.value));
        for (int i = 0; i < N; ++i) {
            if constexpr (rules::differentiable<Rule>) y.d[i] = rule.pull_b(b.d[i], a, b.value, y.value);
            else y.d[i] = V(0.0);
        }
        return y;
    }

    friend Number operator+(const Number& a, const Number& b) { return binary(rules::Add{}, a, b); }
    friend Number operator+(const Number& a, double b) { return left(rules::Add{}, a, b); }
    friend Number operator+(double a, const Number& b) { return right(rules::Add{}, a, b); }
    friend Number operator-(const Number& a, const Number& b) { return binary(rules::Subtract{}, a, b); }
    friend Number operator-(const Number& a, double b) { return left(rules::Subtract{}, a, b); }
    friend Number operator-(double a, const Number& b) { return right(rules::Subtract{}, a, b); }
    friend Number operator*(const Number& a, const Number& b) { return binary(rules::Multiply{}, a, b); }
    friend Number operator*(const Number& a, double b) { return left(rules::Multiply{}, a, b); }
    friend Number operator*(double a, const Number& b) { return right(rules::Multiply{}, a, b); }
    friend Number operator/(const Number& a, const Number& b) { return binary(rules::Divide{}, a, b); }
    friend Number operator/(const Number& a, double b) { return left(rules::Divide{}, a, b); }
    friend Number operator/(double a, const Number& b) { return right(rules::Divide{}, a, b); }
    friend Number operator-(const Number& a) { return unary(rules::Negative{}, a); }
    friend Number operator+(const Number& a) { return a; }
    Number& operator+=(const Number& b) { return *this = *this + b; }
    Number& operator-=(const Number& b) { return *this = *this - b; }
    Number& operator*=(const Number& b) { return *this = *this * b; }
    Number& operator/=(const Number& b) { return *this = *this / b; }

    friend Mask<T> operator<(const Number& a, const Number& b) { return a.value < b.value; }
    friend Mask<T> operator<=(const Number& a, const Number& b) { return a.value <= b.value; }
    friend Mask<T> operator>(const Number& a, const Number& b) { return a.value > b.value; }
    friend Mask<T> operator>=(const Number& a, const Number& b) { return a.value >= b.value; }
    friend Mask<T> operator==(const Number& a, const Number& b) { return a.value == b.value; }
    friend Mask<T> operator!=(const Number& a, const Number& b) { return a.value != b.value; }
    friend Number where(const Mask<T>& c, const Number& a, const Number& b) {
        Number y(Bare{}, where(c, a.value, b.value));
        for (int i = 0; i < N; ++i) y.d[i] = where(c, a.d[i], b.d[i]);
        return y;
    }

    // clang-format off
#define XGRAD_UNARY(function, Rule) friend Number function(const Number& x) { return unary(rules::Rule{}, x); }
#define XGRAD_UNARY_1(function, Rule, p, default_p) \
    friend Number function(const Number& x, double p default_p) { return unary(rules::Rule{p}, x); }
#define XGRAD_UNARY_2(function, Rule, p, default_p, q, default_q) \
    friend Number function(const Number& x, double p default_p, double q default_q) { return unary(rules::Rule{p, q}, x); }
#define XGRAD_BINARY(function, Rule, a, b) \
    friend Number function(const Number& a, const Number& b) { return binary(rules::Rule{}, a, b); } \
    friend Number function(const Number& a, double b) { return left(rules::Rule{}, a, b); } \
    friend Number function(double a, const Number& b) { return right(rules::Rule{}, a, b); }
#define XGRAD_RULE(Rule)
#include "rules/all.inc"
    // clang-format on

    // Functions that select one of several rules or take arguments in another order.
    friend Number gelu(const Number& a, Gelu form = Gelu::erf) {
        return form == Gelu::erf ? unary(rules::GeluErf{}, a) : unary(rules::GeluTanh{}, a);
    }
    friend Number polygamma(int n, const Number& a) { return n == 0 ? digamma(a) : unary(rules::Polygamma{n}, a); }
    friend Number nan_to_num(const Number& a, NanToNum options = {}) {
        const double largest = static_cast<double>(std::numeric_limits<T>::max());
        return unary(rules::NanToNum{options.nan, options.posinf.value_or(largest), options.neginf.value_or(-largest)},
                     a);
    }
    friend Number clip(const Number& x, double low, double high) { return unary(rules::Clip{low, high}, x); }
    friend Number prelu(const Number& a, const Number& weight) { return binary(rules::Prelu{}, a, weight); }
    friend Number pow(const Number& a, const Number& b) { return binary(rules::Pow{}, a, b); }
    friend Number pow(double a, const Number& b) { return right(rules::Pow{}, a, b); }
    friend Number pow(const Number& a, double b) {
        if (b == 2) return square(a);
        if (b == 1) return a;
        if (b == 0.5) return sqrt(a);
        if (b == -1) return reciprocal(a);
        return left(rules::Pow{}, a, b);
    }
    friend Number positive(const Number& a) { return a; }
    friend Number lerp(const Number& a, const Number& b, const Number& weight) { return a + weight * (b - a); }
    friend Number stop_gradient(const Number& a) { return Number(a.value); }

private:
    struct Bare {};
    Number(Bare, const V& v) : value(v) {}  // the derivatives are filled in afterwards
};

/// One result of f; a plain number becomes a constant.
template <class X, class R>
X result_as(const R& result) {
    if constexpr (std::is_convertible_v<const R&, X>) return X(result);
    else return scalar(static_cast<double>(result));
}
template <class R>
concept TupleOfResults = requires { std::tuple_size<R>::value; };
/// The results of f as an array.
template <class X, class R>
auto results_of(const R& result) {
    if constexpr (TupleOfResults<R>)
        return std::apply([](const auto&... each) { return std::array<X, sizeof...(each)>{result_as<X>(each)...}; },
                          result);
    else return std::array<X, 1>{result_as<X>(result)};
}

template <class X, class F, std::size_t... K>
auto call_on(const F& f, const X* x, std::index_sequence<K...>) {
    return results_of<X>(f(x[K]...));
}

/// The loop. in: N inputs; out: the results, then for D > 0 the slope of each result along each input, null if it is
/// not needed. D is N, or 1 if only the slopes along a single input are needed: the other inputs are then plain vectors
/// without derivatives.
template <class F, class T, int N, int D>
void map_loop(const void* function, std::int64_t n, const void* const* in, const std::uint8_t* step, void* const* out) {
    using X = Number<T, D>;
    constexpr std::int64_t w = width<T>;
    const F& f = *static_cast<const F*>(function);
    using Results = decltype(call_on(f, static_cast<const X*>(nullptr), std::make_index_sequence<N>{}));
    constexpr std::size_t results = std::tuple_size_v<Results>;
    [[maybe_unused]] std::size_t first = 0;  // the input of the first direction
    if constexpr (D > 0 && D < N)
        while (!out[results + first]) ++first;
    const auto body = [&](std::int64_t i, const auto& load_at, const auto& store_at) {
        X x[N];
        for (int k = 0; k < N; ++k) {
            const T* from = static_cast<const T*>(in[k]);
            x[k] = X(step[k] ? load_at(from + i) : Vec<T>(Batch<T>(*from)));
        }
        if constexpr (D == N)
            for (std::size_t k = 0; k < N; ++k) x[k].d[k] = Vec<T>(1.0);
        else if constexpr (D == 1) x[first].d[0] = Vec<T>(1.0);
        const auto y = call_on(f, x, std::make_index_sequence<N>{});
        for (std::size_t j = 0; j < y.size(); ++j) {
            store_at(static_cast<T*>(out[j]) + i, y[j].value);
            if constexpr (D > 0)
                for (std::size_t d = 0; d < static_cast<std::size_t>(D); ++d)
                    if (void* slope = out[results + j * N + first + d]) store_at(static_cast<T*>(slope) + i, y[j].d[d]);
        }
    };
    std::int64_t i = 0;
    for (; i + w <= n; i += w)
        body(i, [](const T* from) { return Vec<T>(load(from)); }, [](T* to, const Vec<T>& v) { store(to, v.v); });
    if (i < n)
        body(
            i, [&](const T* from) { return load_tail(from, n - i); },
            [&](T* to, const Vec<T>& v) { store_some(to, v.v, n - i); });
}

}  // namespace kernels::XGRAD_ISA

namespace detail {

template <class F, std::size_t N>
struct MapKernels {
    template <class T, int D>
    using Number = kernels::XGRAD_ISA::Number<T, D>;
    template <class T>
    using Results = decltype(kernels::XGRAD_ISA::call_on(
        std::declval<const F&>(), static_cast<const Number<T, 0>*>(nullptr), std::make_index_sequence<N>{}));
    static constexpr std::size_t results = std::tuple_size_v<Results<float>>;
    template <std::size_t... K>
    static auto result(std::index_sequence<K...>)
        -> decltype(std::declval<const F&>()((static_cast<void>(K), std::declval<const Number<float, 0>&>())...));
    static constexpr bool single = !kernels::XGRAD_ISA::TupleOfResults<decltype(result(std::make_index_sequence<N>{}))>;

    /// The loop that computes slopes along `slopes` of the inputs.
    static MapLoop loop(DType dtype, std::size_t slopes) {
        constexpr int n = static_cast<int>(N);
        using namespace kernels::XGRAD_ISA;
        if (slopes == 0) return dtype == DType::f32 ? map_loop<F, float, n, 0> : map_loop<F, double, n, 0>;
        if (slopes == 1) return dtype == DType::f32 ? map_loop<F, float, n, 1> : map_loop<F, double, n, 1>;
        return dtype == DType::f32 ? map_loop<F, float, n, n> : map_loop<F, double, n, n>;
    }
};

/// f on tensors, using the operations themselves: for derivatives of higher order.
template <class F, std::size_t... K>
auto compose(const F& f, std::span<const Tensor> xs, std::index_sequence<K...>) {
    return kernels::XGRAD_ISA::results_of<Tensor>(f(xs[K]...));
}

/// The results are followed, if needed, by their slopes along each input: dual numbers compute both in one pass.
template <class F, std::size_t N>
struct Map {
    static constexpr const char* name = "map";
    static constexpr bool takes_reduced = true;
    using Kernels = MapKernels<F, N>;
    static constexpr int results = static_cast<int>(Kernels::results);
    static_assert(results * (N + 1) <= 32, "xgrad: map: too many results");
    F f;

    static Saves saves(Needs) {
        // The inputs are needed for derivatives of higher order, which can only be requested while another tape is
        // open.
        return {.inputs = several_tapes_are_open() ? (1u << N) - 1 : 0u,
                .outputs = ((1u << results * N) - 1) << results};
    }
    std::array<Tensor, static_cast<std::size_t>(results) * (N + 1)> value(std::span<const Tensor> xs,
                                                                          Needs recorded) const {
        Shape shape = xs[0].shape();
        for (const Tensor& x : xs) shape = broadcast_shapes(shape, x.shape(), "map");
        const DType dtype = xs[0].dtype();
        std::array<Tensor, static_cast<std::size_t>(results) * (N + 1)> out;
        for (std::size_t j = 0; j < results; ++j) out[j] = empty(shape, dtype);
        std::size_t slopes = 0;
        for (std::size_t k = 0; k < N; ++k) {
            if (!recorded[k]) continue;
            ++slopes;
            for (std::size_t j = 0; j < results; ++j) out[results + j * N + k] = empty(shape, dtype);
        }
        run_map(Kernels::loop(dtype, slopes), &f, shape, dtype, xs, out);
        return out;
    }
    std::vector<Tensor> pullback(std::span<const Tensor> g, const Saved& s) const {
        if (!s.input().defined()) return fused_pullback(g, s);
        Shape shape = s.input().shape();
        for (std::size_t k = 0; k < N; ++k) shape = broadcast_shapes(shape, s.input(k).shape(), "map");
        Tape tape({.watch_parameters = false});
        std::vector<Tensor> watched, ys, cotangents;
        for (std::size_t k = 0; k < N; ++k)
            watched.push_back(tape.watch(broadcast_to(s.input(k), shape)));  // in the shape of the cotangents
        const auto all = compose(f, watched, std::make_index_sequence<N>{});
        for (std::size_t j = 0; j < results; ++j) {
            if (!tracked(all[j])) continue;  // a constant
            ys.push_back(all[j]);
            cotangents.push_back(broadcast_to(g[j], shape));
        }
        if (ys.empty()) return std::vector<Tensor>(N);
        return tape.gradient(ys, watched, {.cotangents = cotangents});
    }
    std::vector<Tensor> fused_pullback(std::span<const Tensor> g, const Saved& s) const {
        std::vector<Tensor> parts(N);
        for (std::size_t k = 0; k < N; ++k) {
            if (!s.needs(k)) continue;
            for (std::size_t j = 0; j < results; ++j) {
                const Tensor part = g[j] * s.output(results + j * N + k);
                parts[k] = parts[k].defined() ? parts[k] + part : part;
            }
        }
        return parts;
    }
};

template <class F, std::size_t N>
auto map_operands(const F& f, const std::array<const Operand*, N>& operands) {
    using Kernels = MapKernels<F, N>;
    const MapInputs in{std::span<const Operand* const>(operands)};
    auto out = apply(Map<F, N>{f}, in.span(), in.where);
    if constexpr (Kernels::single) return std::move(out[0]);
    else {
        std::array<Tensor, Kernels::results> ys;
        for (std::size_t j = 0; j < ys.size(); ++j) ys[j] = std::move(out[j]);
        return ys;
    }
}

}  // namespace detail

/// f applied to every element of one to six tensors (or numbers) that broadcast: one pass over memory forward and one
/// backward, whatever f computes.
///
///     Tensor swish = map([](auto x) { return x / (1.0 + exp(-x)); }, x);
///     auto [s, c] = map([](auto r, auto a) { return std::array{r * sin(a), r * cos(a)}; }, radius, angle);
///
/// f is a generic function of arithmetic, of the functions of ops/elementwise/elementwise.hpp (exp, tanh, maximum, pow
/// …) and of `where(a < b, …, …)`; it must not branch on elements. It is called with vectors of elements, with dual
/// numbers, which yield the exact derivative in the forward pass, and, for derivatives of order two and above, with
/// tensors. It returns one number, or a std::array, pair or tuple of numbers, in which case map returns a std::array of
/// tensors. Its captures are copied and must stay valid as long as the tape. Conventions at kinks are those of the
/// functions it calls. All tensors must be f32 or all f64 (DTypeError); ShapeError unless they broadcast.
template <class F>
auto map(const F& f, const Operand& a) {
    return detail::map_operands<F, 1>(f, {&a});
}
template <class F>
auto map(const F& f, const Operand& a, const Operand& b) {
    return detail::map_operands<F, 2>(f, {&a, &b});
}
template <class F>
auto map(const F& f, const Operand& a, const Operand& b, const Operand& c) {
    return detail::map_operands<F, 3>(f, {&a, &b, &c});
}
template <class F>
auto map(const F& f, const Operand& a, const Operand& b, const Operand& c, const Operand& d) {
    return detail::map_operands<F, 4>(f, {&a, &b, &c, &d});
}
template <class F>
auto map(const F& f, const Operand& a, const Operand& b, const Operand& c, const Operand& d, const Operand& e) {
    return detail::map_operands<F, 5>(f, {&a, &b, &c, &d, &e});
}
template <class F>
auto map(const F& f, const Operand& a, const Operand& b, const Operand& c, const Operand& d, const Operand& e,
         const Operand& g) {
    return detail::map_operands<F, 6>(f, {&a, &b, &c, &d, &e, &g});
}

}  // namespace xgrad
