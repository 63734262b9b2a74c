#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "../kernels/kernels.hpp"
#include "../fused_chain.hpp"
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

void require_floating_result(const char* name, DType dtype, Location where);

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

/// The kernel over inputs that have the result's shape, or, where their step is 0, are single numbers.
template <std::size_t In, std::size_t Out>
XGRAD_INLINE void run_same(kernels::ElementwiseKernel kernel, const void* rule, const void* const (&in)[In], const std::uint8_t (&step)[In],
                           const Tensor (&out)[Out]) {
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
inline constexpr std::uint8_t steps_1[1] = {1}, steps_2[2] = {1, 1}, steps_3[3] = {1, 1, 1}, steps_4[4] = {1, 1, 1, 1};

XGRAD_INLINE NodeId node_of(const Tensor& tensor) {
    return recording && TensorAccess::origin(tensor) != 0 ? recording->node_of(tensor) : no_node;
}

/// Appends an entry for y whose inputs are the given nodes; at least one of them is recorded. What it saves is still to be set.
template <class E, class Op, std::size_t N>
XGRAD_INLINE E& record_nodes(const NodeId (&nodes)[N], Tensor& y, Location where, const Op& op) {
    TapeMask tapes = 0;
    for (const NodeId node : nodes)
        if (node != no_node) tapes |= recording->nodes[node]->tapes & recording->active;
    Entry* entry = recording->append(Op::label, nodes, y, tapes, sizeof(E), where);
    auto* closure = ::new (entry->closure()) E{op, {}, {}};
    entry->kind = &E::kind;
    return *closure;
}

/// What a trace gets of an operation that has run; an input may be missing.
[[gnu::cold]] void trace_run(const OperationType& type, const void* op, const Tensor& a, const Tensor& b, const Tensor& y, Location where);
template <class Op>
void trace_run(const Op& op, const Tensor& a, const Tensor& b, const Tensor& y, Location where) {
    trace_run(OperationTypeOf<Op>::type, &op, a, b, y, where);
}
/// The kernels' value for one input or two that broadcast, in a buffer that may be reused or a new one.
Tensor run_broadcast(const kernels::ElementwiseKernel (&kernels)[2], const void* rule, const char* name,
                     std::span<const Tensor* const> inputs, Tensor* reusable = nullptr);
XGRAD_INLINE bool traced() { return recording && recording->trace; }

/// No outer tape watches any of these: the kernel may compute what the composed rule would.
template <class... T>
XGRAD_INLINE bool nothing_recorded(const T&... tensors) {
    return !recording || !(recording->trace || (is_tracked(tensors) || ...));
}

/// The cotangent of the entry's i-th input: the sum over what broadcasting repeated of `part`, which has the result's axes and size 1 where it does not
/// vary.
Tensor unbroadcast(Tensor part, const Shape& result, const Shape& input);
XGRAD_INLINE void give(const Pull& pull, int i, Tensor&& part) {
    const NodeId node = pull.entry.input_nodes()[i];
    Entry& source = *pull.record.nodes[node];
    if (source.shape == pull.entry.shape && source.outputs == 1) pull.parts[i] = std::move(part);
    else pull.parts[i] = unbroadcast(std::move(part), *pull.entry.shape, source.shape_of(node));
}

// --- one input ------------------------------------------------------------------------------------------------------

template <class Rule>
XGRAD_INLINE Tensor run_unary(const Rule& rule, const Tensor& x, Tensor* reusable) {
    const auto kernel = kernels::active().elementwise.unary[rules::Unary::index_of<Rule>()].value[x.dtype() == DType::f64];
    const void* const in[] = {TensorAccess::data(x)};  // stays where it is, even if y takes x's storage over
    Tensor y[] = {result_like(x, reusable)};
    run_same(kernel, &rule, in, steps_1, y);
    return std::move(y[0]);
}

/// A rule as an operation.
template <class Rule>
struct UnaryOperation : Rule {
    static constexpr const char* label = Rule::name;
    UnaryOperation() = default;
    UnaryOperation(const Rule& rule) : Rule(rule) {}
    Tensor value(const Tensor& x) const {
        const Tensor* const inputs[] = {&x};
        return run_broadcast(kernels::active().elementwise.unary[rules::Unary::index_of<Rule>()].value, static_cast<const Rule*>(this),
                             Rule::name, inputs);
    }
};

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

/// A rule's pull for a cotangent that has size 1 along some axes, given what else the kernel reads.
template <std::size_t N>
Tensor pull_reduced(kernels::ElementwiseKernel kernel, const void* rule, const Shape& shape, const Tensor& g, const KernelInput (&in)[N]) {
    Tensor part = empty(shape, g.dtype());
    const KernelOutput out[] = {{TensorAccess::data(part), size_of(g.dtype())}};
    run(kernel, rule, shape, part.size(), in, out);
    return part;
}

template <class Rule>
struct UnaryEntry {
    [[no_unique_address]] UnaryOperation<Rule> rule;
    [[no_unique_address]] Saved<(Rule::reads & rules::A) != 0, 0> x;
    [[no_unique_address]] Saved<(Rule::reads & rules::Y) != 0, 1> y;

    static void pull(void* closure, Pull& pull) {
        const auto& self = *static_cast<UnaryEntry*>(closure);
        const Tensor &x = get(self.x), &y = get(self.y);
        Tensor& g = *pull.cotangents;
        if (!nothing_recorded(g, x, y)) {
            pull.parts[0] = self.rule.pull(g, x, y);
            return;
        }
        const auto kernel = kernels::active().elementwise.unary[rules::Unary::index_of<Rule>()].pull[g.dtype() == DType::f64];
        if (Rule::reads && g.size() != (Rule::reads & rules::A ? x : y).size()) [[unlikely]] {
            const KernelInput in[] = {input(g), input(x.defined() ? x : g), input(y.defined() ? y : g)};
            pull.parts[0] = pull_reduced(kernel, &self.rule, *pull.entry.shape, g, in);
            return;
        }
        const void* gd = TensorAccess::data(g);
        const void* const in[] = {gd, x.defined() ? TensorAccess::data(x) : gd, y.defined() ? TensorAccess::data(y) : gd};
        Tensor part[] = {result_like(g, &g)};
        run_same(kernel, &self.rule, in, steps_3, part);
        pull.parts[0] = std::move(part[0]);
    }
    [[gnu::cold]] static bool fuse(void* closure, const Entry& entry, Needs, FusedStep& step) {
        const auto& self = *static_cast<UnaryEntry*>(closure);
        step.kernel = kernels::active().elementwise.unary[rules::Unary::index_of<Rule>()].pull[entry.dtype == DType::f64];
        step.rule = &self.rule;
        step.inputs = 3;
        step.parts[0] = 0;
        step.outputs = 1;
        return step.save(1, get(self.x), *entry.shape) && step.save(2, get(self.y), *entry.shape);
    }
    static void destroy(void* closure) noexcept { static_cast<UnaryEntry*>(closure)->~UnaryEntry(); }
    static constexpr Kind kind{&pull, &destroy, true, &fuse};
};

template <class Rule>
XGRAD_INLINE Tensor unary_unnamed(const Rule& rule, const Operand& operand) {
    if constexpr (has_integer_value<Rule>)
        if (operand.is_tensor() && operand.tensor().defined() && is_integer(operand.dtype())) [[unlikely]]
            return integer_unary<Rule>(operand);
    const Tensor& x = require_floating(Rule::name, operand);
    Tensor* temporary = operand.temporary() && !traced() ? const_cast<Tensor*>(&x) : nullptr;
    NodeId node = no_node;
    if constexpr (rules::differentiable<Rule>) node = node_of(x);
    Tensor y = [&] {
        if constexpr (rules::differentiable<Rule>)
            return run_unary(rule, x, node != no_node && (Rule::reads & rules::A) ? nullptr : temporary);
        else return run_unary(rule, x, temporary);
    }();
    if (recording) {
        if (recording->trace) [[unlikely]]
            trace_run(UnaryOperation<Rule>(rule), x, {}, y, operand.where());
        if constexpr (rules::differentiable<Rule>)
            if (node != no_node) {
                auto& entry = record_nodes<UnaryEntry<Rule>>({node}, y, operand.where(), UnaryOperation<Rule>(rule));
                keep(entry.x, x);
                keep(entry.y, y);
            }
    }
    return y;
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

/// The usual case: two tensors of one shape.
template <class Rule>
XGRAD_INLINE Tensor run_binary_same(const Rule& rule, const Tensor& a, const Tensor& b, Tensor* reusable) {
    const auto kernel = kernels::active().elementwise.binary[rules::Binary::index_of<Rule>()].value[a.dtype() == DType::f64];
    const void* const in[] = {TensorAccess::data(a), TensorAccess::data(b)};
    Tensor y[] = {result_like(a, reusable)};
    run_same(kernel, &rule, in, steps_2, y);
    return std::move(y[0]);
}

template <class Rule>
struct BinaryOperation : Rule {
    static constexpr const char* label = Rule::name;
    BinaryOperation() = default;
    BinaryOperation(const Rule& rule) : Rule(rule) {}
    Tensor value(const Tensor& a, const Tensor& b) const {
        const Tensor* const inputs[] = {&a, &b};
        return run_broadcast(kernels::active().elementwise.binary[rules::Binary::index_of<Rule>()].value, static_cast<const Rule*>(this),
                             Rule::name, inputs);
    }
};

/// The kernel that gives the cotangents that somebody wants.
template <class Rule>
XGRAD_INLINE kernels::ElementwiseKernel pull_kernel(bool a, bool b, DType dtype) {
    const auto& k = kernels::active().elementwise.binary[rules::Binary::index_of<Rule>()];
    const int type = dtype == DType::f64;
    return a && b ? k.pull_both[type] : a ? k.pull_a[type] : k.pull_b[type];
}

template <class Rule>
struct BinaryEntry {
    static constexpr unsigned reads = Rule::reads_a | Rule::reads_b;
    [[no_unique_address]] BinaryOperation<Rule> rule;
    [[no_unique_address]] Saved<(reads & rules::A) != 0, 0> a;
    [[no_unique_address]] Saved<(reads & rules::B) != 0, 1> b;
    [[no_unique_address]] Saved<(reads & rules::Y) != 0, 2> y = {};

    static void pull(void* closure, Pull& pull) {
        const auto& self = *static_cast<BinaryEntry*>(closure);
        const Tensor &a = get(self.a), &b = get(self.b), &y = get(self.y);
        Tensor& g = *pull.cotangents;
        const bool needs[] = {pull.needs[0], pull.needs[1]}, both = needs[0] && needs[1];
        // A sum hands its cotangent on; there is nothing to compute.
        if (reads == 0 || !nothing_recorded(g, a, b, y)) {
            if (needs[0]) give(pull, 0, self.rule.pull_a(g, a, b, y));
            if (needs[1]) give(pull, 1, self.rule.pull_b(g, a, b, y));
            return;
        }
        const DType dtype = g.dtype();
        const auto kernel = pull_kernel<Rule>(needs[0], needs[1], dtype);
        const Tensor* saved[] = {&a, &b, &y};
        bool same = true, scalars = true;
        for (const Tensor* t : saved)
            if (t->defined()) {
                same = same && t->shape() == g.shape();
                scalars = scalars && t->size() == 1;
            }
        const void* gd = TensorAccess::data(g);
        const Shape shape_of_g = g.shape();
        // A reduced cotangent stays so as long as nothing of the output's shape meets it.
        const Shape& shape = same || scalars ? shape_of_g : *pull.entry.shape;
        const bool in_place = same || shape_of_g == shape;
        Tensor second = both ? empty(shape, dtype) : Tensor();
        Tensor first = in_place ? result_like(g, &g) : empty(shape, dtype);  // may take g's storage over
        if (same) {
            const void* const in[] = {gd, a.defined() ? TensorAccess::data(a) : gd, b.defined() ? TensorAccess::data(b) : gd,
                                      y.defined() ? TensorAccess::data(y) : gd};
            if (both) run_same(kernel, &self.rule, in, steps_4, {first, second});
            else run_same(kernel, &self.rule, in, steps_4, {first});
        } else {
            const std::int64_t bytes = size_of(dtype);
            KernelInput in[] = {{gd, &shape_of_g, bytes}, {gd, &shape_of_g, bytes}, {gd, &shape_of_g, bytes}, {gd, &shape_of_g, bytes}};
            for (int i = 0; i < 3; ++i)
                if (saved[i]->defined()) in[i + 1] = input(*saved[i]);
            const KernelOutput out[] = {{TensorAccess::data(first), bytes}, {both ? TensorAccess::data(second) : nullptr, bytes}};
            run(kernel, &self.rule, shape, first.size(), in, std::span(out, both ? 2 : 1));
        }
        give(pull, needs[0] ? 0 : 1, std::move(first));
        if (both) give(pull, 1, std::move(second));
    }
    [[gnu::cold]] static bool fuse(void* closure, const Entry& entry, Needs needs, FusedStep& step) {
        const auto& self = *static_cast<BinaryEntry*>(closure);
        step.kernel = pull_kernel<Rule>(needs[0], needs[1], entry.dtype);
        step.rule = &self.rule;
        step.inputs = 4;
        step.parts[0] = needs[0] ? 0 : 1;
        step.parts[1] = 1;
        step.outputs = needs[0] && needs[1] ? 2 : 1;
        return step.save(1, get(self.a), *entry.shape) && step.save(2, get(self.b), *entry.shape) &&
               step.save(3, get(self.y), *entry.shape);
    }
    static void destroy(void* closure) noexcept { static_cast<BinaryEntry*>(closure)->~BinaryEntry(); }
    static constexpr Kind kind{&pull, &destroy, true, &fuse};
};

/// Whichever operand is about to die and has the result's shape gives its buffer.
XGRAD_INLINE Tensor* reusable_of(const Operand& a, const Operand& b, const Shape& shape, bool keep_a, bool keep_b) {
    for (const auto& [operand, keep] : {std::pair{&a, keep_a}, std::pair{&b, keep_b}})
        if (!keep && operand->temporary() && operand->shape() == shape && TensorAccess::unique(operand->tensor()))
            return const_cast<Tensor*>(&operand->tensor());
    return nullptr;
}

/// Two tensors of one dtype; `compute` is given the buffer that may be reused.
template <class Rule, class Compute>
XGRAD_INLINE Tensor binary_of_tensors(const Rule& rule, const Operand& a, const Operand& b, const Shape& shape, Compute&& compute) {
    NodeId nodes[] = {no_node, no_node};
    unsigned reads = 0;
    if constexpr (rules::differentiable<Rule>)
        if (recording) {
            nodes[0] = node_of(a.tensor()), nodes[1] = node_of(b.tensor());
            reads = (nodes[0] != no_node ? Rule::reads_a : 0u) | (nodes[1] != no_node ? Rule::reads_b : 0u);
        }
    const bool keep_a = (reads & rules::A) || traced(), keep_b = (reads & rules::B) || traced();
    const Tensor kept_a = keep_a ? a.tensor() : Tensor(), kept_b = keep_b ? b.tensor() : Tensor();
    Tensor y = compute(reusable_of(a, b, shape, keep_a, keep_b));
    if constexpr (rules::differentiable<Rule>)
        if (nodes[0] != no_node || nodes[1] != no_node) {
            auto& entry = record_nodes<BinaryEntry<Rule>>(nodes, y, a.where(), BinaryOperation<Rule>(rule));
            if (reads & rules::A) keep(entry.a, kept_a);
            if (reads & rules::B) keep(entry.b, kept_b);
            if (reads & rules::Y) keep(entry.y, y);
        }
    if (traced()) [[unlikely]]
        trace_run(BinaryOperation<Rule>(rule), kept_a, kept_b, y, a.where());
    return y;
}

// --- an input and a number ------------------------------------------------------------------------------------------

/// A number as kernels of both precisions read it.
struct KernelNumber {
    double f64;
    float f32;
    KernelNumber(double number) : f64(number), f32(static_cast<float>(number)) {}
    const void* data(DType dtype) const { return dtype == DType::f64 ? static_cast<const void*>(&f64) : &f32; }
};

/// The kernel over a tensor and a number.
Tensor run_with_number(kernels::ElementwiseKernel kernel, const void* rule, const Tensor& x, double number, bool number_first,
                       Tensor* reusable);

/// The same for the cotangent; what is not read is an empty tensor, or null.
void pull_with_number(Pull& pull, kernels::ElementwiseKernel kernel, const void* rule, const Tensor& x, const Tensor& y, const void* number,
                      bool number_first);

/// "add_number" of "add".
template <class Rule>
struct NameWithNumber {
    static constexpr std::size_t length = std::char_traits<char>::length(Rule::name);
    static constexpr auto text = [] {
        std::array<char, length + 8> name{};
        std::copy_n(Rule::name, length, name.begin());
        std::copy_n("_number", 7, name.begin() + length);
        return name;
    }();
};

/// A rule of two inputs as an operation of one: the other is a number.
template <class Rule>
struct NumberOperation : Rule {
    static constexpr const char* name = NameWithNumber<Rule>::text.data();
    static constexpr const char* label = Rule::name;
    double number = 0;
    bool number_first = false;
    XGRAD_ATTRIBUTES(number, number_first)
    NumberOperation() = default;
    NumberOperation(const Rule& rule, double n, bool first) : Rule(rule), number(n), number_first(first) {}

    Tensor value(const Tensor& x) const {
        const Tensor n = scalar(number, x.dtype()), *const inputs[] = {number_first ? &n : &x, number_first ? &x : &n};
        return run_broadcast(kernels::active().elementwise.binary[rules::Binary::index_of<Rule>()].value, static_cast<const Rule*>(this),
                             Rule::name, inputs);
    }
    Tensor run(const Tensor& x, Tensor* reusable) const {
        const auto kernel = kernels::active().elementwise.binary[rules::Binary::index_of<Rule>()].value[x.dtype() == DType::f64];
        return run_with_number(kernel, static_cast<const Rule*>(this), x, number, number_first, reusable);
    }
    /// Whether the pullback reads the input, the number, the output.
    bool reads_x() const { return reads() & (number_first ? rules::B : rules::A); }
    bool reads_number() const { return reads() & (number_first ? rules::A : rules::B); }
    bool reads_y() const { return reads() & rules::Y; }

private:
    unsigned reads() const {
        if constexpr (rules::differentiable<Rule>) return number_first ? Rule::reads_b : Rule::reads_a;
        else return 0;
    }
};

template <class Rule>
struct NumberEntry {
    [[no_unique_address]] NumberOperation<Rule> op;
    [[no_unique_address]] Saved<(Rule::reads_a & rules::A) != 0 || (Rule::reads_b & rules::B) != 0, 0> x;
    [[no_unique_address]] Saved<((Rule::reads_a | Rule::reads_b) & rules::Y) != 0, 1> y;
    KernelNumber number{op.number};

    static void pull(void* closure, Pull& pull) {
        const auto& self = *static_cast<NumberEntry*>(closure);
        const Tensor &x = get(self.x), &y = get(self.y);
        Tensor& g = *pull.cotangents;
        const bool first = self.op.number_first, reads_number = self.op.reads_number();
        if (!(x.defined() || y.defined() || reads_number) || !nothing_recorded(g, x, y)) {
            const Tensor number = reads_number ? scalar(self.op.number, g.dtype()) : Tensor();
            pull.parts[0] = first ? self.op.pull_b(g, number, x, y) : self.op.pull_a(g, x, number, y);
            return;
        }
        const void* const number = reads_number ? self.number.data(g.dtype()) : nullptr;
        pull_with_number(pull, pull_kernel<Rule>(!first, first, g.dtype()), &self.op, x, y, number, first);
    }
    [[gnu::cold]] static bool fuse(void* closure, const Entry& entry, Needs, FusedStep& step) {
        const auto& self = *static_cast<NumberEntry*>(closure);
        const bool first = self.op.number_first;
        step.kernel = pull_kernel<Rule>(!first, first, entry.dtype);
        step.rule = &self.op;
        step.inputs = 4;
        step.parts[0] = 0;
        step.outputs = 1;
        if (self.op.reads_number()) step.save_number(first ? 1 : 2, self.number.data(entry.dtype));
        return step.save(first ? 2 : 1, get(self.x), *entry.shape) && step.save(3, get(self.y), *entry.shape);
    }
    static void destroy(void* closure) noexcept { static_cast<NumberEntry*>(closure)->~NumberEntry(); }
    static constexpr Kind kind{&pull, &destroy, true, &fuse};
};

template <class Rule>
[[gnu::noinline]] Tensor binary_with_number(const Rule& rule, const Operand& a, const Operand& b) {
    const bool first = !a.is_tensor();
    const Operand& operand = first ? b : a;
    const Tensor& x = operand.tensor();
    require_floating_result(Rule::name, x.dtype(), a.where());
    const NumberOperation<Rule> op(rule, first ? a.number() : b.number(), first);
    Tensor* temporary = operand.temporary() && !traced() ? const_cast<Tensor*>(&x) : nullptr;
    NodeId node = no_node;
    if constexpr (rules::differentiable<Rule>) node = node_of(x);
    const bool saves_x = node != no_node && op.reads_x();
    const Tensor saved = saves_x || traced() ? x : Tensor();
    Tensor y = op.run(x, saves_x ? nullptr : temporary);
    if constexpr (rules::differentiable<Rule>)
        if (node != no_node) {
            auto& entry = record_nodes<NumberEntry<Rule>>({node}, y, a.where(), op);
            if (saves_x) keep(entry.x, saved);
            if (op.reads_y()) keep(entry.y, y);
        }
    if (traced()) [[unlikely]]
        trace_run(op, saved, {}, y, a.where());
    return y;
}

template <class Rule>
XGRAD_INLINE Tensor binary_unnamed(const Rule& rule, const Operand& a, const Operand& b) {
    check_defined(Rule::name, a);
    check_defined(Rule::name, b);
    const bool tensors = a.is_tensor() && b.is_tensor();
    if (tensors && a.dtype() == b.dtype() && is_floating(a.dtype()) && a.shape() == b.shape())
        return binary_of_tensors(rule, a, b, a.shape(),
                                 [&](Tensor* reusable) { return run_binary_same(rule, a.tensor(), b.tensor(), reusable); });
    if (const DType dtype = integer_type(a, b); dtype != DType::boolean) {
        check<DTypeError>(has_integer_value<Rule>, a.where(),
                          [&] { return std::string(Rule::name) + ": must be f32 or f64, got " + name_of(dtype); });
        if constexpr (has_integer_value<Rule>) return integer_binary<Rule>(a, b);
    }
    check<DTypeError>(a.is_tensor() || b.is_tensor(), a.where(),
                      [] { return std::string(Rule::name) + ": at least one operand must be a tensor, got numbers"; });
    if (!tensors) return binary_with_number(rule, a, b);
    check<DTypeError>(a.dtype() == b.dtype(), a.where(), [&] {
        return std::string(Rule::name) + ": dtypes must agree, got " + name_of(a.dtype()) + " and " + name_of(b.dtype()) +
               " (convert one with .to())";
    });
    const Shape shape = broadcast_shapes(a.shape(), b.shape(), Rule::name, a.where());
    require_floating_result(Rule::name, a.dtype(), a.where());
    return binary_of_tensors(rule, a, b, shape, [&](Tensor* reusable) {
        const Tensor* const inputs[] = {&a.tensor(), &b.tensor()};
        return run_broadcast(kernels::active().elementwise.binary[rules::Binary::index_of<Rule>()].value, &rule, Rule::name, inputs,
                             reusable);
    });
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
