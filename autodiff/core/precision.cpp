#include "precision.hpp"

#include <utility>

namespace xgrad {
namespace {
constinit thread_local Precision current = Precision::full;
}

Autocast::Autocast(Precision precision) noexcept : before_(std::exchange(current, precision)) {}
Autocast::~Autocast() { current = before_; }

Precision current_precision() noexcept { return current; }

}  // namespace xgrad
