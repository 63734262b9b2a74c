#include "report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "training_run.hpp"

namespace xgrad::nn {

namespace {

// Colours and lines of a chart, on a page or in a file of its own.
constexpr const char* chart_style =
    R"(:root { color-scheme: light dark; --paper: #fcfcfa; --card: #fff; --ink: #222; --soft: #6b6b6b; --line: #e2e2dd; --train: #2a6fb0; --valid: #c8621a; --best: #3a8a4d; }
@media (prefers-color-scheme: dark) { :root { --paper: #16181b; --card: #1e2125; --ink: #e6e6e6; --soft: #9a9ea5; --line: #33373d; --train: #6cb0ee; --valid: #f0a060; --best: #72c486; } }
.grid { stroke: var(--line); } .best { stroke: var(--best); stroke-dasharray: 4 4; } svg text { fill: var(--soft); font: 12px system-ui, sans-serif; }
.train { stroke: var(--train); fill: var(--train); } .valid { stroke: var(--valid); fill: var(--valid); } polyline { fill: none !important; stroke-width: 2; stroke-linejoin: round; }
)";

constexpr const char* page_style =
    R"(body { margin: 0 auto; max-width: 1180px; padding: 24px; background: var(--paper); color: var(--ink); font: 15px/1.45 system-ui, sans-serif; }
h1 { font-size: 22px; margin: 0 0 4px; } p { margin: 0 0 4px; color: var(--soft); } p b { color: var(--ink); }
main, aside { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 480px), 1fr)); gap: 16px; margin-top: 18px; }
aside { grid-template-columns: repeat(auto-fill, minmax(min(100%, 270px), 1fr)); font-size: 13px; }
figure { margin: 0; padding: 12px 12px 4px; background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
figcaption { display: flex; gap: 16px; font-weight: 600; } figcaption span { font-weight: 400; color: var(--soft); }
figcaption i { display: inline-block; width: 16px; margin: 0 6px 4px 0; border-top: 3px solid; }
svg { width: 100%; height: auto; display: block; }
details { margin-top: 20px; } summary { cursor: pointer; } .wide { overflow-x: auto; }
table { border-collapse: collapse; margin-top: 10px; font-variant-numeric: tabular-nums; }
th, td { padding: 3px 12px; text-align: right; border-bottom: 1px solid var(--line); } tr.row-best td { color: var(--best); font-weight: 600; }
)";

std::string escaped(const std::string& text) {
    std::string safe;
    for (const char c : text) {
        if (c == '&') safe += "&amp;";
        else if (c == '<') safe += "&lt;";
        else if (c == '>') safe += "&gt;";
        else if (c == '"') safe += "&quot;";
        else safe += c;
    }
    return safe;
}

std::string text_of(const char* pattern, double a) {
    char buffer[64];
    std::snprintf(buffer, sizeof buffer, pattern, a);
    return buffer;
}
std::string pixels(double x) { return text_of("%.1f", x); }

/// Round numbers (1, 2 or 5 times a power of ten) around [low, high], about `count` of them.
std::vector<double> ticks(double low, double high, int count) {
    if (!(high > low)) {
        const double margin = low == 0 ? 1 : std::abs(low) / 2;
        low -= margin;
        high += margin;
    }
    const double rough = (high - low) / count, power = std::pow(10, std::floor(std::log10(rough)));
    const double step = power * (rough / power <= 1 ? 1 : rough / power <= 2 ? 2 : rough / power <= 5 ? 5 : 10);
    std::vector<double> marks;
    const double first = std::floor(low / step + 1e-9), last = std::ceil(high / step - 1e-9);
    for (double i = first; i <= last; ++i) marks.push_back(i * step);
    return marks;
}

struct Line {
    const char* kind;  // its class and its name
    std::vector<double> y;
};

/// The plane of a chart: numbers to pixels.
struct Plane {
    static constexpr double left = 58, right = 14, top = 12, bottom = 44;
    double first, last, low, high, width = 540, height = 280;

    double x(double epoch) const {
        return last > first ? left + (epoch - first) / (last - first) * (width - left - right) : (left + width - right) / 2;
    }
    double y(double value) const { return height - bottom - (value - low) / (high - low) * (height - top - bottom); }
};

std::string line_from(double x1, double y1, double x2, double y2, const char* kind) {
    return "<line class=\"" + std::string(kind) + "\" x1=\"" + pixels(x1) + "\" y1=\"" + pixels(y1) + "\" x2=\"" + pixels(x2) + "\" y2=\"" +
           pixels(y2) + "\"/>";
}

