#include "elementwise_values.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <set>
#include <sstream>

#include "places.hpp"
#include "support.hpp"

// Values of element-wise operations against those of elementwise_values_table.cpp, over the whole range of both types.

using namespace xgrad;
using namespace tests;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

/// Zeros, infinities, NaN, denormals, the ends of the range, halves and integers, and the places where functions bend.
template <class T>
std::vector<T> special_arguments() {
    using L = std::numeric_limits<T>;
    std::vector<T> xs{0,
                      L::denorm_min(),
                      L::min() / 2,
                      L::min(),
                      L::epsilon() / 4,
                      L::epsilon(),
                      T(1e-5),
                      T(0.1),
                      T(0.25),
                      T(0.5),
                      T(0.625),
                      T(0.99),
                      T(1),
                      T(1) + L::epsilon(),
                      T(1.5),
                      T(2),
                      T(2.5),
                      T(3),
                      T(3.14159265358979323846),
                      T(10),
                      T(20),
                      T(87),
                      T(88.5),
                      T(104),
                      T(700),
                      T(709),
                      T(745),
                      T(1000),
                      T(1e4),
                      T(12345678),
                      T(1e10),
                      T(1e30),
                      L::max(),
                      L::infinity()};
    const std::size_t positive = xs.size();
    for (std::size_t i = 0; i < positive; ++i) xs.push_back(-xs[i]);
    xs.push_back(L::quiet_NaN());
    return xs;
}

/// The special arguments, then `count` numbers, half of them of every order of magnitude, half between -10 and 10.
template <class T>
std::vector<T> arguments(int count, double low, double high, std::uint64_t seed = 7) {
    std::mt19937_64 engine(seed);
    const auto uniform = [&] { return static_cast<double>(engine() >> 11) * 0x1p-53; };
    const double largest = std::log2(static_cast<double>(std::numeric_limits<T>::max()));
    std::vector<T> xs = special_arguments<T>();
    for (int i = 0; i < count; ++i) {
        const double size = i % 2 ? std::exp2((2 * uniform() - 1) * (largest - 1)) : 10 * uniform();
        xs.push_back(static_cast<T>(engine() & 1 ? size : -size));
    }
    std::erase_if(
        xs, [&](T x) { return !std::isnan(x) && !(low <= static_cast<double>(x) && static_cast<double>(x) <= high); });
    return xs;
}

/// The distance of `got` from `exact` in units of the last place of T there.
template <class T>
double ulps(double got, Number exact) {
    const T nearest = static_cast<T>(exact);
    if (std::isnan(nearest)) return std::isnan(got) ? 0 : inf;
    if (static_cast<T>(got) == nearest) return 0;
    if (std::isnan(got)) return inf;
    using L = std::numeric_limits<T>;
    const Number error = std::fabs(static_cast<Number>(got) - exact);
    if (std::fabs(exact) < 4 * L::min()) return static_cast<double>(error / L::min());
    if (std::isinf(nearest) || std::isinf(got)) {  // next to the end of the range, the largest number will do
        return std::fabs(exact) > L::max() * Number(0.999999) && std::fabs(got) > L::max() * Number(0.999999) &&
                       (got > 0) == (exact > 0)
                   ? 1
                   : inf;
    }
    const Number unit = std::ldexp(Number(1), std::ilogb(exact) - (L::digits - 1));
    return static_cast<double>(error / unit);
}

class Worst {
public:
    void add(double error, const std::string& where) {
        if (error > error_) {
            error_ = error;
            where_ = where;
        }
    }
    std::string over(double bound) const {
        return error_ > bound ? "is off by " + std::to_string(error_) + " ulp at " + where_ : std::string();
    }

private:
    double error_ = 0;
    std::string where_;
};

template <class T>
std::string text(T x) {
    std::ostringstream out;
    out.precision(std::numeric_limits<T>::max_digits10);
    out << x;
    return out.str();
}

template <class T>
std::string complaint(const Unary& row, double bound) {
    const std::vector<T> xs = arguments<T>(4000, row.low, row.high);
    const std::vector<double> got = tests::values(row.f(tensor(xs)));
    Worst worst;
    for (std::size_t i = 0; i < xs.size(); ++i) {
        const Number exact = row.reference(static_cast<Number>(xs[i]));
        worst.add(ulps<T>(got[i], exact),
                  text(xs[i]) + " (got " + text(got[i]) + ", exact is " + text(static_cast<double>(exact)) + ")");
    }
    return worst.over(bound);
}

