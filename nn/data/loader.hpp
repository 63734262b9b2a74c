#pragma once

#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "collate.hpp"
#include "dataset.hpp"
#include "prefetch.hpp"
#include "sampler.hpp"

// Mini-batches, from datasets in memory or on demand (DataLoader) and from streams (StreamLoader).

namespace xgrad::nn {

struct DataLoaderOptions {
    std::int64_t batch_size = 1;
    bool shuffle = false;
    Sampler sampler = {};   ///< a custom order; not together with shuffle
    int num_workers = 0;    ///< threads that make batches in advance; 0: each is made when the loop requests it
    int prefetch_factor = 2;  ///< batches in advance for each worker
    bool drop_last = false;  ///< leave out the last batch when it is not full
    std::optional<std::uint64_t> seed =
        {};  ///< seed of the order and of random transforms; drawn from default_generator() if not given
};

/// The position of a loader: what a run needs to resume with the same batches.
struct LoaderPosition {
    std::uint64_t seed = 0;
    std::int64_t epoch = 0;  ///< passes started
    std::int64_t batch = 0;  ///< batch with which the next pass starts
};

namespace detail {

/// A loader's position, with a seed that is given or drawn from default_generator().
class LoaderState {
public:
    /// Passes started so far. Setting it repeats the batches of a later pass, as resuming needs, optionally starting
    /// with that pass's batch `batch`.
    std::int64_t epoch() const { return position_.epoch; }
    void set_epoch(std::int64_t epoch, std::int64_t batch = 0) {
        position_.epoch = epoch;
        position_.batch = batch;
    }
    const LoaderPosition& position() const { return position_; }
    void set_position(const LoaderPosition& position) { position_ = position; }

protected:
    explicit LoaderState(const std::optional<std::uint64_t>& seed) : position_{seed ? *seed : draw_seed()} {}

    LoaderPosition position_;
};

XGRAD_API void check_loader(const char* loader, std::int64_t batch_size, int num_workers, int prefetch_factor,
                            Location where);
XGRAD_API void check_order(bool shuffle, bool sampler, Location where);

/// Slots for the batches of a pass.
inline std::size_t slots_for(int num_workers, int prefetch_factor) {
    return num_workers > 0 ? static_cast<std::size_t>(num_workers) * static_cast<std::size_t>(prefetch_factor) : 1;
}

}  // namespace detail

/// Mini-batches: `for (auto [x, y] : loader)` is one pass over the dataset, with a new order each time when shuffling.
/// Batches and their order depend only on the seed and the number of the pass, not on the number of workers. Workers
/// call the dataset's `batch` (or its operator[] and the collate function) from several threads at once; an exception
/// in a worker is rethrown in the loop, at the batch where it happened. A loop may be left at any time. The loader must
/// not be moved while a loop runs. ValueError for invalid options.
///
///     nn::DataLoader loader(nn::TensorDataset(images, labels), {.batch_size = 64, .shuffle = true, .num_workers = 2});
///     nn::DataLoader sentences(texts, {.batch_size = 16}, nn::PadCollate());   // texts[i] is a sample
template <Dataset D>
class DataLoader : public detail::LoaderState {
public:
    explicit DataLoader(D dataset, const DataLoaderOptions& options = {}, Location where = Location::current())
        : LoaderState(options.seed), dataset_(std::move(dataset)), options_(options) {
        detail::check_loader("DataLoader", options.batch_size, options.num_workers, options.prefetch_factor, where);
        detail::check_order(options.shuffle, options.sampler.defined(), where);
    }
    /// The same for samples alone, and for samples with targets.
    explicit DataLoader(const Tensor& x, const DataLoaderOptions& options = {}, Location where = Location::current())
        requires std::same_as<D, TensorDataset<1>>
        : DataLoader(D({x, where}), options, where) {}
    DataLoader(const Tensor& x, const Tensor& y, const DataLoaderOptions& options = {},
               Location where = Location::current())
        requires std::same_as<D, TensorDataset<2>>
        : DataLoader(D({x, where}, {y, where}), options, where) {}
    /// Single samples, combined into batches by `collate`, which takes a vector of them (and a Generator, if it draws
    /// random numbers).
    template <class Samples, class C = Collate>
        requires std::same_as<D, detail::CollatedDataset<Samples, C>>
    explicit DataLoader(Samples samples, const DataLoaderOptions& options = {}, C collate = {},
                        Location where = Location::current())
        : DataLoader(D(std::move(samples), std::move(collate)), options, where) {}

