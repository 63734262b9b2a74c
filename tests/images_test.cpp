#include <cmath>
#include <doctest/doctest.h>
#include <nn/nn.hpp>
#include <set>

#include "support.hpp"

using namespace xgrad;
using tests::close;
using tests::error_of;
using tests::here;
using tests::values;

TEST_SUITE_BEGIN("nn");

namespace {

using Numbers = std::vector<double>;

}  // namespace

namespace {

/// (1, 1, 2, 3): 0 1 2 / 3 4 5.
Tensor picture() { return reshape(arange(6.0), {1, 1, 2, 3}); }
Tensor pictures(std::int64_t n) { return reshape(arange(static_cast<double>(n) * 2 * 16), {n, 2, 4, 4}); }

}  // namespace

TEST_CASE("images: flips") {
    Generator generator(1);
    CHECK(values(nn::random_horizontal_flip(picture(), generator, 1)) == Numbers{2, 1, 0, 5, 4, 3});
    CHECK(values(nn::random_vertical_flip(picture(), generator, 1)) == Numbers{3, 4, 5, 0, 1, 2});
    CHECK(values(nn::random_vertical_flip(picture(), generator, 0)) == values(picture()));
    // Each image by itself, all channels of one alike.
    const Tensor x = pictures(200), y = nn::random_horizontal_flip(x, generator);
    int flipped = 0;
    for (std::int64_t n = 0; n < 200; ++n) {
        const Tensor before = select(x, 0, n), after = select(y, 0, n);
        const bool mirrored = close(after, flip(before, 2), 0);
        CHECK(mirrored != close(after, before, 0));
        flipped += mirrored;
    }
    CHECK(flipped > 70);
    CHECK(flipped < 130);
    CHECK(error_of<ShapeError>([&] { nn::random_horizontal_flip(zeros({2, 3}), generator); }) ==
          "random_horizontal_flip: images must be (N, C, H, W), got (2, 3)" + here());
}

TEST_CASE("images: crops are windows of the padded image") {
    Generator generator(1), same(1);
    const Tensor x = pictures(60);
    const Tensor y = nn::random_crop(x, 3, 4, generator, {.padding = 1, .fill = -7});
    CHECK(y.shape() == Shape{60, 2, 3, 4});
    CHECK(close(y, nn::random_crop(x, 3, 4, same, {.padding = 1, .fill = -7}), 0));
    const Tensor padded = pad(x, {{0, 0}, {0, 0}, {1, 1}, {1, 1}}, {.value = -7});
    std::set<std::pair<std::int64_t, std::int64_t>> places;
    for (std::int64_t n = 0; n < 60; ++n) {
        int found = 0;
        for (std::int64_t i = 0; i <= 3; ++i)
            for (std::int64_t j = 0; j <= 2; ++j)
                if (close(select(slice(slice(padded, 2, i, i + 3), 3, j, j + 4), 0, n), select(y, 0, n), 0)) {
                    ++found;
                    places.insert({i, j});
                }
        CHECK(found == 1);
    }
    CHECK(places.size() == 12);  // all of them come up
    CHECK(values(nn::center_crop(picture(), 2, 1)) == Numbers{1, 4});
    CHECK(error_of<ShapeError>([&] { nn::random_crop(picture(), 3, 3, generator); }) ==
          "random_crop: the window must fit into the image, got 3x3 of (1, 1, 2, 3)" + here());
}

TEST_CASE("images: a random rectangle is stretched to a size") {
    Generator generator(4);
    const Tensor x = pictures(3).to(DType::f64);
    CHECK(close(nn::random_resized_crop(x, 4, 4, generator, {.scale = {1, 1}, .ratio = {1, 1}}), x));
    // Of a plane that rises with the column the middle elements of every window rise evenly, by the window's width in
    // parts of the image's.
    const Tensor plane = broadcast_to(arange(20).to(DType::f64), {40, 1, 20, 20});
    const Tensor y = nn::random_resized_crop(plane, 10, 10, generator, {.scale = {0.1, 0.5}});
    CHECK(y.shape() == Shape{40, 1, 10, 10});
    std::set<double> widths;
    for (std::int64_t n = 0; n < 40; ++n) {
        const Tensor row = y[n][0][5];
        const double width = 10 * (row[5].item() - row[4].item());
        CHECK(10 * (row[6].item() - row[5].item()) == doctest::Approx(width));
        CHECK(width == doctest::Approx(std::nearbyint(width)));  // whole columns
        CHECK(width * width <= 1.01 * 0.5 * 400 * 4 / 3 + 2 * width);
        CHECK(width * width >= 0.99 * 0.1 * 400 * 3 / 4 - 2 * width);
        widths.insert(std::nearbyint(width));
        CHECK(close(y[n][0][0], row));  // the same in all rows
    }
    CHECK(widths.size() > 4);
    CHECK(error_of<ValueError>([&] { nn::random_resized_crop(x, 4, 4, generator, {.scale = {0, 1}}); }) ==
          "random_resized_crop: scale must be a range in (0, 1] and ratio one of positive numbers, got others" +
              here());
    CHECK(error_of<ValueError>([&] { nn::random_resized_crop(x, 0, 4, generator); }) ==
          "random_resized_crop: sizes must be positive, got 0x4" + here());
}

