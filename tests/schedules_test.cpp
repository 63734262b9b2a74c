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
    const char* name;
    std::function<Schedules(nn::Optimizer&)> make;
    std::function<double(int)> metric = {};
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
    add<nn::MultiStepLR>(s, o, std::vector<std::int64_t>{2, 4});
    add<nn::SequentialLR>(s, o, pointers(s), std::vector<std::int64_t>{10, 21, 32});
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
        {"OneCycleLR linear", one<OneCycleLR>(std::vector<double>{0.5, 0.3}, OneCycleLROptions{.epochs = 5,
                                                                                               .steps_per_epoch = 8,
                                                                                               .pct_start = 0.4,
                                                                                               .anneal_strategy = Anneal::linear,
                                                                                               .div_factor = 10,
                                                                                               .final_div_factor = 100})},
        {"OneCycleLR three phases",
         one<OneCycleLR>(0.5, OneCycleLROptions{.total_steps = 42, .base_momentum = 0.8, .max_momentum = 0.9, .three_phase = true})},
        {"OneCycleLR fixed momentum", one<OneCycleLR>(0.5, OneCycleLROptions{.total_steps = 50, .cycle_momentum = false})},
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
         one<ReduceLROnPlateau>(
             ReduceLROnPlateauOptions{.mode = PlateauMode::max, .factor = 0.5, .patience = 2, .threshold = 0.1, .cooldown = 1}),
         [](int step) { return 2 - falling_loss(step); }},
        {"ReduceLROnPlateau abs",
         one<ReduceLROnPlateau>(
             ReduceLROnPlateauOptions{.factor = 0.5, .patience = 2, .threshold = 0.01, .threshold_mode = ThresholdMode::abs, .eps = 1e-2}),
         falling_loss},
        {"LambdaLR", one<LambdaLR<decltype(lambda)>>(lambda)},
        {"SequentialLR", warm_up},
        {"SequentialLR three", three},
        {"SequentialLR restarts", restarts},
        {"ChainedScheduler", chained},
    };
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

TEST_CASE("schedules: forty learning rates of each are PyTorch's, also when the run is stopped and continued") {
    const tests::Figures figures("schedules");
    std::set<std::string> checked;
    for (const Case& c : cases())
        for (const int stop : {-1, 0, 11, 26}) {
            CAPTURE(c.name);
            CAPTURE(stop);
            auto optimizer = optimizer_for(c.name);
            Schedules schedules = c.make(*optimizer);
            std::vector<double> rates, momenta;
            for (int step = 0; step < 40; ++step) {
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
            figures.check(c.name, "lr", tensor(rates, {40, 2}));
            if (std::string(c.name).starts_with("OneCycle")) figures.check(c.name, "momentum", tensor(momenta, {40, 2}));
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
    CHECK(error_of<ValueError>([&] { plateau.step(); }) == "ReduceLROnPlateau: a step needs the metric, as in schedule.step(loss)");
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

TEST_CASE("schedules: senseless options and states that do not fit are refused") {
    nn::SGD sgd({.lr = 1}), other;
    // clang-format off
    CHECK(error_of<ValueError>([&] { nn::StepLR(sgd, 0); }) == "StepLR: step_size must be positive, got 0" + here());
    CHECK(error_of<ValueError>([&] { nn::ConstantLR(sgd, {.factor = 2}); }) == "ConstantLR: factor must be in (0, 1], got 2.000000" + here());
    CHECK(error_of<ValueError>([&] { nn::LinearLR(sgd, {.start_factor = 0}); }) == "LinearLR: start_factor must be in (0, 1], got 0.000000" + here());
    CHECK(error_of<ValueError>([&] { nn::OneCycleLR(sgd, 1, {}); }) == "OneCycleLR: total_steps, or epochs and steps_per_epoch, must be given, got neither" + here());
    CHECK(error_of<ValueError>([&] { nn::Adagrad adagrad; nn::OneCycleLR(adagrad, 1, {.total_steps = 5}); }) == "OneCycleLR: cycle_momentum needs an optimizer with momentum, got Adagrad" + here());
    CHECK(error_of<ValueError>([&] { nn::OneCycleLR(sgd, std::vector<double>{1, 2}, {.total_steps = 5}); }) == "OneCycleLR: one max_lr for each of 1 groups is needed, got 2" + here());
    CHECK(error_of<ValueError>([&] { nn::ReduceLROnPlateau(sgd, {.factor = 1}); }) == "ReduceLROnPlateau: factor must be less than 1, got 1.000000" + here());
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
    nn::OneCycleLR cycle(sgd, 1, {.total_steps = 3});
    for (int step = 0; step < 3; ++step) cycle.step();
    CHECK(error_of<ValueError>([&] { cycle.step(); }) == "OneCycleLR: there must be at most 3 steps, got 5");
}

TEST_SUITE_END();
