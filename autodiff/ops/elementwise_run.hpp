#pragma once

#include <cmath>
#include <string>

#include "../kernels/kernels.hpp"
#include "../blocks.hpp"
#include "../record.hpp"
#include "axes.hpp"
#include "broadcast.hpp"
#include "elementwise_integer.hpp"
#include "shape.hpp"
#include "elementwise.hpp"

// How an element-wise rule runs and is recorded: checks, broadcasting and kernels stand here once, in unary() and binary(). Not for users.

namespace xgrad {

/// The order-th derivative of sinc, order >= 1.
Tensor sinc_derivative(int order, const Operand& x);
namespace detail {
struct Normal {
    Tensor distribution, density;
};
struct Sloped {
    Tensor value, slope;
};
}  // namespace detail
/// The standard normal distribution function and its density.
detail::Normal standard_normal(const Tensor& x);
/// The sigmoid and its slope, which is not taken from the rounded value.
detail::Sloped logistic(const Tensor& x);
/// The slopes of y = sigmoid(x) and y = tanh(x), likewise.
Tensor sigmoid_slope(const Tensor& x, const Tensor& y);
Tensor tanh_slope(const Tensor& x, const Tensor& y);

namespace detail::elementwise {

// What runs for every small operation is inlined into it: these few calls are most of its cost.
#define XGRAD_INLINE inline __attribute__((always_inline))

XGRAD_INLINE const Tensor& require_floating(const char* name, const Operand& x) {
    check<DTypeError>(x.is_tensor(), x.where(), [&] { return std::string(name) + ": at least one operand must be a tensor, got numbers"; });
    check_defined(name, x);
    const Tensor& t = x.tensor();
    check<DTypeError>(is_floating(t.dtype()), x.where(),
                      [&] { return std::string(name) + ": must be f32 or f64, got " + name_of(t.dtype()); });
    return t;
}

/// What a result like this operand is, for the error of an allocation that does not know it.
inline std::string described(const Operand& x) {
    return x.is_tensor() && x.tensor().defined() ? shape_and_type(x.shape(), x.dtype()) : std::string();
}

inline KernelInput input(const Tensor& t) { return {TensorAccess::data(t), &t.shape(), size_of(t.dtype())}; }

/// A tensor for a result of `like`'s shape and dtype: `reusable`'s own buffer if nobody else holds it and it fits, else a new one.
XGRAD_INLINE Tensor result_like(const Tensor& like, Tensor* reusable) {
    if (reusable && TensorAccess::unique(*reusable)) return TensorAccess::constant(std::move(*reusable));
    return TensorAccess::empty_like(like);
}

/// The kernel over inputs that all have the result's shape.
template <std::size_t In, std::size_t Out>
XGRAD_INLINE void run_same(kernels::ElementwiseKernel kernel, const void* rule, const void* const (&in)[In], const Tensor (&out)[Out]) {
    static constexpr std::uint8_t step[max_operands] = {1, 1, 1, 1, 1, 1};
    const std::int64_t size = out[0].size();
    if (size < 2 * parallel_grain) {
        void* to[Out];
        for (std::size_t k = 0; k < Out; ++k) to[k] = TensorAccess::data(out[k]);
        return kernel(rule, size, in, step, to);
    }
    const std::int64_t bytes = size_of(out[0].dtype());
    KernelInput from[In];
    KernelOutput to[Out];
    for (std::size_t k = 0; k < In; ++k) from[k] = {in[k], nullptr, bytes};
    for (std::size_t k = 0; k < Out; ++k) to[k] = {TensorAccess::data(out[k]), bytes};
    run_flat(kernel, rule, size, from, step, to);
}

XGRAD_INLINE NodeId node_of(const Tensor& tensor) {
    return recording && TensorAccess::origin(tensor) != 0 ? recording->node_of(tensor) : no_node;
}

/// Appends an entry for y whose inputs are the given nodes; at least one of them is recorded. What it saves is still to be set.
template <class E, class Rule, std::size_t N>
XGRAD_INLINE E& record_nodes(const NodeId (&nodes)[N], Tensor& y, Location where, const Rule& rule) {
    TapeMask scopes = 0;
    for (const NodeId node : nodes)
        if (node != no_node) scopes |= recording->nodes[node]->scopes & recording->active;
    Entry* entry = recording->append_one(Rule::name, nodes, y, scopes, sizeof(E), where);
    auto* closure = ::new (entry->closure()) E{rule, {}, {}};
    entry->behaviour = &E::behaviour;
    return *closure;
}

/// No outer tape watches any of these: the fused kernel may compute what the composed rule would.
template <class... T>
XGRAD_INLINE bool nothing_recorded(const T&... tensors) {
    return !recording || !(is_tracked(tensors) || ...);
}

// --- one input ------------------------------------------------------------------------------------------------------

template <class Rule>
XGRAD_INLINE Tensor run_unary(const Rule& rule, const Tensor& x, Tensor* reusable) {
    const auto kernel = kernels::active().elementwise.unary[rules::Unary::index_of<Rule>()].value[x.dtype() == DType::f64];
    const void* const in[] = {TensorAccess::data(x)};  // stays where it is, even if y takes x's storage over
    Tensor y[] = {result_like(x, reusable)};
    run_same(kernel, &rule, in, y);
    return std::move(y[0]);
}

/// A saved tensor, or no bytes at all for what a rule never reads.
template <int>
struct Nothing {};
template <bool Kept, int Which>
using Saved = std::conditional_t<Kept, Tensor, Nothing<Which>>;
inline const Tensor none;
inline const Tensor& get(const Tensor& t) { return t; }
template <int Which>
const Tensor& get(const Nothing<Which>&) {
    return none;
}
inline void keep(Tensor& saved, const Tensor& t) { saved = t; }
template <int Which>
void keep(Nothing<Which>&, const Tensor&) {}

/// A unary rule's pull for a cotangent that has size 1 along some axes.
inline Tensor pull_thin(kernels::ElementwiseKernel kernel, const void* rule, const Shape& shape, const Tensor& g, const Tensor& x,
                        const Tensor& y) {
    Tensor part = empty(shape, g.dtype());
    const KernelInput in[] = {input(g), input(x.defined() ? x : g), input(y.defined() ? y : g)};
    const KernelOutput out[] = {{TensorAccess::data(part), size_of(g.dtype())}};
    run(kernel, rule, shape, part.size(), in, out);
    return part;
}

template <class Rule>
struct UnaryEntry {
    [[no_unique_address]] Rule rule;
    [[no_unique_address]] Saved<(Rule::reads & rules::A) != 0, 0> x;
    [[no_unique_address]] Saved<(Rule::reads & rules::Y) != 0, 1> y;

