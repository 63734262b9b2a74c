#pragma once

#include "autodiff/core/detail/axes.hpp"
#include "autodiff/core/detail/parallel.hpp"
#include "autodiff/kernels/kernels.hpp"
#include "autodiff/ops/shape/shape.hpp"

// The common part of all reductions. Not for users.

namespace xgrad::detail {

/// The axes of a shape after merging neighbours: alternately kept and reduced, without axes of size 1.
struct Groups {
    int count = 0;
    Int size[Shape::max_rank] = {};
    bool reduced[Shape::max_rank] = {};

    Groups(const Shape& shape, AxisMask mask) {
        for (int k = 0; k < shape.rank(); ++k) {
            if (shape[k] == 1) continue;
            const bool r = mask >> k & 1;
            if (count && reduced[count - 1] == r) size[count - 1] *= shape[k];
            else size[count] = shape[k], reduced[count++] = r;
        }
    }
    int reduced_groups() const {
        int n = 0;
        for (int k = 0; k < count; ++k) n += reduced[k];
        return n;
    }
    /// The shape split at group k.
    AxisSplit along(int k) const {
        AxisSplit a;
        for (int i = 0; i < count; ++i) (i < k ? a.outer : i == k ? a.n : a.inner) *= size[i];
        return a;
    }
    int last_reduced() const {
        for (int k = count - 1; k >= 0; --k)
            if (reduced[k]) return k;
        return -1;
    }
    void remove(int k) {
        for (int i = k; i + 1 < count; ++i) size[i] = size[i + 1], reduced[i] = reduced[i + 1];
        --count;
    }
};

/// The number of elements that each result of a reduction over `mask` combines.
inline double count_of(const Shape& shape, AxisMask mask) {
    double n = 1;
    for (int k = 0; k < shape.rank(); ++k)
        if (mask >> k & 1) n *= static_cast<double>(shape[k]);
    return n;
}

/// The layout if there is at most one reduced group. Returns false if there are several.
inline bool single_group(const Shape& shape, AxisMask mask, AxisSplit& layout) {
    const Groups groups(shape, mask);
    if (groups.reduced_groups() > 1) return false;
    const int k = groups.last_reduced();
    layout = k < 0 ? AxisSplit{shape.size(), 1, 1} : groups.along(k);
    return true;
}

/// One step of a reduction, and whether it is the first, the last, or both.
struct Step {
    AxisSplit layout;
    bool first, last;
};

/// Reduces one group after the other, the last one first: step(in, out, Step) fills `out`, of type `dtype`.
template <class F>
Tensor reduce_groups(const Tensor& x, AxisMask mask, const Shape& result, DType dtype, const F& step) {
    Groups groups(x.shape(), mask);
    Tensor part;
    while (groups.reduced_groups() > 1) {
        const int k = groups.last_reduced();
        const AxisSplit layout = groups.along(k);
        Tensor out = empty({layout.outer, layout.inner}, dtype);
        step(part.defined() ? part : x, out, Step{layout, !part.defined(), false});
        part = std::move(out);
        groups.remove(k);
    }
    const int k = groups.last_reduced();
    Tensor out = empty(result, dtype);
    step(part.defined() ? part : x, out,
         Step{k < 0 ? AxisSplit{x.size(), 1, 1} : groups.along(k), !part.defined(), true});
    return out;
}

/// Runs over all slices of a layout with rows(x offset, y offset, count) or columns(x offset, y offset, count),
/// depending on the layout.
template <class Rows, class Columns>
void for_slices(const AxisSplit& a, const Rows& rows, const Columns& columns) {
    const Int work = a.outer * a.n * a.inner;
    if (a.inner == 1) {
        parallel_for(a.outer, work, [&](Int begin, Int end) { rows(begin * a.n, begin, end - begin); });
    } else if (a.outer == 1) {
        constexpr Int strip = 64;
        parallel_for((a.inner + strip - 1) / strip, work, [&](Int begin, Int end) {
            const Int from = begin * strip, to = end * strip < a.inner ? end * strip : a.inner;
            columns(from, from, to - from);
        });
    } else {
        parallel_for(a.outer, work, [&](Int begin, Int end) {
            for (Int o = begin; o < end; ++o) columns(o * a.n * a.inner, o * a.inner, a.inner);
        });
    }
}

template <class T>
const kernels::ReduceTable<T>& reduce_kernels() {
    return kernels::active().reduce.of<T>();
}

/// Sums, times a factor.
void sum_values(const Tensor& x, const Tensor& y, const AxisSplit& layout, double factor);
/// sum and mean over `mask` with the reduced axes kept.
Tensor sum_kept(const Tensor& x, AxisMask mask);
Tensor mean_kept(const Tensor& x, AxisMask mask);
/// x minus its mean over `mask`. Subtracted twice, so that equal numbers give exactly 0: their mean may differ from
/// them by rounding.
inline Tensor centred(const Tensor& x, AxisMask mask) {
    const Tensor once = x - mean_kept(x, mask);
    return once - mean_kept(once, mask);
}
/// a * b. With `finite`, for products of finite numbers: 0 * inf (underflow times overflow) is 0. Otherwise the IEEE
/// product.
Tensor product_of(const Tensor& a, const Tensor& b, bool finite);
/// g with the reduced axes put back with size 1. It may have size 1 along others too.
inline Tensor with_axes(const Tensor& g, const Shape& shape, AxisMask mask) {
    if (g.ndim() == shape.rank()) return g;
    Shape kept;
    for (int k = 0, next = 0; k < shape.rank(); ++k) kept.push_back(mask >> k & 1 ? 1 : g.shape()[next++]);
    return reshape(g, kept);
}

/// The slopes dx for probabilities p that sum to 1 over `mask`, corrected with operations so that they sum to 0: where
/// p is above 1/2, the slope is replaced by minus the sum of the others. There the slope p (1 - p) would be lost to
/// rounding as p approaches 1, while nothing cancels in the sum (softmax.cpp; the kernels do the same).
Tensor closed(const Tensor& dx, const Tensor& p, AxisMask mask);

/// The tensor itself, to be overwritten, if it is the only handle to its elements, else an uninitialised one like it.
inline Tensor overwritable(const Tensor& t) {
    return TensorAccess::unique(t) ? TensorAccess::constant(t) : TensorAccess::empty_like(t);
}

}  // namespace xgrad::detail
