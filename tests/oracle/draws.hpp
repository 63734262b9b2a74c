#pragma once

#include <cmath>

#include "table.hpp"

// Building blocks of the table's rows: conditions on inputs, and common forms of operations.

namespace oracle {

using namespace xgrad;

struct Range {
    double low = 0, high = 0, nearest = 0;  // least and largest element, and the least absolute value
};
inline Range range_of(const Tensor& x) {
    const Tensor plain = stop_gradient(x).to(DType::f64);
    Range r{INFINITY, -INFINITY, INFINITY};
    for (const double v : plain.data<double>())
        r = {std::min(r.low, v), std::max(r.high, v), std::min(r.nearest, std::abs(v))};
    return r;
}

/// No element is so near to `kink` that rounding decides on which side it is; exactly on the kink is allowed if no
/// rounding was involved.
inline bool clear_of(double kink, const Tensor& x) {
    const Tensor plain = stop_gradient(x).to(DType::f64);
    const auto exact = [](double v) { return v * 1024 == std::round(v * 1024); };
    const auto elements = plain.data<double>();
    return std::all_of(elements.begin(), elements.end(), exact) ||
           std::none_of(elements.begin(), elements.end(), [&](double v) { return std::abs(v - kink) < 1e-5; });
}
/// The same for the largest and smallest elements along an axis.
inline bool without_near_ties(const Tensor& x, int axis) {
    return x.shape(axis) < 2 || clear_of(0, diff(sort(stop_gradient(x).to(DType::f64), axis), 1, axis));
}

using In = const Tensors&;
using Draw = std::function<bool(Random&, In, Ints&)>;

inline Draw always() {
    return [](Random&, In, Ints&) { return true; };
}
/// Elements of the first input within limits.
inline Draw within(double low, double high) {
    return [=](Random&, In x, Ints&) {
        const Range r = range_of(x[0]);
        return r.low >= low && r.high <= high;
    };
}
inline bool broadcast(In x) {
    const Shape &a = x[0].shape(), &b = x[1].shape();
    for (int i = 1; i <= std::min(a.rank(), b.rank()); ++i) {
        const auto m = a[a.rank() - i], n = b[b.rank() - i];
        if (m != n && m != 1 && n != 1) return false;
    }
    return true;
}
inline Draw broadcasting() {
    return [](Random&, In x, Ints&) { return broadcast(x); };
}
/// Broadcasting, with no element near 0 in the second input.
inline Draw dividing() {
    return [](Random&, In x, Ints&) { return broadcast(x) && range_of(x[1]).nearest > 0.3; };
}
/// Draws the arguments: an axis, and 0 or 1 for keepdims.
inline Draw along_axis() {
    return [](Random& random, In x, Ints& arguments) {
        if (x[0].ndim() == 0) return false;
        arguments = {random.between(-x[0].ndim(), x[0].ndim() - 1), random.below(2)};
        return true;
    };
}
/// Not near any of the given points.
inline Draw clear_of_all(std::vector<double> kinks) {
    return [kinks](Random&, In x, Ints&) {
        return std::all_of(kinks.begin(), kinks.end(), [&](double kink) { return clear_of(kink, x[0]); });
    };
}
/// Broadcasting, and it is clear which element is larger.
inline Draw comparing() {
    return [](Random&, In x, Ints&) { return broadcast(x) && clear_of(0, stop_gradient(x[0]) - stop_gradient(x[1])); };
}
/// An axis along which it is clear which element is larger.
inline Draw along_axis_comparing() {
    return [draw = along_axis()](Random& random, In x, Ints& arguments) {
        return draw(random, x, arguments) && without_near_ties(x[0], static_cast<int>(arguments[0]));
    };
}
inline bool square_matrix(const Tensor& x) { return x.ndim() >= 2 && x.shape(-1) == x.shape(-2); }
inline Draw square_matrices(double largest) {
    return [=](Random&, In x, Ints&) {
        const Range r = range_of(x[0]);
        return square_matrix(x[0]) && std::max(-r.low, r.high) <= largest;
    };
}

inline int number(const Ints& arguments, std::size_t k) { return static_cast<int>(arguments[k]); }
inline std::vector<int> numbers(const Ints& arguments) { return {arguments.begin(), arguments.end()}; }
inline Tensor identity(const Tensor& x) { return eye(x.shape(-1), x.dtype()); }

template <class F>
Operation unary(const char* name, F f, Draw draw = always()) {
    return {name, std::string(name) + "($0)", 1, std::move(draw), [f](In x, const Ints&) { return f(x[0]); }};
}
template <class F>
Operation binary(const char* name, F f, Draw draw = broadcasting()) {
    return {name, std::string(name) + "($0, $1)", 2, std::move(draw), [f](In x, const Ints&) { return f(x[0], x[1]); }};
}
/// f(x, axis, keepdims).
template <class F>
Operation reduction(const char* name, F f, Draw draw = along_axis()) {
    return {name, std::string(name) + "($0, #0, #1)", 1, std::move(draw),
            [f](In x, const Ints& n) { return f(x[0], number(n, 0), n[1] != 0); }};
}
/// f(x, axis).
template <class F>
Operation scan(const char* name, F f) {
    return {name, std::string(name) + "($0, #0)", 1, along_axis(),
            [f](In x, const Ints& n) { return f(x[0], number(n, 0)); }};
}

// The parts of the table.
void add_neural(std::vector<Operation>& table);

}  // namespace oracle
