// xtensor as an oracle that is always there: every function that it has too gives the same values here, over random
// shapes, of numbers that come from rows, columns and views. Where the two differ NumPy decides, and the line says so.
// What xtensor 0.24 itself gets wrong is left out: pad, average, variance along axes, repeat of vectors, tile, argmax
// of a vector along its axis.

#include <autodiff/autodiff.hpp>
#include <autodiff/xtensor.hpp>
#include <doctest/doctest.h>

#include <random>
#include <sstream>

#if __has_include(<xtensor/generators/xbuilder.hpp>)
#include <xtensor/core/xmath.hpp>
#include <xtensor/generators/xbuilder.hpp>
#include <xtensor/io/xio.hpp>
#include <xtensor/misc/xmanipulation.hpp>
#include <xtensor/misc/xpad.hpp>
#include <xtensor/misc/xsort.hpp>
#include <xtensor/reducers/xnorm.hpp>
#include <xtensor/views/xstrided_view.hpp>
#include <xtensor/views/xview.hpp>
#else
#include <xtensor/xbuilder.hpp>
#include <xtensor/xio.hpp>
#include <xtensor/xmanipulation.hpp>
#include <xtensor/xmath.hpp>
#include <xtensor/xnorm.hpp>
#include <xtensor/xpad.hpp>
#include <xtensor/xsort.hpp>
#include <xtensor/xstrided_view.hpp>
#include <xtensor/xview.hpp>
#endif

#include "support.hpp"

using namespace xgrad;
using tests::close;

