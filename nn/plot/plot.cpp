#include "plot.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace xgrad::nn {

namespace {

// These can be told apart on white and on black, also by most colour-blind readers.
constexpr const char* colours[] = {"#2a6fb0", "#d0661a", "#3a8a4d", "#a44a9c", "#b8961e",
                                   "#3a9a9a", "#c1385b", "#858585", "#e38fb1", "#8f5b3a"};

constexpr const char* palettes[] = {
    ("defined (0 '#440154', 1 '#472d7b', 2 '#3b528b', 3 '#2c728e', 4 '#21918c', 5 '#28ae80', 6 '#5ec962', 7 '#addc30', "
     "8 '#fde725')"),
    "defined (0 '#2166ac', 1 '#92c5de', 2 '#f7f7f7', 3 '#f4a582', 4 '#b2182b')",
    "defined (0 '#000000', 1 '#ffffff')",
};

// Margins above a plot, in lines, and the height of a gnuplot line in pixels at the font size used here.
constexpr double small_margin = 1, title_margin = 2.5, line_height = 18;

std::string number(double value) {
    if (!std::isfinite(value)) return "NaN";
    char text[40];
    std::snprintf(text, sizeof text, "%.9g", value);
    return text;
}

/// Quotes a text as a gnuplot string.
std::string quoted(const std::string& text) {
    std::string out = "'";
    for (const char c : text) out += c == '\'' ? "''" : std::string(1, c == '\n' ? ' ' : c);
    return out + "'";
}

std::string named(const std::string& name) { return name.empty() ? " notitle" : " title " + quoted(name); }

std::string labels(const char* axis, const std::vector<std::string>& names) {
    std::size_t longest = 0;
    std::string out;
    for (std::size_t i = 0; i < names.size(); ++i) {
        out += (i ? ", " : "") + quoted(names[i]) + " " + std::to_string(i);
        longest = std::max(longest, names[i].size());
    }
    const bool turned = axis[0] == 'x' && longest * names.size() > 60;
    return "set " + std::string(axis) + "tics (" + out + ")" + (turned ? " rotate by 40 right" : "") + " scale 0\n";
}

using Columns = std::vector<const std::vector<double>*>;

std::string table(const Columns& columns) {
    std::string out;
    for (std::size_t row = 0; row < columns[0]->size(); ++row) {
        for (const auto* column : columns) out += number((*column)[row]) + " ";
        out += "\n";
    }
    return out;
}

void check_lengths(const char* function, const Columns& columns, Location where) {
    for (const auto* column : columns)
        check<ShapeError>(column->size() == columns[0]->size(), where, [&] {
            return std::string(function) + ": the numbers must be equally many, got " +
                   std::to_string(columns[0]->size()) + " and " + std::to_string(column->size());
        });
}

std::vector<double> doubles(const Tensor& values) {
    const Tensor flat = values.to(DType::f64);
    const auto span = flat.data<double>();
    return {span.begin(), span.end()};
}

/// The smallest and the largest of the finite numbers; 0 and 0 if there are none.
std::array<double, 2> extent(const std::vector<double>& values) {
    std::optional<std::array<double, 2>> ends;
    for (const double v : values)
        if (std::isfinite(v))
            ends = ends ? std::array{std::min((*ends)[0], v), std::max((*ends)[1], v)} : std::array{v, v};
    return ends.value_or(std::array{0.0, 0.0});
}

std::string range_of(const std::array<double, 2>& range) {
    return "[" + number(range[0]) + ":" + number(range[1]) + "]";
}

}  // namespace

PlotNumbers::PlotNumbers(const Tensor& values) : values_(doubles(values)) {}

Plot::Plot(PlotOptions options) : options_(std::move(options)) {}

std::string Plot::colour(int wanted) {
    if (wanted < 0) wanted = colours_++;
    return " lc rgb '" + std::string(colours[static_cast<std::size_t>(wanted) % std::size(colours)]) + "'";
}

Plot& Plot::add(std::string data, std::string clause) {
    elements_.push_back({std::move(data), std::move(clause)});
    return *this;
}

Plot& Plot::line(const std::string& name, const PlotNumbers& y, const LineOptions& options) {
    std::vector<double> x(y.values().size());
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<double>(i + 1);
    return line(name, x, y, options);
}

