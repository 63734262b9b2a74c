#include "../op_table.hpp"

// clang-format off
namespace tests {

static const Cases scanned = {{{3, 4}}, {{}}, {{1}}, {{0}}, {{67}}, {{5, 41}}, {{2, 3, 4}}};
static const Cases scanned_first = {{{3, 4}}, {{1}}, {{0, 2}}, {{3, 0}}, {{41, 3}}, {{4, 1, 2}}};

static std::vector<Row> scan_rows() {
    const Tensor zeros_inside = tensor({{2.0, 0.0, 3.0, 0.0, 1.0}, {1.0, 2.0, 3.0, 4.0, 5.0}});
    return {
        {"cumsum", [](In x) { return cumsum(x[0], -1); }, scanned, {all_signs}, {{{{1, 2, 3}}, {1, 3, 6}, {{3, 2, 1}}}, {{{1, inf, -inf, 2}}, {1, inf, nan, nan}, {{4, 3, 2, 1}}}}, third},
        {"cumsum(axis 0)", [](In x) { return cumsum(x[0], 0); }, scanned_first, {all_signs}},
        {"cumsum(axis 1)", [](In x) { return cumsum(x[0], 1); }, cubes, {all_signs}},
        {"cumsum(flattened)", [](In x) { return cumsum(x[0]); }, scanned, {all_signs}, {{{4}, {4}, {1}}}},
        {"cumsum(long)", [](In x) { return cumsum(x[0], 0); }, {{{1030}}}, {all_signs}},
        {"cumsum(wide)", [](In x) { return cumsum(x[0], 0); }, {{{3, 300}}}, {all_signs}},
        {"cumprod", [](In x) { return cumprod(x[0], -1); }, scanned, {{0.5, 1.5}}, {{{{2, 3, 4}}, {2, 6, 24}, {{16, 10, 6}}}, {{{2, 0, 3, 0}}, {2, 0, 0, 0}, {{1, 8, 0, 0}}}, {{{0, 5}}, {0, 0}, {{6, 0}}}, {{4}, 4, {1}}}, third},
        {"cumprod(axis 0)", [](In x) { return cumprod(x[0], 0); }, scanned_first, {{0.5, 1.5}}},
        {"cumprod(axis 1)", [](In x) { return cumprod(x[0], 1); }, cubes, {all_signs}},
        {"cumprod(flattened)", [](In x) { return cumprod(x[0]); }, {{{2, 3}}, {{}}}, {{0.5, 1.5}}},
        {"cumprod(zeros)", [=](In x) { return cumprod(x[0] * zeros_inside.to(x[0].dtype()), 1); }, {{{2, 5}}}, {{0.5, 1.5}}, {}, third},
        {"cummax", [](In x) { return cummax(x[0], -1).values; }, scanned, {all_signs}, {{{{1, 3, 2, 3}}, {1, 3, 3, 3}, {{1, 2, 0, 1}}}, {{{1, nan, 2}}, {1, nan, nan}, {{1, 2, 0}}}, {{{-inf, -inf, inf}}, {-inf, -inf, inf}, {{1, 1, 1}}}}},
        {"cummax(axis 0)", [](In x) { return cummax(x[0], 0).values; }, {{{3, 4}}, {{1}}, {{3, 0}}, {{41, 3}}}, {all_signs}},
        {"cummax(indices)", [](In x) { return cummax(x[0], 0).indices; }, scanned, {all_signs}, {{{{1, 3, 2, 3, nan, 5, nan}}, {0, 1, 1, 3, 4, 4, 6}}}, no_gradient},
        {"cummin", [](In x) { return cummin(x[0], -1).values; }, scanned, {all_signs}, {{{{3, 1, 2, 1}}, {3, 1, 1, 1}, {{1, 2, 0, 1}}}}},
        {"cummin(axis 1)", [](In x) { return cummin(x[0], 1).values; }, cubes, {all_signs}},
        {"cummin(indices)", [](In x) { return cummin(x[0], 0).indices; }, {{{3, 4}}}, {all_signs}, {{{{3, 1, 2, 1}}, {0, 1, 1, 3}}}, no_gradient},
        {"logcumsumexp", [](In x) { return logcumsumexp(x[0], -1); }, scanned, {all_signs},
            {{{{0, 0}}, {0, 0.693147180559945309}, {{1.5, 0.5}}}, {{{1e30, 1e30}}, {1e30, 1e30}, {{1.5, 0.5}}}, {{{-1e30, 0, 1e30}}, {-1e30, 0, 1e30}, {{1, 1, 1}}}, {{{-inf, -inf, 2}}, {-inf, -inf, 2}, {{0, 0, 1}}}, {{{3, -inf}}, {3, 3}, {{2, 0}}}, {{{1, inf, 0}}, {1, inf, inf}, {{1, 2, 0}}}, {{{inf, inf}}, {inf, inf}, {{1.5, 0.5}}}, {{{1, nan, 0}}, {1, nan, nan}}}, third},
        {"logcumsumexp(axis 0)", [](In x) { return logcumsumexp(x[0], 0); }, scanned_first, {{-50, 50}}},
        {"diff", [](In x) { return diff(x[0]); }, {{{3, 4}}, {{5}}, {{1}}, {{0}}, {{2, 0}}}, {all_signs}, {{{{1, 4, 9, 7}}, {3, 5, -2}, {{-1, 0, 0, 1}}}}},
        {"diff(twice, axis 0)", [](In x) { return diff(x[0], 2, 0); }, {{{4, 3}}, {{2, 3}}}, {all_signs}, {{{{1, 4, 9, 7}}, {2, -7}}}},
        {"diff(not at all)", [](In x) { return diff(x[0], 0); }, {{{4, 3}}}, {all_signs}},
    };
}
static const Family scan_family(scan_rows);

}  // namespace tests
