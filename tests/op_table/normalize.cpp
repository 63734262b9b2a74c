#include "../op_table.hpp"

// clang-format off
namespace tests {

namespace {
Shape last_of(const Tensor& x, int axes = 1) { return Shape(x.shape().end() - axes, axes); }
const Tensor none;
}  // namespace

static std::vector<Row> normalize_rows() {
    const Cases rows = {{{3, 4}, {4}, {4}}, {{2, 3, 5}, {5}, {5}}, {{6}, {6}, {6}}, {{2, 37}, {37}, {37}}, {{0, 4}, {4}, {4}}, {{2, 0}, {0}, {0}}, {{19, 3}, {3}, {3}}};
    const Cases channels = {{{2, 4, 3}, {4}, {4}}, {{2, 4, 2, 2}, {4}, {4}}, {{1, 4, 19}, {4}, {4}}, {{0, 4, 3}, {4}, {4}}, {{2, 4, 0}, {4}, {4}}};
    const Cases batches = {{{5, 3}, {3}, {3}}, {{2, 3, 4}, {3}, {3}}, {{2, 3, 2, 2}, {3}, {3}}, {{3, 2, 17}, {2}, {2}}, {{3, 35}, {35}, {35}}};
    return {
        {"layer_norm", [](In x) { return layer_norm(x[0], last_of(x[0]), x[1], x[2]); }, rows, {all_signs}, {}, third},
        {"layer_norm(eps)", [](In x) { return layer_norm(x[0], last_of(x[0]), x[1], x[2], {.eps = 0.5}); }, {{{3, 4}, {4}, {4}}}, {all_signs},
            {{{{1, 2, 3, 6}, {1, 2, 3, 4}, {0, 0, 0, 1}}, {-1, -1, 0, 7}, {{-0.25, 0, 0.25, 0}, {-1, -0.5, 0, 1.5}, {1, 1, 1, 1}}}, {{{7, 7}, {1, 3}, {2, 2}}, {2, 2}, {{-1.41421356237309505, 1.41421356237309505}, {0, 0}, {1, 1}}}}},
        {"layer_norm(two axes, no bias)", [](In x) { return layer_norm(x[0], last_of(x[0], 2), x[1]); }, {{{2, 3, 4}, {3, 4}}, {{2, 2}, {2, 2}}}, {all_signs}},
        {"layer_norm(no weight)", [](In x) { return layer_norm(x[0], last_of(x[0]), none, x[1]); }, {{{3, 4}, {4}}}, {all_signs}},
        {"layer_norm(neither)", [](In x) { return layer_norm(x[0], last_of(x[0])); }, {{{3, 4}}, {{2, 37}}}, {all_signs}, {{{{1, 1}}, {0, 0}, {{0, 0}}}}},
        {"rms_norm", [](In x) { return rms_norm(x[0], last_of(x[0]), x[1]); }, {{{3, 4}, {4}}, {{2, 3, 5}, {5}}, {{2, 37}, {37}}, {{0, 4}, {4}}, {{2, 0}, {0}}}, {all_signs}, {}, third},
        {"rms_norm(eps)", [](In x) { return rms_norm(x[0], last_of(x[0]), x[1], {.eps = 1}); }, {{{3, 4}, {4}}}, {all_signs},
            {{{{0, 0}, {2, 3}}, {0, 0}, {{2, 3}, {0, 0}}}, {{{1.73205080756887729, 1.73205080756887729}, {2, 4}}, {1.73205080756887729, 3.46410161513775459}, {{-0.125, 0.875}, {0.866025403784438647, 0.866025403784438647}}}}},
        {"rms_norm(no weight)", [](In x) { return rms_norm(x[0], last_of(x[0], 2)); }, {{{2, 3, 4}}}, {all_signs}, {{{tensor({{2.0, -2.0}})}, tensor({{1.0, -1.0}})}}},
        {"group_norm", [](In x) { return group_norm(x[0], 2, x[1], x[2]); }, channels, {all_signs}, {}, third},
        {"group_norm(no channels behind)", [](In x) { return group_norm(x[0], 2, x[1], x[2], {.eps = 0.5}); }, {{{3, 4}, {4}, {4}}}, {all_signs}},
        {"group_norm(neither)", [](In x) { return group_norm(x[0], 1); }, {{{2, 3, 2}}, {{2, 2, 19}}}, {all_signs}},
        {"instance_norm", [](In x) { return instance_norm(x[0], x[1], x[2]); }, channels, {all_signs}},
        {"instance_norm(eps, neither)", [](In x) { return instance_norm(x[0], none, none, {.eps = 0.5}); }, {{{2, 3, 4}}}, {all_signs}, {{{tensor({{{1.0, 2.0, 3.0, 6.0}}})}, tensor({{{-1.0, -0.5, 0.0, 1.5}}})}}},
        {"batch_norm(training)", [](In x) { return batch_norm(x[0], none, none, x[1], x[2], {.training = true}).y; }, batches, {all_signs}, {}, third},
        {"batch_norm(training, neither)", [](In x) { return batch_norm(x[0], none, none, none, none, {.training = true, .eps = 0.5}).y; }, {{{5, 3}}, {{2, 3, 4}}}, {all_signs},
            {{{tensor({{1.0}, {2.0}, {3.0}, {6.0}})}, tensor({{-1.0}, {-0.5}, {0.0}, {1.5}})}}},
        {"batch_norm", [](In x) { return batch_norm(x[0], x[1], x[2], x[3], x[4]).y; }, {{{5, 3}, {3}, {3}, {3}, {3}}, {{2, 3, 4}, {3}, {3}, {3}, {3}}, {{2, 2, 19}, {2}, {2}, {2}, {2}}, {{0, 3, 4}, {3}, {3}, {3}, {3}}}, {all_signs, all_signs, positive_only, all_signs}},
        {"batch_norm(no weight)", [](In x) { return batch_norm(x[0], x[1], x[2]).y; }, {{{2, 3, 4}, {3}, {3}}}, {all_signs, all_signs, positive_only}},
        {"batch_norm(running mean)", [](In x) { return batch_norm(x[0], x[1], x[2], none, none, {.training = true}).running_mean; }, {{{5, 3}, {3}, {3}}, {{2, 3, 4}, {3}, {3}}}, {all_signs},
            {{{tensor({{1.0}, {2.0}, {3.0}, {6.0}}), {10}, {1}}, {9.3}}}, no_gradient},
        {"batch_norm(running variance)", [](In x) { return batch_norm(x[0], x[1], x[2], none, none, {.training = true, .momentum = 0.5}).running_var; }, {{{5, 3}, {3}, {3}}, {{2, 3, 4}, {3}, {3}}}, {all_signs},
            {{{tensor({{1.0}, {2.0}, {3.0}, {6.0}}), {10}, {1}}, {2.8333333333333333}}}, no_gradient},
        {"batch_norm(the batch's variance)", [](In x) { return batch_norm(x[0], none, none, none, none, {.training = true}).running_var; }, {{{5, 3}}}, {all_signs}, {{{tensor({{1.0}, {2.0}, {3.0}, {6.0}})}, {4.6666666666666667}}}, no_gradient},
        {"local_response_norm", [](In x) { return local_response_norm(x[0], 3, 0.5, 0.7, 1.5); }, {{{2, 4, 3}}, {{1, 2, 2, 2}}, {{0, 3, 2}}}, {all_signs}, {{{tensor({{{2.0}, {0.0}}})}, tensor({{{1.1640604242114543}, {0.0}}})}}},
        {"local_response_norm(even size)", [](In x) { return local_response_norm(x[0], 2, 1, 0.5); }, {{{2, 3, 4}}}, {all_signs}, {{{tensor({{{2.0}, {0.0}}})}, tensor({{{1.1547005383792515}, {0.0}}})}}},
        {"normalize", [](In x) { return normalize(x[0]); }, {{{3, 4}}, {{2, 3, 2}}}, {positive_only}, {{{tensor({{3.0, 4.0}, {0.0, 0.0}})}, tensor({{0.6, 0.8}, {0.0, 0.0}})}}},
        {"normalize(p = 1, axis 0)", [](In x) { return normalize(x[0], 1, 0); }, {{{3, 4}}, {{5}}}, {positive_only}, {{{{1, -3}}, {0.25, -0.75}, {{0.375, 0.125}}}}},
        {"cosine_similarity", [](In x) { return cosine_similarity(x[0], x[1]); }, {{{3, 4}, {3, 4}}, {{2, 3, 2}, {3, 1}}}, {positive_only}, {{{tensor({{3.0, 4.0}, {0.0, 0.0}}), tensor({{4.0, 3.0}, {1.0, 1.0}})}, {0.96, 0}}}},
        {"cosine_similarity(axis 0)", [](In x) { return cosine_similarity(x[0], x[1], 0); }, {{{4}, {4}}, {{3, 2}, {3, 2}}}, {positive_only}},
        {"pairwise_distance", [](In x) { return pairwise_distance(x[0], x[1], 2, 0); }, {{{3, 4}, {3, 4}}, {{3, 4}, {4}}}, {{0.3, 3}, {4, 5}}, {{{{1, 2}, {4, 6}}, 5, {{-0.6, -0.8}, {0.6, 0.8}}}}},
        {"pairwise_distance(p = 1, keepdims)", [](In x) { return pairwise_distance(x[0], x[1], 1, 0.5, true); }, {{{3, 4}, {3, 4}}}, {{0.3, 3}, {4, 5}}, {{{{1, 2}, {4, 6}}, {6}, {{-1, -1}, {1, 1}}}}},
    };
}
static const Family normalize_family(normalize_rows);

}  // namespace tests
