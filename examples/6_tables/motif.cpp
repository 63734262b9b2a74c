// A DNA motif to which a protein binds, found by a convolution (after Alipanahi, Delong, Weirauch, Frey: DeepBind,
// 2015). The sequences are synthetic: random letters, and in half of them, at a random place, a word drawn from a table
// of letter frequencies. The labels state which sequences contain the word, but neither the word nor the place.
// Afterwards, the windows with the strongest responses of the best filter are aligned: their letter frequencies are the
// word, drawn as a logo (Schneider and Stephens 1990: the height of a letter is its information).

#include <autodiff/autodiff.hpp>
#include <nn/nn.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>

#include <fmt/core.h>

#include <example.hpp>

using namespace xgrad;

namespace {

constexpr std::int64_t length = 100, filter_width = 12;

/// The frequencies of A, C, G and T at each of the ten positions of the synthetic word (10, 4).
Tensor planted_word() {
    return tensor(std::vector<float>{.02f, .02f, .02f, .94f, .02f, .02f, .94f, .02f, .88f, .04f, .04f, .04f, .05f, .80f,
                                     .10f, .05f, .10f, .05f, .80f, .05f, .02f, .02f, .02f, .94f, .05f, .80f, .05f, .10f,
                                     .94f, .02f, .02f, .02f, .40f, .10f, .10f, .40f, .06f, .06f, .82f, .06f},
                  {10, 4});
}

/// Letters drawn from rows of probabilities (…, 4), as one_hot.
Tensor letters(const Tensor& probabilities, Generator& generator) {
    const Tensor u = rand(probabilities.shape(), generator);
    return one_hot(argmax(log(probabilities) - log(-log(u + 1e-9)), -1), 4);  // the Gumbel-max trick
}

struct Sequences {
    Tensor x, y;  // (N, 4, length) one_hot; (N) whether the sequence contains the word
};

Sequences make(std::int64_t count, Generator& generator) {
    const Tensor word = planted_word();
    const std::int64_t width = word.shape(0);
    const Tensor background = letters(full({count, length, 4}, 0.25), generator);
    const Tensor words = letters(broadcast_to(word, {count, width, 4}), generator);
    const Tensor places = expand_dims(randint(0, length - width, {count}, generator), 1) + arange(width);  // (N, width)
    const Tensor y = bernoulli(0.5, {count}, generator);
    const Tensor at = expand_dims(places, 2);
    const Tensor planted = put_along_axis(background, broadcast_to(at, {count, width, 4}), words, 1);
    return {transpose(where(reshape(y, {count, 1, 1}) > 0.5, planted, background), {0, 2, 1}), y};
}

struct Detector {
    explicit Detector(std::int64_t filters) : conv(4, filters, filter_width), dropout(0.2), output(filters, 1) {}
    nn::Conv1d conv;
    nn::Dropout dropout;
    nn::Linear output;
    /// The response of each filter at each position (N, filters, places).
    Tensor answers(const Tensor& x) const { return relu(conv(x)); }
    Tensor operator()(const Tensor& x) const { return squeeze(output(dropout(max(answers(x), 2))), 1); }
    XGRAD_FIELDS(conv, dropout, output)
};

nn::History train(Detector& net, const Sequences& training, const Sequences& test, std::int64_t epochs) {
    nn::DataLoader batches(training.x, training.y, {.batch_size = 64, .shuffle = true});
    nn::DataLoader held_out(test.x, test.y, {.batch_size = 500});
    nn::Adam adam({.lr = 3e-3});
    nn::Trainer trainer(net, adam, {.epochs = epochs});
    return trainer.fit(batches, held_out, [](const Detector& model, const auto& batch, nn::Log& log) {
        const Tensor scores = model(batch[0]);
        log.update("auc", nn::RocAuc(), scores, batch[1]);
        return nn::binary_cross_entropy_with_logits(scores, batch[1]);
    });
}

/// The letter frequencies (filter_width, 4) under the filter at its strongest response, in the sequences where it
/// responds most.
Tensor found_word(const Detector& net, std::int64_t filter, const Sequences& test) {
    const Tensor answers = select(net.answers(test.x), 1, filter);  // (N, places)
    const Tensor best = argmax(answers, 1), strongest = topk(max(answers, 1), test.x.shape(0) / 3).indices;
    std::vector<Tensor> windows;
    for (const std::int64_t row : strongest.data<std::int64_t>()) {
        const auto place = best[row].item<std::int64_t>();
        windows.push_back(slice(test.x[row], 1, place, place + filter_width));
    }
    return transpose(mean(stack(windows), 0));
}

/// Bits of each letter: its frequency times the information at the position, 2 - H.
Tensor information(const Tensor& word) { return word * (2.0 + sum(xlogy(word, word), 1, true) / std::log(2.0)); }

/// The best alignment of two words: their correlation, and where the second one begins in the first.
std::pair<double, std::int64_t> alignment(const Tensor& found, const Tensor& planted) {
    std::pair<double, std::int64_t> best{-1, 0};
    for (std::int64_t at = 0; at + planted.shape(0) <= found.shape(0); ++at) {
        const Tensor part = slice(found, 0, at, at + planted.shape(0));
        best = std::max(best, {corrcoef(stack({ravel(part), ravel(planted)}))[0][1].item(), at});
    }
    return best;
}

/// The outline of a letter in the square from 0 to 1.
std::vector<std::pair<double, double>> outline(char letter) {
    if (letter == 'A')
        return {{0, 0},     {.4, 1},    {.6, 1},  {1, 0},     {.8, 0},   {.7, .25}, {.3, .25},
                {.36, .42}, {.64, .42}, {.5, .8}, {.36, .42}, {.3, .25}, {.2, 0}};
    if (letter == 'T') return {{0, 1}, {1, 1}, {1, .84}, {.59, .84}, {.59, 0}, {.41, 0}, {.41, .84}, {0, .84}};
    std::vector<std::pair<double, double>> corners;
    const double last = letter == 'G' ? 360 : 310;
    const auto arc = [&](double from, double to, double wide, double high) {
        for (int i = 0; i <= 24; ++i) {
            const double angle = (from + (to - from) * i / 24) * std::numbers::pi / 180;
            corners.emplace_back(.5 + wide * std::cos(angle), .5 + high * std::sin(angle));
        }
    };
    arc(50, last, .5, .5);
    if (letter == 'G') corners.insert(corners.end(), {{.55, .5}, {.55, .36}, {.79, .36}});
    arc(letter == 'G' ? 330 : last, 50, .32, .36);
    return corners;
}

/// Stacked letters, the largest on top.
nn::Plot logo(const std::string& title, const Tensor& word) {
    constexpr int colours[] = {2, 0, 4, 6};
    nn::Plot plot({.title = title,
                   .x = "place",
                   .y = "bits",
                   .x_range = {{0.4, static_cast<double>(word.shape(0)) + 0.6}},
                   .y_range = {{0, 2}},
                   .height = 240});
    const Tensor bits = information(word);
    for (std::int64_t place = 0; place < word.shape(0); ++place) {
        double low = 0;
        const Tensor order = argsort(bits[place]);
        for (const std::int64_t letter : order.data<std::int64_t>()) {
            const double high = bits[place][letter].item();
            std::vector<double> x, y;
            for (const auto& [across, up] : outline("ACGT"[letter])) {
                x.push_back(static_cast<double>(place) + 0.55 + 0.9 * across);
                y.push_back(low + high * up);
            }
            plot.area("", x, y, {.colour = colours[letter]});
            low += high;
        }
    }
    return plot;
}

}  // namespace

