#pragma once

#include <array>
#include <cmath>
#include <string>

#include "autodiff/core/detail/axes.hpp"
#include "autodiff/core/detail/composition.hpp"
#include "autodiff/core/detail/dispatch.hpp"
#include "autodiff/core/tensor.hpp"
#include "autodiff/ops/shape/shape.hpp"

// Parameters of distributions: checks them and converts them to one element type. Not for users.

namespace xgrad::detail {

struct Rule {
    const char* what;
    bool (*holds)(double);
};
inline constexpr Rule finite{"must be finite", [](double x) { return std::isfinite(x); }};
inline constexpr Rule positive_number{"must be positive", [](double x) { return x > 0 && std::isfinite(x); }};
inline constexpr Rule not_negative{"must not be negative", [](double x) { return x >= 0 && std::isfinite(x); }};
inline constexpr Rule probability{"must be in [0, 1]", [](double x) { return x >= 0 && x <= 1; }};
inline constexpr Rule zero_or_one{"must be 0 or 1", [](double x) { return x == 0 || x == 1; }};
inline constexpr Rule whole{"must be a whole number and not negative",
                            [](double x) { return x >= 0 && std::isfinite(x) && x == std::floor(x); }};
inline constexpr Rule not_nan{"must not be NaN", [](double x) { return !std::isnan(x); }};

inline void check_rule(const char* operation, const char* name, const Tensor& x, const Rule& rule, Location where) {
    check_floating(x, operation, where);
    with_floating(x.dtype(), [&]<class T>(T) {
        for (const T v : x.data<T>())
            check<ValueError>(rule.holds(static_cast<double>(v)), where, [&] {
                return std::string(operation) + ": " + name + " " + rule.what + ", got " + PlainNumber(v).text();
            });
    });
}

struct Named {
    const char* name;
    const Operand& value;
    const Rule& rule;
};

/// The checked parameters. A plain number takes the tensors' element type, or f32 if there are no tensors; `shape` is
/// set to the shape they broadcast to.
template <std::size_t N>
std::array<Tensor, N> checked(const char* operation, const Named (&named)[N], Shape& shape) {
    const Location where = named[0].value.where();
    DType dtype = DType::f32;
    for (std::size_t i = N; i-- > 0;)
        if (named[i].value.is_tensor()) dtype = tensor_of(named[i].value, operation).dtype();
    std::array<Tensor, N> result;
    shape = {};
    for (std::size_t i = 0; i < N; ++i) {
        const Operand& x = named[i].value;
        result[i] = composed(operation, where,
                             [&] { return x.is_tensor() ? tensor_of(x, operation) : scalar(x.number(), dtype); });
        check_same_dtype(dtype, result[i].dtype(), operation, where, named[i].name);
        check_rule(operation, named[i].name, result[i], named[i].rule, where);
        shape = broadcast_shapes(shape, result[i].shape(), operation, where);
    }
    return result;
}

}  // namespace xgrad::detail
