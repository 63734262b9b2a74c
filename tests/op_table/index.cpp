#include "../op_table.hpp"

// clang-format off
namespace tests {

std::vector<Row> index_rows() {
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

}  // namespace tests
