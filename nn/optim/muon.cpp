#include "muon.hpp"

#include <algorithm>
#include <cmath>

#include <autodiff/functions/functions.hpp>
#include <autodiff/ops/elementwise/elementwise.hpp>
#include <autodiff/ops/linalg/matmul.hpp>
#include <autodiff/ops/reduce/reduce.hpp>
#include <autodiff/ops/shape/shape.hpp>

namespace xgrad::nn {

namespace {

/// A matrix with the singular vectors of x and singular values near 1.
Tensor orthogonalised(Tensor x, const MuonOptions& o) {
    const Autocast exact(Precision::full);
    const bool tall = x.shape(0) > x.shape(1);  // the smaller Gram matrix is cheaper
    if (tall) x = transpose(x);
    x = x / std::max(norm(x).item(), o.eps);
    const auto [a, b, c] = o.ns_coefficients;
    for (int step = 0; step < o.ns_steps; ++step) {
        const Tensor gram = matmul(x, transpose(x));
        x = a * x + matmul(b * gram + c * matmul(gram, gram), x);
    }
    return tall ? transpose(x) : x;
}

UpdateRule adamw_rule(const MuonOptions& o, const detail::ParameterState& state) {
    const double t = static_cast<double>(state.steps);
    return updates::Adam{.beta1 = o.adamw_betas.first,
                         .beta2 = o.adamw_betas.second,
                         .step_size = o.lr / (1 - std::pow(o.adamw_betas.first, t)),
                         .denominator_scale = 1 / std::sqrt(1 - std::pow(o.adamw_betas.second, t)),
                         .eps = o.adamw_eps,
                         .shrinkage = 1 - o.lr * o.weight_decay};
}

}  // namespace

Muon::Muon(const MuonOptions& options, Location where)
    : OptimizerWith(options, "Muon", {"exp_avg", "exp_avg_sq", "momentum_buffer"}) {
    check_options(options, where);
}

void Muon::check_options(const MuonOptions& o, Location where) const {
    check<ValueError>(o.lr >= 0 && o.weight_decay >= 0 && o.eps >= 0 && o.adamw_eps >= 0 && o.ns_steps >= 0, where,
                      [] { return std::string("Muon: lr, weight_decay, eps and ns_steps must not be negative"); });
    check<ValueError>(o.momentum >= 0 && o.momentum < 1, where,
                      [&] { return "Muon: momentum must be in [0, 1), got " + PlainNumber(o.momentum).text(); });
}

UpdateRule Muon::rule(std::size_t group, detail::ParameterState& state, Tensor& gradient) const {
    const MuonOptions& o = options_of(group);
    if (!o.use_muon || state.shape.rank() < 2 || state.shape.size() == 0) return adamw_rule(o, state);
    const Tensor g = stop_gradient(gradient);
    Tensor& momentum = state.tensors[2];
    if (!momentum.defined()) momentum = zeros(state.shape, state.dtype);
    momentum = lerp(momentum, g, 1 - o.momentum);
    const Tensor update = o.nesterov ? lerp(g, momentum, o.momentum) : momentum;
    const std::int64_t rows = state.shape[0], columns = state.shape.size() / rows;
    gradient = reshape(orthogonalised(reshape(update, {rows, columns}), o), state.shape);
    const double m = static_cast<double>(rows), n = static_cast<double>(columns);
    const double factor =
        o.adjust_lr_fn == MuonLr::original ? std::sqrt(std::max(1.0, m / n)) : 0.2 * std::sqrt(std::max(m, n));
    return updates::Sgd{.lr = o.lr * factor, .shrinkage = 1 - o.lr * o.weight_decay};
}

}  // namespace xgrad::nn
