#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <autodiff/core/export.hpp>

namespace xgrad::nn {

enum class ProgressStyle {
    automatic,  ///< bar if standard error is a terminal, otherwise lines
    bar,        ///< a moving bar, and permanent lines
    lines,      ///< permanent lines only
    none,
};

/// A progress bar on standard error: the bar of Trainer, for your own loops.
///
///     nn::ProgressBar bar;
///     for (int epoch = 1; epoch <= 10; ++epoch) {
///         bar.start("epoch " + std::to_string(epoch), loader.size(), "batches");
///         for (const auto& [x, y] : loader) {
///             …
///             if (bar.advance()) bar.show({{"loss", loss.item()}});
///         }
///         bar.line("epoch " + std::to_string(epoch) + " is done");
///     }
class XGRAD_API ProgressBar {
public:
    using Numbers = std::vector<std::pair<std::string, double>>;

    explicit ProgressBar(ProgressStyle style = ProgressStyle::automatic);
    ~ProgressBar();
    ProgressBar(const ProgressBar&) = delete;
    ProgressBar& operator=(const ProgressBar&) = delete;

    /// Starts again: `total` units are to be done (-1 if unknown), of which `done` are already done. Speed and
    /// remaining time are measured from here. With a unit, such as "images", the speed is shown.
    void start(std::string title, std::int64_t total, std::string unit = {}, std::int64_t done = 0);
    /// Adds completed units. Returns true when it is time to draw the bar: at most ten times a second.
    bool advance(std::int64_t units = 1);
    /// Draws the bar followed by these numbers.
    void show(const Numbers& numbers = {});
    /// Prints a permanent line; a long one is broken where words are two spaces apart, to fit the terminal.
    void line(const std::string& text);
    /// Removes the bar.
    void clear();

    /// The bar as text of at most `columns` characters, after `seconds`. What does not fit is dropped from the end;
    /// each number is kept or dropped as a whole.
    std::string text(const Numbers& numbers, double seconds, std::size_t columns) const;

private:
    using Clock = std::chrono::steady_clock;

    bool bar_, lines_, shown_ = false;
    std::string title_, unit_;
    std::int64_t total_ = -1, done_ = 0, first_ = 0;
    Clock::time_point start_ = {}, next_ = {};
};

}  // namespace xgrad::nn
