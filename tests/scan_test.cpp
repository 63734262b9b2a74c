#include <doctest/doctest.h>

#include <autodiff/autodiff.hpp>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <set>
#include <string>

#include "support.hpp"

// Scans and order beyond the table: integers, long and wide tensors against plain loops, errors.

using namespace xgrad;
using tests::error_of;
using tests::here;
using tests::values;

namespace {

using I = std::int64_t;
using Doubles = std::vector<double>;

template <class T>
std::vector<T> numbers(std::size_t count, std::uint64_t seed, double scale = 1) {
    std::mt19937_64 engine(seed);
    std::vector<T> xs(count);
    for (T& x : xs) x = static_cast<T>(scale * (static_cast<double>(engine() >> 11) * 0x1p-52 - 1));
    return xs;
}

/// The positions of a vector's elements in order, as the standard library's stable sort has them.
template <class T>
Doubles expected_order(const std::vector<T>& x, bool descending) {
    std::vector<std::size_t> order(x.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto less = [](T a, T b) { return a == a && (b != b || a < b); };
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t i, std::size_t j) { return descending ? less(x[j], x[i]) : less(x[i], x[j]); });
    return Doubles(order.begin(), order.end());
}

template <class T>
bool sorts(const std::vector<T>& x) {
    for (const bool descending : {false, true}) {
        const Doubles order = expected_order(x, descending);
        if (values(argsort(tensor(x), 0, descending)) != order) return false;
        const auto y = sort(tensor(x), 0, descending);
        for (std::size_t i = 0; i < x.size(); ++i) {
            const T got = y.template data<T>()[i], expected = x[static_cast<std::size_t>(order[i])];
            if (got != expected && (got == got || expected == expected)) return false;
        }
    }
    return true;
}

template <class T>
bool sorts_all_lengths() {
    for (const std::size_t n : {0u, 1u, 2u, 31u, 127u, 128u, 129u, 1000u, 70'000u}) {
        for (const double scale : {1.0, 3.0, 1e9}) {
            std::vector<T> x = numbers<T>(n, n + 1, scale);
            if (scale == 3.0)  // few different values, so that keeping their order counts
                for (T& v : x) v = static_cast<T>(std::round(static_cast<double>(v)));
            if (n > 5 && std::is_floating_point_v<T>) {
                x[1] = std::numeric_limits<T>::quiet_NaN();
                x[3] = -std::numeric_limits<T>::quiet_NaN();
                x[4] = -std::numeric_limits<T>::infinity();
                x[2] = x[n - 1] = T(-0.0);
                x[n / 2] = T(0);
            }
            if (!sorts(x)) return false;
            if constexpr (std::is_floating_point_v<T>) {  // crowded behind their leading digits, which one of them
                                                          // makes useless
                for (T& v : x)
                    v = T(1) + std::numeric_limits<T>::epsilon() *
                                   static_cast<T>(static_cast<I>(v == v && v - v == 0 ? v * 1000 : T(0)) % 512);
                if (n) x[n / 3] = -std::numeric_limits<T>::max();
                if (!sorts(x)) return false;
            }
        }
    }
    return true;
}

}  // namespace

