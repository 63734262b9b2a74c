#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "autodiff/core/apply.hpp"
#include "autodiff/core/detail/axes.hpp"
#include "autodiff/core/detail/composition.hpp"
#include "autodiff/core/detail/dispatch.hpp"
#include "autodiff/core/detail/parallel.hpp"
#include "autodiff/core/tape.hpp"
#include "autodiff/ops/elementwise/elementwise.hpp"
#include "autodiff/ops/reduce/reduce.hpp"
#include "autodiff/ops/shape/index.hpp"
#include "autodiff/ops/shape/shape.hpp"
#include "detail/draws.hpp"
#include "detail/stream.hpp"
#include "random.hpp"

// Draws of classes, which are the last axis of weights, probabilities or logits.

namespace xgrad {

using namespace detail;

namespace {

/// Cumulative sums of weights (rows, classes), in double.
struct Cumulated {
    Int rows, classes;
    std::vector<double> sums;

    template <class Weight>
    Cumulated(Int r, Int c, const Weight& weight) : rows(r), classes(c), sums(static_cast<std::size_t>(r * c)) {
        for (Int row = 0; row < rows; ++row) {
            double total = 0;
            for (Int k = 0; k < classes; ++k)
                sums[static_cast<std::size_t>(row * classes + k)] = total += weight(row, k);
        }
    }
    const double* row(Int r) const { return sums.data() + r * classes; }
    double total(Int r) const { return classes ? row(r)[classes - 1] : 0; }
    /// The class for u in (0, 1): the first whose sum is above u times the total; never one with weight 0.
    Int at(Int r, double u) const {
        const double *begin = row(r), *end = begin + classes, wanted = u * end[-1];
        const double* found = std::upper_bound(begin, end, wanted);
        if (found == end) found = std::lower_bound(begin, end, end[-1]);  // u was rounded to 1
        return found - begin;
    }
};

template <class T>
void check_weights(const Tensor& weights, Location where) {
    for (const T w : weights.data<T>())
        check<ValueError>(std::isfinite(w) && w >= 0, where, [&] {
            return "multinomial: weights must be finite and not negative, got " + PlainNumber(w).text();
        });
}

/// The `count` classes whose exponential clocks, with the weights as rates, ring first (Efraimidis and Spirakis:
/// Weighted random sampling with a reservoir, Information Processing Letters 97, 2006).
template <class T>
void without_replacement(const T* weights, Int classes, Int count, Stream stream, Int* to) {
    std::vector<double> time(static_cast<std::size_t>(classes));
    for (Int c = 0; c < classes; ++c)  // with logarithms, so that even the smallest weight has a finite time
        time[static_cast<std::size_t>(c)] = std::log(stream.exponential()) - std::log(static_cast<double>(weights[c]));
    std::vector<Int> order(static_cast<std::size_t>(classes));
    std::iota(order.begin(), order.end(), Int{0});
    std::partial_sort(order.begin(), order.begin() + count, order.end(), [&](Int a, Int b) {
        const double x = time[static_cast<std::size_t>(a)], y = time[static_cast<std::size_t>(b)];
        return x < y || (x == y && a < b);
    });
    std::copy_n(order.begin(), count, to);
}

}  // namespace

Tensor categorical(const Operand& operand, const Shape& shape, Generator& generator) {
    return composed("categorical", operand.where(), [&]() -> Tensor {
        const Location where = operand.where();
        const Tensor& logits = tensor_of(operand, "categorical");
        check_floating(logits, "categorical", where);
        check<ShapeError>(logits.ndim() > 0, where, [] {
            return std::string("categorical: the last axis is that of the classes, got a scalar");
        });
        const Shape batch(logits.shape().begin(), logits.ndim() - 1);
        const Int classes = logits.shape().back(), rows = batch.size();
        Shape result = shape;
        for (const Int size : batch) result.push_back(size);
        Tensor out = empty(result, DType::i64, where);
        with_floating(logits.dtype(), [&]<class T>(T) {
            const T* from = elements<T>(logits);
            std::vector<double> largest(static_cast<std::size_t>(rows), -HUGE_VAL);
            for (Int row = 0; row < rows; ++row) {
                double& best = largest[static_cast<std::size_t>(row)];
                for (Int c = 0; c < classes; ++c) {
                    const auto x = static_cast<double>(from[row * classes + c]);
                    check<ValueError>(x < HUGE_VAL, where, [&] {
                        return "categorical: logits must not be NaN or inf, got " + PlainNumber(x).text();
                    });
                    best = std::max(best, x);
                }
                check<ValueError>(best > -HUGE_VAL, where, [&] {
                    return "categorical: a class must be possible, got none in row " + std::to_string(row);
                });
            }
            const Cumulated sums(rows, classes, [&](Int row, Int c) {
                return std::exp(static_cast<double>(from[row * classes + c]) - largest[static_cast<std::size_t>(row)]);
            });
            const Generator::Draw at = generator.draw(static_cast<std::uint64_t>(out.size()));
            parallel_for(out.size(), out.size() * 16, [&](Int begin, Int end) {
                for (Int i = begin; i < end; ++i) elements<Int>(out)[i] = sums.at(i % rows, Stream(at, i).uniform());
            });
        });
        return out;
    });
}

Tensor multinomial(const Operand& operand, Int count, const MultinomialOptions& options, Generator& generator) {
    return composed("multinomial", operand.where(), [&]() -> Tensor {
        const Location where = operand.where();
        const Tensor& weights = tensor_of(operand, "multinomial");
        check_floating(weights, "multinomial", where);
        check<ShapeError>(weights.ndim() == 1 || weights.ndim() == 2, where, [&] {
            return "multinomial: weights must be (C) or (rows, C), got " + to_string(weights.shape());
        });
        check<ValueError>(count >= 0, where, [&] {
            return "multinomial: the number of draws must not be negative, got " + std::to_string(count);
        });
        const Int classes = weights.shape().back(), rows = weights.ndim() == 2 ? weights.shape()[0] : 1;
        Tensor out = empty(weights.ndim() == 2 ? Shape{rows, count} : Shape{count}, DType::i64, where);
        with_floating(weights.dtype(), [&]<class T>(T) {
            check_weights<T>(weights, where);
            const T* from = elements<T>(weights);
            for (Int row = 0; row < rows; ++row) {
                const Int possible = classes - std::count(from + row * classes, from + (row + 1) * classes, T(0));
                const Int needed = options.replacement ? std::min<Int>(count, 1) : count;
                check<ValueError>(possible >= needed, where, [&] {
                    return "multinomial: at least " + std::to_string(needed) + " classes must have a weight, got " +
                           std::to_string(possible) + " in row " + std::to_string(row);
                });
            }
            if (!options.replacement) {
                const Generator::Draw at = generator.draw(static_cast<std::uint64_t>(rows));
                parallel_for(rows, rows * classes * 16, [&](Int begin, Int end) {
                    for (Int row = begin; row < end; ++row)
                        without_replacement(from + row * classes, classes, count, Stream(at, row),
                                            elements<Int>(out) + row * count);
                });
                return;
            }
            const Cumulated sums(rows, classes,
                                 [&](Int row, Int c) { return static_cast<double>(from[row * classes + c]); });
            for (Int row = 0; row < rows; ++row)
                check<ValueError>(std::isfinite(sums.total(row)), where, [&] {
                    return "multinomial: weights must have a finite sum, got inf in row " + std::to_string(row);
                });
            const Generator::Draw at = generator.draw(static_cast<std::uint64_t>(out.size()));
            parallel_for(out.size(), out.size() * 16, [&](Int begin, Int end) {
                for (Int i = begin; i < end; ++i) elements<Int>(out)[i] = sums.at(i / count, Stream(at, i).uniform());
            });
        });
        return out;
    });
}

Tensor detail::multinomial_counts(Int count, const Tensor& probabilities, Generator& generator) {
    Tensor out = TensorAccess::empty_like(probabilities);
    const Int classes = probabilities.shape().back(), rows = probabilities.size() / classes;
    const Generator::Draw at = generator.draw(static_cast<std::uint64_t>(rows));
    with_floating(out.dtype(), [&]<class T>(T) {
        const T* p = elements<T>(probabilities);
        const Cumulated sums(rows, classes, [&](Int row, Int c) { return static_cast<double>(p[row * classes + c]); });
        parallel_for(rows, rows * classes * 32, [&](Int begin, Int end) {
            for (Int row = begin; row < end; ++row) {
                Stream stream(at, row);
                auto left = static_cast<double>(count);
                // From the last class down: each class takes its share of the sum of itself and those before it. The
                // first possible class has exactly the whole sum.
                for (Int c = classes - 1; c >= 0; --c) {
                    const auto share = static_cast<double>(p[row * classes + c]);
                    const double sum = sums.row(row)[c],
                                 taken = share < sum ? binomial_number(stream, left, share / sum) : left;
                    elements<T>(out)[row * classes + c] = static_cast<T>(taken);
                    left -= taken;
                }
            }
        });
    });
    return out;
}

namespace {

/// One-hot at the largest element along an axis; the gradient passes straight through.
struct StraightThrough {
    static constexpr const char* name = "straight_through";
    int axis = 0;
    XGRAD_ATTRIBUTES(axis)

