#include "svg.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <fstream>
#include <stdexcept>
#include <zlib.h>

namespace svg {

namespace {

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            default: out += c;
        }
    return out;
}

std::string base64(std::string_view bytes) {
    static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const std::size_t left = std::min<std::size_t>(3, bytes.size() - i);
        std::uint32_t group = 0;
        for (std::size_t k = 0; k < 3; ++k) group = group << 8 | (k < left ? static_cast<std::uint8_t>(bytes[i + k]) : 0u);
        for (std::size_t k = 0; k < 4; ++k) out += k <= left ? digits[group >> (18 - 6 * k) & 63] : '=';
    }
    return out;
}

void append_big_endian(std::string& out, std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xff);
}

void append_chunk(std::string& out, std::string_view type, std::string_view data) {
    append_big_endian(out, static_cast<std::uint32_t>(data.size()));
    const std::string content = std::string(type).append(data);
    out += content;
    append_big_endian(
        out, static_cast<std::uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(content.data()), static_cast<uInt>(content.size()))));
}

constexpr std::string_view ink = "#333333", faint = "#e4e4e4";
constexpr std::array<std::string_view, 6> palette = {"#1b6ca8", "#d1495b", "#2e8b57", "#edae49", "#7b5ea7", "#555555"};

}  // namespace

std::string png(std::span<const std::uint8_t> pixels, int columns, int rows) {
    std::string header;
    append_big_endian(header, static_cast<std::uint32_t>(columns));
    append_big_endian(header, static_cast<std::uint32_t>(rows));
    header.append({8, 0, 0, 0, 0});  // 8 bits, grey, deflate, default filters, not interlaced

    std::string lines;  // each line is led by its filter: none
    for (int row = 0; row < rows; ++row) {
        lines += '\0';
        for (int column = 0; column < columns; ++column)
            lines += static_cast<char>(pixels[static_cast<std::size_t>(row) * columns + column]);
    }
    uLongf size = compressBound(lines.size());
    std::string data(size, '\0');
    if (compress2(reinterpret_cast<Bytef*>(data.data()), &size, reinterpret_cast<const Bytef*>(lines.data()), lines.size(), 9) != Z_OK)
        throw std::runtime_error("png: compression failed");
    data.resize(size);

    std::string out = "\x89PNG\r\n\x1a\n";
    append_chunk(out, "IHDR", header);
    append_chunk(out, "IDAT", data);
    append_chunk(out, "IEND", {});
    return out;
}

Canvas::Canvas(double width, double height) : width_(width), height_(height) { rectangle(0, 0, width, height, "white"); }

void Canvas::line(double x1, double y1, double x2, double y2, std::string_view colour, double width) {
    body_ += fmt::format("<line x1=\"{:.6g}\" y1=\"{:.6g}\" x2=\"{:.6g}\" y2=\"{:.6g}\" stroke=\"{}\" stroke-width=\"{:.6g}\"/>\n", x1, y1,
                         x2, y2, colour, width);
}

void Canvas::rectangle(double x, double y, double width, double height, std::string_view fill, std::string_view stroke,
                       double stroke_width) {
    body_ += fmt::format(
        "<rect x=\"{:.6g}\" y=\"{:.6g}\" width=\"{:.6g}\" height=\"{:.6g}\" fill=\"{}\" stroke=\"{}\" stroke-width=\"{:.6g}\"/>\n", x, y,
        width, height, fill, stroke, stroke_width);
}

void Canvas::polyline(std::span<const std::pair<double, double>> points, std::string_view colour, double width) {
    body_ += "<polyline points=\"";
    for (const auto& [x, y] : points) body_ += fmt::format("{:.6g},{:.6g} ", x, y);
    body_ += fmt::format("\" fill=\"none\" stroke=\"{}\" stroke-width=\"{:.6g}\" stroke-linejoin=\"round\"/>\n", colour, width);
}

void Canvas::circle(double x, double y, double radius, std::string_view fill) {
    body_ += fmt::format("<circle cx=\"{:.6g}\" cy=\"{:.6g}\" r=\"{:.6g}\" fill=\"{}\"/>\n", x, y, radius, fill);
}

void Canvas::text(double x, double y, std::string_view text, const TextStyle& style) {
    constexpr std::string_view anchors[] = {"start", "middle", "end"};
    const std::string turn = style.rotate == 0 ? "" : fmt::format(" transform=\"rotate({:.6g} {:.6g} {:.6g})\"", style.rotate, x, y);
    body_ +=
        fmt::format("<text x=\"{:.6g}\" y=\"{:.6g}\" font-size=\"{:.6g}\" text-anchor=\"{}\" fill=\"{}\"{}{}>{}</text>\n", x, y, style.size,
                    anchors[static_cast<int>(style.anchor)], style.colour, style.bold ? " font-weight=\"bold\"" : "", turn, escaped(text));
}

void Canvas::picture(double x, double y, double width, double height, std::span<const std::uint8_t> pixels, int columns, int rows) {
    body_ += fmt::format(
        "<image x=\"{:.6g}\" y=\"{:.6g}\" width=\"{:.6g}\" height=\"{:.6g}\" style=\"image-rendering:pixelated\" "
        "xlink:href=\"data:image/png;base64,{}\"/>\n",
        x, y, width, height, base64(png(pixels, columns, rows)));
}