namespace {

using Array = xt::xarray<double, xt::layout_type::dynamic>;
using Rows = xt::xarray<double>;
using Sizes = std::vector<std::size_t>;

enum class Lie { rows, columns, view };

/// Random numbers, some of them equal to each other, from a range.
struct Domain {
    double low = -3, high = 3;
    int steps = 0;  ///< so many different ones; 0: any
};

class Source {
public:
    explicit Source(const Domain& domain) : domain_(domain) {}
    double operator()() {
        const double part =
            domain_.steps ? static_cast<double>(random_() % static_cast<unsigned>(domain_.steps)) / (domain_.steps - 1)
                          : static_cast<double>(random_()) / 4294967296.0;
        return domain_.low + (domain_.high - domain_.low) * part;
    }

private:
    Domain domain_;
    std::mt19937 random_{5};
};

/// f(a tensor from an array or view that lies that way, its numbers in rows: not all of xtensor 0.24 works on other
/// layouts).
template <class F>
void with_array(const Sizes& shape, Lie lie, Source& source, const F& f) {
    if (lie == Lie::view) {
        // Every second element of each axis, the last axis backwards, out of a larger array with the axes the other way
        // round.
        Sizes large;
        for (auto n = shape.rbegin(); n != shape.rend(); ++n) large.push_back(2 * *n + 1);
        Array whole(large, xt::layout_type::row_major);
        for (double& x : whole.storage()) x = source();
        xt::xstrided_slice_vector slices;
        for (std::size_t k = 0; k < shape.size(); ++k)
            slices.push_back(
                k == 0 ? xt::range(static_cast<std::ptrdiff_t>(2 * shape[shape.size() - 1]), std::ptrdiff_t{0},
                                   std::ptrdiff_t{-2})
                       : xt::range(std::ptrdiff_t{1}, static_cast<std::ptrdiff_t>(large[k]), std::ptrdiff_t{2}));
        auto part = xt::strided_view(whole, slices);
        const auto turned = xt::transpose(part);
        f(from_xtensor(turned), Rows(turned));
        return;
    }
    Array array(shape, lie == Lie::rows ? xt::layout_type::row_major : xt::layout_type::column_major);
    for (double& x : array.storage()) x = source();
    f(from_xtensor(array), Rows(array));
}

/// An expression's values: xt::eval takes a view's svector for a fixed number of axes.
template <class X>
auto kept(X&& x) {
    return xt::xarray<typename std::decay_t<X>::value_type>(std::forward<X>(x));
}

const std::vector<Sizes> shapes = {{}, {1}, {7}, {40}, {3, 4}, {1, 5}, {5, 1}, {2, 3, 4}, {3, 17, 2}, {2, 1, 3, 2}};

std::string text_of(const Sizes& shape) {
    return to_string(Shape(std::vector<std::int64_t>(shape.begin(), shape.end())));
}

/// An expression, a number or a tensor as a tensor.
template <class R>
Tensor tensor_of(R&& result) {
    if constexpr (std::is_convertible_v<R, Tensor>) return result;
    else if constexpr (std::is_arithmetic_v<std::decay_t<R>>) return scalar(result);
    else return from_xtensor(std::forward<R>(result));
}

void check_close(const Tensor& got, const Tensor& expected, double tolerance, const char* name, const std::string& of,
                 Lie lie) {
    CHECK_MESSAGE(close(got, expected, tolerance), name << " of " << of << ", lie " << static_cast<int>(lie) << ": "
                                                        << got << "\ninstead of\n"
                                                        << expected);
}

/// Both functions of one array; those that need axes get shapes of at least so many.
template <class Ours, class Theirs>
void compare(const char* name, const Domain& domain, const Ours& ours, const Theirs& theirs, std::size_t least_axes = 0,
             double tolerance = 1e-13) {
    Source source(domain);
    for (const Sizes& shape : shapes)
        for (const Lie lie : {Lie::rows, Lie::columns, Lie::view})
            if (shape.size() >= least_axes)
                with_array(shape, lie, source, [&](const Tensor& t, const Rows& x) {
                    check_close(ours(t), tensor_of(theirs(x)), tolerance, name, text_of(shape), lie);
                });
}

/// Both functions of two arrays that broadcast.
template <class Ours, class Theirs>
void compare_two(const char* name, const Domain& domain, const Ours& ours, const Theirs& theirs,
                 double tolerance = 1e-13) {
    Source source(domain);
    const std::vector<std::pair<Sizes, Sizes>> pairs = {{{5}, {5}},       {{}, {3}},           {{3, 4}, {4}},
                                                        {{3, 1}, {1, 4}}, {{2, 3, 4}, {3, 1}}, {{2, 1, 5}, {4, 1}}};
    for (const auto& pair : pairs)
        for (const Lie lie : {Lie::rows, Lie::columns, Lie::view})
            with_array(pair.first, lie, source, [&](const Tensor& s, const Rows& a) {
                with_array(pair.second, lie == Lie::view ? Lie::rows : lie, source,
                           [&](const Tensor& t, const Rows& b) {
                               check_close(ours(s, t), tensor_of(theirs(a, b)), tolerance, name,
                                           text_of(pair.first) + text_of(pair.second), lie);
                           });
            });
}

const Domain any_number, unit{-0.99, 0.99}, positive_number{0.1, 5}, few{-2, 2, 5}, halves{-4, 4, 17}, truths{0, 1, 2};

/// Of each axis, and of the first two together.
template <class F>
void for_axes(const F& f) {
    f(std::vector<int>{0}, std::vector<std::size_t>{0}, 1);
    f(std::vector<int>{1}, std::vector<std::size_t>{1}, 2);
    f(std::vector<int>{2}, std::vector<std::size_t>{2}, 3);
    f(std::vector<int>{0, 1}, std::vector<std::size_t>{0, 1}, 2);
    f(std::vector<int>{0, 2}, std::vector<std::size_t>{0, 2}, 3);
}

}  // namespace

// One line each: the two functions have one name, or theirs is said.
#define SAME(function, domain)                                                 \
    compare(                                                                   \
        #function, domain, [](const Tensor& x) { return xgrad::function(x); }, \
        [](const auto& x) { return xt::function(x); })
#define SAME_TWO(function, domain)                                                                 \
    compare_two(                                                                                   \
        #function, domain, [](const Tensor& a, const Tensor& b) { return xgrad::function(a, b); }, \
        [](const auto& a, const auto& b) { return xt::function(a, b); })
#define LIKE(name, domain, ours, theirs) \
    compare(name, domain, [](const Tensor& x) { return ours; }, [](const auto& x) { return theirs; })

