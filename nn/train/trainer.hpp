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
    bool resume = false;     ///< go on from the folder's checkpoint, if there is one
    bool overwrite =
        false;  ///< begin anew in a folder that holds another run, and remove that one; otherwise it is a ValueError

    Schedule* schedule = nullptr;  ///< stepped after each epoch; ReduceLROnPlateau is told the monitored number
    bool schedule_each_step = false;  ///< stepped after each step of the optimizer instead
    std::int64_t accumulate = 1;  ///< batches whose mean gradient makes one step
    std::optional<double> clip_grad_norm = {};  ///< largest norm of a step's gradient

    bool check_finite =
        true;  ///< ValueError when a training loss or a parameter becomes NaN or infinite, instead of going on with it

    std::string monitor = {};  ///< column that tells the best epoch; by default valid_loss, without validation loss
    bool maximize = false;  ///< the largest number is the best, not the smallest
    std::optional<std::int64_t> patience = {};  ///< stop after so many epochs in a row that were no better
    double min_delta = 0;  ///< better means by more than this
    bool restore_best = false;  ///< leave the model as it was after the best epoch, not after the last

    std::int64_t checkpoint_epochs = 1;  ///< write a checkpoint after so many epochs; 0: only at the end
    std::int64_t checkpoint_batches = 0;  ///< and in the middle of them after so many batches; 0: not there

    ProgressStyle progress = ProgressStyle::automatic;  ///< on standard error
    bool interruptible =
        true;  ///< SIGINT (Ctrl-C) ends the run after the current batch, with everything saved; a second one kills
};

namespace detail {

/// A loader together with what is done with each batch, as the loop sees it.
class XGRAD_API Batches {
public:
    virtual ~Batches();
    virtual std::int64_t size() const = 0;  ///< batches of a pass; -1: not known
    virtual LoaderPosition position() const = 0;
    /// Starts a pass from that position.
    virtual void start(const LoaderPosition& position) = 0;
    /// Goes to the next batch, first to the first. False at the end.
    virtual bool next() = 0;
    virtual void finish() = 0;  ///< lets go of the pass
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

/// Something of the user's that is called back.
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

/// The usual loop: epochs of batches, a step of the optimizer for each, validation behind each epoch, and what one
/// wants to have besides: progress, numbers by epoch as CSV and as a page with curves, early stopping, the best
/// weights, checkpoints, and a run that goes on after it was killed or interrupted with the very numbers that it would
/// have had.
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
/// The function gives the loss of a batch; it is called in training mode inside a tape, and in eval mode without one
/// for validation. It may leave out the last argument. The model is left in eval mode. Loaders are DataLoader,
/// StreamLoader or anything with batches between begin() and end(). "loss" and what is logged are columns of the
/// history, with "valid_" in front for validation. Model, optimizer and schedule must outlive the trainer and stay
/// where they are.
///
/// A checkpoint is one safetensors file with everything in it: parameters and buffers ("model.fc1.weight"), the states
/// of optimizer and schedule, the random streams of layers, default_generator(), the loaders' seeds and positions, and
/// the history. It is replaced atomically: whenever the process is killed, the last one is there. To resume, make the
/// same objects and set `.resume`; ValueError when they do not fit the checkpoint. `epochs` may be larger than before.
/// What a data set or the function draws from generators of its own is not known here: let it use the Generator that
/// the loader hands out, or default_generator().
///
/// Several optimizers train a part of the model each; together they must have all of its parameters, each once:
///
///     nn::Trainer trainer(net, {{net.hidden, muon}, {net.head, adam}}, {.epochs = 20});
///
/// ValueError for options that make no sense, a folder that holds another run, a loader without batches, a loss that
/// does not depend on the model's parameters, a loss or parameter that is no longer finite (with epoch and batch), and
/// a `monitor` that the first batch does not log; the last is also sought in a batch of the validation, where only that
/// may log it. Optimizers that call the loss themselves (LBFGS) need a loop of their own.
template <class M>
class Trainer {
public:
    Trainer(M& model, Optimizer& optimizer, const TrainerOptions& options = {}, Location where = Location::current())
        : Trainer(model, std::vector<OptimizedPart>{{model, optimizer}}, options, where) {}
    Trainer(M& model, std::vector<OptimizedPart> parts, const TrainerOptions& options = {},
            Location where = Location::current())
        : model_(model), core_(model, typeid(M), std::move(parts), options, where) {}

    /// Trains, and tells what was measured.
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

    /// What `step` measures on other data, in eval mode and without a tape: a history of one row,
    /// `trainer.evaluate(test, step).last("accuracy")`.
    template <class Loader, class Step>
    History evaluate(Loader&& loader, const Step& step, Location where = Location::current()) {
        detail::BatchesOf<M, std::remove_reference_t<Loader>, Step> batches(model_, loader, step);
        return core_.evaluate(batches, where);
    }
    /// For hooks and the function that gives the loss: ends the run after this batch, with everything saved, so that it
    /// can be resumed.
    void stop() { core_.stop(); }

    /// Another model that belongs to the run, such as an average of the weights: part of the checkpoints. ValueError
    /// for a name that is taken or has a dot.
    void keep(std::string name, ModelRef model, Location where = Location::current()) {
        core_.keep(std::move(name), model, where);
    }
    /// Called after each step of the optimizer: `trainer.on_step([&] { ema.update(net); })`.
    template <class F>
    void on_step(F f) {
        core_.on_step(std::make_unique<HookOf<F>>(std::move(f)));
    }
    /// Called after each epoch and its validation, if wanted with the History so far.
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
