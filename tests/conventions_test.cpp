#include <doctest/doctest.h>

#include <autodiff/autodiff.hpp>
#include <cmath>
#include <functional>
#include <limits>
#include <nn/nn.hpp>
#include <string>
#include <vector>

#include "support.hpp"

// What holds at single places and is of second order, or of more than one operation: kinks, tails, the ends of the
// range. Values and first derivatives of single operations at such places are points of the op table.

using namespace xgrad;
using namespace tests;

namespace {

using Function = std::function<Tensor(const Tensor&)>;

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();

Tensor slope(const Function& f, const Tensor& x) {
    return grad([&](const Tensor& u) { return sum(f(u)); }, x);
}
double first(const Function& f, double x, DType dtype) {
    return slope(f, scalar(x, dtype)).to(DType::f64).item<double>();
}
double second(const Function& f, double x, DType dtype) {
    return slope([&](const Tensor& u) { return slope(f, u); }, scalar(x, dtype)).to(DType::f64).item<double>();
}
bool near(double got, double wanted, DType dtype, double factor = 1) {
    return got == wanted || std::abs(got - wanted) <= factor * (dtype == DType::f32 ? 1e-6 : 1e-14) * std::abs(wanted);
}
const Tensor none;
constexpr DType both[] = {DType::f32, DType::f64};

/// A function at a place, with its derivatives there.
struct Place {
    const char* name;
    Function f;
    double x, first, second;
};

void check_all(const std::vector<Place>& places, double factor = 1) {
    for (const Place& p : places)
        for (const DType dtype : both) {
            CAPTURE(p.name);
            CAPTURE(p.x);
            CAPTURE(name_of(dtype));
            const double got[] = {first(p.f, p.x, dtype), second(p.f, p.x, dtype)};
            CHECK_MESSAGE(near(got[0], p.first, dtype, factor), "first derivative ", got[0], " instead of ", p.first);
            CHECK_MESSAGE(near(got[1], p.second, dtype, factor), "second derivative ", got[1], " instead of ",
                          p.second);
        }
}

/// Of one element, whatever reduces it.
template <class Loss>
Function of_loss(Loss loss, double target) {
    return [=](const Tensor& x) { return loss(x, full_like(stop_gradient(x), target)); };
}
Tensor small_matrix(double scale, DType dtype) { return (tensor({{3.0, 1.0}, {1.0, 2.0}}) * scale).to(dtype); }

}  // namespace

