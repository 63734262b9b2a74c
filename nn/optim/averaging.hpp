#pragma once

#include <optional>

#include <autodiff/core/tape.hpp>

#include "nn/core/module.hpp"

// Averages of a model's weights over the course of training, as in torch.optim.swa_utils, and models that follow
// another model.

namespace xgrad::nn {

namespace detail {
/// averaged += rate * (model - averaged) for parameters and, if requested, floating buffers; all other buffers are
/// copied.
XGRAD_API void average(const char* name, ModelRef averaged, ModelRef model, double rate, bool use_buffers,
                       Location where);
}  // namespace detail

struct AveragedModelOptions {
    std::optional<double> decay = {};  ///< if not given, all updates have equal weight
    bool use_buffers = false;  ///< average floating buffers as well; otherwise they are copied from the model
};

/// The mean of a model's weights at each update (Izmailov, Podoprikhin, Garipov, Vetrov, Wilson 2018), or with a decay
/// their exponential moving average decay * average + (1 - decay) * weights. The first update copies. It is a model
/// itself, whose state has PyTorch's names ("n_averaged", "module.fc1.weight").
///
///     nn::AveragedModel average(net);
///     average.update(net);                       // after some steps or epochs
///     average(x);                                // or average.model()(x)
template <class M>
class AveragedModel {
public:
    explicit AveragedModel(const M& model, const AveragedModelOptions& options = {},
                           Location where = Location::current())
        : module(model), options_(options) {
        check<ValueError>(!options.decay || (*options.decay >= 0 && *options.decay <= 1), where, [&] {
            return "AveragedModel: decay must be in [0, 1], got " + PlainNumber(*options.decay).text();
        });
    }

    /// Adds the model's current weights to the average. ValueError unless it has the same parameters.
    void update(const M& model, Location where = Location::current()) {
        const auto n = n_averaged.item<std::int64_t>();
        const double rate = n == 0 ? 1 : options_.decay ? 1 - *options_.decay : 1 / (static_cast<double>(n) + 1);
        detail::average("AveragedModel", module, detail::readable(model), rate, options_.use_buffers, where);
        n_averaged = scalar(n + 1);
    }

    template <class... T>
    auto operator()(const T&... x) const {
        return module(x...);
    }
    const M& model() const { return module; }

    Tensor n_averaged = scalar(std::int64_t{0});
    M module;
    XGRAD_FIELDS(n_averaged, module)

private:
    AveragedModelOptions options_;
};

struct EMAOptions {
    double decay = 0.999;
    bool use_buffers = false;
};

/// The exponential moving average of a model's weights: `nn::EMA ema(net, {.decay = 0.99}); ema.update(net);` after
/// each step, `ema.model()` to use.
template <class M>
class EMA : public AveragedModel<M> {
public:
    explicit EMA(const M& model, const EMAOptions& options = {}, Location where = Location::current())
        : AveragedModel<M>(model, {.decay = options.decay, .use_buffers = options.use_buffers}, where) {}
};

/// Moves the parameters of `target` towards those of `source`: tau * source + (1 - tau) * target. Buffers are copied.
/// This is how the target network in reinforcement learning follows the online network (Lillicrap et al. 2016):
/// `nn::soft_update(target, net, 0.005)` after each step; tau = 1 copies. ValueError unless tau is in [0, 1] and the
/// two models have the same parameters without sharing any.
template <class M>
void soft_update(M& target, const M& source, double tau, Location where = Location::current()) {
    check<ValueError>(tau >= 0 && tau <= 1, where,
                      [&] { return "soft_update: tau must be in [0, 1], got " + PlainNumber(tau).text(); });
    detail::average("soft_update", target, detail::readable(source), tau, false, where);
}

}  // namespace xgrad::nn
