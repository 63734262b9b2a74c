#include "index.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string>

#include "autodiff/core/apply.hpp"
#include "autodiff/core/detail/composition.hpp"
#include "autodiff/core/detail/dispatch.hpp"
#include "autodiff/core/detail/parallel.hpp"
#include "autodiff/core/detail/sizes.hpp"
#include "autodiff/ops/elementwise/elementwise.hpp"
#include "detail/indices.hpp"
#include "shape.hpp"

namespace xgrad {

using namespace detail;

namespace {

/// x's shape with the axis replaced by the indices' shape.
Shape taken_shape(const Shape& x, const Shape& indices, int axis) {
    Shape shape;
    for (int k = 0; k < x.rank(); ++k)
        if (k != axis) shape.push_back(x[k]);
        else
            for (const Int size : indices) shape.push_back(size);
    return shape;
}

Tensor take_values(const Tensor& x, const Tensor& indices, int axis) {
    Tensor y = empty(taken_shape(x.shape(), indices.shape(), axis), x.dtype());
    if (y.size() == 0) return y;
    const AxisSplit a = along(x.shape(), axis);
    const Int m = indices.size();
    with_indices(indices, [&](const auto* index) {
        with_any(x.dtype(), [&]<class T>(T) {
            const T* from = elements<T>(x);
            T* to = elements<T>(y);
            parallel_for(a.outer * m, y.size(), [&](Int begin, Int end) {
                for (Int i = begin, o = begin / m, j = begin % m; i < end; ++i) {
                    const T* source = from + (o * a.n + from_front(index[j], a.n)) * a.inner;
                    if (a.inner == 1) to[i] = *source;
                    else std::memcpy(to + i * a.inner, source, static_cast<std::size_t>(a.inner) * sizeof(T));
                    if (++j == m) j = 0, ++o;
                }
            });
        });
    });
    return y;
}

Tensor index_add_values(const Shape& shape, const Tensor& indices, const Tensor& source, int axis) {
    Tensor y = zeros(shape, source.dtype());
    if (source.size() == 0) return y;
    const AxisSplit a = along(shape, axis);
    const Int m = indices.size();
    with_indices(indices, [&](const auto* index) {
        with_any(source.dtype(), [&]<class T>(T) {
            const T* from = elements<T>(source);
            T* to = elements<T>(y);
            // Threads split work that never adds to the same elements: the slices before the axis, or strips of those
            // after it.
            auto add = [&](Int o, Int begin, Int end) {
                if (a.inner == 1)
                    for (Int j = 0; j < m; ++j) to[o * a.n + from_front(index[j], a.n)] += from[o * m + j];
                else
                    for (Int j = 0; j < m; ++j)
                        accumulate(to + (o * a.n + from_front(index[j], a.n)) * a.inner + begin,
                                   from + (o * m + j) * a.inner + begin, end - begin);
            };
            if (a.outer > 1) {
                parallel_for(a.outer, source.size(), [&](Int begin, Int end) {
                    for (Int o = begin; o < end; ++o) add(o, 0, a.inner);
                });
            } else {
                constexpr Int strip = 64;
                parallel_for((a.inner + strip - 1) / strip, source.size(),
                             [&](Int begin, Int end) { add(0, begin * strip, std::min(end * strip, a.inner)); });
            }
        });
    });
    return y;
}

// Indices are the operations' second inputs and have already been checked.

Tensor add_slices(const Tensor& source, const Tensor& indices, const Shape& shape, int axis, Location where);

struct Take {
    static constexpr const char* name = "take";
    int axis = 0;
    XGRAD_ATTRIBUTES(axis)
    static constexpr Saves saves{.inputs = 0b10};

    Tensor value(const Tensor& x, const Tensor& indices) const { return take_values(x, indices, axis); }
    std::array<Tensor, 2> pullback(Tensor g, const Saved& s) const {
        return {add_slices(g, s.input(1), s.shape(0), axis, {}), Tensor()};
    }
};

struct IndexAdd {
    static constexpr const char* name = "index_add";
    Shape shape;
    int axis = 0;
    XGRAD_ATTRIBUTES(shape, axis)
    static constexpr Saves saves{.inputs = 0b10};

    Tensor value(const Tensor& source, const Tensor& indices) const {
        return index_add_values(shape, indices, source, axis);
    }
    std::array<Tensor, 2> pullback(Tensor g, const Saved& s) const {
        return {apply(Take{axis}, {g, s.input(1)}, {}), Tensor()};
    }
};

Tensor add_slices(const Tensor& source, const Tensor& indices, const Shape& shape, int axis, Location where) {
    return apply(IndexAdd{shape, axis}, {source, indices}, where);
}

/// take along the first axis; the padding row gets no gradient.
struct Embedding {
    static constexpr const char* name = "embedding";
    std::optional<Int> padding_idx = {};
    XGRAD_ATTRIBUTES(padding_idx)
    static constexpr Saves saves{.inputs = 0b10};

