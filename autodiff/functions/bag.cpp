#include <algorithm>
#include <string>
#include <vector>

#include "autodiff/core/detail/axes.hpp"
#include "autodiff/core/detail/composition.hpp"
#include "autodiff/core/detail/dispatch.hpp"
#include "autodiff/core/tape.hpp"
#include "autodiff/ops/elementwise/elementwise.hpp"
#include "autodiff/ops/shape/detail/indices.hpp"
#include "autodiff/ops/shape/index.hpp"
#include "autodiff/ops/shape/scatter.hpp"
#include "autodiff/ops/shape/shape.hpp"
#include "functions.hpp"

// embedding_bag: selects rows by index, then takes the sum, mean or maximum over each bag.

namespace xgrad {

using namespace detail;

namespace {

std::vector<Int> numbers_of(const Tensor& integers) {
    std::vector<Int> numbers(static_cast<std::size_t>(integers.size()));
    with_indices(integers, [&](const auto* from) { std::copy_n(from, integers.size(), numbers.begin()); });
    return numbers;
}

/// Which rows go into which bag, without padding rows.
struct Bags {
    Int count = 0;
    std::vector<Int> row, bag, place;  // for each element: its index, its bag, its position among all indices
    std::vector<Int> sizes;            // the size of each bag

    bool empty() const { return row.empty(); }
};

/// The start of each bag, and the end of the last one.
std::vector<Int> bounds_of(const Tensor& indices, const Tensor& offsets, bool include_last, Location where) {
    const Int n = indices.size();
    if (indices.ndim() == 2) {
        check<ValueError>(!offsets.defined(), where, [] {
            return std::string("embedding_bag: indices of 2 axes are bags by themselves, got offsets");
        });
        std::vector<Int> bounds;
        for (Int b = 0; b <= indices.shape(0); ++b) bounds.push_back(b * indices.shape(1));
        return bounds;
    }
    check<ShapeError>(indices.ndim() == 1 && offsets.defined() && offsets.ndim() == 1, where, [&] {
        return "embedding_bag: indices of 2 axes, or of 1 axis with a vector of offsets are needed, got " +
               to_string(indices.shape()) + " and " +
               (offsets.defined() ? to_string(offsets.shape()) : std::string("no offsets"));
    });
    check_index_type(offsets, "embedding_bag", where);
    std::vector<Int> bounds = numbers_of(offsets);
    if (!include_last || bounds.empty()) bounds.push_back(n);
    for (std::size_t b = 0; b < bounds.size(); ++b)
        check<IndexError>(
            b == 0 ? bounds[b] == 0 || bounds.size() == 1 : bounds[b] >= bounds[b - 1] && bounds[b] <= n, where, [&] {
                return "embedding_bag: offsets must begin with 0 and not fall, up to the number of indices " +
                       std::to_string(n) + ", got " + std::to_string(bounds[b]) + " at " + std::to_string(b);
            });
    return bounds;
}

Bags bags_of(const Tensor& indices, const std::vector<Int>& bounds, std::optional<Int> padding, Int rows) {
    Bags bags;
    bags.count = static_cast<Int>(bounds.size()) - 1;
    const Int skipped = padding ? from_front(*padding, rows) : -1;
    const std::vector<Int> numbers = numbers_of(indices);
    for (Int b = 0; b < bags.count; ++b) {
        const std::size_t before = bags.row.size();
        for (Int i = bounds[static_cast<std::size_t>(b)]; i < bounds[static_cast<std::size_t>(b) + 1]; ++i) {
            const Int row = numbers[static_cast<std::size_t>(i)];
            if (row == skipped) continue;
            bags.row.push_back(row);
            bags.bag.push_back(b);
            bags.place.push_back(i);
        }
        bags.sizes.push_back(static_cast<Int>(bags.row.size() - before));
    }
    return bags;
}

Tensor mean_of_bags(const Tensor& sums, const Bags& bags) {
    std::vector<double> factors;
    for (const Int size : bags.sizes) factors.push_back(1 / static_cast<double>(std::max<Int>(size, 1)));
    return sums * tensor(factors, Shape{bags.count, 1}).to(sums.dtype());
}

/// The position in `rows` of the first largest element of each bag and column.
Tensor largest(const Tensor& rows, const Bags& bags) {
    const Int width = rows.shape(1);
    std::vector<Int> best(static_cast<std::size_t>(bags.count * width));
    with_floating(rows.dtype(), [&]<class T>(T) {
        const T* x = elements<T>(rows);
        Int first = 0;
        for (Int b = 0; b < bags.count; ++b) {
            Int* const at = best.data() + b * width;
            const Int end = first + bags.sizes[static_cast<std::size_t>(b)];
            if (first < end) std::fill_n(at, width, first);
            for (Int i = first + 1; i < end; ++i)
                for (Int c = 0; c < width; ++c)
                    if (x[i * width + c] > x[at[c] * width + c]) at[c] = i;
            first = end;
        }
    });
    return tensor(best, Shape{bags.count, width});
}

Tensor max_of_bags(const Tensor& rows, const Bags& bags) {
    const Tensor y = take_along_axis(rows, largest(stop_gradient(rows), bags), 0);
    if (std::find(bags.sizes.begin(), bags.sizes.end(), 0) == bags.sizes.end()) return y;
    return where(reshape(equal(tensor(bags.sizes), 0), {bags.count, 1}), 0, y);
}

}  // namespace

Tensor embedding_bag(const Operand& index_operand, const Operand& operand, const Operand& offsets,
                     const Operand& per_sample_weights, const EmbeddingBagFuncOptions& options) {
    return composed("embedding_bag", index_operand.where(), [&]() -> Tensor {
        const Tensor &indices = tensor_of(index_operand, "embedding_bag"),
                     &weight = tensor_of(operand, "embedding_bag"), &weights = per_sample_weights.tensor();
        const Location where = index_operand.where();
        check_index_type(indices, "embedding_bag", where);
        check<ShapeError>(weight.ndim() == 2, where, [&] {
            return "embedding_bag: the weight must have 2 axes, got shape " + to_string(weight.shape());
        });
        const Int n = weight.shape(0);
        check<IndexError>(!options.padding_idx || (*options.padding_idx >= -n && *options.padding_idx < n), where, [&] {
            return "embedding_bag: padding_idx must be in [" + std::to_string(-n) + ", " + std::to_string(n) +
                   "), got " + std::to_string(*options.padding_idx);
        });
        check<ValueError>(!weights.defined() || options.mode == BagMode::sum, where, [] {
            return std::string("embedding_bag: only sums take per_sample_weights, got another mode");
        });
        check<ShapeError>(!weights.defined() || weights.shape() == indices.shape(), where, [&] {
            return "embedding_bag: per_sample_weights must have the shape of the indices, got " +
                   to_string(weights.shape()) + " and " + to_string(indices.shape());
        });
        const Bags bags = bags_of(indices, bounds_of(indices, offsets.tensor(), options.include_last_offset, where),
                                  options.padding_idx, n);
        Tensor rows = embedding({tensor(bags.row), where}, {weight, where});
        if (options.mode == BagMode::max && !bags.empty()) return max_of_bags(rows, bags);
        if (weights.defined())
            rows = rows * expand_dims(take(reshape(weights, {indices.size()}), tensor(bags.place)), 1);
        const Tensor sums = index_add({bags.count, weight.shape(1)}, tensor(bags.bag), {std::move(rows), where});
        return options.mode == BagMode::mean ? mean_of_bags(sums, bags) : sums;
    });
}

}  // namespace xgrad
