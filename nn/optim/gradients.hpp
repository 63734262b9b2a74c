#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <autodiff/core/tape.hpp>

#include "nn/core/module.hpp"

// Gradients of a model processed on their way to an optimizer: `adam.step(net, nn::clip_grad_norm(net,
// tape.gradient(loss), 1.0))`.

namespace xgrad::nn {

namespace detail {
XGRAD_API std::vector<Tensor> gradients_of(ModelRef model, const Gradients& gradients);
XGRAD_API std::vector<std::pair<std::string, double>> gradient_norms(ModelRef model, const Gradients& gradients);
/// The reason why none of these parameters has a gradient, for an error message. `given` is null when the gradients
/// came only as a list.
XGRAD_API std::string why_no_gradients(const std::vector<Parameter*>& parameters, const Gradients* given);
}  // namespace detail

/// The gradients of the model's parameters in their order; empty for a parameter without a gradient.
template <class M>
std::vector<Tensor> gradients_of(const M& model, const Gradients& gradients) {
    return detail::gradients_of(detail::readable(model), gradients);
}

/// The norm of each parameter's gradient, by the parameter's name, in their order; parameters without a gradient are
/// left out. Shows where gradients vanish or explode:
///
///     for (const auto& [name, norm] : nn::gradient_norms(net, gradients)) std::cout << name << ' ' << norm << '\n';
template <class M>
std::vector<std::pair<std::string, double>> gradient_norms(const M& model, const Gradients& gradients) {
    return detail::gradient_norms(detail::readable(model), gradients);
}

/// Gradients in the order of the parameters, and their norm before clipping.
struct ClippedGradients : std::vector<Tensor> {
    double total_norm = 0;
};
struct ClipGradNormOptions {
    double norm_type = 2;  ///< infinity: the largest element counts
    bool error_if_nonfinite =
        false;  ///< true: ValueError for a norm that is NaN or infinite; false: the result is then not finite either
};
/// The gradients, all multiplied by max_norm / (total_norm + 1e-6) if that is less than 1, where total_norm is the norm
/// of all elements together: PyTorch's clip_grad_norm_ (Pascanu, Mikolov, Bengio 2013). Empty ones are left out.
/// ValueError for a negative max_norm, which would flip their sign.
XGRAD_API ClippedGradients clip_grad_norm(std::vector<Tensor> gradients, double max_norm,
                                          const ClipGradNormOptions& options = {},
                                          Location where = Location::current());
template <class M>
ClippedGradients clip_grad_norm(const M& model, const Gradients& gradients, double max_norm,
                                const ClipGradNormOptions& options = {}, Location where = Location::current()) {
    return clip_grad_norm(gradients_of(model, gradients), max_norm, options, where);
}

/// Each element clamped to [-clip_value, clip_value]. ValueError for a negative limit.
XGRAD_API std::vector<Tensor> clip_grad_value(std::vector<Tensor> gradients, double clip_value,
                                              Location where = Location::current());
template <class M>
std::vector<Tensor> clip_grad_value(const M& model, const Gradients& gradients, double clip_value,
                                    Location where = Location::current()) {
    return clip_grad_value(gradients_of(model, gradients), clip_value, where);
}

/// Adds the gradients of several batches for one step:
///
///     accumulator.add(net, tape.gradient(loss));          // for each batch
///     adam.step(net, accumulator.take_mean());            // after some of them
class XGRAD_API GradientAccumulator {
public:
    template <class M>
    void add(const M& model, const Gradients& gradients, Location where = Location::current()) {
        add(gradients_of(model, gradients), where);
    }
    /// ValueError if the number of gradients differs from before. An empty gradient adds nothing.
    void add(std::vector<Tensor> gradients, Location where = Location::current());

    /// The number of additions since the last take.
    std::int64_t count() const { return count_; }
    /// Returns the sums and resets them: the gradients of the sum of the losses.
    std::vector<Tensor> take();
    /// Returns the sums divided by count() and resets them: the gradients of the mean of the losses.
    std::vector<Tensor> take_mean();

private:
    std::vector<Tensor> sums_;
    std::int64_t count_ = 0;
};

}  // namespace xgrad::nn
