#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

#include "tape.hpp"
#include "tensor.hpp"

// apply(): run an operation and record it. Every operation, the library's or the user's, is made with it.

namespace xgrad {

/// For which inputs of an operation the sweep wants a cotangent.
class Needs {
public:
    constexpr explicit Needs(std::uint64_t bits) : bits_(bits) {}
    constexpr bool operator[](std::size_t input) const { return input >= 64 || (bits_ >> input & 1); }

private:
    std::uint64_t bits_;
};

namespace detail {

struct Entry;
struct BlockStep;

/// Which cotangents an operation deals in. A gradient that is the same along an axis, as a sum's is, need not be written out along it: it may
/// travel with size 1 there until somebody needs it whole.
enum class Cotangents : unsigned char {
    whole,  ///< gets the output's shape, gives the inputs' shapes
    gives_thin,  ///< gets the output's shape; parts may have size 1 where they do not vary
    thin,  ///< gets and gives thin ones
    elementwise,  ///< the same, its parts having the output's axes rather than the inputs'
};

/// What the engine can do with an entry; one static table per kind of operation.
struct Behaviour {
    /// Cotangents of the outputs in, one part per input out (an empty tensor: no dependence).
    void (*pull)(void* closure, Entry& entry, Tensor* cotangents, Needs needs, Tensor* parts);
    /// The outputs for new inputs; null when the operation cannot be run again.
    void (*forward)(void* closure, std::span<const Tensor> inputs, Tensor* outputs);
    void (*destroy)(void* closure) noexcept;
    Cotangents cotangents = Cotangents::whole;
    /// How to pull a stretch of the cotangent back by itself (blocks.hpp); null where that is not possible.
    bool (*block)(void* closure, const Entry& entry, Needs needs, BlockStep& step) = nullptr;
};

/// A pullback that deals in other cotangents than whole ones.
template <Cotangents kind, class P>
struct Dealing : P {
    static constexpr Cotangents cotangents = kind;
};
template <Cotangents kind, class P>
Dealing<kind, P> dealing(P pullback) {
    return {std::move(pullback)};
}

/// A new entry: where its closure is to be constructed, and what makes the entry alive once that is done.
struct NewEntry {
    void* closure;
    const Behaviour** behaviour;
};
/// Appends an entry and makes `outputs` its nodes.
XGRAD_API NewEntry record(const char* name, std::span<const Tensor> inputs, std::span<Tensor> outputs, std::size_t closure_bytes,
                          Location where);
[[noreturn]] XGRAD_API void throw_wrong_number_of_parts(const Entry& entry, std::size_t got);
[[noreturn]] XGRAD_API void throw_wrong_number_of_inputs(const char* name, std::size_t got);

template <class F, std::size_t... I>
decltype(auto) call_with(const F& f, std::span<const Tensor> inputs, std::index_sequence<I...>) {
    return f(inputs[I]...);
}
template <class F, class I>
inline constexpr bool callable_with = false;
template <class F, std::size_t... I>
inline constexpr bool callable_with<F, std::index_sequence<I...>> =
    std::invocable<const F&, decltype((void)I, std::declval<const Tensor&>())...>;

/// Calls f(inputs), f(a), f(a, b), … up to six tensors, or f(): whichever it accepts.
template <class F, std::size_t N = 1>
auto call(const F& f, [[maybe_unused]] const char* name, std::span<const Tensor> inputs) {
    if constexpr (N == 1 && std::invocable<const F&, const Tensors&>) return f(Tensors(inputs.begin(), inputs.end()));
    else if constexpr (N == 1 && std::invocable<const F&, std::span<const Tensor>>) return f(inputs);
    else if constexpr (callable_with<F, std::make_index_sequence<N>>) {
        if (inputs.size() != N) throw_wrong_number_of_inputs(name, inputs.size());
        return call_with(f, inputs, std::make_index_sequence<N>{});
    } else if constexpr (N < 6) return call<F, N + 1>(f, name, inputs);
    else {
        static_assert(std::invocable<const F&>,
                      "xgrad: a function of tensors takes (const Tensor&...), (const std::vector<Tensor>&) or nothing");
        return f();
    }
}

inline void distribute(Tensor&& part, std::span<Tensor> parts, const Entry& entry) {
    if (parts.size() != 1) throw_wrong_number_of_parts(entry, 1);
    parts[0] = std::move(part);
}
template <class Range>
void distribute(Range&& range, std::span<Tensor> parts, const Entry& entry) {
    if (range.size() != parts.size()) throw_wrong_number_of_parts(entry, range.size());
    std::size_t i = 0;
    for (auto& part : range) parts[i++] = std::move(part);
}

XGRAD_API std::size_t inputs_of(const Entry& entry);
XGRAD_API std::size_t outputs_of(const Entry& entry);

template <class P>
inline constexpr bool takes_output = std::invocable<P&, Tensor, const Tensor&> || std::invocable<P&, Tensor, const Tensor&, Needs>;

template <class F, class P>
struct Applied {
    F forward;
    P pullback;
    Tensor output;  // kept only when the pullback asks for it

