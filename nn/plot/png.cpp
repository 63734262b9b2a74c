#include "png.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <png.h>
#include <vector>

#include <autodiff/functions/functions.hpp>
#include <autodiff/ops/shape/arrange.hpp>
#include <autodiff/ops/shape/shape.hpp>
#include <autodiff/core/tape.hpp>

#include "nn/detail/files.hpp"

namespace xgrad::nn {

namespace {

png_byte byte_of(double value, bool floating, Location where) {
    if (floating) {
        check<ValueError>(!std::isnan(value), where,
                          [] { return std::string("save_png: elements must be numbers, got NaN"); });
        return static_cast<png_byte>(std::clamp(value * 255 + 0.5, 0.0, 255.0));
    }
    check<ValueError>(value >= 0 && value <= 255, where,
                      [&] { return "save_png: integers must be in [0, 255], got " + PlainNumber(value).text(); });
    return static_cast<png_byte>(value);
}

}  // namespace

void save_png(const std::string& path, const Tensor& image, Location where) {
    const bool flat = image.ndim() == 2;
    const std::int64_t channels = flat ? 1 : image.ndim() == 3 ? image.shape(0) : 0;
    check<ShapeError>((channels == 1 || channels == 3 || channels == 4) && image.size() > 0, where, [&] {
        return "save_png: an image must be (H, W) or (1, 3 or 4, H, W) and have pixels, got " +
               to_string(image.shape());
    });
    check<ValueError>(image.size() <= std::numeric_limits<std::int32_t>::max(), where,
                      [&] { return "save_png: an image has at most 2^31 - 1 bytes, got " + to_string(image.shape()); });
    const Tensor numbers = stop_gradient(image).to(DType::f64);
    const auto number = numbers.data<double>();
    const bool floating = is_floating(image.dtype()) || image.dtype() == DType::boolean;
    const std::size_t planes = static_cast<std::size_t>(channels), plane = number.size() / planes;
    std::vector<png_byte> pixels(number.size());
    for (std::size_t c = 0; c < planes; ++c)
        for (std::size_t i = 0; i < plane; ++i)
            pixels[i * planes + c] = byte_of(number[c * plane + i], floating, where);

    png_image header{};
    header.version = PNG_IMAGE_VERSION;
    header.height = static_cast<png_uint_32>(image.shape(-2));
    header.width = static_cast<png_uint_32>(image.shape(-1));
    header.format = channels == 1 ? PNG_FORMAT_GRAY : channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_RGBA;
    std::vector<char> file(PNG_IMAGE_PNG_SIZE_MAX(header));
    png_alloc_size_t size = file.size();
    check(png_image_write_to_memory(&header, file.data(), &size, 0, pixels.data(), 0, nullptr) != 0, where,
          [&] { return path + ": cannot be written: " + header.message; });
    detail::write_atomically(path, [&](detail::AtomicFile& out) { out.write(file.data(), size); }, where);
}

Tensor make_grid(const Tensor& images, const GridOptions& options, Location where) {
    const auto& [wanted, padding, value] = options;
    check<ShapeError>(images.ndim() == 4 && images.shape(0) > 0, where, [&] {
        return "make_grid: images must be (N, C, H, W) with at least one, got " + to_string(images.shape());
    });
    check<ValueError>(wanted > 0 && padding >= 0, where, [&, columns = wanted, gap = padding] {
        return "make_grid: columns must be positive and padding not negative, got " + std::to_string(columns) +
               " and " + std::to_string(gap);
    });
    const std::int64_t count = images.shape(0), channels = images.shape(1);
    if (count == 1) return squeeze(images, 0);
    const std::int64_t columns = std::min(wanted, count), rows = (count + columns - 1) / columns;
    const std::int64_t high = images.shape(2) + padding, wide = images.shape(3) + padding;
    const PadOptions fill{.value = value};
    // First each image gets padding below and to the right, then the whole grid above and to the left.
    const Tensor cells = pad(images, {{0, rows * columns - count}, {0, 0}, {0, padding}, {0, padding}}, fill);
    const Tensor table = transpose(reshape(cells, {rows, columns, channels, high, wide}), {2, 0, 3, 1, 4});
    return pad(reshape(table, {channels, rows * high, columns * wide}), {{0, 0}, {padding, 0}, {padding, 0}}, fill);
}

}  // namespace xgrad::nn
