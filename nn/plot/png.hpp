#pragma once

#include <cstdint>
#include <string>

#include <autodiff/core/tensor.hpp>

// Images as PNG files, and grids of images.

namespace xgrad::nn {

/// Saves an image (H, W) or (C, H, W) as a PNG file with 8 bits per channel, with C = 1 grey, 3 red, green and blue, or
/// 4 for these and opacity. Floating elements range from 0 (black) to 1, and are clipped and rounded, as in
/// torchvision's save_image; integers range from 0 to 255, booleans are black and white. The file is written
/// atomically. ShapeError for any other shape or one without pixels; ValueError for a NaN, an integer out of range and
/// an image of more than 2^31 - 1 bytes; Error naming the file when it cannot be written.
XGRAD_API void save_png(const std::string& path, const Tensor& image, Location where = Location::current());

struct GridOptions {
    std::int64_t columns = 8;  ///< images per row
    std::int64_t padding = 2;  ///< pixels between images and around the grid
    double value = 0;  ///< value of the padding and of empty cells
};
/// Arranges images (N, C, H, W) row by row in one image (C, rows, columns), with the same numbers as torchvision,
/// except that one channel stays one. As there, a single image gets no padding. Differentiable. ShapeError for a wrong
/// rank or no image, ValueError for invalid options.
///
///     nn::save_png("samples.png", nn::make_grid(generator(noise), {.columns = 10}));
XGRAD_API Tensor make_grid(const Tensor& images, const GridOptions& options = {}, Location where = Location::current());

}  // namespace xgrad::nn
