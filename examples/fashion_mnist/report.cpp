#include "report.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fstream>
#include <functional>
#include <nn/report.hpp>
#include <numeric>
#include <stdexcept>

#include "dataset.hpp"
#include "svg.hpp"

void write_metrics(const std::filesystem::path& file, const std::vector<Epoch>& epochs) {
    std::ofstream out(file);
    out << "epoch,loss,train_accuracy,test_accuracy,seconds\n";
    for (const Epoch& e : epochs)
        out << fmt::format("{},{:.6f},{:.6f},{:.6f},{:.3f}\n", e.number, e.loss, e.train_accuracy, e.test_accuracy, e.seconds);
    out.close();
    if (!out) throw std::runtime_error(file.string() + ": cannot be written");
}

void draw_curves(const std::filesystem::path& file, const std::vector<Epoch>& epochs) {
    xgrad::nn::History history;
    for (const Epoch& e : epochs)
        history.add_row(
            {{"loss", e.loss}, {"accuracy", e.train_accuracy}, {"valid_loss", e.test_loss}, {"valid_accuracy", e.test_accuracy}});
    std::ofstream out(file, std::ios::binary);
    out << xgrad::nn::curves_svg(history, "test");
    out.close();
    if (!out) throw std::runtime_error(file.string() + ": cannot be written");
}

void draw_predictions(const std::filesystem::path& file, std::span<const std::uint8_t> pixels, std::span<const std::int64_t> predicted,
                      std::span<const std::int64_t> labels) {
    constexpr int columns = 10, side = 28;
    constexpr double cell = 96, picture = 72, line = 14, cell_height = picture + 2 * line + 14, title = 48;
    const auto count = static_cast<int>(labels.size());
    const auto wrong = std::inner_product(labels.begin(), labels.end(), predicted.begin(), 0, std::plus{}, std::not_equal_to{});
    const int rows = (count + columns - 1) / columns;

    svg::Canvas canvas(columns * cell + 16, title + rows * cell_height + 8);
    canvas.text(16, 22, fmt::format("{} test images, {} of them mistaken", count, wrong), {.size = 15, .bold = true});
    canvas.text(16, 40, "below each: the predicted class; where it is wrong, framed in red and the true class below", {});
    for (int i = 0; i < count; ++i) {
        const auto at = static_cast<std::size_t>(i);
        const double x = 8 + i % columns * cell, y = title + i / columns * cell_height, middle = x + cell / 2;
        const bool right = predicted[at] == labels[at];
        const auto name = [](std::int64_t label) { return class_names[static_cast<std::size_t>(label)]; };
        canvas.picture(middle - picture / 2, y, picture, picture, pixels.subspan(at * side * side, side * side), side, side);
        if (!right) canvas.rectangle(middle - picture / 2, y, picture, picture, "none", "#c1121f", 3);
        canvas.text(middle, y + picture + line, name(predicted[at]),
                    {.anchor = svg::Anchor::middle, .colour = right ? "#333333" : "#c1121f", .bold = !right});
        if (!right)
            canvas.text(middle, y + picture + 2 * line, fmt::format("is {}", name(labels[at])),
                        {.size = 11, .anchor = svg::Anchor::middle});
    }
    canvas.save(file);
}
