// Recognising a class that was never shown, by its description. One tower maps images to vectors, another maps words;
// when a word fits an image, their product is large. The towers learn from eight classes of Fashion-MNIST, each
// described by some words (made up for this example), and then recognise two unseen classes among all ten by the words
// that describe them. (Lampert, Nickisch and Harmeling 2009 describe by attributes; two towers with a sigmoid for each
// pair: Zhai, Mustafa, Kolesnikov and Beyer 2023.)
// needs: dataset-fashion-mnist

#include <autodiff/autodiff.hpp>
#include <nn/nn.hpp>

#include <algorithm>
#include <fmt/core.h>

#include <few_labels.hpp>

using namespace xgrad;

namespace {

const std::vector<std::string> words = {"torso", "legs", "foot", "carried", "short sleeves", "long sleeves",
                                        "long",  "high", "airy", "closed",  "buttons",       "warm"};
const std::vector<std::vector<std::string>> descriptions = {
    {"torso", "short sleeves", "airy"},  // T-shirt
    {"legs", "long"},  // Trouser
    {"torso", "long sleeves", "closed", "warm"},  // Pullover
    {"torso", "long", "airy"},  // Dress
    {"torso", "long sleeves", "long", "buttons", "warm"},  // Coat
    {"foot", "airy"},  // Sandal
    {"torso", "long sleeves", "buttons", "airy"},  // Shirt
    {"foot", "closed"},  // Sneaker
    {"carried", "closed"},  // Bag
    {"foot", "high", "closed", "warm"},  // Boot
};
using Classes = std::vector<std::int64_t>;
// Each of their words describes another class as well.
const Classes unseen = {4, 7};  // Coat and Sneaker
const Classes rehearsed = {3, 5};  // Dress and Sandal, which the rehearsal leaves out too

/// Which words describe each class: (10, words) of 0 and 1.
Tensor description_table() {
    std::vector<float> table;
    for (const auto& description : descriptions)
        for (const std::string& word : words)
            table.push_back(std::ranges::find(description, word) == description.end() ? 0.f : 1.f);
    return tensor(table, {10, static_cast<std::int64_t>(words.size())});
}

struct TwoTowers {
    SmallNet pictures{32};
    nn::Embedding embedding{static_cast<std::int64_t>(words.size()), 32};
    nn::Linear linear{32, 32};
    nn::Linear bias{32, 1};
    /// How well each word fits each image: (N, words).
    Tensor operator()(const Tensor& images) const {
        const Tensor word = relu(embedding(arange(static_cast<std::int64_t>(words.size()))));
        return matmul(pictures(images), transpose(linear(word))) + transpose(bias(word));
    }
    XGRAD_FIELDS(pictures, embedding, linear, bias)
};

/// The log-probability of each class's whole description: its words fit, the others do not. (N, 10)
Tensor class_scores(const Tensor& fits, const Tensor& table) {
    return matmul(logsigmoid(fits), transpose(table)) + matmul(logsigmoid(-fits), transpose(1 - table));
}

/// 1 for some classes, 0 for the others: (10)
Tensor marked(const Classes& classes) { return sum(one_hot(tensor(classes), 10), 0); }

/// The images of some classes, or of all others.
Pictures of_classes(const Pictures& all, const Classes& classes, bool others) {
    const Tensor rows = squeeze(argwhere(equal(take(marked(classes), all.labels), others ? 0.0 : 1.0)), 1);
    return {take(all.images, rows, 0), take(all.labels, rows, 0)};
}

void train(TwoTowers& towers, const Pictures& seen, const Tensor& table, std::int64_t epochs) {
    nn::DataLoader loader(seen.images, seen.labels, {.batch_size = 64, .shuffle = true});
    nn::AdamW adam({.lr = 3e-3, .weight_decay = 1e-2});
    nn::OneCycleLR schedule(adam, 3e-3, {.total_steps = epochs * loader.size()});
    nn::Trainer trainer(towers, adam, {.epochs = epochs, .schedule = &schedule, .schedule_each_step = true});
    trainer.fit(loader, [&](const TwoTowers& model, const auto& batch) {
        const auto& [images, labels] = batch;
        return nn::binary_cross_entropy_with_logits(model(weakly_changed(images, nn::default_generator())),
                                                    take(table, labels, 0));
    });
}

/// The towers tend to mistake unseen classes for known ones. How much must be subtracted from the scores of the known
/// classes (calibrated stacking: Chao, Changpinyo, Gong and Sha 2016)? A rehearsal with two more classes left out
/// decides: it returns the handicap with the best harmonic mean of both accuracies.
double rehearsed_handicap(const Pictures& seen, const Tensor& table, std::int64_t epochs) {
    const std::int64_t half = seen.labels.size() / 2;
    const Pictures training = {slice(seen.images, 0, 0, half), slice(seen.labels, 0, 0, half)};
    const Pictures validation = {slice(seen.images, 0, half), slice(seen.labels, 0, half)};
    TwoTowers towers;
    train(towers, of_classes(training, rehearsed, true), table, epochs);
    const Pictures known = of_classes(validation, rehearsed, true), fresh = of_classes(validation, rehearsed, false);
    const Tensor never = -1e6 * marked(unseen), mask = 1 - marked(rehearsed);
    const Tensor known_scores = class_scores(in_blocks(towers, known.images), table) + never,
                 fresh_scores = class_scores(in_blocks(towers, fresh.images), table) + never;
    double best = 0, best_mean = -1;
    for (double handicap = 0; handicap <= 20; handicap += 0.5) {
        const double a = nn::accuracy(known_scores - handicap * mask, known.labels),
                     b = nn::accuracy(fresh_scores - handicap * mask, fresh.labels);
        const double harmonic = 2 * a * b / std::max(a + b, 1e-9);
        if (harmonic > best_mean) best = handicap, best_mean = harmonic;
    }
    return best;
}

}  // namespace

