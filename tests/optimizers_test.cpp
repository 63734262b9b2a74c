#include <functional>
#include <memory>
#include <set>

#include "classifier.hpp"
#include "support.hpp"

using namespace xgrad;
using tests::Classifier;
using tests::close;
using tests::error_of;
using tests::here;
using tests::values;
using tests::wave;

namespace {

/// Steps first … last-1; in step 7 the bias has no gradient.
void train(Classifier& model, nn::Optimizer& optimizer, int first, int last) {
    for (int step = first; step < last; ++step) {
        Tape tape;
        const Gradients g = tape.gradient(model.loss());
        if (step == 7) optimizer.step(model.net, {g[model.net.weight], Tensor()});
        else optimizer.step(model.net, g);
    }
}

struct Case {
    const char* name;
    std::function<std::unique_ptr<nn::Optimizer>()> make;
    std::int64_t rows = 5, columns = 7;
};

template <class Optimizer, class Options>
std::function<std::unique_ptr<nn::Optimizer>()> made(const Options& options,
                                                     const std::function<void(Optimizer&)>& change = {}) {
    return [=] {
        auto optimizer = std::make_unique<Optimizer>(options);
        if (change) change(*optimizer);
        return optimizer;
    };
}

std::vector<Case> cases() {
    using namespace nn;
    const auto groups = [](auto change) { return change; };
    return {
        {"SGD", made<SGD>(SGDOptions{.lr = 0.1})},
        {"SGD momentum", made<SGD>(SGDOptions{.lr = 0.1, .momentum = 0.9})},
        {"SGD dampening", made<SGD>(SGDOptions{.lr = 0.1, .momentum = 0.9, .dampening = 0.3, .weight_decay = 0.05})},
        {"SGD nesterov", made<SGD>(SGDOptions{.lr = 0.1, .momentum = 0.9, .weight_decay = 0.05, .nesterov = true})},
        {"SGD maximize", made<SGD>(SGDOptions{.lr = 0.01, .momentum = 0.5, .maximize = true})},
        {"SGD groups", made<SGD>(SGDOptions{.lr = 0.1, .momentum = 0.5, .weight_decay = 0.1},
                                 groups([](SGD& o) { o.group("b*", {.lr = 0.02, .weight_decay = 0}); }))},
        {"Adam", made<Adam>(AdamOptions{.lr = 0.1})},
        {"Adam options", made<Adam>(AdamOptions{.lr = 0.05, .betas = {0.8, 0.95}, .eps = 1e-3, .weight_decay = 0.1})},
        {"Adam amsgrad", made<Adam>(AdamOptions{.lr = 0.1, .amsgrad = true})},
        {"Adam maximize", made<Adam>(AdamOptions{.lr = 0.01, .maximize = true})},
        {"Adam groups", made<Adam>(AdamOptions{.lr = 0.05, .weight_decay = 0.1},
                                   groups([](Adam& o) { o.group("bias", {.weight_decay = 0}).betas = {0.5, 0.9}; }))},
        {"AdamW", made<AdamW>(AdamWOptions{.lr = 0.1})},
        {"AdamW options", made<AdamW>(AdamWOptions{
                              .lr = 0.05, .betas = {0.8, 0.95}, .eps = 1e-3, .weight_decay = 0.3, .amsgrad = true})},
        {"NAdam", made<NAdam>(NAdamOptions{.lr = 0.05})},
        {"NAdam options",
         made<NAdam>(
             NAdamOptions{.lr = 0.02, .betas = {0.8, 0.95}, .eps = 1e-3, .weight_decay = 0.1, .momentum_decay = 0.1})},
        {"RAdam", made<RAdam>(RAdamOptions{.lr = 0.1})},
        {"RAdam options",
         made<RAdam>(RAdamOptions{.lr = 0.05, .betas = {0.8, 0.95}, .eps = 1e-3, .weight_decay = 0.1})},
        {"Adamax", made<Adamax>(AdamaxOptions{.lr = 0.1})},
        {"Adamax options", made<Adamax>(AdamaxOptions{
                               .lr = 0.05, .betas = {0.8, 0.95}, .eps = 1e-3, .weight_decay = 0.1, .maximize = true})},
        {"RMSprop", made<RMSprop>(RMSpropOptions{.lr = 0.01})},
        {"RMSprop momentum",
         made<RMSprop>(RMSpropOptions{.lr = 0.01, .alpha = 0.9, .eps = 1e-3, .weight_decay = 0.1, .momentum = 0.8})},
        {"RMSprop centered", made<RMSprop>(RMSpropOptions{.lr = 0.01, .centered = true, .maximize = true})},
        {"RMSprop both", made<RMSprop>(RMSpropOptions{.lr = 0.01, .eps = 1e-2, .momentum = 0.8, .centered = true})},
        {"Adagrad", made<Adagrad>(AdagradOptions{.lr = 0.1})},
        {"Adagrad options", made<Adagrad>(AdagradOptions{.lr = 0.1,
                                                         .lr_decay = 0.1,
                                                         .weight_decay = 0.1,
                                                         .initial_accumulator_value = 0.2,
                                                         .eps = 1e-3,
                                                         .maximize = true})},
        {"Adadelta", made<Adadelta>(AdadeltaOptions{})},
        {"Adadelta options",
         made<Adadelta>(AdadeltaOptions{.lr = 0.5, .rho = 0.8, .eps = 1e-3, .weight_decay = 0.1, .maximize = true})},
        {"Rprop", made<Rprop>(RpropOptions{.lr = 0.01})},
        {"Rprop options", made<Rprop>(RpropOptions{.lr = 0.1, .etas = {0.4, 1.5}, .step_sizes = {1e-3, 0.3}})},
        {"Lion", made<Lion>(LionOptions{.lr = 0.01})},
        {"Lion options", made<Lion>(LionOptions{.lr = 0.02, .betas = {0.8, 0.95}, .weight_decay = 0.3})},
        {"Muon", made<Muon>(MuonOptions{.lr = 0.02})},
        {"Muon tall", made<Muon>(MuonOptions{.lr = 0.02, .nesterov = false, .adjust_lr_fn = MuonLr::match_rms_adamw}),
         7, 3},
        {"Muon tall original", made<Muon>(MuonOptions{.lr = 0.02}), 7, 3},
        {"Muon groups", made<Muon>(MuonOptions{.lr = 0.02}, groups([](Muon& o) {
                                       o.options().use_muon = false;
                                       o.group("bias", {.lr = 0.01});
                                   }))},
    };
}

}  // namespace

