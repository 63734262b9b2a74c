#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include <autodiff/core/tensor.hpp>

namespace xgrad::nn {

/// Numbers to plot: the elements of a tensor in row-major order, or of a vector. NaN leaves a gap.
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
    std::string x = {}, y = {};  ///< labels of the axes
    bool log_x = false, log_y = false;
    std::optional<std::array<double, 2>> x_range = {}, y_range = {};  ///< default: the range of the numbers
    bool equal = false;  ///< equal scales for x and y
    double width = 540, height = 340;  ///< pixels
};

enum class Stroke { solid, dashed };
struct LineOptions {
    Stroke stroke = Stroke::solid;
    bool marks = false;  ///< a dot at each point
    int colour = -1;     ///< its index in the list of colours; -1: the next one
};

enum class Palette {
    sequential,  ///< dark to bright, perceptually uniform (viridis)
    diverging,   ///< blue, white at zero, red; the range is made symmetric
    grey,        ///< black to white
};

struct HeatMapOptions {
    std::vector<std::string> x_labels = {}, y_labels = {};  ///< names of columns and rows
    bool numbers = false;  ///< write its value in each cell
    Palette palette = Palette::sequential;
    std::optional<std::array<double, 2>> range = {};  ///< values at the ends of the palette
    std::optional<std::array<double, 2>>
        x = {},
        y = {};  ///< coordinates of the first and last column and row; default: 0, 1, …, with rows going down
    std::string name = {};  ///< label of the colour scale
};

/// A frame around an object in one of the pictures.
struct PictureBox {
    std::int64_t picture = 0;  ///< index of the picture, from 0
    double left = 0, top = 0, right = 0,
           bottom = 0;  ///< in its pixels: from the left edge of the first pixel to the right edge of the last
    std::string name = {};  ///< label above the frame
    int colour = 0;  ///< its index in the list of colours
};

struct PictureOptions {
    int columns = 10;
    std::vector<std::string> captions = {};  ///< one below each picture
    std::vector<bool> marked = {};  ///< framed, and its caption in red
    bool inverted = false;  ///< draw 0 as white
    std::vector<PictureBox> boxes = {};
};

/// A plot: elements are drawn in the order in which they are added. `save_svg` and `svg` draw with gnuplot.
///
///     nn::Plot plot({.title = "Training", .x = "epoch", .y = "loss"});
///     plot.line("training", history.column("loss")).line("validation", history.column("valid_loss"));
///     nn::save_svg("loss.svg", {plot});
///
/// ShapeError when numbers that belong together differ in count.
class XGRAD_API Plot {
public:
    explicit Plot(PlotOptions options = {});

    /// y over 1, 2, 3, …
    Plot& line(const std::string& name, const PlotNumbers& y, const LineOptions& options = {});
    Plot& line(const std::string& name, const PlotNumbers& x, const PlotNumbers& y, const LineOptions& options = {},
               Location where = Location::current());
    Plot& points(const std::string& name, const PlotNumbers& x, const PlotNumbers& y,
                 Location where = Location::current());
    /// The area between low and high, in the colour of the next line.
    Plot& band(const PlotNumbers& x, const PlotNumbers& low, const PlotNumbers& high,
               Location where = Location::current());
    /// The polygon with these corners, filled opaquely; of the options, only colour is used.
    Plot& area(const std::string& name, const PlotNumbers& x, const PlotNumbers& y, const LineOptions& options = {},
               Location where = Location::current());
    /// One bar per label; bars of several calls are drawn side by side.
    Plot& bars(const std::string& name, const std::vector<std::string>& labels, const PlotNumbers& heights,
               Location where = Location::current());
    /// A matrix (rows, columns) as colours.
    Plot& heat_map(const Tensor& values, const HeatMapOptions& options = {}, Location where = Location::current());
    /// Arrows from (x, y) to (x + dx, y + dy).
    Plot& arrows(const PlotNumbers& x, const PlotNumbers& y, const PlotNumbers& dx, const PlotNumbers& dy,
                 Location where = Location::current());
    /// Text centred at (x, y).
    Plot& text(double x, double y, const std::string& words);
    /// A dashed line across the plot at x.
    Plot& vertical(const std::string& name, double x);
    /// Pictures (N, H, W) or (N, 1 or 3, H, W) with elements from 0 to 1 (integers: to 255), row by row. They have no
    /// axes. IndexError for a box in a picture that does not exist.
    Plot& pictures(const Tensor& images, const PictureOptions& options = {}, Location where = Location::current());

    const PlotOptions& options() const { return options_; }

    /// The gnuplot commands that draw the plot, preceded by `placing`.
    std::string script(const std::string& placing = {}) const;

private:
    struct Element {
        std::string data, clause;  // data and clause of gnuplot's `plot` command
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
    int columns = 2;  ///< plots per row
};

/// The plots as one SVG document that follows the reader's light or dark mode. Error when gnuplot (Debian: gnuplot-nox)
/// is not installed.
XGRAD_API std::string svg(const std::vector<Plot>& plots, const SvgOptions& options = {},
                          Location where = Location::current());
/// The same as a file, written atomically.
XGRAD_API void save_svg(const std::string& path, const std::vector<Plot>& plots, const SvgOptions& options = {},
                        Location where = Location::current());
/// Whether gnuplot is available.
XGRAD_API bool can_draw();

}  // namespace xgrad::nn
