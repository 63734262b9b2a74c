// Integers as NumPy has them: i32 and i64 mix, numbers meet them exactly or not at all, and what is whole is arithmetic
// for them, too.

#include <autodiff/autodiff.hpp>
#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <vector>

#include "support.hpp"

using namespace xgrad;
using tests::error_of;
using tests::here;

namespace {

using Int = std::int64_t;
constexpr Int beyond_double = 9007199254740993;  // 2^53 + 1

std::vector<Int> integers(const Tensor& x) {
    const Tensor wide = x.to(DType::i64);
    const auto data = wide.data<Int>();
    return {data.begin(), data.end()};
}
Tensor i64(std::initializer_list<Int> values) { return tensor(std::vector<Int>(values)); }
using V = std::vector<Int>;

/// The values, and the type in which they came.
void check_integers(const Tensor& got, DType dtype, const V& wanted, int line = __builtin_LINE()) {
    CAPTURE(line);
    CHECK(got.dtype() == dtype);
    CHECK(integers(got) == wanted);
}

}  // namespace

TEST_SUITE_BEGIN("integers");

TEST_CASE("integers: a plain number meets a tensor exactly, or is an error") {
    CHECK(integers(i64({0}) + beyond_double) == V{beyond_double});
    CHECK(integers(beyond_double - i64({1})) == V{beyond_double - 1});
    CHECK(integers(i64({1}) * std::numeric_limits<Int>::min()) == V{std::numeric_limits<Int>::min()});
    CHECK(integers(equal(i64({beyond_double, beyond_double - 1}), beyond_double)) == V{1, 0});
    CHECK(integers(less(i64({beyond_double - 1}), beyond_double)) == V{1});
    CHECK(integers(where(tensor({true, false}), i64({1, 2}), beyond_double)) == V{1, beyond_double});
    CHECK(integers(masked_fill(i64({1, 2}), tensor({true, false}), beyond_double)) == V{beyond_double, 2});
    CHECK(integers(full({2}, beyond_double, DType::i64)) == V{beyond_double, beyond_double});
    CHECK(integers(full_like(i64({1}), beyond_double)) == V{beyond_double});
    CHECK(integers(scalar(beyond_double, DType::i64)) == V{beyond_double});
    CHECK(integers(pad(i64({1}), {{1, 0}}, {.value = beyond_double})) == V{beyond_double, 1});
    CHECK(integers(scatter(i64({1, 2}), 0, tensor({0}), beyond_double)) == V{beyond_double, 2});
    CHECK(integers(clip(i64({0, beyond_double + 5}), 1, beyond_double)) == V{1, beyond_double});
    CHECK(integers(maximum(i64({0}), beyond_double)) == V{beyond_double});
    CHECK(integers(i64({1}) + std::uint8_t{200}) == V{201});

    CHECK(error_of<ValueError>([] { add(i64({1}), 0.5); }) ==
          "add: a plain number takes the tensor's type i64, which cannot hold 0.5 (convert the tensor with .to())" +
              here());
    CHECK(error_of<ValueError>([] { add(tensor({1}), 3000000000); }) ==
          "add: a plain number takes the tensor's type i32, which cannot hold 3000000000 (convert the tensor with "
          ".to())" +
              here());
    CHECK(error_of<ValueError>([] { equal(i64({1}), 18446744073709551615u); }) ==
          "equal: a plain number takes the tensor's type i64, which cannot hold 1.84467e+19 (convert the tensor with "
          ".to())" +
              here());
    CHECK(error_of<ValueError>([] { full({2}, 1.5, DType::i32); }) == "full: i32 cannot hold 1.5" + here());
    CHECK(error_of<ValueError>([] { full({2}, std::numeric_limits<double>::quiet_NaN(), DType::i64); }) ==
          "full: i64 cannot hold nan" + here());
    CHECK(error_of<ValueError>([] { scalar(2, DType::boolean); }) == "full: bool cannot hold 2" + here());
    CHECK(error_of<ValueError>([] { clip(tensor({1}), 0.5, 2); }) ==
          "clip: a plain number takes the tensor's type i32, which cannot hold 0.5 (convert the tensor with .to())" +
              here());
}