    Tensor value(const Tensor& soft) const {
        const Tensor hot =
            one_hot(argmax(soft, axis), soft.shape(axis), soft.dtype());  // the classes are the last axis
        std::vector<int> order;
        for (int k = 0; k < soft.ndim(); ++k) order.push_back(k < axis ? k : k == axis ? soft.ndim() - 1 : k - 1);
        return soft.ndim() > 1 ? transpose(hot, order) : hot;
    }
    static Tensor pullback(Tensor g) { return g; }
};

}  // namespace

Tensor gumbel_softmax(const Operand& operand, const GumbelSoftmaxOptions& options, Generator& generator) {
    return composed("gumbel_softmax", operand.where(), [&]() -> Tensor {
        const Location where = operand.where();
        const Tensor& logits = tensor_of(operand, "gumbel_softmax");
        check_floating(logits, "gumbel_softmax", where);
        check<ValueError>(options.tau > 0, where, [&] {
            return "gumbel_softmax: tau must be positive, got " + PlainNumber(options.tau).text();
        });
        const int axis = normalise_axis(options.axis, logits.ndim(), "gumbel_softmax", where);
        const Tensor noise = -log(exponential(scalar(1.0, logits.dtype()), logits.shape(), generator));
        const Tensor soft = softmax(Operand((Operand(logits, where) + noise) / options.tau, where), axis);
        if (!options.hard) return soft;
        return apply(StraightThrough{axis}, {soft}, where);
    });
}

}  // namespace xgrad
