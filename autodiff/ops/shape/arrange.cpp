#include "arrange.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "autodiff/core/apply.hpp"
#include "autodiff/core/detail/composition.hpp"
#include "autodiff/core/detail/dispatch.hpp"
#include "autodiff/core/detail/parallel.hpp"
#include "autodiff/core/detail/sizes.hpp"
#include "detail/view.hpp"
#include "index.hpp"
#include "shape.hpp"

namespace xgrad {

using namespace detail;

// --- flipping and rolling --------------------------------------------------------------------------------------------

Tensor flip(const Operand& operand, const Axes& axes) {
    const Tensor& x = tensor_of(operand, "flip");
    const AxisMask mask = mask_of(axes, x.ndim(), "flip", operand.where());
    View view(x.shape());
    for (int k = 0; k < x.ndim(); ++k)
        if (mask >> k & 1) {
            view.offset += view.strides[k] * (x.shape()[k] - 1);
            view.strides[k] = -view.strides[k];
        }
    return viewed("flip", x, view, operand.where());
}

namespace {

struct Roll {
    static constexpr const char* name = "roll";
    Int shift = 0;
    std::optional<int> axis = {};  // without one, the tensor is flattened
    XGRAD_ATTRIBUTES(shift, axis)

    AxisSplit lines(const Shape& shape) const { return axis ? along(shape, *axis) : AxisSplit{1, shape.size(), 1}; }
    /// The last `shift` elements of each line come first.
    Tensor value(const Tensor& x) const {
        const AxisSplit a = lines(x.shape());
        Tensor y = empty(x.shape(), x.dtype());
        const Int item = size_of(x.dtype()), line = a.n * a.inner * item, tail = shift * a.inner * item;
        const auto* from = static_cast<const char*>(TensorAccess::data(x));
        auto* to = static_cast<char*>(TensorAccess::data(y));
        parallel_for(x.size() ? a.outer : 0, x.size(), [&](Int begin, Int end) {
            for (Int o = begin * line; o < end * line; o += line) {
                std::memcpy(to + o, from + o + line - tail, static_cast<std::size_t>(tail));
                std::memcpy(to + o + tail, from + o, static_cast<std::size_t>(line - tail));
            }
        });
        return y;
    }
    Tensor pullback(Tensor g) const { return apply(Roll{lines(g.shape()).n - shift, axis}, {g}, {}); }
};

Tensor rolled(const Tensor& x, Roll roll, Location where) {
    const Int n = roll.lines(x.shape()).n;
    roll.shift = n ? (roll.shift % n + n) % n : 0;
    return roll.shift ? apply(std::move(roll), {x}, where) : x;
}

}  // namespace

Tensor roll(const Operand& operand, Int shift) {
    const Tensor& x = tensor_of(operand, "roll");
    return rolled(x, {shift}, operand.where());
}

Tensor roll(const Operand& operand, Int shift, int axis) {
    const Tensor& x = tensor_of(operand, "roll");
    return rolled(x, {shift, normalise_axis(axis, x.ndim(), "roll", operand.where())}, operand.where());
}

Tensor roll(const Operand& operand, const std::vector<Int>& shifts, const std::vector<int>& axes) {
    Tensor y = tensor_of(operand, "roll");
    check<ValueError>(shifts.size() == axes.size(), operand.where(), [&] {
        return "roll: there must be a shift for each axis, got " + std::to_string(shifts.size()) + " and " +
               std::to_string(axes.size());
    });
    for (std::size_t i = 0; i < axes.size(); ++i) y = roll({y, operand.where()}, shifts[i], axes[i]);
    return y;
}

// --- triangles and diagonals -----------------------------------------------------------------------------------------

namespace {

/// tril, or triu: in row i of each matrix, elements [0, i + k] are kept, or [i + k, columns); the others become zeros.
template <bool lower>
struct Triangle {
    static constexpr const char* name = lower ? "tril" : "triu";
    Int k = 0;
    XGRAD_ATTRIBUTES(k)

