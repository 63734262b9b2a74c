#include <autodiff/autodiff.hpp>
#include <doctest/doctest.h>
#include <nn/nn.hpp>

#include <algorithm>
#include <memory>
#include <numeric>
#include <optional>
#include <set>
#include <thread>

#include "support.hpp"

using namespace xgrad;
using tests::close;
using tests::error_of;
using tests::here;
using tests::values;

namespace {

/// Numbers that are all different: sin(1), sin(2), … plus `start`.
Tensor wave(const Shape& shape, double start = 0, double factor = 1) {
    std::vector<double> numbers(static_cast<std::size_t>(shape.size()));
    for (std::size_t i = 0; i < numbers.size(); ++i)
        numbers[i] = factor * (std::sin(static_cast<double>(i + 1)) + start);
    return tensor(numbers, shape);
}

std::vector<std::string> names_of(auto&& model) {
    std::vector<std::string> names;
    for (const auto& [name, p] : nn::named_parameters(model)) names.push_back(name);
    return names;
}

struct Net {
    nn::Linear fc1{4, 8}, fc2{8, 3};
    Tensor operator()(const Tensor& x) const { return fc2(relu(fc1(x))); }
    XGRAD_FIELDS(fc1, fc2)
};

struct Everything {
    Net net;
    std::vector<nn::Linear> layers;
    std::optional<nn::Linear> head;
    Parameter scale{ones({3})};
    std::array<Parameter, 2> pair{Parameter(ones({1})), Parameter(ones({2}))};
    std::shared_ptr<nn::Linear> first = std::make_shared<nn::Linear>(2, 2, false), second = first;
    std::unique_ptr<nn::Linear> none;
    std::tuple<nn::Linear, int> mixed{nn::Linear(1, 1), 3};
    Tensor buffer = zeros({5});
    std::string title = "passed over";
    std::vector<int> numbers{1, 2, 3};
    std::vector<bool> flags{true};
    double (*function)(double) = nullptr;
    const int size = 3;
    nn::ReLU activation;
    nn::Dropout dropout{0.5};
    bool training = true;
    XGRAD_FIELDS(net, layers, head, scale, pair, first, second, none, mixed, buffer, title, numbers, flags, function,
                 size, activation, dropout)
};

double mean_of(const std::vector<double>& v) {
    return std::accumulate(v.begin(), v.end(), 0.0) / static_cast<double>(v.size());
}
double std_of(const std::vector<double>& v) {
    const double m = mean_of(v);
    double s = 0;
    for (const double x : v) s += (x - m) * (x - m);
    return std::sqrt(s / static_cast<double>(v.size()));
}

}  // namespace

TEST_SUITE_BEGIN("nn");

// --- models ---------------------------------------------------------------------------------------------------------

TEST_CASE("nn: parameters have PyTorch's names and shapes, in the order of the fields") {
    Net net;
    CHECK(names_of(net) == std::vector<std::string>{"fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"});
    const auto parameters = nn::parameters(net);
    REQUIRE(parameters.size() == 4);
    CHECK(parameters[0].shape() == Shape{8, 4});
    CHECK(parameters[1].shape() == Shape{8});
    CHECK(&parameters[2] == &net.fc2.weight);
    std::int64_t count = 0;
    for (const Parameter& p : nn::parameters(std::as_const(net))) count += p.size();
    CHECK(count == 4 * 8 + 8 + 8 * 3 + 3);
}

TEST_CASE("nn: fields may be containers, optionals, tuples and pointers; what holds no parameter is passed over") {
    Everything model;
    model.layers.emplace_back(2, 3);
    model.layers.emplace_back(3, 1, false);
    CHECK(names_of(model) == std::vector<std::string>{"net.fc1.weight", "net.fc1.bias", "net.fc2.weight",
                                                      "net.fc2.bias", "layers.0.weight", "layers.0.bias",
                                                      "layers.1.weight", "scale", "pair.0", "pair.1", "first.weight",
                                                      "mixed.0.weight", "mixed.0.bias"});
    model.head.emplace(3, 2);
    CHECK(names_of(model)[7] == "head.weight");
    CHECK(names_of(model.scale) == std::vector<std::string>{""});
    CHECK(names_of(std::tie(model.net.fc1, model.scale)) == std::vector<std::string>{"0.weight", "0.bias", "1"});
}

