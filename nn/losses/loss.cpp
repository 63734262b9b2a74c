#include "loss.hpp"

#include <cmath>
#include <numbers>

#include <autodiff/ops/nn/cross_entropy.hpp>
#include <autodiff/ops/elementwise/elementwise.hpp>
#include <autodiff/ops/shape/index.hpp>
#include <autodiff/ops/reduce/reduce.hpp>
#include <autodiff/ops/shape/shape.hpp>
#include <autodiff/core/tape.hpp>

#include "detail/parts.hpp"

namespace xgrad::nn {

using namespace detail;

// --- regression ------------------------------------------------------------------------------------------------------

Tensor mse_loss(const Tensor& input, const Tensor& target, const LossOptions& options, Location where) {
    check_same_shape("mse_loss", input, target, where);
    return reduced(square(subtract(Operand(input, where), target)), options.reduction);
}

Tensor l1_loss(const Tensor& input, const Tensor& target, const LossOptions& options, Location where) {
    check_same_shape("l1_loss", input, target, where);
    return reduced(abs(subtract(Operand(input, where), target)), options.reduction);
}

namespace {

/// d²/2 for |d| < limit, else the tangent: both equal m * (d - m / 2), where m is d clamped to the limits, and a
/// constant at the limits.
Tensor rounded_distance(const Tensor& input, const Tensor& target, double limit, Location where) {
    const Tensor d = subtract(Operand(input, where), target), m = hardtanh(d, -limit, limit);
    return m * (d - 0.5 * m);
}

}  // namespace

Tensor smooth_l1_loss(const Tensor& input, const Tensor& target, const SmoothL1Options& options, Location where) {
    check_same_shape("smooth_l1_loss", input, target, where);
    check<ValueError>(options.beta >= 0, where, [&] {
        return "smooth_l1_loss: beta must not be negative, got " + PlainNumber(options.beta).text();
    });
    if (options.beta == 0) return l1_loss(input, target, {options.reduction}, where);
    return reduced(rounded_distance(input, target, options.beta, where) / options.beta, options.reduction);
}

Tensor huber_loss(const Tensor& input, const Tensor& target, const HuberOptions& options, Location where) {
    check_same_shape("huber_loss", input, target, where);
    check<ValueError>(options.delta > 0, where,
                      [&] { return "huber_loss: delta must be positive, got " + PlainNumber(options.delta).text(); });
    return reduced(rounded_distance(input, target, options.delta, where), options.reduction);
}

Tensor poisson_nll_loss(const Tensor& input, const Tensor& given, const PoissonNllOptions& options, Location where) {
    check_same_shape("poisson_nll_loss", input, given, where);
    const Tensor target = like(given, input);
    Tensor losses = options.log_input ? exp(input) - target * input : input - target * log(input + options.eps);
    if (options.full) {
        const Tensor large = greater(target, 1), t = xgrad::where(large, target, 1);
        losses = losses + xgrad::where(large, t * log(t) - t + 0.5 * log(2 * std::numbers::pi * t), 0);
    }
    return reduced(std::move(losses), options.reduction);
}

Tensor gaussian_nll_loss(const Tensor& input, const Tensor& target, const Tensor& var,
                         const GaussianNllOptions& options, Location where) {
    check_same_shape("gaussian_nll_loss", input, target, where);
    Tensor variance = var;
    if (var.shape() != input.shape()) {
        const Shape outer(input.shape().begin(), std::max(input.ndim() - 1, 0));
        Shape column = outer;
        column.push_back(1);
        check<ShapeError>(input.ndim() > 0 && (var.shape() == outer || var.shape() == column), where, [&] {
            return "gaussian_nll_loss: var must have input's shape, the last size 1 or missing, got " +
                   to_string(var.shape()) + " for " + to_string(input.shape());
        });
        variance = reshape(var, column);
    }
    const Tensor value = stop_gradient(variance);
    check<ValueError>(!any(less(value, 0)).item<bool>(), where,
                      [] { return std::string("gaussian_nll_loss: var must not be negative, got one that is"); });
    variance = variance + (maximum(value, options.eps) - value);
    Tensor losses = 0.5 * (log(variance) + square(subtract(Operand(input, where), target)) / variance);
    if (options.full) losses = losses + 0.5 * std::log(2 * std::numbers::pi);
    return reduced(std::move(losses), options.reduction);
}

// --- classification --------------------------------------------------------------------------------------------------

namespace {
/// Weights broadcast to the losses, never the other way round.
void check_factor(const char* loss, const char* name, const Tensor& factor, const Tensor& input, Location where) {
    if (!factor.defined()) return;
    bool fits = factor.ndim() <= input.ndim();
    for (int k = 1; fits && k <= factor.ndim(); ++k)
        fits = factor.shape(-k) == 1 || factor.shape(-k) == input.shape(-k);
    check<ShapeError>(fits, where, [&] {
        return std::string(loss) + ": " + name + " must broadcast to input's shape " + to_string(input.shape()) +
               ", got " + to_string(factor.shape());
    });
    check<DTypeError>(factor.dtype() == input.dtype(), where, [&] {
        return std::string(loss) + ": " + name + " must have input's dtype " + name_of(input.dtype()) + ", got " +
               name_of(factor.dtype());
    });
}
}  // namespace

Tensor binary_cross_entropy(const Tensor& input, const Tensor& target, const BceOptions& options, Location where) {
    check_same_shape("binary_cross_entropy", input, target, where);
    if (const Tensor p = stop_gradient(input); p.size() > 0)
        check<ValueError>(min(p).item() >= 0 && max(p).item() <= 1, where, [&] {
            return "binary_cross_entropy: inputs must be in [0, 1], got some from " +
                   PlainNumber(min(p).item()).text() + " to " + PlainNumber(max(p).item()).text();
        });
    Tensor losses = bernoulli_cross_entropy(Operand(input, where), like(target, input));
    check_factor("binary_cross_entropy", "weight", options.weight, input, where);
    if (options.weight.defined()) losses = losses * Operand(options.weight, where);
    return reduced(std::move(losses), options.reduction);
}

Tensor binary_cross_entropy_with_logits(const Tensor& input, const Tensor& given, const BceWithLogitsOptions& options,
                                        Location where) {
    check_same_shape("binary_cross_entropy_with_logits", input, given, where);
    check_factor("binary_cross_entropy_with_logits", "weight", options.weight, input, where);
    check_factor("binary_cross_entropy_with_logits", "pos_weight", options.pos_weight, input, where);
    const Tensor target = like(given, input);
    // Each term has its own logarithm, so that both gradients are exact in the tails.
    const Tensor hits = options.pos_weight.defined() ? options.pos_weight * target : target;
    Tensor losses = hits * softplus(negative(Operand(input, where))) + (1 - target) * softplus(Operand(input, where));
    if (options.weight.defined()) losses = losses * options.weight;
    return reduced(std::move(losses), options.reduction);
}

namespace {

/// Class indices that are safe to index with, the weight of each, and which are ignored; all of target's shape. An
/// empty weight means 1, an empty `ignored` means none.
struct Classes {
    Tensor index, weight, ignored;