TEST_SUITE("scans and order") {
    TEST_CASE("sums of integers and bools are i64 and wrap around") {
        const Tensor a = tensor({2'000'000'000, 2'000'000'000, -1});
        CHECK(cumsum(a).dtype() == DType::i64);
        CHECK(values(cumsum(a, 0)) == Doubles{2e9, 4e9, 4e9 - 1});
        CHECK(values(cumprod(tensor({2, 3, -4}))) == Doubles{2, 6, -24});
        CHECK(values(cumsum(tensor({true, false, true}), 0)) == Doubles{1, 1, 2});
        const I most = std::numeric_limits<I>::max();
        CHECK(cumsum(tensor({most, I{1}})).data<I>()[1] == std::numeric_limits<I>::min());
        CHECK(values(cummax(tensor({1, 3, 2}), 0).values) == Doubles{1, 3, 3});
        CHECK(values(cummin(tensor({I{-1}, I{3}, I{-1}}), 0).indices) == Doubles{0, 0, 2});
        CHECK(values(diff(tensor({true, true, false}))) == Doubles{0, 1});
        CHECK(values(count_nonzero(tensor({true, true, false}))) == Doubles{2});
        CHECK(count_nonzero(tensor({1, 0})).dtype() == DType::i64);
    }

    TEST_CASE("a running sum in f32 is as good as one in double") {
        const std::vector<float> x = numbers<float>(100'003, 1);
        for (const Shape& shape : {Shape{100'003}, Shape{100'003, 1}}) {
            const auto y = cumsum(tensor(x, shape), 0);
            double sum = 0, worst = 0;
            for (std::size_t i = 0; i < x.size(); ++i) {
                sum += static_cast<double>(x[i]);
                worst = std::max(worst, std::abs(static_cast<double>(y.data<float>()[i]) - sum));
            }
            CHECK(worst < 2e-5);  // half a unit of numbers below 512
        }
    }

    TEST_CASE("running sums along every axis of a large tensor, forward and back") {
        const Tensor x = tensor(numbers<double>(7 * 70 * 301, 2), Shape{7, 70, 301});
        for (int axis = 0; axis < 3; ++axis) {
            CAPTURE(axis);
            const Tensor y = cumsum(x, axis);
            CHECK(tests::close(diff(y, 1, axis), slice(x, axis, 1)));
            CHECK(tests::close(slice(y, axis, 0, 1), slice(x, axis, 0, 1)));
            // The gradient of sum(u * cumsum(x)) is the running sum of u from the end.
            const Tensor dx = grad([&](const Tensor& t) { return sum(cumsum(t, axis) * x); }, x);
            CHECK(tests::close(diff(dx, 1, axis), -slice(x, axis, 0, -1)));
            CHECK(tests::close(slice(dx, axis, -1), slice(x, axis, -1)));
        }
    }

    TEST_CASE("sorting agrees with the standard library's stable sort for every type and length") {
        CHECK(sorts_all_lengths<float>());
        CHECK(sorts_all_lengths<double>());
        CHECK(sorts_all_lengths<std::int32_t>());
        CHECK(sorts_all_lengths<I>());
        CHECK(values(sort(tensor({true, false, true}))) == Doubles{0, 1, 1});
        CHECK(std::signbit(sort(tensor({1.0, -0.0, 0.0})).data<double>()[0]));
    }

    TEST_CASE("sorting along any axis, and the gradient back to where elements came from") {
        const Tensor x = tensor(numbers<double>(5 * 200 * 3, 3), Shape{5, 200, 3});
        for (const int axis : {0, 1, 2}) {
            CAPTURE(axis);
            const Tensor order = argsort(x, axis);
            CHECK(tests::close(sort(x, axis), take_along_axis(x, order, axis)));
            const Tensor u = tensor(numbers<double>(5 * 200 * 3, 4), x.shape());
            const Tensor dx = grad([&](const Tensor& t) { return sum(sort(t, axis) * u); }, x);
            CHECK(tests::close(take_along_axis(dx, order, axis), u));
            const TopK best = topk(x, 2, axis);
            CHECK(tests::close(best.values, slice(sort(x, axis, true), axis, 0, 2)));
            CHECK(tests::close(best.indices, slice(argsort(x, axis, true), axis, 0, 2)));
        }
    }

    TEST_CASE("the best of long lines") {
        const std::vector<float> x = numbers<float>(10'000, 5);
        for (const I k : {1, 10, 312, 313, 5000, 10'000}) {
            const TopK best = topk(tensor(x), k);
            CHECK(values(best.indices) == values(slice(argsort(tensor(x), 0, true), 0, 0, k)));
        }
    }

    TEST_CASE("unique and searchsorted") {
        CHECK(values(unique(tensor({{3, 1}, {1, 2}}))) == Doubles{1, 2, 3});
        CHECK(unique(zeros({0})).shape() == Shape{0});
        CHECK(values(unique(tensor({true, true}))) == Doubles{1});
        const std::vector<double> x = numbers<double>(1000, 6, 5);
        std::set<double> rounded;
        for (const double v : x) rounded.insert(std::round(v) + 0.0);
        CHECK(values(unique(round(tensor(x)))) == Doubles(rounded.begin(), rounded.end()));
        CHECK(searchsorted(tensor({1.0, 2.0}), 1.5).item<I>() == 1);
        CHECK(searchsorted(tensor({1, 2, 2}), 2, Side::right).item<I>() == 3);
        CHECK(values(searchsorted(tensor({{1.0, 2.0}, {5.0, 6.0}}), tensor({{1.5}, {1.5}}))) == Doubles{1, 0});
    }

    // NumPy's own results.
    TEST_CASE("quantiles between elements") {
        const Tensor x = tensor({7.0, 1.0, 4.0, 10.0});
        const std::vector<double> q{0, 0.1, 0.5, 0.75, 1};
        CHECK(tests::close(quantile(x, q), tensor({1.0, 1.9, 5.5, 7.75, 10.0})));
        CHECK(tests::close(quantile(x, q, {}, Quantile::lower), tensor({1.0, 1.0, 4.0, 7.0, 10.0})));
        CHECK(tests::close(quantile(x, q, {}, Quantile::higher), tensor({1.0, 4.0, 7.0, 10.0, 10.0})));
        CHECK(tests::close(quantile(x, q, {}, Quantile::nearest), tensor({1.0, 1.0, 7.0, 7.0, 10.0})));
        CHECK(tests::close(quantile(x, q, {}, Quantile::midpoint), tensor({1.0, 2.5, 5.5, 8.5, 10.0})));
        CHECK(quantile(zeros({2, 3, 4}), q, 1).shape() == Shape{5, 2, 4});
        CHECK(quantile(zeros({2, 3, 4}), q, 1, Quantile::linear, true).shape() == Shape{5, 2, 1, 4});
        CHECK(median(zeros({2, 3, 4}), {0, 2}).shape() == Shape{3});
        CHECK(median(tensor({1.0f, 2.0f})).dtype() == DType::f32);
    }

    TEST_CASE("scans and order name what is wrong") {
        const Tensor m = zeros({2, 3}), b = tensor({true, false});
        CHECK(error_of<IndexError>([&] { cumsum(m, 2); }) == "cumsum: axis must be in [-2, 2), got 2" + here());
        CHECK(error_of<ValueError>([&] { cumprod(Tensor(), 0); }) ==
              "cumprod: the argument must be a tensor, got an empty one" + here());
        CHECK(error_of<DTypeError>([&] { cummax(b, 0); }) == "cummax: the elements must be numbers, got bool" + here());
        CHECK(error_of<DTypeError>([&] { logcumsumexp(b, 0); }) ==
              "logcumsumexp: must be f32 or f64, got bool" + here());
        CHECK(error_of<ValueError>([&] { diff(m, -1); }) == "diff: n must not be negative, got -1" + here());
        CHECK(error_of<IndexError>([&] { diff(scalar(1.0)); }) == "diff: axis must be in [0, 0), got -1" + here());
        CHECK(error_of<IndexError>([&] { sort(m, -3); }) == "sort: axis must be in [-2, 2), got -3" + here());
        CHECK(error_of<ValueError>([&] { topk(m, 4); }) == "topk: k must be in [0, 3], got 4" + here());
        CHECK(error_of<DTypeError>([&] { searchsorted(m, zeros({2}, DType::f64)); }) ==
              "searchsorted: dtypes must agree, got f32 and f64 for the values (convert one with .to())" + here());
        CHECK(error_of<ShapeError>([&] { searchsorted(m, zeros({3, 1})); }) ==
              "searchsorted: the sorted tensor must be a vector, or agree with the values in all axes but the last, "
              "got (2, 3) and (3, 1)" +
                  here());
        CHECK(error_of<ShapeError>([&] { median(zeros({0})); }) ==
              "median: there must be an element to choose, got shape (0,)" + here());
        CHECK(error_of<ShapeError>([&] { average(m, zeros({2})); }) ==
              "average: the weights must have the shape (2, 3), or be a vector along the only axis, got (2,)" + here());
        CHECK(error_of<ValueError>([&] { average(m, m); }) ==
              "average: the weights must not add up to 0, got weights that do" + here());
        CHECK(error_of<ShapeError>([&] { cov(zeros({2, 3, 4})); }) ==
              "cov: the tensor must have 1 or 2 axes (variables, observations), got shape (2, 3, 4)" + here());
        CHECK(error_of<IndexError>([&] { ptp(m, 2); }) == "ptp: axis must be in [-2, 2), got 2" + here());
        CHECK(error_of<ValueError>([&] { quantile(m, 1.5); }) == "quantile: q must be in [0, 1], got 1.5" + here());
        CHECK(error_of<DTypeError>([&] { median(tensor({1, 2})); }) == "median: must be f32 or f64, got i32" + here());
    }
}
