#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "attributes.hpp"
#include "tensor.hpp"

// An operation is a value that says what it computes and how it is pulled back. apply.hpp runs and records it.

namespace xgrad {

/// The inputs of an operation for which the sweep needs a cotangent, or those that are recorded.
class Needs {
public:
    constexpr explicit Needs(std::uint64_t bits) : bits_(bits) {}
    constexpr bool operator[](std::size_t input) const { return input >= 64 || (bits_ >> input & 1); }
    constexpr bool any() const { return bits_ != 0; }

private:
    std::uint64_t bits_;
};

/// The inputs and outputs that an operation's pullback reads and the tape therefore keeps: bit i for the i-th input,
/// bit j for the j-th output.
struct Saves {
    std::uint32_t inputs = 0, outputs = 0;
    constexpr int count() const { return __builtin_popcount(inputs) + __builtin_popcount(outputs); }
};

namespace detail {
struct Entry;
struct Pull;
/// For a product of two inputs: each factor is read for the other one's cotangent.
constexpr Saves each_others(Needs recorded) {
    return {.inputs = (recorded[1] ? 0b01u : 0u) | (recorded[0] ? 0b10u : 0u)};
}
}  // namespace detail

/// The saved values that a pullback receives along with the cotangents.
class Saved {
public:
    Saved(const Tensor* tensors, Saves which, const detail::Pull& pull)
        : tensors_(tensors), which_(which), pull_(pull) {}
    /// The i-th input; empty unless `saves` names it, or if the input itself was empty.
    const Tensor& input(std::size_t i = 0) const { return at(which_.inputs, i, 0); }
    /// The j-th output, including outputs that only the pullback reads.
    const Tensor& output(std::size_t j = 0) const { return at(which_.outputs, j, __builtin_popcount(which_.inputs)); }
    /// Whether the i-th input's cotangent is needed. One that is not need not be computed.
    bool needs(std::size_t i = 0) const { return all_needs()[i]; }
    XGRAD_API Needs all_needs() const;
    /// The saved outputs, in order.
    std::span<const Tensor> all_outputs() const {
        return {tensors_ + __builtin_popcount(which_.inputs),
                static_cast<std::size_t>(__builtin_popcount(which_.outputs))};
    }
    /// The shape of an input whose cotangent is needed.
    XGRAD_API const Shape& shape(std::size_t i = 0) const;
    XGRAD_API const Shape& result_shape(std::size_t j = 0) const;

private:
    XGRAD_API static const Tensor& none();
    const Tensor& at(std::uint32_t mask, std::size_t i, int first) const {
        if (i >= 32 || !(mask >> i & 1)) return none();
        return tensors_[first + __builtin_popcount(mask & ((std::uint32_t{1} << i) - 1))];
    }

