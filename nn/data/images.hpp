#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <autodiff/ops/random/random.hpp>

// Changes of image batches (N, C, H, W), as torchvision.transforms makes them of single images: every image draws
// numbers of its own from the generator. Equal generators give equal results; MapDataset hands out one for each batch.
// ShapeError for another rank.

namespace xgrad::nn {

/// (x - mean) / std by channel. ShapeError unless there is one number, or one for each channel; ValueError for a std of
/// zero.
XGRAD_API Tensor normalize(const Tensor& x, const std::vector<double>& mean, const std::vector<double>& std,
                           Location where = Location::current());

/// Mirrored left to right, each image with probability p.
XGRAD_API Tensor random_horizontal_flip(const Tensor& x, Generator& generator, double p = 0.5,
                                        Location where = Location::current());
/// Upside down, each image with probability p.
XGRAD_API Tensor random_vertical_flip(const Tensor& x, Generator& generator, double p = 0.5,
                                      Location where = Location::current());

struct RandomCropOptions {
    std::int64_t padding = 0;  ///< rows and columns put around the image before
    double fill = 0;  ///< what these hold
};
/// A window of height × width at a random place in each image: (N, C, height, width). ShapeError where the padded image
/// is smaller.
XGRAD_API Tensor random_crop(const Tensor& x, std::int64_t height, std::int64_t width, Generator& generator,
                             const RandomCropOptions& options = {}, Location where = Location::current());
/// The window in the middle; where the rest is odd, the place is rounded to the nearest even one, as torchvision's
/// center_crop does.
XGRAD_API Tensor center_crop(const Tensor& x, std::int64_t height, std::int64_t width,
                             Location where = Location::current());

struct RandomResizedCropOptions {
    std::pair<double, double> scale = {0.08, 1};  ///< part of the image's area
    std::pair<double, double> ratio = {3.0 / 4, 4.0 / 3};  ///< width to height, drawn evenly on a logarithmic scale
};
/// A rectangle at a random place in each image, stretched bilinearly to height × width: (N, C, height, width). An image
/// in which ten tries find no rectangle that fits is taken whole. ValueError for ranges or sizes that make no sense.
XGRAD_API Tensor random_resized_crop(const Tensor& x, std::int64_t height, std::int64_t width, Generator& generator,
                                     const RandomResizedCropOptions& options = {},
                                     Location where = Location::current());

enum class RotationMode { nearest, bilinear };
struct RotateOptions {
    RotationMode interpolation = RotationMode::nearest;
    double fill = 0;  ///< what lies outside the image
};
/// Every image turned around its centre by its number of degrees (a vector of N), counter-clockwise; the size stays.
XGRAD_API Tensor rotate(const Tensor& x, const std::vector<double>& degrees, const RotateOptions& options = {},
                        Location where = Location::current());
/// Turned by a random angle in [-degrees, degrees).
XGRAD_API Tensor random_rotation(const Tensor& x, double degrees, Generator& generator,
                                 const RotateOptions& options = {}, Location where = Location::current());

struct RandomErasingOptions {
    double p = 0.5;  ///< probability for each image
    std::pair<double, double> scale = {0.02, 0.33};  ///< part of the image's area
    std::pair<double, double> ratio = {0.3, 3.3};  ///< height to width, drawn evenly on a logarithmic scale
    double value = 0;
};
/// A rectangle of each image is replaced by a value (Zhong, Zheng, Kang, Li, Yang 2020). An image in which ten tries
/// find no rectangle that fits stays as it is.
XGRAD_API Tensor random_erasing(const Tensor& x, Generator& generator, const RandomErasingOptions& options = {},
                                Location where = Location::current());

}  // namespace xgrad::nn
