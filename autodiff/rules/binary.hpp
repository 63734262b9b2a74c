#pragma once

#include "common.hpp"

// Rules of two inputs.

namespace xgrad::rules {

struct Add {
    static constexpr const char* name = "add";
    static constexpr unsigned reads_a = none, reads_b = none;
    template <class V> V value(const V& a, const V& b) const { return a + b; }
    template <class V> V pull_a(const V& g, const V&, const V&, const V&) const { return g; }
    template <class V> V pull_b(const V& g, const V&, const V&, const V&) const { return g; }
};
struct Subtract {
    static constexpr const char* name = "subtract";
    static constexpr unsigned reads_a = none, reads_b = none;
    template <class V> V value(const V& a, const V& b) const { return a - b; }
    template <class V> V pull_a(const V& g, const V&, const V&, const V&) const { return g; }
    template <class V> V pull_b(const V& g, const V&, const V&, const V&) const { return -g; }
};
struct Multiply {
    static constexpr const char* name = "multiply";
    static constexpr unsigned reads_a = B, reads_b = A;
    template <class V> V value(const V& a, const V& b) const { return a * b; }
    template <class V> V pull_a(const V& g, const V&, const V& b, const V&) const { return g * b; }
    template <class V> V pull_b(const V& g, const V& a, const V&, const V&) const { return g * a; }
};
struct Divide {
    static constexpr const char* name = "divide";
    static constexpr unsigned reads_a = B, reads_b = B | Y;
    template <class V> V value(const V& a, const V& b) const { return a / b; }
    template <class V> V pull_a(const V& g, const V&, const V& b, const V&) const { return g / b; }
    template <class V> V pull_b(const V& g, const V&, const V& b, const V& y) const { return -g * y / b; }
};
struct Remainder {
    static constexpr const char* name = "remainder";
    static constexpr unsigned reads_a = none, reads_b = A | B;
    template <class V> V value(const V& a, const V& b) const { return remainder(a, b); }
    template <class V> V pull_a(const V& g, const V&, const V&, const V&) const { return g; }
    template <class V> V pull_b(const V& g, const V& a, const V& b, const V&) const { return -g * floor(a / b); }
};
struct Fmod {
    static constexpr const char* name = "fmod";
    static constexpr unsigned reads_a = none, reads_b = A | B;
    template <class V> V value(const V& a, const V& b) const { return fmod(a, b); }
    template <class V> V pull_a(const V& g, const V&, const V&, const V&) const { return g; }
    template <class V> V pull_b(const V& g, const V& a, const V& b, const V&) const { return -g * trunc(a / b); }
};
struct Pow {
    static constexpr const char* name = "pow";
    static constexpr unsigned reads_a = A | B, reads_b = A | B | Y;
    template <class V> V value(const V& a, const V& b) const { return pow(a, b); }
    template <class V> V pull_a(const V& g, const V& a, const V& b, const V&) const {
        const V e = where(logical_and(a == 0.0, b == 0.0), 1.0, b - 1.0);  // 0 * 0**-1 must be 0
        return g * b * pow(a, e);
    }
    template <class V> V pull_b(const V& g, const V& a, const V& b, const V& y) const {
        const V base = where(logical_and(a == 0.0, b >= 0.0), 1.0, a);  // 0**b * log(0) must be 0
        return g * y * log(base);
    }
};
struct LogAddExp {
    static constexpr const char* name = "logaddexp";
    static constexpr unsigned reads_a = A | B, reads_b = A | B;
    template <class V> static V difference(const V& a, const V& b) {
        const double inf = __builtin_inf();
        return where(logical_and(a == b, abs(a) == inf), 0.0, a - b);
    }
    /// The weight of a: 0 if both are -inf.
    template <class V> static V weight(const V& a, const V& b) {
        const double inf = __builtin_inf();
        return where(logical_and(a == -inf, b == -inf), 0.0, sigmoid(difference(a, b)));
    }
    template <class V> V value(const V& a, const V& b) const {
        return maximum(a, b) + log1p(exp(-abs(difference(a, b))));
    }
    template <class V> V pull_a(const V& g, const V& a, const V& b, const V&) const { return g * weight(a, b); }
    template <class V> V pull_b(const V& g, const V& a, const V& b, const V&) const { return g * weight(b, a); }
};
struct Atan2 {  // a: y, b: x
    static constexpr const char* name = "atan2";
    static constexpr unsigned reads_a = A | B, reads_b = A | B;
    template <class V> static V radius(const V& a, const V& b) {
        const V h = hypot(a, b);
        return where(h == 0.0, 1.0, h);
    }
    template <class V> V value(const V& a, const V& b) const { return atan2(a, b); }
    template <class V> V pull_a(const V& g, const V& a, const V& b, const V&) const {
        const V h = radius(a, b);
        return g * (b / h) / h;
    }
    template <class V> V pull_b(const V& g, const V& a, const V& b, const V&) const {
        const V h = radius(a, b);
        return -g * (a / h) / h;
    }
};
struct Hypot {
    static constexpr const char* name = "hypot";
    static constexpr unsigned reads_a = A | Y, reads_b = B | Y;
    template <class V> V value(const V& a, const V& b) const { return hypot(a, b); }
    template <class V> V pull_a(const V& g, const V& a, const V&, const V& y) const {
        return g * (a / where(y == 0.0, 1.0, y));
    }
    template <class V> V pull_b(const V& g, const V&, const V& b, const V& y) const {
        return g * (b / where(y == 0.0, 1.0, y));
    }
};
struct Maximum {
    static constexpr const char* name = "maximum";
    static constexpr unsigned reads_a = A | B, reads_b = A | B;
    template <class V> V value(const V& a, const V& b) const { return maximum(a, b); }
    template <class V> V pull_a(const V& g, const V& a, const V& b, const V&) const {
        return where(b > a, 0.0, where(a == b, 0.5 * g, g));
    }
    template <class V> V pull_b(const V& g, const V& a, const V& b, const V&) const {
        return where(a > b, 0.0, where(a == b, 0.5 * g, g));
    }
};
struct Minimum {
    static constexpr const char* name = "minimum";
    static constexpr unsigned reads_a = A | B, reads_b = A | B;
    template <class V> V value(const V& a, const V& b) const { return -maximum(-a, -b); }
    template <class V> V pull_a(const V& g, const V& a, const V& b, const V&) const {
        return where(b < a, 0.0, where(a == b, 0.5 * g, g));
    }
    template <class V> V pull_b(const V& g, const V& a, const V& b, const V&) const {
        return where(a < b, 0.0, where(a == b, 0.5 * g, g));
    }
};
struct Fmax {
    static constexpr const char* name = "fmax";
    static constexpr unsigned reads_a = A | B, reads_b = A | B;
    template <class V> V value(const V& a, const V& b) const { return where(b != b, a, where(a > b, a, b)); }
    template <class V> V pull_a(const V& g, const V& a, const V& b, const V&) const {
        return where(logical_or(a > b, b != b), g, where(a == b, 0.5 * g, 0.0));
    }
    template <class V> V pull_b(const V& g, const V& a, const V& b, const V&) const {
        return where(logical_or(b > a, a != a), g, where(a == b, 0.5 * g, 0.0));
    }
};
struct Fmin {
    static constexpr const char* name = "fmin";
    static constexpr unsigned reads_a = A | B, reads_b = A | B;
    template <class V> V value(const V& a, const V& b) const { return where(b != b, a, where(a < b, a, b)); }
    template <class V> V pull_a(const V& g, const V& a, const V& b, const V&) const {
        return where(logical_or(a < b, b != b), g, where(a == b, 0.5 * g, 0.0));
    }
    template <class V> V pull_b(const V& g, const V& a, const V& b, const V&) const {
        return where(logical_or(b < a, a != a), g, where(a == b, 0.5 * g, 0.0));
    }
};
struct Copysign {
    static constexpr const char* name = "copysign";
    static constexpr unsigned reads_a = A | B, reads_b = none;
    template <class V> V value(const V& a, const V& b) const { return copysign(a, b); }
    template <class V> V pull_a(const V& g, const V& a, const V& b, const V&) const {
        return g * sign(a) * copysign(1.0, b);
    }
    template <class V> V pull_b(const V& g, const V&, const V&, const V&) const { return 0.0 * g; }
};
struct FloorDivide {
    static constexpr const char* name = "floor_divide";
    template <class V> V value(const V& a, const V& b) const { return floor_divide(a, b); }
};
struct XLogY {
    static constexpr const char* name = "xlogy";
    static constexpr unsigned reads_a = A | B, reads_b = A | B;
    /// b, or 1 where 0 * log(b) or 0 / b must be 0.
    template <class V> static V safe(const V& a, const V& b) { return where(logical_and(a == 0.0, b <= 0.0), 1.0, b); }
    template <class V> V value(const V& a, const V& b) const {
        const double inf = __builtin_inf();
        const V y = where(logical_and(a == 0.0, b == inf), 1.0, safe(a, b));
        return a * log(y);
    }
    template <class V> V pull_a(const V& g, const V& a, const V& b, const V&) const { return g * log(safe(a, b)); }
    template <class V> V pull_b(const V& g, const V& a, const V& b, const V&) const { return g * a / safe(a, b); }
};
struct Heaviside {
    static constexpr const char* name = "heaviside";
    template <class V> V value(const V& a, const V& b) const {
        return where(a < 0.0, 0.0, where(a > 0.0, 1.0, where(a == 0.0, b, a)));
    }
};
struct Prelu {  // b: the slope below 0
    static constexpr const char* name = "prelu";
    static constexpr unsigned reads_a = A | B, reads_b = A;
    template <class V> V value(const V& a, const V& b) const { return where(a > 0.0, a, b * a); }
    template <class V> V pull_a(const V& g, const V& a, const V& b, const V&) const { return where(a > 0.0, g, b * g); }
    template <class V> V pull_b(const V& g, const V& a, const V&, const V&) const { return where(a > 0.0, 0.0, g * a); }
};

}  // namespace xgrad::rules