TEST_CASE("nn: a path is its text without making it") {
    const nn::Path root, field(root, "fc1, layers,last_one", 1), element(field, 12), leaf(element, "weight, bias", 1),
        last(root, "fc1, layers,last_one", 2);
    CHECK(root.str().empty());
    CHECK(leaf.str() == "layers.12.bias");
    CHECK(last.str() == "last_one");
    CHECK(leaf.is("layers.12.bias"));
    CHECK(root.is(""));
    for (const char* other : {"", "bias", "12.bias", "layers.12.weight", "layers.2.bias", "players.12.bias",
                              "a.layers.12.bias", ".layers.12.bias"})
        CHECK_FALSE(leaf.is(other));
}

TEST_CASE("nn: a copy has parameters of its own") {
    Net net;
    Net copy = net;
    const Tensor before = copy.fc1.weight.value();
    const Tensor x = wave({2, 4}).to(DType::f32);
    CHECK(close(net(x), copy(x), 0));
    {
        Tape tape;
        const Gradients g = tape.gradient(sum(net(x)));
        CHECK(g.find(net.fc1.weight) != nullptr);
        CHECK(g.find(copy.fc1.weight) == nullptr);
        nn::SGD({.lr = 1}).step(net, g);
    }
    CHECK(close(copy.fc1.weight, before, 0));
    CHECK_FALSE(close(net.fc1.weight, before, 1e-6));
    copy = net;  // assignment: the value, not the identity
    CHECK(close(net(x), copy(x), 0));
    Tape tape;
    const Gradients g = tape.gradient(sum(copy(x)));
    CHECK(g.find(copy.fc1.weight) != nullptr);
    CHECK(g.find(net.fc1.weight) == nullptr);
}

TEST_CASE("nn: train and eval reach every switch") {
    Everything model;
    CHECK(model.training);
    nn::eval(model);
    CHECK_FALSE(model.training);
    CHECK_FALSE(model.dropout.training);
    nn::train(model);
    CHECK(model.training);
    CHECK(model.dropout.training);
    nn::Sequential net(nn::Linear(2, 2), nn::Sequential(nn::Dropout(0.5)));
    nn::eval(net);
    CHECK_FALSE(net.layer<nn::Sequential>(1).layer<nn::Dropout>(0).training);
}

TEST_CASE("nn: to converts parameters and buffers") {
    Everything model;
    nn::to(model, DType::f64);
    for (const Parameter& p : nn::parameters(model)) CHECK(p.dtype() == DType::f64);
    CHECK(model.buffer.dtype() == DType::f64);
    Tape tape;
    CHECK(tape.gradient(sum(model.net(wave({2, 4})))).size() == 4);
    CHECK(error_of<DTypeError>([&] { nn::to(model, DType::i32); }) ==
          "nn::to: parameters are f32 or f64, got i32" + here());
}

// --- layers ---------------------------------------------------------------------------------------------------------

TEST_CASE("nn: Linear is x·weightᵀ + bias") {
    nn::Linear layer(3, 2, {.dtype = DType::f64});
    layer.weight = tensor({{1.0, 2.0, 3.0}, {-1.0, 0.5, 0.0}});
    layer.bias = tensor({10.0, 20.0});
    CHECK(values(layer(tensor({1.0, 1.0, 1.0}))) == std::vector<double>{16, 19.5});
    CHECK(values(layer(tensor({{1.0, 0.0, 0.0}, {0.0, 2.0, 0.0}}))) == std::vector<double>{11, 19, 14, 21});
    CHECK(layer(wave({4, 5, 3})).shape() == Shape{4, 5, 2});
    CHECK(layer.in_features() == 3);
    CHECK(layer.out_features() == 2);
    const nn::Linear plain(3, 2, false);
    CHECK_FALSE(plain.bias.defined());
    CHECK(plain(ones({1, 3})).shape() == Shape{1, 2});
    CHECK(error_of<ValueError>([] { nn::Linear(0, 2); }) == "Linear: sizes must be positive, got 0 and 2" + here());
    const std::string error = error_of<ShapeError>([&] { layer(wave({4, 5})); });
    CHECK_MESSAGE(error.ends_with(here(__LINE__ - 1)), error);
}

