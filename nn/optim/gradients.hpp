#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <autodiff/core/tape.hpp>

#include "nn/core/module.hpp"

// Gradients of a model on their way to an optimizer: `adam.step(net, nn::clip_grad_norm(net, tape.gradient(loss),
// 1.0))`.

namespace xgrad::nn {

namespace detail {
XGRAD_API std::vector<Tensor> gradients_of(ModelRef model, const Gradients& gradients);
XGRAD_API std::vector<std::pair<std::string, double>> gradient_norms(ModelRef model, const Gradients& gradients);
/// Why none of these parameters has a gradient, for an error. `given` is null where only their list is known.
XGRAD_API std::string why_no_gradients(const std::vector<Parameter*>& parameters, const Gradients* given);
}  // namespace detail

/// The gradients of the model's parameters in their order; empty where there is none.
template <class M>
std::vector<Tensor> gradients_of(const M& model, const Gradients& gradients) {
    return detail::gradients_of(detail::readable(model), gradients);
}

/// How long each parameter's gradient is, by the parameter's name, in their order; without those that have none. Where
/// gradients vanish or explode:
///
///     for (const auto& [name, norm] : nn::gradient_norms(net, gradients)) std::cout << name << ' ' << norm << '\n';
template <class M>
std::vector<std::pair<std::string, double>> gradient_norms(const M& model, const Gradients& gradients) {
    return detail::gradient_norms(detail::readable(model), gradients);
}

/// Gradients in the order of the parameters, and their norm before.
struct ClippedGradients : std::vector<Tensor> {
    double total_norm = 0;
};
struct ClipGradNormOptions {
    double norm_type = 2;  ///< infinity: the largest element counts
    bool error_if_nonfinite =
        false;  ///< ValueError for a norm that is NaN or infinite; otherwise so are the gradients then
};
/// The gradients, all times max_norm / (total_norm + 1e-6) if that is less than 1, where total_norm is the norm of all
/// elements together: PyTorch's clip_grad_norm_ (Pascanu, Mikolov, Bengio 2013). Empty ones are left out. ValueError
/// for a negative max_norm, which would turn them round.
XGRAD_API ClippedGradients clip_grad_norm(std::vector<Tensor> gradients, double max_norm,
                                          const ClipGradNormOptions& options = {},
                                          Location where = Location::current());
template <class M>
ClippedGradients clip_grad_norm(const M& model, const Gradients& gradients, double max_norm,
                                const ClipGradNormOptions& options = {}, Location where = Location::current()) {
    return clip_grad_norm(gradients_of(model, gradients), max_norm, options, where);
}

/// Each element limited to [-clip_value, clip_value]. ValueError for a negative limit.
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
    /// ValueError for another number of gradients than before. An empty one adds nothing.
    void add(std::vector<Tensor> gradients, Location where = Location::current());

    /// How many were added since the last take.
    std::int64_t count() const { return count_; }
    /// The sums, which begin anew: the gradients of the sum of the losses.
    std::vector<Tensor> take();
    /// The sums divided by count(): the gradients of the mean of the losses.
    std::vector<Tensor> take_mean();

private:
    std::vector<Tensor> sums_;
    std::int64_t count_ = 0;
};

}  // namespace xgrad::nn
