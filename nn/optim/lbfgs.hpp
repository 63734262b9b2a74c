#pragma once

#include <concepts>

#include "optimizer.hpp"

namespace xgrad::nn {

/// How LBFGS chooses the step length: lr itself, or a search for a point that satisfies the strong Wolfe conditions.
enum class LineSearch { none, strong_wolfe };
struct LBFGSOptions {
    double lr = 1;
    std::int64_t max_iter = 20;
    std::optional<std::int64_t> max_eval = {};  ///< evaluations of the loss in one step; default: max_iter * 5 / 4
    double tolerance_grad = 1e-7, tolerance_change = 1e-9;
    std::int64_t history_size = 100;
    LineSearch line_search_fn = LineSearch::none;
};

/// The limited-memory method of Broyden, Fletcher, Goldfarb and Shanno (Nocedal 1980), for a loss that is the same at
/// each call. One step is up to max_iter iterations, each of which evaluates the loss at least once:
///
///     nn::LBFGS lbfgs({.line_search_fn = nn::LineSearch::strong_wolfe});
///     Tensor loss = lbfgs.step(net, [&] { return nn::mse_loss(net(x), y); });
///
/// All parameters must have one dtype (DTypeError) and belong to one group (ValueError).
class XGRAD_API LBFGS final : public OptimizerWith<LBFGSOptions> {
public:
    explicit LBFGS(const LBFGSOptions& options = {}, Location where = Location::current());

    /// One iteration of length lr from gradients alone, like torch.optim.LBFGS with max_iter = 1. ValueError if a line
    /// search is set.
    using Optimizer::step;
    /// Minimises what `closure` computes from the model and returns the loss before the step. The closure returns
    /// either a loss, which is recorded and differentiated here, or a pair of a loss and its Gradients.
    template <class M, std::invocable F>
    Tensor step(M&& model, const F& closure, Location where = Location::current()) {
        return minimise(model, &closure, &evaluate<F>, where);
    }

    State state_dict() const override;
    void load_state_dict(const State& state, Location where = Location::current()) override;

private:
    using Evaluation = std::pair<Tensor, Gradients>;
    template <class F>
    static Evaluation evaluate(const void* closure) {
        const F& f = *static_cast<const F*>(closure);
        if constexpr (std::convertible_to<std::invoke_result_t<const F&>, Tensor>) {
            Tape tape;
            const Tensor loss = f();
            return {loss, tape.gradient(loss)};
        } else {
            auto [loss, gradients] = f();
            return {std::move(loss), std::move(gradients)};
        }
    }

    Tensor minimise(ModelRef model, const void* closure, Evaluation (*evaluate)(const void*), Location where);
    void check_options(const LBFGSOptions& options, Location where) const override;
    void check_size(const Tensor& flat, Location where) const;
    UpdateRule rule(std::size_t group, detail::ParameterState& state, Tensor& gradient) const override;
    void run(std::vector<Task>& tasks) override;
    /// Sets direction_ and length_ for the next iteration; returns the directional derivative.
    double aim(const Tensor& gradient);

    // The history of earlier steps; each vector holds all parameters.
    std::int64_t n_iter_ = 0, func_evals_ = 0;
    Tensor direction_, gradient_;
    double length_ = 0, curvature_ = 1;  // length of the last step; scale of the initial inverse Hessian
    std::vector<Tensor> gradient_changes_, steps_;
    std::vector<double> inverse_products_;  // 1 / (change of gradient · step)
};

}  // namespace xgrad::nn
