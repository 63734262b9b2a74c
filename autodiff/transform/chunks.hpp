#pragma once

#include <cstdint>
#include <span>
#include <utility>

#include "autodiff/core/tape.hpp"
#include "transforms.hpp"

namespace xgrad {

struct ChunkOptions {
    /// The rows of a chunk. 0: as many as keep the tape of one chunk within half of the second-level cache, which the
    /// first two chunks, of 8 and 64 rows, show.
    std::int64_t rows = 0;
    /// Chunks are shared among as many threads as OpenMP has; f is then called by several at once.
    bool threads = true;
};

namespace detail {

XGRAD_API std::pair<Tensor, Tensors> sum_over_chunks(FunctionRef f, std::span<const Tensor> inputs,
                                                     std::span<const Tensor> data, const ChunkOptions& options,
                                                     Location where);

}  // namespace detail

/// The sum of f over chunks of rows of `data`, and the gradient of that sum in `inputs`: for functions that are sums
/// over paths, samples or observations, whose tape as a whole would not fit the cache, or not the memory.
///
///     auto [price, sensitivities] = sum_over_chunks(
///         [](const Tensors& market, const Tensors& draws) { return sum(payoff(market[0], draws[0])); },
///         {spot_and_rates}, {normals});   // normals (paths, steps)
///
/// f takes the inputs and one chunk of each tensor of `data` (rows begin to end of axis 0) and returns a single number.
/// An input that f does not depend on gets zeros. First derivatives only: TapeError if an open tape records one of the
/// tensors. The result depends on the number of threads only by rounding. ShapeError if the tensors of `data` differ in
/// rows or f's result is not a single number; ValueError for negative `rows` or no data. What f throws comes out.
template <class F>
std::pair<Tensor, Tensors> sum_over_chunks(const F& f, const Tensors& inputs, const Tensors& data,
                                           const ChunkOptions& options = {}, Location where = Location::current()) {
    const auto joined = [&](std::span<const Tensor> all) -> Tensor {
        const auto split = all.begin() + static_cast<std::ptrdiff_t>(inputs.size());
        return f(Tensors(all.begin(), split), Tensors(split, all.end()));
    };
    return detail::sum_over_chunks(joined, inputs, data, options, where);
}

}  // namespace xgrad
