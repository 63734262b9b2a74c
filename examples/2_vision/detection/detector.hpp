#pragma once

#include <autodiff/autodiff.hpp>
#include <nn/nn.hpp>
#include <vector>

#include "scenes.hpp"

// The detector, its loss, and the decoding of its output.

constexpr std::int64_t classes = 10, stride = 8, cells = canvas / stride;  // cells of the grid in each direction

/// For each of the 12 × 12 cells: one score for the presence of an object, four for its distances, ten for its class.
/// The receptive field of a cell is 47 × 47 pixels.
struct Detector {
    xgrad::nn::Conv2d conv1{1, 16, 3, {.stride = 2, .padding = 1}}, conv2{16, 32, 3, {.stride = 2, .padding = 1}},
        conv3{32, 64, 3, {.stride = 2, .padding = 1}}, conv4{64, 96, 3, {.padding = 1}},
        conv5{96, 96, 3, {.padding = 1}}, head{96, 1 + 4 + classes, 1};
    xgrad::nn::BatchNorm2d norm1{16}, norm2{32}, norm3{64}, norm4{96}, norm5{96};

    /// The output for images (N, 1, 96, 96), by cell: (N · 144, 15).
    xgrad::Tensor operator()(const xgrad::Tensor& images) const {
        xgrad::Tensor x = relu(norm3(conv3(relu(norm2(conv2(relu(norm1(conv1(images)))))))));
        x = relu(norm5(conv5(relu(norm4(conv4(x))))));
        return reshape(permute(head(x), {0, 2, 3, 1}), {-1, 1 + 4 + classes});
    }
    XGRAD_FIELDS(conv1, conv2, conv3, conv4, conv5, head, norm1, norm2, norm3, norm4, norm5)
};

/// The loss of the detector's output (N · 144, 15) for these images.
xgrad::Tensor detection_loss(const xgrad::Tensor& said, const Scenes& scenes);

/// The objects detected in each image, with a score of at least `least`.
std::vector<Objects> detect_all(const Detector& detector, const xgrad::Tensor& images, double least);
