#include "../op_table.hpp"

// clang-format off
namespace tests {

static std::vector<Row> index_rows() {
    const Tensor repeated = tensor({I{0}, I{2}, I{0}, I{-1}}), grid = tensor({{I{1}, I{1}}, {I{-2}, I{0}}});
    const Tensor short_indices = tensor({std::int32_t{1}, std::int32_t{1}});
    const Tensor rows = tensor({{I{0}, I{2}, I{0}}, {I{1}, I{1}, I{-1}}}), small = tensor({{I{1}}}), corner = tensor({{{I{2}, I{0}}}, {{I{-3}, I{2}}}}), mask = tensor({true, false, true});
    const Tensor bools = equal(tensor({{1, 0}, {0, 1}, {1, 1}}), 1);
    const Tensor bags = tensor({{I{0}, I{2}}, {I{2}, I{2}}}), line = tensor({I{0}, I{0}, I{0}, I{1}, I{2}}), begins = tensor({I{0}, I{2}, I{2}});
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
        {"gather", [=](In x) { return gather(x[0], 1, rows); }, {{{2, 3}}, {{2, 5}}}, {all_signs}, {{{tensor({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}})}, tensor({{1.0, 3.0, 1.0}, {5.0, 5.0, 6.0}}), {tensor({{2.0, 0.0, 1.0}, {0.0, 2.0, 1.0}})}}}, third},
        {"gather(axis 0, fewer indices)", [=](In x) { return gather(x[0], 0, rows); }, {{{3, 3}}, {{4, 5}}}, {all_signs}, {{{tensor({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}, {7.0, 8.0, 9.0}})}, tensor({{1.0, 8.0, 3.0}, {4.0, 5.0, 9.0}})}}},
        {"gather(middle axis, fewer indices)", [=](In x) { return gather(x[0], 1, corner); }, {{{2, 3, 2}}, {{3, 3, 3}}}, {all_signs}},
        {"gather(i32)", [](In x) { return gather(x[0], 0, tensor({std::int32_t{1}, std::int32_t{-2}, std::int32_t{1}})); }, {{{2}}, {{5}}}, {all_signs}},
        {"gather(nothing)", [](In x) { return gather(x[0], 0, xgrad::zeros({0, 2}, DType::i64)); }, {{{3, 2}}, {{0, 2}}}, {all_signs}},
        {"scatter", [=](In x) { return scatter(x[0], 1, rows, x[1]); }, {{{2, 3}, {2, 3}}, {{3, 4}, {2, 4}}}, {all_signs}, {{{tensor({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}), tensor({{10.0, 20.0, 30.0}, {40.0, 50.0, 60.0}})}, tensor({{30.0, 2.0, 20.0}, {4.0, 50.0, 60.0}}), {tensor({{0.0, 1.0, 0.0}, {1.0, 0.0, 0.0}}), tensor({{0.0, 1.0, 1.0}, {0.0, 1.0, 1.0}})}}}},
        {"scatter(number)", [=](In x) { return scatter(x[0], 0, small, 7.0); }, {{{2, 3}}, {{2, 1}}}, {all_signs}, {{{tensor({{1.0, 2.0}, {3.0, 4.0}})}, tensor({{1.0, 2.0}, {7.0, 4.0}}), {tensor({{1.0, 1.0}, {0.0, 1.0}})}}}},
        {"scatter(axis 0)", [=](In x) { return scatter(x[0], 0, rows, x[1]); }, {{{3, 3}, {2, 3}}}, {all_signs}},
        {"scatter_add", [=](In x) { return scatter_add(x[0], 1, rows, x[1]); }, {{{2, 3}, {2, 3}}, {{3, 4}, {2, 4}}}, {all_signs}, {{{tensor({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}), tensor({{10.0, 20.0, 30.0}, {40.0, 50.0, 60.0}})}, tensor({{41.0, 2.0, 23.0}, {4.0, 95.0, 66.0}}), {tensor({{1.0, 1.0, 1.0}, {1.0, 1.0, 1.0}}), tensor({{1.0, 1.0, 1.0}, {1.0, 1.0, 1.0}})}}}},
        {"scatter_add(middle axis)", [=](In x) { return scatter_add(x[0], 1, corner, x[1]); }, {{{2, 3, 2}, {2, 1, 2}}, {{3, 3, 3}, {2, 2, 3}}}, {all_signs}},
        {"put_along_axis", [=](In x) { return put_along_axis(x[0], grid, x[1], 0); }, {{{4, 2}, {2, 2}}, {{4, 2}, {2}}, {{4, 2}, {}}}, {all_signs}, {{{tensor({{1.0, 2.0}, {3.0, 4.0}}), {10, 20}}, tensor({{10.0, 20.0}, {10.0, 20.0}}), {tensor({{0.0, 0.0}, {0.0, 0.0}}), {2, 2}}}}},
        {"put_along_axis(broadcast, number)", [=](In x) { return put_along_axis(x[0], small, 7.0, -1); }, {{{3, 2}}}, {all_signs}, {{{tensor({{1.0, 2.0}, {3.0, 4.0}})}, tensor({{1.0, 7.0}, {3.0, 7.0}})}}},
        {"masked_fill", [=](In x) { return masked_fill(x[0], mask, -9.0); }, {{{3}}, {{2, 3}}, {{1}}}, {all_signs}, {{{{nan, 2, inf}}, {-9, 2, -9}, {{0, 1, 0}}}}},
        {"masked_fill(tensor)", [=](In x) { return masked_fill(x[0], mask, x[1]); }, {{{3}, {}}, {{2, 3}, {3}}}, {all_signs}},
        {"masked_select", [=](In x) { return masked_select(x[0], mask); }, {{{3}}, {{2, 3}}, {{}}, {{0, 3}}}, {all_signs}, {{{{1, 2, 3}}, {1, 3}, {{1, 0, 1}}}, {{5}, {5, 5}, {2}}}},
        {"select(mask)", [=](In x) { return select(x[0], mask); }, {{{3}}, {{3, 2}}, {{3, 0}}, {{3, 2, 2}}}, {all_signs}, {{{tensor({{1.0, 2.0}, {3.0, 4.0}, {5.0, 6.0}})}, tensor({{1.0, 2.0}, {5.0, 6.0}}), {tensor({{1.0, 1.0}, {0.0, 0.0}, {1.0, 1.0}})}}}},
        {"select(mask of two axes)", [=](In x) { return select(x[0], bools); }, {{{3, 2}}, {{3, 2, 2}}}, {all_signs}, {{{tensor({{1.0, 2.0}, {3.0, 4.0}, {5.0, 6.0}})}, {1, 4, 5, 6}}}},
        {"select(mask of a scalar)", [](In x) { return select(x[0], equal(scalar(1.0), 1.0)); }, {{{}}, {{2}}}, {all_signs}},
        {"argwhere", [](In x) { return argwhere(greater(x[0], 0)); }, one, {all_signs}, {{{{1, -2, 3}}, tensor({{0.0}, {2.0}})}, {{tensor({{0.0, 1.0}, {nan, 2.0}})}, tensor({{0.0, 1.0}, {1.0, 1.0}})}, {{5}, tensor(std::vector<double>{}, Shape{1, 0})}}, no_gradient | outside},
        {"nonzero", [](In x) { return xgrad::nonzero(x[0])[1]; }, {{{3, 4}}, {{0, 2}}}, {all_signs}, {{{tensor({{0.0, 1.0}, {nan, 2.0}})}, {1, 0, 1}}}, no_gradient},
        {"embedding", [=](In x) { return embedding(tensor({{I{0}, I{2}}, {I{2}, I{2}}}), x[0]); }, {{{3, 4}}, {{3, 0}}}, {all_signs}, {{{tensor({{1.0, 2.0}, {3.0, 4.0}, {5.0, 6.0}})}, tensor({{{1.0, 2.0}, {5.0, 6.0}}, {{5.0, 6.0}, {5.0, 6.0}}}), {tensor({{1.0, 1.0}, {0.0, 0.0}, {3.0, 3.0}})}}}, third},
        {"embedding(padding)", [=](In x) { return embedding(tensor({I{0}, I{2}, I{0}}), x[0], {.padding_idx = 1}); }, {{{3, 4}}}, {all_signs}},
        {"embedding(padding, last row)", [=](In x) { return embedding(tensor({I{0}, I{2}, I{0}}), x[0], {.padding_idx = -1}); }, {}, {all_signs}, {{{tensor({{1.0, 2.0}, {3.0, 4.0}, {5.0, 6.0}})}, tensor({{1.0, 2.0}, {5.0, 6.0}, {1.0, 2.0}}), {tensor({{2.0, 2.0}, {0.0, 0.0}, {0.0, 0.0}})}}}},
        {"embedding_bag", [=](In x) { return embedding_bag(bags, x[0]); }, {{{3, 4}}, {{3, 0}}}, {all_signs}, {{{tensor({{1.0, 2.0}, {3.0, 4.0}, {5.0, 6.0}})}, tensor({{3.0, 4.0}, {5.0, 6.0}}), {tensor({{0.5, 0.5}, {0.0, 0.0}, {1.5, 1.5}})}}}},
        {"embedding_bag(sum, weights)", [=](In x) { return embedding_bag(bags, x[0], Tensor(), x[1], {.mode = xgrad::BagMode::sum}); }, {{{3, 4}, {2, 2}}}, {all_signs}},
        {"embedding_bag(sum, weights, offsets, padding)", [=](In x) { return embedding_bag(line, x[0], begins, x[1], {.mode = xgrad::BagMode::sum, .padding_idx = -1}); }, {{{3, 4}, {5}}}, {all_signs}},
        {"embedding_bag(mean, offsets, padding)", [=](In x) { return embedding_bag(line, x[0], begins, Tensor(), {.padding_idx = 0}); }, {{{3, 4}}}, {all_signs}, {{{tensor({{1.0}, {2.0}, {4.0}})}, tensor({{0.0}, {0.0}, {3.0}}), {tensor({{0.0}, {0.5}, {0.5}})}}}},
        {"embedding_bag(max, offsets)", [=](In x) { return embedding_bag(line, x[0], begins, Tensor(), {.mode = xgrad::BagMode::max}); }, {{{3, 4}}}, {all_signs}, {{{tensor({{1.0, 5.0}, {1.0, 6.0}, {0.0, 7.0}})}, tensor({{1.0, 5.0}, {0.0, 0.0}, {1.0, 7.0}}), {tensor({{2.0, 1.0}, {0.0, 0.0}, {0.0, 1.0}})}}}},
        {"embedding_bag(max, nothing)", [=](In x) { return embedding_bag(tensor({I{1}}), x[0], tensor({I{0}}), Tensor(), {.mode = xgrad::BagMode::max, .padding_idx = 1}); }, {{{3, 2}}}, {all_signs}, {{{tensor({{1.0}, {2.0}})}, tensor({{0.0}}), {tensor({{0.0}, {0.0}})}}}},
        {"one_hot", [](In x) { return one_hot(x[0].to(DType::i64), 3, DType::f64); }, {{{3, 4}}, {{}}, {{0}}}, {{0, 2.9}}, {{{{2, 0}}, tensor({{0.0, 0.0, 1.0}, {1.0, 0.0, 0.0}})}}, no_gradient},
    };
}
static const Family index_family(index_rows);

}  // namespace tests
