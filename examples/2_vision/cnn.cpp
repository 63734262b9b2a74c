// A convolutional network for Fashion-MNIST (Xiao, Rasul and Vollgraf 2017): filters that slide over the image, pooling
// that keeps the strongest response in each neighbourhood, batch normalisation (Ioffe and Szegedy 2015) between them,
// and data augmentation: training images are shifted and mirrored, so that the network sees more of them than there
// are. Other examples load the network that this one saves.
// needs: dataset-fashion-mnist

#include <autodiff/autodiff.hpp>
#include <nn/nn.hpp>

#include <fmt/core.h>
#include <iostream>

#include <fashion_net.hpp>

using namespace xgrad;

namespace {

nn::History train(FashionNet& net, const Pictures& training, const Pictures& test, std::int64_t epochs, double lr) {
    nn::DataLoader loader(augmented(training), {.batch_size = 128, .shuffle = true});
    nn::DataLoader test_loader(test.images, test.labels, {.batch_size = 500});
    nn::AdamW adam({.lr = lr, .weight_decay = 1e-2});
    nn::OneCycleLR schedule(adam, lr, {.total_steps = epochs * loader.size()});  // up, then down to almost zero
    nn::Trainer trainer(net, adam, {.epochs = epochs, .schedule = &schedule, .schedule_each_step = true});
    return trainer.fit(loader, test_loader, [](const FashionNet& model, const auto& batch, nn::Log& log) {
        const auto& [images, labels] = batch;
        const Tensor scores = model(images);
        log("accuracy", nn::accuracy(scores, labels));
        return nn::cross_entropy(scores, labels);
    });
}

/// Rescales each image to the range 0 to 1.
Tensor stretched(const Tensor& pictures) {
    const Tensor low = min(pictures, {1, 2}, true), high = max(pictures, {1, 2}, true);
    return (pictures - low) / maximum(high - low, 1e-6);
}

/// The sixteen filters of the first layer, and their responses to one image.
std::vector<nn::Plot> filters(const FashionNet& net, const Tensor& image) {
    nn::Plot weights({.title = "The filters of the first layer, 5 × 5", .width = 540});
    weights.pictures(stretched(squeeze(net.conv1.weight.value(), 1)), {.columns = 8});
    nn::Plot answers({.title = "What each of them finds in a boot", .width = 540});
    answers.pictures(stretched(net.first(expand_dims(image, 0))[0]), {.columns = 8});
    return {weights, answers};
}

nn::Plot confusion(const Tensor& scores, const Tensor& labels) {
    nn::ConfusionMatrix matrix(10);
    matrix.update(scores, labels);
    const std::vector<std::string> names(fashion_classes.begin(), fashion_classes.end());
    std::cout << matrix.str(names) << '\n';
    nn::Plot plot({.title = "What is taken for what", .x = "taken for", .y = "is", .width = 760, .height = 560});
    // The colour scale is logarithmic, since errors are rare but of most interest.
    return plot.heat_map(log1p(matrix.counts().to(DType::f32)),
                         {.x_labels = names, .y_labels = names, .name = "log(1 + pictures)"});
}

}  // namespace

int main(int argc, char** argv) {
    Example example("cnn", "Trains a convolutional network on Fashion-MNIST and draws its filters and its errors.");
    std::int64_t epochs = 12;
    double lr = 4e-3;
    bool longer = false;
    example.option("--epochs", epochs, "Passes over the 60 000 training images");
    example.option("--lr", lr, "AdamW's highest learning rate; it rises to it and falls again");
    example.option("--long", longer, "Forty passes, for a better network");
    return example.run(argc, argv, [&] {
        if (longer) epochs = 40;
        if (example.brief()) epochs = 2;
        const Pictures training = channelled(fashion_mnist("train", example.pick(60000, 4000)));
        const Pictures test = channelled(fashion_mnist("t10k", example.pick(10000, 2000)));
        FashionNet net;
        std::cout << nn::summary(net, {1, 1, 28, 28}) << '\n';
        const nn::History history = train(net, training, test, epochs, lr);
        nn::save_safetensors(example.path("model.safetensors"), net);

        const Tensor scores = in_blocks(net, test.images);
        example.picture("curves.svg", "Loss and accuracy by epoch.", nn::curves(history, "test"));
        example.picture("filters.svg", "Filters that the network has learned: edges and spots of all directions.",
                        filters(net, test.images[0]));
        example.picture("confusion.svg", "Which classes are taken for which: shirts are hard to tell.",
                        {confusion(scores, test.labels)});
        double parameters = 0;
        for (const Parameter& parameter : nn::parameters(net)) parameters += static_cast<double>(parameter.size());
        example.figure("parameters", parameters, {.at_most = 100000, .brief_at_most = 100000});
        // Chance level is 0.1.
        example.figure("test accuracy", nn::accuracy(scores, test.labels),
                       {.at_least = longer ? 0.935 : 0.92, .brief_at_least = 0.6});
    });
}
