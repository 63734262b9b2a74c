#pragma once

#include <autodiff/autodiff.hpp>
#include <filesystem>
#include <nn/nn.hpp>
#include <string>
#include <vector>

#include "data.hpp"
#include "example.hpp"

// The convolutional network that the examples about pictures share, and what they do with networks of their own.

/// Three convolutions, each followed by a half-size pooling, and two layers that join everything: 98 922 parameters.
/// Example cnn trains it.
struct FashionNet {
    xgrad::nn::Conv2d conv1{1, 16, 5, {.padding = 2}}, conv2{16, 32, 3, {.padding = 1}},
        conv3{32, 64, 3, {.padding = 1}};
    xgrad::nn::BatchNorm2d norm1{16}, norm2{32}, norm3{64};
    xgrad::nn::Linear hidden{64 * 3 * 3, 128}, output{128, 10};

    /// What the first layer finds in images (N, 1, 28, 28): (N, 16, 28, 28).
    xgrad::Tensor first(const xgrad::Tensor& images) const { return relu(norm1(conv1(images))); }
    /// (N, 128)
    xgrad::Tensor features(const xgrad::Tensor& images) const {
        xgrad::Tensor x = max_pool2d(first(images), 2);
        x = max_pool2d(relu(norm2(conv2(x))), 2);
        x = max_pool2d(relu(norm3(conv3(x))), 2);
        return relu(hidden(flatten(x, 1)));
    }
    /// Scores of the classes (N, 10).
    xgrad::Tensor operator()(const xgrad::Tensor& images) const { return output(features(images)); }
    XGRAD_FIELDS(conv1, conv2, conv3, norm1, norm2, norm3, hidden, output)
};

/// Three convolutions that halve the picture themselves: a quarter of the time of FashionNet.
struct SmallNet {
    explicit SmallNet(std::int64_t outputs) : output(64 * 4 * 4, outputs) {}

    xgrad::nn::Conv2d conv1{1, 16, 3, {.stride = 2, .padding = 1}}, conv2{16, 32, 3, {.stride = 2, .padding = 1}},
        conv3{32, 64, 3, {.stride = 2, .padding = 1}};
    xgrad::nn::BatchNorm2d norm1{16}, norm2{32}, norm3{64};
    xgrad::nn::Linear output;

    /// (N, 1024)
    xgrad::Tensor features(const xgrad::Tensor& images) const {
        return flatten(relu(norm3(conv3(relu(norm2(conv2(relu(norm1(conv1(images))))))))), 1);
    }
    xgrad::Tensor operator()(const xgrad::Tensor& images) const { return output(features(images)); }
    XGRAD_FIELDS(conv1, conv2, conv3, norm1, norm2, norm3, output)
};

/// Fashion-MNIST's images with an axis for their one channel: (N, 1, 28, 28), as convolutions want them.
inline Pictures channelled(Pictures pictures) {
    pictures.images = expand_dims(pictures.images, 1);
    return pictures;
}

struct FitOptions {
    std::int64_t epochs = 3, batch_size = 64;
    double lr = 2e-3;  ///< the highest of one cycle (Smith and Topin 2019)
};
/// Trains a classifier by cross-entropy with AdamW, and leaves it in eval mode. The rows are images and their classes.
template <class Net, class Loader>
xgrad::nn::History fit_classifier(Net& net, Loader&& loader, const FitOptions& options) {
    xgrad::nn::AdamW adam({.lr = options.lr, .weight_decay = 1e-3});
    xgrad::nn::OneCycleLR schedule(adam, options.lr, {.total_steps = options.epochs * loader.size()});
    xgrad::nn::Trainer trainer(net, adam,
                               {.epochs = options.epochs, .schedule = &schedule, .schedule_each_step = true});
    return trainer.fit(loader, [](const Net& model, const auto& batch) {
        const auto& [images, labels] = batch;
        return xgrad::nn::cross_entropy(model(images), labels);
    });
}

/// Mirrored or not, and moved by at most a pixel in each direction: what does not change what a picture is.
inline xgrad::Tensor weakly_changed(const xgrad::Tensor& images, xgrad::Generator& generator) {
    return xgrad::nn::random_crop(xgrad::nn::random_horizontal_flip(images, generator), 28, 28, generator,
                                  {.padding = 1});
}

/// The pictures' batches, each picture weakly changed.
inline auto augmented(const Pictures& pictures) {
    return xgrad::nn::MapDataset(xgrad::nn::TensorDataset(pictures.images, pictures.labels),
                                 [](auto batch, xgrad::Generator& generator) {
                                     batch[0] = weakly_changed(batch[0], generator);
                                     return batch;
                                 });
}

/// A classifier of Fashion-MNIST that judges pictures which another example makes: the model that example cnn has
/// saved, or else one that is trained for a minute. It is in eval mode.
inline FashionNet trained_fashion_net(Example& example, const std::string& file = "out/cnn/model.safetensors") {
    FashionNet net;
    xgrad::nn::eval(net);
    if (std::filesystem::exists(file)) {
        xgrad::nn::load_safetensors(file, net);
        return net;
    }
    example.note("No " + file + " of example cnn is there: a classifier is trained for a moment first.");
    const Pictures pictures = channelled(fashion_mnist("train", example.pick(30000, 4000)));
    xgrad::nn::DataLoader loader(pictures.images, pictures.labels, {.batch_size = 64, .shuffle = true});
    fit_classifier(net, loader, {.epochs = example.pick(3, 2), .lr = 4e-3});
    return net;
}
