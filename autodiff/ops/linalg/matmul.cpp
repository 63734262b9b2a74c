#include "matmul.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <string>

#include "autodiff/core/apply.hpp"
#include "autodiff/core/detail/axes.hpp"
#include "autodiff/core/detail/composition.hpp"
#include "autodiff/core/detail/dispatch.hpp"
#include "autodiff/kernels/kernels.hpp"
#include "autodiff/ops/elementwise/detail/broadcast.hpp"
#include "autodiff/ops/elementwise/elementwise.hpp"
#include "autodiff/ops/reduce/reduce.hpp"
#include "autodiff/ops/shape/shape.hpp"
#include "detail/gemm.hpp"
#include "detail/product.hpp"

// Transposes are flags of the products and never copies.

namespace xgrad {

using namespace detail;

namespace {

const Tensor& require_matrix(const char* name, const Operand& x, int min_rank, bool integers = false) {
    tensor_of(x, name);
    if (integers)
        check<DTypeError>(x.dtype() != DType::boolean, x.where(),
                          [&] { return std::string(name) + ": must be numbers, got bool"; });
    else check_floating(x.dtype(), name, x.where());
    check<ShapeError>(x.ndim() >= min_rank, x.where(), [&] {
        return std::string(name) + ": must have at least " + std::to_string(min_rank) +
               (min_rank == 1 ? " axis" : " axes") + ", got shape " + to_string(x.shape());
    });
    for (const std::int64_t n : x.shape())
        check<ShapeError>(n <= std::numeric_limits<int>::max(), x.where(), [&] {
            return std::string(name) + ": sizes must be below 2^31, got " + to_string(x.shape());
        });
    return x.tensor();
}

Shape batch_of(const Shape& shape) { return Shape(shape.begin(), shape.rank() - 2); }

/// The number of rows, counting all leading axes together. It replaces a size of -1, which cannot be inferred if a size
/// is 0.
std::int64_t rows_of(const Shape& shape) { return Shape(shape.begin(), shape.rank() - 1).size(); }

Tensor run_product(const Tensor& a, const Tensor& b, bool ta, bool tb, Precision precision) {
    const Shape batch_a = batch_of(a.shape()), batch_b = batch_of(b.shape());
    Shape shape = broadcast_shapes(batch_a, batch_b, "matmul");
    const Gemm size{ta, tb, a.shape(ta ? -1 : -2), b.shape(tb ? -2 : -1), a.shape(ta ? -2 : -1), false, precision};
    const std::int64_t count = shape.size();
    const int batch_rank = shape.rank();
    const Shape batch = shape;
    shape.push_back(size.m);
    shape.push_back(size.n);
    Tensor y = empty(shape, a.dtype());
    if (y.size() == 0) return y;
    const auto multiply_batches = [&](auto zero) {
        using T = decltype(zero);
        const T* pa = static_cast<const T*>(TensorAccess::data(a));
        const T* pb = static_cast<const T*>(TensorAccess::data(b));
        T* py = static_cast<T*>(TensorAccess::data(y));
        if (count == 1) return gemm(size, pa, pb, py);
        // The offset of one batch in an operand whose leading axes broadcast.
        const auto offset = [&](const Shape& own, std::int64_t index, std::int64_t stride) {
            std::int64_t at = 0, step = stride;
            for (int axis = batch_rank - 1, mine = own.rank() - 1; mine >= 0; --axis, --mine) {
                const std::int64_t i = index % batch[axis];
                index /= batch[axis];
                if (own[mine] != 1) at += i * step;
                step *= own[mine];
            }
            return at;
        };
        parallel_for(count, work_of_product(count * size.work()), [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t i = begin; i < end; ++i)
                gemm(size, pa + offset(batch_a, i, size.m * size.k), pb + offset(batch_b, i, size.k * size.n),
                     py + i * size.m * size.n);
        });
    };
    if (a.dtype() == DType::i32) multiply_batches(std::int32_t{});
    else if (a.dtype() == DType::i64) multiply_batches(std::int64_t{});
    else with_floating(a.dtype(), multiply_batches);
    return y;
}

}  // namespace

namespace {

struct Matmul {
    static constexpr const char* name = "matmul";
    static constexpr bool takes_reduced = true;
    bool transpose_a = false, transpose_b = false;
    Precision precision = Precision::full;
    XGRAD_ATTRIBUTES(transpose_a, transpose_b, precision)
    static Saves saves(Needs recorded) { return each_others(recorded); }

    Tensor value(const Tensor& a, const Tensor& b) const {
        return run_product(a, b, transpose_a, transpose_b, precision);
    }
    std::array<Tensor, 2> pullback(Tensor reduced, const Saved& s) const {
        const Tensor &a = s.input(0), &b = s.input(1);
        const Shape& shape = s.result_shape();
        std::array<Tensor, 2> parts;
        // g: (m,n), or with size 1 along m or n where it does not vary; each product needs the axis that it sums over
        // expanded.
        const Tensor g = shape.rank() == 2 ? reduced : broadcast_to(reduced, shape);
        if (s.needs(0)) {
            const Tensor rows = broadcast_to(g, with_axis(g.shape(), -1, shape.back()));
            parts[0] = transpose_a ? times(b, rows, transpose_b, true) : times(rows, b, false, !transpose_b);
        }
        if (s.needs(1)) {
            const Tensor columns = broadcast_to(g, with_axis(g.shape(), -2, shape[shape.rank() - 2]));
            parts[1] = transpose_b ? times(columns, a, true, transpose_a) : times(a, columns, !transpose_a, false);
        }
        return parts;
    }

private:
    Tensor times(const Tensor& a, const Tensor& b, bool ta, bool tb) const {
        return product(a, b, ta, tb, {}, precision);
    }
    static Shape with_axis(Shape shape, int axis, std::int64_t size) {
        shape[shape.rank() + axis] = size;
        return shape;
    }
};

}  // namespace

