#include <doctest/doctest.h>

#include "support.hpp"

using namespace xgrad;
using tests::close;
using tests::error_of;
using tests::here;

namespace {

Tensor waves(const Shape& shape, double step, DType dtype) {
    return reshape(sin(arange(static_cast<double>(shape.size()), DType::f64) * step), shape).to(dtype);
}

/// As the definition says it.
Tensor plain_attention(const Tensor& q, const Tensor& k, const Tensor& v, bool causal) {
    Tensor scores = matmul(q, swapaxes(k, -1, -2)) / std::sqrt(static_cast<double>(q.shape(-1)));
    const auto rows = q.shape(-2), columns = k.shape(-2);
    if (causal)
        scores = where(
            less_equal(arange(static_cast<double>(columns)), reshape(arange(static_cast<double>(rows)), {rows, 1})),
            scores, -INFINITY);
    return matmul(softmax(scores), v);
}

}  // namespace

TEST_SUITE("attention") {
    TEST_CASE("attention in blocks is attention by its definition, forward and backward") {
        for (const bool causal : {false, true})
            for (const auto& [queries, keys] : {std::pair{200, 300}, {300, 200}, {128, 128}, {129, 257}, {1, 400}})
                for (const DType dtype : {DType::f32, DType::f64}) {
                    const std::int64_t rows = queries, columns = keys;
                    const Tensor q = waves({2, 3, rows, 16}, 1.7, dtype), k = waves({2, 3, columns, 16}, 2.3, dtype),
                                 v = waves({2, 3, columns, 24}, 0.9, dtype), u = waves({2, 3, rows, 24}, 1.1, dtype);
                    const auto value_and_gradients = [&](auto f) {
                        Tape tape;
                        const Tensors x{tape.watch(q * 4), tape.watch(k), tape.watch(v)};
                        const Tensor y = f(x[0], x[1], x[2]);
                        Tensors all = tape.gradient(y, x, {.cotangent = u});
                        all.push_back(stop_gradient(y));
                        return all;
                    };
                    const Tensors got = value_and_gradients([&](const Tensor& a, const Tensor& b, const Tensor& c) {
                        return scaled_dot_product_attention(a, b, c, {.causal = causal});
                    });
                    const Tensors expected =
                        value_and_gradients([&](const Tensor& a, const Tensor& b, const Tensor& c) {
                            return plain_attention(a, b, c, causal);
                        });
                    for (std::size_t i = 0; i < got.size(); ++i)
                        CHECK_MESSAGE(close(got[i], expected[i], dtype == DType::f32 ? 2e-5 : 1e-12),
                                      rows << " queries, " << columns << " keys, causal " << causal << ", "
                                           << name_of(dtype) << ", " << i);
                }
    }

    // One query and key that fit by far: the weight p of that key is 1 to the last bit, its slope p (1 - p) is not 0.
    TEST_CASE("the slope of a weight that rounds to 1 is the others' sum, in every block and in operations") {
        for (const std::int64_t keys : {2, 5, 16, 130, 400})
            for (const std::int64_t fits : {std::int64_t{0}, keys / 2, keys - 1})
                for (const bool composed : {false, true}) {
                    const double distance = 40 + std::log(static_cast<double>(keys));
                    const Tensor column = arange(static_cast<double>(keys), DType::f64);
                    const Tensor k = reshape(where(equal(column, fits), distance, column * 0), {keys, 1});
                    const Tensor v = reshape(where(equal(column, fits), 1.0, column * 0 + 3), {keys, 1});
                    Tape outer;
                    Tape tape;
                    const Tensor q =
                        tape.watch(composed ? outer.watch(ones({1, 1}, DType::f64)) : ones({1, 1}, DType::f64));
                    const Tensor slope = tape.gradient(sum(scaled_dot_product_attention(q, k, v)), q);
                    const double others = static_cast<double>(keys - 1) * std::exp(-distance);
                    CHECK_MESSAGE(close(slope / (-2 * distance * others), ones({1, 1}, DType::f64), 1e-12),
                                  keys << " keys, " << fits << " fits, composed " << composed << ": " << slope.item());
                }
    }

    TEST_CASE("huge scores do not overflow, and a NaN stays one") {
        const Tensor q = tensor({{1e20}, {-1e20}, {0.0}}), k = tensor({{1e20}, {-1e20}}), v = tensor({{1.0}, {2.0}});
        CHECK(close(scaled_dot_product_attention(q, k, v), tensor({{1.0}, {2.0}, {1.5}})));
        const Tensor bad = scaled_dot_product_attention(tensor({{std::nan("")}}), k, v);
        CHECK(std::isnan(bad.item()));
    }

    TEST_CASE("attention needs no memory for the scores") {
        const Tensor q = zeros({1, 1, 4096, 8});
        reset_peak_memory();
        const auto before = memory_stats().peak_bytes;
        Tape tape;
        const Tensor x = tape.watch(q);
        tape.gradient(sum(scaled_dot_product_attention(x, q, q)));
        CHECK(memory_stats().peak_bytes - before < 4096 * 4096);  // a quarter of what the scores alone would take
    }

    TEST_CASE("errors of attention name the rule and what came") {
        const Tensor q = zeros({3, 4}), k = zeros({5, 4}), v = zeros({5, 2});
        CHECK(error_of<ShapeError>([&] { scaled_dot_product_attention(q, v, v); }) ==
              "scaled_dot_product_attention: query, key and value must be (…, L, E), (…, S, E) and (…, S, V), got (3, "
              "4), (5, 2) and (5, 2)" +
                  here());
        CHECK(error_of<ShapeError>([&] { scaled_dot_product_attention(q, k, v, {.mask = zeros({5, 3})}); }) ==
              "scaled_dot_product_attention: the mask must broadcast to (3, 5), got (5, 3)" + here());
        CHECK(
            error_of<DTypeError>([&] { scaled_dot_product_attention(q, k, v.to(DType::f64)); }) ==
            "scaled_dot_product_attention: dtypes must agree, got f32 and f64 for the value (convert one with .to())" +
                here());
    }
}