TEST_CASE("nn: gradients of a network agree with differences") {
    const auto f = [](const Tensor& x, const Tensor& w1, const Tensor& b1, const Tensor& w2) {
        return nn::cross_entropy(linear(tanh(linear(x, w1, b1)), w2), tensor({std::int64_t{1}, std::int64_t{0}}));
    };
    const auto report = gradcheck(f, {wave({2, 3}), wave({4, 3}, 0.1), wave({4}), wave({3, 4}, -0.2)}, {.order = 2});
    CHECK_MESSAGE(report.ok, report.message);
}

TEST_CASE("nn: Sequential calls layers, models, functions and lambdas one after another") {
    nn::manual_seed(3);
    nn::Linear first(4, 8), last(3, 2);
    const Net middle{nn::Linear(8, 8), nn::Linear(8, 3)};
    nn::Sequential net(first, nn::ReLU(), middle, xgrad::relu, [](const Tensor& x) { return x * 2; }, last);
    const Tensor x = wave({5, 4}).to(DType::f32);
    CHECK(close(net(x), last(relu(middle(relu(first(x)))) * 2), 1e-6));
    CHECK(names_of(net) == std::vector<std::string>{"0.weight", "0.bias", "2.fc1.weight", "2.fc1.bias", "2.fc2.weight",
                                                    "2.fc2.bias", "5.weight", "5.bias"});
    nn::Sequential copy(net);
    net.layer<nn::Linear>(0).weight = zeros({8, 4});
    CHECK(close(copy.layer<nn::Linear>(0).weight, first.weight, 0));
    copy = net;
    CHECK(close(copy(x), net(x), 0));
    nn::Sequential moved(std::move(copy));
    CHECK(moved.size() == 6);
    CHECK(close(nn::Sequential()(x), x, 0));
    CHECK(nn::Sequential().append(nn::Identity()).append(nn::Flatten()).size() == 2);
    CHECK(error_of<IndexError>([&] { net.layer<nn::Linear>(6); }) ==
          "Sequential: layer 6 out of range, got 6 layers" + here());
    CHECK(error_of<ValueError>([&] { net.layer<nn::Linear>(1); }) == "Sequential: layer 1 is of another type" + here());
}

TEST_CASE("nn: a Sequential is trained like any model") {
    nn::manual_seed(0);
    nn::Sequential net(nn::Linear(2, 8), nn::Tanh(), nn::Linear(8, 1));
    const Tensor x = tensor({{0.f, 0.f}, {0.f, 1.f}, {1.f, 0.f}, {1.f, 1.f}}), y = tensor({{0.f}, {1.f}, {1.f}, {0.f}});
    nn::Adam adam({.lr = 0.05});
    for (int step = 0; step < 300; ++step) {
        Tape tape;
        adam.step(net, tape.gradient(nn::mse_loss(net(x), y)));
    }
    CHECK(nn::mse_loss(net(x), y).item() < 1e-3);
}

TEST_CASE("nn: activations and shapes as layers are their functions") {
    const Tensor x = wave({2, 3, 4});
    CHECK(close(nn::ReLU()(x), relu(x), 0));
    CHECK(close(nn::LeakyReLU{0.2}(x), leaky_relu(x, 0.2), 0));
    CHECK(close(nn::ELU{0.5}(x), elu(x, 0.5), 0));
    CHECK(close(nn::GELU()(x), gelu(x), 0));
    CHECK(close(nn::GELU{Gelu::tanh}(x), gelu(x, Gelu::tanh), 0));
    CHECK(close(nn::SiLU()(x), silu(x), 0));
    CHECK(close(nn::Sigmoid()(x), sigmoid(x), 0));
    CHECK(close(nn::Tanh()(x), tanh(x), 0));
    CHECK(close(nn::Softplus{2}(x), softplus(x, 2), 0));
    CHECK(close(nn::Softmax{1}(x), softmax(x, 1), 0));
    CHECK(close(nn::LogSoftmax()(x), log_softmax(x), 0));
    CHECK(close(nn::Identity()(x), x, 0));
    CHECK(nn::Flatten()(x).shape() == Shape{2, 12});
    CHECK(nn::Flatten{0, 1}(x).shape() == Shape{6, 4});
}

