// The floor of a workload: the time of its matrix products alone, forward and backward, one after another on constants. "floor/<workload>".

#include <autodiff/autodiff.hpp>
#include <string>
#include <vector>

#include "side.hpp"

namespace {

using namespace xgrad;

/// `count` products (m,k)·(k,n), as a batch or one by one.
struct Product {
    std::int64_t m, k, n, count = 1;
    bool batched = false;
};

/// A product and those of its two gradients: (m,n)·(n,k) and (k,m)·(m,n).
void add_with_gradients(std::vector<Product>& all, const Product& p, bool input_needs_one = true) {
    all.push_back(p);
    if (input_needs_one) all.push_back({p.m, p.n, p.k, p.count, p.batched});
    all.push_back({p.k, p.m, p.n, p.count, p.batched});
}

/// A layer over the whole sequence: one product for all inputs and one for each step's state; all steps' weight gradients in one.
std::vector<Product> recurrent(int layers, std::int64_t gates, std::int64_t steps, std::int64_t batch, std::int64_t inputs,
                               std::int64_t hidden) {
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

std::vector<Product> transformer(int layers, std::int64_t tokens, std::int64_t batch, std::int64_t width, std::int64_t heads,
                                 std::int64_t feedforward) {
    std::vector<Product> all;
    const std::int64_t rows = tokens * batch, depth = width / heads;
    for (int layer = 0; layer < layers; ++layer) {
        add_with_gradients(all, {rows, width, 3 * width}, layer > 0);
        add_with_gradients(all, {tokens, depth, tokens, batch * heads, true});
        add_with_gradients(all, {tokens, tokens, depth, batch * heads, true});
        add_with_gradients(all, {rows, width, width});
        add_with_gradients(all, {rows, width, feedforward});
        add_with_gradients(all, {rows, feedforward, width});
    }
    return all;
}

/// A convolution as the products of its weight with each image's windows.
void add_convolution(std::vector<Product>& all, std::int64_t images, std::int64_t in, std::int64_t out, std::int64_t kernel,
                     std::int64_t pixels, bool input_needs_one) {
    const Product p{out, in * kernel * kernel, pixels, images, true};
    all.push_back(p);
    all.push_back({p.m, p.n, p.k, p.count, true});  // of the weight
    if (input_needs_one) all.push_back({p.k, p.m, p.n, p.count, true});  // of the windows
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

void add(const char* workload, const std::vector<Product>& products) {
    side::add((std::string("floor/") + workload).c_str(), [products](benchmark::State& state) {
        Generator generator(0);
        std::vector<std::pair<Tensor, Tensor>> factors;
        for (const Product& p : products) {
            const bool one = !p.batched;
            factors.emplace_back(randn(one ? Shape{p.m, p.k} : Shape{p.count, p.m, p.k}, generator),
                                 randn(one ? Shape{p.k, p.n} : Shape{p.count, p.k, p.n}, generator));
        }
        for (auto _ : state)
            for (std::size_t i = 0; i < products.size(); ++i)
                for (std::int64_t repeat = products[i].batched ? 1 : products[i].count; repeat > 0; --repeat)
                    benchmark::DoNotOptimize(matmul(factors[i].first, factors[i].second));
    });
}

}  // namespace

void add_floors() {
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
