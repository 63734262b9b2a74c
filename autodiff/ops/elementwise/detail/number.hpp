#pragma once

#include "entry.hpp"

// Rules of two inputs of which one is a number: operations of one input with an attribute. Not for users.

namespace xgrad::detail::elementwise {

/// A number in the form that the kernels of each precision read.
struct KernelNumber {
    double f64;
    float f32;
    KernelNumber(double number) : f64(number), f32(static_cast<float>(number)) {}
    const void* data(DType dtype) const { return dtype == DType::f64 ? static_cast<const void*>(&f64) : &f32; }
};

/// Runs the kernel over a tensor and a number.
Tensor run_with_number(kernels::ElementwiseKernel kernel, const void* rule, const Tensor& x, double number,
                       bool number_first, Tensor* reusable);

/// The same for the cotangent; inputs that are not read are empty tensors, or null.
void pull_with_number(Pull& pull, kernels::ElementwiseKernel kernel, const void* rule, const Tensor& x, const Tensor& y,
                      const void* number, bool number_first);

/// A rule of two inputs as an operation of one input; the other is a number.
template <class Rule>
struct NumberOperation : Rule {
    static constexpr const char* name = DerivedName<Rule, false, true>::text.data();
    static constexpr const char* label = Rule::name;
    double number = 0;
    bool number_first = false;
    XGRAD_ATTRIBUTES(number, number_first)
    NumberOperation() = default;
    NumberOperation(const Rule& rule, double n, bool first) : Rule(rule), number(n), number_first(first) {}

    Tensor value(const Tensor& x) const {
        const Tensor n = scalar(number, x.dtype()), *const inputs[] = {number_first ? &n : &x, number_first ? &x : &n};
        return run_broadcast(kernels::active().elementwise.binary[rules::Binary::index_of<Rule>()].value,
                             static_cast<const Rule*>(this), Rule::name, inputs);
    }
    Tensor run(const Tensor& x, Tensor* reusable) const {
        const auto kernel =
            kernels::active().elementwise.binary[rules::Binary::index_of<Rule>()].value[x.dtype() == DType::f64];
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
        if (!(x.defined() || y.defined() || reads_number) || !nothing_recorded(g, x, y)) return composed(pull, self);
        const void* const number = reads_number ? self.number.data(g.dtype()) : nullptr;
        pull_with_number(pull, pull_kernel<Rule>(!first, first, g.dtype()), &self.op, x, y, number, first);
    }
    static void composed(Pull& pull, const NumberEntry& self) {
        const Tensor &g = *pull.cotangents,
                     number = self.op.reads_number() ? scalar(self.op.number, g.dtype()) : Tensor();
        pull.parts[0] = self.op.number_first ? self.op.pull_b(g, number, get(self.x), get(self.y))
                                             : self.op.pull_a(g, get(self.x), number, get(self.y));
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
Tensor binary_with_number(const Rule& rule, const Operand& a, const Operand& b) {
    const bool first = !a.is_tensor();
    const Operand& operand = first ? b : a;
    const Tensor& x = operand.tensor();
    const NumberOperation<Rule> op(rule, first ? a.number() : b.number(), first);
    Record* const record = recording;
    NodeId node = no_node;
    if constexpr (rules::differentiable<Rule>)
        if (record) node = record->node_of(x);
    const bool saves_x = record && (record->trace || (node != no_node && op.reads_x()));
    const Tensor saved = saves_x ? x : Tensor();
    Tensor y = op.run(x, operand.temporary() && !saves_x ? const_cast<Tensor*>(&x) : nullptr);
    if (!record) return y;
    if constexpr (rules::differentiable<Rule>)
        if (node != no_node) {
            auto& entry = record_nodes<NumberEntry<Rule>>({node}, y, a.where(), op);
            if (op.reads_x()) save(entry.x, saved);
            if (op.reads_y()) save(entry.y, y);
        }
    if (record->trace) [[unlikely]]
        trace_run(op, saved, {}, y, a.where());
    return y;
}

}  // namespace xgrad::detail::elementwise
