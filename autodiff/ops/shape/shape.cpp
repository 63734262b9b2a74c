#include "shape.hpp"

#include <algorithm>
#include <string>

#include "autodiff/core/apply.hpp"
#include "autodiff/core/detail/axes.hpp"
#include "autodiff/core/detail/composition.hpp"
#include "autodiff/core/detail/sizes.hpp"
#include "autodiff/core/detail/sweep.hpp"
#include "autodiff/ops/reduce/reduce.hpp"
#include "detail/strided.hpp"
#include "detail/view.hpp"

namespace xgrad {

using namespace detail;

Shape broadcast_shapes(const Shape& a, const Shape& b, const char* operation, Location where) {
    const Shape& longer = a.rank() >= b.rank() ? a : b;
    const Shape& shorter = a.rank() >= b.rank() ? b : a;
    const int lead = longer.rank() - shorter.rank();
    Shape result = longer;
    for (int k = lead; k < longer.rank(); ++k) {
        const Int p = longer[k], q = shorter[k - lead];
        check<ShapeError>(p == q || p == 1 || q == 1, where, [&] {
            return std::string(operation) + ": shapes must broadcast, got " + to_string(a) + " and " + to_string(b);
        });
        result[k] = p == 1 ? q : p;
    }
    return result;
}

// --- reshaping: the elements are shared ------------------------------------------------------------------------------

namespace {

struct Reshape {
    static constexpr const char* name = "reshape";
    Shape shape;
    XGRAD_ATTRIBUTES(shape)

    Tensor value(const Tensor& x) const { return TensorAccess::view(x, shape); }
    Tensor pullback(Tensor g, const Saved& s) const { return reshape(g, s.shape()); }
};

Tensor view_as(const char* label, const Tensor& x, const Shape& shape, Location where) {
    if (shape == x.shape()) return x;
    return apply(Reshape{shape}, {x}, where, label);
}

}  // namespace

Tensor reshape(const Operand& operand, const Shape& wanted) {
    const Tensor& x = tensor_of(operand, "reshape");
    if (wanted == x.shape()) return x;
    Shape shape = wanted;
    int open = -1;
    Int known = 1;
    for (int k = 0; k < shape.rank(); ++k) {
        if (shape[k] == -1) {
            check<ShapeError>(open < 0, operand.where(),
                              [&] { return "reshape: at most one size may be -1, got " + to_string(wanted); });
            open = k;
        } else {
            check<ShapeError>(shape[k] >= 0, operand.where(),
                              [&] { return "reshape: sizes must not be negative, got " + to_string(wanted); });
            check<ShapeError>(!__builtin_mul_overflow(known, shape[k], &known), operand.where(), [&] {
                return "reshape: the sizes must multiply to a number of elements, got " + to_string(wanted);
            });
        }
    }
    if (open >= 0) {
        check<ShapeError>(known != 0 && x.size() % known == 0, operand.where(), [&] {
            return "reshape: the known sizes must divide " + std::to_string(x.size()) + ", got " + to_string(wanted) +
                   " for " + to_string(x.shape());
        });
        shape[open] = x.size() / known;
    }
    check<ShapeError>(open >= 0 || known == x.size(), operand.where(), [&] {
        return "reshape: the sizes must multiply to " + std::to_string(x.size()) + ", got " + to_string(wanted) +
               " for " + to_string(x.shape());
    });
    return view_as("reshape", x, shape, operand.where());
}

Tensor ravel(const Operand& operand) {
    const Tensor& x = tensor_of(operand, "ravel");
    return view_as("ravel", x, {x.size()}, operand.where());
}

Tensor flatten(const Operand& operand, int start, int end) {
    const Tensor& x = tensor_of(operand, "flatten");
    if (x.ndim() == 0) return view_as("flatten", x, {1}, operand.where());
    start = normalise_axis(start, x.ndim(), "flatten", operand.where());
    end = normalise_axis(end, x.ndim(), "flatten", operand.where());
    check<IndexError>(start <= end, operand.where(), [&] {
        return "flatten: start must not be behind end, got " + std::to_string(start) + " and " + std::to_string(end);
    });
    Shape shape;
    for (int k = 0; k < x.ndim(); ++k)
        if (k > start && k <= end) shape[start] *= x.shape()[k];
        else shape.push_back(x.shape()[k]);
    return view_as("flatten", x, shape, operand.where());
}

Tensor expand_dims(const Operand& operand, const Axes& axes) {
    return composed("expand_dims", operand.where(), [&]() -> Tensor {
        const Tensor& x = tensor_of(operand, "expand_dims");
        check<ValueError>(!axes.all(), operand.where(),
                          [&] { return std::string("expand_dims: the new axes must be named, got none"); });
        const int rank = x.ndim() + static_cast<int>(axes.list().size());
        const AxisMask mask = mask_of(axes, rank, "expand_dims", operand.where());
        Shape shape;
        for (int k = 0, from = 0; k < rank; ++k) shape.push_back(mask >> k & 1 ? 1 : x.shape()[from++]);
        return view_as("expand_dims", x, shape, operand.where());
    });
}

Tensor squeeze(const Operand& operand, const Axes& axes) {
    const Tensor& x = tensor_of(operand, "squeeze");
    const AxisMask mask = mask_of(axes, x.ndim(), "squeeze", operand.where());
    Shape shape;
    for (int k = 0; k < x.ndim(); ++k) {
        const bool one = x.shape()[k] == 1, named = mask >> k & 1;
        check<ShapeError>(axes.all() || one || !named, operand.where(), [&] {
            return "squeeze: the axis must have size 1, got axis " + std::to_string(k) + " of " + to_string(x.shape());
        });
        if (!one || !named) shape.push_back(x.shape()[k]);
    }
    return view_as("squeeze", x, shape, operand.where());
}

// --- transposing and broadcasting ------------------------------------------------------------------------------------

namespace {

struct Transpose {
    static constexpr const char* name = "transpose";
    Shape axes;  // the input's axes, in the result's order
    XGRAD_ATTRIBUTES(axes)

