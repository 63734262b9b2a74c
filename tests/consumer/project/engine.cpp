#include <autodiff/autodiff.hpp>
#include <cmath>
#if __has_include(<xtensor/xarray.hpp>) || __has_include(<xtensor/containers/xarray.hpp>)
#include <autodiff/xtensor.hpp>
#endif

using namespace xgrad;

// d/dx sum(tanh(x)^2) at 0.5, an error caught across the library's border, and the bridge to xtensor.
bool engine_works() {
    const Tensor x = tensor({0.5, 0.5});
    const Tensor dx = grad([](const Tensor& x) { return sum(square(tanh(x))); }, x);
    const double t = std::tanh(0.5);
    if (std::abs(dx.data<double>()[1] - 2 * t * (1 - t * t)) > 1e-12) return false;
    try {
        matmul(ones({2, 3}), ones({4, 5}));
        return false;
    } catch (const ShapeError&) {}
#if __has_include(<xtensor/xarray.hpp>) || __has_include(<xtensor/containers/xarray.hpp>)
    if (to_xtensor<double>(x)(1) != 0.5) return false;
#endif
    return true;
}
