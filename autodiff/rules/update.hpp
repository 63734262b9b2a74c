#pragma once

#include "common.hpp"

// The arithmetic of parameter updates, one struct each, as generic code that kernels/update.cpp compiles with SIMD
// vectors once per instruction set. step() takes one parameter's weight w and gradient g and the states that states()
// names (bit k for state k), and updates weight and states. The fields are the constants of one step, with bias
// corrections already applied; `sign` is -1 to maximize, `decay` adds decay * w to the gradient, and `shrinkage` is the
// factor by which decoupled weight decay multiplies w. To add a rule: write it here and add it to the list at the end.

namespace xgrad::updates {

/// The sets of states that a rule may have.
template <unsigned...>
struct StateSets {};

/// v = momentum * v + one_minus_dampening * g; w = shrinkage * w - lr * v, or lr * (g + momentum * v) with nesterov.
/// States: v unless momentum is 0.
struct Sgd {
    using Sets = StateSets<0, 1>;
    double lr, sign = 1, decay = 0, shrinkage = 1, momentum = 0, one_minus_dampening = 1;
    bool nesterov = false;

    unsigned states() const { return momentum != 0; }
    template <class V> void step(V& w, V g, V (&s)[3]) const {
        g = sign * g;
        if (decay != 0) g = g + decay * w;
        if (momentum != 0) {
            s[0] = momentum * s[0] + one_minus_dampening * g;
            g = nesterov ? g + momentum * s[0] : s[0];
        }
        w = shrinkage * w - lr * g;
    }
};

/// m = mean of g, v = mean of g²; w = shrinkage * w - (step_size * m + nesterov_step * g) / (sqrt(v) *
/// denominator_scale + eps). States: m, v and, with amsgrad, the largest v so far, which then replaces v in the
/// denominator.
struct Adam {
    using Sets = StateSets<3, 7>;
    double beta1, beta2, step_size, denominator_scale, eps, nesterov_step = 0, sign = 1, decay = 0, shrinkage = 1;
    bool amsgrad = false;

    unsigned states() const { return amsgrad ? 7 : 3; }
    template <class V> void step(V& w, V g, V (&s)[3]) const {
        g = sign * g + decay * w;
        s[0] = s[0] + (1 - beta1) * (g - s[0]);
        s[1] = beta2 * s[1] + (1 - beta2) * g * g;
        V largest = s[1];
        if (amsgrad) largest = s[2] = maximum(s[2], s[1]);
        V step = step_size * s[0];
        if (nesterov_step != 0) step = step + nesterov_step * g;
        w = shrinkage * w - step / (sqrt(largest) * denominator_scale + eps);
    }
};

/// m = mean of g, u = max(beta2 * u, |g| + eps); w -= step_size * m / u. States: m, u.
struct Adamax {
    using Sets = StateSets<3>;
    double beta1, beta2, step_size, eps, sign = 1, decay = 0;

    unsigned states() const { return 3; }
    template <class V> void step(V& w, V g, V (&s)[3]) const {
        g = sign * g + decay * w;
        s[0] = s[0] + (1 - beta1) * (g - s[0]);
        s[1] = maximum(beta2 * s[1], abs(g) + eps);
        w = w - step_size * s[0] / s[1];
    }
};

/// v = mean of g², a = mean of g; d = g / (sqrt(v - a²) + eps); b = momentum * b + d; w -= lr * b. States: v, a when
/// centered (else a is 0), b unless momentum is 0 (else b is d).
struct Rmsprop {
    using Sets = StateSets<1, 3, 5, 7>;
    double lr, alpha, eps, momentum = 0, sign = 1, decay = 0;
    bool centered = false;

    unsigned states() const { return 1 + 2u * centered + 4u * (momentum != 0); }
    template <class V> void step(V& w, V g, V (&s)[3]) const {
        g = sign * g + decay * w;
        s[0] = alpha * s[0] + (1 - alpha) * g * g;
        V square = s[0];
        if (centered) {
            s[1] = alpha * s[1] + (1 - alpha) * g;
            square = square - s[1] * s[1];
        }
        V direction = g / (sqrt(square) + eps);
        if (momentum != 0) direction = s[2] = momentum * s[2] + direction;
        w = w - lr * direction;
    }
};

/// v += g²; w -= step_size * g / (sqrt(v) + eps). States: v.
struct Adagrad {
    using Sets = StateSets<1>;
    double step_size, eps, sign = 1, decay = 0;

    unsigned states() const { return 1; }
    template <class V> void step(V& w, V g, V (&s)[3]) const {
        g = sign * g + decay * w;
        s[0] = s[0] + g * g;
        w = w - step_size * g / (sqrt(s[0]) + eps);
    }
};

/// v = mean of g²; d = sqrt(a + eps) / sqrt(v + eps) * g; a = mean of d²; w -= lr * d. States: v, a.
struct Adadelta {
    using Sets = StateSets<3>;
    double lr, rho, eps, sign = 1, decay = 0;

    unsigned states() const { return 3; }
    template <class V> void step(V& w, V g, V (&s)[3]) const {
        g = sign * g + decay * w;
        s[0] = rho * s[0] + (1 - rho) * g * g;
        const V direction = sqrt(s[1] + eps) / sqrt(s[0] + eps) * g;
        s[1] = rho * s[1] + (1 - rho) * direction * direction;
        w = w - lr * direction;
    }
};

/// size *= grow where g kept its sign, and size *= shrink where it changed (then g = 0), within the limits; w -= size *
/// sign(g). States: g of the previous step, size.
struct Rprop {
    using Sets = StateSets<3>;
    double shrink, grow, smallest, largest, sign = 1;

    unsigned states() const { return 3; }
    template <class V> void step(V& w, V g, V (&s)[3]) const {
        g = this->sign * g;
        const V agreement = g * s[0];
        const V size = s[1] * where(agreement > 0.0, V(grow), where(agreement < 0.0, V(shrink), V(1.0)));
        s[1] = where(size < smallest, V(smallest), where(size > largest, V(largest), size));
        s[0] = where(agreement < 0.0, V(0.0), g);
        w = w - s[1] * where(s[0] > 0.0, V(1.0), where(s[0] < 0.0, V(-1.0), s[0]));
    }
};

/// w = shrinkage * w - lr * sign(beta1 * m + (1 - beta1) * g), then m = beta2 * m + (1 - beta2) * g. States: m.
struct Lion {
    using Sets = StateSets<1>;
    double lr, beta1, beta2, sign = 1, shrinkage = 1;

    unsigned states() const { return 1; }
    template <class V> void step(V& w, V g, V (&s)[3]) const {
        g = this->sign * g;
        const V mixed = beta1 * s[0] + (1 - beta1) * g;
        w = shrinkage * w - lr * where(mixed > 0.0, V(1.0), where(mixed < 0.0, V(-1.0), mixed));
        s[0] = beta2 * s[0] + (1 - beta2) * g;
    }
};

/// w += rate * (g - w): the weight follows the value passed as the gradient. No states.
struct Average {
    using Sets = StateSets<0>;
    double rate;

    unsigned states() const { return 0; }
    template <class V> void step(V& w, V g, V (&)[3]) const { w = w + rate * (g - w); }
};

/// All rules; they determine the kernels' table.
using All = rules::List<Sgd, Adam, Adamax, Rmsprop, Adagrad, Adadelta, Rprop, Lion, Average>;

}  // namespace xgrad::updates
