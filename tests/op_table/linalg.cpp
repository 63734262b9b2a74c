#include "../op_table.hpp"

// clang-format off
namespace tests {

namespace {

// Matrices made of the inputs: near the identity, positive definite, symmetric.
Tensor near_identity(const Tensor& x) { return x * 0.25 + eye(x.shape(-1), x.dtype()); }
Tensor positive_definite(const Tensor& x) { return matmul(x, swapaxes(x, -1, -2)) * 0.5 + eye(x.shape(-2), x.dtype()); }
Tensor symmetric(const Tensor& x) { return x + swapaxes(x, -1, -2); }
/// Singular values and eigenvalues lie apart and away from 0.
Tensor apart(const Tensor& x) {
    const Tensor steps = arange(1, static_cast<double>(x.shape(-1)) + 1, 1, x.dtype());
    return x * 0.25 + eye(x.shape(-2), x.shape(-1), x.dtype()) * steps;
}

const Cases square_matrices = {{{3, 3}}, {{1, 1}}, {{0, 0}}, {{2, 3, 3}}, {{0, 2, 2}}, {{2, 1, 2, 2}}, {{5, 5}}};
const Cases any_shape = {{{3, 3}}, {{4, 2}}, {{2, 4}}, {{1, 1}}, {{1, 3}}, {{3, 1}}, {{2, 3, 2}}, {{2, 2, 3}}, {{0, 3}}, {{3, 0}}, {{0, 2, 2}}};
const Cases systems = {{{3, 3}, {3, 2}}, {{3, 3}, {3}}, {{1, 1}, {1, 1}}, {{0, 0}, {0, 2}}, {{2, 2}, {2, 0}}, {{2, 3, 3}, {3, 2}}, {{3, 3}, {2, 3, 1}}, {{2, 1, 2, 2}, {3, 2, 2}}, {{2, 2, 2}, {2}}, {{3, 3}, {3, 3}}};

}  // namespace

static std::vector<Row> linalg_rows() {
    return {
        {"solve", [](In x) { return solve(near_identity(x[0]), x[1]); }, systems, {all_signs}, {}, third},
        {"solve(plain)", [](In x) { return solve(x[0], x[1]); }, {}, {all_signs}, {{{tensor({{2.0, 0.0}, {0.0, 4.0}}), {2, 8}}, {1, 2}, {tensor({{-0.5, -1.0}, {-0.25, -0.5}}), {0.5, 0.25}}}, {{tensor({{0.0, 1.0}, {2.0, 0.0}}), {3, 4}}, {2, 3}, {tensor({{-2.0, -3.0}, {-1.0, -1.5}}), {1, 0.5}}}}},
        {"solve(a constant matrix)", [](In x) { return solve(tensor({{2.0, 1.0}, {0.5, 3.0}}).to(x[0].dtype()), x[0]); }, {{{2, 2}}, {{3, 2, 1}}}, {all_signs}},
        {"solve(a constant right-hand side)", [](In x) { return solve(near_identity(x[0]), ones({3, 2}, x[0].dtype())); }, {{{3, 3}}}, {all_signs}},
        {"triangular_solve", [](In x) { return triangular_solve(near_identity(x[0]), x[1]); }, systems, {all_signs}, {}, third},
        {"triangular_solve(upper)", [](In x) { return triangular_solve(near_identity(x[0]), x[1], {.upper = true}); }, systems, {all_signs}},
        {"triangular_solve(transpose)", [](In x) { return triangular_solve(near_identity(x[0]), x[1], {.transpose = true}); }, systems, {all_signs}},
        {"triangular_solve(upper, unit, transpose)", [](In x) { return triangular_solve(x[0], x[1], {.upper = true, .unit = true, .transpose = true}); }, systems, {{-0.5, 0.5}}},
        {"triangular_solve(unit)", [](In x) { return triangular_solve(x[0], x[1], {.unit = true}); }, {{{3, 3}, {3, 2}}}, {{-0.5, 0.5}}, {{{tensor({{7.0, 9.0}, {2.0, 7.0}}), {1, 5}}, {1, 3}, {tensor({{0.0, 0.0}, {-1.0, 0.0}}), {-1, 1}}}}},
        {"triangular_solve(right)", [](In x) { return triangular_solve(near_identity(x[0]), x[1], {.left = false}); }, {{{3, 3}, {2, 3}}, {{2, 3, 3}, {1, 3}}, {{2, 2}, {0, 2}}}, {all_signs}},
        {"triangular_solve(right, upper, transpose)", [](In x) { return triangular_solve(near_identity(x[0]), x[1], {.upper = true, .left = false, .transpose = true}); }, {{{3, 3}, {2, 3}}, {{3, 3}, {2, 3, 3}}}, {all_signs}},
        {"inv", [](In x) { return inv(near_identity(x[0])); }, square_matrices, {all_signs}, {}, third},
        {"inv(plain)", [](In x) { return inv(x[0]); }, {}, {all_signs}, {{{tensor({{2.0, 0.0}, {0.0, 4.0}})}, tensor({{0.5, 0.0}, {0.0, 0.25}}), {tensor({{-0.25, -0.125}, {-0.125, -0.0625}})}}}},
        {"pinv", [](In x) { return pinv(apart(x[0])); }, any_shape, {{-0.5, 0.5}}, {}, third},
        {"pinv(of rank 1)", [](In x) { return pinv(matmul(expand_dims(x[0], 1), expand_dims(x[1], 0)), 1e-4); }, {{{3}, {2}}, {{2}, {3}}}, {{0.5, 2}}},
        {"pinv(zero)", [](In x) { return pinv(x[0]); }, {}, {all_signs}, {{{tensor({{0.0, 0.0}})}, tensor({{0.0}, {0.0}}), {tensor({{0.0, 0.0}})}}}},
        {"cholesky", [](In x) { return cholesky(positive_definite(x[0])); }, {{{3, 3}}, {{1, 1}}, {{0, 0}}, {{2, 3, 2}}, {{0, 2, 2}}, {{5, 5}}}, {all_signs}, {}, third},
        {"cholesky(upper)", [](In x) { return cholesky(positive_definite(x[0]), {.upper = true}); }, {{{3, 3}}}, {all_signs}},
        {"cholesky(plain)", [](In x) { return cholesky(x[0]); }, {}, {all_signs}, {{{tensor({{4.0, 0.0}, {2.0, 5.0}})}, tensor({{2.0, 0.0}, {1.0, 2.0}}), {tensor({{0.1875, 0.125}, {0.125, 0.25}})}}}},
        {"det", [](In x) { return det(x[0]); }, square_matrices, {all_signs}, {{{tensor({{2.0, 1.0}, {4.0, 2.0}})}, 0, {tensor({{2.0, -4.0}, {-1.0, 2.0}})}}, {{diag(tensor({1e30, 1e20, 1e-30, 1e-20}))}, 1, {diag(tensor({1e-30, 1e-20, 1e30, 1e20}))}}, {{tensor({{0.0, 0.0}, {0.0, 0.0}})}, 0, {tensor({{0.0, 0.0}, {0.0, 0.0}})}}, {{tensor({{0.0, 0.0, 0.0}, {0.0, 2.0, 0.0}, {0.0, 0.0, 3.0}})}, 0, {tensor({{6.0, 0.0, 0.0}, {0.0, 0.0, 0.0}, {0.0, 0.0, 0.0}})}}}},
        {"det(near the identity)", [](In x) { return det(near_identity(x[0])); }, {{{3, 3}}}, {all_signs}, {}, third},
        {"det(singular)", [](In x) { return det(concat({x[0], x[0] * 2, x[1]}, -2)); }, {{{1, 3}, {1, 3}}}, {all_signs}},
        {"slogdet", [](In x) { return slogdet(near_identity(x[0])).logabsdet; }, square_matrices, {all_signs}, {}, third},
        {"slogdet(plain)", [](In x) { return slogdet(x[0]).logabsdet; }, {}, {all_signs}, {{{tensor({{0.0, 2.0}, {0.5, 0.0}})}, 0, {tensor({{0.0, 0.5}, {2.0, 0.0}})}}, {{tensor({{1.0, 1.0}, {1.0, 1.0}})}, -inf, {tensor({{nan, nan}, {nan, nan}})}}}},
        {"slogdet(sign)", [](In x) { return slogdet(x[0]).sign; }, square_matrices, {all_signs}, {{{tensor({{0.0, 2.0}, {0.5, 0.0}})}, -1}, {{tensor({{1.0, 1.0}, {1.0, 1.0}})}, 0}}, no_gradient},
        {"qr(q)", [](In x) { return qr(apart(x[0])).q; }, any_shape, {all_signs}},
        {"qr(r)", [](In x) { return qr(apart(x[0])).r; }, any_shape, {all_signs}},
        {"qr", [](In x) { const auto [q, r] = qr(apart(x[0])); return concat({q, swapaxes(r, -1, -2)}, -2); }, {{{3, 3}}, {{4, 2}}, {{2, 3}}, {{2, 3, 2}}}, {all_signs}, {}, third},
        {"eigh(eigenvalues)", [](In x) { return eigh(symmetric(apart(x[0]))).eigenvalues; }, square_matrices, {{-1, 1}}},
        {"eigh(plain)", [](In x) { return eigh(x[0]).eigenvalues; }, {}, {all_signs}, {{{tensor({{3.0, 0.0}, {0.0, 1.0}})}, {1, 3}, {tensor({{1.0, 0.0}, {0.0, 1.0}})}}, {{tensor({{2.0, 0.0}, {0.0, 2.0}})}, {2, 2}, {tensor({{1.0, 0.0}, {0.0, 1.0}})}}}},
        {"eigh", [](In x) { const auto [w, v] = eigh(symmetric(apart(x[0]))); return matmul(v * expand_dims(sin(w), -2), swapaxes(v, -1, -2)); }, square_matrices, {{-1, 1}}, {}, third},
        {"eigh(vectors)", [](In x) { const Tensor v = eigh(symmetric(apart(x[0]))).eigenvectors; return square(v) + expand_dims(select(v, -1, 0), -1) * expand_dims(select(v, -1, 0), -2); }, {{{3, 3}}, {{2, 2, 2}}}, {{-1, 1}}},
        {"eigh(equal eigenvalues)", [](In x) { const auto [w, v] = eigh(x[0]); return matmul(v * expand_dims(exp(w), -2), swapaxes(v, -1, -2)); }, {}, {all_signs}, {{{tensor({{0.0, 0.0}, {0.0, 0.0}})}, tensor({{1.0, 0.0}, {0.0, 1.0}}), {tensor({{1.0, 0.0}, {0.0, 1.0}})}}}},
        {"svd(s)", [](In x) { return svd(apart(x[0])).s; }, any_shape, {{-0.5, 0.5}}},
        {"svd", [](In x) { const auto [u, s, vh] = svd(apart(x[0])); return matmul(u * expand_dims(sin(s), -2), vh); }, any_shape, {{-0.5, 0.5}}, {}, third},
        {"svd(u)", [](In x) { const Tensor u = svd(apart(x[0])).u, first = select(u, -1, 0); return square(u) + expand_dims(first * expand_dims(select(first, -1, 0), -1), -1); }, {{{3, 3}}, {{4, 2}}, {{2, 4}}, {{2, 3, 2}}}, {{-0.5, 0.5}}},
        {"svd(vh)", [](In x) { const Tensor vh = svd(apart(x[0])).vh, first = select(vh, -2, 0); return square(vh) + expand_dims(first * expand_dims(select(first, -1, 0), -1), -2); }, {{{3, 3}}, {{4, 2}}, {{2, 4}}, {{2, 2, 3}}}, {{-0.5, 0.5}}},
        {"svd(zero)", [](In x) { return sum(svd(x[0]).s, -1); }, {}, {all_signs}, {{{tensor({{0.0, 0.0}, {0.0, 0.0}})}, 0}, {{tensor({{3.0, 0.0}, {0.0, 0.0}})}, 3}}},
        {"svdvals", [](In x) { return svdvals(apart(x[0])); }, any_shape, {{-0.5, 0.5}}},
        {"svdvals(plain)", [](In x) { return svdvals(x[0]); }, {}, {all_signs}, {{{tensor({{3.0, 0.0}, {0.0, 4.0}})}, {4, 3}, {tensor({{1.0, 0.0}, {0.0, 1.0}})}}, {{tensor({{0.0, -2.0}})}, {2}, {tensor({{0.0, -1.0}})}}}},
        {"trace", [](In x) { return trace(x[0]); }, {{{3, 3}}, {{2, 4}}, {{4, 2}}, {{3, 3, 2}}, {{0, 0}}, {{1, 1}}}, {all_signs}, {{{tensor({{1.0, 2.0}, {3.0, 4.0}})}, 5, {tensor({{1.0, 0.0}, {0.0, 1.0}})}}}},
        {"trace(offset 1, last axes)", [](In x) { return trace(x[0], 1, -2, -1); }, {{{2, 3, 3}}, {{2, 4}}, {{3, 1}}}, {all_signs}, {{{tensor({{1.0, 2.0}, {3.0, 4.0}})}, 2}}},
        {"trace(offset -1, axes crossed)", [](In x) { return trace(x[0], -1, 1, 0); }, {{{3, 3}}, {{2, 4, 2}}}, {all_signs}, {{{tensor({{1.0, 2.0}, {3.0, 4.0}})}, 2, {tensor({{0.0, 1.0}, {0.0, 0.0}})}}}},
        {"lstsq", [](In x) { return lstsq(apart(x[0]), x[1]).solution; }, {{{4, 2}, {4, 3}}, {{4, 2}, {4}}, {{2, 4}, {2, 1}}, {{3, 3}, {3, 2}}, {{2, 4, 2}, {4, 1}}, {{0, 2}, {0, 1}}}, {{-0.5, 0.5}}},
        {"lstsq(residuals)", [](In x) { return lstsq(apart(x[0]), x[1]).residuals; }, {{{4, 2}, {4, 3}}, {{4, 2}, {4}}}, {{-0.5, 0.5}}},
        {"lstsq(residuals, plain)", [](In x) { return lstsq(x[0], x[1]).residuals; }, {}, {all_signs}, {{{tensor({{1.0}, {1.0}}), {1, 3}}, 2, {tensor({{4.0}, {-4.0}}), {-2, 2}}}}},
        {"lstsq(rank)", [](In x) { return lstsq(x[0], x[1]).rank; }, {{{4, 2}, {4, 3}}}, {all_signs}, {{{tensor({{1.0, 2.0}, {2.0, 4.0}}), {1, 3}}, 1}}, no_gradient},
        {"matrix_exp", [](In x) { return matrix_exp(x[0]); }, square_matrices, {{-0.5, 0.5}}, {{{tensor({{0.0, 1.0}, {0.0, 0.0}})}, tensor({{1.0, 1.0}, {0.0, 1.0}}), {tensor({{1.5, 1.0}, {2.0 + 1.0 / 6, 1.5}})}}, {{tensor({{0.0, 0.0}, {0.0, 0.0}})}, tensor({{1.0, 0.0}, {0.0, 1.0}}), {tensor({{1.0, 1.0}, {1.0, 1.0}})}}}, third},
        {"matrix_exp(small)", [](In x) { return matrix_exp(x[0]); }, {{{3, 3}}}, {{-0.003, 0.003}}},
        {"matrix_exp(degree 9)", [](In x) { return matrix_exp(x[0]); }, {{{3, 3}}}, {{0.2, 0.5}}},
        {"matrix_exp(large)", [](In x) { return matrix_exp(x[0] * tensor({{{2.0}}, {{0.1}}}).to(x[0].dtype())); }, {{{2, 3, 3}}}, {{-3, 3}}},
        {"matrix_power", [](In x) { return matrix_power(x[0], 5); }, square_matrices, {{-1, 1}}, {{{tensor({{1.0, 1.0}, {0.0, 1.0}})}, tensor({{1.0, 5.0}, {0.0, 1.0}})}}},
        {"matrix_power(negative)", [](In x) { return matrix_power(near_identity(x[0]), -2); }, {{{3, 3}}}, {all_signs}},
        {"matrix_power(1)", [](In x) { return matrix_power(x[0], 1); }, {{{2, 2}}}, {all_signs}},
        {"matrix_power(0)", [](In x) { return matrix_power(x[0], 0); }, {{{2, 2}}}, {all_signs}, {{{tensor({{1.0, 1.0}, {0.0, 1.0}})}, tensor({{1.0, 0.0}, {0.0, 1.0}})}}, no_gradient | outside},
        {"matrix_norm", [](In x) { return matrix_norm(x[0]); }, {{{3, 4}}, {{2, 3, 2}}, {{1, 1}}, {{0, 2}}}, {positive_only}, {{{tensor({{3.0, 0.0}, {0.0, 4.0}})}, 5, {tensor({{0.6, 0.0}, {0.0, 0.8}})}}, {{tensor({{0.0, 0.0}})}, 0, {tensor({{0.0, 0.0}})}}}, third},
        {"matrix_norm(nuc)", [](In x) { return matrix_norm(apart(x[0]), "nuc"); }, {{{3, 3}}, {{4, 2}}, {{2, 2, 3}}}, {{-0.5, 0.5}}},
        {"matrix_norm(1)", [](In x) { return matrix_norm(x[0], 1); }, {{{3, 4}}, {{2, 3, 2}}}, {all_signs}, {{{tensor({{1.0, -2.0}, {3.0, 4.0}})}, 6, {tensor({{0.0, -1.0}, {0.0, 1.0}})}}}},
        {"matrix_norm(-1)", [](In x) { return matrix_norm(x[0], -1); }, {{{3, 4}}}, {all_signs}, {{{tensor({{1.0, -2.0}, {3.0, 4.0}})}, 4}}},
        {"matrix_norm(inf)", [](In x) { return matrix_norm(x[0], inf); }, {{{3, 4}}, {{2, 3, 2}}}, {all_signs}, {{{tensor({{1.0, -2.0}, {3.0, 4.0}})}, 7}}},
        {"matrix_norm(-inf)", [](In x) { return matrix_norm(x[0], -inf); }, {{{3, 4}}}, {all_signs}, {{{tensor({{1.0, -2.0}, {3.0, 4.0}})}, 3}}},
        {"matrix_norm(2, keepdims)", [](In x) { return matrix_norm(apart(x[0]), 2, {.keepdims = true}); }, {{{3, 3}}, {{4, 2}}, {{2, 2, 3}}}, {{-0.5, 0.5}}},
        {"matrix_norm(-2, other axes)", [](In x) { return matrix_norm(apart(x[0]), -2, {.axes = {1, 0}}); }, {{{3, 3}}, {{4, 2}}}, {{-0.5, 0.5}}},
        {"cond", [](In x) { return cond(apart(x[0])); }, {{{3, 3}}, {{4, 2}}, {{2, 2, 3}}}, {{-0.5, 0.5}}, {}, third},
        {"cond(-2)", [](In x) { return cond(apart(x[0]), -2); }, {{{3, 3}}}, {{-0.5, 0.5}}},
        {"cond(1)", [](In x) { return cond(near_identity(x[0]), 1); }, {{{3, 3}}, {{2, 2, 2}}}, {all_signs}},
        {"cond(fro)", [](In x) { return cond(near_identity(x[0]), "fro"); }, {{{3, 3}}}, {all_signs}},
        {"cond(singular)", [](In x) { return cond(x[0]); }, {}, {all_signs}, {{{tensor({{3.0, 0.0}, {0.0, 4.0}})}, 4.0 / 3}, {{tensor({{3.0, 0.0}, {0.0, 0.0}})}, inf}}},
    };
}
static const Family linalg_family(linalg_rows);

}  // namespace tests
