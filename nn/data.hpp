#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include <autodiff/ops/index.hpp>
#include <autodiff/ops/shape.hpp>

#include "random.hpp"

namespace xgrad::nn {

/// Samples in memory: N tensors whose first axis counts the samples, all of one length (ShapeError).
template <std::size_t N>
class TensorDataset {
public:
    template <class... T>
        requires(sizeof...(T) == N && (std::convertible_to<const T&, Tensor> && ...))
    explicit TensorDataset(const T&... tensors) : tensors_{tensors...} {
        for (const Tensor& t : tensors_)
            check<ShapeError>(t.ndim() > 0 && t.shape(0) == tensors_[0].shape(0), {}, [&] {
                return "TensorDataset: tensors must have one first size, got " + to_string(tensors_[0].shape()) + " and " +
                       to_string(t.shape());
            });
    }

    std::int64_t size() const { return tensors_[0].shape(0); }
    /// The samples at `indices` (i64), one tensor for each of the set's.
    std::array<Tensor, N> batch(const Tensor& indices) const {
        std::array<Tensor, N> chosen;
        for (std::size_t i = 0; i < N; ++i) chosen[i] = take(tensors_[i], indices, 0);
        return chosen;
    }
    /// Samples begin … end-1.
    std::array<Tensor, N> batch(std::int64_t begin, std::int64_t end) const {
        std::array<Tensor, N> chosen;
        for (std::size_t i = 0; i < N; ++i) chosen[i] = slice(tensors_[i], 0, begin, end);
        return chosen;
    }

private:
    std::array<Tensor, N> tensors_;
};
template <class... T>
TensorDataset(const T&...) -> TensorDataset<sizeof...(T)>;

/// A set of samples that can be asked for any of them: what a DataLoader reads.
template <class D>
concept Dataset = requires(const D& set, const Tensor& indices) {
    { set.size() } -> std::convertible_to<std::int64_t>;
    set.batch(indices);
};

struct DataLoaderOptions {
    std::int64_t batch_size = 1;
    bool shuffle = false;
    bool drop_last = false;                 ///< leave out the last batch when it is not full
    std::optional<std::uint64_t> seed = {};  ///< of the shuffling; otherwise drawn from default_generator()
};

/// Mini-batches: `for (auto [x, y] : loader)` is one pass over the set, with a new order each time when shuffling. The order depends on the seed
/// and the number of the pass only. ValueError unless batch_size is positive.
///
///     nn::DataLoader loader(nn::TensorDataset(images, labels), {.batch_size = 64, .shuffle = true});
template <Dataset D>
class DataLoader {
public:
    explicit DataLoader(D dataset, const DataLoaderOptions& options = {}, Location where = Location::current())
        : dataset_(std::move(dataset)), options_(options), seed_(options.seed ? *options.seed : detail::draw_seed()) {
        check<ValueError>(options.batch_size > 0, where,
                          [&] { return "DataLoader: batch_size must be positive, got " + std::to_string(options.batch_size); });
    }
    /// The same on samples alone, and on pairs of samples and targets.
    explicit DataLoader(const Tensor& x, const DataLoaderOptions& options = {}, Location where = Location::current())
        requires std::same_as<D, TensorDataset<1>>
        : DataLoader(D(x), options, where) {}
    DataLoader(const Tensor& x, const Tensor& y, const DataLoaderOptions& options = {}, Location where = Location::current())
        requires std::same_as<D, TensorDataset<2>>
        : DataLoader(D(x, y), options, where) {}

    using Batch = decltype(std::declval<const D&>().batch(std::declval<const Tensor&>()));

    class iterator {
    public:
        using iterator_category = std::input_iterator_tag;
        using value_type = Batch;
        using difference_type = std::ptrdiff_t;
        iterator(const DataLoader& loader, Tensor order) : loader_(&loader), order_(std::move(order)) { load(); }

        Batch& operator*() { return batch_; }
        iterator& operator++() {
            ++at_;
            batch_ = Batch();  // gives its buffers to the next one
            load();
            return *this;
        }
        void operator++(int) { ++*this; }
        friend bool operator==(const iterator& it, std::default_sentinel_t) { return it.at_ >= it.loader_->size(); }

    private:
        void load() {
            if (at_ < loader_->size()) batch_ = loader_->load(at_, order_);
        }

        const DataLoader* loader_;
        Tensor order_;
        std::int64_t at_ = 0;
        Batch batch_;
    };

    /// Starts the next pass.
    iterator begin() {
        const auto pass = static_cast<std::uint64_t>(epoch_++);
        if (!options_.shuffle) return {*this, Tensor()};
        Generator generator(detail::mix(seed_, pass));
        return {*this, permutation(dataset_.size(), generator)};
    }
    std::default_sentinel_t end() const { return {}; }

    /// Batches in one pass.
    std::int64_t size() const {
        const auto n = static_cast<std::int64_t>(dataset_.size()), b = options_.batch_size;
        return options_.drop_last ? n / b : (n + b - 1) / b;
    }
    const D& dataset() const { return dataset_; }
    /// Passes begun so far. Setting it gives the order of a later pass again, as resuming needs.
    std::int64_t epoch() const { return epoch_; }
    void set_epoch(std::int64_t epoch) { epoch_ = epoch; }

private:
    /// Batch number `at` of a pass in the given order; empty: as the samples come.
    Batch load(std::int64_t at, const Tensor& order) const {
        // Not std::min: <algorithm> would cost everybody who includes this 0.2 s.
        const std::int64_t begin = at * options_.batch_size, rest = dataset_.size() - begin;
        const std::int64_t end = begin + (options_.batch_size < rest ? options_.batch_size : rest);
        if (order.defined()) return dataset_.batch(slice(order, 0, begin, end));
        if constexpr (requires { dataset_.batch(begin, end); }) return dataset_.batch(begin, end);
        else return dataset_.batch(arange(static_cast<double>(begin), static_cast<double>(end), 1, DType::i64));
    }

    D dataset_;
    DataLoaderOptions options_;
    std::uint64_t seed_;
    std::int64_t epoch_ = 0;
};
DataLoader(const Tensor&, const DataLoaderOptions& = {}, Location = {}) -> DataLoader<TensorDataset<1>>;
DataLoader(const Tensor&, const Tensor&, const DataLoaderOptions& = {}, Location = {}) -> DataLoader<TensorDataset<2>>;

}  // namespace xgrad::nn
