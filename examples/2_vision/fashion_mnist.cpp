// A classifier of Fashion-MNIST: 60 000 pictures of clothes in ten classes, and a network with one hidden layer.
// needs: dataset-fashion-mnist

#include <autodiff/autodiff.hpp>
#include <nn/nn.hpp>

#include <chrono>
#include <cmath>
#include <fmt/core.h>
#include <fstream>
#include <numbers>

#include <data.hpp>
#include <example.hpp>

using namespace xgrad;

namespace {

struct Options {
    std::int64_t epochs = 15, batch_size = 128, hidden = 512;
    double lr = 2e-3;
    std::string data = "/usr/share/datasets/fashion-mnist";
};

struct Classifier {
    explicit Classifier(std::int64_t hidden) : fc1(784, hidden), fc2(hidden, 10) {}

    nn::Linear fc1, fc2;
    /// Scores of the classes. 0.2860 and 0.3530 are the mean and the standard deviation of all training pixels:
    /// training works better with inputs around zero.
    Tensor operator()(const Tensor& images) const { return fc2(relu(fc1((flatten(images, 1) - 0.2860) / 0.3530))); }
    XGRAD_FIELDS(fc1, fc2)
};

// The learning rate falls from its start to zero along half a cosine (Loshchilov and Hutter: SGDR, ICLR 2017).
double cosine(double start, double part) { return start * (1 + std::cos(std::numbers::pi * part)) / 2; }

nn::History train(Classifier& net, const Pictures& training, const Pictures& test, const Options& options) {
    nn::DataLoader loader(training.images, training.labels, {.batch_size = options.batch_size, .shuffle = true});
    nn::Adam adam({.lr = options.lr});
    const std::int64_t images = training.images.shape(0), steps = options.epochs * loader.size();
    nn::ProgressBar progress;
    nn::History history;
    std::int64_t step = 0;
    for (std::int64_t epoch = 1; epoch <= options.epochs; ++epoch) {
        progress.start(fmt::format("epoch {}/{}", epoch, options.epochs), images, "images");
        const auto start = std::chrono::steady_clock::now();
        double loss_sum = 0, right = 0, seen = 0;
        for (const auto& [x, y] : loader) {
            adam.set_lr(cosine(options.lr, static_cast<double>(step++) / static_cast<double>(steps)));
            Tape tape;
            const Tensor scores = net(x);
            const Tensor loss = nn::cross_entropy(scores, y);
            adam.step(net, tape.gradient(loss));
            const auto count = static_cast<double>(y.size());
            loss_sum += loss.item() * count;
            right += nn::accuracy(scores, y) * count;
            seen += count;
            if (progress.advance(y.size())) progress.show({{"loss", loss_sum / seen}});
        }
        const Tensor scores = in_blocks(net, test.images);
        const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        history.add_row({{"loss", loss_sum / seen},
                         {"accuracy", right / seen},
                         {"valid_loss", nn::cross_entropy(scores, test.labels).item()},
                         {"valid_accuracy", nn::accuracy(scores, test.labels)},
                         {"seconds", seconds}});
        progress.clear();
        fmt::print("epoch {:2}/{}  loss {:.4f}  training accuracy {:.4f}  test accuracy {:.4f}  {:.1f} s\n", epoch,
                   options.epochs, loss_sum / seen, right / seen, history.last("valid_accuracy"), seconds);
        std::fflush(stdout);
    }
    return history;
}

/// The first hundred test images with the network's predictions.
nn::Plot predictions(const Tensor& scores, const Pictures& test) {
    const std::int64_t shown = std::min<std::int64_t>(100, test.labels.size());
    nn::PictureOptions options;
    std::int64_t mistaken = 0;
    for (std::int64_t i = 0; i < shown; ++i) {
        const auto predicted = argmax(scores[i]).item<std::int64_t>(), label = test.labels[i].item<std::int64_t>();
        const bool wrong = predicted != label;
        mistaken += wrong;
        options.captions.push_back(wrong
                                       ? fmt::format("{}? {}", fashion_classes.at(predicted), fashion_classes.at(label))
                                       : fashion_classes.at(predicted));
        options.marked.push_back(wrong);
    }
    nn::Plot plot({.title = fmt::format("{} test images, {} of them mistaken: framed, with the true class behind",
                                        shown, mistaken),
                   .width = 960});
    return plot.pictures(slice(test.images, 0, 0, shown), options);
}

}  // namespace

int main(int argc, char** argv) {
    Example example("fashion_mnist",
                    "Trains a network with one hidden layer on Fashion-MNIST and draws what it has learned.");
    Options options;
    example.option("--epochs", options.epochs, "Passes over the 60 000 training images");
    example.option("--batch-size", options.batch_size, "Images in one step");
    example.option("--lr", options.lr, "Adam's learning rate at the start; it falls to 0 along a cosine");
    example.option("--hidden", options.hidden, "Units of the hidden layer");
    example.option("--data", options.data, "Folder with the four gzipped IDX files (Debian: dataset-fashion-mnist)");
    example.default_threads(1);  // a network as small as this gains little from more
    return example.run(argc, argv, [&] {
        if (example.brief()) options.epochs = 1;
        const Pictures training = fashion_mnist("train", 60000, options.data),
                       test = fashion_mnist("t10k", 10000, options.data);
        Classifier net(options.hidden);
        const nn::History history = train(net, training, test, options);

        std::ofstream(example.path("metrics.csv")) << history.csv();
        example.picture("curves.svg", "Loss and accuracy by epoch.", nn::curves(history, "test"));
        example.picture("predictions.svg", "What the network sees in images that it was not trained on.",
                        {predictions(in_blocks(net, test.images), test)});
        example.figure("test accuracy", history.last("valid_accuracy"), {.at_least = 0.895, .brief_at_least = 0.8});
    });
}
