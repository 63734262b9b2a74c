#include <autodiff/autodiff.hpp>
#include <cstdio>
#include <nn/nn.hpp>

using namespace xgrad;

bool engine_works();

struct Net {
    nn::Linear fc1{2, 8}, fc2{8, 1};
    Tensor operator()(const Tensor& x) const { return fc2(tanh(fc1(x))); }
    XGRAD_FIELDS(fc1, fc2)
};

int main() {
    const Tensor x = tensor({{0.0f, 0.0f}, {0.0f, 1.0f}, {1.0f, 0.0f}, {1.0f, 1.0f}});
    const Tensor y = tensor({{0.0f}, {1.0f}, {1.0f}, {0.0f}});
    Net net;
    nn::Adam adam({.lr = 0.05});
    float first = 0, last = 0;
    for (int step = 0; step < 100; ++step) {
        Tape tape;
        const Tensor loss = nn::mse_loss(net(x), y);
        last = loss.item<float>();
        if (step == 0) first = last;
        adam.step(net, tape.gradient(loss));
    }
    std::printf("loss %.4f -> %.4f\n", first, last);
    return engine_works() && last < first ? 0 : 1;
}
