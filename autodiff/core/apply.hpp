#pragma once

#include <concepts>
#include <initializer_list>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "operation.hpp"
#include "recording.hpp"
#include "tape.hpp"
#include "tensor.hpp"

// apply(): runs an operation and records it. Every operation, built-in or user-defined, goes through it.

namespace xgrad {
namespace detail {

template <class F, class I>
inline constexpr bool callable_with = false;
template <class F, std::size_t... I>
inline constexpr bool callable_with<F, std::index_sequence<I...>> = std::invocable<const F&, AnInput<I>...>;

[[noreturn]] XGRAD_API void throw_wrong_number_of_inputs(const char* name, std::size_t got);

/// Calls f(inputs), f(a), f(a, b), … with up to six tensors, or f(): whichever f accepts.
template <class F, std::size_t N = 1>
auto call(const F& f, [[maybe_unused]] const char* name, std::span<const Tensor> inputs) {
    if constexpr (N == 1 && std::invocable<const F&, const Tensors&>) return f(Tensors(inputs.begin(), inputs.end()));
    else if constexpr (N == 1 && std::invocable<const F&, std::span<const Tensor>>) return f(inputs);
    else if constexpr (callable_with<F, std::make_index_sequence<N>>) {
        if (inputs.size() != N) throw_wrong_number_of_inputs(name, inputs.size());
        return call_indexed(std::make_index_sequence<N>{}, [&](auto... i) { return f(inputs[i]...); });
    } else if constexpr (N < 6) return call<F, N + 1>(f, name, inputs);
    else {
        static_assert(std::invocable<const F&>,
                      "xgrad: a function of tensors takes (const Tensor&...), (const std::vector<Tensor>&) or nothing");
        return f();
    }
}

/// An operation made of two functions supplied by the user. It can be run again unless its forward function takes no
/// inputs, but it cannot be looked up by name.
template <class F, class P, bool several>
struct Custom {
    static constexpr const char* name = "apply";
    static constexpr bool runs_once = std::invocable<const F&>;  // it then holds references to its caller's variables
    F forward;
    mutable P back;

    static constexpr bool reads_output =
        several ? std::invocable<P&, std::span<const Tensor>, std::span<const Tensor>, Needs>
                : std::invocable<P&, Tensor, const Tensor&> || std::invocable<P&, Tensor, const Tensor&, Needs>;
    static constexpr Saves saves{.outputs = reads_output ? (several ? ~std::uint32_t{0} : 1u) : 0u};

