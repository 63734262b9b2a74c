#include <algorithm>
#include <string>
#include <vector>

#include "autodiff/core/apply.hpp"
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

// scatter_reduce: combines several source elements into one.

namespace xgrad {

using namespace detail;

namespace {

/// The elements of `source` that correspond to the indices, and their targets in the flattened x.
struct Flat {
    Tensor source, targets;  // (m), i64
};

Flat flattened(const Tensor& x, int axis, const Tensor& indices, const Tensor& source, Location where) {
    std::vector<Slice> used;
    for (const Int n : indices.shape()) used.push_back({0, n});
    Tensor targets = zeros({}, DType::i64);
    Int stride = 1;
    for (int k = x.ndim() - 1; k >= 0; stride *= x.shape(k--)) {
        Shape line;
        for (int j = 0; j < indices.ndim(); ++j) line.push_back(j == k ? indices.shape(k) : 1);
        const Tensor at = k == axis ? indices.to(DType::i64) : reshape(arange(indices.shape(k)), line);
        targets = targets + (k == axis ? xgrad::where(at < 0, at + x.shape(axis), at) : at) * stride;
    }
    return {ravel(slice({source, where}, used)), ravel(broadcast_to(targets, indices.shape()))};
}

/// The product of all sources of each target that has one. Neighbouring sources with the same target are multiplied in
/// pairs until none are left, which is right with zeros, to any order, and takes about log2 of the longest list in
/// rounds.
Flat multiplied(Flat flat) {
    std::vector<Int> order(static_cast<std::size_t>(flat.targets.size()));
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<Int>(i);
    const auto given = flat.targets.data<Int>();
    std::stable_sort(order.begin(), order.end(), [&](Int a, Int b) {
        return given[static_cast<std::size_t>(a)] < given[static_cast<std::size_t>(b)];
    });
    flat = {take(flat.source, tensor(order)), take(flat.targets, tensor(order))};
    for (;;) {
        std::vector<Int> left, right, alone;  // positions of pairs, and of elements without a partner
        std::vector<Int> targets, lonely;
        const auto target = flat.targets.data<Int>();
        for (std::size_t i = 0; i < target.size();) {
            if (i + 1 < target.size() && target[i] == target[i + 1]) {
                left.push_back(static_cast<Int>(i)), right.push_back(static_cast<Int>(i + 1)),
                    targets.push_back(target[i]);
                i += 2;
            } else {
                alone.push_back(static_cast<Int>(i)), lonely.push_back(target[i]);
                i += 1;
            }
        }
        if (left.empty()) return flat;
        // Merge the unpaired elements and the products into one list, in the order of the targets.
        const Tensor products = take(flat.source, tensor(left)) * take(flat.source, tensor(right));
        std::vector<Int> merged(targets.size() + lonely.size()), places(merged.size());
        std::size_t p = 0, q = 0;
        for (std::size_t i = 0; i < merged.size(); ++i) {
            const bool from_pairs = q == lonely.size() || (p < targets.size() && left[p] < alone[q]);
            merged[i] = from_pairs ? targets[p] : lonely[q];
            places[i] = from_pairs ? static_cast<Int>(p) : static_cast<Int>(targets.size() + q);
            ++(from_pairs ? p : q);
        }
        const Tensor all = alone.empty() ? products : concat({products, take(flat.source, tensor(alone))});
        flat = {take(all, tensor(places)), tensor(merged)};
    }
}

/// x with the largest (or smallest) source element at each target; with `include_self`, x's own element counts too. All
/// inputs are vectors.
template <bool largest>
struct FlatScatterExtreme {
    static constexpr const char* name = largest ? "flat_scatter_max" : "flat_scatter_min";
    bool include_self = true;
    XGRAD_ATTRIBUTES(include_self)

