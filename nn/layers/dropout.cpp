#include "dropout.hpp"

#include <string>

#include "nn/core/detail/fields.hpp"

namespace xgrad::nn::detail {

namespace {

double checked(const char* name, double p, Location where) {
    check<ValueError>(p >= 0 && p <= 1, where,
                      [&] { return std::string(name) + ": p must be in [0, 1], got " + PlainNumber(p).text(); });
    return p;
}

}  // namespace

DropoutLayer::DropoutLayer(const char* name, Function function, double p, Location where)
    : function_(function), p_(checked(name, p, where)) {}

DropoutLayer::DropoutLayer(const char* name, Function function, double p, std::uint64_t seed, Location where)
    : function_(function), p_(checked(name, p, where)), random_(seed) {}

Tensor DropoutLayer::operator()(const Tensor& x, Location where) const {
    if (!training || p_ == 0) return x;
    Generator generator(random_.next());
    return function_(Operand(x, where), p_, generator);
}

XGRAD_FIELDS_OF(detail::DropoutLayer, random_)

}  // namespace xgrad::nn::detail
