#include "../op_table.hpp"

// Windows, sampling grids and what is scattered. Points: PyTorch 1.13.

// clang-format off
namespace tests {

static std::vector<Row> window_rows() {
    using xgrad::GridPadding;
    using xgrad::GridSample;
    using xgrad::ScatterReduce;
    const Tensor image = reshape(xgrad::arange(1.0, 13, 1, DType::f64), {1, 1, 3, 4});
    const Tensor places = tensor({-0.9, -0.7, 0.3, 0.2, 1.4, 0.1, -2.6, 1.7}, Shape{1, 2, 2, 2});
    const auto sampled = [](GridSample mode, GridPadding padding, bool align) {
        // The domain of the coordinates stays off the kinks of this mode: 0.37 * x in [-0.74, 0.74], moved.
        return [=](In x) { return grid_sample(x[0], 0.37 * x[1] + 0.013, {.mode = mode, .padding_mode = padding, .align_corners = align}); };
    };
    const auto at = [](GridSample mode, GridPadding padding, bool align) {
        return [=](In x) { return grid_sample(x[0], x[1], {.mode = mode, .padding_mode = padding, .align_corners = align}); };
    };
    // Of the cubic, whose slopes feel how a coordinate is rounded, at coordinates that f32 has exactly.
    const Tensor exact_places = tensor({-0.875, -0.75, 0.25, 0.1875, 1.375, 0.125, -2.5, 1.75}, Shape{1, 2, 2, 2});
    const auto point_at = [=](const Tensor& where, std::initializer_list<double> value, std::initializer_list<double> of_x, std::initializer_list<double> of_grid) {
        return std::vector<Point>{{{image, where}, tensor(value, {1, 1, 2, 2}), {tensor(of_x, {1, 1, 3, 4}), tensor(of_grid, {1, 2, 2, 2})}}};
    };
    const auto point = [=](std::initializer_list<double> value, std::initializer_list<double> of_x, std::initializer_list<double> of_grid) { return point_at(places, value, of_x, of_grid); };
    const Cases grids = {{{2, 3, 4, 5}, {2, 2, 3, 2}}, {{1, 2, 1, 1}, {1, 1, 2, 2}}, {{0, 2, 3, 3}, {0, 1, 1, 2}}};
    const Tensor rows = tensor({{I{0}, I{0}, I{2}}, {I{1}, I{1}, I{1}}}), sources = tensor({{3.0, 1.0, 0.0}, {5.0, 7.0, 5.0}}), base = tensor({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}});
    const auto reduced_by = [=](ScatterReduce how, bool self) { return [=](In x) { return scatter_reduce(x[0], 1, rows, x[1], how, self); }; };
    const auto reduces = [=](std::initializer_list<double> value) { return std::vector<Point>{{{base, sources}, reshape(tensor(value), {2, 3})}}; };
    const Cases beside = {{{2, 3}, {2, 3}}, {{3, 4}, {2, 4}}};
    const Tensor square = reshape(xgrad::arange(1.0, 17, 1, DType::f64), {1, 1, 4, 4});
    return {
        {"affine_grid", [](In x) { return affine_grid(x[0], {x[0].shape(0), 1, 2, 3}); }, {{{1, 2, 3}}, {{3, 2, 3}}}, {all_signs}, {{{tensor({{{0.5, -0.25, 0.1}, {0.3, 1.2, -0.4}}})}, tensor({-13.0 / 120, -1.2, 0.225, -1.0, 67.0 / 120, -0.8, -43.0 / 120, 0.0, -0.025, 0.2, 37.0 / 120, 0.4}, Shape{1, 2, 3, 2})}}},
        {"affine_grid(aligned)", [](In x) { return affine_grid(x[0], {1, 1, 2, 3}, true); }, {{{1, 2, 3}}}, {all_signs}, {{{tensor({{{0.5, -0.25, 0.1}, {0.3, 1.2, -0.4}}})}, tensor({-0.15, -1.9, 0.35, -1.6, 0.85, -1.3, -0.65, 0.5, -0.15, 0.8, 0.35, 1.1}, Shape{1, 2, 3, 2})}}},
        {"affine_grid(volume)", [](In x) { return affine_grid(x[0], {1, 1, 1, 2, 2}, true); }, {{{1, 3, 4}}}, {all_signs}, {{{reshape(xgrad::arange(12.0, DType::f64) / 8, {1, 3, 4})}, tensor({0.25, -0.25, -0.75, 0.25, 0.75, 1.25, 0.5, 1.0, 1.5, 0.5, 2.0, 3.5}, Shape{1, 1, 2, 2, 3})}}},
        {"grid_sample", sampled(GridSample::bilinear, GridPadding::zeros, false), {{{2, 3, 4, 5}, {2, 2, 3, 2}}, {{0, 2, 3, 3}, {0, 1, 1, 2}}}, {all_signs}},
        {"grid_sample(at)", at(GridSample::bilinear, GridPadding::zeros, false), {}, {all_signs}, point({0.665, 8.3, 0.0, 0.0}, {0.665, 0.0, 0.0, 0.0, 0.0, 0.0, 0.63, 0.07, 0.0, 0.0, 0.27, 0.03}, {1.9, 1.05, 2.0, 6.0, 0.0, 0.0, 0.0, 0.0})},
        {"grid_sample(aligned)", at(GridSample::bilinear, GridPadding::zeros, true), {}, {all_signs}, point({2.35, 7.75, 3.36, 0.0}, {0.595, 0.105, 0.0, 0.0, 0.255, 0.085, 0.76, 0.36, 0.0, 0.01, 0.19, 0.04}, {1.5, 4.0, 1.5, 4.0, -12.6, 1.6, 0.0, 0.0})},
        {"grid_sample(border)", at(GridSample::bilinear, GridPadding::border, false), {}, {all_signs}, point({1.0, 8.3, 8.6, 9.0}, {1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.63, 0.92, 1.0, 0.0, 0.27, 0.18}, {0.0, 0.0, 2.0, 6.0, 0.0, 6.0, 0.0, 0.0})},
        {"grid_sample(border, aligned)", at(GridSample::bilinear, GridPadding::border, true), {}, {all_signs}, point({2.35, 7.75, 8.4, 9.0}, {0.595, 0.105, 0.0, 0.0, 0.255, 0.085, 0.76, 0.9, 1.0, 0.01, 0.19, 0.1}, {1.5, 4.0, 1.5, 4.0, 0.0, 4.0, 0.0, 0.0})},
        {"grid_sample(reflection)", at(GridSample::bilinear, GridPadding::reflection, false), {}, {all_signs}, point({1.0, 8.3, 8.3, 9.5}, {1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.05, 1.05, 0.0, 0.0, 0.45, 0.45}, {0.0, 0.0, 2.0, 6.0, -2.0, 6.0, -2.0, -6.0})},
        {"grid_sample(reflection, aligned)", at(GridSample::bilinear, GridPadding::reflection, true), {}, {all_signs}, point({2.35, 7.75, 7.8, 8.6}, {0.595, 0.105, 0.0, 0.0, 0.255, 0.085, 1.72, 0.64, 0.0, 0.01, 0.43, 0.16}, {1.5, 4.0, 1.5, 4.0, -1.5, 4.0, -1.5, -4.0})},
        {"grid_sample(nearest)", at(GridSample::nearest, GridPadding::zeros, false), {}, {all_signs}, point({1.0, 7.0, 0.0, 0.0}, {1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0}, {0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0})},
        {"grid_sample(nearest, reflection, aligned)", at(GridSample::nearest, GridPadding::reflection, true), {}, {all_signs}, point({1.0, 7.0, 7.0, 7.0}, {1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0}, {0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0})},
        {"grid_sample(bicubic)", sampled(GridSample::bicubic, GridPadding::border, false), grids, {all_signs}},
        {"grid_sample(bicubic, zeros)", at(GridSample::bicubic, GridPadding::zeros, false), {}, {all_signs}, point_at(exact_places, {0.3761100769042969, 8.941490173339844, -0.9790878295898438, 0.0}, {0.8501529693603516, -0.10201835632324219, -0.10897064208984375, 0.009791135787963867, -0.06308555603027344, 0.0075702667236328125, 0.8498306274414062, -0.09799504280090332, 0.0, 0.0, 0.30178070068359375, -0.019524335861206055}, {1.506683349609375, 2.8192291259765625, 3.1279220581054688, 10.8489990234375, -2.61090087890625, -1.17169189453125, 0.0, 0.0})},
        {"grid_sample(bicubic, reflection, aligned)", at(GridSample::bicubic, GridPadding::reflection, true), {}, {all_signs}, point_at(exact_places, {1.3931884765625, 7.94580078125, 8.3604736328125, 8.8359375}, {0.8175772726535797, 0.08903324604034424, -0.2401985228061676, -0.05758631229400635, 0.13587021827697754, -0.06977272033691406, 2.154355764389038, 0.6442928314208984, -0.03456321358680725, -0.021518826484680176, 0.4687162935733795, 0.11379396915435791}, {0.7646484375, 2.625, 1.7578125, 5.7890625, -1.8193359375, 5.90625, -2.109375, -5.625})},
        {"grid_sample(volume)", sampled(GridSample::bilinear, GridPadding::zeros, false), {{{2, 2, 3, 4, 5}, {2, 1, 2, 2, 3}}}, {all_signs}},
        {"grid_sample(nowhere)", at(GridSample::bilinear, GridPadding::zeros, false), {}, {all_signs}, {{{image, tensor({nan, 0.0, inf, 1e300}, Shape{1, 1, 2, 2})}, xgrad::zeros({1, 1, 1, 2}, DType::f64)}}},
        {"unfold(im2col)", [](In x) { return unfold(x[0], {2, 3}, {.padding = {0, 1}, .stride = {2, 1}}); }, {{{2, 2, 4, 5}}, {{3, 4, 4}}, {{0, 1, 3, 3}}}, {all_signs}, {{{square}, tensor({0.0, 1.0, 2.0, 3.0, 0.0, 9.0, 10.0, 11.0, 1.0, 2.0, 3.0, 4.0, 9.0, 10.0, 11.0, 12.0, 2.0, 3.0, 4.0, 0.0, 10.0, 11.0, 12.0, 0.0, 0.0, 5.0, 6.0, 7.0, 0.0, 13.0, 14.0, 15.0, 5.0, 6.0, 7.0, 8.0, 13.0, 14.0, 15.0, 16.0, 6.0, 7.0, 8.0, 0.0, 14.0, 15.0, 16.0, 0.0}, Shape{1, 6, 8})}}},
        {"unfold(im2col, dilated)", [](In x) { return unfold(x[0], 2, {.dilation = 2}); }, {{{1, 2, 4, 4}}}, {all_signs}},
        {"fold", [](In x) { return fold(x[0], {4, 4}, {2, 3}, {.padding = {0, 1}, .stride = {2, 1}}); }, {{{2, 12, 8}}, {{6, 8}}, {{0, 6, 8}}}, {all_signs}, {{{unfold(square, {2, 3}, {.padding = {0, 1}, .stride = {2, 1}})}, tensor({2.0, 6.0, 9.0, 8.0, 10.0, 18.0, 21.0, 16.0, 18.0, 30.0, 33.0, 24.0, 26.0, 42.0, 45.0, 32.0}, Shape{1, 1, 4, 4})}}},
        {"fold(dilated)", [](In x) { return fold(x[0], 4, 2, {.dilation = 2}); }, {{{1, 8, 4}}}, {all_signs}},
        {"pdist", [](In x) { return pdist(x[0]); }, {{{4, 3}}, {{1, 3}}}, {all_signs}, {{{tensor({{0.0, 0.0}, {3.0, 4.0}, {0.0, 1.0}})}, {5, 1, 4.242640687119285}}, {{tensor({{1.0, 2.0}, {1.0, 2.0}})}, {0}, {tensor({{0.0, 0.0}, {0.0, 0.0}})}}}},
        {"pdist(p 3)", [](In x) { return pdist(x[0], 3); }, {{{4, 3}}}, {all_signs}},
        {"unbind", [](In x) { const Tensors s = unbind(x[0], 1); return s[0] * s[1]; }, {{{3, 2}}, {{2, 3, 4}}, {{0, 2}}}, {all_signs}, {{{tensor({{2.0, 3.0}})}, {6}, {tensor({{3.0, 2.0}})}}}, third},
        {"unbind(one part used)", [](In x) { return unbind(x[0])[1]; }, {{{2}}, {{3, 4}}}, {all_signs}},
        {"operator%", [](In x) { return x[0] % x[1]; }, {{{3, 4}, {3, 4}}}, {{5.1, 5.9}, {1.75, 1.95}}, {{{{7, -7}, {3, 3}}, {1, 2}, {{1, 1}, {-2, 3}}}}},
        {"scatter_reduce(sum)", reduced_by(ScatterReduce::sum, true), beside, {all_signs}, reduces({5, 2, 3, 4, 22, 6})},
        {"scatter_reduce(sum, others)", reduced_by(ScatterReduce::sum, false), beside, {all_signs}, reduces({4, 2, 0, 4, 17, 6})},
        {"scatter_reduce(prod)", reduced_by(ScatterReduce::prod, true), beside, {all_signs}, reduces({3, 2, 0, 4, 875, 6}), third},
        {"scatter_reduce(prod, others)", reduced_by(ScatterReduce::prod, false), beside, {all_signs}, reduces({3, 2, 0, 4, 175, 6})},
        {"scatter_reduce(prod, zeros)", [](In x) { return scatter_reduce(x[0], 0, tensor({I{0}, I{0}, I{0}}), x[1], ScatterReduce::prod); }, {}, {all_signs}, {{{{2}, {0, 3, 5}}, {0}, {{0}, {30, 0, 0}}}, {{{2}, {0, 3, 0}}, {0}, {{0}, {0, 0, 0}}}}},
        {"scatter_reduce(mean)", reduced_by(ScatterReduce::mean, true), beside, {all_signs}, reduces({5.0 / 3, 2, 1.5, 4, 5.5, 6})},
        {"scatter_reduce(mean, others)", reduced_by(ScatterReduce::mean, false), beside, {all_signs}, reduces({2, 2, 0, 4, 17.0 / 3, 6})},
        {"scatter_reduce(max)", reduced_by(ScatterReduce::max, true), beside, {all_signs}, reduces({3, 2, 3, 4, 7, 6})},
        {"scatter_reduce(max, others)", reduced_by(ScatterReduce::max, false), beside, {all_signs}, reduces({3, 2, 0, 4, 7, 6})},
        {"scatter_reduce(min)", reduced_by(ScatterReduce::min, true), beside, {all_signs}, reduces({1, 2, 0, 4, 5, 6})},
        {"scatter_reduce(min, others)", reduced_by(ScatterReduce::min, false), beside, {all_signs}, {{{base, sources}, tensor({{1.0, 2.0, 0.0}, {4.0, 5.0, 6.0}}), {tensor({{0.0, 1.0, 0.0}, {1.0, 0.0, 1.0}}), tensor({{0.0, 1.0, 1.0}, {0.5, 0.0, 0.5}})}}}},
        {"scatter_reduce(max, ties)", [](In x) { return scatter_reduce(x[0], 0, tensor({I{0}, I{0}, I{0}}), x[1], ScatterReduce::max); }, {}, {all_signs}, {{{{4}, {4, 1, 4}}, {4}, {{1.0 / 3}, {1.0 / 3, 0, 1.0 / 3}}}}},
        {"adaptive_max_pool1d_with_indices", [](In x) { return adaptive_max_pool1d_with_indices(x[0], 3).indices; }, {{{2, 2, 7}}}, {all_signs}, {{{tensor({{1.0, 2.0, 3.0, 6.0}})}, tensor({{1.0, 2.0, 3.0}})}}, no_gradient},
        {"adaptive_max_pool2d_with_indices", [](In x) { return adaptive_max_pool2d_with_indices(x[0], 2).values; }, {{{2, 2, 3, 5}}}, {all_signs}},
        {"adaptive_max_pool3d_with_indices", [](In x) { return adaptive_max_pool3d_with_indices(x[0], {1, 2, 2}).indices; }, {{{1, 2, 2, 3, 3}}}, {all_signs}, {}, no_gradient},
    };
}
static const Family window_family(window_rows);

}  // namespace tests