Plot& Plot::line(const std::string& name, const PlotNumbers& x, const PlotNumbers& y, const LineOptions& options,
                 Location where) {
    const Columns columns{&x.values(), &y.values()};
    check_lengths("Plot::line", columns, where);
    return add(table(columns), std::string("using 1:2 with ") + (options.marks ? "linespoints pt 7 ps 0.4" : "lines") +
                                   " lw 2" + (options.stroke == Stroke::dashed ? " dt 2" : "") +
                                   colour(options.colour) + named(name));
}

Plot& Plot::points(const std::string& name, const PlotNumbers& x, const PlotNumbers& y, Location where) {
    const Columns columns{&x.values(), &y.values()};
    check_lengths("Plot::points", columns, where);
    return add(table(columns), "using 1:2 with points pt 7 ps 0.4" + colour(-1) + named(name));
}

Plot& Plot::band(const PlotNumbers& x, const PlotNumbers& low, const PlotNumbers& high, Location where) {
    const Columns columns{&x.values(), &low.values(), &high.values()};
    check_lengths("Plot::band", columns, where);
    return add(table(columns),
               "using 1:2:3 with filledcurves fs transparent solid 0.2 noborder" + colour(colours_) + named(""));
}

Plot& Plot::area(const std::string& name, const PlotNumbers& x, const PlotNumbers& y, const LineOptions& options,
                 Location where) {
    const Columns columns{&x.values(), &y.values()};
    check_lengths("Plot::area", columns, where);
    return add(table(columns),
               "using 1:2 with filledcurves closed fs solid 1 noborder" + colour(options.colour) + named(name));
}

Plot& Plot::bars(const std::string& name, const std::vector<std::string>& names, const PlotNumbers& heights,
                 Location where) {
    check<ShapeError>(names.size() == heights.values().size(), where, [&] {
        return "Plot::bars: each bar must have its label, got " + std::to_string(names.size()) + " labels of " +
               std::to_string(heights.values().size()) + " bars";
    });
    if (bars_ == 0) settings_ += labels("x", names) + "set style fill solid 0.85 noborder\n";
    const std::string offset = "($0+(" + std::to_string(bars_++) + "-(bars-1)/2.0)*0.8/bars)";
    return add(table({&heights.values()}), "using " + offset + ":1:(0.8/bars) with boxes" + colour(-1) + named(name));
}

Plot& Plot::heat_map(const Tensor& values, const HeatMapOptions& options, Location where) {
    check<ShapeError>(values.ndim() == 2 && values.size() > 0, where,
                      [&] { return "Plot::heat_map: values must be a matrix, got " + to_string(values.shape()); });
    const std::vector<double> all = doubles(values);
    const auto rows = values.shape(0), across = values.shape(1);
    const auto place = [](const char* index, const std::optional<std::array<double, 2>>& ends, std::int64_t count) {
        const std::array<double, 2> at = ends.value_or(std::array{0.0, static_cast<double>(count - 1)});
        const double step = count > 1 ? (at[1] - at[0]) / static_cast<double>(count - 1) : 1;
        return std::pair("(" + number(at[0]) + "+" + index + "*" + number(step) + ")",
                         std::array{at[0] - step / 2, at[1] + step / 2});
    };
    const auto [x, x_range] = place("$1", options.x, across);
    const auto [y, y_range] = place("$2", options.y, rows);
    settings_ += "set palette " + std::string(palettes[static_cast<int>(options.palette)]) + "\nset cblabel " +
                 quoted(options.name) + "\nset xrange " + range_of(x_range) + "\nset yrange " +
                 range_of(options.y ? y_range : std::array{y_range[1], y_range[0]}) +
                 "\nset border 15\nunset grid\nset colorbox noborder\n";
    auto range = options.range;
    if (!range && options.palette == Palette::diverging) {
        const auto [least, largest] = extent(all);
        const double most = std::max(std::abs(least), std::abs(largest));
        range = {-most, most};
    }
    if (range && (*range)[1] > (*range)[0]) settings_ += "set cbrange " + range_of(*range) + "\n";
    if (!options.x_labels.empty()) settings_ += labels("x", options.x_labels);
    if (!options.y_labels.empty()) settings_ += labels("y", options.y_labels);
    std::string data;
    for (std::int64_t row = 0, i = 0; row < rows; ++row, data += "\n")
        for (std::int64_t column = 0; column < across; ++column)
            data += number(all[static_cast<std::size_t>(i++)]) + " ";
    add(data, "matrix using " + x + ":" + y + ":3 with image notitle");
    if (options.numbers) {  // dark text where the palette is bright
        const std::array<double, 2> ends = range.value_or(extent(all));
        std::string texts;
        for (std::int64_t i = 0; i < rows * across; ++i) {
            const double value = all[static_cast<std::size_t>(i)], part = (value - ends[0]) / (ends[1] - ends[0]);
            const bool bright = options.palette == Palette::diverging ? !(std::abs(part - 0.5) >= 0.3) : part > 0.6;
            texts += number(static_cast<double>(i % across)) + " " + number(static_cast<double>(i / across)) + " " +
                     number(value) + (bright ? " 0x222222\n" : " 0xffffff\n");
        }
        add(texts, "using " + x + ":" + y + ":(sprintf('%.3g', $3)):4 with labels tc rgb variable font ',10' notitle");
    }
    return *this;
}

