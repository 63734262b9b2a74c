#include "gradcheck.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <sstream>
#include <utility>

#include "autodiff/ops/random/random.hpp"

namespace xgrad {
namespace {

using Function = std::function<Tensor(std::span<const Tensor>)>;
using Numbers = std::vector<double>;

Numbers numbers(const Tensor& x) {
    const auto values = x.data<double>();
    return {values.begin(), values.end()};
}

std::string element(const Shape& shape, std::int64_t flat) {
    Shape index = shape;
    for (int axis = shape.rank(); axis-- > 0; flat /= shape[axis]) index[axis] = flat % shape[axis];
    return to_string(index);
}

Tensors watch(Tape& tape, std::span<const Tensor> xs) {
    Tensors watched;
    for (const Tensor& x : xs) watched.push_back(tape.watch(x));
    return watched;
}

Tensors gradients(const Function& f, std::span<const Tensor> xs, const Tensor& cotangent) {
    Tape tape({.watch_parameters = false});
    const Tensors watched = watch(tape, xs);
    return tape.gradient(f(watched), watched, {.cotangent = cotangent, .unconnected = Unconnected::zeros});
}

Function gradient_of(const Function& f, std::size_t input, const Tensor& cotangent) {
    return [=](std::span<const Tensor> xs) {
        Tape tape({.watch_parameters = false});
        const Tensors watched = watch(tape, xs);
        return tape.gradient(f(watched), watched[input], {.cotangent = cotangent, .unconnected = Unconnected::zeros});
    };
}

/// The derivative along `direction` of input number `input` alone, by forward mode.
Tensor tangent(const Function& f, std::span<const Tensor> xs, std::size_t input, const Tensor& direction) {
    auto of_one = [&](const Tensor& x) {
        Tensors all(xs.begin(), xs.end());
        all[input] = x;
        return f(all);
    };
    return jvp(of_one, xs[input], direction);
}

/// (f(x + step) - f(x - step)) / 2, and a bound on the effect of rounding in f.
struct Difference {
    Numbers half, rounding;
};

Difference difference(const Function& f, std::span<const Tensor> xs, const std::vector<Numbers>& steps) {
    auto moved = [&](double sign) {
        Tensors result;
        for (std::size_t i = 0; i < xs.size(); ++i) {
            Numbers x = numbers(xs[i]);
            for (std::size_t j = 0; j < x.size(); ++j) x[j] += sign * steps[i][j];
            result.push_back(tensor(x, xs[i].shape()));
        }
        return numbers(f(result));
    };
    const Numbers above = moved(1), below = moved(-1);
    Difference result;
    for (std::size_t i = 0; i < above.size(); ++i) {
        result.half.push_back((above[i] - below[i]) / 2);
        result.rounding.push_back(std::numeric_limits<double>::epsilon() * (std::abs(above[i]) + std::abs(below[i])));
    }
    return result;
}

class Gradcheck {
public:
    Gradcheck(std::span<const Tensor> xs, const GradcheckOptions& options)
        : xs_(xs), options_(options), random_(options.seed) {}

    GradcheckReport run(const Function& f) {
        report_.ok = true;
        check_order(f, 1, "");
        if (report_.ok) {
            std::ostringstream text;
            text << "gradcheck: " << compared_ << " derivatives up to order " << options_.order
                 << " agree with differences; the worst error is " << report_.worst << " of the tolerance";
            report_.message = text.str();
        }
        return report_;
    }

private:
    /// Of either sign and never near zero, so that no error is hidden by a small weight or cancels by symmetry.
    double weight() {
        const double size = 0.5 + static_cast<double>(random_() >> 11) * 0x1p-53;
        return random_() & 1 ? size : -size;
    }
    Numbers weights(std::int64_t count) {
        Numbers result(static_cast<std::size_t>(count));
        for (double& w : result) w = weight();
        return result;
    }

    void check_order(const Function& f, int order, const std::string& of) {
        const Tensor y = f(xs_);
        check<DTypeError>(y.dtype() == DType::f64, {}, [&] {
            return std::string("gradcheck: the function must give f64, got ") + name_of(y.dtype());
        });
        const Numbers u = weights(y.size());
        const Tensor cotangent = tensor(u, y.shape());
        const Tensors reverse = gradients(f, xs_, cotangent);
        for (std::size_t i = 0; i < xs_.size(); ++i)
            if (reverse[i].shape() != xs_[i].shape())
                return fail(of + "the gradient of input " + std::to_string(i) + " has shape " +
                            to_string(reverse[i].shape()) + " instead of " + to_string(xs_[i].shape()));

        const auto check_elements = [&] {
            for (std::size_t i = 0; i < xs_.size(); ++i)
                for (std::int64_t j = 0; report_.ok && j < xs_[i].size(); ++j)
                    check_element(f, y.shape(), u, reverse[i], i, j, of);
        };
        if (options_.full_jacobian) check_elements();  // first, because it names the wrong input and element
        if (!report_.ok) return;
        check_direction(f, y.shape(), u, reverse, of);
        if (!report_.ok && !options_.full_jacobian) {
            const GradcheckReport direction = std::exchange(report_, {.ok = true});
            check_elements();
            if (report_.ok) report_ = direction;  // no single element shows the error
        }
        for (std::size_t i = 0; order < options_.order && report_.ok && i < xs_.size(); ++i)
            check_order(gradient_of(f, i, cotangent), order + 1, of + "gradient of input " + std::to_string(i) + ": ");
    }

