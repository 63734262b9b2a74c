#include "activation.hpp"

#include <string>
#include <utility>

#include "nn/core/detail/fields.hpp"

namespace xgrad::nn {

PReLU::PReLU(const PReLUOptions& options, Location where) {
    check<ValueError>(options.num_parameters > 0, where, [&] {
        return "PReLU: num_parameters must be positive, got " + std::to_string(options.num_parameters);
    });
    weight = full({options.num_parameters}, options.init, options.dtype);
}

namespace detail {

Valid::Valid(bool ok, const char* rule, std::initializer_list<double> numbers, Location where) {
    check<ValueError>(ok, where, [&] {
        std::string text = rule;
        for (const char* before = ", got "; const double number : numbers)
            text += std::exchange(before, " and ") + PlainNumber(number).text();
        return text;
    });
}

}  // namespace detail

RReLU::RReLU(double lower, double upper, Location where) : RReLU(lower, upper, RandomStream(), where) {}

RReLU::RReLU(double lower, double upper, std::uint64_t seed, Location where)
    : RReLU(lower, upper, RandomStream(seed), where) {}

RReLU::RReLU(double lower, double upper, RandomStream random, Location where)
    : lower_(lower), upper_(upper), random_(std::move(random)) {
    detail::Valid(lower <= upper, "RReLU: lower must not be above upper", {lower, upper}, where);
}

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
