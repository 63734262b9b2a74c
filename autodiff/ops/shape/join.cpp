#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "autodiff/core/apply.hpp"
#include "autodiff/core/detail/axes.hpp"
#include "autodiff/core/detail/composition.hpp"
#include "autodiff/core/detail/sizes.hpp"
#include "shape.hpp"

// Joining and splitting along an axis, old or new.

namespace xgrad {

using namespace detail;

namespace {

/// Joins parts that agree before and after the axis; `shape` is the result's.
Tensor join(std::span<const Tensor> parts, const Shape& shape, int axis) {
    Tensor y = empty(shape, parts[0].dtype());
    const AxisSplit a = along(shape, axis);
    const Int item = size_of(y.dtype());
    if (y.size() == 0) return y;
    char* to = static_cast<char*>(TensorAccess::data(y));
    for (const Tensor& part : parts) {
        const Int bytes = part.size() / a.outer * item, row = a.n * a.inner * item;
        const char* from = static_cast<const char*>(TensorAccess::data(part));
        for (Int o = 0; o < a.outer; ++o) std::memcpy(to + o * row, from + o * bytes, static_cast<std::size_t>(bytes));
        to += bytes;
    }
    return y;
}

struct Concat {
    static constexpr const char* name = "concat";
    int axis = 0;
    std::vector<Int> sizes = {};  // the parts' sizes along the axis
    XGRAD_ATTRIBUTES(axis, sizes)

    Tensor value(std::span<const Tensor> parts) const {
        Shape shape = parts[0].shape();
        for (const Tensor& part : parts.subspan(1)) shape[axis] += part.shape()[axis];
        return join(parts, shape, axis);
    }
    std::vector<Tensor> pullback(Tensor g, const Saved& s) const {
        std::vector<Tensor> parts(sizes.size());
        Int start = 0;
        for (std::size_t i = 0; i < sizes.size(); start += sizes[i++])
            if (s.needs(i)) parts[i] = slice(g, axis, start, start + sizes[i]);
        return parts;
    }
};

struct Stack {
    static constexpr const char* name = "stack";
    int axis = 0;
    XGRAD_ATTRIBUTES(axis)

    Tensor value(std::span<const Tensor> parts) const {
        const Shape& one = parts[0].shape();
        Shape shape;
        for (int k = 0; k <= one.rank(); ++k)
            shape.push_back(k < axis ? one[k] : k == axis ? static_cast<Int>(parts.size()) : one[k - 1]);
        return join(parts, shape, axis);
    }
    std::vector<Tensor> pullback(Tensor g, const Saved& s) const {
        std::vector<Tensor> parts(static_cast<std::size_t>(g.shape()[axis]));
        for (std::size_t i = 0; i < parts.size(); ++i)
            if (s.needs(i)) parts[i] = select(g, axis, static_cast<Int>(i));
        return parts;
    }
};

struct Split {
    static constexpr const char* name = "split";
    std::vector<Int> sizes = {};
    int axis = 0;
    XGRAD_ATTRIBUTES(sizes, axis)

    std::vector<Tensor> value(const Tensor& x) const {
        std::vector<Tensor> parts;
        Int start = 0;
        for (const Int size : sizes) {
            parts.push_back(slice(x, axis, start, start + size));
            start += size;
        }
        return parts;
    }
    Tensor pullback(std::span<const Tensor> g) const { return concat(Tensors(g.begin(), g.end()), axis, {}); }
};

struct Unbind {
    static constexpr const char* name = "unbind";
    int axis = 0;
    XGRAD_ATTRIBUTES(axis)

