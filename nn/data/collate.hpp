#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <autodiff/ops/shape/shape.hpp>

#include "dataset.hpp"

// Collating: how samples become a batch.

namespace xgrad::nn {

struct PadSequenceOptions {
    bool batch_first = false;
    double padding_value = 0;
};
/// Sequences (L, *) of different lengths as one tensor (longest L, B, *), or (B, longest L, *) with batch_first, padded
/// at the end, as in torch.nn.utils.rnn.pad_sequence. ValueError for an empty list; ShapeError unless the other sizes
/// agree.
XGRAD_API Tensor pad_sequence(const std::vector<Tensor>& sequences, const PadSequenceOptions& options = {},
                              Location where = Location::current());

namespace detail {

/// Tensors of one shape, or numbers, stacked along a new first axis.
XGRAD_API Tensor stacked(const std::vector<Tensor>& column);
template <class T>
    requires std::is_arithmetic_v<T>
Tensor stacked(const std::vector<T>& column) {
    return tensor(column, {static_cast<std::int64_t>(column.size())});
}
XGRAD_API Tensor lengths_of(const std::vector<Tensor>& sequences);

/// Part K of every sample.
template <std::size_t K, class Sample>
auto column(const std::vector<Sample>& samples) {
    std::vector<std::remove_cvref_t<std::tuple_element_t<K, Sample>>> parts;
    for (const Sample& sample : samples) parts.push_back(std::get<K>(sample));
    return parts;
}

}  // namespace detail

/// The default collate: tensors are stacked, numbers become a vector, and pairs, tuples and arrays of these become an
/// array of tensors, part by part.
struct Collate {
    template <class Sample>
    auto operator()(const std::vector<Sample>& samples) const {
        if constexpr (requires { detail::stacked(samples); }) {
            return detail::stacked(samples);
        } else {
            return [&]<std::size_t... K>(std::index_sequence<K...>) {
                return std::array{detail::stacked(detail::column<K>(samples))...};
            }(std::make_index_sequence<std::tuple_size_v<Sample>>());
        }
    }
};

struct PadCollateOptions {
    double padding_value = 0;
    std::optional<double> target_padding_value =
        {};  ///< padding of the parts after the first, such as an ignore_index; default: the same
};
/// For sequences (L, *) of different lengths: {padded (B, longest L, *), lengths (B) i64}. A sample that is a pair or
/// tuple has its sequence first; its other parts follow the lengths: tensors with at least one axis are padded in the
/// same way, others are collated as by Collate.
class PadCollate {
public:
    explicit PadCollate(const PadCollateOptions& options = {}) : options_(options) {}

    template <class Sample>
    auto operator()(const std::vector<Sample>& samples) const {
        if constexpr (std::is_same_v<Sample, Tensor>) {
            return std::array{padded(samples, options_.padding_value), detail::lengths_of(samples)};
        } else {
            return [&]<std::size_t... K>(std::index_sequence<K...>) {
                const auto sequences = detail::column<0>(samples);
                return std::array{padded(sequences, options_.padding_value), detail::lengths_of(sequences),
                                  target(detail::column<K + 1>(samples))...};
            }(std::make_index_sequence<std::tuple_size_v<Sample> - 1>());
        }
    }

private:
    static Tensor padded(const std::vector<Tensor>& sequences, double value) {
        return pad_sequence(sequences, {.batch_first = true, .padding_value = value});
    }
    template <class T>
    Tensor target(const std::vector<T>& parts) const {
        if constexpr (std::is_same_v<T, Tensor>)
            if (parts[0].ndim() > 0)
                return padded(parts, options_.target_padding_value.value_or(options_.padding_value));
        return detail::stacked(parts);
    }

    PadCollateOptions options_;
};

namespace detail {

/// A dataset of single samples with a collate function, as a dataset of batches. The collate function may take a
/// Generator as its second argument.
template <SampleDataset D, class C>
class CollatedDataset {
public:
    CollatedDataset(D dataset, C collate) : dataset_(std::move(dataset)), collate_(std::move(collate)) {}

    std::int64_t size() const { return dataset_.size(); }
    auto batch(const Tensor& indices, Generator& generator) const {
        std::vector<std::remove_cvref_t<decltype(dataset_[0])>> samples;
        samples.reserve(static_cast<std::size_t>(indices.size()));
        for (const std::int64_t i : indices.data<std::int64_t>()) samples.push_back(dataset_[i]);
        if constexpr (requires { collate_(samples, generator); }) return collate_(samples, generator);
        else return collate_(samples);
    }

private:
    D dataset_;
    C collate_;
};

}  // namespace detail
}  // namespace xgrad::nn
