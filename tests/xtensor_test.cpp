#include <autodiff/autodiff.hpp>
#include <autodiff/xtensor.hpp>
#include <doctest/doctest.h>

#include <cstdint>

#if __has_include(<xtensor/generators/xbuilder.hpp>)
#include <xtensor/core/xmath.hpp>
#include <xtensor/views/xview.hpp>
#else
#include <xtensor/xmath.hpp>
#include <xtensor/xview.hpp>
#endif

#include "support.hpp"

using namespace xgrad;
using tests::close;
using tests::error_of;
using tests::here;

namespace {

int alive = 0;  // blocks of Counting that have not been freed
template <class T>
struct Counting : std::allocator<T> {
    template <class U>
    struct rebind {
        using other = Counting<U>;
    };
    T* allocate(std::size_t n) { return ++alive, std::allocator<T>::allocate(n); }
    void deallocate(T* p, std::size_t n) { --alive, std::allocator<T>::deallocate(p, n); }
};

}  // namespace

TEST_SUITE("xtensor") {
    TEST_CASE("a tensor goes to xtensor and back unchanged") {
        const Tensor a = tensor({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}});
        const xt::xarray<double> x = to_xtensor<double>(a);
        CHECK(x.dimension() == 2);
        CHECK(x(1, 2) == 6.0);
        const Tensor b = from_xtensor(x + 1);
        CHECK(b.shape() == Shape{2, 3});
        CHECK(b.dtype() == DType::f64);
        for (std::size_t i = 0; i < 6; ++i) CHECK(b.data<double>()[i] == a.data<double>()[i] + 1);
    }
    TEST_CASE("element types follow the value type") {
        CHECK(from_xtensor(xt::xarray<float>{1, 2}).dtype() == DType::f32);
        CHECK(from_xtensor(xt::xarray<int>{1, 2}).dtype() == DType::i32);
        CHECK(from_xtensor(xt::xarray<std::uint8_t>{255, 2}).data<std::int32_t>()[0] == 255);
        CHECK(from_xtensor(xt::xarray<std::uint32_t>{4000000000u}).item<std::int64_t>() == 4000000000);
        CHECK(from_xtensor(xt::xarray<bool>{true, false}).dtype() == DType::boolean);
        CHECK_THROWS_AS(from_xtensor(xt::xarray<std::uint64_t>{UINT64_MAX}), DTypeError);
    }
    TEST_CASE("expressions, views and column-major arrays arrive in row-major order") {
        const xt::xarray<double, xt::layout_type::column_major> columns = {{1.0, 2.0}, {3.0, 4.0}};
        CHECK(from_xtensor(columns).data<double>()[1] == 2.0);
        const xt::xarray<double> rows = {{1.0, 2.0}, {3.0, 4.0}};
        CHECK(from_xtensor(xt::transpose(rows)).data<double>()[1] == 3.0);
        CHECK(from_xtensor(xt::view(rows, xt::all(), 1)).data<double>()[1] == 4.0);
    }
    TEST_CASE("a view shares the elements and follows xtensor's arithmetic") {
        const Tensor a = tensor({{1.0f, 2.0f}, {3.0f, 4.0f}});
        const auto v = view_xtensor<float>(a);
        CHECK(&v(0, 0) == a.data<float>().data());
        CHECK(xt::sum(v)() == 10.0f);
    }
    TEST_CASE("rank 0 and empty tensors cross over") {
        CHECK(to_xtensor<double>(scalar(2.5))() == 2.5);
        CHECK(from_xtensor(xt::xarray<double>(7.0)).ndim() == 0);
        CHECK(to_xtensor<double>(zeros({0, 3}, DType::f64)).size() == 0);
        CHECK(from_xtensor(xt::xarray<double>::from_shape({0, 3})).shape() == Shape{0, 3});
    }
    TEST_CASE("an array that is moved in is not copied, and dies with the last tensor on it") {
        alive = 0;
        using Array = xt::xarray_container<xt::uvector<double, Counting<double>>, xt::layout_type::row_major>;
        {
            Array array(Array::shape_type{2, 3}, 1.5);
            const double* elements = array.data();
            const Tensor t = from_xtensor(std::move(array));
            CHECK(t.data<double>().data() == elements);
            CHECK(t.shape() == Shape{2, 3});
            Tensor row = t[1];
            { const Tensor gone = std::move(const_cast<Tensor&>(t)); }
            CHECK(alive == 1);
            CHECK(close(row * 2, tensor({3.0, 3.0, 3.0})));
            // Nothing writes into elements that are not the library's.
            Tensor sum_of = std::move(row) + 1.0;
            CHECK(elements[3] == 1.5);
        }
        CHECK(alive == 0);
        const xt::xtensor<float, 2> kept = {{1, 2}, {3, 4}};
        CHECK(from_xtensor(kept).data<float>().data() != kept.data());
        xt::xarray<double, xt::layout_type::column_major> columns = {{1.0, 2.0}, {3.0, 4.0}};
        CHECK(close(from_xtensor(std::move(columns)), tensor({{1.0, 2.0}, {3.0, 4.0}})));
        xt::xarray<double, xt::layout_type::dynamic> dynamic(std::vector<std::size_t>{2, 2},
                                                             xt::layout_type::column_major);
        dynamic = kept;
        CHECK(close(from_xtensor(std::move(dynamic)), tensor({{1.0, 2.0}, {3.0, 4.0}})));
        CHECK(from_xtensor(xt::xarray<std::int16_t>{1, 2}).dtype() == DType::i32);
        CHECK(from_xtensor(xt::xarray<bool>{true, false}).data<bool>()[0]);
    }
    TEST_CASE("a moved array trains as any tensor") {
        xt::xarray<double> numbers = {1.0, 2.0, 3.0};
        Tape tape;
        const Tensor x = tape.watch(from_xtensor(std::move(numbers)));
        CHECK(close(tape.gradient(sum(square(x)), x), tensor({2.0, 4.0, 6.0})));
    }
    TEST_CASE("tensors go where an xarray or xtensor is wanted") {
        const auto total = [](const xt::xarray<double>& x) { return xt::sum(x)(); };
        const auto corner = [](const xt::xtensor<float, 2>& x) { return x(1, 0); };
        const Tensor a = tensor({{1.0, 2.0}, {3.0, 4.0}});
        CHECK(total(a) == 10);
        CHECK(corner(a.to(DType::f32)) == 3);
        xt::xarray<double> array = a;
        array = a * 2;
        CHECK(array(1, 1) == 8);
        const xt::xtensor<double, 2, xt::layout_type::column_major> columns = a;
        CHECK(columns(0, 1) == 2);
        CHECK(*(columns.data() + 1) == 3);
        CHECK(error_of<ShapeError>([&] { xt::xtensor<double, 1> vector = a; }) ==
              "xtensor: an array of 1 axes cannot hold shape (2, 2)");
        CHECK(error_of<DTypeError>([&] { xt::xarray<float> other = a; }) ==
              "xtensor: the array's dtype must be the tensor's f64, got f32");
    }
    TEST_CASE("an operation of xtensor's expressions: value, gradients, broadcasting, forward mode") {
        const auto scaled = [](const Tensor& x, const Tensor& s) {
            return xgrad::apply<double>(
                "scaled", {x, s}, [](const auto& a, const auto& b) { return xt::sin(a) * b; },
                [](const auto& g, const auto&, const auto& a, const auto& b) {
                    return std::make_tuple(g * xt::cos(a) * b, g * xt::sin(a));
                });
        };
        const GradcheckReport report =
            gradcheck(scaled, {tensor({{0.3, -1.0, 2.0}, {0.1, 0.2, 0.3}}), tensor({{0.5}, {-2.0}})});
        CHECK_MESSAGE(report.ok, report.message);
        const auto norm = [](const Tensor& x) {
            return xgrad::apply<double>(
                "norm2", {x}, [](const auto& a) { return xt::sqrt(xt::sum(xt::square(a))); },
                [](const auto& g, const auto& y, const auto& a) { return g / y * a; });
        };
        const GradcheckReport second = gradcheck(norm, {tensor({{0.3, -1.0}, {0.1, 0.2}})});
        CHECK_MESSAGE(second.ok, second.message);
        const Tensor x = tensor({3.0, 4.0});
        CHECK(norm(x).item() == 5);
        Tape tape;
        const Tensor w = tape.watch(x);
        const Tensor half = xgrad::apply<double>(
            "half", {w, x}, [](const auto& a, const auto&) { return a / 2; },
            [](const auto& g, const auto&, const auto&, const auto&) { return std::make_tuple(g / 2, std::nullopt); });
        CHECK(close(tape.gradient(sum(half), w), tensor({0.5, 0.5})));
    }
    TEST_CASE("an operation of xtensor's expressions: what it refuses") {
        const auto squared = [](const Tensor& x) {
            return xgrad::apply<double>(
                "squared", {x}, [](const auto& a) { return a * a; },
                [](const auto& g, const auto&, const auto& a) { return 2 * a * g; });
        };
        CHECK(error_of<DTypeError>([&] {
                  xgrad::apply<float>(
                      "squared", {tensor({1.0})}, [](const auto& a) { return a; },
                      [](const auto& g, const auto&, const auto&) { return g; });
              }) == "squared: the inputs must be f32, got f64" + here());
        CHECK(
            error_of<TapeError>([&] { hessian([&](const Tensor& x) { return sum(squared(x)); }, tensor({1.0, 2.0})); })
                .starts_with(
                    "squared: there are no second derivatives of an operation whose pullback is written in xtensor"));
        Tape tape;
        const Tensor x = tape.watch(tensor({1.0}));
        const Tensor y = xgrad::apply<double>(
            "both", {x, x}, [](const auto& a, const auto& b) { return a * b; },
            [](const auto& g, const auto&, const auto&, const auto&) { return g; });
        CHECK(error_of<ValueError>([&] {
                  tape.gradient(y, x);
              }).starts_with("both: the pullback must return a cotangent for each of 2 inputs, got 1"));
    }
    TEST_CASE("a wrong element type is an error") { CHECK_THROWS_AS(to_xtensor<float>(tensor({1.0})), DTypeError); }
}
