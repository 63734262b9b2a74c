#include "report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "detail/run.hpp"

namespace xgrad::nn {

namespace {

constexpr const char* page_style =
    R"(:root { color-scheme: light dark; --paper: #fcfcfa; --card: #fff; --ink: #222; --soft: #6b6b6b; --line: #e2e2dd; --best: #3a8a4d; }
@media (prefers-color-scheme: dark) { :root { --paper: #16181b; --card: #1e2125; --ink: #e6e6e6; --soft: #9a9ea5; --line: #33373d; --best: #72c486; } }
body { margin: 0 auto; max-width: 1180px; padding: 24px; background: var(--paper); color: var(--ink); font: 15px/1.45 system-ui, sans-serif; }
h1 { font-size: 22px; margin: 0 0 4px; } p { margin: 0 0 4px; color: var(--soft); } p b { color: var(--ink); }
main, aside { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 480px), 1fr)); gap: 16px; margin-top: 18px; }
aside { grid-template-columns: repeat(auto-fill, minmax(min(100%, 270px), 1fr)); font-size: 13px; }
figure { margin: 0; padding: 12px 12px 4px; background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
figcaption { font-weight: 600; }
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

/// The content of one chart.
struct Chart {
    std::string name;
    std::vector<std::pair<std::string, std::vector<double>>> lines;  // one, or training and validation
    std::int64_t best_epoch = 0;  // 0: not marked
};

/// The charts of a run. Learning rate and seconds, which are not minimised, are returned separately.
std::pair<std::vector<Chart>, std::vector<Chart>> charts(const History& history, const std::string& validation) {
    std::pair<std::vector<Chart>, std::vector<Chart>> found;
    for (const std::string& name : history.columns) {
        if (history.rows.empty() || (name.starts_with("valid_") && history.has(name.substr(6)))) continue;
        const bool aside = name == "lr" || name == "seconds";
        Chart& chart = (aside ? found.second : found.first).emplace_back();
        chart.name = name;
        chart.lines.emplace_back("training", history.column(name));
        if (history.has("valid_" + name)) chart.lines.emplace_back(validation, history.column("valid_" + name));
        if (!aside) chart.best_epoch = history.best_epoch;
    }
    return found;
}

Plot plot_of(const Chart& chart, const std::string& title, double width, double height) {
    Plot plot({.title = title, .x = "epoch", .width = width, .height = height});
    const LineOptions options{.marks = chart.lines[0].second.size() <= 60};
    for (const auto& [name, numbers] : chart.lines) plot.line(chart.lines.size() > 1 ? name : "", numbers, options);
    if (chart.best_epoch > 0) plot.vertical("best epoch", static_cast<double>(chart.best_epoch));
    return plot;
}

std::string figure(const Chart& chart, double width, double height) {
    // The SVG without its XML header, since it is embedded in HTML.
    const std::string picture = svg({plot_of(chart, "", width, height)});
    return "<figure><figcaption>" + escaped(chart.name) + "</figcaption>" + picture.substr(picture.find("<svg")) +
           "</figure>\n";
}

std::string summary(const History& history) {
    std::string text = std::to_string(history.epochs()) + (history.epochs() == 1 ? " epoch" : " epochs");
    if (history.stop == History::Stop::early) text += ", stopped early";
    if (history.stop == History::Stop::interrupted) text += ", interrupted";
    if (history.stop == History::Stop::requested) text += ", stopped by the program";
    if (history.best_epoch > 0)
        text += "; best <b>" + escaped(history.monitor) + " " + detail::readable_number(history.best) +
                "</b> in epoch <b>" + std::to_string(history.best_epoch) + "</b>";
    if (history.has("seconds")) {
        double seconds = 0;
        for (const double s : history.column("seconds")) seconds += s;
        text += "; " + text_of("%.1f", seconds) + " s";
    }
    return text;
}

/// The table is open when there are no charts.
std::string table(const History& history, bool open) {
    std::string html = std::string(open ? "<details open>" : "<details>") +
                       "<summary>All numbers</summary><div class=\"wide\"><table><tr><th>epoch</th>";
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
    std::string html = "<!doctype html><html lang=\"en\"><head><title>" + escaped(title) +
                       "</title><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, "
                       "initial-scale=1\">\n<style>\n" +
                       page_style + "</style>\n</head><body>\n<h1>" + escaped(title) + "</h1>\n";
    std::string line;
    for (const std::string& fact : facts) line += (line.empty() ? "" : "; ") + escaped(fact);
    if (!line.empty()) html += "<p>" + line + "</p>\n";
    html += "<p>" + summary(history) + "</p>\n<main>\n";
    const auto [large, small] = charts(history, "validation");
    const bool drawn = can_draw();
    if (drawn)
        for (const Chart& chart : large) html += figure(chart, 540, 300);
    else html += "<p>The curves are drawn where gnuplot is installed (Debian: gnuplot-nox).</p>\n";
    html += "</main>\n<aside>\n";
    if (drawn)
        for (const Chart& chart : small) html += figure(chart, 300, 180);
    return html + "</aside>\n" + table(history, !drawn) + "</body></html>\n";
}

std::vector<Plot> curves(const History& history, const std::string& validation) {
    std::vector<Plot> plots;
    for (const Chart& chart : charts(history, validation).first) plots.push_back(plot_of(chart, chart.name, 540, 300));
    return plots;
}

}  // namespace xgrad::nn
