#include "large.hpp"

// Cases of the tenth check: rows of the table with a batch so large that several blocks, several threads and CBLAS are
// entered. A row's name, the shapes of its inputs and the axis along which each is split; `shared` is a parameter,
// whose gradients of all pieces add up.

// clang-format off
namespace tests {

std::vector<LargeCase> large_cases() {
    constexpr int shared = LargeCase::shared;
    const std::vector<Shape> one_input{{700, 96}}, two_inputs{{700, 96}, {700, 96}}, with_row{{700, 96}, {96}};
    std::vector<LargeCase> cases{
        // Element-wise, also with an operand that broadcasts.
        {"tanh", one_input, {0}}, {"exp", one_input, {0}}, {"gelu", one_input, {0}}, {"softplus", one_input, {0}}, {"sin", one_input, {0}},
        {"add", two_inputs, {0, 0}}, {"add", with_row, {0, shared}}, {"multiply", two_inputs, {0, 0}}, {"multiply", with_row, {0, shared}},
        {"divide", with_row, {0, shared}}, {"multiply", {{700, 96}, {}}, {0, shared}}, {"prelu", with_row, {0, shared}},
        {"where", {{700, 96}, {96}, {700, 1}}, {0, shared, 0}}, {"lerp", {{700, 96}, {700, 96}, {96}}, {0, 0, shared}},
        // Reductions along the other axis, running sums, sorting.
        {"sum(last axis)", one_input, {0}}, {"max(last axis, keepdims)", one_input, {0}}, {"prod(last axis, keepdims)", {{9000, 8}}, {0}},
        {"var(last axis, keepdims)", one_input, {0}}, {"logsumexp(last axis, keepdims)", one_input, {0}}, {"norm(last axis, keepdims)", one_input, {0}},
        {"softmax", one_input, {0}}, {"log_softmax", one_input, {0}}, {"softmax", {{9000, 8}}, {0}},
        {"cumsum(axis 1)", one_input, {0}}, {"sort", one_input, {0}}, {"glu", one_input, {0}},
        // Products.
        {"matmul", {{700, 96}, {96, 130}}, {0, shared}}, {"matmul", {{700, 3}, {3, 70}}, {0, shared}}, {"matmul", {{40, 50, 33}, {40, 33, 41}}, {0, 0}},
        {"matmul", {{40, 50, 33}, {33, 41}}, {0, shared}}, {"linear", {{700, 96}, {130, 96}, {130}}, {0, shared, shared}},
        {"bilinear", {{700, 20}, {700, 10}, {12, 20, 10}, {12}}, {0, 0, shared, shared}}, {"einsum(batch)", {{40, 50, 33}, {40, 33, 41}}, {0, 0}},
        // Normalisations.
        {"layer_norm", {{700, 96}, {96}, {96}}, {0, shared, shared}}, {"layer_norm", {{9000, 8}, {8}, {8}}, {0, shared, shared}},
        {"rms_norm", with_row, {0, shared}}, {"group_norm", {{60, 4, 300}, {4}, {4}}, {0, shared, shared}},
        {"instance_norm", {{60, 4, 300}, {4}, {4}}, {0, shared, shared}}, {"batch_norm", {{60, 4, 300}, {4}, {4}, {4}, {4}}, {0, shared, shared, shared, shared}},
        {"local_response_norm", {{60, 4, 300}}, {0}}, {"normalize", one_input, {0}}, {"cosine_similarity", two_inputs, {0, 0}},
        // Convolutions and pooling.
        {"conv1d", {{30, 8, 100}, {12, 8, 5}, {12}}, {0, shared, shared}}, {"conv2d", {{12, 6, 20, 20}, {16, 6, 3, 3}, {16}}, {0, shared, shared}},
        {"conv2d(depthwise)", {{12, 3, 40, 50}, {3, 1, 3, 3}, {3}}, {0, shared, shared}}, {"conv3d", {{8, 3, 10, 10, 10}, {5, 3, 3, 3, 3}, {5}}, {0, shared, shared}},
        {"conv_transpose1d", {{30, 8, 60}, {8, 12, 5}, {12}}, {0, shared, shared}}, {"conv_transpose2d", {{12, 6, 14, 14}, {6, 8, 3, 3}, {8}}, {0, shared, shared}},
        {"max_pool2d", {{12, 6, 40, 40}}, {0}}, {"avg_pool2d", {{12, 6, 40, 40}}, {0}}, {"adaptive_avg_pool2d", {{12, 6, 40, 40}}, {0}},
        {"interpolate", {{30, 4, 700}}, {0}},
        // Attention and recurrence, whose batch is the second axis.
        {"scaled_dot_product_attention", {{24, 70, 16}, {24, 75, 16}, {24, 75, 20}}, {0, 0, 0}},
        {"scaled_dot_product_attention(causal)", {{24, 70, 16}, {24, 70, 16}, {24, 70, 20}}, {0, 0, 0}},
        {"attention_weights", {{24, 70, 16}, {24, 75, 16}}, {0, 0}}, {"rotary", {{24, 70, 60}, {70, 30}, {70, 30}}, {0, shared, shared}},
        {"lstm(output alone)", {{9, 150, 20}, {150, 40}, {150, 40}, {160, 20}, {160, 40}}, {1, 0, 0, shared, shared}, 1},
        // Elements in another order.
        {"pixel_shuffle", {{12, 8, 30, 30}}, {0}},
        // Linear algebra.
        {"inv", {{900, 9, 9}}, {0}}, {"det(near the identity)", {{900, 9, 9}}, {0}}, {"cholesky", {{900, 9, 9}}, {0}}, {"solve", {{900, 9, 9}, {900, 9, 4}}, {0, 0}},
    };
    return cases;
}

}  // namespace tests
