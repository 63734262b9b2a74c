#pragma once

#include <cstdint>
#include <string>

#include <autodiff/core/tensor.hpp>

// Pictures as PNG files, and many of them as one.

namespace xgrad::nn {

/// A picture (H, W) or (C, H, W) as a PNG file of 8 bits, with C = 1 grey, 3 red, green and blue, or 4 these and how
/// opaque each pixel is. Floating elements go from 0 (black) to 1, are clipped to that and rounded, as torchvision's
/// save_image does; integers go from 0 to 255, booleans are black and white. The file is there whole or not at all.
/// ShapeError for another shape or one without pixels; ValueError for a NaN, an integer out of range and a picture of
/// more than 2^31 - 1 bytes; Error naming the file when it cannot be written.
XGRAD_API void save_png(const std::string& path, const Tensor& image, Location where = Location::current());

struct GridOptions {
    std::int64_t columns = 8;  ///< pictures in a row
    std::int64_t padding = 2;  ///< pixels between them and around all
    double value = 0;  ///< what is there, and in places without a picture
};
/// Pictures (N, C, H, W) row by row as one (C, rows, columns), with torchvision's numbers; but one channel stays one.
/// As there, a picture alone gets nothing around it. Differentiable. ShapeError for another rank or no picture,
/// ValueError for options that make no sense.
///
///     nn::save_png("samples.png", nn::make_grid(generator(noise), {.columns = 10}));
XGRAD_API Tensor make_grid(const Tensor& images, const GridOptions& options = {}, Location where = Location::current());

}  // namespace xgrad::nn
