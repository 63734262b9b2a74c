#include <functional>
#include <memory>
#include <set>

#include "figures.hpp"
#include "support.hpp"

using namespace xgrad;
using tests::close;
using tests::error_of;
using tests::here;
using tests::wave;

namespace {

using Schedules = std::vector<std::unique_ptr<nn::Schedule>>;  // the last one is stepped

template <class S, class... A>
void add(Schedules& schedules, nn::Optimizer& optimizer, A&&... arguments) {
    schedules.push_back(std::make_unique<S>(optimizer, std::forward<A>(arguments)...));
}

std::vector<nn::Schedule*> pointers(const Schedules& schedules) {
    std::vector<nn::Schedule*> found;
    for (const auto& schedule : schedules) found.push_back(schedule.get());
    return found;
}

struct Case {
    std::string name;
    std::function<Schedules(nn::Optimizer&)> make;
    std::function<double(int)> metric = {};
    int steps = 40;
};

template <class S, class... A>
std::function<Schedules(nn::Optimizer&)> one(const A&... arguments) {
    return [=](nn::Optimizer& optimizer) {
        Schedules schedules;
        add<S>(schedules, optimizer, arguments...);
        return schedules;
    };
}

double falling_loss(int step) {
    return std::max(std::exp(-step / 10.0), 0.2) + 0.001 * wave({40}, 3).data<double>()[static_cast<std::size_t>(step)];
}

Schedules warm_up(nn::Optimizer& o) {
    Schedules s;
    add<nn::ConstantLR>(s, o, nn::ConstantLROptions{.factor = 0.1, .total_iters = 2});
    add<nn::ExponentialLR>(s, o, 0.9);
    add<nn::SequentialLR>(s, o, pointers(s), std::vector<std::int64_t>{2});
    return s;
}
Schedules three(nn::Optimizer& o) {
    Schedules s;
    add<nn::LinearLR>(s, o, nn::LinearLROptions{.start_factor = 0.1, .total_iters = 5});
    add<nn::CosineAnnealingLR>(s, o, 20);
    add<nn::StepLR>(s, o, 4);
    add<nn::SequentialLR>(s, o, pointers(s), std::vector<std::int64_t>{5, 25});
    return s;
}
Schedules restarts(nn::Optimizer& o) {
    Schedules s;
    add<nn::CosineAnnealingWarmRestarts>(s, o, 3, nn::CosineAnnealingWarmRestartsOptions{.T_mult = 2});
    add<nn::CosineAnnealingWarmRestarts>(s, o, 4);
    add<nn::PolynomialLR>(s, o, nn::PolynomialLROptions{.total_iters = 6});
    add<nn::MultiStepLR>(s, o, std::vector<std::int64_t>{0, 2, 4});
    add<nn::SequentialLR>(s, o, pointers(s), std::vector<std::int64_t>{10, 21, 32});
    return s;
}
Schedules others(nn::Optimizer& o) {
    Schedules s;
    const auto lambda = [](std::int64_t epoch) { return 1 / (1 + static_cast<double>(epoch)); };
    add<nn::ExponentialLR>(s, o, 0.8);
    add<nn::LinearLR>(s, o, nn::LinearLROptions{.total_iters = 4});
    add<nn::ConstantLR>(s, o, nn::ConstantLROptions{.total_iters = 3});
    add<nn::LambdaLR<decltype(lambda)>>(s, o, lambda);
    add<nn::OneCycleLR>(s, o, 0.5, nn::OneCycleLROptions{.total_steps = 20});
    add<nn::SequentialLR>(s, o, pointers(s), std::vector<std::int64_t>{6, 12, 18, 24});
    return s;
}
Schedules chained(nn::Optimizer& o) {
    Schedules s;
    add<nn::LinearLR>(s, o, nn::LinearLROptions{.start_factor = 0.1, .total_iters = 6});
    add<nn::ExponentialLR>(s, o, 0.95);
    add<nn::StepLR>(s, o, 10, nn::StepLROptions{.gamma = 0.5});
    s.push_back(std::make_unique<nn::ChainedScheduler>(pointers(s)));
    return s;
}

std::vector<Case> cases() {
    using namespace nn;
    using Milestones = std::vector<std::int64_t>;
    const auto lambda = [](std::int64_t epoch) { return 1 / (1 + static_cast<double>(epoch)); };
    return {
        {"StepLR", one<StepLR>(7)},
        {"StepLR gamma", one<StepLR>(3, StepLROptions{.gamma = 0.5})},
        {"MultiStepLR", one<MultiStepLR>(Milestones{5, 12, 12, 30}, StepLROptions{.gamma = 0.3})},
        {"ConstantLR", one<ConstantLR>()},
        {"ConstantLR options", one<ConstantLR>(ConstantLROptions{.factor = 0.2, .total_iters = 11})},
        {"LinearLR", one<LinearLR>()},
        {"LinearLR options", one<LinearLR>(LinearLROptions{.start_factor = 0.1, .end_factor = 0.7, .total_iters = 13})},
        {"ExponentialLR", one<ExponentialLR>(0.9)},
        {"PolynomialLR", one<PolynomialLR>()},
        {"PolynomialLR options", one<PolynomialLR>(PolynomialLROptions{.total_iters = 25, .power = 2})},
        {"CosineAnnealingLR", one<CosineAnnealingLR>(9)},
        {"CosineAnnealingLR eta_min", one<CosineAnnealingLR>(12, CosineAnnealingLROptions{.eta_min = 0.01})},
        {"CosineAnnealingWarmRestarts", one<CosineAnnealingWarmRestarts>(9)},
        {"CosineAnnealingWarmRestarts options",
         one<CosineAnnealingWarmRestarts>(4, CosineAnnealingWarmRestartsOptions{.T_mult = 2, .eta_min = 0.01})},
        {"OneCycleLR", one<OneCycleLR>(0.5, OneCycleLROptions{.total_steps = 40})},
        {"OneCycleLR linear",
         one<OneCycleLR>(std::vector<double>{0.5, 0.3}, OneCycleLROptions{.epochs = 5,
                                                                          .steps_per_epoch = 8,
                                                                          .pct_start = 0.4,
                                                                          .anneal_strategy = Anneal::linear,
                                                                          .div_factor = 10,
                                                                          .final_div_factor = 100})},
        {"OneCycleLR three phases",
         one<OneCycleLR>(
             0.5,
             OneCycleLROptions{.total_steps = 42, .base_momentum = 0.8, .max_momentum = 0.9, .three_phase = true})},
        {"OneCycleLR fixed momentum",
         one<OneCycleLR>(0.5, OneCycleLROptions{.total_steps = 50, .cycle_momentum = false})},
        {"ReduceLROnPlateau", one<ReduceLROnPlateau>(ReduceLROnPlateauOptions{.patience = 3}), falling_loss},
        {"ReduceLROnPlateau options",
         one<ReduceLROnPlateau>(ReduceLROnPlateauOptions{.mode = PlateauMode::max,
                                                         .factor = 0.5,
                                                         .patience = 1,
                                                         .threshold = 0.01,
                                                         .threshold_mode = ThresholdMode::abs,
                                                         .cooldown = 2,
                                                         .min_lr = 0.004}),
         [](int step) { return 1 - falling_loss(step); }},
        {"ReduceLROnPlateau max",
         one<ReduceLROnPlateau>(ReduceLROnPlateauOptions{
             .mode = PlateauMode::max, .factor = 0.5, .patience = 2, .threshold = 0.1, .cooldown = 1}),
         [](int step) { return 2 - falling_loss(step); }},
        {"ReduceLROnPlateau abs",
         one<ReduceLROnPlateau>(ReduceLROnPlateauOptions{
             .factor = 0.5, .patience = 2, .threshold = 0.01, .threshold_mode = ThresholdMode::abs, .eps = 1e-2}),
         falling_loss},
        {"LambdaLR", one<LambdaLR<decltype(lambda)>>(lambda)},
        {"SequentialLR", warm_up},
        {"SequentialLR three", three},
        {"SequentialLR restarts", restarts},
        {"SequentialLR others", others},
        {"ChainedScheduler", chained},
    };
}

/// Each schedule with 1, 2 and 3 steps.
std::vector<Case> smallest_cases() {
    using namespace nn;
    using Milestones = std::vector<std::int64_t>;
    std::vector<Case> found{{"MultiStepLR none", one<MultiStepLR>(Milestones{}), {}, 8}};
    for (const int n : {1, 2, 3}) {
        const auto put = [&](const char* name, std::function<Schedules(nn::Optimizer&)> make, int steps = 8) {
            found.push_back({std::string(name) + " " + std::to_string(n), std::move(make), {}, steps});
        };
        put("StepLR", one<StepLR>(n));
        put("MultiStepLR", one<MultiStepLR>(Milestones{n}));
        put("ConstantLR", one<ConstantLR>(ConstantLROptions{.total_iters = n}));
        put("LinearLR", one<LinearLR>(LinearLROptions{.end_factor = 0.5, .total_iters = n}));
        put("PolynomialLR", one<PolynomialLR>(PolynomialLROptions{.total_iters = n, .power = 2}));
        put("CosineAnnealingLR", one<CosineAnnealingLR>(n, CosineAnnealingLROptions{.eta_min = 0.01}));
        put("CosineAnnealingWarmRestarts",
            one<CosineAnnealingWarmRestarts>(n, CosineAnnealingWarmRestartsOptions{.T_mult = 2}));
        put("OneCycleLR", one<OneCycleLR>(0.5, OneCycleLROptions{.total_steps = n}), n);
        put("OneCycleLR three phases", one<OneCycleLR>(0.5, OneCycleLROptions{.total_steps = n, .three_phase = true}),
            n);
        put("OneCycleLR rise",
            one<OneCycleLR>(0.5, OneCycleLROptions{.total_steps = n + 2, .pct_start = 2.0 / (n + 2)}), n + 2);
        put("ReduceLROnPlateau", one<ReduceLROnPlateau>(ReduceLROnPlateauOptions{
                                     .patience = n - 1, .threshold_mode = ThresholdMode::abs, .cooldown = n - 1}));
        found.back().metric = [](int) { return -1.0; };
        put("SequentialLR", [n](nn::Optimizer& o) {
            Schedules s;
            add<nn::ConstantLR>(s, o, nn::ConstantLROptions{.total_iters = 1});
            add<nn::ExponentialLR>(s, o, 0.5);
            add<nn::SequentialLR>(s, o, pointers(s), std::vector<std::int64_t>{n - 1});
            return s;
        });
    }
    return found;
}

std::unique_ptr<nn::Optimizer> optimizer_for(const std::string& name) {
    if (name == "OneCycleLR three phases") {
        auto adam = std::make_unique<nn::Adam>(nn::AdamOptions{.lr = 0.1});
        adam->group("second", {.lr = 0.02});
        return adam;
    }
    auto sgd = std::make_unique<nn::SGD>(nn::SGDOptions{.lr = 0.1, .momentum = 0.9});
    sgd->group("second", {.lr = 0.02});
    return sgd;
}

}  // namespace

