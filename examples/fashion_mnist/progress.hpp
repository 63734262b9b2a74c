#pragma once

#include <chrono>
#include <cstdint>
#include <string>

/// A progress bar with speed and remaining time, redrawn in place on stderr when that is a terminal; otherwise nothing is shown.
class Progress {
public:
    using Clock = std::chrono::steady_clock;

    Progress(std::int64_t total, std::string unit);
    ~Progress() { clear(); }
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    /// What stands in front of the bar.
    void label(std::string text) { label_ = std::move(text); }
    /// More units are done; redraws at most twenty times a second.
    void advance(std::int64_t units, const std::string& note = {});
    /// Removes the bar, so that a line can be printed.
    void clear();

    /// The bar as text: `epoch 3/10 [=====>    ]  51%  142 000 images/s  0:07 left  loss 0.31`.
    static std::string line(const std::string& label, std::int64_t done, std::int64_t total, const std::string& unit, double seconds,
                            const std::string& note, int columns);

private:
    std::string label_, unit_;
    std::int64_t total_, done_ = 0;
    Clock::time_point start_ = Clock::now(), drawn_{};
    bool terminal_, shown_ = false;
};