    const Tensor* tensors_;
    Saves which_;
    const detail::Pull& pull_;
};

/// An operation: a struct of plain data. Everything except `name` and `value` is optional.
///
///     static constexpr const char* name = "scale_rows";                // as shown in errors, graphs and files
///     XGRAD_ATTRIBUTES(axis, factor)                                   // the fields that say what it computes
///     Tensor value(const Tensor& x, const Tensor& s) const;            // of up to eight inputs
///     static constexpr Saves saves{.inputs = 0b11};                    // what the pullback reads
///     std::array<Tensor, 2> pullback(Tensor g, const Saved& s) const;  // one cotangent for each input
///     std::array<Tensor, 2> fused_pullback(Tensor g, const Saved& s) const;
///
/// `value` may take `(std::span<const Tensor>)` for any number of inputs; nothing in it is recorded. `saves` may be
/// `Saves saves(Needs recorded) const` if it depends on which inputs are recorded. `pullback` is written with xgrad
/// operations and returns a Tensor if there is one input; an operation without a pullback has no gradient, and its
/// results are constants. `fused_pullback` computes the same in one pass over memory: the engine uses it when no tape
/// records its result.
///
/// An operation with several results returns an array or vector of them, and its pullbacks take `std::span<const
/// Tensor>`, with zeros for a result that nothing depends on. With `static constexpr int results = 1` only the first is
/// a result; the others are values for the pullback, which `saves` names as outputs. `value` may then take a last
/// argument: `bool for_pullback`, false if nothing will read those values, or `Needs recorded`, the inputs whose
/// cotangents may be requested.
///
/// The pullback owns the cotangent g: if it holds the only handle, it may overwrite the buffer. `(Tensor g)` alone is
/// enough if nothing is saved. An empty tensor among the returned cotangents means "no dependence". A cotangent may
/// have the shape to which the operation broadcast its input. With `static constexpr bool takes_reduced = true`, g may
/// have size 1 along axes where it does not vary, and so may the returned cotangents.
template <class Op>
concept Operation = requires {
    { Op::name } -> std::convertible_to<const char*>;
};

namespace detail {

template <class F, std::size_t... I>
decltype(auto) call_indexed(std::index_sequence<I...>, F&& f) {
    return f(std::integral_constant<std::size_t, I>{}...);
}

/// How `value` takes its inputs.
template <class Op, class... Last>
concept TakesSpan = requires(const Op& op, std::span<const Tensor> inputs, Last... last) { op.value(inputs, last...); };
template <std::size_t>
using AnInput = const Tensor&;
template <class Op, class Sequence, class... Last>
inline constexpr bool takes_inputs = false;
template <class Op, std::size_t... I, class... Last>
inline constexpr bool takes_inputs<Op, std::index_sequence<I...>, Last...> =
    requires(const Op& op, Last... last) { op.value(std::declval<AnInput<I>>()..., last...); };
template <class Op, std::size_t N = 1>
constexpr std::size_t count_inputs() {
    using Inputs = std::make_index_sequence<N>;
    if constexpr (takes_inputs<Op, Inputs> || takes_inputs<Op, Inputs, Needs> || takes_inputs<Op, Inputs, bool>)
        return N;
    else {
        static_assert(N < 8, "xgrad: an operation's value takes (const Tensor&...) or (std::span<const Tensor>)");
        return count_inputs<Op, N + 1>();
    }
}
/// How many inputs the operation has; 0 for any number.
template <class Op>
constexpr std::size_t input_count() {
    if constexpr (TakesSpan<Op> || TakesSpan<Op, Needs> || TakesSpan<Op, bool>) return 0;
    else return count_inputs<Op>();
}

/// The value of op for input(0), input(1), …
template <class Op, class Input>
auto value_of(const Op& op, const Input& input, [[maybe_unused]] Needs recorded) {
    return call_indexed(std::make_index_sequence<input_count<Op>()>{}, [&](auto... i) {
        using Sequence = std::make_index_sequence<sizeof...(i)>;
        if constexpr (takes_inputs<Op, Sequence, Needs>) return op.value(input(i)..., recorded);
        else if constexpr (takes_inputs<Op, Sequence, bool>) return op.value(input(i)..., recorded.any());
        else return op.value(input(i)...);
    });
}
template <class Op>
auto value_of_list(const Op& op, std::span<const Tensor> inputs, [[maybe_unused]] Needs recorded) {
    if constexpr (TakesSpan<Op, Needs>) return op.value(inputs, recorded);
    else if constexpr (TakesSpan<Op, bool>) return op.value(inputs, recorded.any());
    else return op.value(inputs);
}

/// What the engine knows about a type of operation, with the type erased.
struct OperationType {
    const char* name;
    std::size_t bytes;
    void (*run)(const void* op, std::span<const Tensor> inputs,
                std::vector<Tensor>& outputs);  // null: cannot be run again
    Attributes (*attributes)(const void* op);
    void (*create)(void* to, const Attributes& attributes);  // null: it cannot be created from attributes
    void (*copy)(void* to, const void* from);  // null: cannot be copied
    void (*destroy)(void* op);
};

XGRAD_API void add_output(std::vector<Tensor>& outputs, Tensor&& output);
XGRAD_API Attributes no_attributes(const void* op);

template <class Op>
struct OperationTypeOf {
    static const Op& of(const void* op) { return *static_cast<const Op*>(op); }
    [[gnu::cold]] static void run(const void* op, std::span<const Tensor> inputs, std::vector<Tensor>& outputs) {
        constexpr Needs all(~std::uint64_t{0});
        auto result = [&] {
            if constexpr (input_count<Op>() == 0) return value_of_list(of(op), inputs, all);
            else return value_of(of(op), [&](std::size_t i) -> const Tensor& { return inputs[i]; }, all);
        }();
        if constexpr (std::is_same_v<decltype(result), Tensor>) add_output(outputs, std::move(result));
        else
            for (Tensor& output : result) add_output(outputs, std::move(output));
    }
    [[gnu::cold]] static Attributes attributes(const void* op) { return attributes_of(of(op)); }
    [[gnu::cold]] static void create(void* to, const Attributes& attributes) {
        if constexpr (std::is_default_constructible_v<Op>) set_attributes(*::new (to) Op{}, attributes);
    }
    [[gnu::cold]] static void copy(void* to, const void* from) {
        if constexpr (std::is_copy_constructible_v<Op>) ::new (to) Op(of(from));
    }
    [[gnu::cold]] static void destroy(void* op) { static_cast<Op*>(op)->~Op(); }
    static constexpr bool can_run = requires { requires !Op::runs_once; } || !requires { Op::runs_once; };
    static constexpr OperationType type{Op::name,
                                        sizeof(Op),
                                        can_run ? &run : nullptr,
                                        HasAttributes<Op> ? &attributes : &no_attributes,
                                        std::is_default_constructible_v<Op> ? &create : nullptr,
                                        std::is_copy_constructible_v<Op> ? &copy : nullptr,
                                        &destroy};
};

}  // namespace detail
}  // namespace xgrad
