#include <limits>

#include "classifier.hpp"
#include "support.hpp"

using namespace xgrad;
using tests::Classifier;
using tests::close;
using tests::error_of;
using tests::here;
using tests::values;
using tests::wave;

TEST_SUITE_BEGIN("optimizers");

TEST_CASE("optimizers: gradients are clipped as PyTorch clips them") {
    const tests::Figures figures("optimizers");
    const double inf = std::numeric_limits<double>::infinity();
    struct Row {
        const char* name;
        double max_norm, norm_type;
    };
    for (const Row& row : {Row{"clip_grad_norm", 0.5, 2}, Row{"clip_grad_norm 1", 0.5, 1},
                           Row{"clip_grad_norm inf", 0.5, inf}, Row{"clip_grad_norm wide", 50, 2}})
        for (const DType dtype : {DType::f64, DType::f32}) {
            const std::vector<Tensor> gradients{wave({2, 3}, 3, 1, 0, dtype), Tensor(), wave({4}, 4, 1, 0, dtype)};
            const nn::ClippedGradients clipped =
                nn::clip_grad_norm(gradients, row.max_norm, {.norm_type = row.norm_type});
            figures.check(row.name, "norm", scalar(clipped.total_norm).to(dtype));
            figures.check(row.name, "a", clipped[0]);
            CHECK_FALSE(clipped[1].defined());
            figures.check(row.name, "b", clipped[2]);
        }
    CHECK(values(nn::clip_grad_value(std::vector{tensor({-3.0, 0.5, 2.0})}, 1)[0]) == std::vector<double>{-1, 0.5, 1});
    CHECK(error_of<ValueError>([] {
              nn::clip_grad_norm(std::vector{full({1}, NAN)}, 1, {.error_if_nonfinite = true});
          }) == "clip_grad_norm: the norm must be finite, got nan" + here());
    CHECK(error_of<ValueError>([] { nn::clip_grad_norm(std::vector{ones({1})}, -1); }) ==
          "clip_grad_norm: max_norm must not be negative, got -1" + tests::nearby());
    CHECK(error_of<ValueError>([] {
              nn::clip_grad_norm(std::vector{ones({1})}, NAN);
          }).starts_with("clip_grad_norm: max_norm must not be"));
    CHECK(values(nn::clip_grad_norm(std::vector{ones({1})}, 0)[0]) == std::vector<double>{0});
    CHECK(error_of<ValueError>([] { nn::clip_grad_value(std::vector{ones({1})}, -1); }) ==
          "clip_grad_value: the limit must not be negative, got -1" + tests::nearby());
    CHECK(std::isnan(nn::clip_grad_norm(std::vector{tensor({double{NAN}, 1.0})}, 1)[0].data<double>()[1]));
    CHECK(nn::clip_grad_norm(std::vector<Tensor>{}, 1).total_norm == 0);

    Classifier model(DType::f64);
    Tape tape;
    const Tensor bias = model.net.bias.value();
    nn::SGD sgd({.lr = 1});
    sgd.step(model.net, nn::clip_grad_norm(model.net, tape.gradient(model.loss()), 0.01, {.norm_type = inf}));
    CHECK(norm(model.net.bias - bias, inf).item() <= 0.01 + 1e-12);
}

TEST_CASE("optimizers: the norms of a model's gradients come with the parameters' names") {
    std::vector<nn::Linear> layers{nn::Linear(2, 3), nn::Linear(3, 1), nn::Linear(2, 2)};
    layers[1].bias.freeze();
    Tape tape;
    const Gradients gradients = tape.gradient(sum(layers[1](layers[0](tensor({{1.f, 2.f}})))));
    const auto norms = nn::gradient_norms(layers, gradients);
    REQUIRE(norms.size() == 3);  // neither the frozen one nor those that were not used
    const char* names[] = {"0.weight", "0.bias", "1.weight"};
    const Parameter* parameters[] = {&layers[0].weight, &layers[0].bias, &layers[1].weight};
    for (std::size_t i = 0; i < 3; ++i) {
        CHECK(norms[i].first == names[i]);
        CHECK(norms[i].second == doctest::Approx(norm(gradients[*parameters[i]]).item()));
        CHECK(norms[i].second > 0);
    }
}

TEST_CASE("optimizers: gradients of several batches add up to those of the whole") {
    Classifier model(DType::f64);
    nn::GradientAccumulator accumulator;
    for (int batch = 0; batch < 3; ++batch) {
        Tape tape;
        const Tensor loss = nn::cross_entropy(model.net(slice(model.x, 0, 2 * batch, 2 * batch + 2)),
                                              slice(model.y, 0, 2 * batch, 2 * batch + 2));
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
    Tensor running_mean = zeros({3}, DType::f64), running_var = zeros({3}, DType::f64),
           num_batches_tracked = scalar(std::int64_t{0});
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

TEST_CASE("optimizers: soft_update moves a model towards another") {
    Normal source, target;
    source.set(1);
    target.set(2);
    const Normal copy = target;  // holds the old values, which do not change with the target's
    nn::soft_update(target, source, 0.25);
    CHECK(close(target.weight, 0.25 * wave({3}, 10.0) + 0.75 * wave({3}, 20.0), 1e-12));
    CHECK(close(target.bias, 0.25 * wave({3}, 11.0) + 0.75 * wave({3}, 21.0), 1e-12));
    CHECK(close(target.running_mean, source.running_mean, 0));
    CHECK(target.num_batches_tracked.item<int>() == 1);
    CHECK(close(source.weight, wave({3}, 10.0), 0));
    CHECK(close(copy.weight, wave({3}, 20.0), 0));
    const Tensor before = target.weight.value();
    nn::soft_update(target, source, 0);
    CHECK(close(target.weight, before, 0));
    nn::soft_update(target, source, 1);
    CHECK(close(target.weight, source.weight, 0));
    target.set(2);
    CHECK(close(source.weight, wave({3}, 10.0), 0));  // it took the value and tied nothing

    CHECK(error_of<ValueError>([&] { nn::soft_update(target, source, 1.5); }) ==
          "soft_update: tau must be in [0, 1], got 1.5" + here());
    CHECK(error_of<ValueError>([&] {
              nn::soft_update(target, target, 0.5);
          }).starts_with("soft_update: a copy of the model must have"));
    source.bias = zeros({4}, DType::f64);
    CHECK(error_of<ValueError>([&] { nn::soft_update(target, source, 0.5); }) ==
          "soft_update: the model must keep its structure, got (4,) f64 for (3,) f64" + here());
}

TEST_SUITE_END();
