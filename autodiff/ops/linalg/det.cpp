#include <algorithm>
#include <array>
#include <cmath>

#include "autodiff/core/detail/dispatch.hpp"
#include "detail/lapack.hpp"
#include "detail/matrices.hpp"

// det and slogdet.

namespace xgrad {

using namespace detail;

namespace {

Shape scalars_of(const Tensor& a) { return batch_of(a.shape()); }

/// Accumulates step(factor on the diagonal, value so far) over the diagonal of matrix i's factors, then applies the
/// sign of its row exchanges.
template <class T, class F>
T over_pivots(const LU& lu, Int i, F&& step) {
    const Int n = lu.pivots.shape(-1);
    const T* f = elements<T>(lu.factors) + i * n * n;
    const int* pivots = elements<int>(lu.pivots) + i * n;
    T sign = 1;
    for (Int k = 0; k < n; ++k) {
        step(f[k * (n + 1)]);
        if (pivots[k] != k + 1) sign = -sign;
    }
    return sign;
}

/// A product whose partial products may leave T's range although the whole stays in it: 1e200 · 1e200 · 1e-300.
template <class T>
class Product {
public:
    void operator*=(T factor) {
        int own = 0, carried = 0;  // stay 0 for inf and NaN, for which frexp leaves them unspecified
        const T mantissa = std::isfinite(factor) ? std::frexp(factor, &own) : factor;
        mantissa_ *= mantissa;
        if (std::isfinite(mantissa_)) mantissa_ = std::frexp(mantissa_, &carried);
        exponent_ += own + carried;
    }
    T value() const {
        constexpr Int most = 1 << 20;  // above any type's exponent
        return std::ldexp(mantissa_, static_cast<int>(std::clamp(exponent_, -most, most)));
    }

private:
    T mantissa_ = 1;
    Int exponent_ = 0;
};

Tensor det_values(const Tensor& a) {
    Failures singular(batch_of(a.shape()));
    const LU lu = factorise(a, singular);
    Tensor y = empty(scalars_of(a), a.dtype());
    with_floating(a.dtype(), [&]<class T>(T) {
        for (Int i = 0; i < y.size(); ++i) {
            Product<T> product;
            const T sign = over_pivots<T>(lu, i, [&](T pivot) { product *= pivot; });
            elements<T>(y)[i] = sign * product.value();
        }
    });
    return y;
}

/// The product of all singular values except s[i] and s[j].
template <class T>
T product_without(const T* s, Int k, Int i, Int j) {
    Product<T> product;
    for (Int m = 0; m < k; ++m)
        if (m != i && m != j) product *= s[m];
    return product.value();
}

template <class T>
struct Decomposition {
    std::vector<T> a, u, s, vh;
    T sign;  // the sign of det(u)·det(vh)

