#pragma once

#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include "log.hpp"
#include "nn/data/loader.hpp"
#include "nn/optim/optimizer.hpp"
#include "nn/optim/schedule.hpp"
#include "progress.hpp"

namespace xgrad::nn {

struct TrainerOptions {
    std::string out = {};  ///< folder for checkpoint.safetensors, best.safetensors, log.csv and report.html; empty:
                           ///< nothing is written
    std::int64_t epochs = 10;
    bool resume = false;     ///< resume from the folder's checkpoint, if there is one
    bool overwrite = false;  ///< start afresh in a folder that holds another run, and remove that run; otherwise this
                             ///< is a ValueError

    Schedule* schedule = nullptr;  ///< stepped after each epoch; ReduceLROnPlateau receives the monitored value
    bool schedule_each_step = false;  ///< stepped after each optimizer step instead
    std::int64_t accumulate = 1;  ///< batches per step, which uses their mean gradient
    std::optional<double> clip_grad_norm = {};  ///< largest norm of a step's gradient

    bool check_finite =
        true;  ///< ValueError when a training loss or a parameter becomes NaN or infinite, instead of continuing

    std::string monitor = {};  ///< column that decides the best epoch; default: valid_loss, or loss without validation
    bool maximize = false;  ///< the largest number is the best, not the smallest
    std::optional<std::int64_t> patience = {};  ///< stop after this many epochs in a row without improvement
    double min_delta = 0;  ///< an improvement must exceed this
    bool restore_best = false;  ///< finish with the model of the best epoch instead of the last

    std::int64_t checkpoint_epochs = 1;  ///< epochs between checkpoints; 0: a checkpoint only at the end
    std::int64_t checkpoint_batches = 0;  ///< also batches between checkpoints within an epoch; 0: none within an epoch

    ProgressStyle progress = ProgressStyle::automatic;  ///< on standard error
    bool interruptible = true;  ///< SIGINT (Ctrl-C) ends the run after the current batch, with everything saved; a
                                ///< second one kills the process
};

namespace detail {

/// A loader together with what is done for each batch, as seen by the loop.
class XGRAD_API Batches {
public:
    virtual ~Batches();
    virtual std::int64_t size() const = 0;  ///< batches per pass; -1: unknown
    virtual LoaderPosition position() const = 0;
    /// Starts a pass from that position.
    virtual void start(const LoaderPosition& position) = 0;
    /// Advances to the next batch; the first call goes to the first. False at the end.
    virtual bool next() = 0;
    virtual void finish() = 0;  ///< releases the pass
    virtual std::int64_t samples() const = 0;
    virtual Tensor loss(Log& log) = 0;
};

template <class Batch>
std::int64_t samples_in(const Batch& batch) {
    if constexpr (std::is_convertible_v<const Batch&, const Tensor&>) return batch.ndim() > 0 ? batch.shape(0) : 1;
    else if constexpr (requires { std::get<0>(batch); }) return samples_in(std::get<0>(batch));
    else return 1;
}

template <class M, class Loader, class Step>
class BatchesOf final : public Batches {
public:
    BatchesOf(const M& model, Loader& loader, const Step& step) : model_(model), loader_(loader), step_(step) {}

    std::int64_t size() const override {
        if constexpr (requires { loader_.size(); }) return static_cast<std::int64_t>(loader_.size());
        else return -1;
    }
    LoaderPosition position() const override {
        if constexpr (requires { loader_.position(); }) return loader_.position();
        else return {};
    }
    void start(const LoaderPosition& position) override {
        started_ = false;
        if constexpr (requires { loader_.set_position(position); }) {
            loader_.set_position(position);
            pass_.emplace(loader_.begin());
        } else {
            pass_.emplace(loader_.begin());
            for (std::int64_t i = 0; i < position.batch && *pass_ != loader_.end(); ++i) ++*pass_;
        }
    }
    bool next() override {
        if (std::exchange(started_, true)) ++*pass_;
        return *pass_ != loader_.end();
    }
    void finish() override { pass_.reset(); }
    std::int64_t samples() const override { return samples_in(**pass_); }
    Tensor loss(Log& log) override {
        if constexpr (std::is_invocable_v<const Step&, const M&, decltype(**pass_), Log&>)
            return step_(model_, **pass_, log);
        else return step_(model_, **pass_);
    }

private:
    const M& model_;
    Loader& loader_;
    const Step& step_;
    mutable std::optional<decltype(std::declval<Loader&>().begin())> pass_;
    bool started_ = false;
};

}  // namespace detail

/// A part of a model and the optimizer that trains it.
struct OptimizedPart {
    ModelRef part;
    Optimizer& optimizer;
};

namespace detail {

/// A user callback.
class XGRAD_API Hook {
public:
    virtual ~Hook();
    virtual void call(const History& history) = 0;
};

/// Everything of Trainer that does not depend on types: the loop, checkpoints and reports.
class XGRAD_API TrainerCore {
public:
    TrainerCore(ModelRef model, const std::type_info& type, std::vector<OptimizedPart> parts,
                const TrainerOptions& options, Location where);
    TrainerCore(TrainerCore&&) noexcept;
    ~TrainerCore();

    History fit(Batches& training, Batches* validation, Location where);
    History evaluate(Batches& batches, Location where);
    void stop();
    void keep(std::string name, ModelRef model, Location where);
    void on_step(std::unique_ptr<Hook> hook);
    void on_epoch(std::unique_ptr<Hook> hook);