TEST_CASE("images: rotation") {
    const Tensor square = reshape(arange(9.0), {1, 1, 3, 3});
    for (const auto mode : {nn::RotationMode::nearest, nn::RotationMode::bilinear}) {
        CHECK(values(nn::rotate(square, {90}, {.interpolation = mode})) ==
              Numbers{2, 5, 8, 1, 4, 7, 0, 3, 6});  // as NumPy's rot90
        CHECK(values(nn::rotate(square, {180}, {.interpolation = mode})) == Numbers{8, 7, 6, 5, 4, 3, 2, 1, 0});
        CHECK(values(nn::rotate(square, {0}, {.interpolation = mode})) == values(square));
    }
    // By 45 degrees the corners come from outside, the centre stays, and the middle of the right edge lies between
    // centre, edges and corner.
    const double s = std::sqrt(0.5);
    const Tensor y =
        nn::rotate(square.to(DType::f64), {45}, {.interpolation = nn::RotationMode::bilinear, .fill = 100});
    CHECK(values(y)[4] == doctest::Approx(4));
    CHECK(values(y)[5] == doctest::Approx(4 + 3 * s + s));  // a plane: value 4 + 3 row + column at (s, s)
    const double out = std::sqrt(2.0) - 1;  // the corner (-1, 1) comes from (0, sqrt 2): so much of it is outside
    CHECK(values(y)[2] == doctest::Approx((1 - out) * 5 + out * 100));
    const Tensor two = nn::rotate(concat({square, square}), {90, 0});
    CHECK(values(slice(two, 0, 1)) == values(square));
    Generator generator(2);
    CHECK(close(nn::random_rotation(pictures(3), 0, generator), pictures(3), 0));
    CHECK(!close(nn::random_rotation(pictures(3), 90, generator), pictures(3), 0));
    CHECK(error_of<ShapeError>([&] { nn::rotate(square, {1, 2}); }) ==
          "rotate: one angle for each image is needed, got 2 for (1, 1, 3, 3)" + here());
}

TEST_CASE("images: normalised by channel") {
    const Tensor x = pictures(2).to(DType::f64);
    const Tensor y = nn::normalize(x, {1, 2}, {2, 4});
    CHECK(close(select(y, 1, 0), (select(x, 1, 0) - 1) / 2));
    CHECK(close(select(y, 1, 1), (select(x, 1, 1) - 2) / 4));
    CHECK(close(nn::normalize(x, {1}, {2}), (x - 1) / 2));
    CHECK(error_of<ShapeError>([&] { nn::normalize(x, {1, 2, 3}, {1}); }) ==
          "normalize: one number, or one for each channel is needed, got 3 for (2, 2, 4, 4)" + here());
    CHECK(error_of<ValueError>([&] { nn::normalize(x, {1}, {0}); }) == "normalize: std must not be 0, got 0" + here());
}

TEST_CASE("images: a rectangle is erased") {
    Generator generator(3);
    const Tensor x = ones({50, 2, 16, 16}),
                 y = nn::random_erasing(x, generator, {.p = 1, .scale = {0.1, 0.2}, .value = -3});
    int erased = 0;
    for (std::int64_t n = 0; n < 50; ++n) {
        const Tensor gone = equal(select(y, 0, n), -3).to(DType::f64);
        CHECK(close(select(gone, 0, 0), select(gone, 0, 1), 0));
        const double area = sum(select(gone, 0, 0)).item();
        // A rectangle is the product of its rows and its columns.
        const double rows = sum(max(select(gone, 0, 0), 1)).item(), columns = sum(max(select(gone, 0, 0), 0)).item();
        CHECK(area == rows * columns);
        erased += area > 0;
        CHECK(area <= 0.2 * 256 * 1.3);  // sides are rounded
    }
    CHECK(erased > 45);
    CHECK(close(nn::random_erasing(x, generator, {.p = 0}), x, 0));
}

TEST_SUITE_END();
