#include <doctest/doctest.h>
#include <omp.h>

#include <autodiff/autodiff.hpp>
#include <autodiff/core/detail/trace.hpp>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <nn/nn.hpp>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "support.hpp"
#ifdef XGRAD_STATIC
#include <autodiff/kernels/bf16.hpp>
#include <autodiff/kernels/kernels.hpp>
#include <autodiff/ops/linalg/detail/gemm.hpp>
#endif

using namespace xgrad;

namespace {

/// The nearest number with 8 bits of significand, of two the one whose last bit is 0, by arithmetic alone.
float nearest_bf16(float x) {
    if (!std::isfinite(x) || x == 0) return x;
    int exponent;
    std::frexp(x, &exponent);
    const double unit = std::ldexp(1.0, std::max(exponent, -125) - 8),
                 steps = std::nearbyint(static_cast<double>(x) / unit);
    const double rounded = steps * unit;
    return std::abs(rounded) > 0x1.fep127 ? std::copysign(std::numeric_limits<float>::infinity(), x)
                                          : static_cast<float>(rounded);
}

Tensor rounded(const Tensor& x) {
    std::vector<float> values;
    for (const float v : x.data<float>()) values.push_back(nearest_bf16(v));
    return reshape(tensor(values), x.shape());
}

double norm_of(const Tensor& x) { return sqrt(sum(square(x.to(DType::f64)))).item(); }
double distance(const Tensor& a, const Tensor& b) {
    return norm_of(a.to(DType::f64) - b.to(DType::f64)) / (1e-30 + norm_of(b));
}
bool same_bits(const Tensor& a, const Tensor& b) {
    return a.shape() == b.shape() &&
           !std::memcmp(a.data<float>().data(), b.data<float>().data(), static_cast<std::size_t>(a.size()) * 4);
}

/// f under every way to multiply in bf16 that there is here.
template <class F>
void each_way(const F& f) {
#ifdef XGRAD_STATIC
    for (const char* name : {"none", "avx512", "amx"}) {
        if (!kernels::select_bf16(name)) continue;
        CAPTURE(std::string(name));
        f();
    }
    kernels::select_bf16("");
#else
    f();
#endif
}

/// A function that is linear in each of two tensors.
struct Bilinear {
    const char* name;
    std::function<Tensor(const Tensor& a, const Tensor& b)> f;
    Shape a, b;
};
const std::vector<Bilinear>& bilinear_functions() {
    static const std::vector<Bilinear> functions{
        {"matmul", [](const Tensor& a, const Tensor& b) { return matmul(a, b); }, {37, 70}, {70, 45}},
        {"matmul of a transpose",
         [](const Tensor& a, const Tensor& b) { return matmul(transpose(a), b); },
         {70, 37},
         {70, 45}},
        {"matmul, batches", [](const Tensor& a, const Tensor& b) { return matmul(a, b); }, {3, 1, 20, 33}, {4, 33, 17}},
        {"matmul of many rows", [](const Tensor& a, const Tensor& b) { return matmul(a, b); }, {300, 40}, {40, 1100}},
        {"matmul of a vector", [](const Tensor& a, const Tensor& b) { return matmul(a, b); }, {50}, {50, 30}},
        {"matmul, deep", [](const Tensor& a, const Tensor& b) { return matmul(a, b); }, {9, 1301}, {1301, 19}},
        {"linear", [](const Tensor& a, const Tensor& b) { return linear(a, b); }, {2, 30, 65}, {48, 65}},
        {"einsum",
         [](const Tensor& a, const Tensor& b) { return einsum("bij,bkj->bki", {a, b}); },
         {2, 9, 35},
         {2, 11, 35}},
        {"tensordot", [](const Tensor& a, const Tensor& b) { return tensordot(a, b, 2); }, {5, 6, 7}, {6, 7, 8}},
        {"conv1d",
         [](const Tensor& a, const Tensor& b) { return conv1d(a, b, Tensor(), {.padding = 2}); },
         {3, 6, 50},
         {20, 6, 5}},
        {"conv2d",
         [](const Tensor& a, const Tensor& b) { return conv2d(a, b, Tensor(), {.padding = 1}); },
         {4, 24, 13, 11},
         {36, 24, 3, 3}},
        {"conv2d, strided",
         [](const Tensor& a, const Tensor& b) { return conv2d(a, b, Tensor(), {.stride = 2, .padding = 1}); },
         {2, 5, 14, 15},
         {17, 5, 3, 3}},
        {"conv2d, dilated",
         [](const Tensor& a, const Tensor& b) { return conv2d(a, b, Tensor(), {.dilation = 2}); },
         {2, 5, 12, 13},
         {3, 5, 3, 3}},
        {"conv2d, groups",
         [](const Tensor& a, const Tensor& b) { return conv2d(a, b, Tensor(), {.padding = 1, .groups = 4}); },
         {2, 8, 9, 9},
         {12, 2, 3, 3}},
        {"conv2d of single pixels",
         [](const Tensor& a, const Tensor& b) { return conv2d(a, b); },
         {3, 40, 6, 6},
         {50, 40, 1, 1}},
        {"conv3d",
         [](const Tensor& a, const Tensor& b) { return conv3d(a, b, Tensor(), {.padding = 1}); },
         {1, 4, 5, 6, 7},
         {18, 4, 3, 3, 3}},
        {"conv_transpose2d",
         [](const Tensor& a, const Tensor& b) { return conv_transpose2d(a, b, Tensor(), {.stride = 2, .padding = 1}); },
         {2, 10, 7, 8},
         {10, 17, 3, 3}}};
    return functions;
}

/// y, and the cotangents of a and b for u.
struct Result {
    Tensor y, a, b;
};
Result run(const Bilinear& p, const Tensor& a0, const Tensor& b0, const Tensor& u) {
    Tape tape;
    const Tensor a = tape.watch(a0), b = tape.watch(b0), y = p.f(a, b);
    const Tensors g = tape.gradient(y, {a, b}, {.cotangent = u});
    return {y, g[0], g[1]};
}

}  // namespace