TEST_SUITE("xtensor as an oracle") {
    TEST_CASE("functions of one number") {
        SAME(abs, any_number);
        SAME(sign, few);
        SAME(square, any_number);
        SAME(sqrt, positive_number);
        SAME(cbrt, any_number);
        SAME(exp, any_number);
        SAME(exp2, any_number);
        SAME(expm1, any_number);
        SAME(log, positive_number);
        SAME(log2, positive_number);
        SAME(log10, positive_number);
        SAME(log1p, positive_number);
        SAME(sin, any_number);
        SAME(cos, any_number);
        SAME(tan, unit);
        SAME(asin, unit);
        SAME(acos, unit);
        SAME(atan, any_number);
        SAME(sinh, any_number);
        SAME(cosh, any_number);
        SAME(tanh, any_number);
        SAME(asinh, any_number);
        SAME(atanh, unit);
        SAME(deg2rad, any_number);
        SAME(rad2deg, any_number);
        SAME(erf, any_number);
        SAME(erfc, any_number);
        SAME(lgamma, positive_number);
        SAME(floor, halves);
        SAME(ceil, halves);
        SAME(trunc, halves);
        SAME(isnan, few);
        SAME(isinf, few);
        SAME(isfinite, few);
        LIKE("acosh", any_number, acosh(abs(x) + 1), xt::acosh(xt::abs(x) + 1));
        LIKE("round", halves, round(x), xt::rint(x));  // xt::round takes halves away from 0, NumPy's to the even
        LIKE("negative", any_number, -x, -x);
        LIKE("positive", any_number, positive(x), +x);
        LIKE("reciprocal", positive_number, reciprocal(x), 1.0 / x);
        LIKE("nan_to_num", few, nan_to_num(log(x)), xt::nan_to_num(xt::log(x)));
        LIKE("isnan of NaN", few, isnan(log(x)), xt::isnan(xt::log(x)));
        LIKE("isinf of inf", few, isinf(log(x)), xt::isinf(xt::log(x)));
        LIKE("isfinite of both", few, isfinite(log(x)), xt::isfinite(xt::log(x)));
        LIKE("clip", any_number, clip(x, -1.0, 0.5), xt::clip(x, -1.0, 0.5));
        LIKE("logical_not", truths, logical_not(greater(x, 0.5)), !(x > 0.5));
        LIKE("a conversion to integers", halves, x.to(DType::i32), xt::cast<int>(x));
    }

    TEST_CASE("functions of two numbers, which broadcast") {
        const Domain near{-3, 3, 7};
        SAME_TWO(fmod, positive_number);
        SAME_TWO(pow, positive_number);
        SAME_TWO(atan2, any_number);
        SAME_TWO(hypot, any_number);
        SAME_TWO(maximum, near);
        SAME_TWO(minimum, near);
        SAME_TWO(fmax, near);
        SAME_TWO(fmin, near);
        SAME_TWO(equal, near);
        SAME_TWO(not_equal, near);
        SAME_TWO(less, near);
        SAME_TWO(less_equal, near);
        SAME_TWO(greater, near);
        SAME_TWO(greater_equal, near);
        compare_two(
            "+", any_number, [](const Tensor& a, const Tensor& b) { return a + b; },
            [](const auto& a, const auto& b) { return a + b; });
        compare_two(
            "-", any_number, [](const Tensor& a, const Tensor& b) { return a - b; },
            [](const auto& a, const auto& b) { return a - b; });
        compare_two(
            "*", any_number, [](const Tensor& a, const Tensor& b) { return a * b; },
            [](const auto& a, const auto& b) { return a * b; });
        compare_two(
            "/", positive_number, [](const Tensor& a, const Tensor& b) { return a / b; },
            [](const auto& a, const auto& b) { return a / b; });
        // xt::remainder is C's, whose sign is the dividend's or not by rounding; NumPy's is the divisor's.
        compare_two(
            "remainder", any_number, [](const Tensor& a, const Tensor& b) { return remainder(a, b); },
            [](const auto& a, const auto& b) { return a - b * xt::floor(a / b); }, 1e-12);
        compare_two(
            "floor_divide", any_number, [](const Tensor& a, const Tensor& b) { return floor_divide(a, b); },
            [](const auto& a, const auto& b) { return xt::floor(a / b); });
        compare_two(
            "where", near, [](const Tensor& a, const Tensor& b) { return where(less(a, b), a, b * 2); },
            [](const auto& a, const auto& b) { return xt::where(a < b, a, b * 2); });
        compare_two(
            "logical_and", truths,
            [](const Tensor& a, const Tensor& b) { return logical_and(greater(a, 0.5), greater(b, 0.5)); },
            [](const auto& a, const auto& b) { return a > 0.5 && b > 0.5; });
        compare_two(
            "logical_or", truths,
            [](const Tensor& a, const Tensor& b) { return logical_or(greater(a, 0.5), greater(b, 0.5)); },
            [](const auto& a, const auto& b) { return a > 0.5 || b > 0.5; });
        compare_two(
            "isclose", near,
            [](const Tensor& a, const Tensor& b) { return less_equal(abs(a - b), 1e-8 + 1e-5 * abs(b)); },
            [](const auto& a, const auto& b) { return xt::isclose(a, b, 1e-5, 1e-8); });
    }

    TEST_CASE("reductions, of everything and along axes") {
        LIKE("sum", any_number, sum(x), xt::sum(x));
        LIKE("prod", any_number, prod(x), xt::prod(x));
        LIKE("mean", any_number, mean(x), xt::mean(x));
        LIKE("max", any_number, max(x), xt::amax(x));
        LIKE("min", any_number, min(x), xt::amin(x));
        LIKE("var", any_number, var(x), xt::variance(x));
        LIKE("std", any_number, xgrad::std(x), xt::stddev(x));
        LIKE("norm(1)", any_number, norm(x, 1), xt::norm_l1(x));
        LIKE("norm(2)", any_number, norm(x), xt::norm_l2(x));
        LIKE("norm(inf)", any_number, norm(x, INFINITY), xt::norm_linf(x));
        LIKE("norm(0)", few, norm(x, 0), xt::norm_l0(x));
        LIKE("count_nonzero", few, count_nonzero(x), xt::count_nonzero(x));
        LIKE("nansum", few, nansum(log(x)), xt::nansum(xt::log(x)));
        LIKE("ptp", any_number, ptp(x), xt::amax(x)() - xt::amin(x)());
        LIKE("all", truths, all(greater(x, -1.0)), xt::all(x > -1.0));
        LIKE("any", truths, any(greater(x, 2.0)), xt::any(x > 2.0));
        for_axes([](const std::vector<int>& ours, const std::vector<std::size_t>& theirs, std::size_t axes) {
            const Axes a(ours);
            const auto both = [&](const char* name, const Domain& domain, const auto& f, const auto& g) {
                compare(name, domain, f, g, axes);
            };
            both(
                "sum", any_number, [&](const Tensor& x) { return sum(x, a); },
                [&](const auto& x) { return xt::sum(x, theirs); });
            both(
                "prod", any_number, [&](const Tensor& x) { return prod(x, a); },
                [&](const auto& x) { return xt::prod(x, theirs); });
            both(
                "mean", any_number, [&](const Tensor& x) { return mean(x, a); },
                [&](const auto& x) { return xt::mean(x, theirs); });
            both(
                "max", any_number, [&](const Tensor& x) { return max(x, a); },
                [&](const auto& x) { return xt::amax(x, theirs); });
            both(
                "min", any_number, [&](const Tensor& x) { return min(x, a); },
                [&](const auto& x) { return xt::amin(x, theirs); });
            both(
                "norm(1)", any_number, [&](const Tensor& x) { return norm(x, 1, a); },
                [&](const auto& x) { return xt::norm_l1(x, theirs, xt::evaluation_strategy::lazy); });
            both(
                "norm(2)", any_number, [&](const Tensor& x) { return norm(x, 2, a); },
                [&](const auto& x) { return xt::norm_l2(x, theirs, xt::evaluation_strategy::lazy); });
            both(
                "count_nonzero", few, [&](const Tensor& x) { return count_nonzero(x, a); },
                [&](const auto& x) { return xt::count_nonzero(x, theirs); });
            both(
                "nansum", few, [&](const Tensor& x) { return nansum(log(x), a); },
                [&](const auto& x) { return xt::nansum(xt::log(x), theirs); });
            both(
                "sum(keepdims)", any_number, [&](const Tensor& x) { return sum(x, a, true); },
                [&](const auto& x) { return xt::sum(x, theirs, xt::keep_dims); });
        });
    }

    TEST_CASE("what is asked along one axis: extremes' places, scans, differences, order") {
        for (const int k : {0, 1, 2}) {
            const auto at = static_cast<std::size_t>(k), axes = at + 1,
                       several = std::max<std::size_t>(axes, 2);  // xtensor 0.24's argmax(vector, 0) is wrong
            compare(
                "argmax", few, [&](const Tensor& x) { return argmax(x, k); },
                [&](const auto& x) { return kept(xt::argmax(x, at)); }, several);
            compare(
                "argmin", few, [&](const Tensor& x) { return argmin(x, k); },
                [&](const auto& x) { return kept(xt::argmin(x, at)); }, several);
            compare(
                "cumsum", any_number, [&](const Tensor& x) { return cumsum(x, k); },
                [&](const auto& x) { return kept(xt::cumsum(x, k)); }, axes);
            compare(
                "cumprod", any_number, [&](const Tensor& x) { return cumprod(x, k); },
                [&](const auto& x) { return kept(xt::cumprod(x, k)); }, axes);
            compare(
                "sort", few, [&](const Tensor& x) { return sort(x, k); },
                [&](const auto& x) { return kept(xt::sort(x, at)); }, axes);
            compare(
                "argsort", any_number, [&](const Tensor& x) { return argsort(x, k); },
                [&](const auto& x) { return kept(xt::argsort(x, at)); }, axes);
            compare(
                "median", any_number, [&](const Tensor& x) { return median(x, k); },
                [&](const auto& x) { return kept(xt::median(x, static_cast<std::ptrdiff_t>(at))); }, axes);
            compare(
                "diff", any_number, [&](const Tensor& x) { return diff(concat({x, x * 2}, k), 1, k); },
                [&](const auto& x) { return xt::diff(kept(xt::concatenate(xt::xtuple(x, kept(x * 2)), at)), 1, k); },
                axes);
        }
        LIKE("argmax of all", few, argmax(x), xt::argmax(x)());
        LIKE("argmin of all", few, argmin(x), xt::argmin(x)());
        LIKE("cumsum of all", any_number, cumsum(x), kept(xt::cumsum(x)));
        LIKE("cumprod of all", any_number, cumprod(x), kept(xt::cumprod(x)));
        LIKE("unique", few, unique(x), xt::unique(x));
        LIKE("median of all", any_number, median(x), xt::median(x));
    }

    TEST_CASE("axes and elements moved about") {
        const auto some = [](const char* name, std::size_t axes, const auto& ours, const auto& theirs) {
            compare(name, any_number, ours, theirs, axes);
        };
        some(
            "transpose", 1, [](const Tensor& x) { return transpose(x); },
            [](const auto& x) { return kept(xt::transpose(x)); });
        LIKE("ravel", any_number, ravel(x), kept(xt::ravel(x)));
        LIKE("flatten", any_number, flatten(x), kept(xt::flatten(x)));
        LIKE("squeeze", any_number, squeeze(x), kept(xt::squeeze(x)));
        LIKE("roll of all", any_number, roll(x, 3), kept(xt::roll(x, 3)));
        some(
            "transpose by a permutation", 3,
            [](const Tensor& x) { return x.ndim() == 3 ? transpose(x, {2, 0, 1}) : transpose(x, {2, 0, 1, 3}); },
            [](const auto& x) {
                return kept(xt::transpose(x, x.dimension() == 3 ? Sizes{2, 0, 1} : Sizes{2, 0, 1, 3}));
            });
        some(
            "expand_dims", 1, [](const Tensor& x) { return expand_dims(x, 1); },
            [](const auto& x) { return kept(xt::expand_dims(x, 1)); });
        some("flip", 2, [](const Tensor& x) { return flip(x, 1); }, [](const auto& x) { return kept(xt::flip(x, 1)); });
        some(
            "rot90", 2, [](const Tensor& x) { return rot90(x, 3); },
            [](const auto& x) { return kept(xt::rot90<3>(x)); });
        some(
            "roll", 2, [](const Tensor& x) { return roll(x, -2, 1); },
            [](const auto& x) { return kept(xt::roll(x, -2, 1)); });
        some(
            "concat", 1, [](const Tensor& x) { return concat({x, x * 2}, 0); },
            [](const auto& x) { return kept(xt::concatenate(xt::xtuple(x, kept(x * 2)), 0)); });
        some(
            "stack", 1, [](const Tensor& x) { return stack({x, x * 2}, 1); },
            [](const auto& x) { return kept(xt::stack(xt::xtuple(x, kept(x * 2)), 1)); });
        some(
            "split", 1, [](const Tensor& x) { return split(concat({x, x * 2}, 0), 2)[1]; },
            [](const auto& x) {
                xt::xarray<double> twice = xt::concatenate(xt::xtuple(x, kept(x * 2)), 0);
                return kept(xt::split(twice, 2)[1]);
            });
        some(
            "argwhere", 1, [](const Tensor& x) { return argwhere(greater(x, 0.0)); },
            [](const auto& x) {
                const auto found = xt::argwhere(kept(x > 0));
                xt::xarray<std::int64_t> places = xt::zeros<std::int64_t>({found.size(), x.dimension()});
                for (std::size_t i = 0; i < found.size(); ++i)
                    for (std::size_t k = 0; k < x.dimension(); ++k)
                        places(i, k) = static_cast<std::int64_t>(found[i][k]);
                return places;
            });
        Source source(any_number);
        for (const Sizes& shape : {Sizes{4, 4}, Sizes{3, 5}})
            for (const Lie lie : {Lie::rows, Lie::columns, Lie::view})
                with_array(shape, lie, source, [](const Tensor& t, const Rows& x) {
                    for (const int k : {-1, 0, 1}) {
                        CHECK(close(tril(t, k), from_xtensor(xt::tril(x, k))));
                        CHECK(close(triu(t, k), from_xtensor(xt::triu(x, k))));
                        CHECK(close(diagonal(t, k), from_xtensor(xt::diagonal(x, k))));
                    }
                    CHECK(close(repeat(t, 3, 1), from_xtensor(kept(xt::repeat(x, 3, 1)))));
                    CHECK(close(diag(t[0], 1), from_xtensor(xt::diag(kept(xt::view(x, 0)), 1))));
                    CHECK(close(t[Slice{1, 3}], from_xtensor(xt::view(x, xt::range(1, 3)))));
                    CHECK(close(slice(t, {{}, {3, 0, -2}}), from_xtensor(xt::view(x, xt::all(), xt::range(3, 0, -2)))));
                    CHECK(close(broadcast_to(t, {2, t.shape(0), t.shape(1)}),
                                from_xtensor(xt::broadcast(x, Sizes{2, x.shape()[0], x.shape()[1]}))));
                });
        CHECK(close(arange(2.0, 5.0, 0.25, DType::f64), from_xtensor(xt::arange(2.0, 5.0, 0.25))));
        CHECK(close(linspace(-1, 2, 7, DType::f64), from_xtensor(xt::linspace(-1.0, 2.0, 7))));
        CHECK(close(eye(4, DType::f64), from_xtensor(xt::eye<double>(4))));
        CHECK(close(ones({2, 3}), from_xtensor(xt::ones<float>({2, 3}))));
    }

    // xtensor prints braces and blanks where we have brackets and commas; what stands between them is the same:
    // numbers, words and what is left out.
    TEST_CASE("printing") {
        const auto words = [](const auto& x) {
            std::ostringstream out;
            out << x;
            std::string text = out.str();
            for (char& c : text)
                if (std::string_view("{}[],\n").find(c) != std::string_view::npos) c = ' ';
            std::istringstream in(text);
            std::string word, result;
            while (in >> word) {
                char* end = nullptr;
                const double number = std::strtod(word.c_str(), &end);
                result += (*end ? word : std::to_string(number)) + ' ';
            }
            return result;
        };
        const auto same = [&](const auto& x) { CHECK(words(from_xtensor(x)) == words(x)); };
        same(xt::xarray<double>{{1.5, -2.25, 3.0}, {10.125, 0.5, -0.75}});
        same(xt::xarray<double>{1e-9, 1.0, 1e9});
        same(xt::xarray<double>{INFINITY, -INFINITY, 0});
        same(xt::xarray<float>{{{1.0f, 2.5f}, {3.0f, 4.0f}}});
        same(xt::xarray<int>{{{1, -20}, {3, 4}}, {{5, 6}, {7, 8}}});
        same(xt::xarray<bool>{{true, false}, {false, false}});
        same(xt::xarray<double>(xt::arange<double>(0, 2000)));
        same(xt::xarray<int>(xt::reshape_view(xt::arange<int>(0, 2000), {20, 100})));
    }
}
