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

/// The text of the error of kind E that `f` throws; says so when it throws none or another.
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

}  // namespace tests
