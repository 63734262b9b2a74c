#pragma once

#include "entry.hpp"
#include "number.hpp"

// Runs and records element-wise rules: unary() and binary(), shared by all rules. Not for users.

namespace xgrad::detail::elementwise {

// --- one input -------------------------------------------------------------------------------------------------------

template <class Rule>
XGRAD_INLINE Tensor run_unary(const Rule& rule, const Tensor& x, Tensor* reusable) {
    const auto kernel =
        kernels::active().elementwise.unary[rules::Unary::index_of<Rule>()].value[x.dtype() == DType::f64];
    const void* const in[] = {TensorAccess::data(x)};  // remains valid even if y takes over x's storage
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
        return run_broadcast(kernels::active().elementwise.unary[rules::Unary::index_of<Rule>()].value,
                             static_cast<const Rule*>(this), Rule::name, inputs);
    }
};

template <class Rule>
struct UnaryEntry {
    [[no_unique_address]] UnaryOperation<Rule> rule;
    [[no_unique_address]] Saved<(Rule::reads & rules::A) != 0, 0> x;
    [[no_unique_address]] Saved<(Rule::reads & rules::Y) != 0, 1> y;

    static void pull(void* closure, Pull& pull) {
        const auto& self = *static_cast<UnaryEntry*>(closure);
        const Tensor &x = get(self.x), &y = get(self.y);
        Tensor& g = *pull.cotangents;
        if (!nothing_recorded(g, x, y)) return composed(pull, self);
        const auto kernel =
            kernels::active().elementwise.unary[rules::Unary::index_of<Rule>()].pull[g.dtype() == DType::f64];
        if (Rule::reads && g.size() != (Rule::reads & rules::A ? x : y).size()) [[unlikely]] {
            const KernelInput in[] = {input(g), input(x.defined() ? x : g), input(y.defined() ? y : g)};
            pull.parts[0] = pull_reduced(kernel, &self.rule, *pull.entry.shape, g, in);
            return;
        }
        const void* gd = TensorAccess::data(g);
        const void* const in[] = {gd, x.defined() ? TensorAccess::data(x) : gd,
                                  y.defined() ? TensorAccess::data(y) : gd};
        Tensor part[] = {result_like(g, &g)};
        run_same(kernel, &self.rule, in, steps_3, part);
        pull.parts[0] = std::move(part[0]);
    }
    [[gnu::cold]] static void composed(Pull& pull, const UnaryEntry& self) {
        pull.parts[0] = self.rule.pull(*pull.cotangents, get(self.x), get(self.y));
    }
    [[gnu::cold]] static bool fuse(void* closure, const Entry& entry, Needs, FusedStep& step) {
        const auto& self = *static_cast<UnaryEntry*>(closure);
        step.kernel =
            kernels::active().elementwise.unary[rules::Unary::index_of<Rule>()].pull[entry.dtype == DType::f64];
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
    if (!is_floating_tensor(operand) && is_integer_operand(Rule::name, operand, has_integer_value<Rule>)) [[unlikely]]
        if constexpr (has_integer_value<Rule>) return integer_unary<Rule>(operand);
    const Tensor& x = operand.tensor();
    Record* const record = recording;
    Tensor* temporary = operand.temporary() ? const_cast<Tensor*>(&x) : nullptr;
    NodeId node = no_node;
    if (record) {
        if constexpr (rules::differentiable<Rule>) {
            node = record->node_of(x);
            if (node != no_node && (Rule::reads & rules::A)) temporary = nullptr;
        }
        if (record->trace) [[unlikely]]
            temporary = nullptr;
    }
    Tensor y = run_unary(rule, x, temporary);
    if (!record) return y;
    if constexpr (rules::differentiable<Rule>)
        if (node != no_node) {
            auto& entry = record_nodes<UnaryEntry<Rule>>({node}, y, operand.where(), UnaryOperation<Rule>(rule));
            save(entry.x, x);
            save(entry.y, y);
        }
    if (record->trace) [[unlikely]]
        trace_run(UnaryOperation<Rule>(rule), x, {}, y, operand.where());
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

// --- two inputs ------------------------------------------------------------------------------------------------------

/// The common case: two tensors of the same shape.
template <class Rule>
XGRAD_INLINE Tensor run_binary_same(const Rule& rule, const Tensor& a, const Tensor& b, Tensor* reusable) {
    const auto kernel =
        kernels::active().elementwise.binary[rules::Binary::index_of<Rule>()].value[a.dtype() == DType::f64];
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
        return run_broadcast(kernels::active().elementwise.binary[rules::Binary::index_of<Rule>()].value,
                             static_cast<const Rule*>(this), Rule::name, inputs);
    }
};

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
        if constexpr (reads == 0) {  // a sum passes its cotangent on; there is nothing to compute
            if (needs[0]) give(pull, 0, self.rule.pull_a(g, a, b, y));
            if (needs[1]) give(pull, 1, self.rule.pull_b(g, a, b, y));
            return;
        }
        if (!nothing_recorded(g, a, b, y)) return composed(pull, self);
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
        // A reduced cotangent stays reduced unless it is combined with a tensor of the output's shape.
        const Shape& shape = same || scalars ? shape_of_g : *pull.entry.shape;
        const bool in_place = same || shape_of_g == shape;
        Tensor second = both ? empty(shape, dtype) : Tensor();
        Tensor first = in_place ? result_like(g, &g) : empty(shape, dtype);  // may take over g's storage
        if (same) {
            const void* const in[] = {gd, a.defined() ? TensorAccess::data(a) : gd,
                                      b.defined() ? TensorAccess::data(b) : gd,
                                      y.defined() ? TensorAccess::data(y) : gd};
            if (both) run_same(kernel, &self.rule, in, steps_4, {first, second});
            else run_same(kernel, &self.rule, in, steps_4, {first});
        } else {
            const std::int64_t bytes = size_of(dtype);
            KernelInput in[] = {
                {gd, &shape_of_g, bytes}, {gd, &shape_of_g, bytes}, {gd, &shape_of_g, bytes}, {gd, &shape_of_g, bytes}};
            for (int i = 0; i < 3; ++i)
                if (saved[i]->defined()) in[i + 1] = input(*saved[i]);
            const KernelOutput out[] = {{TensorAccess::data(first), bytes},
                                        {both ? TensorAccess::data(second) : nullptr, bytes}};
            run(kernel, &self.rule, shape, first.size(), in, std::span(out, both ? 2 : 1));
        }
        give(pull, needs[0] ? 0 : 1, std::move(first));
        if (both) give(pull, 1, std::move(second));
    }
    [[gnu::cold]] static void composed(Pull& pull, const BinaryEntry& self) {
        const Tensor &g = *pull.cotangents, &a = get(self.a), &b = get(self.b), &y = get(self.y);
        if (pull.needs[0]) give(pull, 0, self.rule.pull_a(g, a, b, y));
        if (pull.needs[1]) give(pull, 1, self.rule.pull_b(g, a, b, y));
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

/// The operand whose buffer may be reused: a temporary with the result's shape; null if there is none.
XGRAD_INLINE Tensor* reusable_of(const Operand& a, const Operand& b, const Shape& shape, bool keep_a, bool keep_b) {
    for (const auto& [operand, keep] : {std::pair{&a, keep_a}, std::pair{&b, keep_b}})
        if (!keep && operand->temporary() && operand->shape() == shape && TensorAccess::unique(operand->tensor()))
            return const_cast<Tensor*>(&operand->tensor());
    return nullptr;
}

/// For two tensors of one dtype; `compute` receives the buffer that may be reused.
template <class Rule, class Compute>
XGRAD_INLINE Tensor binary_of_tensors(const Rule& rule, const Operand& a, const Operand& b, const Shape& shape,
                                      Compute&& compute) {
    Record* const record = recording;
    NodeId nodes[] = {no_node, no_node};
    unsigned reads = 0;
    if (record) {
        if (record->trace) [[unlikely]]
            reads = rules::A | rules::B;
        if constexpr (rules::differentiable<Rule>) {
            nodes[0] = record->node_of(a.tensor()), nodes[1] = record->node_of(b.tensor());
            reads |= (nodes[0] != no_node ? Rule::reads_a : 0u) | (nodes[1] != no_node ? Rule::reads_b : 0u);
        }
    }
    const bool keep_a = reads & rules::A, keep_b = reads & rules::B;
    const Tensor kept_a = keep_a ? a.tensor() : Tensor(), kept_b = keep_b ? b.tensor() : Tensor();
    Tensor y = compute(reusable_of(a, b, shape, keep_a, keep_b));
    if (!record) return y;
    if constexpr (rules::differentiable<Rule>)
        if (nodes[0] != no_node || nodes[1] != no_node) {
            auto& entry = record_nodes<BinaryEntry<Rule>>(nodes, y, a.where(), BinaryOperation<Rule>(rule));
            save(entry.a, kept_a);
            save(entry.b, kept_b);
            if (reads & rules::Y) save(entry.y, y);
        }
    if (record->trace) [[unlikely]]
        trace_run(BinaryOperation<Rule>(rule), kept_a, kept_b, y, a.where());
    return y;
}

template <class Rule>
[[gnu::noinline]] Tensor binary_of_others(const Rule& rule, const Operand& a, const Operand& b) {
    Shape shape;
    const Operands operands = operands_of(Rule::name, a, b, has_integer_value<Rule>, shape);
    if constexpr (has_integer_value<Rule>)
        if (operands == Operands::integers) return integer_binary<Rule>(a, b);
    if (operands == Operands::number) return binary_with_number(rule, a, b);
    return binary_of_tensors(rule, a, b, shape, [&](Tensor* reusable) {
        const Tensor* const inputs[] = {&a.tensor(), &b.tensor()};
        return run_broadcast(kernels::active().elementwise.binary[rules::Binary::index_of<Rule>()].value, &rule,
                             Rule::name, inputs, reusable);
    });
}
template <class Rule>
XGRAD_INLINE Tensor binary_unnamed(const Rule& rule, const Operand& a, const Operand& b) {
    if (!same_floating_type(a, b)) return binary_of_others(rule, a, b);
    return binary_of_tensors(rule, a, b, a.shape(),
                             [&](Tensor* reusable) { return run_binary_same(rule, a.tensor(), b.tensor(), reusable); });
}
template <class Rule>
Tensor binary(const Rule& rule, const Operand& a, const Operand& b) {
    try {
        return binary_unnamed(rule, a, b);
    } catch (...) {
        rethrow_named(Rule::name, a.where(), described(a.is_tensor() ? a : b));
    }
}

}  // namespace xgrad::detail::elementwise
