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

using namespace xgrad;

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
    TEST_CASE("a wrong element type is an error") { CHECK_THROWS_AS(to_xtensor<float>(tensor({1.0})), DTypeError); }
}
