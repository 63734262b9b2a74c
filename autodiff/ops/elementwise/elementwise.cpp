#include <array>
#include <cstdio>
#include <limits>

#include "autodiff/core/detail/axes.hpp"
#include "autodiff/core/detail/sweep.hpp"
#include "autodiff/ops/reduce/reduce.hpp"
#include "autodiff/ops/shape/shape.hpp"
#include "detail/run.hpp"

// Arithmetic and selection. Every function here is one line: the rule it runs.

namespace xgrad {

using namespace detail;
using namespace detail::elementwise;

void detail::elementwise::run_large(kernels::ElementwiseKernel kernel, const void* rule,
                                    std::span<const void* const> in, const std::uint8_t* step,
                                    std::span<const Tensor> out) {
    const std::int64_t bytes = size_of(out[0].dtype());
    KernelInput from[max_operands];
    KernelOutput to[2];
    for (std::size_t k = 0; k < in.size(); ++k) from[k] = {in[k], nullptr, bytes};
    for (std::size_t k = 0; k < out.size(); ++k) to[k] = {TensorAccess::data(out[k]), bytes};
    run_flat(kernel, rule, out[0].size(), {from, in.size()}, step, {to, out.size()});
}

void detail::elementwise::trace_run(const OperationType& type, const void* op, const Tensor& a, const Tensor& b,
                                    const Tensor& y, Location where) {
    TracedRun run{AnyOperation(type, op), {a}, {stop_gradient(y)}, where};
    if (b.defined()) run.inputs.push_back(b);
    recording->trace->runs.push_back(std::move(run));
}

Tensor detail::elementwise::run_with_number(kernels::ElementwiseKernel kernel, const void* rule, const Tensor& x,
                                            double number, bool number_first, Tensor* reusable) {
    const KernelNumber n(number);
    const void* const from = TensorAccess::data(x);  // remains valid even if y takes over x's storage
    const void* const in[] = {number_first ? n.data(x.dtype()) : from, number_first ? from : n.data(x.dtype())};
    const std::uint8_t step[] = {static_cast<std::uint8_t>(!number_first), static_cast<std::uint8_t>(number_first)};
    Tensor y[] = {result_like(x, reusable)};
    run_same(kernel, rule, in, step, y);
    return std::move(y[0]);
}

void detail::elementwise::pull_with_number(Pull& pull, kernels::ElementwiseKernel kernel, const void* rule,
                                           const Tensor& x, const Tensor& y, const void* number, bool number_first) {
    static constexpr Shape one;
    Tensor& g = *pull.cotangents;
    const Tensor& saved = x.defined() ? x : y;
    const std::int64_t bytes = size_of(g.dtype());
    if (saved.defined() && saved.size() != g.size()) [[unlikely]] {
        const KernelInput from_x = input(x.defined() ? x : g),
                          from_number = number ? KernelInput{number, &one, bytes} : input(g);
        const KernelInput in[] = {input(g), number_first ? from_number : from_x, number_first ? from_x : from_number,
                                  input(y.defined() ? y : g)};
        pull.parts[0] = pull_reduced(kernel, rule, *pull.entry.shape, g, in);
        return;
    }
    const void *const gd = TensorAccess::data(g), *const xd = x.defined() ? TensorAccess::data(x) : gd,
                      *const nd = number ? number : gd;
    const void* const in[] = {gd, number_first ? nd : xd, number_first ? xd : nd,
                              y.defined() ? TensorAccess::data(y) : gd};
    const std::uint8_t step_of_number = !number, step[] = {1, number_first ? step_of_number : std::uint8_t{1},
                                                           number_first ? std::uint8_t{1} : step_of_number, 1};
    Tensor part[] = {result_like(g, &g)};
    run_same(kernel, rule, in, step, part);
    pull.parts[0] = std::move(part[0]);
}

bool detail::elementwise::is_integer_operand(const char* name, const Operand& x, bool has_integers) {
    check_has_tensor(x.is_tensor(), name, x.where());
    check_defined(name, x);
    if (has_integers && is_integer(x.dtype())) return true;
    check_floating(x.dtype(), name, x.where());
    return false;
}

Operands detail::elementwise::operands_of(const char* name, const Operand& a, const Operand& b, bool has_integers,
                                          Shape& shape) {
    const Location where = a.where();
    check_defined(name, a);
    check_defined(name, b);
    if (const DType dtype = integer_type(a, b); dtype != DType::boolean) {
        if (!has_integers) check_floating(dtype, name, where);
        return Operands::integers;
    }
    check_has_tensor(a.is_tensor() || b.is_tensor(), name, where);
    if (!a.is_tensor() || !b.is_tensor()) {
        check_floating(a.is_tensor() ? a.dtype() : b.dtype(), name, where);
        return Operands::number;
    }
    check_same_dtype(a.dtype(), b.dtype(), name, where);
    shape = broadcast_shapes(a.shape(), b.shape(), name, where);
    check_floating(a.dtype(), name, where);
    return Operands::tensors;
}

Tensor detail::elementwise::run_broadcast(const kernels::ElementwiseKernel (&kernels)[2], const void* rule,
                                          const char* name, std::span<const Tensor* const> inputs, Tensor* reusable) {
    const DType dtype = inputs[0]->dtype();
    Shape shape = inputs[0]->shape(), shapes[2];  // copies: the result may take over the storage that holds them
    KernelInput in[2];
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        shapes[i] = inputs[i]->shape();
        if (!(shapes[i] == shape)) shape = broadcast_shapes(shape, shapes[i], name);
        in[i] = {TensorAccess::data(*inputs[i]), &shapes[i], size_of(dtype)};
    }
    Tensor y = reusable ? TensorAccess::constant(std::move(*reusable)) : empty(shape, dtype);
    const KernelOutput out[] = {{TensorAccess::data(y), size_of(dtype)}};
    run(kernels[dtype == DType::f64], rule, shape, y.size(), {in, inputs.size()}, out);
    return y;
}

