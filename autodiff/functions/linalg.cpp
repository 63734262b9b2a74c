#include <limits>
#include <algorithm>
#include <cmath>

#include "autodiff/core/detail/composition.hpp"
#include "autodiff/ops/linalg/detail/matrices.hpp"
#include "autodiff/ops/linalg/matmul.hpp"
#include "functions.hpp"

// The linear algebra functions of functions.hpp.

namespace xgrad {

using namespace detail;

// --- diagonals -------------------------------------------------------------------------------------------------------

namespace {

/// x with the two axes moved to the end, in that order.
Tensor matrices_in(const char* operation, const Tensor& x, int axis1, int axis2, Location where) {
    axis1 = normalise_axis(axis1, x.ndim(), operation, where);
    axis2 = normalise_axis(axis2, x.ndim(), operation, where);
    check<IndexError>(axis1 != axis2, where, [&] {
        return std::string(operation) + ": axes must differ, got " + std::to_string(axis1) + " twice";
    });
    if (axis1 == x.ndim() - 2 && axis2 == x.ndim() - 1) return x;
    std::vector<int> order;
    for (int k = 0; k < x.ndim(); ++k)
        if (k != axis1 && k != axis2) order.push_back(k);
    order.push_back(axis1);
    order.push_back(axis2);
    return transpose({x, where}, order);
}

}  // namespace

Tensor trace(const Operand& operand, int offset, int axis1, int axis2) {
    return composed("trace", operand.where(), [&]() -> Tensor {
        const Tensor& x = tensor_of(operand, "trace");
        return sum({diagonal_of(matrices_in("trace", x, axis1, axis2, operand.where()), offset), operand.where()}, -1);
    });
}

// --- least squares ---------------------------------------------------------------------------------------------------

Lstsq lstsq(const Operand& operand, const Operand& right, double rcond) {
    return composed("lstsq", operand.where(), [&]() -> Lstsq {
        const Tensor& a = matrix_of(operand, "lstsq");
        const Tensor& b = tensor_of(right, "lstsq");
        const Location where = operand.where();
        check_same_dtype(a, b, "lstsq", right.where());
        check<ShapeError>(b.ndim() >= 1 && b.shape(b.ndim() == 1 ? 0 : -2) == a.shape(-2), right.where(), [&] {
            return "lstsq: the right-hand side must have " + std::to_string(a.shape(-2)) + " rows, got " +
                   to_string(a.shape()) + " and " + to_string(b.shape());
        });
        const Tensor columns = b.ndim() == 1 ? expand_dims(b, 1) : b;
        const Autocast exact(Precision::full);
        const Tensor x = matmul({pinv({a, where}, rcond), where}, columns);
        Lstsq result{x, sum(square(matmul(a, x) - columns), -2), {}, svdvals({stop_gradient(a), where})};
        const double cutoff =
            rcond < 0 ? static_cast<double>(std::max(a.shape(-2), a.shape(-1))) * precision_of(a.dtype()) : rcond;
        const Tensor& s = result.singular_values;
        result.rank = s.shape(-1) == 0 ? zeros(batch_of(a.shape()), DType::i64)
                                       : sum(greater(s, max(s, -1, true) * cutoff).to(DType::i64), -1);
        if (b.ndim() == 1) result.solution = squeeze(x, -1), result.residuals = squeeze(result.residuals, -1);
        return result;
    });
}

// --- functions of matrices -------------------------------------------------------------------------------------------

namespace {

Tensor identity_like(const Tensor& a) { return broadcast_to(eye(a.shape(-1), a.dtype()), a.shape()); }

/// A Padé approximation: its numerator has coefficients b, its denominator the same with alternating signs; accurate up
/// to a norm of `bound`.
struct Pade {
    double bound;
    std::vector<double> b;
};

const std::vector<Pade>& approximations(DType dtype) {
    static const std::vector<double> b3{120, 60, 12, 1}, b5{30240, 15120, 3360, 420, 30, 1},
        b7{17297280, 8648640, 1995840, 277200, 25200, 1512, 56, 1},
        b9{17643225600, 8821612800, 2075673600, 302702400, 30270240, 2162160, 110880, 3960, 90, 1},
        b13{64764752532480000,
            32382376266240000,
            7771770303897600,
            1187353796428800,
            129060195264000,
            10559470521600,
            670442572800,
            33522128640,
            1323241920,
            40840800,
            960960,
            16380,
            182,
            1};
    static const std::vector<Pade> f64{{1.08e-2, b3}, {2.0e-1, b5}, {7.83e-1, b7}, {1.78, b9}, {4.74, b13}};
    static const std::vector<Pade> f32{{4.25e-1, b3}, {1.88, b5}, {3.92, b7}};
    return dtype == DType::f32 ? f32 : f64;
}

/// The rational approximation itself: (v - u)⁻¹·(v + u), where u has the odd and v the even powers.
Tensor pade(const Tensor& a, const std::vector<double>& b) {
    const Tensor one = eye(a.shape(-1), a.dtype()), a2 = product(a, a);
    const std::size_t degree = b.size() - 1;
    Tensor u = b[1] * one, v = b[0] * one;
    if (degree < 13) {
        Tensor power = a2;
        for (std::size_t k = 2; k < degree; k += 2) {
            u = u + b[k + 1] * power;
            v = v + b[k] * power;
            if (k + 2 < degree) power = product(power, a2);
        }
    } else {
        const Tensor a4 = product(a2, a2), a6 = product(a4, a2);
        u = u + b[7] * a6 + b[5] * a4 + b[3] * a2 + product(a6, b[13] * a6 + b[11] * a4 + b[9] * a2);
        v = v + b[6] * a6 + b[4] * a4 + b[2] * a2 + product(a6, b[12] * a6 + b[10] * a4 + b[8] * a2);
    }
    u = product(a, u);
    return solve(v - u, v + u);
}

}  // namespace

Tensor matrix_exp(const Operand& operand) {
    return composed("matrix_exp", operand.where(), [&]() -> Tensor {
        const Tensor& a = square_of(operand, "matrix_exp");
        if (a.size() == 0) return positive(operand);
        const auto& choices = approximations(a.dtype());
        const Tensor norms = max(sum(abs(stop_gradient(a)), -2), -1);
        const double norm = max(norms).item<double>();
        if (!std::isfinite(norm)) return a * std::numeric_limits<double>::quiet_NaN();
        for (const Pade& choice : choices)
            if (norm <= choice.bound) return pade(a, choice.b);
        // Each matrix is halved as often as its norm requires; all are squared together, but those that are finished no
        // longer change.
        const double bound = choices.back().bound;
        const Tensor halvings = maximum(ceil(log2(norms / bound)), 0);
        const int most = static_cast<int>(max(halvings).item<double>());
        Tensor x = pade(a * expand_dims(exp2(-halvings), {-2, -1}), choices.back().b);
        for (int k = 0; k < most; ++k) {
            const Tensor squared = product(x, x);
            x = norms.size() == 1 ? squared : where(expand_dims(greater(halvings, k), {-2, -1}), squared, x);
        }
        return x;
    });
}

Tensor matrix_power(const Operand& operand, int n) {
    return composed("matrix_power", operand.where(), [&]() -> Tensor {
        const Tensor& a = square_of(operand, "matrix_power");
        if (n == 0) return identity_like(a);
        Tensor power = n < 0 ? inv({a, operand.where()}) : a, result;
        for (unsigned left = n < 0 ? 0u - static_cast<unsigned>(n) : static_cast<unsigned>(n); left; left >>= 1) {
            if (left & 1) result = result.defined() ? product(result, power) : power;
            if (left > 1) power = product(power, power);
        }
        return result;
    });
}

// --- norms -----------------------------------------------------------------------------------------------------------

MatrixOrder::MatrixOrder(const char* name, Location where) : kind_(std::string(name) == "nuc" ? nuc : fro) {
    check<ValueError>(kind_ == nuc || std::string(name) == "fro", where, [&] {
        return "matrix_norm: the order must be \"fro\", \"nuc\" or a number, got \"" + std::string(name) + "\"";
    });
}

MatrixOrder::MatrixOrder(double order, Location where)
    : kind_(std::isinf(order)      ? rows
            : std::abs(order) == 1 ? columns
                                   : singular),
      largest_(order > 0) {
    check<ValueError>(kind_ != singular || std::abs(order) == 2, where, [&] {
        return "matrix_norm: the order must be 1, -1, 2, -2, inf or -inf, got " + PlainNumber(order).text();
    });
}

namespace {

/// The norm over the last two axes, which are dropped.
Tensor norm_of_matrices(const Tensor& x, const MatrixOrder& order, Location where) {
    const auto extreme = [&](const Tensor& values) {
        return order.largest() ? max({values, where}, -1) : min({values, where}, -1);
    };
    switch (order.kind()) {
        case MatrixOrder::fro: return norm({x, where}, 2, {-2, -1});
        case MatrixOrder::nuc: return sum({svdvals({x, where}), where}, -1);
        case MatrixOrder::columns: return extreme(sum(abs(x), -2));
        case MatrixOrder::rows: return extreme(sum(abs(x), -1));
        case MatrixOrder::singular: break;
    }
    return extreme(svdvals({x, where}));
}

}  // namespace

Tensor matrix_norm(const Operand& operand, const MatrixOrder& order, const MatrixNormOptions& options) {
    return composed("matrix_norm", operand.where(), [&]() -> Tensor {
        const Tensor& x = matrix_of(operand, "matrix_norm");
        const Location where = operand.where();
        const Tensor y =
            norm_of_matrices(matrices_in("matrix_norm", x, options.axes[0], options.axes[1], where), order, where);
        return options.keepdims
                   ? reshape(y, without_axes(
                                    x.shape(),
                                    mask_of({options.axes[0], options.axes[1]}, x.ndim(), "matrix_norm", where), true))
                   : y;
    });
}

Tensor cond(const Operand& operand, const MatrixOrder& order) {
    return composed("cond", operand.where(), [&]() -> Tensor {
        const Location where = operand.where();
        if (order.kind() == MatrixOrder::singular) {
            const Tensor s = svdvals({matrix_of(operand, "cond"), where});
            const Tensor high = max(s, -1), low = min(s, -1);
            return xgrad::where({high == 0.0, where}, std::numeric_limits<double>::infinity(),
                                order.largest() ? high / low : low / high);
        }
        const Tensor& x = square_of(operand, "cond");
        return norm_of_matrices(x, order, where) * norm_of_matrices(inv({x, where}), order, where);
    });
}

Tensor kron(const Operand& a, const Operand& b) {
    return composed("kron", a.where(), [&]() -> Tensor {
        const Tensor &x = tensor_of(a, "kron"), &y = tensor_of(b, "kron");
        const int rank = std::max(x.ndim(), y.ndim());
        check<ShapeError>(2 * rank <= Shape::max_rank, a.where(), [&] {
            return "kron: at most 4 axes are possible, got " + to_string(x.shape()) + " and " + to_string(y.shape());
        });
        Shape spread_x, spread_y, shape;
        for (int k = 0; k < rank; ++k) {
            const int of_x = k - (rank - x.ndim()), of_y = k - (rank - y.ndim());
            const Int m = of_x < 0 ? 1 : x.shape()[of_x], n = of_y < 0 ? 1 : y.shape()[of_y];
            for (const Int size : {m, Int{1}}) spread_x.push_back(size);
            for (const Int size : {Int{1}, n}) spread_y.push_back(size);
            shape.push_back(m * n);
        }
        return reshape(multiply({reshape(a.without_reuse(), spread_x), a.where()},
                                {reshape(b.without_reuse(), spread_y), b.where()}),
                       shape);
    });
}

}  // namespace xgrad
