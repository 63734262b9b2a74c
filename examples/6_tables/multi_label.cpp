// Multi-label classification: each handwritten digit of scikit-learn's data (Alpaydin and Kaynak 1998; 1797 images of 8
// × 8 pixels) has those of seven properties that are true of its number or its shape. One network predicts all seven at
// once from a shared hidden layer; it is compared with one logistic regression per property. The properties are facts
// about the digits, not synthetic labels, but no linear boundary in the pixels separates the odd digits from the even.
// needs: python3-sklearn

#include <autodiff/autodiff.hpp>
#include <nn/nn.hpp>

#include <functional>

#include <fmt/core.h>

#include <data.hpp>
#include <example.hpp>

using namespace xgrad;

namespace {

struct Property {
    std::string name;
    std::function<bool(std::int64_t)> holds;
};
const std::vector<Property> properties = {
    {"odd", [](std::int64_t d) { return d % 2 == 1; }},
    {"prime", [](std::int64_t d) { return d == 2 || d == 3 || d == 5 || d == 7; }},
    {"square", [](std::int64_t d) { return d == 0 || d == 1 || d == 4 || d == 9; }},
    {"above 4", [](std::int64_t d) { return d > 4; }},
    {"multiple of 3", [](std::int64_t d) { return d % 3 == 0; }},
    {"has a loop", [](std::int64_t d) { return d == 0 || d == 6 || d == 8 || d == 9; }},
    {"straight", [](std::int64_t d) { return d == 1 || d == 4 || d == 7; }},
};

/// Rows (N, properties) of zeros and ones.
Tensor labels_of(const Tensor& digits) {
    std::vector<float> labels;
    for (const std::int64_t digit : digits.data<std::int64_t>())
        for (const Property& property : properties) labels.push_back(property.holds(digit) ? 1.f : 0.f);
    return tensor(labels, {digits.size(), static_cast<std::int64_t>(properties.size())});
}

/// With a hidden layer, or without one: then the outputs share no weights and are logistic regressions, trained side by
/// side.
nn::Sequential network(std::int64_t hidden) {
    const auto outputs = static_cast<std::int64_t>(properties.size());
    if (hidden == 0) return nn::Sequential(nn::Linear(64, outputs));
    return nn::Sequential(nn::Linear(64, hidden), nn::ReLU(), nn::Linear(hidden, outputs));
}

nn::History train(nn::Sequential& net, const Split& data, std::int64_t epochs) {
    nn::DataLoader training(data.train.x.to(DType::f32), labels_of(data.train.y), {.batch_size = 32, .shuffle = true});
    nn::DataLoader test(data.test.x.to(DType::f32), labels_of(data.test.y), {.batch_size = 1000});
    nn::AdamW adam({.lr = 3e-3});
    nn::CosineAnnealingLR schedule(adam, epochs);
    nn::Trainer trainer(net, adam, {.epochs = epochs, .schedule = &schedule});
    return trainer.fit(training, test, [](const nn::Sequential& model, const auto& batch) {
        return nn::binary_cross_entropy_with_logits(model(batch[0]),
                                                    batch[1]);  // each property independently; they do not exclude each
                                                                // other
    });
}

/// For each property, the harmonic mean of precision and recall.
std::vector<double> f1(const Tensor& predicted, const Tensor& truth) {
    std::vector<double> scores;
    for (int i = 0; i < predicted.shape(1); ++i) {
        nn::ConfusionMatrix matrix(2);
        matrix.update(select(predicted, 1, i).to(DType::i64), select(truth, 1, i).to(DType::i64));
        scores.push_back(matrix.f1()[1]);
    }
    return scores;
}
double mean_of(const std::vector<double>& numbers) { return mean(tensor(numbers)).item(); }

/// Five test images with a mistake, if there are any, and the first ten, with the predicted properties.
nn::Plot answers(const Tensor& predicted, const Table& test) {
    nn::PictureOptions options{.columns = 5, .inverted = true};
    const Tensor truth = labels_of(test.y), mistakes = sum(abs(predicted - truth), 1);
    const Tensor shown = concat({topk(mistakes, 5).indices, arange(10)});
    for (const std::int64_t row : shown.data<std::int64_t>()) {
        std::string caption;
        for (std::size_t k = 0; k < properties.size(); ++k)
            if (predicted[row][k].item() > 0) caption += (caption.empty() ? "" : ", ") + properties[k].name;
        options.captions.push_back(caption.empty() ? "nothing" : caption);
        options.marked.push_back(mistakes[row].item() > 0);
    }
    nn::Plot plot({.title = "Test digits: five with a mistake, framed, and the first ten", .width = 1096});
    return plot.pictures(reshape(take(test.x, shown), {-1, 8, 8}) / 16.0, options);
}

/// How often properties occur together: the fraction of the digits with the row's property that also have the column's.
nn::Plot together(const Tensor& truth) {
    std::vector<std::string> names;
    for (const Property& property : properties) names.push_back(property.name);
    nn::Plot plot({.title = "Of digits with the row's property: share with the column's", .height = 340});
    return plot.heat_map(matmul(transpose(truth), truth) / expand_dims(sum(truth, 0), 1),
                         {.x_labels = names, .y_labels = names, .numbers = true, .range = {{0, 1}}});
}

}  // namespace