TEST_CASE("nn: Dropout zeroes a share p, keeps the mean, and repeats with its seed") {
    nn::manual_seed(5);
    nn::Dropout dropout(0.3), same = dropout;
    const Tensor x = ones({200, 500});
    const Tensor y = dropout(x);
    const auto v = values(y);
    const auto zeros = std::count(v.begin(), v.end(), 0.0);
    CHECK(std::abs(static_cast<double>(zeros) / 1e5 - 0.3) < 0.008);  // 5.5 standard deviations
    for (const double e : v) REQUIRE((e == 0 || std::abs(e - 1 / 0.7) < 1e-6));
    CHECK(close(same(x), y, 0));
    CHECK_FALSE(close(dropout(x), y, 0));
    nn::manual_seed(5);
    CHECK(close(nn::Dropout(0.3)(x), y, 0));
    CHECK(close(nn::Dropout(0.3, 7)(x), nn::Dropout(0.3, 7)(x), 0));

    Tape tape;
    const Tensor w = tape.watch(x);
    const Tensor masked = dropout(w);
    CHECK(close(tape.gradient(sum(masked), w), masked, 0));

    nn::eval(dropout);
    CHECK(close(dropout(x), x, 0));
    CHECK(close(nn::Dropout(0)(x), x, 0));
    CHECK(close(nn::Dropout(1)(x), zeros_like(x), 0));
    CHECK(error_of<ValueError>([] { nn::Dropout(1.5); }) == "Dropout: p must be in [0, 1], got 1.5" + here());
}

// --- initial values -------------------------------------------------------------------------------------------------

TEST_CASE("nn: Linear starts as PyTorch's: uniform within 1/sqrt(in), and the seed decides") {
    nn::manual_seed(11);
    const nn::Linear layer(400, 300);
    nn::manual_seed(11);
    const nn::Linear again(400, 300);
    CHECK(close(layer.weight, again.weight, 0));
    CHECK(close(layer.bias, again.bias, 0));
    CHECK_FALSE(close(layer.weight, nn::Linear(400, 300).weight, 1e-3));
    const double bound = 1 / std::sqrt(400.0);
    for (const Tensor& t : {layer.weight.value(), layer.bias.value()}) {
        const auto v = values(t);
        CHECK(*std::max_element(v.begin(), v.end()) <= bound);
        CHECK(*std::min_element(v.begin(), v.end()) >= -bound);
        CHECK(std_of(v) == doctest::Approx(bound / std::sqrt(3.0)).epsilon(t.ndim() == 2 ? 0.01 : 0.1));
        CHECK(std::abs(mean_of(v)) < bound * (t.ndim() == 2 ? 0.01 : 0.2));
    }
}

TEST_CASE("nn: each thread has its own default generator, which the seed decides") {
    const auto drawn_elsewhere = [](std::uint64_t seed) {
        nn::manual_seed(seed);
        Tensor there;
        std::thread([&] { there = nn::Linear(3, 3).weight.value(); }).join();
        return there;
    };
    const Tensor there = drawn_elsewhere(1);
    CHECK_FALSE(close(nn::Linear(3, 3).weight, there, 0));
    CHECK(close(drawn_elsewhere(1), there, 0));
    CHECK_FALSE(close(drawn_elsewhere(2), there, 0));
}

