#include "line_search.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace xgrad::nn::detail {

namespace {

constexpr double c1 = 1e-4, c2 = 0.9;
constexpr int most = 25;

/// The minimum within [low, high] of the cubic through both points with their slopes.
double cubic_minimum(const LinePoint& p, const LinePoint& q, double low, double high) {
    const double d1 = p.slope + q.slope - 3 * (p.f - q.f) / (p.t - q.t), square = d1 * d1 - p.slope * q.slope;
    if (!(square >= 0)) return (low + high) / 2;
    const double d2 = std::sqrt(square);
    const double place = p.t <= q.t ? q.t - (q.t - p.t) * ((q.slope + d2 - d1) / (q.slope - p.slope + 2 * d2))
                                    : p.t - (p.t - q.t) * ((p.slope + d2 - d1) / (p.slope - q.slope + 2 * d2));
    return std::min(std::max(place, low), high);
}

struct Bracket {
    LinePoint low, high;  // ordered by value, not by position
    bool done = false;
    void order() {
        if (!(low.f <= high.f)) std::swap(low, high);
    }
};

/// Steps outwards until two points enclose a minimum, or one point is good enough.
Bracket enclose(const LineFunction& at, const LinePoint& start, double t, int& steps) {
    LinePoint before = start, now = at(t);
    for (; steps < most; ++steps) {
        if (now.f > start.f + c1 * now.t * start.slope || (steps > 1 && now.f >= before.f)) return {before, now};
        if (std::abs(now.slope) <= -c2 * start.slope) return {now, now, true};
        if (now.slope >= 0) return {before, now};
        const double next = cubic_minimum(before, now, now.t + 0.01 * (now.t - before.t), now.t * 10);
        before = std::exchange(now, at(next));
    }
    return {start, now};
}

/// An interpolated point inside the bracket; not too near an end twice in a row.
double inside(const Bracket& b, bool& stuck) {
    const double left = std::min(b.low.t, b.high.t), right = std::max(b.low.t, b.high.t), margin = 0.1 * (right - left);
    const double t = cubic_minimum(b.low, b.high, left, right);
    if (std::min(right - t, t - left) >= margin) {
        stuck = false;
        return t;
    }
    if (!stuck && t < right && t > left) {
        stuck = true;
        return t;
    }
    stuck = false;
    return std::abs(t - right) < std::abs(t - left) ? right - margin : left + margin;
}

}  // namespace

LinePoint strong_wolfe(const LineFunction& at, const LinePoint& start, double t, double width,
                       double tolerance_change) {
    int steps = 0;
    Bracket b = enclose(at, start, t, steps);
    b.order();
    bool stuck = false;
    for (; !b.done && steps < most; ++steps) {
        if (std::abs(b.high.t - b.low.t) * width < tolerance_change) break;
        const LinePoint now = at(inside(b, stuck));
        if (now.f > start.f + c1 * now.t * start.slope || now.f >= b.low.f) {
            b.high = now;
            b.order();
            continue;
        }
        if (std::abs(now.slope) <= -c2 * start.slope) b.done = true;
        else if (now.slope * (b.high.t - b.low.t) >= 0) b.high = b.low;
        b.low = now;
    }
    return b.low;
}

}  // namespace xgrad::nn::detail
