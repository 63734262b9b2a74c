#include <doctest/doctest.h>

#include <autodiff/autodiff.hpp>
#include <cstdlib>
#include <nn/plot/plot.hpp>

#include "folder.hpp"
#include "support.hpp"

using namespace xgrad;
using tests::count;
using tests::error_of;

TEST_SUITE_BEGIN("plot");

TEST_CASE("plot: lines, their names and gaps, as gnuplot's commands") {
    nn::Plot plot({.title = "it's", .x = "epoch", .log_y = true});
    plot.line("training", std::vector<double>{1, NAN, 0.25})
        .line("test", tensor({2.0, 1.0}), tensor({3.0, 4.0}), {.stroke = nn::Stroke::dashed});
    const std::string script = plot.script();
    CHECK(script.find("$d0 << EOD\n1 1 \n2 NaN \n3 0.25 \nEOD\n") != std::string::npos);
    CHECK(script.find("$d1 << EOD\n2 3 \n1 4 \nEOD\n") != std::string::npos);
    CHECK(script.find("set label 'it''s' at graph 0, graph 1") != std::string::npos);
    CHECK(script.find("set logscale y\n") != std::string::npos);
    CHECK(script.find("title 'training', \\\n     $d1 using 1:2 with lines lw 2 dt 2") != std::string::npos);
}

TEST_CASE("plot: an area is a closed polygon, filled with one of the colours in their row") {
    nn::Plot plot;
    plot.area("triangle", {0, 1, 0.5}, {0, 0, 1}, {.colour = 2});
    const std::string script = plot.script();
    CHECK(script.find("$d0 << EOD\n0 0 \n1 0 \n0.5 1 \nEOD\n") != std::string::npos);
    CHECK(script.find("with filledcurves closed fs solid 1 noborder lc rgb '#3a8a4d' title 'triangle'") !=
          std::string::npos);
    if (nn::can_draw()) CHECK(nn::svg({plot}).find("rgb( 58, 138,  77)") != std::string::npos);
}

TEST_CASE("plot: boxes stand where they are in their pictures, with their names above them") {
    nn::Plot plot({.width = 240});  // the second of two pictures begins at 12 + 1, a pixel is 10 of the page
    plot.pictures(
        zeros({2, 10, 10}),
        {.boxes = {{.picture = 1, .left = 2, .top = 3, .right = 6, .bottom = 10, .name = "boot", .colour = 1}}});
    const std::string script = plot.script();
    CHECK(script.find("set object rectangle from 15,4 to 19,11 front fs empty border rgb '#d0661a' lw 2\n") !=
          std::string::npos);
    CHECK(script.find("set label 'boot' at 15,3.5 left front font ',9' tc rgb '#d0661a'\n") != std::string::npos);
    CHECK(error_of<IndexError>([&] { plot.pictures(zeros({2, 10, 10}), {.boxes = {{.picture = 2}}}); }) ==
          "Plot::pictures: a box must be in one of the pictures, got number 2 of 2" + tests::here());
}

TEST_CASE("plot: what does not fit together is an error") {
    nn::Plot plot;
    CHECK(error_of<ShapeError>([&] { plot.area("a", {1, 2, 3}, {1, 2}); }) ==
          "Plot::area: the numbers must be equally many, got 3 and 2" + tests::here());
    CHECK(error_of<ShapeError>([&] { plot.line("a", std::vector<double>{1, 2}, std::vector<double>{1}); }) ==
          "Plot::line: the numbers must be equally many, got 2 and 1" + tests::here());
    CHECK(error_of<ShapeError>([&] { plot.heat_map(ones({3})); }) ==
          "Plot::heat_map: values must be a matrix, got (3,)" + tests::here());
    CHECK(error_of<ShapeError>([&] { plot.pictures(ones({2, 2, 4, 4})); }) ==
          "Plot::pictures: images must be (N, H, W) or (N, 1 or 3, H, W), got (2, 2, 4, 4)" + tests::here());
    CHECK(error_of<ShapeError>([&] {
              plot.bars("a", {"x", "y"}, {1});
          }).starts_with("Plot::bars: each bar must have its label, got 2"));
}

TEST_CASE("plot: a file with several diagrams, whole or not at all") {
    REQUIRE(nn::can_draw());
    const tests::Folder folder;
    const std::string file = (folder.path / "a.svg").string();
    nn::Plot lines({.title = "a < b & c"}), map, pictures;
    lines.line("falling", {3, 2, 1}).band({1, 2, 3}, {0, 0, 0}, {1, 1, 1}).vertical("here", 2);
    map.heat_map(tensor({{0.0, 1.0}, {2.0, 3.0}}), {.x_labels = {"p", "q"}, .numbers = true, .name = "how much"});
    pictures.pictures(tensor({{{0.0, 1.0}, {0.5, 0.5}}, {{1.0, 1.0}, {0.0, 0.0}}}),
                      {.captions = {"one", "two"}, .marked = {false, true}});
    nn::save_svg(file, {lines, map, pictures, nn::Plot()});
    const std::string svg = tests::read(file);
    CHECK(svg.find("a &lt; b &amp; c") != std::string::npos);
    CHECK(svg.find("prefers-color-scheme: dark") != std::string::npos);
    CHECK(count(svg, "<image ") == 3);
    CHECK(svg.find("font-family=\"sans-serif\" font-weight=\"bold\"") != svg.npos);  // the title
    CHECK(svg.find(":Bold") == svg.npos);
    for (const char* words : {"falling", "here", "how much", ">one<", ">two<", "p</text>", "3</text>"})
        CHECK_MESSAGE(svg.find(words) != svg.npos, words);
    CHECK(svg.ends_with("</svg>\n\n"));
    CHECK(error_of<Error>([&] { nn::save_svg((folder.path / "none/a.svg").string(), {lines}); }).find("none/a.svg") !=
          std::string::npos);
}

TEST_CASE("plot: without gnuplot the error says what to install") {
    const std::string path = std::getenv("PATH");
    setenv("PATH", "/nowhere", 1);
    const std::string message = error_of<Error>([&] { nn::svg({nn::Plot()}); });
    setenv("PATH", path.c_str(), 1);
    const std::string line = tests::here(__LINE__ - 2);
    CHECK(message == "svg: gnuplot must be installed to draw (Debian: gnuplot-nox), got none" + line);
}

TEST_SUITE_END();