    Tensor value(const Tensor& weight, const Tensor& indices) const { return take_values(weight, indices, 0); }
    std::array<Tensor, 2> pullback(Tensor g, const Saved& s) const {
        const Tensor& indices = s.input(1);
        if (padding_idx) g = where(expand_dims(equal(indices, *padding_idx), -1), 0, g);
        return {add_slices(g, indices, s.shape(0), 0, {}), Tensor()};
    }
};

struct OneHot {
    static constexpr const char* name = "one_hot";
    Int classes = 0;
    DType dtype = DType::f32;
    XGRAD_ATTRIBUTES(classes, dtype)
    Location where = {};

    Tensor value(const Tensor& labels) const {
        Shape shape = labels.shape();
        shape.push_back(classes);
        Tensor y = zeros(shape, dtype, {});
        with_indices(labels, [&](const auto* label) {
            with_any(dtype, [&]<class T>(T) {
                for (Int i = 0; i < labels.size(); ++i) {
                    check<IndexError>(label[i] >= 0 && label[i] < classes, where, [&] {
                        return "one_hot: labels must be in [0, " + std::to_string(classes) + "), got " +
                               std::to_string(label[i]);
                    });
                    elements<T>(y)[i * classes + label[i]] = T(1);
                }
            });
        });
        return y;
    }
};

}  // namespace

Tensor take(const Operand& operand, const Operand& index_operand, int axis) {
    return composed("take", operand.where(), [&]() -> Tensor {
        const Tensor& x = tensor_of(operand, "take");
        axis = normalise_axis(axis, x.ndim(), "take", operand.where());
        const Tensor indices = indices_of(index_operand, x.shape()[axis], "take", operand.where());
        return apply(Take{axis}, {x, indices}, operand.where());
    });
}

Tensor index_add(const Shape& shape, const Operand& index_operand, const Operand& operand, int axis) {
    return composed("index_add", index_operand.where(), [&]() -> Tensor {
        const Tensor& source = tensor_of(operand, "index_add");
        count_elements(shape, "index_add", operand.where());
        axis = normalise_axis(axis, shape.rank(), "index_add", operand.where());
        const Tensor indices = indices_of(index_operand, shape[axis], "index_add", operand.where());
        const Shape wanted = taken_shape(shape, indices.shape(), axis);
        check<ShapeError>(source.shape() == wanted, operand.where(), [&] {
            return "index_add: the source's shape must be " + to_string(wanted) + ", got " + to_string(source.shape());
        });
        check<DTypeError>(source.dtype() != DType::boolean, operand.where(),
                          [] { return std::string("index_add: the source must be numbers, got bool"); });
        return add_slices(source, indices, shape, axis, operand.where());
    });
}

Tensor embedding(const Operand& index_operand, const Operand& operand, const EmbeddingFuncOptions& options) {
    return composed("embedding", index_operand.where(), [&]() -> Tensor {
        const Tensor& weight = tensor_of(operand, "embedding");
        const Location where = index_operand.where();
        check<ShapeError>(weight.ndim() == 2, where, [&] {
            return "embedding: the weight must have 2 axes, got shape " + to_string(weight.shape());
        });
        const Int n = weight.shape()[0];
        const Tensor indices = indices_of(index_operand, 0, n, "embedding", where);
        if (!options.padding_idx) return apply(Embedding{}, {weight, indices}, where);
        const Int padding = *options.padding_idx;
        check<IndexError>(padding >= -n && padding < n, where, [&] {
            return "embedding: padding_idx must be in [" + std::to_string(-n) + ", " + std::to_string(n) + "), got " +
                   std::to_string(padding);
        });
        return apply(Embedding{from_front(padding, n)}, {weight, indices}, where);
    });
}

Tensor one_hot(const Operand& operand, Int classes, DType dtype) {
    return composed("one_hot", operand.where(), [&]() -> Tensor {
        const Tensor& labels = tensor_of(operand, "one_hot");
        check_index_type(labels, "one_hot", operand.where());
        check<ValueError>(classes >= 0, operand.where(), [&] {
            return "one_hot: the number of classes must not be negative, got " + std::to_string(classes);
        });
        return apply(OneHot{classes, dtype, operand.where()}, {labels}, operand.where());
    });
}

Tensor argwhere(const Operand& operand) {
    const Tensor& x = tensor_of(operand, "argwhere");
    const int rank = x.ndim();
    std::vector<Int> found;
    with_any(x.dtype(), [&]<class T>(T) {
        const T* from = elements<T>(x);
        for (Int i = 0; i < x.size(); ++i)
            if (from[i] != T(0)) found.push_back(i);
    });
    Tensor places = empty({static_cast<Int>(found.size()), rank}, DType::i64);
    Int* to = elements<Int>(places);
    for (Int i : found) {
        for (int k = rank - 1; k >= 0; i /= x.shape()[k--]) to[k] = i % x.shape()[k];
        to += rank;
    }
    return places;
}

}  // namespace xgrad