TEST_SUITE_BEGIN("optimizers");

TEST_CASE("optimizers: twenty steps of each are PyTorch's") {
    const tests::Figures figures("optimizers");
    for (const Case& c : cases())
        for (const DType dtype : {DType::f64, DType::f32}) {
            Classifier model(dtype, c.rows, c.columns);
            const auto optimizer = c.make();
            train(model, *optimizer, 0, 20);
            figures.check(c.name, "weight", model.net.weight);
            figures.check(c.name, "bias", model.net.bias);
        }
}

TEST_CASE("optimizers: no case on record is left out") {
    const tests::Figures figures("optimizers");
    std::set<std::string> checked;
    for (const Case& c : cases()) checked.insert(c.name);
    for (const std::string& name : figures.cases()) {
        const bool elsewhere =
            name.starts_with("LBFGS") || name.starts_with("clip_grad") || name == "AveragedModel" || name == "EMA";
        CHECK_MESSAGE((elsewhere || checked.count(name)), name);
    }
}

TEST_CASE("optimizers: a run that is saved, loaded elsewhere and continued gives the same bits") {
    for (const Case& c : cases()) {
        CAPTURE(c.name);
        Classifier straight(DType::f32, c.rows, c.columns), stopped = straight;
        const auto whole = c.make();
        train(straight, *whole, 0, 20);

        const auto before = c.make(), after = c.make();
        train(stopped, *before, 0, 8);
        Classifier elsewhere(DType::f32, c.rows, c.columns);
        nn::load_state_dict(elsewhere.net, nn::state_dict(stopped.net));
        before->set_lr(before->lr(0) * 2, 0);  // as a schedule would; it is part of the state
        after->load_state_dict(before->state_dict());
        CHECK(after->lr(0) == before->lr(0));
        after->set_lr(after->lr(0) / 2, 0);
        CHECK(after->state_dict().size() == before->state_dict().size());  // loaded, though nothing was stepped yet
        train(elsewhere, *after, 8, 20);
        CHECK(close(elsewhere.net.weight, straight.net.weight, 0));
        CHECK(close(elsewhere.net.bias, straight.net.bias, 0));
    }
}

