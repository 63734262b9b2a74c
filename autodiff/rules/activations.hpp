#pragma once

#include "common.hpp"

// Rules of neural network activations.

namespace xgrad::rules {

/// x with -inf replaced by 0, for a product with a function that is 0 there: the product must be 0, not NaN.
template <class V>
V without_lower_infinity(const V& x) {
    const double inf = __builtin_inf();
    return where(x == -inf, 0.0, x);
}

// A slope that is small in the tails is computed from x: 1 - y has lost it if y is close to 1. logistic(x) is the
// sigmoid with its slope.
struct Sigmoid {
    static constexpr const char* name = "sigmoid";
    static constexpr unsigned reads = A | Y;
    template <class V> V value(const V& x) const { return sigmoid(x); }
    template <class V> V pull(const V& g, const V& x, const V& y) const { return g * sigmoid_slope(x, y); }
};
struct Relu {
    static constexpr const char* name = "relu";
    static constexpr unsigned reads = Y;  // y <= 0 exactly where x <= 0, and the next operation keeps y anyway
    template <class V> V value(const V& x) const { return where(x <= 0.0, 0.0, x); }
    template <class V> V pull(const V& g, const V&, const V& y) const { return where(y <= 0.0, 0.0, g); }
};
struct LeakyRelu {
    static constexpr const char* name = "leaky_relu";
    static constexpr unsigned reads = A;
    double slope = 0.01;
    XGRAD_ATTRIBUTES(slope)
    template <class V> V value(const V& x) const { return where(x > 0.0, x, slope * x); }
    template <class V> V pull(const V& g, const V& x, const V&) const { return where(x > 0.0, g, slope * g); }
};
struct Elu {
    static constexpr const char* name = "elu";
    static constexpr unsigned reads = A;
    double alpha = 1;
    XGRAD_ATTRIBUTES(alpha)
    template <class V> V value(const V& x) const { return where(x > 0.0, x, alpha * expm1(x)); }
    template <class V> V pull(const V& g, const V& x, const V&) const {
        const V below = where(x < 0.0, x, 0.0);  // exp must not overflow on the side that is not chosen: 0 * inf is NaN
        return where(x <= 0.0, alpha * g * exp(below), g);
    }
};
struct GeluErf {
    static constexpr const char* name = "gelu";
    static constexpr unsigned reads = A;
    template <class V> V value(const V& x) const { return 0.5 * without_lower_infinity(x) * erfc(-sqrt_half * x); }
    template <class V> V pull(const V& g, const V& x, const V&) const {
        const auto normal = standard_normal(x);
        const V xs = where(abs(x) > 40.0, 0.0, x);  // there the density is 0, and x times it must not be inf * 0
        return g * (normal.distribution + xs * normal.density);
    }
};
struct GeluTanh {
    static constexpr const char* name = "gelu_tanh";
    static constexpr unsigned reads = A;
    static constexpr double cubic = 0.044715;
    template <class V> static V twice_inside(const V& x) { return (2 * sqrt_two_over_pi) * (x + cubic * x * x * x); }
    // (1 + tanh z) / 2 is the sigmoid of 2 z.
    template <class V> V value(const V& x) const { return without_lower_infinity(x) * sigmoid(twice_inside(x)); }
    template <class V> V pull(const V& g, const V& x, const V&) const {
        const V xs = where(abs(x) > 40.0, 0.0, x);
        const auto s = logistic(twice_inside(x));
        return g * (s.value + (2 * sqrt_two_over_pi) * xs * s.slope * (1.0 + (3.0 * cubic) * xs * xs));
    }
};
struct Silu {
    static constexpr const char* name = "silu";
    static constexpr unsigned reads = A;
    template <class V> V value(const V& x) const { return without_lower_infinity(x) * sigmoid(x); }
    template <class V> V pull(const V& g, const V& x, const V&) const {
        const auto s = logistic(x);
        const V xs = where(abs(x) > 1e4, 0.0, x);  // beyond, the sigmoid's slope is 0
        return g * (s.value + xs * s.slope);
    }
};
struct Softplus {
    static constexpr const char* name = "softplus";
    static constexpr unsigned reads = A;
    double beta = 1, threshold = __builtin_inf();
    XGRAD_ATTRIBUTES(beta, threshold)
    template <class V> V value(const V& x) const {
        const V z = beta * x;
        return where(z > threshold, x, (where(z > 0.0, z, 0.0) + log1p(exp(-abs(z)))) / beta);
    }
    template <class V> V pull(const V& g, const V& x, const V&) const {
        const V z = beta * x;
        return where(z > threshold, g, g * sigmoid(z));
    }
};
struct Softsign {
    static constexpr const char* name = "softsign";
    static constexpr unsigned reads = A;
    template <class V> V value(const V& x) const { return where(abs(x) > 1e20, sign(x), x / (1.0 + abs(x))); }
    template <class V> V pull(const V& g, const V& x, const V&) const {
        const V r = 1.0 / (1.0 + abs(x));
        return g * (r * r);
    }
};
// tanh(log(1 + e)) = n / (n + 2) with e = exp(x) and n = e (e + 2), where nothing cancels.
struct Mish {
    static constexpr const char* name = "mish";
    static constexpr unsigned reads = A;
    template <class V> static V e(const V& x) { return exp(where(x > 40.0, 40.0, x)); }  // the tanh has reached 1 there
    template <class V> V value(const V& x) const {
        const V z = e(x), n = z * (z + 2.0);
        return without_lower_infinity(x) * (n / (n + 2.0));
    }
    template <class V> V pull(const V& g, const V& x, const V&) const {
        const V z = e(x), n = z * (z + 2.0), m = n + 2.0, xs = where(abs(x) > 1e3, 0.0, x);
        return g * (n / m + 4.0 * xs * (z / m) * ((1.0 + z) / m));
    }
};
struct Hardtanh {
    static constexpr const char* name = "hardtanh";
    static constexpr unsigned reads = A;
    double low = -1, high = 1;
    XGRAD_ATTRIBUTES(low, high)
    static constexpr const char* requirement = "low must not exceed high";
    bool valid() const { return low <= high; }
    template <class V> V value(const V& x) const { return where(x < low, low, where(x > high, high, x)); }
    template <class V> V pull(const V& g, const V& x, const V&) const {
        return where(x <= low, 0.0, where(x >= high, 0.0, g));
    }
};
struct Relu6 : Hardtanh {
    static constexpr const char* name = "relu6";
    constexpr Relu6() : Hardtanh{0, 6} {}
};
struct Hardsigmoid {
    static constexpr const char* name = "hardsigmoid";
    static constexpr unsigned reads = A;
    template <class V> V value(const V& x) const {
        return where(x <= -3.0, 0.0, where(x >= 3.0, 1.0, (x + 3.0) / 6.0));
    }
    template <class V> V pull(const V& g, const V& x, const V&) const { return where(abs(x) < 3.0, g / 6.0, 0.0); }
};
struct Hardswish {
    static constexpr const char* name = "hardswish";
    static constexpr unsigned reads = A;
    template <class V> V value(const V& x) const {
        return where(x <= -3.0, 0.0, where(x >= 3.0, x, x * ((x + 3.0) / 6.0)));
    }
    template <class V> V pull(const V& g, const V& x, const V&) const {
        const V inside =
            where(x >= 3.0, 3.0, where(x > -3.0, x, -3.0));  // a constant at the limits themselves, as in PyTorch
        return where(x < -3.0, 0.0, where(x <= 3.0, g * (inside / 3.0 + 0.5), g));
    }
};
struct Selu {
    static constexpr const char* name = "selu";
    static constexpr unsigned reads = A;
    static constexpr double alpha = 1.6732632423543772848170429916717, scale = 1.0507009873554804934193349852946;
    template <class V> V value(const V& x) const { return where(x > 0.0, scale * x, (scale * alpha) * expm1(x)); }
    template <class V> V pull(const V& g, const V& x, const V&) const {
        const V below = where(x < 0.0, x, 0.0);
        return where(x <= 0.0, (scale * alpha) * g * exp(below), scale * g);
    }
};
struct Celu {
    static constexpr const char* name = "celu";
    static constexpr unsigned reads = A;
    double alpha = 1;
    XGRAD_ATTRIBUTES(alpha)
    static constexpr const char* requirement = "alpha must not be 0";
    bool valid() const { return alpha != 0; }
    template <class V> V value(const V& x) const { return where(x > 0.0, x, alpha * expm1(x / alpha)); }
    template <class V> V pull(const V& g, const V& x, const V&) const {
        const V below = where(x < 0.0, x, 0.0);
        return where(x <= 0.0, g * exp(below / alpha), g);
    }
};
struct Logsigmoid {
    static constexpr const char* name = "logsigmoid";
    static constexpr unsigned reads = A;
    template <class V> V value(const V& x) const { return where(x > 0.0, 0.0, x) - log1p(exp(-abs(x))); }
    template <class V> V pull(const V& g, const V& x, const V&) const { return g * sigmoid(-x); }
};
struct Tanhshrink {
    static constexpr const char* name = "tanhshrink";
    static constexpr unsigned reads = A;
    template <class V> V value(const V& x) const {
        // Near 0, where the difference cancels, from the continued fraction tanh x = x / (1 + x²/(3 + x²/(5 + …))).
        const V s = x * x;
        V d = s / 23.0;
        for (double k = 21; k >= 3; k -= 2) d = s / (k + d);
        return where(abs(x) < 1.5, x * (d / (1.0 + d)), x - tanh(x));
    }
    template <class V> V pull(const V& g, const V& x, const V&) const {
        const V t = tanh(x);
        return g * (t * t);
    }
};
struct Softshrink {
    static constexpr const char* name = "softshrink";
    static constexpr unsigned reads = A;
    double lambda = 0.5;
    XGRAD_ATTRIBUTES(lambda)
    static constexpr const char* requirement = "lambda must not be negative";
    bool valid() const { return lambda >= 0; }
    template <class V> V value(const V& x) const {
        return where(x > lambda, x - lambda, where(x < -lambda, x + lambda, where(x == x, 0.0, x)));
    }
    template <class V> V pull(const V& g, const V& x, const V&) const { return where(abs(x) <= lambda, 0.0, g); }
};
struct Hardshrink {
    static constexpr const char* name = "hardshrink";
    static constexpr unsigned reads = A;
    double lambda = 0.5;
    XGRAD_ATTRIBUTES(lambda)
    template <class V> V value(const V& x) const { return where(abs(x) <= lambda, 0.0, x); }
    template <class V> V pull(const V& g, const V& x, const V&) const { return where(abs(x) <= lambda, 0.0, g); }
};
struct Threshold {
    static constexpr const char* name = "threshold";
    static constexpr unsigned reads = A;
    double limit = 0, below = 0;
    XGRAD_ATTRIBUTES(limit, below)
    template <class V> V value(const V& x) const { return where(x <= limit, below, x); }
    template <class V> V pull(const V& g, const V& x, const V&) const { return where(x <= limit, 0.0, g); }
};

}  // namespace xgrad::rules
