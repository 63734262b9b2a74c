#include "svg.hpp"

#include <algorithm>
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

void Canvas::rectangle(double x, double y, double width, double height, std::string_view fill, std::string_view stroke,
                       double stroke_width) {
    body_ += fmt::format(
        "<rect x=\"{:.6g}\" y=\"{:.6g}\" width=\"{:.6g}\" height=\"{:.6g}\" fill=\"{}\" stroke=\"{}\" stroke-width=\"{:.6g}\"/>\n", x, y,
        width, height, fill, stroke, stroke_width);
}

void Canvas::text(double x, double y, std::string_view text, const TextStyle& style) {
    constexpr std::string_view anchors[] = {"start", "middle", "end"};
    body_ +=
        fmt::format("<text x=\"{:.6g}\" y=\"{:.6g}\" font-size=\"{:.6g}\" text-anchor=\"{}\" fill=\"{}\"{}>{}</text>\n", x, y, style.size,
                    anchors[static_cast<int>(style.anchor)], style.colour, style.bold ? " font-weight=\"bold\"" : "", escaped(text));
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

}  // namespace svg
