#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "nn/core/state.hpp"
#include "optimizer.hpp"

// Learning rate schedules, as in torch.optim.lr_scheduler: names, arguments, defaults and values are PyTorch's.
//
//     nn::SGD sgd({.lr = 0.1});
//     nn::CosineAnnealingLR schedule(sgd, 90);
//     for (int epoch = 0; epoch < 90; ++epoch) {
//         …                       // sgd.step(…) for each batch
//         schedule.step();
//     }
//
// A schedule keeps a reference to its optimizer, which must outlive it and not move. It works on all parameter groups,
// which must have been created before. Most schedules compute a learning rate from the previous one, so that several on
// one optimizer multiply (and `set_lr` in between takes effect). ValueError for invalid options.

namespace xgrad::nn {

/// A schedule of any kind, as a Trainer sees it.
class XGRAD_API Schedule {
public:
    virtual ~Schedule();

    /// Sets the optimizer's learning rates for the next epoch, or batch.
    void step(Location where = Location::current()) { advance({}, where); }
    /// The same with a metric: only ReduceLROnPlateau uses it.
    void step(double metric, Location where = Location::current()) { advance(metric, where); }

    /// The number of steps so far; 0 after construction.
    std::int64_t last_epoch() const { return last_epoch_; }
    /// The learning rates that the last step set, one per group.
    const std::vector<double>& last_lr() const { return last_lr_; }

    /// Everything needed to resume as if nothing had happened. Loading also sets the optimizer's learning rates; the
    /// momenta of OneCycleLR are in the optimizer's own state. ValueError for a state of another kind of schedule, or
    /// for a different number of groups.
    virtual State state_dict() const;
    virtual void load_state_dict(const State& state, Location where = Location::current());

    const char* name() const { return name_; }

protected:
    Schedule(const char* name, Optimizer& optimizer);

    /// The implementation of step.
    virtual void advance(std::optional<double> metric, Location where);
    /// To be called at the end of a constructor: sets the learning rates of epoch 0.
    void start() { Schedule::advance({}, {}); }
    /// The learning rate of last_epoch() from the previous one, which the optimizer holds.
    virtual double next(std::size_t group) const = 0;
    /// Sets the learning rates of epoch 0 from the initial ones, whatever happened before.
    virtual void restart();

    Optimizer& optimizer() const { return *optimizer_; }
    double base_lr(std::size_t group) const { return base_lrs_[group]; }
    double lr(std::size_t group) const { return optimizer_->lr(group); }
    void set_last_epoch(std::int64_t epoch) { last_epoch_ = epoch; }
    void set_base_lr(double lr, std::size_t group) { base_lrs_[group] = lr; }
    void remember();  ///< stores the learning rates as last_lr()

private:
    friend class SequentialLR;
    friend class ChainedScheduler;

    const char* name_;
    Optimizer* optimizer_;
    std::int64_t last_epoch_ = -1;
    std::vector<double> base_lrs_, last_lr_;
};

struct StepLROptions {
    double gamma = 0.1;
};
/// Multiplies the learning rate by gamma every step_size epochs.
class XGRAD_API StepLR final : public Schedule {
public:
    StepLR(Optimizer& optimizer, std::int64_t step_size, const StepLROptions& options = {},
           Location where = Location::current());

private:
    double next(std::size_t group) const override;

    std::int64_t step_size_;
    StepLROptions options_;
};

/// Multiplies the learning rate by gamma at each milestone; a repeated milestone counts each time.
class XGRAD_API MultiStepLR final : public Schedule {
public:
    MultiStepLR(Optimizer& optimizer, std::vector<std::int64_t> milestones, const StepLROptions& options = {});

private:
    double next(std::size_t group) const override;

    std::vector<std::int64_t> milestones_;
    StepLROptions options_;
};

struct ConstantLROptions {
    double factor = 1.0 / 3;
    std::int64_t total_iters = 5;
};
/// Multiplies the learning rate by factor in the first total_iters epochs.
class XGRAD_API ConstantLR final : public Schedule {
public:
    explicit ConstantLR(Optimizer& optimizer, const ConstantLROptions& options = {},
                        Location where = Location::current());

private:
    double next(std::size_t group) const override;

