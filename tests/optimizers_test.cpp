#include <algorithm>
#include <functional>
#include <limits>
#include <memory>
#include <set>

#include "figures.hpp"
#include "support.hpp"

using namespace xgrad;
using tests::close;
using tests::error_of;
using tests::here;
using tests::values;
using tests::wave;

namespace {

/// The classifier of figures.py's optimizers.
struct Classifier {
    explicit Classifier(DType dtype, std::int64_t rows = 5, std::int64_t columns = 7)
        : net(columns, rows, {.dtype = dtype}), x(wave({6, columns}, 3, 1, 0, dtype)), y(remainder(arange(6, DType::i64), rows)) {
        net.weight = wave({rows, columns}, 1, 0.5, 0, dtype);
        net.bias = wave({rows}, 2, 0.5, 0, dtype);
    }
    Tensor loss() const { return nn::cross_entropy(net(x), y); }

    nn::Linear net;
    Tensor x, y;
};

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
std::function<std::unique_ptr<nn::Optimizer>()> made(const Options& options, const std::function<void(Optimizer&)>& change = {}) {
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
        {"AdamW options", made<AdamW>(AdamWOptions{.lr = 0.05, .betas = {0.8, 0.95}, .eps = 1e-3, .weight_decay = 0.3, .amsgrad = true})},
        {"NAdam", made<NAdam>(NAdamOptions{.lr = 0.05})},
        {"NAdam options",
         made<NAdam>(NAdamOptions{.lr = 0.02, .betas = {0.8, 0.95}, .eps = 1e-3, .weight_decay = 0.1, .momentum_decay = 0.1})},
        {"RAdam", made<RAdam>(RAdamOptions{.lr = 0.1})},
        {"RAdam options", made<RAdam>(RAdamOptions{.lr = 0.05, .betas = {0.8, 0.95}, .eps = 1e-3, .weight_decay = 0.1})},
        {"Adamax", made<Adamax>(AdamaxOptions{.lr = 0.1})},
        {"Adamax options",
         made<Adamax>(AdamaxOptions{.lr = 0.05, .betas = {0.8, 0.95}, .eps = 1e-3, .weight_decay = 0.1, .maximize = true})},
        {"RMSprop", made<RMSprop>(RMSpropOptions{.lr = 0.01})},
        {"RMSprop momentum", made<RMSprop>(RMSpropOptions{.lr = 0.01, .alpha = 0.9, .eps = 1e-3, .weight_decay = 0.1, .momentum = 0.8})},
        {"RMSprop centered", made<RMSprop>(RMSpropOptions{.lr = 0.01, .centered = true, .maximize = true})},
        {"RMSprop both", made<RMSprop>(RMSpropOptions{.lr = 0.01, .eps = 1e-2, .momentum = 0.8, .centered = true})},
        {"Adagrad", made<Adagrad>(AdagradOptions{.lr = 0.1})},
        {"Adagrad options",
         made<Adagrad>(AdagradOptions{
             .lr = 0.1, .lr_decay = 0.1, .weight_decay = 0.1, .initial_accumulator_value = 0.2, .eps = 1e-3, .maximize = true})},
        {"Adadelta", made<Adadelta>(AdadeltaOptions{})},
        {"Adadelta options", made<Adadelta>(AdadeltaOptions{.lr = 0.5, .rho = 0.8, .eps = 1e-3, .weight_decay = 0.1, .maximize = true})},
        {"Rprop", made<Rprop>(RpropOptions{.lr = 0.01})},
        {"Rprop options", made<Rprop>(RpropOptions{.lr = 0.1, .etas = {0.4, 1.5}, .step_sizes = {1e-3, 0.3}})},
        {"Lion", made<Lion>(LionOptions{.lr = 0.01})},
        {"Lion options", made<Lion>(LionOptions{.lr = 0.02, .betas = {0.8, 0.95}, .weight_decay = 0.3})},
        {"Muon", made<Muon>(MuonOptions{.lr = 0.02})},
        {"Muon tall", made<Muon>(MuonOptions{.lr = 0.02, .nesterov = false, .adjust_lr_fn = MuonLr::match_rms_adamw}), 7, 3},
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
        const bool elsewhere = name.starts_with("LBFGS") || name.starts_with("clip_grad") || name == "AveragedModel" || name == "EMA";
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
    CHECK(names == std::set<std::string>{"param_groups.0.lr", "param_groups.0.momentum", "weight.step", "weight.exp_avg",
                                         "weight.exp_avg_sq", "weight.max_exp_avg_sq", "bias.step", "bias.exp_avg", "bias.exp_avg_sq",
                                         "bias.max_exp_avg_sq"});
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
    CHECK(error_of<ValueError>([&] { sgd.group("*", {.lr = -1}); }) == "SGD: lr must not be negative, got -1.000000" + here());
    CHECK(error_of<ValueError>([&] { nn::Rprop().group("*", {.weight_decay = 1}); }) == "Rprop: there is no weight_decay to set" + here());
    CHECK(nn::Adam().momentum() == 0.9);
    CHECK_FALSE(nn::Adagrad().momentum());
}

TEST_CASE("optimizers: frozen parameters stay, whatever gradient is given") {
    Parameter w(ones({3}));
    w.freeze();
    nn::AdamW adam;
    adam.step(w, {ones({3})});
    CHECK(values(w) == std::vector<double>{1, 1, 1});
    w.freeze(false);
    adam.step(w, {ones({3})});
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

// --- LBFGS ------------------------------------------------------------------------------------------------------------

namespace {

void check_lbfgs(const char* name, nn::LBFGS lbfgs, int steps, nn::ModelRef model, const std::function<Tensor()>& loss) {
    const tests::Figures figures("optimizers");
    std::vector<double> losses;
    for (int step = 0; step < steps; ++step) losses.push_back(lbfgs.step(model, loss).item());
    figures.check(name, "losses", tensor(losses));
    int i = 0;
    for (const Parameter* p : nn::detail::parameters(model)) figures.check(name, "parameter " + std::to_string(i++), *p);
}

Tensor rosenbrock(const Tensor& x) {
    const Tensor a = select(x, 0, 0), b = select(x, 0, 1);
    return square(1 - a) + 100 * square(b - square(a));
}

}  // namespace

TEST_CASE("optimizers: LBFGS takes PyTorch's steps") {
    using nn::LineSearch;
    Parameter x(tensor({-1.2, 1.0}));
    const auto valley = [&] { return rosenbrock(x); };
    check_lbfgs("LBFGS Rosenbrock", nn::LBFGS({.max_iter = 4, .line_search_fn = LineSearch::strong_wolfe}), 6, x, valley);
    x = tensor({3.0, -4.0});
    check_lbfgs("LBFGS Rosenbrock far",
                nn::LBFGS({.lr = 0.5, .max_iter = 6, .max_eval = 20, .history_size = 3, .line_search_fn = LineSearch::strong_wolfe}), 5, x,
                valley);
    for (const auto& [name, options] :
         {std::pair{"LBFGS classifier", nn::LBFGSOptions{.max_iter = 2, .line_search_fn = LineSearch::strong_wolfe}},
          std::pair{"LBFGS fixed step", nn::LBFGSOptions{.lr = 0.3, .max_iter = 3, .history_size = 4}},
          std::pair{"LBFGS one iteration", nn::LBFGSOptions{.lr = 0.3, .max_iter = 1}}}) {
        Classifier model(DType::f64);
        check_lbfgs(name, nn::LBFGS(options), 20, model.net, [&] { return model.loss() + 0.01 * sum(square(model.net.weight)); });
    }
}

TEST_CASE("optimizers: LBFGS from gradients alone, saved and continued, and with a frozen parameter") {
    const tests::Figures figures("optimizers");
    Classifier model(DType::f64);
    auto lbfgs = std::make_unique<nn::LBFGS>(nn::LBFGSOptions{.lr = 0.3});
    for (int step = 0; step < 20; ++step) {
        Tape tape;
        lbfgs->step(model.net, tape.gradient(model.loss() + 0.01 * sum(square(model.net.weight))));
        if (step == 11) {
            auto other = std::make_unique<nn::LBFGS>(nn::LBFGSOptions{.lr = 0.1});
            other->load_state_dict(lbfgs->state_dict());
            lbfgs = std::move(other);
        }
    }
    figures.check("LBFGS one iteration", "parameter 0", model.net.weight);
    figures.check("LBFGS one iteration", "parameter 1", model.net.bias);

    Classifier frozen(DType::f32);
    frozen.net.bias.freeze();
    const Tensor bias = frozen.net.bias.value();
    nn::LBFGS search({.line_search_fn = nn::LineSearch::strong_wolfe});
    const double before = search.step(frozen.net, [&] { return frozen.loss(); }).item();
    CHECK(frozen.loss().item() < 0.1 * before);
    CHECK(close(frozen.net.bias, bias, 0));
    CHECK(error_of<ValueError>([&] { search.step(frozen.net, std::vector<Tensor>{ones({5, 7}), Tensor()}); }) ==
          "LBFGS: a line search needs the loss again and again, as in step(model, closure)");
    CHECK(frozen.net.weight.defined());
    search.group("bias");
    CHECK(error_of<ValueError>([&] { search.step(frozen.net, [&] { return frozen.loss(); }); }) ==
          "LBFGS: there can be only one group of parameters" + here());
}

TEST_CASE("optimizers: LBFGS takes a closure that brings its own gradients") {
    Parameter x(tensor({-1.2, 1.0}));
    nn::LBFGS lbfgs({.max_iter = 100, .line_search_fn = nn::LineSearch::strong_wolfe});
    lbfgs.step(x, [&] {
        Tape tape;
        const Tensor loss = rosenbrock(x);
        return std::pair(loss, tape.gradient(loss));
    });
    CHECK(close(x, ones({2}, DType::f64), 1e-4));
}

// --- gradients and averages -------------------------------------------------------------------------------------------

TEST_CASE("optimizers: gradients are clipped as PyTorch clips them") {
    const tests::Figures figures("optimizers");
    const double inf = std::numeric_limits<double>::infinity();
    struct Row {
        const char* name;
        double max_norm, norm_type;
    };
    for (const Row& row : {Row{"clip_grad_norm", 0.5, 2}, Row{"clip_grad_norm 1", 0.5, 1}, Row{"clip_grad_norm inf", 0.5, inf},
                           Row{"clip_grad_norm wide", 50, 2}})
        for (const DType dtype : {DType::f64, DType::f32}) {
            const std::vector<Tensor> gradients{wave({2, 3}, 3, 1, 0, dtype), Tensor(), wave({4}, 4, 1, 0, dtype)};
            const nn::ClippedGradients clipped = nn::clip_grad_norm(gradients, row.max_norm, {.norm_type = row.norm_type});
            figures.check(row.name, "norm", scalar(clipped.total_norm).to(dtype));
            figures.check(row.name, "a", clipped[0]);
            CHECK_FALSE(clipped[1].defined());
            figures.check(row.name, "b", clipped[2]);
        }
    CHECK(values(nn::clip_grad_value(std::vector{tensor({-3.0, 0.5, 2.0})}, 1)[0]) == std::vector<double>{-1, 0.5, 1});
    CHECK(error_of<ValueError>([] { nn::clip_grad_norm(std::vector{full({1}, NAN)}, 1, {.error_if_nonfinite = true}); }) ==
          "clip_grad_norm: the norm must be finite, got nan" + here());
    CHECK(std::isnan(nn::clip_grad_norm(std::vector{tensor({double{NAN}, 1.0})}, 1)[0].data<double>()[1]));
    CHECK(nn::clip_grad_norm(std::vector<Tensor>{}, 1).total_norm == 0);

    Classifier model(DType::f64);
    Tape tape;
    const Tensor bias = model.net.bias.value();
    nn::SGD sgd({.lr = 1});
    sgd.step(model.net, nn::clip_grad_norm(model.net, tape.gradient(model.loss()), 0.01, {.norm_type = inf}));
    CHECK(norm(model.net.bias - bias, inf).item() <= 0.01 + 1e-12);
}

TEST_CASE("optimizers: gradients of several batches add up to those of the whole") {
    Classifier model(DType::f64);
    nn::GradientAccumulator accumulator;
    for (int batch = 0; batch < 3; ++batch) {
        Tape tape;
        const Tensor loss =
            nn::cross_entropy(model.net(slice(model.x, 0, 2 * batch, 2 * batch + 2)), slice(model.y, 0, 2 * batch, 2 * batch + 2));
        accumulator.add(model.net, tape.gradient(loss));
    }
    Tape tape;
    const Gradients whole = tape.gradient(model.loss());
    CHECK(accumulator.count() == 3);
    const std::vector<Tensor> mean = accumulator.take_mean();
    CHECK(close(mean[0], whole[model.net.weight], 1e-12));
    CHECK(close(mean[1], whole[model.net.bias], 1e-12));
    CHECK(accumulator.count() == 0);
    accumulator.add({tensor({1.0}), Tensor()});
    accumulator.add({tensor({2.0}), tensor({5.0})});
    const std::vector<Tensor> sums = accumulator.take();
    CHECK(values(sums[0]) == std::vector<double>{3});
    CHECK(values(sums[1]) == std::vector<double>{5});
    accumulator.add({Tensor()});
    CHECK(error_of<ValueError>([&] { accumulator.add({Tensor(), Tensor()}); }) ==
          "GradientAccumulator: there must be as many gradients each time, got 2 after 1" + here());
}

namespace {

struct Normal {  // PyTorch's BatchNorm1d as far as its names go
    Parameter weight{zeros({3}, DType::f64)}, bias{zeros({3}, DType::f64)};
    Tensor running_mean = zeros({3}, DType::f64), running_var = zeros({3}, DType::f64), num_batches_tracked = scalar(std::int64_t{0});
    XGRAD_FIELDS(weight, bias, running_mean, running_var, num_batches_tracked)

    void set(int step) {
        weight = wave({3}, 10.0 * step);
        bias = wave({3}, 10.0 * step + 1);
        running_mean = wave({3}, 10.0 * step + 2);
        running_var = wave({3}, 10.0 * step + 3);
        num_batches_tracked = scalar(std::int64_t{step});
    }
};

}  // namespace

TEST_CASE("optimizers: averages of weights are PyTorch's") {
    const tests::Figures figures("optimizers");
    Normal model;
    model.set(0);
    nn::AveragedModel average(model), with_buffers(model, {.use_buffers = true});
    nn::EMA ema(model, {.decay = 0.9});
    for (int step = 1; step <= 5; ++step) {
        model.set(step);
        average.update(model);
        with_buffers.update(model);
        ema.update(model);
        const nn::EMA copy = ema;  // which holds the values while the next update changes them
        if (step == 3) nn::load_state_dict(ema, nn::state_dict(copy));
    }
    for (const char* name : {"weight", "bias"}) {
        figures.check("AveragedModel", name, *nn::find(nn::state_dict(average.model()), name));
        figures.check("EMA", name, *nn::find(nn::state_dict(ema), std::string("module.") + name));
    }
    CHECK(close(average.model().running_mean, model.running_mean, 0));
    Tensor mean = zeros({3}, DType::f64);
    for (int step = 1; step <= 5; ++step) mean = mean + wave({3}, 10.0 * step + 2) / 5;
    CHECK(close(with_buffers.model().running_mean, mean, 1e-12));
    CHECK(with_buffers.model().num_batches_tracked.item<int>() == 5);
    CHECK(ema.n_averaged.item<int>() == 5);
    CHECK_THROWS_AS(nn::EMA(model, {.decay = 1.5}), ValueError);
    model.bias = zeros({4}, DType::f64);
    CHECK(error_of<ValueError>([&] { ema.update(model); }) ==
          "AveragedModel: the model must keep its structure, got (4,) f64 for (3,) f64" + here());
}

// --- what all of them promise -----------------------------------------------------------------------------------------

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

    CHECK(error_of<ValueError>([] { nn::SGD({.lr = -1}); }) == "SGD: lr must not be negative, got -1.000000" + here());
    CHECK_THROWS_AS(nn::SGD({.lr = NAN}), ValueError);
    CHECK_THROWS_AS(nn::SGD({.nesterov = true}), ValueError);
    CHECK_THROWS_AS(nn::SGD({.momentum = 0.9, .dampening = 0.1, .nesterov = true}), ValueError);
    CHECK(error_of<ValueError>([] { nn::Adam({.betas = {0.9, 1.0}}); }) == "Adam: betas must be in [0, 1), got 1.000000" + here());
    CHECK_THROWS_AS(nn::AdamW({.eps = -1}), ValueError);
}

TEST_SUITE_END();
