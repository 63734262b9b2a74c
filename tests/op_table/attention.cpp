#include "../op_table.hpp"

#include <cmath>

// clang-format off
namespace tests {

static std::vector<Row> attention_rows() {
    const Cases plain = {{{3, 4}, {5, 4}, {5, 2}}, {{2, 3, 4}, {2, 5, 4}, {2, 5, 3}}, {{1, 1}, {1, 1}, {1, 1}}, {{0, 3}, {4, 3}, {4, 2}}, {{3, 2}, {0, 2}, {0, 2}}};
    const Tensor seen = xgrad::reshape(tensor({false, true, true, true, false, true, true, true, false, true, true, true, false, true, true}), {3, 5});
    const Tensor none_of_last = xgrad::reshape(tensor({true, false, false, false}), {2, 2});
    const auto masked = [](const Tensor& mask) { return [mask](In x) { return scaled_dot_product_attention(x[0], x[1], x[2], {.mask = mask}); }; };
    return {
        {"scaled_dot_product_attention", [](In x) { return scaled_dot_product_attention(x[0], x[1], x[2]); }, plain, {all_signs},
            {{{tensor({{2.0}}), tensor({{0.0}, {0.0}}), tensor({{1.0}, {3.0}})}, tensor({{2.0}}), {tensor({{0.0}}), tensor({{-1.0}, {1.0}}), tensor({{0.5}, {0.5}})}}}, third},
        {"scaled_dot_product_attention(leading axes)", [](In x) { return scaled_dot_product_attention(x[0], x[1], x[2], {.scale = 0.3}); }, {{{2, 1, 3, 2}, {3, 4, 2}, {4, 2}}}, {all_signs}},
        {"scaled_dot_product_attention(several blocks)", [](In x) { return scaled_dot_product_attention(x[0], x[1], x[2]); }, {{{130, 1}, {131, 1}, {131, 1}}}, {all_signs}},
        {"scaled_dot_product_attention(causal)", [](In x) { return scaled_dot_product_attention(x[0], x[1], x[2], {.causal = true}); }, {{{3, 4}, {5, 4}, {5, 2}}, {{2, 5, 2}, {2, 3, 2}, {2, 3, 3}}, {{130, 1}, {130, 1}, {130, 1}}}, {all_signs},
            {{{tensor({{1.0}, {1.0}}), tensor({{0.0}, {0.0}}), tensor({{1.0}, {3.0}})}, tensor({{1.0}, {2.0}}), {tensor({{0.0}, {0.0}}), tensor({{-0.5}, {0.5}}), tensor({{1.5}, {0.5}})}}}},
        {"scaled_dot_product_attention(mask)", masked(seen), {{{3, 4}, {5, 4}, {5, 2}}, {{2, 3, 2}, {2, 5, 2}, {2, 5, 1}}}, {all_signs}},
        {"scaled_dot_product_attention(a mask for each batch)", masked(xgrad::stack({xgrad::slice(seen, 0, 0, 1), xgrad::slice(seen, 0, 1, 2)})), {{{2, 3, 2}, {2, 5, 2}, {2, 5, 1}}}, {all_signs}},
        {"scaled_dot_product_attention(nothing to look at)", masked(none_of_last), {{{2, 3}, {2, 3}, {2, 2}}}, {all_signs},
            {{{tensor({{1.0}, {1.0}}), tensor({{5.0}, {6.0}}), tensor({{1.0}, {3.0}})}, tensor({{1.0}, {0.0}}), {tensor({{0.0}, {0.0}}), tensor({{0.0}, {0.0}}), tensor({{1.0}, {0.0}})}}}},
        {"scaled_dot_product_attention(added mask)", [](In x) { return scaled_dot_product_attention(x[0], x[1], x[2], {.mask = x[3]}); }, {{{3, 4}, {5, 4}, {5, 2}, {3, 5}}, {{2, 3, 2}, {2, 5, 2}, {2, 5, 1}, {5}}, {{2, 3, 2}, {2, 5, 2}, {2, 5, 1}, {2, 1, 5}}, {{3, 2}, {0, 2}, {0, 2}, {3, 0}}}, {all_signs}},
        {"scaled_dot_product_attention(constant added mask)", [](In x) { return scaled_dot_product_attention(x[0], x[1], x[2], {.mask = tensor({0.5, -inf, -1.0, -inf}).to(x[0].dtype())}); }, {{{3, 4}, {4, 4}, {4, 2}}, {{2, 3, 2}, {2, 4, 2}, {2, 4, 1}}}, {all_signs}},
        {"attention_weights", [](In x) { return attention_weights(x[0], x[1]); }, {{{3, 4}, {5, 4}}, {{2, 1, 3, 2}, {3, 4, 2}}, {{0, 3}, {4, 3}}, {{3, 2}, {0, 2}}}, {all_signs}, {{{tensor({{2.0}}), tensor({{0.0}, {0.0}})}, tensor({{0.5, 0.5}}), {tensor({{0.0}}), tensor({{0.0}, {0.0}})}}}},
        {"attention_weights(causal, scale)", [](In x) { return attention_weights(x[0], x[1], {.causal = true, .scale = 0.3}); }, {{{3, 4}, {5, 4}}, {{2, 5, 2}, {2, 3, 2}}}, {all_signs}, {{{tensor({{1.0}, {1.0}}), tensor({{0.0}, {0.0}})}, tensor({{1.0, 0.0}, {0.5, 0.5}})}}},
        {"attention_weights(mask)", [=](In x) { return attention_weights(x[0], x[1], {.mask = seen}); }, {{{3, 4}, {5, 4}}, {{2, 3, 2}, {2, 5, 2}}}, {all_signs}},
        {"attention_weights(nothing to look at)", [=](In x) { return attention_weights(x[0], x[1], {.mask = none_of_last}); }, {{{2, 3}, {2, 3}}}, {all_signs}, {{{tensor({{1.0}, {1.0}}), tensor({{5.0}, {6.0}})}, tensor({{1.0, 0.0}, {0.0, 0.0}}), {tensor({{0.0}, {0.0}}), tensor({{0.0}, {0.0}})}}}},
        {"attention_weights(added mask)", [](In x) { return attention_weights(x[0], x[1], {.mask = x[2]}); }, {{{3, 4}, {5, 4}, {3, 5}}, {{2, 3, 2}, {2, 5, 2}, {5}}}, {all_signs}},
        {"rotary", [](In x) { return rotary(x[0], x[1], x[2]); }, {{{3, 4}, {3, 2}, {3, 2}}, {{2, 3, 6}, {3, 3}, {3, 3}}, {{2, 2, 3, 2}, {2, 1, 3, 1}, {3, 1}}, {{0, 4}, {0, 2}, {0, 2}}}, {all_signs}, {{{tensor({{1.0, 2.0, 3.0, 4.0}}), tensor({{0.0, 1.0}}), tensor({{1.0, 0.0}})}, tensor({{-3.0, 2.0, 1.0, 4.0}})}}},
        {"rotary(neighbours)", [](In x) { return rotary(x[0], x[1], x[2], xgrad::RotaryPairs::neighbours); }, {{{3, 4}, {3, 2}, {3, 2}}, {{2, 3, 6}, {3, 3}, {3, 3}}}, {all_signs}, {{{tensor({{1.0, 2.0, 3.0, 4.0}}), tensor({{0.0, 1.0}}), tensor({{1.0, 0.0}})}, tensor({{-2.0, 1.0, 3.0, 4.0}})}}},
        {"position_angles", [](In x) { return xgrad::position_angles(x[0].shape(0), x[0].shape(1), 100, 1).to(x[0].dtype()); }, matrices, {all_signs}, {{{xgrad::zeros({2, 2}, DType::f64)}, tensor({{1.0, 0.1}, {2.0, 0.2}})}}, no_gradient | outside},
        {"sinusoidal_positions", [](In x) { return xgrad::sinusoidal_positions(x[0].shape(0), 2 * x[0].shape(1), x[0].dtype(), 100); }, matrices, {all_signs}, {{{xgrad::zeros({2, 1}, DType::f64)}, tensor({{0.0, 1.0}, {std::sin(1.0), std::cos(1.0)}})}}, no_gradient},
    };
}
static const Family attention_family(attention_rows);

}  // namespace tests