    Tensor value(const Tensor& x) const {
        Tensor y = empty(x.shape(), x.dtype());
        const Int rows = x.shape(-2), columns = x.shape(-1), item = size_of(x.dtype());
        const auto* from = static_cast<const char*>(TensorAccess::data(x));
        auto* to = static_cast<char*>(TensorAccess::data(y));
        parallel_for(x.size() ? x.size() / columns : 0, x.size(), [&](Int begin, Int end) {
            for (Int r = begin; r < end; ++r) {
                // Neither end overflows for a k beyond the matrix.
                const Int bound = std::clamp<Int>(
                    std::clamp(k, -rows - columns, rows + columns) + r % rows + (lower ? 1 : 0), 0, columns);
                const Int first = lower ? 0 : bound, last = lower ? bound : columns;
                const char* source = from + r * columns * item;
                char* target = to + r * columns * item;
                std::memset(target, 0, static_cast<std::size_t>(first * item));
                std::memcpy(target + first * item, source + first * item,
                            static_cast<std::size_t>((last - first) * item));
                std::memset(target + last * item, 0, static_cast<std::size_t>((columns - last) * item));
            }
        });
        return y;
    }
    Tensor pullback(Tensor g) const { return apply(Triangle{k}, {g}, {}); }
};

template <bool lower>
Tensor triangle(const Operand& operand, Int k) {
    using Op = Triangle<lower>;
    const Tensor& x = tensor_of(operand, Op::name);
    check<ShapeError>(x.ndim() >= 2, operand.where(), [&] {
        return std::string(Op::name) + ": must have at least 2 axes, got shape " + to_string(x.shape());
    });
    return apply(Op{k}, {x}, operand.where());
}

/// The number of elements of the diagonal.
Int diagonal_size(Int rows, Int columns, Int offset) {
    const Int below = offset < 0 ? -std::max(offset, -rows) : 0, right = offset > 0 ? std::min(offset, columns) : 0;
    return std::min(rows - below, columns - right);
}

}  // namespace

Tensor tril(const Operand& x, Int k) { return triangle<true>(x, k); }
Tensor triu(const Operand& x, Int k) { return triangle<false>(x, k); }

Tensor diagonal(const Operand& operand, Int offset, int axis1, int axis2) {
    const Tensor& x = tensor_of(operand, "diagonal");
    const Location where = operand.where();
    check<ShapeError>(x.ndim() >= 2, where,
                      [&] { return "diagonal: must have at least 2 axes, got shape " + to_string(x.shape()); });
    const AxisMask mask = mask_of({axis1, axis2}, x.ndim(), "diagonal", where);
    axis1 = normalise_axis(axis1, x.ndim(), "diagonal", where);
    axis2 = normalise_axis(axis2, x.ndim(), "diagonal", where);
    const View whole(x.shape());
    View view;
    for (int k = 0; k < x.ndim(); ++k)
        if (!(mask >> k & 1)) view.shape.push_back(whole.shape[k]), view.strides.push_back(whole.strides[k]);
    const Int count = diagonal_size(x.shape()[axis1], x.shape()[axis2], offset);
    if (count > 0) view.offset = offset < 0 ? -offset * whole.strides[axis1] : offset * whole.strides[axis2];
    view.shape.push_back(count);
    view.strides.push_back(whole.strides[axis1] + whole.strides[axis2]);
    return viewed("diagonal", x, view, where);
}

Tensor diag(const Operand& operand, Int k) {
    const Tensor& x = tensor_of(operand, "diag");
    check<ShapeError>(x.ndim() == 1 || x.ndim() == 2, operand.where(),
                      [&] { return "diag: must have 1 or 2 axes, got shape " + to_string(x.shape()); });
    if (x.ndim() == 2) return diagonal(operand, k);
    const Int side = (Size(x.size()) + (k < 0 ? Size(0) - k : k)).value("diag", operand.where(), [&] {
        return "k = " + std::to_string(k);
    });
    count_elements({side, side}, "diag", operand.where());
    View view(x.shape());
    view.offset = k < 0 ? -k * side : k;
    view.strides[0] = side + 1;
    return placed("diag", x, {side, side}, view, 0, operand.where());
}

// --- margins ---------------------------------------------------------------------------------------------------------

namespace {

/// Which of n elements is at position `i`, counted from the first one; i may be outside [0, n).
Int source_of(Int i, Int n, PadMode mode) {
    const auto modulo = [](Int a, Int b) { return (a % b + b) % b; };
    if (mode == PadMode::replicate) return std::clamp<Int>(i, 0, n - 1);
    if (mode == PadMode::circular) return modulo(i, n);
    if (n == 1) return 0;
    const Int j = modulo(i, 2 * n - 2);
    return j < n ? j : 2 * n - 2 - j;
}

}  // namespace

Tensor pad(const Operand& operand, const std::vector<std::pair<Int, Int>>& widths, const PadOptions& options) {
    return composed("pad", operand.where(), [&]() -> Tensor {
        const Tensor& x = tensor_of(operand, "pad");
        const Location where = operand.where();
        check<ValueError>(widths.size() == 1 || static_cast<int>(widths.size()) == x.ndim(), where, [&] {
            return "pad: there must be one pair of widths, or one per axis, got " + std::to_string(widths.size()) +
                   " for shape " + to_string(x.shape());
        });
        for (const auto& width : widths)
            check<ValueError>(width.first >= 0 && width.second >= 0, where, [&] {
                return "pad: widths must not be negative, got {" + std::to_string(width.first) + ", " +
                       std::to_string(width.second) + "}";
            });
        const auto width_of = [&](int axis) { return widths[widths.size() == 1 ? 0 : static_cast<std::size_t>(axis)]; };
        Shape padded_shape = x.shape();
        for (int k = 0; k < x.ndim(); ++k)
            padded_shape[k] = (Size(x.shape()[k]) + width_of(k).first + width_of(k).second).value("pad", where, [&] {
                return "widths {" + std::to_string(width_of(k).first) + ", " + std::to_string(width_of(k).second) + "}";
            });
        count_elements(padded_shape, "pad", where);
        if (options.mode == PadMode::constant) {
            if (padded_shape == x.shape()) return x;
            View view(padded_shape);
            view.shape = x.shape();
            for (int k = 0; k < x.ndim(); ++k) view.offset += width_of(k).first * view.strides[k];
            return placed("pad", x, padded_shape, view, options.value, where);
        }
        Tensor y = x;
        for (int k = 0; k < x.ndim(); ++k) {
            const auto [before, after] = width_of(k);
            if (before + after == 0) continue;
            const Int n = x.shape()[k];
            check<ShapeError>(n > 0, where, [&] {
                return "pad: only a constant can surround an axis of size 0, got axis " + std::to_string(k) + " of " +
                       to_string(x.shape());
            });
            const Tensor sources = empty({padded_shape[k]}, DType::i64);
            Int* source = elements<Int>(sources);
            for (Int i = -before; i < n + after; ++i) *source++ = source_of(i, n, options.mode);
            y = take({y, where}, sources, k);
        }
        return y;
    });
}

// --- windows ---------------------------------------------------------------------------------------------------------

namespace {

/// The positions of the windows along an axis in an array of shape `whole`.
struct Windows {
    AxisSplit lines;
    Int count, size, step;
    Windows(const Shape& whole, int axis, Int window, Int apart)
        : lines(along(whole, axis)), count((lines.n - window) / apart + 1), size(window), step(apart) {}

