#pragma once

#include <cstdint>
#include <string>

#include "arguments.hpp"
#include "autodiff/core/attributes.hpp"
#include "autodiff/core/tensor.hpp"

// Axes: checked, and counted from the front. Not for users.

namespace xgrad::detail {

/// Bit i: axis i.
using AxisMask = std::uint32_t;

/// `axis` in [-rank, rank) as a number in [0, rank). IndexError otherwise.
inline int normalise_axis(int axis, int rank, const char* operation, Location where) {
    check<IndexError>(axis >= -rank && axis < rank, where, [&] {
        return std::string(operation) + ": axis must be in [" + std::to_string(-rank) + ", " + std::to_string(rank) +
               "), got " + std::to_string(axis);
    });
    return axis < 0 ? axis + rank : axis;
}

/// The axes as bits. IndexError if one is out of range or listed twice. With `scalar_axis`, a scalar counts as having
/// one axis.
inline AxisMask mask_of(const Axes& axes, int rank, const char* operation, Location where, bool scalar_axis = false) {
    if (axes.all()) return (AxisMask{1} << rank) - 1;
    AxisMask mask = 0;
    for (const int axis : axes.list()) {
        const AxisMask bit = AxisMask{1} << normalise_axis(axis, rank == 0 && scalar_axis ? 1 : rank, operation, where);
        check<IndexError>(!(mask & bit), where, [&] {
            return std::string(operation) + ": axes must differ, got " + std::to_string(axis) + " twice";
        });
        mask |= bit;
    }
    return rank == 0 ? 0 : mask;
}

/// `shape` without the masked axes, or with them of size 1.
inline Shape without_axes(const Shape& shape, AxisMask mask, bool keep_as_one) {
    Shape result;
    for (int k = 0; k < shape.rank(); ++k)
        if (!(mask >> k & 1)) result.push_back(shape[k]);
        else if (keep_as_one) result.push_back(1);
    return result;
}

/// A shape split at one axis: the sizes before it multiplied, its own size, the sizes after it multiplied.
struct AxisSplit {
    Int outer = 1, n = 1, inner = 1;
    XGRAD_ATTRIBUTES(outer, n, inner)
};
inline AxisSplit along(const Shape& shape, int axis) {
    AxisSplit a;
    for (int k = 0; k < shape.rank(); ++k) (k < axis ? a.outer : k == axis ? a.n : a.inner) *= shape[k];
    return a;
}

}  // namespace xgrad::detail
