#include "dropout.hpp"

#include <autodiff/functions.hpp>

#include "random.hpp"

namespace xgrad::nn {

Dropout::Dropout(double p, Location where) : Dropout(p, detail::draw_seed(), where) {}

Dropout::Dropout(double p, std::uint64_t seed, Location where) : p_(p), seed_(seed) {
    check<ValueError>(p >= 0 && p <= 1, where, [&] { return "Dropout: p must be in [0, 1], got " + std::to_string(p); });
}

Dropout::Dropout(const Dropout& other) noexcept
    : training(other.training), p_(other.p_), seed_(other.seed_), calls_(other.calls_.load(std::memory_order_relaxed)) {}

Dropout& Dropout::operator=(const Dropout& other) noexcept {
    training = other.training;
    p_ = other.p_;
    seed_ = other.seed_;
    calls_.store(other.calls_.load(std::memory_order_relaxed), std::memory_order_relaxed);
    return *this;
}

Tensor Dropout::operator()(const Tensor& x) const {
    if (!training || p_ == 0) return x;
    // Inside a checkpoint that computes again, the generator gives the first time's numbers whatever its seed.
    const std::uint64_t call = drawing_again() ? 0 : calls_.fetch_add(1, std::memory_order_relaxed);
    Generator generator(detail::mix(seed_, call));
    return dropout(x, p_, generator);
}

}  // namespace xgrad::nn
