// Every first-order optimizer and every schedule of nn, on one loss surface (the curved valley of Rosenbrock 1960, ten
// instead of a hundred times as steep as its floor) and on one network for scikit-learn's digits. Each optimizer uses
// the best of three learning rates, by validation accuracy; their formulas and sources are in nn/optim/first_order.hpp
// and nn/optim/muon.hpp.
// needs: python3-sklearn

#include <autodiff/autodiff.hpp>
#include <nn/nn.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <memory>

#include <fmt/core.h>

#include <data.hpp>
#include <example.hpp>

using namespace xgrad;

namespace {

struct Method {
    std::string name;
    double surface_lr, network_lr;  // on the network, a third and three times this rate are also tried
    std::function<std::unique_ptr<nn::Optimizer>(double)> make;
    bool whole = false;  // needs full-batch gradients
};

template <class O, class Options>
Method method(std::string name, double surface_lr, double network_lr, Options options, bool whole = false) {
    return {std::move(name), surface_lr, network_lr,
            [options](double lr) mutable {
                options.lr = lr;
                return std::make_unique<O>(options);
            },
            whole};
}

std::vector<Method> methods() {
    using namespace nn;
    return {method<SGD>("SGD", 0.02, 0.1, SGDOptions{}),
            method<SGD>("momentum", 0.01, 0.03, SGDOptions{.momentum = 0.9}),
            method<SGD>("Nesterov", 0.01, 0.03, SGDOptions{.momentum = 0.9, .nesterov = true}),
            method<Rprop>("Rprop", 0.05, 0.01, RpropOptions{}, true),
            method<Adagrad>("Adagrad", 0.5, 0.03, AdagradOptions{}),
            method<Adadelta>("Adadelta", 10, 1, AdadeltaOptions{}),
            method<RMSprop>("RMSprop", 0.03, 3e-3, RMSpropOptions{}),
            method<RMSprop>("RMSprop, centered", 0.03, 3e-3, RMSpropOptions{.centered = true}),
            method<Adam>("Adam", 0.1, 3e-3, AdamOptions{}),
            method<Adam>("AMSGrad", 0.1, 3e-3, AdamOptions{.amsgrad = true}),
            method<AdamW>("AdamW", 0.1, 3e-3, AdamWOptions{}),
            method<Adamax>("Adamax", 0.1, 3e-3, AdamaxOptions{}),
            method<NAdam>("NAdam", 0.1, 3e-3, NAdamOptions{}),
            method<RAdam>("RAdam", 0.1, 3e-3, RAdamOptions{}),
            method<Lion>("Lion", 0.02, 1e-3, LionOptions{}),
            method<Muon>("Muon", 0.02, 0.01, MuonOptions{.weight_decay = 0})};
}

// --- a surface -------------------------------------------------------------------------------------------------------

Tensor valley(const Tensor& x, const Tensor& y) { return square(1.0 - x) + 10.0 * square(y - square(x)); }

/// The optimizer's position after each step, (steps + 1, 2). The point is a matrix with one row, since Muon requires
/// matrices.
Tensor path(nn::Optimizer& optimizer, std::int64_t steps) {
    Parameter point(tensor({{-1.3, 1.6}}));
    std::vector<Tensor> places = {point.value()};
    for (std::int64_t i = 0; i < steps; ++i) {
        Tape tape;
        optimizer.step(point, tape.gradient(valley(point[0][0], point[0][1])));
        places.push_back(point.value());
    }
    return concat(places);
}

/// The paths of four methods across the valley; the colours show log10(1 + loss).
nn::Plot surface(const std::vector<Method>& all, std::size_t first, const std::vector<Tensor>& paths) {
    const Tensor x = linspace(-1.8, 1.8, 91, DType::f64), y = linspace(-0.8, 2.4, 81, DType::f64);
    nn::Plot plot({.x = "x", .y = "y", .x_range = {{-1.8, 1.8}}, .y_range = {{-0.8, 2.4}}, .height = 400});
    plot.heat_map(log10(1.0 + valley(x, expand_dims(y, 1))),
                  {.palette = nn::Palette::grey, .x = {{-1.8, 1.8}}, .y = {{-0.8, 2.4}}, .name = "log10(1 + loss)"});
    for (std::size_t i = first; i < std::min(first + 4, all.size()); ++i)
        plot.line(all[i].name, select(paths[i], 1, 0), select(paths[i], 1, 1), {.marks = true});
    return plot.text(1, 1, "x");
}

// --- a network -------------------------------------------------------------------------------------------------------

struct Run {
    std::vector<double> losses;  // of all training rows, by epoch
    double lr = 0, valid = 0, test = 0, microseconds = 0;  // microseconds: time of the optimizer's step alone
};

template <class Schedule>
Run train(nn::Optimizer& optimizer, const Rows& data, std::int64_t epochs, std::int64_t batch_size,
          const Schedule& after_epoch) {
    nn::manual_seed(0);
    nn::Sequential net(nn::Linear(64, 64), nn::ReLU(), nn::Linear(64, 64), nn::ReLU(), nn::Linear(64, 10));
    nn::DataLoader loader(data.train.x, data.train.y, {.batch_size = batch_size, .shuffle = true});
    Run run;
    run.lr = optimizer.lr();
    for (std::int64_t epoch = 0; epoch < epochs; ++epoch) {
        for (const auto& [x, y] : loader) {
            Tape tape;
            const Gradients gradients = tape.gradient(nn::cross_entropy(net(x), y));
            const auto start = std::chrono::steady_clock::now();
            optimizer.step(net, gradients);
            run.microseconds +=
                std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count();
        }
        run.losses.push_back(nn::cross_entropy(net(data.train.x), data.train.y).item() + 0.0);  // not -0
        after_epoch(nn::cross_entropy(net(data.valid.x), data.valid.y).item());
    }
    run.microseconds /= static_cast<double>(epochs * loader.size());
    run.valid = nn::accuracy(net(data.valid.x), data.valid.y);
    run.test = nn::accuracy(net(data.test.x), data.test.y);
    return run;
}

/// The run with the best of three learning rates.
Run best_run(const Method& method, const Rows& data, std::int64_t epochs) {
    Run best;
    for (const double factor : {0.3, 1.0, 3.0}) {
        const auto optimizer = method.make(method.network_lr * factor);
        // Full-batch methods take as many steps as the others.
        const std::int64_t count = data.train.y.size(), batch = method.whole ? count : 32;
        const Run run = train(*optimizer, data, method.whole ? epochs * (count / 32) : epochs, batch, [](double) {});
        if (run.valid > best.valid) best = run;
    }
    if (method.whole) best.losses = std::vector<double>{best.losses.back()};
    return best;
}

// --- schedules -------------------------------------------------------------------------------------------------------

/// Schedules that belong together; the last of them is the one that is stepped.
using Chain = std::vector<std::unique_ptr<nn::Schedule>>;
struct Plan {
    std::string name;
    std::function<void(nn::Optimizer&, std::int64_t, Chain&)> make;  // for this many epochs
};

template <class S, class... A>
void put(Chain& chain, A&&... arguments) {
    chain.push_back(std::make_unique<S>(std::forward<A>(arguments)...));
}

std::vector<Plan> plans() {
    using namespace nn;
    const auto decay = [](std::int64_t epoch) { return 1.0 / (1.0 + 0.2 * static_cast<double>(epoch)); };
    return {
        {"ConstantLR", [](auto& o, auto, auto& c) { put<ConstantLR>(c, o, ConstantLROptions{}); }},
        {"LinearLR", [](auto& o, auto n, auto& c) { put<LinearLR>(c, o, LinearLROptions{.total_iters = n / 3}); }},
        {"StepLR", [](auto& o, auto n, auto& c) { put<StepLR>(c, o, n / 3); }},
        {"MultiStepLR", [](auto& o, auto n, auto& c) { put<MultiStepLR>(c, o, std::vector{n / 2, 3 * n / 4}); }},
        {"ExponentialLR", [](auto& o, auto, auto& c) { put<ExponentialLR>(c, o, 0.9); }},
        {"PolynomialLR",
         [](auto& o, auto n, auto& c) { put<PolynomialLR>(c, o, PolynomialLROptions{.total_iters = n, .power = 2}); }},
        {"LambdaLR: 1 / (1 + t / 5)", [decay](auto& o, auto, auto& c) { put<LambdaLR<decltype(decay)>>(c, o, decay); }},
        {"ReduceLROnPlateau",
         [](auto& o, auto, auto& c) {
             put<ReduceLROnPlateau>(c, o, ReduceLROnPlateauOptions{.factor = 0.3, .patience = 2});
         }},
        {"CosineAnnealingLR", [](auto& o, auto n, auto& c) { put<CosineAnnealingLR>(c, o, n); }},
        {"CosineAnnealingWarmRestarts",
         [](auto& o, auto n, auto& c) { put<CosineAnnealingWarmRestarts>(c, o, std::max<std::int64_t>(1, n / 3)); }},
        {"OneCycleLR",
         [](auto& o, auto n, auto& c) { put<OneCycleLR>(c, o, o.lr(), OneCycleLROptions{.total_steps = n + 1}); }},
        {"SequentialLR: LinearLR, cosine",
         [](auto& o, auto n, auto& c) {
             put<LinearLR>(c, o, LinearLROptions{.start_factor = 0.1, .total_iters = n / 5});
             put<CosineAnnealingLR>(c, o, n - n / 5);
             put<SequentialLR>(c, o, std::vector<Schedule*>{c[0].get(), c[1].get()}, std::vector{n / 5});
         }},
        {"ChainedScheduler: LinearLR, ExponentialLR", [](auto& o, auto n, auto& c) {
             put<LinearLR>(c, o, LinearLROptions{.total_iters = n / 5});
             put<ExponentialLR>(c, o, 0.9);
             put<ChainedScheduler>(c, std::vector<Schedule*>{c[0].get(), c[1].get()});
         }}};
}

void compare_schedules(Example& example, const Rows& data, std::int64_t epochs) {
    std::vector<nn::Plot> plots;
    std::string table =
        fmt::format("{:44} {:>10} {:>14}\n", "momentum 0.9, lr 0.1, with the schedule", "loss", "test accuracy");
    std::int64_t good = 0, count = 0;
    for (const Plan& plan : plans()) {
        if (count++ % 5 == 0)
            plots.push_back(
                nn::Plot({.x = "epoch", .y = "learning rate", .y_range = {{0, 0.105}}, .width = 365, .height = 380}));
        nn::SGD sgd({.lr = 0.1, .momentum = 0.9});
        Chain chain;
        plan.make(sgd, epochs, chain);
        std::vector<double> rates = {sgd.lr()};
        const Run run = train(sgd, data, epochs, 32, [&](double valid_loss) {
            chain.back()->step(valid_loss);
            rates.push_back(sgd.lr());
        });
        plots.back().line(plan.name, rates);
        good += run.test >= 0.9;
        table += fmt::format("{:44} {:10.2g} {:14.3f}\n", plan.name, run.losses.back(), run.test);
    }
    example.note(table);
    example.figure("schedules that reach 0.9 of the test rows", static_cast<double>(good),
                   {.at_least = static_cast<double>(count), .brief_at_least = static_cast<double>(count)});
    example.picture("schedules.svg", "What each schedule makes of a learning rate of 0.1.", plots, 3);
}

}  // namespace

