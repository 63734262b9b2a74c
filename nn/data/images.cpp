#include "images.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include <autodiff/functions/functions.hpp>
#include <autodiff/ops/shape/arrange.hpp>
#include <autodiff/ops/elementwise/elementwise.hpp>
#include <autodiff/ops/shape/index.hpp>
#include <autodiff/ops/shape/shape.hpp>

namespace xgrad::nn {

namespace {

void check_images(const char* name, const Tensor& x, Location where) {
    check<ShapeError>(x.ndim() == 4, where,
                      [&] { return std::string(name) + ": images must be (N, C, H, W), got " + to_string(x.shape()); });
}

void check_probability(const char* name, double p, Location where) {
    check<ValueError>(p >= 0 && p <= 1, where,
                      [&] { return std::string(name) + ": p must be in [0, 1], got " + PlainNumber(p).text(); });
}

Tensor random_flip(const char* name, const Tensor& x, int axis, Generator& generator, double p, Location where) {
    check_images(name, x, where);
    check_probability(name, p, where);
    return xgrad::where(bernoulli(p, {x.shape(0), 1, 1, 1}, generator, DType::boolean), flip(x, axis), x);
}

/// Rows first[n] … first[n]+count-1 of every image, or columns for axis 3.
Tensor windows(const Tensor& x, int axis, const Tensor& first, std::int64_t count) {
    Shape shape{x.shape(0), 1, 1, 1}, line{1, 1, 1, 1};
    line[axis] = count;
    return take_along_axis(x, reshape(first, shape) + reshape(arange(count), line), axis);
}

void check_window(const char* name, const Tensor& x, std::int64_t height, std::int64_t width, Location where) {
    check<ShapeError>(height >= 0 && width >= 0 && height <= x.shape(2) && width <= x.shape(3), where, [&] {
        return std::string(name) + ": the window must fit into the image, got " + std::to_string(height) + "x" +
               std::to_string(width) + " of " + to_string(x.shape());
    });
}

/// The source elements of rotated images: for each of the N·H·W positions, an element of its image and whether it is
/// inside, or, for bilinear, its four neighbours with their weights.
struct Sources {
    explicit Sources(const Shape& x) : n(x[0]), h(x[2]), w(x[3]) {}
    std::int64_t n, h, w;
    std::vector<std::int64_t> from;
    std::vector<double> weight;

