#include <array>

#include "autodiff/core/detail/dispatch.hpp"
#include "detail/lapack.hpp"
#include "detail/matrices.hpp"

// solve, triangular_solve and inv.

namespace xgrad {

using namespace detail;

namespace {

/// The shape of the solution for a and b (at least two axes each). ShapeError unless they match.
Shape solution_shape(const char* operation, const Tensor& a, const Tensor& b, bool left, Location where) {
    check<ShapeError>(b.shape(left ? -2 : -1) == a.shape(-1), where, [&] {
        return std::string(operation) + ": the right-hand side must have " + std::to_string(a.shape(-1)) +
               (left ? " rows" : " columns") + ", got " + to_string(a.shape()) + " and " + to_string(b.shape());
    });
    const Shape batch = broadcast_shapes(batch_of(a.shape()), batch_of(b.shape()), operation, where);
    return with_batch(batch, {b.shape(-2), b.shape(-1)});
}

/// Calls f with b as a matrix; b may be a single vector.
template <class F>
Tensor for_columns(const Operand& b, const F& f) {
    if (b.ndim() != 1) return f(b.tensor());
    const Tensor x = f(reshape(b.without_reuse(), {b.shape(0), 1}));
    return squeeze(x, -1);
}

const Tensor& right_hand_side(const char* operation, const Tensor& a, const Operand& b) {
    const Tensor& x = tensor_of(b, operation);
    check_same_dtype(a, x, operation, b.where());
    check<ShapeError>(x.ndim() >= 1, b.where(), [&] {
        return std::string(operation) + ": the right-hand side must have at least 1 axis, got shape ()";
    });
    return x;
}

void check_not_singular(const char* operation, const Failures& failures, Location where) {
    failures.check_none(where, [&](int pivot) {
        return std::string(operation) + ": the matrix must not be singular, got one whose pivot in row " +
               std::to_string(pivot - 1) + " is zero";
    });
}

// --- triangular ------------------------------------------------------------------------------------------------------

template <class T>
void solve_one(const TriangularSolveOptions& o, Int rows, Int columns, const T* a, T* x) {
    Lapack<T>::trsm(CblasRowMajor, o.left ? CblasLeft : CblasRight, o.upper ? CblasUpper : CblasLower,
                    o.transpose ? CblasTrans : CblasNoTrans, o.unit ? CblasUnit : CblasNonUnit, static_cast<int>(rows),
                    static_cast<int>(columns), T(1), a, static_cast<int>(o.left ? rows : columns), x,
                    static_cast<int>(columns));
}

/// Solves op(a)·x = b in b's buffer, which has the result's batch shape.
void solve_in_place(const TriangularSolveOptions& o, const Tensor& a, const Tensor& b) {
    const Shape own = batch_of(a.shape()), batch = batch_of(b.shape());
    const Int n = a.shape(-1), rows = b.shape(-2), columns = b.shape(-1);
    if (b.size() == 0) return;
    with_floating(a.dtype(), [&]<class T>(T) {
        const T* from = elements<T>(a);
        T* x = elements<T>(b);
        for_matrices(batch.size(), n * rows * columns, [&](Int i) {
            solve_one(o, rows, columns, from + index_in(own, batch, i) * n * n, x + i * rows * columns);
        });
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
        return std::string(operation) + ": the matrix must not be singular, got a zero on the diagonal in row " +
               std::to_string(k - 1);
    });
}

struct TriangularSolve : TriangularSolveOptions {
    static constexpr const char* name = "triangular_solve";
    const char* label = name;  // in errors
    Location where = {};
    XGRAD_ATTRIBUTES(upper, left, unit, transpose)
    static Saves saves(Needs recorded) { return {.inputs = 0b01, .outputs = recorded[0] ? 1u : 0u}; }

