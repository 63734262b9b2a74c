#include "../op_table.hpp"

// clang-format off
namespace tests {

static std::vector<Row> arithmetic_rows() {
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

static std::vector<Row> function_rows() {
    return {
        {"exp", [](In x) { return exp(x[0]); }, one, {all_signs}, {{{0}, 1, {1}}, {{-inf}, 0, {0}}, {{-1e30}, 0, {0}}, {{1e30}, inf, {inf}}}, third},
        {"exp2", [](In x) { return exp2(x[0]); }, one, {all_signs}, {{{3}, 8, {8 * 0.693147180559945309}}, {{-inf}, 0, {0}}}},
        {"expm1", [](In x) { return expm1(x[0]); }, one, {all_signs}, {{{0}, 0, {1}}, {{1e-20}, 1e-20, {1}}, {{-inf}, -1, {0}}, {{-1e30}, -1, {0}}, {{-40}, -1, {4.2483542552915889e-18}}}},
        {"log", [](In x) { return log(x[0]); }, one, {positive_only}, {{{1}, 0, {1}}, {{0}, -inf, {inf}}, {{inf}, inf, {0}}, {{-1}, nan}}, third},
        {"log2", [](In x) { return log2(x[0]); }, one, {positive_only}, {{{8}, 3, {0.125 / 0.693147180559945309}}, {{0}, -inf, {inf}}}},
        {"log10", [](In x) { return log10(x[0]); }, one, {positive_only}, {{{1000}, 3, {0.001 / 2.30258509299404568}}, {{0}, -inf, {inf}}}},
        {"log1p", [](In x) { return log1p(x[0]); }, one, {{-0.7, 3}}, {{{0}, 0, {1}}, {{1e-20}, 1e-20, {1}}, {{-1}, -inf, {inf}}}},
        {"logaddexp", [](In x) { return logaddexp(x[0], x[1]); }, two, {all_signs},
            {{{0, 0}, 0.693147180559945309, {0.5, 0.5}}, {{1e30, 0}, 1e30, {1, 0}}, {{-1e30, 1e30}, 1e30, {0, 1}}, {{1e30, 1e30}, 1e30, {0.5, 0.5}}, {{-inf, 0}, 0, {0, 1}}, {{inf, 0}, inf, {1, 0}}, {{-inf, -inf}, -inf, {0, 0}}, {{inf, inf}, inf, {0.5, 0.5}}, {{nan, 2}, nan, {nan, nan}}, {{40, 0}, 40, {1, 4.2483542552915889e-18}}}, third},
        {"sin", [](In x) { return sin(x[0]); }, one, {{-4, 4}}, {{{0}, 0, {1}}, {{inf}, nan}}, third},
        {"cos", [](In x) { return cos(x[0]); }, one, {{-4, 4}}, {{{0}, 1, {0}}}, third},
        {"tan", [](In x) { return tan(x[0]); }, one, {{-1.2, 1.2}}, {{{0}, 0, {1}}}, third},
        {"asin", [](In x) { return asin(x[0]); }, one, {{-0.9, 0.9}}, {{{0}, 0, {1}}, {{1}, pi / 2, {inf}}, {{2}, nan}, {{0.99999904632568359375}, 1.5694152587531342, {724.07751656857790}}}},
        {"acos", [](In x) { return acos(x[0]); }, one, {{-0.9, 0.9}}, {{{0}, pi / 2, {-1}}, {{1}, 0, {-inf}}, {{0.99999904632568359375}, 0.0013810680417624171, {-724.07751656857790}}}},
        {"atan", [](In x) { return atan(x[0]); }, one, {all_signs}, {{{0}, 0, {1}}, {{1e18}, pi / 2, {1e-36}}, {{-inf}, -pi / 2, {0}}}, third},
        {"atan2", [](In x) { return atan2(x[0], x[1]); }, two, {positive_only}, {{{0, 0}, 0, {0, 0}}, {{1, 0}, pi / 2, {0, -1}}, {{0, -1}, pi, {-1, 0}}, {{-1, -1}, -0.75 * pi, {-0.5, 0.5}}}},
        {"atan2(left half plane)", [](In x) { return atan2(x[0], x[1]); }, two, {{-3, -0.3}}},
        {"hypot", [](In x) { return hypot(x[0], x[1]); }, two, {all_signs}, {{{0, 0}, 0, {0, 0}}, {{3, -4}, 5, {0.6, -0.8}}, {{3e30, 4e30}, 5e30, {0.6, 0.8}}, {{3e-30, 4e-30}, 5e-30, {0.6, 0.8}}, {{-inf, nan}, inf}}},
        {"sinh", [](In x) { return sinh(x[0]); }, one, {all_signs}, {{{0}, 0, {1}}, {{1e-20}, 1e-20, {1}}}},
        {"cosh", [](In x) { return cosh(x[0]); }, one, {all_signs}, {{{0}, 1, {0}}, {{-inf}, inf, {-inf}}}},
        {"tanh", [](In x) { return tanh(x[0]); }, one, {{-3, 3}}, {{{0}, 0, {1}}, {{1e30}, 1, {0}}, {{-inf}, -1, {0}}, {{1e-20}, 1e-20, {1}}, {{9}, 0.99999996954004097, {6.0919917123232292e-08}}, {{-20}, -1, {1.6993417021166356e-17}}, {{nan}, nan, {nan}}}, third},
        {"asinh", [](In x) { return asinh(x[0]); }, one, {all_signs}, {{{0}, 0, {1}}, {{1e30}, 69.770699970381315, {1e-30}}, {{-1e30}, -69.770699970381315, {1e-30}}, {{1e-20}, 1e-20, {1}}}},
        {"acosh", [](In x) { return acosh(x[0]); }, one, {{1.2, 4}}, {{{1}, 0, {inf}}, {{1e30}, 69.770699970381315, {1e-30}}}},
        {"atanh", [](In x) { return atanh(x[0]); }, one, {{-0.9, 0.9}}, {{{0}, 0, {1}}, {{1}, inf, {inf}}, {{1e-20}, 1e-20, {1}}}},
        {"floor", [](In x) { return floor(x[0]); }, one, {all_signs}, {{{-0.5}, -1}, {{2}, 2}, {{-inf}, -inf}}, no_gradient},
        {"ceil", [](In x) { return ceil(x[0]); }, one, {all_signs}, {{{0.5}, 1}, {{-2}, -2}, {{1e30}, 1e30}}, no_gradient},
        {"round", [](In x) { return round(x[0]); }, one, {all_signs}, {{{0.5}, 0}, {{1.5}, 2}, {{2.5}, 2}, {{-0.5}, 0}, {{-1.5}, -2}}, no_gradient},
        {"trunc", [](In x) { return trunc(x[0]); }, one, {all_signs}, {{{1.9}, 1}, {{-1.9}, -1}, {{nan}, nan}}, no_gradient},
    };
}

static std::vector<Row> special_rows() {
    return {
        {"deg2rad", [](In x) { return deg2rad(x[0]); }, one, {all_signs}, {{{180}, pi, {pi / 180}}}},
        {"rad2deg", [](In x) { return rad2deg(x[0]); }, one, {all_signs}, {{{-pi}, -180, {180 / pi}}}},
        {"erf", [](In x) { return erf(x[0]); }, one, {all_signs}, {{{0}, 0, {1.12837916709551257}}, {{inf}, 1, {0}}, {{-1e30}, -1, {0}}}, third},
        {"erfc", [](In x) { return erfc(x[0]); }, one, {all_signs}, {{{0}, 1, {-1.12837916709551257}}, {{inf}, 0, {0}}, {{-1e30}, 2, {0}}, {{1e30}, 0, {0}}, {{2}, 0.0046777349810472658, {-0.020666985354092053}}, {{nan}, nan}}, third},
        {"erfinv", [](In x) { return erfinv(x[0]); }, one, {{-0.9, 0.9}}, {{{0}, 0, {0.886226925452758014}}, {{1}, inf, {inf}}, {{-1}, -inf, {inf}}, {{1.5}, nan}, {{0.5}, 0.47693627620446987, {1.1125848189719498}}}, third},
        {"lgamma", [](In x) { return lgamma(x[0]); }, one, {positive_only}, {{{1}, 0, {-0.57721566490153286}}, {{0}, inf, {-inf}}, {{-3}, inf, {nan}}, {{inf}, inf, {inf}}, {{5}, 3.1780538303479456, {1.5061176684318005}}}, third},
        {"lgamma(negative)", [](In x) { return lgamma(x[0]); }, one, {{-1.9, -1.1}}, {{{-0.5}, 1.2655121234846454, {0.03648997397857652}}}},
        {"digamma", [](In x) { return digamma(x[0]); }, one, {positive_only}, {{{1}, -0.57721566490153286, {1.6449340668482264}}, {{0}, -inf, {inf}}, {{-0.0}, inf, {inf}}, {{-2}, nan, {inf}}, {{inf}, inf, {0}}, {{1e30}, 69.07755278982137, {1e-30}}, {{-inf}, nan}}, third},
        {"digamma(negative)", [](In x) { return digamma(x[0]); }, one, {{-1.8, -1.2}}, {{{-0.25}, 2.91413912021352783, {18.5418796476716065}}}},
        {"polygamma", [](In x) { return polygamma(1, x[0]); }, one, {positive_only}, {{{1}, 1.6449340668482264, {-2.4041138063191886}}, {{0}, inf, {-inf}}, {{-1}, inf, {nan}}, {{inf}, 0, {0}}, {{1e15}, 1e-15, {-1e-30}}}, third},
        {"polygamma(2)", [](In x) { return polygamma(2, x[0]); }, one, {positive_only}, {{{1}, -2.4041138063191886, {6.4939394022668291}}}},
        {"polygamma(3, negative)", [](In x) { return polygamma(3, x[0]); }, one, {{-21.7, -21.3}}, {{{-0.5}, 193.409091034002437, {-3.47424982666722519}}}},
        {"polygamma(0)", [](In x) { return polygamma(0, x[0]); }, one, {positive_only}, {{{1}, -0.57721566490153286}}},
        {"sinc", [](In x) { return sinc(x[0]); }, one, {all_signs}, {{{0}, 1, {0}}, {{1}, 0, {-1}}, {{-2}, 0, {-0.5}}, {{0.5}, 2 / pi, {-4 / pi}}, {{inf}, 0, {0}}, {{1e30}, 0}, {{nan}, nan}}, third},
        {"sinc(second derivative at 0)", [](In x) { return xgrad::grad([](const Tensor& u) { return sum(xgrad::grad([](const Tensor& v) { return sum(sinc(v)); }, u)); }, x[0]); }, one, {all_signs}, {{{0}, -pi * pi / 3, {0}}, {{1}, 2}}},
        {"xlogy", [](In x) { return xlogy(x[0], x[1]); }, two, {positive_only}, {{{0, 0}, 0, {0, 0}}, {{0, 2}, 0, {0.693147180559945309, 0}}, {{0, -1}, 0, {0, 0}}, {{0, inf}, 0}, {{0, nan}, nan}, {{2, 0}, -inf, {-inf, inf}}, {{3, 1}, 0, {0, 3}}}},
        {"xlogy(number)", [](In x) { return xlogy(0.5, x[0]); }, one, {positive_only}},
    };
}

static std::vector<Row> choice_rows() {
    const Tensor mask = tensor({true, false, false, true});
    return {
        {"maximum", [](In x) { return maximum(x[0], x[1]); }, two, {all_signs}, {{{1, 1}, 1, {0.5, 0.5}}, {{1, 2}, 2, {0, 1}}, {{nan, 1}, nan, {1, 1}}, {{1, nan}, nan, {1, 1}}, {{nan, nan}, nan, {1, 1}}, {{-inf, -inf}, -inf, {0.5, 0.5}}}},
        {"maximum(number)", [](In x) { return maximum(x[0], 0.25); }, one, {all_signs}, {{{0.25}, 0.25, {0.5}}}},
        {"minimum", [](In x) { return minimum(x[0], x[1]); }, two, {all_signs}, {{{1, 1}, 1, {0.5, 0.5}}, {{1, 2}, 1, {1, 0}}, {{nan, 1}, nan, {1, 1}}, {{1, nan}, nan, {1, 1}}}},
        {"fmax", [](In x) { return fmax(x[0], x[1]); }, two, {all_signs}, {{{1, 1}, 1, {0.5, 0.5}}, {{nan, 1}, 1, {0, 1}}, {{1, nan}, 1, {1, 0}}, {{nan, nan}, nan, {1, 1}}}},
        {"fmin", [](In x) { return fmin(x[0], x[1]); }, two, {all_signs}, {{{1, 1}, 1, {0.5, 0.5}}, {{nan, 1}, 1, {0, 1}}, {{1, nan}, 1, {1, 0}}, {{3, 2}, 2, {0, 1}}}},
        {"copysign", [](In x) { return copysign(x[0], x[1]); }, two, {all_signs}, {{{3, -1}, -3, {-1, 0}}, {{-3, -1}, -3, {1, 0}}, {{-3, 0}, 3, {-1, 0}}, {{3, -0.0}, -3, {-1, 0}}}},
        {"clip", [](In x) { return clip(x[0], -0.5, 0.75); }, one, {all_signs}, {{{-0.5}, -0.5, {1}}, {{0.75}, 0.75, {1}}, {{-1}, -0.5, {0}}, {{inf}, 0.75, {0}}, {{nan}, nan, {0}}}},
        {"heaviside", [](In x) { return heaviside(x[0], x[1]); }, two, {all_signs}, {{{{-2, 0, 3, inf, -inf, nan}, 0.5}, {0, 0.5, 1, 1, 0, nan}}, {{0, nan}, nan}}, no_gradient},
        {"nan_to_num", [](In x) { return nan_to_num(x[0]); }, one, {all_signs}, {{{nan}, 0, {0}}, {{2}, 2, {1}}}},
        {"nan_to_num(numbers)", [](In x) { return nan_to_num(x[0], {.nan = 7, .posinf = 8, .neginf = -9}); }, one, {all_signs}, {{{{nan, inf, -inf, -1}}, {7, 8, -9, -1}, {{0, 0, 0, 1}}}}},
        {"where", [](In x) { return where(greater(x[2], 0.0), x[0], x[1]); }, three, {all_signs}, {{{1, nan, 1}, 1, {1, 0, 0}}, {{inf, 3, -1}, 3, {0, 1, 0}}}},
        {"where(mask)", [=](In x) { return where(mask, x[0], x[1]); }, {{{3, 4}, {4}}, {{4}, {4}}, {{}, {3, 1}}, {{2, 1}, {1, 4}}}, {all_signs}, {{{{1, nan, nan, 2}, {nan, 5, 6, nan}}, {1, 5, 6, 2}, {{1, 0, 0, 1}, {0, 1, 1, 0}}}}},
        {"where(number)", [=](In x) { return where(mask, x[0], 7.0); }, {{{3, 4}}, {{}}}, {all_signs}},
        {"sigmoid", [](In x) { return sigmoid(x[0]); }, one, {{-4, 4}}, {{{0}, 0.5, {0.25}}, {{1e30}, 1, {0}}, {{-1e30}, 0, {0}}, {{inf}, 1, {0}}, {{-inf}, 0, {0}}, {{17}, 0.99999995860062453, {4.1399373760035016e-08}}, {{40}, 1, {4.2483542552915889e-18}}, {{-40}, 4.2483542552915889e-18, {4.2483542552915889e-18}}, {{nan}, nan, {nan}}}, third},
        {"relu", [](In x) { return relu(x[0]); }, one, {all_signs}, {{{0}, 0, {0}}, {{-1}, 0, {0}}, {{2}, 2, {1}}, {{-inf}, 0, {0}}, {{nan}, nan, {1}}}},
        {"leaky_relu", [](In x) { return leaky_relu(x[0]); }, one, {all_signs}, {{{0}, 0, {0.01}}, {{-2}, -0.02, {0.01}}, {{1e30}, 1e30, {1}}}},
        {"leaky_relu(slope)", [](In x) { return leaky_relu(x[0], 0.3); }, one, {all_signs}, {{{-2}, -0.6, {0.3}}}},
        {"elu", [](In x) { return elu(x[0]); }, one, {all_signs}, {{{-1e30}, -1, {0}}, {{1e30}, 1e30, {1}}, {{-1e-20}, -1e-20, {1}}, {{nan}, nan, {1}}}},
        {"elu(alpha)", [](In x) { return elu(x[0], 1.7); }, one, {all_signs}, {{{0}, 0, {1.7}}, {{-inf}, -1.7, {0}}}},
        {"gelu", [](In x) { return gelu(x[0]); }, one, {{-3, 3}}, {{{0}, 0, {0.5}}, {{1e30}, 1e30, {1}}, {{-1e30}, 0, {0}}, {{inf}, inf, {1}}, {{-inf}, 0, {0}}}, third},
        {"gelu(tanh)", [](In x) { return gelu(x[0], xgrad::Gelu::tanh); }, one, {{-3, 3}}, {{{0}, 0, {0.5}}, {{1e10}, 1e10, {1}}, {{-1e10}, 0, {0}}, {{-inf}, 0, {0}}}, third},
        {"silu", [](In x) { return silu(x[0]); }, one, {{-4, 4}}, {{{0}, 0, {0.5}}, {{1e30}, 1e30, {1}}, {{-1e30}, 0, {0}}, {{inf}, inf, {1}}, {{-inf}, 0, {0}}}, third},
        {"softplus", [](In x) { return softplus(x[0]); }, one, {{-4, 4}}, {{{0}, 0.693147180559945309, {0.5}}, {{1e30}, 1e30, {1}}, {{-1e30}, 0, {0}}, {{inf}, inf, {1}}, {{-inf}, 0, {0}}}, third},
        {"softplus(beta)", [](In x) { return softplus(x[0], 2.5); }, one, {{-3, 3}}, {{{1e30}, 1e30, {1}}, {{-1e30}, 0, {0}}}},
        {"softplus(threshold)", [](In x) { return softplus(x[0], 2.0, 3.0); }, one, {{-1, 1}}, {{{1.5}, 1.524293675786871, {0.9525741268224334}}, {{1.500001}, 1.500001, {1}}, {{40}, 40, {1}}, {{nan}, nan}}},
    };
}

static std::vector<Row> activation_rows() {
    const Tensor slopes = tensor({0.25, -0.5, 2.0, 1.0});
    return {
        {"logsigmoid", [](In x) { return logsigmoid(x[0]); }, one, {{-4, 4}}, {{{0}, -0.693147180559945309, {0.5}}, {{1e30}, 0, {0}}, {{-1e30}, -1e30, {1}}, {{inf}, 0, {0}}, {{-inf}, -inf, {1}}}, third},
        {"softsign", [](In x) { return softsign(x[0]); }, one, {all_signs}, {{{0}, 0, {1}}, {{-3}, -0.75, {0.0625}}, {{1e30}, 1}, {{-inf}, -1, {0}}, {{nan}, nan}}},
        {"mish", [](In x) { return mish(x[0]); }, one, {{-4, 4}}, {{{0}, 0, {0.6}}, {{1}, 0.86509838826731034, {1.0490362200997922}}, {{1e30}, 1e30, {1}}, {{inf}, inf, {1}}, {{-1e30}, 0, {0}}, {{-inf}, 0, {0}}}, third},
        {"prelu", [=](In x) { return prelu(x[0], x[1]); }, {{{3, 4}, {4}}, {{2, 3, 2}, {3}}, {{5}, {1}}, {{}, {}}, {{2, 3}, {1}}, {{0, 2}, {2}}, {{4, 2, 0}, {2}}, {{3, 4}, {}}, {{}, {1}}}, {all_signs}, {{{0, 0.25}, 0, {0.25, 0}}, {{-2, 0.25}, -0.5, {0.25, -2}}, {{3, 0.25}, 3, {1, 0}}}},
        {"prelu(constant weight)", [=](In x) { return prelu(x[0], slopes.to(x[0].dtype())); }, {{{3, 4}}, {{2, 4, 3}}}, {all_signs}},
        {"prelu(number)", [](In x) { return prelu(x[0], 0.3); }, one, {all_signs}},
        {"selu", [](In x) { return selu(x[0]); }, one, {all_signs}, {{{0}, 0, {1.7580993408473768}}, {{2}, 2.10140197471096099, {1.0507009873554805}}, {{-inf}, -1.7580993408473768, {0}}, {{1e20}, 1.0507009873554805e20}, {{nan}, nan, {1.0507009873554805}}}},
        {"celu", [](In x) { return celu(x[0]); }, one, {all_signs}, {{{0}, 0, {1}}, {{nan}, nan, {1}}, {{-1e30}, -1, {0}}, {{1e30}, 1e30, {1}}}},
        {"celu(alpha)", [](In x) { return celu(x[0], 1.7); }, one, {all_signs}, {{{0}, 0, {1}}, {{-inf}, -1.7, {0}}}},
        {"hardtanh", [](In x) { return hardtanh(x[0]); }, one, {all_signs}, {{{-1}, -1, {0}}, {{1}, 1, {0}}, {{0.5}, 0.5, {1}}, {{inf}, 1, {0}}, {{nan}, nan}}},
        {"hardtanh(limits)", [](In x) { return hardtanh(x[0], -0.5, 0.75); }, one, {all_signs}, {{{0.75}, 0.75, {0}}, {{-2}, -0.5, {0}}}},
        {"relu6", [](In x) { return relu6(x[0]); }, one, {{-3, 9}}, {{{0}, 0, {0}}, {{6}, 6, {0}}, {{2}, 2, {1}}, {{7}, 6, {0}}, {{-inf}, 0, {0}}, {{inf}, 6, {0}}}},
        {"hardsigmoid", [](In x) { return hardsigmoid(x[0]); }, one, {{-5, 5}}, {{{0}, 0.5, {1.0 / 6}}, {{3}, 1, {0}}, {{-3}, 0, {0}}, {{-inf}, 0, {0}}, {{1e30}, 1, {0}}, {{nan}, nan, {0}}}},
        {"hardswish", [](In x) { return hardswish(x[0]); }, one, {{-5, 5}}, {{{0}, 0, {0.5}}, {{3}, 3, {1.5}}, {{-3}, 0, {-0.5}}, {{-inf}, 0, {0}}, {{1e30}, 1e30, {1}}, {{inf}, inf, {1}}, {{nan}, nan, {1}}}},
        {"tanhshrink", [](In x) { return tanhshrink(x[0]); }, one, {all_signs}, {{{0}, 0, {0}}, {{1e-5}, 1e-15 / 3 - 2e-25 / 15, {1e-10 - 2e-20 / 3}}, {{1e30}, 1e30, {1}}, {{-inf}, -inf, {1}}, {{1}, 0.23840584404423511, {0.58002565838597393}}}, third},
        {"softshrink", [](In x) { return softshrink(x[0]); }, one, {all_signs}, {{{0.5}, 0, {0}}, {{-0.5}, 0, {0}}, {{2}, 1.5, {1}}, {{-2}, -1.5, {1}}, {{-inf}, -inf, {1}}, {{nan}, nan}}},
        {"softshrink(lambda)", [](In x) { return softshrink(x[0], 0.0); }, one, {all_signs}, {{{0}, 0, {0}}}},
        {"hardshrink", [](In x) { return hardshrink(x[0]); }, one, {all_signs}, {{{0.5}, 0, {0}}, {{-0.5}, 0, {0}}, {{0.75}, 0.75, {1}}, {{-inf}, -inf, {1}}, {{nan}, nan}}},
        {"threshold", [](In x) { return threshold(x[0], 0.25, -3.0); }, one, {all_signs}, {{{0.25}, -3, {0}}, {{0.5}, 0.5, {1}}, {{-inf}, -3, {0}}, {{nan}, nan}}},
    };
}

static std::vector<Row> composition_rows() {
    return {
        {"lerp", [](In x) { return lerp(x[0], x[1], x[2]); }, three, {all_signs}, {{{1, 3, 0.5}, 2, {0.5, 0.5, 2}}, {{1, 3, 2}, 5, {-1, 2, 2}}}},
        {"lerp(number)", [](In x) { return lerp(x[0] * 2.0, x[1], 0.25); }, two, {all_signs}},
    };
}

static std::vector<Row> comparison_rows() {
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

static const Family families[] = {
    Family(arithmetic_rows), Family(function_rows),    Family(special_rows),    Family(choice_rows),
    Family(activation_rows), Family(composition_rows), Family(comparison_rows),
};

}  // namespace tests
