#include <doctest/doctest.h>
#include <nn/nn.hpp>
#include <png.h>

#include "folder.hpp"
#include "support.hpp"

using namespace xgrad;
using tests::close;
using tests::error_of;
using tests::Folder;
using tests::nearby;

namespace {

struct Png {
    std::uint32_t width, height, format;
    std::vector<int> bytes;  // row by row, the channels of a pixel side by side
};
Png read_png(const std::string& path) {
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    REQUIRE(png_image_begin_read_from_file(&image, path.c_str()) != 0);
    std::vector<png_byte> bytes(PNG_IMAGE_SIZE(image));
    const Png read{image.width, image.height, image.format, {}};
    REQUIRE(png_image_finish_read(&image, nullptr, bytes.data(), 0, nullptr) != 0);
    return {read.width, read.height, read.format, {bytes.begin(), bytes.end()}};
}
using Bytes = std::vector<int>;

}  // namespace

TEST_SUITE_BEGIN("nn");

TEST_CASE("save_png: the file has the very pixels") {
    const Folder folder;
    const std::string file = folder.path / "a.png";
    const auto saved = [&](const Tensor& image) {
        nn::save_png(file, image);
        return read_png(file);
    };
    // Clipped, and rounded half up.
    const Png grey = saved(tensor({{0.0, 1.0, 0.5}, {-3.0, 7.0, 127.4 / 255}}));
    CHECK(grey.width == 3);
    CHECK(grey.height == 2);
    CHECK(grey.format == PNG_FORMAT_GRAY);
    CHECK(grey.bytes == Bytes{0, 255, 128, 0, 255, 127});
    CHECK(saved(tensor({{0.f, 1.f / 255}})).bytes == Bytes{0, 1});
    CHECK(saved(tensor({{0, 7, 255}})).bytes == Bytes{0, 7, 255});
    CHECK(saved(greater(tensor({{0.0, 1.0}}), 0.5)).bytes == Bytes{0, 255});
    CHECK(saved(reshape(arange(6), {1, 2, 3})).bytes == Bytes{0, 1, 2, 3, 4, 5});
    const Png coloured = saved(reshape(arange(6), {3, 1, 2}));
    CHECK(coloured.format == PNG_FORMAT_RGB);
    CHECK(coloured.bytes == Bytes{0, 2, 4, 1, 3, 5});
    const Png with_alpha = saved(reshape(arange(8), {4, 2, 1}));
    CHECK(with_alpha.format == PNG_FORMAT_RGBA);
    CHECK(with_alpha.height == 2);
    CHECK(with_alpha.bytes == Bytes{0, 2, 4, 6, 1, 3, 5, 7});
    Bytes every(256);
    for (int i = 0; i < 256; ++i) every[static_cast<std::size_t>(i)] = i;
    CHECK(saved(reshape(arange(256), {16, 16})).bytes == every);
    CHECK(saved(reshape(arange(256), {16, 16}).to(DType::f32) / 255).bytes == every);
    // Views, and what a tape records, too.
    CHECK(saved(transpose(reshape(arange(6), {2, 3}))).bytes == Bytes{0, 3, 1, 4, 2, 5});
    Tape tape;
    CHECK(saved(tape.watch(tensor({{0.0, 1.0}})) * 0.2).bytes == Bytes{0, 51});
}

TEST_CASE("save_png: what is no image is an error, and the old file stands") {
    const Folder folder;
    const std::string file = folder.path / "a.png";
    nn::save_png(file, ones({1, 1}));
    const auto shape_error = [&](const Shape& shape, const std::string& got) {
        CHECK(error_of<ShapeError>([&] { nn::save_png(file, zeros(shape)); }) ==
              "save_png: an image must be (H, W) or (1, 3 or 4, H, W) and have pixels, got " + got + nearby());
    };
    shape_error({3}, "(3,)");
    shape_error({2, 4, 4}, "(2, 4, 4)");
    shape_error({1, 3, 4, 4}, "(1, 3, 4, 4)");
    shape_error({0, 4}, "(0, 4)");
    CHECK(error_of<ValueError>([&] { nn::save_png(file, tensor({{0.f, NAN}})); }) ==
          "save_png: elements must be numbers, got NaN" + nearby());
    CHECK(error_of<ValueError>([&] { nn::save_png(file, tensor({{0, 256}})); }) ==
          "save_png: integers must be in [0, 255], got 256" + nearby());
    CHECK(error_of<ValueError>([&] { nn::save_png(file, tensor({{-1}})); }) ==
          "save_png: integers must be in [0, 255], got -1" + nearby());
    CHECK(error_of([&] { nn::save_png(file, zeros({1, 1000001})); }).starts_with(file + ": cannot be written: "));
    CHECK(read_png(file).bytes == Bytes{255});
    const std::string nowhere = folder.path / "none" / "a.png";
    CHECK(error_of([&] { nn::save_png(nowhere, ones({1, 1})); }) ==
          nowhere + ": cannot be written: No such file or directory" + nearby());
}

TEST_CASE("make_grid: pictures in rows, with torchvision's numbers") {
    const Tensor images = reshape(arange(1.0, 13.0), {3, 2, 1, 2});
    // torchvision.utils.make_grid(images, nrow=2, padding=1, pad_value=-1)
    CHECK(close(nn::make_grid(images, {.columns = 2, .padding = 1, .value = -1}),
                tensor({{{-1., -1., -1., -1., -1., -1., -1.},
                         {-1., 1., 2., -1., 5., 6., -1.},
                         {-1., -1., -1., -1., -1., -1., -1.},
                         {-1., 9., 10., -1., -1., -1., -1.},
                         {-1., -1., -1., -1., -1., -1., -1.}},
                        {{-1., -1., -1., -1., -1., -1., -1.},
                         {-1., 3., 4., -1., 7., 8., -1.},
                         {-1., -1., -1., -1., -1., -1., -1.},
                         {-1., 11., 12., -1., -1., -1., -1.},
                         {-1., -1., -1., -1., -1., -1., -1.}}})));
    CHECK(nn::make_grid(ones({9, 1, 28, 28})).shape() == Shape{1, 62, 242});
    CHECK(nn::make_grid(ones({3, 1, 28, 28})).shape() == Shape{1, 32, 92});
    CHECK(nn::make_grid(ones({1, 3, 5, 4})).shape() == Shape{3, 5, 4});
    CHECK(close(nn::make_grid(reshape(arange(4), {2, 1, 1, 2}), {.padding = 0}), tensor({{{0, 1, 2, 3}}})));
    CHECK(gradcheck([](const Tensor& x) { return nn::make_grid(x, {.columns = 2}); }, {images.to(DType::f64)}));
    CHECK(error_of<ShapeError>([&] { nn::make_grid(ones({2, 3, 4})); }) ==
          "make_grid: images must be (N, C, H, W) with at least one, got (2, 3, 4)" + nearby());
    CHECK(error_of<ShapeError>([&] { nn::make_grid(ones({0, 1, 2, 2})); }) ==
          "make_grid: images must be (N, C, H, W) with at least one, got (0, 1, 2, 2)" + nearby());
    CHECK(error_of<ValueError>([&] { nn::make_grid(images, {.columns = 0, .padding = -1}); }) ==
          "make_grid: columns must be positive and padding not negative, got 0 and -1" + nearby());
}

TEST_SUITE_END();