TEST_CASE("integers: arange of integers is i64 and exact, of others f32, and of a dtype what it can hold") {
    check_integers(arange(3), DType::i64, {0, 1, 2});
    check_integers(arange(5, 0, -2), DType::i64, {5, 3, 1});
    check_integers(arange(beyond_double, beyond_double + 3), DType::i64,
                   {beyond_double, beyond_double + 1, beyond_double + 2});
    check_integers(arange(std::numeric_limits<Int>::max() - 1, std::numeric_limits<Int>::max()), DType::i64,
                   {std::numeric_limits<Int>::max() - 1});
    check_integers(arange(0, 5, 2, DType::i32), DType::i32, {0, 2, 4});
    CHECK(arange(3, DType::f64).dtype() == DType::f64);
    CHECK(arange(3.0).dtype() == DType::f32);
    CHECK(arange(0, 1, 0.25).dtype() == DType::f32);
    CHECK(arange(-3).size() == 0);
    CHECK(error_of<ValueError>([] { arange(2147483648, 2147483650, 1, DType::i32); }) ==
          "arange: i32 cannot hold the elements from 2147483648 to 2147483650" + here());
    CHECK(error_of<ValueError>([] { arange(0, 5, 0); }) == "arange: the step must not be zero" + here());
    CHECK(error_of<ValueError>([] { arange(std::numeric_limits<Int>::min(), std::numeric_limits<Int>::max()); }) ==
          "arange: the result would be too long, got -9223372036854775808 to 9223372036854775807 in steps of 1" +
              here());
    CHECK(error_of<ValueError>([] { arange(1e300, DType::i64); }) ==
          "arange: the result would be too long, got 0 to 1e+300 in steps of 1" + here());
}

TEST_CASE("integers: i32 and i64 mix, to i64") {
    const Tensor a = tensor({1, 2, 3}), b = i64({1, 2, beyond_double});
    check_integers(a + b, DType::i64, {2, 4, beyond_double + 3});
    check_integers(b - a, DType::i64, {0, 0, beyond_double - 3});
    check_integers(maximum(a, b), DType::i64, {1, 2, beyond_double});
    check_integers(floor_divide(b, a), DType::i64, {1, 1, beyond_double / 3});
    check_integers(where(tensor({true, false, true}), a, b), DType::i64, {1, 2, 3});
    check_integers(concat({a, b}), DType::i64, {1, 2, 3, 1, 2, beyond_double});
    check_integers(stack({a, b}, 1), DType::i64, {1, 1, 2, 2, 3, beyond_double});
    check_integers(a == b, DType::boolean, {1, 1, 0});
    check_integers(b > a, DType::boolean, {0, 0, 1});
    check_integers(matmul(a, b), DType::i64, {5 + 3 * beyond_double});
    check_integers(a + a, DType::i32, {2, 4, 6});
    const Tensor scores = tensor({{0.1, 0.9}, {0.8, 0.2}, {0.3, 0.7}});
    check_integers(tensor({1, 0, 0}) == argmax(scores, 1), DType::boolean, {1, 1, 0});
    CHECK_THROWS_AS(a + tensor({1.0, 2.0, 3.0}), DTypeError);
}

TEST_CASE("integers: what is whole is arithmetic for them, too") {
    const Tensor a = tensor({-3, 0, 4});
    check_integers(square(a), DType::i32, {9, 0, 16});
    check_integers(abs(a), DType::i32, {3, 0, 4});
    check_integers(-a, DType::i32, {3, 0, -4});
    check_integers(sign(a), DType::i32, {-1, 0, 1});
    check_integers(floor(a), DType::i32, {-3, 0, 4});
    check_integers(ceil(a), DType::i32, {-3, 0, 4});
    check_integers(round(a), DType::i32, {-3, 0, 4});
    check_integers(trunc(a), DType::i32, {-3, 0, 4});
    check_integers(clip(a, -1, 2), DType::i32, {-1, 0, 2});
    check_integers(clip(a, -std::numeric_limits<double>::infinity(), 2), DType::i32, {-3, 0, 2});
    check_integers(pow(a, 3), DType::i32, {-27, 0, 64});
    check_integers(pow(2, a + 3), DType::i32, {1, 8, 128});
    check_integers(pow(a, i64({2, 0, 1})), DType::i64, {9, 1, 4});
    check_integers(pow(i64({3}), 41), DType::i64, {static_cast<Int>(18026252303461234787u)});  // wraps around, as NumPy
    CHECK(error_of<ValueError>([&] { pow(a, -1); }) ==
          "pow: integers have no negative powers (convert one operand with .to())" + here());
    CHECK(error_of<DTypeError>([&] { divide(a, 2); }) == "divide: must be f32 or f64, got i32" + here());
    CHECK(error_of<DTypeError>([&] { sqrt(a); }) == "sqrt: must be f32 or f64, got i32" + here());
}