    Decomposition(const T* from, Int n)
        : a(from, from + n * n), u(a.size()), s(static_cast<std::size_t>(n)), vh(a.size()) {
        singular_values(static_cast<int>(n), static_cast<int>(n), a.data(), u.data(), s.data(), vh.data());
        sign = sign_of(u, n) * sign_of(vh, n);
    }
    static T sign_of(std::vector<T> q, Int n) {
        std::vector<int> pivots(static_cast<std::size_t>(n));
        lu_in_place(static_cast<int>(n), q.data(), pivots.data());
        T sign = 1;
        for (Int k = 0; k < n; ++k)
            if ((q[static_cast<std::size_t>(k * (n + 1))] < 0) != (pivots[static_cast<std::size_t>(k)] != k + 1))
                sign = -sign;
        return sign;
    }
};

template <class T>
std::vector<T> multiply(const std::vector<T>& a, const std::vector<T>& b, Int n, bool ta, bool tb) {
    std::vector<T> c(a.size());
    const int size = static_cast<int>(n);
    Lapack<T>::gemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, size, size, size,
                    T(1), a.data(), size, b.data(), size, T(0), c.data(), size);
    return c;
}

/// Above this reciprocal condition number the inverse yields sufficiently accurate cofactors.
double well_conditioned(DType dtype) { return std::cbrt(precision_of(dtype)); }

template <class T>
bool invert(const T* a, Int n, T* inverse, T& det) {
    std::copy(a, a + n * n, inverse);
    std::vector<int> pivots(static_cast<std::size_t>(n));
    T norm = 0;
    for (Int i = 0; i < n; ++i) {  // columns, as LAPACK sees them
        T sum = 0;
        for (Int j = 0; j < n; ++j) sum += std::abs(a[i * n + j]);
        norm = std::max(norm, sum);
    }
    if (lu_in_place(static_cast<int>(n), inverse, pivots.data()) != 0) return false;
    if (!(reciprocal_condition(static_cast<int>(n), inverse, norm) > static_cast<T>(well_conditioned(dtype_of<T>()))))
        return false;
    Product<T> product;
    for (Int k = 0; k < n; ++k)
        product *= pivots[static_cast<std::size_t>(k)] != k + 1 ? -inverse[k * (n + 1)] : inverse[k * (n + 1)];
    det = product.value();
    if (!std::isnormal(det)) return false;  // the product with the inverse would be inaccurate too if det is denormal
    inverse_in_place(static_cast<int>(n), inverse, pivots.data());
    return true;
}

/// The cofactors det(a)·a⁻ᵀ: the derivatives of det. If a is (nearly) singular, they are computed from the singular
/// values: det(u)·det(v)·u·diag(products of the other singular values)·vᵀ.
Tensor cofactor_values(const Tensor& a) {
    Tensor y = empty(a.shape(), a.dtype());
    const Int n = a.shape(-1);
    if (y.size() == 0) return y;
    with_floating(a.dtype(), [&]<class T>(T) {
        for_matrices(count_of_matrices(a), 3 * n * n * n, [&](Int matrix) {
            const T* from = elements<T>(a) + matrix * n * n;
            T* to = elements<T>(y) + matrix * n * n;
            T det = 0;
            std::vector<T> inverse(static_cast<std::size_t>(n * n));
            if (!finite(from, n * n)) {
                std::fill(to, to + n * n, std::numeric_limits<T>::quiet_NaN());
            } else if (invert(from, n, inverse.data(), det)) {
                for (Int i = 0; i < n; ++i)
                    for (Int j = 0; j < n; ++j) to[i * n + j] = det * inverse[static_cast<std::size_t>(j * n + i)];
            } else {
                Decomposition<T> d(from, n);
                for (Int i = 0; i < n; ++i) {
                    const T factor = d.sign * product_without(d.s.data(), n, i, i);
                    for (Int j = 0; j < n; ++j) d.vh[static_cast<std::size_t>(i * n + j)] *= factor;
                }
                const std::vector<T> c = multiply(d.u, d.vh, n, false, false);
                std::copy(c.begin(), c.end(), to);
            }
        });
    });
    return y;
}

/// The transposed derivative of the cofactors: for h, the gradient of <h, cofactors>. In the basis of the singular
/// vectors a is diagonal, and the second derivatives of det are products of all singular values except two.
Tensor cofactor_back(const Tensor& a, const Tensor& h) {
    Tensor y = empty(a.shape(), a.dtype());
    const Int n = a.shape(-1);
    if (y.size() == 0) return y;
    with_floating(a.dtype(), [&]<class T>(T) {
        for_matrices(count_of_matrices(a), 3 * n * n * n, [&](Int matrix) {
            const T* from = elements<T>(a) + matrix * n * n;
            T* to = elements<T>(y) + matrix * n * n;
            if (!finite(from, n * n)) {
                std::fill(to, to + n * n, std::numeric_limits<T>::quiet_NaN());
                return;
            }
            const Decomposition<T> d(from, n);
            const T* cotangent = elements<T>(h) + matrix * n * n;
            const std::vector<T> inside = multiply(
                d.u, multiply(std::vector<T>(cotangent, cotangent + n * n), d.vh, n, false, true), n, true, false);
            std::vector<T> g(inside.size());
            for (Int i = 0; i < n; ++i)
                for (Int j = 0; j < n; ++j) {
                    if (i == j) continue;
                    const T others = d.sign * product_without(d.s.data(), n, i, j);
                    g[static_cast<std::size_t>(i * (n + 1))] += others * inside[static_cast<std::size_t>(j * (n + 1))];
                    g[static_cast<std::size_t>(i * n + j)] = -others * inside[static_cast<std::size_t>(j * n + i)];
                }
            const std::vector<T> result = multiply(multiply(d.u, g, n, false, false), d.vh, n, false, false);
            std::copy(result.begin(), result.end(), to);
        });
    });
    return y;
}

/// The gradient of cofactor_gradient's <g, …> with respect to a: det's third derivative. With A⁻¹ applied to h and g it
/// is, for a third matrix k, det·(tr h·tr g·tr k - tr k·tr(hg) - tr h·tr(gk) - tr g·tr(hk) + tr(khg) + tr(kgh)).
Tensor third_derivative(const Tensor& a, const Tensor& h, const Tensor& g) {
    const Tensor inverse = inv(a), ht = product(inverse, h), gt = product(inverse, g);
    const auto trace_of = [](const Tensor& x) { return sum(diagonal_of(x), -1, true); };
    const auto scalars = [](const Tensor& x) { return expand_dims(x, -1); };
    const Tensor hg = product(ht, gt), gh = product(gt, ht), th = trace_of(ht), tg = trace_of(gt);
    const Tensor inside =
        scalars(th * tg - trace_of(hg)) * inverse - product(scalars(th) * gt + scalars(tg) * ht - hg - gh, inverse);
    return expand_dims(det(a), {-2, -1}) * transposed(inside);
}

Tensor cofactor_gradient(const Tensor& a, const Tensor& h);

/// det's second derivative, a symmetric form, hence its own transpose in h.
struct CofactorGradient {
    static constexpr const char* name = "cofactor_gradient";
    static Saves saves(Needs recorded) { return {.inputs = recorded[0] ? 0b11u : 0b01u}; }

