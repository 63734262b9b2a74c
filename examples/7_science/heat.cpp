// A physics-informed network (Raissi, Perdikaris, Karniadakis 2019): u(x, t) is a network, and training makes it
// satisfy the heat equation u_t = α u_xx on a rod of length 1 whose ends are kept at 0. It sees no solution: the loss
// measures the violation of the equation, the boundary conditions and the initial condition, so it needs second
// derivatives with respect to x, and of these the gradient with respect to the weights.

#include <autodiff/autodiff.hpp>
#include <nn/nn.hpp>

#include <algorithm>
#include <fmt/core.h>
#include <numbers>

#include <example.hpp>

using namespace xgrad;

namespace {

constexpr double conductivity = 0.1, pi = std::numbers::pi;

struct Net {
    explicit Net(std::int64_t hidden) : in(2, hidden), middle(hidden, hidden), out(hidden, 1) {}
    nn::Linear in, middle, out;
    /// u at x and t, both (N).
    Tensor operator()(const Tensor& x, const Tensor& t) const {
        return squeeze(out(tanh(middle(tanh(in(stack({x, t}, 1)))))), 1);
    }
    XGRAD_FIELDS(in, middle, out)
};

Tensor at_start(const Tensor& x) { return sin(pi * x) + 0.5 * sin(3 * pi * x); }

/// Each wave of the initial condition decays independently (Fourier 1822).
Tensor closed_form(const Tensor& x, const Tensor& t) {
    const auto wave = [&](double k) { return sin(k * pi * x) * exp(-conductivity * k * k * pi * pi * t); };
    return wave(1) + 0.5 * wave(3);
}

/// The residual u_t - α u_xx, which is 0 for a solution. Inside a tape it is recorded, including the derivatives.
Tensor residual(const Net& u, const Tensor& x, const Tensor& t) {
    // Each u depends only on its own x and t, so the gradient of the sum contains each individual derivative.
    Tape second({.watch_parameters = false});
    const Tensor at_x = second.watch(x);
    const auto [u_x, u_t] = grad([&](const Tensor& a, const Tensor& b) { return sum(u(a, b)); }, at_x, t);
    const Tensor u_xx = second.gradient(sum(u_x), at_x);
    return u_t - conductivity * u_xx;
}

struct Points {
    Tensor x, t;  // inside
    Tensor x_start, t_ends;  // points on the initial line, and on both boundaries
};

Points scattered(std::int64_t inside, std::int64_t edge, Generator& random) {
    const auto some = [&](std::int64_t n) { return rand({n}, random, DType::f64); };
    return {some(inside), some(inside), linspace(0, 1, edge, DType::f64), linspace(0, 1, edge, DType::f64)};
}

Tensor loss_of(const Net& u, const Points& p) {
    const Tensor inside = mean(square(residual(u, p.x, p.t)));
    const Tensor start = nn::mse_loss(u(p.x_start, zeros_like(p.x_start)), at_start(p.x_start));
    const Tensor ends =
        mean(square(u(zeros_like(p.t_ends), p.t_ends))) + mean(square(u(ones_like(p.t_ends), p.t_ends)));
    return inside + 20 * (start + ends);
}

}  // namespace

int main(int argc, char** argv) {
    Example example("heat", "Solves the heat equation by a network that is trained on nothing but the equation.");
    std::int64_t steps = 2500, points = 1000, hidden = 24;
    example.option("--steps", steps, "Iterations of LBFGS");
    example.option("--points", points, "Points inside at which the equation is to hold");
    example.option("--hidden", hidden, "Units of both hidden layers");
    return example.run(argc, argv, [&] {
        steps = example.pick(steps, std::min<std::int64_t>(steps, 150));
        points = example.pick(points, std::min<std::int64_t>(points, 400));
        Generator random(example.seed());
        const Points training = scattered(points, 100, random);
        Net net(hidden);
        nn::to(net, DType::f64);

        const Tensor side = linspace(0, 1, 101, DType::f64);
        const Tensor grid_x = ravel(broadcast_to(side, {101, 101})),
                     grid_t = ravel(transpose(broadcast_to(side, {101, 101})));
        const Tensor truth = closed_form(grid_x, grid_t);
        const auto error = [&] { return max(abs(net(grid_x, grid_t) - truth)).item(); };

        constexpr std::int64_t at_once = 25;
        nn::LBFGS lbfgs({.max_iter = at_once,
                         .tolerance_grad = 0,
                         .tolerance_change = 0,
                         .line_search_fn = nn::LineSearch::strong_wolfe});
        std::vector<double> iterations, losses, errors;
        nn::ProgressBar progress;
        progress.start("LBFGS", steps, "iterations");
        for (std::int64_t done = 0; done < steps; done += at_once) {
            const Tensor loss = lbfgs.step(net, [&] { return loss_of(net, training); });
            iterations.push_back(static_cast<double>(done + 1));
            losses.push_back(loss.item());
            errors.push_back(error());
            if (progress.advance(at_once)) progress.show({{"loss", losses.back()}, {"error", errors.back()}});
        }
        progress.clear();

        nn::Plot curves({.title = "Training", .x = "iteration of LBFGS", .log_y = true});
        curves.line("loss", iterations, losses).line("largest error", iterations, errors);
        const Tensor solution = reshape(net(grid_x, grid_t), {101, 101}), exact = reshape(truth, {101, 101});
        const auto map = [](const char* title, const Tensor& values, nn::Palette palette) {
            nn::Plot plot({.title = title, .x = "place on the rod", .y = "time"});
            return plot.heat_map(values, {.palette = palette, .x = {{0, 1}}, .y = {{0, 1}}});
        };
        nn::Plot profiles(
            {.title = "The rod at some times (dashed: closed form)", .x = "place on the rod", .y = "temperature"});
        for (const std::int64_t row : {0, 10, 30, 60, 100}) {
            profiles.line(fmt::format("t = {:.1f}", side[row].item()), side, solution[row])
                .line("", side, exact[row], {.stroke = nn::Stroke::dashed, .colour = 7});
        }
        example.picture("heat.svg", "The solution, its error, and how it came about.",
                        {map("The network's solution", solution, nn::Palette::sequential),
                         map("Its error", solution - exact, nn::Palette::diverging), profiles, curves});
        example.figure("loss at the start over loss at the end", losses.front() / losses.back(),
                       {.brief_at_least = 10});
        example.figure("largest error against the closed-form solution", error(),
                       {.at_most = 0.005, .brief_at_most = 0.5});
    });
}
