#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Pictures as SVG files: texts, frames and grey pictures. Coordinates are pixels from the upper left corner.

namespace svg {

enum class Anchor { start, middle, end };

struct TextStyle {
    double size = 12;
    Anchor anchor = Anchor::start;
    std::string_view colour = "#333333";
    bool bold = false;
};

/// A drawing: shapes in the order they are added.
class Canvas {
public:
    Canvas(double width, double height);

    void rectangle(double x, double y, double width, double height, std::string_view fill, std::string_view stroke = "none",
                   double stroke_width = 1);
    void text(double x, double y, std::string_view text, const TextStyle& style = {});
    /// A grey picture, row-major, 0 black to 255 white, scaled without smoothing.
    void picture(double x, double y, double width, double height, std::span<const std::uint8_t> pixels, int columns, int rows);

    /// The whole document.
    std::string str() const;
    /// Writes it. std::runtime_error naming the file when that fails.
    void save(const std::filesystem::path& path) const;

private:
    double width_, height_;
    std::string body_;
};

/// The PNG file of a grey picture (8 bits a pixel).
std::string png(std::span<const std::uint8_t> pixels, int columns, int rows);

}  // namespace svg