    static void pull(void* closure, Entry& entry, Tensor* cotangents, Needs needs, Tensor* parts) {
        auto& self = *static_cast<Applied*>(closure);
        const std::span<Tensor> out(parts, inputs_of(entry));
        if constexpr (std::invocable<P&, Tensor, const Tensor&, Needs>)
            distribute(self.pullback(std::move(*cotangents), self.output, needs), out, entry);
        else if constexpr (std::invocable<P&, Tensor, const Tensor&>)
            distribute(self.pullback(std::move(*cotangents), self.output), out, entry);
        else if constexpr (std::invocable<P&, Tensor, Needs>) distribute(self.pullback(std::move(*cotangents), needs), out, entry);
        else if constexpr (std::invocable<P&, Tensor>) distribute(self.pullback(std::move(*cotangents)), out, entry);
        else distribute(self.pullback(std::span<const Tensor>(cotangents, outputs_of(entry)), needs), out, entry);
    }
    static void run(void* closure, std::span<const Tensor> inputs, Tensor* outputs) {
        auto& self = *static_cast<Applied*>(closure);
        auto result = call(self.forward, "apply", inputs);
        if constexpr (std::is_same_v<decltype(result), Tensor>) *outputs = std::move(result);
        else
            for (auto& y : result) *outputs++ = std::move(y);
    }
    static void destroy(void* closure) noexcept { static_cast<Applied*>(closure)->~Applied(); }
    // A forward without arguments holds references to its caller's variables: it cannot be run again.
    static constexpr Cotangents cotangents() {
        if constexpr (requires { P::cotangents; }) return P::cotangents;
        else return Cotangents::whole;
    }
    static constexpr Behaviour behaviour{&pull, std::invocable<const F&> ? nullptr : &run, &destroy, cotangents()};
};

XGRAD_API bool any_tracked(std::span<const Tensor> inputs);

template <class F, class P>
void record_applied(const char* name, std::span<const Tensor> inputs, std::span<Tensor> outputs, F&& forward, P&& pullback,
                    Location where) {
    using Closure = Applied<std::decay_t<F>, std::decay_t<P>>;
    static_assert(alignof(Closure) <= 16, "xgrad: over-aligned captures are not supported in a pullback");
    const NewEntry entry = record(name, inputs, outputs, sizeof(Closure), where);
    auto* closure = ::new (entry.closure) Closure{std::forward<F>(forward), std::forward<P>(pullback), {}};
    if constexpr (takes_output<std::decay_t<P>>) closure->output = outputs[0];
    *entry.behaviour = &Closure::behaviour;
}

}  // namespace detail

/// Runs `forward` and records it as one operation.
///
/// forward: `(const Tensor& a, const Tensor& b, …)`, `(std::span<const Tensor>)` or `()`; gives the value. Nothing inside it is
/// recorded. pullback: `(Tensor g)` or `(Tensor g, const Tensor& y)`, each optionally with a last `Needs`; gets the cotangent g of the
/// output y and returns one cotangent per input: a Tensor for one input, else an array or vector. An empty Tensor says "no dependence".
/// A cotangent may have the broadcast shape; the sweep sums it back. What the pullback captures is what the tape keeps.
/// Write it with xgrad operations and it differentiates to any order.
template <class Forward, class Pullback>
Tensor apply(const char* name, const TensorList& inputs, Forward&& forward, Pullback&& pullback, Location where = Location::current()) {
    return detail::named(name, where, [&] {
        Tensor y = [&] {
            NoRecording pause;
            return stop_gradient(detail::call(forward, name, inputs.span()));
        }();
        if (detail::any_tracked(inputs.span()))
            detail::record_applied(name, inputs.span(), {&y, 1}, std::forward<Forward>(forward), std::forward<Pullback>(pullback), where);
        return y;
    });
}

/// The same for an operation with several outputs: forward returns a vector or array of tensors; pullback gets
/// `(std::span<const Tensor> cotangents, Needs)`, one per output, zeros where nothing depends on it.
template <class Forward, class Pullback>
std::vector<Tensor> apply_many(const char* name, const TensorList& inputs, Forward&& forward, Pullback&& pullback,
                               Location where = Location::current()) {
    return detail::named(name, where, [&] {
        std::vector<Tensor> ys;
        {
            NoRecording pause;
            for (auto& y : detail::call(forward, name, inputs.span())) ys.push_back(stop_gradient(y));
        }
        check<ValueError>(!ys.empty(), where, [&] { return std::string(name) + ": the forward function must return a tensor, got none"; });
        if (detail::any_tracked(inputs.span()))
            detail::record_applied(name, inputs.span(), ys, std::forward<Forward>(forward), std::forward<Pullback>(pullback), where);
        return ys;
    });
}

/// x itself, whose gradient `hook` sees on its way back, whole and summed over all uses of the result: `hook(const Tensor& g)` returns what goes on
/// in its place (x's shape and dtype, else ShapeError or DTypeError), or nothing and only looks. It is called once in each sweep that reaches the
/// result, and what it computes is differentiated as everything else.
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