template <class T>
std::string complaint(const Binary& row, double bound) {
    std::vector<T> as, bs;
    const std::vector<T> special = arguments<T>(0, row.low, row.high);
    for (const T a : special)
        for (const T b : special) {
            as.push_back(a);
            bs.push_back(b);
        }
    const std::vector<T> more_a = arguments<T>(3000, row.low, row.high, 8),
                         more_b = arguments<T>(3000, row.low, row.high, 9);
    for (std::size_t i = 0; i < std::min(more_a.size(), more_b.size()); ++i) {
        as.push_back(more_a[i]);
        bs.push_back(more_b[i]);
    }
    const std::vector<double> got = tests::values(row.f(tensor(as), tensor(bs)));
    Worst worst;
    for (std::size_t i = 0; i < as.size(); ++i) {
        const Number exact = row.reference(static_cast<Number>(as[i]), static_cast<Number>(bs[i]));
        worst.add(ulps<T>(got[i], exact), text(as[i]) + ", " + text(bs[i]) + " (got " + text(got[i]) + ", exact is " +
                                              text(static_cast<double>(exact)) + ")");
    }
    return worst.over(bound);
}

/// One value of x's elements does not depend on its neighbours or on the length: SIMD tails.
template <class T, class F>
bool same_for_every_length(const F& f, const std::vector<T>& xs) {
    const std::vector<double> whole = tests::values(f(tensor(xs)));
    for (std::size_t length = 0; length <= 70; ++length) {
        const std::vector<T> head(xs.begin(), xs.begin() + static_cast<std::ptrdiff_t>(length));
        const std::vector<double> got = tests::values(f(tensor(head)));
        if (got.size() != length) return false;
        for (std::size_t i = 0; i < length; ++i)
            if (got[i] != whole[i] && !(std::isnan(got[i]) && std::isnan(whole[i]))) return false;
    }
    return true;
}

template <class T>
std::vector<T> seventy(std::uint64_t seed) {
    std::mt19937_64 engine(seed);
    std::vector<T> xs(77);
    for (T& x : xs) x = static_cast<T>(3 * static_cast<double>(engine() >> 11) * 0x1p-53 - 1.5);
    return xs;
}

template <class T, class F>
bool broadcasts(const F& f, const Shape& a, const Shape& b) {
    const auto count = [](const Shape& s) {
        std::vector<T> v(static_cast<std::size_t>(s.size()));
        for (std::size_t i = 0; i < v.size(); ++i) v[i] = static_cast<T>((i * 7) % 1013);
        return v;
    };
    const std::vector<T> va = count(a), vb = count(b);
    const Tensor y = f(tensor(va, a), tensor(vb, b));
    const Shape shape = broadcast_shapes(a, b);
    if (y.shape() != shape) return false;
    const auto position = [&](const Shape& s, std::int64_t flat) {
        std::int64_t at = 0, stride = 1;
        for (int axis = shape.rank(); axis-- > 0; flat /= shape[axis]) {
            const int own = axis - (shape.rank() - s.rank());
            if (own < 0) continue;
            at += (s[own] == 1 ? 0 : flat % shape[axis]) * stride;
            stride *= s[own];
        }
        return static_cast<std::size_t>(at);
    };
    const auto got = y.template data<T>();
    for (std::int64_t i = 0; i < shape.size(); ++i)
        if (got[static_cast<std::size_t>(i)] != va[position(a, i)] - vb[position(b, i)]) return false;
    return true;
}

}  // namespace