    using Batch = detail::BatchOf<D>;
    using iterator = detail::BatchIterator<Batch>;

    /// Starts the next pass.
    iterator begin() {
        const auto pass = static_cast<std::uint64_t>(position_.epoch++);
        return {std::make_unique<Pass>(*this, detail::mix(position_.seed, pass)), std::exchange(position_.batch, 0),
                options_.num_workers};
    }
    std::default_sentinel_t end() const { return {}; }

    /// Batches in one pass.
    std::int64_t size() const {
        const std::int64_t n = samples(), b = options_.batch_size;
        return options_.drop_last ? n / b : (n + b - 1) / b;
    }
    const D& dataset() const { return dataset_; }

private:
    class Pass final : public detail::Pass<Batch> {
    public:
        Pass(const DataLoader& loader, std::uint64_t seed)
            : detail::Pass<Batch>(detail::slots_for(loader.options_.num_workers, loader.options_.prefetch_factor)),
              loader_(loader),
              seed_(seed) {
            Generator generator(seed);
            if (loader.options_.sampler.defined()) order_ = loader.options_.sampler.order(generator);
            else if (loader.options_.shuffle) order_ = permutation(loader.dataset_.size(), generator);
        }
        bool fetch(std::int64_t at, std::size_t) override { return at < loader_.size(); }
        void make(std::int64_t at, std::size_t slot) override {
            Generator generator(detail::mix(seed_, static_cast<std::uint64_t>(at)));
            this->batches[slot] = loader_.load(at, order_, generator);
        }

    private:
        const DataLoader& loader_;
        std::uint64_t seed_;
        Tensor order_;
    };

    std::int64_t samples() const {
        return options_.sampler.defined() ? options_.sampler.size() : static_cast<std::int64_t>(dataset_.size());
    }

    /// Batch number `at` of a pass in the given order; an empty order means the dataset's own.
    Batch load(std::int64_t at, const Tensor& order, Generator& generator) const {
        // Not std::min: <algorithm> would add 0.2 s of compile time to every file that includes this.
        const std::int64_t begin = at * options_.batch_size, rest = samples() - begin;
        const std::int64_t end = begin + (options_.batch_size < rest ? options_.batch_size : rest);
        if (order.defined()) return detail::batch_of(dataset_, slice(order, 0, begin, end), generator);
        if constexpr (requires { dataset_.batch(begin, end); }) return dataset_.batch(begin, end);
        else return detail::batch_of(dataset_, arange(begin, end), generator);
    }

