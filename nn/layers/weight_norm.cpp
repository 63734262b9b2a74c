#include "weight_norm.hpp"

#include <string>
#include <vector>

#include <autodiff/functions/functions.hpp>
#include <autodiff/ops/elementwise/elementwise.hpp>
#include <autodiff/ops/linalg/matmul.hpp>
#include <autodiff/ops/random/random.hpp>
#include <autodiff/ops/reduce/reduce.hpp>
#include <autodiff/ops/shape/shape.hpp>

#include "nn/core/random.hpp"

namespace xgrad::nn::detail {

int checked_axis(const char* name, int axis, int rank, Location where) {
    check<IndexError>(axis >= -rank && axis < rank, where, [&] {
        return std::string(name) + ": dim must be in [" + std::to_string(-rank) + ", " + std::to_string(rank) +
               "), got " + std::to_string(axis);
    });
    return axis < 0 ? axis + rank : axis;
}

Tensor norm_except(const Tensor& v, std::optional<int> axis, Location where) {
    if (!axis) return norm(Operand(v, where));
    std::vector<int> others;
    for (int k = 0; k < v.ndim(); ++k)
        if (k != *axis) others.push_back(k);
    return norm(Operand(v, where), 2, others, true);
}

Tensor weight_normed(const Tensor& g, const Tensor& v, std::optional<int> axis, Location where) {
    return multiply(Operand(v, where), divide(Operand(g, where), norm_except(v, axis, where)));
}

namespace {

/// (outputs, everything else)
Tensor as_matrix(const Tensor& weight, int axis, Location where) {
    const Tensor front = axis == 0 ? weight : moveaxis(Operand(weight, where), axis, 0);
    return reshape(Operand(front, where), {front.shape(0), front.size() / front.shape(0)});
}

}  // namespace

std::pair<Tensor, Tensor> spectral_start(const Tensor& weight, const Spectral& how) {
    const auto start = [&](std::int64_t n) {
        return normalize(randn({n}, default_generator(), weight.dtype()), 2, 0, how.eps);
    };
    const std::int64_t outputs = weight.shape(how.axis);
    Tensor u = start(outputs), v = start(weight.size() / outputs);
    return {std::move(u), std::move(v)};
}

Tensor spectral_normed(const Tensor& weight, Tensor& u, Tensor& v, const Spectral& how, bool moves, Location where) {
    const Tensor matrix = as_matrix(weight, how.axis, where);
    const Autocast exact(Precision::full);
    // A checkpoint that recomputes uses the vectors as the first run left them.
    if (moves && !drawing_again()) {
        const Tensor m = stop_gradient(matrix);
        for (int i = 0; i < how.iterations; ++i) {
            v = normalize(matmul(u, m), 2, 0, how.eps);  // (h)·(h,w)
            u = normalize(matmul(m, v), 2, 0, how.eps);  // (h,w)·(w)
        }
    }
    const Tensor sigma = sum(multiply(Operand(u, where), matmul(Operand(matrix, where), v)));
    return divide(Operand(weight, where), sigma);
}

}  // namespace xgrad::nn::detail
