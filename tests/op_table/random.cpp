#include "../op_table.hpp"

#include <autodiff/ops/random/detail/gamma_slope.hpp>

// clang-format off
namespace tests {

static std::vector<Row> random_rows() {
    return {
        {"rand", [](In x) { xgrad::Generator g(1); return rand(x[0].shape(), g); }, one, {all_signs}, {}, no_gradient | outside},
        {"randn", [](In x) { xgrad::Generator g(1); return randn(x[0].shape(), g); }, one, {all_signs}, {}, no_gradient | outside},
        {"randint", [](In x) { xgrad::Generator g(1); return randint(-3, 9, x[0].shape(), g); }, one, {all_signs}, {}, no_gradient | outside},
        {"bernoulli", [](In x) { xgrad::Generator g(1); return bernoulli(0.3, x[0].shape(), g); }, one, {all_signs}, {}, no_gradient | outside},
        {"permutation", [](In x) { xgrad::Generator g(1); return permutation(x[0].size(), g); }, one, {all_signs}, {}, no_gradient | outside},
        {"bernoulli(of probabilities)", [](In x) { xgrad::Generator g(1); return bernoulli(stop_gradient(x[0]), g); }, one, {{0, 1}}, {{{{0, 1}}, {0, 1}}}, no_gradient | outside},
        {"normal", [](In x) { xgrad::Generator g(1); return normal(x[0], x[1], g); }, two, {all_signs, positive_only}, {{{{2, -1}, {0, 0}}, {2, -1}}}},
        {"normal(shape)", [](In x) { xgrad::Generator g(1); return normal(x[0], 2.0, {2, 3, 4}, g); }, {{{3, 4}}, {{}}}, {all_signs}},
        {"uniform", [](In x) { xgrad::Generator g(1); return uniform(x[0], x[1], g); }, two, {{-2, 0}, {0.5, 3}}, {{{{2, -1}, {2, -1}}, {2, -1}}}},
        {"exponential", [](In x) { xgrad::Generator g(1); return exponential(x[0], g); }, one, {positive_only}, {{{{0, 0}}, {0, 0}}}},
        // What differentiates these is how quantiles move, not how this generator's numbers do: that is gamma_slope, and distributions_test.cpp.
        {"gamma", [](In x) { xgrad::Generator g(1); return gamma(stop_gradient(x[0]), 2.0, g); }, one, {positive_only}, {}, no_gradient},
        {"gamma(scale)", [](In x) { xgrad::Generator g(1); return gamma(2.5, x[0], g); }, one, {positive_only}},
        {"beta", [](In x) { xgrad::Generator g(1); return beta(stop_gradient(x[0]), stop_gradient(x[1]), g); }, two, {positive_only}, {}, no_gradient},
        {"gamma_slope", [](In x) { return xgrad::detail::gamma_slope(x[0], x[1]); }, two, {positive_only, all_signs}, {}, third},
        {"gamma_slope(fractions)", [](In x) { return xgrad::detail::gamma_slope(x[0], x[1]); }, {{{3, 4}, {3, 4}}}, {positive_only, {1.6, 4}}, {}, third},
        {"gamma_slope(large)", [](In x) { return xgrad::detail::gamma_slope(x[0], x[1]); }, {{{3, 4}, {3, 4}}}, {{250, 300}, {5.5, 5.7}}},
        {"poisson", [](In x) { xgrad::Generator g(1); return poisson(x[0], g); }, one, {positive_only}, {{{{0, 0}}, {0, 0}}}, no_gradient | outside},
        {"binomial", [](In x) { xgrad::Generator g(1); return binomial(floor(x[0]), x[1], g); }, two, {{1, 60}, {0, 1}}, {{{{5, 5, 0}, {0, 1, 0.5}}, {0, 5, 0}}}, no_gradient | outside},
        {"categorical", [](In x) { xgrad::Generator g(1); return categorical(x[0], {5}, g); }, {{{3, 4}}, {{7}}, {{2, 3, 2}}, {{0, 3}}}, {all_signs}, {{{{-inf, 0, -inf}}, {1, 1, 1, 1, 1}}}, no_gradient | outside},
        {"multinomial", [](In x) { xgrad::Generator g(1); return multinomial(x[0], 2, {}, g); }, {{{3, 4}}, {{7}}, {{0, 3}}}, {positive_only}, {}, no_gradient | outside},
        {"multinomial(replacement)", [](In x) { xgrad::Generator g(1); return multinomial(x[0], 9, {.replacement = true}, g); }, {{{3, 4}}, {{7}}, {{0, 3}}}, {positive_only}, {{{{0, 2}}, {1, 1, 1, 1, 1, 1, 1, 1, 1}}}, no_gradient | outside},
        {"gumbel_softmax", [](In x) { xgrad::Generator g(1); return gumbel_softmax(x[0], {}, g); }, {{{3, 4}}, {{7}}, {{2, 3, 2}}, {{0, 3}}}, {all_signs}},
        {"gumbel_softmax(tau, axis)", [](In x) { xgrad::Generator g(1); return gumbel_softmax(x[0], {.tau = 2, .axis = 0}, g); }, {{{3, 4}}, {{2, 3, 2}}}, {all_signs}},
        {"dropout", [](In x) { xgrad::Generator g(1); return dropout(x[0], 0.3, g); }, one, {all_signs}},
        {"dropout(p = 0)", [](In x) { xgrad::Generator g(1); return dropout(x[0], 0, g); }, one, {all_signs}, {{{{1, -2}}, {1, -2}, {{1, 1}}}}},
        {"dropout(p = 1)", [](In x) { xgrad::Generator g(1); return dropout(x[0], 1, g); }, one, {all_signs}, {{{{1, 2}}, {0, 0}, {{0, 0}}}}},
        {"alpha_dropout", [](In x) { xgrad::Generator g(1); return alpha_dropout(x[0], 0.3, g); }, one, {all_signs}},
        {"alpha_dropout(p = 0)", [](In x) { xgrad::Generator g(1); return alpha_dropout(x[0], 0, g); }, {{{3}}}, {all_signs}, {{{{1, -2}}, {1, -2}, {{1, 1}}}}},
        {"alpha_dropout(p = 1)", [](In x) { xgrad::Generator g(1); return alpha_dropout(x[0], 1, g); }, {{{3}}}, {all_signs}, {{{{1, -2}}, {0, 0}, {{0, 0}}}}},
        {"dropout1d", [](In x) { xgrad::Generator g(1); return dropout1d(x[0], 0.3, g); }, {{{3, 4, 5}}, {{4, 5}}, {{0, 2, 3}}}, {all_signs}},
        {"dropout2d", [](In x) { xgrad::Generator g(1); return dropout2d(x[0], 0.3, g); }, {{{3, 4, 5}}, {{3, 4, 2, 3}}}, {all_signs}},
        {"dropout3d", [](In x) { xgrad::Generator g(1); return dropout3d(x[0], 0.3, g); }, {{{4, 2, 2, 3}}, {{3, 4, 2, 1, 3}}}, {all_signs}},
        {"dropout3d(p = 1)", [](In x) { xgrad::Generator g(1); return dropout3d(x[0], 1, g); }, {{{2, 2, 1, 3}}}, {all_signs}, {{{tensor({1.0, 2.0}, Shape{1, 1, 1, 2})}, tensor({0.0, 0.0}, Shape{1, 1, 1, 2}), {tensor({0.0, 0.0}, Shape{1, 1, 1, 2})}}}},
        {"feature_alpha_dropout", [](In x) { xgrad::Generator g(1); return feature_alpha_dropout(x[0], 0.3, g); }, {{{3, 4, 5}}, {{3, 4}}, {{2, 3, 2, 2}}}, {all_signs}},
        {"rrelu", [](In x) { xgrad::Generator g(1); return rrelu(x[0], 0.1, 0.4, g); }, one, {all_signs}},
        {"rrelu(one slope)", [](In x) { xgrad::Generator g(1); return rrelu(x[0], 0.25, 0.25, g); }, {}, {all_signs}, {{{{-2, 0, 2}}, {-0.5, 0, 2}, {{0.25, 0.25, 1}}}}},
    };
}
static const Family random_family(random_rows);

}  // namespace tests
