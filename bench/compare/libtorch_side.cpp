// The workloads of the comparison, written for libtorch as its own documentation would write them.

#include <torch/torch.h>

#include "side.hpp"

namespace {

namespace F = torch::nn::functional;
using torch::Tensor;

/// libtorch keeps gradients on the tensors; a fresh step starts without.
void forget_gradients(std::initializer_list<Tensor> tensors) {
    for (const auto& tensor : tensors) tensor.mutable_grad() = Tensor();
}

Tensor chain(const Tensor& x, const Tensor& w, const Tensor& b) {
    Tensor y = x;
    for (int i = 0; i < 1000; ++i) y = torch::tanh(y * w + b);
    return y;
}

void chain_backward(benchmark::State& state, int n) {
    const Tensor w = torch::rand({n}, torch::requires_grad()), b = torch::rand({n}, torch::requires_grad()), x = torch::rand({n});
    for (auto _ : state) {
        forget_gradients({w, b});
        chain(x, w, b).sum().backward();
    }
}

void chain_forward(benchmark::State& state, int n) {
    const Tensor w = torch::rand({n}, torch::requires_grad()), b = torch::rand({n}, torch::requires_grad()), x = torch::rand({n});
    const torch::NoGradGuard guard;
    for (auto _ : state) benchmark::DoNotOptimize(chain(x, w, b));
}

template <class Loss>
void train(benchmark::State& state, torch::nn::Sequential net, torch::optim::Optimizer& optimizer, Loss loss) {
    for (auto _ : state) {
        optimizer.zero_grad();
        loss(net).backward();
        optimizer.step();
    }
}

void xor_step(benchmark::State& state) {
    torch::nn::Sequential net(torch::nn::Linear(2, 4), torch::nn::Tanh(), torch::nn::Linear(4, 1), torch::nn::Tanh());
    const Tensor x = torch::rand({4, 2}), y = torch::rand({4, 1});
    torch::optim::SGD sgd(net->parameters(), 0.1);
    train(state, net, sgd, [&](auto& net) { return F::mse_loss(net->forward(x), y); });
}

void mlp(benchmark::State& state, const std::vector<int>& sizes, int batch, bool adam) {
    torch::nn::Sequential net;
    for (std::size_t i = 0; i + 1 < sizes.size(); ++i) {
        net->push_back(torch::nn::Linear(sizes[i], sizes[i + 1]));
        if (i + 2 < sizes.size()) net->push_back(torch::nn::ReLU());
    }
    const Tensor x = torch::randn({batch, sizes.front()}), y = torch::randint(0, sizes.back(), {batch}, torch::kLong);
    std::unique_ptr<torch::optim::Optimizer> optimizer;
    if (adam) optimizer = std::make_unique<torch::optim::Adam>(net->parameters(), 1e-3);
    else optimizer = std::make_unique<torch::optim::SGD>(net->parameters(), 1e-2);
    train(state, net, *optimizer, [&](auto& net) { return F::cross_entropy(net->forward(x), y); });
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

void bias_add(benchmark::State& state) {
    const Tensor x = torch::randn({512, 1024}, torch::requires_grad()), b = torch::randn({1024}, torch::requires_grad());
    for (auto _ : state) {
        forget_gradients({x, b});
        (x + b).sum().backward();
    }
}

void matmul(benchmark::State& state) {
    const Tensor a = torch::randn({256, 256}, torch::requires_grad()), b = torch::randn({256, 256}, torch::requires_grad());
    for (auto _ : state) {
        forget_gradients({a, b});
        torch::mm(a, b).sum().backward();
    }
}

void cholesky(benchmark::State& state) {
    const Tensor x = torch::randn({256, 256}, torch::kDouble);
    const Tensor a = (torch::mm(x, x.t()) + 256 * torch::eye(256, torch::kDouble)).requires_grad_();
    for (auto _ : state) {
        forget_gradients({a});
        torch::linalg_cholesky(a).sum().backward();
    }
}

void solve(benchmark::State& state) {
    const Tensor a = (torch::randn({256, 256}, torch::kDouble) + 32 * torch::eye(256, torch::kDouble)).requires_grad_();
    const Tensor b = torch::randn({256, 256}, torch::TensorOptions(torch::kDouble).requires_grad(true));
    for (auto _ : state) {
        forget_gradients({a, b});
        torch::linalg_solve(a, b).sum().backward();
    }
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
    side::add("mlp_784_512_512_10_b128_adam", [](auto& state) { mlp(state, {784, 512, 512, 10}, 128, true); });
    side::add("mlp_1024x3_b256_sgd", [](auto& state) { mlp(state, {1024, 1024, 1024, 1024}, 256, false); });
    side::add("elementwise_1m", elementwise);
    side::add("softmax_512x1024", softmax);
    side::add("bias_add_512x1024", bias_add);
    side::add("matmul_256", matmul);
    side::add("cholesky_256", cholesky);
    side::add("solve_256", solve);
    return side::run(argc, argv);
}
