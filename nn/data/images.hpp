#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <autodiff/ops/random/random.hpp>

// Transforms of image batches (N, C, H, W), as torchvision.transforms does for single images: random numbers are drawn
// from the generator for each image. Equal generators give equal results; MapDataset passes one for each batch.
// ShapeError for a different rank.

namespace xgrad::nn {

/// (x - mean) / std per channel. ShapeError unless there is one number, or one per channel; ValueError for a std of
/// zero.
XGRAD_API Tensor normalize(const Tensor& x, const std::vector<double>& mean, const std::vector<double>& std,
                           Location where = Location::current());

/// Flips each image left to right with probability p.
XGRAD_API Tensor random_horizontal_flip(const Tensor& x, Generator& generator, double p = 0.5,
                                        Location where = Location::current());
/// Flips each image upside down with probability p.
XGRAD_API Tensor random_vertical_flip(const Tensor& x, Generator& generator, double p = 0.5,
                                      Location where = Location::current());

struct RandomCropOptions {
    std::int64_t padding = 0;  ///< rows and columns added around the image first
    double fill = 0;  ///< their value
};
/// A crop of height × width at a random position in each image: (N, C, height, width). ShapeError if the padded image
/// is smaller.
XGRAD_API Tensor random_crop(const Tensor& x, std::int64_t height, std::int64_t width, Generator& generator,
                             const RandomCropOptions& options = {}, Location where = Location::current());
/// The crop at the centre; if the remaining margin is odd, the offset is rounded to the nearest even number, as in
/// torchvision's center_crop.
XGRAD_API Tensor center_crop(const Tensor& x, std::int64_t height, std::int64_t width,
                             Location where = Location::current());

struct RandomResizedCropOptions {
    std::pair<double, double> scale = {0.08, 1};  ///< fraction of the image's area
    std::pair<double, double> ratio = {3.0 / 4, 4.0 / 3};  ///< width to height, drawn uniformly on a logarithmic scale
};
/// A random rectangle of each image, resized bilinearly to height × width: (N, C, height, width). If ten tries find no
/// rectangle that fits, the whole image is taken. ValueError for invalid ranges or sizes.
XGRAD_API Tensor random_resized_crop(const Tensor& x, std::int64_t height, std::int64_t width, Generator& generator,
                                     const RandomResizedCropOptions& options = {},
                                     Location where = Location::current());

enum class RotationMode { nearest, bilinear };
struct RotateOptions {
    RotationMode interpolation = RotationMode::nearest;
    double fill = 0;  ///< value outside the image
};
/// Rotates each image about its centre by its angle in degrees (a vector of N), counter-clockwise; the size is
/// unchanged.
XGRAD_API Tensor rotate(const Tensor& x, const std::vector<double>& degrees, const RotateOptions& options = {},
                        Location where = Location::current());
/// Rotates each image by a random angle in [-degrees, degrees).
XGRAD_API Tensor random_rotation(const Tensor& x, double degrees, Generator& generator,
                                 const RotateOptions& options = {}, Location where = Location::current());

struct RandomErasingOptions {
    double p = 0.5;  ///< probability per image
    std::pair<double, double> scale = {0.02, 0.33};  ///< fraction of the image's area
    std::pair<double, double> ratio = {0.3, 3.3};  ///< height to width, drawn uniformly on a logarithmic scale
    double value = 0;
};
/// Replaces a rectangle of each image by a value (Zhong, Zheng, Kang, Li, Yang 2020). If ten tries find no rectangle
/// that fits, the image is left unchanged.
XGRAD_API Tensor random_erasing(const Tensor& x, Generator& generator, const RandomErasingOptions& options = {},
                                Location where = Location::current());

}  // namespace xgrad::nn