    static void pull(void* closure, Entry& entry, Tensor* cotangents, Needs, Tensor* parts) {
        const auto& self = *static_cast<UnaryEntry*>(closure);
        const Tensor &x = get(self.x), &y = get(self.y);
        Tensor& g = *cotangents;
        if (!nothing_recorded(g, x, y)) {
            parts[0] = self.rule.pull(g, x, y);
            return;
        }
        const auto kernel = kernels::active().elementwise.unary[rules::Unary::index_of<Rule>()].pull[g.dtype() == DType::f64];
        const void* gd = TensorAccess::data(g);
        const void* const in[] = {gd, x.defined() ? TensorAccess::data(x) : gd, y.defined() ? TensorAccess::data(y) : gd};
        if (Rule::reads && g.size() != (Rule::reads & rules::A ? x : y).size()) [[unlikely]] {
            parts[0] = pull_thin(kernel, &self.rule, *entry.shape, g, x, y);
            return;
        }
        Tensor part[] = {result_like(g, &g)};
        run_same(kernel, &self.rule, in, part);
        parts[0] = std::move(part[0]);
    }
    static bool block(void* closure, const Entry& entry, Needs, BlockStep& step) {
        const auto& self = *static_cast<UnaryEntry*>(closure);
        step.kernel = kernels::active().elementwise.unary[rules::Unary::index_of<Rule>()].pull[entry.dtype == DType::f64];
        step.rule = &self.rule;
        step.inputs = 3;
        step.parts[0] = 0;
        step.outputs = 1;
        return step.save(1, get(self.x), *entry.shape) && step.save(2, get(self.y), *entry.shape);
    }
    static void forward(void* closure, std::span<const Tensor> inputs, Tensor* outputs) {
        *outputs = run_unary(static_cast<UnaryEntry*>(closure)->rule, inputs[0], nullptr);
    }
    static void destroy(void* closure) noexcept { static_cast<UnaryEntry*>(closure)->~UnaryEntry(); }
    static constexpr Behaviour behaviour{&pull, &forward, &destroy, Cotangents::elementwise, &block};
};

template <class Rule>
XGRAD_INLINE Tensor unary_unnamed(const Rule& rule, const Operand& operand) {
    if constexpr (has_integer_value<Rule>)
        if (operand.is_tensor() && operand.tensor().defined() && is_integer(operand.dtype())) [[unlikely]]
            return integer_unary(integer_kernel<Rule, false>(operand.dtype()), operand.tensor());
    const Tensor& x = require_floating(Rule::name, operand);
    Tensor* temporary = operand.temporary() ? const_cast<Tensor*>(&x) : nullptr;
    if constexpr (rules::differentiable<Rule>) {
        if (const NodeId node = node_of(x); node != no_node) {
            Tensor y = run_unary(rule, x, Rule::reads & rules::A ? nullptr : temporary);
            auto& entry = record_nodes<UnaryEntry<Rule>>({node}, y, operand.where(), rule);
            keep(entry.x, x);
            keep(entry.y, y);
            return y;
        }
    }
    return run_unary(rule, x, temporary);
}
template <class Rule>
Tensor unary(const Rule& rule, const Operand& operand) {
    try {
        return unary_unnamed(rule, operand);
    } catch (...) {
        rethrow_named(Rule::name, operand.where(), described(operand));
    }
}

// --- two inputs -----------------------------------------------------------------------------------------------------

/// The operands of a binary operation, with a plain number as a tensor-less scalar of the other's dtype.
struct Pair {
    const Tensor* tensor[2] = {};
    Shape scalar_shape;
    float f32[2];
    double f64[2];
    DType dtype;
    Shape shape;