TEST_SUITE_BEGIN("schedules");

TEST_CASE(
    "schedules: forty learning rates of each, and the smallest sizes, are PyTorch's, also when the run is stopped and "
    "continued") {
    const tests::Figures figures("schedules");
    std::set<std::string> checked;
    std::vector<Case> all = cases();
    for (Case& c : smallest_cases()) all.push_back(std::move(c));
    for (const Case& c : all)
        for (const int stop : {-1, 0, 2, 11, 26}) {
            CAPTURE(c.name);
            CAPTURE(stop);
            auto optimizer = optimizer_for(c.name);
            Schedules schedules = c.make(*optimizer);
            std::vector<double> rates, momenta;
            for (int step = 0; step < c.steps; ++step) {
                if (step == stop) {
                    const nn::State saved = optimizer->state_dict(), schedule = schedules.back()->state_dict();
                    optimizer = optimizer_for(c.name);
                    schedules = c.make(*optimizer);
                    optimizer->load_state_dict(saved);
                    schedules.back()->load_state_dict(schedule);
                }
                for (const std::size_t group : {0u, 1u}) {
                    rates.push_back(optimizer->lr(group));
                    momenta.push_back(*optimizer->momentum(group));
                }
                CHECK(schedules.back()->last_lr() == std::vector<double>{optimizer->lr(0), optimizer->lr(1)});
                CHECK(schedules.back()->last_epoch() == step);
                if (c.metric) schedules.back()->step(c.metric(step));
                else schedules.back()->step();
            }
            figures.check(c.name, "lr", tensor(rates, {c.steps, 2}));
            if (c.name.starts_with("OneCycle")) figures.check(c.name, "momentum", tensor(momenta, {c.steps, 2}));
            checked.insert(c.name);
        }
    for (const std::string& name : figures.cases()) CHECK_MESSAGE(checked.count(name) == 1, name);
}

