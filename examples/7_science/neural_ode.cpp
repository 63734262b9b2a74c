// A neural ordinary differential equation (Chen, Rubanova, Bettencourt, Duvenaud 2018): the change of a state, dy/dt =
// f(y), is a network, learned from observed paths. The gradient through the solver is computed in two ways that must
// agree: backwards through each of its steps, recorded on a tape, or by the adjoint equation (Pontryagin 1962), solved
// backwards in time, which does not store the steps. The data are synthetic: a damped pendulum with noise.

#include <autodiff/autodiff.hpp>
#include <nn/nn.hpp>

#include <omp.h>

#include <algorithm>
#include <vector>

#include <example.hpp>

using namespace xgrad;

namespace {

struct Net {
    explicit Net(std::int64_t hidden) : in(2, hidden), out(hidden, 2) { nn::to(*this, DType::f64); }
    nn::Linear in, out;
    Tensor operator()(const Tensor& y) const { return out(tanh(in(y))); }
    XGRAD_FIELDS(in, out)
};

/// θ' = ω, ω' = -sin θ - 0.3 ω for rows (θ, ω).
Tensor pendulum(const Tensor& y) {
    const Tensor angle = select(y, 1, 0), speed = select(y, 1, 1);
    return stack({speed, -sin(angle) - 0.3 * speed}, 1);
}

/// One step of the classical Runge-Kutta method (Kutta 1901) for a state of several tensors.
template <class F>
Tensors runge_kutta(const F& f, const Tensors& y, double h) {
    const auto moved = [&](double by, const Tensors& slope) {
        Tensors there;
        for (std::size_t i = 0; i < y.size(); ++i) there.push_back(y[i] + by * slope[i]);
        return there;
    };
    const Tensors k1 = f(y), k2 = f(moved(h / 2, k1)), k3 = f(moved(h / 2, k2)), k4 = f(moved(h, k3));
    Tensors next;
    for (std::size_t i = 0; i < y.size(); ++i) next.push_back(y[i] + h / 6 * (k1[i] + 2 * (k2[i] + k3[i]) + k4[i]));
    return next;
}

struct Times {
    std::int64_t count;  // number of successive observations
    double between;  // time between two observations
    std::int64_t steps;  // solver steps between two observations
    double h() const { return between / static_cast<double>(steps); }
};

/// The states at the times of observation, `count` tensors like y.
template <class F>
Tensors solve(const F& f, const Tensor& y, const Times& times) {
    Tensors state{y}, seen;
    for (std::int64_t i = 0; i < times.count; ++i) {
        for (std::int64_t step = 0; step < times.steps; ++step)
            state = runge_kutta([&](const Tensors& at) { return Tensors{f(at[0])}; }, state, times.h());
        seen.push_back(state[0]);
    }
    return seen;
}

/// The same as one operation with its own gradient. With a(t) = dL/dy(t), the adjoint equation is da/dt = -aᵀ ∂f/∂y,
/// and the gradient with respect to the weights is the integral of aᵀ ∂f/∂w; both are solved from the last observation
/// to the first, and each observation adds its cotangent to a.
Tensors solve_by_adjoint(const Net& net, const Tensor& start, const Times& times) {
    Tensors inputs{start};
    for (const Parameter& weight : nn::parameters(net)) inputs.push_back(weight);
    Tensors seen;
    const auto forward = [&net, times](std::span<const Tensor> in) { return solve(net, in[0], times); };
    const auto backward = [&net, times, inputs](std::span<const Tensor> cotangents, Needs) {
        // The state of the adjoint system: y, a, and the integrals.
        const auto field = [&net](const Tensors& at) {
            Tape tape;
            const Tensor y = tape.watch(at[0]), slope = net(y);
            const Gradients gradients = tape.gradient(slope, {.cotangent = at[1]});
            Tensors rates{slope, -gradients[y]};
            for (const Parameter& weight : nn::parameters(net)) rates.push_back(-gradients[weight]);
            return rates;
        };
        const NoRecording pause;
        Tensors state{solve(net, inputs[0], times).back(), zeros_like(inputs[0])};
        for (std::size_t i = 1; i < inputs.size(); ++i) state.push_back(zeros_like(inputs[i]));
        for (std::size_t i = cotangents.size(); i-- > 0;) {
            state[1] = state[1] + cotangents[i];
            for (std::int64_t step = 0; step < times.steps; ++step) state = runge_kutta(field, state, -times.h());
        }
        return Tensors(state.begin() + 1, state.end());
    };
    return apply_many("solve_by_adjoint", inputs, forward, backward);
}

struct Paths {
    Tensor start, seen;  // (paths, 2) and (times, paths, 2)
};
Paths observed(std::int64_t paths, const Times& times, double noise, Generator& random) {
    const Tensor start = 4 * rand({paths, 2}, random, DType::f64) - 2;
    const Tensor seen = stack(solve(pendulum, start, {times.count, times.between, 20}));
    return {start, seen + noise * randn(seen.shape(), random, DType::f64)};
}

/// The largest difference of both gradients, relative to the largest element; and the memory held by the tapes.
struct Comparison {
    double difference;
    std::size_t direct_entries, adjoint_entries;
};
Comparison compare(const Net& net, const Paths& paths, const Times& times) {
    const auto gradients = [&](const auto& solver) {
        Tape tape;
        const Tensor start = tape.watch(paths.start);
        const Tensor loss = nn::mse_loss(stack(solver(net, start, times)), paths.seen);
        const std::size_t entries = tape.size();
        const Gradients all = tape.gradient(loss);
        return std::tuple{concat({ravel(all[start]), ravel(all[net.in.weight]), all[net.in.bias],
                                  ravel(all[net.out.weight]), all[net.out.bias]}),
                          entries};
    };
    const auto [direct, many] = gradients([](const Net& f, const Tensor& y, const Times& t) { return solve(f, y, t); });
    const auto [adjoint, few] = gradients(solve_by_adjoint);
    return {(max(abs(direct - adjoint)) / max(abs(direct))).item(), many, few};
}

nn::Plot field(const std::string& title, const std::function<Tensor(const Tensor&)>& f, const Tensor& start) {
    const Tensor side = linspace(-2, 2, 15, DType::f64);
    const Tensor x = ravel(broadcast_to(side, {15, 15})), y = ravel(transpose(broadcast_to(side, {15, 15})));
    const Tensor slope = 0.1 * f(stack({x, y}, 1));
    nn::Plot plot({.title = title,
                   .x = "angle",
                   .y = "speed",
                   .x_range = {{-2.4, 2.4}},
                   .y_range = {{-2.4, 2.4}},
                   .height = 420});
    plot.arrows(x, y, select(slope, 1, 0), select(slope, 1, 1));
    const Tensor path = stack(solve(f, start, {200, 0.1, 5}));
    for (std::int64_t i = 0; i < start.shape(0); ++i) {
        const Tensor one = select(path, 1, i);
        plot.line(i == 0 ? "paths of 20 s that were not shown" : "", select(one, 1, 0), select(one, 1, 1),
                  {.colour = 1});
    }
    return plot;
}

}  // namespace

