// Uses what the patches add, as a user would. A kernel family is used from inside.

#include <autodiff/autodiff.hpp>
#include <autodiff/kernels/kernels.hpp>
#include <autodiff/map.hpp>
#include <nn/nn.hpp>

#include <cmath>
#include <cstdio>

using namespace xgrad;

namespace {

int failures = 0;

void expect(bool good, const char* what) {
    if (good) return;
    ++failures;
    std::printf("%s is wrong\n", what);
}

bool equal(const Tensor& a, const Tensor& b) { return all(less(abs(a - b), 1e-12)).item<bool>(); }

}  // namespace

int main() {
    const Tensor x = tensor({{-800.0, -1.5, 0.0}, {0.25, 2.0, 800.0}});
    const auto f = [](const Tensor& v) { return logcosh(v); };
    expect(equal(logcosh(x)[0][1], scalar(std::log(std::cosh(1.5)))), "logcosh");
    expect(bool(gradcheck(f, {tensor({-1.5, 0.25, 2.0})}, {.order = 2})), "logcosh's gradient");
    expect(equal(map([](auto v) { return logcosh(v); }, x), logcosh(x)), "logcosh in map()");
    expect(equal(nn::LogCosh()(x), logcosh(x)), "the layer LogCosh");

    const auto scaled = [](const Tensor& v, const Tensor& s) { return scale_rows(v, s); };
    expect(bool(gradcheck(scaled, {tensor({{1.0, 2.0}, {3.0, 4.0}}), tensor({0.5, -2.0})}, {.order = 2})),
           "scale_rows");

    const double numbers[] = {-1, 0, 2, 3};
    expect(kernels::active().count.positive_f64(numbers, 4) == 2, "the kernel of the new family");

    nn::Scale layer(3);
    expect(nn::parameters(layer).size() == 1 && nn::state_dict(layer)[0].first == "weight", "the layer Scale");
    nn::SignSGD optimizer({.lr = 0.5});
    Tape tape;
    const Tensor loss = sum(layer(tensor({{1.0f, -2.0f, 0.0f}})));
    optimizer.step(layer, tape.gradient(loss));
    expect(equal(layer.weight.value().to(DType::f64), tensor({0.5, 1.5, 1.0})), "SignSGD");
    return failures;
}
