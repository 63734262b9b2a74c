// The exclusive or, learned by the smallest network that can: two inputs, four hidden tanh units, one output.
// Prints the truth table; exit code 0 if it has been learned, 1 if not.

#include <autodiff/autodiff.hpp>
#include <nn/nn.hpp>

#include <CLI/CLI.hpp>
#include <cmath>
#include <fmt/core.h>

using namespace xgrad;

struct Net {
    nn::Linear hidden{2, 4}, output{4, 1};
    Tensor operator()(const Tensor& x) const { return output(tanh(hidden(x))); }
    XGRAD_FIELDS(hidden, output)
};

int main(int argc, char** argv) try {
    std::uint64_t seed = 0;
    int steps = 500;
    CLI::App app("Learns the exclusive or with a 2-4-1 tanh network.", "xor");
    app.add_option("--seed", seed, "Seed of the initial weights")->capture_default_str();
    app.add_option("--steps", steps, "Training steps, each on all four rows")->check(CLI::NonNegativeNumber)->capture_default_str();
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }

    nn::manual_seed(seed);
    const Tensor x = tensor({{0.f, 0.f}, {0.f, 1.f}, {1.f, 0.f}, {1.f, 1.f}});
    const Tensor y = tensor({{0.f}, {1.f}, {1.f}, {0.f}});
    Net net;
    nn::Adam adam({.lr = 0.05});
    for (int step = 1; step <= steps; ++step) {
        Tape tape;
        const Tensor loss = nn::mse_loss(net(x), y);
        adam.step(net, tape.gradient(loss));
        if (step % 100 == 0) fmt::print("step {:4}  loss {:.6f}\n", step, loss.item());
    }

    const Tensor learned = net(x);
    bool right = true;
    fmt::print("\na b  a^b  network\n");
    for (int row = 0; row < 4; ++row) {
        const float wanted = y.data<float>()[row], got = std::round(learned.data<float>()[row] * 1e4f) / 1e4f + 0.0f;  // no "-0.0000"
        fmt::print("{} {}  {:3}  {:7.4f}\n", row / 2, row % 2, wanted, got);
        right = right && std::abs(got - wanted) < 0.25f;
    }
    fmt::print("{}\n", right ? "learned" : "not learned");
    return right ? 0 : 1;
} catch (const std::exception& error) {
    fmt::print(stderr, "xor: {}\n", error.what());
    return 2;
}
