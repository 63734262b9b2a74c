#include <csignal>

#include <atomic>
#include <cmath>
#include <cstdio>
#include <mutex>

#include "detail/run.hpp"

namespace xgrad::nn::detail {

// --- SIGINT ----------------------------------------------------------------------------------------------------------

namespace {

// A signal handler has no other way to communicate with running loops.
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
    ours.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);  // the second signal kills the process
    sigemptyset(&ours.sa_mask);
    sigaction(SIGINT, &ours, nullptr);
}

Interrupt::~Interrupt() {
    if (!active_) return;
    const std::lock_guard lock(handler_mutex);
    if (--handler_users == 0) sigaction(SIGINT, &handler_before, nullptr);
}

bool Interrupt::raised() const { return active_ && interrupts.load() != before_; }

// --- numbers ---------------------------------------------------------------------------------------------------------

std::string readable_number(double value) {
    if (std::isnan(value)) return "nan";  // without a possible sign
    char buffer[32];
    const double size = std::abs(value);
    std::snprintf(buffer, sizeof buffer, size != 0 && (size < 1e-3 || size >= 1e6) ? "%.3g" : "%.4f", value);
    return buffer;
}

}  // namespace xgrad::nn::detail