    Tensor value(const Tensor& a, const Tensor& b) const {
        const Shape shape = solution_shape(label, a, b, left, where);
        if (!unit) check_diagonal(label, a, where);
        const Tensor x = own_copy(b, shape);
        solve_in_place(*this, a, x);
        return x;
    }
    std::array<Tensor, 2> pullback(Tensor g, const Saved& s) const {
        const Tensor &a = s.input(0), &x = s.output();
        TriangularSolveOptions back = *this;
        back.transpose = !transpose;
        const Tensor gb = solve_triangular(label, a, g, back);
        std::array<Tensor, 2> parts;
        if (s.needs(0)) {
            // For op(a)·x = b the cotangent of op(a) is -gb·xᵀ, for x·op(a) = b it is -xᵀ·gb; that of its transpose is
            // the transpose.
            const Tensor across = left ? (transpose ? product(x, gb, false, true) : product(gb, x, false, true))
                                       : (transpose ? product(gb, x, true) : product(x, gb, true));
            parts[0] = triangle(-across, upper, unit ? 0 : 1);
        }
        if (s.needs(1)) parts[1] = gb;
        return parts;
    }
};

}  // namespace

Tensor detail::solve_triangular(const char* operation, const Tensor& a, const Tensor& b,
                                const TriangularSolveOptions& o, Location where) {
    return apply(TriangularSolve{o, operation, where}, {a, b}, where, operation);
}

Tensor triangular_solve(const Operand& operand, const Operand& right, const TriangularSolveOptions& options) {
    const Tensor& a = square_of(operand, "triangular_solve");
    right_hand_side("triangular_solve", a, right);
    return for_columns(
        right, [&](const Tensor& b) { return solve_triangular("triangular_solve", a, b, options, operand.where()); });
}

// --- general ---------------------------------------------------------------------------------------------------------

namespace {

/// Row-major a = l·u·pᵀ if LAPACK's factors of aᵀ are p·uᵀ·lᵀ: l is lower triangular with its own diagonal, and u is
/// unit upper triangular.
constexpr TriangularSolveOptions lower{}, unit_upper{.upper = true, .unit = true};

TriangularSolveOptions transposed_of(TriangularSolveOptions o) {
    o.transpose = !o.transpose;
    return o;
}

template <class T>
void swap_rows(T* x, Int i, Int j, Int columns) {
    if (i != j) std::swap_ranges(x + i * columns, x + (i + 1) * columns, x + j * columns);
}

/// Solves a·x = b, or aᵀ·x = b, in b's buffer.
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

/// The x with a·x = b, or aᵀ·x = b, followed by a's factors, which are computed only if they are not given: every
/// derivative reuses them.
struct Solve {
    static constexpr const char* name = "solve";
    bool transpose = false;
    Location where = {};
    XGRAD_ATTRIBUTES(transpose)
    static Saves saves(Needs recorded) { return {.inputs = 0b01, .outputs = recorded[0] ? 0b111u : 0b110u}; }
    static constexpr int results = 1;

    std::array<Tensor, 3> value(const Tensor& a, const Tensor& b, const Tensor& factors, const Tensor& pivots) const {
        const Shape shape = solution_shape(name, a, b, true, where);
        LU lu{factors, pivots};
        if (!factors.defined()) {
            Failures failures(batch_of(a.shape()));
            lu = factorise(a, failures);
            check_not_singular(name, failures, where);
        }
        const Tensor x = own_copy(b, shape);
        solve_in_place(lu, transpose, x);
        return {x, lu.factors, lu.pivots};
    }
    std::array<Tensor, 4> pullback(Tensor g, const Saved& s) const {
        const Tensor &a = s.input(0), &x = s.output(0);
        const Tensor gb = apply(Solve{!transpose}, {a, g, s.output(1), s.output(2)}, Location{})[0];
        std::array<Tensor, 4> parts;
        if (s.needs(0)) parts[0] = -(transpose ? product(x, gb, false, true) : product(gb, x, false, true));
        if (s.needs(1)) parts[1] = gb;
        return parts;
    }
};

struct Inv {
    static constexpr const char* name = "inv";
    Location where = {};
    static constexpr Saves saves{.outputs = 1};

    Tensor value(const Tensor& a) const {
        Failures failures(batch_of(a.shape()));
        const LU lu = factorise(a, failures);
        check_not_singular(name, failures, where);
        const Int n = a.shape(-1);
        if (a.size() == 0) return lu.factors;
        with_floating(a.dtype(), [&]<class T>(T) {
            T* factors = elements<T>(lu.factors);
            const int* pivots = elements<int>(lu.pivots);
            for_matrices(count_of_matrices(a), n * n * n,
                         [&](Int i) { inverse_in_place(static_cast<int>(n), factors + i * n * n, pivots + i * n); });
        });
        return lu.factors;
    }
    static Tensor pullback(Tensor g, const Saved& s) {
        const Tensor& y = s.output();
        return -product(y, product(g, y, false, true), true);
    }
};

}  // namespace

Tensor solve(const Operand& operand, const Operand& right) {
    const Tensor& a = square_of(operand, "solve");
    right_hand_side("solve", a, right);
    const Location where = operand.where();
    return for_columns(
        right, [&](const Tensor& b) { return apply(Solve{false, where}, {a, b, Tensor(), Tensor()}, where)[0]; });
}

Tensor inv(const Operand& operand) { return apply(Inv{operand.where()}, {square_of(operand, "inv")}, operand.where()); }

}  // namespace xgrad
