#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <span>

#include "schedule.hpp"

// The schedules with their own state, those composed of others, and how states are saved.

namespace xgrad::nn {

namespace {

const Tensor& entry(const char* schedule, const State& state, const char* key, Location where) {
    const Tensor* t = find(state, key);
    check<ValueError>(t, where, [&] { return std::string(schedule) + ": the state has no " + key; });
    return *t;
}
std::int64_t integer(const char* schedule, const State& state, const char* key, Location where) {
    return entry(schedule, state, key, where).item<std::int64_t>();
}
std::vector<double> numbers(const char* schedule, const State& state, const char* key, std::size_t count,
                            Location where) {
    const auto data = entry(schedule, state, key, where).data<double>();
    check<ValueError>(data.size() == count, where, [&] {
        return std::string(schedule) + ": the state must have a number for each of " + std::to_string(count) +
               " groups in " + key + ", got " + std::to_string(data.size());
    });
    return {data.begin(), data.end()};
}

std::string part(std::size_t i) { return "schedulers." + std::to_string(i) + "."; }

void add_parts(State& state, const std::vector<Schedule*>& schedules) {
    for (std::size_t i = 0; i < schedules.size(); ++i)
        for (auto& [key, t] : schedules[i]->state_dict()) state.emplace_back(part(i) + key, t);
}
void load_parts(const State& state, const std::vector<Schedule*>& schedules, Location where) {
    for (std::size_t i = 0; i < schedules.size(); ++i) {
        State own;
        for (const auto& [key, t] : state)
            if (key.starts_with(part(i))) own.emplace_back(key.substr(part(i).size()), t);
        schedules[i]->load_state_dict(own, where);
    }
}

Schedule& first_of(const char* name, const std::vector<Schedule*>& schedules, Location where) {
    check<ValueError>(!schedules.empty() && std::count(schedules.begin(), schedules.end(), nullptr) == 0, where,
                      [&] { return std::string(name) + ": there must be schedules, got none or a null pointer"; });
    return *schedules[0];
}

}  // namespace

State Schedule::state_dict() const {
    return {{"last_epoch", scalar(last_epoch_)}, {"base_lrs", tensor(base_lrs_)}, {"last_lr", tensor(last_lr_)}};
}
void Schedule::load_state_dict(const State& state, Location where) {
    const std::int64_t last_epoch = integer(name_, state, "last_epoch", where);
    auto base_lrs = numbers(name_, state, "base_lrs", base_lrs_.size(), where);
    auto last_lr = numbers(name_, state, "last_lr", last_lr_.size(), where);
    last_epoch_ = last_epoch;
    base_lrs_ = std::move(base_lrs);
    last_lr_ = std::move(last_lr);
    for (std::size_t group = 0; group < last_lr_.size(); ++group) optimizer_->set_lr(last_lr_[group], group);
}

State CosineAnnealingWarmRestarts::state_dict() const {
    State state = Schedule::state_dict();
    state.emplace_back("T_cur", scalar(T_cur_));
    state.emplace_back("T_i", scalar(T_i_));
    return state;
}
void CosineAnnealingWarmRestarts::load_state_dict(const State& state, Location where) {
    const std::int64_t T_cur = integer(name(), state, "T_cur", where), T_i = integer(name(), state, "T_i", where);
    Schedule::load_state_dict(state, where);
    T_cur_ = T_cur;
    T_i_ = T_i;
}

// --- one cycle -------------------------------------------------------------------------------------------------------

OneCycleLR::OneCycleLR(Optimizer& given, double max_lr, const OneCycleLROptions& options, Location where)
    : OneCycleLR(given, std::vector<double>(given.groups(), max_lr), options, where) {}

OneCycleLR::OneCycleLR(Optimizer& given, std::vector<double> max_lrs, const OneCycleLROptions& options, Location where)
    : Schedule("OneCycleLR", given), max_lrs_(std::move(max_lrs)), options_(options) {
    check<ValueError>(options.total_steps || (options.epochs && options.steps_per_epoch), where, [] {
        return std::string("OneCycleLR: total_steps, or epochs and steps_per_epoch, must be given, got neither");
    });
    const auto positive = [&](const char* option, auto value) {
        check<ValueError>(value > 0, where, [&] {
            return std::string("OneCycleLR: ") + option + " must be positive, got " + PlainNumber(value).text();
        });
    };
    if (options.total_steps) {
        total_steps_ = *options.total_steps;
        positive("total_steps", total_steps_);
    } else {
        positive("epochs", *options.epochs);
        positive("steps_per_epoch", *options.steps_per_epoch);
        check<ValueError>(!__builtin_mul_overflow(*options.epochs, *options.steps_per_epoch, &total_steps_), where,
                          [] { return std::string("OneCycleLR: epochs times steps_per_epoch must fit 64 bits"); });
    }
    positive("div_factor", options.div_factor);
    positive("final_div_factor", options.final_div_factor);
    check<ValueError>(options.pct_start >= 0 && options.pct_start <= 1, where, [&] {
        return "OneCycleLR: pct_start must be in [0, 1], got " + PlainNumber(options.pct_start).text();
    });
    check<ValueError>(max_lrs_.size() == given.groups(), where, [&] {
        return "OneCycleLR: one max_lr for each of " + std::to_string(given.groups()) + " groups is needed, got " +
               std::to_string(max_lrs_.size());
    });
    check<ValueError>(!options.cycle_momentum || given.momentum(), where, [&] {
        return std::string("OneCycleLR: cycle_momentum needs an optimizer with momentum, got ") + given.name();
    });
    for (std::size_t group = 0; group < max_lrs_.size(); ++group) {
        set_base_lr(max_lrs_[group] / options.div_factor, group);
        given.set_initial_lr(base_lr(group), group);
    }
    OneCycleLR::advance({}, where);
}

double OneCycleLR::value(double low, double high, double end) const {
    struct Phase {
        double last_step, from, to;
    };
    const double total = static_cast<double>(total_steps_), rise = options_.pct_start * total,
                 now = static_cast<double>(last_epoch());
    const Phase two[] = {{rise - 1, low, high}, {total - 1, high, end}};
    const Phase three[] = {{rise - 1, low, high}, {2 * rise - 2, high, low}, {total - 1, low, end}};
    const std::span<const Phase> phases =
        options_.three_phase ? std::span<const Phase>(three) : std::span<const Phase>(two);
    double first = 0;
    for (const Phase& phase : phases) {
        if (now <= phase.last_step || &phase == &phases.back()) {
            // A phase of length zero is already over, and so is the last phase after its last step.
            const double done = now < phase.last_step ? (now - first) / (phase.last_step - first) : 1;
            return options_.anneal_strategy == Anneal::linear
                       ? (phase.to - phase.from) * done + phase.from
                       : phase.to + (phase.from - phase.to) / 2 * (1 + std::cos(std::numbers::pi * done));
        }
        first = phase.last_step;
    }
    return end;
}

double OneCycleLR::next(std::size_t group) const {
    return value(base_lr(group), max_lrs_[group], base_lr(group) / options_.final_div_factor);
}

void OneCycleLR::set_momenta() {
    if (!options_.cycle_momentum) return;
    // Moves opposite to the learning rate and ends where it began.
    const double momentum = value(options_.max_momentum, options_.base_momentum, options_.max_momentum);
    for (std::size_t group = 0; group < max_lrs_.size(); ++group) optimizer().set_momentum(momentum, group);
}

void OneCycleLR::advance(std::optional<double> metric, Location where) {
    check<ValueError>(last_epoch() < total_steps_, where, [&] {
        return "OneCycleLR: there must be at most " + std::to_string(total_steps_) + " steps, got " +
               std::to_string(last_epoch() + 1);
    });
    Schedule::advance(metric, where);
    set_momenta();
}
void OneCycleLR::restart() {
    Schedule::restart();
    set_momenta();
}

// --- driven by a metric ----------------------------------------------------------------------------------------------

ReduceLROnPlateau::ReduceLROnPlateau(Optimizer& given, const ReduceLROnPlateauOptions& options, Location where)
    : Schedule("ReduceLROnPlateau", given),
      options_(options),
      best_(options.mode == PlateauMode::min ? std::numeric_limits<double>::infinity()
                                             : -std::numeric_limits<double>::infinity()) {
    check<ValueError>(options.factor < 1, where, [&] {
        return "ReduceLROnPlateau: factor must be less than 1, got " + PlainNumber(options.factor).text();
    });
    set_last_epoch(0);
    remember();
}

bool ReduceLROnPlateau::better(double metric) const {
    const double sign = options_.mode == PlateauMode::min ? -1 : 1, threshold = sign * options_.threshold;
    double level = best_ + threshold;
    // A fraction of the best value's magnitude: for negative values too, the level is on the better side of it.
    if (options_.threshold_mode == ThresholdMode::rel) level = best_ * (best_ < 0 ? 1 - threshold : 1 + threshold);
    if (std::isinf(best_)) level = best_;
    return sign * metric > sign * level;
}

double ReduceLROnPlateau::next(std::size_t group) const {
    const double reduced = std::max(lr(group) * options_.factor, options_.min_lr);
    return lr(group) - reduced > options_.eps ? reduced : lr(group);
}

void ReduceLROnPlateau::advance(std::optional<double> metric, Location where) {
    check<ValueError>(metric.has_value(), where, [] {
        return std::string("ReduceLROnPlateau: a step needs the metric, as in schedule.step(loss)");
    });
    const bool improved = better(*metric);
    if (improved) best_ = *metric;
    num_bad_epochs_ = improved ? 0 : num_bad_epochs_ + 1;
    if (cooldown_counter_ > 0) {
        --cooldown_counter_;
        num_bad_epochs_ = 0;
    }
    if (num_bad_epochs_ > options_.patience) {
        Schedule::advance(metric, where);
        cooldown_counter_ = options_.cooldown;
        num_bad_epochs_ = 0;
    } else {
        set_last_epoch(last_epoch() + 1);
        remember();
    }
}

State ReduceLROnPlateau::state_dict() const {
    State state = Schedule::state_dict();
    state.emplace_back("best", scalar(best_));
    state.emplace_back("cooldown_counter", scalar(cooldown_counter_));
    state.emplace_back("num_bad_epochs", scalar(num_bad_epochs_));
    return state;
}
void ReduceLROnPlateau::load_state_dict(const State& state, Location where) {
    const double best = entry(name(), state, "best", where).item();
    const std::int64_t cooldown = integer(name(), state, "cooldown_counter", where),
                       bad = integer(name(), state, "num_bad_epochs", where);
    Schedule::load_state_dict(state, where);
    best_ = best;
    cooldown_counter_ = cooldown;
    num_bad_epochs_ = bad;
}

// --- composed of others ----------------------------------------------------------------------------------------------

SequentialLR::SequentialLR(Optimizer& given, std::vector<Schedule*> schedules, std::vector<std::int64_t> milestones,
                           Location where)
    : Schedule("SequentialLR", given), schedules_(std::move(schedules)), milestones_(std::move(milestones)) {
    Schedule& first = first_of(name(), schedules_, where);
    for (const Schedule* schedule : schedules_)
        check<ValueError>(schedule->optimizer_ == &given, where, [&] {
            return std::string("SequentialLR: all schedules must belong to its optimizer, got another's ") +
                   schedule->name();
        });
    check<ValueError>(std::is_sorted(milestones_.begin(), milestones_.end()), where,
                      [] { return std::string("SequentialLR: milestones must be in ascending order"); });
    check<ValueError>(milestones_.size() + 1 == schedules_.size(), where, [&] {
        return "SequentialLR: one milestone fewer than schedules is needed, got " + std::to_string(milestones_.size()) +
               " for " + std::to_string(schedules_.size());
    });
    // Undoes the effect of constructing the schedules.
    for (std::size_t group = 0; group < given.groups(); ++group) given.set_lr(given.initial_lr(group), group);
    for (Schedule* schedule : schedules_) --schedule->last_epoch_;
    first.advance({}, where);
    set_last_epoch(0);
    remember();
}
void SequentialLR::advance(std::optional<double> metric, Location where) {
    set_last_epoch(last_epoch() + 1);
    const auto passed = std::upper_bound(milestones_.begin(), milestones_.end(), last_epoch()) - milestones_.begin();
    Schedule& current = *schedules_[static_cast<std::size_t>(passed)];
    if (passed > 0 && milestones_[static_cast<std::size_t>(passed - 1)] == last_epoch()) current.restart();
    else current.advance(metric, where);
    remember();
}
double SequentialLR::next(std::size_t group) const { return lr(group); }
State SequentialLR::state_dict() const {
    State state = Schedule::state_dict();
    add_parts(state, schedules_);
    return state;
}
void SequentialLR::load_state_dict(const State& state, Location where) {
    load_parts(state, schedules_, where);
    Schedule::load_state_dict(state, where);
}

ChainedScheduler::ChainedScheduler(std::vector<Schedule*> schedules, Location where)
    : Schedule("ChainedScheduler", *first_of("ChainedScheduler", schedules, where).optimizer_),
      schedules_(std::move(schedules)) {
    for (const Schedule* schedule : schedules_)
        check<ValueError>(schedule->optimizer_ == &optimizer(), where, [&] {
            return std::string("ChainedScheduler: all schedules must belong to one optimizer, got another's ") +
                   schedule->name();
        });
    set_last_epoch(0);
    remember();
}
void ChainedScheduler::advance(std::optional<double> metric, Location where) {
    for (Schedule* schedule : schedules_) schedule->advance(metric, where);
    set_last_epoch(last_epoch() + 1);
    remember();
}
double ChainedScheduler::next(std::size_t group) const { return lr(group); }
State ChainedScheduler::state_dict() const {
    State state = Schedule::state_dict();
    add_parts(state, schedules_);
    return state;
}
void ChainedScheduler::load_state_dict(const State& state, Location where) {
    load_parts(state, schedules_, where);
    Schedule::load_state_dict(state, where);
}

}  // namespace xgrad::nn
