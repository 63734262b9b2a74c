#include "../op_table.hpp"

// clang-format off
namespace tests {

using xgrad::Indexing;
using xgrad::Interpolation;
using xgrad::PadMode;

static std::vector<Row> arrange_rows() {
    const Cases matrices_and_more = {{{3, 4}}, {{4, 3}}, {{3, 3}}, {{2, 3, 4}}, {{0, 3}}, {{2, 0}}};
    const Tensor quad = tensor({{1.0, 2.0}, {3.0, 4.0}}), row = tensor({{1.0, 2.0, 3.0}}), counts = tensor({I{2}, I{0}, I{3}});
    const Cases images = {{{2, 3, 4, 5}}, {{1, 1, 1, 3}}, {{1, 2, 5, 1}}, {{0, 2, 3, 2}}}, signals = {{{2, 3, 5}}, {{1, 1, 1}}, {{2, 0, 4}}};
    const Tensor signal = tensor({{{1.0, 2.0, 4.0}}});
    const auto interpolated = [](In x, std::vector<I> size, Interpolation mode, bool align) { return interpolate(x[0], {.size = size, .mode = mode, .align_corners = align}); };
    return {
        {"flip", [](In x) { return flip(x[0]); }, one, {all_signs}, {{{quad}, tensor({{4.0, 3.0}, {2.0, 1.0}})}}, third},
        {"flip(axis 0)", [](In x) { return flip(x[0], 0); }, matrices, {all_signs}, {{{quad}, tensor({{3.0, 4.0}, {1.0, 2.0}})}}},
        {"flip(outer axes)", [](In x) { return flip(x[0], {-1, 0}); }, cubes, {all_signs}},
        {"roll", [](In x) { return roll(x[0], 2); }, one, {all_signs}, {{{{1, 2, 3, 4, 5}}, {4, 5, 1, 2, 3}}, {{quad}, tensor({{3.0, 4.0}, {1.0, 2.0}})}}},
        {"roll(backwards, axis)", [](In x) { return roll(x[0], -5, -1); }, {{{3, 4}}, {{2, 0}}, {{5}}, {{2, 3, 2}}}, {all_signs}, {{{row}, tensor({{3.0, 1.0, 2.0}})}}},
        {"roll(middle axis)", [](In x) { return roll(x[0], 1, 1); }, cubes, {all_signs}},
        {"roll(several axes)", [](In x) { return roll(x[0], {1, 3}, {0, 1}); }, {{{3, 4}}}, {all_signs}, {{{quad}, tensor({{4.0, 3.0}, {2.0, 1.0}})}}},
        {"rot90", [](In x) { return rot90(x[0]); }, {{{3, 4}}, {{2, 3, 2}}, {{0, 2}}}, {all_signs}, {{{quad}, tensor({{2.0, 4.0}, {1.0, 3.0}})}}},
        {"rot90(twice)", [](In x) { return rot90(x[0], 2); }, {{{3, 4}}}, {all_signs}, {{{quad}, tensor({{4.0, 3.0}, {2.0, 1.0}})}}},
        {"rot90(back, axes)", [](In x) { return rot90(x[0], -1, 1, 0); }, {{{3, 4}}}, {all_signs}, {{{quad}, tensor({{2.0, 4.0}, {1.0, 3.0}})}}},
        {"tile", [](In x) { return tile(x[0], {2, 3}); }, {{{3, 4}}, {{4}}, {{}}, {{2, 1, 2}}, {{0, 2}}}, {all_signs}, {{{{1, 2}}, tensor({{1.0, 2.0, 1.0, 2.0, 1.0, 2.0}, {1.0, 2.0, 1.0, 2.0, 1.0, 2.0}}), {{6, 6}}}}, third},
        {"tile(last axis)", [](In x) { return tile(x[0], {2}); }, {{{3, 2}}}, {all_signs}, {{{quad}, tensor({{1.0, 2.0, 1.0, 2.0}, {3.0, 4.0, 3.0, 4.0}})}}},
        {"tile(nothing)", [](In x) { return tile(x[0], {0}); }, {{{3, 2}}}, {all_signs}},
        {"repeat", [](In x) { return repeat(x[0], 2); }, one, {all_signs}, {{{quad}, {1, 1, 2, 2, 3, 3, 4, 4}, {tensor({{2.0, 2.0}, {2.0, 2.0}})}}}},
        {"repeat(axis 0)", [](In x) { return repeat(x[0], 3, 0); }, {{{2, 3}}, {{3}}, {{0, 2}}}, {all_signs}, {{{row}, tensor({{1.0, 2.0, 3.0}, {1.0, 2.0, 3.0}, {1.0, 2.0, 3.0}})}}},
        {"repeat(counts, last axis)", [=](In x) { return repeat(x[0], counts, -1); }, {{{2, 3}}, {{3}}}, {all_signs}, {{{{1, 2, 3}}, {1, 1, 3, 3, 3}, {{2, 0, 3}}}}},
        {"repeat(counts)", [=](In x) { return repeat(x[0], counts); }, {{{3}}, {{1, 3}}}, {all_signs}},
        {"pad", [](In x) { return pad(x[0], {{1, 2}}); }, {{{3, 4}}, {{5}}, {{0}}, {{2, 0, 3}}}, {all_signs}, {{{{5, 6}}, {0, 5, 6, 0, 0}, {{1, 1}}}}, third},
        {"pad(each axis, value)", [](In x) { return pad(x[0], {{0, 1}, {2, 0}}, {.value = 7}); }, {{{3, 4}}, {{1, 1}}}, {all_signs}, {{{tensor({{1.0}})}, tensor({{7.0, 7.0, 1.0}, {7.0, 7.0, 7.0}}), {tensor({{1.0}})}}}},
        {"pad(reflect)", [](In x) { return pad(x[0], {{2, 1}}, {.mode = PadMode::reflect}); }, {{{3, 4}}, {{5}}, {{1}}, {{2}}}, {all_signs}, {{{{1, 2, 3}}, {3, 2, 1, 2, 3, 2}, {{1, 3, 2}}}, {{{1, 2}}, {1, 2, 1, 2, 1}, {{3, 2}}}, {{{4}}, {4, 4, 4, 4}}}},
        {"pad(replicate)", [](In x) { return pad(x[0], {{2, 1}}, {.mode = PadMode::replicate}); }, {{{3, 4}}, {{5}}, {{1}}}, {all_signs}, {{{{1, 2, 3}}, {1, 1, 1, 2, 3, 3}, {{3, 1, 2}}}}},
        {"pad(circular)", [](In x) { return pad(x[0], {{2, 1}}, {.mode = PadMode::circular}); }, {{{3, 4}}, {{5}}, {{1}}}, {all_signs}, {{{{1, 2, 3}}, {2, 3, 1, 2, 3, 1}, {{2, 2, 2}}}}},
        {"pad(circular, each axis)", [](In x) { return pad(x[0], {{0, 0}, {1, 5}}, {.mode = PadMode::circular}); }, {{{2, 3}}, {{0, 2}}}, {all_signs}},
        {"meshgrid", [](In x) { const Tensors g = xgrad::meshgrid({x[0], x[1]}); return g[0] * square(g[1]); }, {{{3}, {4}}, {{}, {2}}, {{0}, {3}}}, {all_signs}, {{{{1, 2, 3}, {10, 20}}, tensor({{100.0, 200.0, 300.0}, {400.0, 800.0, 1200.0}})}}},
        {"meshgrid(ij)", [](In x) { const Tensors g = xgrad::meshgrid({x[0], x[1], x[2]}, Indexing::ij); return g[0] * square(g[1]) + g[2]; }, {{{3}, {4}, {2}}}, {all_signs}, {{{{1, 2}, {10, 20}, {5}}, tensor({{{105.0}, {405.0}}, {{205.0}, {805.0}}})}}},
        {"tril", [](In x) { return tril(x[0]); }, matrices_and_more, {all_signs}, {{{tensor({{1.0, nan}, {3.0, 4.0}})}, tensor({{1.0, 0.0}, {3.0, 4.0}}), {tensor({{1.0, 0.0}, {1.0, 1.0}})}}}},
        {"tril(above)", [](In x) { return tril(x[0], 1); }, matrices_and_more, {all_signs}, {{{tensor({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}})}, tensor({{1.0, 2.0, 0.0}, {4.0, 5.0, 6.0}})}}},
        {"tril(far below)", [](In x) { return tril(x[0], -7); }, {{{3, 4}}}, {all_signs}},
        {"triu", [](In x) { return triu(x[0]); }, matrices_and_more, {all_signs}, {{{tensor({{1.0, 2.0}, {inf, 4.0}})}, tensor({{1.0, 2.0}, {0.0, 4.0}}), {tensor({{1.0, 1.0}, {0.0, 1.0}})}}}},
        {"triu(below)", [](In x) { return triu(x[0], -1); }, matrices_and_more, {all_signs}, {{{tensor({{1.0, 2.0}, {3.0, 4.0}, {5.0, 6.0}})}, tensor({{1.0, 2.0}, {3.0, 4.0}, {0.0, 6.0}})}}},
        {"diagonal", [](In x) { return diagonal(x[0]); }, matrices_and_more, {all_signs}, {{{quad}, {1, 4}, {tensor({{1.0, 0.0}, {0.0, 1.0}})}}}},
        {"diagonal(above)", [](In x) { return diagonal(x[0], 1); }, matrices_and_more, {all_signs}, {{{tensor({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}})}, {2, 6}}}},
        {"diagonal(below, axes)", [](In x) { return diagonal(x[0], -1, 2, 0); }, {{{2, 3, 4}}, {{3, 1, 3}}}, {all_signs}},
        {"diagonal(outside)", [](In x) { return diagonal(x[0], 9); }, {{{3, 4}}, {{2, 3, 4}}}, {all_signs}},
        {"diag", [](In x) { return diag(x[0]); }, {{{3}}, {{3, 4}}, {{0}}, {{1}}}, {all_signs}, {{{{1, 2}}, tensor({{1.0, 0.0}, {0.0, 2.0}}), {{1, 1}}}, {{quad}, {1, 4}}}},
        {"diag(below)", [](In x) { return diag(x[0], -1); }, {{{3}}, {{3, 4}}, {{0}}}, {all_signs}, {{{{5}}, tensor({{0.0, 0.0}, {5.0, 0.0}})}, {{quad}, {3}}}},
        {"diag(above)", [](In x) { return diag(x[0], 2); }, {{{3}}, {{3, 4}}}, {all_signs}, {{{{5}}, tensor({{0.0, 0.0, 5.0}, {0.0, 0.0, 0.0}, {0.0, 0.0, 0.0}})}}},
        {"unfold", [](In x) { return unfold(x[0], 0, 3, 1); }, {{{5}}, {{3}}, {{4, 2}}, {{3, 0}}}, {all_signs}, {{{{1, 2, 3, 4}}, tensor({{1.0, 2.0, 3.0}, {2.0, 3.0, 4.0}}), {{1, 2, 2, 1}}}}, third},
        {"unfold(step, last axis)", [](In x) { return unfold(x[0], -1, 2, 2); }, {{{3, 5}}, {{2, 2, 4}}}, {all_signs}, {{{{1, 2, 3, 4, 5}}, tensor({{1.0, 2.0}, {3.0, 4.0}}), {{1, 1, 1, 1, 0}}}}},
        {"unfold(middle axis)", [](In x) { return unfold(x[0], 1, 2, 1); }, cubes, {all_signs}},

