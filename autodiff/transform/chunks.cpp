#include "chunks.hpp"

#include <unistd.h>

#include <algorithm>
#include <omp.h>
#include <string>

#include "autodiff/core/detail/parallel.hpp"
#include "autodiff/core/detail/record.hpp"
#include "autodiff/core/memory.hpp"
#include "autodiff/ops/elementwise/elementwise.hpp"
#include "autodiff/ops/shape/shape.hpp"

namespace xgrad::detail {
namespace {

struct Sum {
    Tensor value;
    Tensors gradients;
    std::int64_t tape_bytes = 0;  // of the last chunk

    void add(Sum other) {
        tape_bytes = other.tape_bytes;
        if (!value.defined()) {
            *this = std::move(other);
            return;
        }
        value = value + other.value;
        for (std::size_t k = 0; k < gradients.size(); ++k) gradients[k] = gradients[k] + other.gradients[k];
    }
};

class Chunks {
public:
    Chunks(FunctionRef f, std::span<const Tensor> inputs, std::span<const Tensor> data, Location where)
        : f_(f), inputs_(inputs), data_(data), where_(where) {}

    /// f over the rows [begin, end).
    Sum operator()(std::int64_t begin, std::int64_t end) const {
        const std::int64_t before = memory_stats().bytes_in_use;
        Tape tape({.watch_parameters = false});
        Tensors all;
        for (const Tensor& x : inputs_) all.push_back(tape.watch(stop_gradient(x), where_));
        for (const Tensor& x : data_) all.push_back(slice({stop_gradient(x), where_}, 0, begin, end));
        Sum sum;
        sum.value = f_(all);
        check<ShapeError>(sum.value.defined() && sum.value.size() == 1, where_, [&] {
            return "sum_over_chunks: f must return a single number, got " +
                   (sum.value.defined() ? "shape " + to_string(sum.value.shape()) : "an empty tensor");
        });
        sum.tape_bytes = memory_stats().bytes_in_use - before;
        all.resize(inputs_.size());
        if (tracked(sum.value))
            sum.gradients = tape.gradient(sum.value, all, {.unconnected = Unconnected::zeros}, where_);
        else
            for (const Tensor& x : inputs_) sum.gradients.push_back(zeros_like(x));
        sum.value = stop_gradient(sum.value);
        return sum;
    }

private:
    FunctionRef f_;
    std::span<const Tensor> inputs_, data_;
    Location where_;
};

/// Bytes that the tape of a chunk may take.
std::int64_t budget() {
    std::int64_t cache = 0;
#ifdef _SC_LEVEL2_CACHE_SIZE
    cache = sysconf(_SC_LEVEL2_CACHE_SIZE);
#endif
    return (cache > 0 ? cache : std::int64_t{1} << 20) / 2;
}

void check_arguments(std::span<const Tensor> inputs, std::span<const Tensor> data, const ChunkOptions& options,
                     Location where) {
    check<ValueError>(options.rows >= 0, where, [&] {
        return "sum_over_chunks: rows must not be negative, got " + std::to_string(options.rows);
    });
    check<ValueError>(!data.empty(), where,
                      [] { return std::string("sum_over_chunks: there must be data, got none"); });
    for (const std::span<const Tensor> tensors : {inputs, data})
        for (const Tensor& x : tensors) {
            check<ValueError>(x.defined(), where, [] {
                return std::string("sum_over_chunks: the argument must be a tensor, got an empty one");
            });
            check<TapeError>(!tracked(x), where, [] {
                return std::string(
                    "sum_over_chunks: the inputs must not be recorded, since only first derivatives are computed, got "
                    "a tensor of an open tape");
            });
        }
    for (const Tensor& x : data)
        check<ShapeError>(x.ndim() > 0 && x.shape(0) == data[0].shape(0), where, [&] {
            return "sum_over_chunks: all data must have the same number of rows, got " + to_string(data[0].shape()) +
                   " and " + to_string(x.shape());
        });
}

}  // namespace

std::pair<Tensor, Tensors> sum_over_chunks(FunctionRef f, std::span<const Tensor> inputs, std::span<const Tensor> data,
                                           const ChunkOptions& options, Location where) {
    check_arguments(inputs, data, options, where);
    const NoRecording nothing;  // an outer tape would record what f does with its parameters
    const Chunks chunks(f, inputs, data, where);
    const std::int64_t rows = data[0].shape(0);
    Sum total;
    std::int64_t done = 0, size = options.rows;
    if (size == 0 || rows == 0) {
        constexpr std::int64_t first = 8, second = 64;
        total.add(chunks(0, done = std::min(first, rows)));
        const std::int64_t small = total.tape_bytes;
        size = second;
        if (done < rows) {
            const std::int64_t end = std::min(done + second, rows), count = end - done;
            total.add(chunks(done, end));
            done = end;
            // Both tapes have the same entries; what grows is by row.
            const std::int64_t by_row =
                std::max<std::int64_t>((total.tape_bytes - small) / std::max(count - first, first), 1);
            const std::int64_t fixed = std::max<std::int64_t>(small - first * by_row, 0);
            size = std::clamp<std::int64_t>((budget() - fixed) / by_row, first, rows) / first * first;
        }
    }
    const std::int64_t left = rows - done, count = (left + size - 1) / std::max<std::int64_t>(size, 1);
    if (count <= 0) return {std::move(total.value), std::move(total.gradients)};
    const std::int64_t threads =
        options.threads && !omp_in_parallel() ? std::min<std::int64_t>(omp_get_max_threads(), count) : 1;
    std::vector<Sum> sums(static_cast<std::size_t>(threads));
    in_threads(threads, threads, [&](std::int64_t thread, std::int64_t) {
        for (std::int64_t c = count * thread / threads; c < count * (thread + 1) / threads; ++c)
            sums[static_cast<std::size_t>(thread)].add(chunks(done + c * size, std::min(done + (c + 1) * size, rows)));
    });
    for (Sum& sum : sums) total.add(std::move(sum));
    return {std::move(total.value), std::move(total.gradients)};
}

}  // namespace xgrad::detail
