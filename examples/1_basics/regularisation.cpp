// Overfitting and its remedies. A network with far more weights than training rows memorises the rows, including their
// wrong labels, and then classifies new rows worse than it did earlier in training. Five remedies, each alone against
// the same network: weight penalties, L1 (Tibshirani 1996) and L2 (Krogh and Hertz 1992), dropout (Srivastava et al.
// 2014), batch norm (Ioffe and Szegedy 2015), whose statistics over few rows are noise that prevents memorising (groups
// within a batch: Hoffer, Hubara and Soudry 2017), and early stopping (Prechelt 1998). The strength of each remedy is
// chosen on validation rows; the test rows, whose labels are right, are used only for evaluation.
// needs: python3-sklearn

#include <autodiff/autodiff.hpp>
#include <nn/nn.hpp>

#include <optional>

#include <fmt/core.h>

#include <data.hpp>
#include <example.hpp>

using namespace xgrad;

namespace {

struct Remedy {
    double l1 = 0, l2 = 0, dropout = 0;
    std::int64_t norm_rows = 0;  // batch norm with the statistics of this many rows
    std::int64_t patience = 0;  // stop after this many epochs in a row without a better validation loss
};

struct Family {
    std::string name;
    std::vector<Remedy> strengths;
};
const std::vector<Family> families = {
    {"none", {{}}},
    {"L1", {{.l1 = 1e-4}, {.l1 = 3e-4}, {.l1 = 1e-3}, {.l1 = 3e-3}}},
    {"L2", {{.l2 = 1e-3}, {.l2 = 3e-3}, {.l2 = 0.01}, {.l2 = 0.03}}},
    {"dropout", {{.dropout = 0.2}, {.dropout = 0.35}, {.dropout = 0.5}, {.dropout = 0.7}}},
    {"batch norm", {{.norm_rows = 2}, {.norm_rows = 3}, {.norm_rows = 4}, {.norm_rows = 8}}},
    {"early stopping", {{.patience = 3}, {.patience = 10}}},
};
std::string str(const Remedy& r) {
    if (r.l1 > 0) return fmt::format("{:.3g} * sum |w|", r.l1);
    if (r.l2 > 0) return fmt::format("{:.3g} * sum w^2", r.l2);
    if (r.dropout > 0) return fmt::format("rate {:.3g}", r.dropout);
    if (r.norm_rows > 0) return fmt::format("{} rows each", r.norm_rows);
    return r.patience > 0 ? fmt::format("patience {}", r.patience) : "";
}

struct Net {
    explicit Net(const Remedy& remedy, std::int64_t width = 256)
        : fc1(64, width),
          fc2(width, width),
          fc3(width, 10),
          dropout1(remedy.dropout),
          dropout2(remedy.dropout),
          norm_rows(remedy.norm_rows) {
        if (norm_rows == 0) return;
        norm1.emplace(width);
        norm2.emplace(width);
    }
    /// Scores of the digits: (N, 64) to (N, 10).
    Tensor operator()(const Tensor& x) const {
        if (!norm1 || !norm1->training || x.shape(0) <= norm_rows) return part(x);
        std::vector<Tensor> parts;  // in training, each group of rows is normalised by itself
        for (std::int64_t at = 0; at < x.shape(0); at += norm_rows)
            parts.push_back(part(slice(x, 0, at, at + norm_rows)));
        return concat(parts);
    }
    Tensor part(const Tensor& x) const {
        const auto layer = [](const nn::Linear& linear, const std::optional<nn::BatchNorm1d>& norm,
                              const nn::Dropout& dropout, const Tensor& in) {
            const Tensor z = linear(in);
            return dropout(relu(norm ? (*norm)(z) : z));
        };
        return fc3(layer(fc2, norm2, dropout2, layer(fc1, norm1, dropout1, x)));
    }
    nn::Linear fc1, fc2, fc3;
    std::optional<nn::BatchNorm1d> norm1, norm2;
    nn::Dropout dropout1, dropout2;
    std::int64_t norm_rows;
    XGRAD_FIELDS(fc1, fc2, fc3, norm1, norm2, dropout1, dropout2)
};

/// Replaces some labels by random ones, as happens with human labelling, though less often.
void mislabel(Table& table, double share, Generator& generator) {
    const Tensor wrong = bernoulli(share, table.y.shape(), generator),
                 random = randint(0, 10, table.y.shape(), generator);
    table.y = where(wrong > 0.5, random, table.y);
}

/// A small training set, in which, as in the validation rows, some labels are wrong; the test rows are unchanged.
Rows few_digits(std::int64_t count, double wrong, std::uint64_t seed) {
    Generator generator(seed);
    Rows rows = digits(generator);
    rows.train.x = slice(rows.train.x, 0, 0, count);
    rows.train.y = slice(rows.train.y, 0, 0, count);
    mislabel(rows.train, wrong, generator);
    mislabel(rows.valid, wrong, generator);
    return rows;
}

/// The runs of one remedy, one per seed; curves and weights are those of the first seed.
struct Runs {
    std::vector<double> train, valid, test;  // final errors, per cent
    std::vector<double> train_losses, test_losses;  // by epoch
    Tensor weight;  // of the first layer
};

void train(const Remedy& remedy, const Rows& data, std::int64_t epochs, Runs& runs) {
    Net net(remedy);
    nn::DataLoader loader(data.train.x, data.train.y, {.batch_size = 32, .shuffle = true});
    nn::DataLoader valid(data.valid.x, data.valid.y, {.batch_size = 1000});
    nn::Adam adam({.lr = 1e-3});
    nn::TrainerOptions options{.epochs = epochs, .progress = nn::ProgressStyle::none};
    if (remedy.patience > 0) options.patience = remedy.patience, options.restore_best = true;
    nn::Trainer trainer(net, adam, options);
    const bool first = runs.test.empty();
    if (first) {
        trainer.on_epoch([&] {
            nn::eval(net);
            runs.train_losses.push_back(nn::cross_entropy(net(data.train.x), data.train.y).item());
            runs.test_losses.push_back(nn::cross_entropy(net(data.test.x), data.test.y).item());
        });
    }
    trainer.fit(loader, valid, [&](const Net& model, const auto& batch) {
        Tensor loss = nn::cross_entropy(model(batch[0]), batch[1]);
        if (remedy.l1 > 0) loss = loss + remedy.l1 * nn::l1_penalty(model, "*.weight");
        if (remedy.l2 > 0) loss = loss + remedy.l2 * nn::l2_penalty(model, "*.weight");
        return loss;
    });
    const auto error = [&](const Table& table) { return 100 * (1 - nn::accuracy(net(table.x), table.y)); };
    runs.train.push_back(error(data.train));
    runs.valid.push_back(error(data.valid));
    runs.test.push_back(error(data.test));
    if (first) runs.weight = net.fc1.weight.value();
}

double mean_of(const std::vector<double>& numbers) { return mean(tensor(numbers)).item(); }

/// A histogram of the weights.
void histogram(nn::Plot& plot, const std::string& name, const Tensor& weight) {
    const Tensor edges = linspace(-0.4, 0.4, 82);
    const Tensor below = sum((expand_dims(ravel(weight), 1) < edges).to(DType::f32), 0);  // (82)
    plot.line(name, (slice(edges, 0, 1) + slice(edges, 0, 0, -1)) / 2.0, slice(below, 0, 1) - slice(below, 0, 0, -1));
}

/// Each unit's weights as an image of the corresponding 8 x 8 pixels; grey is zero.
nn::Plot drawn(const std::string& name, const Tensor& weight) {
    nn::Plot plot({.title = name, .width = 480, .height = 190});
    return plot.pictures(clip(reshape(slice(weight, 0, 0, 30), {30, 8, 8}) / 0.5 + 0.5, 0, 1), {.columns = 10});
}

}  // namespace