TEST_CASE("integers: products of matrices are exact, in any layout and batch") {
    const Tensor a = reshape(arange(6), {2, 3}), b = reshape(arange(12), {3, 4}), c = reshape(arange(24), {2, 3, 4});
    check_integers(matmul(a, b), DType::i64, {20, 23, 26, 29, 56, 68, 80, 92});
    check_integers(matmul(a.to(DType::i32), b.to(DType::i32)), DType::i32, {20, 23, 26, 29, 56, 68, 80, 92});
    CHECK(tests::close(matmul(a, c), matmul(a.to(DType::f64), c.to(DType::f64))));
    CHECK(tests::close(einsum("ij,jk->ki", {a, b}), transpose(matmul(a, b))));
    CHECK(einsum("ij,ij", {a.to(DType::i32), a.to(DType::i32)}).dtype() == DType::i32);
    check_integers(tensordot(a, b, 1), DType::i64, {20, 23, 26, 29, 56, 68, 80, 92});
    check_integers(dot(i64({beyond_double, 1}), i64({1, 1})), DType::i64, {beyond_double + 1});
    check_integers(inner(a, a), DType::i64, {5, 14, 14, 50});
    CHECK(matmul(reshape(arange(0), {0, 3}), b).shape() == Shape{0, 4});
    CHECK(error_of<DTypeError>([&] { matmul(a, b.to(DType::f64)); }) ==
          "matmul: dtypes must agree, got i64 and f64 (convert one with .to())" + here());
    CHECK(error_of<DTypeError>([&] { matmul(a > 1, a > 1); }) == "matmul: must be numbers, got bool" + here());
}

TEST_CASE("printing: the numbers that are shown decide the format") {
    Tensor many = full({2000}, 1.5, DType::f64);
    CHECK(to_string(many) == "[1.5, 1.5, 1.5, ..., 1.5, 1.5, 1.5]");
    many = scatter(many, 0, tensor({1000}), 1e-20);  // not shown
    CHECK(to_string(many) == "[1.5, 1.5, 1.5, ..., 1.5, 1.5, 1.5]");
    many = scatter(many, 0, tensor({0}), 1e-20);
    CHECK(to_string(many) == "[1.0000e-20, 1.5000e+00, 1.5000e+00, ..., 1.5000e+00, 1.5000e+00, 1.5000e+00]");
    CHECK(to_string(arange(2000)) == "[   0,    1,    2, ..., 1997, 1998, 1999]");
}

TEST_CASE("printing: digits, abbreviation and the element type can be chosen") {
    const Tensor x = tensor({1.0 / 3, 2.0});
    CHECK(to_string(x) == "[0.3333,    2.0]");
    CHECK(to_string(x, {.digits = 8}) == "[0.33333333,        2.0]");
    CHECK(to_string(x, {.digits = 0}) == "[0., 2.]");
    CHECK(to_string(x, {.dtype = true}) == "[0.3333,    2.0] f64");
    CHECK(to_string(arange(5), {.threshold = 4, .edge_items = 1}) == "[0, ..., 4]");
    CHECK(to_string(arange(5), {.threshold = 4, .edge_items = 0}) == "[...]");
    CHECK(to_string(reshape(arange(9), {3, 3}), {.threshold = 4, .edge_items = 1}) ==
          "[[0, ..., 2],\n ...,\n [6, ..., 8]]");
    CHECK(error_of<ValueError>([&] { to_string(x, {.digits = 18}); }) ==
          "to_string: digits must be in [0, 17] and counts not negative, got 18, 1000 and 3" + here());
}

TEST_SUITE_END();
