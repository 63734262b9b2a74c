#include "dataset.hpp"

#include <algorithm>
#include <nn/idx.hpp>
#include <string>

namespace {

constexpr std::int64_t pixels_per_image = 28 * 28;
// Of the training images, with pixels in [0, 1].
constexpr float mean = 0.2860f, deviation = 0.3530f;

}  // namespace

FashionMnist read_fashion_mnist(const std::filesystem::path& folder, std::string_view prefix) {
    const auto images_file = folder / std::string(prefix).append("-images-idx3-ubyte.gz");
    const auto labels_file = folder / std::string(prefix).append("-labels-idx1-ubyte.gz");
    xgrad::nn::IdxBytes images = xgrad::nn::read_idx_bytes(images_file);
    const xgrad::nn::IdxBytes labels = xgrad::nn::read_idx_bytes(labels_file);

    const auto fail = [](const std::filesystem::path& file, const std::string& reason) {
        throw xgrad::FormatError(file.string() + ": " + reason);
    };
    if (images.shape.rank() != 3 || images.shape[1] != 28 || images.shape[2] != 28 || images.shape[0] == 0)
        fail(images_file, "must hold images of 28x28 pixels, got shape " + xgrad::to_string(images.shape));
    const std::int64_t count = images.shape[0];
    if (labels.shape != xgrad::Shape{count})
        fail(labels_file,
             "must hold one label for each of " + std::to_string(count) + " images, got shape " + xgrad::to_string(labels.shape));
    const auto largest = *std::max_element(labels.bytes.begin(), labels.bytes.end());
    if (largest >= class_names.size()) fail(labels_file, "labels must be in [0, 10), got " + std::to_string(largest));

    std::vector<float> normalised(images.bytes.size());
    std::transform(images.bytes.begin(), images.bytes.end(), normalised.begin(),
                   [](std::uint8_t pixel) { return (static_cast<float>(pixel) / 255 - mean) / deviation; });
    return {xgrad::tensor(normalised, {count, pixels_per_image}),
            xgrad::tensor(std::vector<std::int64_t>(labels.bytes.begin(), labels.bytes.end()), {count}), std::move(images.bytes)};
}
