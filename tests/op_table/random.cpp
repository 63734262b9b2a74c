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
    };
}

}  // namespace tests