    /// Calls f(index in the windows, index in the whole) for every element of the windows, of which there are `work`.
    template <class F>
    void each(Int work, const F& f) const {
        parallel_for(lines.outer, work, [&](Int begin, Int end) {
            for (Int o = begin; o < end; ++o)
                for (Int w = 0; w < count; ++w)
                    for (Int c = 0; c < lines.inner; ++c) {
                        const Int to = ((o * count + w) * lines.inner + c) * size,
                                  from = (o * lines.n + w * step) * lines.inner + c;
                        for (Int j = 0; j < size; ++j) f(to + j, from + j * lines.inner);
                    }
        });
    }
};

/// The gradient of unfold: every element is added at the position that unfold took it from.
Tensor fold(const Tensor& parts, const Shape& shape, int axis, Int step);

struct Unfold {
    static constexpr const char* name = "unfold";
    int axis = 0;
    Int size = 0, step = 1;
    XGRAD_ATTRIBUTES(axis, size, step)

    Tensor value(const Tensor& x) const {
        const Windows windows(x.shape(), axis, size, step);
        Shape shape = x.shape();
        shape[axis] = windows.count;
        shape.push_back(size);
        Tensor y = empty(shape, x.dtype());
        with_any(x.dtype(), [&]<class T>(T) {
            const T* from = elements<T>(x);
            T* to = elements<T>(y);
            windows.each(y.size(), [&](Int i, Int j) { to[i] = from[j]; });
        });
        return y;
    }
    Tensor pullback(Tensor g, const Saved& s) const { return fold(g, s.shape(), axis, step); }
};

struct Fold {
    static constexpr const char* name = "fold";
    Shape shape;
    int axis = 0;
    Int step = 1;
    XGRAD_ATTRIBUTES(shape, axis, step)

    Tensor value(const Tensor& parts) const {
        const Windows windows(shape, axis, parts.shape(-1), step);
        Tensor y = zeros(shape, parts.dtype());
        with_floating(parts.dtype(), [&]<class T>(T) {
            const T* from = elements<T>(parts);
            T* to = elements<T>(y);
            windows.each(parts.size(), [&](Int i, Int j) { to[j] += from[i]; });
        });
        return y;
    }
    Tensor pullback(Tensor g, const Saved& s) const { return apply(Unfold{axis, s.shape().back(), step}, {g}, {}); }
};

Tensor fold(const Tensor& parts, const Shape& shape, int axis, Int step) {
    return apply(Fold{shape, axis, step}, {parts}, {});
}

}  // namespace

Tensor unfold(const Operand& operand, int axis, Int size, Int step) {
    return composed("unfold", operand.where(), [&]() -> Tensor {
        const Tensor& x = tensor_of(operand, "unfold");
        axis = normalise_axis(axis, x.ndim(), "unfold", operand.where());
        const Int n = x.shape()[axis];
        check<ValueError>(size >= 0 && size <= n, operand.where(), [&] {
            return "unfold: the size must be in [0, " + std::to_string(n) + "], got " + std::to_string(size);
        });
        check<ValueError>(step > 0, operand.where(),
                          [&] { return "unfold: the step must be positive, got " + std::to_string(step); });
        return apply(Unfold{axis, size, step}, {x}, operand.where());
    });
}

}  // namespace xgrad
