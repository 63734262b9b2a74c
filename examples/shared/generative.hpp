#pragma once

#include <algorithm>
#include <fashion_net.hpp>
#include <string>
#include <vector>

// The common part of the generative examples: a network from images to a few numbers, one from numbers to images, and
// plots of both.

/// Two convolutions, each halving the image, and a fully connected layer: from images (N, 1, 28, 28) to (N, outputs).
struct Encoder {
    explicit Encoder(std::int64_t outputs, std::int64_t width = 16)
        : conv1(1, width, 4, {.stride = 2, .padding = 1}),
          conv2(width, 2 * width, 4, {.stride = 2, .padding = 1}),
          output(2 * width * 7 * 7, outputs) {}

    xgrad::nn::Conv2d conv1, conv2;
    xgrad::nn::Linear output;
    xgrad::Tensor operator()(const xgrad::Tensor& images) const {
        const xgrad::Tensor x = leaky_relu(conv1(images), 0.2);
        return output(flatten(leaky_relu(conv2(x), 0.2), 1));
    }
    XGRAD_FIELDS(conv1, conv2, output)
};

/// The reverse: a linear layer that makes small images, and two transposed convolutions that each double their size.
/// From (N, inputs) to (N, channels, 28, 28) of unbounded values.
struct Decoder {
    explicit Decoder(std::int64_t inputs, std::int64_t channels = 1, std::int64_t width = 16)
        : input(inputs, 2 * width * 7 * 7),
          up1(2 * width, width, 4, {.stride = 2, .padding = 1}),
          up2(width, channels, 4, {.stride = 2, .padding = 1}),
          norm1(2 * width),
          norm2(width) {}

    xgrad::nn::Linear input;
    xgrad::nn::ConvTranspose2d up1, up2;
    xgrad::nn::BatchNorm2d norm1, norm2;
    xgrad::Tensor operator()(const xgrad::Tensor& numbers) const {
        const xgrad::Tensor x = reshape(input(numbers), {numbers.shape(0), -1, 7, 7});
        return up2(relu(norm2(up1(relu(norm1(x))))));
    }
    XGRAD_FIELDS(input, up1, up2, norm1, norm2)
};

/// Points on straight lines from each row of `from` to the row of `to` with the same index, line by line, both ends
/// included: (rows · points, numbers).
inline xgrad::Tensor straight_lines(const xgrad::Tensor& from, const xgrad::Tensor& to, std::int64_t points) {
    using namespace xgrad;
    const Tensor along = reshape(linspace(0, 1, points), {1, points, 1}).to(from.dtype());
    return reshape(lerp(expand_dims(from, 1), expand_dims(to, 1), along), {from.shape(0) * points, from.shape(1)});
}

/// The position of each image on a plane (N, 2), coloured by class.
inline xgrad::nn::Plot latent_map(const std::string& title, const xgrad::Tensor& points, const xgrad::Tensor& labels) {
    using namespace xgrad;
    nn::Plot plot({.title = title, .x = "first number", .y = "second number", .width = 720, .height = 560});
    for (std::int64_t label = 0; label < 10; ++label) {
        const Tensor rows = take(points, squeeze(argwhere(equal(labels, label)), 1), 0);
        plot.points(fashion_classes.at(static_cast<std::size_t>(label)), select(rows, 1, 0), select(rows, 1, 1));
    }
    return plot;
}

/// Plots numbers per step as a line of their means over blocks of `steps` steps.
inline void draw_means(xgrad::nn::Plot& plot, const std::string& name, const std::vector<double>& numbers,
                       std::size_t steps) {
    std::vector<double> x, y;
    for (std::size_t at = 0; at + steps <= numbers.size(); at += steps) {
        double sum = 0;
        for (std::size_t i = at; i < at + steps; ++i) sum += numbers[i];
        x.push_back(static_cast<double>(at + steps));
        y.push_back(sum / static_cast<double>(steps));
    }
    plot.line(name, x, y);
}

/// Images (N, 1, 28, 28) row by row, with a title.
inline xgrad::nn::Plot rows_of_pictures(const std::string& title, const xgrad::Tensor& images, int columns = 10) {
    xgrad::nn::Plot plot({.title = title, .width = 720});
    return plot.pictures(images, {.columns = columns});
}

/// A classifier's evaluation of generated images.
struct Verdict {
    double sure = 0;  ///< fraction of the images whose class has a probability of 0.8 or more
    std::vector<double> by_class =
        std::vector<double>(10, 0);  ///< of a thousand images, how many are confidently of each class
    std::int64_t classes = 0;  ///< classes that appear, with three or more confident images in a thousand
};
inline Verdict judged(const FashionNet& judge, const xgrad::Tensor& images) {
    using namespace xgrad;
    const Tensor chances = softmax(in_blocks(judge, images), 1),
                 sure = greater_equal(max(chances, 1), 0.8).to(DType::f32);
    const Tensor by_class = mean(one_hot(argmax(chances, 1), 10) * expand_dims(sure, 1), 0);
    Verdict verdict{.sure = mean(sure).item()};
    for (std::int64_t label = 0; label < 10; ++label)
        verdict.by_class[static_cast<std::size_t>(label)] = 1000 * by_class[label].item();
    verdict.classes = std::ranges::count_if(verdict.by_class, [](double count) { return count > 2.999; });
    return verdict;
}