TEST_CASE("schedules: one that does not look at the metric steps all the same; one that needs it says so") {
    nn::SGD sgd({.lr = 1});
    nn::ExponentialLR halving(sgd, 0.5);
    nn::Schedule& schedule = halving;
    schedule.step(3.0);
    CHECK(sgd.lr() == 0.5);
    nn::ReduceLROnPlateau plateau(sgd);
    CHECK(error_of<ValueError>([&] { plateau.step(); }) ==
          "ReduceLROnPlateau: a step needs the metric, as in schedule.step(loss)" + here());
}

TEST_CASE("schedules: two on one optimizer multiply, and start from its own learning rate") {
    nn::SGD sgd({.lr = 1});
    nn::LinearLR warm_up(sgd, {.start_factor = 0.5, .total_iters = 2});
    nn::LambdaLR again(sgd, [](std::int64_t) { return 1; });
    CHECK(sgd.lr() == 1);  // the initial one, not that of the warm-up
    nn::SGD other({.lr = 1});
    nn::LinearLR first(other, {.start_factor = 0.5, .total_iters = 2});
    nn::ExponentialLR second(other, 0.1);
    first.step();
    second.step();
    CHECK(other.lr() == doctest::Approx(0.075));
}

TEST_CASE("schedules: the state alone brings the learning rate with it") {
    nn::SGD sgd({.lr = 1}), other({.lr = 7});
    nn::ExponentialLR halving(sgd, 0.5), same(other, 0.5);
    halving.step();
    same.load_state_dict(halving.state_dict());
    CHECK(other.lr() == 0.5);
    same.step();
    CHECK(other.lr() == 0.25);
    CHECK(same.last_epoch() == 2);
}

