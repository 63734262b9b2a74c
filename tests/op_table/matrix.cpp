#include "../op_table.hpp"

// clang-format off
namespace tests {

static std::vector<Row> matrix_rows() {
    return {
        {"matmul", [](In x) { return matmul(x[0], x[1]); },
            {{{3, 4}, {4, 2}}, {{4}, {4}}, {{4}, {4, 2}}, {{3, 4}, {4}}, {{2, 3, 4}, {4, 2}}, {{3, 4}, {2, 4, 2}}, {{2, 1, 3, 4}, {3, 4, 2}}, {{3, 3}, {3, 3}}, {{2, 3, 4}, {4}}, {{4}, {2, 4, 3}}, {{0, 4}, {4, 2}}, {{3, 0}, {0, 2}}, {{2, 0, 3}, {3, 2}}, {{1, 4}, {4, 1}}, {{1, 1}, {1, 1}}, {{2, 3, 0}, {0, 2}}, {{2, 17}, {17, 19}}},
            {all_signs}, {{{{1, 2}, {3, 4}}, 11, {{3, 4}, {1, 2}}}}, third},
        {"matmul(transposed)", [](In x) { return matmul(transpose(x[0]), transpose(x[1])); }, {{{4, 3}, {2, 4}}, {{3, 3}, {3, 3}}, {{1, 3}, {2, 1}}}, {all_signs}},
        {"matmul(transposed batches)", [](In x) { return matmul(x[0], swapaxes(x[1], -1, -2)); }, {{{2, 3, 4}, {2, 2, 4}}}, {all_signs}},
        {"matmul(by itself)", [](In x) { return matmul(x[0], transpose(x[0])); }, {{{3, 4}}}, {all_signs}},
        {"outer", [](In x) { return outer(x[0], x[1]); }, {{{3}, {4}}, {{2, 2}, {3}}, {{}, {2}}, {{0}, {3}}}, {all_signs}, {{{{1, 2}, {3, 4}}, tensor({{3.0, 4.0}, {6.0, 8.0}}), {{7, 7}, {3, 3}}}}},
        {"linear", [](In x) { return linear(x[0], x[1], x[2]); }, {{{3, 4}, {5, 4}, {5}}, {{2, 3, 4}, {5, 4}, {5}}, {{4}, {5, 4}, {5}}, {{0, 4}, {5, 4}, {5}}, {{3, 0}, {2, 0}, {2}}, {{2, 17}, {19, 17}, {19}}}, {all_signs}, {{{{1, 2}, tensor({{3.0, 4.0}}), {5}}, {16}, {{3, 4}, tensor({{1.0, 2.0}}), {1}}}}},
        {"bilinear", [](In x) { return bilinear(x[0], x[1], x[2], x[3]); }, {{{3, 4}, {3, 2}, {5, 4, 2}, {5}}, {{2, 3, 2}, {2, 3, 1}, {2, 2, 1}, {2}}, {{3}, {2}, {4, 3, 2}, {4}}, {{0, 2}, {0, 3}, {2, 2, 3}, {2}}}, {all_signs}, {{{tensor({{1.0, 2.0}}), tensor({{3.0}}), tensor({{{1.0}, {10.0}}}), {5}}, tensor({{68.0}}), {tensor({{3.0, 30.0}}), tensor({{21.0}}), tensor({{{3.0}, {6.0}}}), {1}}}}},
        {"bilinear(no bias)", [](In x) { return bilinear(x[0], x[1], x[2]); }, {{{2, 3}, {2, 2}, {2, 3, 2}}}, {all_signs}},
        {"linear(no bias)", [](In x) { return linear(x[0], x[1]); }, {{{3, 4}, {5, 4}}, {{4}, {5, 4}}, {{3, 3}, {3, 3}}}, {all_signs}},
    };
}
static const Family matrix_family(matrix_rows);

}  // namespace tests
