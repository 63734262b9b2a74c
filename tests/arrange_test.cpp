#include <doctest/doctest.h>

#include <autodiff/autodiff.hpp>

#include "support.hpp"

using namespace xgrad;
using tests::close;
using tests::error_of;
using tests::here;

// What the op table cannot say of the operations that arrange and index: their errors, and types without gradient.

// clang-format off
TEST_SUITE("arranging and indexing") {
    const Tensor vector = tensor({1.0, 2.0, 3.0}), matrix = tensor({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}), image = zeros({1, 1, 2, 2}, DType::f64);
    const Tensor first = tensor({{std::int64_t{0}}}), mask = tensor({true, false, true});

    TEST_CASE("errors of what arranges") {
        CHECK(error_of<IndexError>([] { flip(matrix, 2); }) == "flip: axis must be in [-2, 2), got 2" + here());
        CHECK(error_of<ValueError>([] { roll(matrix, {1, 2}, {0}); }) == "roll: there must be a shift for each axis, got 2 and 1" + here());
        CHECK(error_of<IndexError>([] { rot90(matrix, 1, 1, 1); }) == "rot90: axes must differ, got 1 twice" + here());
        CHECK(error_of<ValueError>([] { tile(vector, {-1}); }) == "tile: repetitions must not be negative, got -1" + here());
        CHECK(error_of<ValueError>([] { repeat(vector, -1); }) == "repeat: the count must not be negative, got -1" + here());
        CHECK(error_of<ShapeError>([] { repeat(vector, tensor({1, 2})); }) == "repeat: there must be one count for each of 3 elements, got shape (2,)" + here());
        CHECK(error_of<DTypeError>([] { repeat(vector, vector); }) == "repeat: indices must be i32 or i64, got f64" + here());
        CHECK(error_of<ValueError>([] { pad(matrix, {{1, 1}, {0, 0}, {2, 2}}); }) == "pad: there must be one pair of widths, or one per axis, got 3 for shape (2, 3)" + here());
        CHECK(error_of<ValueError>([] { pad(vector, {{1, -1}}); }) == "pad: widths must not be negative, got {1, -1}" + here());
        CHECK(error_of<ShapeError>([] { pad(zeros({0}), {{1, 1}}, {.mode = PadMode::reflect}); }) == "pad: only a constant can surround an axis of size 0, got axis 0 of (0,)" + here());
        CHECK(error_of<ShapeError>([] { meshgrid({vector, matrix}); }) == "meshgrid: each tensor must be a vector, got shape (2, 3)" + here());
        CHECK(error_of<ShapeError>([] { tril(vector); }) == "tril: must have at least 2 axes, got shape (3,)" + here());
        CHECK(error_of<ShapeError>([] { diagonal(vector); }) == "diagonal: must have at least 2 axes, got shape (3,)" + here());
        CHECK(error_of<ShapeError>([] { diag(image); }) == "diag: must have 1 or 2 axes, got shape (1, 1, 2, 2)" + here());
        CHECK(error_of<ValueError>([] { unfold(vector, 0, 4, 1); }) == "unfold: the size must be in [0, 3], got 4" + here());
        CHECK(error_of<ValueError>([] { unfold(vector, 0, 2, 0); }) == "unfold: the step must be positive, got 0" + here());
    }

    TEST_CASE("errors of what indexes") {
        CHECK(error_of<IndexError>([] { gather(matrix, 1, tensor({{3}})); }) == "gather: indices must be in [-3, 3), got 3" + here());
        CHECK(error_of<DTypeError>([] { gather(matrix, 1, matrix); }) == "gather: indices must be i32 or i64, got f64" + here());
        CHECK(error_of<ShapeError>([] { gather(matrix, 1, tensor({0})); }) == "gather: indices must have the tensor's rank and not exceed it except along axis 1, got (1,) for (2, 3)" + here());
        CHECK(error_of<ShapeError>([] { scatter(matrix, 1, tensor({{0}, {0}, {0}}), 1.0); }) == "scatter: indices must have the tensor's rank and not exceed it except along axis 1, got (3, 1) for (2, 3)" + here());
        CHECK(error_of<ShapeError>([] { scatter(matrix, 1, tensor({{0, 1}}), tensor({{1.0}})); }) == "scatter: the source must be as large as the indices in each axis, got (1, 1) and (1, 2)" + here());
        CHECK(error_of<DTypeError>([] { scatter_add(matrix, 1, first, tensor({{1.0f}})); }) == "scatter_add: dtypes must agree, got f64 and f32 for the source (convert one with .to())" + here());
        CHECK(error_of<ShapeError>([] { put_along_axis(matrix, tensor({0}), 1.0, 1); }) == "put_along_axis: indices must have the tensor's rank, got (1,) for (2, 3)" + here());
        CHECK(error_of<DTypeError>([] { masked_fill(matrix, matrix, 1.0); }) == "masked_fill: the mask must be bool, got f64" + here());
        CHECK(error_of<ShapeError>([] { masked_select(matrix, tensor({true, false})); }) == "masked_select: shapes must broadcast, got (2, 3) and (2,)" + here());
        CHECK(error_of<ShapeError>([] { select(matrix, mask); }) == "select: the mask must have the shape of leading axes, got (3,) for (2, 3)" + here());
        CHECK(error_of<IndexError>([] { embedding(tensor({-1}), matrix); }) == "embedding: indices must be in [0, 2), got -1" + here());
        CHECK(error_of<ShapeError>([] { embedding(tensor({0}), vector); }) == "embedding: the weight must have 2 axes, got shape (3,)" + here());
        CHECK(error_of<IndexError>([] { embedding(tensor({0}), matrix, {.padding_idx = 2}); }) == "embedding: padding_idx must be in [-2, 2), got 2" + here());
    }

    TEST_CASE("errors of interpolate") {
        CHECK(error_of<ValueError>([] { interpolate(image, {}); }) == "interpolate: either size or scale_factor must be given, got neither" + here());
        CHECK(error_of<ValueError>([] { interpolate(image, {.size = {1}, .scale_factor = {1}}); }) == "interpolate: either size or scale_factor must be given, got both" + here());
        CHECK(error_of<ShapeError>([] { interpolate(image, {.size = {1}, .mode = Interpolation::linear}); }) == "interpolate: linear needs 3 axes, got shape (1, 1, 2, 2)" + here());
        CHECK(error_of<ShapeError>([] { interpolate(matrix, {.size = {1}}); }) == "interpolate: nearest needs 3 to 5 axes, got shape (2, 3)" + here());
        CHECK(error_of<ValueError>([] { interpolate(image, {.size = {1}, .align_corners = true}); }) == "interpolate: align_corners belongs to the linear and cubic modes, got nearest" + here());
        CHECK(error_of<ValueError>([] { interpolate(image, {.size = {1, 2, 3}}); }) == "interpolate: there must be one size or factor, or one for each of 2 axes, got 3" + here());
        CHECK(error_of<ShapeError>([] { interpolate(image, {.scale_factor = {0.4}}); }) == "interpolate: sizes must be positive, got 2 and 0 for axis 2" + here());
    }

    TEST_CASE("integers and masks are arranged and indexed like numbers") {
        const Tensor numbers = tensor({{1, 2}, {3, 4}}), truths = equal(numbers, 2);
        CHECK(close(flip(numbers), tensor({{4, 3}, {2, 1}})));
        CHECK(close(pad(numbers, {{0, 0}, {1, 0}}, {.value = -1}), tensor({{-1, 1, 2}, {-1, 3, 4}})));
        CHECK(close(pad(truths, {{0, 0}, {1, 0}}, {.value = 1}), tensor({{1, 0, 1}, {1, 0, 0}})));
        CHECK(close(triu(truths, 1), tensor({{0, 1}, {0, 0}})));
        CHECK(close(unfold(tensor({1, 2, 3}), 0, 2, 1), tensor({{1, 2}, {2, 3}})));
        CHECK(close(gather(numbers, 1, tensor({{1}, {-2}})), tensor({{2}, {3}})));
        CHECK(close(scatter(numbers, 0, tensor({{1, 0}}), tensor({{7, 8}})), tensor({{1, 8}, {7, 4}})));
        CHECK(close(scatter_add(numbers, 0, tensor({{1, 1}}), tensor({{7, 8}})), tensor({{1, 2}, {10, 12}})));
        CHECK(close(masked_select(numbers, truths), tensor({2})));
        CHECK(masked_select(numbers, truths).dtype() == DType::i32);
    }

    TEST_CASE("a mask, its places and what it chooses belong together") {
        const Tensor chosen = greater(matrix, 2.5), places = argwhere(chosen);
        CHECK(places.dtype() == DType::i64);
        CHECK(close(places, tensor({{0, 2}, {1, 0}, {1, 1}, {1, 2}})));
        const auto axes = nonzero(chosen);
        CHECK(axes.size() == 2);
        CHECK(close(take_along_axis(ravel(matrix), axes[0] * 3 + axes[1], 0), masked_select(matrix, chosen)));
        CHECK(close(select(matrix, chosen), tensor({3.0, 4.0, 5.0, 6.0})));
        CHECK(nonzero(scalar(1.0)).empty());
    }

    TEST_CASE("large tensors are shared out to threads with the same result") {
        const Tensor x = reshape(arange(0, 360000, 1, DType::f64), {600, 600}), back = flip(arange(0, 600, 1, DType::i64));
        const Tensor rows = broadcast_to(expand_dims(back, 0), {600, 600}), columns = broadcast_to(expand_dims(back, 1), {600, 600});
        CHECK(close(gather(x, 1, rows), flip(x, 1)));
        CHECK(close(gather(x, 0, columns), flip(x, 0)));
        CHECK(close(scatter(zeros_like(x), 1, rows, x), flip(x, 1)));
        CHECK(close(scatter_add(x, 0, columns, x), x + flip(x, 0)));
        CHECK(close(tril(x) + triu(x, 1), x));
        CHECK(close(roll(roll(x, 7, 1), -7, 1), x));
    }
}
// clang-format on