TEST_SUITE("autocast") {
    TEST_CASE("values and both gradients of every product are those of rounded operands") {
        each_way([] {
            Generator generator(3);
            for (const Bilinear& p : bilinear_functions()) {
                CAPTURE(std::string(p.name));
                const Tensor a = randn(p.a, generator), b = randn(p.b, generator),
                             u = randn(p.f(a, b).shape(), generator);
                const auto doubled = [](const Tensor& x) { return rounded(x).to(DType::f64); };
                const Result want = run(p, doubled(a), doubled(b), doubled(u));
                const Result got = [&] {
                    const Autocast bf16;
                    return run(p, a, b, u);
                }();
                CHECK(got.y.dtype() == DType::f32);
                CHECK(distance(got.y, want.y) < 1e-6);
                CHECK(distance(got.a, want.a) < 1e-6);
                CHECK(distance(got.b, want.b) < 1e-6);
                CHECK(distance(run(p, a, b, u).y, want.y) > 1e-4);  // without the scope nothing is rounded
            }
        });
    }

    TEST_CASE("second derivatives are products of rounded operands, too") {
        each_way([] {
            Generator generator(4);
            for (const Bilinear& p : bilinear_functions()) {
                CAPTURE(std::string(p.name));
                const Tensor a0 = randn(p.a, generator), b0 = randn(p.b, generator),
                             u0 = randn(p.f(a0, b0).shape(), generator), v = randn(p.a, generator);
                // <v, pull(u, b)> = <f(v, b), u>
                Tape outer;
                const Tensor b = outer.watch(b0), u = outer.watch(u0);
                const Tensor ga = [&] {
                    Tape inner;
                    const Tensor a = inner.watch(a0);
                    const Autocast bf16;
                    return inner.gradient(p.f(a, b), a, {.cotangent = u});
                }();
                const Tensors g = outer.gradient(ga, {b, u}, {.cotangent = v});
                const auto doubled = [](const Tensor& x) { return rounded(x).to(DType::f64); };
                const Result want = run(p, doubled(v), doubled(b0), doubled(u0));
                CHECK(distance(g[0], want.b) < 1e-6);
                CHECK(distance(g[1], want.y) < 1e-6);
            }
        });
    }

    TEST_CASE("the way back multiplies as the way forward did, wherever it runs") {
        Generator generator(5);
        for (const Bilinear& p : bilinear_functions()) {
            CAPTURE(std::string(p.name));
            const Tensor a0 = randn(p.a, generator), b0 = randn(p.b, generator),
                         u = randn(p.f(a0, b0).shape(), generator);
            const auto gradient = [&](Precision forward, Precision backward) {
                Tape tape;
                const Tensor a = tape.watch(a0), b = tape.watch(b0);
                const Tensor y = [&] {
                    const Autocast scope(forward);
                    return p.f(a, b);
                }();
                const Autocast scope(backward);
                return tape.gradient(y, b, {.cotangent = u});
            };
            CHECK(same_bits(gradient(Precision::bf16, Precision::full), gradient(Precision::bf16, Precision::bf16)));
            CHECK(same_bits(gradient(Precision::full, Precision::full), gradient(Precision::full, Precision::bf16)));
            CHECK_FALSE(
                same_bits(gradient(Precision::bf16, Precision::full), gradient(Precision::full, Precision::full)));
        }
    }

    TEST_CASE("scopes nest, end with an exception, and belong to their thread") {
        CHECK(current_precision() == Precision::full);
        {
            const Autocast outer;
            CHECK(current_precision() == Precision::bf16);
            {
                const Autocast inner(Precision::full);
                CHECK(current_precision() == Precision::full);
            }
            CHECK(current_precision() == Precision::bf16);
            Precision elsewhere = Precision::bf16;
            std::thread([&] { elsewhere = current_precision(); }).join();
            CHECK(elsewhere == Precision::full);
        }
        CHECK_THROWS_AS(
            [] {
                const Autocast bf16;
                matmul(zeros({2, 3}), zeros({2, 3}));
            }(),
            ShapeError);
        CHECK(current_precision() == Precision::full);
    }

    TEST_CASE("f64, integers and operations that are no products are left alone") {
        Generator generator(6);
        const Tensor a = randn({20, 40}, generator, DType::f64), b = randn({40, 20}, generator, DType::f64);
        const Tensor x = randn({64}, generator), i = randint(-5, 5, {8, 8}, generator);
        const Tensor rows = randn({20, 30}, generator), right = randn({30, 2}, generator),
                     matrix = randn({16, 16}, generator);
        const Tensor q = randn({2, 2, 12, 16}, generator), theta = randn({2, 2, 3}, generator),
                     gradient = randn({12, 20}, generator);
        const Tensor covariance = matmul(matrix, transpose(matrix)) + eye(16);
        const auto all = [&] {
            nn::manual_seed(1);
            std::vector<Parameter> parameters{Parameter(gradient)};
            nn::Muon muon({.lr = 0.1});
            muon.step(parameters, {gradient});
            nn::SpectralNorm norm(nn::Linear(20, 12));
            Generator own(2);
            const distributions::MultivariateNormal normal(zeros({16}), {.covariance_matrix = covariance});
            return Tensors{matmul(a, b),
                           exp(x) * x,
                           softmax(x, 0),
                           matmul(i, i),
                           cov(rows),
                           corrcoef(rows),
                           affine_grid(theta, {2, 1, 9, 9}),
                           inv(matrix),
                           pinv(rows),
                           lstsq(transpose(rows), right).solution,
                           scaled_dot_product_attention(q, q, q),
                           attention_weights(q, q),
                           outer(x, x),
                           parameters[0].value(),
                           norm.weight(),
                           normal.rsample({3}, own),
                           normal.covariance_matrix(),
                           normal.precision_matrix()};
        };
        const Tensors plain = all();
        const Autocast bf16;
        const Tensors inside = all();
        for (std::size_t k = 0; k < plain.size(); ++k) {
            CAPTURE(k);
            CHECK(tests::close(plain[k], inside[k], 0));
        }
    }

    TEST_CASE("rounding is to nearest, ties to even; NaN and infinities stay what they are") {
#ifdef XGRAD_STATIC
        std::mt19937 random(8);
        std::vector<float> values{0.0f,          -0.0f,    1.0f,           1.00390625f, 1.01171875f, -1.00390625f,
                                  3.4028235e38f, 3.38e38f, -3.4028235e38f, 1e-40f,      0x1p-133f};
        for (int i = 0; i < 5000; ++i) {
            std::uint32_t bits = static_cast<std::uint32_t>(random());
            if (i % 3 == 0) bits = (bits & 0xffff0000) | 0x8000;  // ties
            float x;
            std::memcpy(&x, &bits, 4);
            if (std::isfinite(x)) values.push_back(x);
        }
        const std::string own = kernels::active().isa;
        for (const char* isa : {"baseline", "avx2", "avx512"}) {
            if (!kernels::select(isa)) continue;
            CAPTURE(isa);
            const Tensor got = detail::rounded_to_bf16(values.data(), static_cast<std::int64_t>(values.size()));
            int wrong = 0;
            for (std::size_t i = 0; i < values.size(); ++i) {
                const float want = nearest_bf16(values[i]), have = got.data<float>()[i];
                wrong += std::memcmp(&want, &have, 4) != 0;
            }
            CHECK(wrong == 0);
        }
        kernels::select(own.c_str());
#endif
        each_way([] {
            const float nan = std::numeric_limits<float>::quiet_NaN(),
                        infinite = std::numeric_limits<float>::infinity();
            std::uint32_t low_bits = 0x7f800001;  // a NaN that would become an infinity if it were cut off
            float odd_nan;
            std::memcpy(&odd_nan, &low_bits, 4);
            for (const float bad : {nan, odd_nan}) {
                std::vector<float> elements(33 * 40, 1.0f);
                elements[5] = bad;
                elements[40] = infinite;
                const Autocast bf16;
                const Tensor y = matmul(reshape(tensor(elements), {33, 40}), full({40, 20}, 0.5, DType::f32));
                CHECK(std::isnan(y.data<float>()[0]));
                CHECK(y.data<float>()[20] == infinite);
                CHECK(y.data<float>()[40] == 20);
                CHECK(y.data<float>()[659] == 20);
            }
        });
    }

    TEST_CASE("linear adds its bias unrounded, and empty operands give empty or zero results") {
        each_way([] {
            Generator generator(9);
            const Tensor x = randn({19, 34}, generator), w = randn({21, 34}, generator), bias = randn({21}, generator);
            const Autocast bf16;
            CHECK(distance(linear(x, w, bias), linear(x, w).to(DType::f64) + bias.to(DType::f64)) < 1e-7);
            CHECK(matmul(zeros({0, 5}), zeros({5, 4})).shape() == Shape{0, 4});
            CHECK(norm_of(matmul(zeros({3, 0}), zeros({0, 4}))) == 0);
            CHECK(tests::close(linear(zeros({3, 0}), zeros({21, 0}), bias), broadcast_to(bias, {3, 21}), 0));
        });
    }

    TEST_CASE("what attention gives does not depend on whether its weights are wanted") {
        nn::manual_seed(3);
        nn::MultiheadAttention attention(32, 4);
        nn::eval(attention);
        Generator generator(16);
        const Tensor x = randn({2, 9, 32}, generator);
        const Autocast bf16;
        const Tensor fused = attention(x, {.need_weights = false}).output,
                     composed = attention(x, {.need_weights = true}).output;
        CHECK(distance(composed, fused) < 1e-6 * 40);  // rounding of what comes in to the last projection
    }

    TEST_CASE("each row of a product has the same bits, whatever rows and columns are beside it") {
#ifdef XGRAD_STATIC
        each_way([] {
            if (!kernels::bf16()) return;
            Generator generator(17);
            for (const std::int64_t k : {40, 1200}) {
                const Tensor x = randn({70, k}, generator), w = randn({64, k}, generator),
                             bias = randn({64}, generator);
                const Autocast bf16;
                const Tensor all = linear(x, w, bias);
                for (const std::int64_t rows : {16, 17, 31, 33, 50})
                    for (const std::int64_t columns : {16, 20, 63})
                        CHECK(
                            same_bits(linear(slice(x, 0, 0, rows), slice(w, 0, 0, columns), slice(bias, 0, 0, columns)),
                                      slice(slice(all, 0, 0, rows), 1, 0, columns)));
            }
        });
#endif
    }

    TEST_CASE("one thread and two give the same bits") {
        each_way([] {
#ifdef XGRAD_STATIC
            if (kernels::active().isa == std::string("baseline"))
                return;  // multiplies by OpenBLAS, which promises nothing
#endif
            const int before = omp_get_max_threads();
            Generator generator(10);
            for (const Bilinear& p : {bilinear_functions()[0], bilinear_functions()[3], bilinear_functions()[10],
                                      Bilinear{"large",
                                               [](const Tensor& a, const Tensor& b) { return matmul(a, b); },
                                               {200, 250},
                                               {250, 300}}}) {
                CAPTURE(std::string(p.name));
                const Tensor a = randn(p.a, generator), b = randn(p.b, generator),
                             u = randn(p.f(a, b).shape(), generator);
                const Autocast bf16;
                omp_set_num_threads(1);
                const Result one = run(p, a, b, u);
                omp_set_num_threads(2);
                const Result two = run(p, a, b, u);
                omp_set_num_threads(before);
                CHECK(same_bits(one.y, two.y));
                CHECK(same_bits(one.a, two.a));
                if (std::string(p.name).find("conv") == std::string::npos) CHECK(same_bits(one.b, two.b));
            }
        });
    }

    TEST_CASE("the precision is an attribute: run again from what was written, a product gives the same bits") {
        Generator generator(11);
        for (const Bilinear& p : bilinear_functions()) {
            CAPTURE(std::string(p.name));
            const Tensor a = randn(p.a, generator), b = randn(p.b, generator), u = randn(p.f(a, b).shape(), generator);
            const detail::Trace trace;
            {
                const Autocast bf16;
                run(p, a, b, u);
            }
            int products = 0;
            for (const auto& traced : trace.runs) {
                if (!traced.operation.is_data()) continue;
                const std::string written = to_json(traced.operation.attributes());
                products += written.find("\"precision\":\"bf16\"") != std::string::npos;
                const auto again = traced.operation.with(attributes_from_json(written)).run(traced.inputs);
                if (traced.outputs[0].dtype() == DType::f32 && traced.outputs[0].size() > 0)
                    CHECK(same_bits(again[0], traced.outputs[0]));
            }
            CHECK(products == 3);
        }
    }

    TEST_CASE("checkpoint and fixed_point go back as they went forward") {
        Generator generator(12);
        const Tensor x0 = randn({8, 40}, generator), w0 = 0.05 * randn({40, 40}, generator);
        const auto gradient = [&](auto f) {
            Tape tape;
            const Tensor x = tape.watch(x0), w = tape.watch(w0);
            const Tensor y = [&] {
                const Autocast bf16;
                return f(x, w);
            }();
            return tape.gradient(sum(square(y)), w);
        };
        const auto block = [](const Tensor& x, const Tensor& w) { return tanh(matmul(tanh(matmul(x, w)), w)); };
        CHECK(same_bits(gradient(block), gradient([&](const Tensor& x, const Tensor& w) {
                            return checkpoint([&](const Tensor& in) { return block(in, w); }, x);
                        })));
        const Tensor implicit = gradient([&](const Tensor& x, const Tensor& w) {
            return fixed_point([=](const Tensor& y) { return tanh(matmul(y, w) + x); }, zeros({8, 40}),
                               {.tolerance = 2e-3});  // where rounding lets it settle
        });
        const Tensor unrolled = gradient([&](const Tensor& x, const Tensor& w) {
            Tensor y = zeros({8, 40});
            for (int i = 0; i < 30; ++i) y = tanh(matmul(y, w) + x);
            return y;
        });
        CHECK(distance(implicit, unrolled) < 1e-2);
    }

    TEST_CASE("recurrent layers multiply their inputs in bf16, their states in f32") {
        each_way([] {
            Generator generator(13);
            const nn::LSTM lstm(24, 20);
            const nn::GRU gru(24, 20);
            const Tensor x0 = randn({7, 5, 24}, generator);
            const auto check = [&](const auto& layer) {
                const auto both = [&](const Tensor& in, bool again) {
                    Tape outer;
                    const Tensor x = outer.watch(in);
                    Tape tape;
                    const Tensor y = sum(square(layer(x).output));
                    return again ? tape.gradient(y, x) : outer.gradient(y, x);
                };
                const Tensor exact = both(x0, false);
                const Autocast bf16;
                const Tensor fused = both(x0, false), composed = both(x0, true);
                CHECK(distance(fused, composed) < 4e-3);  // the cotangents of the gates differ in their last bits,
                                                          // hence some are rounded to another side
                CHECK(distance(fused, exact) < 1e-2);
                CHECK(distance(fused, exact) > 1e-4);
            };
            check(lstm);
            check(gru);
        });
    }

    TEST_CASE("a network learns in bf16 what it learns in f32") {
        struct Net {
            nn::Conv2d conv{1, 16, 3, {.padding = 1}};
            nn::Linear hidden{16 * 16, 64}, out{64, 4};
            Tensor operator()(const Tensor& x) const {
                return out(relu(hidden(flatten(max_pool2d(relu(conv(x)), 2), 1))));
            }
            XGRAD_FIELDS(conv, hidden, out)
        };
        each_way([] {
            const auto losses = [](Precision precision) {
                manual_seed(14);
                Generator generator(15);
                Net net;
                nn::Adam adam({.lr = 2e-3});
                const Tensor x = randn({64, 1, 8, 8}, generator);
                const Tensor y = argmax(matmul(flatten(x, 1), randn({64, 4}, generator)), 1);  // a teacher's answers
                std::vector<double> all;
                for (int step = 0; step < 60; ++step) {
                    Tape tape;
                    const Tensor loss = [&] {
                        const Autocast scope(precision);
                        return nn::cross_entropy(net(x), y);
                    }();
                    adam.step(net, tape.gradient(loss));
                    all.push_back(loss.item());
                }
                return all;
            };
            const auto full = losses(Precision::full), bf16 = losses(Precision::bf16);
            CHECK(full.back() < 0.2 * full.front());
            for (std::size_t i = 0; i < full.size(); ++i) CHECK(std::abs(bf16[i] - full[i]) < 0.01 * full.front());
            CHECK(bf16 != full);
        });
    }
}
