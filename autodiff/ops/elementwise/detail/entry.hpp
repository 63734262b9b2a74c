#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "autodiff/core/detail/axes.hpp"
#include "autodiff/core/detail/record.hpp"
#include "autodiff/kernels/kernels.hpp"
#include "autodiff/ops/elementwise/elementwise.hpp"
#include "autodiff/ops/shape/shape.hpp"
#include "broadcast.hpp"
#include "fused_chain.hpp"
#include "integer.hpp"

// Shared by the entries of element-wise rules: operand checks, running kernels, traces, and cotangents under
// broadcasting. Not for users.

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
/// The sigmoid and its slope, which is not computed from the rounded value.
detail::Sloped logistic(const Tensor& x);
/// The slopes of y = sigmoid(x) and y = tanh(x), computed in the same way.
Tensor sigmoid_slope(const Tensor& x, const Tensor& y);
Tensor tanh_slope(const Tensor& x, const Tensor& y);

namespace detail::elementwise {

// Code that runs for every small operation is inlined: the calls would be most of its cost.
#define XGRAD_INLINE inline __attribute__((always_inline))

XGRAD_INLINE bool is_floating_tensor(const Operand& x) {
    return x.is_tensor() && x.tensor().defined() && is_floating(x.tensor().dtype());
}
XGRAD_INLINE bool same_floating_type(const Operand& a, const Operand& b) {
    return is_floating_tensor(a) && is_floating_tensor(b) && a.dtype() == b.dtype() && a.shape() == b.shape();
}
/// True for an integer tensor if there is a rule for integers; else throws the error for an operand that is not a
/// floating-point tensor.
bool is_integer_operand(const char* name, const Operand& x, bool has_integers);
enum class Operands { integers, number, tensors };
/// Classifies operands that are not two tensors of one shape and floating-point type; for two tensors, `shape` is set
/// to the shape they broadcast to. DTypeError, ShapeError, ValueError.
Operands operands_of(const char* name, const Operand& a, const Operand& b, bool has_integers, Shape& shape);

/// Describes a result like this operand, for the error of an allocation that cannot describe it.
inline std::string described(const Operand& x) {
    return x.is_tensor() && x.tensor().defined() ? shape_and_type(x.shape(), x.dtype()) : std::string();
}

inline KernelInput input(const Tensor& t) { return {TensorAccess::data(t), &t.shape(), size_of(t.dtype())}; }

/// A tensor for a result of `like`'s shape and dtype: `reusable`'s buffer if `reusable` is given and no other handle
/// holds it, else a new one.
XGRAD_INLINE Tensor result_like(const Tensor& like, Tensor* reusable) {
    if (reusable && TensorAccess::unique(*reusable)) return TensorAccess::constant(std::move(*reusable));
    return TensorAccess::empty_like(like);
}

/// The same, split among threads if that pays off.
void run_large(kernels::ElementwiseKernel kernel, const void* rule, std::span<const void* const> in,
               const std::uint8_t* step, std::span<const Tensor> out);
/// Runs the kernel over inputs that have the result's shape or, if their step is 0, are single numbers.
template <std::size_t In, std::size_t Out>
XGRAD_INLINE void run_same(kernels::ElementwiseKernel kernel, const void* rule, const void* const (&in)[In],
                           const std::uint8_t (&step)[In], const Tensor (&out)[Out]) {
    const std::int64_t size = out[0].size();
    if (size < 2 * work_per_thread) {
        void* to[Out];
        for (std::size_t k = 0; k < Out; ++k) to[k] = TensorAccess::data(out[k]);
        return kernel(rule, size, in, step, to);
    }
    run_large(kernel, rule, in, step, out);
}
inline constexpr std::uint8_t steps_1[1] = {1}, steps_2[2] = {1, 1}, steps_3[3] = {1, 1, 1}, steps_4[4] = {1, 1, 1, 1};

/// Appends an entry for y whose inputs are the given nodes, at least one of which is recorded. The caller must then set
/// the saved tensors.
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

/// Adds an operation that has run to the trace; an input may be missing.
[[gnu::cold]] void trace_run(const OperationType& type, const void* op, const Tensor& a, const Tensor& b,
                             const Tensor& y, Location where);
template <class Op>
void trace_run(const Op& op, const Tensor& a, const Tensor& b, const Tensor& y, Location where) {
    trace_run(OperationTypeOf<Op>::type, &op, a, b, y, where);
}
/// The kernel's value for one input or for two that broadcast, in the reusable buffer or a new one.
Tensor run_broadcast(const kernels::ElementwiseKernel (&kernels)[2], const void* rule, const char* name,
                     std::span<const Tensor* const> inputs, Tensor* reusable = nullptr);

/// Whether no outer tape watches any of these, so that the kernel may be used instead of the composed rule.
template <class... T>
XGRAD_INLINE bool nothing_recorded(const T&... tensors) {
    return !recording || !(recording->trace || (is_tracked(tensors) || ...));
}

/// The cotangent of an input: `part` summed over the axes that broadcasting repeated. `part` has the result's axes,
/// with size 1 along those where it does not vary.
Tensor unbroadcast(Tensor part, const Shape& result, const Shape& input);
XGRAD_INLINE void give(const Pull& pull, int i, Tensor&& part) {
    const NodeId node = pull.entry.input_nodes()[i];
    Entry& source = *pull.record.nodes[node];
    if (source.shape == pull.entry.shape && source.outputs == 1) pull.parts[i] = std::move(part);
    else pull.parts[i] = unbroadcast(std::move(part), *pull.entry.shape, source.shape_of(node));
}

/// A saved tensor, or an empty type for a tensor that the rule never reads.
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
inline void save(Tensor& saved, const Tensor& t) { saved = t; }
template <int Which>
void save(Nothing<Which>&, const Tensor&) {}

/// A rule's pull for a cotangent that has size 1 along some axes; `in` are the kernel's inputs.
template <std::size_t N>
Tensor pull_reduced(kernels::ElementwiseKernel kernel, const void* rule, const Shape& shape, const Tensor& g,
                    const KernelInput (&in)[N]) {
    Tensor part = empty(shape, g.dtype());
    const KernelOutput out[] = {{TensorAccess::data(part), size_of(g.dtype())}};
    run(kernel, rule, shape, part.size(), in, out);
    return part;
}

/// The kernel that computes the cotangents that are needed.
template <class Rule>
XGRAD_INLINE kernels::ElementwiseKernel pull_kernel(bool a, bool b, DType dtype) {
    const auto& k = kernels::active().elementwise.binary[rules::Binary::index_of<Rule>()];
    const int type = dtype == DType::f64;
    return a && b ? k.pull_both[type] : a ? k.pull_a[type] : k.pull_b[type];
}

}  // namespace detail::elementwise
}  // namespace xgrad
