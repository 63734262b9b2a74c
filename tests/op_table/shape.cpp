#include "../op_table.hpp"

// clang-format off
namespace tests {

static std::vector<Row> shape_rows() {
    return {
        {"with_gradient_hook", [](In x) { return with_gradient_hook(x[0], [](const Tensor& g) { return g; }); }, one, {all_signs}, {{{{1, 2, 3}}, {1, 2, 3}, {{1, 1, 1}}}}, custom},
        {"reshape", [](In x) { return reshape(x[0], {4, -1}); }, {{{3, 4}}, {{2, 2, 3}}, {{4}}}, {all_signs}, {{{{1, 2, 3, 4}}, tensor({{1.0}, {2.0}, {3.0}, {4.0}})}}},
        {"ravel", [](In x) { return ravel(x[0]); }, {{{3, 4}}, {{}}, {{0, 2}}}, {all_signs}, {{{tensor({{1.0, 2.0}, {3.0, 4.0}})}, {1, 2, 3, 4}}}},
        {"flatten", [](In x) { return flatten(x[0]); }, {{{2, 3, 4}}, {{3}}, {{}}}, {all_signs}},
        {"flatten(from axis 1)", [](In x) { return flatten(x[0], 1); }, {{{2, 3, 2}}, {{2, 3}}, {{2, 0, 3}}}, {all_signs}},
        {"flatten(to axis 1)", [](In x) { return flatten(x[0], 0, 1); }, cubes, {all_signs}},
        {"transpose", [](In x) { return transpose(x[0]); }, {{{3, 4}}, {{5}}, {{}}, {{2, 3, 4}}, {{0, 3}}, {{19, 35}}}, {all_signs}, {{{tensor({{1.0, 2.0}, {3.0, 4.0}})}, tensor({{1.0, 3.0}, {2.0, 4.0}})}}},
        {"transpose(axes)", [](In x) { return transpose(x[0], {1, 2, 0}); }, {{{2, 3, 4}}, {{2, 0, 3}}}, {all_signs}},
        {"permute", [](In x) { return permute(x[0], {0, -1, 1}); }, cubes, {all_signs}},
        {"swapaxes", [](In x) { return swapaxes(x[0], 0, -1); }, {{{3, 4}}, {{2, 3, 4}}, {{5}}}, {all_signs}},
        {"moveaxis", [](In x) { return moveaxis(x[0], 0, -1); }, {{{3, 4}}, {{2, 3, 4}}, {{5}}, {{0, 2}}}, {all_signs}},
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
        {"unflatten", [](In x) { return unflatten(x[0], -1, {2, -1}); }, {{{3, 4}}, {{6}}, {{2, 0}}, {{2, 3, 2}}}, {all_signs}, {{{{1, 2, 3, 4}}, tensor({{1.0, 2.0}, {3.0, 4.0}})}}},
        {"unflatten(first axis)", [](In x) { return unflatten(x[0], 0, {2, 1, 3}); }, {{{6, 2}}, {{6}}}, {all_signs}},
        {"pixel_shuffle", [](In x) { return pixel_shuffle(x[0], 2); }, {{{4, 2, 3}}, {{2, 8, 1, 2}}, {{2, 1, 4, 2, 1}}, {{0, 4, 2, 2}}}, {all_signs}, {{{tensor({{{1.0}}, {{2.0}}, {{3.0}}, {{4.0}}})}, tensor({{{1.0, 2.0}, {3.0, 4.0}}})}}},
        {"pixel_unshuffle", [](In x) { return pixel_unshuffle(x[0], 2); }, {{{1, 4, 2}}, {{2, 2, 2, 4}}, {{2, 1, 1, 2, 2}}}, {all_signs}, {{{tensor({{{1.0, 2.0}, {3.0, 4.0}}})}, tensor({{{1.0}}, {{2.0}}, {{3.0}}, {{4.0}}})}}},
        {"channel_shuffle", [](In x) { return channel_shuffle(x[0], 2); }, {{{2, 4}}, {{1, 6, 3}}, {{2, 2, 2, 2}}, {{0, 4, 2}}}, {all_signs}, {{{tensor({{1.0, 2.0, 3.0, 4.0, 5.0, 6.0}})}, tensor({{1.0, 4.0, 2.0, 5.0, 3.0, 6.0}})}}},
    };
}
static const Family shape_family(shape_rows);

}  // namespace tests
