#pragma once

#include <autodiff/autodiff.hpp>
#include <cmath>
#include <string>
#include <vector>

namespace tests {

/// The elements of a tensor of any dtype.
inline std::vector<double> values(const xgrad::Tensor& x) {
    const xgrad::Tensor doubles = xgrad::stop_gradient(x).to(xgrad::DType::f64);
    const auto data = doubles.data<double>();
    return {data.begin(), data.end()};
}

/// Equal shapes, and elements equal up to `tolerance` relative to max(1, |b|); NaN equals NaN.
inline bool close(const xgrad::Tensor& a, const xgrad::Tensor& b, double tolerance = 1e-12) {
    if (a.shape() != b.shape()) return false;
    const auto x = values(a), y = values(b);
    for (std::size_t i = 0; i < x.size(); ++i) {
        if (x[i] == y[i] || (std::isnan(x[i]) && std::isnan(y[i]))) continue;
        if (!(std::abs(x[i] - y[i]) <= tolerance * std::max(1.0, std::abs(y[i])))) return false;
    }
    return true;
}

/// The text of the error of kind E that `f` throws; says so when `f` throws no error or a different one.
template <class E = xgrad::Error, class F>
std::string error_of(F&& f) {
    try {
        f();
    } catch (const E& error) {
        return error.what();
    } catch (const std::exception& error) {
        return std::string("another kind of error: ") + error.what();
    }
    return "no error";
}

/// " [file:line]" as errors end with it, for a line of the calling file.
inline std::string here(int line = __builtin_LINE(), const char* file = __builtin_FILE()) {
    const std::string path = file;
    return " [" + path.substr(path.find_last_of('/') + 1) + ":" + std::to_string(line) + "]";
}

/// The same for a statement in a macro that spans several lines: compilers count from its first or its last one.
struct Nearby {
    int line;
    std::string file;
};
inline Nearby nearby(int line = __builtin_LINE(), const char* file = __builtin_FILE()) { return {line, file}; }
struct MessageNearby {
    std::string text;
    Nearby place;
    friend bool operator==(const std::string& message, const MessageNearby& expected) {
        for (int line = expected.place.line - 3; line <= expected.place.line + 3; ++line)
            if (message == expected.text + here(line, expected.place.file.c_str())) return true;
        return false;
    }
    friend std::ostream& operator<<(std::ostream& out, const MessageNearby& expected) {
        return out << expected.text << here(expected.place.line, expected.place.file.c_str())
                   << " or some lines around";
    }
};
inline MessageNearby operator+(std::string text, Nearby place) { return {std::move(text), std::move(place)}; }

}  // namespace tests
