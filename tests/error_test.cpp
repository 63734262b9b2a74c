#include <doctest/doctest.h>

#include <autodiff/autodiff.hpp>
#include <thread>

#include "support.hpp"

using namespace xgrad;
using tests::error_of;
using tests::here;

// Every error says: operation, the rule that was broken, what came, and the user's line. A message is checked whole, so
// that a change of wording is a change of this file. Each check stands on one line: the line is in the message.

// clang-format off
TEST_SUITE("errors") {
    const Tensor vector = tensor({1.0, 2.0, 3.0}), matrix = tensor({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}});

    TEST_CASE("shapes that do not broadcast") {
        CHECK(error_of<ShapeError>([] { tensor({1.0, 2.0}) + tensor({1.0, 2.0, 3.0}); }) == "add: shapes must broadcast, got (2,) and (3,)" + here());
        CHECK(error_of<ShapeError>([] { maximum(tensor({{1.0, 2.0}}), tensor({1.0, 2.0, 3.0})); }) == "maximum: shapes must broadcast, got (1, 2) and (3,)" + here());
        CHECK(error_of<ShapeError>([] { return tensor({1.0, 2.0}) < tensor({1.0, 2.0, 3.0}); }) == "less: shapes must broadcast, got (2,) and (3,)" + here());
        CHECK(error_of<ShapeError>([] { where(tensor({true, false}), vector, 0.0); }) == "where: shapes must broadcast, got (2,) and (3,)" + here());
        CHECK(error_of<ShapeError>([] { broadcast_to(vector, {2}); }) == "broadcast_to: the tensor must broadcast to the shape, got (3,) and (2,)" + here());
        CHECK(error_of<ShapeError>([] { sum_to(matrix, {4}); }) == "sum_to: the shape must broadcast to the tensor's, got (4,) and (2, 3)" + here());
    }

    TEST_CASE("inner sizes of a matrix product") {
        CHECK(error_of<ShapeError>([] { matmul(matrix, tensor({{1.0, 2.0}})); }) == "matmul: inner sizes must agree, got (2, 3) and (1, 2)" + here());
        CHECK(error_of<ShapeError>([] { matmul(matrix, tensor({1.0, 2.0})); }) == "matmul: inner sizes must agree, got (2, 3) and (2,)" + here());
        CHECK(error_of<ShapeError>([] { matmul(matrix, scalar(1.0)); }) == "matmul: must have at least 1 axis, got shape ()" + here());
        CHECK(error_of<ShapeError>([] { matmul(zeros({2, 3, 4}), zeros({5, 4, 2})); }) == "matmul (leading axes): shapes must broadcast, got (2,) and (5,)" + here());
        CHECK(error_of<ShapeError>([] { linear(matrix, zeros({5, 4}, DType::f64)); }) == "linear: weight must be (out, 3) for an input of shape (2, 3), got (5, 4)" + here());
        CHECK(error_of<ShapeError>([] { linear(matrix, zeros({5, 3}, DType::f64), vector); }) == "linear: bias must be (5,), got (3,)" + here());
    }

    TEST_CASE("dtypes that are mixed") {
        CHECK(error_of<DTypeError>([] { vector + tensor({1.0f, 2.0f, 3.0f}); }) == "add: dtypes must agree, got f64 and f32 (convert one with .to())" + here());
        CHECK(error_of<DTypeError>([] { vector * tensor({1, 2, 3}); }) == "multiply: dtypes must agree, got f64 and i32 (convert one with .to())" + here());
        CHECK(error_of<DTypeError>([] { return vector == tensor({1, 2, 3}); }) == "equal: dtypes must agree, got f64 and i32 (convert one with .to())" + here());
        CHECK(error_of<DTypeError>([] { matmul(matrix, tensor({1.0f, 2.0f, 3.0f})); }) == "matmul: dtypes must agree, got f64 and f32 (convert one with .to())" + here());
        CHECK(error_of<DTypeError>([] { concat({vector, tensor({1.0f})}); }) == "concat: dtypes must agree, got f64 and f32 (convert one with .to())" + here());
        CHECK(error_of<DTypeError>([] { where(tensor({true, false, true}), vector, tensor({1.0f, 2.0f, 3.0f})); }) == "where: dtypes must agree, got f64 and f32 (convert one with .to())" + here());
    }

    TEST_CASE("dtypes an operation does not work on") {
        CHECK(error_of<DTypeError>([] { exp(tensor({1, 2})); }) == "exp: must be f32 or f64, got i32" + here());
        CHECK(error_of<DTypeError>([] { tensor({1, 2}) / tensor({1, 2}); }) == "divide: must be f32 or f64, got i32" + here());
        CHECK(error_of<DTypeError>([] { where(vector, vector, vector); }) == "where: the condition must be a bool tensor, got f64" + here());
        CHECK(error_of<DTypeError>([] { logical_and(vector, vector); }) == "logical_and: must be bool tensors, got f64" + here());
        CHECK(error_of<DTypeError>([] { logsumexp(tensor({1, 2})); }) == "logsumexp: must be f32 or f64, got i32" + here());
        CHECK(error_of<DTypeError>([] { take(vector, vector); }) == "take: indices must be i32 or i64, got f64" + here());
        CHECK(error_of<ValueError>([] { add(1.0, 2.0); }) == "add: at least one operand must be a tensor, got numbers" + here());
        CHECK(error_of<DTypeError>([] { vector.data<float>(); }) == "Tensor::data: the dtype must be the tensor's f64, got f32" + here());
    }

    TEST_CASE("axes out of range") {
        CHECK(error_of<IndexError>([] { sum(matrix, 2); }) == "sum: axis must be in [-2, 2), got 2" + here());
        CHECK(error_of<IndexError>([] { sum(matrix, {0, -2}); }) == "sum: axes must differ, got -2 twice" + here());
        CHECK(error_of<IndexError>([] { softmax(matrix, -3); }) == "softmax: axis must be in [-2, 2), got -3" + here());
        CHECK(error_of<IndexError>([] { transpose(matrix, {0, 0}); }) == "transpose: axes must differ, got 0 twice" + here());
        CHECK(error_of<IndexError>([] { transpose(matrix, {0}); }) == "transpose: axes must be a permutation of 2 axes, got 1 of them" + here());
        CHECK(error_of<IndexError>([] { matrix.shape(2); }) == "Tensor::shape: axis must be in [-2, 2), got 2");
        CHECK(error_of<ShapeError>([] { squeeze(matrix, 0); }) == "squeeze: the axis must have size 1, got axis 0 of (2, 3)" + here());
        CHECK(error_of<ShapeError>([] { zeros({1, 1, 1, 1, 1, 1, 1, 1, 1}); }) == "Shape: at most 8 axes are supported, got more");
    }

    TEST_CASE("indices and labels out of range") {
        CHECK(error_of<IndexError>([] { take(vector, tensor({0, 3})); }) == "take: indices must be in [-3, 3), got 3" + here());
        CHECK(error_of<IndexError>([] { take(vector, tensor({-4})); }) == "take: indices must be in [-3, 3), got -4" + here());
        CHECK(error_of<IndexError>([] { select(vector, 0, 3); }) == "select: index must be in [-3, 3), got 3" + here());
        CHECK(error_of<IndexError>([] { one_hot(tensor({0, 10}), 10); }) == "one_hot: labels must be in [0, 10), got 10" + here());
        CHECK(error_of<IndexError>([] { one_hot(tensor({-1}), 10); }) == "one_hot: labels must be in [0, 10), got -1" + here());
    }

    TEST_CASE("shapes that do not fit the elements") {
        CHECK(error_of<ShapeError>([] { reshape(matrix, {4}); }) == "reshape: the sizes must multiply to 6, got (4,) for (2, 3)" + here());
        CHECK(error_of<ShapeError>([] { reshape(matrix, {4, -1}); }) == "reshape: the known sizes must divide 6, got (4, -1) for (2, 3)" + here());
        CHECK(error_of<ShapeError>([] { reshape(matrix, {-1, -1}); }) == "reshape: at most one size may be -1, got (-1, -1)" + here());
        CHECK(error_of<ShapeError>([] { tensor({1.0, 2.0}, Shape{3}); }) == "tensor: the shape must hold as many elements as are given, got 2 for (3,)" + here());
        CHECK(error_of<ShapeError>([] { tensor({{1.0, 2.0}, {3.0}}); }) == "tensor: rows must have equal lengths, got 2 and 1" + here());
        CHECK(error_of<ShapeError>([] { zeros({2, -1}); }) == "Shape: sizes must not be negative, got (2, -1)" + here());
        CHECK(error_of<ShapeError>([] { zeros({1 << 30, 1 << 30}); }) == "Shape: too many elements, got (1073741824, 1073741824)" + here());
        CHECK(error_of<ShapeError>([] { matrix.item(); }) == "Tensor::item: the tensor must have one element, got shape (2, 3)" + here());
        CHECK(error_of<ShapeError>([] { max(zeros({0})); }) == "max: there must be an element to choose, got shape (0,)" + here());
    }

    TEST_CASE("lists that do not fit together") {
        CHECK(error_of<ShapeError>([] { concat({matrix, zeros({2, 4}, DType::f64)}); }) == "concat: sizes must agree except along axis 0, got (2, 3) and (2, 4)" + here());
        CHECK(error_of<ShapeError>([] { stack({vector, matrix}); }) == "stack: shapes must agree, got (3,) and (2, 3)" + here());
        CHECK(error_of<ValueError>([] { concat({}); }) == "concat: there must be at least one tensor, got an empty list" + here());
        CHECK(error_of<ShapeError>([] { split(vector, 2); }) == "split: the number of sections must divide 3, got 2" + here());
        CHECK(error_of<ValueError>([] { slice(vector, 0, 0, 3, 0); }) == "slice: the step must not be zero, got 0" + here());
        CHECK(error_of<ValueError>([] { clip(vector, 2, 1); }) == "clip: low must not exceed high, got 2 and 1" + here());
    }

    TEST_CASE("activations with arguments that make no sense") {
        CHECK(error_of<ValueError>([] { hardtanh(vector, 2, 1); }) == "hardtanh: low must not exceed high, got 2 and 1" + here());
        CHECK(error_of<ValueError>([] { celu(vector, 0); }) == "celu: alpha must not be 0, got 0" + here());
        CHECK(error_of<ValueError>([] { softshrink(vector, -1); }) == "softshrink: lambda must not be negative, got -1" + here());
        CHECK(error_of<ShapeError>([] { prelu(matrix, zeros({2}, DType::f64)); }) == "prelu: the weight must have one element or one for each of the 3 channels, got shape (2,)" + here());
        CHECK(error_of<ValueError>([] { polygamma(-1, vector); }) == "polygamma: the order must be in [0, 1000], got -1" + here());
    }

    TEST_CASE("an empty tensor") {
        const std::string text = "Tensor: an empty tensor was used (default-constructed, moved from, or an absent gradient)";
        const auto named = [](const char* operation) { return std::string(operation) + ": the argument must be a tensor, got an empty one"; };
        CHECK(error_of<ValueError>([] { exp(Tensor()); }) == named("exp") + here());
        CHECK(error_of<ValueError>([] { vector + Tensor(); }).find(named("add")) == 0);
        CHECK(error_of<ValueError>([] { pow(Tensor(), 2); }) == named("pow") + here());
        CHECK(error_of<ValueError>([] { negative(Tensor()); }) == named("negative") + here());
        CHECK(error_of<ValueError>([] { abs(Tensor()); }) == named("abs") + here());
        CHECK(error_of<ValueError>([] { less(Tensor(), vector); }) == named("less") + here());
        CHECK(error_of<ValueError>([] { logical_not(Tensor()); }) == named("logical_not") + here());
        CHECK(error_of<ValueError>([] { isnan(Tensor()); }) == named("isnan") + here());
        CHECK(error_of<ValueError>([] { where(vector > 0.0, Tensor(), vector); }) == named("where") + here());
        CHECK(error_of<ValueError>([] { prelu(vector, Tensor()); }) == named("prelu") + here());
        CHECK(error_of<ValueError>([] { matmul(Tensor(), vector); }) == named("matmul") + here());
        CHECK(error_of<ValueError>([] { sum(Tensor()); }) == "sum: the argument must be a tensor, got an empty one" + here());
        CHECK(error_of<ValueError>([] { reshape(Tensor(), {1}); }) == "reshape: the argument must be a tensor, got an empty one" + here());
        CHECK(error_of([] { Tensor().item(); }) == text);
        CHECK(error_of([] { Tensor().shape(); }) == text);
    }

    TEST_CASE("random numbers outside their domain") {
        Generator g(1);
        CHECK(error_of<ValueError>([&] { randint(3, 3, {2}, g); }) == "randint: low must be below high, got 3 and 3" + here());
        CHECK(error_of<ValueError>([&] { bernoulli(1.5, {2}, g); }).find("bernoulli: p must be in [0, 1], got 1.5") == 0);
        CHECK(error_of<ValueError>([&] { permutation(-1, g); }) == "permutation: n must not be negative, got -1" + here());
    }

    TEST_CASE("a tape used twice") {
        Tape tape;
        const Tensor x = tape.watch(vector);
        const Tensor y = sum(x * x);
        tape.gradient(y, x);
        CHECK(error_of<TapeError>([&] { tape.gradient(y, x); }) == "Tape::gradient: a tape gives one gradient, got a second call; make it persistent: Tape tape({.persistent = true})" + here());
        CHECK(error_of<TapeError>([&] { tape.watch(vector); }) == "Tape::watch: the tape has taken its gradient; open a new one, or make it persistent" + here());
    }

    TEST_CASE("a tape of another thread") {
        Tape tape;
        const Tensor x = tape.watch(vector);
        const Tensor y = sum(x);
        std::string text;
        int line = 0;
        std::thread([&] {
            line = __LINE__ + 1;
            text = error_of<TapeError>([&] { tape.gradient(y, x); });
        }).join();
        CHECK(text == "Tape::gradient: a tape must be used by the thread that opened it, got a call from another thread" + here(line));
    }

    TEST_CASE("a gradient of what has none") {
        Tape tape({.persistent = true});
        const Tensor x = tape.watch(vector);
        CHECK(error_of<ShapeError>([&] { tape.gradient(x * x, x); }) == "Tape::gradient: y must have one element, or a cotangent of its shape be given, got (3,)" + here());
        CHECK(error_of<ShapeError>([&] { tape.gradient(x * x, x, {.cotangent = scalar(1.0)}); }) == "Tape::gradient: the cotangent must have y's shape (3,), got ()" + here());
        CHECK(error_of<DTypeError>([&] { tape.gradient(x * x, x, {.cotangent = ones({3})}); }) == "Tape::gradient: the cotangent must have y's dtype f64, got f32" + here());
        CHECK(error_of<DTypeError>([&] { tape.gradient(argmax(x), x); }) == "Tape::gradient: y must be f32 or f64, got i64" + here());
        CHECK(error_of<DTypeError>([&] { tape.watch(tensor({1, 2})); }) == "Tape::watch: only f32 and f64 have gradients, got i32" + here());
        const Gradients g = tape.gradient(sum(x));
        CHECK(error_of<TapeError>([&] { g[vector]; }) == "Gradients: no gradient for a constant of shape (3,); use the tensor that Tape::watch returned");
    }

    TEST_CASE("a wrong pullback") {
        Tape tape({.persistent = true});
        const Tensor x = tape.watch(vector);
        const auto identity = [](const Tensor& a) { return a * 1.0; };
        const int line = __LINE__ + 1;
        const Tensor shape = apply("mine", {x}, identity, [](Tensor) { return tensor({1.0, 2.0}); });
        const Tensor dtype = apply("mine", {x}, identity, [](Tensor) { return tensor({1.0f, 2.0f, 3.0f}); });
        const Tensor count = apply("mine", {x}, identity, [](Tensor g) { return std::vector<Tensor>{g, g}; });
        CHECK(error_of<ShapeError>([&] { tape.gradient(sum(shape), x); }) == "mine: the pullback's cotangent for input 0 must have its shape (3,), got (2,)" + here(line));
        CHECK(error_of<DTypeError>([&] { tape.gradient(sum(dtype), x); }) == "mine: the pullback's cotangent for input 0 must be f64, got f32" + here(line + 1));
        CHECK(error_of<TapeError>([&] { tape.gradient(sum(count), x); }) == "mine: a pullback must return one cotangent per input, got 2 for 1" + here(line + 2));
    }

    TEST_CASE("every kind is an Error and a std::exception") {
        CHECK_THROWS_AS(matmul(matrix, matrix), Error);
        CHECK_THROWS_AS(sum(matrix, 7), Error);
        CHECK_THROWS_AS(matmul(matrix, matrix), std::exception);
    }
}
// clang-format on