int main(int argc, char** argv) {
    Example example("optimizers", "All first-order optimizers and schedules, on one loss surface and on one network.");
    std::int64_t steps = 200, epochs = 15;
    example.option("--steps", steps, "Steps on the surface");
    example.option("--epochs", epochs, "Passes over the rows of the network");
    return example.run(argc, argv, [&] {
        if (example.brief()) epochs = 12;
        Generator generator(example.seed());
        const Rows data = digits(generator);
        const std::vector<Method> all = methods();
        std::vector<Tensor> paths;
        std::vector<nn::Plot> surfaces, losses;
        std::string table = fmt::format("{:18} {:>15} {:>12} {:>10} {:>14} {:>8}\n", "", "valley's loss",
                                        "lr (network)", "loss", "test accuracy", "us/step");
        std::int64_t down = 0, good = 0;
        nn::ProgressBar bar;
        bar.start("optimizers", static_cast<std::int64_t>(all.size()), "optimizers");
        for (std::size_t i = 0; i < all.size(); ++i) {
            paths.push_back(path(*all[i].make(all[i].surface_lr), steps));
            const double start = valley(paths[i][0][0], paths[i][0][1]).item(),
                         height = valley(paths[i][-1][0], paths[i][-1][1]).item();
            const Run run = best_run(all[i], data, epochs);
            if (i % 4 == 0)
                losses.push_back(nn::Plot({.x = "epoch", .y = "training loss", .log_y = true, .y_range = {{1e-4, 3}}}));
            losses.back().line(all[i].name, run.losses, {.marks = run.losses.size() == 1});
            table += fmt::format("{:18} {:15.2g} {:12.2g} {:10.2g} {:14.3f} {:8.1f}\n", all[i].name, height, run.lr,
                                 run.losses.back(), run.test, run.microseconds);
            down += height < start / 10;
            good += run.test >= 0.9;
            if (bar.advance()) bar.show();
        }
        bar.clear();
        for (std::size_t i = 0; i < all.size(); i += 4) surfaces.push_back(surface(all, i, paths));
        example.note(table);
        const auto count = static_cast<double>(all.size());
        example.figure("optimizers that come below a tenth of the first loss in the valley", static_cast<double>(down),
                       {.at_least = count, .brief_at_least = count});
        example.figure("optimizers that reach 0.9 of the test rows", static_cast<double>(good),
                       {.at_least = count, .brief_at_least = count});
        example.picture("surface.svg", "Ways down a curved valley; the bottom is marked.", surfaces);
        example.picture("network.svg", "One network, each optimizer with the best of three learning rates.", losses);
        compare_schedules(example, data, epochs);
    });
}