    Tensor value(const Tensor& x) const {
        const int rank = axes.rank();
        Int strides[Shape::max_rank];
        row_major(x.shape(), strides);
        kernels::StridedCopy layout;
        layout.rank = rank;
        Shape shape;
        bool in_order = true;
        int last = -1;
        for (int k = 0; k < rank; ++k) {
            const int axis = static_cast<int>(axes[k]);
            shape.push_back(x.shape()[axis]);
            layout.sizes[k] = shape[k];
            layout.from[k] = strides[axis];
            if (shape[k] == 1) continue;
            in_order &= axis > last;
            last = axis;
        }
        if (in_order) return TensorAccess::view(x, shape);  // only axes of size 1 move
        Tensor y = empty(shape, x.dtype());
        row_major(shape, layout.to);
        copy_strided(TensorAccess::data(y), TensorAccess::data(x), x.dtype(), layout);
        return y;
    }
    Tensor pullback(Tensor g) const {
        Shape back = axes;
        for (int k = 0; k < axes.rank(); ++k) back[static_cast<int>(axes[k])] = k;
        return apply(Transpose{back}, {g}, {});
    }
};

Tensor transposed(const char* label, const Tensor& x, const Shape& axes, Location where) {
    bool identity = true;
    for (int k = 0; k < x.ndim(); ++k) identity &= axes[k] == k;
    return identity ? x : apply(Transpose{axes}, {x}, where, label);
}

Tensor permuted(const char* name, const Operand& operand, const std::vector<int>& axes) {
    const Tensor& x = tensor_of(operand, name);
    check<IndexError>(static_cast<int>(axes.size()) == x.ndim(), operand.where(), [&] {
        return std::string(name) + ": axes must be a permutation of " + std::to_string(x.ndim()) + " axes, got " +
               std::to_string(axes.size()) + " of them";
    });
    mask_of(Axes(axes), x.ndim(), name, operand.where());
    Shape order;
    for (const int axis : axes) order.push_back(axis < 0 ? axis + x.ndim() : axis);
    return transposed(name, x, order, operand.where());
}

}  // namespace

Tensor transpose(const Operand& operand) {
    const Tensor& x = tensor_of(operand, "transpose");
    Shape order;
    for (int k = x.ndim() - 1; k >= 0; --k) order.push_back(k);
    return transposed("transpose", x, order, operand.where());
}
Tensor transpose(const Operand& x, const std::vector<int>& axes) { return permuted("transpose", x, axes); }
Tensor permute(const Operand& x, const std::vector<int>& axes) { return permuted("permute", x, axes); }

Tensor swapaxes(const Operand& operand, int a, int b) {
    const Tensor& x = tensor_of(operand, "swapaxes");
    a = normalise_axis(a, x.ndim(), "swapaxes", operand.where());
    b = normalise_axis(b, x.ndim(), "swapaxes", operand.where());
    Shape order;
    for (int k = 0; k < x.ndim(); ++k) order.push_back(k == a ? b : k == b ? a : k);
    return transposed("swapaxes", x, order, operand.where());
}

namespace {

struct BroadcastTo {
    static constexpr const char* name = "broadcast_to";
    Shape shape;
    XGRAD_ATTRIBUTES(shape)

