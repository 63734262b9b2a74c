// Filters learned without labels. Two views are made of each image by random cropping, mirroring and changes of
// brightness, and the network has to find, among the views of all images of a batch, which ones belong together:
// contrastive learning (SimCLR: Chen, Kornblith, Norouzi and Hinton 2020). Then a hundred labels suffice for a linear
// classifier on the features of its filters. It is compared with a network that learns everything from the same labels.
// needs: dataset-fashion-mnist

#include <autodiff/autodiff.hpp>
#include <nn/nn.hpp>

#include <fmt/core.h>

#include <few_labels.hpp>
#include <linear_probe.hpp>
#include <seeds.hpp>

using namespace xgrad;

namespace {

/// The filters and, for pre-training only, two layers after them: the filters' features may depend on what differs
/// between views, the final output may not.
struct Encoder {
    SmallNet filters{128};
    nn::BatchNorm1d norm{128};
    nn::Linear projection{128, 64};
    Tensor operator()(const Tensor& images) const { return projection(relu(norm(filters(images)))); }
    XGRAD_FIELDS(filters, norm, projection)
};

/// Cross-entropy of "which of all the other views is of the same picture?", from the cosine similarities divided by a
/// temperature (NT-Xent).
Tensor contrastive_loss(const Tensor& a, const Tensor& b, double temperature) {
    const std::int64_t n = a.shape(0);
    const Tensor z = normalize(concat({a, b}));
    const Tensor alike = matmul(z, transpose(z)) / temperature - 1e9 * eye(2 * n);  // a view is not its own partner
    return nn::cross_entropy(alike, concat({arange(n) + n, arange(n)}));
}

std::vector<double> pretrain(Encoder& encoder, const Tensor& images, std::int64_t steps, std::int64_t batch, double lr,
                             double temperature) {
    Generator& generator = nn::default_generator();
    nn::AdamW adam({.lr = lr, .weight_decay = 1e-4});
    nn::OneCycleLR schedule(adam, lr, {.total_steps = steps, .pct_start = 0.1});
    nn::ProgressBar bar;
    bar.start("pre-training", steps, "steps");
    nn::RunningMean smooth(0.95);
    std::vector<double> losses;
    for (std::int64_t step = 0; step < steps; ++step) {
        const Tensor some = take(images, randint(0, images.shape(0), {batch}, generator), 0);
        const Tensor views = concat({strongly_changed(some, generator), strongly_changed(some, generator)});
        Tape tape;
        const Tensor z = encoder(views);
        const Tensor loss = contrastive_loss(slice(z, 0, 0, batch), slice(z, 0, batch), temperature);
        adam.step(encoder, tape.gradient(loss));
        schedule.step();
        smooth.update(loss.item());
        losses.push_back(smooth.value());
        if (bar.advance()) bar.show({{"loss", losses.back()}});
    }
    nn::eval(encoder);
    return losses;
}

/// Some images, each followed by its seven nearest neighbours in feature space.
Tensor neighbours(const Tensor& images, const Tensor& descriptions, std::int64_t rows) {
    const Tensor x = normalize(descriptions), nearest = topk(matmul(slice(x, 0, 0, rows), transpose(x)), 8).indices;
    return take(images, ravel(nearest), 0);
}

}  // namespace