TEST_SUITE("element-wise values") {
    TEST_CASE("every element-wise operation has its values checked") {
        std::set<std::string> rows;
        const auto operation = [](const std::string& name) { return name.substr(0, name.find('(')); };
        for (const Unary& row : unary_table()) rows.insert(operation(row.name));
        for (const Binary& row : binary_table()) rows.insert(operation(row.name));
        for (const auto& declaration : declared_functions({"ops/elementwise/elementwise.hpp", "rules"}))
            CHECK_MESSAGE(rows.count(declaration.first),
                          declaration.first << " has no row in elementwise_values_test.cpp");
    }

    TEST_CASE("functions of one argument are right to a few units in the last place in f64") {
        for (const Unary& row : unary_table()) {
            const std::string problem = complaint<double>(row, row.ulp64);
            CHECK_MESSAGE(problem.empty(), row.name << ' ' << problem);
        }
    }

    TEST_CASE("functions of one argument are right to a few units in the last place in f32") {
        for (const Unary& row : unary_table()) {
            const std::string problem = complaint<float>(row, row.ulp32);
            CHECK_MESSAGE(problem.empty(), row.name << ' ' << problem);
        }
    }

    TEST_CASE("functions of two arguments are right to a few units in the last place in f64") {
        for (const Binary& row : binary_table()) {
            const std::string problem = complaint<double>(row, row.ulp64);
            CHECK_MESSAGE(problem.empty(), row.name << ' ' << problem);
        }
    }

    TEST_CASE("functions of two arguments are right to a few units in the last place in f32") {
        for (const Binary& row : binary_table()) {
            const std::string problem = complaint<float>(row, row.ulp32);
            CHECK_MESSAGE(problem.empty(), row.name << ' ' << problem);
        }
    }

    TEST_CASE("the sign of zero is kept") {
        const auto odd = {"negative", "positive", "sqrt",  "cbrt",   "expm1",   "log1p",    "sin",  "tan",
                          "asin",     "atan",     "sinh",  "tanh",   "asinh",   "atanh",    "erf",  "floor",
                          "ceil",     "round",    "trunc", "erfinv", "deg2rad", "softsign", "mish", "tanhshrink"};
        for (const Unary& row : unary_table())
            for (const std::string name : odd)
                if (name == row.name)
                    for (const double zero : {0.0, -0.0}) {
                        const bool expected = std::signbit(row.reference(zero));
                        CHECK_MESSAGE(std::signbit(row.f(scalar(zero)).item<double>()) == expected,
                                      row.name << " of " << zero << " in f64");
                        CHECK_MESSAGE(std::signbit(row.f(scalar(static_cast<float>(zero))).item<double>()) == expected,
                                      row.name << " of " << zero << " in f32");
                    }
    }

    TEST_CASE("values do not depend on the length of a tensor") {
        for (const Unary& row : unary_table()) {
            CHECK_MESSAGE(same_for_every_length(row.f, seventy<double>(1)), row.name << " in f64");
            CHECK_MESSAGE(same_for_every_length(row.f, seventy<float>(1)), row.name << " in f32");
        }
        for (const Binary& row : binary_table()) {
            const auto same = [&]<class T>(T) {
                const std::vector<T> other = seventy<T>(2);
                return same_for_every_length(
                           [&](const Tensor& a) { return row.f(a, slice(tensor(other), 0, 0, a.size())); },
                           seventy<T>(1)) &&
                       same_for_every_length([&](const Tensor& a) { return row.f(a, scalar(T(0.75))); },
                                             seventy<T>(1)) &&
                       same_for_every_length([&](const Tensor& b) { return row.f(scalar(T(0.75)), b); }, seventy<T>(1));
            };
            CHECK_MESSAGE(same(0.0), row.name << " in f64");
            CHECK_MESSAGE(same(0.0f), row.name << " in f32");
        }
    }

    TEST_CASE("shapes broadcast as in NumPy") {
        const auto minus = [](const Tensor& a, const Tensor& b) { return a - b; };
        const std::vector<std::pair<Shape, Shape>> pairs{
            {{3, 4}, {4}},
            {{4}, {3, 4}},
            {{3, 1}, {1, 4}},
            {{3, 4}, {3, 1}},
            {{3, 1}, {3, 4}},
            {{}, {3, 4}},
            {{3, 4}, {}},
            {{2, 3, 4}, {3, 1}},
            {{2, 1, 4}, {3, 1}},
            {{1, 1}, {1}},
            {{0, 3}, {3}},
            {{0, 3}, {1, 1}},
            {{5, 1, 7}, {6, 1}},
            {{2, 3, 1, 5}, {1, 4, 1}},
            {{1, 2, 1, 2, 1, 2}, {2, 1, 2, 1, 2, 1}},
            {{600, 1}, {1, 700}},
            {{600, 700}, {700}},
            {{600, 700}, {600, 1}},
        };
        for (const auto& pair : pairs) {
            const auto &a = pair.first, &b = pair.second;  // clang 14 does not capture structured bindings
            CAPTURE(a);
            CAPTURE(b);
            CHECK(broadcasts<double>(minus, a, b));
            CHECK(broadcasts<float>(minus, a, b));
            CHECK(broadcasts<std::int64_t>(minus, a, b));
            CHECK(broadcasts<std::int32_t>(minus, a, b));
        }
    }

    TEST_CASE("integers have arithmetic and comparisons") {
        using I = std::int64_t;
        const Tensor a = tensor({I{-7}, I{7}, I{0}, I{9'007'199'254'740'993}}), b = tensor({I{3}, I{-3}, I{5}, I{2}});
        const auto is = [](const Tensor& x, std::initializer_list<I> expected) {
            const auto data = x.data<I>();
            return std::equal(data.begin(), data.end(), expected.begin(), expected.end());
        };
        CHECK(is(a + b, {-4, 4, 5, 9'007'199'254'740'995}));
        CHECK(is(a - b, {-10, 10, -5, 9'007'199'254'740'991}));
        CHECK(is(a * b, {-21, -21, 0, 18'014'398'509'481'986}));
        CHECK(is(floor_divide(a, b), {-3, -3, 0, 4'503'599'627'370'496}));
        CHECK(is(remainder(a, b), {2, -2, 0, 1}));
        CHECK(is(fmod(a, b), {-1, 1, 0, 1}));
        CHECK(is(negative(a), {7, -7, 0, -9'007'199'254'740'993}));
        CHECK(is(abs(a), {7, 7, 0, 9'007'199'254'740'993}));
        CHECK(is(maximum(a, b), {3, 7, 5, 9'007'199'254'740'993}));
        CHECK(is(minimum(a, b), {-7, -3, 0, 2}));
        CHECK(is(a + 1, {-6, 8, 1, 9'007'199'254'740'994}));
        CHECK(is(where(a > b, a, b), {3, 7, 5, 9'007'199'254'740'993}));
        CHECK(tests::values(a > b) == std::vector<double>{0, 1, 0, 1});
        CHECK(tests::values(a == a) == std::vector<double>{1, 1, 1, 1});
        const Tensor c = tensor({7, -7}), d = tensor({2, 2});
        CHECK(c.dtype() == DType::i32);
        CHECK((c * d).dtype() == DType::i32);
        CHECK(tests::values(c * d) == std::vector<double>{14, -14});
        CHECK(tests::values(remainder(c, d)) == std::vector<double>{1, 1});
    }

    TEST_CASE("a plain number takes the dtype of the tensor") {
        CHECK((tensor({1.0f}) + 0.5).dtype() == DType::f32);
        CHECK((0.5 * tensor({1.0})).dtype() == DType::f64);
        CHECK((1 - tensor({1, 2})).dtype() == DType::i32);
        CHECK((tensor({1.0f}) > 0.5).dtype() == DType::boolean);
        CHECK(where(tensor({true, false}), tensor({1.0f, 2.0f}), 0).dtype() == DType::f32);
    }

    TEST_CASE("a temporary operand gives the value that a kept one gives") {
        const Tensor a = tensor({1.0, 2.0, 3.0}), row = tensor({{1.0}, {2.0}});
        CHECK(tests::close(exp(a + 1.0), exp(tensor({2.0, 3.0, 4.0}))));
        CHECK(tests::close((a + 0.0) - (a * 2.0), -a));
        CHECK(tests::close((a * 1.0) - row, a - row));
        CHECK(tests::close(row - (a * 1.0), row - a));
        CHECK(tests::close(a, tensor({1.0, 2.0, 3.0})));
        Tensor kept = a * 1.0;
        const Tensor same = kept;
        const Tensor moved = exp(std::move(kept));
        CHECK(tests::close(same, a));
        CHECK(tests::close(moved, exp(a)));
    }
}
