#include "scatter.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

#include "autodiff/core/apply.hpp"
#include "autodiff/core/detail/dispatch.hpp"
#include "autodiff/core/detail/parallel.hpp"
#include "autodiff/ops/elementwise/elementwise.hpp"
#include "detail/indices.hpp"
#include "index.hpp"
#include "shape.hpp"

// gather, scatter and scatter_add, and take_along_axis, which is a gather with NumPy's broadcasting.

namespace xgrad {

using namespace detail;

namespace {

/// An index tensor with the shape whose elements it refers to. Both have the same number of axes, but the indices may
/// be shorter along each.
struct Places {
    const Tensor& indices;
    const Shape& shape;
    int axis;

    /// Calls f(position in the indices, element of the shape) in the order of the indices. Threads split work that
    /// never touches the same element: the lines before the axis, or strips of those after it.
    template <class F>
    void each(const F& f) const {
        if (indices.size() == 0) return;
        const AxisSplit to = along(shape, axis), from = along(indices.shape(), axis);
        const std::vector<Int> outer = offsets(0, axis, to.n * to.inner), inner = offsets(axis + 1, shape.rank(), 1);
        with_indices(indices, [&](const auto* index) {
            const auto run = [&](Int o, Int begin, Int end) {
                const Int base = outer[static_cast<std::size_t>(o)];
                const auto* line = index + o * from.n * from.inner;
                if (from.inner == 1 && to.inner == 1)
                    for (Int j = 0; j < from.n; ++j) f(o * from.n + j, base + from_front(line[j], to.n));
                else
                    for (Int j = 0; j < from.n; ++j)
                        for (Int c = begin, i = j * from.inner + begin; c < end; ++c, ++i)
                            f(o * from.n * from.inner + i,
                              base + from_front(line[i], to.n) * to.inner + inner[static_cast<std::size_t>(c)]);
            };
            if (from.outer > 1) {
                parallel_for(from.outer, indices.size(), [&](Int begin, Int end) {
                    for (Int o = begin; o < end; ++o) run(o, 0, from.inner);
                });
            } else {
                constexpr Int strip = 16;
                parallel_for((from.inner + strip - 1) / strip, indices.size(),
                             [&](Int begin, Int end) { run(0, begin * strip, std::min(end * strip, from.inner)); });
            }
        });
    }

    /// Whether no elements follow the axis and the indices are i32, so that each line of indices belongs to a line of
    /// the shape.
    bool in_lines() const {
        return indices.dtype() == DType::i32 && along(shape, axis).inner == 1 &&
               along(indices.shape(), axis).inner == 1;
    }
    /// In that case, calls f(first position in the indices, first element of the shape, number of indices, the
    /// indices).
    template <class F>
    void each_line(const F& f) const {
        const AxisSplit to = along(shape, axis), from = along(indices.shape(), axis);
        const std::vector<Int> outer = offsets(0, axis, to.n);
        const auto* index = elements<std::int32_t>(indices);
        parallel_for(indices.size() ? from.outer : 0, indices.size(), [&](Int begin, Int end) {
            for (Int o = begin; o < end; ++o)
                f(o * from.n, outer[static_cast<std::size_t>(o)], from.n, index + o * from.n);
        });
    }

private:
    /// The offsets in the shape of the indices' positions along axes [first, last); neighbours along the last one are
    /// `stride` apart.
    std::vector<Int> offsets(int first, int last, Int stride) const {
        std::vector<Int> result{0};
        for (int k = last - 1; k >= first; stride *= shape[k--]) {
            const std::size_t behind = result.size();
            for (Int i = 1; i < indices.shape()[k]; ++i)
                for (std::size_t j = 0; j < behind; ++j) result.push_back(result[j] + i * stride);
        }
        return result;
    }
};

// --- values ----------------------------------------------------------------------------------------------------------

Tensor gather_values(const Tensor& x, const Places& places) {
    Tensor y = empty(places.indices.shape(), x.dtype());
    with_any(x.dtype(), [&]<class T>(T) {
        const T* from = elements<T>(x);
        T* to = elements<T>(y);
        if constexpr (std::is_floating_point_v<T>)
            if (places.in_lines()) {
                const auto kernel = kernels::active().gather.of<T>().gather;
                return places.each_line(
                    [=](Int i, Int at, Int n, const std::int32_t* index) { kernel(from + at, index, to + i, n); });
            }
        places.each([=](Int i, Int at) { to[i] = from[at]; });
    });
    return y;
}

// The source may be a single element, used for all positions.

void scatter_values(const Tensor& y, const Places& places, const Tensor& source) {
    const bool same = source.size() == 1;
    with_any(y.dtype(), [&]<class T>(T) {
        const T* from = elements<T>(source);
        T* to = elements<T>(y);
        if (same) places.each([to, number = *from](Int, Int at) { to[at] = number; });
        else places.each([=](Int i, Int at) { to[at] = from[i]; });
    });
}

void add_values(const Tensor& y, const Places& places, const Tensor& source) {
    const bool same = source.size() == 1;
    with_any(y.dtype(), [&]<class T>(T) {
        const T* from = elements<T>(source);
        T* to = elements<T>(y);
        if constexpr (std::is_floating_point_v<T>)
            if (places.in_lines()) {
                const auto kernel = kernels::active().gather.of<T>().add;
                return places.each_line([=](Int i, Int at, Int n, const std::int32_t* index) {
                    kernel(same ? from : from + i, index, to + at, n, same);
                });
            }
        places.each([=](Int i, Int at) { to[at] = static_cast<T>(to[at] + from[same ? 0 : i]); });
    });
}

// --- the operations --------------------------------------------------------------------------------------------------

// Indices are the operations' second inputs and have already been checked.

Tensor gathered(const char* label, const Tensor& x, const Tensor& indices, int axis, Location where);

/// Zeros with the source's elements (or its single one) added where gather takes them from: the transpose of gather.
struct GatherGradient {
    static constexpr const char* name = "gather_gradient";
    Shape shape;
    int axis = 0;
    XGRAD_ATTRIBUTES(shape, axis)
    static constexpr Saves saves{.inputs = 0b10};

