#include "matrices.hpp"

#include "autodiff/core/detail/dispatch.hpp"
#include "lapack.hpp"

namespace xgrad::detail {

const Tensor& matrix_of(const Operand& operand, const char* operation) {
    const Tensor& x = tensor_of(operand, operation);
    check_floating(x, operation, operand.where());
    check<ShapeError>(x.ndim() >= 2, operand.where(), [&] {
        return std::string(operation) + ": must have at least 2 axes, got shape " + to_string(x.shape());
    });
    for (const Int n : x.shape())
        check<ShapeError>(n <= std::numeric_limits<int>::max(), operand.where(), [&] {
            return std::string(operation) + ": sizes must be below 2^31, got " + to_string(x.shape());
        });
    return x;
}

const Tensor& square_of(const Operand& operand, const char* operation) {
    const Tensor& x = matrix_of(operand, operation);
    check<ShapeError>(x.shape(-1) == x.shape(-2), operand.where(), [&] {
        return std::string(operation) + ": the matrix must be square, got shape " + to_string(x.shape());
    });
    return x;
}

std::string batch_index(const Shape& batch, Int i) {
    if (batch.rank() == 0) return {};
    if (batch.rank() == 1) return " (batch index " + std::to_string(i) + ")";
    Shape index = batch;
    for (int axis = batch.rank() - 1; axis >= 0; --axis) {
        index[axis] = i % batch[axis];
        i /= batch[axis];
    }
    return " (batch index " + to_string(index) + ")";
}

Int index_in(const Shape& own, const Shape& batch, Int i) {
    Int at = 0, step = 1;
    for (int axis = batch.rank() - 1, mine = own.rank() - 1; mine >= 0; --axis, --mine) {
        if (own[mine] != 1) at += i % batch[axis] * step;
        i /= batch[axis];
        step *= own[mine];
    }
    return at;
}

Tensor own_copy(const Tensor& x, const Shape& shape) {
    const NoRecording pause;
    Tensor y = broadcast_to(x, shape);
    if (TensorAccess::unique(y)) return TensorAccess::constant(std::move(y));
    Tensor copy = empty(shape, x.dtype());
    std::memcpy(TensorAccess::data(copy), TensorAccess::data(y),
                static_cast<std::size_t>(y.size() * size_of(y.dtype())));
    return copy;
}

namespace {

struct Triangle {
    static constexpr const char* name = "triangle";
    bool upper = false;
    double diagonal = 1;
    XGRAD_ATTRIBUTES(upper, diagonal)

    Tensor value(const Tensor& x) const {
        Tensor y = empty(x.shape(), x.dtype());
        const Int rows = x.shape(-2), columns = x.shape(-1);
        with_floating(x.dtype(), [&]<class T>(T) {
            const T* from = elements<T>(x);
            T* to = elements<T>(y);
            for (Int matrix = 0, count = count_of_matrices(x); matrix < count; ++matrix)
                for (Int i = 0; i < rows; ++i, from += columns, to += columns) {
                    const Int before = std::min(i, columns), behind = std::min(i + 1, columns);
                    for (Int j = 0; j < before; ++j) to[j] = upper ? T(0) : from[j];
                    if (before < behind) to[before] = diagonal == 0 ? T(0) : static_cast<T>(diagonal) * from[before];
                    for (Int j = behind; j < columns; ++j) to[j] = upper ? from[j] : T(0);
                }
        });
        return y;
    }
    Tensor pullback(Tensor g) const { return triangle(g, upper, diagonal); }
};

}  // namespace

Tensor triangle(const Tensor& x, bool upper, double diagonal) {
    return apply(Triangle{upper, diagonal}, {x}, Location{});
}

Tensor diagonal_of(const Tensor& x, Int offset) {
    const Int rows = x.shape(-2), columns = x.shape(-1);
    const Int length =
        std::max<Int>(0, offset >= 0 ? std::min(rows, columns - offset) : std::min(rows + offset, columns));
    const Int start = offset >= 0 ? offset : -offset * columns;
    const Tensor flat = reshape(x, with_batch(batch_of(x.shape()), {rows * columns}));
    if (length == 0) return slice(flat, -1, 0, 0);
    return slice(flat, -1, start, start + (length - 1) * (columns + 1) + 1, columns + 1);
}

Tensor matrix_with_diagonal(const Tensor& x) { return expand_dims(x, -1) * eye(x.shape(-1), x.dtype()); }

LU factorise(const Tensor& a, Failures& failures) {
    const Shape batch = batch_of(a.shape());
    const Int n = a.shape(-1), count = batch.size();
    const LU lu{own_copy(a, a.shape()), empty(with_batch(batch, {n}), DType::i32)};
    if (n == 0) return lu;
    with_floating(a.dtype(), [&]<class T>(T) {
        T* factors = elements<T>(lu.factors);
        int* pivots = elements<int>(lu.pivots);
        for_matrices(count, n * n * n, [&](Int i) {
            failures[i] = lu_in_place(static_cast<int>(n), factors + i * n * n, pivots + i * n);
        });
    });
    return lu;
}

}  // namespace xgrad::detail
