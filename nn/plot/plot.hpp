#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include <autodiff/core/tensor.hpp>

namespace xgrad::nn {

/// Numbers to draw: a tensor's elements in row-major order, or a vector's. NaN leaves a gap.
class XGRAD_API PlotNumbers {
public:
    PlotNumbers(const Tensor& values);
    template <class T>
        requires std::is_arithmetic_v<T>
    PlotNumbers(const std::vector<T>& values) : values_(values.begin(), values.end()) {}
    PlotNumbers(std::initializer_list<double> values) : values_(values) {}

    const std::vector<double>& values() const { return values_; }

private:
    std::vector<double> values_;
};

struct PlotOptions {
    std::string title = {};
    std::string x = {}, y = {};  ///< what the axes are called
    bool log_x = false, log_y = false;
    std::optional<std::array<double, 2>> x_range = {}, y_range = {};  ///< as far as the numbers go unless given
    bool equal = false;  ///< one unit is as long in x as in y
    double width = 540, height = 340;  ///< pixels
};

enum class Stroke { solid, dashed };
struct LineOptions {
    Stroke stroke = Stroke::solid;
    bool marks = false;  ///< a dot at each point
    int colour = -1;     ///< its number in the row of colours; -1: the next one
};

enum class Palette {
    sequential,  ///< dark to bright, even steps for the eye (viridis)
    diverging,   ///< blue, white at zero, red; the range is made symmetric
    grey,        ///< black to white
};

struct HeatMapOptions {
    std::vector<std::string> x_labels = {}, y_labels = {};  ///< names of columns and rows
    bool numbers = false;  ///< each cell says its value
    Palette palette = Palette::sequential;
    std::optional<std::array<double, 2>> range = {};  ///< what the ends of the palette stand for
    std::optional<std::array<double, 2>>
        x = {},
        y = {};  ///< where the first and the last column and row stand; otherwise 0, 1, … and rows go down
    std::string name = {};  ///< what the colours mean
};

/// A frame around something in one of the pictures.
struct PictureBox {
    std::int64_t picture = 0;  ///< which one, from 0
    double left = 0, top = 0, right = 0,
           bottom = 0;  ///< in its pixels: left edge of the first to right edge of the last
    std::string name = {};  ///< above it
    int colour = 0;  ///< its number in the row of colours
};

struct PictureOptions {
    int columns = 10;
    std::vector<std::string> captions = {};  ///< one below each picture
    std::vector<bool> marked = {};  ///< framed, and its caption in red
    bool inverted = false;  ///< 0 is white
    std::vector<PictureBox> boxes = {};
};

/// A diagram: what is drawn is put on it in this order. `save_svg` and `svg` draw with gnuplot.
///
///     nn::Plot plot({.title = "Training", .x = "epoch", .y = "loss"});
///     plot.line("training", history.column("loss")).line("validation", history.column("valid_loss"));
///     nn::save_svg("loss.svg", {plot});
///
/// ShapeError where numbers that belong together are not equally many.
class XGRAD_API Plot {
public:
    explicit Plot(PlotOptions options = {});

    /// y over 1, 2, 3, …
    Plot& line(const std::string& name, const PlotNumbers& y, const LineOptions& options = {});
    Plot& line(const std::string& name, const PlotNumbers& x, const PlotNumbers& y, const LineOptions& options = {},
               Location where = Location::current());
    Plot& points(const std::string& name, const PlotNumbers& x, const PlotNumbers& y,
                 Location where = Location::current());
    /// The area between low and high, in the colour of the line that comes next.
    Plot& band(const PlotNumbers& x, const PlotNumbers& low, const PlotNumbers& high,
               Location where = Location::current());
    /// The inside of the polygon with these corners, in full colour; only the options' colour counts.
    Plot& area(const std::string& name, const PlotNumbers& x, const PlotNumbers& y, const LineOptions& options = {},
               Location where = Location::current());
    /// A bar for each label; several calls stand side by side.
    Plot& bars(const std::string& name, const std::vector<std::string>& labels, const PlotNumbers& heights,
               Location where = Location::current());
    /// A matrix (rows, columns) as colours.
    Plot& heat_map(const Tensor& values, const HeatMapOptions& options = {}, Location where = Location::current());
    /// Arrows from (x, y) to (x + dx, y + dy).
    Plot& arrows(const PlotNumbers& x, const PlotNumbers& y, const PlotNumbers& dx, const PlotNumbers& dy,
                 Location where = Location::current());
    /// Words with their middle at (x, y).
    Plot& text(double x, double y, const std::string& words);
    /// A dashed line across the diagram at x.
    Plot& vertical(const std::string& name, double x);
    /// Pictures (N, H, W) or (N, 1 or 3, H, W) with elements from 0 to 1 (integers: to 255), row by row. They have no
    /// axes. IndexError for a box in a picture that is not there.
    Plot& pictures(const Tensor& images, const PictureOptions& options = {}, Location where = Location::current());

    const PlotOptions& options() const { return options_; }

    /// The commands of gnuplot that draw it; `placing` are put before them.
    std::string script(const std::string& placing = {}) const;

private:
    struct Element {
        std::string data, clause;  // of gnuplot's `plot`
    };
    Plot& add(std::string data, std::string clause);
    std::string colour(int wanted);

    PlotOptions options_;
    std::string settings_;
    std::vector<Element> elements_;
    int colours_ = 0, bars_ = 0;
    bool axes_ = true;
};

struct SvgOptions {
    int columns = 2;  ///< diagrams in a row
};

/// The diagrams as one SVG document that follows the reader's light or dark colours. Error when gnuplot (Debian:
/// gnuplot-nox) is not there.
XGRAD_API std::string svg(const std::vector<Plot>& plots, const SvgOptions& options = {},
                          Location where = Location::current());
/// The same as a file; it is there whole or not at all.
XGRAD_API void save_svg(const std::string& path, const std::vector<Plot>& plots, const SvgOptions& options = {},
                        Location where = Location::current());
/// Whether there is a gnuplot to draw with.
XGRAD_API bool can_draw();

}  // namespace xgrad::nn
