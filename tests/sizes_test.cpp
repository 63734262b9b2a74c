#include "support.hpp"

#include <doctest/doctest.h>

#include <cstdint>

using tests::error_of;
using tests::here;

TEST_SUITE("sizes") {
    TEST_CASE("sizes that no 64-bit number holds are errors that name operation and argument") {
        using namespace xgrad;
        constexpr std::int64_t most = INT64_MAX, big = std::int64_t{1} << 62;
        const Tensor x = ones({1, 1, 8}), image = ones({1, 1, 5, 5});
        CHECK(error_of<ShapeError>([&] { conv1d(x, ones({1, 1, 3}), {}, {.padding = most}); }) ==
              "conv1d: sizes must be below 2^62, got padding 9223372036854775807 and dilation 1 for weight (1, 1, 3) "
              "and input (1, 1, 8)" +
                  here());
        CHECK(error_of<ShapeError>([&] { conv2d(image, ones({1, 1, 3, 3}), {}, {.dilation = most}); }) ==
              "conv2d: sizes must be below 2^62, got padding 0 and dilation 9223372036854775807 for weight (1, 1, 3, "
              "3) and input (1, 1, "
              "5, 5)" +
                  here());
        CHECK(error_of<ShapeError>([&] { conv_transpose1d(x, ones({1, 1, 3}), {}, {.stride = big}); }) ==
              "conv_transpose1d: sizes must be below 2^62, got stride 4611686018427387904, padding 0, output_padding 0 "
              "and dilation 1 for "
              "weight "
              "(1, 1, 3) and input (1, 1, 8)" +
                  here());
        CHECK(error_of<ShapeError>([&] { max_pool1d(x, 5, {.dilation = big}); }) ==
              "max_pool1d: sizes must be below 2^62, got kernel 5, stride 5, padding 0 and dilation "
              "4611686018427387904 for shape (1, 1, 8)" +
                  here());
        CHECK(error_of<ShapeError>([&] { pad(ones({8}), {{most, most}}); }) ==
              "pad: sizes must be below 2^62, got widths {9223372036854775807, 9223372036854775807}" + here());
        CHECK(error_of<ShapeError>([&] { pixel_shuffle(ones({4, 2, 2}), std::int64_t{1} << 32); }) ==
              "pixel_shuffle: the channels of (…, channels, height, width) must be a multiple of the factor's square, "
              "got (4, 2, 2) and "
              "factor "
              "4294967296" +
                  here());
        CHECK(error_of<ShapeError>([&] { broadcast_to(scalar(1.0), {-1, -1}); }) ==
              "broadcast_to: sizes must not be negative, got (-1, -1)" + here());
        CHECK(error_of<ShapeError>([&] { tile(ones({2}), {big}); }) ==
              "tile: sizes must be below 2^62, got 4611686018427387904 repetitions" + here());
        CHECK(error_of<ShapeError>([&] { repeat(ones({2}), big, 0); }) ==
              "repeat: sizes must be below 2^62, got count 4611686018427387904" + here());
        CHECK(error_of<ShapeError>([&] { diag(ones({2}), most); }) ==
              "diag: sizes must be below 2^62, got k = 9223372036854775807" + here());
    }
}