    Tensor value(const Tensor& source, const Tensor& indices) const {
        Tensor y = zeros(shape, source.dtype());
        add_values(y, {indices, shape, axis}, source);
        return y;
    }
    std::array<Tensor, 2> pullback(Tensor g, const Saved& s) const {
        return {gathered("gather", g, s.input(1), axis, {}), Tensor()};
    }
};

struct Gather {
    static constexpr const char* name = "gather";
    static constexpr bool takes_reduced = true;
    int axis = 0;
    XGRAD_ATTRIBUTES(axis)
    static constexpr Saves saves{.inputs = 0b10};

    Tensor value(const Tensor& x, const Tensor& indices) const { return gather_values(x, {indices, x.shape(), axis}); }
    std::array<Tensor, 2> pullback(Tensor g, const Saved& s) const {
        if (g.size() != 1) g = broadcast_to(g, s.result_shape());
        return {apply(GatherGradient{s.shape(0), axis}, {g, s.input(1)}, {}), Tensor()};
    }
};

Tensor gathered(const char* label, const Tensor& x, const Tensor& indices, int axis, Location where) {
    return apply(Gather{axis}, {x, indices}, where, label);
}

/// Which positions of the indices are the last to refer to their element.
struct LastWritten {
    static constexpr const char* name = "last_written";
    Shape shape;
    int axis = 0;
    XGRAD_ATTRIBUTES(shape, axis)

    Tensor value(const Tensor& indices) const {
        const Places places{indices, shape, axis};
        std::vector<Int> owner(static_cast<std::size_t>(shape.size()));
        places.each([&](Int i, Int at) { owner[static_cast<std::size_t>(at)] = i; });
        Tensor last = empty(indices.shape(), DType::boolean);
        auto* to = elements<std::uint8_t>(last);
        places.each([&](Int i, Int at) { to[i] = owner[static_cast<std::size_t>(at)] == i; });
        return last;
    }
};

/// Takes x, indices and a source, which may be a single constant element used for all positions.
struct Scatter {
    static constexpr const char* name = "scatter";
    int axis = 0;
    XGRAD_ATTRIBUTES(axis)
    static constexpr Saves saves{.inputs = 0b010};

    Tensor value(const Tensor& x, const Tensor& indices, const Tensor& source) const {
        Tensor y = copy_of(x);
        scatter_values(y, {indices, x.shape(), axis}, source);
        return y;
    }
    std::array<Tensor, 3> pullback(Tensor g, const Saved& s) const {
        const Tensor& indices = s.input(1);
        std::array<Tensor, 3> parts;
        if (s.needs(0)) parts[0] = apply(Scatter{axis}, {g, indices, scalar(0, g.dtype(), {})}, {});
        if (s.needs(2))
            parts[2] =
                where(apply(LastWritten{g.shape(), axis}, {indices}, {}), gathered("gather", g, indices, axis, {}), 0);
        return parts;
    }
};

struct ScatterAdd {
    static constexpr const char* name = "scatter_add";
    int axis = 0;
    XGRAD_ATTRIBUTES(axis)
    static Saves saves(Needs recorded) { return {.inputs = recorded[2] ? 0b010u : 0u}; }

