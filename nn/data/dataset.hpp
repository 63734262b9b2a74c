#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <autodiff/ops/shape/index.hpp>
#include <autodiff/ops/shape/shape.hpp>

#include "nn/core/random.hpp"

// Datasets that a DataLoader reads, and datasets made from others: subsets, concatenations, and datasets whose batches
// are transformed on the fly.

namespace xgrad::nn {

namespace detail {
template <std::size_t>
using EachOperand = Operand;
}

/// Samples in memory: N tensors whose first axis counts the samples, all of the same length (ShapeError).
template <std::size_t N, class = std::make_index_sequence<N>>
class TensorDataset;
template <std::size_t N, std::size_t... I>
class TensorDataset<N, std::index_sequence<I...>> {
public:
    explicit TensorDataset(const detail::EachOperand<I>&... tensors) : tensors_{tensors.tensor()...} {
        const Location where = std::get<0>(std::tie(tensors...)).where();
        for (const Tensor& t : tensors_)
            check<ShapeError>(t.ndim() > 0 && t.shape(0) == tensors_[0].shape(0), where, [&] {
                return "TensorDataset: tensors must have one first size, got " + to_string(tensors_[0].shape()) +
                       " and " + to_string(t.shape());
            });
    }

    std::int64_t size() const { return tensors_[0].shape(0); }
    /// The samples at `indices` (i64), one tensor for each tensor of the dataset.
    std::array<Tensor, N> batch(const Tensor& indices) const { return {take(tensors_[I], indices, 0)...}; }
    /// Samples begin … end-1.
    std::array<Tensor, N> batch(std::int64_t begin, std::int64_t end) const {
        return {slice(tensors_[I], 0, begin, end)...};
    }

private:
    std::array<Tensor, N> tensors_;
};
template <class... T>
TensorDataset(const T&...) -> TensorDataset<sizeof...(T)>;

/// A dataset that returns any of its samples as a batch, by an i64 tensor of indices: what a DataLoader reads. A
/// dataset that draws random numbers takes a Generator as second argument and draws from it: each batch gets its own,
/// whichever thread makes it.
template <class D>
concept Dataset = requires(const D& set, const Tensor& indices, Generator& generator) {
    { set.size() } -> std::convertible_to<std::int64_t>;
    requires requires { set.batch(indices); } || requires { set.batch(indices, generator); };
};

/// A dataset that returns one sample at a time, set[i]: a Tensor, a number, a pair, tuple or array of these, or
/// anything that a custom collate function takes.
template <class D>
concept SampleDataset = requires(const D& set, std::int64_t i) {
    { set.size() } -> std::convertible_to<std::int64_t>;
    set[i];
};

namespace detail {

template <Dataset D>
auto batch_of(const D& set, const Tensor& indices, Generator& generator) {
    if constexpr (requires { set.batch(indices, generator); }) return set.batch(indices, generator);
    else return set.batch(indices);
}
template <class D>
using BatchOf = decltype(batch_of(std::declval<const D&>(), std::declval<const Tensor&>(), std::declval<Generator&>()));

/// Turns counts, or fractions that add up to 1, into sizes that add up to `total`.
XGRAD_API std::vector<std::int64_t> split_sizes(std::int64_t total, const std::vector<double>& lengths, Location where);
/// IndexError unless all indices are in [0, size).
XGRAD_API void check_indices(const char* what, const Tensor& indices, std::int64_t size, Location where);
/// Splits indices into the concatenation of several datasets into indices for each of them.
struct Parts {
    std::vector<Tensor> within;  ///< indices into each dataset; empty if there are none
    Tensor order;  ///< for each row of the batch, its row in the concatenation of the datasets' batches
};
XGRAD_API Parts parts_of(const Tensor& indices, const std::vector<std::int64_t>& ends);

/// Batches of several datasets joined into one, rows in the given order.
template <class Batch>
Batch joined(const std::vector<Batch>& batches, const Tensor& order) {
    if constexpr (std::is_same_v<Batch, Tensor>) {
        return take(concat(batches), order);
    } else {
        Batch whole;
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            const auto join = [&]<std::size_t K>(std::integral_constant<std::size_t, K>) {
                std::vector<Tensor> columns;
                for (const Batch& batch : batches) columns.push_back(std::get<K>(batch));
                std::get<K>(whole) = take(concat(columns), order);
            };
            (join(std::integral_constant<std::size_t, I>()), ...);
        }(std::make_index_sequence<std::tuple_size_v<Batch>>());
        return whole;
    }
}

}  // namespace detail

