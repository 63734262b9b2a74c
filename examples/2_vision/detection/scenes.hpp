#pragma once

#include <autodiff/autodiff.hpp>
#include <vector>

#include <data.hpp>

// Pictures with several clothes on them, made up of Fashion-MNIST's single ones.

constexpr std::int64_t canvas = 96;  // pixels of a picture in each direction

/// What is to be found in one picture, or what was found there.
struct Objects {
    xgrad::Tensor boxes;  // (n, 4) f32: left, top, right, bottom in pixels, as nn/data/boxes.hpp has them
    xgrad::Tensor classes;  // (n) i64
    xgrad::Tensor scores = {};  // (n): how sure a detector is
};

struct Scenes {
    xgrad::Tensor images;  // (N, 1, 96, 96) from 0 to 1
    std::vector<Objects> objects;
};

/// Pictures with two to five of the clothes each: of random classes, 20 to 36 pixels wide before their black margin is
/// taken off, mirrored or not, at random places. A later one covers an earlier one, but never more than a quarter of
/// the smaller of both boxes.
Scenes make_scenes(const Pictures& clothes, std::int64_t count, xgrad::Generator& generator);
