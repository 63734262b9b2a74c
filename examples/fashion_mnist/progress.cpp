#include "progress.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace {

std::string grouped(double number) {
    std::string digits = fmt::format("{:.0f}", number);
    for (auto i = static_cast<int>(digits.size()) - 3; i > 0; i -= 3) digits.insert(static_cast<std::size_t>(i), " ");
    return digits;
}

int terminal_columns() {
    winsize size{};
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

Progress::Progress(std::int64_t total, std::string unit) : unit_(std::move(unit)), total_(total), terminal_(isatty(STDERR_FILENO) == 1) {}

void Progress::advance(std::int64_t units, const std::string& note) {
    done_ += units;
    const auto now = Clock::now();
    if (!terminal_ || now - drawn_ < std::chrono::milliseconds(50)) return;
    drawn_ = now;
    shown_ = true;
    const double seconds = std::chrono::duration<double>(now - start_).count();
    fmt::print(stderr, "\r\x1b[K{}", line(label_, done_, total_, unit_, seconds, note, terminal_columns() - 1));
    std::fflush(stderr);
}

void Progress::clear() {
    if (!shown_) return;
    fmt::print(stderr, "\r\x1b[K");
    std::fflush(stderr);
    shown_ = false;
}

std::string Progress::line(const std::string& label, std::int64_t done, std::int64_t total, const std::string& unit, double seconds,
                           const std::string& note, int columns) {
    const double part = total > 0 ? std::clamp(static_cast<double>(done) / static_cast<double>(total), 0.0, 1.0) : 1;
    const double speed = seconds > 0 ? static_cast<double>(done) / seconds : 0;
    const auto left = speed > 0 ? std::llround(std::ceil(static_cast<double>(total - done) / speed)) : 0;
    const std::string before = label + " [",
                      after = fmt::format("] {:3.0f}%  {} {}/s  {}:{:02} left{}{}", std::floor(part * 100), grouped(speed), unit, left / 60,
                                          left % 60, note.empty() ? "" : "  ", note);
    const int width = std::clamp(columns - static_cast<int>(before.size() + after.size()), 0, 40);
    std::string bar(static_cast<std::size_t>(width), ' ');
    const auto filled = static_cast<std::size_t>(part * width);
    std::fill_n(bar.begin(), filled, '=');
    if (filled < bar.size()) bar[filled] = '>';
    return (before + bar + after).substr(0, static_cast<std::size_t>(std::max(columns, 0)));
}
