#include "matmul.hpp"

#include <cblas.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <string>

#include "../kernels/kernels.hpp"
#include "../record.hpp"
#include "broadcast.hpp"
#include "elementwise.hpp"
#include "product.hpp"
#include "reduce.hpp"
#include "shape.hpp"

// Matrix products run in kernels of our own up to the sizes where CBLAS is faster; transposes are flags, never copies.

namespace xgrad {

using namespace detail;

namespace {

/// C (m,n) = op(A)·op(B), plus a row `bias` unless null; row-major and dense; A is (m,k), or (k,m) when transposed, B (k,n) or (n,k).
struct Gemm {
    bool transpose_a, transpose_b;
    std::int64_t m, n, k;
    std::int64_t work() const { return m * n * k; }
};

/// Up to this many multiplications plain loops are done before a kernel has begun.
constexpr std::int64_t tiny_product = 64;

template <class T>
void tiny_gemm(const Gemm& s, const T* a, const T* b, T* c, const T* bias) {
    const std::int64_t row_a = s.transpose_a ? 1 : s.k, step_a = s.transpose_a ? s.m : 1;
    const std::int64_t column_b = s.transpose_b ? s.k : 1, step_b = s.transpose_b ? 1 : s.n;
    for (std::int64_t i = 0; i < s.m; ++i) {
        for (std::int64_t j = 0; j < s.n; ++j) {
            T dot = 0;
            for (std::int64_t l = 0; l < s.k; ++l) dot += a[i * row_a + l * step_a] * b[j * column_b + l * step_b];
            c[i * s.n + j] = bias ? dot + bias[j] : dot;
        }
    }
}

void blas_gemm(const Gemm& s, const float* a, const float* b, double beta, float* c) {
    cblas_sgemm(CblasRowMajor, s.transpose_a ? CblasTrans : CblasNoTrans, s.transpose_b ? CblasTrans : CblasNoTrans, static_cast<int>(s.m),
                static_cast<int>(s.n), static_cast<int>(s.k), 1, a, static_cast<int>(s.transpose_a ? s.m : s.k), b,
                static_cast<int>(s.transpose_b ? s.k : s.n), static_cast<float>(beta), c, static_cast<int>(s.n));
}
void blas_gemm(const Gemm& s, const double* a, const double* b, double beta, double* c) {
    cblas_dgemm(CblasRowMajor, s.transpose_a ? CblasTrans : CblasNoTrans, s.transpose_b ? CblasTrans : CblasNoTrans, static_cast<int>(s.m),
                static_cast<int>(s.n), static_cast<int>(s.k), 1, a, static_cast<int>(s.transpose_a ? s.m : s.k), b,
                static_cast<int>(s.transpose_b ? s.k : s.n), beta, c, static_cast<int>(s.n));
}

/// The kernels' room for packed operands, one for each thread.
void* scratch(const kernels::GemmKernels& gemm) {
    struct Free {
        void operator()(void* p) const { ::operator delete(p, std::align_val_t{64}); }
    };
    thread_local std::unique_ptr<void, Free> memory;
    thread_local std::int64_t size = 0;
    if (size < gemm.scratch_bytes) {
        memory.reset(::operator new(static_cast<std::size_t>(gemm.scratch_bytes), std::align_val_t{64}));
        size = gemm.scratch_bytes;
    }
    return memory.get();
}

/// Columns [begin, end) of the product, or rows of it.
template <class T>
void run_piece(const kernels::GemmKernels& kernels, const Gemm& s, const T* a, const T* b, T* c, const T* bias, bool columns,
               std::int64_t begin, std::int64_t end) {
    const std::int64_t lda = s.transpose_a ? s.m : s.k, ldb = s.transpose_b ? s.k : s.n;
    kernels::GemmProblem<T> piece{s.transpose_a, s.transpose_b, s.m, s.n, s.k, a, lda, b, ldb, c, s.n, false, bias};
    if (columns) {
        piece.n = end - begin;
        piece.b += begin * (s.transpose_b ? ldb : 1);
        piece.c += begin;
        if (bias) piece.bias += begin;
    } else {
        piece.m = end - begin;
        piece.a += begin * (s.transpose_a ? 1 : lda);
        piece.c += begin * s.n;
    }
    kernels.run(piece, scratch(kernels));
}

template <class T>
void gemm(const Gemm& s, const T* a, const T* b, T* c, const T* bias = nullptr) {
    if (s.work() <= tiny_product) return tiny_gemm(s, a, b, c, bias);
    const kernels::GemmKernels& kernels = kernels::active().gemm;
    // A product with a vector wants dot products, not tiles.
    const bool thin = s.n == 1 || (s.transpose_b && s.m <= 4);
    if (thin || s.work() > (s.transpose_a ? kernels.largest_transposed : kernels.largest)) {
        if (bias)  // the product adds to it: no pass of its own
            for (std::int64_t i = 0; i < s.m; ++i) std::memcpy(c + i * s.n, bias, static_cast<std::size_t>(s.n) * sizeof(T));
        return blas_gemm(s, a, b, bias ? 1 : 0, c);
    }
    constexpr std::int64_t grain = 16, work_per_thread = std::int64_t{1} << 20;
    const bool columns = s.n > s.m;
    const std::int64_t size = columns ? s.n : s.m, units = (size + grain - 1) / grain;
    const std::int64_t threads = s.work() < 2 * work_per_thread || omp_in_parallel()
                                     ? 1
                                     : std::min({std::int64_t{omp_get_max_threads()}, s.work() / work_per_thread, units});
    if (threads <= 1) return run_piece(kernels, s, a, b, c, bias, columns, 0, size);
#pragma omp parallel for num_threads(static_cast<int>(threads)) schedule(static)
    for (std::int64_t i = 0; i < threads; ++i) {
        const std::int64_t begin = units * i / threads * grain, end = std::min(size, units * (i + 1) / threads * grain);
        run_piece(kernels, s, a, b, c, bias, columns, begin, end);
    }
}

template <class F>
void with_float_type(DType dtype, F&& f) {
    if (dtype == DType::f32) f(float{});
    else f(double{});
}

const Tensor& require_matrix(const char* name, const Operand& x, int min_rank) {
    check<DTypeError>(x.is_tensor(), x.where(), [&] { return std::string(name) + ": must be a tensor, got a number"; });
    check<DTypeError>(is_floating(x.dtype()), x.where(),
                      [&] { return std::string(name) + ": must be f32 or f64, got " + name_of(x.dtype()); });
    check<ShapeError>(x.ndim() >= min_rank, x.where(), [&] {
        return std::string(name) + ": must have at least " + std::to_string(min_rank) + (min_rank == 1 ? " axis" : " axes") +
               ", got shape " + to_string(x.shape());
    });
    for (const std::int64_t n : x.shape())
        check<ShapeError>(n <= std::numeric_limits<int>::max(), x.where(),
                          [&] { return std::string(name) + ": sizes must be below 2^31, got " + to_string(x.shape()); });
    return x.tensor();
}

void require_same_dtype(const char* name, const Tensor& a, const Tensor& b, Location where) {
    check<DTypeError>(a.dtype() == b.dtype(), where, [&] {
        return std::string(name) + ": dtypes must agree, got " + name_of(a.dtype()) + " and " + name_of(b.dtype()) +
               " (convert one with .to())";
    });
}

Shape batch_of(const Shape& shape) { return Shape(shape.begin(), shape.rank() - 2); }

/// How many rows there are, all leading axes taken together. Not -1: that has no answer where a size is 0.
std::int64_t rows_of(const Shape& shape) { return Shape(shape.begin(), shape.rank() - 1).size(); }

Tensor run_product(const Tensor& a, const Tensor& b, bool ta, bool tb) {
    const Shape batch_a = batch_of(a.shape()), batch_b = batch_of(b.shape());
    Shape shape = broadcast_shapes(batch_a, batch_b, "matmul");
    const Gemm size{ta, tb, a.shape(ta ? -1 : -2), b.shape(tb ? -2 : -1), a.shape(ta ? -2 : -1)};
    const std::int64_t count = shape.size();
    const int batch_rank = shape.rank();
    const Shape batch = shape;
    shape.push_back(size.m);
    shape.push_back(size.n);
    Tensor y = empty(shape, a.dtype());
    if (y.size() == 0) return y;
    with_float_type(a.dtype(), [&](auto zero) {
        using T = decltype(zero);
        const T* pa = static_cast<const T*>(TensorAccess::data(a));
        const T* pb = static_cast<const T*>(TensorAccess::data(b));
        T* py = static_cast<T*>(TensorAccess::data(y));
        if (count == 1) return gemm(size, pa, pb, py);
        // Offset of one batch in an operand whose leading axes broadcast.
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
        const bool parallel = count > 1 && threads_for(count * size.m * size.n * size.k) > 1;
#pragma omp parallel for if (parallel) schedule(static)
        for (std::int64_t i = 0; i < count; ++i)
            gemm(size, pa + offset(batch_a, i, size.m * size.k), pb + offset(batch_b, i, size.k * size.n), py + i * size.m * size.n);
    });
    return y;
}

}  // namespace

Tensor detail::product(const Tensor& a, const Tensor& b, bool ta, bool tb, Location where) {
    const bool need_a = is_tracked(a), need_b = is_tracked(b);
    if (!need_a && !need_b) return run_product(a, b, ta, tb);
    Shape shape = broadcast_shapes(batch_of(a.shape()), batch_of(b.shape()));
    shape.push_back(a.shape(ta ? -1 : -2));
    shape.push_back(b.shape(tb ? -2 : -1));
    return apply(
        "matmul", {a, b}, [ta, tb](const Tensor& x, const Tensor& y) { return run_product(x, y, ta, tb); },
        dealing<Cotangents::thin>([a = need_b ? a : Tensor(), b = need_a ? b : Tensor(), ta, tb, shape](
                                      const Tensor& thin, Needs needs) -> std::array<Tensor, 2> {
            std::array<Tensor, 2> parts;
            // g: (m,n), or with 1 for m or n where it does not vary; each product needs the axis that it sums over whole.
            const bool whole = thin.shape() == shape, matrix = shape.rank() == 2;
            const Tensor g = whole || matrix ? thin : broadcast_to(thin, shape);
            if (needs[0]) {
                const Tensor rows = g.shape(-1) == shape.back() ? g : broadcast_to(g, {g.shape(0), shape[1]});
                parts[0] = ta ? product(b, rows, tb, true) : product(rows, b, false, !tb);
            }
            if (needs[1]) {
                const Tensor columns = g.shape(-2) == shape[shape.rank() - 2] ? g : broadcast_to(g, {shape[0], g.shape(1)});
                parts[1] = tb ? product(columns, a, true, ta) : product(a, columns, !ta, false);
            }
            return parts;
        }),
        where);
}

Tensor matmul(const Operand& a, const Operand& b) {
    const Location where = a.where();
    Tensor x = require_matrix("matmul", a, 1), y = require_matrix("matmul", b, 1);
    require_same_dtype("matmul", x, y, where);
    const bool row = x.ndim() == 1, column = y.ndim() == 1;
    check<ShapeError>(x.shape(-1) == y.shape(column ? -1 : -2), where,
                      [&] { return "matmul: inner sizes must agree, got " + to_string(x.shape()) + " and " + to_string(y.shape()); });
    if (row) x = reshape(x, {1, x.shape(0)});
    if (column) y = reshape(y, {y.shape(0), 1});
    broadcast_shapes(batch_of(x.shape()), batch_of(y.shape()), "matmul (leading axes)", where);

    Tensor z;
    if (x.ndim() > 2 && y.ndim() == 2) {  // one matrix for all batches: one product
        Shape shape = x.shape();
        shape[shape.rank() - 1] = y.shape(1);
        z = reshape(product(reshape(x, {rows_of(x.shape()), x.shape(-1)}), y, false, false, where), shape);
    } else {
        z = product(x, y, false, false, where);
    }
    if (!row && !column) return z;
    Shape shape = batch_of(z.shape());
    if (!row) shape.push_back(z.shape(-2));
    if (!column) shape.push_back(z.shape(-1));
    return reshape(z, shape);
}

namespace {

Tensor run_linear(const Tensor& x, const Tensor& weight, const Tensor& bias, const Shape& shape) {
    const Gemm size{false, true, shape.size() / std::max<std::int64_t>(1, weight.shape(0)), weight.shape(0), weight.shape(1)};
    Tensor y = empty(shape, x.dtype());
    if (y.size() == 0) return y;
    with_float_type(x.dtype(), [&](auto zero) {
        using T = decltype(zero);
        const T* row = bias.defined() ? static_cast<const T*>(TensorAccess::data(bias)) : nullptr;
        gemm(size, static_cast<const T*>(TensorAccess::data(x)), static_cast<const T*>(TensorAccess::data(weight)),
             static_cast<T*>(TensorAccess::data(y)), row);
    });
    return y;
}

}  // namespace

Tensor linear(const Operand& input, const Operand& weight, const Operand& bias) {
    const Location where = input.where();
    const Tensor& x = require_matrix("linear", input, 1);
    const Tensor& w = require_matrix("linear", weight, 2);
    const Tensor& b = bias.tensor();
    require_same_dtype("linear", x, w, where);
    check<ShapeError>(w.ndim() == 2 && x.shape(-1) == w.shape(1), where, [&] {
        return "linear: weight must be (out, " + std::to_string(x.shape(-1)) + ") for an input of shape " + to_string(x.shape()) +
               ", got " + to_string(w.shape());
    });
    if (b.defined()) {
        require_same_dtype("linear", x, b, where);
        check<ShapeError>(b.shape() == Shape{w.shape(0)}, where,
                          [&] { return "linear: bias must be (" + std::to_string(w.shape(0)) + ",), got " + to_string(b.shape()); });
    }
    Shape shape = x.shape();
    shape[shape.rank() - 1] = w.shape(0);
    const bool need_x = is_tracked(x), need_w = is_tracked(w), need_b = b.defined() && is_tracked(b);
    if (!need_x && !need_w && !need_b) return run_linear(x, w, b, shape);

    const auto pullback = [count = rows_of(shape), x = need_w ? x : Tensor(), w = need_x ? w : Tensor()](
                              const Tensor& g, Needs needs) -> std::array<Tensor, 3> {
        std::array<Tensor, 3> parts;
        const Tensor rows = reshape(g, {count, g.shape(-1)});  // (rows, out)
        if (needs[0]) {
            Shape in = g.shape();
            in[in.rank() - 1] = w.shape(1);
            parts[0] = reshape(product(rows, w, false, false), in);
        }
        if (needs[1]) parts[1] = product(rows, reshape(x, {count, x.shape(-1)}), true, false);
        if (needs[2]) parts[2] = sum(rows, 0);
        return parts;
    };
    return apply(
        "linear", {x, w, b},
        [](const Tensor& p, const Tensor& q, const Tensor& r) {
            Shape s = p.shape();
            s[s.rank() - 1] = q.shape(0);
            return run_linear(p, q, r, s);
        },
        pullback, where);
}

}  // namespace xgrad
