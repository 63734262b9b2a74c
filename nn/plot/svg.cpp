#include "plot.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <locale>
#include <sstream>
#include <unistd.h>

#include "nn/detail/files.hpp"

// A page of plots: runs gnuplot and adapts its output to the reader's colours.

namespace xgrad::nn {

using detail::AtomicFile;
using detail::write_atomically;

namespace {

// gnuplot writes black and its greys as attributes; they are replaced by the reader's colours.
constexpr const char* style =
    R"_(<style>
svg { --ink: #222; --soft: #6b6b6b; --line: #e2e2dd; --paper: #fff; }
@media (prefers-color-scheme: dark) { svg { --ink: #e6e6e6; --soft: #9a9ea5; --line: #33373d; --paper: #1e2125; } }
.paper { fill: var(--paper); } [color="black"] { color: var(--soft); } .gridline { stroke: var(--line); }
[fill="rgb(0,0,0)"], [fill="black"] { fill: var(--ink); } [stroke="rgb(  0,   0,   0)"], [stroke="black"] { stroke: var(--soft); }
</style>
)_";

struct FileOfScratch {
    FileOfScratch() : path((std::filesystem::temp_directory_path() / "xgrad-plot-XXXXXX").string()) {
        const int file = mkstemp(path.data());
        check(file >= 0, {}, [&] { return path + ": cannot be written"; });
        ::close(file);
    }
    ~FileOfScratch() { std::remove(path.c_str()); }
    FileOfScratch(const FileOfScratch&) = delete;
    FileOfScratch& operator=(const FileOfScratch&) = delete;

    std::string text() const {
        std::string all;
        if (std::FILE* file = std::fopen(path.c_str(), "rb")) {
            char buffer[4096];
            for (std::size_t n = 0; (n = std::fread(buffer, 1, sizeof buffer, file)) > 0;) all.append(buffer, n);
            std::fclose(file);
        }
        return all;
    }

    std::string path;
};

/// The output of gnuplot for a script.
std::string drawn(const std::string& script, Location where) {
    FileOfScratch commands, picture, complaints;
    write_atomically(commands.path, [&](AtomicFile& file) { file.write(script); }, where);
    const int status = std::system(
        ("gnuplot '" + commands.path + "' >'" + picture.path + "' 2>'" + complaints.path + "' </dev/null").c_str());
    check(status == 0, where, [&] {
        constexpr int not_found = 127;
        return WEXITSTATUS(status) != not_found
                   ? "svg: gnuplot must be able to draw, got " + complaints.text()
                   : std::string("svg: gnuplot must be installed to draw (Debian: gnuplot-nox), got none");
    });
    return picture.text();
}

void replace_all(std::string& text, const std::string& old, const std::string& fresh) {
    for (std::size_t at = 0; (at = text.find(old, at)) != text.npos; at += fresh.size())
        text.replace(at, old.size(), fresh);
}

}  // namespace

std::string svg(const std::vector<Plot>& plots, const SvgOptions& options, Location where) {
    const std::size_t columns = static_cast<std::size_t>(std::max(1, options.columns));
    constexpr double gap = 16;
    double width = 0, height = 0;
    std::vector<std::array<double, 2>> corners;  // measured from the upper left
    for (std::size_t first = 0; first < plots.size(); first += columns) {
        double x = 0, row = 0;
        for (std::size_t i = first; i < std::min(plots.size(), first + columns); ++i) {
            corners.push_back({x + gap / 2, height + gap / 2});
            x += plots[i].options().width + gap;
            row = std::max(row, plots[i].options().height + gap);
        }
        width = std::max(width, x);
        height += row;
    }
    std::ostringstream script;
    script.imbue(std::locale::classic());
    script.precision(9);
    script << "set encoding utf8\nset terminal svg noenhanced size " << std::ceil(std::max(width, 32.0)) << ","
           << std::ceil(std::max(height, 32.0)) << " font 'sans-serif,12' linewidth 1\nset multiplot\n";
    for (std::size_t i = 0; i < plots.size(); ++i) {
        const auto& [w, h] = std::pair(plots[i].options().width, plots[i].options().height);
        std::ostringstream placing;
        placing.copyfmt(script);
        placing << "set size " << w / width << "," << h / height << "\nset origin " << corners[i][0] / width << ","
                << 1 - (corners[i][1] + h) / height << "\n";
        script << plots[i].script(placing.str());
    }
    script << "unset multiplot\n";
    std::string picture = drawn(script.str(), where);
    // In text without markup, gnuplot writes a bold font as a family name.
    replace_all(picture, "font-family=\"sans-serif:Bold\"", "font-family=\"sans-serif\" font-weight=\"bold\"");
    replace_all(picture, "<image ", "<image style=\"image-rendering: pixelated\" ");
    const std::size_t body = picture.find("<title>");
    check(body != picture.npos, where,
          [&] { return std::string("svg: gnuplot must draw an SVG document, got something else"); });
    picture.insert(body, std::string(style) + "<rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n");
    return picture;
}

void save_svg(const std::string& path, const std::vector<Plot>& plots, const SvgOptions& options, Location where) {
    const std::string picture = svg(plots, options, where);
    write_atomically(path, [&](AtomicFile& file) { file.write(picture); }, where);
}

bool can_draw() {
    static const bool found = std::system("gnuplot --version >/dev/null 2>&1 </dev/null") == 0;
    return found;
}

}  // namespace xgrad::nn