Tensor detail::elementwise::unbroadcast(Tensor part, const Shape& result, const Shape& input) {
    if (result == input) return part;
    const int lead = result.rank() - input.rank();
    double copies = 1;
    Shape target;
    for (int i = 0; i < result.rank(); ++i) {
        const std::int64_t have = part.shape()[i];
        const bool summed = i < lead || (input[i - lead] == 1 && result[i] != 1);
        if (summed && have == 1) copies *= static_cast<double>(result[i]);
        if (i >= lead) target.push_back(summed ? 1 : have);
    }
    part = sum_to(part, target);
    return copies == 1 ? part : part * copies;
}

void detail::accumulate(Tensor& sum, Tensor&& part) {
    if (recording ||
        !(sum.shape() == part.shape())) {  // an outer tape may need to record the sum; reduced cotangents broadcast
        sum = add(sum, part);
        return;
    }
    sum = run_binary_same(rules::Add{}, sum, part, TensorAccess::unique(sum) ? &sum : &part);
}

Tensor pow(const Operand& a, const Operand& b) {
    check_defined("pow", a);
    check_defined("pow", b);
    if (a.is_tensor() && !b.is_tensor() && is_floating(a.dtype())) {  // common exponents, exactly and fast
        if (b.number() == 2) return square(a);
        if (b.number() == 1) return a.tensor();
        if (b.number() == 0.5) return sqrt(a);
        if (b.number() == -1) return reciprocal(a);
    }
    if (integer_type(a, b) != DType::boolean) check_integer_exponents(b, a.where());
    return binary(rules::Pow{}, a, b);
}
Tensor positive(const Operand& x) { return tensor_of(x, "positive"); }
Tensor operator+(const Operand& a, const Operand& b) { return binary(rules::Add{}, a, b); }
Tensor operator-(const Operand& a, const Operand& b) { return binary(rules::Subtract{}, a, b); }
Tensor operator*(const Operand& a, const Operand& b) { return binary(rules::Multiply{}, a, b); }
Tensor operator/(const Operand& a, const Operand& b) { return binary(rules::Divide{}, a, b); }
Tensor operator%(const Operand& a, const Operand& b) { return binary(rules::Remainder{}, a, b); }
Tensor operator-(const Operand& x) { return negative(x); }