int main(int argc, char** argv) {
    Example example("self_supervised",
                    "Learns filters without labels by telling views of pictures apart; a hundred labels do the rest.");
    std::int64_t steps = 1000, batch = 128, draws = 5, scratch_steps = 200;
    double lr = 3e-3, temperature = 0.2;
    bool validate = false;
    example.option("--steps", steps, "Steps of the pre-training");
    example.option("--batch", batch, "Pictures of such a step, of each two views");
    example.option("--lr", lr, "AdamW's highest learning rate there");
    example.option("--temperature", temperature,
                   "What the cosines are divided by: the lower, the more the likest pictures count");
    example.option("--draws", draws, "Draws of a hundred labels");
    example.option("--scratch-steps", scratch_steps, "Steps of the network that learns from labels alone");
    example.option("--validate", validate, "Judge by training pictures that are left out, to choose the settings");
    return example.run(argc, argv, [&] {
        if (example.brief()) steps = 60, draws = 1, scratch_steps = 60;
        const Material material = fashion_material(validate, example.pick(10000, 2000));
        Encoder encoder;
        const std::vector<double> losses = pretrain(encoder, material.training.images, steps, batch, lr, temperature);
        SmallNet untrained(10);
        nn::eval(untrained);
        const Description learned([&](const Tensor& x) { return encoder.filters.features(x); },
                                  material.training.images),
            random([&](const Tensor& x) { return untrained.features(x); }, material.training.images),
            pixels([](const Tensor& x) { return flatten(x, 1); }, material.training.images);
        const std::vector<const Description*> ways = {&pixels, &random, &learned};
        std::vector<Tensor> judged;
        for (const Description* way : ways) judged.push_back(in_blocks(*way, material.judged.images));

        const auto n = static_cast<std::size_t>(draws);
        std::vector<double> scratch(n);
        std::vector<std::vector<double>> linear(ways.size(), std::vector<double>(n));
        for_each_seed(example.seed() + 100, draws, [&](std::int64_t draw) {
            const auto i = static_cast<std::size_t>(draw);
            const Pictures few = few_of_each(material.training, 10, 10, nn::default_generator());
            for (std::size_t k = 0; k < ways.size(); ++k)
                linear[k][i] = 100 * nn::accuracy(Ridge((*ways[k])(few.images), few.labels, 10)(judged[k]),
                                                  material.judged.labels);
            SmallNet net(10);
            learn_few(net, few, scratch_steps, 2e-3, 2e-3);
            scratch[i] = per_cent_right(net, material.judged);
        });

        nn::Plot loss({.title = "Loss of the pre-training, smoothed", .x = "step"}),
            bars({.title = "Right with 100 labels", .y = "per cent", .y_range = {{0, 100}}});
        std::vector<std::string> names;
        for (std::int64_t i = 0; i < draws; ++i) names.push_back(fmt::format("draw {}", i + 1));
        bars.bars("all from the labels", names, scratch)
            .bars("linear, from pixels", names, linear[0])
            .bars("linear, from its filters", names, linear[2]);
        example.picture("learning.svg", "The pre-training, and what a hundred labels are good for after it.",
                        {loss.line("", losses), bars});
        Generator generator(example.seed());
        const Tensor ten = slice(material.judged.images, 0, 0, 10);
        nn::Plot views({.title = "Pictures, and two views of each", .width = 1096});
        views.pictures(clip(concat({ten, strongly_changed(ten, generator), strongly_changed(ten, generator)}), 0, 1),
                       {.columns = 10});
        example.picture("views.svg", "Which two views are of the same picture?", {views}, 1);
        nn::Plot by_pixels({.title = "Nearest by pixels"}), by_filters({.title = "Nearest by what its filters find"});
        by_pixels.pictures(neighbours(material.judged.images, judged[0], 8), {.columns = 8});
        by_filters.pictures(neighbours(material.judged.images, judged[2], 8), {.columns = 8});
        example.picture("neighbours.svg",
                        "Pictures in the first column, and behind each the seven that are most like it.",
                        {by_pixels, by_filters});
        example.figure("a network from the labels alone: right, per cent, mean of the draws", mean_of(scratch));
        example.figure("linear classifier of pixels: right, per cent, mean of the draws", mean_of(linear[0]));
        example.figure("linear classifier of untrained filters: right, per cent, mean of the draws",
                       mean_of(linear[1]));
        example.figure("linear classifier of pre-trained filters: right, per cent, mean of the draws (chance 10)",
                       mean_of(linear[2]), {.brief_at_least = 50});
        example.figure("points that the pre-training gains, mean of the draws", mean_of(linear[2]) - mean_of(scratch),
                       {.at_least = 3});
    });
}
