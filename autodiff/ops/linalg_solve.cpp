#include <array>

#include "lapack.hpp"
#include "linalg_detail.hpp"

// solve, triangular_solve and inv.

namespace xgrad {

using namespace detail;

namespace {

/// What a and b (at least two axes each) make together. ShapeError unless they fit.
Shape solution_shape(const char* operation, const Tensor& a, const Tensor& b, bool left, Location where) {
    check<ShapeError>(b.shape(left ? -2 : -1) == a.shape(-1), where, [&] {
        return std::string(operation) + ": the right-hand side must have " + std::to_string(a.shape(-1)) + (left ? " rows" : " columns") +
               ", got " + to_string(a.shape()) + " and " + to_string(b.shape());
    });
    const Shape batch = broadcast_shapes(batch_of(a.shape()), batch_of(b.shape()), operation, where);
    return with_batch(batch, {b.shape(-2), b.shape(-1)});
}

/// f(a, b as a matrix), for a b that may be one vector.
template <class F>
Tensor for_columns(const Operand& b, const F& f) {
    if (b.ndim() != 1) return f(b.tensor());
    const Tensor x = f(reshape(b.kept(), {b.shape(0), 1}));
    return squeeze(x, -1);
}

const Tensor& right_hand_side(const char* operation, const Tensor& a, const Operand& b) {
    const Tensor& x = tensor_of(b, operation);
    check_same_dtype(a, x, operation, b.where());
    check<ShapeError>(x.ndim() >= 1, b.where(),
                      [&] { return std::string(operation) + ": the right-hand side must have at least 1 axis, got shape ()"; });
    return x;
}

void check_not_singular(const char* operation, const Failures& failures, Location where) {
    failures.check_none(where, [&](int pivot) {
        return std::string(operation) + ": the matrix must not be singular, got one whose pivot in row " + std::to_string(pivot - 1) +
               " is zero";
    });
}

// --- triangular -----------------------------------------------------------------------------------------------------

template <class T>
void solve_one(const TriangularSolveOptions& o, Int rows, Int columns, const T* a, T* x) {
    Lapack<T>::trsm(CblasRowMajor, o.left ? CblasLeft : CblasRight, o.upper ? CblasUpper : CblasLower,
                    o.transpose ? CblasTrans : CblasNoTrans, o.unit ? CblasUnit : CblasNonUnit, static_cast<int>(rows),
                    static_cast<int>(columns), T(1), a, static_cast<int>(o.left ? rows : columns), x, static_cast<int>(columns));
}

/// op(a)·x = b in b's buffer, which has the batch of the result.
void solve_in_place(const TriangularSolveOptions& o, const Tensor& a, const Tensor& b) {
    const Shape own = batch_of(a.shape()), batch = batch_of(b.shape());
    const Int n = a.shape(-1), rows = b.shape(-2), columns = b.shape(-1);
    if (b.size() == 0) return;
    with_floating(a.dtype(), [&]<class T>(T) {
        const T* from = elements<T>(a);
        T* x = elements<T>(b);
        for_matrices(batch.size(), n * rows * columns,
                     [&](Int i) { solve_one(o, rows, columns, from + index_in(own, batch, i) * n * n, x + i * rows * columns); });
    });
}

void check_diagonal(const char* operation, const Tensor& a, Location where) {
    const Int n = a.shape(-1);
    Failures failures(batch_of(a.shape()));
    with_floating(a.dtype(), [&]<class T>(T) {
        const T* x = elements<T>(a);
        for (Int i = 0; i < count_of_matrices(a); ++i)
            for (Int k = 0; k < n && failures[i] == 0; ++k)
                if (x[i * n * n + k * (n + 1)] == 0) failures[i] = static_cast<int>(k) + 1;
    });
    failures.check_none(where, [&](int k) {
        return std::string(operation) + ": the matrix must not be singular, got a zero on the diagonal in row " + std::to_string(k - 1);
    });
}

}  // namespace

Tensor detail::solve_triangular(const char* operation, const Tensor& a, const Tensor& b, const TriangularSolveOptions& o, Location where) {
    const Shape shape = solution_shape(operation, a, b, o.left, where);
    if (!o.unit) check_diagonal(operation, a, where);
    const auto forward = [o, shape](const Tensor& matrix, const Tensor& right) {
        const Tensor x = own_copy(right, shape);
        solve_in_place(o, matrix, x);
        return x;
    };
    TriangularSolveOptions back = o;
    back.transpose = !o.transpose;
    if (!is_tracked(a)) {
        return apply(
            operation, {a, b}, forward,
            [a, back, operation](const Tensor& g) { return std::array{Tensor(), solve_triangular(operation, a, g, back)}; }, where);
    }
    return apply(
        operation, {a, b}, forward,
        [a, o, back, operation](const Tensor& g, const Tensor& x) {
            const Tensor gb = solve_triangular(operation, a, g, back);
            // op(a)·x = b gives -gb·xᵀ for op(a), x·op(a) = b gives -xᵀ·gb; the other way round for its transpose.
            const Tensor product_ = o.left ? (o.transpose ? product(x, gb, false, true) : product(gb, x, false, true))
                                           : (o.transpose ? product(gb, x, true) : product(x, gb, true));
            return std::array{triangle(-product_, o.upper, o.unit ? 0 : 1), gb};
        },
        where);
}

Tensor triangular_solve(const Operand& operand, const Operand& right, const TriangularSolveOptions& options) {
    const Tensor& a = square_of(operand, "triangular_solve");
    right_hand_side("triangular_solve", a, right);
    return for_columns(right, [&](const Tensor& b) { return solve_triangular("triangular_solve", a, b, options, operand.where()); });
}

// --- general --------------------------------------------------------------------------------------------------------

namespace {

/// a = l·u·pᵀ in rows, when LAPACK's factors of aᵀ are p·uᵀ·lᵀ: the lower triangle with its diagonal first, and a unit upper one.
constexpr TriangularSolveOptions lower{}, unit_upper{.upper = true, .unit = true};

TriangularSolveOptions transposed_of(TriangularSolveOptions o) {
    o.transpose = !o.transpose;
    return o;
}

template <class T>
void swap_rows(T* x, Int i, Int j, Int columns) {
    if (i != j) std::swap_ranges(x + i * columns, x + (i + 1) * columns, x + j * columns);
}

/// a·x = b, or aᵀ·x = b, in b's buffer.
void solve_in_place(const LU& lu, bool transpose, const Tensor& b) {
    const Shape own = batch_of(lu.factors.shape()), batch = batch_of(b.shape());
    const Int n = b.shape(-2), columns = b.shape(-1);
    if (b.size() == 0) return;
    with_floating(b.dtype(), [&]<class T>(T) {
        const T* factors = elements<T>(lu.factors);
        const int* all_pivots = elements<int>(lu.pivots);
        T* all = elements<T>(b);
        for_matrices(batch.size(), 2 * n * n * columns, [&](Int i) {
            const Int matrix = index_in(own, batch, i);
            const T* f = factors + matrix * n * n;
            const int* pivots = all_pivots + matrix * n;
            T* x = all + i * n * columns;
            if (transpose) {
                for (Int k = 0; k < n; ++k) swap_rows(x, k, pivots[k] - 1, columns);
                solve_one(transposed_of(unit_upper), n, columns, f, x);
                solve_one(transposed_of(lower), n, columns, f, x);
            } else {
                solve_one(lower, n, columns, f, x);
                solve_one(unit_upper, n, columns, f, x);
                for (Int k = n - 1; k >= 0; --k) swap_rows(x, k, pivots[k] - 1, columns);
            }
        });
    });
}

/// x with a·x = b, or aᵀ·x = b, from the factors of a, which every derivative uses again.
Tensor solve_with(const LU& lu, const Tensor& a, const Tensor& b, bool transpose, const Shape& shape, Location where) {
    const auto forward = [&] {
        const Tensor x = own_copy(b, shape);
        solve_in_place(lu, transpose, x);
        return x;
    };
    if (!is_tracked(a) && !is_tracked(b)) {
        const NoRecording pause;
        return forward();
    }
    if (!is_tracked(a)) {
        return apply(
            "solve", {a, b}, forward,
            [lu, a, transpose](const Tensor& g) { return std::array{Tensor(), solve_with(lu, a, g, !transpose, g.shape(), {})}; }, where);
    }
    return apply(
        "solve", {a, b}, forward,
        [lu, a, transpose](const Tensor& g, const Tensor& x) {
            const Tensor gb = solve_with(lu, a, g, !transpose, g.shape(), {});
            return std::array{-(transpose ? product(x, gb, false, true) : product(gb, x, false, true)), gb};
        },
        where);
}

}  // namespace

Tensor solve(const Operand& operand, const Operand& right) {
    const Tensor& a = square_of(operand, "solve");
    right_hand_side("solve", a, right);
    return for_columns(right, [&](const Tensor& b) {
        const Shape shape = solution_shape("solve", a, b, true, operand.where());
        Failures failures(batch_of(a.shape()));
        const LU lu = factorise(a, failures);
        check_not_singular("solve", failures, operand.where());
        return solve_with(lu, a, b, false, shape, operand.where());
    });
}

Tensor inv(const Operand& operand) {
    const Tensor& a = square_of(operand, "inv");
    const Location where = operand.where();
    return apply(
        "inv", {a},
        [where](const Tensor& in) {
            Failures failures(batch_of(in.shape()));
            const LU lu = factorise(in, failures);
            check_not_singular("inv", failures, where);
            const Int n = in.shape(-1);
            if (in.size() == 0) return lu.factors;
            with_floating(in.dtype(), [&]<class T>(T) {
                T* factors = elements<T>(lu.factors);
                const int* pivots = elements<int>(lu.pivots);
                for_matrices(count_of_matrices(in), n * n * n,
                             [&](Int i) { inverse_in_place(static_cast<int>(n), factors + i * n * n, pivots + i * n); });
            });
            return lu.factors;
        },
        [](const Tensor& g, const Tensor& y) { return -product(y, product(g, y, false, true), true); }, where);
}

}  // namespace xgrad
