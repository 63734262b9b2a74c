#include "trainer.hpp"

#include <cmath>
#include <filesystem>

#include <autodiff/ops/elementwise.hpp>

#include "files.hpp"
#include "gradients.hpp"
#include "report.hpp"
#include "safetensors.hpp"
#include "training_run.hpp"

namespace xgrad::nn::detail {

Batches::~Batches() = default;
Hook::~Hook() = default;

namespace {

using Clock = std::chrono::steady_clock;

/// One call of fit.
class Loop {
public:
    Loop(TrainerCore::Setup& setup, Batches& training, Batches* validation)
        : setup_(setup),
          options_(setup.options),
          training_(training),
          validation_(validation),
          bar_(options_.progress),
          interrupt_(options_.interruptible) {}

    History run();

private:
    bool saves() const { return !options_.out.empty(); }
    bool patient() const { return !options_.patience || run_.since_best < *options_.patience; }
    std::string title() const { return "epoch " + std::to_string(run_.epoch + 1) + "/" + std::to_string(options_.epochs); }
    double seconds() const { return run_.seconds + std::chrono::duration<double>(Clock::now() - started_).count(); }

    void prepare();
    bool epoch();
    bool train_epoch();
    void train_batch();
    void step(std::vector<Tensor> gradients);
    void add(std::vector<Tensor> gradients);
    void step_accumulated();
    bool validate();
    void judge();
    void end_epoch();
    void save();
    void write(const std::pair<State, Metadata>& checkpoint);
    void write_reports() const;

