#include "scenes.hpp"

#include <algorithm>
#include <array>

using namespace xgrad;

namespace {

/// A random integer from [low, high].
std::int64_t draw(Generator& generator, std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(generator() % static_cast<std::uint64_t>(high - low + 1));
}

/// One garment cropped to its content: its brightness by rows.
struct Garment {
    std::int64_t width = 0, height = 0;
    std::vector<float> pixels;
};

/// An image (28, 28) resized and cropped to its content.
Garment garment(const Tensor& picture, std::int64_t size, bool mirrored) {
    const Tensor stretched = interpolate(expand_dims(mirrored ? flip(picture, 1) : picture, {0, 1}),
                                         {.size = size, .mode = Interpolation::bilinear});
    const Tensor there = greater(stretched[0][0], 0.1);
    const Tensor rows = argwhere(any(there, 1)), columns = argwhere(any(there, 0));
    const auto ends = [](const Tensor& places) {
        return std::array{min(places).item<std::int64_t>(), max(places).item<std::int64_t>() + 1};
    };
    const auto [top, bottom] = ends(rows);
    const auto [left, right] = ends(columns);
    const Tensor part = ravel(slice(slice(stretched[0][0], 0, top, bottom), 1, left, right));
    return {right - left, bottom - top, {part.data<float>().begin(), part.data<float>().end()}};
}

using Box = std::array<float, 4>;

float area(const Box& box) { return std::max(0.f, box[2] - box[0]) * std::max(0.f, box[3] - box[1]); }

/// The fraction of the smaller box that both cover.
float common(const Box& a, const Box& b) {
    return area({std::max(a[0], b[0]), std::max(a[1], b[1]), std::min(a[2], b[2]), std::min(a[3], b[3])}) /
           std::min(area(a), area(b));
}

}  // namespace

Scenes make_scenes(const Pictures& clothes, std::int64_t count, Generator& generator) {
    std::vector<float> pixels(static_cast<std::size_t>(count * canvas * canvas));
    Scenes scenes;
    for (std::int64_t scene = 0; scene < count; ++scene) {
        std::vector<Box> boxes;
        std::vector<std::int64_t> classes;
        for (std::int64_t wanted = draw(generator, 2, 5); wanted > 0; --wanted) {
            const std::int64_t which = draw(generator, 0, clothes.labels.size() - 1);
            const Garment one = garment(clothes.images[which], draw(generator, 20, 36), draw(generator, 0, 1) == 1);
            for (int attempt = 0; attempt < 20; ++attempt) {  // a garment that finds no place is left out
                const std::int64_t left = draw(generator, 0, canvas - one.width),
                                   top = draw(generator, 0, canvas - one.height);
                const Box box = {static_cast<float>(left), static_cast<float>(top),
                                 static_cast<float>(left + one.width), static_cast<float>(top + one.height)};
                if (std::ranges::any_of(boxes, [&](const Box& other) { return common(box, other) > 0.25f; })) continue;
                boxes.push_back(box);
                classes.push_back(clothes.labels[which].item<std::int64_t>());
                for (std::int64_t i = 0; i < one.width * one.height; ++i) {
                    const float value = one.pixels[static_cast<std::size_t>(i)];
                    const std::int64_t row = top + i / one.width, column = left + i % one.width;
                    if (value > 0.1f)
                        pixels[static_cast<std::size_t>((scene * canvas + row) * canvas + column)] = value;
                }
                break;
            }
        }
        std::vector<float> numbers;
        for (const Box& box : boxes) numbers.insert(numbers.end(), box.begin(), box.end());
        const auto n = static_cast<std::int64_t>(boxes.size());
        scenes.objects.push_back({tensor(numbers, {n, 4}), tensor(classes, {n})});
    }
    scenes.images = tensor(pixels, {count, 1, canvas, canvas});
    return scenes;
}
