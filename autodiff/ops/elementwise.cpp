#include <array>
#include <cstdio>
#include <limits>

#include "axes.hpp"
#include "elementwise_run.hpp"
#include "shape.hpp"

// Arithmetic and choosing. Every function here is one line: the rule it runs.

namespace xgrad {

using namespace detail;
using namespace detail::elementwise;

void detail::accumulate(Tensor& acc, Tensor&& part) {
    if (recording || !(acc.shape() == part.shape())) {  // an outer tape may have to see the sum; thin cotangents broadcast
        acc = add(acc, part);
        return;
    }
    acc = run_binary_same(rules::Add{}, acc, part, TensorAccess::unique(acc) ? &acc : &part);
}

Tensor pow(const Operand& a, const Operand& b) {
    check_defined("pow", a);
    check_defined("pow", b);
    if (a.is_tensor() && !b.is_tensor() && is_floating(a.dtype())) {  // the usual exponents, exactly and fast
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
        const Tensor y = double{low} == -infinity ? x.tensor() : maximum(x, number_as({low, x.where()}, x.dtype(), "clip"));
        return double{high} == infinity ? y : minimum(y, number_as({high, x.where()}, x.dtype(), "clip"));
    }
    return unary(rules::Clip{low, high}, x);
}

Tensor nan_to_num(const Operand& x, NanToNum options) {
    check_defined("nan_to_num", x);
    if (x.is_tensor() && !is_floating(x.dtype())) return x.tensor();
    const double largest = x.is_tensor() && x.dtype() == DType::f32 ? static_cast<double>(std::numeric_limits<float>::max())
                                                                    : std::numeric_limits<double>::max();
    return unary(rules::NanToNum{options.nan, options.posinf.value_or(largest), options.neginf.value_or(-largest)}, x);
}

// --- choosing -------------------------------------------------------------------------------------------------------

namespace {

Tensor run_where(const Tensor& condition, const Tensor& a, const Tensor& b) {
    const Shape shape = broadcast_shapes(condition.shape(), broadcast_shapes(a.shape(), b.shape(), "where"), "where");
    Tensor y = empty(shape, a.dtype());
    const std::int64_t bytes = size_of(a.dtype());
    const KernelInput in[] = {input(condition), input(a), input(b)};
    const KernelOutput out[] = {{TensorAccess::data(y), bytes}};
    run(kernels::active().elementwise.where[bytes == 1 ? 0 : bytes == 4 ? 1 : 2], nullptr, shape, y.size(), in, out);
    return y;
}

}  // namespace

Tensor where(const Operand& condition, const Operand& a, const Operand& b) {
    const Location at = condition.where();
    for (const Operand* x : {&condition, &a, &b}) check_defined("where", *x);
    check<DTypeError>(condition.is_tensor() && condition.dtype() == DType::boolean, at, [&] {
        return std::string("where: the condition must be a bool tensor, got ") +
               (condition.is_tensor() ? name_of(condition.dtype()) : "a number");
    });
    check<DTypeError>(a.is_tensor() || b.is_tensor(), at,
                      [] { return std::string("where: at least one of a and b must be a tensor, got numbers"); });
    const DType dtype = a.is_tensor() ? a.dtype() : b.dtype();
    Tensor x = a.is_tensor() ? a.tensor() : number_as(a, dtype, "where"), y = b.is_tensor() ? b.tensor() : number_as(b, dtype, "where");
    if (const DType wide = integer_type(a, b); wide != DType::boolean) {
        x = x.to(wide);
        y = y.to(wide);
    }
    check<DTypeError>(x.dtype() == y.dtype(), at, [&] {
        return std::string("where: dtypes of a and b must agree, got ") + name_of(x.dtype()) + " and " + name_of(y.dtype());
    });
    broadcast_shapes(condition.shape(), broadcast_shapes(x.shape(), y.shape(), "where", at), "where", at);
    const Tensor& c = condition.tensor();
    if (!is_tracked(x) && !is_tracked(y)) return run_where(c, x, y);
    return apply(
        "where", {x, y}, [c](const Tensor& p, const Tensor& q) { return run_where(c, p, q); },
        [c](const Tensor& g, Needs needs) -> std::array<Tensor, 2> {
            return {needs[0] ? where(c, g, 0.0) : Tensor(), needs[1] ? where(c, 0.0, g) : Tensor()};
        },
        at);
}

}  // namespace xgrad