    void add(std::int64_t row, std::int64_t column, double part) {
        const bool inside = row >= 0 && row < h && column >= 0 && column < w;
        from.push_back(inside ? row * w + column : 0);
        weight.push_back(inside ? part : 0);
    }
    /// The weighted elements of x (N, C, H·W).
    Tensor gathered(const Tensor& x) const {
        const Shape places{n, 1, h * w};
        return take_along_axis(x, tensor(from, places), 2) * tensor(weight, places).to(x.dtype());
    }
    Tensor weights(DType dtype) const { return tensor(weight, {n, 1, h * w}).to(dtype); }
};

/// Calls f(row, column) for every element of the rotated images, with its position in coordinates of x.
template <class F>
void for_each_source(const Shape& x, const std::vector<double>& degrees, F&& f) {
    const std::int64_t h = x[2], w = x[3];
    const double middle_row = static_cast<double>(h - 1) / 2, middle_column = static_cast<double>(w - 1) / 2;
    for (const double angle : degrees) {
        const double c = std::cos(angle * std::numbers::pi / 180), s = std::sin(angle * std::numbers::pi / 180);
        for (std::int64_t i = 0; i < h; ++i)
            for (std::int64_t j = 0; j < w; ++j) {
                const double dy = static_cast<double>(i) - middle_row, dx = static_cast<double>(j) - middle_column;
                f(middle_row + s * dx + c * dy, middle_column + c * dx - s * dy);
            }
    }
}

/// Coordinates that are integers up to rounding are made exact, so that right angles are exact.
double tidied(double place) {
    const double whole = std::nearbyint(place);
    return std::abs(place - whole) < 1e-9 ? whole : place;
}

}  // namespace

Tensor normalize(const Tensor& x, const std::vector<double>& mean, const std::vector<double>& std, Location where) {
    check_images("normalize", x, where);
    const auto by_channel = [&](const std::vector<double>& list) {
        const auto count = static_cast<std::int64_t>(list.size());
        check<ShapeError>(count == 1 || count == x.shape(1), where, [&] {
            return "normalize: one number, or one for each channel is needed, got " + std::to_string(count) + " for " +
                   to_string(x.shape());
        });
        return tensor(list, {count, 1, 1}).to(x.dtype());
    };
    check<ValueError>(std::find(std.begin(), std.end(), 0.0) == std.end(), where,
                      [] { return std::string("normalize: std must not be 0, got 0"); });
    return (x - by_channel(mean)) / by_channel(std);
}

Tensor random_horizontal_flip(const Tensor& x, Generator& generator, double p, Location where) {
    return random_flip("random_horizontal_flip", x, 3, generator, p, where);
}

Tensor random_vertical_flip(const Tensor& x, Generator& generator, double p, Location where) {
    return random_flip("random_vertical_flip", x, 2, generator, p, where);
}

Tensor random_crop(const Tensor& x, std::int64_t height, std::int64_t width, Generator& generator,
                   const RandomCropOptions& options, Location where) {
    check_images("random_crop", x, where);
    const std::int64_t p = options.padding;
    check<ValueError>(p >= 0, where,
                      [&] { return "random_crop: padding must not be negative, got " + std::to_string(p); });
    const Tensor padded = p ? pad(x, {{0, 0}, {0, 0}, {p, p}, {p, p}}, {.value = options.fill}) : x;
    check_window("random_crop", padded, height, width, where);
    const Tensor top = randint(0, padded.shape(2) - height + 1, {x.shape(0)}, generator);
    const Tensor left = randint(0, padded.shape(3) - width + 1, {x.shape(0)}, generator);
    return windows(windows(padded, 2, top, height), 3, left, width);
}

Tensor center_crop(const Tensor& x, std::int64_t height, std::int64_t width, Location where) {
    check_images("center_crop", x, where);
    check_window("center_crop", x, height, width, where);
    const auto first = [](std::int64_t size, std::int64_t part) {
        return static_cast<std::int64_t>(std::nearbyint(static_cast<double>(size - part) / 2));
    };
    const std::int64_t top = first(x.shape(2), height), left = first(x.shape(3), width);
    return slice(slice(x, 2, top, top + height), 3, left, left + width);
}

Tensor rotate(const Tensor& x, const std::vector<double>& degrees, const RotateOptions& options, Location where) {
    check_images("rotate", x, where);
    check<ShapeError>(static_cast<std::int64_t>(degrees.size()) == x.shape(0), where, [&] {
        return "rotate: one angle for each image is needed, got " + std::to_string(degrees.size()) + " for " +
               to_string(x.shape());
    });
    const bool bilinear = options.interpolation == RotationMode::bilinear;
    std::vector<Sources> sources(bilinear ? 4 : 1, Sources(x.shape()));
    for_each_source(x.shape(), degrees, [&](double row, double column) {
        row = tidied(row);
        column = tidied(column);
        if (!bilinear)
            return sources[0].add(static_cast<std::int64_t>(std::nearbyint(row)),
                                  static_cast<std::int64_t>(std::nearbyint(column)), 1);
        const double top = std::floor(row), left = std::floor(column), down = row - top, right = column - left;
        for (int k = 0; k < 4; ++k) {
            const bool lower = k & 1, righter = k & 2;
            sources[static_cast<std::size_t>(k)].add(static_cast<std::int64_t>(top) + lower,
                                                     static_cast<std::int64_t>(left) + righter,
                                                     (lower ? down : 1 - down) * (righter ? right : 1 - right));
        }
    });
    const Tensor flat = reshape(x, {x.shape(0), x.shape(1), x.shape(2) * x.shape(3)});
    Tensor turned = sources[0].gathered(flat), covered = sources[0].weights(x.dtype());
    for (std::size_t k = 1; k < sources.size(); ++k) {
        turned = turned + sources[k].gathered(flat);
        covered = covered + sources[k].weights(x.dtype());
    }
    if (options.fill != 0) turned = turned + (1 - covered) * options.fill;
    return reshape(turned, x.shape());
}

Tensor random_rotation(const Tensor& x, double degrees, Generator& generator, const RotateOptions& options,
                       Location where) {
    check_images("random_rotation", x, where);
    check<ValueError>(degrees >= 0, where, [&] {
        return "random_rotation: degrees must not be negative, got " + PlainNumber(degrees).text();
    });
    const Tensor uniform = rand({x.shape(0)}, generator, DType::f64);
    std::vector<double> angles;
    for (const double u : uniform.data<double>()) angles.push_back((2 * u - 1) * degrees);
    return rotate(x, angles, options, where);
}

namespace {

struct Rectangle {
    std::int64_t top = 0, left = 0, height = 0, width = 0;
};

using Range = std::pair<double, double>;

/// One image's rectangle with an area and a ratio of height to width in these ranges, smaller than the image in height
/// and width or, with `whole`, at most as large; none if ten tries do not fit.
Rectangle draw_rectangle(std::int64_t h, std::int64_t w, Generator& generator, const Range& scale, const Range& ratio,
                         bool whole) {
    const Tensor numbers = rand({10, 4}, generator, DType::f64);
    const auto u = numbers.data<double>();
    const double low = std::log(ratio.first), high = std::log(ratio.second);
    for (std::size_t t = 0; t < u.size(); t += 4) {
        const double area = static_cast<double>(h * w) * (scale.first + u[t] * (scale.second - scale.first));
        const double drawn = std::exp(low + u[t + 1] * (high - low));
        const auto height = static_cast<std::int64_t>(std::nearbyint(std::sqrt(area * drawn)));
        const auto width = static_cast<std::int64_t>(std::nearbyint(std::sqrt(area / drawn)));
        if (height >= h + whole || width >= w + whole) continue;
        return {static_cast<std::int64_t>(u[t + 2] * static_cast<double>(h - height + 1)),
                static_cast<std::int64_t>(u[t + 3] * static_cast<double>(w - width + 1)), height, width};
    }
    return {};
}

void check_rectangle(const char* name, const Range& scale, const Range& ratio, Location where) {
    const auto rising = [](const Range& range) { return range.first > 0 && range.first <= range.second; };
    check<ValueError>(rising(scale) && scale.second <= 1 && rising(ratio), where, [&] {
        return std::string(name) + ": scale must be a range in (0, 1] and ratio one of positive numbers, got others";
    });
}

}  // namespace

Tensor random_erasing(const Tensor& x, Generator& generator, const RandomErasingOptions& options, Location where) {
    check_images("random_erasing", x, where);
    check_probability("random_erasing", options.p, where);
    check_rectangle("random_erasing", options.scale, options.ratio, where);
    const std::int64_t n = x.shape(0), h = x.shape(2), w = x.shape(3);
    const Tensor chosen = bernoulli(options.p, {n}, generator, DType::i64);
    std::vector<std::int64_t> erased(static_cast<std::size_t>(n * h * w));
    for (std::int64_t i = 0; i < n; ++i) {
        if (!chosen.data<std::int64_t>()[static_cast<std::size_t>(i)]) continue;
        const Rectangle r = draw_rectangle(h, w, generator, options.scale, options.ratio, false);
        for (std::int64_t row = r.top; row < r.top + r.height; ++row)
            std::fill_n(erased.begin() + (i * h + row) * w + r.left, r.width, 1);
    }
    return xgrad::where(tensor(erased, {n, 1, h, w}).to(DType::boolean), full({1}, options.value, x.dtype()), x);
}

Tensor random_resized_crop(const Tensor& x, std::int64_t height, std::int64_t width, Generator& generator,
                           const RandomResizedCropOptions& options, Location where) {
    check_images("random_resized_crop", x, where);
    check<ValueError>(height > 0 && width > 0, where, [&] {
        return "random_resized_crop: sizes must be positive, got " + std::to_string(height) + "x" +
               std::to_string(width);
    });
    check_rectangle("random_resized_crop", options.scale, options.ratio, where);
    const std::int64_t n = x.shape(0), h = x.shape(2), w = x.shape(3);
    std::vector<double> maps;
    for (std::int64_t i = 0; i < n; ++i) {
        // This option's ratio is width to height.
        Rectangle r =
            draw_rectangle(h, w, generator, options.scale, {1 / options.ratio.second, 1 / options.ratio.first}, true);
        if (r.height == 0 || r.width == 0) r = {0, 0, h, w};
        const auto place = [](std::int64_t first, std::int64_t count, std::int64_t size) {
            return static_cast<double>(2 * first + count) / static_cast<double>(size) - 1;
        };
        const double part_x = static_cast<double>(r.width) / static_cast<double>(w),
                     part_y = static_cast<double>(r.height) / static_cast<double>(h);
        maps.insert(maps.end(), {part_x, 0, place(r.left, r.width, w), 0, part_y, place(r.top, r.height, h)});
    }
    const Tensor grid = affine_grid(tensor(maps, {n, 2, 3}).to(x.dtype()), {n, x.shape(1), height, width});
    return grid_sample(x, grid, {.padding_mode = GridPadding::border});
}

}  // namespace xgrad::nn