int main(int argc, char** argv) {
    Example example("neural_ode",
                    "Learns a differential equation from observed paths, with gradients through its solver.");
    std::int64_t steps = 4000, hidden = 32;
    bool by_adjoint = false;
    example.option("--steps", steps, "Training steps");
    example.option("--hidden", hidden, "Units of the hidden layer");
    example.option("--adjoint", by_adjoint, "Train by the adjoint equation instead of through the solver's steps");
    return example.run(argc, argv, [&] {
        omp_set_num_threads(1);  // the tensors are small
        example.note(
            "The data are made up: 60 paths of a damped pendulum, seen ten times in two seconds each, with noise of "
            "0.01.");
        steps = example.pick(steps, std::min<std::int64_t>(steps, 500));
        Generator random(example.seed());
        const Times times{10, 0.2, 2};
        const Paths paths = observed(60, times, 0.01, random);
        Net net(hidden);

        std::vector<double> h, difference;
        Comparison comparison{};
        for (std::int64_t n = 1; n <= 16; n *= 2) {
            const Times finer{10, 0.2, n};
            comparison = compare(net, paths, finer);
            h.push_back(finer.h());
            difference.push_back(comparison.difference);
        }
        example.figure("adjoint against direct gradient, largest relative difference", comparison.difference,
                       {.at_most = 1e-6, .brief_at_most = 1e-6});
        example.figure("entries on the tape, direct", static_cast<double>(comparison.direct_entries));
        example.figure("entries on the tape, adjoint", static_cast<double>(comparison.adjoint_entries));

        nn::Adam adam({.lr = 1e-2});
        nn::CosineAnnealingLR schedule(adam, steps);
        std::vector<double> losses;
        nn::ProgressBar progress;
        progress.start("training", steps, "steps");
        for (std::int64_t step = 0; step < steps; ++step) {
            Tape tape;
            const Tensors seen =
                by_adjoint ? solve_by_adjoint(net, paths.start, times) : solve(net, paths.start, times);
            const Tensor loss = nn::mse_loss(stack(seen), paths.seen);
            adam.step(net, tape.gradient(loss));
            schedule.step();
            losses.push_back(loss.item());
            if (progress.advance()) progress.show({{"loss", losses.back()}});
        }
        progress.clear();

        const Paths fresh = observed(100, {10, 0.2, 20}, 0, random);
        const Tensor truth = pendulum(fresh.start);
        const double field_error = (norm(net(fresh.start) - truth) / norm(truth)).item();
        const double path_error = sqrt(nn::mse_loss(stack(solve(net, fresh.start, times)), fresh.seen)).item();
        const Tensor shown = tensor({{2.0, 0.0}, {-1.0, 1.8}, {-1.2, -1.2}});
        nn::Plot curve({.title = "Loss", .x = "step", .y = "mean squared error", .log_y = true});
        nn::Plot order({.title = "Adjoint against direct gradient",
                        .x = "step of the solver (seconds)",
                        .y = "relative difference",
                        .log_x = true,
                        .log_y = true});
        example.picture("field.svg", "The equation and what was learned of it.",
                        {field("The pendulum", pendulum, shown),
                         field(
                             "The network", [&](const Tensor& y) { return net(y); }, shown),
                         curve.line("", losses), order.line("", h, difference, {.marks = true})});
        example.figure("loss at the start over loss at the end", losses.front() / losses.back());
        example.figure("error of the learned field, relative", field_error, {.at_most = 0.05, .brief_at_most = 0.3});
        example.figure("error of 100 unseen paths (root of the mean square)", path_error,
                       {.at_most = 0.01, .brief_at_most = 0.2});
    });
}