    Pair(const char* name, const Operand& a, const Operand& b) {
        if (a.is_tensor()) tensor[0] = &a.tensor();
        if (b.is_tensor()) tensor[1] = &b.tensor();
        const Location where = a.where();
        check<DTypeError>(tensor[0] || tensor[1], where,
                          [&] { return std::string(name) + ": at least one operand must be a tensor, got numbers"; });
        dtype = (tensor[0] ? tensor[0] : tensor[1])->dtype();
        if (tensor[0] && tensor[1]) {
            check<DTypeError>(tensor[1]->dtype() == dtype, where, [&] {
                return std::string(name) + ": dtypes must agree, got " + name_of(dtype) + " and " + name_of(tensor[1]->dtype()) +
                       " (convert one with .to())";
            });
            shape = tensor[0]->shape() == tensor[1]->shape() ? tensor[0]->shape()
                                                             : broadcast_shapes(tensor[0]->shape(), tensor[1]->shape(), name, where);
        } else {
            const int number = tensor[0] ? 1 : 0;
            f64[number] = (number ? b : a).number();
            f32[number] = static_cast<float>(f64[number]);
            shape = tensor[1 - number]->shape();
        }
    }
    KernelInput input(int i) const {
        if (tensor[i]) return elementwise::input(*tensor[i]);
        if (dtype == DType::f32) return {&f32[i], &scalar_shape, 4};
        return {&f64[i], &scalar_shape, 8};
    }
    /// For the tape: the operand as a tensor.
    Tensor saved(int i) const { return tensor[i] ? *tensor[i] : scalar(f64[i], dtype); }
};

template <class Rule>
Tensor run_binary(const Rule& rule, const Pair& pair, Tensor* reusable) {
    const auto kernel = kernels::active().elementwise.binary[rules::Binary::index_of<Rule>()].value[pair.dtype == DType::f64];
    const KernelInput in[] = {pair.input(0), pair.input(1)};
    const Shape shapes[] = {*in[0].shape, *in[1].shape};  // y may take over the storage they stand in
    const Tensor y = reusable ? TensorAccess::constant(std::move(*reusable)) : empty(pair.shape, pair.dtype);
    const KernelInput held[] = {{in[0].data, &shapes[0], in[0].element_bytes}, {in[1].data, &shapes[1], in[1].element_bytes}};
    const KernelOutput out[] = {{TensorAccess::data(y), in[0].element_bytes}};
    run(kernel, &rule, pair.shape, y.size(), held, out);
    return y;
}
/// The usual case: two tensors of one shape.
template <class Rule>
XGRAD_INLINE Tensor run_binary_same(const Rule& rule, const Tensor& a, const Tensor& b, Tensor* reusable) {
    const auto kernel = kernels::active().elementwise.binary[rules::Binary::index_of<Rule>()].value[a.dtype() == DType::f64];
    const void* const in[] = {TensorAccess::data(a), TensorAccess::data(b)};
    Tensor y[] = {result_like(a, reusable)};
    run_same(kernel, &rule, in, y);
    return std::move(y[0]);
}

template <class Rule>
struct BinaryEntry {
    static constexpr unsigned reads = Rule::reads_a | Rule::reads_b;
    [[no_unique_address]] Rule rule;
    [[no_unique_address]] Saved<(reads & rules::A) != 0, 0> a;
    [[no_unique_address]] Saved<(reads & rules::B) != 0, 1> b;
    [[no_unique_address]] Saved<(reads & rules::Y) != 0, 2> y = {};