    auto value(std::span<const Tensor> inputs) const {
        if constexpr (several) {
            auto results = call(forward, name, inputs);
            std::vector<Tensor> outputs;
            for (auto& y : results) outputs.push_back(y);
            return outputs;
        } else {
            return Tensor(call(forward, name, inputs));
        }
    }
    auto pullback(Tensor g, const Saved& s) const
        requires(!several)
    {
        if constexpr (std::invocable<P&, Tensor, const Tensor&, Needs>)
            return back(std::move(g), s.output(), s.all_needs());
        else if constexpr (std::invocable<P&, Tensor, const Tensor&>) return back(std::move(g), s.output());
        else if constexpr (std::invocable<P&, Tensor, Needs>) return back(std::move(g), s.all_needs());
        else return back(std::move(g));
    }
    auto pullback(std::span<const Tensor> g, const Saved& s) const
        requires several
    {
        if constexpr (reads_output) return back(g, s.all_outputs(), s.all_needs());
        else return back(g, s.all_needs());
    }
};

XGRAD_API bool any_tracked(std::span<const Tensor> inputs);

}  // namespace detail

/// Runs an operation and records it; returns its results in the form in which `value` returns them. `label` is the name
/// shown in errors and graphs, by default the operation's own.
template <class Op, std::size_t N>
    requires Operation<std::remove_cvref_t<Op>>
auto apply(Op&& op, const detail::Inputs::Ref (&inputs)[N], Location where = Location::current(),
           const char* label = std::remove_cvref_t<Op>::name) {
    return detail::named(label, where, [&] {
        const detail::Inputs list(std::span<const detail::Inputs::Ref>(inputs),
                                  detail::has_pullback<std::remove_cvref_t<Op>>());
        return detail::run_and_record(std::forward<Op>(op), list, where, label, [&](Needs recorded) {
            static_assert(detail::input_count<std::remove_cvref_t<Op>>() == N,
                          "xgrad: the operation's value takes another number of inputs");
            return detail::value_of(op, list, recorded);
        });
    });
}
/// The same for any number of inputs: for an operation whose value takes a span.
template <class Op>
    requires Operation<std::remove_cvref_t<Op>>
auto apply(Op&& op, std::span<const Tensor> inputs, Location where = Location::current(),
           const char* label = std::remove_cvref_t<Op>::name) {
    return detail::named(label, where, [&] {
        const detail::Inputs list(inputs, detail::has_pullback<std::remove_cvref_t<Op>>());
        return detail::run_and_record(std::forward<Op>(op), list, where, label,
                                      [&](Needs recorded) { return detail::value_of_list(op, inputs, recorded); });
    });
}

/// Runs `forward` and records it as one operation.
///
/// forward: `(const Tensor& a, const Tensor& b, …)`, `(std::span<const Tensor>)` or `()`; returns the value. Nothing
/// inside it is recorded. pullback: `(Tensor g)` or `(Tensor g, const Tensor& y)`, each optionally followed by `Needs`;
/// receives the cotangent g of the output y and returns one cotangent per input: a Tensor for one input, else an array
/// or vector. An empty Tensor means "no dependence". A cotangent may have the broadcast shape; the sweep sums it back
/// to the input's shape. The tape keeps whatever the pullback captures. A pullback written with xgrad operations can
/// itself be differentiated, to any order.
template <class Forward, class Pullback>
Tensor apply(const char* name, const TensorList& inputs, Forward&& forward, Pullback&& pullback,
             Location where = Location::current()) {
    using Op = detail::Custom<std::decay_t<Forward>, std::decay_t<Pullback>, false>;
    return apply(Op{std::forward<Forward>(forward), std::forward<Pullback>(pullback)}, inputs.span(), where, name);
}

/// The same for an operation with several outputs: forward returns a vector or array of tensors; pullback takes
/// `(std::span<const Tensor> cotangents, Needs)`, with one cotangent per output, zeros if nothing depends on that
/// output. It may also take the outputs, as the tape records them, in between: `(cotangents, outputs, Needs)`.
template <class Forward, class Pullback>
std::vector<Tensor> apply_many(const char* name, const TensorList& inputs, Forward&& forward, Pullback&& pullback,
                               Location where = Location::current()) {
    using Op = detail::Custom<std::decay_t<Forward>, std::decay_t<Pullback>, true>;
    return apply(Op{std::forward<Forward>(forward), std::forward<Pullback>(pullback)}, inputs.span(), where, name);
}

/// Returns x itself and passes its gradient to `hook` in the sweep, complete and summed over all uses of the result.
/// `hook(const Tensor& g)` returns the gradient to continue with (of x's shape and dtype, else ShapeError or
/// DTypeError), or returns nothing and only observes. It is called once in each sweep that reaches the result, and its
/// computations can be differentiated like any others.
template <class Hook>
Tensor with_gradient_hook(const Tensor& x, Hook hook, Location where = Location::current()) {
    return apply(
        "with_gradient_hook", {x}, [](const Tensor& value) { return value; },
        [hook = std::move(hook)](const Tensor& g) mutable -> Tensor {
            if constexpr (std::is_void_v<std::invoke_result_t<Hook&, const Tensor&>>) {
                hook(g);
                return g;
            } else {
                return hook(g);
            }
        },
        where);
}

}  // namespace xgrad
