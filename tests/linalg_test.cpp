#include <doctest/doctest.h>

#include <autodiff/autodiff.hpp>

#include "support.hpp"

using namespace xgrad;
using namespace tests;

namespace {

Tensor transposed(const Tensor& x) { return swapaxes(x, -1, -2); }
Tensor random_matrices(const Shape& shape, std::uint64_t seed = 1) {
    Generator generator(seed);
    return randn(shape, generator, DType::f64);
}
Tensor random_positive_definite(const Shape& shape) {
    const Tensor x = random_matrices(shape);
    return matmul(x, transposed(x)) + eye(shape.back(), DType::f64);
}

const Tensor a = tensor({{4.0, 1.0, -2.0}, {1.0, 3.0, 0.5}, {-2.0, 0.5, 5.0}});

}  // namespace

TEST_SUITE("linear algebra") {
    TEST_CASE("decompositions multiply back to the matrix, in every batch") {
        for (const Shape& shape : {Shape{40, 40}, Shape{3, 7, 4}, Shape{2, 3, 4, 7}, Shape{5, 1, 1}}) {
            const Tensor x = random_matrices(shape);
            const auto [q, r] = qr(x);
            CHECK(close(matmul(q, r), x));
            CHECK(close(matmul(transposed(q), q),
                        broadcast_to(eye(q.shape(-1), DType::f64), matmul(transposed(q), q).shape())));
            const auto [u, s, vh] = svd(x);
            CHECK(close(matmul(u * expand_dims(s, -2), vh), x));
            CHECK(close(svdvals(x), s));
            CHECK(close(matmul(matmul(x, pinv(x)), x), x));
        }
        for (const Shape& shape : {Shape{40, 40}, Shape{3, 4, 4}, Shape{2, 3, 5, 5}}) {
            const Tensor x = random_positive_definite(shape);
            const Tensor l = cholesky(x), upper = cholesky(x, {.upper = true});
            CHECK(close(matmul(l, transposed(l)), x));
            CHECK(close(matmul(transposed(upper), upper), x));
            const auto [w, v] = eigh(x);
            CHECK(close(matmul(v * expand_dims(w, -2), transposed(v)), x));
            CHECK(close(matmul(inv(x), x), broadcast_to(eye(x.shape(-1), DType::f64), shape)));
            CHECK(close(log(det(x)), slogdet(x).logabsdet));
        }
    }

    TEST_CASE("solutions solve, with broadcast batches, vectors and every kind of triangle") {
        const Tensor m = random_matrices({2, 1, 6, 6}), b = random_matrices({3, 6, 2}), vector = random_matrices({6});
        CHECK(close(matmul(m, solve(m, b)), broadcast_to(b, {2, 3, 6, 2})));
        CHECK(close(matmul(m, expand_dims(solve(m, vector), -1)), broadcast_to(expand_dims(vector, -1), {2, 1, 6, 1})));
        CHECK(solve(m, vector).shape() == Shape{2, 1, 6});
        const Tensor full = random_matrices({6, 6}) + 4 * eye(6, DType::f64);
        const Tensor rows = arange(0, 6, 1, DType::i64), i = expand_dims(rows, 1), j = expand_dims(rows, 0);
        for (const bool upper : {false, true})
            for (const bool unit : {false, true})
                for (const bool transpose : {false, true}) {
                    Tensor t = where(upper ? less_equal(i, j) : greater_equal(i, j), full, 0);
                    if (unit) t = where(equal(i, j), 1, t);
                    if (transpose) t = transposed(t);
                    CHECK(close(
                        matmul(t, triangular_solve(full, b, {.upper = upper, .unit = unit, .transpose = transpose})),
                        b));
                    const Tensor right = transposed(b);
                    const Tensor x = triangular_solve(
                        full, right, {.upper = upper, .left = false, .unit = unit, .transpose = transpose});
                    CHECK(close(matmul(x, t), right));
                }
    }

    TEST_CASE("figures that NumPy gives") {
        const Tensor b = tensor({{1.0, 2.0}, {3.0, 4.0}, {5.0, 6.0}});
        CHECK(close(det(a), scalar(40.0)));
        CHECK(close(slogdet(-a).sign, scalar(-1.0)));
        CHECK(close(slogdet(-a).logabsdet, scalar(3.6888794541139367)));
        CHECK(close(inv(a), tensor({{0.36875, -0.15, 0.1625}, {-0.15, 0.4, -0.1}, {0.1625, -0.1, 0.275}})));
        CHECK(close(
            cholesky(a),
            tensor({{2.0, 0.0, 0.0}, {0.5, 1.6583123951777, 0.0}, {-1.0, 0.6030226891555273, 1.9069251784911847}})));
        CHECK(close(eigh(a).eigenvalues, tensor({1.5842066930926237, 3.8393364524664824, 6.5764568544408935})));
        CHECK(close(svd(b).s, tensor({9.525518091565107, 0.5143005806586441})));
        CHECK(close(qr(b).r, tensor({{-5.916079783099616, -7.437357441610946}, {0.0, 0.828078671210825}})));
        CHECK(close(pinv(transposed(tensor({{1.0, 4.0}, {2.0, 5.0}, {3.0, 6.0}}))),
                    tensor({{-17.0, 8.0}, {-2.0, 2.0}, {13.0, -4.0}}) / 18.0));
    }

    TEST_CASE("only the lower triangle is read, and the gradient is symmetric") {
        const Tensor lower = tensor({{4.0, 9.0, 9.0}, {1.0, 3.0, 9.0}, {-2.0, 0.5, 5.0}});
        CHECK(close(cholesky(lower), cholesky(a)));
        CHECK(close(eigh(lower).eigenvalues, eigh(a).eigenvalues));
        for (const Tensor& g :
             {grad([](const Tensor& x) { return sum(cholesky(x)); }, lower),
              grad([](const Tensor& x) { return sum(square(eigh(x).eigenvectors)) + sum(exp(eigh(x).eigenvalues)); },
                   a)})
            CHECK(close(g, transposed(g)));
    }

    TEST_CASE("large batches on several threads give what each matrix gives") {
        const Tensor x = random_positive_definite({300, 8, 8});
        const Tensor l = cholesky(x), y = inv(x), s = svd(x).s, w = eigh(x).eigenvalues;
        for (const int i : {0, 150, 299}) {
            const Tensor one = select(x, 0, i);
            CHECK(close(select(l, 0, i), cholesky(one)));
            CHECK(close(select(y, 0, i), inv(one)));
            CHECK(close(select(s, 0, i), svd(one).s));
            CHECK(close(select(w, 0, i), eigh(one).eigenvalues));
        }
    }

    TEST_CASE("second derivatives of det are right where the matrix is singular") {
        // det of (x, y; z, w) is x·w - y·z whatever the point.
        const Tensor expected =
            tensor({0., 0., 0., 1., 0., 0., -1., 0., 0., -1., 0., 0., 1., 0., 0., 0.}, {2, 2, 2, 2});
        for (const Tensor& at :
             {tensor({{1.0, 2.0}, {2.0, 4.0}}), zeros({2, 2}, DType::f64), tensor({{1.0, 2.0}, {3.0, 4.0}})})
            CHECK(close(hessian([](const Tensor& x) { return det(x); }, at), expected));
    }

    TEST_CASE("errors name the operation, what is wrong, and the batch") {
        const Tensor indefinite = tensor({{1.0, 2.0}, {2.0, 1.0}}), singular = tensor({{1.0, 2.0}, {2.0, 4.0}}),
                     good = eye(2, DType::f64);
        CHECK(error_of<ValueError>([&] { cholesky(indefinite); }) ==
              "cholesky: the matrix must be positive definite, got a leading minor of order 2 that is not" + here());
        CHECK(error_of<ValueError>([&] { cholesky(stack({good, good, indefinite})); }) ==
              "cholesky: the matrix must be positive definite, got a leading minor of order 2 that is not (batch index "
              "2)" +
                  here());
        CHECK(error_of<ValueError>([&] { inv(reshape(stack({good, singular}), {1, 2, 2, 2})); }) ==
              "inv: the matrix must not be singular, got one whose pivot in row 1 is zero (batch index (0, 1))" +
                  here());
        CHECK(error_of<ValueError>([&] { solve(singular, good); }) ==
              "solve: the matrix must not be singular, got one whose pivot in row 1 is zero" + here());
        CHECK(error_of<ValueError>([&] { triangular_solve(tensor({{0.0, 1.0}, {1.0, 1.0}}), good); }) ==
              "triangular_solve: the matrix must not be singular, got a zero on the diagonal in row 0" + here());
        CHECK(error_of<ShapeError>([&] { det(ones({2, 3})); }) ==
              "det: the matrix must be square, got shape (2, 3)" + here());
        CHECK(error_of<ShapeError>([&] { svd(ones({2})); }) ==
              "svd: must have at least 2 axes, got shape (2,)" + here());
        CHECK(error_of<ShapeError>([&] { solve(good, ones({3, 1}, DType::f64)); }) ==
              "solve: the right-hand side must have 2 rows, got (2, 2) and (3, 1)" + here());
        CHECK(error_of<DTypeError>([&] { solve(good, ones({2, 1})); }) ==
              "solve: dtypes must agree, got f64 and f32 (convert one with .to())" + here());
        CHECK(error_of<DTypeError>([&] { inv(ones({2, 2}, DType::i32)); }) ==
              "inv: must be f32 or f64, got i32" + here());
        CHECK(error_of<ValueError>([&] { eigh(good * std::nan("")); }) ==
              "eigh: the matrix must be finite, got NaN or inf" + here());
        CHECK(error_of<ValueError>([&] { svd(good / 0.0); }) ==
              "svd: the matrix must be finite, got NaN or inf" + here());
    }

    TEST_CASE("einsum agrees with loops whatever the order of its axes") {
        const Tensor x = random_matrices({2, 3, 4, 2}), y = random_matrices({4, 5, 3}, 2),
                     z = random_matrices({5, 2}, 3);
        const Tensor got = einsum("aibc,bki,kd->cdak", {x, y, z});
        REQUIRE(got.shape() == Shape{2, 2, 2, 5});
        const auto vx = values(x), vy = values(y), vz = values(z);
        std::vector<double> expected;
        for (std::size_t c = 0; c < 2; ++c)
            for (std::size_t d = 0; d < 2; ++d)
                for (std::size_t i = 0; i < 2; ++i)
                    for (std::size_t k = 0; k < 5; ++k) {
                        double total = 0;
                        for (std::size_t j = 0; j < 3; ++j)
                            for (std::size_t b = 0; b < 4; ++b)
                                total += vx[((i * 3 + j) * 4 + b) * 2 + c] * vy[(b * 5 + k) * 3 + j] * vz[k * 2 + d];
                        expected.push_back(total);
                    }
        CHECK(close(got, tensor(expected, {2, 2, 2, 5})));
    }

    TEST_CASE("matrix_exp agrees with the eigenvalues, for small and large norms in one batch") {
        const Tensor x = random_positive_definite({3, 6, 6}) * tensor({1e-4, 0.1, 3.0}, {3, 1, 1});
        const auto [w, v] = eigh(x);
        const Tensor expected = matmul(v * expand_dims(exp(w), -2), transposed(v)), got = matrix_exp(x);
        for (int i = 0; i < 3; ++i)
            CHECK(close(select(got, 0, i) / max(select(got, 0, i)), select(expected, 0, i) / max(select(got, 0, i))));
        CHECK(close(matmul(matrix_exp(a), matrix_exp(-a)), eye(3, DType::f64), 1e-11));
        CHECK(values(matrix_exp(a * std::nan("")))[0] != 0);
    }

    TEST_CASE("least squares: the solution, what remains, rank and singular values") {
        const Tensor x = tensor({{1.0, 1.0}, {1.0, 2.0}, {1.0, 3.0}}), y = tensor({1.0, 2.0, 2.0});
        const auto [solution, residuals, rank, singular_values] = lstsq(x, y);
        CHECK(close(solution, tensor({2.0 / 3, 0.5})));
        CHECK(close(residuals, scalar(1.0 / 6)));
        CHECK(rank.item<int>() == 2);
        CHECK(close(singular_values, svd(x).s));
        CHECK(close(lstsq(tensor({{1.0, 1.0}}), tensor({2.0})).solution, tensor({1.0, 1.0})));  // of least norm
    }

    TEST_CASE("what einsum and the products object to") {
        const Tensor x = ones({2, 3}), y = ones({4, 2});
        CHECK(error_of<ShapeError>([&] { einsum("ij,jk", {x, y}); }) ==
              "einsum: sizes of 'j' must agree in \"ij,jk\", got 3 and 4" + here());
        CHECK(error_of<ShapeError>([&] { einsum("ijk->i", {x}); }) ==
              "einsum: \"ijk\" must name the axes of its operand in \"ijk->i\", got shape (2, 3)" + here());
        CHECK(error_of<ValueError>([&] { einsum("ij->k", {x}); }) ==
              "einsum: the output's 'k' must occur in an operand, got \"ij->k\"" + here());
        CHECK(error_of<ValueError>([&] { einsum("ij->ii", {x}); }) ==
              "einsum: the output must name each axis once, got \"ij->ii\"" + here());
        CHECK(error_of<ValueError>([&] { einsum("ij", {x, y}); }) ==
              "einsum: each operand needs its subscripts, 2 of them, got \"ij\"" + here());
        CHECK(error_of<ValueError>([&] { einsum("i.j", {x}); }) ==
              "einsum: subscripts must be letters, one \"...\", \",\" and one \"->\", got \"i.j\"" + here());
        CHECK(error_of<ValueError>([&] { einsum("...->", {x}); }) ==
              "einsum: the output must have \"...\" where an operand's stands for axes, got \"...->\"" + here());
        CHECK(error_of<ShapeError>([&] { dot(x, y); }) ==
              "dot: the sizes summed over must agree, got (2, 3) and (4, 2)" + here());
        CHECK(error_of<ValueError>([&] { matrix_norm(x, "frob"); }) ==
              "matrix_norm: the order must be \"fro\", \"nuc\" or a number, got \"frob\"" + here());
    }

    TEST_CASE("a constant matrix is factored and nothing is kept of what no gradient reads") {
        const Tensor m = random_positive_definite({6, 6});
        Tape tape;
        const Tensor b = tape.watch(random_matrices({6, 2}));
        const Tensor g = tape.gradient(sum(solve(m, b)), b);
        CHECK(close(g, matmul(transposed(inv(m)), ones({6, 2}, DType::f64))));
    }
}
