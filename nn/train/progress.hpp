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
    bar,        ///< a bar that moves, and lines that stay
    lines,      ///< only those
    none,
};

/// How far a loop is, on standard error: the bar of Trainer, for loops of one's own.
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

    /// Begins anew: `total` units are to be done, -1 where nobody knows, of which `done` are done already. Speed and
    /// time left count from here. With a unit, as "images", the speed is shown.
    void start(std::string title, std::int64_t total, std::string unit = {}, std::int64_t done = 0);
    /// More units are done. True when it is time to draw the bar: at most ten times a second.
    bool advance(std::int64_t units = 1);
    /// Draws the bar with these numbers behind it.
    void show(const Numbers& numbers = {});
    /// A line that stays; a long one is broken between its words (those two spaces apart) to fit the terminal.
    void line(const std::string& text);
    /// Removes the bar.
    void clear();

    /// The bar as text of at most `columns` characters, after `seconds`. What does not fit is left out from the end,
    /// numbers whole.
    std::string text(const Numbers& numbers, double seconds, std::size_t columns) const;

private:
    using Clock = std::chrono::steady_clock;

    bool bar_, lines_, shown_ = false;
    std::string title_, unit_;
    std::int64_t total_ = -1, done_ = 0, first_ = 0;
    Clock::time_point start_ = {}, next_ = {};
};

}  // namespace xgrad::nn
