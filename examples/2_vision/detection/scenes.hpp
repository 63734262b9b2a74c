#pragma once

#include <autodiff/autodiff.hpp>
#include <vector>

#include <data.hpp>

// Images with several garments, composed of Fashion-MNIST's single ones.

constexpr std::int64_t canvas = 96;  // pixels of an image in each direction

/// The objects in one image, either true or detected.
struct Objects {
    xgrad::Tensor boxes;  // (n, 4) f32: left, top, right, bottom in pixels, as in nn/data/boxes.hpp
    xgrad::Tensor classes;  // (n) i64
    xgrad::Tensor scores = {};  // (n): confidence of the detector
};

struct Scenes {
    xgrad::Tensor images;  // (N, 1, 96, 96) from 0 to 1
    std::vector<Objects> objects;
};

/// Images with two to five garments each: of random classes, 20 to 36 pixels wide before cropping, mirrored or not, at
/// random places. A later garment covers an earlier one, but never more than a quarter of the smaller of the two boxes.
Scenes make_scenes(const Pictures& clothes, std::int64_t count, xgrad::Generator& generator);