int main(int argc, char** argv) {
    Example example("motif", "Finds a word planted in made-up DNA by a convolution, and draws it as a logo.");
    std::int64_t sequences = 4000, filters = 8, epochs = 12;
    example.option("--sequences", sequences, "Sequences to train on; half as many are held out");
    example.option("--filters", filters, "Filters of the convolution");
    example.option("--epochs", epochs, "Passes over the training sequences");
    return example.run(argc, argv, [&] {
        if (example.brief()) epochs = 6;
        example.note("The sequences and the word in them are made up.");
        Generator generator(example.seed());
        const Sequences training = make(sequences, generator), test = make(sequences / 2, generator);
        Detector net(filters);
        const nn::History history = train(net, training, test, epochs);
        // How much more a filter adds to the score of sequences with the word than to others.
        const Tensor strength = max(net.answers(test.x), 2), with = expand_dims(test.y, 1);
        const Tensor gain = ravel(net.output.weight) *
                            (sum(strength * with, 0) / sum(with) - sum(strength * (1.0 - with), 0) / sum(1.0 - with));
        const auto best = argmax(gain).item<std::int64_t>();
        const Tensor found = found_word(net, best, test), planted = planted_word();
        const auto [likeness, begin] = alignment(found, planted);

        example.figure("held-out sequences: area under the ROC curve", history.last("valid_auc"),
                       {.at_least = 0.95, .brief_at_least = 0.85});
        example.figure("letter frequencies found and planted: correlation", likeness,
                       {.at_least = 0.9, .brief_at_least = 0.8});
        example.picture("logo.svg",
                        "The word that was planted and the one that the best filter finds, with a margin at its ends.",
                        {logo("Planted", planted), logo("Found", found)});
        nn::Plot weights({.title = fmt::format("Weights of filter {}", best), .x = "place", .height = 240});
        weights.heat_map(net.conv.weight[best], {.y_labels = {"A", "C", "G", "T"}, .palette = nn::Palette::diverging});
        nn::Plot auc({.title = "Area under the ROC curve", .x = "epoch", .height = 240});
        auc.line("training", history.column("auc")).line("held out", history.column("valid_auc"));
        example.picture("training.svg", "The filter itself, and how it was learned.", {weights, auc});
        fmt::print("the word begins at place {} of the filter\n", begin + 1);
    });
}