    D dataset_;
    DataLoaderOptions options_;
};
DataLoader(const Tensor&, const DataLoaderOptions& = {}, Location = {}) -> DataLoader<TensorDataset<1>>;
DataLoader(const Tensor&, const Tensor&, const DataLoaderOptions& = {}, Location = {}) -> DataLoader<TensorDataset<2>>;
template <SampleDataset D>
    requires(!Dataset<D>)
DataLoader(D, const DataLoaderOptions& = {}) -> DataLoader<detail::CollatedDataset<D, Collate>>;
template <SampleDataset D, class C>
    requires(!std::same_as<C, Location>)
DataLoader(D, const DataLoaderOptions&, C, Location = {}) -> DataLoader<detail::CollatedDataset<D, C>>;

struct StreamLoaderOptions {
    std::int64_t batch_size = 1;
    std::int64_t shuffle_buffer =
        0;  ///< the next sample is drawn at random from a buffer of this many; 0: in the stream's order
    int num_workers = 0;  ///< as in DataLoaderOptions
    int prefetch_factor = 2;
    bool drop_last = false;
    std::optional<std::uint64_t> seed = {};
};

/// Mini-batches of a stream whose length need not be known: `open(pass)` starts it and returns a function that returns
/// the next sample on each call, a std::optional that is empty at the end. Only one thread at a time calls it; workers,
/// if any, share the collating. Everything else is as in DataLoader; a pass that starts at a later batch reads and
/// drops the samples before it.
///
///     nn::StreamLoader loader(
///         [](std::int64_t) {
///             return [file = std::ifstream("numbers.txt")]() mutable {
///                 double x;
///                 return file >> x ? std::optional(x) : std::nullopt;
///             };
///         },
///         {.batch_size = 32});
template <class Open, class C = Collate>
class StreamLoader : public detail::LoaderState {
    using Next = std::invoke_result_t<const Open&, std::int64_t>;
    using Sample = typename std::remove_cvref_t<std::invoke_result_t<Next&>>::value_type;

public:
    explicit StreamLoader(Open open, const StreamLoaderOptions& options = {}, C collate = {},
                          Location where = Location::current())
        : LoaderState(options.seed), open_(std::move(open)), collate_(std::move(collate)), options_(options) {
        detail::check_loader("StreamLoader", options.batch_size, options.num_workers, options.prefetch_factor, where);
    }

    using Batch = std::remove_cvref_t<std::invoke_result_t<const C&, const std::vector<Sample>&>>;
    using iterator = detail::BatchIterator<Batch>;

    /// Starts the next pass.
    iterator begin() {
        const std::int64_t epoch = position_.epoch++, first = std::exchange(position_.batch, 0);
        return {std::make_unique<Pass>(*this, epoch, first), first, options_.num_workers};
    }
    std::default_sentinel_t end() const { return {}; }

private:
    class Pass final : public detail::Pass<Batch> {
    public:
        Pass(const StreamLoader& loader, std::int64_t epoch, std::int64_t first)
            : detail::Pass<Batch>(detail::slots_for(loader.options_.num_workers, loader.options_.prefetch_factor)),
              loader_(loader),
              next_(loader.open_(epoch)),
              generator_(detail::mix(loader.position_.seed, static_cast<std::uint64_t>(epoch))),
              samples_(this->batches.size()) {
            for (std::int64_t at = 0; at < first; ++at) fetch(at, 0);
        }
        bool fetch(std::int64_t, std::size_t slot) override {
            std::vector<Sample>& samples = samples_[slot];
            samples.clear();
            while (static_cast<std::int64_t>(samples.size()) < loader_.options_.batch_size) {
                std::optional<Sample> sample = draw();
                if (!sample) break;
                samples.push_back(std::move(*sample));
            }
            return loader_.options_.drop_last ? static_cast<std::int64_t>(samples.size()) == loader_.options_.batch_size
                                              : !samples.empty();
        }
        void make(std::int64_t, std::size_t slot) override { this->batches[slot] = loader_.collate_(samples_[slot]); }

    private:
        /// The stream's next sample, or a random one from the buffer, where the next sample takes its place.
        std::optional<Sample> draw() {
            while (!ended_ && static_cast<std::int64_t>(waiting_.size()) <= loader_.options_.shuffle_buffer) {
                std::optional<Sample> sample = next_();
                if (sample) waiting_.push_back(std::move(*sample));
                else ended_ = true;
            }
            if (waiting_.empty()) return std::nullopt;
            const std::size_t i = loader_.options_.shuffle_buffer > 0 ? generator_() % waiting_.size() : 0;
            std::swap(waiting_[i], waiting_.back());
            std::optional<Sample> chosen = std::move(waiting_.back());
            waiting_.pop_back();
            return chosen;
        }

        const StreamLoader& loader_;
        Next next_;
        Generator generator_;
        std::vector<std::vector<Sample>> samples_;
        std::vector<Sample> waiting_;
        bool ended_ = false;
    };

    Open open_;
    C collate_;
    StreamLoaderOptions options_;
};

}  // namespace xgrad::nn
