#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>

#include "support.hpp"

using namespace xgrad;
using tests::close;
using tests::error_of;
using tests::here;

namespace {

using Int = std::int64_t;

/// A convolution and its gradients as their definition says them, in double.
struct Naive {
    Int batch, groups, in, out;  // channels and outputs of a group
    Int size[3], kernel[3], stride[3], padding[3], dilation[3], result[3];

    /// f(x's place, w's place, y's place) for every product that is part of the convolution.
    template <class F>
    void for_products(const F& f) const {
        Int o[3], k[3];
        for (Int b = 0; b < batch; ++b)
            for (Int g = 0; g < groups; ++g)
                for (Int m = 0; m < out; ++m)
                    for (Int c = 0; c < in; ++c)
                        for (o[0] = 0; o[0] < result[0]; ++o[0])
                            for (o[1] = 0; o[1] < result[1]; ++o[1])
                                for (o[2] = 0; o[2] < result[2]; ++o[2])
                                    for (k[0] = 0; k[0] < kernel[0]; ++k[0])
                                        for (k[1] = 0; k[1] < kernel[1]; ++k[1])
                                            for (k[2] = 0; k[2] < kernel[2]; ++k[2]) {
                                                Int x = (b * groups + g) * in + c, w = (g * out + m) * in + c,
                                                    y = (b * groups + g) * out + m;
                                                bool inside = true;
                                                for (int a = 0; a < 3; ++a) {
                                                    const Int at = o[a] * stride[a] - padding[a] + k[a] * dilation[a];
                                                    inside = inside && at >= 0 && at < size[a];
                                                    x = x * size[a] + at;
                                                    w = w * kernel[a] + k[a];
                                                    y = y * result[a] + o[a];
                                                }
                                                if (inside)
                                                    f(static_cast<std::size_t>(x), static_cast<std::size_t>(w),
                                                      static_cast<std::size_t>(y));
                                            }
    }
    Shape shape_of(Int first, Int second, const Int (&sizes)[3]) const {
        return {first, second, sizes[0], sizes[1], sizes[2]};
    }
};

std::vector<double> numbers(Int n, std::mt19937& engine) {
    std::uniform_real_distribution<double> distribution(-1, 1);
    std::vector<double> v(static_cast<std::size_t>(n));
    for (double& e : v) e = distribution(engine);
    return v;
}

void compare(const Naive& n, DType dtype, std::mt19937& engine) {
    const Shape xs = n.shape_of(n.batch, n.groups * n.in, n.size), ws = n.shape_of(n.groups * n.out, n.in, n.kernel),
                ys = n.shape_of(n.batch, n.groups * n.out, n.result);
    const std::string what =
        to_string(xs) + " * " + to_string(ws) + " in " + std::to_string(n.groups) + " groups gives " + to_string(ys);
    INFO(what);
    const auto xv = numbers(xs.size(), engine), wv = numbers(ws.size(), engine), uv = numbers(ys.size(), engine);
    std::vector<double> y(uv.size()), dx(xv.size()), dw(wv.size());
    n.for_products([&](std::size_t i, std::size_t j, std::size_t k) {
        y[k] += xv[i] * wv[j];
        dx[i] += uv[k] * wv[j];
        dw[j] += uv[k] * xv[i];
    });
    const double tolerance = dtype == DType::f32 ? 2e-5 : 1e-12;
    Tape tape({.persistent = true});
    const Tensor x = tape.watch(tensor(xv, xs).to(dtype)), w = tape.watch(tensor(wv, ws).to(dtype));
    const Tensor u = tape.watch(tensor(uv, ys).to(dtype));
    const ConvFuncOptions options{{n.stride[0], n.stride[1], n.stride[2]},
                                  {n.padding[0], n.padding[1], n.padding[2]},
                                  {n.dilation[0], n.dilation[1], n.dilation[2]},
                                  n.groups};
    const Tensor got = conv3d(x, w, Tensor(), options);
    CHECK(close(got, tensor(y, ys).to(dtype), tolerance));
    CHECK(close(tape.gradient(got, x, {.cotangent = stop_gradient(u)}), tensor(dx, xs).to(dtype), tolerance));
    CHECK(close(tape.gradient(got, w, {.cotangent = stop_gradient(u)}), tensor(dw, ws).to(dtype), tolerance));
    Int rest[3];
    for (int a = 0; a < 3; ++a)
        rest[a] =
            n.size[a] - ((n.result[a] - 1) * n.stride[a] - 2 * n.padding[a] + n.dilation[a] * (n.kernel[a] - 1) + 1);
    const Tensor back = conv_transpose3d(u, w, Tensor(),
                                         {.stride = options.stride,
                                          .padding = options.padding,
                                          .output_padding = {rest[0], rest[1], rest[2]},
                                          .groups = n.groups,
                                          .dilation = options.dilation});
    CHECK(close(back, tensor(dx, xs).to(dtype), tolerance));
    CHECK(close(tape.gradient(back, u, {.cotangent = stop_gradient(x)}), tensor(y, ys).to(dtype), tolerance));
    CHECK(close(tape.gradient(back, w, {.cotangent = stop_gradient(x)}), tensor(dw, ws).to(dtype), tolerance));
}

Int pick(Int low, Int high, std::mt19937& engine) { return std::uniform_int_distribution<Int>(low, high)(engine); }

}  // namespace

