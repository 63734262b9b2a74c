#pragma once

#include "op_checker.hpp"

// One row per operation: name, function, input shapes, domains, special points {inputs, value, gradients}, flags.
// An operation without a row fails the suite (op_table_test.cpp). Arguments worth a row of their own stand in parentheses
// behind the name. Domains keep away from kinks and poles; those are the special points' business.

// clang-format off
namespace tests {

using In = const Tensors&;
using Cases = std::vector<std::vector<Shape>>;
using I = std::int64_t;
using xgrad::tensor;
using xgrad::scalar;
using xgrad::concat;
using xgrad::stack;

inline const Cases one = {{{3, 4}}, {{}}, {{1}}, {{0}}, {{2, 0, 3}}, {{67}}};
inline const Cases two = {{{3, 4}, {3, 4}}, {{3, 4}, {4}}, {{3, 1}, {1, 4}}, {{}, {3}}, {{2, 3}, {}}, {{}, {}}, {{2, 1, 3}, {4, 1}}, {{1}, {0}}, {{3, 0}, {1}}, {{35}, {35}}, {{35}, {1}}, {{2, 19}, {19}}};
inline const Cases three = {{{3, 4}, {3, 4}, {3, 4}}, {{4}, {3, 1}, {}}, {{}, {}, {}}, {{2, 1}, {1, 3}, {2, 3}}, {{0}, {1}, {0}}, {{35}, {35}, {35}}};
inline const Domain all_signs{-2, 2}, positive_only{0.3, 3};

// --- element-wise ---------------------------------------------------------------------------------------------------

inline std::vector<Row> arithmetic_rows() {
    return {
        {"add", [](In x) { return add(x[0], x[1]); }, two, {all_signs}, {{{1, 2}, 3, {1, 1}}, {{inf, 1}, inf, {1, 1}}}, third},
        {"add(number)", [](In x) { return add(2.5, x[0]); }, one, {all_signs}},
        {"operator+", [](In x) { return x[0] + x[1]; }, two, {all_signs}},
        {"operator+(number)", [](In x) { return x[0] + 1.5; }, one, {all_signs}},
        {"subtract", [](In x) { return subtract(x[0], x[1]); }, two, {all_signs}, {{{1, 2}, -1, {1, -1}}}},
        {"subtract(from a number)", [](In x) { return subtract(2.5, x[0]); }, one, {all_signs}},
        {"operator-", [](In x) { return x[0] - x[1]; }, two, {all_signs}},
        {"operator-(number)", [](In x) { return x[0] - 1.5; }, one, {all_signs}},
        {"operator-(unary)", [](In x) { return -x[0]; }, one, {all_signs}, {{{2}, -2, {-1}}}},
        {"multiply", [](In x) { return multiply(x[0], x[1]); }, two, {all_signs}, {{{3, 2}, 6, {2, 3}}, {{0, inf}, nan, {inf, 0}}}, third},
        {"multiply(number)", [](In x) { return multiply(x[0], 3.0); }, one, {all_signs}},
        {"operator*", [](In x) { return x[0] * x[1]; }, two, {all_signs}},
        {"operator*(number)", [](In x) { return 0.5 * x[0]; }, one, {all_signs}},
        {"divide", [](In x) { return divide(x[0], x[1]); }, two, {positive_only}, {{{3, 2}, 1.5, {0.5, -0.75}}, {{1, inf}, 0, {0, 0}}}, third},
        {"divide(by a number)", [](In x) { return divide(x[0], 3.0); }, one, {all_signs}},
        {"operator/", [](In x) { return x[0] / x[1]; }, two, {positive_only}},
        {"operator/(of a number)", [](In x) { return 2.0 / x[0]; }, one, {positive_only}},
        {"floor_divide", [](In x) { return floor_divide(x[0], x[1]); }, two, {{0.3, 5}}, {{{-7, 3}, -3}, {{7, -3}, -3}, {{7, 3}, 2}, {{1, 0.1}, 9}}, no_gradient},
        {"remainder", [](In x) { return remainder(x[0], x[1]); }, two, {{-5, 5}, {0.3, 2}}, {{{-7, 3}, 2, {1, 3}}, {{7, -3}, -2, {1, 3}}, {{7, 3}, 1, {1, -2}}}},
        {"remainder(number)", [](In x) { return remainder(x[0], 0.7); }, one, {{-5, 5}}},
        {"fmod", [](In x) { return fmod(x[0], x[1]); }, two, {{-5, 5}, {0.3, 2}}, {{{-7, 3}, -1, {1, 2}}, {{7, -3}, 1, {1, 2}}, {{7, 3}, 1, {1, -2}}}},
        {"pow", [](In x) { return pow(x[0], x[1]); }, two, {{0.3, 2.5}, {-2, 2}},
            {{{0, 0}, 1, {0, 0}}, {{0, 1}, 0, {1, 0}}, {{0, 2}, 0, {0, 0}}, {{0, 1.5}, 0, {0, 0}}, {{0, 0.5}, 0, {inf, 0}}, {{0, -1}, inf, {-inf}}, {{-2, 3}, -8, {12}}, {{-2, -2}, 0.25, {0.25}}, {{-2, 0}, 1, {0}}}, third},
        {"pow(number)", [](In x) { return pow(x[0], 3.0); }, one, {all_signs}, {{{0}, 0, {0}}, {{-2}, -8, {12}}}, third},
        {"pow(square)", [](In x) { return pow(x[0], 2); }, one, {all_signs}, {{{0}, 0, {0}}, {{-3}, 9, {-6}}}},
        {"pow(one)", [](In x) { return pow(x[0], 1); }, one, {all_signs}, {{{0}, 0, {1}}}},
        {"pow(zero)", [](In x) { return pow(x[0], 0); }, one, {all_signs}, {{{0}, 1, {0}}, {{-3}, 1, {0}}}},
        {"pow(half)", [](In x) { return pow(x[0], 0.5); }, one, {positive_only}, {{{0}, 0, {inf}}, {{4}, 2, {0.25}}}},
        {"pow(minus one)", [](In x) { return pow(x[0], -1.0); }, one, {positive_only}, {{{-2}, -0.5, {-0.25}}}},
        {"pow(of a number)", [](In x) { return pow(2.0, x[0]); }, one, {all_signs}, {{{3}, 8, {8 * 0.693147180559945309}}}},
        {"pow(of zero)", [](In x) { return pow(0.0, x[0]); }, one, {positive_only}, {{{2}, 0, {0}}, {{0}, 1, {0}}}},
        {"negative", [](In x) { return negative(x[0]); }, one, {all_signs}, {{{2}, -2, {-1}}}},
        {"positive", [](In x) { return positive(x[0]); }, one, {all_signs}, {{{-2}, -2, {1}}}},
        {"abs", [](In x) { return abs(x[0]); }, one, {all_signs}, {{{0}, 0, {0}}, {{-2}, 2, {-1}}, {{-inf}, inf, {-1}}}},
        {"sign", [](In x) { return sign(x[0]); }, one, {all_signs}, {{{-3}, -1}, {{0}, 0}, {{1e-30}, 1}, {{inf}, 1}, {{nan}, nan}}, no_gradient},
        {"square", [](In x) { return square(x[0]); }, one, {all_signs}, {{{0}, 0, {0}}, {{-3}, 9, {-6}}}, third},
        {"sqrt", [](In x) { return sqrt(x[0]); }, one, {positive_only}, {{{0}, 0, {inf}}, {{4}, 2, {0.25}}, {{inf}, inf, {0}}}, third},
        {"cbrt", [](In x) { return cbrt(x[0]); }, one, {positive_only}, {{{0}, 0, {inf}}, {{-8}, -2, {1.0 / 12}}}, third},
        {"cbrt(negative)", [](In x) { return cbrt(x[0]); }, one, {{-3, -0.3}}},
        {"reciprocal", [](In x) { return reciprocal(x[0]); }, one, {positive_only}, {{{0}, inf, {-inf}}, {{-2}, -0.5, {-0.25}}, {{inf}, 0, {0}}}, third},
    };
}

inline std::vector<Row> function_rows() {
    return {
        {"exp", [](In x) { return exp(x[0]); }, one, {all_signs}, {{{0}, 1, {1}}, {{-inf}, 0, {0}}, {{-1e30}, 0, {0}}, {{1e30}, inf, {inf}}}, third},
        {"exp2", [](In x) { return exp2(x[0]); }, one, {all_signs}, {{{3}, 8, {8 * 0.693147180559945309}}, {{-inf}, 0, {0}}}},
        {"expm1", [](In x) { return expm1(x[0]); }, one, {all_signs}, {{{0}, 0, {1}}, {{1e-20}, 1e-20, {1}}, {{-inf}, -1, {0}}, {{-1e30}, -1, {0}}}},
        {"log", [](In x) { return log(x[0]); }, one, {positive_only}, {{{1}, 0, {1}}, {{0}, -inf, {inf}}, {{inf}, inf, {0}}, {{-1}, nan}}, third},
        {"log2", [](In x) { return log2(x[0]); }, one, {positive_only}, {{{8}, 3, {0.125 / 0.693147180559945309}}, {{0}, -inf, {inf}}}},
        {"log10", [](In x) { return log10(x[0]); }, one, {positive_only}, {{{1000}, 3, {0.001 / 2.30258509299404568}}, {{0}, -inf, {inf}}}},
        {"log1p", [](In x) { return log1p(x[0]); }, one, {{-0.7, 3}}, {{{0}, 0, {1}}, {{1e-20}, 1e-20, {1}}, {{-1}, -inf, {inf}}}},
        {"logaddexp", [](In x) { return logaddexp(x[0], x[1]); }, two, {all_signs},
            {{{0, 0}, 0.693147180559945309, {0.5, 0.5}}, {{1e30, 0}, 1e30, {1, 0}}, {{-1e30, 1e30}, 1e30, {0, 1}}, {{1e30, 1e30}, 1e30, {0.5, 0.5}}, {{-inf, 0}, 0, {0, 1}}, {{inf, 0}, inf, {1, 0}}, {{-inf, -inf}, -inf}}, third},
        {"sin", [](In x) { return sin(x[0]); }, one, {{-4, 4}}, {{{0}, 0, {1}}, {{inf}, nan}}, third},
        {"cos", [](In x) { return cos(x[0]); }, one, {{-4, 4}}, {{{0}, 1, {0}}}, third},
        {"tan", [](In x) { return tan(x[0]); }, one, {{-1.2, 1.2}}, {{{0}, 0, {1}}}, third},
        {"asin", [](In x) { return asin(x[0]); }, one, {{-0.9, 0.9}}, {{{0}, 0, {1}}, {{1}, pi / 2, {inf}}, {{2}, nan}}},
        {"acos", [](In x) { return acos(x[0]); }, one, {{-0.9, 0.9}}, {{{0}, pi / 2, {-1}}, {{1}, 0, {-inf}}}},
        {"atan", [](In x) { return atan(x[0]); }, one, {all_signs}, {{{0}, 0, {1}}, {{1e18}, pi / 2, {1e-36}}, {{-inf}, -pi / 2, {0}}}, third},
        {"atan2", [](In x) { return atan2(x[0], x[1]); }, two, {positive_only}, {{{0, 0}, 0, {0, 0}}, {{1, 0}, pi / 2, {0, -1}}, {{0, -1}, pi, {-1, 0}}, {{-1, -1}, -0.75 * pi, {-0.5, 0.5}}}},
        {"atan2(left half plane)", [](In x) { return atan2(x[0], x[1]); }, two, {{-3, -0.3}}},
        {"hypot", [](In x) { return hypot(x[0], x[1]); }, two, {all_signs}, {{{0, 0}, 0, {0, 0}}, {{3, -4}, 5, {0.6, -0.8}}, {{3e30, 4e30}, 5e30, {0.6, 0.8}}, {{3e-30, 4e-30}, 5e-30, {0.6, 0.8}}, {{-inf, nan}, inf}}},
        {"sinh", [](In x) { return sinh(x[0]); }, one, {all_signs}, {{{0}, 0, {1}}, {{1e-20}, 1e-20, {1}}}},
        {"cosh", [](In x) { return cosh(x[0]); }, one, {all_signs}, {{{0}, 1, {0}}, {{-inf}, inf, {-inf}}}},
        {"tanh", [](In x) { return tanh(x[0]); }, one, {{-3, 3}}, {{{0}, 0, {1}}, {{1e30}, 1, {0}}, {{-inf}, -1, {0}}, {{1e-20}, 1e-20, {1}}}, third},
        {"asinh", [](In x) { return asinh(x[0]); }, one, {all_signs}, {{{0}, 0, {1}}, {{1e30}, 69.770699970381315, {1e-30}}, {{-1e30}, -69.770699970381315, {1e-30}}, {{1e-20}, 1e-20, {1}}}},
        {"acosh", [](In x) { return acosh(x[0]); }, one, {{1.2, 4}}, {{{1}, 0, {inf}}, {{1e30}, 69.770699970381315, {1e-30}}}},
        {"atanh", [](In x) { return atanh(x[0]); }, one, {{-0.9, 0.9}}, {{{0}, 0, {1}}, {{1}, inf, {inf}}, {{1e-20}, 1e-20, {1}}}},
        {"erf", [](In x) { return erf(x[0]); }, one, {all_signs}, {{{0}, 0, {1.12837916709551257}}, {{inf}, 1, {0}}, {{-1e30}, -1, {0}}}, third},
        {"floor", [](In x) { return floor(x[0]); }, one, {all_signs}, {{{-0.5}, -1}, {{2}, 2}, {{-inf}, -inf}}, no_gradient},
        {"ceil", [](In x) { return ceil(x[0]); }, one, {all_signs}, {{{0.5}, 1}, {{-2}, -2}, {{1e30}, 1e30}}, no_gradient},
        {"round", [](In x) { return round(x[0]); }, one, {all_signs}, {{{0.5}, 0}, {{1.5}, 2}, {{2.5}, 2}, {{-0.5}, 0}, {{-1.5}, -2}}, no_gradient},
        {"trunc", [](In x) { return trunc(x[0]); }, one, {all_signs}, {{{1.9}, 1}, {{-1.9}, -1}, {{nan}, nan}}, no_gradient},
    };
}

inline std::vector<Row> choice_rows() {
    const Tensor mask = tensor({true, false, false, true});
    return {
        {"maximum", [](In x) { return maximum(x[0], x[1]); }, two, {all_signs}, {{{1, 1}, 1, {0.5, 0.5}}, {{1, 2}, 2, {0, 1}}, {{nan, 1}, nan}, {{1, nan}, nan}, {{-inf, -inf}, -inf, {0.5, 0.5}}}},
        {"maximum(number)", [](In x) { return maximum(x[0], 0.25); }, one, {all_signs}, {{{0.25}, 0.25, {0.5}}}},
        {"minimum", [](In x) { return minimum(x[0], x[1]); }, two, {all_signs}, {{{1, 1}, 1, {0.5, 0.5}}, {{1, 2}, 1, {1, 0}}, {{nan, 1}, nan}, {{1, nan}, nan}}},
        {"fmax", [](In x) { return fmax(x[0], x[1]); }, two, {all_signs}, {{{1, 1}, 1, {0.5, 0.5}}, {{nan, 1}, 1, {0, 1}}, {{1, nan}, 1, {1, 0}}, {{nan, nan}, nan}}},
        {"fmin", [](In x) { return fmin(x[0], x[1]); }, two, {all_signs}, {{{1, 1}, 1, {0.5, 0.5}}, {{nan, 1}, 1, {0, 1}}, {{1, nan}, 1, {1, 0}}, {{3, 2}, 2, {0, 1}}}},
        {"copysign", [](In x) { return copysign(x[0], x[1]); }, two, {all_signs}, {{{3, -1}, -3, {-1, 0}}, {{-3, -1}, -3, {1, 0}}, {{-3, 0}, 3, {-1, 0}}, {{3, -0.0}, -3, {-1, 0}}}},
        {"clip", [](In x) { return clip(x[0], -0.5, 0.75); }, one, {all_signs}, {{{-0.5}, -0.5, {1}}, {{0.75}, 0.75, {1}}, {{-1}, -0.5, {0}}, {{inf}, 0.75, {0}}, {{nan}, nan}}},
        {"where", [](In x) { return where(greater(x[2], 0.0), x[0], x[1]); }, three, {all_signs}, {{{1, nan, 1}, 1, {1, 0, 0}}, {{inf, 3, -1}, 3, {0, 1, 0}}}},
        {"where(mask)", [=](In x) { return where(mask, x[0], x[1]); }, {{{3, 4}, {4}}, {{4}, {4}}, {{}, {3, 1}}, {{2, 1}, {1, 4}}}, {all_signs}, {{{{1, nan, nan, 2}, {nan, 5, 6, nan}}, {1, 5, 6, 2}, {{1, 0, 0, 1}, {0, 1, 1, 0}}}}},
        {"where(number)", [=](In x) { return where(mask, x[0], 7.0); }, {{{3, 4}}, {{}}}, {all_signs}},
        {"sigmoid", [](In x) { return sigmoid(x[0]); }, one, {{-4, 4}}, {{{0}, 0.5, {0.25}}, {{1e30}, 1, {0}}, {{-1e30}, 0, {0}}, {{inf}, 1, {0}}, {{-inf}, 0, {0}}}, third},
        {"relu", [](In x) { return relu(x[0]); }, one, {all_signs}, {{{0}, 0, {0}}, {{-1}, 0, {0}}, {{2}, 2, {1}}, {{-inf}, 0, {0}}, {{nan}, nan}}},
        {"leaky_relu", [](In x) { return leaky_relu(x[0]); }, one, {all_signs}, {{{0}, 0, {0.01}}, {{-2}, -0.02, {0.01}}, {{1e30}, 1e30, {1}}}},
        {"leaky_relu(slope)", [](In x) { return leaky_relu(x[0], 0.3); }, one, {all_signs}, {{{-2}, -0.6, {0.3}}}},
        {"elu", [](In x) { return elu(x[0]); }, one, {all_signs}, {{{-1e30}, -1, {0}}, {{1e30}, 1e30, {1}}, {{-1e-20}, -1e-20, {1}}}},
        {"elu(alpha)", [](In x) { return elu(x[0], 1.7); }, one, {all_signs}, {{{0}, 0, {1.7}}, {{-inf}, -1.7, {0}}}},
        {"gelu", [](In x) { return gelu(x[0]); }, one, {{-3, 3}}, {{{0}, 0, {0.5}}, {{1e30}, 1e30, {1}}, {{-1e30}, 0, {0}}}, third},
        {"gelu(tanh)", [](In x) { return gelu(x[0], xgrad::Gelu::tanh); }, one, {{-3, 3}}, {{{0}, 0, {0.5}}, {{1e10}, 1e10, {1}}, {{-1e10}, 0, {0}}}, third},
        {"silu", [](In x) { return silu(x[0]); }, one, {{-4, 4}}, {{{0}, 0, {0.5}}, {{1e30}, 1e30, {1}}, {{-1e30}, 0, {0}}}, third},
        {"softplus", [](In x) { return softplus(x[0]); }, one, {{-4, 4}}, {{{0}, 0.693147180559945309, {0.5}}, {{1e30}, 1e30, {1}}, {{-1e30}, 0, {0}}, {{inf}, inf, {1}}, {{-inf}, 0, {0}}}, third},
        {"softplus(beta)", [](In x) { return softplus(x[0], 2.5); }, one, {{-3, 3}}, {{{1e30}, 1e30, {1}}, {{-1e30}, 0, {0}}}},
    };
}

inline std::vector<Row> comparison_rows() {
    return {
        {"equal", [](In x) { return equal(x[0], x[1]); }, two, {all_signs}, {{{1, 1}, 1}, {{0, -0.0}, 1}, {{nan, nan}, 0}, {{inf, inf}, 1}}, no_gradient},
        {"operator==", [](In x) { return x[0] == x[1]; }, two, {all_signs}, {{{{1, 2, 3}, {1, 0, 3}}, {1, 0, 1}}}, no_gradient},
        {"not_equal", [](In x) { return not_equal(x[0], x[1]); }, two, {all_signs}, {{{1, 1}, 0}, {{nan, nan}, 1}, {{1, 2}, 1}}, no_gradient},
        {"operator!=", [](In x) { return x[0] != x[1]; }, two, {all_signs}, {{{{1, 2, 3}, {1, 0, 3}}, {0, 1, 0}}}, no_gradient},
        {"less", [](In x) { return less(x[0], x[1]); }, two, {all_signs}, {{{1, 2}, 1}, {{1, 1}, 0}, {{nan, 1}, 0}, {{-inf, inf}, 1}}, no_gradient},
        {"operator<", [](In x) { return x[0] < x[1]; }, two, {all_signs}, {{{{1, 2, 3}, {2, 2, 2}}, {1, 0, 0}}}, no_gradient},
        {"less_equal", [](In x) { return less_equal(x[0], x[1]); }, two, {all_signs}, {{{1, 1}, 1}, {{2, 1}, 0}, {{1, nan}, 0}}, no_gradient},
        {"operator<=", [](In x) { return x[0] <= x[1]; }, two, {all_signs}, {{{{1, 2, 3}, {2, 2, 2}}, {1, 1, 0}}}, no_gradient},
        {"greater", [](In x) { return greater(x[0], x[1]); }, two, {all_signs}, {{{2, 1}, 1}, {{1, 1}, 0}, {{nan, 1}, 0}}, no_gradient},
        {"operator>", [](In x) { return x[0] > x[1]; }, two, {all_signs}, {{{{1, 2, 3}, {2, 2, 2}}, {0, 0, 1}}}, no_gradient},
        {"greater_equal", [](In x) { return greater_equal(x[0], x[1]); }, two, {all_signs}, {{{1, 1}, 1}, {{1, 2}, 0}, {{1, nan}, 0}}, no_gradient},
        {"operator>=", [](In x) { return x[0] >= x[1]; }, two, {all_signs}, {{{{1, 2, 3}, {2, 2, 2}}, {0, 1, 1}}}, no_gradient},
        {"logical_and", [](In x) { return logical_and(greater(x[0], 0.0), greater(x[1], 0.0)); }, two, {all_signs}, {{{{1, 1, -1, -1}, {1, -1, 1, -1}}, {1, 0, 0, 0}}}, no_gradient},
        {"logical_or", [](In x) { return logical_or(greater(x[0], 0.0), greater(x[1], 0.0)); }, two, {all_signs}, {{{{1, 1, -1, -1}, {1, -1, 1, -1}}, {1, 1, 1, 0}}}, no_gradient},
        {"logical_xor", [](In x) { return logical_xor(greater(x[0], 0.0), greater(x[1], 0.0)); }, two, {all_signs}, {{{{1, 1, -1, -1}, {1, -1, 1, -1}}, {0, 1, 1, 0}}}, no_gradient},
        {"logical_not", [](In x) { return logical_not(greater(x[0], 0.0)); }, one, {all_signs}, {{{{1, -1}}, {0, 1}}}, no_gradient},
        {"isnan", [](In x) { return isnan(x[0]); }, one, {all_signs}, {{{{nan, inf, 1, -nan}}, {1, 0, 0, 1}}}, no_gradient},
        {"isinf", [](In x) { return isinf(x[0]); }, one, {all_signs}, {{{{nan, inf, -inf, 1}}, {0, 1, 1, 0}}}, no_gradient},
        {"isfinite", [](In x) { return isfinite(x[0]); }, one, {all_signs}, {{{{nan, inf, -inf, 1e30}}, {0, 0, 0, 1}}}, no_gradient},
        {"signbit", [](In x) { return signbit(x[0]); }, one, {all_signs}, {{{{1, -1, 0, -0.0, -inf}}, {0, 1, 0, 1, 1}}}, no_gradient},
    };
}

// --- reductions -----------------------------------------------------------------------------------------------------

inline const Cases reduced = {{{3, 4}}, {{}}, {{5}}, {{2, 3, 4}}, {{41}}, {{2, 35}}, {{35, 2}}};  // rows that need at least one element
inline const Cases reduced_or_empty = {{{3, 4}}, {{}}, {{5}}, {{2, 3, 4}}, {{0}}, {{2, 0, 3}}, {{41}}, {{2, 35}}, {{35, 2}}};
inline const Cases matrices = {{{3, 4}}, {{1, 5}}, {{4, 1}}, {{37, 3}}, {{3, 37}}};
inline const Cases cubes = {{{2, 3, 4}}, {{1, 5, 2}}};

inline std::vector<Row> reduce_rows() {
    return {
        {"sum", [](In x) { return sum(x[0]); }, reduced_or_empty, {all_signs}, {{{{1, 2, 3}}, 6, {{1, 1, 1}}}}, third},
        {"sum(axis 0)", [](In x) { return sum(x[0], 0); }, {{{3, 4}}, {{37, 3}}, {{0, 3}}, {{3, 0}}, {{2, 3, 4}}}, {all_signs}},
        {"sum(last axis)", [](In x) { return sum(x[0], -1); }, {{{3, 4}}, {{3, 37}}, {{0, 3}}, {{3, 0}}, {{5}}, {{2, 3, 4}}}, {all_signs}},
        {"sum(outer axes, keepdims)", [](In x) { return sum(x[0], {0, 2}, true); }, cubes, {all_signs}},
        {"sum(middle axis)", [](In x) { return sum(x[0], -2); }, cubes, {all_signs}},
        {"sum(no axes)", [](In x) { return sum(x[0], xgrad::Axes(std::vector<int>{})); }, {{{3, 4}}, {{}}}, {all_signs}},
        {"mean", [](In x) { return mean(x[0]); }, reduced, {all_signs}, {{{{1, 2, 3, 6}}, 3, {{0.25, 0.25, 0.25, 0.25}}}}},
        {"mean(axis 0, keepdims)", [](In x) { return mean(x[0], 0, true); }, matrices, {all_signs}},
        {"mean(inner axes)", [](In x) { return mean(x[0], {1, -1}); }, cubes, {all_signs}},
        {"prod", [](In x) { return prod(x[0]); }, {{{3, 2}}, {{}}, {{5}}, {{2, 2, 2}}, {{0}}, {{2, 0, 3}}}, {positive_only}, {{{{2, 0, 3}}, 0, {{0, 6, 0}}}, {{{0, 0, 3}}, 0, {{0, 0, 0}}}, {{{-2, 3}}, -6, {{3, -2}}}}, third},
        {"prod(axis 0)", [](In x) { return prod(x[0], 0); }, {{{3, 4}}, {{0, 2}}}, {all_signs}, {{{tensor({{2.0, 0.0}, {3.0, 0.0}, {4.0, 5.0}})}, {24, 0}, {tensor({{12.0, 0.0}, {8.0, 0.0}, {6.0, 0.0}})}}}},
        {"prod(last axis, keepdims)", [](In x) { return prod(x[0], -1, true); }, {{{3, 4}}, {{2, 2, 3}}}, {all_signs}, {{{{2, 0, 3}}, {0}, {{0, 6, 0}}}}},
        {"max", [](In x) { return max(x[0]); }, reduced, {all_signs}, {{{{1, 3, 3}}, 3, {{0, 0.5, 0.5}}}, {{{2, 2, 2, 2}}, 2, {{0.25, 0.25, 0.25, 0.25}}}, {{{1, nan, 3}}, nan}, {{{-inf, -inf}}, -inf, {{0.5, 0.5}}}}},
        {"max(axis 0)", [](In x) { return max(x[0], 0); }, matrices, {all_signs}, {{{tensor({{1.0, 5.0}, {1.0, 2.0}})}, {1, 5}, {tensor({{0.5, 1.0}, {0.5, 0.0}})}}}},
        {"max(last axis, keepdims)", [](In x) { return max(x[0], -1, true); }, matrices, {all_signs}},
        {"min", [](In x) { return min(x[0]); }, reduced, {all_signs}, {{{{1, 1, 3}}, 1, {{0.5, 0.5, 0}}}, {{{1, nan, 3}}, nan}}},
        {"min(outer axes)", [](In x) { return min(x[0], {0, 2}); }, cubes, {all_signs}},
        {"var", [](In x) { return var(x[0]); }, reduced, {all_signs}, {{{{1, 2, 3, 6}}, 3.5, {{-1, -0.5, 0, 1.5}}}, {{{4, 4}}, 0, {{0, 0}}}}},
        {"var(axis 0, correction 1)", [](In x) { return var(x[0], 0, 1); }, {{{3, 4}}, {{37, 3}}, {{2, 3, 2}}}, {all_signs}, {{{{1, 3}}, 2, {{-2, 2}}}}},
        {"var(last axis, keepdims)", [](In x) { return var(x[0], -1, 0, true); }, matrices, {all_signs}},
        {"logsumexp", [](In x) { return logsumexp(x[0]); }, reduced, {all_signs},
            {{{{0, 0}}, 0.693147180559945309, {{0.5, 0.5}}}, {{{1e30, 0, -1e30}}, 1e30, {{1, 0, 0}}}, {{{-inf, 0}}, 0, {{0, 1}}}, {{{inf, 0}}, inf}, {{{-inf, -inf}}, -inf}, {{{-1e30, -1e30}}, -1e30, {{0.5, 0.5}}}}, third},
        {"logsumexp(axis 0)", [](In x) { return logsumexp(x[0], 0); }, matrices, {all_signs}},
        {"logsumexp(last axis, keepdims)", [](In x) { return logsumexp(x[0], -1, true); }, matrices, {all_signs}},
        {"norm", [](In x) { return norm(x[0]); }, reduced, {positive_only}, {{{{3, -4}}, 5, {{0.6, -0.8}}}, {{{0, 0}}, 0, {{0, 0}}}}, third},
        {"norm(p = 1)", [](In x) { return norm(x[0], 1); }, reduced, {all_signs}, {{{{3, -4}}, 7, {{1, -1}}}, {{{0, 0}}, 0, {{0, 0}}}}},
        {"norm(p = 3, axis 0)", [](In x) { return norm(x[0], 3, 0); }, matrices, {all_signs}, {{{{0, 0}}, 0, {{0, 0}}}, {{tensor({{0.0, 1.0}, {0.0, 0.0}})}, {0, 1}, {tensor({{0.0, 1.0}, {0.0, 0.0}})}}}},
        {"norm(p = 1.5)", [](In x) { return norm(x[0], 1.5); }, reduced, {positive_only}, {{{{0, 0}}, 0, {{0, 0}}}}},
        {"norm(p = inf)", [](In x) { return norm(x[0], inf); }, reduced, {all_signs}, {{{{1, -3}}, 3, {{0, -1}}}, {{{3, -3}}, 3, {{0.5, -0.5}}}, {{{0, 0}}, 0, {{0, 0}}}}},
        {"norm(p = -inf)", [](In x) { return norm(x[0], -inf); }, reduced, {all_signs}, {{{{1, -3}}, 1, {{1, 0}}}}},
        {"norm(p = 0)", [](In x) { return norm(x[0], 0); }, {{{5}}}, {all_signs}, {{{{1, 0, -3}}, 2}}, no_gradient},
        {"norm(last axis, keepdims)", [](In x) { return norm(x[0], 2, -1, true); }, matrices, {all_signs}, {{{tensor({{3.0, 4.0}, {0.0, 0.0}})}, tensor({{5.0}, {0.0}}), {tensor({{0.6, 0.8}, {0.0, 0.0}})}}}},
        {"argmax", [](In x) { return argmax(x[0]); }, reduced, {all_signs}, {{{{1, 3, 3, 2}}, 1}, {{{1, nan, 3}}, 1}, {{tensor({{1.0, 2.0}, {5.0, 0.0}})}, 2}, {{{-inf, -inf}}, 0}}, no_gradient},
        {"argmax(axis 0)", [](In x) { return argmax(x[0], 0); }, matrices, {all_signs}, {{{tensor({{1.0, 2.0}, {5.0, 0.0}})}, {1, 0}}}, no_gradient},
        {"argmax(last axis, keepdims)", [](In x) { return argmax(x[0], -1, true); }, matrices, {all_signs}, {{{tensor({{1.0, 2.0}, {5.0, 0.0}})}, tensor({{1.0}, {0.0}})}}, no_gradient},
        {"argmin", [](In x) { return argmin(x[0]); }, reduced, {all_signs}, {{{{2, 1, 1, 2}}, 1}, {{{1, nan, 3}}, 1}}, no_gradient},
        {"argmin(axis 1)", [](In x) { return argmin(x[0], 1); }, matrices, {all_signs}, {{{tensor({{1.0, 2.0}, {5.0, 0.0}})}, {0, 1}}}, no_gradient},
        {"all", [](In x) { return all(greater(x[0], 0.0)); }, reduced_or_empty, {all_signs}, {{{{1, 2}}, 1}, {{{1, -2}}, 0}}, no_gradient},
        {"all(axis 0)", [](In x) { return all(greater(x[0], 0.0), 0); }, matrices, {all_signs}, {{{tensor({{1.0, 2.0}, {5.0, -1.0}})}, {1, 0}}}, no_gradient},
        {"any", [](In x) { return any(greater(x[0], 0.0)); }, reduced_or_empty, {all_signs}, {{{{-1, 2}}, 1}, {{{-1, -2}}, 0}}, no_gradient},
        {"any(last axis, keepdims)", [](In x) { return any(greater(x[0], 0.0), -1, true); }, matrices, {all_signs}, {{{tensor({{1.0, -2.0}, {-5.0, -1.0}})}, tensor({{1.0}, {0.0}})}}, no_gradient},
        {"softmax", [](In x) { return softmax(x[0]); }, {{{3, 4}}, {{5}}, {{2, 3, 4}}, {{3, 37}}, {{0, 3}}}, {all_signs},
            {{{{0, 0}}, {0.5, 0.5}, {{0, 0}}}, {{{1e30, 0}}, {1, 0}, {{0, 0}}}, {{{-inf, 0}}, {0, 1}, {{0, 0}}}, {{{-inf, -inf}}, {nan, nan}}, {{{-1e30, -1e30}}, {0.5, 0.5}, {{0, 0}}}}, third},
        {"softmax(axis 0)", [](In x) { return softmax(x[0], 0); }, matrices, {all_signs}},
        {"softmax(axis 1)", [](In x) { return softmax(x[0], 1); }, cubes, {all_signs}},
        {"log_softmax", [](In x) { return log_softmax(x[0]); }, {{{3, 4}}, {{5}}, {{2, 3, 4}}, {{3, 37}}, {{0, 3}}}, {all_signs},
            {{{{0, 0}}, {-0.693147180559945309, -0.693147180559945309}, {{0, 0}}}, {{{1e30, 0}}, {0, -1e30}, {{-1, 1}}}, {{{-inf, 0}}, {-inf, 0}, {{1, -1}}}}, third},
        {"log_softmax(axis 0)", [](In x) { return log_softmax(x[0], 0); }, matrices, {all_signs}},
        {"log_softmax(axis 1)", [](In x) { return log_softmax(x[0], 1); }, cubes, {all_signs}},
        {"sum_to", [](In x) { return sum_to(x[0], {3, 1}); }, {{{3, 4}}, {{2, 3, 4}}, {{2, 3, 1}}}, {all_signs}},
        {"sum_to(scalar)", [](In x) { return sum_to(x[0], {}); }, {{{3, 4}}, {{}}, {{0}}}, {all_signs}},
        {"sum_to(leading axes)", [](In x) { return sum_to(x[0], {4}); }, {{{3, 4}}, {{4}}, {{2, 0, 4}}, {{2, 3, 4}}}, {all_signs}},
    };
}

// --- rearranging ----------------------------------------------------------------------------------------------------

inline std::vector<Row> shape_rows() {
    return {
        {"reshape", [](In x) { return reshape(x[0], {4, -1}); }, {{{3, 4}}, {{2, 2, 3}}, {{4}}}, {all_signs}, {{{{1, 2, 3, 4}}, tensor({{1.0}, {2.0}, {3.0}, {4.0}})}}},
        {"ravel", [](In x) { return ravel(x[0]); }, {{{3, 4}}, {{}}, {{0, 2}}}, {all_signs}, {{{tensor({{1.0, 2.0}, {3.0, 4.0}})}, {1, 2, 3, 4}}}},
        {"flatten", [](In x) { return flatten(x[0]); }, {{{2, 3, 4}}, {{3}}, {{}}}, {all_signs}},
        {"flatten(from axis 1)", [](In x) { return flatten(x[0], 1); }, {{{2, 3, 2}}, {{2, 3}}, {{2, 0, 3}}}, {all_signs}},
        {"flatten(to axis 1)", [](In x) { return flatten(x[0], 0, 1); }, cubes, {all_signs}},
        {"transpose", [](In x) { return transpose(x[0]); }, {{{3, 4}}, {{5}}, {{}}, {{2, 3, 4}}, {{0, 3}}, {{19, 35}}}, {all_signs}, {{{tensor({{1.0, 2.0}, {3.0, 4.0}})}, tensor({{1.0, 3.0}, {2.0, 4.0}})}}},
        {"transpose(axes)", [](In x) { return transpose(x[0], {1, 2, 0}); }, {{{2, 3, 4}}, {{2, 0, 3}}}, {all_signs}},
        {"permute", [](In x) { return permute(x[0], {0, -1, 1}); }, cubes, {all_signs}},
        {"swapaxes", [](In x) { return swapaxes(x[0], 0, -1); }, {{{3, 4}}, {{2, 3, 4}}, {{5}}}, {all_signs}},
        {"expand_dims", [](In x) { return expand_dims(x[0], 1); }, {{{3, 4}}, {{3}}, {{0}}}, {all_signs}},
        {"expand_dims(several)", [](In x) { return expand_dims(x[0], {0, -1}); }, {{{3, 4}}, {{}}}, {all_signs}},
        {"squeeze", [](In x) { return squeeze(x[0]); }, {{{1, 3, 1}}, {{1, 1}}, {{3}}, {{}}, {{0, 1}}}, {all_signs}},
        {"squeeze(axis)", [](In x) { return squeeze(x[0], -1); }, {{{1, 3, 1}}, {{3, 1}}}, {all_signs}},
        {"broadcast_to", [](In x) { return broadcast_to(x[0], {2, 3, 4}); }, {{{3, 1}}, {{4}}, {{}}, {{2, 3, 4}}, {{2, 1, 1}}}, {all_signs}},
        {"broadcast_to(empty)", [](In x) { return broadcast_to(x[0], {0, 3}); }, {{{3}}, {{1, 3}}, {{}}}, {all_signs}},
        {"slice", [](In x) { return slice(x[0], 0, 1, -1); }, {{{4, 3}}, {{5}}, {{2, 3}}}, {all_signs}, {{{{1, 2, 3, 4}}, {2, 3}, {{0, 1, 1, 0}}}}},
        {"slice(step)", [](In x) { return slice(x[0], -1, 1, std::nullopt, 2); }, {{{3, 7}}, {{6}}, {{2, 1}}}, {all_signs}},
        {"slice(backwards)", [](In x) { return slice(x[0], 0, std::nullopt, std::nullopt, -2); }, {{{5, 3}}, {{4}}, {{0}}}, {all_signs}, {{{{1, 2, 3, 4}}, {4, 2}, {{0, 1, 0, 1}}}}},
        {"slice(out of range)", [](In x) { return slice(x[0], 0, -100, 100); }, {{{4, 3}}}, {all_signs}},
        {"slice(empty)", [](In x) { return slice(x[0], 0, 3, 1); }, {{{4, 3}}}, {all_signs}},
        {"slice(several axes)", [](In x) { return slice(x[0], std::vector<xgrad::Slice>{{1, std::nullopt}, {std::nullopt, std::nullopt, -1}}); }, {{{3, 4}}, {{2, 3, 2}}}, {all_signs}},
        {"select", [](In x) { return select(x[0], 0, 1); }, {{{3, 4}}, {{5}}, {{2, 3, 2}}}, {all_signs}, {{{{1, 2, 3}}, 2, {{0, 1, 0}}}}},
        {"select(from the end)", [](In x) { return select(x[0], -1, -1); }, {{{3, 4}}, {{5}}, {{2, 3, 2}}}, {all_signs}},
        {"concat", [](In x) { return concat({x[0], x[1]}); }, {{{3, 4}, {2, 4}}, {{2}, {3}}, {{0, 3}, {2, 3}}, {{2, 2}, {2, 2}}}, {all_signs}, {{{{1, 2}, {3}}, {1, 2, 3}, {{1, 1}, {1}}}}},
        {"concat(last axis)", [](In x) { return concat({x[0], x[1], x[0]}, -1); }, {{{3, 2}, {3, 4}}, {{2, 3, 1}, {2, 3, 2}}}, {all_signs}},
        {"stack", [](In x) { return stack({x[0], x[1]}); }, {{{3, 4}, {3, 4}}, {{}, {}}, {{0}, {0}}}, {all_signs}},
        {"stack(last axis)", [](In x) { return stack({x[0], x[1], x[0]}, -1); }, {{{3, 4}, {3, 4}}, {{2}, {2}}}, {all_signs}},
        {"split", [](In x) { const Tensors p = split(x[0], 3, 1); return p[0] * p[1] + p[2]; }, {{{2, 6}}, {{2, 3, 2}}, {{0, 3}}}, {all_signs}, {{{tensor({{1.0, 2.0, 3.0}})}, tensor({{5.0}}), {tensor({{2.0, 1.0, 1.0}})}}}},
        {"split(one part used)", [](In x) { return split(x[0], 2)[1]; }, {{{4, 3}}, {{2}}}, {all_signs}, {{{{1, 2}}, {2}, {{0, 1}}}}},
        {"split(sizes)", [](In x) { const Tensors p = split(x[0], std::vector<I>{1, 0, 2}, -1); return p[0] * sum(p[2]) + sum(p[1]); }, {{{2, 3}}, {{3}}}, {all_signs}},
    };
}

inline std::vector<Row> index_rows() {
    const Tensor repeated = tensor({I{0}, I{2}, I{0}, I{-1}}), grid = tensor({{I{1}, I{1}}, {I{-2}, I{0}}});
    const Tensor short_indices = tensor({std::int32_t{1}, std::int32_t{1}});
    return {
        {"take", [=](In x) { return take(x[0], repeated); }, {{{3, 4}}, {{3}}, {{3, 0}}, {{3, 2, 2}}}, {all_signs}, {{{{1, 2, 3}}, {1, 3, 1, 3}, {{2, 0, 2}}}}, third},
        {"take(grid, last axis)", [=](In x) { return take(x[0], grid, -1); }, {{{3, 4}}, {{2}}, {{2, 3, 2}}}, {all_signs}},
        {"take(i32)", [=](In x) { return take(x[0], short_indices, 1); }, {{{3, 4}}}, {all_signs}},
        {"take(one index)", [=](In x) { return take(x[0], scalar(I{1}), 0); }, {{{3, 4}}, {{2}}}, {all_signs}, {{{{1, 2}}, 2, {{0, 1}}}}},
        {"index_add", [=](In x) { return index_add({3, 2}, repeated, x[0]); }, {{{4, 2}}}, {all_signs}, {{{tensor({{1.0, 2.0}, {3.0, 4.0}, {5.0, 6.0}, {7.0, 8.0}})}, tensor({{6.0, 8.0}, {0.0, 0.0}, {10.0, 12.0}})}}},
        {"index_add(last axis)", [=](In x) { return index_add({2, 3}, repeated, x[0], -1); }, {{{2, 4}}}, {all_signs}},
        {"take_along_axis", [=](In x) { return take_along_axis(x[0], grid, 1); }, {{{2, 3}}, {{2, 2}}}, {all_signs}, {{{tensor({{1.0, 2.0}, {3.0, 4.0}})}, tensor({{2.0, 2.0}, {3.0, 3.0}}), {tensor({{0.0, 2.0}, {2.0, 0.0}})}}}},
        {"take_along_axis(axis 0)", [=](In x) { return take_along_axis(x[0], grid, 0); }, {{{4, 2}}}, {all_signs}},
        {"take_along_axis(broadcast)", [=](In x) { return take_along_axis(x[0], tensor({{I{2}, I{0}}}), 1); }, {{{4, 3}}}, {all_signs}},
        {"one_hot", [](In x) { return one_hot(x[0].to(DType::i64), 3, DType::f64); }, {{{3, 4}}, {{}}, {{0}}}, {{0, 2.9}}, {{{{2, 0}}, tensor({{0.0, 0.0, 1.0}, {1.0, 0.0, 0.0}})}}, no_gradient},
    };
}

inline std::vector<Row> matrix_rows() {
    return {
        {"matmul", [](In x) { return matmul(x[0], x[1]); },
            {{{3, 4}, {4, 2}}, {{4}, {4}}, {{4}, {4, 2}}, {{3, 4}, {4}}, {{2, 3, 4}, {4, 2}}, {{3, 4}, {2, 4, 2}}, {{2, 1, 3, 4}, {3, 4, 2}}, {{3, 3}, {3, 3}}, {{2, 3, 4}, {4}}, {{4}, {2, 4, 3}}, {{0, 4}, {4, 2}}, {{3, 0}, {0, 2}}, {{2, 0, 3}, {3, 2}}, {{1, 4}, {4, 1}}, {{1, 1}, {1, 1}}, {{2, 3, 0}, {0, 2}}, {{2, 17}, {17, 19}}},
            {all_signs}, {{{{1, 2}, {3, 4}}, 11, {{3, 4}, {1, 2}}}}, third},
        {"matmul(transposed)", [](In x) { return matmul(transpose(x[0]), transpose(x[1])); }, {{{4, 3}, {2, 4}}, {{3, 3}, {3, 3}}, {{1, 3}, {2, 1}}}, {all_signs}},
        {"matmul(transposed batches)", [](In x) { return matmul(x[0], swapaxes(x[1], -1, -2)); }, {{{2, 3, 4}, {2, 2, 4}}}, {all_signs}},
        {"matmul(by itself)", [](In x) { return matmul(x[0], transpose(x[0])); }, {{{3, 4}}}, {all_signs}},
        {"linear", [](In x) { return linear(x[0], x[1], x[2]); }, {{{3, 4}, {5, 4}, {5}}, {{2, 3, 4}, {5, 4}, {5}}, {{4}, {5, 4}, {5}}, {{0, 4}, {5, 4}, {5}}, {{3, 0}, {2, 0}, {2}}, {{2, 17}, {19, 17}, {19}}}, {all_signs}, {{{{1, 2}, tensor({{3.0, 4.0}}), {5}}, {16}, {{3, 4}, tensor({{1.0, 2.0}}), {1}}}}},
        {"linear(no bias)", [](In x) { return linear(x[0], x[1]); }, {{{3, 4}, {5, 4}}, {{4}, {5, 4}}, {{3, 3}, {3, 3}}}, {all_signs}},
    };
}

// --- random: constants, so that only their shape matters to a tape ----------------------------------------------------

inline std::vector<Row> random_rows() {
    return {
        {"rand", [](In x) { xgrad::Generator g(1); return rand(x[0].shape(), g); }, one, {all_signs}, {}, no_gradient},
        {"randn", [](In x) { xgrad::Generator g(1); return randn(x[0].shape(), g); }, one, {all_signs}, {}, no_gradient},
        {"randint", [](In x) { xgrad::Generator g(1); return randint(-3, 9, x[0].shape(), g); }, one, {all_signs}, {}, no_gradient},
        {"bernoulli", [](In x) { xgrad::Generator g(1); return bernoulli(0.3, x[0].shape(), g); }, one, {all_signs}, {}, no_gradient},
        {"permutation", [](In x) { xgrad::Generator g(1); return permutation(x[0].size(), g); }, one, {all_signs}, {}, no_gradient},
    };
}

inline const std::vector<Row>& op_table() {
    static const std::vector<Row> table = [] {
        std::vector<Row> all;
        for (auto family : {arithmetic_rows, function_rows, choice_rows, comparison_rows, reduce_rows, shape_rows, index_rows, matrix_rows, random_rows})
            for (Row& row : family()) all.push_back(std::move(row));
        return all;
    }();
    return table;
}

}  // namespace tests
// clang-format on
