#include "../op_table.hpp"

// clang-format off
namespace tests {

std::vector<Row> random_rows() {
    return {
        {"rand", [](In x) { xgrad::Generator g(1); return rand(x[0].shape(), g); }, one, {all_signs}, {}, no_gradient},
        {"randn", [](In x) { xgrad::Generator g(1); return randn(x[0].shape(), g); }, one, {all_signs}, {}, no_gradient},
        {"randint", [](In x) { xgrad::Generator g(1); return randint(-3, 9, x[0].shape(), g); }, one, {all_signs}, {}, no_gradient},
        {"bernoulli", [](In x) { xgrad::Generator g(1); return bernoulli(0.3, x[0].shape(), g); }, one, {all_signs}, {}, no_gradient},
        {"permutation", [](In x) { xgrad::Generator g(1); return permutation(x[0].size(), g); }, one, {all_signs}, {}, no_gradient},
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

}  // namespace tests