std::string Canvas::str() const {
    return fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" width=\"{0:.6g}\" height=\"{1:.6g}\" "
        "viewBox=\"0 0 {0:.6g} {1:.6g}\" font-family=\"Helvetica, Arial, 'DejaVu Sans', sans-serif\">\n{2}</svg>\n",
        width_, height_, body_);
}

void Canvas::save(const std::filesystem::path& path) const {
    std::ofstream out(path, std::ios::binary);
    out << str();
    out.close();
    if (!out) throw std::runtime_error(path.string() + ": cannot be written");
}

std::vector<double> ticks(double low, double high, int count) {
    if (!(high > low)) {  // one value, or none: a range around it
        const double around = std::max(std::abs(low) * 0.1, 1e-6);
        low -= around;
        high += around;
    }
    const double rough = (high - low) / std::max(count, 1), power = std::pow(10.0, std::floor(std::log10(rough)));
    double step = 10 * power;
    for (const double factor : {5.0, 2.0, 1.0})
        if (factor * power >= rough * 0.999) step = factor * power;
    std::vector<double> at;
    const auto first = std::floor(low / step + 1e-9), last = std::ceil(high / step - 1e-9);
    for (double i = first; i <= last; ++i) at.push_back(i * step);
    return at;
}

std::string tick_label(double value, double step) {
    const int decimals = std::clamp(static_cast<int>(std::ceil(-std::log10(step) - 1e-9)), 0, 9);
    return fmt::format("{:.{}f}", value == 0 ? 0.0 : value, decimals);
}

void draw(Canvas& canvas, const Chart& chart, double x, double y, double width, double height) {
    double low_x = INFINITY, high_x = -INFINITY, low_y = INFINITY, high_y = -INFINITY;
    const auto finite = [](const Series& s, std::size_t i) { return std::isfinite(s.x[i]) && std::isfinite(s.y[i]); };
    for (const Series& s : chart.series)
        for (std::size_t i = 0; i < std::min(s.x.size(), s.y.size()); ++i)
            if (finite(s, i)) {
                low_x = std::min(low_x, s.x[i]), high_x = std::max(high_x, s.x[i]);
                low_y = std::min(low_y, s.y[i]), high_y = std::max(high_y, s.y[i]);
            }
    if (!(low_x <= high_x)) low_x = low_y = 0, high_x = high_y = 1;

    const double left = x + 58, right = x + width - 16, top = y + 34, bottom = y + height - 46;
    const std::vector<double> ticks_x = ticks(low_x, high_x, 9), ticks_y = ticks(low_y, high_y, 6);
    const auto place = [](double value, const std::vector<double>& axis, double from, double to) {
        return from + (value - axis.front()) / (axis.back() - axis.front()) * (to - from);
    };
    const auto at_x = [&](double value) { return place(value, ticks_x, left, right); };
    const auto at_y = [&](double value) { return place(value, ticks_y, bottom, top); };

    canvas.text((left + right) / 2, y + 20, chart.title, {.size = 15, .anchor = Anchor::middle, .bold = true});
    for (const double t : ticks_y) {
        canvas.line(left, at_y(t), right, at_y(t), faint);
        canvas.text(left - 8, at_y(t) + 4, tick_label(t, ticks_y[1] - ticks_y[0]), {.anchor = Anchor::end});
    }
    for (const double t : ticks_x) {
        canvas.line(at_x(t), bottom, at_x(t), bottom + 5, ink);
        canvas.text(at_x(t), bottom + 19, tick_label(t, ticks_x[1] - ticks_x[0]), {.anchor = Anchor::middle});
    }
    canvas.line(left, bottom, right, bottom, ink);
    canvas.line(left, top, left, bottom, ink);
    canvas.text((left + right) / 2, bottom + 38, chart.x_label, {.anchor = Anchor::middle});
    canvas.text(x + 14, (top + bottom) / 2, chart.y_label, {.anchor = Anchor::middle, .rotate = -90});

    for (std::size_t k = 0; k < chart.series.size(); ++k) {
        const Series& s = chart.series[k];
        std::vector<std::pair<double, double>> points;
        for (std::size_t i = 0; i < std::min(s.x.size(), s.y.size()); ++i)
            if (finite(s, i)) points.emplace_back(at_x(s.x[i]), at_y(s.y[i]));
        canvas.polyline(points, palette[k % palette.size()]);
        if (points.size() <= 50)
            for (const auto& [px, py] : points) canvas.circle(px, py, 3, palette[k % palette.size()]);
    }

    // The legend stands in the corner that the lines' last points leave free.
    if (chart.series.empty()) return;
    std::size_t longest = 0;
    double last_y = 0;
    for (const Series& s : chart.series) {
        longest = std::max(longest, s.name.size());
        if (!s.y.empty() && std::isfinite(s.y.back())) last_y += at_y(s.y.back()) / static_cast<double>(chart.series.size());
    }
    const double box = 44 + 7.0 * static_cast<double>(longest), row = 18;
    const double box_height = row * static_cast<double>(chart.series.size()) + 8;
    const double box_x = right - box - 8, box_y = last_y < (top + bottom) / 2 ? bottom - box_height - 8 : top + 8;
    canvas.rectangle(box_x, box_y, box, box_height, "white", faint);
    for (std::size_t k = 0; k < chart.series.size(); ++k) {
        const double line_y = box_y + 4 + row * (static_cast<double>(k) + 0.5);
        canvas.line(box_x + 8, line_y, box_x + 30, line_y, palette[k % palette.size()], 2);
        canvas.text(box_x + 36, line_y + 4, chart.series[k].name);
    }
}

}  // namespace svg
