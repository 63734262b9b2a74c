#include <autodiff/autodiff.hpp>
#include <doctest/doctest.h>
#include <nn/nn.hpp>

#include <cmath>
#include <limits>
#include <memory>

#include "support.hpp"

using namespace xgrad;
using tests::close;
using tests::error_of;
using tests::here;

namespace {

struct Tied {
    std::shared_ptr<nn::Embedding> embedding = std::make_shared<nn::Embedding>(5, 3), again = embedding;
    Tensor operator()(const Tensor& x) const { return sum(square((*embedding)(x))); }
    XGRAD_FIELDS(embedding, again)
};

struct Squares {
    std::int64_t size() const { return 10; }
    double operator[](std::int64_t i) const { return static_cast<double>(i * i); }
};

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

}  // namespace

TEST_SUITE("nn edges") {
    TEST_CASE("a checkpoint of a model that has a name gives its parameters their gradients") {
        const nn::Linear layer(2, 2);
        nn::Sequential net(nn::Linear(2, 4), nn::BatchNorm1d(4), nn::Dropout(0.5));
        const Tensor x = tensor({{1.0f, 2.0f}, {-1.0f, 0.5f}});
        Tape tape;
        const Gradients g = tape.gradient(sum(square(checkpoint(layer, x))) + sum(square(checkpoint(net, x))));
        CHECK(g.find(layer.weight) != nullptr);
        CHECK(g.find(net.layer<nn::Linear>(0).weight) != nullptr);
        CHECK(net.layer<nn::BatchNorm1d>(1).num_batches_tracked.item<std::int64_t>() == 1);
        {
            Tape plain;
            CHECK(close(plain.gradient(sum(square(layer(x))), layer.weight), g[layer.weight]));
        }
        Tape other;
        const Tensor y = checkpoint(nn::Linear(2, 2), other.watch(x));  // without a name it is kept
        CHECK(other.gradient(sum(y)).size() > 0);
    }

    TEST_CASE("nn::grad is a call of the model: masks are drawn on, running statistics move, and it nests") {
        nn::Sequential net(nn::Linear(2, 4), nn::BatchNorm1d(4), nn::Dropout(0.5));
        const Tensor x = tensor({{1.0f, 2.0f}, {-1.0f, 0.5f}, {3.0f, 1.0f}});
        const auto loss = [&](const nn::Sequential& model) { return sum(square(model(x))); };
        const double first = nn::value_and_grad(loss, net).first.item(),
                     second = nn::value_and_grad(loss, net).first.item();
        CHECK(first != second);  // another mask
        CHECK(net.layer<nn::BatchNorm1d>(1).num_batches_tracked.item<std::int64_t>() == 2);
        const nn::Linear layer(2, 1);
        const auto f = [&](const nn::Linear& l) { return sum(square(l(x))); };
        // f is |x·w + b|²; its gradient 2 xᵀ(x·w + b), the gradient of that one's square 8 xᵀx xᵀ(x·w + b).
        const nn::Linear twice =
            nn::grad([&](const nn::Linear& l) { return sum(square(nn::grad(f, l).weight)); }, layer);
        const Tensor gram = matmul(transpose(x), x), g = matmul(transpose(x), layer(x));
        CHECK(close(reshape(twice.weight, {2, 1}), 8.0 * matmul(gram, g), 1e-5));
    }

    TEST_CASE("copies that share a layer are refused where they must not") {
        const Tied tied;
        const Tensor before = tied.embedding->weight.value(), x = tensor({1, 2});
        CHECK(error_of<ValueError>([&] {
                  nn::grad([&](const Tied& model) { return model(x); }, tied);
              }).starts_with("nn::grad: a copy of the model must have parameters of its own"));
        CHECK(close(tied.embedding->weight, before, 0));
        nn::EMA ema(tied, {.decay = 0.5});
        CHECK(error_of<ValueError>([&] {
                  ema.update(tied);
              }).starts_with("AveragedModel: a copy of the model must have parameters of its own"));
    }

    TEST_CASE("metrics: ignored targets do not count, and NaN is not right") {
        const Tensor scores = tensor({{1.0, 2.0}, {3.0, 1.0}, {0.0, 5.0}}), target = tensor({0, 1, -100});
        CHECK(nn::perplexity(scores, target) == doctest::Approx(std::exp(nn::cross_entropy(scores, target).item())));
        nn::Perplexity metric;
        metric.update(zeros({4, 10}, DType::f64), tensor({1, -100, -100, -100}));
        metric.update(zeros({1, 10}, DType::f64), tensor({-100}));
        CHECK(metric.value() == doctest::Approx(10));
        CHECK(nn::top_k_accuracy(full({4, 10}, not_a_number), tensor({1, 5, 7, 9}), 1) == 0);
    }

    TEST_CASE("Log: the names of Trainer's own columns are taken") {
        nn::Log log;
        log("accuracy", 1);
        CHECK(error_of<ValueError>([&] { log("loss", 1); }) ==
              "Log: loss is a name that Trainer uses itself; take another" + here());
        CHECK(error_of<ValueError>([&] {
                  log("valid_accuracy", 1);
              }).starts_with("Log: names must not start with valid_"));
    }

    TEST_CASE("sets of single samples are split like others") {
        Generator generator(1);
        auto [train, valid] = nn::random_split(Squares(), {0.8, 0.2}, generator);
        CHECK(train.size() == 8);
        CHECK(valid.size() == 2);
        double total = 0;
        for (const auto& batch : nn::DataLoader(train, {.batch_size = 3})) total += sum(batch).item();
        for (const auto& batch : nn::DataLoader(valid, {.batch_size = 3})) total += sum(batch).item();
        CHECK(total == 285);
    }

    TEST_CASE("weights of the binary cross-entropies do not enlarge the loss") {
        const Tensor p = full({3}, 0.5), t = ones({3}), column = ones({3, 1});
        CHECK(error_of<ShapeError>([&] { nn::binary_cross_entropy(p, t, {.weight = column}); }) ==
              "binary_cross_entropy: weight must broadcast to input's shape (3,), got (3, 1)" + here());
        CHECK(error_of<ShapeError>([&] {
                  nn::binary_cross_entropy_with_logits(p, t, {.pos_weight = column});
              }).ends_with(here()));
        CHECK(error_of<DTypeError>([&] {
                  nn::binary_cross_entropy_with_logits(p, t, {.weight = ones({3}, DType::f64)});
              }).ends_with(here()));
    }

    TEST_CASE("errors of layers name the line that called them") {
        const Tensor x = zeros({2, 3, 4}, DType::f64);
        const nn::LayerNorm norm(4);
        const nn::MultiheadAttention attention(4, 2);
        const nn::LearnedPositions positions(8, 4);
        const nn::Sequential net(nn::Linear(4, 4));
        CHECK(error_of<DTypeError>([&] { norm(x); }).ends_with(here()));
        CHECK(error_of<DTypeError>([&] { attention(x); }).ends_with(here()));
        CHECK(error_of<DTypeError>([&] { positions(x); }).ends_with(here()));
        CHECK(error_of<DTypeError>([&] { net(x); }).ends_with(here()));
    }

    TEST_CASE("a group of parameters that no name matches is an error") {
        nn::Linear layer(2, 2);
        nn::SGD sgd({.lr = 0.1});
        sgd.group("*bais", {.lr = 0});
        Tape tape;
        const Gradients g = tape.gradient(sum(layer(ones({1, 2}))));
        CHECK(error_of<ValueError>([&] { sgd.step(layer, g); }) ==
              "SGD: each group must have a parameter, got no name that matches \"*bais\"" + here());
    }
}
