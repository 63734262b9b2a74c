// The exclusive or, learned by the smallest network that can: two inputs, four hidden tanh units, one output. Each part
// of an update is written out: forward, loss, backward, update.

#include <autodiff/autodiff.hpp>
#include <nn/nn.hpp>

#include <chrono>
#include <cmath>
#include <fmt/core.h>

#include <example.hpp>

using namespace xgrad;

namespace {

struct Net {
    nn::Linear hidden{2, 4}, output{4, 1};
    Tensor operator()(const Tensor& x) const { return output(tanh(hidden(x))); }
    XGRAD_FIELDS(hidden, output)
};

/// The loss after each step.
std::vector<double> train(Net& net, const Tensor& x, const Tensor& y, std::int64_t steps) {
    nn::Adam adam({.lr = 0.05});
    std::vector<double> losses;
    for (std::int64_t step = 0; step < steps; ++step) {
        Tape tape;  // records the following operations
        const Tensor prediction = net(x);  // forward
        const Tensor loss = nn::mse_loss(prediction, y);  // loss
        const Gradients gradients = tape.gradient(loss);  // backward
        adam.step(net, gradients);  // update
        losses.push_back(loss.item());
    }
    return losses;
}

/// The network's output on a square around the four points.
nn::Plot surface(const Net& net) {
    const Tensor side = linspace(-0.5, 1.5, 41, DType::f32);
    const Tensor a = broadcast_to(side, {41, 41}), b = transpose(a);
    nn::Plot plot({.title = "What the network computes", .x = "a", .y = "b", .height = 400});
    return plot
        .heat_map(reshape(net(stack({ravel(a), ravel(b)}, 1)), {41, 41}),
                  {.range = {{-0.2, 1.2}}, .x = {{-0.5, 1.5}}, .y = {{-0.5, 1.5}}})
        .text(0, 0, "0")
        .text(0, 1, "1")
        .text(1, 0, "1")
        .text(1, 1, "0");
}

}  // namespace

int main(int argc, char** argv) {
    Example example("xor", "Learns the exclusive or with a 2-4-1 tanh network.");
    std::int64_t steps = 500, seeds = 20;
    example.option("--steps", steps, "Training steps, each on all four rows");
    example.option("--seeds", seeds, "Networks to train, each from initial weights of its own");
    return example.run(argc, argv, [&] {
        const Tensor x = tensor({{0.f, 0.f}, {0.f, 1.f}, {1.f, 0.f}, {1.f, 1.f}});
        const Tensor y = tensor({{0.f}, {1.f}, {1.f}, {0.f}});
        nn::Plot plot({.title = "Loss", .x = "step", .y = "mean squared error", .log_y = true});
        std::int64_t learned = 0;
        double seconds = 0;
        for (std::int64_t i = 0; i < seeds; ++i) {
            nn::manual_seed(example.seed() + static_cast<std::uint64_t>(i));
            Net net;
            const auto start = std::chrono::steady_clock::now();
            plot.line("", train(net, x, y, steps), {.colour = 0});
            seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
            const Tensor prediction = net(x);
            learned += max(abs(prediction - y)).item() < 0.25;
            if (i > 0) continue;
            fmt::print("a b  a^b  network\n");
            for (std::int64_t row = 0; row < 4; ++row) {
                const double said = std::round(prediction[row].item() * 1e4) / 1e4 + 0.0;  // no "-0.0000"
                fmt::print("{} {}  {:3}  {:7.4f}\n", row / 2, row % 2, y[row].item(), said);
            }
            example.picture("surface.svg", "The network of the first seed.", {surface(net)});
        }
        example.picture("loss.svg", "The loss of each network, by step.", {plot});
        example.figure("steps per second", static_cast<double>(seeds * steps) / seconds);
        example.figure("networks that learned it", static_cast<double>(learned),
                       {.at_least = static_cast<double>(seeds), .brief_at_least = static_cast<double>(seeds)});
        fmt::print("{}\n", learned == seeds ? "learned" : "not learned");
    });
}