std::string label(double x, double y, const char* anchor, const std::string& text) {
    return "<text x=\"" + pixels(x) + "\" y=\"" + pixels(y) + "\" text-anchor=\"" + anchor + "\">" + text + "</text>";
}

std::string axes(const Plane& plane, const std::vector<double>& marks) {
    std::string svg;
    for (const double mark : marks) {
        svg += line_from(plane.left, plane.y(mark), plane.width - plane.right, plane.y(mark), "grid");
        svg += label(plane.left - 8, plane.y(mark) + 4, "end", text_of("%.6g", std::abs(mark) < 1e-12 * std::abs(marks.back()) ? 0 : mark));
    }
    for (const double mark : ticks(plane.first, plane.last, plane.width > 400 ? 8 : 4))
        if (mark == std::floor(mark) && mark >= plane.first && mark <= plane.last)
            svg += label(plane.x(mark), plane.height - plane.bottom + 18, "middle", text_of("%.0f", mark));
    return svg + label((plane.left + plane.width - plane.right) / 2, plane.height - 6, "middle", "epoch");
}

/// Lines are broken where a number is missing; few points are shown as such, and tell their numbers.
std::string curve(const Plane& plane, const Line& line) {
    std::string svg, points;
    const auto flush = [&] {
        if (!points.empty()) svg += "<polyline class=\"" + std::string(line.kind) + "\" points=\"" + points + "\"/>";
        points.clear();
    };
    for (std::size_t i = 0; i < line.y.size(); ++i) {
        if (!std::isfinite(line.y[i])) {
            flush();
            continue;
        }
        const double x = plane.x(static_cast<double>(i + 1)), y = plane.y(line.y[i]);
        points += pixels(x) + "," + pixels(y) + " ";
        if (line.y.size() <= 200)
            svg += "<circle class=\"" + std::string(line.kind) + "\" r=\"" + (line.y.size() <= 60 ? "3" : "1.5") + "\" cx=\"" + pixels(x) +
                   "\" cy=\"" + pixels(y) + "\"><title>epoch " + std::to_string(i + 1) + ": " + text_of("%.6g", line.y[i]) +
                   "</title></circle>";
    }
    flush();
    return svg;
}

/// What one chart shows.
struct Chart {
    std::string name;
    std::vector<Line> lines;  // one, or training and validation
    std::int64_t best_epoch = 0;  // 0: not marked
};

/// The charts of a run. Learning rate and seconds, which nobody minimises, are apart.
std::pair<std::vector<Chart>, std::vector<Chart>> charts(const History& history) {
    std::pair<std::vector<Chart>, std::vector<Chart>> found;
    for (const std::string& name : history.columns) {
        if (history.rows.empty() || (name.starts_with("valid_") && history.has(name.substr(6)))) continue;
        const bool aside = name == "lr" || name == "seconds";
        Chart& chart = (aside ? found.second : found.first).emplace_back();
        chart.name = name;
        chart.lines.push_back({"train", history.column(name)});
        if (history.has("valid_" + name)) chart.lines.push_back({"valid", history.column("valid_" + name)});
        if (!aside) chart.best_epoch = history.best_epoch;
    }
    return found;
}

/// Axes and curves, `width` and `height` pixels.
std::string drawing(const Chart& chart, double width, double height) {
    double low = INFINITY, high = -INFINITY;
    for (const Line& line : chart.lines)
        for (const double y : line.y)
            if (std::isfinite(y)) {
                low = std::min(low, y);
                high = std::max(high, y);
            }
    if (low > high) low = high = 0;
    const auto marks = ticks(low, high, height > 200 ? 5 : 3);
    const Plane plane{1, static_cast<double>(chart.lines[0].y.size()), marks.front(), marks.back(), width, height};
    std::string svg = axes(plane, marks);
    if (chart.best_epoch > 0) {
        const double x = plane.x(static_cast<double>(chart.best_epoch));
        svg += line_from(x, plane.top, x, plane.height - plane.bottom, "best");
    }
    for (const Line& line : chart.lines) svg += curve(plane, line);
    return svg;
}

std::string figure(const Chart& chart, double width, double height) {
    std::string html = "<figure><figcaption>" + escaped(chart.name);
    if (chart.lines.size() > 1)
        html += "<span><i style=\"color: var(--train)\"></i>training</span><span><i style=\"color: var(--valid)\"></i>validation</span>";
    if (chart.best_epoch > 0) html += "<span><i style=\"color: var(--best); border-top: 2px dashed\"></i>best epoch</span>";
    return html + "</figcaption><svg viewBox=\"0 0 " + text_of("%.0f ", width) + text_of("%.0f", height) + "\" role=\"img\" aria-label=\"" +
           escaped(chart.name) + " by epoch\">" + drawing(chart, width, height) + "</svg></figure>\n";
}