    ConstantLROptions options_;
};

struct LinearLROptions {
    double start_factor = 1.0 / 3, end_factor = 1.0;
    std::int64_t total_iters = 5;
};
/// Multiplies the learning rate by a factor that goes from start_factor to end_factor in total_iters epochs: a warm-up.
class XGRAD_API LinearLR final : public Schedule {
public:
    explicit LinearLR(Optimizer& optimizer, const LinearLROptions& options = {}, Location where = Location::current());

private:
    double next(std::size_t group) const override;

    LinearLROptions options_;
};

/// Multiplies the learning rate by gamma every epoch.
class XGRAD_API ExponentialLR final : public Schedule {
public:
    ExponentialLR(Optimizer& optimizer, double gamma);

private:
    double next(std::size_t group) const override;

    double gamma_;
};

struct PolynomialLROptions {
    std::int64_t total_iters = 5;
    double power = 1;
};
/// Multiplies the learning rate by (1 - epoch / total_iters)^power; it is 0 from then on.
class XGRAD_API PolynomialLR final : public Schedule {
public:
    explicit PolynomialLR(Optimizer& optimizer, const PolynomialLROptions& options = {},
                          Location where = Location::current());

private:
    double next(std::size_t group) const override;

    PolynomialLROptions options_;
};

struct CosineAnnealingLROptions {
    double eta_min = 0;
};
/// Half a cosine from the initial learning rate down to eta_min in T_max epochs, and up again (Loshchilov and Hutter
/// 2017, without restarts).
class XGRAD_API CosineAnnealingLR final : public Schedule {
public:
    CosineAnnealingLR(Optimizer& optimizer, std::int64_t T_max, const CosineAnnealingLROptions& options = {},
                      Location where = Location::current());

private:
    double next(std::size_t group) const override;

    std::int64_t T_max_;
    CosineAnnealingLROptions options_;
};

struct CosineAnnealingWarmRestartsOptions {
    std::int64_t T_mult = 1;
    double eta_min = 0;
};
/// Half a cosine down to eta_min in T_0 epochs, then restarts, each time with a period T_mult times longer (Loshchilov
/// and Hutter 2017).
class XGRAD_API CosineAnnealingWarmRestarts final : public Schedule {
public:
    CosineAnnealingWarmRestarts(Optimizer& optimizer, std::int64_t T_0,
                                const CosineAnnealingWarmRestartsOptions& options = {},
                                Location where = Location::current());

    State state_dict() const override;
    void load_state_dict(const State& state, Location where = Location::current()) override;

private:
    void advance(std::optional<double> metric, Location where) override;
    double next(std::size_t group) const override;
    void restart() override;

    std::int64_t T_0_, T_i_, T_cur_ = -1;
    CosineAnnealingWarmRestartsOptions options_;
};

/// The shape of a phase of OneCycleLR.
enum class Anneal { cos, linear };
struct OneCycleLROptions {
    std::optional<std::int64_t> total_steps = {}, epochs = {}, steps_per_epoch = {};  ///< total_steps, or both of the
                                                                                      ///< others
    double pct_start = 0.3;  ///< the fraction of the steps spent rising
    Anneal anneal_strategy = Anneal::cos;
    bool cycle_momentum = true;
    double base_momentum = 0.85, max_momentum = 0.95, div_factor = 25, final_div_factor = 1e4;
    bool three_phase = false;
};
/// From max_lr / div_factor up to max_lr and down to max_lr / (div_factor * final_div_factor), with momentum (or the
/// first beta) moving in the opposite direction (Smith and Topin 2019): one step per batch. The rise ends at step
/// pct_start * total_steps - 1, counted from 0: if that is 0, the cycle begins at max_lr. The last of total_steps calls
/// of step() leaves the final values in place. ValueError for one more call, and when there is no momentum to cycle.
class XGRAD_API OneCycleLR final : public Schedule {
public:
    OneCycleLR(Optimizer& optimizer, double max_lr, const OneCycleLROptions& options,
               Location where = Location::current());
    /// One max_lr per group.
    OneCycleLR(Optimizer& optimizer, std::vector<double> max_lrs, const OneCycleLROptions& options,
               Location where = Location::current());

private:
    void advance(std::optional<double> metric, Location where) override;
    double next(std::size_t group) const override;
    void restart() override;
    void set_momenta();
    double value(double low, double high, double end) const;