        {"interpolate", [](In x) { return interpolate(x[0], {.scale_factor = {2}}); }, signals, {all_signs}, {{{signal}, tensor({{{1.0, 1.0, 2.0, 2.0, 4.0, 4.0}}}), {tensor({{{2.0, 2.0, 2.0}}})}}}},
        {"interpolate(nearest, size)", [=](In x) { return interpolated(x, {3, 7}, Interpolation::nearest, false); }, images, {all_signs}},
        {"interpolate(nearest_exact)", [=](In x) { return interpolated(x, {2}, Interpolation::nearest_exact, false); }, signals, {all_signs}, {{{signal}, tensor({{{1.0, 4.0}}})}}},
        {"interpolate(linear)", [=](In x) { return interpolated(x, {7}, Interpolation::linear, false); }, signals, {all_signs}, {{{tensor({{{0.0, 7.0}}})}, tensor({{{0.0, 0.0, 1.5, 3.5, 5.5, 7.0, 7.0}}})}}},
        {"interpolate(linear, align_corners)", [=](In x) { return interpolated(x, {5}, Interpolation::linear, true); }, signals, {all_signs}, {{{signal}, tensor({{{1.0, 1.5, 2.0, 3.0, 4.0}}}), {tensor({{{1.5, 2.0, 1.5}}})}}}, third},
        {"interpolate(bilinear)", [=](In x) { return interpolated(x, {6, 3}, Interpolation::bilinear, false); }, images, {all_signs}},
        {"interpolate(bilinear, align_corners)", [=](In x) { return interpolated(x, {1, 4}, Interpolation::bilinear, true); }, images, {all_signs}},
        {"interpolate(linear, the size stays)", [](In x) { return interpolate(x[0], {.scale_factor = 1.3, .mode = Interpolation::linear}); }, {{{1, 2, 3}}, {{2, 1, 2}}}, {all_signs}, {{{signal}, signal, {xgrad::ones({1, 1, 3}, DType::f64)}}}},
        {"interpolate(nearest, the size stays)", [](In x) { return interpolate(x[0], {.scale_factor = 1.3}); }, {{{1, 2, 3}}}, {all_signs}, {{{signal}, tensor({{{1.0, 1.0, 2.0}}}), {tensor({{{2.0, 1.0, 0.0}}})}}}},
        {"interpolate(bilinear, one size stays)", [](In x) { return interpolate(x[0], {.scale_factor = 1.3, .mode = Interpolation::bilinear}); }, {{{1, 2, 3, 4}}}, {all_signs},
            {{{tensor({1.0, 2.0, 4.0, 7.0, 3.0, 5.0, 11.0, 2.0, 0.0, -1.0, 4.0, 9.0}, Shape{1, 1, 3, 4})}, tensor({1.0, 1.6538461538461537, 2.846153846153846, 4.576923076923077, 6.884615384615383, 3.0, 4.3076923076923075, 7.5384615384615365, 9.269230769230772, 2.346153846153849, 0.0, -0.6538461538461537, 1.1153846153846145, 4.96153846153846, 8.807692307692307}, Shape{1, 1, 3, 5})}}},
        {"interpolate(bilinear, factors)", [](In x) { return interpolate(x[0], {.scale_factor = {2.5, 1.3}, .mode = Interpolation::bilinear}); }, images, {all_signs}},
        {"interpolate(trilinear)", [=](In x) { return interpolated(x, {2, 3, 2}, Interpolation::trilinear, false); }, {{{1, 2, 3, 2, 3}}}, {all_signs}},
        {"interpolate(bicubic)", [=](In x) { return interpolated(x, {6, 3}, Interpolation::bicubic, false); }, images, {all_signs}},
        {"interpolate(bicubic, align_corners)", [=](In x) { return interpolated(x, {6, 3}, Interpolation::bicubic, true); }, images, {all_signs}},
    };
}
static const Family arrange_family(arrange_rows);

}  // namespace tests