TEST_CASE("optimizers: a state has PyTorch's names, and one that does not fit is refused") {
    Classifier model(DType::f32);
    nn::Adam adam({.amsgrad = true});
    train(model, adam, 0, 8);
    std::set<std::string> names;
    for (const auto& [name, t] : adam.state_dict()) names.insert(name);
    CHECK(names == std::set<std::string>{"param_groups.0.lr", "param_groups.0.momentum", "weight.step",
                                         "weight.exp_avg", "weight.exp_avg_sq", "weight.max_exp_avg_sq", "bias.step",
                                         "bias.exp_avg", "bias.exp_avg_sq", "bias.max_exp_avg_sq"});
    CHECK(nn::find(adam.state_dict(), "bias.step")->item<std::int64_t>() == 7);
    CHECK(nn::find(adam.state_dict(), "weight.exp_avg")->shape() == Shape{5, 7});

    nn::Lion lion;
    CHECK(error_of<ValueError>([&] { lion.load_state_dict(adam.state_dict()); }) ==
          "Lion: the state is not of such an optimizer, got weight.exp_avg_sq" + here());
    nn::Adam other;
    other.load_state_dict(adam.state_dict());
    Classifier larger(DType::f32, 6, 7);
    CHECK(error_of<ValueError>([&] { other.step(larger.net, std::vector<Tensor>(2)); }) ==
          "Adam: the loaded state does not fit the model, got bias.max_exp_avg_sq of shape (5,)" + here());
    Parameter alone(zeros({2}));
    other.load_state_dict(adam.state_dict());
    CHECK_THROWS_AS(other.step(alone, {ones({2})}), ValueError);
    CHECK(values(alone) == std::vector<double>{0, 0});
}

TEST_CASE("optimizers: the first pattern that matches counts, and groups have learning rates of their own") {
    struct Net {
        nn::Linear encoder{2, 2}, head{2, 1};
        XGRAD_FIELDS(encoder, head)
    } net;
    for (Parameter& p : nn::parameters(net)) p = zeros(p.shape());
    nn::SGD sgd({.lr = 1});
    sgd.group("encoder.*", {.lr = 2});
    sgd.group("*.bias", {.lr = 3});
    CHECK(sgd.groups() == 3);
    const auto step = [&] {
        std::vector<Tensor> gradients;
        for (const Parameter& p : nn::parameters(net)) gradients.push_back(ones_like(p));
        sgd.step(net, gradients);
    };
    step();
    CHECK(values(net.encoder.weight)[0] == -2);
    CHECK(values(net.encoder.bias)[0] == -2);
    CHECK(values(net.head.weight)[0] == -1);
    CHECK(values(net.head.bias)[0] == -3);
    sgd.set_lr(10, 2);
    CHECK(sgd.lr() == 1);
    CHECK(sgd.lr(2) == 10);
    step();
    CHECK(values(net.head.bias)[0] == -13);
    sgd.set_lr(0.5);  // of all
    CHECK(sgd.lr(1) == 0.5);
    sgd.group("head.weight", {.lr = 0});  // also later on
    step();
    CHECK(values(net.head.weight)[0] == -2);
    CHECK(error_of<IndexError>([&] { sgd.set_lr(1, 4); }) == "SGD: group must be in [0, 4), got 4");
    CHECK(error_of<ValueError>([&] { sgd.group("*", {.lr = -1}); }) == "SGD: lr must not be negative, got -1" + here());
    CHECK(error_of<ValueError>([&] { nn::Rprop().group("*", {.weight_decay = 1}); }) ==
          "Rprop: there is no weight_decay to set" + here());
    CHECK(nn::Adam().momentum() == 0.9);
    CHECK_FALSE(nn::Adagrad().momentum());
}

TEST_CASE("optimizers: frozen parameters stay, whatever gradient is given") {
    Parameter w(ones({3}));
    Parameter other(ones({3}));
    w.freeze();
    nn::AdamW adam;
    adam.step(std::tie(w, other), {ones({3}), ones({3})});
    CHECK(values(w) == std::vector<double>{1, 1, 1});
    CHECK(values(other)[0] < 1);
    w.freeze(false);
    adam.step(std::tie(w, other), {ones({3}), ones({3})});
    CHECK(values(w)[0] < 1);
}

TEST_CASE("optimizers: large parameters are updated as small ones, with any number of threads") {
    const auto updated = [](std::int64_t n) {
        Parameter w(wave({n}, 0, 1, 0, DType::f32));
        nn::Adam adam({.lr = 0.1, .weight_decay = 0.1});
        for (int step = 0; step < 3; ++step) adam.step(w, {wave({n}, 1 + step, 1, 0, DType::f32)});
        return w.value();
    };
    CHECK(close(slice(updated(100003), 0, 0, 1001), updated(1001), 0));
}

// --- what all of them promise
// -----------------------------------------------------------------------------------------

namespace {

struct Net {
    nn::Linear fc1{4, 8}, fc2{8, 3};
    Tensor operator()(const Tensor& x) const { return fc2(relu(fc1(x))); }
    XGRAD_FIELDS(fc1, fc2)
};

}  // namespace

TEST_CASE("optimizers: an optimizer's step changes no value that somebody else holds") {
    Parameter w(ones({4}));
    const Tensor held = w.value();
    Parameter copy = w;
    nn::Adam adam;
    adam.step(w, {ones({4})});
    CHECK(close(held, ones({4}), 0));
    CHECK(close(copy, ones({4}), 0));
    CHECK_FALSE(close(w, ones({4}), 1e-6));
    const Tensor after = w.value();
    adam.step(w, {ones({4})});
    CHECK_FALSE(close(w, after, 1e-6));
    CHECK(after.data<float>()[0] == doctest::Approx(0.999).epsilon(1e-5));
}