Plot& Plot::arrows(const PlotNumbers& x, const PlotNumbers& y, const PlotNumbers& dx, const PlotNumbers& dy,
                   Location where) {
    const Columns columns{&x.values(), &y.values(), &dx.values(), &dy.values()};
    check_lengths("Plot::arrows", columns, where);
    return add(table(columns),
               "using 1:2:3:4 with vectors filled head size screen 0.01,25 lw 1.5" + colour(-1) + named(""));
}

Plot& Plot::text(double x, double y, const std::string& words) {
    settings_ += "set label " + quoted(words) + " at " + number(x) + "," + number(y) + " center front\n";
    return *this;
}

Plot& Plot::vertical(const std::string& name, double x) {
    settings_ += "set arrow from first " + number(x) + ", graph 0 to first " + number(x) +
                 ", graph 1 nohead dt 2 lw 1.5" + colour(2) + "\n";
    return name.empty() ? *this : add("", "NaN with lines dt 2 lw 1.5" + colour(2) + named(name));
}

Plot& Plot::pictures(const Tensor& images, const PictureOptions& options, Location where) {
    const bool coloured = images.ndim() == 4 && images.shape(1) == 3;
    check<ShapeError>(
        images.size() > 0 && (images.ndim() == 3 || (images.ndim() == 4 && (images.shape(1) == 1 || coloured))), where,
        [&] {
            return "Plot::pictures: images must be (N, H, W) or (N, 1 or 3, H, W), got " + to_string(images.shape());
        });
    const std::int64_t count = images.shape(0), high = images.shape(images.ndim() - 2),
                       wide = images.shape(images.ndim() - 1);
    const std::int64_t columns = std::min<std::int64_t>(std::max(1, options.columns), count),
                       rows = (count + columns - 1) / columns;
    const std::vector<double> all = doubles(images);
    const double largest = is_floating(images.dtype()) ? 1 : 255;
    // One pixel of the pictures is `unit` pixels of the page; each has a line for its caption below.
    const double gap = std::max(2.0, static_cast<double>(wide) / 10);
    const double unit = options_.width / (static_cast<double>(columns) * (static_cast<double>(wide) + gap));
    const double line = options.captions.empty() ? gap : gap + 15 / unit;
    const double step_x = static_cast<double>(wide) + gap, step_y = static_cast<double>(high) + line;
    options_.height = static_cast<double>(rows) * step_y * unit +
                      line_height * (options_.title.empty() ? small_margin : title_margin);
    axes_ = false;
    settings_ += "unset border\nunset tics\nunset colorbox\nset cbrange [0:1]\nset palette " +
                 std::string(palettes[static_cast<int>(Palette::grey)]) +
                 "\nset xrange [0:" + number(static_cast<double>(columns) * step_x) + "]\nset yrange [" +
                 number(static_cast<double>(rows) * step_y) + ":0]\n";
    for (std::int64_t i = 0; i < count; ++i) {
        const double left = static_cast<double>(i % columns) * step_x + gap / 2,
                     top = static_cast<double>(i / columns) * step_y + gap / 2;
        const auto at = static_cast<std::size_t>(i);
        const auto value = [&](std::int64_t channel, std::int64_t row, std::int64_t column) {
            const double v =
                all[static_cast<std::size_t>(((i * (coloured ? 3 : 1) + channel) * high + row) * wide + column)] /
                largest;
            return std::clamp(options.inverted ? 1 - v : v, 0.0, 1.0);
        };
        std::string data;
        for (std::int64_t row = 0; row < high; ++row) {
            for (std::int64_t column = 0; column < wide; ++column) {
                if (!coloured) {
                    data += number(value(0, row, column)) + " ";
                    continue;
                }
                data += number(left + static_cast<double>(column) + 0.5) + " " +
                        number(top + static_cast<double>(row) + 0.5);
                for (std::int64_t channel = 0; channel < 3; ++channel)
                    data += " " + number(std::round(255 * value(channel, row, column)));
                data += "\n";
            }
            if (!coloured) data += "\n";
        }
        add(data, coloured ? std::string("using 1:2:3:4:5 with rgbimage notitle")
                           : "matrix using (" + number(left + 0.5) + "+$1):(" + number(top + 0.5) +
                                 "+$2):3 with image notitle");
        const bool marked = at < options.marked.size() && options.marked[at];
        const double right = left + static_cast<double>(wide), bottom = top + static_cast<double>(high);
        if (marked)
            settings_ += "set object rectangle from " + number(left) + "," + number(top) + " to " + number(right) +
                         "," + number(bottom) + " front fs empty border rgb '#c1121f' lw 2.5\n";
        if (at < options.captions.size())
            settings_ += "set label " + quoted(options.captions[at]) + " at " + number((left + right) / 2) + "," +
                         number(bottom + 9 / unit) + " center font ',10'" + (marked ? " tc rgb '#c1121f'" : "") + "\n";
    }
    for (const PictureBox& box : options.boxes) {
        check<IndexError>(box.picture >= 0 && box.picture < count, where, [&] {
            return "Plot::pictures: a box must be in one of the pictures, got number " + std::to_string(box.picture) +
                   " of " + std::to_string(count);
        });
        const double left = static_cast<double>(box.picture % columns) * step_x + gap / 2,
                     top = static_cast<double>(box.picture / columns) * step_y + gap / 2;
        const std::string rgb =
            "rgb '" + std::string(colours[static_cast<std::size_t>(box.colour) % std::size(colours)]) + "'";
        settings_ += "set object rectangle from " + number(left + box.left) + "," + number(top + box.top) + " to " +
                     number(left + box.right) + "," + number(top + box.bottom) + " front fs empty border " + rgb +
                     " lw 2\n";
        if (!box.name.empty())
            settings_ += "set label " + quoted(box.name) + " at " + number(left + box.left) + "," +
                         number(top + box.top - 5 / unit) + " left front font ',9' tc " + rgb + "\n";
    }
    return *this;
}

