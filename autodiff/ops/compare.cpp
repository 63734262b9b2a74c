#include <cmath>
#include <string>

#include "../record.hpp"
#include "axes.hpp"
#include "broadcast.hpp"
#include "elementwise.hpp"
#include "elementwise_integer.hpp"
#include "reduce.hpp"
#include "shape.hpp"

// Comparisons, logic and integer arithmetic: everything element-wise that has no gradient.

namespace xgrad {
namespace detail {
namespace {

/// Both operands as tensors of one dtype (a plain number takes the other's).
struct Same {
    Tensor a, b;
    Same(const char* name, const Operand& x, const Operand& y) {
        check_defined(name, x);
        check_defined(name, y);
        check<DTypeError>(x.is_tensor() || y.is_tensor(), x.where(),
                          [&] { return std::string(name) + ": at least one operand must be a tensor, got numbers"; });
        const DType dtype = x.is_tensor() ? x.dtype() : y.dtype();
        a = x.is_tensor() ? x.tensor() : number_as(x, dtype, name);
        b = y.is_tensor() ? y.tensor() : number_as(y, dtype, name);
        if (is_integer(a.dtype()) && is_integer(b.dtype())) {
            const DType wide = common_integer(a.dtype(), b.dtype());
            a = a.to(wide);
            b = b.to(wide);
        }
        check<DTypeError>(a.dtype() == b.dtype(), x.where(), [&] {
            return std::string(name) + ": dtypes must agree, got " + name_of(a.dtype()) + " and " + name_of(b.dtype()) +
                   " (convert one with .to())";
        });
    }
};

Tensor run_binary(kernels::ElementwiseKernel kernel, const char* name, const Tensor& a, const Tensor& b, DType result, Location where) {
    const Shape shape = broadcast_shapes(a.shape(), b.shape(), name, where);
    Tensor y = empty(shape, result);
    const KernelInput in[] = {{TensorAccess::data(a), &a.shape(), size_of(a.dtype())},
                              {TensorAccess::data(b), &b.shape(), size_of(b.dtype())}};
    const KernelOutput out[] = {{TensorAccess::data(y), size_of(result)}};
    run(kernel, nullptr, shape, y.size(), in, out);
    return y;
}

template <class T, class F>
void loop(const void*, std::int64_t n, const void* const* in, const std::uint8_t* step, void* const* out) {
    const auto* a = static_cast<const T*>(in[0]);
    const auto* b = static_cast<const T*>(in[1]);
    auto* y = static_cast<bool*>(out[0]);
    const F f;
    if (step[0] && step[1])
        for (std::int64_t i = 0; i < n; ++i) y[i] = f(a[i], b[i]);
    else
        for (std::int64_t i = 0; i < n; ++i) y[i] = f(a[i * step[0]], b[i * step[1]]);
}

template <class F>
kernels::ElementwiseKernel loop_for(DType dtype) {
    switch (dtype) {
        case DType::f32: return loop<float, F>;
        case DType::f64: return loop<double, F>;
        case DType::i32: return loop<std::int32_t, F>;
        case DType::i64: return loop<std::int64_t, F>;
        default: return loop<bool, F>;
    }
}

template <class F>
Tensor compare(const char* name, const Operand& a, const Operand& b) {
    const Same same(name, a, b);
    return run_binary(loop_for<F>(same.a.dtype()), name, same.a, same.b, DType::boolean, a.where());
}

template <class F>
Tensor logical(const char* name, const Operand& a, const Operand& b) {
    for (const Operand* x : {&a, &b}) {
        check_defined(name, *x);
        check<DTypeError>(x->is_tensor() && x->dtype() == DType::boolean, a.where(), [&] {
            return std::string(name) + ": must be bool tensors, got " + (x->is_tensor() ? name_of(x->dtype()) : "a number");
        });
    }
    return run_binary(loop<bool, F>, name, a.tensor(), b.tensor(), DType::boolean, a.where());
}

/// F on f32 and f64; integers and bools give `other`.
template <class F>
Tensor classify(const char* name, const Operand& x, bool other) {
    check_defined(name, x);
    check<DTypeError>(x.is_tensor(), x.where(), [&] { return std::string(name) + ": must be a tensor, got a number"; });
    if (!is_floating(x.dtype())) return full(x.shape(), other, DType::boolean);
    return run_binary(x.dtype() == DType::f32 ? loop<float, F> : loop<double, F>, name, x.tensor(), x.tensor(), DType::boolean, x.where());
}

struct Equal {
    template <class T> bool operator()(T a, T b) const { return a == b; }
};
struct NotEqual {
    template <class T> bool operator()(T a, T b) const { return a != b; }
};
struct Less {
    template <class T> bool operator()(T a, T b) const { return a < b; }
};
struct LessEqual {
    template <class T> bool operator()(T a, T b) const { return a <= b; }
};
struct And {
    bool operator()(bool a, bool b) const { return a && b; }
};
struct Or {
    bool operator()(bool a, bool b) const { return a || b; }
};
struct IsNan {
    template <class T> bool operator()(T a, T) const { return std::isnan(a); }
};
struct IsInf {
    template <class T> bool operator()(T a, T) const { return std::isinf(a); }
};
struct IsFinite {
    template <class T> bool operator()(T a, T) const { return std::isfinite(a); }
};
struct SignBit {
    template <class T> bool operator()(T a, T) const { return std::signbit(a); }
};

}  // namespace

Tensor integer_binary(kernels::ElementwiseKernel kernel, const char* name, const Operand& a, const Operand& b) {
    const Same same(name, a, b);
    return run_binary(kernel, name, same.a, same.b, same.a.dtype(), a.where());
}

Tensor integer_unary(kernels::ElementwiseKernel kernel, const Tensor& x) { return run_binary(kernel, "", x, x, x.dtype(), {}); }

void check_integer_exponents(const Operand& exponents, Location where) {
    const bool negative = exponents.is_tensor() ? any(less(exponents, 0)).item<bool>() : exponents.number() < 0;
    check<ValueError>(!negative, where,
                      [] { return std::string("pow: integers have no negative powers (convert one operand with .to())"); });
}

}  // namespace detail

using namespace detail;

Tensor equal(const Operand& a, const Operand& b) { return compare<Equal>("equal", a, b); }
Tensor not_equal(const Operand& a, const Operand& b) { return compare<NotEqual>("not_equal", a, b); }
Tensor less(const Operand& a, const Operand& b) { return compare<Less>("less", a, b); }
Tensor less_equal(const Operand& a, const Operand& b) { return compare<LessEqual>("less_equal", a, b); }
Tensor greater(const Operand& a, const Operand& b) { return compare<Less>("greater", b, a); }
Tensor greater_equal(const Operand& a, const Operand& b) { return compare<LessEqual>("greater_equal", b, a); }
Tensor operator==(const Operand& a, const Operand& b) { return equal(a, b); }
Tensor operator!=(const Operand& a, const Operand& b) { return not_equal(a, b); }
Tensor operator<(const Operand& a, const Operand& b) { return less(a, b); }
Tensor operator<=(const Operand& a, const Operand& b) { return less_equal(a, b); }
Tensor operator>(const Operand& a, const Operand& b) { return greater(a, b); }
Tensor operator>=(const Operand& a, const Operand& b) { return greater_equal(a, b); }
Tensor logical_and(const Operand& a, const Operand& b) { return logical<And>("logical_and", a, b); }
Tensor logical_or(const Operand& a, const Operand& b) { return logical<Or>("logical_or", a, b); }
Tensor logical_xor(const Operand& a, const Operand& b) { return logical<NotEqual>("logical_xor", a, b); }
Tensor logical_not(const Operand& x) {
    check_defined("logical_not", x);
    check<DTypeError>(x.is_tensor() && x.dtype() == DType::boolean, x.where(), [&] {
        return std::string("logical_not: must be a bool tensor, got ") + (x.is_tensor() ? name_of(x.dtype()) : "a number");
    });
    return equal(x, 0);
}
Tensor isnan(const Operand& x) { return classify<IsNan>("isnan", x, false); }
Tensor isinf(const Operand& x) { return classify<IsInf>("isinf", x, false); }
Tensor isfinite(const Operand& x) { return classify<IsFinite>("isfinite", x, true); }
Tensor signbit(const Operand& x) {
    check_defined("signbit", x);
    if (x.is_tensor() && (x.dtype() == DType::i32 || x.dtype() == DType::i64)) return less(x, 0);
    return classify<SignBit>("signbit", x, false);
}

}  // namespace xgrad
