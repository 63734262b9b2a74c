// Why does a network predict what it predicts? Four explanations, each a map over the image:
//   saliency               |d score / d pixel| (Simonyan, Vedaldi and Zisserman 2013)
//   SmoothGrad             its mean over noisy copies (Smilkov, Thorat, Kim, Viégas and Wattenberg 2017)
//   integrated gradients   (x - x') times the mean gradient on the path from a black image x' to x (Sundararajan,
//                          Taly and Yan 2017); they add up to the difference of both scores, so they
//                          distribute the score among the pixels
//   occlusion              how much the score falls when a patch is covered (Zeiler and Fergus 2014), no gradient
// needs: dataset-fashion-mnist

#include <autodiff/autodiff.hpp>
#include <nn/nn.hpp>

#include <cmath>
#include <fmt/core.h>

#include <fashion_net.hpp>

using namespace xgrad;

namespace {

/// The score of one class for each of the images (N, 1, 28, 28).
Tensor score(const FashionNet& net, const Tensor& images, std::int64_t label) { return select(net(images), 1, label); }

/// The gradient of that score in each image.
Tensor gradient(const FashionNet& net, const Tensor& images, std::int64_t label) {
    Tape tape({.watch_parameters = false});  // the network is a constant here
    const Tensor x = tape.watch(images);
    return tape.gradient(sum(score(net, x, label)), x);
}

Tensor saliency(const FashionNet& net, const Tensor& image, std::int64_t label) {
    return abs(gradient(net, expand_dims(image, 0), label)[0]);
}

Tensor smooth_grad(const FashionNet& net, const Tensor& image, std::int64_t label, std::int64_t copies,
                   Generator& generator) {
    const Tensor noisy = image + 0.15 * randn({copies, 1, 28, 28}, generator);
    return abs(mean(gradient(net, noisy, label), 0));
}

Tensor integrated_gradients(const FashionNet& net, const Tensor& image, std::int64_t label, std::int64_t steps) {
    // The midpoint of each of the steps from black to the image.
    const Tensor middles = (arange(steps).to(DType::f32) + 0.5) / static_cast<double>(steps);
    const auto at = [&](const Tensor& part) { return gradient(net, reshape(part, {-1, 1, 1, 1}) * image, label); };
    return image * mean(in_blocks(at, middles, 64), 0);
}

Tensor occlusion(const FashionNet& net, const Tensor& image, std::int64_t label, std::int64_t side) {
    std::vector<Tensor> covers;
    for (std::int64_t row = 0; row + side <= 28; ++row)
        for (std::int64_t column = 0; column + side <= 28; ++column)
            covers.push_back(
                pad(ones({1, side, side}), {{0, 0}, {row, 28 - side - row}, {column, 28 - side - column}}));
    const Tensor cover = stack(covers);
    const auto covered = [&](const Tensor& which) { return score(net, image * (1 - which), label); };
    const Tensor fall = score(net, expand_dims(image, 0), label) - in_blocks(covered, cover);
    // The value of each pixel is the mean over the patches that cover it.
    return sum(reshape(fall, {-1, 1, 1, 1}) * cover, 0) / sum(cover, 0);
}

/// The drop in the class's score when the tenth of the pixels with the largest map values turns black.
double deletion(const FashionNet& net, const Tensor& image, std::int64_t label, const Tensor& map) {
    const Tensor order = argsort(-ravel(map));
    const Tensor kept = index_add({784}, slice(order, 0, 78), ones({784 - 78}));
    return (score(net, expand_dims(image, 0), label) -
            score(net, expand_dims(image * reshape(kept, {1, 28, 28}), 0), label))
        .item();
}

/// A map in colours: red is evidence for the class, blue against it, white is neutral.
Tensor coloured(const Tensor& map) {
    const Tensor strength = clip(map / max(abs(map)), -1, 1), white = 1 - abs(strength);
    return concat({where(strength > 0.0, 1.0, white), white, where(strength < 0.0, 1.0, white)}, 0);
}

}  // namespace

int main(int argc, char** argv) {
    Example example("explain",
                    "Explains a network's answers by saliency, SmoothGrad, integrated gradients and occlusion.");
    std::int64_t count = 6, steps = 512;
    example.option("--images", count, "Test images to explain, the first ones of different classes");
    example.option("--steps", steps, "Steps of the integral from black to the image");
    return example.run(argc, argv, [&] {
        count = std::min(count, example.pick<std::int64_t>(10, 2));
        const FashionNet net = trained_fashion_net(example);
        const Pictures test = channelled(fashion_mnist("t10k", 200));
        Generator generator(example.seed());
        const std::vector<std::string> ways = {"saliency", "SmoothGrad", "integrated gradients", "occlusion",
                                               "random pixels"};
        std::vector<double> lost(ways.size(), 0);
        std::vector<Tensor> shown;
        nn::PictureOptions options{.columns = 5};
        double worst = 0;
        std::vector<bool> seen(10, false);
        nn::ProgressBar progress;
        progress.start("explaining", count, "images");
        for (std::int64_t i = 0, done = 0; i < 200 && done < count; ++i) {
            const Tensor image = test.images[i];
            const auto label = argmax(net(expand_dims(image, 0))[0]).item<std::int64_t>();
            if (seen[static_cast<std::size_t>(label)]) continue;
            seen[static_cast<std::size_t>(label)] = true;
            ++done;
            const Tensor integrated = integrated_gradients(net, image, label, steps);
            const std::vector<Tensor> maps = {
                saliency(net, image, label), smooth_grad(net, image, label, example.pick(64, 16), generator),
                integrated, occlusion(net, image, label, 5), rand({1, 28, 28}, generator)};
            const double difference =
                (score(net, expand_dims(image, 0), label) - score(net, zeros({1, 1, 28, 28}), label)).item();
            worst = std::max(worst, std::abs(sum(integrated).item() / difference - 1));
            for (std::size_t way = 0; way < ways.size(); ++way)
                lost[way] += deletion(net, image, label, maps[way]) / static_cast<double>(count);
            shown.push_back(concat({image, image, image}, 0));
            options.captions.push_back(fashion_classes.at(label));
            for (std::size_t way = 0; way < 4; ++way) {
                shown.push_back(coloured(maps[way]));
                options.captions.push_back(ways[way]);
            }
            if (progress.advance()) progress.show();
        }
        progress.clear();
        nn::Plot plot({.title = "What each answer rests on", .width = 700});
        example.picture("maps.svg", "Red speaks for the answer, blue against it; saliency and SmoothGrad have no sign.",
                        {plot.pictures(stack(shown), options)}, 1);
        example.figure("integrated gradients: their sum against the difference of scores, in per cent off, the worst",
                       100 * worst, {.at_most = 1, .brief_at_most = 1});
        for (std::size_t way = 0; way < ways.size(); ++way)
            example.figure("score lost with a tenth of the pixels turned black: " + ways[way], lost[way],
                           way == 2 ? Target{.at_least = lost.back(), .brief_at_least = lost.back()} : Target{});
        example.note(
            "Saliency and SmoothGrad often point at background, where a pixel that is black already can lose nothing.");
    });
}