    static void pull(void* closure, Entry& entry, Tensor* cotangents, Needs needs, Tensor* parts) {
        const auto& self = *static_cast<BinaryEntry*>(closure);
        const Tensor &a = get(self.a), &b = get(self.b), &y = get(self.y);
        Tensor& g = *cotangents;
        // A sum hands its cotangent on; there is nothing to compute.
        constexpr bool passes = Rule::reads_a == 0 && Rule::reads_b == 0;
        if (passes || !nothing_recorded(g, a, b, y)) {
            if (needs[0]) parts[0] = self.rule.pull_a(g, a, b, y);
            if (needs[1]) parts[1] = self.rule.pull_b(g, a, b, y);
            return;
        }
        const auto& k = kernels::active().elementwise.binary[rules::Binary::index_of<Rule>()];
        const int type = g.dtype() == DType::f64;
        const bool both = needs[0] && needs[1];
        const auto kernel = both ? k.pull_both[type] : needs[0] ? k.pull_a[type] : k.pull_b[type];
        const Tensor* saved[] = {&a, &b, &y};
        bool same = true, scalars = true;
        for (const Tensor* t : saved)
            if (t->defined()) {
                same = same && t->shape() == g.shape();
                scalars = scalars && t->size() == 1;
            }
        const void* gd = TensorAccess::data(g);
        const Shape shape_of_g = g.shape();
        // A thin cotangent stays thin as long as nothing of the output's shape meets it.
        const Shape& shape = same || scalars ? shape_of_g : *entry.shape;
        const DType dtype = g.dtype();
        const bool in_place = same || shape_of_g == shape;
        Tensor second = both ? empty(shape, dtype) : Tensor();
        Tensor first = in_place ? result_like(g, &g) : empty(shape, dtype);  // may take g's storage over
        if (same) {
            const void* const in[] = {gd, a.defined() ? TensorAccess::data(a) : gd, b.defined() ? TensorAccess::data(b) : gd,
                                      y.defined() ? TensorAccess::data(y) : gd};
            if (both) run_same(kernel, &self.rule, in, {first, second});
            else run_same(kernel, &self.rule, in, {first});
        } else {
            const std::int64_t bytes = size_of(dtype);
            KernelInput in[] = {{gd, &shape_of_g, bytes}, {gd, &shape_of_g, bytes}, {gd, &shape_of_g, bytes}, {gd, &shape_of_g, bytes}};
            for (int i = 0; i < 3; ++i)
                if (saved[i]->defined()) in[i + 1] = input(*saved[i]);
            const KernelOutput out[] = {{TensorAccess::data(first), bytes}, {both ? TensorAccess::data(second) : nullptr, bytes}};
            run(kernel, &self.rule, shape, first.size(), in, std::span(out, both ? 2 : 1));
        }
        parts[needs[0] ? 0 : 1] = std::move(first);
        if (both) parts[1] = std::move(second);
    }
    static void forward(void* closure, std::span<const Tensor> inputs, Tensor* outputs) {
        *outputs = run_binary(static_cast<BinaryEntry*>(closure)->rule, Pair(Rule::name, inputs[0], inputs[1]), nullptr);
    }
    static bool block(void* closure, const Entry& entry, Needs needs, BlockStep& step) {
        const auto& self = *static_cast<BinaryEntry*>(closure);
        const auto& k = kernels::active().elementwise.binary[rules::Binary::index_of<Rule>()];
        const int type = entry.dtype == DType::f64;
        const bool both = needs[0] && needs[1];
        step.kernel = both ? k.pull_both[type] : needs[0] ? k.pull_a[type] : k.pull_b[type];
        step.rule = &self.rule;
        step.inputs = 4;
        step.parts[0] = needs[0] ? 0 : 1;
        step.parts[1] = 1;
        step.outputs = both ? 2 : 1;
        return step.save(1, get(self.a), *entry.shape) && step.save(2, get(self.b), *entry.shape) &&
               step.save(3, get(self.y), *entry.shape);
    }
    static void destroy(void* closure) noexcept { static_cast<BinaryEntry*>(closure)->~BinaryEntry(); }
    static constexpr Behaviour behaviour{&pull, &forward, &destroy, Cotangents::elementwise, &block};
};

/// Whichever operand is about to die and has the result's shape gives its buffer.
XGRAD_INLINE Tensor* reusable_of(const Operand& a, const Operand& b, const Shape& shape, bool keep_a, bool keep_b) {
    for (const auto& [operand, keep] : {std::pair{&a, keep_a}, std::pair{&b, keep_b}})
        if (!keep && operand->temporary() && operand->shape() == shape && TensorAccess::unique(operand->tensor()))
            return const_cast<Tensor*>(&operand->tensor());
    return nullptr;
}

/// Runs the rule and records it; `compute` is given the buffer that may be reused, `saved` an operand as a tensor.
template <class Rule, class Compute, class Saved>
XGRAD_INLINE Tensor binary_recorded(const Rule& rule, const Operand& a, const Operand& b, const Shape& shape, Compute&& compute,
                                    Saved&& saved) {
    if constexpr (rules::differentiable<Rule>) {
        if (recording) {
            const NodeId nodes[] = {a.is_tensor() ? node_of(a.tensor()) : no_node, b.is_tensor() ? node_of(b.tensor()) : no_node};
            if (nodes[0] != no_node || nodes[1] != no_node) {
                const unsigned reads = (nodes[0] != no_node ? Rule::reads_a : 0u) | (nodes[1] != no_node ? Rule::reads_b : 0u);
                const bool keep_a = reads & rules::A, keep_b = reads & rules::B;
                Tensor kept_a, kept_b;
                if (keep_a) kept_a = saved(0);
                if (keep_b) kept_b = saved(1);
                Tensor y = compute(reusable_of(a, b, shape, keep_a, keep_b));
                auto& entry = record_nodes<BinaryEntry<Rule>>(nodes, y, a.where(), rule);
                keep(entry.a, kept_a);
                keep(entry.b, kept_b);
                if (reads & rules::Y) keep(entry.y, y);
                return y;
            }
        }
    }
    return compute(reusable_of(a, b, shape, false, false));
}

template <class Rule>
XGRAD_INLINE Tensor binary_unnamed(const Rule& rule, const Operand& a, const Operand& b) {
    check_defined(Rule::name, a);
    check_defined(Rule::name, b);
    if (a.is_tensor() && b.is_tensor() && a.dtype() == b.dtype() && is_floating(a.dtype()) && a.shape() == b.shape())
        return binary_recorded(
            rule, a, b, a.shape(), [&](Tensor* reusable) { return run_binary_same(rule, a.tensor(), b.tensor(), reusable); },
            [&](int i) -> const Tensor& { return i ? b.tensor() : a.tensor(); });
    if (const DType dtype = integer_type(a, b); dtype != DType::boolean) {
        check<DTypeError>(has_integer_value<Rule>, a.where(),
                          [&] { return std::string(Rule::name) + ": must be f32 or f64, got " + name_of(dtype); });
        return integer_binary(integer_kernel<Rule, true>(dtype), rule.name, a, b);
    }
    const Pair pair(Rule::name, a, b);
    check<DTypeError>(is_floating(pair.dtype), a.where(),
                      [&] { return std::string(Rule::name) + ": must be f32 or f64, got " + name_of(pair.dtype); });
    return binary_recorded(
        rule, a, b, pair.shape, [&](Tensor* reusable) { return run_binary(rule, pair, reusable); }, [&](int i) { return pair.saved(i); });
}
template <class Rule>
Tensor binary(const Rule& rule, const Operand& a, const Operand& b) {
    try {
        return binary_unnamed(rule, a, b);
    } catch (...) {
        rethrow_named(Rule::name, a.where(), described(a.is_tensor() ? a : b));
    }
}

}  // namespace detail::elementwise
}  // namespace xgrad