Tensor clip(const Operand& x, PlainNumber low, PlainNumber high) {
    check<ValueError>(double{low} <= double{high}, x.where(),
                      [&] { return "clip: low must not exceed high, got " + low.text() + " and " + high.text(); });
    if (x.is_tensor() && x.tensor().defined() && is_integer(x.dtype())) {
        constexpr double infinity = std::numeric_limits<double>::infinity();
        const Tensor y =
            double{low} == -infinity ? x.tensor() : maximum(x, number_as({low, x.where()}, x.dtype(), "clip"));
        return double{high} == infinity ? y : minimum(y, number_as({high, x.where()}, x.dtype(), "clip"));
    }
    return unary(rules::Clip{low, high}, x);
}

Tensor nan_to_num(const Operand& x, NanToNum options) {
    check_defined("nan_to_num", x);
    if (x.is_tensor() && !is_floating(x.dtype())) return x.tensor();
    const double largest = x.is_tensor() && x.dtype() == DType::f32
                               ? static_cast<double>(std::numeric_limits<float>::max())
                               : std::numeric_limits<double>::max();
    return unary(rules::NanToNum{options.nan, options.posinf.value_or(largest), options.neginf.value_or(-largest)}, x);
}

// --- choosing --------------------------------------------------------------------------------------------------------

namespace {

struct Where {
    static constexpr const char* name = "where";
    static constexpr Saves saves{.inputs = 0b001};

    Tensor value(const Tensor& condition, const Tensor& a, const Tensor& b) const {
        const Shape shape = broadcast_shapes(condition.shape(), broadcast_shapes(a.shape(), b.shape(), name), name);
        Tensor y = empty(shape, a.dtype());
        const std::int64_t bytes = size_of(a.dtype());
        const KernelInput in[] = {input(condition), input(a), input(b)};
        const KernelOutput out[] = {{TensorAccess::data(y), bytes}};
        run(kernels::active().elementwise.where[bytes == 1   ? 0
                                                : bytes == 4 ? 1
                                                             : 2],
            nullptr, shape, y.size(), in, out);
        return y;
    }
    std::array<Tensor, 3> pullback(Tensor g, const xgrad::Saved& s) const {
        const Tensor& condition = s.input(0);
        return {Tensor(), s.needs(1) ? where(condition, g, 0.0) : Tensor(),
                s.needs(2) ? where(condition, 0.0, g) : Tensor()};
    }
};

}  // namespace

Tensor where(const Operand& condition, const Operand& a, const Operand& b) {
    const Location at = condition.where();
    for (const Operand* x : {&condition, &a, &b}) check_defined("where", *x);
    check<DTypeError>(condition.is_tensor() && condition.dtype() == DType::boolean, at, [&] {
        return std::string("where: the condition must be a bool tensor, got ") +
               (condition.is_tensor() ? name_of(condition.dtype()) : "a number");
    });
    check_has_tensor(a.is_tensor() || b.is_tensor(), "where", at);
    const DType dtype = a.is_tensor() ? a.dtype() : b.dtype();
    Tensor x = a.is_tensor() ? a.tensor() : number_as(a, dtype, "where"),
           y = b.is_tensor() ? b.tensor() : number_as(b, dtype, "where");
    if (const DType wide = integer_type(a, b); wide != DType::boolean) {
        x = x.to(wide);
        y = y.to(wide);
    }
    check_same_dtype(x, y, "where", at);
    broadcast_shapes(condition.shape(), broadcast_shapes(x.shape(), y.shape(), "where", at), "where", at);
    return apply(Where{}, {condition.tensor(), x, y}, at);
}

}  // namespace xgrad