    struct Setup;

private:
    std::unique_ptr<Setup> setup_;
};

}  // namespace detail

/// The training loop: epochs of batches, an optimizer step for each, validation after each epoch, and optionally:
/// progress, numbers by epoch as CSV and as a page with curves, early stopping, the best weights, checkpoints, and
/// resuming a run that was killed or interrupted with exactly the numbers it would have had.
///
///     nn::Adam adam({.lr = 1e-3});
///     nn::Trainer trainer(net, adam, {.out = "run", .epochs = 20, .patience = 3});
///     nn::History history = trainer.fit(train, valid, [](const Net& model, const auto& batch, nn::Log& log) {
///         const auto& [x, y] = batch;
///         const Tensor scores = model(x);
///         log("accuracy", nn::accuracy(scores, y));
///         return nn::cross_entropy(scores, y);
///     });
///
/// The function returns the loss of a batch; it is called in training mode inside a tape, and for validation in eval
/// mode without a tape. It may omit the last argument. The model is left in eval mode. Loaders are DataLoader,
/// StreamLoader or anything with batches between begin() and end(). "loss" and logged names are columns of the history,
/// with the prefix "valid_" for validation. Model, optimizer and schedule must outlive the trainer and not move.
///
/// A checkpoint is one safetensors file with everything in it: parameters and buffers ("model.fc1.weight"), the states
/// of optimizer and schedule, the random streams of layers, default_generator(), the loaders' seeds and positions, and
/// the history. It is replaced atomically: if the process is killed at any time, the last checkpoint is intact. To
/// resume, create the same objects and set `.resume`; ValueError when they do not fit the checkpoint. `epochs` may be
/// larger than before. Random numbers that a dataset or the function draws from its own generators are not tracked: use
/// the Generator that the loader passes, or default_generator().
///
/// Several optimizers can each train a part of the model; together they must cover all of its parameters, each exactly
/// once:
///
///     nn::Trainer trainer(net, {{net.hidden, muon}, {net.head, adam}}, {.epochs = 20});
///
/// ValueError for invalid options, a folder that holds another run, a loader without batches, a loss that does not
/// depend on the model's parameters, a loss or parameter that is no longer finite (with epoch and batch), and a
/// `monitor` that the first batch does not log (a validation column is also looked for in one validation batch).
/// Optimizers that evaluate the loss themselves (LBFGS) need a custom loop.
template <class M>
class Trainer {
public:
    Trainer(M& model, Optimizer& optimizer, const TrainerOptions& options = {}, Location where = Location::current())
        : Trainer(model, std::vector<OptimizedPart>{{model, optimizer}}, options, where) {}
    Trainer(M& model, std::vector<OptimizedPart> parts, const TrainerOptions& options = {},
            Location where = Location::current())
        : model_(model), core_(model, typeid(M), std::move(parts), options, where) {}

    /// Trains the model and returns the history.
    template <class Training, class Validation, class Step>
        requires(!std::is_same_v<Step, Location>)
    History fit(Training&& training, Validation&& validation, const Step& step, Location where = Location::current()) {
        detail::BatchesOf<M, std::remove_reference_t<Training>, Step> train(model_, training, step);
        detail::BatchesOf<M, std::remove_reference_t<Validation>, Step> valid(model_, validation, step);
        return core_.fit(train, &valid, where);
    }
    template <class Training, class Step>
    History fit(Training&& training, const Step& step, Location where = Location::current()) {
        detail::BatchesOf<M, std::remove_reference_t<Training>, Step> train(model_, training, step);
        return core_.fit(train, nullptr, where);
    }

    /// Runs `step` on other data, in eval mode and without a tape; returns a history of one row:
    /// `trainer.evaluate(test, step).last("accuracy")`.
    template <class Loader, class Step>
    History evaluate(Loader&& loader, const Step& step, Location where = Location::current()) {
        detail::BatchesOf<M, std::remove_reference_t<Loader>, Step> batches(model_, loader, step);
        return core_.evaluate(batches, where);
    }
    /// For hooks and the loss function: ends the run after this batch, with everything saved, so that it can be
    /// resumed.
    void stop() { core_.stop(); }

    /// Another model that belongs to the run, such as an average of the weights: part of the checkpoints. ValueError
    /// for a name that is taken or contains a dot.
    void keep(std::string name, ModelRef model, Location where = Location::current()) {
        core_.keep(std::move(name), model, where);
    }
    /// Called after each optimizer step: `trainer.on_step([&] { ema.update(net); })`.
    template <class F>
    void on_step(F f) {
        core_.on_step(std::make_unique<HookOf<F>>(std::move(f)));
    }
    /// Called after each epoch and its validation; f may take the History so far as an argument.
    template <class F>
    void on_epoch(F f) {
        core_.on_epoch(std::make_unique<HookOf<F>>(std::move(f)));
    }

private:
    template <class F>
    struct HookOf final : detail::Hook {
        explicit HookOf(F f) : f_(std::move(f)) {}
        void call(const History& history) override {
            if constexpr (std::is_invocable_v<F&, const History&>) f_(history);
            else f_();
        }
        F f_;
    };

    M& model_;
    detail::TrainerCore core_;
};

}  // namespace xgrad::nn
