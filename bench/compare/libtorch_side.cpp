// The workloads of the comparison, written for libtorch as its own documentation would write them.

#include <ATen/autocast_mode.h>
#include <torch/torch.h>

#include "side.hpp"

namespace {

namespace F = torch::nn::functional;
using torch::Tensor;

/// libtorch stores gradients in the tensors; a new step starts without them.
void forget_gradients(torch::ArrayRef<Tensor> tensors) {
    for (const auto& tensor : tensors) tensor.mutable_grad() = Tensor();
}

Tensor chain(const Tensor& x, const Tensor& w, const Tensor& b) {
    Tensor y = x;
    for (int i = 0; i < 1000; ++i) y = torch::tanh(y * w + b);
    return y;
}

void chain_backward(benchmark::State& state, int n) {
    const Tensor w = torch::rand({n}, torch::requires_grad()), b = torch::rand({n}, torch::requires_grad()),
                 x = torch::rand({n});
    for (auto _ : state) {
        forget_gradients({w, b});
        chain(x, w, b).sum().backward();
    }
}

void chain_forward(benchmark::State& state, int n) {
    const Tensor w = torch::rand({n}, torch::requires_grad()), b = torch::rand({n}, torch::requires_grad()),
                 x = torch::rand({n});
    const torch::NoGradGuard guard;
    for (auto _ : state) benchmark::DoNotOptimize(chain(x, w, b));
}

using side::Products;

/// The equivalent of torch.autocast("cpu", torch.bfloat16).
class Autocast {
public:
    explicit Autocast(Products products) {
        at::autocast::set_autocast_cpu_dtype(at::kBFloat16);
        at::autocast::set_cpu_enabled(products == Products::bf16);
    }
    ~Autocast() {
        at::autocast::set_cpu_enabled(false);
        at::autocast::clear_cache();
    }
};

template <class Loss>
void train(benchmark::State& state, torch::nn::Sequential net, torch::optim::Optimizer& optimizer, Loss loss,
           Products products = Products::f32) {
    for (auto _ : state) {
        optimizer.zero_grad();
        const Tensor value = [&] {
            const Autocast scope(products);
            return loss(net);
        }();
        value.backward();
        optimizer.step();
    }
}

void xor_step(benchmark::State& state) {
    torch::nn::Sequential net(torch::nn::Linear(2, 4), torch::nn::Tanh(), torch::nn::Linear(4, 1), torch::nn::Tanh());
    const Tensor x = torch::rand({4, 2}), y = torch::rand({4, 1});
    torch::optim::SGD sgd(net->parameters(), 0.1);
    train(state, net, sgd, [&](auto& net) { return F::mse_loss(net->forward(x), y); });
}

void mlp(benchmark::State& state, const std::vector<int>& sizes, int batch, bool adam,
         Products products = Products::f32) {
    torch::nn::Sequential net;
    for (std::size_t i = 0; i + 1 < sizes.size(); ++i) {
        net->push_back(torch::nn::Linear(sizes[i], sizes[i + 1]));
        if (i + 2 < sizes.size()) net->push_back(torch::nn::ReLU());
    }
    const Tensor x = torch::randn({batch, sizes.front()}), y = torch::randint(0, sizes.back(), {batch}, torch::kLong);
    std::unique_ptr<torch::optim::Optimizer> optimizer;
    if (adam) optimizer = std::make_unique<torch::optim::Adam>(net->parameters(), 1e-3);
    else optimizer = std::make_unique<torch::optim::SGD>(net->parameters(), 1e-2);
    train(state, net, *optimizer, [&](auto& net) { return F::cross_entropy(net->forward(x), y); }, products);
}

void elementwise(benchmark::State& state) {
    const Tensor x = torch::randn({1 << 20}, torch::requires_grad());
    for (auto _ : state) {
        forget_gradients({x});
        (torch::tanh(x * x + 0.5 * x) * torch::exp(-x * x)).sum().backward();
    }
}

void softmax(benchmark::State& state) {
    const Tensor x = torch::randn({512, 1024}, torch::requires_grad());
    for (auto _ : state) {
        forget_gradients({x});
        torch::softmax(x, 1).square().sum().backward();
    }
}

template <class F>
void pull_back(benchmark::State& state, const std::vector<Tensor>& inputs, side::Cotangent cotangent, F f) {
    Tensor u;
    {
        torch::NoGradGuard nothing;
        u = torch::randn_like(f(inputs));
    }
    for (const Tensor& input : inputs) input.requires_grad_();
    for (auto _ : state) {
        forget_gradients(inputs);
        if (cotangent == side::Cotangent::ones) f(inputs).sum().backward();
        else f(inputs).backward(u);
    }
}

void bias_add(benchmark::State& state, side::Cotangent cotangent) {
    pull_back(state, {torch::randn({512, 1024}), torch::randn({1024})}, cotangent,
              [](const auto& x) { return x[0] + x[1]; });
}

void matmul(benchmark::State& state, side::Cotangent cotangent) {
    pull_back(state, {torch::randn({256, 256}), torch::randn({256, 256})}, cotangent,
              [](const auto& x) { return torch::mm(x[0], x[1]); });
}

void gather(benchmark::State& state, side::Cotangent cotangent) {
    const Tensor indices = torch::randint(0, 1024, {512, 1024}, torch::kLong);
    pull_back(state, {torch::randn({512, 1024})}, cotangent,
              [&](const auto& x) { return torch::gather(x[0], 1, indices); });
}

void embedding(benchmark::State& state, side::Cotangent cotangent) {
    const Tensor indices = torch::randint(0, 10000, {2048}, torch::kLong);
    pull_back(state, {torch::randn({10000, 128})}, cotangent,
              [&](const auto& x) { return torch::embedding(x[0], indices); });
}

template <class Layer>
void recurrent(benchmark::State& state, Layer layer, int steps, int batch, int inputs) {
    const Tensor x = torch::randn({steps, batch, inputs});
    for (auto _ : state) {
        for (auto& parameter : layer->parameters()) parameter.mutable_grad() = Tensor();
        std::get<0>(layer->forward(x)).square().mean().backward();
    }
}

void lstm_primitives(benchmark::State& state, int steps, int batch, int hidden) {
    const Tensor x = torch::randn({steps, batch, hidden});
    const Tensor w = (0.05 * torch::randn({hidden, 4 * hidden})).requires_grad_(),
                 u = (0.05 * torch::randn({hidden, 4 * hidden})).requires_grad_(),
                 b = torch::zeros({4 * hidden}, torch::requires_grad());
    for (auto _ : state) {
        forget_gradients({w, u, b});
        Tensor h = torch::zeros({batch, hidden}), c = h;
        std::vector<Tensor> outputs;
        for (int t = 0; t < steps; ++t) {
            const auto gates = (torch::mm(x[t], w) + torch::mm(h, u) + b).chunk(4, 1);
            c = torch::sigmoid(gates[1]) * c + torch::sigmoid(gates[0]) * torch::tanh(gates[2]);
            h = torch::sigmoid(gates[3]) * torch::tanh(c);
            outputs.push_back(h);
        }
        torch::stack(outputs).square().mean().backward();
    }
}

void transformer(benchmark::State& state, Products products) {
    using namespace torch::nn;
    TransformerEncoder encoder(TransformerEncoderOptions(
        TransformerEncoderLayer(TransformerEncoderLayerOptions(128, 4).dim_feedforward(512).dropout(0)), 2));
    const Tensor x = torch::randn({64, 16, 128});
    for (auto _ : state) {
        for (auto& parameter : encoder->parameters()) parameter.mutable_grad() = Tensor();
        const Tensor loss = [&] {
            const Autocast scope(products);
            return encoder->forward(x).square().mean();
        }();
        loss.backward();
    }
}

void lenet_adam(benchmark::State& state) {
    using namespace torch::nn;
    Sequential net(Conv2d(Conv2dOptions(1, 8, 5).padding(2)), ReLU(), MaxPool2d(2),
                   Conv2d(Conv2dOptions(8, 16, 5).padding(2)), ReLU(), MaxPool2d(2), Flatten(), Linear(784, 10));
    const Tensor x = torch::randn({64, 1, 28, 28}), y = torch::randint(0, 10, {64}, torch::kLong);
    torch::optim::Adam adam(net->parameters(), 1e-3);
    train(state, net, adam, [&](auto& model) { return F::cross_entropy(model->forward(x), y); });
}

void adam_10m(benchmark::State& state) {
    std::vector<Tensor> parameters;
    for (int i = 0; i < 100; ++i) {
        parameters.push_back(torch::randn({100, 1000}, torch::requires_grad()));
        parameters.back().mutable_grad() = torch::randn({100, 1000});
    }
    torch::optim::Adam adam(parameters, 1e-3);
    adam.step();  // creates the moments
    for (auto _ : state) adam.step();
}

void layernorm(benchmark::State& state) {
    const Tensor x = torch::randn({512, 1024}, torch::requires_grad()),
                 w = torch::randn({1024}, torch::requires_grad()), b = torch::randn({1024}, torch::requires_grad());
    for (auto _ : state) {
        forget_gradients({x, w, b});
        torch::layer_norm(x, {1024}, w, b).square().sum().backward();
    }
}

void conv2d_lenet(benchmark::State& state) {
    const Tensor x = torch::randn({64, 1, 28, 28});
    const Tensor w1 = torch::randn({8, 1, 5, 5}, torch::requires_grad()),
                 b1 = torch::randn({8}, torch::requires_grad()),
                 w2 = torch::randn({16, 8, 5, 5}, torch::requires_grad()),
                 b2 = torch::randn({16}, torch::requires_grad());
    for (auto _ : state) {
        forget_gradients({w1, b1, w2, b2});
        const Tensor h = torch::max_pool2d(torch::relu(torch::conv2d(x, w1, b1, 1, 2)), 2);
        torch::max_pool2d(torch::relu(torch::conv2d(h, w2, b2, 1, 2)), 2).square().mean().backward();
    }
}

void convblock(benchmark::State& state, Products products) {
    using namespace torch::nn;
    Sequential net(Conv2d(Conv2dOptions(32, 64, 3).padding(1).bias(false)), BatchNorm2d(64), ReLU(),
                   Conv2d(Conv2dOptions(64, 64, 3).padding(1).bias(false)), BatchNorm2d(64), ReLU());
    const Tensor x = torch::randn({16, 32, 32, 32});
    for (auto _ : state) {
        net->zero_grad();
        const Tensor loss = [&] {
            const Autocast scope(products);
            return net->forward(x).square().mean();
        }();
        loss.backward();
    }
}

/// Written as a user of this version would: it has no fused operation.
void attention(benchmark::State& state, int tokens) {
    const auto input = [&] { return torch::randn({16, 4, tokens, 32}, torch::requires_grad()); };
    const Tensor q = input(), k = input(), v = input();
    for (auto _ : state) {
        forget_gradients({q, k, v});
        torch::matmul(torch::softmax(torch::matmul(q / std::sqrt(32.0), k.transpose(-2, -1)), -1), v)
            .square()
            .sum()
            .backward();
    }
}

template <class F>
void along_rows(benchmark::State& state, F f) {
    pull_back(state, {torch::randn({512, 1024})}, side::Cotangent::varies, [&](const auto& x) { return f(x[0]); });
}

void cholesky(benchmark::State& state) {
    const Tensor x = torch::randn({256, 256}, torch::kDouble),
                 a = torch::mm(x, x.t()) + 256 * torch::eye(256, torch::kDouble);
    pull_back(state, {a}, side::Cotangent::varies, [](const auto& in) { return torch::linalg_cholesky(in[0]); });
}

void solve(benchmark::State& state) {
    const Tensor a = torch::randn({256, 256}, torch::kDouble) + 32 * torch::eye(256, torch::kDouble),
                 b = torch::randn({256, 256}, torch::kDouble);
    pull_back(state, {a, b}, side::Cotangent::varies, [](const auto& in) { return torch::linalg_solve(in[0], in[1]); });
}

}  // namespace