int main(int argc, char** argv) {
    Example example("multi_label",
                    "Learns seven properties of handwritten digits at once, several of which are true of each.");
    std::int64_t hidden = 64, epochs = 40, splits = 5;
    example.option("--hidden", hidden, "Units of the hidden layer that all properties share");
    example.option("--epochs", epochs, "Passes over the training rows");
    example.option("--splits", splits, "Random splits into training and test rows; figures are means over them");
    return example.run(argc, argv, [&] {
        if (example.brief()) splits = 2, epochs = 20;
        const Table digits = sklearn_table("digits");
        Generator generator(example.seed());
        double f1_network = 0, f1_alone = 0, exact_network = 0, exact_alone = 0;
        for (std::int64_t i = 0; i < splits; ++i) {
            const Split data = split(digits, 0.7, generator);
            nn::Sequential shared = network(hidden), alone = network(0);
            const nn::History by_network = train(shared, data, epochs), by_regression = train(alone, data, epochs);
            const Tensor x = data.test.x.to(DType::f32), truth = labels_of(data.test.y);
            const Tensor says_network = (shared(x) > 0.0).to(DType::f32), says_alone = (alone(x) > 0.0).to(DType::f32);
            const auto scores_network = f1(says_network, truth), scores_alone = f1(says_alone, truth);
            const auto share = [&](double number) { return number / static_cast<double>(splits); };
            f1_network += share(mean_of(scores_network));
            f1_alone += share(mean_of(scores_alone));
            exact_network += share(mean(all(says_network == truth, 1).to(DType::f64)).item());
            exact_alone += share(mean(all(says_alone == truth, 1).to(DType::f64)).item());
            if (i > 0) continue;
            std::vector<std::string> names;
            for (const Property& property : properties) names.push_back(property.name);
            nn::Plot bars({.title = "F1 of each property, first split", .y_range = {{0.5, 1}}});
            bars.bars("one network", names, scores_network).bars("a logistic regression each", names, scores_alone);
            nn::Plot losses(
                {.title = "Loss of the test rows", .x = "epoch", .y = "binary cross-entropy", .log_y = true});
            losses.line("one network", by_network.column("valid_loss"))
                .line("a logistic regression each", by_regression.column("valid_loss"));
            example.picture("f1.svg", "The shared hidden layer against regressions that share nothing.",
                            {bars, losses});
            example.picture("answers.svg", "What the network says of test digits.", {answers(says_network, data.test)});
            example.picture("together.svg", "Labels do not exclude each other.", {together(truth)});
        }
        example.figure("one network: F1, mean of properties and splits", f1_network,
                       {.at_least = 0.95, .brief_at_least = 0.93});
        example.figure("one-vs-rest logistic regression: the same", f1_alone);
        example.figure("F1 gained by the network", f1_network - f1_alone, {.at_least = 0.05, .brief_at_least = 0.03});
        example.figure("one network: all seven right", exact_network);
        example.figure("logistic regression: all seven right", exact_alone);
    });
}
