#include "progress.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "detail/run.hpp"

namespace xgrad::nn {

namespace {

/// The width of the terminal, or 80 if unknown.
std::size_t columns_of_terminal() {
    winsize size{};
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string drawing(std::int64_t done, std::int64_t all, std::int64_t width) {
    const std::int64_t full = all > 0 ? std::clamp<std::int64_t>(done, 0, all) * width / all : width;
    std::string bar(static_cast<std::size_t>(full), '=');
    if (full < width) bar += ">" + std::string(static_cast<std::size_t>(width - full - 1), ' ');
    return "[" + bar + "] ";
}

std::string duration(double seconds) {
    char buffer[32];
    const auto whole = static_cast<long>(std::clamp(seconds, 0.0, 1e8));
    if (whole >= 3600)
        std::snprintf(buffer, sizeof buffer, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
    else std::snprintf(buffer, sizeof buffer, "%ld:%02ld", whole / 60, whole % 60);
    return buffer;
}

/// 142000 as "142 000".
std::string grouped(double number) {
    std::string digits = std::to_string(std::llround(std::min(number, 1e15)));
    for (auto i = static_cast<std::ptrdiff_t>(digits.size()) - 3; i > 0; i -= 3)
        digits.insert(static_cast<std::size_t>(i), " ");
    return digits;
}

/// Breaks lines where words are two spaces apart.
std::string broken(const std::string& text, std::size_t columns) {
    std::string result, line;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find("  ", at), text.size());
        const std::string word = text.substr(at, end - at);
        at = std::min(text.find_first_not_of(' ', end), text.size());
        if (!line.empty() && line.size() + 2 + word.size() > columns) {
            result += line + '\n';
            line.clear();
        }
        line += (line.empty() && result.empty() ? "" : "  ") + word;
    }
    return result + line;
}

}  // namespace

ProgressBar::ProgressBar(ProgressStyle style)
    : bar_(style == ProgressStyle::bar), lines_(style != ProgressStyle::none) {
    if (style == ProgressStyle::automatic) bar_ = isatty(STDERR_FILENO) == 1;
}

ProgressBar::~ProgressBar() { clear(); }

void ProgressBar::start(std::string title, std::int64_t total, std::string unit, std::int64_t done) {
    title_ = std::move(title);
    unit_ = std::move(unit);
    total_ = total;
    done_ = first_ = done;
    start_ = Clock::now();
}

bool ProgressBar::advance(std::int64_t units) {
    done_ += units;
    return bar_ && Clock::now() >= next_;
}

void ProgressBar::show(const Numbers& numbers) {
    if (!bar_) return;
    const auto now = Clock::now();
    next_ = now + std::chrono::milliseconds(100);
    std::fprintf(stderr, "\r\x1b[K%s",
                 text(numbers, std::chrono::duration<double>(now - start_).count(), columns_of_terminal() - 1).c_str());
    std::fflush(stderr);
    shown_ = true;
}

std::string ProgressBar::text(const Numbers& numbers, double seconds, std::size_t columns) const {
    const auto here = static_cast<double>(done_ - first_);
    const std::string title = title_.empty() ? "" : title_ + " ";
    std::vector<std::string> parts;
    if (!unit_.empty() && here > 0 && seconds > 0) parts.push_back(grouped(here / seconds) + " " + unit_ + "/s");
    if (total_ >= 0 && here > 0)
        parts.push_back(duration(seconds / here * static_cast<double>(total_ - done_)) + " left");
    for (const auto& [name, value] : numbers) parts.push_back(name + " " + detail::readable_number(value));

    std::string rest;
    for (const std::string& part : parts) rest += "  " + part;
    std::string text = title + "batch " + std::to_string(done_);
    if (total_ >= 0) {
        const std::string count = std::to_string(done_) + "/" + std::to_string(total_);
        // The bar shrinks, at most to a third, to make room for the text after it.
        const std::size_t others = title.size() + 3 + count.size() + rest.size();
        const std::size_t width = std::clamp<std::size_t>(columns > others ? columns - others : 0, 8, 24);
        text = title + drawing(done_, total_, static_cast<std::int64_t>(width)) + count;
    }
    for (const std::string& part : parts) {
        if (text.size() + 2 + part.size() > columns) break;
        text += "  " + part;
    }
    text.resize(std::min(text.size(), columns));
    return text;
}

void ProgressBar::clear() {
    if (!std::exchange(shown_, false)) return;
    std::fputs("\r\x1b[K", stderr);
    std::fflush(stderr);
}

void ProgressBar::line(const std::string& text) {
    clear();
    if (lines_) std::fprintf(stderr, "%s\n", broken(text, columns_of_terminal()).c_str());
}

}  // namespace xgrad::nn