    std::vector<Tensor> value(const Tensor& x) const {
        std::vector<Tensor> slices;
        for (Int i = 0; i < x.shape()[axis]; ++i) slices.push_back(select(x, axis, i));
        return slices;
    }
    Tensor pullback(std::span<const Tensor> g) const { return stack(Tensors(g.begin(), g.end()), axis, {}); }
};

/// The parts as tensors of one element type: numbers take the first tensor's type, and mixed integers become i64.
/// `made` holds the tensors created for that.
std::span<const Tensor> parts_of(const Parts& given, Tensors& made, const char* name, Location where) {
    check<ValueError>(!given.tensors().empty() || !given.operands().empty(), where,
                      [&] { return std::string(name) + ": there must be at least one tensor, got an empty list"; });
    const std::span<const Operand> operands = given.operands();
    if (!operands.empty()) {
        const auto first =
            std::find_if(operands.begin(), operands.end(), [](const Operand& x) { return x.is_tensor(); });
        check_has_tensor(first != operands.end(), name, where);
        const DType dtype = tensor_of(*first, name).dtype();
        for (const Operand& x : operands) made.push_back(x.is_tensor() ? x.tensor() : number_as(x, dtype, name));
    }
    const std::span<const Tensor> tensors = operands.empty() ? given.tensors() : made;
    DType dtype = tensor_of({tensors[0], where}, name).dtype();
    bool mixed = false;
    for (const Tensor& t : tensors) {
        const DType own = tensor_of({t, where}, name).dtype();
        if (!is_integer(own) || !is_integer(dtype)) check_same_dtype(dtype, own, name, where);
        mixed = mixed || own != dtype;
        dtype = common_integer(dtype, own);
    }
    if (!mixed) return tensors;
    Tensors converted;
    for (const Tensor& t : tensors) converted.push_back(t.to(dtype));
    made = std::move(converted);
    return made;
}

/// Empty parts have no elements but still cost memory.
void check_parts(Int count, const char* name, Location where) {
    check<ShapeError>(count <= Int{1} << 24, where, [&] {
        return std::string(name) + ": at most 2^24 parts are possible, got " + std::to_string(count);
    });
}

}  // namespace

Tensor concat(const Parts& given, int axis, Location where) {
    Tensors made;
    const std::span<const Tensor> tensors = parts_of(given, made, "concat", where);
    Shape shape = tensors[0].shape();
    axis = normalise_axis(axis, shape.rank(), "concat", where);
    for (std::size_t i = 1; i < tensors.size(); ++i) {
        const Shape& other = tensors[i].shape();
        bool agrees = other.rank() == shape.rank();
        for (int k = 0; agrees && k < shape.rank(); ++k) agrees = k == axis || other[k] == shape[k];
        check<ShapeError>(agrees, where, [&] {
            return "concat: sizes must agree except along axis " + std::to_string(axis) + ", got " +
                   to_string(tensors[0].shape()) + " and " + to_string(other);
        });
        shape[axis] += other[axis];
    }
    if (tensors.size() == 1) return tensors[0];
    std::vector<Int> sizes;
    for (const Tensor& t : tensors) sizes.push_back(t.shape()[axis]);
    return apply(Concat{axis, std::move(sizes)}, tensors, where);
}

Tensor stack(const Parts& given, int axis, Location where) {
    return composed("stack", where, [&]() -> Tensor {
        Tensors made;
        const std::span<const Tensor> tensors = parts_of(given, made, "stack", where);
        const Shape& one = tensors[0].shape();
        for (const Tensor& t : tensors)
            check<ShapeError>(t.shape() == one, where, [&] {
                return "stack: shapes must agree, got " + to_string(one) + " and " + to_string(t.shape());
            });
        axis = normalise_axis(axis, one.rank() + 1, "stack", where);
        return apply(Stack{axis}, tensors, where);
    });
}

std::vector<Tensor> split(const Operand& operand, const std::vector<Int>& sizes, int axis) {
    const Tensor& x = tensor_of(operand, "split");
    axis = normalise_axis(axis, x.ndim(), "split", operand.where());
    Size sum = 0;
    bool good = true;
    for (const Int size : sizes) good &= size >= 0, sum = sum + size;
    const Int total = sum.value("split", operand.where(), [&] { return std::to_string(sizes.size()) + " sizes"; });
    check<ShapeError>(good && total == x.shape()[axis], operand.where(), [&] {
        return "split: the sizes must add up to " + std::to_string(x.shape()[axis]) + ", got " + std::to_string(total) +
               " in " + std::to_string(sizes.size()) + " parts";
    });
    return apply(Split{sizes, axis}, {x}, operand.where());
}

std::vector<Tensor> split(const Operand& operand, int sections, int axis) {
    const Tensor& x = tensor_of(operand, "split");
    axis = normalise_axis(axis, x.ndim(), "split", operand.where());
    const Int n = x.shape()[axis];
    check<ShapeError>(sections > 0 && n % sections == 0, operand.where(), [&] {
        return "split: the number of sections must divide " + std::to_string(n) + ", got " + std::to_string(sections);
    });
    check_parts(sections, "split", operand.where());
    return split(operand, std::vector<Int>(static_cast<std::size_t>(sections), n / sections), axis);
}

std::vector<Tensor> unbind(const Operand& operand, int given_axis) {
    const Tensor& x = tensor_of(operand, "unbind");
    const int axis = normalise_axis(given_axis, x.ndim(), "unbind", operand.where());
    const Int n = x.shape()[axis];
    if (n == 0) return {};
    check_parts(n, "unbind", operand.where());
    return apply(Unbind{axis}, {x}, operand.where());
}

}  // namespace xgrad