/// The head of a chart in a file of its own: its name, and what the colours mean.
std::string heading(const Chart& chart, const std::string& validation) {
    std::string svg = "<text style=\"font-weight: 600; font-size: 14px\" x=\"12\" y=\"18\">" + escaped(chart.name) + "</text>";
    double x = 12 + 9 * static_cast<double>(chart.name.size()) + 24;
    const auto entry = [&](const char* kind, const std::string& name) {
        svg += line_from(x, 14, x + 16, 14, kind) + label(x + 22, 18, "start", name);
        x += 110;
    };
    if (chart.lines.size() > 1) {
        entry("train", "training");
        entry("valid", escaped(validation));
    }
    if (chart.best_epoch > 0) entry("best", "best epoch");
    return svg;
}

std::string summary(const History& history) {
    std::string text = std::to_string(history.epochs()) + (history.epochs() == 1 ? " epoch" : " epochs");
    if (history.stop == History::Stop::early) text += ", stopped early";
    if (history.stop == History::Stop::interrupted) text += ", interrupted";
    if (history.stop == History::Stop::requested) text += ", stopped by the program";
    if (history.best_epoch > 0)
        text += "; best <b>" + escaped(history.monitor) + " " + detail::readable_number(history.best) + "</b> in epoch <b>" +
                std::to_string(history.best_epoch) + "</b>";
    if (history.has("seconds")) {
        double seconds = 0;
        for (const double s : history.column("seconds")) seconds += s;
        text += "; " + text_of("%.1f", seconds) + " s";
    }
    return text;
}

std::string table(const History& history) {
    std::string html = "<details><summary>All numbers</summary><div class=\"wide\"><table><tr><th>epoch</th>";
    for (const std::string& name : history.columns) html += "<th>" + escaped(name) + "</th>";
    html += "</tr>\n";
    for (std::size_t i = 0; i < history.rows.size(); ++i) {
        const bool best = static_cast<std::int64_t>(i) + 1 == history.best_epoch;
        html += (best ? "<tr class=\"row-best\"><td>" : "<tr><td>") + std::to_string(i + 1) + "</td>";
        for (const double value : history.rows[i])
            html += "<td>" + (std::isnan(value) ? std::string() : detail::readable_number(value)) + "</td>";
        html += "</tr>\n";
    }
    return html + "</table></div></details>\n";
}

}  // namespace

std::string report_html(const History& history, const std::string& title, const std::vector<std::string>& facts) {
    std::string html =
        "<!doctype html><html lang=\"en\"><head><title>" + escaped(title) +
        "</title><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<style>\n" +
        chart_style + page_style + "</style>\n</head><body>\n<h1>" + escaped(title) + "</h1>\n";
    std::string line;
    for (const std::string& fact : facts) line += (line.empty() ? "" : "; ") + escaped(fact);
    if (!line.empty()) html += "<p>" + line + "</p>\n";
    html += "<p>" + summary(history) + "</p>\n<main>\n";
    const auto [large, small] = charts(history);
    for (const Chart& chart : large) html += figure(chart, 540, 280);
    html += "</main>\n<aside>\n";
    for (const Chart& chart : small) html += figure(chart, 300, 160);
    return html + "</aside>\n" + table(history) + "</body></html>\n";
}

std::string curves_svg(const History& history, const std::string& validation) {
    constexpr double width = 540, height = 280, head = 28, gap = 12;
    const std::vector<Chart> all = charts(history).first;
    const auto count = static_cast<double>(all.size());
    const double across = std::min(count, 2.0) * (width + gap) + gap, down = std::ceil(count / 2) * (head + height + gap) + gap;
    std::string svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + pixels(across) + " " + pixels(down) + "\" width=\"" +
                      pixels(across) + "\" height=\"" + pixels(down) + "\">\n<style>\n" + chart_style +
                      "</style>\n<rect width=\"100%\" height=\"100%\" style=\"fill: var(--paper)\"/>\n";
    for (std::size_t i = 0; i < all.size(); ++i)
        svg += "<g transform=\"translate(" + pixels(gap + static_cast<double>(i % 2) * (width + gap)) + " " +
               pixels(gap + static_cast<double>(i / 2) * (head + height + gap)) + ")\">" + heading(all[i], validation) +
               "<g transform=\"translate(0 " + pixels(head) + ")\">" + drawing(all[i], width, height) + "</g></g>\n";
    return svg + "</svg>\n";
}

}  // namespace xgrad::nn
