#pragma once

#include "common.hpp"

// Rules of special functions.

namespace xgrad::rules {

struct Erf {
    static constexpr const char* name = "erf";
    static constexpr unsigned reads = A;
    template <class V> V value(const V& x) const { return erf(x); }
    template <class V> V pull(const V& g, const V& x, const V&) const { return two_over_sqrt_pi * g * exp(-(x * x)); }
};
struct Erfc {
    static constexpr const char* name = "erfc";
    static constexpr unsigned reads = A;
    template <class V> V value(const V& x) const { return erfc(x); }
    template <class V> V pull(const V& g, const V& x, const V&) const { return -two_over_sqrt_pi * g * exp(-(x * x)); }
};
struct Erfinv {
    static constexpr const char* name = "erfinv";
    static constexpr unsigned reads = Y;
    template <class V> V value(const V& x) const { return erfinv(x); }
    template <class V> V pull(const V& g, const V&, const V& y) const { return half_sqrt_pi * g * exp(y * y); }
};
struct Lgamma {
    static constexpr const char* name = "lgamma";
    static constexpr unsigned reads = A;
    template <class V> V value(const V& x) const { return lgamma(x); }
    template <class V> V pull(const V& g, const V& x, const V&) const { return g * digamma(x); }
};
struct Digamma {
    static constexpr const char* name = "digamma";
    static constexpr unsigned reads = A;
    template <class V> V value(const V& x) const { return digamma(x); }
    template <class V> V pull(const V& g, const V& x, const V&) const { return g * polygamma(1, x); }
};
struct Polygamma {
    static constexpr const char* name = "polygamma";
    static constexpr unsigned reads = A;
    int order = 1;
    XGRAD_ATTRIBUTES(order)
    template <class V> V value(const V& x) const { return polygamma(order, x); }
    template <class V> V pull(const V& g, const V& x, const V&) const { return g * polygamma(order + 1, x); }
};
// The derivatives of sinc form their own family, so that all orders are right at 0, where a quotient would lose
// accuracy.
struct Sinc {
    static constexpr const char* name = "sinc";
    static constexpr unsigned reads = A;
    template <class V> V value(const V& x) const { return sinc(x); }
    template <class V> V pull(const V& g, const V& x, const V&) const { return g * sinc_derivative(1, x); }
};
struct SincDerivative {
    static constexpr const char* name = "sinc_derivative";
    static constexpr unsigned reads = A;
    int order = 1;
    XGRAD_ATTRIBUTES(order)
    template <class V> V value(const V& x) const { return sinc_derivative(order, x); }
    template <class V> V pull(const V& g, const V& x, const V&) const { return g * sinc_derivative(order + 1, x); }
};

}  // namespace xgrad::rules
