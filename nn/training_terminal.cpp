#include <csignal>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <mutex>

#include "training_run.hpp"

namespace xgrad::nn::detail {

// --- SIGINT -----------------------------------------------------------------------------------------------------------

namespace {

// A signal's handler has no other way to speak to the loops that run.
std::atomic<int> interrupts{0};
static_assert(std::atomic<int>::is_always_lock_free);
std::mutex handler_mutex;
int handler_users = 0;
struct sigaction handler_before;

extern "C" void xgrad_on_interrupt(int) { interrupts.fetch_add(1); }

}  // namespace

Interrupt::Interrupt(bool wanted) : active_(wanted), before_(interrupts.load()) {
    if (!wanted) return;
    const std::lock_guard lock(handler_mutex);
    if (handler_users++ > 0) return;
    sigaction(SIGINT, nullptr, &handler_before);
    if (handler_before.sa_handler == SIG_IGN) return;
    struct sigaction ours = {};
    ours.sa_handler = &xgrad_on_interrupt;
    ours.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);  // the second one kills
    sigemptyset(&ours.sa_mask);
    sigaction(SIGINT, &ours, nullptr);
}

Interrupt::~Interrupt() {
    if (!active_) return;
    const std::lock_guard lock(handler_mutex);
    if (--handler_users == 0) sigaction(SIGINT, &handler_before, nullptr);
}

bool Interrupt::raised() const { return active_ && interrupts.load() != before_; }

// --- progress ---------------------------------------------------------------------------------------------------------

std::string readable_number(double value) {
    char buffer[32];
    const double size = std::abs(value);
    std::snprintf(buffer, sizeof buffer, size != 0 && (size < 1e-3 || size >= 1e6) ? "%.3g" : "%.4f", value);
    return buffer;
}

namespace {

std::size_t terminal_columns() {
    winsize size{};
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string bar_of(std::int64_t done, std::int64_t all) {
    constexpr std::int64_t width = 24;
    const std::int64_t full = all > 0 ? done * width / all : 0;
    std::string bar = "[" + std::string(static_cast<std::size_t>(full), '=');
    if (full < width) bar += ">" + std::string(static_cast<std::size_t>(width - full - 1), ' ');
    return bar + "] ";
}

std::string duration_text(double seconds) {
    char buffer[32];
    const auto whole = static_cast<long>(std::min(seconds, 1e8));
    if (whole >= 3600) std::snprintf(buffer, sizeof buffer, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
    else std::snprintf(buffer, sizeof buffer, "%ld:%02ld", whole / 60, whole % 60);
    return buffer;
}

}  // namespace

ProgressBar::ProgressBar(ProgressStyle style) : bar_(style == ProgressStyle::bar), lines_(style != ProgressStyle::none) {
    if (style == ProgressStyle::automatic) bar_ = isatty(STDERR_FILENO) == 1;
}

void ProgressBar::show(const std::string& title, std::int64_t batch, std::int64_t batches, const Row& numbers) {
    const auto now = std::chrono::steady_clock::now();
    if (batch <= first_ || first_ == 0) {
        first_ = batch;
        start_ = now;
    }
    next_ = now + std::chrono::milliseconds(100);
    std::string text = title + " ";
    if (batches >= 0) text += bar_of(batch, batches) + std::to_string(batch) + "/" + std::to_string(batches);
    else text += "batch " + std::to_string(batch);
    if (batches >= 0 && batch > first_) {
        const double passed = std::chrono::duration<double>(now - start_).count();
        text += "  " + duration_text(passed / static_cast<double>(batch - first_) * static_cast<double>(batches - batch)) + " left";
    }
    for (const auto& [name, value] : numbers) text += "  " + name + " " + readable_number(value);
    text.resize(std::min(text.size(), terminal_columns() - 1));
    std::fprintf(stderr, "\r\x1b[K%s", text.c_str());
    std::fflush(stderr);
    shown_ = true;
}

void ProgressBar::clear() {
    first_ = 0;
    if (!std::exchange(shown_, false)) return;
    std::fputs("\r\x1b[K", stderr);
    std::fflush(stderr);
}

void ProgressBar::line(const std::string& text) {
    clear();
    if (lines_) std::fprintf(stderr, "%s\n", text.c_str());
}

}  // namespace xgrad::nn::detail