    static Tensor value(const Tensor& a, const Tensor& h) { return cofactor_back(a, h); }
    static std::array<Tensor, 2> pullback(Tensor g, const Saved& s) {
        const Tensor& a = s.input(0);
        std::array<Tensor, 2> parts;
        if (s.needs(0)) parts[0] = third_derivative(a, s.input(1), g);
        if (s.needs(1)) parts[1] = cofactor_gradient(a, g);
        return parts;
    }
};

struct Cofactors {
    static constexpr const char* name = "cofactors";
    static constexpr Saves saves{.inputs = 1};

    static Tensor value(const Tensor& a) { return cofactor_values(a); }
    static Tensor pullback(Tensor g, const Saved& s) { return cofactor_gradient(s.input(), g); }
};

Tensor cofactor_gradient(const Tensor& a, const Tensor& h) { return apply(CofactorGradient{}, {a, h}, Location{}); }

struct Det {
    static constexpr const char* name = "det";
    static constexpr Saves saves{.inputs = 1};

    static Tensor value(const Tensor& a) { return det_values(a); }
    static Tensor pullback(Tensor g, const Saved& s) {
        return expand_dims(g, {-2, -1}) * apply(Cofactors{}, {s.input()}, Location{});
    }
};

/// The inverses; NaN for singular matrices.
Tensor inverse_or_nan(const Tensor& a, const Tensor& sign) {
    const Tensor singular =
        expand_dims(logical_not(greater(abs(sign), 0)), {-2, -1});  // a NaN counts too: a zero pivot may follow it
    if (!any(singular).item<bool>()) return inv(a);
    const Tensor usable = where(singular, eye(a.shape(-1), a.dtype()), a);
    return where(singular, std::numeric_limits<double>::quiet_NaN(), inv(usable));
}

/// log |det|, followed by the sign.
struct LogAbsDet {
    static constexpr const char* name = "slogdet";
    static constexpr Saves saves{.inputs = 1, .outputs = 0b10};
    static constexpr int results = 1;

    static std::array<Tensor, 2> value(const Tensor& a) {
        Failures singular(batch_of(a.shape()));
        const LU lu = factorise(a, singular);
        const std::array<Tensor, 2> y{empty(scalars_of(a), a.dtype()), empty(scalars_of(a), a.dtype())};
        with_floating(a.dtype(), [&]<class T>(T) {
            for (Int i = 0; i < y[0].size(); ++i) {
                T logarithm = 0, sign = 1;
                sign *= over_pivots<T>(lu, i, [&](T pivot) {
                    logarithm += std::log(std::abs(pivot));
                    if (std::isnan(pivot)) sign = pivot;
                    else sign *= pivot < 0 ? T(-1) : pivot > 0 ? T(1) : T(0);
                });
                elements<T>(y[0])[i] = logarithm;
                elements<T>(y[1])[i] = sign;
            }
        });
        return y;
    }
    static Tensor pullback(Tensor g, const Saved& s) {
        return expand_dims(g, {-2, -1}) * transposed(inverse_or_nan(s.input(), s.output(1)));
    }
};

}  // namespace

Tensor det(const Operand& operand) { return apply(Det{}, {square_of(operand, "det")}, operand.where()); }

SLogDet slogdet(const Operand& operand) {
    const std::array<Tensor, 2> y = apply(LogAbsDet{}, {square_of(operand, "slogdet")}, operand.where());
    return {y[1], y[0]};
}

}  // namespace xgrad
