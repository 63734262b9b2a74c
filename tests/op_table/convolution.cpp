#include "../op_table.hpp"

// clang-format off
namespace tests {

static std::vector<Row> convolution_rows() {
    return {
        {"conv1d", [](In x) { return conv1d(x[0], x[1], x[2]); }, {{{2, 3, 7}, {4, 3, 3}, {4}}, {{3, 7}, {2, 3, 2}, {2}}, {{0, 3, 7}, {4, 3, 3}, {4}}, {{1, 1, 1}, {1, 1, 1}, {1}}, {{2, 1, 40}, {1, 1, 3}, {1}}}, {all_signs},
            {{{tensor({{1.0, 2.0, 3.0, 4.0}}), tensor({{{1.0, 10.0}}}), {5}}, tensor({{26.0, 37.0, 48.0}}), {tensor({{1.0, 11.0, 11.0, 10.0}}), tensor({{{6.0, 9.0}}}), {3}}}}, third},
        {"conv1d(stride, padding, dilation, groups)", [](In x) { return conv1d(x[0], x[1], Tensor(), {.stride = 2, .padding = 2, .dilation = 2, .groups = 2}); }, {{{2, 4, 7}, {4, 2, 3}}, {{1, 2, 9}, {2, 1, 2}}}, {all_signs}},
        {"conv1d(stride beyond the kernel)", [](In x) { return conv1d(x[0], x[1], Tensor(), {.stride = 3}); }, {{{2, 2, 8}, {3, 2, 1}}, {{1, 2, 9}, {1, 2, 2}}}, {all_signs}},
        {"conv2d", [](In x) { return conv2d(x[0], x[1], x[2]); }, {{{2, 2, 4, 5}, {3, 2, 3, 2}, {3}}, {{2, 3, 2, 2}, {5, 3, 1, 1}, {5}}, {{1, 2, 3, 3}, {2, 2, 3, 3}, {2}}, {{1, 1, 3, 11}, {9, 1, 2, 2}, {9}}}, {all_signs}, {}, third},
        {"conv2d(padding)", [](In x) { return conv2d(x[0], x[1], Tensor(), {.padding = {2, 1}}); }, {{{2, 2, 3, 4}, {3, 2, 3, 3}}, {{2, 3, 3}, {2, 2, 2, 2}}}, {all_signs}},
        {"conv2d(stride, dilation)", [](In x) { return conv2d(x[0], x[1], Tensor(), {.stride = {2, 3}, .padding = 1, .dilation = {1, 2}}); }, {{{2, 2, 5, 6}, {2, 2, 3, 2}}, {{1, 1, 4, 7}, {3, 1, 2, 3}}}, {all_signs}},
        {"conv2d(depthwise)", [](In x) { return conv2d(x[0], x[1], x[2], {.padding = 1, .groups = 3}); }, {{{2, 3, 3, 4}, {3, 1, 3, 3}, {3}}, {{1, 3, 2, 2}, {6, 1, 2, 2}, {6}}}, {all_signs}},
        {"conv3d", [](In x) { return conv3d(x[0], x[1], x[2]); }, {{{2, 1, 3, 3, 4}, {2, 1, 2, 2, 3}, {2}}, {{2, 2, 3, 2}, {1, 2, 1, 2, 1}, {1}}}, {all_signs}},
        {"conv3d(options)", [](In x) { return conv3d(x[0], x[1], Tensor(), {.stride = {1, 2, 1}, .padding = {1, 0, 1}, .dilation = {2, 1, 1}, .groups = 2}); }, {{{1, 2, 3, 3, 2}, {2, 1, 2, 2, 2}}}, {all_signs}},
        {"conv_transpose1d", [](In x) { return conv_transpose1d(x[0], x[1], x[2]); }, {{{2, 3, 4}, {3, 2, 3}, {2}}, {{3, 4}, {3, 1, 2}, {1}}, {{0, 3, 4}, {3, 2, 3}, {2}}}, {all_signs},
            {{{tensor({{1.0, 2.0}}), tensor({{{1.0, 10.0}}}), {5}}, tensor({{6.0, 17.0, 25.0}}), {tensor({{11.0, 11.0}}), tensor({{{3.0, 3.0}}}), {3}}}}, third},
        {"conv_transpose1d(options)", [](In x) { return conv_transpose1d(x[0], x[1], Tensor(), {.stride = 3, .padding = 1, .output_padding = 2, .groups = 2, .dilation = 2}); }, {{{2, 4, 4}, {4, 1, 3}}, {{1, 2, 3}, {2, 2, 2}}}, {all_signs}},
        {"conv_transpose2d", [](In x) { return conv_transpose2d(x[0], x[1], x[2]); }, {{{2, 2, 3, 2}, {2, 3, 2, 3}, {3}}, {{3, 2, 2}, {3, 2, 1, 1}, {2}}}, {all_signs}, {}, third},
        {"conv_transpose2d(options)", [](In x) { return conv_transpose2d(x[0], x[1], Tensor(), {.stride = {2, 3}, .padding = {1, 2}, .output_padding = {1, 0}, .dilation = {1, 2}}); }, {{{2, 2, 3, 3}, {2, 2, 3, 3}}, {{1, 1, 2, 3}, {1, 3, 2, 2}}}, {all_signs}},
        {"conv_transpose2d(stride beyond the kernel)", [](In x) { return conv_transpose2d(x[0], x[1], x[2], {.stride = 3}); }, {{{1, 2, 2, 3}, {2, 2, 2, 1}, {2}}}, {all_signs}},
        {"conv_transpose3d", [](In x) { return conv_transpose3d(x[0], x[1], x[2], {.stride = {1, 2, 1}, .groups = 2}); }, {{{1, 2, 2, 2, 3}, {2, 1, 2, 2, 2}, {2}}, {{2, 2, 1, 2}, {2, 1, 1, 3, 1}, {2}}}, {all_signs}},
    };
}
static const Family convolution_family(convolution_rows);

static std::vector<Row> pool_rows() {
    const Tensor grid = tensor({{{1.0, 3.0, 3.0, 0.0}, {3.0, 2.0, 3.0, 9.0}, {0.0, 0.0, -1.0, -2.0}, {0.0, 0.0, -3.0, -1.0}}});
    const Cases planes = {{{2, 2, 4, 5}}, {{3, 5, 4}}, {{1, 1, 3, 3}}, {{0, 2, 4, 4}}};
    return {
        {"max_pool1d", [](In x) { return max_pool1d(x[0], 2); }, {{{2, 3, 7}}, {{3, 6}}, {{0, 3, 4}}}, {all_signs}, {{{tensor({{1.0, 4.0, 4.0, 4.0, nan, 0.0, -inf, -inf}})}, tensor({{4.0, 4.0, nan, -inf}}), {tensor({{0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0}})}}}, third},
        {"max_pool1d(options)", [](In x) { return max_pool1d(x[0], 3, {.stride = 2, .padding = 1, .dilation = 2, .ceil_mode = true}); }, {{{2, 2, 8}}, {{1, 9}}}, {all_signs}},
        {"max_pool2d", [](In x) { return max_pool2d(x[0], 2); }, planes, {all_signs}, {{{grid}, tensor({{{3.0, 9.0}, {0.0, -1.0}}}), {tensor({{{0.0, 1.0, 0.0, 0.0}, {0.0, 0.0, 0.0, 1.0}, {1.0, 0.0, 1.0, 0.0}, {0.0, 0.0, 0.0, 0.0}}})}}}, third},
        {"max_pool2d(overlapping)", [](In x) { return max_pool2d(x[0], {3, 2}, {.stride = 1, .padding = 1}); }, planes, {all_signs}, {{{tensor({{{5.0}}})}, tensor({{{5.0, 5.0}}}), {tensor({{{2.0}}})}}}},
        {"max_pool2d(ceil mode)", [](In x) { return max_pool2d(x[0], 2, {.ceil_mode = true}); }, {{{2, 2, 5, 3}}}, {all_signs}},
        {"max_pool3d", [](In x) { return max_pool3d(x[0], {2, 1, 2}, {.stride = {1, 1, 2}}); }, {{{1, 2, 3, 2, 4}}, {{2, 2, 2, 2}}}, {all_signs}},
        {"max_pool1d_with_indices", [](In x) { return max_pool1d_with_indices(x[0], 2).indices; }, {{{2, 3, 7}}}, {all_signs}, {{{tensor({{1.0, 4.0, 4.0, 4.0, nan, 0.0, -inf, -inf}})}, tensor({{1.0, 2.0, 4.0, 6.0}})}}, no_gradient},
        {"max_pool2d_with_indices", [](In x) { return max_pool2d_with_indices(x[0], 2).indices; }, planes, {all_signs}, {{{grid}, tensor({{{1.0, 7.0}, {8.0, 10.0}}})}}, no_gradient},
        {"max_pool2d_with_indices(values)", [](In x) { return max_pool2d_with_indices(x[0], 2, {.stride = 1}).values; }, planes, {all_signs}},
        {"max_pool3d_with_indices", [](In x) { return max_pool3d_with_indices(x[0], 2).indices; }, {{{1, 2, 3, 2, 4}}}, {all_signs}, {}, no_gradient},
        {"max_unpool1d", [](In x) { return max_unpool1d(x[0], max_pool1d_with_indices(xgrad::stop_gradient(x[1]), 2).indices, 2, {.output_size = {5}}); }, {{{2, 3, 2}, {2, 3, 5}}}, {all_signs}, {{{tensor({{7.0, 8.0}}), tensor({{1.0, 2.0, 4.0, 3.0, 9.0}})}, tensor({{0.0, 7.0, 8.0, 0.0, 0.0}}), {tensor({{1.0, 1.0}})}}}},
        {"max_unpool2d", [](In x) { return max_unpool2d(x[0], max_pool2d_with_indices(xgrad::stop_gradient(x[1]), 2).indices, 2); }, {{{2, 2, 2, 1}, {2, 2, 4, 2}}, {{2, 1, 2}, {2, 2, 4}}}, {all_signs}},
        {"max_unpool3d", [](In x) { return max_unpool3d(x[0], max_pool3d_with_indices(xgrad::stop_gradient(x[1]), 2).indices, 2); }, {{{1, 2, 1, 1, 2}, {1, 2, 2, 2, 4}}}, {all_signs}},
        {"avg_pool1d", [](In x) { return avg_pool1d(x[0], 2); }, {{{2, 3, 7}}, {{3, 6}}, {{0, 3, 4}}}, {all_signs}, {{{tensor({{1.0, 3.0, 4.0, 4.0}})}, tensor({{2.0, 4.0}}), {tensor({{0.5, 0.5, 0.5, 0.5}})}}}, third},
        {"avg_pool1d(padding)", [](In x) { return avg_pool1d(x[0], 3, {.stride = 2, .padding = 1}); }, {{{2, 2, 8}}}, {all_signs}, {{{tensor({{3.0, 6.0}})}, tensor({{3.0}}), {tensor({{0.3333333333333333, 0.3333333333333333}})}}}},
        {"avg_pool2d", [](In x) { return avg_pool2d(x[0], {2, 3}, {.stride = 1}); }, planes, {all_signs}},
        {"avg_pool2d(options)", [](In x) { return avg_pool2d(x[0], 2, {.padding = 1, .ceil_mode = true, .count_include_pad = false}); }, {{{2, 2, 4, 5}}, {{1, 3, 4}}}, {all_signs}, {{{tensor({{{4.0}}})}, tensor({{{4.0}}}), {tensor({{{1.0}}})}}}},
        {"avg_pool2d(divisor)", [](In x) { return avg_pool2d(x[0], 2, {.divisor_override = 3}); }, {{{2, 2, 4, 5}}}, {all_signs}},
        {"avg_pool3d", [](In x) { return avg_pool3d(x[0], 2, {.stride = {1, 2, 1}, .padding = {0, 1, 0}, .ceil_mode = true}); }, {{{1, 2, 3, 2, 4}}, {{2, 2, 2, 2}}}, {all_signs}},
        {"lp_pool1d", [](In x) { return lp_pool1d(x[0], 2, 2); }, {{{2, 3, 7}}, {{3, 6}}}, {all_signs}, {{{tensor({{3.0, -4.0, 0.0, 0.0}})}, tensor({{5.0, 0.0}}), {tensor({{0.6, -0.8, 0.0, 0.0}})}}}},
        {"lp_pool1d(p = 1)", [](In x) { return lp_pool1d(x[0], 1, 2); }, {{{2, 7}}}, {all_signs}, {{{tensor({{3.0, -4.0}})}, tensor({{-1.0}}), {tensor({{1.0, 1.0}})}}}},
        {"lp_pool2d", [](In x) { return lp_pool2d(x[0], 3, 2, {.stride = 1, .ceil_mode = true}); }, {{{2, 2, 3, 4}}, {{1, 3, 3}}}, {positive_only}},
        {"lp_pool2d(p = inf)", [](In x) { return lp_pool2d(x[0], inf, 2); }, {{{2, 2, 3, 4}}}, {all_signs}},
        {"lp_pool3d", [](In x) { return lp_pool3d(x[0], 2, 2, {.stride = 1}); }, {{{1, 2, 2, 3, 2}}}, {all_signs}},
        {"adaptive_avg_pool1d", [](In x) { return adaptive_avg_pool1d(x[0], 3); }, {{{2, 2, 7}}, {{2, 2}}}, {all_signs}, {{{tensor({{1.0, 2.0, 3.0, 6.0}})}, tensor({{1.5, 2.5, 4.5}}), {tensor({{0.5, 1.0, 1.0, 0.5}})}}}},
        {"adaptive_avg_pool2d", [](In x) { return adaptive_avg_pool2d(x[0], {2, 3}); }, planes, {all_signs}},
        {"adaptive_avg_pool3d", [](In x) { return adaptive_avg_pool3d(x[0], {1, 2, 2}); }, {{{1, 2, 2, 3, 3}}}, {all_signs}},
        {"adaptive_max_pool1d", [](In x) { return adaptive_max_pool1d(x[0], 3); }, {{{2, 2, 7}}, {{2, 2}}}, {all_signs}, {{{tensor({{1.0, 2.0, 3.0, 6.0}})}, tensor({{2.0, 3.0, 6.0}}), {tensor({{0.0, 1.0, 1.0, 1.0}})}}}},
        {"adaptive_max_pool2d", [](In x) { return adaptive_max_pool2d(x[0], 2); }, planes, {all_signs}},
        {"adaptive_max_pool3d", [](In x) { return adaptive_max_pool3d(x[0], {1, 2, 2}); }, {{{1, 2, 2, 3, 3}}}, {all_signs}},
    };
}
static const Family pool_family(pool_rows);

}  // namespace tests
