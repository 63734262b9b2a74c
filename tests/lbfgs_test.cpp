#include <functional>
#include <memory>

#include "classifier.hpp"
#include "support.hpp"

using namespace xgrad;
using tests::Classifier;
using tests::close;
using tests::error_of;
using tests::here;

namespace {

void check_lbfgs(const char* name, nn::LBFGS lbfgs, int steps, nn::ModelRef model,
                 const std::function<Tensor()>& loss) {
    const tests::Figures figures("optimizers");
    std::vector<double> losses;
    for (int step = 0; step < steps; ++step) losses.push_back(lbfgs.step(model, loss).item());
    figures.check(name, "losses", tensor(losses));
    int i = 0;
    for (const Parameter* p : nn::detail::parameters(model))
        figures.check(name, "parameter " + std::to_string(i++), *p);
}

Tensor rosenbrock(const Tensor& x) {
    const Tensor a = select(x, 0, 0), b = select(x, 0, 1);
    return square(1 - a) + 100 * square(b - square(a));
}

}  // namespace

TEST_SUITE_BEGIN("optimizers");

TEST_CASE("optimizers: LBFGS takes PyTorch's steps") {
    using nn::LineSearch;
    Parameter x(tensor({-1.2, 1.0}));
    const auto valley = [&] { return rosenbrock(x); };
    check_lbfgs("LBFGS Rosenbrock", nn::LBFGS({.max_iter = 4, .line_search_fn = LineSearch::strong_wolfe}), 6, x,
                valley);
    x = tensor({3.0, -4.0});
    check_lbfgs(
        "LBFGS Rosenbrock far",
        nn::LBFGS(
            {.lr = 0.5, .max_iter = 6, .max_eval = 20, .history_size = 3, .line_search_fn = LineSearch::strong_wolfe}),
        5, x, valley);
    for (const auto& [name, options] :
         {std::pair{"LBFGS classifier", nn::LBFGSOptions{.max_iter = 2, .line_search_fn = LineSearch::strong_wolfe}},
          std::pair{"LBFGS fixed step", nn::LBFGSOptions{.lr = 0.3, .max_iter = 3, .history_size = 4}},
          std::pair{"LBFGS one iteration", nn::LBFGSOptions{.lr = 0.3, .max_iter = 1}}}) {
        Classifier model(DType::f64);
        check_lbfgs(name, nn::LBFGS(options), 20, model.net,
                    [&] { return model.loss() + 0.01 * sum(square(model.net.weight)); });
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

TEST_SUITE_END();
