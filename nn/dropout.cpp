#include "dropout.hpp"

#include <autodiff/functions.hpp>

#include "random.hpp"

namespace xgrad::nn {

namespace {

double checked(double p, Location where) {
    check<ValueError>(p >= 0 && p <= 1, where, [&] { return "Dropout: p must be in [0, 1], got " + std::to_string(p); });
    return p;
}

}  // namespace

Dropout::Dropout(double p, Location where) : p_(checked(p, where)) {}

Dropout::Dropout(double p, std::uint64_t seed, Location where) : p_(checked(p, where)), random_(seed) {}

Tensor Dropout::operator()(const Tensor& x) const {
    if (!training || p_ == 0) return x;
    Generator generator(random_.next());
    return dropout(x, p_, generator);
}

}  // namespace xgrad::nn