    /// All inputs at once along one random direction.
    void check_direction(const Function& f, const Shape& shape, const Numbers& u, const Tensors& reverse,
                         const std::string& of) {
        std::vector<Numbers> steps;
        Numbers forward(u.size());
        double by_reverse = 0;
        for (std::size_t i = 0; i < xs_.size(); ++i) {
            const Numbers x = numbers(xs_[i]), gradient = numbers(reverse[i]);
            Numbers direction = weights(xs_[i].size());
            for (std::size_t j = 0; j < x.size(); ++j) {
                direction[j] *= std::max(1.0, std::abs(x[j]));
                by_reverse += gradient[j] * direction[j];
            }
            const Numbers part = numbers(tangent(f, xs_, i, tensor(direction, xs_[i].shape())));
            for (std::size_t k = 0; k < u.size(); ++k) forward[k] += part[k];
            for (double& d : direction) d *= options_.eps;
            steps.push_back(std::move(direction));
        }
        compare(by_reverse, forward, difference(f, xs_, steps), options_.eps, shape, u,
                [&] { return of + "along a random direction"; });
    }

    void check_element(const Function& f, const Shape& shape, const Numbers& u, const Tensor& reverse,
                       std::size_t input, std::int64_t j, const std::string& of) {
        const auto at = static_cast<std::size_t>(j);
        std::vector<Numbers> steps;
        for (const Tensor& x : xs_) steps.emplace_back(x.size(), 0.0);
        const double x = xs_[input].data<double>()[at];
        const double step = options_.eps * std::max(1.0, std::abs(x));
        steps[input][at] = step;
        Numbers unit(steps[input].size(), 0.0);
        unit[at] = 1;
        const Numbers forward = numbers(tangent(f, xs_, input, tensor(unit, xs_[input].shape())));
        compare(reverse.data<double>()[at], forward, difference(f, xs_, steps), ((x + step) - (x - step)) / 2, shape, u,
                [&] { return of + "input " + std::to_string(input) + ", element " + element(xs_[input].shape(), j); });
    }

    /// Compares the derivative of <u, f> from reverse mode and that of every element of f from forward mode with the
    /// differences. `where` is called only on a mismatch.
    template <class Where>
    void compare(double reverse, const Numbers& forward, const Difference& d, double step, const Shape& shape,
                 const Numbers& u, const Where& where) {
        double total = 0, rounding = 0;
        for (std::size_t k = 0; k < u.size(); ++k) {
            total += u[k] * d.half[k] / step;
            rounding += std::abs(u[k]) * d.rounding[k] / step;
        }
        compare(reverse, total, rounding, [&] { return "reverse mode: " + where(); });
        for (std::size_t k = 0; k < u.size(); ++k)
            compare(forward[k], d.half[k] / step, d.rounding[k] / step, [&] {
                return "forward mode: " + where() + ", of the result's element " +
                       element(shape, static_cast<std::int64_t>(k));
            });
    }

    template <class What>
    void compare(double got, double reference, double rounding, const What& what) {
        ++compared_;
        const double error =
            std::abs(got - reference) / (options_.atol + options_.rtol * std::abs(reference) + rounding);
        if (error <= 1) {
            report_.worst = std::max(report_.worst, error);
        } else if (report_.ok) {  // NaN also takes this branch
            report_.worst = error;
            std::ostringstream text;
            text.precision(10);
            text << what() << ": got " << got << ", differences give " << reference;
            fail(text.str());
        }
    }

    void fail(const std::string& text) {
        report_.ok = false;
        report_.message = "gradcheck: " + text;
    }

    std::span<const Tensor> xs_;
    const GradcheckOptions& options_;
    std::mt19937_64 random_;
    GradcheckReport report_;
    std::int64_t compared_ = 0;
};

}  // namespace

GradcheckReport detail::gradcheck(FunctionRef f, std::span<const Tensor> xs, const GradcheckOptions& options) {
    check<ValueError>(options.order >= 1, {},
                      [&] { return "gradcheck: order must be at least 1, got " + std::to_string(options.order); });
    Tensors constants;
    for (const Tensor& x : xs) {
        check<DTypeError>(x.dtype() == DType::f64, {}, [&] {
            return std::string("gradcheck: inputs must be f64, got ") + name_of(x.dtype()) + " for input " +
                   std::to_string(constants.size());
        });
        constants.push_back(stop_gradient(x));
    }
    std::vector<Generator::Draw> draws;  // f must be deterministic: each call repeats the same draws
    bool first = true;
    const auto again = [&](std::span<const Tensor> at) {
        const DrawLog log(draws, !std::exchange(first, false));
        return f(at);
    };
    return Gradcheck(constants, options).run(again);
}

}  // namespace xgrad
