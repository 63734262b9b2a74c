// Why deep and recurrent networks were hard to train, and what made it easy. A gradient that flows back through many
// layers, or many steps, is a product of as many factors: below one it vanishes, above one it explodes (Hochreiter
// 1991; Bengio, Simard, Frasconi 1994). Shown on scikit-learn's digits with twenty layers, and on synthetic sequences
// whose first number must be recalled after 200 steps.
// needs: python3-sklearn

#include <autodiff/autodiff.hpp>
#include <nn/nn.hpp>

#include <cmath>

#include <fmt/core.h>

#include <data.hpp>
#include <example.hpp>

using namespace xgrad;

namespace {

// --- deep ------------------------------------------------------------------------------------------------------------

struct Kind {
    std::string name;
    bool sigmoid = false, batch_norm = false, residual = false;
};

struct DeepNet {
    DeepNet(const Kind& of, std::int64_t depth, std::int64_t width) : kind(of), first(64, width), last(width, 10) {
        for (std::int64_t i = 0; i < depth; ++i) {
            nn::Linear& layer = hidden.emplace_back(width, width);
            if (kind.sigmoid) nn::init::xavier_normal(layer.weight);  // Glorot and Bengio 2010
            else nn::init::kaiming_normal(layer.weight);  // He et al. 2015
            if (kind.batch_norm) norms.emplace_back(width);
        }
    }
    Tensor operator()(const Tensor& x) const {
        Tensor h = first(x);
        for (std::size_t i = 0; i < hidden.size(); ++i) {
            Tensor z = hidden[i](h);
            if (kind.batch_norm) z = norms[i](z);
            z = kind.sigmoid ? sigmoid(z) : relu(z);
            h = kind.residual ? h + z / std::sqrt(static_cast<double>(hidden.size())) : z;
        }
        return last(h);
    }
    Kind kind;
    nn::Linear first;
    std::vector<nn::Linear> hidden;
    std::vector<nn::BatchNorm1d> norms;
    nn::Linear last;
    XGRAD_FIELDS(first, hidden, norms, last)
};

/// The norm of the gradient of each hidden layer's weight, first layer first.
std::vector<double> layer_norms(const DeepNet& net, const Table& table) {
    Tape tape;
    const Gradients gradients = tape.gradient(nn::cross_entropy(net(table.x), table.y));
    std::vector<double> norms;
    for (const auto& [name, norm] : nn::gradient_norms(net, gradients))
        if (name.starts_with("hidden.") && name.ends_with(".weight")) norms.push_back(norm);
    return norms;
}

double train_deep(DeepNet& net, const Rows& data, std::int64_t epochs) {
    nn::DataLoader loader(data.train.x, data.train.y, {.batch_size = 64, .shuffle = true});
    nn::Adam adam({.lr = 1e-3});
    nn::Trainer trainer(net, adam, {.epochs = epochs});
    trainer.fit(loader,
                [](const DeepNet& model, const auto& batch) { return nn::cross_entropy(model(batch[0]), batch[1]); });
    return nn::accuracy(net(data.test.x), data.test.y);
}

void deep(Example& example, std::int64_t depth, std::int64_t epochs) {
    Generator generator(example.seed());
    const Rows data = digits(generator);
    nn::Plot before({.title = fmt::format("{} layers before training", depth),
                     .x = "layer",
                     .y = "norm of the weight's gradient",
                     .log_y = true});
    nn::Plot after({.title = fmt::format("After {} epochs", epochs),
                    .x = "layer",
                    .y = "norm of the weight's gradient",
                    .log_y = true});
    for (const Kind& kind : {Kind{.name = "sigmoid", .sigmoid = true}, Kind{.name = "ReLU"},
                             Kind{.name = "sigmoid, batch norm", .sigmoid = true, .batch_norm = true},
                             Kind{.name = "ReLU, residual", .residual = true}}) {
        DeepNet net(kind, depth, 64);
        const auto norms = layer_norms(net, data.train);
        const double share = norms.front() / norms.back(), accuracy = train_deep(net, data, epochs);
        nn::train(net);
        before.line(kind.name, norms, {.marks = true});
        after.line(kind.name, layer_norms(net, data.train), {.marks = true});
        const bool plain = kind.sigmoid && !kind.batch_norm;
        example.figure(
            kind.name + ": gradient of the first layer over that of the last", share,
            plain ? Target{.at_most = 1e-6, .brief_at_most = 1e-6} : Target{.at_least = 1e-2, .brief_at_least = 1e-2});
        example.figure(
            kind.name + ": test accuracy", accuracy,
            plain ? Target{.at_most = 0.3, .brief_at_most = 0.3} : Target{.at_least = 0.9, .brief_at_least = 0.5});
    }
    example.picture("layers.svg", "How much of the gradient arrives at each layer.", {before, after});
}

// --- recurrent -------------------------------------------------------------------------------------------------------

constexpr std::int64_t width = 32;

/// A recurrent layer with a readout of its last state.
template <class Layer>
struct Memory {
    Layer layer;
    nn::Linear output{width, 1};
    Tensor operator()(const Tensor& x) const { return squeeze(output(layer(x).output[-1]), 1); }
    XGRAD_FIELDS(layer, output)
};

struct Sequences {
    Tensor x, y;  // (steps, samples, 2): a bit at the first step, noise at all; (samples): the bit
};
Sequences made_up(std::int64_t steps, std::int64_t samples, Generator& generator) {
    const Tensor y = bernoulli(0.5, {samples}, generator);
    const Tensor bit = concat({expand_dims(y * 2.0 - 1.0, 0), zeros({steps - 1, samples})});
    return {stack({bit, randn({steps, samples}, generator)}, 2), y};
}

/// Gates that start half open forget within a few steps; this sets the biases of all gates.
template <class Layer>
void start_with(Layer& layer, const std::vector<Tensor>& gates) {
    layer.parameter("bias_ih_l0") = concat(gates);
    nn::init::zeros(layer.parameter("bias_hh_l0"));
}

/// How strongly the loss depends on each step's input.
template <class Layer>
Tensor step_norms(const Memory<Layer>& net, const Sequences& data) {
    Tape tape;
    const Tensor x = tape.watch(data.x);
    return norm(tape.gradient(nn::binary_cross_entropy_with_logits(net(x), data.y), x), 2, {1, 2});
}

template <class Layer>
void recall(Example& example, const std::string& name, Memory<Layer> net, std::int64_t steps, std::int64_t updates,
            bool learns, nn::Plot& norms, nn::Plot& losses) {
    Generator generator(example.seed() + 1);
    const Sequences test = made_up(steps, 500, generator);
    const Tensor start = step_norms(net, test);
    norms.line(name, start);
    nn::Adam adam({.lr = 5e-3});
    nn::ProgressBar bar;
    bar.start(name, updates, "updates");
    std::vector<double> course;
    for (std::int64_t i = 0; i < updates; ++i) {
        const Sequences batch = made_up(steps, 50, generator);
        Tape tape;
        const Tensor loss = nn::binary_cross_entropy_with_logits(net(batch.x), batch.y);
        adam.step(net, nn::clip_grad_norm(net, tape.gradient(loss), 1.0));
        course.push_back(loss.item());
        if (bar.advance()) bar.show({{"loss", course.back()}});
    }
    bar.clear();
    losses.line(name, course);
    example.figure(name + ": gradient at the first step over that at the last", (start[0] / start[-1]).item());
    example.figure(fmt::format("{}: first bit known after {} steps", name, steps),
                   nn::accuracy((net(test.x) > 0.0).to(DType::i64), test.y.to(DType::i64)),
                   learns ? Target{.at_least = 0.99} : Target{.at_most = 0.65});
}

void recurrent(Example& example, std::int64_t steps, std::int64_t updates) {
    example.note("The sequences are made up: a bit, then noise.");
    nn::Plot norms({.title = "Before training: what the loss feels of each step's input",
                    .x = "step",
                    .y = "norm of the gradient",
                    .log_y = true,
                    .y_range = {{1e-14, 1}}});
    nn::Plot losses({.title = "Learning to keep the first bit", .x = "update", .y = "binary cross-entropy"});
    Memory<nn::LSTM> lstm{nn::LSTM(2, width)}, keeping = lstm;
    Memory<nn::GRU> gru{nn::GRU(2, width)};
    // Each unit starts by keeping its state for a random number of steps up to the longest (Tallec and Ollivier 2018):
    // sigmoid(log t) = 1 - 1 / (1 + t).
    Generator generator(example.seed());
    const Tensor keep = log(1.0 + static_cast<double>(steps - 2) * rand({width}, generator)), rest = zeros({width});
    start_with(keeping.layer, {-keep, keep, rest, rest});  // gates i f g o
    start_with(gru.layer, {rest, keep, rest});  // gates r z n
    recall(example, "RNN", Memory<nn::RNN>{nn::RNN(2, width)}, steps, updates, false, norms, losses);
    recall(example, "LSTM, gates half open", lstm, steps, updates, false, norms, losses);
    recall(example, "LSTM", keeping, steps, updates, true, norms, losses);
    recall(example, "GRU", gru, steps, updates, true, norms, losses);
    example.picture("steps.svg", "Through 200 steps: gates that start closed carry the gradient.", {norms, losses});
}

// --- exploding -------------------------------------------------------------------------------------------------------

/// An RNN whose recurrent weights start half as large again as needed to preserve norms learns to predict the next
/// number of a wave; without clipping, one step along a large gradient leads to an even larger one.
void exploding(Example& example, std::int64_t updates) {
    const Tensor time = arange(0, 101).to(DType::f32), phase = linspace(0, 6, 32);
    const Tensor wave = expand_dims(sin(expand_dims(time, 1) * 0.3 + phase), 2);  // (101, 32, 1)
    const Tensor x = slice(wave, 0, 0, 100), y = slice(wave, 0, 1);
    nn::Plot norms(
        {.title = "Norm of the whole gradient", .x = "update", .y = "norm", .log_y = true, .y_range = {{1e-2, 1e6}}});
    nn::Plot losses({.title = "Loss with and without clipping",
                     .x = "update",
                     .y = "mean squared error",
                     .log_y = true,
                     .y_range = {{1e-3, 1e3}}});
    for (const bool clipped : {false, true}) {
        nn::manual_seed(example.seed());
        Memory<nn::RNN> net{nn::RNN(1, width)};
        Parameter& recurrent = net.layer.parameter("weight_hh_l0");
        nn::init::normal(recurrent, 0, 1.5 / std::sqrt(static_cast<double>(width)));
        nn::SGD sgd({.lr = 0.1});
        std::vector<double> lengths, course;
        for (std::int64_t i = 0; i < updates; ++i) {
            Tape tape;
            const Tensor loss = nn::mse_loss(net.output(net.layer(x).output), y);
            const auto gradients = nn::clip_grad_norm(net, tape.gradient(loss), clipped ? 1.0 : 1e30);
            sgd.step(net, gradients);
            lengths.push_back(gradients.total_norm);
            course.push_back(loss.item());
        }
        norms.line(clipped ? "clipped to 1" : "as it is", lengths);
        losses.line(clipped ? "clipped to 1" : "as it is", course);
        const Tensor relative = tensor(course) / course.front();
        if (clipped) {
            example.figure("clipped: loss of the last updates over that of the first",
                           mean(slice(relative, 0, -20)).item(), {.at_most = 0.05, .brief_at_most = 0.5});
        } else {  // the loss grows until it is no longer finite
            example.figure("not clipped: share of updates with a loss above the first",
                           1.0 - mean((relative <= 1.0).to(DType::f64)).item(),
                           {.at_least = 0.5, .brief_at_least = 0.3});
        }
    }
    example.picture("exploding.svg",
                    "Recurrent weights half as large again as they should be: gradients through 100 steps explode, and "
                    "clipping (Pascanu "
                    "et al. 2013) helps.",
                    {norms, losses});
}

}  // namespace

int main(int argc, char** argv) {
    Example example("vanishing_gradients",
                    "Gradients that vanish and explode in deep and recurrent networks, and what helps.");
    std::int64_t depth = 20, epochs = 20, steps = 200, updates = 300;
    example.option("--depth", depth, "Hidden layers");
    example.option("--epochs", epochs, "Passes over the digits");
    example.option("--steps", steps, "Length of the sequences");
    example.option("--updates", updates, "Updates of each recurrent network");
    return example.run(argc, argv, [&] {
        if (example.brief()) epochs = 5, updates = 40;
        deep(example, depth, epochs);
        recurrent(example, steps, updates);
        exploding(example, updates);
    });
}