TEST_SUITE("conventions") {
    // Figures of PyTorch 1.13.
    TEST_CASE("at kinks first and second derivatives are PyTorch's") {
        const auto smooth =
            of_loss([](const Tensor& x, const Tensor& t) { return nn::smooth_l1_loss(x, t, {.beta = 0.5}); }, 0);
        const auto huber =
            of_loss([](const Tensor& x, const Tensor& t) { return nn::huber_loss(x, t, {.delta = 0.5}); }, 0);
        const auto hard = [](const Tensor& x) { return hardtanh(x); };
        const auto clipped = [](const Tensor& x) { return clip(x, -0.5, 0.75); };
        check_all({
            {"smooth_l1_loss", smooth, 0.5, 1, 0},
            {"smooth_l1_loss", smooth, -0.5, -1, 0},
            {"smooth_l1_loss", smooth, 0, 0, 2},
            {"smooth_l1_loss", smooth, 0.25, 0.5, 2},
            {"huber_loss", huber, 0.5, 0.5, 0},
            {"huber_loss", huber, -0.5, -0.5, 0},
            {"huber_loss", huber, 0, 0, 1},
            {"huber_loss", huber, -0.25, -0.25, 1},
            {"l1_loss", of_loss([](const Tensor& x, const Tensor& t) { return nn::l1_loss(x, t); }, 0), 0, 0, 0},
            {"elu", [](const Tensor& x) { return elu(x, 1.7); }, 0, 1.7, 0},
            {"celu", [](const Tensor& x) { return celu(x, 1.7); }, 0, 1, 0},
            {"selu", [](const Tensor& x) { return selu(x); }, 0, 1.7580993408473766, 0},
            {"relu", [](const Tensor& x) { return relu(x); }, 0, 0, 0},
            {"relu6", [](const Tensor& x) { return relu6(x); }, 6, 0, 0},
            {"leaky_relu", [](const Tensor& x) { return leaky_relu(x); }, 0, 0.01, 0},
            {"hardtanh", hard, -1, 0, 0},
            {"hardtanh", hard, 1, 0, 0},
            {"hardsigmoid", [](const Tensor& x) { return hardsigmoid(x); }, 3, 0, 0},
            {"hardswish", [](const Tensor& x) { return hardswish(x); }, -3, -0.5, 0},
            {"hardswish", [](const Tensor& x) { return hardswish(x); }, 3, 1.5, 0},
            {"hardswish", [](const Tensor& x) { return hardswish(x); }, 1, 1.0 / 3 + 0.5, 1.0 / 3},
            {"softshrink", [](const Tensor& x) { return softshrink(x); }, 0.5, 0, 0},
            {"hardshrink", [](const Tensor& x) { return hardshrink(x); }, -0.5, 0, 0},
            {"threshold", [](const Tensor& x) { return threshold(x, 0.25, 0.7); }, 0.25, 0, 0},
            {"softsign", [](const Tensor& x) { return softsign(x); }, 0, 1, 0},
            {"abs", [](const Tensor& x) { return abs(x); }, 0, 0, 0},
            {"clip", clipped, -0.5, 1, 0},
            {"clip", clipped, 0.75, 1, 0},
            {"maximum", [](const Tensor& x) { return maximum(x, x * x); }, 1, 1.5, 1},
            {"max", [](const Tensor& x) { return max(stack({x, x * x})); }, 1, 1.5, 1},
            {"pow", [](const Tensor& x) { return pow(x, 1.5); }, 0, 0, inf},
            {"square", [](const Tensor& x) { return pow(x, 2); }, 0, 0, 2},
            {"norm", [](const Tensor& x) { return norm(reshape(x, {1}), 1); }, 0, 0, 0},
        });
    }

    TEST_CASE("the logarithm of a probability that rounds to 1 is minus the others, however the rows lie") {
        for (const DType dtype : both)
            for (const std::int64_t classes : {2, 3, 10, 33, 200})
                for (const std::int64_t rows : {1, 3, 70}) {
                    const double distance = dtype == DType::f32 ? 30 : 60,
                                 others = static_cast<double>(classes - 1) * std::exp(-distance);
                    const Tensor sure = where(equal(arange(static_cast<double>(classes)), 1.0), distance,
                                              zeros({rows, classes}, dtype));
                    const Tensor labels = ones({rows}, DType::i64), expected = full({rows}, others, dtype);
                    const auto right = [&](const Tensor& got) {
                        return close(got / expected, ones({rows}, dtype), dtype == DType::f32 ? 1e-5 : 1e-12);
                    };
                    CAPTURE(name_of(dtype));
                    CAPTURE(classes);
                    CAPTURE(rows);
                    CHECK(right(nn::cross_entropy(sure, labels, {.reduction = Reduction::none})));
                    CHECK(right(-select(log_softmax(sure), 1, 1)));
                    CHECK(right(-log_softmax(transpose(sure), 0)[1]));
                    CHECK(right(logsumexp(sure - distance, 1)));
                    CHECK(right(logsumexp(transpose(sure - distance), 0)));
                }
    }

    // f'' from mpmath with 40 digits.
    TEST_CASE("slopes in the tails are not lost, first and second order") {
        const double tail = 4.2483542552915890e-18;
        const auto bce = [](double target) {
            return of_loss([](const Tensor& x, const Tensor& t) { return nn::binary_cross_entropy_with_logits(x, t); },
                           target);
        };
        const auto entropy = [](std::int64_t label) {
            return [=](const Tensor& x) {
                return nn::cross_entropy(stack({x, zeros_like(stop_gradient(x))}), scalar<std::int64_t>(label));
            };
        };
        check_all(
            {
                {"sigmoid", [](const Tensor& x) { return sigmoid(x); }, 40, tail, -tail},
                {"sigmoid", [](const Tensor& x) { return sigmoid(x); }, -40, tail, tail},
                {"tanh", [](const Tensor& x) { return tanh(x); }, 20, 1.6993417021166356e-17, -3.3986834042332712e-17},
                {"tanh", [](const Tensor& x) { return tanh(x); }, -20, 1.6993417021166356e-17, 3.3986834042332712e-17},
                {"expm1", [](const Tensor& x) { return expm1(x); }, -40, tail, tail},
                {"softplus", [](const Tensor& x) { return softplus(x); }, 40, 1, tail},
                {"logsigmoid", [](const Tensor& x) { return logsigmoid(x); }, 40, tail, -tail},
                {"gelu(tanh)", [](const Tensor& x) { return gelu(x, Gelu::tanh); }, -5, -1.5463619875325946e-06,
                 -9.9341322249962021e-6},
                {"silu", [](const Tensor& x) { return silu(x); }, 40, 1, -1.6143746170108038e-16},
                {"binary_cross_entropy_with_logits", bce(0), -40, tail, tail},
                {"binary_cross_entropy_with_logits", bce(1), 40, -tail, tail},
                {"cross_entropy", entropy(0), 40, -tail, tail},
                {"cross_entropy", entropy(1), -40, tail, tail},
                {"logsumexp", [](const Tensor& x) { return logsumexp(stack({x, zeros_like(stop_gradient(x))})); }, 40,
                 1, tail},
                {"logaddexp", [](const Tensor& x) { return logaddexp(x, 0.0); }, 40, 1, tail},
            },
            8);
    }

    TEST_CASE("recurrent layers keep their gates' slopes in the tails") {
        // One step with one element, whose gates see nothing but their biases: the slopes are those of the composition.
        const auto gate = [](double bias, std::vector<double> others, std::size_t which, DType dtype) {
            others[which] = bias;
            return tensor(others).to(dtype);
        };
        for (const DType dtype : both) {
            const Tensor x = zeros({1, 1, 1}, dtype), h = full({1, 1}, 0.25, dtype), c = full({1, 1}, 0.5, dtype);
            const auto zero = [&](std::int64_t n) { return zeros({n, 1}, dtype); };
            const double tail = 4.2483542552915890e-18, of_tanh = 1.6993417021166356e-17, s = 1 / (1 + std::exp(-1.0));
            for (std::size_t which = 0; which < 4; ++which) {
                const double bias = which == 2 ? 20 : 40;
                const Tensor b = gate(bias, {1, 1, 1, 1}, which, dtype);
                const Tensor slopes = grad(
                    [&](const Tensor& u) { return sum(lstm(x, h, c, zero(4), zero(4), u, zeros({4}, dtype)).output); },
                    b);
                const double i = which == 0 ? 1 : s, f = which == 1 ? 1 : s, u = which == 2 ? 1 : std::tanh(1.0),
                             o = which == 3 ? 1 : s;
                const double t = std::tanh(f * 0.5 + i * u), inner = o * (1 - t * t);
                const double wanted[] = {inner * u * tail, inner * 0.5 * tail, inner * i * of_tanh, t * tail};
                CAPTURE(which);
                CHECK(near(values(slopes.to(DType::f64))[which], wanted[which], dtype, 4));
            }
            for (std::size_t which = 0; which < 3; ++which) {
                const Tensor b = gate(which == 2 ? 20 : 40, {1, 1, 1}, which, dtype);
                const Tensor slopes = grad(
                    [&](const Tensor& u) {
                        return sum(gru(x, h, zero(3), zero(3), u, tensor({0.0, 0.0, 0.5}).to(dtype)).output);
                    },
                    b);
                const double z = which == 1 ? 1 : s, rest = which == 1 ? tail : 1 / (1 + std::exp(1.0)),
                             r = which == 0 ? 1 : s;
                const double n = std::tanh((which == 2 ? 20 : 1) + r * 0.5), of_n = 1 - n * n;
                const double wanted[] = {rest * of_n * 0.5 * tail, (0.25 - n) * tail,
                                         rest * 4 * std::exp(-2 * (20 + r * 0.5))};
                CAPTURE(which);
                CAPTURE(z);
                CHECK(near(values(slopes.to(DType::f64))[which], wanted[which], dtype, which == 2 ? 20 : 4));
            }
            const Tensor slopes =
                grad([&](const Tensor& u) { return sum(rnn(x, h, zero(1), zero(1), u, zeros({1}, dtype)).output); },
                     full({1}, 20, dtype));
            CHECK(near(slopes.to(DType::f64).item<double>(), of_tanh, dtype, 4));
        }
    }

    TEST_CASE("singular values of tiny and of huge matrices have gradients") {
        const Tensor identity = eye(2, DType::f64);
        for (const DType dtype : both)
            for (const double scale : {dtype == DType::f32 ? 1e-20 : 1e-160, 1.0, dtype == DType::f32 ? 1e20 : 1e160}) {
                CAPTURE(scale);
                const Tensor a = small_matrix(scale, dtype);
                const double tolerance = dtype == DType::f32 ? 2e-6 : 1e-14;
                const auto gradient = [&](const Function& f) { return slope(f, a).to(DType::f64); };
                CHECK(close(gradient([](const Tensor& x) { return svdvals(x); }), identity, tolerance));
                CHECK(close(gradient([](const Tensor& x) { return matrix_norm(x, "nuc"); }), identity, tolerance));
                const Tensor v = slope([](const Tensor& x) { return matrix_norm(x, 2); }, small_matrix(1, DType::f64));
                CHECK(close(gradient([](const Tensor& x) { return matrix_norm(x, 2); }), v, tolerance));
                // The vectors' own gradients are those of the matrix of ordinary size, divided by the scale.
                const auto vectors = [](const Tensor& x) {
                    const auto [u, s, vh] = svd(x);
                    return square(u) * tensor({1.0, 2.0}).to(x.dtype()) + square(vh);
                };
                CHECK(close(gradient(vectors) * scale, slope(vectors, small_matrix(1, DType::f64)), 10 * tolerance));
                const auto eigenvectors = [](const Tensor& x) {
                    return square(eigh(x).eigenvectors) * tensor({1.0, 2.0}).to(x.dtype());
                };
                CHECK(close(gradient(eigenvectors) * scale, slope(eigenvectors, small_matrix(1, DType::f64)),
                            10 * tolerance));
                const auto fro = [](const Tensor& x) { return matrix_norm(x); };
                CHECK(close(gradient(fro), slope(fro, small_matrix(1, DType::f64)), tolerance));
                const auto cubic = [](const Tensor& x) { return norm(x, 3); };
                CHECK(close(cubic(a).to(DType::f64) / scale, cubic(small_matrix(1, DType::f64)), 10 * tolerance));
                CHECK(close(gradient(cubic), slope(cubic, small_matrix(1, DType::f64)), tolerance));
                const Tensor b = (tensor({1.0, 2.0}) * scale).to(dtype);
                const auto solution = [](const Tensor& right) {
                    return [=](const Tensor& x) { return lstsq(x, right).solution; };
                };
                CHECK(close(gradient(solution(b)) * scale,
                            slope(solution(tensor({1.0, 2.0})), small_matrix(1, DType::f64)), 10 * tolerance));
                if (scale < 1)
                    CHECK(close(gradient([](const Tensor& x) { return det(x); }) / scale,
                                tensor({{2.0, -1.0}, {-1.0, 3.0}}), 10 * tolerance));
            }
    }

    TEST_CASE("equal numbers are normalised to exactly 0, whatever they are") {
        const auto largest = [](const Tensor& x) { return max(abs(x)).to(DType::f64).item<double>(); };
        for (const DType dtype : both)
            for (int i = 1; i <= 200; ++i) {
                const double value = i == 200 ? 7.3e9 : 17.3 * i;
                CAPTURE(value);
                for (const Shape& shape : {Shape{64, 3}, Shape{8, 4, 37}, Shape{3, 2, 5, 5}}) {
                    CAPTURE(to_string(shape));
                    const Tensor x = full(shape, value, dtype);
                    const BatchNormResult y = batch_norm(x, none, none, none, none, {.training = true});
                    CHECK(largest(y.y) == 0);
                    CHECK(largest(y.running_var) == 0);
                    CHECK(largest(y.running_mean - full({shape[1]}, value, dtype)) == 0);
                    CHECK(largest(layer_norm(x, {shape.back()})) == 0);
                    CHECK(largest(group_norm(x, 1)) == 0);
                    if (shape.rank() > 2) CHECK(largest(instance_norm(x)) == 0);
                    for (const int axis : {0, -1}) {
                        CHECK(largest(var(x, axis)) == 0);
                        CHECK(largest(slope([=](const Tensor& u) { return var(u, axis); }, x)) == 0);
                        CHECK(largest(xgrad::std(x, axis)) == 0);
                    }
                    CHECK(largest(cov(reshape(x, {shape[0], -1}))) == 0);
                }
            }
    }

    TEST_CASE("products that underflow on one side and overflow on the other have no NaN in their gradients") {
        const Tensor f64 = tensor({1e-200, 1e-200, 1e200, 1e300, 3.0}),
                     f32 = tensor({1e-30f, 1e-30f, 1e30f, 1e38f, 3.0f});
        for (const Tensor& x : {f64, f32}) {
            const Function f = [](const Tensor& u) { return prod(u); };
            CHECK(f(x).to(DType::f64).item<double>() == 0);
            const Tensor g = slope(f, x);
            CHECK(all(isfinite(g)).item<bool>());
            CHECK(values(g.to(DType::f64))[4] == 0);
            CHECK(all(isfinite(jvp(f, x, ones_like(x)))).item<bool>());
        }
        const Function running = [](const Tensor& u) { return cumprod(u, 0); };
        CHECK(!any(isnan(slope(running, f64))).item<bool>());
        CHECK(values(slope(running, f64))[4] == 0);
        CHECK(!any(isnan(jvp(running, f64, ones_like(f64)))).item<bool>());
        // With a real infinity it is IEEE's product.
        CHECK(values(slope([](const Tensor& u) { return prod(u); }, tensor({0.0, inf})))[0] == inf);
        CHECK(std::isnan(values(slope([](const Tensor& u) { return prod(u); }, tensor({0.0, inf, 2.0})))[2]));
        CHECK(std::isnan(values(slope([](const Tensor& u) { return prod(u); }, tensor({2.0, not_a_number})))[0]));
    }
}
