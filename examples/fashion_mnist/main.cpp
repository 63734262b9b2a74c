// A classifier of Fashion-MNIST: 60 000 pictures of clothes in ten classes, and a network with one hidden layer.

#include <omp.h>

#include <autodiff/autodiff.hpp>
#include <nn/nn.hpp>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <fmt/core.h>
#include <functional>
#include <numbers>
#include <numeric>

#include "dataset.hpp"
#include "report.hpp"

using namespace xgrad;

namespace {

struct Options {
    int epochs = 10;
    std::int64_t batch_size = 128;
    double lr = 2e-3;
    std::int64_t hidden = 256;
    std::uint64_t seed = 0;
    int threads = 1;
    std::filesystem::path data = "/usr/share/datasets/fashion-mnist", out = "out/fashion_mnist";
};

struct Classifier {
    explicit Classifier(std::int64_t hidden) : fc1(784, hidden), fc2(hidden, 10) {}

    nn::Linear fc1, fc2;
    Tensor operator()(const Tensor& x) const { return fc2(relu(fc1(x))); }
    XGRAD_FIELDS(fc1, fc2)
};

std::int64_t count_right(const Tensor& scores, const Tensor& labels) {
    const Tensor predicted = argmax(scores, 1);
    const auto p = predicted.data<std::int64_t>(), l = labels.data<std::int64_t>();
    return std::inner_product(p.begin(), p.end(), l.begin(), std::int64_t{0}, std::plus{}, std::equal_to{});
}

Tensor predict(const Classifier& net, const Tensor& images) {
    std::vector<Tensor> scores;
    constexpr std::int64_t block = 1000;
    for (std::int64_t at = 0; at < images.shape(0); at += block) scores.push_back(net(slice(images, 0, at, at + block)));
    return concat(scores);
}

// The learning rate falls from its start to zero along half a cosine (Loshchilov and Hutter: SGDR, ICLR 2017).
double cosine(double start, double part) { return start * (1 + std::cos(std::numbers::pi * part)) / 2; }

std::vector<Epoch> train(Classifier& net, const FashionMnist& training, const FashionMnist& test, const Options& options) {
    nn::DataLoader loader(training.images, training.labels, {.batch_size = options.batch_size, .shuffle = true, .seed = options.seed});
    nn::Adam adam({.lr = options.lr});
    const std::int64_t images = training.images.shape(0), steps = options.epochs * loader.size();
    nn::ProgressBar progress;
    std::vector<Epoch> epochs;
    std::int64_t step = 0;
    for (int epoch = 1; epoch <= options.epochs; ++epoch) {
        progress.start(fmt::format("epoch {}/{}", epoch, options.epochs), images, "images");
        const auto start = std::chrono::steady_clock::now();
        double loss_sum = 0;
        std::int64_t right = 0, seen = 0;
        for (const auto& [x, y] : loader) {
            adam.set_lr(cosine(options.lr, static_cast<double>(step++) / static_cast<double>(steps)));
            Tape tape;
            const Tensor scores = net(x);
            const Tensor loss = nn::cross_entropy(scores, y);
            adam.step(net, tape.gradient(loss));
            loss_sum += loss.item() * static_cast<double>(y.size());
            right += count_right(scores, y);
            seen += y.size();
            if (progress.advance(y.size())) progress.show({{"loss", loss_sum / static_cast<double>(seen)}});
        }
        const Tensor test_scores = predict(net, test.images);
        const std::int64_t test_right = count_right(test_scores, test.labels);
        const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        epochs.push_back({epoch, loss_sum / static_cast<double>(seen), static_cast<double>(right) / static_cast<double>(seen),
                          nn::cross_entropy(test_scores, test.labels).item(),
                          static_cast<double>(test_right) / static_cast<double>(test.labels.size()), seconds});
        progress.clear();
        fmt::print("epoch {:2}/{}  loss {:.4f}  training accuracy {:.4f}  test accuracy {:.4f}  {:.1f} s\n", epoch, options.epochs,
                   epochs.back().loss, epochs.back().train_accuracy, epochs.back().test_accuracy, seconds);
        std::fflush(stdout);
    }
    return epochs;
}

void run(const Options& options) {
    if (options.threads > 0) omp_set_num_threads(options.threads);
    nn::manual_seed(options.seed);
    const FashionMnist training = read_fashion_mnist(options.data, "train"), test = read_fashion_mnist(options.data, "t10k");
    std::filesystem::create_directories(options.out);

    Classifier net(options.hidden);
    const std::vector<Epoch> epochs = train(net, training, test, options);

    const Tensor predicted = argmax(predict(net, test.images), 1);
    const auto shown = static_cast<std::size_t>(std::min<std::int64_t>(100, test.labels.size()));
    write_metrics(options.out / "metrics.csv", epochs);
    draw_curves(options.out / "curves.svg", epochs);
    draw_predictions(options.out / "predictions.svg", test.pixels, predicted.data<std::int64_t>().first(shown),
                     test.labels.data<std::int64_t>().first(shown));
    fmt::print("metrics.csv, curves.svg and predictions.svg are in {}\n", options.out.string());
    fmt::print("test accuracy {:.4f}\n", epochs.back().test_accuracy);
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app("Trains a network with one hidden layer on Fashion-MNIST and draws what it has learned.", "fashion_mnist");
    app.add_option("--epochs", options.epochs, "Passes over the 60 000 training images")->check(CLI::PositiveNumber)->capture_default_str();
    app.add_option("--batch-size", options.batch_size, "Images in one step")->check(CLI::PositiveNumber)->capture_default_str();
    app.add_option("--lr", options.lr, "Adam's learning rate at the start; it falls to 0 along a cosine")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str();
    app.add_option("--hidden", options.hidden, "Units of the hidden layer")->check(CLI::PositiveNumber)->capture_default_str();
    app.add_option("--seed", options.seed, "Seed of the initial weights and of the order of images")->capture_default_str();
    app.add_option("--threads", options.threads,
                   "Threads to use; 0: one for each core. A network as small as this gains little from more than one")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str();
    app.add_option("--data", options.data, "Folder with the four gzipped IDX files (Debian: dataset-fashion-mnist)")
        ->type_name("DIR")
        ->capture_default_str();
    app.add_option("--out", options.out, "Folder for metrics.csv, curves.svg and predictions.svg")->type_name("DIR")->capture_default_str();
    try {
        app.parse(argc, argv);
        run(options);
        return 0;
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    } catch (const std::exception& error) {
        fmt::print(stderr, "fashion_mnist: {}\n", error.what());
        return 2;
    }
}
