#include "linear.hpp"

#include <cmath>

#include "init.hpp"

namespace xgrad::nn {

Linear::Linear(std::int64_t in_features, std::int64_t out_features, const LinearOptions& options, Location where) {
    check<ValueError>(in_features > 0 && out_features > 0, where, [&] {
        return "Linear: sizes must be positive, got " + std::to_string(in_features) + " and " + std::to_string(out_features);
    });
    const double bound = 1 / std::sqrt(static_cast<double>(in_features));
    weight = zeros({out_features, in_features}, options.dtype);
    init::uniform(weight, -bound, bound);
    if (!options.bias) return;
    bias = zeros({out_features}, options.dtype);
    init::uniform(bias, -bound, bound);
}

}  // namespace xgrad::nn
