// Hyperparameters, which are chosen rather than learned: learning rate, batch size and dropout rate of a small network
// for scikit-learn's digits. Each is swept alone, then learning rate and batch size together, since the best value of
// one depends on the other. Choices are made by validation accuracy; the test rows are used once, with the winning
// choice.
// needs: python3-sklearn

#include <autodiff/autodiff.hpp>
#include <nn/nn.hpp>

#include <algorithm>

#include <fmt/core.h>

#include <data.hpp>
#include <example.hpp>

using namespace xgrad;

namespace {

struct Choice {
    double lr = 0.1;
    std::int64_t batch_size = 32;
    double dropout = 0;
};

std::string str(const Choice& c) {
    return fmt::format("learning rate {:.3g}, batch size {}, dropout {:.2g}", c.lr, c.batch_size, c.dropout);
}

struct Outcome {
    std::vector<double> losses;  // training losses accumulated during each epoch; NaN after a divergence
    double valid = 0, test = 0;  // accuracies at the end
};

Outcome train(const Choice& choice, const Rows& data, std::int64_t epochs) {
    nn::Sequential net(nn::Linear(64, 64), nn::ReLU(), nn::Dropout(choice.dropout), nn::Linear(64, 64), nn::ReLU(),
                       nn::Dropout(choice.dropout), nn::Linear(64, 10));
    nn::DataLoader loader(data.train.x, data.train.y, {.batch_size = choice.batch_size, .shuffle = true});
    nn::SGD sgd({.lr = choice.lr});
    Outcome outcome;
    for (std::int64_t epoch = 0; epoch < epochs; ++epoch) {
        nn::Mean loss_mean;
        for (const auto& [x, y] : loader) {
            Tape tape;
            const Tensor loss = nn::cross_entropy(net(x), y);
            sgd.step(net, tape.gradient(loss));
            loss_mean.update(loss.item(), static_cast<double>(y.size()));
        }
        outcome.losses.push_back(loss_mean.value());
    }
    nn::eval(net);
    outcome.valid = nn::accuracy(net(data.valid.x), data.valid.y);
    outcome.test = nn::accuracy(net(data.test.x), data.test.y);
    return outcome;
}

/// The inputs of every run, and the progress of the whole sweep.
struct Sweep {
    const Rows& data;
    std::int64_t epochs, seeds;
    std::uint64_t seed;
    nn::ProgressBar bar = nn::ProgressBar();

    /// Means over seeds; the losses are those of the first seed.
    Outcome operator()(const Choice& choice) {
        Outcome mean_outcome;
        for (std::int64_t s = 0; s < seeds; ++s) {
            nn::manual_seed(seed + static_cast<std::uint64_t>(s));
            const Outcome outcome = train(choice, data, epochs);
            if (s == 0) mean_outcome.losses = outcome.losses;
            mean_outcome.valid += outcome.valid / static_cast<double>(seeds);
            mean_outcome.test += outcome.test / static_cast<double>(seeds);
            if (bar.advance()) bar.show();
        }
        return mean_outcome;
    }
};

/// The loss by epoch for some values of one hyperparameter, and the accuracy over all of them.
template <class T>
std::vector<nn::Plot> curves(Sweep& sweep, const std::string& name, T Choice::* which, const std::vector<T>& values,
                             const std::vector<T>& drawn, bool log_x) {
    nn::Plot losses({.title = "Training loss by " + name,
                     .x = "epoch",
                     .y = "cross-entropy",
                     .log_y = true,
                     .y_range = {{1e-3, 5}}});
    nn::Plot accuracies({.title = "Accuracy of the validation rows",
                         .x = name,
                         .y = "accuracy",
                         .log_x = log_x,
                         .y_range = {{0, 1.02}}});
    std::vector<double> x, y;
    for (const T value : values) {
        Choice choice;
        choice.*which = value;
        const Outcome outcome = sweep(choice);
        x.push_back(static_cast<double>(value));
        y.push_back(outcome.valid);
        if (std::find(drawn.begin(), drawn.end(), value) != drawn.end())
            losses.line(fmt::format("{:.3g}", x.back()), outcome.losses);
    }
    accuracies.line("", x, y, {.marks = true});
    return {losses, accuracies};
}

}  // namespace

int main(int argc, char** argv) {
    Example example("hyperparameters", "Learning rate, batch size and dropout rate of one network, swept and drawn.");
    std::int64_t epochs = 20, seeds = 3;
    example.option("--epochs", epochs, "Passes over the training rows in each run");
    example.option("--seeds", seeds, "Runs of each choice; accuracies are means over them");
    return example.run(argc, argv, [&] {
        if (example.brief()) epochs = 8, seeds = 1;
        Generator generator(example.seed());
        const Rows data = digits(generator);
        const std::vector<double> rates = {1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1, 3},
                                  dropouts = {0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9};
        const std::vector<std::int64_t> sizes = {4, 8, 16, 32, 64, 128, 256, 512};
        const std::size_t runs = rates.size() + sizes.size() + dropouts.size() + rates.size() * sizes.size();
        Sweep sweep{data, epochs, seeds, example.seed()};
        sweep.bar.start("runs", static_cast<std::int64_t>(runs) * seeds, "runs");

        std::vector<nn::Plot> plots = curves(sweep, "learning rate", &Choice::lr, rates, {1e-3, 0.01, 0.1, 1, 3}, true);
        for (auto& plot : curves(sweep, "batch size", &Choice::batch_size, sizes, {4, 32, 128, 512}, true))
            plots.push_back(plot);
        for (auto& plot : curves(sweep, "dropout rate", &Choice::dropout, dropouts, {0, 0.2, 0.5, 0.8}, false))
            plots.push_back(plot);

        Choice best;
        Outcome best_outcome;
        std::vector<double> map;
        std::vector<std::string> rate_names, size_names;
        for (const double rate : rates) rate_names.push_back(fmt::format("{:.3g}", rate));
        for (const std::int64_t size : sizes) {
            size_names.push_back(std::to_string(size));
            for (const double rate : rates) {
                const Choice choice{.lr = rate, .batch_size = size};
                const Outcome outcome = sweep(choice);
                map.push_back(outcome.valid);
                if (outcome.valid > best_outcome.valid) best = choice, best_outcome = outcome;
            }
        }
        sweep.bar.clear();
        nn::Plot grid({.title = "Accuracy of the validation rows",
                       .x = "learning rate",
                       .y = "batch size",
                       .width = 760,
                       .height = 420});
        grid.heat_map(reshape(tensor(map), {static_cast<std::int64_t>(sizes.size()), -1}),
                      {.x_labels = rate_names, .y_labels = size_names, .numbers = true, .range = {{0, 1}}});
        example.picture("curves.svg", "One choice at a time; the others are: " + str(Choice{}) + ".", plots);
        example.picture("map.svg", "Two at once: a larger batch wants a larger learning rate.", {grid});
        example.note("The best of the grid: " + str(best));
        example.figure("best of the grid: accuracy of the validation rows", best_outcome.valid);
        example.figure("best of the grid: accuracy of the test rows", best_outcome.test,
                       {.at_least = 0.95, .brief_at_least = 0.9});
    });
}