    Tensor value(const Tensor& x, const Tensor& targets, const Tensor& source) const {
        const Tensor y = copy_of(x);
        with_any(x.dtype(), [&]<class T>(T) {
            T* const to = elements<T>(y);
            const T* const from = elements<T>(source);
            const Int* const target = elements<Int>(targets);
            std::vector<bool> seen(static_cast<std::size_t>(y.size()), include_self);
            for (Int i = 0; i < targets.size(); ++i) {
                T& best = to[target[i]];
                const bool first = !seen[static_cast<std::size_t>(target[i])];
                if (first || from[i] != from[i] || (largest ? from[i] > best : from[i] < best)) best = from[i];
                seen[static_cast<std::size_t>(target[i])] = true;
            }
        });
        return y;
    }
};

}  // namespace

Tensor scatter_reduce(const Operand& operand, int axis, const Operand& index_operand, const Operand& source_operand,
                      ScatterReduce reduce, bool include_self) {
    return composed("scatter_reduce", operand.where(), [&]() -> Tensor {
        const char* const name = "scatter_reduce";
        const Tensor &x = tensor_of(operand, name), &source = tensor_of(source_operand, name);
        const Location where = operand.where();
        check<DTypeError>(x.dtype() != DType::boolean && source.dtype() == x.dtype(), where, [&] {
            return std::string(name) + ": both must be numbers of one type, got " + name_of(x.dtype()) + " and " +
                   name_of(source.dtype());
        });
        check<DTypeError>(reduce != ScatterReduce::mean || is_floating(x.dtype()), where,
                          [&] { return std::string(name) + ": a mean must be f32 or f64, got " + name_of(x.dtype()); });
        const Tensor counts = scatter_add({zeros(x.shape(), x.dtype()), where}, axis, index_operand,
                                          ones_like(source));  // also checks the arguments
        axis = normalise_axis(axis, x.ndim(), name, where);
        const Tensor touched = counts > 0;
        if (reduce == ScatterReduce::sum || reduce == ScatterReduce::mean) {
            const Tensor total =
                scatter_add({include_self ? x : xgrad::where(touched, 0, x), where}, axis, index_operand, source);
            if (reduce == ScatterReduce::sum) return total;
            return total / maximum(include_self ? counts + 1.0 : counts, 1.0);
        }
        const Flat flat = flattened(x, axis, index_operand.tensor(), source, where);
        const Tensor own = ravel(x), hit = ravel(touched);
        if (reduce == ScatterReduce::prod) {
            const Tensor base = include_self ? own : xgrad::where(hit, 1, own);
            if (flat.targets.size() == 0) return reshape(base, x.shape());
            const Flat products = multiplied(flat);
            return reshape(base * scatter(ones_like(own), 0, products.targets, products.source), x.shape());
        }
        // First the value, then the mean of all elements equal to it, so that ties share the gradient evenly.
        const bool largest = reduce == ScatterReduce::max;
        const Tensor best =
            largest ? apply(FlatScatterExtreme<true>{include_self}, {own, flat.targets, flat.source}, where)
                    : apply(FlatScatterExtreme<false>{include_self}, {own, flat.targets, flat.source}, where);
        if (!is_floating(x.dtype()) || flat.targets.size() == 0) return reshape(best, x.shape());
        const Tensor candidates = xgrad::where(take(best, flat.targets) == flat.source, flat.source, 0),
                     chosen = (take(best, flat.targets) == flat.source).to(x.dtype());
        const Tensor mine = include_self ? equal(best, own) : logical_not(hit);
        const Tensor sum_of_ties = scatter_add(xgrad::where(mine, own, 0), 0, flat.targets, candidates);
        const Tensor ties = scatter_add(mine.to(x.dtype()), 0, flat.targets, chosen);
        return reshape(sum_of_ties / ties, x.shape());
    });
}

Tensor pdist(const Operand& operand, double p) {
    return composed("pdist", operand.where(), [&]() -> Tensor {
        const Tensor& x = tensor_of(operand, "pdist");
        check<ShapeError>(x.ndim() == 2, operand.where(), [&] {
            return "pdist: the points must be a matrix (n, width), got shape " + to_string(x.shape());
        });
        std::vector<Int> first, second;
        for (Int i = 0; i < x.shape(0); ++i)
            for (Int j = i + 1; j < x.shape(0); ++j) first.push_back(i), second.push_back(j);
        return norm({take(operand.without_reuse(), tensor(first)) - take(operand.without_reuse(), tensor(second)),
                     operand.where()},
                    p, -1);
    });
}

}  // namespace xgrad
