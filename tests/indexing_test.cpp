// x[i], parts with numbers among them, and layers around windows.

#include <autodiff/autodiff.hpp>
#include <doctest/doctest.h>
#include <nn/nn.hpp>

#include "support.hpp"

using namespace xgrad;
using tests::close;
using tests::error_of;
using tests::here;

TEST_SUITE_BEGIN("indexing");

TEST_CASE("indexing: x[i] drops the first axis, x[Slice] keeps it") {
    const Tensor x = reshape(arange(12.0, DType::f64), {3, 4});
    CHECK(close(x[1], tensor({4.0, 5.0, 6.0, 7.0})));
    CHECK(x[1][2].item() == 6);
    CHECK(x[-1][-1].item() == 11);
    CHECK(close(x[Slice{1, 3}], slice(x, 0, 1, 3)));
    CHECK(close(x[Slice{{}, {}, -1}], flip(x, 0)));
    CHECK(x[Slice{.stop = 0}].shape() == Shape{0, 4});
    Tape tape;
    const Tensor w = tape.watch(x);
    CHECK(close(tape.gradient(sum(w[1] * w[2]), w), stack({zeros_like(x[0]), x[2], x[1]})));
    CHECK(error_of<IndexError>([&] { x[3]; }) == "select: index must be in [-3, 3), got 3" + here());
    CHECK(error_of<IndexError>([&] { scalar(1.0)[0]; }).ends_with(here()));
}

TEST_CASE("indexing: remainder has Python's operator") {
    CHECK(close(tensor({7.0, -7.0}) % 3, tensor({1.0, 2.0})));
    Tensor x = tensor({7, -7});
    x %= 4;
    CHECK(close(x, tensor({3, 1})));
}

TEST_CASE("indexing: plain numbers stand among the parts of concat and stack") {
    const Tensor a = scalar(2.0f), b = scalar(3.0f);
    CHECK(close(stack({a, 1, b, 0.5}), tensor({2.0f, 1.0f, 3.0f, 0.5f})));
    CHECK(stack({a, 1}).dtype() == DType::f32);
    Tape tape;
    const Tensor w = tape.watch(scalar(4.0));
    CHECK(close(tape.gradient(sum(square(stack({w, 1.0, w}))), w), scalar(16.0)));
    CHECK(error_of<ValueError>([] { stack({1.0, 2.0}); }) ==
          "stack: at least one operand must be a tensor, got numbers" + here());
    CHECK(error_of<ValueError>([] { concat({}); }) ==
          "concat: there must be at least one tensor, got an empty list" + here());
}

TEST_CASE("indexing: unbind is stack's inverse, of any axis and size") {
    const Tensor x = reshape(arange(24.0, DType::f64), {2, 3, 4});
    for (const int axis : {0, 1, 2, -1}) CHECK(close(stack(unbind(x, axis), axis), x));
    CHECK(unbind(zeros({0, 3})).empty());
    CHECK(unbind(zeros({2, 0}), 0)[1].shape() == Shape{0});
}

TEST_CASE("indexing: a convolution is a product with unfolded windows, and fold counts their overlaps") {
    Generator generator(3);
    const Tensor x = randn({2, 3, 6, 5}, generator, DType::f64), w = randn({4, 3, 2, 3}, generator, DType::f64);
    const nn::Unfold columns({2, 3}, {.dilation = {2, 1}, .padding = 1, .stride = {1, 2}});
    const Tensor product = matmul(reshape(w, {4, 18}), columns(x));
    const Tensor direct = conv2d(x, w, {}, {.stride = {1, 2}, .padding = 1, .dilation = {2, 1}});
    CHECK(close(reshape(product, direct.shape()), direct, 1e-12));
    const nn::Fold back({6, 5}, {2, 3}, {.dilation = {2, 1}, .padding = 1, .stride = {1, 2}});
    CHECK(close(sum(back(columns(x)) * x), sum(square(columns(x))), 1e-12));  // one is the other's transpose
    CHECK(error_of<ShapeError>([&] { unfold(x, 9); }) ==
          "unfold: the kernel must fit into the padded size, got 6 and a kernel of 9 with dilation 1" + here());
    CHECK(error_of<ValueError>([&] {
              unfold(x, 2, {.padding = -1});
          }).starts_with("unfold: sizes, kernel, stride and dilation must be positive"));
    CHECK(error_of<ShapeError>([&] { fold(zeros({1, 5, 4}), 4, 2); }) ==
          "fold: the input must be (batch, channels * 4, 9), got shape (1, 5, 4)" + here());
}

TEST_CASE("indexing: grids of one size sample the identity, and wrong ones say what fits") {
    const Tensor x = reshape(arange(24.0, DType::f64), {1, 2, 3, 4}),
                 theta = tensor({{{1.0, 0.0, 0.0}, {0.0, 1.0, 0.0}}});
    for (const bool align : {false, true})
        for (const auto mode : {GridSample::bilinear, GridSample::nearest, GridSample::bicubic})
            CHECK(close(grid_sample(x, affine_grid(theta, x.shape(), align), {.mode = mode, .align_corners = align}), x,
                        1e-12));
    CHECK(error_of<ShapeError>([&] { grid_sample(x, zeros({1, 2, 2, 3}, DType::f64)); }).ends_with(here()));
    CHECK(error_of<ShapeError>([&] { affine_grid(theta, {2, 1, 3, 3}); }).ends_with(here()));
}

TEST_CASE("indexing: scatter_reduce takes integers, empty indices and long lists") {
    const Tensor all = full({1000}, 1.001, DType::f64), one = zeros({1000}, DType::i64);
    CHECK(scatter_reduce(tensor({2.0}), 0, one, all, ScatterReduce::prod).item() ==
          doctest::Approx(2 * std::pow(1.001, 1000)));
    CHECK(close(scatter_reduce(tensor({1, 5}), 0, tensor({0, 0, 1}), tensor({4, 2, 3}), ScatterReduce::max),
                tensor({4, 5})));
    CHECK(
        close(scatter_reduce(tensor({1.0, 5.0}), 0, zeros({0}, DType::i64), zeros({0}, DType::f64), ScatterReduce::min),
              tensor({1.0, 5.0})));
    CHECK(error_of<DTypeError>([] { scatter_reduce(tensor({1}), 0, tensor({0}), tensor({2}), ScatterReduce::mean); }) ==
          "scatter_reduce: a mean must be f32 or f64, got i32" + here());
}

TEST_SUITE_END();
