#pragma once

#include <array>
#include <autodiff/tensor.hpp>
#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

constexpr std::array<std::string_view, 10> class_names = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                                          "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};

/// One half of Fashion-MNIST (Xiao, Rasul, Vollgraf 2017).
struct FashionMnist {
    xgrad::Tensor images;              ///< (N, 784) f32, normalised to mean 0 and standard deviation 1 over the training set
    xgrad::Tensor labels;              ///< (N,) i64
    std::vector<std::uint8_t> pixels;  ///< the images as they are, for pictures
};

/// Reads `prefix`-images-idx3-ubyte.gz and `prefix`-labels-idx1-ubyte.gz, prefix "train" or "t10k". Errors as nn::read_idx; FormatError also when
/// the two do not belong together.
FashionMnist read_fashion_mnist(const std::filesystem::path& folder, std::string_view prefix);