int main(int argc, char** argv) {
    torch::manual_seed(0);
    side::add("chain_n1", [](auto& state) { chain_backward(state, 1); });
    side::add("chain_n16", [](auto& state) { chain_backward(state, 16); });
    side::add("chain_n256", [](auto& state) { chain_backward(state, 256); });
    side::add("chain_n16_forward", [](auto& state) { chain_forward(state, 16); });
    side::add("xor_step", xor_step);
    side::add("mlp_784_256_10_b64_sgd", [](auto& state) { mlp(state, {784, 256, 10}, 64, false); });
    side::add("mlp_784_256_10_b64_adam", [](auto& state) { mlp(state, {784, 256, 10}, 64, true); });
    side::add_precisions("mlp_784_512_512_10_b128_adam",
                         [](auto& state, Products products) { mlp(state, {784, 512, 512, 10}, 128, true, products); });
    side::add_precisions("mlp_1024x3_b256_sgd", [](auto& state, Products products) {
        mlp(state, {1024, 1024, 1024, 1024}, 256, false, products);
    });
    side::add("elementwise_1m", elementwise);
    side::add("map_elementwise_1m", elementwise);
    side::add("softmax_512x1024", softmax);
    side::add_both("bias_add_512x1024", bias_add);
    side::add_both("matmul_256", matmul);
    side::add_both("gather_512x1024", gather);
    side::add_both("embedding_10000x128_2048", embedding);
    side::add("lstm_T35_B20_I200_H200_L2", [](auto& state) {
        recurrent(state, torch::nn::LSTM(torch::nn::LSTMOptions(200, 200).num_layers(2)), 35, 20, 200);
    });
    side::add("gru_T35_B20_I200_H200_L2", [](auto& state) {
        recurrent(state, torch::nn::GRU(torch::nn::GRUOptions(200, 200).num_layers(2)), 35, 20, 200);
    });
    side::add("rnn_T35_B20_I200_H200_L1", [](auto& state) { recurrent(state, torch::nn::RNN(200, 200), 35, 20, 200); });
    side::add("lstm_T50_B1_I16_H32", [](auto& state) { recurrent(state, torch::nn::LSTM(16, 32), 50, 1, 16); });
    side::add("lstm_primitives_T35_B20_H200", [](auto& state) { lstm_primitives(state, 35, 20, 200); });
    side::add_precisions("transformer_2L_64x16_d128", transformer);
    side::add("layernorm_512x1024", layernorm);
    side::add("conv2d_lenet", conv2d_lenet);
    side::add_precisions("convblock", convblock);
    side::add("lenet_b64_adam", lenet_adam);
    side::add("adam_10m", adam_10m);
    side::add("attention_64", [](auto& state) { attention(state, 64); });
    side::add("attention_512", [](auto& state) { attention(state, 512); });
    side::add("cumsum_512x1024",
              [](auto& state) { along_rows(state, [](const Tensor& x) { return torch::cumsum(x, 1); }); });
    side::add("sort_512x1024",
              [](auto& state) { along_rows(state, [](const Tensor& x) { return std::get<0>(torch::sort(x, 1)); }); });
    side::add("cholesky_256", cholesky);
    side::add("solve_256", solve);
    return side::run(argc, argv);
}
