#include "norm.hpp"

#include <autodiff/ops/normalize.hpp>

namespace xgrad::nn {

LayerNorm::LayerNorm(const Shape& normalized_shape, const LayerNormOptions& options) : shape_(normalized_shape), eps_(options.eps) {
    if (!options.elementwise_affine) return;
    weight = ones(normalized_shape, options.dtype);
    if (options.bias) bias = zeros(normalized_shape, options.dtype);
}
Tensor LayerNorm::operator()(const Tensor& x, Location where) const { return layer_norm({x, where}, shape_, weight, bias, {.eps = eps_}); }

}  // namespace xgrad::nn