TEST_CASE("nn: initialisers have the spread they promise, and keep shape and dtype") {
    Generator generator(2);
    Parameter p(zeros({200, 100, 3}, DType::f64));  // fan in 300, fan out 600
    const auto spread = [&] {
        CHECK(p.shape() == Shape{200, 100, 3});
        CHECK(p.dtype() == DType::f64);
        CHECK(std::abs(mean_of(values(p))) < 0.02 * std_of(values(p)));
        return std_of(values(p));
    };
    const auto largest = [&] {
        const auto v = values(p);
        return std::abs(
            *std::max_element(v.begin(), v.end(), [](double a, double b) { return std::abs(a) < std::abs(b); }));
    };
    nn::init::xavier_uniform(p, 2, generator);
    CHECK(spread() == doctest::Approx(2 * std::sqrt(2.0 / 900)).epsilon(0.01));
    CHECK(largest() == doctest::Approx(2 * std::sqrt(6.0 / 900)).epsilon(0.01));
    nn::init::xavier_normal(p, 1, generator);
    CHECK(spread() == doctest::Approx(std::sqrt(2.0 / 900)).epsilon(0.01));
    CHECK(largest() > 3.5 * std::sqrt(2.0 / 900));
    nn::init::kaiming_uniform(p, {}, generator);
    CHECK(spread() == doctest::Approx(std::sqrt(2.0 / 300)).epsilon(0.01));
    CHECK(largest() == doctest::Approx(std::sqrt(6.0 / 300)).epsilon(0.01));
    nn::init::kaiming_uniform(p, {.a = std::sqrt(5.0)}, generator);  // PyTorch's default for Linear
    CHECK(largest() == doctest::Approx(1 / std::sqrt(300.0)).epsilon(0.01));
    nn::init::kaiming_normal(p, {.mode = nn::init::Fan::out, .nonlinearity = nn::init::Nonlinearity::tanh}, generator);
    CHECK(spread() == doctest::Approx(5.0 / 3 / std::sqrt(600.0)).epsilon(0.01));
    nn::init::normal(p, 0, 0.5, generator);
    CHECK(spread() == doctest::Approx(0.5).epsilon(0.01));
    nn::init::uniform(p, -1, 1, generator);
    CHECK(spread() == doctest::Approx(std::sqrt(1.0 / 3)).epsilon(0.01));
    nn::init::ones(p);
    CHECK(close(p, ones({200, 100, 3}, DType::f64), 0));
    nn::init::constant(p, -2);
    CHECK(close(p, full({200, 100, 3}, -2, DType::f64), 0));
    nn::init::zeros(p);
    CHECK(close(p, zeros({200, 100, 3}, DType::f64), 0));
    Parameter bias(ones({3}));
    CHECK(error_of<ShapeError>([&] { nn::init::xavier_normal(bias); }) ==
          "init: fan in and out need at least 2 axes, got (3,)");
}

// --- data -----------------------------------------------------------------------------------------------------------

TEST_CASE("nn: a loader gives every sample once per pass, in a new order each time") {
    const Tensor x = reshape(arange(30.0), {10, 3}), y = arange(10);
    nn::DataLoader loader(nn::TensorDataset(x, y), {.batch_size = 4, .shuffle = true, .seed = 1});
    CHECK(loader.size() == 3);
    std::vector<std::vector<double>> orders;
    for (int pass = 0; pass < 3; ++pass) {
        std::vector<double> order;
        std::vector<std::int64_t> sizes;
        for (auto [a, b] : loader) {
            sizes.push_back(a.shape(0));
            CHECK(close(select(a, 1, 0), b.to(DType::f32) * 3, 0));  // rows and labels stay together
            for (const double v : values(b)) order.push_back(v);
        }
        CHECK(sizes == std::vector<std::int64_t>{4, 4, 2});
        CHECK(std::set<double>(order.begin(), order.end()).size() == 10);
        orders.push_back(order);
    }
    CHECK(orders[0] != orders[1]);
    CHECK(orders[1] != orders[2]);
    CHECK(loader.epoch() == 3);

    nn::DataLoader again(x, y, {.batch_size = 10, .shuffle = true, .seed = 1});
    again.set_epoch(1);  // resuming: the order of the second pass
    for (const auto& [a, b] : again) CHECK(values(b) == orders[1]);
    nn::DataLoader other(x, y, {.batch_size = 10, .shuffle = true, .seed = 2});
    for (const auto& [a, b] : other) CHECK(values(b) != orders[0]);
}

TEST_CASE("nn: a loader without shuffling keeps the order; drop_last drops what is left over") {
    const Tensor x = arange(7.0);
    nn::DataLoader one(x, {.batch_size = 3, .drop_last = true});
    std::vector<double> seen;
    for (auto& [a] : one)
        for (const double v : values(a)) seen.push_back(v);
    CHECK(seen == std::vector<double>{0, 1, 2, 3, 4, 5});
    CHECK(one.size() == 2);
    nn::DataLoader single(x, x);
    CHECK(single.size() == 7);
    nn::DataLoader empty(zeros({0, 2}), zeros({0}), {.batch_size = 3, .shuffle = true});
    for ([[maybe_unused]] const auto& batch : empty) CHECK(false);
    CHECK(error_of<ValueError>([&] { nn::DataLoader(x, x, {.batch_size = 0}); }) ==
          "DataLoader: batch_size must be positive, got 0" + here());
    CHECK(error_of<ShapeError>([] { const nn::TensorDataset set(zeros({2, 3}), zeros({3})); }) ==
          "TensorDataset: tensors must have one first size, got (2, 3) and (3,)" + here());
}