/// Some samples of a dataset, in the order of `indices` (a vector of i64), as in torch.utils.data.Subset. Subsets of
/// one dataset share it. IndexError for an index out of range. A subset of a dataset of single samples also returns
/// single samples.
template <class D>
    requires(Dataset<D> || SampleDataset<D>)
class Subset {
public:
    Subset(D dataset, const Tensor& indices, Location where = Location::current())
        : Subset(std::make_shared<const D>(std::move(dataset)), indices, where) {}
    Subset(std::shared_ptr<const D> dataset, const Tensor& indices, Location where = Location::current())
        : dataset_(std::move(dataset)), indices_(indices) {
        detail::check_indices("Subset", indices, dataset_->size(), where);
    }

    std::int64_t size() const { return indices_.size(); }
    auto batch(const Tensor& indices, Generator& generator) const
        requires Dataset<D>
    {
        return detail::batch_of(*dataset_, take(indices_, indices), generator);
    }
    decltype(auto) operator[](std::int64_t i) const
        requires(SampleDataset<D> && !Dataset<D>)
    {
        return (*dataset_)[indices_.template data<std::int64_t>()[static_cast<std::size_t>(i)]];
    }
    const Tensor& indices() const { return indices_; }
    const D& dataset() const { return *dataset_; }

private:
    std::shared_ptr<const D> dataset_;
    Tensor indices_;
};

/// Several datasets concatenated, as in torch.utils.data.ConcatDataset. Their batches must be tensors, or tuples with
/// the same number of tensors.
template <Dataset D>
class ConcatDataset {
public:
    explicit ConcatDataset(std::vector<D> datasets) : datasets_(std::move(datasets)) {
        for (const D& set : datasets_)
            ends_.push_back((ends_.empty() ? 0 : ends_.back()) + static_cast<std::int64_t>(set.size()));
    }

    std::int64_t size() const { return ends_.empty() ? 0 : ends_.back(); }
    detail::BatchOf<D> batch(const Tensor& indices, Generator& generator) const {
        const detail::Parts parts = detail::parts_of(indices, ends_);
        std::vector<detail::BatchOf<D>> batches;
        for (std::size_t i = 0; i < datasets_.size(); ++i)
            if (parts.within[i].defined())
                batches.push_back(detail::batch_of(datasets_[i], parts.within[i], generator));
        return batches.size() == 1 ? batches[0] : detail::joined(batches, parts.order);
    }

private:
    std::vector<D> datasets_;
    std::vector<std::int64_t> ends_;
};

/// A dataset whose batches are passed through a function: `f(batch)`, or `f(batch, generator)` for a function that
/// draws random numbers, such as a random crop. The numbers depend on the loader's seed, the pass and the batch, not on
/// threads. The loader's workers call the function concurrently.
///
///     auto augmented = nn::MapDataset(set, [](auto batch, Generator& g) {
///         auto& [images, labels] = batch;
///         images = nn::random_horizontal_flip(images, g);
///         return batch;
///     });
template <Dataset D, class F>
class MapDataset {
public:
    MapDataset(D dataset, F f) : dataset_(std::move(dataset)), f_(std::move(f)) {}

    std::int64_t size() const { return dataset_.size(); }
    auto batch(const Tensor& indices, Generator& generator) const {
        if constexpr (std::is_invocable_v<const F&, detail::BatchOf<D>, Generator&>)
            return f_(detail::batch_of(dataset_, indices, generator), generator);
        else return f_(detail::batch_of(dataset_, indices, generator));
    }

private:
    D dataset_;
    F f_;
};

/// A dataset randomly split into parts, as in torch.utils.data.random_split: `lengths` are numbers of samples that add
/// up to the dataset's size, or fractions that add up to 1; samples left over when those are rounded down go to the
/// first parts, one each. ValueError otherwise.
///
///     auto [train, valid] = nn::random_split(set, {0.9, 0.1});
template <class D, std::size_t N>
    requires(Dataset<D> || SampleDataset<D>)
std::array<Subset<D>, N> random_split(D dataset, const double (&lengths)[N], Generator& generator = default_generator(),
                                      Location where = Location::current()) {
    const auto sizes = detail::split_sizes(dataset.size(), std::vector<double>(lengths, lengths + N), where);
    const auto shared = std::make_shared<const D>(std::move(dataset));
    const Tensor order = permutation(shared->size(), generator);
    std::int64_t at = 0;
    const auto next = [&](std::size_t i) {
        const std::int64_t begin = at;
        at += sizes[i];
        return Subset<D>(shared, slice(order, 0, begin, at), where);
    };
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
        return std::array<Subset<D>, N>{next(I)...};
    }(std::make_index_sequence<N>());
}

}  // namespace xgrad::nn
