#include "linear.hpp"

#include <cmath>

#include "nn/core/detail/fields.hpp"
#include "nn/core/init.hpp"

namespace xgrad::nn {

namespace {

void start(Parameter& weight, Parameter& bias, const Shape& shape, double bound, const LinearOptions& options) {
    weight = zeros(shape, options.dtype);
    init::uniform(weight, -bound, bound);
    if (!options.bias) return;
    bias = zeros({shape[0]}, options.dtype);
    init::uniform(bias, -bound, bound);
}

}  // namespace

Linear::Linear(std::int64_t in_features, std::int64_t out_features, const LinearOptions& options, Location where) {
    check<ValueError>(in_features > 0 && out_features > 0, where, [&] {
        return "Linear: sizes must be positive, got " + std::to_string(in_features) + " and " +
               std::to_string(out_features);
    });
    start(weight, bias, {out_features, in_features}, 1 / std::sqrt(static_cast<double>(in_features)), options);
}

Bilinear::Bilinear(std::int64_t in1_features, std::int64_t in2_features, std::int64_t out_features,
                   const LinearOptions& options, Location where) {
    check<ValueError>(in1_features > 0 && in2_features > 0 && out_features > 0, where, [&] {
        return "Bilinear: sizes must be positive, got " + std::to_string(in1_features) + ", " +
               std::to_string(in2_features) + " and " + std::to_string(out_features);
    });
    start(weight, bias, {out_features, in1_features, in2_features}, 1 / std::sqrt(static_cast<double>(in1_features)),
          options);
}

XGRAD_FIELDS_OF(Linear, weight, bias)
XGRAD_FIELDS_OF(Bilinear, weight, bias)

}  // namespace xgrad::nn