    Classes(const Tensor& target, const Tensor& class_weight, bool ignores, std::int64_t ignore_index, DType dtype)
        : index(target) {
        if (ignores) {
            ignored = equal(target, static_cast<double>(ignore_index));
            index = xgrad::where(ignored, 0, target);
        }
        if (class_weight.defined()) weight = take(class_weight, index);
        if (!ignored.defined()) return;
        const Tensor zero = zeros(target.shape(), dtype);
        weight = xgrad::where(ignored, zero, weight.defined() ? weight : zero + 1);
    }
    /// Reduces losses of target's shape, already weighted, as PyTorch does: the mean is weighted.
    Tensor reduce(Tensor losses, Reduction reduction) const {
        if (ignored.defined()) losses = xgrad::where(ignored, 0, losses);  // not 0 * inf
        if (reduction == Reduction::mean && weight.defined()) return sum(std::move(losses)) / sum(weight);
        return reduced(std::move(losses), reduction);
    }
};

Tensor picked_loss(const Tensor& log_probabilities, const Classes& classes, Reduction reduction) {
    const int axis = class_axis(log_probabilities);
    Shape with_axis = log_probabilities.shape();
    with_axis[axis] = 1;
    Tensor picked = take_along_axis(log_probabilities, reshape(classes.index, with_axis), axis);
    if (!classes.weight.defined() && reduction != Reduction::none) return -reduced(std::move(picked), reduction);
    Tensor losses = -reshape(std::move(picked), classes.index.shape());
    if (classes.weight.defined()) losses = losses * classes.weight;
    return classes.reduce(std::move(losses), reduction);
}

/// The class weights, shaped to lie along the class axis.
Tensor along_classes(const Tensor& weight, const Tensor& scores) {
    Shape shape{weight.size()};
    for (int i = class_axis(scores) + 1; i < scores.ndim(); ++i) shape.push_back(1);
    return reshape(weight, shape);
}

Tensor probability_loss(const Tensor& log_probabilities, Tensor target, const CrossEntropyOptions& o) {
    const int axis = class_axis(log_probabilities);
    const double count = static_cast<double>(log_probabilities.shape(axis));
    if (o.label_smoothing > 0) target = target * (1 - o.label_smoothing) + o.label_smoothing / count;
    Tensor products = log_probabilities * target;
    if (o.weight.defined()) products = products * along_classes(o.weight, log_probabilities);
    if (o.reduction == Reduction::none) return -sum(products, axis);
    if (o.reduction == Reduction::sum) return -sum(products);
    return -sum(products) / (static_cast<double>(products.size()) / count);
}

}  // namespace

Tensor nll_loss(const Tensor& input, const Tensor& target, const NllOptions& options, Location where) {
    const bool ignores = check_classes("nll_loss", input, target, options.ignore_index, where);
    check_class_weight("nll_loss", options.weight, input, where);
    return picked_loss(input, Classes(target, options.weight, ignores, options.ignore_index, input.dtype()),
                       options.reduction);
}

Tensor cross_entropy(const Tensor& input, const Tensor& target, const CrossEntropyOptions& options, Location where) {
    const double smoothing = options.label_smoothing;
    check<ValueError>(smoothing >= 0 && smoothing <= 1, where, [&] {
        return "cross_entropy: label_smoothing must be in [0, 1], got " + PlainNumber(smoothing).text();
    });
    const bool probabilities = is_floating(target.dtype()) && input.ndim() > 0 && target.shape() == input.shape();
    const bool ignores = !probabilities && check_classes("cross_entropy", input, target, options.ignore_index, where);
    check_class_weight("cross_entropy", options.weight, input, where);
    const int axis = class_axis(input);
    const Tensor log_probabilities = log_softmax(Operand(input, where), axis);
    if (probabilities) return probability_loss(log_probabilities, target, options);
    const Classes classes(target, options.weight, ignores, options.ignore_index, input.dtype());
    const Tensor loss = picked_loss(log_probabilities, classes, options.reduction);
    if (smoothing == 0) return loss;
    const Tensor weighted = options.weight.defined()
                                ? log_probabilities * along_classes(options.weight, log_probabilities)
                                : log_probabilities;
    const Tensor even = classes.reduce(-sum(weighted, axis), options.reduction);
    return (1 - smoothing) * loss + smoothing / static_cast<double>(input.shape(axis)) * even;
}

Tensor kl_div(const Tensor& input, const Tensor& target, const KlDivOptions& options, Location where) {
    check_same_shape("kl_div", input, target, where);
    const Operand x(input, where);
    Tensor losses = options.log_target ? exp(target) * (target - input)
                                       : xlogy(target, target) - multiply(target, x.without_reuse());
    switch (options.reduction) {
        case KlReduction::none: return losses;
        case KlReduction::mean: return mean(losses);
        case KlReduction::sum: return sum(losses);
        case KlReduction::batchmean: break;
    }
    check<ShapeError>(input.ndim() > 0, where,
                      [] { return std::string("kl_div: batchmean needs an axis of samples, got a scalar"); });
    return sum(losses) / static_cast<double>(input.shape(0));
}

}  // namespace xgrad::nn
