// The workloads of the comparison, written for xgrad as its own documentation would write them.

#include <autodiff/autodiff.hpp>
#include <autodiff/kernels/kernels.hpp>
#include <autodiff/ops/linalg/detail/gemm.hpp>
#include <cmath>
#include <nn/nn.hpp>

#include "side.hpp"

namespace {

using namespace xgrad;

Generator generator(0);

Tensor chain(const Tensor& x, const Tensor& w, const Tensor& b) {
    Tensor y = x;
    for (int i = 0; i < 1000; ++i) y = tanh(y * w + b);
    return y;
}

void chain_backward(benchmark::State& state, int n) {
    const Parameter w = rand({n}, generator), b = rand({n}, generator);
    const Tensor x = rand({n}, generator);
    for (auto _ : state) {
        Tape tape;
        benchmark::DoNotOptimize(tape.gradient(sum(chain(x, w, b))));
    }
}

void chain_forward(benchmark::State& state, int n) {
    const Parameter w = rand({n}, generator), b = rand({n}, generator);
    const Tensor x = rand({n}, generator);
    for (auto _ : state) benchmark::DoNotOptimize(chain(x, w, b));
}

using side::Products;
Precision precision_of(Products products) { return products == Products::bf16 ? Precision::bf16 : Precision::full; }

template <class Net, class Optimizer, class Loss>
void train(benchmark::State& state, Net& net, Optimizer optimizer, Loss loss, Products products = Products::f32) {
    for (auto _ : state) {
        Tape tape;
        const Tensor value = [&] {
            const Autocast scope(precision_of(products));
            return loss(net);
        }();
        optimizer.step(net, tape.gradient(value));
    }
}

struct Xor {
    nn::Linear fc1{2, 4}, fc2{4, 1};
    Tensor operator()(const Tensor& x) const { return tanh(fc2(tanh(fc1(x)))); }
    XGRAD_FIELDS(fc1, fc2)
};

void xor_step(benchmark::State& state) {
    Xor net;
    const Tensor x = rand({4, 2}, generator), y = rand({4, 1}, generator);
    train(state, net, nn::SGD({.lr = 0.1}), [&](const Xor& model) { return nn::mse_loss(model(x), y); });
}

struct Mlp2 {
    nn::Linear fc1, fc2;
    Tensor operator()(const Tensor& x) const { return fc2(relu(fc1(x))); }
    XGRAD_FIELDS(fc1, fc2)
};

struct Mlp3 {
    nn::Linear fc1, fc2, fc3;
    Tensor operator()(const Tensor& x) const { return fc3(relu(fc2(relu(fc1(x))))); }
    XGRAD_FIELDS(fc1, fc2, fc3)
};

template <class Net, class Optimizer>
void classify(benchmark::State& state, Net net, int batch, int inputs, int classes, Optimizer optimizer,
              Products products = Products::f32) {
    const Tensor x = randn({batch, inputs}, generator), y = randint(0, classes, {batch}, generator);
    train(state, net, std::move(optimizer), [&](const Net& model) { return nn::cross_entropy(model(x), y); }, products);
}

void elementwise(benchmark::State& state) {
    const Tensor x0 = randn({1 << 20}, generator);
    for (auto _ : state) {
        Tape tape;
        const Tensor x = tape.watch(x0);
        benchmark::DoNotOptimize(tape.gradient(sum(tanh(x * x + 0.5 * x) * exp(-x * x))));
    }
}

void softmax_rows(benchmark::State& state) {
    const Tensor x0 = randn({512, 1024}, generator);
    for (auto _ : state) {
        Tape tape;
        const Tensor x = tape.watch(x0);
        benchmark::DoNotOptimize(tape.gradient(sum(square(softmax(x, 1)))));
    }
}

using side::Cotangent;

template <class F>
void pull_back(benchmark::State& state, const Tensors& inputs, Cotangent cotangent, F f) {
    const Tensor y0 = f(inputs), u = randn(y0.shape(), generator, y0.dtype());
    for (auto _ : state) {
        Tape tape;
        Tensors x;
        for (const Tensor& input : inputs) x.push_back(tape.watch(input));
        const Tensor y = f(x);
        benchmark::DoNotOptimize(cotangent == Cotangent::ones ? tape.gradient(sum(y))
                                                              : tape.gradient(y, {.cotangent = u}));
    }
}

void bias_add(benchmark::State& state, Cotangent cotangent) {
    pull_back(state, {randn({512, 1024}, generator), randn({1024}, generator)}, cotangent,
              [](const Tensors& x) { return x[0] + x[1]; });
}

void matmul_square(benchmark::State& state, Cotangent cotangent) {
    pull_back(state, {randn({256, 256}, generator), randn({256, 256}, generator)}, cotangent,
              [](const Tensors& x) { return matmul(x[0], x[1]); });
}

void gather_rows(benchmark::State& state, Cotangent cotangent) {
    const Tensor indices = randint(0, 1024, {512, 1024}, generator);
    pull_back(state, {randn({512, 1024}, generator)}, cotangent,
              [&](const Tensors& x) { return gather(x[0], 1, indices); });
}

void embedding_rows(benchmark::State& state, Cotangent cotangent) {
    const Tensor indices = randint(0, 10000, {2048}, generator);
    pull_back(state, {randn({10000, 128}, generator)}, cotangent,
              [&](const Tensors& x) { return embedding(indices, x[0]); });
}

/// Forward, mean of squares of the output, backward.
template <class F>
void squares(benchmark::State& state, F output) {
    for (auto _ : state) {
        Tape tape;
        benchmark::DoNotOptimize(tape.gradient(mean(square(output()))));
    }
}

template <class Layer>
void recurrent(benchmark::State& state, const Layer& layer, int steps, int batch) {
    const Tensor x = randn({steps, batch, layer.input_size()}, generator);
    squares(state, [&] { return layer(x).output; });
}

/// One LSTM layer written with primitives, without nn::LSTM.
void lstm_primitives(benchmark::State& state, int steps, int batch, int hidden) {
    const Tensor x = randn({steps, batch, hidden}, generator);
    const Parameter w = 0.05 * randn({hidden, 4 * hidden}, generator),
                    u = 0.05 * randn({hidden, 4 * hidden}, generator), b = zeros({4 * hidden});
    squares(state, [&] {
        Tensor h = zeros({batch, hidden}), c = h;
        Tensors outputs;
        for (int t = 0; t < steps; ++t) {
            const Tensors gates = split(matmul(select(x, 0, t), w) + matmul(h, u) + b, 4, 1);
            c = sigmoid(gates[1]) * c + sigmoid(gates[0]) * tanh(gates[2]);
            h = sigmoid(gates[3]) * tanh(c);
            outputs.push_back(h);
        }
        return stack(outputs);
    });
}

void transformer(benchmark::State& state, Products products) {
    const nn::TransformerEncoder encoder(nn::TransformerEncoderLayer(128, 4, {.dim_feedforward = 512, .dropout = 0}),
                                         2);
    const Tensor x = randn({64, 16, 128}, generator);
    const Autocast scope(precision_of(products));
    squares(state, [&] { return encoder(x); });
}

void layernorm(benchmark::State& state) {
    const Tensor x0 = randn({512, 1024}, generator), w0 = randn({1024}, generator), b0 = randn({1024}, generator);
    for (auto _ : state) {
        Tape tape;
        const Tensor x = tape.watch(x0), w = tape.watch(w0), b = tape.watch(b0);
        benchmark::DoNotOptimize(tape.gradient(sum(square(layer_norm(x, {1024}, w, b)))));
    }
}

/// Two layers of a small convolutional network.
void conv2d_lenet(benchmark::State& state) {
    const Tensor x = randn({64, 1, 28, 28}, generator);
    const Parameter w1 = randn({8, 1, 5, 5}, generator), b1 = randn({8}, generator),
                    w2 = randn({16, 8, 5, 5}, generator), b2 = randn({16}, generator);
    for (auto _ : state) {
        Tape tape;
        const Tensor h = max_pool2d(relu(conv2d(x, w1, b1, {.padding = 2})), 2);
        benchmark::DoNotOptimize(tape.gradient(mean(square(max_pool2d(relu(conv2d(h, w2, b2, {.padding = 2})), 2)))));
    }
}

struct Lenet {
    Parameter w1 = 0.1 * randn({8, 1, 5, 5}, generator), b1 = zeros({8}), w2 = 0.1 * randn({16, 8, 5, 5}, generator),
              b2 = zeros({16});
    nn::Linear fc{784, 10};
    Tensor operator()(const Tensor& x) const {
        const Tensor h = max_pool2d(relu(conv2d(x, w1, b1, {.padding = 2})), 2);
        return fc(flatten(max_pool2d(relu(conv2d(h, w2, b2, {.padding = 2})), 2), 1));
    }
    XGRAD_FIELDS(w1, b1, w2, b2, fc)
};

void lenet_adam(benchmark::State& state) {
    Lenet net;
    const Tensor x = randn({64, 1, 28, 28}, generator), y = randint(0, 10, {64}, generator);
    train(state, net, nn::Adam({.lr = 1e-3}), [&](const Lenet& model) { return nn::cross_entropy(model(x), y); });
}

/// One step on 10 million parameters in 100 tensors.
void adam_10m(benchmark::State& state) {
    std::vector<Parameter> parameters;
    Tensors gradients;
    for (int i = 0; i < 100; ++i) {
        parameters.emplace_back(randn({100, 1000}, generator));
        gradients.push_back(randn({100, 1000}, generator));
    }
    nn::Adam adam({.lr = 1e-3});
    adam.step(parameters, gradients);  // creates the moments
    for (auto _ : state) adam.step(parameters, gradients);
}

void convblock(benchmark::State& state, Products products) {
    const Tensor x = randn({16, 32, 32, 32}, generator), none;
    const Parameter w1 = randn({64, 32, 3, 3}, generator), w2 = randn({64, 64, 3, 3}, generator), gamma1 = ones({64}),
                    gamma2 = ones({64}), beta1 = zeros({64}), beta2 = zeros({64});
    const Autocast scope(precision_of(products));
    Tensor mean1 = zeros({64}), var1 = ones({64}), mean2 = mean1, var2 = var1;
    for (auto _ : state) {
        Tape tape;
        const BatchNormResult one =
            batch_norm(conv2d(x, w1, none, {.padding = 1}), mean1, var1, gamma1, beta1, {.training = true});
        const BatchNormResult two =
            batch_norm(conv2d(relu(one.y), w2, none, {.padding = 1}), mean2, var2, gamma2, beta2, {.training = true});
        mean1 = one.running_mean, var1 = one.running_var, mean2 = two.running_mean, var2 = two.running_var;
        benchmark::DoNotOptimize(tape.gradient(mean(square(relu(two.y)))));
    }
}

void attention(benchmark::State& state, int tokens) {
    const Shape shape{16, 4, tokens, 32};
    const Tensor q0 = randn(shape, generator), k0 = randn(shape, generator), v0 = randn(shape, generator);
    for (auto _ : state) {
        Tape tape;
        const Tensor q = tape.watch(q0), k = tape.watch(k0), v = tape.watch(v0);
        benchmark::DoNotOptimize(tape.gradient(sum(square(scaled_dot_product_attention(q, k, v)))));
    }
}

/// f(x) for a matrix x.
template <class F>
void along_rows(benchmark::State& state, F f) {
    pull_back(state, {randn({512, 1024}, generator)}, Cotangent::varies, [&](const Tensors& x) { return f(x[0]); });
}

// In double precision, as linear algebra mostly needs.
void cholesky_square(benchmark::State& state) {
    const Tensor x = randn({256, 256}, generator, DType::f64), a = matmul(x, transpose(x)) + 256 * eye(256, DType::f64);
    pull_back(state, {a}, Cotangent::varies, [](const Tensors& in) { return cholesky(in[0]); });
}

void solve_square(benchmark::State& state) {
    const Tensor a = randn({256, 256}, generator, DType::f64) + 32 * eye(256, DType::f64),
                 b = randn({256, 256}, generator, DType::f64);
    pull_back(state, {a, b}, Cotangent::varies, [](const Tensors& in) { return solve(in[0], in[1]); });
}

}  // namespace