int main(int argc, char** argv) {
    Example example("regularisation",
                    "Overfitting, and five remedies: L1, L2, dropout, batch norm and early stopping.");
    std::int64_t epochs = 80, seeds = 5;
    double wrong = 0.2;
    example.option("--wrong", wrong, "The share of labels that are replaced by random ones");
    example.option("--epochs", epochs, "Passes over the rows");
    example.option("--seeds", seeds, "Runs of each choice, with rows and initial weights of their own");
    return example.run(argc, argv, [&] {
        if (example.brief()) seeds = 1;
        example.note(
            fmt::format("The digits are real; {:.0f} per cent of the labels to learn from and to choose by were "
                        "replaced by random ones.",
                        100 * wrong));
        std::vector<Rows> data;  // one per seed
        for (std::int64_t s = 0; s < seeds; ++s)
            data.push_back(few_digits(320, wrong, example.seed() + static_cast<std::uint64_t>(s)));
        std::int64_t choices = 0;
        for (const Family& family : families) choices += static_cast<std::int64_t>(family.strengths.size());
        nn::ProgressBar bar;
        bar.start("runs", choices * seeds, "runs");

        std::vector<nn::Plot> curves, pictures;
        nn::Plot sizes({.title = "Weights of the first layer",
                        .x = "weight",
                        .y = "how many",
                        .log_y = true,
                        .y_range = {{1, 2e4}},
                        .width = 640});
        std::string table = fmt::format("{:15} {:17} {:>10} {:>12} {:>20} {:>12}\n", "errors, per cent", "strength",
                                        "training", "validation", "test (spread)", "better in");
        Runs plain;
        for (const Family& family : families) {
            Runs best;
            const Remedy* chosen = nullptr;
            for (const Remedy& remedy : family.strengths) {
                Runs runs;
                for (std::int64_t s = 0; s < seeds; ++s) {
                    nn::manual_seed(example.seed() + static_cast<std::uint64_t>(s));
                    train(remedy, data[static_cast<std::size_t>(s)], epochs, runs);
                    if (bar.advance()) bar.show();
                }
                if (!chosen || mean_of(runs.valid) < mean_of(best.valid)) best = std::move(runs), chosen = &remedy;
            }
            const bool none = plain.test.empty();
            if (none) plain = best;
            const Tensor test = tensor(best.test);
            table +=
                fmt::format("{:15} {:17} {:10.1f} {:12.1f} {:12.1f} ({:5.1f}) {:>7} of {}\n", family.name, str(*chosen),
                            mean_of(best.train), mean_of(best.valid), mean(test).item(), xgrad::std(test).item(),
                            sum((test < tensor(plain.test)).to(DType::i64)).item<std::int64_t>(), seeds);
            example.figure(family.name + ": test error, per cent", mean(test).item(),
                           none ? Target{.brief_at_most = 60}
                                : Target{.at_most = mean_of(plain.test), .brief_at_most = mean_of(plain.test)});
            curves.push_back(nn::Plot({.title = family.name + "  " + str(*chosen),
                                       .x = "epoch",
                                       .y = "cross-entropy",
                                       .x_range = {{0, static_cast<double>(epochs)}},
                                       .y_range = {{0, 2.4}},
                                       .width = 380,
                                       .height = 300}));
            curves.back().line("training rows", best.train_losses).line("test rows", best.test_losses);
            if (chosen->patience > 0)
                curves.back().vertical(
                    "kept", static_cast<double>(best.test_losses.size()) - static_cast<double>(chosen->patience));
            pictures.push_back(drawn(family.name, best.weight));
            histogram(sizes, family.name, best.weight);
        }
        bar.clear();
        example.note(table);
        example.picture("curves.svg",
                        "Loss by epoch, of the training rows with their wrong labels and of test rows: without a "
                        "remedy the latter rises.",
                        curves, 3);
        example.picture("weights.svg", "What thirty units of the first layer look for; grey is zero.", pictures);
        example.picture("sizes.svg", "L1 makes most weights zero, L2 makes all of them small (first seed).", {sizes});
    });
}