TEST_CASE("optimizers: an optimizer serves a model that was moved or copied, and sees learning rates change") {
    nn::SGD sgd({.lr = 0.1, .momentum = 0.9});
    auto net = std::make_unique<nn::Linear>(2, 1, false);
    net->weight = zeros({1, 2});
    sgd.step(*net, {ones({1, 2})});
    nn::Linear elsewhere = *net;
    net.reset();
    sgd.set_lr(1);
    sgd.options().momentum = 0.5;
    sgd.step(elsewhere, {ones({1, 2})});
    CHECK(values(elsewhere.weight)[0] == doctest::Approx(-0.1 - 1.5));
}

TEST_CASE("optimizers: frozen parameters, parameters without gradient and shared parameters") {
    Net net;
    net.fc1.weight.freeze();
    const Tensor weight = net.fc1.weight.value(), bias = net.fc1.bias.value();
    nn::SGD sgd({.lr = 1});
    {
        Tape tape;
        sgd.step(net, tape.gradient(sum(net.fc1(ones({2, 4})))));  // fc2 has no part in it
    }
    CHECK(close(net.fc1.weight, weight, 0));
    CHECK(close(net.fc1.bias, bias - 2, 1e-6));

    struct Tied {
        std::shared_ptr<nn::Linear> a = std::make_shared<nn::Linear>(2, 2, false), b = a;
        XGRAD_FIELDS(a, b)
    } tied;
    const Tensor before = tied.a->weight.value();
    Tape tape;
    nn::SGD({.lr = 1}).step(tied, tape.gradient(sum((*tied.b)((*tied.a)(ones({1, 2}))))));
    const Tensor moved = before - tied.a->weight.value();  // once, by the whole gradient
    const auto f = [&](const Tensor& w) { return sum(linear(linear(ones({1, 2}), w), w)); };
    CHECK(close(moved, grad(f, before), 1e-6));
}

TEST_CASE("optimizers: optimizers say when the model changed, and refuse senseless options") {
    nn::Adam adam;
    std::vector<nn::Linear> layers{nn::Linear(2, 3, false)};
    const auto step = [&] {
        std::vector<Tensor> gradients;
        for (const Parameter& p : nn::parameters(layers)) gradients.push_back(zeros_like(p));
        adam.step(layers, gradients);
    };
    step();
    const std::string line = here(__LINE__ - 3), start = "Adam: the model must keep its structure between steps, got ";
    layers.emplace_back(3, 1, false);
    CHECK(error_of<ValueError>(step) == start + "1.weight (1, 3) f32 where nothing was" + line);
    layers.clear();
    CHECK(error_of<ValueError>(step) == start + "nothing where 0.weight (3, 2) f32 was" + line);
    layers.emplace_back(2, 4, false);
    CHECK(error_of<ValueError>(step) == start + "0.weight (4, 2) f32 where 0.weight (3, 2) f32 was" + line);
    Parameter other(zeros({3, 2}));
    // clang-format off
    CHECK(error_of<ValueError>([&] { adam.step(other, {zeros({3, 2})}); }) == start + "parameter (3, 2) f32 where 0.weight (3, 2) f32 was" + here());
    // clang-format on
    layers.clear();
    layers.emplace_back(2, 3, false);
    step();  // the right one is still welcome
    // clang-format off
    CHECK(error_of<ValueError>([&] { adam.step(layers, std::vector<Tensor>{}); }) == "Adam: one gradient for each parameter is needed, got 0 for 1 parameters" + here());
    // clang-format on
    CHECK_THROWS_AS(adam.step(layers, {zeros({2, 2})}), ShapeError);
    CHECK(layers[0].weight.shape() == Shape{3, 2});  // and the parameter is still there

    CHECK(error_of<ValueError>([] { nn::SGD({.lr = -1}); }) == "SGD: lr must not be negative, got -1" + here());
    CHECK_THROWS_AS(nn::SGD({.lr = NAN}), ValueError);
    CHECK_THROWS_AS(nn::SGD({.nesterov = true}), ValueError);
    CHECK_THROWS_AS(nn::SGD({.momentum = 0.9, .dampening = 0.1, .nesterov = true}), ValueError);
    CHECK(error_of<ValueError>([] { nn::Adam({.betas = {0.9, 1.0}}); }) ==
          "Adam: betas must be in [0, 1), got 1" + here());
    CHECK_THROWS_AS(nn::AdamW({.eps = -1}), ValueError);
}

TEST_SUITE_END();
