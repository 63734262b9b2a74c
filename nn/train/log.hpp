#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "metrics.hpp"
#include "nn/core/state.hpp"

namespace xgrad::nn {

/// Named measurements over an epoch. The function that Trainer calls for each batch writes into it.
class XGRAD_API Log {
public:
    Log();
    Log(Log&&) noexcept;
    Log& operator=(Log&&) noexcept;
    ~Log();

    /// Logs a number for this batch; the epoch's value is the mean, with each batch weighted by its number of samples.
    /// ValueError for "loss", "lr", "seconds", "epoch" and names that start with "valid_": Trainer's own columns.
    void operator()(std::string_view name, double value, Location where = Location::current());
    /// The same with an explicit weight.
    void add(std::string_view name, double value, double weight, Location where = Location::current());
    /// A metric over the whole epoch: the first call keeps a copy of `fresh`, each call passes the arguments to its
    /// `update`, and the epoch's value is its `value()`: `log.update("auc", nn::RocAuc(), scores, labels)`.
    template <class M, class... Arguments>
    void update(std::string_view name, const M& fresh, const Arguments&... arguments) {
        check_free(name, {});
        Meter* meter = find(name, &MeterOf<M>::kind);
        if (!meter) meter = &insert(name, std::make_unique<MeterOf<M>>(fresh), {});
        static_cast<MeterOf<M>&>(*meter).metric.update(arguments...);
    }

    /// The numbers so far, in the order in which they first appeared.
    std::vector<std::pair<std::string, double>> values() const;

    /// Only their names.
    std::vector<std::string> names() const;

    // For Trainer.
    void start_batch(std::int64_t samples) { samples_ = samples; }
    State state_dict() const;
    void load_state_dict(const State& state) { loaded_ = state; }

private:
    struct XGRAD_API Meter {
        explicit Meter(const void* kind_of) : kind_(kind_of) {}
        virtual ~Meter();
        virtual double value() const = 0;
        virtual Tensor state() const = 0;
        virtual void set_state(const Tensor& state) = 0;
        const void* kind_;
    };
    template <class M>
    struct MeterOf final : Meter {
        explicit MeterOf(const M& fresh) : Meter(&kind), metric(fresh) {}
        double value() const override { return metric.value(); }
        Tensor state() const override { return metric.state(); }
        void set_state(const Tensor& state) override { metric.set_state(state); }
        M metric;
        static constexpr char kind = 0;  // its address tells the metrics' types apart
    };

    static void check_free(std::string_view name, Location where);
    /// Null when there is no meter of that name yet. ValueError when it is of a different kind.
    Meter* find(std::string_view name, const void* kind);
    Meter& insert(std::string_view name, std::unique_ptr<Meter> meter, Location where);

    std::vector<std::pair<std::string, std::unique_ptr<Meter>>> meters_;
    State loaded_;  // of meters that have not been updated yet
    std::int64_t samples_ = 1;
};

/// The measurements of a training run: one row per epoch.
class XGRAD_API History {
public:
    enum class Stop { finished, early, interrupted, requested };

    std::vector<std::string> columns;  ///< "loss", the logged names, the same with the prefix "valid_", "lr", "seconds"
    std::vector<std::vector<double>> rows;  ///< NaN if an epoch has no such number
    Stop stop = Stop::finished;  ///< why the run ended
    std::string monitor;  ///< the column that decides the best epoch
    std::int64_t best_epoch = 0;  ///< counted from 1; 0: none yet
    double best = 0;  ///< its monitored value

    std::int64_t epochs() const { return static_cast<std::int64_t>(rows.size()); }
    bool has(std::string_view column) const;
    /// ValueError naming all columns when there is no such column.
    std::vector<double> column(std::string_view column, Location where = Location::current()) const;
    /// The value in the last row.
    double last(std::string_view column, Location where = Location::current()) const;

    void add_row(const std::vector<std::pair<std::string, double>>& row);
    /// A table with a header; numbers are written so that they are read back exactly.
    std::string csv() const;

private:
    std::size_t index(std::string_view column, Location where) const;
};

}  // namespace xgrad::nn