TEST_CASE("schedules: senseless options and states that do not fit are refused") {
    nn::SGD sgd({.lr = 1}), other;
    // clang-format off
    CHECK(error_of<ValueError>([&] { nn::StepLR(sgd, 0); }) == "StepLR: step_size must be positive, got 0" + here());
    CHECK(error_of<ValueError>([&] { nn::ConstantLR(sgd, {.factor = 2}); }) == "ConstantLR: factor must be in (0, 1], got 2" + here());
    CHECK(error_of<ValueError>([&] { nn::LinearLR(sgd, {.start_factor = 0}); }) == "LinearLR: start_factor must be in (0, 1], got 0" + here());
    CHECK(error_of<ValueError>([&] { nn::OneCycleLR(sgd, 1, {}); }) == "OneCycleLR: total_steps, or epochs and steps_per_epoch, must be given, got neither" + here());
    CHECK(error_of<ValueError>([&] { nn::Adagrad adagrad; nn::OneCycleLR(adagrad, 1, {.total_steps = 5}); }) == "OneCycleLR: cycle_momentum needs an optimizer with momentum, got Adagrad" + here());
    CHECK(error_of<ValueError>([&] { nn::OneCycleLR(sgd, std::vector<double>{1, 2}, {.total_steps = 5}); }) == "OneCycleLR: one max_lr for each of 1 groups is needed, got 2" + here());
    CHECK(error_of<ValueError>([&] { nn::ReduceLROnPlateau(sgd, {.factor = 1}); }) == "ReduceLROnPlateau: factor must be less than 1, got 1" + here());
    nn::StepLR a(sgd, 2), b(other, 2);
    CHECK(error_of<ValueError>([&] { nn::SequentialLR(sgd, {&a, &b}, {3}); }) == "SequentialLR: all schedules must belong to its optimizer, got another's StepLR" + here());
    CHECK(error_of<ValueError>([&] { nn::SequentialLR(sgd, {&a, &a}, {}); }) == "SequentialLR: one milestone fewer than schedules is needed, got 0 for 2" + here());
    CHECK(error_of<ValueError>([&] { nn::ChainedScheduler({}); }) == "ChainedScheduler: there must be schedules, got none or a null pointer" + here());
    CHECK(error_of<ValueError>([&] { nn::ChainedScheduler({&a, &b}); }) == "ChainedScheduler: all schedules must belong to one optimizer, got another's StepLR" + here());
    nn::CosineAnnealingWarmRestarts restarts(sgd, 3);
    CHECK(error_of<ValueError>([&] { restarts.load_state_dict(a.state_dict()); }) == "CosineAnnealingWarmRestarts: the state has no T_cur" + here());
    sgd.group("*");
    nn::StepLR two(sgd, 2);
    CHECK(error_of<ValueError>([&] { b.load_state_dict(two.state_dict()); }) == "StepLR: the state must have a number for each of 1 groups in base_lrs, got 2" + here());
    // clang-format on
}