TEST_CASE("nn: a loader reads any dataset that has a size and batches") {
    struct Squares {
        std::int64_t size() const { return 5; }
        std::pair<Tensor, Tensor> batch(const Tensor& indices) const { return {indices, indices * indices}; }
    };
    nn::DataLoader loader(Squares{}, {.batch_size = 2});
    std::vector<double> seen;
    for (auto [i, square] : loader)
        for (const double v : values(square)) seen.push_back(v);
    CHECK(seen == std::vector<double>{0, 1, 4, 9, 16});
}

TEST_CASE("nn: the training loop of the documentation learns") {
    nn::manual_seed(4);
    Generator generator(4);
    const Tensor x = randn({512, 4}, generator);
    const Tensor y = argmax(matmul(x, randn({4, 3}, generator)), 1);
    Net net;
    nn::AdamW adam({.lr = 1e-2});
    nn::DataLoader loader(x, y, {.batch_size = 32, .shuffle = true});
    const double before = nn::cross_entropy(net(x), y).item();
    for (int epoch = 0; epoch < 10; ++epoch)
        for (auto [a, b] : loader) {
            Tape tape;
            const Tensor loss = nn::cross_entropy(net(a), b);
            adam.step(net, tape.gradient(loss));
        }
    const double after = nn::cross_entropy(net(x), y).item();
    CHECK(after < 0.3 * before);
    CHECK(mean(equal(argmax(net(x), 1), y).to(DType::f32)).item() > 0.93);
}

TEST_SUITE_END();

// --- structured arguments
// ---------------------------------------------------------------------------------------------

namespace {

struct Oscillator {
    Tensor position, velocity;
    XGRAD_FIELDS(position, velocity)
};

}  // namespace

TEST_CASE("nn: the gradient of a model is a model, that of a struct of tensors a struct") {
    const nn::Linear layer(2, 1);
    const Tensor x = ones({3, 2});
    const auto loss = [&](const nn::Linear& l) { return sum(square(l(x))); };
    const auto [y, g] = nn::value_and_grad(loss, layer);
    Tape tape;
    const Tensor again = loss(layer);
    const Gradients expected = tape.gradient(again);
    CHECK(close(y, again, 0));
    CHECK(close(g.weight, expected[layer.weight], 0));
    CHECK(close(g.bias, expected[layer.bias], 0));

    const Oscillator state{tensor({1.0, 2.0}), tensor({0.5, 0.0})};
    const Oscillator d =
        nn::grad([](const Oscillator& s) { return sum(square(s.position) + s.position * s.velocity); }, state);
    CHECK(close(d.position, 2.0 * state.position + state.velocity, 1e-12));
    CHECK(close(d.velocity, state.position, 1e-12));
}

TEST_CASE("nn: dropout in a checkpoint drops the same again and counts its calls once") {
    const nn::Dropout plain(0.5, 3), checked(0.5, 3);
    const Tensor x0 = ones({100}, DType::f64);
    for (int step = 0; step < 3; ++step) {
        Tape tape;
        const Tensor x = tape.watch(x0);
        const Tensor a = tape.gradient(sum(square(plain(x))), x);
        Tape other;
        const Tensor z = other.watch(x0);
        const Tensor b = other.gradient(sum(square(checkpoint([&](const Tensor& t) { return checked(t); }, z))), z);
        CHECK(close(a, b, 0));
    }
}

TEST_CASE("nn: a tape's picture has the model's layers as boxes") {
    nn::Sequential net{nn::Linear(2, 3), nn::Tanh(), nn::Linear(3, 1)};
    Tape tape;
    const Tensor y = sum(net(ones({4, 2})));
    const std::string dot = nn::to_dot(tape, net);
    CHECK(dot.find("subgraph \"cluster_0\"") != std::string::npos);
    CHECK(dot.find("2.weight\\n(1, 3) f32") != std::string::npos);
    CHECK(tracked(y));
}