void map_elementwise(benchmark::State& state);  // in xgrad_map.cpp
void add_floors();                              // in xgrad_floor.cpp

int main(int argc, char** argv) {
    side::add("chain_n1", [](auto& state) { chain_backward(state, 1); });
    side::add("chain_n16", [](auto& state) { chain_backward(state, 16); });
    side::add("chain_n256", [](auto& state) { chain_backward(state, 256); });
    side::add("chain_n16_forward", [](auto& state) { chain_forward(state, 16); });
    side::add("xor_step", xor_step);
    side::add("mlp_784_256_10_b64_sgd",
              [](auto& state) { classify(state, Mlp2{{784, 256}, {256, 10}}, 64, 784, 10, nn::SGD({.lr = 1e-2})); });
    side::add("mlp_784_256_10_b64_adam",
              [](auto& state) { classify(state, Mlp2{{784, 256}, {256, 10}}, 64, 784, 10, nn::Adam({.lr = 1e-3})); });
    side::add_precisions("mlp_784_512_512_10_b128_adam", [](auto& state, Products products) {
        classify(state, Mlp3{{784, 512}, {512, 512}, {512, 10}}, 128, 784, 10, nn::Adam({.lr = 1e-3}), products);
    });
    side::add_precisions("mlp_1024x3_b256_sgd", [](auto& state, Products products) {
        classify(state, Mlp3{{1024, 1024}, {1024, 1024}, {1024, 1024}}, 256, 1024, 1024, nn::SGD({.lr = 1e-2}),
                 products);
    });
    side::add("elementwise_1m", elementwise);
    side::add("map_elementwise_1m", map_elementwise);
    side::add("softmax_512x1024", softmax_rows);
    side::add_both("bias_add_512x1024", bias_add);
    side::add_both("matmul_256", matmul_square);
    side::add_both("gather_512x1024", gather_rows);
    side::add_both("embedding_10000x128_2048", embedding_rows);
    side::add("lstm_T35_B20_I200_H200_L2",
              [](auto& state) { recurrent(state, nn::LSTM(200, 200, {.num_layers = 2}), 35, 20); });
    side::add("gru_T35_B20_I200_H200_L2",
              [](auto& state) { recurrent(state, nn::GRU(200, 200, {.num_layers = 2}), 35, 20); });
    side::add("rnn_T35_B20_I200_H200_L1", [](auto& state) { recurrent(state, nn::RNN(200, 200), 35, 20); });
    side::add("lstm_T50_B1_I16_H32", [](auto& state) { recurrent(state, nn::LSTM(16, 32), 50, 1); });
    side::add("lstm_primitives_T35_B20_H200", [](auto& state) { lstm_primitives(state, 35, 20, 200); });
    side::add_precisions("transformer_2L_64x16_d128", transformer);
    side::add("layernorm_512x1024", layernorm);
    side::add("conv2d_lenet", conv2d_lenet);
    side::add_precisions("convblock", convblock);
    side::add("lenet_b64_adam", lenet_adam);
    side::add("adam_10m", adam_10m);
    side::add("attention_64", [](auto& state) { attention(state, 64); });
    side::add("attention_512", [](auto& state) { attention(state, 512); });
    side::add("cumsum_512x1024", [](auto& state) { along_rows(state, [](const Tensor& x) { return cumsum(x, 1); }); });
    side::add("sort_512x1024", [](auto& state) { along_rows(state, [](const Tensor& x) { return sort(x, 1); }); });
    side::add("cholesky_256", cholesky_square);
    side::add("solve_256", solve_square);
    add_floors();
    return side::run(argc, argv, detail::better_blas_core(), kernels::active().isa);
}