TEST_CASE("OneCycleLR: a rise of one step begins at the top, and what comes after the last step stays at the end") {
    for (const bool three_phase : {false, true})
        for (const nn::Anneal anneal : {nn::Anneal::cos, nn::Anneal::linear})
            for (const std::int64_t total : {1, 2, 3, 10}) {
                nn::SGD sgd({.lr = 1, .momentum = 0.5});
                nn::OneCycleLR cycle(sgd, 1,
                                     {.total_steps = total,
                                      .pct_start = 1.0 / static_cast<double>(total),
                                      .anneal_strategy = anneal,
                                      .three_phase = three_phase});
                CHECK(sgd.lr() == 1);
                CHECK(*sgd.momentum() == 0.85);
                for (std::int64_t step = 1; step <= total; ++step) {
                    cycle.step();
                    CHECK(std::isfinite(sgd.lr()));
                    CHECK(sgd.lr() <= 1);
                    CHECK(*sgd.momentum() <= 0.95);
                }
                if (total == 1) continue;
                CHECK(sgd.lr() == doctest::Approx(1 / 25.0 / 1e4));
                CHECK(*sgd.momentum() == doctest::Approx(0.95));
            }
    nn::SGD sgd({.lr = 1, .momentum = 0.9});
    nn::OneCycleLR cycle(sgd, 1, {.total_steps = 3});
    std::vector<double> rates{sgd.lr()};
    for (int step = 0; step < 3; ++step) {
        cycle.step();
        rates.push_back(sgd.lr());
    }
    CHECK(rates[1] > rates[2]);
    CHECK(rates[2] == rates[3]);
    CHECK(error_of<ValueError>([&] { cycle.step(); }) == "OneCycleLR: there must be at most 3 steps, got 4" + here());
    CHECK(error_of<ValueError>([&] { nn::OneCycleLR(sgd, 1, {.epochs = -1, .steps_per_epoch = -5}); }) ==
          "OneCycleLR: epochs must be positive, got -1" + tests::nearby());
    CHECK(error_of<ValueError>([&] { nn::OneCycleLR(sgd, 1, {.total_steps = 5, .div_factor = 0}); }) ==
          "OneCycleLR: div_factor must be positive, got 0" + tests::nearby());
}

TEST_CASE("ReduceLROnPlateau: a metric below zero that does not change, or becomes worse, is a plateau") {
    using enum nn::PlateauMode;
    const auto rates = [](nn::PlateauMode mode, const std::vector<double>& metrics, double threshold = 1e-4) {
        nn::SGD sgd({.lr = 1});
        nn::ReduceLROnPlateau plateau(sgd, {.mode = mode, .factor = 0.5, .patience = 1, .threshold = threshold});
        for (const double metric : metrics) plateau.step(metric);
        return sgd.lr();
    };
    CHECK(rates(min, {-1, -1, -1}) == 0.5);
    CHECK(rates(max, {-1, -1, -1}) == 0.5);
    CHECK(rates(min, {1, 1, 1}) == 0.5);
    CHECK(rates(min, {0, 0, 0}) == 0.5);
    CHECK(rates(min, {-1, -0.99995, -0.9999}) == 0.5);
    CHECK(rates(max, {-1, -1.00005, -1.0001}) == 0.5);
    CHECK(rates(min, {-1, -1.1, -1.2}) == 1);
    CHECK(rates(max, {-1, -0.9, -0.8}) == 1);
    CHECK(rates(min, {-1, -1.05, -1.09}, 0.1) == 0.5);
    CHECK(rates(max, {-1, -0.95, -0.91}, 0.1) == 0.5);
    CHECK(rates(min, {5, -3, -3}, 1.5) == 1);  // the first one is better than none, whatever the threshold
}

TEST_CASE("schedules: smallest options that PyTorch divides by") {
    nn::SGD sgd({.lr = 1});
    nn::ConstantLR constant(sgd, {.factor = 0.5, .total_iters = 0});
    CHECK(sgd.lr() == 1);
    constant.step();
    CHECK(sgd.lr() == 1);
    CHECK(error_of<ValueError>([&] { nn::ConstantLR(sgd, {.total_iters = -1}); }) ==
          "ConstantLR: total_iters must not be negative, got -1" + tests::nearby());
    nn::StepLR a(sgd, 2), b(sgd, 2), c(sgd, 2);
    CHECK(error_of<ValueError>([&] { nn::SequentialLR(sgd, {&a, &b, &c}, {3, 2}); }) ==
          "SequentialLR: milestones must be in ascending order" + tests::nearby());
}

TEST_SUITE_END();
