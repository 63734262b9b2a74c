#include "activation.hpp"

#include <string>

#include "fields.hpp"

namespace xgrad::nn {

PReLU::PReLU(const PReLUOptions& options, Location where) {
    check<ValueError>(options.num_parameters > 0, where,
                      [&] { return "PReLU: num_parameters must be positive, got " + std::to_string(options.num_parameters); });
    weight = full({options.num_parameters}, options.init, options.dtype);
}

namespace {

double checked(double lower, double upper, Location where) {
    check<ValueError>(lower <= upper, where, [&] {
        return "RReLU: lower must not be above upper, got " + std::to_string(lower) + " and " + std::to_string(upper);
    });
    return lower;
}

}  // namespace

RReLU::RReLU(double lower, double upper, Location where) : lower_(checked(lower, upper, where)), upper_(upper) {}

RReLU::RReLU(double lower, double upper, std::uint64_t seed, Location where)
    : lower_(checked(lower, upper, where)), upper_(upper), random_(seed) {}

Tensor RReLU::operator()(const Tensor& x, Location where) const {
    if (!training) return leaky_relu(Operand(x, where), (lower_ + upper_) / 2);
    Generator generator(random_.next());
    return rrelu(Operand(x, where), lower_, upper_, generator);
}

Tensor Softmax2d::operator()(const Tensor& x, Location where) const {
    check<ShapeError>(x.ndim() == 3 || x.ndim() == 4, where,
                      [&] { return "Softmax2d: the input must have 3 or 4 axes, got shape " + to_string(x.shape()); });
    return softmax(Operand(x, where), -3);
}

XGRAD_FIELDS_OF(PReLU, weight)
XGRAD_FIELDS_OF(RReLU, random_)

}  // namespace xgrad::nn