int main(int argc, char** argv) {
    Example example("zero_shot", "Recognises two classes that it has never seen by words that describe them.");
    std::int64_t epochs = 3, pictures = 16000, seeds = 5;
    example.option("--epochs", epochs, "Passes over the pictures of the eight classes");
    example.option("--pictures", pictures, "Pictures of all ten classes, of which the unseen ones are left out");
    example.option("--seeds", seeds, "Runs from initial weights and pictures of their own");
    return example.run(argc, argv, [&] {
        if (example.brief()) pictures = 6000, seeds = 1;
        example.note(
            "The descriptions are made up; the pictures are real. What the handicap gives to unseen classes it takes "
            "from the seen.");
        const Tensor table = description_table();
        const Pictures training = channelled(fashion_mnist("train")),
                       test = channelled(fashion_mnist("t10k", example.pick(10000, 3000)));
        const Pictures old_test = of_classes(test, unseen, true), new_test = of_classes(test, unseen, false);
        std::vector<double> seen, found, plain, between, handicaps;
        nn::ConfusionMatrix matrix(10);
        Tensor fits_by_class = zeros({10, static_cast<std::int64_t>(words.size())});
        for (std::int64_t i = 0; i < seeds; ++i) {
            nn::manual_seed(example.seed() + static_cast<std::uint64_t>(i));
            const Tensor rows = slice(permutation(training.labels.size(), nn::default_generator()), 0, 0, pictures);
            const Pictures known =
                of_classes({take(training.images, rows, 0), take(training.labels, rows, 0)}, unseen, true);
            handicaps.push_back(rehearsed_handicap(known, table, epochs));
            TwoTowers towers;
            train(towers, known, table, epochs);
            const Tensor handicap = handicaps.back() * (1 - marked(unseen));
            const Tensor raw = class_scores(in_blocks(towers, new_test.images), table), scores = raw - handicap;
            seen.push_back(100 * nn::accuracy(class_scores(in_blocks(towers, old_test.images), table) - handicap,
                                              old_test.labels));
            found.push_back(100 * nn::accuracy(scores, new_test.labels));
            plain.push_back(100 * nn::accuracy(raw, new_test.labels));
            between.push_back(100 * nn::accuracy(raw - 1e6 * (1 - marked(unseen)),
                                                 new_test.labels));  // with only these two to choose from
            matrix.update(scores, new_test.labels);
            const Tensor kinds = one_hot(test.labels, 10);  // (N, 10)
            fits_by_class = fits_by_class + matmul(transpose(kinds), sigmoid(in_blocks(towers, test.images))) /
                                                expand_dims(sum(kinds, 0), 1) / static_cast<double>(seeds);
        }
        const std::vector<std::string> names(fashion_classes.begin(), fashion_classes.end());
        nn::Plot fits({.title = "How well words fit pictures of each class", .width = 860, .height = 460});
        fits.heat_map(fits_by_class,
                      {.x_labels = words, .y_labels = names, .range = {{0, 1}}, .name = "mean probability"});
        example.picture("words.svg", "Coat and Sneaker were never seen, yet most of their words fit.", {fits}, 1);
        const Tensor counts = take(matrix.counts(), tensor(unseen), 0).to(DType::f32);
        nn::Plot taken({.title = "What the unseen are taken for", .width = 860, .height = 220});
        taken.heat_map(counts / sum(counts, 1, true),
                       {.x_labels = names, .y_labels = {"Coat", "Sneaker"}, .numbers = true, .name = "part"});
        example.picture("taken_for.svg", "All ten descriptions to choose from.", {taken}, 1);
        example.figure("seen classes: right among ten, per cent (chance 10)", mean_of(seen), {.brief_at_least = 20});
        example.figure("unseen classes: right among ten, per cent", mean_of(found));
        example.figure("the same without a handicap for the seen classes", mean_of(plain));
        example.figure("handicap that the rehearsals found", mean_of(handicaps));
        example.figure("unseen classes: times chance (10 %), the worst seed", std::ranges::min(found) / 10,
                       {.at_least = 2, .brief_at_least = 1.2});
        example.figure("unseen classes: right between these two, per cent (chance 50)", mean_of(between));
    });
}
