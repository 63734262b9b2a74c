#include "schedule.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace xgrad::nn {

namespace {

void check_positive(const char* schedule, const char* option, std::int64_t value, Location where) {
    check<ValueError>(value > 0, where, [&] {
        return std::string(schedule) + ": " + option + " must be positive, got " + std::to_string(value);
    });
}
void check_factor(const char* schedule, const char* option, double value, Location where) {
    check<ValueError>(value > 0 && value <= 1, where, [&] {
        return std::string(schedule) + ": " + option + " must be in (0, 1], got " + PlainNumber(value).text();
    });
}
double cosine(std::int64_t epoch, std::int64_t length) {
    return 1 + std::cos(std::numbers::pi * static_cast<double>(epoch) / static_cast<double>(length));
}

}  // namespace

Schedule::Schedule(const char* name, Optimizer& optimizer) : name_(name), optimizer_(&optimizer) {
    for (std::size_t group = 0; group < optimizer.groups(); ++group) {
        base_lrs_.push_back(optimizer.initial_lr(group));
        optimizer.set_initial_lr(base_lrs_.back(), group);
    }
}
Schedule::~Schedule() = default;

void Schedule::advance(std::optional<double>, Location) {
    ++last_epoch_;
    std::vector<double> lrs;
    for (std::size_t group = 0; group < base_lrs_.size(); ++group) lrs.push_back(next(group));
    for (std::size_t group = 0; group < lrs.size(); ++group) optimizer_->set_lr(lrs[group], group);
    remember();
}
void Schedule::restart() {
    for (std::size_t group = 0; group < base_lrs_.size(); ++group) optimizer_->set_lr(base_lrs_[group], group);
    last_epoch_ = -1;
    start();
}
void Schedule::remember() {
    last_lr_.clear();
    for (std::size_t group = 0; group < optimizer_->groups(); ++group) last_lr_.push_back(optimizer_->lr(group));
}

// --- steps and powers ------------------------------------------------------------------------------------------------

StepLR::StepLR(Optimizer& optimizer, std::int64_t step_size, const StepLROptions& options, Location where)
    : Schedule("StepLR", optimizer), step_size_(step_size), options_(options) {
    check_positive(name(), "step_size", step_size, where);
    start();
}
double StepLR::next(std::size_t group) const {
    return last_epoch() > 0 && last_epoch() % step_size_ == 0 ? lr(group) * options_.gamma : lr(group);
}

MultiStepLR::MultiStepLR(Optimizer& optimizer, std::vector<std::int64_t> milestones, const StepLROptions& options)
    : Schedule("MultiStepLR", optimizer), milestones_(std::move(milestones)), options_(options) {
    start();
}
double MultiStepLR::next(std::size_t group) const {
    return lr(group) * std::pow(options_.gamma,
                                static_cast<double>(std::count(milestones_.begin(), milestones_.end(), last_epoch())));
}

ConstantLR::ConstantLR(Optimizer& optimizer, const ConstantLROptions& options, Location where)
    : Schedule("ConstantLR", optimizer), options_(options) {
    check_factor(name(), "factor", options.factor, where);
    check<ValueError>(options.total_iters >= 0, where, [&] {
        return "ConstantLR: total_iters must not be negative, got " + std::to_string(options.total_iters);
    });
    start();
}
double ConstantLR::next(std::size_t group) const {
    if (options_.total_iters == 0) return lr(group);
    if (last_epoch() == 0) return lr(group) * options_.factor;
    return last_epoch() == options_.total_iters ? lr(group) * (1 / options_.factor) : lr(group);
}