Tensor detail::product(const Tensor& a, const Tensor& b, bool ta, bool tb, Location where, Precision precision) {
    return apply(Matmul{ta, tb, precision}, {a, b}, where);
}

Tensor matmul(const Operand& a, const Operand& b) {
    return composed("matmul", a.where(), [&]() -> Tensor {
        const Location where = a.where();
        Tensor x = require_matrix("matmul", a, 1, true), y = require_matrix("matmul", b, 1, true);
        if (const DType wide = integer_type(x, y); wide != DType::boolean) {
            x = x.to(wide);
            y = y.to(wide);
        }
        check_same_dtype(x, y, "matmul", where);
        const bool row = x.ndim() == 1, column = y.ndim() == 1;
        check<ShapeError>(x.shape(-1) == y.shape(column ? -1 : -2), where, [&] {
            return "matmul: inner sizes must agree, got " + to_string(x.shape()) + " and " + to_string(y.shape());
        });
        if (row) x = reshape(x, {1, x.shape(0)});
        if (column) y = reshape(y, {y.shape(0), 1});
        broadcast_shapes(batch_of(x.shape()), batch_of(y.shape()), "matmul (leading axes)", where);

        Tensor z;
        if (x.ndim() > 2 && y.ndim() == 2) {  // one matrix for all batches: one product
            Shape shape = x.shape();
            shape[shape.rank() - 1] = y.shape(1);
            z = reshape(
                product(reshape(x, {rows_of(x.shape()), x.shape(-1)}), y, false, false, where, current_precision()),
                shape);
        } else {
            z = product(x, y, false, false, where, current_precision());
        }
        if (!row && !column) return z;
        Shape shape = batch_of(z.shape());
        if (!row) shape.push_back(z.shape(-2));
        if (!column) shape.push_back(z.shape(-1));
        return reshape(z, shape);
    });
}

namespace {

/// x·wᵀ + bias, for x with any number of leading axes.
struct Linear {
    static constexpr const char* name = "linear";
    Precision precision = Precision::full;
    XGRAD_ATTRIBUTES(precision)
    static Saves saves(Needs recorded) { return each_others(recorded); }

    Tensor value(const Tensor& x, const Tensor& weight, const Tensor& bias) const {
        Shape shape = x.shape();
        shape[shape.rank() - 1] = weight.shape(0);
        const Gemm size{false, true, rows_of(shape), weight.shape(0), weight.shape(1), false, precision};
        Tensor y = empty(shape, x.dtype());
        if (y.size() == 0) return y;
        with_floating(x.dtype(), [&](auto zero) {
            using T = decltype(zero);
            const T* row = bias.defined() ? static_cast<const T*>(TensorAccess::data(bias)) : nullptr;
            gemm(size, static_cast<const T*>(TensorAccess::data(x)), static_cast<const T*>(TensorAccess::data(weight)),
                 static_cast<T*>(TensorAccess::data(y)), row);
        });
        return y;
    }
    std::array<Tensor, 3> pullback(Tensor g, const Saved& s) const {
        const Tensor &x = s.input(0), &w = s.input(1);
        const std::int64_t count = rows_of(g.shape());
        const Tensor rows = reshape(g, {count, g.shape(-1)});  // (rows, out)
        std::array<Tensor, 3> parts;
        if (s.needs(0)) parts[0] = reshape(product(rows, w, false, false, {}, precision), s.shape(0));
        if (s.needs(1)) parts[1] = product(rows, reshape(x, {count, x.shape(-1)}), true, false, {}, precision);
        if (s.needs(2)) parts[2] = sum(rows, 0);
        return parts;
    }
};

}  // namespace

Tensor linear(const Operand& input, const Operand& weight, const Operand& bias) {
    return composed("linear", input.where(), [&]() -> Tensor {
        const Location where = input.where();
        const Tensor& x = require_matrix("linear", input, 1);
        const Tensor& w = require_matrix("linear", weight, 2);
        const Tensor b = bias.is_tensor() && !bias.tensor().defined() ? Tensor() : tensor_of(bias, "linear");
        check_same_dtype(x, w, "linear", where);
        check<ShapeError>(w.ndim() == 2 && x.shape(-1) == w.shape(1), where, [&] {
            return "linear: weight must be (out, " + std::to_string(x.shape(-1)) + ") for an input of shape " +
                   to_string(x.shape()) + ", got " + to_string(w.shape());
        });
        if (b.defined()) {
            check_same_dtype(x, b, "linear", where);
            check<ShapeError>(b.shape() == Shape{w.shape(0)}, where, [&] {
                return "linear: bias must be (" + std::to_string(w.shape(0)) + ",), got " + to_string(b.shape());
            });
        }
        return apply(Linear{current_precision()}, {x, w, b}, where);
    });
}

}  // namespace xgrad
