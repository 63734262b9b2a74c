#include "functions.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "autodiff/core/apply.hpp"
#include "autodiff/core/detail/axes.hpp"
#include "autodiff/core/detail/composition.hpp"
#include "autodiff/core/detail/sizes.hpp"
#include "autodiff/core/tape.hpp"
#include "autodiff/ops/elementwise/elementwise.hpp"
#include "autodiff/ops/reduce/reduce.hpp"
#include "autodiff/ops/shape/arrange.hpp"
#include "autodiff/ops/shape/index.hpp"
#include "autodiff/ops/shape/scatter.hpp"
#include "autodiff/ops/shape/shape.hpp"

namespace xgrad {

using namespace detail;

// --- element-wise ----------------------------------------------------------------------------------------------------

Tensor lerp(const Operand& a, const Operand& b, const Operand& weight) {
    return composed("lerp", a.where(), [&]() -> Tensor {
        return add(a.without_reuse(), multiply(weight, subtract(b, a.without_reuse())));
    });
}

// --- reductions and scans --------------------------------------------------------------------------------------------

Tensor std(const Operand& x, const Axes& axes, Correction correction, bool keepdims) {
    return composed("std", x.where(), [&]() -> Tensor {
        const Tensor variance = var(x, axes, correction, keepdims);
        const Tensor positive = variance > 0.0;  // where it is 0, the slope of sqrt is not evaluated
        return where({positive, x.where()}, sqrt({where(positive, variance, 1.0), x.where()}), variance);
    });
}

Tensor diff(const Operand& operand, int n, int axis) {
    return composed("diff", operand.where(), [&]() -> Tensor {
        const Location where = operand.where();
        Tensor x = tensor_of(operand, "diff");
        axis = normalise_axis(axis, x.ndim(), "diff", where);
        check<ValueError>(n >= 0, where, [&] { return "diff: n must not be negative, got " + std::to_string(n); });
        for (n = static_cast<int>(std::min<Int>(n, x.shape(axis))); n > 0; --n) {
            const Tensor later = slice({x, where}, axis, 1),
                         earlier = slice({x, where}, axis, 0, std::max<Int>(x.shape(axis) - 1, 0));
            x = x.dtype() == DType::boolean ? not_equal(later, earlier) : subtract({later, where}, {earlier, where});
        }
        return x;
    });
}

Tensor count_nonzero(const Operand& x, const Axes& axes, bool keepdims) {
    return composed("count_nonzero", x.where(), [&]() -> Tensor {
        return sum({not_equal({stop_gradient(tensor_of(x, "count_nonzero")), x.where()}, 0), x.where()}, axes,
                   keepdims);
    });
}

// --- shapes and indices ----------------------------------------------------------------------------------------------

Tensor moveaxis(const Operand& operand, int from, int to) {
    return composed("moveaxis", operand.where(), [&]() -> Tensor {
        const Tensor& x = tensor_of(operand, "moveaxis");
        from = normalise_axis(from, x.ndim(), "moveaxis", operand.where());
        to = normalise_axis(to, x.ndim(), "moveaxis", operand.where());
        std::vector<int> axes;
        for (int k = 0; k < x.ndim(); ++k)
            if (k != from) axes.push_back(k);
        axes.insert(axes.begin() + to, from);
        return transpose({x, operand.where()}, axes);
    });
}

Tensor rot90(const Operand& operand, int k, int axis1, int axis2) {
    return composed("rot90", operand.where(), [&]() -> Tensor {
        const Tensor& x = tensor_of(operand, "rot90");
        const Location where = operand.where();
        mask_of({axis1, axis2}, x.ndim(), "rot90", where);
        switch ((k % 4 + 4) % 4) {
            case 1: return swapaxes({flip({x, where}, axis2), where}, axis1, axis2);
            case 2: return flip({x, where}, {axis1, axis2});
            case 3: return flip({swapaxes({x, where}, axis1, axis2), where}, axis2);
            default: return x;
        }
    });
}

Tensor tile(const Operand& operand, const std::vector<Int>& repetitions) {
    return composed("tile", operand.where(), [&]() -> Tensor {
        const Tensor& x = tensor_of(operand, "tile");
        const Location where = operand.where();
        const int given = static_cast<int>(repetitions.size()), rank = std::max(given, x.ndim());
        Shape shape;
        for (int k = 0; k < rank; ++k) shape.push_back(k < rank - x.ndim() ? 1 : x.shape()[k - (rank - x.ndim())]);
        Tensor y = reshape({x, where}, shape);
        for (int k = rank - 1; k >= rank - given; --k) {
            const Int count = repetitions[static_cast<std::size_t>(k - (rank - given))];
            check<ValueError>(count >= 0, where,
                              [&] { return "tile: repetitions must not be negative, got " + std::to_string(count); });
            if (count == 1) continue;
            // Everything from this axis on is one block.
            const AxisSplit a = along(shape, k);
            shape[k] =
                (Size(shape[k]) * count).value("tile", where, [&] { return std::to_string(count) + " repetitions"; });
            count_elements(shape, "tile", where);
            const Tensor blocks =
                broadcast_to({reshape(y, {a.outer, 1, a.n * a.inner}), where}, {a.outer, count, a.n * a.inner});
            y = reshape(blocks, shape);
        }
        return y;
    });
}

Tensor repeat(const Operand& operand, const Operand& count, int axis) {
    return composed("repeat", operand.where(), [&]() -> Tensor {
        const Tensor& x = tensor_of(operand, "repeat");
        const Location where = operand.where();
        axis = normalise_axis(axis, x.ndim(), "repeat", where);
        const AxisSplit a = along(x.shape(), axis);
        if (!count.is_tensor()) {
            const Int times = number_as(count, DType::i64, "repeat").item<Int>();
            check<ValueError>(times >= 0, where,
                              [&] { return "repeat: the count must not be negative, got " + std::to_string(times); });
            Shape shape = x.shape();
            shape[axis] =
                (Size(shape[axis]) * times).value("repeat", where, [&] { return "count " + std::to_string(times); });
            count_elements(shape, "repeat", where);
            const Tensor column = reshape({x, where}, {a.outer, a.n, 1, a.inner});
            return reshape(broadcast_to({column, where}, {a.outer, a.n, times, a.inner}), shape);
        }
        check_index_type(tensor_of(count, "repeat"), "repeat", where);
        check<ShapeError>(count.shape() == Shape{a.n}, where, [&] {
            return "repeat: there must be one count for each of " + std::to_string(a.n) + " elements, got shape " +
                   to_string(count.shape());
        });
        const Tensor counts = stop_gradient(count).to(DType::i64);
        const auto times = counts.data<Int>();
        Int total = 0;
        for (const Int t : times) {
            check<ValueError>(t >= 0, where,
                              [&] { return "repeat: the count must not be negative, got " + std::to_string(t); });
            check<ValueError>(!__builtin_add_overflow(total, t, &total), where, [&] {
                return "repeat: the counts must add up to a size, got " + std::to_string(t) + " among them";
            });
        }
        const Tensor indices = empty({total}, DType::i64, where);
        auto* at = static_cast<Int*>(TensorAccess::data(indices));
        for (Int i = 0; i < a.n; ++i) at = std::fill_n(at, times[static_cast<std::size_t>(i)], i);
        return take({x, where}, indices, axis);
    });
}

Tensor repeat(const Operand& x, const Operand& count) {
    return composed("repeat", x.where(), [&]() -> Tensor { return repeat({ravel(x), x.where()}, count, 0); });
}

std::vector<Tensor> meshgrid(const std::vector<Tensor>& vectors, Indexing indexing, Location where) {
    const std::size_t n = vectors.size();
    std::vector<std::size_t> axis_of(n);
    for (std::size_t i = 0; i < n; ++i) axis_of[i] = i;
    if (indexing == Indexing::xy && n > 1) std::swap(axis_of[0], axis_of[1]);
    Shape grid;
    for (std::size_t k = 0; k < n; ++k) {
        const Tensor& vector = tensor_of({vectors[axis_of[k]], where}, "meshgrid");
        check<ShapeError>(vector.ndim() <= 1, where, [&] {
            return "meshgrid: each tensor must be a vector, got shape " + to_string(vector.shape());
        });
        grid.push_back(vector.size());
    }
    std::vector<Tensor> result;
    for (std::size_t i = 0; i < n; ++i) {
        Shape shape = grid;
        for (std::size_t k = 0; k < n; ++k)
            if (k != axis_of[i]) shape[static_cast<int>(k)] = 1;
        result.push_back(broadcast_to({reshape({vectors[i], where}, shape), where}, grid));
    }
    return result;
}

Tensor put_along_axis(const Operand& operand, const Operand& index_operand, const Operand& values, int axis) {
    return composed("put_along_axis", operand.where(), [&]() -> Tensor {
        const Tensor& x = tensor_of(operand, "put_along_axis");
        const Tensor& indices = tensor_of(index_operand, "put_along_axis");
        const Location where = operand.where();
        axis = normalise_axis(axis, x.ndim(), "put_along_axis", where);
        check<ShapeError>(indices.ndim() == x.ndim(), where, [&] {
            return "put_along_axis: indices must have the tensor's rank, got " + to_string(indices.shape()) + " for " +
                   to_string(x.shape());
        });
        Shape shape = x.shape();
        shape[axis] = indices.shape()[axis];
        const Tensor places = broadcast_to({indices, where}, shape);
        if (!values.is_tensor()) return scatter({x, where}, axis, places, values);
        return scatter({x, where}, axis, places, broadcast_to({values.tensor(), where}, shape));
    });
}

namespace {

const Tensor& mask_from(const Operand& operand, const char* name, Location where) {
    const Tensor& mask = tensor_of(operand, name);
    check<DTypeError>(mask.dtype() == DType::boolean, where,
                      [&] { return std::string(name) + ": the mask must be bool, got " + name_of(mask.dtype()); });
    return mask;
}

}  // namespace

Tensor masked_fill(const Operand& x, const Operand& mask, const Operand& value) {
    return composed("masked_fill", x.where(), [&]() -> Tensor {
        tensor_of(x, "masked_fill");
        return where({mask_from(mask, "masked_fill", x.where()), x.where()}, value, x);
    });
}

Tensor masked_select(const Operand& operand, const Operand& mask_operand) {
    return composed("masked_select", operand.where(), [&]() -> Tensor {
        const Tensor& x = tensor_of(operand, "masked_select");
        const Location where = operand.where();
        const Tensor& mask = mask_from(mask_operand, "masked_select", where);
        const Shape shape = broadcast_shapes(x.shape(), mask.shape(), "masked_select", where);
        return select({broadcast_to({x, where}, shape), where}, broadcast_to({mask, where}, shape));
    });
}

Tensor select(const Operand& operand, const Operand& mask_operand) {
    return composed("select", operand.where(), [&]() -> Tensor {
        const Tensor& x = tensor_of(operand, "select");
        const Location where = operand.where();
        const Tensor& mask = mask_from(mask_operand, "select", where);
        bool fits = mask.ndim() <= x.ndim();
        for (int k = 0; fits && k < mask.ndim(); ++k) fits = mask.shape()[k] == x.shape()[k];
        check<ShapeError>(fits, where, [&] {
            return "select: the mask must have the shape of leading axes, got " + to_string(mask.shape()) + " for " +
                   to_string(x.shape());
        });
        Shape rows{mask.size()};
        for (int k = mask.ndim(); k < x.ndim(); ++k) rows.push_back(x.shape()[k]);
        return take({reshape({x, where}, rows), where}, ravel(argwhere(reshape(mask, {mask.size()}))), 0);
    });
}

std::vector<Tensor> nonzero(const Operand& operand) {
    return composed("nonzero", operand.where(), [&]() -> std::vector<Tensor> {
        const Tensor places = argwhere(operand);
        std::vector<Tensor> result;
        for (int k = 0; k < places.shape(1); ++k) result.push_back(select(places, 1, k));
        return result;
    });
}

// --- linear algebra --------------------------------------------------------------------------------------------------

Tensor outer(const Operand& a, const Operand& b) {
    return composed("outer", a.where(), [&]() -> Tensor {
        const Tensor column = reshape({tensor_of(a, "outer"), a.where()}, {-1, 1}),
                     row = reshape({tensor_of(b, "outer"), b.where()}, {1, -1});
        return multiply({column, a.where()}, {row, b.where()});
    });
}

// --- neural networks -------------------------------------------------------------------------------------------------

namespace {

/// The norm along an axis, which is kept, but at least eps.
Tensor bounded_norm(const Operand& x, double p, int axis, double eps) {
    return maximum({norm(x.without_reuse(), p, axis, true), x.where()}, eps);
}

}  // namespace

Tensor normalize(const Operand& x, double p, int axis, double eps) {
    return composed("normalize", x.where(),
                    [&]() -> Tensor { return divide(x.without_reuse(), bounded_norm(x, p, axis, eps)); });
}

Tensor cosine_similarity(const Operand& a, const Operand& b, int axis, double eps) {
    return composed("cosine_similarity", a.where(), [&]() -> Tensor {
        // Broadcast first: the axis refers to the common shape.
        const Shape shape = broadcast_shapes(tensor_of(a, "cosine_similarity").shape(),
                                             tensor_of(b, "cosine_similarity").shape(), "cosine_similarity", a.where());
        const Tensor x = broadcast_to(a.without_reuse(), shape), y = broadcast_to(b.without_reuse(), shape);
        const Operand first(x, a.where()), second(y, a.where());
        return sum({multiply(divide(first, bounded_norm(first, 2, axis, eps)),
                             divide(second, bounded_norm(second, 2, axis, eps))),
                    a.where()},
                   axis);
    });
}

Tensor pairwise_distance(const Operand& a, const Operand& b, double p, double eps, bool keepdims) {
    return composed("pairwise_distance", a.where(), [&]() -> Tensor {
        return norm({add({subtract(a, b), a.where()}, eps), a.where()}, p, -1, keepdims);
    });
}

}  // namespace xgrad