    Tensor value(const Tensor& x) const {
        const View whole(x.shape());
        View view;
        view.shape = shape;
        for (int k = x.ndim() - shape.rank(); k < x.ndim(); ++k)
            view.strides.push_back(k < 0 || whole.shape[k] == 1 ? 0 : whole.strides[k]);
        return take_part(x, view);
    }
    Tensor pullback(Tensor g, const Saved& s) const { return sum_to(g, s.shape()); }
};

}  // namespace

Tensor broadcast_to(const Operand& operand, const Shape& shape) {
    const Tensor& x = tensor_of(operand, "broadcast_to");
    if (x.shape() == shape) return x;
    const int lead = shape.rank() - x.ndim();
    bool fits = lead >= 0;
    for (int k = 0; fits && k < x.ndim(); ++k) fits = x.shape()[k] == 1 || x.shape()[k] == shape[k + lead];
    check<ShapeError>(fits, operand.where(), [&] {
        return "broadcast_to: the tensor must broadcast to the shape, got " + to_string(x.shape()) + " and " +
               to_string(shape);
    });
    count_elements(shape, "broadcast_to", operand.where());
    return apply(BroadcastTo{shape}, {x}, operand.where());
}
Tensor detail::expand_to(Tensor reduced, const Shape& shape) {
    return reduced.shape() == shape ? reduced : broadcast_to(reduced, shape);
}

// --- slices ----------------------------------------------------------------------------------------------------------

namespace {

Tensor slice_axis(const Tensor& x, int axis, const Slice& s, Location where) {
    check<ValueError>(s.step != 0, where, [] { return std::string("slice: the step must not be zero, got 0"); });
    const Int n = x.shape()[axis];
    const Int low = s.step > 0 ? 0 : -1, high = s.step > 0 ? n : n - 1;
    auto end = [&](const std::optional<Int>& given, Int missing) {
        return given ? std::clamp(*given < 0 ? *given + n : *given, low, high) : missing;
    };
    const Int start = end(s.start, s.step > 0 ? low : high), stop = end(s.stop, s.step > 0 ? high : low);
    const Int count = s.step > 0 ? (stop > start ? (stop - start - 1) / s.step + 1 : 0)
                                 : (start > stop ? 1 - (start - stop - 1) / s.step : 0);
    if (count == n && s.step == 1) return x;
    View view(x.shape());
    view.slice = true;
    view.shape[axis] = count;
    if (count > 0) view.offset = start * view.strides[axis];
    if (count > 1) view.strides[axis] *= s.step;  // a single element needs no step, which might be very large
    return viewed("slice", x, view, where);
}

}  // namespace

Tensor slice(const Operand& operand, int axis, std::optional<Int> start, std::optional<Int> stop, Int step) {
    const Tensor& x = tensor_of(operand, "slice");
    return slice_axis(x, normalise_axis(axis, x.ndim(), "slice", operand.where()), {start, stop, step},
                      operand.where());
}

Tensor slice(const Operand& operand, const std::vector<Slice>& slices) {
    const Tensor& x = tensor_of(operand, "slice");
    check<IndexError>(static_cast<int>(slices.size()) <= x.ndim(), operand.where(), [&] {
        return "slice: there must be at most one slice per axis, got " + std::to_string(slices.size()) + " for shape " +
               to_string(x.shape());
    });
    Tensor y = x;
    for (std::size_t k = 0; k < slices.size(); ++k) y = slice_axis(y, static_cast<int>(k), slices[k], operand.where());
    return y;
}

Tensor Tensor::operator[](const RowIndex& index) const {
    return index.drop ? select({*this, index.where}, 0, *index.slice.start)
                      : slice({*this, index.where}, 0, index.slice.start, index.slice.stop, index.slice.step);
}

Tensor select(const Operand& operand, int axis, Int index) {
    return composed("select", operand.where(), [&]() -> Tensor {
        const Tensor& x = tensor_of(operand, "select");
        axis = normalise_axis(axis, x.ndim(), "select", operand.where());
        const Int n = x.shape()[axis];
        check<IndexError>(index >= -n && index < n, operand.where(), [&] {
            return "select: index must be in [" + std::to_string(-n) + ", " + std::to_string(n) + "), got " +
                   std::to_string(index);
        });
        const View whole(x.shape());
        View view;
        view.slice = true;
        view.offset = (index < 0 ? index + n : index) * whole.strides[axis];
        for (int k = 0; k < x.ndim(); ++k)
            if (k != axis) view.shape.push_back(whole.shape[k]), view.strides.push_back(whole.strides[k]);
        return viewed("select", x, view, operand.where());
    });
}

}  // namespace xgrad