std::string Plot::script(const std::string& placing) const {
    const auto on_or_off = [](bool on, const char* axis) {
        return on ? std::string("set logscale ") + axis + "\n" : std::string();
    };
    std::string out =
        "reset\nset border 3 lw 0.5\nset tics nomirror out scale 0.5\nset grid ytics lt 1 lw 1 lc rgb '#e2e2dd'\n"
        "set key below center horizontal samplen 2 noenhanced\nset tmargin " +
        number(options_.title.empty() ? small_margin : title_margin) + "\n" +
        (axes_ ? "" : "set lmargin 0\nset rmargin 0\nset bmargin 0\n") + on_or_off(options_.log_x, "x") +
        on_or_off(options_.log_y, "y") + "bars = " + std::to_string(std::max(1, bars_)) + "\n" + settings_ + placing;
    if (bars_ > 0) out += "set yrange [*<0:0<*]\n";
    if (options_.x_range) out += "set xrange " + range_of(*options_.x_range) + "\n";
    if (options_.y_range) out += "set yrange " + range_of(*options_.y_range) + "\n";
    if (options_.equal) out += "set size ratio -1\n";
    if (!options_.x.empty()) out += "set xlabel " + quoted(options_.x) + "\n";
    if (!options_.y.empty()) out += "set ylabel " + quoted(options_.y) + "\n";
    if (!options_.title.empty())
        out += "set label " + quoted(options_.title) +
               " at graph 0, graph 1 offset 0,0.9 left font 'sans-serif:Bold,13'\n";
    std::string clauses;
    for (std::size_t i = 0; i < elements_.size(); ++i) {
        const std::string block = "$d" + std::to_string(i);
        if (!elements_[i].data.empty()) out += block + " << EOD\n" + elements_[i].data + "EOD\n";
        clauses += (i ? ", \\\n     " : "plot ") + (elements_[i].data.empty() ? std::string() : block + " ") +
                   elements_[i].clause;
    }
    return out + (clauses.empty() ? "set xrange [0:1]\nset yrange [0:1]\nplot NaN notitle" : clauses) + "\n";
}

}  // namespace xgrad::nn
