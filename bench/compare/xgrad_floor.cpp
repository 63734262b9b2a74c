// The floor of a workload: the time that the multiplications of its products take, forward and backward, at the
// processor's peak, which is measured in the same process. "floor/<workload>".

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "../peak.hpp"
#include "side.hpp"

namespace {

/// `count` products (m,k)·(k,n).
struct Product {
    std::int64_t m, k, n, count = 1;
    double operations() const { return 2.0 * static_cast<double>(m * k * n * count); }
};

/// A product and those of its two gradients: (m,n)·(n,k) and (k,m)·(m,n).
void add_with_gradients(std::vector<Product>& all, const Product& p, bool input_needs_one = true) {
    all.push_back(p);
    if (input_needs_one) all.push_back({p.m, p.n, p.k, p.count});
    all.push_back({p.k, p.m, p.n, p.count});
}

/// A layer over the whole sequence: one product for all inputs and one per step for the state; the weight gradients of
/// all steps in one.
std::vector<Product> recurrent(int layers, std::int64_t gates, std::int64_t steps, std::int64_t batch,
                               std::int64_t inputs, std::int64_t hidden) {
    std::vector<Product> all;
    for (int layer = 0; layer < layers; ++layer) {
        const std::int64_t width = gates * hidden, in = layer ? hidden : inputs;
        add_with_gradients(all, {steps * batch, in, width}, layer > 0);
        all.push_back({batch, hidden, width, steps});
        all.push_back({batch, width, hidden, steps});
        all.push_back({hidden, steps * batch, width});
    }
    return all;
}

std::vector<Product> lstm_primitives(std::int64_t steps, std::int64_t batch, std::int64_t hidden) {
    std::vector<Product> all;
    add_with_gradients(all, {batch, hidden, 4 * hidden, steps}, false);
    add_with_gradients(all, {batch, hidden, 4 * hidden, steps});
    return all;
}

std::vector<Product> transformer(int layers, std::int64_t tokens, std::int64_t batch, std::int64_t width,
                                 std::int64_t heads, std::int64_t feedforward) {
    std::vector<Product> all;
    const std::int64_t rows = tokens * batch, depth = width / heads;
    for (int layer = 0; layer < layers; ++layer) {
        add_with_gradients(all, {rows, width, 3 * width}, layer > 0);
        add_with_gradients(all, {tokens, depth, tokens, batch * heads});
        add_with_gradients(all, {tokens, tokens, depth, batch * heads});
        add_with_gradients(all, {rows, width, width});
        add_with_gradients(all, {rows, width, feedforward});
        add_with_gradients(all, {rows, feedforward, width});
    }
    return all;
}

/// A convolution as the products of its weight with each image's windows.
void add_convolution(std::vector<Product>& all, std::int64_t images, std::int64_t in, std::int64_t out,
                     std::int64_t kernel, std::int64_t pixels, bool input_needs_one) {
    const Product p{out, in * kernel * kernel, pixels, images};
    all.push_back(p);
    all.push_back({p.m, p.n, p.k, p.count});  // gradient of the weight
    if (input_needs_one) all.push_back({p.k, p.m, p.n, p.count});  // gradient of the windows
}

std::vector<Product> lenet(bool classifies) {
    std::vector<Product> all;
    add_convolution(all, 64, 1, 8, 5, 784, false);
    add_convolution(all, 64, 8, 16, 5, 196, true);
    if (classifies) add_with_gradients(all, {64, 784, 10});
    return all;
}

std::vector<Product> convblock() {
    std::vector<Product> all;
    add_convolution(all, 16, 32, 64, 3, 1024, false);
    add_convolution(all, 16, 64, 64, 3, 1024, true);
    return all;
}

std::vector<Product> mlp(std::int64_t batch, const std::vector<std::int64_t>& sizes) {
    std::vector<Product> all;
    for (std::size_t i = 0; i + 1 < sizes.size(); ++i) add_with_gradients(all, {batch, sizes[i], sizes[i + 1]}, i > 0);
    return all;
}

std::vector<Product> attention(std::int64_t tokens) {
    std::vector<Product> all;
    add_with_gradients(all, {tokens, 32, tokens, 64});
    add_with_gradients(all, {tokens, tokens, 32, 64});
    return all;
}

/// Operations per second of all threads together: the best of a few tries.
double peak() {
    static const double best = [] {
        double most = 0;
        for (int i = 0; i < 20; ++i) {
            using Clock = std::chrono::steady_clock;
            const auto begin = Clock::now();
            double operations = 0;
            for (int j = 0; j < 400; ++j) operations += run_fused_chains();
            most = std::max(most, operations / std::chrono::duration<double>(Clock::now() - begin).count());
        }
        return most * omp_get_max_threads();
    }();
    return best;
}

void add(const char* workload, const std::vector<Product>& products) {
    double operations = 0;
    for (const Product& p : products) operations += p.operations();
    benchmark::RegisterBenchmark((std::string("floor/") + workload).c_str(),
                                 [operations](benchmark::State& state) {
                                     for (auto _ : state) state.SetIterationTime(operations / peak());
                                 })
        ->UseManualTime()
        ->Unit(benchmark::kMicrosecond);
}

}  // namespace

void add_floors();
void add_floors() {
    add("mlp_784_256_10_b64_sgd", mlp(64, {784, 256, 10}));
    add("mlp_784_256_10_b64_adam", mlp(64, {784, 256, 10}));
    add("mlp_784_512_512_10_b128_adam", mlp(128, {784, 512, 512, 10}));
    add("mlp_1024x3_b256_sgd", mlp(256, {1024, 1024, 1024, 1024}));
    add("matmul_256", {{256, 256, 256, 3}});
    add("attention_64", attention(64));
    add("attention_512", attention(512));
    add("lstm_T35_B20_I200_H200_L2", recurrent(2, 4, 35, 20, 200, 200));
    add("gru_T35_B20_I200_H200_L2", recurrent(2, 3, 35, 20, 200, 200));
    add("rnn_T35_B20_I200_H200_L1", recurrent(1, 1, 35, 20, 200, 200));
    add("lstm_T50_B1_I16_H32", recurrent(1, 4, 50, 1, 16, 32));
    add("lstm_primitives_T35_B20_H200", lstm_primitives(35, 20, 200));
    add("transformer_2L_64x16_d128", transformer(2, 64, 16, 128, 4, 512));
    add("conv2d_lenet", lenet(false));
    add("lenet_b64_adam", lenet(true));
    add("convblock", convblock());
}
