#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Pictures as SVG files: a few shapes, and on top of them a chart with axes. Coordinates are pixels from the upper left corner.

namespace svg {

enum class Anchor { start, middle, end };

struct TextStyle {
    double size = 12;
    Anchor anchor = Anchor::start;
    std::string_view colour = "#333333";
    bool bold = false;
    double rotate = 0;  ///< degrees, clockwise, around the text's own position
};

/// A drawing: shapes in the order they are added.
class Canvas {
public:
    Canvas(double width, double height);

    void line(double x1, double y1, double x2, double y2, std::string_view colour, double width = 1);
    void rectangle(double x, double y, double width, double height, std::string_view fill, std::string_view stroke = "none",
                   double stroke_width = 1);
    void polyline(std::span<const std::pair<double, double>> points, std::string_view colour, double width = 2);
    void circle(double x, double y, double radius, std::string_view fill);
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

struct Series {
    std::string name;
    std::vector<double> x, y;
};

/// Lines over one pair of axes.
struct Chart {
    std::string title, x_label, y_label;
    std::vector<Series> series;
};

/// Draws a chart into the given rectangle. Axes reach from the first to the last round number around the data; points that are not finite are left out.
void draw(Canvas& canvas, const Chart& chart, double x, double y, double width, double height);

/// At most about `count` round numbers (1, 2 or 5 times a power of ten) whose first and last enclose [low, high].
std::vector<double> ticks(double low, double high, int count);

/// A number as short as it can be told apart from its neighbours `step` away.
std::string tick_label(double value, double step);

/// The PNG file of a grey picture (8 bits a pixel).
std::string png(std::span<const std::uint8_t> pixels, int columns, int rows);

}  // namespace svg
