// Only where the bridge and xtensor are there.
#if __has_include(<autodiff/xtensor.hpp>) && (__has_include(<xtensor/xarray.hpp>) || __has_include(<xtensor/containers/xarray.hpp>))

#include <doctest/doctest.h>

#include <autodiff/autodiff.hpp>
#include <autodiff/xtensor.hpp>

#include "support.hpp"

using namespace xgrad;
using tests::values;
using V = std::vector<double>;


TEST_SUITE("xtensor") {
    TEST_CASE("tensors go to xtensor and back") {
        const Tensor a = tensor({{1.0, 2.0}, {3.0, 4.0}});
        const xt::xarray<double> x = to_xtensor<double>(a);
        CHECK(x.dimension() == 2);
        CHECK(x(1, 0) == 3);
        const Tensor b = from_xtensor(x);
        CHECK(b.shape() == Shape{2, 2});
        CHECK(values(b) == values(a));
    }

    TEST_CASE("an xtensor expression is evaluated") {
        const xt::xarray<float> x = to_xtensor<float>(tensor({1.0f, 2.0f}));
        const Tensor t = from_xtensor(x + 1);
        CHECK(t.dtype() == DType::f32);
        CHECK(values(t) == V{2, 3});
    }

    TEST_CASE("a view shares the elements") {
        const Tensor a = tensor({1.0, 2.0});
        const auto view = view_xtensor<double>(a);
        CHECK(view.data() == a.data<double>().data());
        CHECK_THROWS_AS(to_xtensor<float>(a), DTypeError);
    }
}
#endif