    Tensor value(const Tensor& x, const Tensor& indices, const Tensor& source) const {
        Tensor y = copy_of(x);
        add_values(y, {indices, x.shape(), axis}, source);
        return y;
    }
    std::array<Tensor, 3> pullback(Tensor g, const Saved& s) const {
        std::array<Tensor, 3> parts;
        if (s.needs(2)) parts[2] = gathered("gather", g, s.input(1), axis, {});
        if (s.needs(0)) parts[0] = std::move(g);
        return parts;
    }
};

/// The operand's checked indices; `axis` is counted from the front.
Tensor indices_in(const Tensor& x, int axis, const Operand& operand, const char* name, Location where) {
    const Tensor indices = indices_of(operand, x.shape()[axis], name, where);
    const Shape& shape = indices.shape();
    bool fits = shape.rank() == x.ndim();
    for (int k = 0; fits && k < x.ndim(); ++k) fits = k == axis || shape[k] <= x.shape()[k];
    check<ShapeError>(fits, where, [&] {
        return std::string(name) + ": indices must have the tensor's rank and not exceed it except along axis " +
               std::to_string(axis) + ", got " + to_string(shape) + " for " + to_string(x.shape());
    });
    return indices;
}

/// The part of the source that the indices use.
Tensor source_of(const Operand& operand, const Tensor& x, const Shape& shape, const char* name, Location where) {
    const Tensor& source = tensor_of(operand, name);
    check_same_dtype(x, source, name, where, "the source");
    bool fits = source.ndim() == shape.rank();
    for (int k = 0; fits && k < shape.rank(); ++k) fits = shape[k] <= source.shape()[k];
    check<ShapeError>(fits, where, [&] {
        return std::string(name) + ": the source must be as large as the indices in each axis, got " +
               to_string(source.shape()) + " and " + to_string(shape);
    });
    std::vector<Slice> slices;
    for (const Int size : shape) slices.push_back({0, size});
    return slice({source, where}, slices);
}

}  // namespace

Tensor gather(const Operand& operand, int axis, const Operand& index_operand) {
    const Tensor& x = tensor_of(operand, "gather");
    const Location where = operand.where();
    axis = normalise_axis(axis, x.ndim(), "gather", where);
    return gathered("gather", x, indices_in(x, axis, index_operand, "gather", where), axis, where);
}

Tensor scatter(const Operand& operand, int axis, const Operand& index_operand, const Operand& source_operand) {
    const Tensor& x = tensor_of(operand, "scatter");
    const Location where = operand.where();
    axis = normalise_axis(axis, x.ndim(), "scatter", where);
    const Tensor indices = indices_in(x, axis, index_operand, "scatter", where);
    const Tensor source = source_operand.is_tensor() ? source_of(source_operand, x, indices.shape(), "scatter", where)
                                                     : number_as(source_operand, x.dtype(), "scatter");
    return apply(Scatter{axis}, {x, indices, source}, where);
}

Tensor scatter_add(const Operand& operand, int axis, const Operand& index_operand, const Operand& source_operand) {
    const Tensor& x = tensor_of(operand, "scatter_add");
    const Location where = operand.where();
    axis = normalise_axis(axis, x.ndim(), "scatter_add", where);
    const Tensor indices = indices_in(x, axis, index_operand, "scatter_add", where);
    const Tensor source = source_of(source_operand, x, indices.shape(), "scatter_add", where);
    check<DTypeError>(x.dtype() != DType::boolean, where,
                      [] { return std::string("scatter_add: the tensor must be numbers, got bool"); });
    return apply(ScatterAdd{axis}, {x, indices, source}, where);
}

Tensor take_along_axis(const Operand& operand, const Operand& index_operand, int axis) {
    const Tensor& x = tensor_of(operand, "take_along_axis");
    const Location where = operand.where();
    axis = normalise_axis(axis, x.ndim(), "take_along_axis", where);
    const Tensor indices = indices_of(index_operand, x.shape()[axis], "take_along_axis", where);
    bool fits = indices.ndim() == x.ndim();
    Shape shape = x.shape();
    for (int k = 0; fits && k < x.ndim(); ++k) {
        if (k == axis) shape[k] = indices.shape()[k];
        else fits = indices.shape()[k] == x.shape()[k] || indices.shape()[k] == 1;
    }
    check<ShapeError>(fits, where, [&] {
        return "take_along_axis: indices must have the tensor's sizes, or 1, except along axis " +
               std::to_string(axis) + ", got " + to_string(indices.shape()) + " for " + to_string(x.shape());
    });
    return gathered("take_along_axis", x, broadcast_to(indices, shape), axis, where);
}

}  // namespace xgrad