TEST_SUITE("convolution") {
    TEST_CASE("convolutions and their gradients are what the definition says, for many sizes") {
        std::mt19937 engine(1);
        for (int round = 0; round < 120; ++round) {
            Naive n;
            n.batch = pick(1, 5, engine);
            n.groups = pick(0, 3, engine) == 0 ? pick(2, 3, engine) : 1;
            n.in = pick(1, 9, engine);
            n.out = pick(1, 11, engine);
            const int axes = static_cast<int>(pick(1, 3, engine));
            for (int a = 0; a < 3; ++a) {
                const bool used = a >= 3 - axes;
                n.kernel[a] = used ? pick(1, 4, engine) : 1;
                n.stride[a] = used ? pick(1, 3, engine) : 1;
                n.dilation[a] = used ? pick(1, 3, engine) : 1;
                n.padding[a] = used ? pick(0, 3, engine) : 0;
                const Int span = n.dilation[a] * (n.kernel[a] - 1) + 1;
                n.size[a] = used ? std::max<Int>(1, span - 2 * n.padding[a]) + pick(0,
                                                                                    axes == 3   ? 4
                                                                                    : axes == 2 ? 13
                                                                                                : 90,
                                                                                    engine)
                                 : 1;
                n.result[a] = (n.size[a] + 2 * n.padding[a] - span) / n.stride[a] + 1;
            }
            compare(n, round % 2 ? DType::f32 : DType::f64, engine);
        }
    }

    TEST_CASE("convolutions larger than every block are right too") {
        std::mt19937 engine(2);
        // More than 1024 results, more than 384 products for each, rows longer than a strip, more outputs than a tile.
        compare({2, 1, 48, 13, {1, 37, 41}, {1, 3, 3}, {1, 1, 1}, {0, 1, 1}, {1, 1, 1}, {1, 37, 41}}, DType::f32,
                engine);
        compare({3, 1, 20, 21, {1, 30, 30}, {1, 5, 5}, {1, 2, 2}, {0, 2, 2}, {1, 1, 1}, {1, 15, 15}}, DType::f64,
                engine);
        compare({1, 1, 3, 70, {1, 70, 90}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}, {1, 1, 1}, {1, 70, 90}}, DType::f32,
                engine);
        compare({40, 1, 7, 9, {1, 4, 4}, {1, 3, 3}, {1, 1, 1}, {0, 1, 1}, {1, 1, 1}, {1, 4, 4}}, DType::f32, engine);
    }

    TEST_CASE("the largest of two by two is the first of equal ones, and NaN wins") {
        std::mt19937 engine(3);
        for (const DType dtype : {DType::f32, DType::f64})
            for (const Int columns : {2, 9, 16, 23, 37, 64}) {  // vectors and what is left
                const Int width = columns / 2, planes = 3, rows = 6;
                std::vector<double> x(static_cast<std::size_t>(planes * rows * columns));
                for (double& e : x)
                    e = engine() % 8 ? static_cast<double>(engine() % 5) - 2 : std::numeric_limits<double>::quiet_NaN();
                const auto [y, places] = max_pool2d_with_indices(tensor(x, {planes, rows, columns}).to(dtype), 2);
                REQUIRE(y.shape() == Shape{planes, rows / 2, width});
                const std::vector<double> got = tests::values(y), at = tests::values(places);
                std::size_t o = 0;
                for (Int p = 0; p < planes; ++p)
                    for (Int r = 0; r < rows / 2; ++r)
                        for (Int c = 0; c < width; ++c, ++o) {
                            Int best = 2 * r * columns + 2 * c;
                            const auto value = [&](Int i) {
                                return x[static_cast<std::size_t>(p * rows * columns + i)];
                            };
                            for (const Int next : {best + 1, best + columns, best + columns + 1})
                                if (value(next) > value(best) || std::isnan(value(next))) best = next;
                            CHECK(at[o] == static_cast<double>(best));
                            CHECK((got[o] == value(best) || (std::isnan(got[o]) && std::isnan(value(best)))));
                        }
            }
    }

    TEST_CASE("errors of convolutions name the rule and what came") {
        const Tensor x = zeros({2, 4, 8}), w = zeros({6, 4, 3}), none;
        CHECK(error_of<ShapeError>([&] { conv2d(zeros({4}), w); }) ==
              "conv2d: the input must have 4 axes (batch, channels, sizes), or 3 without batch, got shape (4,)" +
                  here());
        CHECK(error_of<ShapeError>([&] { conv1d(x, zeros({6, 3, 3})); }) ==
              "conv1d: the weight must be (out, 4, kernel) for an input of shape (2, 4, 8) and 1 group, got (6, 3, 3)" +
                  here());
        CHECK(error_of<ShapeError>([&] { conv1d(x, w, zeros({4})); }) ==
              "conv1d: the bias must be (6,), got (4,)" + here());
        CHECK(error_of<ShapeError>([&] { conv1d(x, zeros({6, 4, 9})); }) ==
              "conv1d: the kernel must fit the padded input, got weight (6, 4, 9) for input (2, 4, 8)" + here());
        CHECK(error_of<ValueError>([&] { conv1d(x, w, none, {.groups = 3}); }) ==
              "conv1d: groups must divide the channels, got 3 for shape (2, 4, 8)" + here());
        CHECK(error_of<ValueError>([&] { conv1d(x, w, none, {.stride = 0}); }) ==
              "conv1d: stride must be at least 1, got 0" + here());
        CHECK(error_of<ValueError>([&] { conv1d(x, w, none, {.padding = {1, 1}}); }) ==
              "conv1d: padding must be one number or 1, got 2" + here());
        CHECK(error_of<DTypeError>([&] { conv1d(x, w.to(DType::f64)); }) ==
              "conv1d: dtypes must agree, got f32 and f64 for the weight (convert one with .to())" + here());
        CHECK(error_of<ShapeError>([&] { conv_transpose1d(x, zeros({6, 4, 3})); }) ==
              "conv_transpose1d: the weight must be (4, out / groups, kernel) for an input of shape (2, 4, 8) and 1 "
              "group, got (6, 4, 3)" +
                  here());
        CHECK(error_of<ValueError>([&] { conv_transpose1d(x, zeros({4, 6, 3}), none, {.output_padding = 1}); }) ==
              "conv_transpose1d: output_padding must be smaller than stride or dilation, got 1" + here());
    }

    TEST_CASE("errors of pooling name the rule and what came") {
        const Tensor x = zeros({2, 4, 8});
        CHECK(error_of<ShapeError>([&] { max_pool1d(x, 9); }) ==
              "max_pool1d: the kernel must fit the padded input, got kernel 9 for shape (2, 4, 8)" + here());
        CHECK(error_of<ValueError>([&] { avg_pool1d(x, 2, {.padding = 2}); }) ==
              "avg_pool1d: padding must be at most half the kernel, got 2 for 2" + here());
        CHECK(error_of<ValueError>([&] { lp_pool1d(x, 0, 2); }) == "lp_pool1d: p must be positive, got 0" + here());
        CHECK(error_of<ShapeError>([&] { adaptive_max_pool1d(zeros({2, 0}), 2); }) ==
              "adaptive_max_pool1d: there must be elements to choose from, got shape (2, 0)" + here());
    }
}
