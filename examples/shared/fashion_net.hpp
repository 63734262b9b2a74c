#pragma once

#include <autodiff/autodiff.hpp>
#include <nn/nn.hpp>
#include <vector>

#include "data.hpp"
#include "example.hpp"

// The convolutional network that the examples about pictures share, and what they do with networks of their own.

/// Three convolutions, each followed by a half-size pooling, and two layers that join everything: 98 922 parameters. Example cnn trains it.
struct FashionNet {
    xgrad::nn::Conv2d conv1{1, 16, 5, {.padding = 2}}, conv2{16, 32, 3, {.padding = 1}}, conv3{32, 64, 3, {.padding = 1}};
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

/// Fashion-MNIST's images with an axis for their one channel: (N, 1, 28, 28), as convolutions want them.
inline Pictures channelled(Pictures pictures) {
    pictures.images = expand_dims(pictures.images, 1);
    return pictures;
}

/// Mirrored or not, and moved by at most a pixel in each direction: what does not change what a picture is.
inline xgrad::Tensor weakly_changed(const xgrad::Tensor& images, xgrad::Generator& generator) {
    return xgrad::nn::random_crop(xgrad::nn::random_horizontal_flip(images, generator), 28, 28, generator, {.padding = 1});
}
