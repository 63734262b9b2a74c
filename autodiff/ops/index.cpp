#include "index.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "../apply.hpp"
#include "../kernels/kernels.hpp"
#include "axes.hpp"
#include "parallel.hpp"
#include "shape.hpp"

namespace xgrad {

using namespace detail;

namespace {

/// f(pointer to the indices) with their C++ type.
template <class F>
void with_indices(const Tensor& indices, F&& f) {
    if (indices.dtype() == DType::i32) f(elements<std::int32_t>(indices));
    else f(elements<Int>(indices));
}

void check_indices(const Tensor& indices, Int n, const char* name, Location where) {
    check_index_type(indices, name, where);
    with_indices(indices, [&](const auto* index) {
        for (Int j = 0; j < indices.size(); ++j)
            check<IndexError>(index[j] >= -n && index[j] < n, where, [&] {
                return std::string(name) + ": indices must be in [" + std::to_string(-n) + ", " + std::to_string(n) + "), got " +
                       std::to_string(index[j]);
            });
    });
}

template <class I>
Int from_front(I index, Int n) {
    return index < 0 ? static_cast<Int>(index) + n : static_cast<Int>(index);
}

Tensor zeroed(const Shape& shape, DType dtype) {
    Tensor y = empty(shape, dtype);
    std::memset(TensorAccess::data(y), 0, static_cast<std::size_t>(y.size() * size_of(dtype)));
    return y;
}

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
    const Along a = along(x.shape(), axis);
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

template <class T>
void accumulate(T* to, const T* from, Int n) {
    if constexpr (std::is_same_v<T, float>) kernels::active().move.accumulate_f32(to, from, n);
    else if constexpr (std::is_same_v<T, double>) kernels::active().move.accumulate_f64(to, from, n);
    else
        for (Int i = 0; i < n; ++i) to[i] = static_cast<T>(to[i] + from[i]);
}

Tensor index_add_values(const Shape& shape, const Tensor& indices, const Tensor& source, int axis) {
    Tensor y = zeroed(shape, source.dtype());
    if (source.size() == 0) return y;
    const Along a = along(shape, axis);
    const Int m = indices.size();
    with_indices(indices, [&](const auto* index) {
        with_any(source.dtype(), [&]<class T>(T) {
            const T* from = elements<T>(source);
            T* to = elements<T>(y);
            // Threads share out what is never added to each other: the slices before the axis, or strips of those behind it.
            auto add = [&](Int o, Int begin, Int end) {
                if (a.inner == 1)
                    for (Int j = 0; j < m; ++j) to[o * a.n + from_front(index[j], a.n)] += from[o * m + j];
                else
                    for (Int j = 0; j < m; ++j)
                        accumulate(to + (o * a.n + from_front(index[j], a.n)) * a.inner + begin, from + (o * m + j) * a.inner + begin,
                                   end - begin);
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

}  // namespace

Tensor take(const Operand& operand, const Operand& index_operand, int axis) {
    const Tensor& x = tensor_of(operand, "take");
    const Tensor indices = stop_gradient(tensor_of(index_operand, "take"));
    axis = normalise_axis(axis, x.ndim(), "take", operand.where());
    check_indices(indices, x.shape()[axis], "take", operand.where());
    return apply(
        "take", {x}, [indices, axis](const Tensor& in) { return take_values(in, indices, axis); },
        [indices, axis, shape = x.shape()](Tensor g) { return index_add(shape, indices, g, axis); }, operand.where());
}

Tensor index_add(const Shape& shape, const Operand& index_operand, const Operand& operand, int axis) {
    const Tensor& source = tensor_of(operand, "index_add");
    const Tensor indices = stop_gradient(tensor_of(index_operand, "index_add"));
    axis = normalise_axis(axis, shape.rank(), "index_add", operand.where());
    check_indices(indices, shape[axis], "index_add", operand.where());
    const Shape wanted = taken_shape(shape, indices.shape(), axis);
    check<ShapeError>(source.shape() == wanted, operand.where(),
                      [&] { return "index_add: the source's shape must be " + to_string(wanted) + ", got " + to_string(source.shape()); });
    check<DTypeError>(source.dtype() != DType::boolean, operand.where(),
                      [] { return std::string("index_add: the source must be numbers, got bool"); });
    return apply(
        "index_add", {source}, [shape, indices, axis](const Tensor& in) { return index_add_values(shape, indices, in, axis); },
        [indices, axis](Tensor g) { return take(g, indices, axis); }, operand.where());
}

namespace {

Tensor take_along_values(const Tensor& x, const Tensor& indices, int axis) {
    Tensor y = empty(indices.shape(), x.dtype());
    if (y.size() == 0) return y;
    const Along a = along(x.shape(), axis);
    const Int m = indices.shape()[axis];
    with_indices(indices, [&](const auto* index) {
        with_any(x.dtype(), [&]<class T>(T) {
            const T* from = elements<T>(x);
            T* to = elements<T>(y);
            parallel_for(a.outer * m, y.size(), [&](Int begin, Int end) {
                for (Int i = begin, o = begin / m, j = begin % m; i < end; ++i) {
                    for (Int c = 0; c < a.inner; ++c)
                        to[i * a.inner + c] = from[(o * a.n + from_front(index[i * a.inner + c], a.n)) * a.inner + c];
                    if (++j == m) j = 0, ++o;
                }
            });
        });
    });
    return y;
}

/// Zeros of `shape` with the source's elements added where take_along_axis takes them from: its transpose.
Tensor add_along(const Shape& shape, const Tensor& indices, const Tensor& source, int axis) {
    return apply(
        "take_along_axis_gradient", {source},
        [shape, indices, axis](const Tensor& in) {
            Tensor y = zeroed(shape, in.dtype());
            const Along a = along(shape, axis);
            const Int m = indices.shape()[axis];
            with_indices(indices, [&](const auto* index) {
                with_floating(in.dtype(), [&]<class T>(T) {
                    const T* from = elements<T>(in);
                    T* to = elements<T>(y);
                    parallel_for(a.outer, in.size(), [&](Int begin, Int end) {
                        for (Int o = begin; o < end; ++o)
                            for (Int i = o * m; i < (o + 1) * m; ++i)
                                for (Int c = 0; c < a.inner; ++c)
                                    to[(o * a.n + from_front(index[i * a.inner + c], a.n)) * a.inner + c] += from[i * a.inner + c];
                    });
                });
            });
            return y;
        },
        [indices, axis](Tensor g) { return take_along_axis(g, indices, axis); }, {});
}

}  // namespace

Tensor take_along_axis(const Operand& operand, const Operand& index_operand, int axis) {
    const Tensor& x = tensor_of(operand, "take_along_axis");
    const Location where = operand.where();
    Tensor indices = stop_gradient(tensor_of(index_operand, "take_along_axis"));
    axis = normalise_axis(axis, x.ndim(), "take_along_axis", where);
    bool fits = indices.ndim() == x.ndim();
    Shape shape = x.shape();
    for (int k = 0; fits && k < x.ndim(); ++k) {
        if (k == axis) shape[k] = indices.shape()[k];
        else fits = indices.shape()[k] == x.shape()[k] || indices.shape()[k] == 1;
    }
    check<ShapeError>(fits, where, [&] {
        return "take_along_axis: indices must have the tensor's sizes, or 1, except along axis " + std::to_string(axis) + ", got " +
               to_string(indices.shape()) + " for " + to_string(x.shape());
    });
    check_indices(indices, x.shape()[axis], "take_along_axis", where);
    indices = broadcast_to(indices, shape);
    return apply(
        "take_along_axis", {x}, [indices, axis](const Tensor& in) { return take_along_values(in, indices, axis); },
        [indices, axis, whole = x.shape()](Tensor g) { return add_along(whole, indices, g, axis); }, where);
}

Tensor one_hot(const Operand& operand, Int classes, DType dtype) {
    const Tensor& labels = tensor_of(operand, "one_hot");
    check_index_type(labels, "one_hot", operand.where());
    check<ValueError>(classes >= 0, operand.where(),
                      [&] { return "one_hot: the number of classes must not be negative, got " + std::to_string(classes); });
    Shape shape = labels.shape();
    shape.push_back(classes);
    Tensor y = zeroed(shape, dtype);
    with_indices(labels, [&](const auto* label) {
        with_any(dtype, [&]<class T>(T) {
            for (Int i = 0; i < labels.size(); ++i) {
                check<IndexError>(label[i] >= 0 && label[i] < classes, operand.where(), [&] {
                    return "one_hot: labels must be in [0, " + std::to_string(classes) + "), got " + std::to_string(label[i]);
                });
                elements<T>(y)[i * classes + label[i]] = T(1);
            }
        });
    });
    return y;
}

}  // namespace xgrad
