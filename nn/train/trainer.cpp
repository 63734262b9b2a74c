#include "trainer.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include <autodiff/ops/elementwise/elementwise.hpp>

#include "detail/run.hpp"
#include "nn/detail/files.hpp"
#include "nn/optim/gradients.hpp"
#include "nn/weights/safetensors.hpp"

namespace xgrad::nn::detail {

Batches::~Batches() = default;
Hook::~Hook() = default;

namespace {

using Clock = std::chrono::steady_clock;

/// One call of fit.
class Loop {
public:
    Loop(TrainerCore::Setup& setup, Batches& training, Batches* validation, Location where)
        : where_(where),
          setup_(setup),
          options_(setup.options),
          training_(training),
          validation_(validation),
          bar_(options_.progress),
          interrupt_(options_.interruptible) {}

    History run();

private:
    bool saves() const { return !options_.out.empty(); }
    bool patient() const { return !options_.patience || run_.since_best < *options_.patience; }
    bool halted() const { return setup_.stop_wanted || interrupt_.raised(); }
    std::string place() const {
        return "epoch " + std::to_string(run_.epoch + 1) + ", batch " + std::to_string(run_.batch + 1);
    }
    std::string title() const {
        return "epoch " + std::to_string(run_.epoch + 1) + "/" + std::to_string(options_.epochs);
    }
    double seconds() const { return run_.seconds + std::chrono::duration<double>(Clock::now() - started_).count(); }

    void prepare();
    void check_monitor();
    void check_loss(const Tensor& loss) const;
    void check_parameters() const;
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
    void write_reports(bool last);

