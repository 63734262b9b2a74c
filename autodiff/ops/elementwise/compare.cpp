#include <cmath>
#include <cstring>
#include <string>

#include "autodiff/core/apply.hpp"
#include "autodiff/core/detail/axes.hpp"
#include "autodiff/core/detail/dispatch.hpp"
#include "autodiff/ops/reduce/reduce.hpp"
#include "autodiff/ops/shape/shape.hpp"
#include "detail/broadcast.hpp"
#include "detail/integer.hpp"
#include "elementwise.hpp"

// Comparisons, logic and integer arithmetic: everything element-wise that has no gradient.

namespace xgrad {
namespace detail {
namespace {

KernelInput input(const Tensor& x) { return {TensorAccess::data(x), &x.shape(), size_of(x.dtype())}; }

template <std::size_t N>
Tensor run_on(kernels::ElementwiseKernel kernel, DType result, const Shape& shape, const KernelInput (&in)[N]) {
    Tensor y = empty(shape, result);
    const KernelOutput out[] = {{TensorAccess::data(y), size_of(result)}};
    run(kernel, nullptr, shape, y.size(), in, out);
    return y;
}

void check_fits(const Operand& number, DType dtype, const char* name) {
    if (!number.number().fits(dtype)) [[unlikely]]
        number_as(number, dtype, name);  // throws
}

void check_broadcast(const char* name, const Operand& a, const Operand& b) {
    if (!(a.shape() == b.shape())) broadcast_shapes(a.shape(), b.shape(), name, a.where());
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

template <class T, class F>
void loop_of_one(const void*, std::int64_t n, const void* const* in, const std::uint8_t*, void* const* out) {
    const auto* x = static_cast<const T*>(in[0]);
    auto* y = static_cast<bool*>(out[0]);
    const F f;
    for (std::int64_t i = 0; i < n; ++i) y[i] = f(x[i]);
}

template <class F>
struct Comparison {
    static DType result(DType) { return DType::boolean; }
    static kernels::ElementwiseKernel kernel(DType dtype) {
        switch (dtype) {
            case DType::f32: return loop<float, F>;
            case DType::f64: return loop<double, F>;
            case DType::i32: return loop<std::int32_t, F>;
            case DType::i64: return loop<std::int64_t, F>;
            default: return loop<bool, F>;
        }
    }
};
struct Equal : Comparison<Equal> {
    static constexpr const char *name = "equal", *name_with_number = "equal_number";
    template <class T> bool operator()(T a, T b) const { return a == b; }
};
struct NotEqual : Comparison<NotEqual> {
    static constexpr const char *name = "not_equal", *name_with_number = "not_equal_number";
    template <class T> bool operator()(T a, T b) const { return a != b; }
};
struct Less : Comparison<Less> {
    static constexpr const char *name = "less", *name_with_number = "less_number";
    template <class T> bool operator()(T a, T b) const { return a < b; }
};
struct LessEqual : Comparison<LessEqual> {
    static constexpr const char *name = "less_equal", *name_with_number = "less_equal_number";
    template <class T> bool operator()(T a, T b) const { return a <= b; }
};

/// For bool tensors.
template <class F>
struct Logical {
    static DType result(DType) { return DType::boolean; }
    static kernels::ElementwiseKernel kernel(DType) { return loop<bool, F>; }
};
struct And : Logical<And> {
    static constexpr const char* name = "logical_and";
    bool operator()(bool a, bool b) const { return a && b; }
};
struct Or : Logical<Or> {
    static constexpr const char* name = "logical_or";
    bool operator()(bool a, bool b) const { return a || b; }
};

template <class F>
Tensor logical(const Operand& a, const Operand& b, const char* name) {
    for (const Operand* x : {&a, &b}) {
        check_defined(name, *x);
        check<DTypeError>(x->is_tensor() && x->dtype() == DType::boolean, a.where(), [&] {
            return std::string(name) + ": must be bool tensors, got " +
                   (x->is_tensor() ? name_of(x->dtype()) : "a number");
        });
    }
    check_broadcast(name, a, b);
    return apply(OfTensors<F>{}, {a.tensor(), b.tensor()}, a.where(), name);
}

struct IsNan {
    static constexpr const char* name = "isnan";
    static constexpr bool of_others = false;
    template <class T> bool operator()(T x) const { return std::isnan(x); }
};
struct IsInf {
    static constexpr const char* name = "isinf";
    static constexpr bool of_others = false;
    template <class T> bool operator()(T x) const { return std::isinf(x); }
};
struct IsFinite {
    static constexpr const char* name = "isfinite";
    static constexpr bool of_others = true;
    template <class T> bool operator()(T x) const { return std::isfinite(x); }
};
struct SignBit {
    static constexpr const char* name = "signbit";
    static constexpr bool of_others = false;
    template <class T> bool operator()(T x) const { return std::signbit(x); }
};

/// Applies F to f32 and f64; for integers and bools the result is F::of_others.
template <class F>
struct Classification {
    static constexpr const char* name = F::name;
    Tensor value(const Tensor& x) const {
        if (!is_floating(x.dtype())) return full(x.shape(), F::of_others, DType::boolean, {});
        return kernel_value(x.dtype() == DType::f32 ? loop_of_one<float, F> : loop_of_one<double, F>, DType::boolean,
                            x);
    }
};

template <class F>
Tensor classify(const Operand& x) {
    check_defined(F::name, x);
    check<DTypeError>(x.is_tensor(), x.where(),
                      [&] { return std::string(F::name) + ": must be a tensor, got a number"; });
    return apply(Classification<F>{}, {x.tensor()}, x.where());
}

}  // namespace

// --- a function as an operation --------------------------------------------------------------------------------------

Tensor kernel_value(kernels::ElementwiseKernel kernel, DType result, const Tensor& x) {
    return run_on(kernel, result, x.shape(), {input(x)});
}
Tensor kernel_value(kernels::ElementwiseKernel kernel, DType result, const Tensor& a, const Tensor& b) {
    return run_on(kernel, result, broadcast_shapes(a.shape(), b.shape(), ""), {input(a), input(b)});
}
Tensor kernel_value(kernels::ElementwiseKernel kernel, DType result, const Tensor& x, const PlainNumber& number,
                    bool number_first) {
    static constexpr Shape one;
    alignas(8) unsigned char element[8];
    with_any(x.dtype(), [&]<class T>(T) {
        const T value = number.as<T>();
        std::memcpy(element, &value, sizeof value);
    });
    const KernelInput input_number{element, &one, size_of(x.dtype())};
    if (number_first) return run_on(kernel, result, x.shape(), {input_number, input(x)});
    return run_on(kernel, result, x.shape(), {input(x), input_number});
}

void check_operands(const char* name, const Operand& a, const Operand& b) {
    check_defined(name, a);
    check_defined(name, b);
    check_has_tensor(a.is_tensor() || b.is_tensor(), name, a.where());
    if (!a.is_tensor()) return check_fits(a, b.dtype(), name);
    if (!b.is_tensor()) return check_fits(b, a.dtype(), name);
    if (!is_integer(a.dtype()) || !is_integer(b.dtype())) check_same_dtype(a.dtype(), b.dtype(), name, a.where());
    check_broadcast(name, a, b);
}

void check_integer_exponents(const Operand& exponents, Location where) {
    const bool negative = exponents.is_tensor() ? any(less(exponents, 0)).item<bool>() : exponents.number() < 0;
    check<ValueError>(!negative, where, [] {
        return std::string("pow: integers have no negative powers (convert one operand with .to())");
    });
}

}  // namespace detail

using namespace detail;

Tensor equal(const Operand& a, const Operand& b) { return apply_to_operands<Equal>(a, b); }
Tensor not_equal(const Operand& a, const Operand& b) { return apply_to_operands<NotEqual>(a, b); }
Tensor less(const Operand& a, const Operand& b) { return apply_to_operands<Less>(a, b); }
Tensor less_equal(const Operand& a, const Operand& b) { return apply_to_operands<LessEqual>(a, b); }
Tensor greater(const Operand& a, const Operand& b) { return apply_to_operands<Less>(b, a, "greater"); }
Tensor greater_equal(const Operand& a, const Operand& b) { return apply_to_operands<LessEqual>(b, a, "greater_equal"); }
Tensor operator==(const Operand& a, const Operand& b) { return equal(a, b); }
Tensor operator!=(const Operand& a, const Operand& b) { return not_equal(a, b); }
Tensor operator<(const Operand& a, const Operand& b) { return less(a, b); }
Tensor operator<=(const Operand& a, const Operand& b) { return less_equal(a, b); }
Tensor operator>(const Operand& a, const Operand& b) { return greater(a, b); }
Tensor operator>=(const Operand& a, const Operand& b) { return greater_equal(a, b); }
Tensor logical_and(const Operand& a, const Operand& b) { return logical<And>(a, b, "logical_and"); }
Tensor logical_or(const Operand& a, const Operand& b) { return logical<Or>(a, b, "logical_or"); }
Tensor logical_xor(const Operand& a, const Operand& b) { return logical<NotEqual>(a, b, "logical_xor"); }
Tensor logical_not(const Operand& x) {
    check_defined("logical_not", x);
    check<DTypeError>(x.is_tensor() && x.dtype() == DType::boolean, x.where(), [&] {
        return std::string("logical_not: must be a bool tensor, got ") +
               (x.is_tensor() ? name_of(x.dtype()) : "a number");
    });
    return apply_to_operands<Equal>(x, {0, x.where()}, "logical_not");
}
Tensor isnan(const Operand& x) { return classify<IsNan>(x); }
Tensor isinf(const Operand& x) { return classify<IsInf>(x); }
Tensor isfinite(const Operand& x) { return classify<IsFinite>(x); }
Tensor signbit(const Operand& x) {
    check_defined("signbit", x);
    if (x.is_tensor() && is_integer(x.dtype())) return apply_to_operands<Less>(x, {0, x.where()}, "signbit");
    return classify<SignBit>(x);
}

}  // namespace xgrad