    std::vector<double> max_lrs_;
    std::int64_t total_steps_;
    OneCycleLROptions options_;
};

/// Whether a metric should be small (a loss) or large (an accuracy).
enum class PlateauMode { min, max };
/// Whether a threshold is a fraction of the best value's magnitude or an absolute difference from it. (PyTorch takes
/// the fraction of the value itself, so that for negative metrics no change at all already counts as better.)
enum class ThresholdMode { rel, abs };
struct ReduceLROnPlateauOptions {
    PlateauMode mode = PlateauMode::min;
    double factor = 0.1;
    std::int64_t patience = 10;
    double threshold = 1e-4;
    ThresholdMode threshold_mode = ThresholdMode::rel;
    std::int64_t cooldown = 0;
    double min_lr = 0, eps = 1e-8;
};
/// Multiplies the learning rate by factor when the metric has not improved for more than `patience` steps:
/// `schedule.step(validation_loss)`. ValueError for a step without a metric.
class XGRAD_API ReduceLROnPlateau final : public Schedule {
public:
    explicit ReduceLROnPlateau(Optimizer& optimizer, const ReduceLROnPlateauOptions& options = {},
                               Location where = Location::current());

    State state_dict() const override;
    void load_state_dict(const State& state, Location where = Location::current()) override;

private:
    void advance(std::optional<double> metric, Location where) override;
    double next(std::size_t group) const override;
    bool better(double metric) const;

    ReduceLROnPlateauOptions options_;
    double best_;
    std::int64_t cooldown_counter_ = 0, num_bad_epochs_ = 0;
};

/// The initial learning rate times lr_lambda(epoch): `nn::LambdaLR schedule(sgd, [](std::int64_t epoch) { return 1.0 /
/// (1 + epoch); })`.
template <class F>
class LambdaLR final : public Schedule {
public:
    LambdaLR(Optimizer& optimizer, F lr_lambda) : Schedule("LambdaLR", optimizer), lr_lambda_(std::move(lr_lambda)) {
        start();
    }

private:
    double next(std::size_t group) const override {
        return base_lr(group) * static_cast<double>(lr_lambda_(last_epoch()));
    }

    F lr_lambda_;
};

/// One schedule after another: schedules[i] from milestones[i - 1] on; milestones ascend. The schedules must outlive
/// this one, belong to its optimizer, and have just been created. `nn::SequentialLR schedule(sgd, {&warm_up, &cosine},
/// {5})`.
class XGRAD_API SequentialLR final : public Schedule {
public:
    SequentialLR(Optimizer& optimizer, std::vector<Schedule*> schedules, std::vector<std::int64_t> milestones,
                 Location where = Location::current());

    State state_dict() const override;
    void load_state_dict(const State& state, Location where = Location::current()) override;

private:
    void advance(std::optional<double> metric, Location where) override;
    double next(std::size_t group) const override;

    std::vector<Schedule*> schedules_;
    std::vector<std::int64_t> milestones_;
};

/// Several schedules at once: their factors multiply. The schedules must outlive this one and belong to one optimizer.
class XGRAD_API ChainedScheduler final : public Schedule {
public:
    explicit ChainedScheduler(std::vector<Schedule*> schedules, Location where = Location::current());

    State state_dict() const override;
    void load_state_dict(const State& state, Location where = Location::current()) override;

private:
    void advance(std::optional<double> metric, Location where) override;
    double next(std::size_t group) const override;

    std::vector<Schedule*> schedules_;
};

}  // namespace xgrad::nn