    Location where_;
    TrainerCore::Setup& setup_;
    const TrainerOptions& options_;
    Batches& training_;
    Batches* validation_;
    RunState run_;
    State best_;  // used without a folder
    ProgressBar bar_;
    Interrupt interrupt_;
    Clock::time_point started_ = Clock::now();
    Clock::time_point next_report_ = {};  // no report before this time
    std::pair<std::int64_t, std::int64_t> saved_ = {-1, -1};  // epoch and batch of the newest checkpoint
};

void Loop::prepare() {
    run_.training = training_.position();
    if (validation_) run_.validation = validation_->position();
    run_.history.monitor = !options_.monitor.empty() ? options_.monitor : validation_ ? "valid_loss" : "loss";
    setup_.stop_wanted = false;
    check_parts(setup_, where_);
    check<ValueError>(validation_ || !run_.history.monitor.starts_with("valid_"), where_, [&] {
        return "Trainer: to monitor " + run_.history.monitor + " there must be validation data, got none";
    });
    if (!saves()) return;
    prepare_folder(setup_, where_);
    const std::string path = setup_.file("checkpoint.safetensors");
    std::error_code unknown;  // without permission, reading the file reports the error
    if (!options_.resume || (!std::filesystem::exists(path, unknown) && !unknown)) return;
    restore(setup_, run_, training_.size(), path, where_);
    saved_ = {run_.epoch, run_.batch};
}

/// Checks after the first batch of a run that the monitored column exists.
void Loop::check_monitor() {
    std::string name = run_.history.monitor;
    const bool valid = name.starts_with("valid_");
    if (valid) name.erase(0, 6);
    else if (name == "lr" || name == "seconds") return;
    std::vector<std::string> known = run_.log.names();
    const auto has = [&] { return std::find(known.begin(), known.end(), name) != known.end(); };
    if (!has() && valid) {  // perhaps only the validation logs it
        const Generator before = default_generator();
        eval(setup_.model);
        validation_->start(run_.validation);
        Log log;
        log.add("loss", 0, 0);
        if (validation_->next()) {
            log.start_batch(validation_->samples());
            validation_->loss(log);
        }
        validation_->finish();
        train(setup_.model);
        default_generator() = before;
        known = log.names();
    }
    check<ValueError>(has(), where_, [&] {
        std::string all;
        for (const std::string& column : known)
            all += (all.empty() ? "" : ", ") + std::string(valid ? "valid_" : "") + column;
        return "Trainer: monitor must be a number that is logged, got " + run_.history.monitor + " where there are " +
               all;
    });
}

void Loop::check_loss(const Tensor& loss) const {
    if (!options_.check_finite || std::isfinite(loss.item())) return;
    const std::string parameter = first_not_finite(setup_.model);
    throw ValueError(at("Trainer: the loss must be finite, got " + readable_number(loss.item()) + " in " + place() +
                            (parameter.empty() ? "" : ", where " + parameter + " is not finite either") +
                            "; .check_finite = false lets it go on",
                        where_));
}

/// Called before anything of the model is saved.
void Loop::check_parameters() const {
    if (!options_.check_finite) return;
    const std::string parameter = first_not_finite(setup_.model);
    check<ValueError>(parameter.empty(), where_, [&] {
        return "Trainer: parameters must be finite, got NaN or infinity in " + parameter + " before batch " +
               std::to_string(run_.batch + 1) + " of epoch " + std::to_string(run_.epoch + 1) +
               "; .check_finite = false lets it go on";
    });
}

History Loop::run() {
    prepare();
    History& history = run_.history;
    history.stop = History::Stop::finished;
    while (run_.epoch < options_.epochs && patient() && history.stop == History::Stop::finished) {
        if (!halted() && epoch()) continue;
        history.stop = interrupt_.raised() ? History::Stop::interrupted : History::Stop::requested;
        if (!run_.trained) save();
    }
    if (history.stop == History::Stop::finished && !patient()) history.stop = History::Stop::early;
    bar_.clear();
    if (saves()) {
        if (history.stop == History::Stop::finished || history.stop == History::Stop::early) save();
        write_reports(true);
    }
    const bool interrupted = history.stop == History::Stop::interrupted;
    if (interrupted || history.stop == History::Stop::requested)
        bar_.line((interrupted ? "interrupted in " : "stopped in ") + title() +
                  (saves() ? "; everything is saved" : ""));
    if (options_.restore_best && history.best_epoch > 0) {
        if (saves()) load_safetensors(setup_.file("best.safetensors"), setup_.model, {}, where_);
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
    run_.log.add("loss", 0, 0);  // makes it the first column
    bar_.start(title(), training_.size(), {}, run_.batch);
    while (training_.next()) {
        if (halted()) {
            training_.finish();
            check_parameters();
            return false;
        }
        const bool due =
            options_.checkpoint_batches > 0 && run_.batch > 0 && run_.batch % options_.checkpoint_batches == 0;
        if (due) {
            check_parameters();
            save();
        }
        train_batch();
        if (run_.epoch == 0 && run_.batch == 0) check_monitor();
        ++run_.batch;
        if (bar_.advance()) bar_.show(run_.log.values());
    }
    training_.finish();
    check<ValueError>(run_.batch > 0, where_,
                      [] { return std::string("Trainer: the training data must have a batch, got none"); });
    if (run_.summed > 0) step_accumulated();
    check_parameters();
    run_.row = run_.log.values();
    run_.trained = true;
    return true;
}

/// Computes the loss of the current batch and logs it.
Tensor logged_loss(Batches& batches, Log& log, Location where) {
    const std::int64_t samples = batches.samples();
    log.start_batch(samples);
    Tensor loss = batches.loss(log);
    check<ShapeError>(loss.size() == 1, where,
                      [&] { return "Trainer: the loss must be one number, got " + to_string(loss.shape()); });
    log.add("loss", loss.item(), static_cast<double>(samples));
    return loss;
}

void Loop::train_batch() {
    Tape tape;
    const Tensor loss = logged_loss(training_, run_.log, where_);
    run_.largest_batch = std::max(run_.largest_batch, training_.samples());
    check_loss(loss);
    const Gradients found = tape.gradient(loss);
    std::vector<Tensor> gradients = detail::gradients_of(setup_.model, found);
    check<ValueError>(
        std::any_of(gradients.begin(), gradients.end(), [](const Tensor& g) { return g.defined(); }), where_,
        [&] { return "Trainer: " + why_no_gradients(parameters(setup_.model), &found) + " (" + place() + ")"; });
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
    if (setup_.parts.size() == 1) {
        setup_.parts[0].optimizer.step(setup_.model, gradients, where_);
    } else {
        const std::vector<Parameter*> all = parameters(setup_.model);
        for (const OptimizedPart& part : setup_.parts) {
            std::vector<Tensor> own;
            for (const Parameter* p : parameters(part.part))
                own.push_back(gradients[static_cast<std::size_t>(std::find(all.begin(), all.end(), p) - all.begin())]);
            part.optimizer.step(part.part, own, where_);
        }
    }
    if (options_.schedule && options_.schedule_each_step) options_.schedule->step();
    for (const auto& hook : setup_.step_hooks) hook->call(run_.history);
}

bool Loop::validate() {
    // Saved if validation is interrupted: a resumed run then starts the validation again from this state.
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
    bar_.start(title() + " validation", validation_->size());
    bool any = false;
    for (; validation_->next(); any = true) {
        if (halted()) {
            validation_->finish();
            if (before) write(*before);
            return false;
        }
        logged_loss(*validation_, log, where_);
        if (bar_.advance()) bar_.show(log.values());
    }
    validation_->finish();
    check<ValueError>(any, where_,
                      [] { return std::string("Trainer: the validation data must have a batch, got none"); });
    for (auto& [name, value] : log.values()) run_.row.emplace_back("valid_" + name, value);
    return true;
}

/// Checks whether the epoch just completed is the best so far.
void Loop::judge() {
    History& history = run_.history;
    const double value = history.last(history.monitor);
    const bool better =
        options_.maximize ? value > history.best + options_.min_delta : value < history.best - options_.min_delta;
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
                         {{"epoch", std::to_string(history.best_epoch)}, {history.monitor, readable_number(value)}},
                         where_);
    else if (options_.restore_best) best_ = state;
}

void Loop::end_epoch() {
    run_.row.emplace_back("lr", setup_.parts[0].optimizer.lr());
    run_.row.emplace_back("seconds", seconds());
    run_.history.add_row(run_.row);
    judge();
    if (options_.schedule && !options_.schedule_each_step)
        options_.schedule->step(run_.history.last(run_.history.monitor));
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
    write_reports(false);
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
    save_safetensors(setup_.file("checkpoint.safetensors"), checkpoint.first, checkpoint.second, where_);
}

void Loop::write_reports(bool last) {
    write_atomically(setup_.file("log.csv"), [&](AtomicFile& file) { file.write(run_.history.csv()); }, where_);
    // Drawing takes at most a twentieth of the time, however short the epochs are.
    const Clock::time_point begin = Clock::now();
    if (!last && begin < next_report_) return;
    write_atomically(
        setup_.file("report.html"), [&](AtomicFile& file) { file.write(report_of(setup_, run_, training_.size())); },
        where_);
    next_report_ = begin + 20 * (Clock::now() - begin);
}

}  // namespace

TrainerCore::TrainerCore(ModelRef model, const std::type_info& type, std::vector<OptimizedPart> parts,
                         const TrainerOptions& options, Location where)
    : setup_(new Setup{model, std::move(parts), options, readable_type(type)}) {
    check_options(options, where);
    check<ValueError>(!setup_->parts.empty(), where,
                      [] { return std::string("Trainer: there must be an optimizer, got none"); });
}
TrainerCore::TrainerCore(TrainerCore&&) noexcept = default;
TrainerCore::~TrainerCore() = default;

History TrainerCore::fit(Batches& training, Batches* validation, Location where) {
    return Loop(*setup_, training, validation, where).run();
}

History TrainerCore::evaluate(Batches& batches, Location where) {
    eval(setup_->model);
    const auto start = Clock::now();
    ProgressBar bar(setup_->options.progress);
    bar.start("evaluation", batches.size());
    Log log;
    log.add("loss", 0, 0);
    std::int64_t count = 0;
    for (batches.start(batches.position()); batches.next(); ++count) {
        logged_loss(batches, log, where);
        if (bar.advance()) bar.show(log.values());
    }
    batches.finish();
    check<ValueError>(count > 0, where,
                      [] { return std::string("Trainer: the data to evaluate must have a batch, got none"); });
    Row row = log.values();
    row.emplace_back("seconds", std::chrono::duration<double>(Clock::now() - start).count());
    History history;
    history.add_row(row);
    return history;
}

void TrainerCore::stop() { setup_->stop_wanted = true; }

void TrainerCore::keep(std::string name, ModelRef model, Location where) {
    check<ValueError>(!name.empty() && name.find('.') == name.npos, where,
                      [&] { return "Trainer: a name must be without dots and not empty, got " + name; });
    for (const auto& [other, _] : setup_->kept)
        check<ValueError>(other != name, where,
                          [&] { return "Trainer: a name can be kept once, got " + name + " again"; });
    setup_->kept.emplace_back(std::move(name), model);
}
void TrainerCore::on_step(std::unique_ptr<Hook> hook) { setup_->step_hooks.push_back(std::move(hook)); }
void TrainerCore::on_epoch(std::unique_ptr<Hook> hook) { setup_->epoch_hooks.push_back(std::move(hook)); }

}  // namespace xgrad::nn::detail