    TrainerCore::Setup& setup_;
    const TrainerOptions& options_;
    Batches& training_;
    Batches* validation_;
    RunState run_;
    State best_;  // without a folder
    ProgressBar bar_;
    Interrupt interrupt_;
    Clock::time_point started_ = Clock::now();
    std::pair<std::int64_t, std::int64_t> saved_ = {-1, -1};  // epoch and batch of the newest checkpoint
};

void Loop::prepare() {
    run_.training = training_.position();
    if (validation_) run_.validation = validation_->position();
    run_.history.monitor = !options_.monitor.empty() ? options_.monitor : validation_ ? "valid_loss" : "loss";
    if (!saves()) return;
    make_folder(options_.out, setup_.where);
    const std::string path = setup_.file("checkpoint.safetensors");
    std::error_code unknown;  // whoever may not look gets the reader's error
    if (!options_.resume || (!std::filesystem::exists(path, unknown) && !unknown)) return;
    restore(setup_, run_, training_.size(), path);
    saved_ = {run_.epoch, run_.batch};
}

History Loop::run() {
    prepare();
    History& history = run_.history;
    history.stop = History::Stop::finished;
    while (run_.epoch < options_.epochs && patient() && history.stop == History::Stop::finished) {
        if (!interrupt_.raised() && epoch()) continue;
        history.stop = History::Stop::interrupted;
        if (!run_.trained) save();
    }
    if (history.stop == History::Stop::finished && !patient()) history.stop = History::Stop::early;
    bar_.clear();
    if (saves()) {
        if (history.stop != History::Stop::interrupted) save();
        write_reports();
    }
    if (history.stop == History::Stop::interrupted) bar_.line("interrupted in " + title() + (saves() ? "; everything is saved" : ""));
    if (options_.restore_best && history.best_epoch > 0) {
        if (saves()) load_safetensors(setup_.file("best.safetensors"), setup_.model, {}, setup_.where);
        else load_state_dict(setup_.model, best_);
    }
    eval(setup_.model);
    return std::move(history);
}

bool Loop::epoch() {
    started_ = Clock::now();
    if (!run_.trained && !train_epoch()) return false;
    if (validation_ && !validate()) return false;
    end_epoch();
    return true;
}

bool Loop::train_epoch() {
    train(setup_.model);
    LoaderPosition position = run_.training;
    position.epoch += run_.epoch;
    position.batch = run_.batch;
    training_.start(position);
    run_.log.add("loss", 0, 0);  // the first column
    while (training_.next()) {
        if (interrupt_.raised()) {
            training_.finish();
            return false;
        }
        const bool due = options_.checkpoint_batches > 0 && run_.batch > 0 && run_.batch % options_.checkpoint_batches == 0;
        if (due) save();
        train_batch();
        ++run_.batch;
        if (bar_.due()) bar_.show(title(), run_.batch, training_.size(), run_.log.values());
    }
    training_.finish();
    if (run_.summed > 0) step_accumulated();
    run_.row = run_.log.values();
    run_.trained = true;
    return true;
}

/// The loss of the current batch, also in the log.
Tensor logged_loss(Batches& batches, Log& log) {
    const std::int64_t samples = batches.samples();
    log.start_batch(samples);
    Tensor loss = batches.loss(log);
    check<ShapeError>(loss.size() == 1, {}, [&] { return "Trainer: the loss must be one number, got " + to_string(loss.shape()); });
    log.add("loss", loss.item(), static_cast<double>(samples));
    return loss;
}

void Loop::train_batch() {
    Tape tape;
    const Tensor loss = logged_loss(training_, run_.log);
    std::vector<Tensor> gradients = detail::gradients_of(setup_.model, tape.gradient(loss));
    if (options_.accumulate == 1) step(std::move(gradients));
    else add(std::move(gradients));
}

void Loop::add(std::vector<Tensor> gradients) {
    if (run_.summed == 0) {
        run_.sums = std::move(gradients);
    } else {
        for (std::size_t i = 0; i < gradients.size(); ++i) {
            if (!gradients[i].defined()) continue;
            run_.sums[i] = run_.sums[i].defined() ? run_.sums[i] + gradients[i] : gradients[i];
        }
    }
    if (++run_.summed == options_.accumulate) step_accumulated();
}

void Loop::step_accumulated() {
    for (Tensor& sum : run_.sums)
        if (sum.defined()) sum = sum / static_cast<double>(run_.summed);
    run_.summed = 0;
    step(std::exchange(run_.sums, {}));
}

void Loop::step(std::vector<Tensor> gradients) {
    if (options_.clip_grad_norm) gradients = clip_grad_norm(std::move(gradients), *options_.clip_grad_norm);
    setup_.optimizer.step(setup_.model, gradients);
    if (options_.schedule && options_.schedule_each_step) options_.schedule->step();
    for (const auto& hook : setup_.step_hooks) hook->call(run_.history);
}

bool Loop::validate() {
    // Written where validation is interrupted: it then starts again from what it found.
    std::optional<std::pair<State, Metadata>> before;
    if (saves()) {
        run_.seconds = seconds();
        started_ = Clock::now();
        before = checkpoint_of(setup_, run_, training_.size());
    }
    eval(setup_.model);
    LoaderPosition position = run_.validation;
    position.epoch += run_.epoch;
    validation_->start(position);
    Log log;
    log.add("loss", 0, 0);
    for (std::int64_t batch = 0; validation_->next(); ++batch) {
        if (interrupt_.raised()) {
            validation_->finish();
            if (before) write(*before);
            return false;
        }
        logged_loss(*validation_, log);
        if (bar_.due()) bar_.show(title() + " validation", batch + 1, validation_->size(), log.values());
    }
    validation_->finish();
    for (auto& [name, value] : log.values()) run_.row.emplace_back("valid_" + name, value);
    return true;
}

/// Is the epoch whose row is there the best so far?
void Loop::judge() {
    History& history = run_.history;
    const double value = history.last(history.monitor);
    const bool better = options_.maximize ? value > history.best + options_.min_delta : value < history.best - options_.min_delta;
    if (std::isnan(value) || (history.best_epoch > 0 && !better)) {
        ++run_.since_best;
        return;
    }
    run_.since_best = 0;
    history.best_epoch = run_.epoch + 1;
    history.best = value;
    const State state = detail::state_dict(setup_.model);
    if (saves())
        save_safetensors(setup_.file("best.safetensors"), state,
                         {{"epoch", std::to_string(history.best_epoch)}, {history.monitor, readable_number(value)}}, setup_.where);
    else if (options_.restore_best) best_ = state;
}

void Loop::end_epoch() {
    run_.row.emplace_back("lr", setup_.optimizer.lr());
    run_.row.emplace_back("seconds", seconds());
    run_.history.add_row(run_.row);
    judge();
    if (options_.schedule && !options_.schedule_each_step) options_.schedule->step(run_.history.last(run_.history.monitor));
    std::string text = title();
    for (const auto& [name, value] : run_.row) text += "  " + name + " " + readable_number(value);
    bar_.line(text + (run_.history.best_epoch == run_.epoch + 1 ? "  *" : ""));

    ++run_.epoch;
    run_.batch = 0;
    run_.trained = false;
    run_.row.clear();
    run_.log = Log();
    run_.seconds = 0;
    started_ = Clock::now();
    for (const auto& hook : setup_.epoch_hooks) hook->call(run_.history);
    if (!saves()) return;
    if (options_.checkpoint_epochs > 0 && run_.epoch % options_.checkpoint_epochs == 0) save();
    write_reports();
}

void Loop::save() {
    const std::pair now{run_.epoch, run_.batch};
    if (!saves() || saved_ == now) return;
    const double before = run_.seconds;
    run_.seconds = seconds();
    const auto checkpoint = checkpoint_of(setup_, run_, training_.size());
    run_.seconds = before;
    write(checkpoint);
    saved_ = now;
}

void Loop::write(const std::pair<State, Metadata>& checkpoint) {
    save_safetensors(setup_.file("checkpoint.safetensors"), checkpoint.first, checkpoint.second, setup_.where);
}

void Loop::write_reports() const {
    write_atomically(setup_.file("log.csv"), [&](AtomicFile& file) { file.write(run_.history.csv()); }, setup_.where);
    write_atomically(setup_.file("report.html"), [&](AtomicFile& file) { file.write(report_html(run_.history)); }, setup_.where);
}

void check_options(const TrainerOptions& options, Location where) {
    const auto at_least = [&](const char* name, std::int64_t value, std::int64_t least) {
        check<ValueError>(value >= least, where, [&] {
            return std::string("Trainer: ") + name + " must be at least " + std::to_string(least) + ", got " + std::to_string(value);
        });
    };
    at_least("epochs", options.epochs, 0);
    at_least("accumulate", options.accumulate, 1);
    at_least("checkpoint_epochs", options.checkpoint_epochs, 0);
    at_least("checkpoint_batches", options.checkpoint_batches, 0);
    if (options.patience) at_least("patience", *options.patience, 1);
    check<ValueError>(options.min_delta >= 0, where,
                      [&] { return "Trainer: min_delta must not be negative, got " + std::to_string(options.min_delta); });
    check<ValueError>(!options.clip_grad_norm || *options.clip_grad_norm > 0, where,
                      [&] { return "Trainer: clip_grad_norm must be positive, got " + std::to_string(*options.clip_grad_norm); });
    check<ValueError>(!options.resume || !options.out.empty(), where,
                      [] { return std::string("Trainer: to resume, a folder must be given as .out, got none"); });
}

}  // namespace

TrainerCore::TrainerCore(ModelRef model, Optimizer& optimizer, const TrainerOptions& options, Location where)
    : setup_(new Setup{model, optimizer, options, where}) {
    check_options(options, where);
}
TrainerCore::TrainerCore(TrainerCore&&) noexcept = default;
TrainerCore::~TrainerCore() = default;

History TrainerCore::fit(Batches& training, Batches* validation) { return Loop(*setup_, training, validation).run(); }

void TrainerCore::keep(std::string name, ModelRef model, Location where) {
    check<ValueError>(!name.empty() && name.find('.') == name.npos, where,
                      [&] { return "Trainer: a name must be without dots and not empty, got " + name; });
    for (const auto& [other, _] : setup_->kept)
        check<ValueError>(other != name, where, [&] { return "Trainer: a name can be kept once, got " + name + " again"; });
    setup_->kept.emplace_back(std::move(name), model);
}
void TrainerCore::on_step(std::unique_ptr<Hook> hook) { setup_->step_hooks.push_back(std::move(hook)); }
void TrainerCore::on_epoch(std::unique_ptr<Hook> hook) { setup_->epoch_hooks.push_back(std::move(hook)); }

}  // namespace xgrad::nn::detail