LinearLR::LinearLR(Optimizer& optimizer, const LinearLROptions& options, Location where)
    : Schedule("LinearLR", optimizer), options_(options) {
    check_factor(name(), "start_factor", options.start_factor, where);
    check<ValueError>(options.end_factor >= 0 && options.end_factor <= 1, where, [&] {
        return "LinearLR: end_factor must be in [0, 1], got " + PlainNumber(options.end_factor).text();
    });
    check_positive(name(), "total_iters", options.total_iters, where);
    start();
}
double LinearLR::next(std::size_t group) const {
    if (last_epoch() == 0) return lr(group) * options_.start_factor;
    if (last_epoch() > options_.total_iters) return lr(group);
    const double change = options_.end_factor - options_.start_factor;
    const double before = static_cast<double>(options_.total_iters) * options_.start_factor +
                          static_cast<double>(last_epoch() - 1) * change;
    return lr(group) * (1 + change / before);
}

ExponentialLR::ExponentialLR(Optimizer& optimizer, double gamma) : Schedule("ExponentialLR", optimizer), gamma_(gamma) {
    start();
}
double ExponentialLR::next(std::size_t group) const { return last_epoch() == 0 ? lr(group) : lr(group) * gamma_; }

PolynomialLR::PolynomialLR(Optimizer& optimizer, const PolynomialLROptions& options, Location where)
    : Schedule("PolynomialLR", optimizer), options_(options) {
    check_positive(name(), "total_iters", options.total_iters, where);
    start();
}
double PolynomialLR::next(std::size_t group) const {
    if (last_epoch() == 0 || last_epoch() > options_.total_iters) return lr(group);
    const double total = static_cast<double>(options_.total_iters), epoch = static_cast<double>(last_epoch());
    return lr(group) * std::pow((1 - epoch / total) / (1 - (epoch - 1) / total), options_.power);
}

// --- cosines ---------------------------------------------------------------------------------------------------------

CosineAnnealingLR::CosineAnnealingLR(Optimizer& optimizer, std::int64_t T_max, const CosineAnnealingLROptions& options,
                                     Location where)
    : Schedule("CosineAnnealingLR", optimizer), T_max_(T_max), options_(options) {
    check_positive(name(), "T_max", T_max, where);
    start();
}
double CosineAnnealingLR::next(std::size_t group) const {
    const std::int64_t epoch = last_epoch();
    if (epoch == 0) return lr(group);
    // When the previous learning rate was eta_min, a ratio is undefined.
    if ((epoch - 1 - T_max_) % (2 * T_max_) == 0)
        return lr(group) + (base_lr(group) - options_.eta_min) * (2 - cosine(1, T_max_)) / 2;
    return cosine(epoch, T_max_) / cosine(epoch - 1, T_max_) * (lr(group) - options_.eta_min) + options_.eta_min;
}

CosineAnnealingWarmRestarts::CosineAnnealingWarmRestarts(Optimizer& optimizer, std::int64_t T_0,
                                                         const CosineAnnealingWarmRestartsOptions& options,
                                                         Location where)
    : Schedule("CosineAnnealingWarmRestarts", optimizer), T_0_(T_0), T_i_(T_0), options_(options) {
    check_positive(name(), "T_0", T_0, where);
    check_positive(name(), "T_mult", options.T_mult, where);
    CosineAnnealingWarmRestarts::restart();
}
void CosineAnnealingWarmRestarts::advance(std::optional<double> metric, Location where) {
    if (last_epoch() < 0) return restart();
    if (++T_cur_ >= T_i_) {
        T_cur_ -= T_i_;
        if (__builtin_mul_overflow(T_i_, options_.T_mult, &T_i_)) T_i_ = std::numeric_limits<std::int64_t>::max();
    }
    Schedule::advance(metric, where);
}
void CosineAnnealingWarmRestarts::restart() {
    T_cur_ = 0;
    T_i_ = T_0_;
    Schedule::restart();
}
double CosineAnnealingWarmRestarts::next(std::size_t group) const {
    return options_.eta_min + (base_lr(group) - options_.eta_min) * cosine(T_cur_, T_i_) / 2;
}

}  // namespace xgrad::nn
