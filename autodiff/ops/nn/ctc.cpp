#include "ctc.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "autodiff/core/apply.hpp"
#include "autodiff/core/detail/dispatch.hpp"
#include "autodiff/core/detail/parallel.hpp"
#include "autodiff/ops/elementwise/elementwise.hpp"
#include "autodiff/ops/reduce/reduce.hpp"
#include "autodiff/ops/shape/arrange.hpp"
#include "autodiff/ops/shape/detail/indices.hpp"
#include "autodiff/ops/shape/index.hpp"
#include "autodiff/ops/shape/shape.hpp"

namespace xgrad {

using namespace detail;

namespace {

constexpr double minus_infinity = -std::numeric_limits<double>::infinity();

/// The targets with blanks before, between and after the classes: `states` labels in a row, of which a sample uses 2
/// length + 1.
struct Spelling {
    Int steps, samples, classes;
    Tensor labels;  // (N, states), i64
    Tensor skips;  // (N, states), bool: whether the state may directly follow the one two before it
    Tensor inputs, targets;  // lengths (N), i64
    Int states = labels.shape(1);

    Int label(Int n, Int s) const { return elements<Int>(labels)[n * states + s]; }
    bool skip(Int n, Int s) const { return elements<std::uint8_t>(skips)[n * states + s]; }
    Int length(Int n) const { return elements<Int>(inputs)[n]; }
    Int used(Int n) const { return 2 * elements<Int>(targets)[n] + 1; }
};

double log_add(double a, double b, double c) {
    const double m = std::max({a, b, c});
    if (m == minus_infinity) return a + b + c;  // NaN stays
    return m + std::log(std::exp(a - m) + std::exp(b - m) + std::exp(c - m));
}

/// The logarithms of the probabilities of all prefixes: (N, T + 1, states), in double precision. Before the first step
/// every sample is in its first state.
Tensor run_forward(const Tensor& log_probs, const Spelling& sp) {
    Tensor alpha = full({sp.samples, sp.steps + 1, sp.states}, minus_infinity, DType::f64);
    with_floating(log_probs.dtype(), [&]<class T>(T) {
        const T* p = elements<T>(log_probs);
        parallel_for(sp.samples, alpha.size() * 16, [&](Int begin, Int end) {
            for (Int n = begin; n < end; ++n) {
                double* now = elements<double>(alpha) + n * (sp.steps + 1) * sp.states;
                std::fill_n(now, sp.states, minus_infinity);
                now[0] = 0;
                for (Int t = 0; t < sp.length(n); ++t) {
                    const double* before = now;
                    now += sp.states;
                    const T* line = p + (t * sp.samples + n) * sp.classes;
                    for (Int s = 0; s < sp.used(n); ++s)
                        now[s] = log_add(before[s], s > 0 ? before[s - 1] : minus_infinity,
                                         sp.skip(n, s) ? before[s - 2] : minus_infinity) +
                                 static_cast<double>(line[sp.label(n, s)]);
                }
            }
        });
    });
    return alpha;
}

/// log p of sample n.
double total(const Tensor& alpha, const Spelling& sp, Int n) {
    const double* last = elements<double>(alpha) + (n * (sp.steps + 1) + sp.length(n)) * sp.states;
    const Int used = sp.used(n);
    return log_add(last[used - 1], used > 1 ? last[used - 2] : minus_infinity, minus_infinity);
}

Tensor losses_from(const Tensor& alpha, const Spelling& sp, DType dtype) {
    Tensor y = empty({sp.samples}, dtype);
    with_floating(dtype, [&]<class T>(T) {
        for (Int n = 0; n < sp.samples; ++n) elements<T>(y)[n] = static_cast<T>(-total(alpha, sp, n));
    });
    return y;
}

/// -g times the probability of being in a class at a step, given the target.
Tensor run_back(const Tensor& log_probs, const Tensor& alpha, const Spelling& sp, const Tensor& g) {
    Tensor d = zeros(log_probs.shape(), log_probs.dtype());
    with_floating(log_probs.dtype(), [&]<class T>(T) {
        const T *p = elements<T>(log_probs), *cotangent = elements<T>(g);
        T* to = elements<T>(d);
        parallel_for(sp.samples, alpha.size() * 16, [&](Int begin, Int end) {
            std::vector<double> beta(static_cast<std::size_t>(sp.states)), next(beta),
                share(static_cast<std::size_t>(sp.classes));
            for (Int n = begin; n < end; ++n) {
                const double all = total(alpha, sp, n);
                if (all == minus_infinity) continue;
                const Int used = sp.used(n);
                const auto at = [](auto& v, Int i) -> auto& { return v[static_cast<std::size_t>(i)]; };
                // beta: the logarithm of the probability of the remainder after a state, excluding the current step.
                for (Int s = 0; s < used; ++s) at(beta, s) = s >= used - 2 ? 0 : minus_infinity;
                for (Int t = sp.length(n) - 1; t >= 0; --t) {
                    const Int line = (t * sp.samples + n) * sp.classes;
                    const double* now = elements<double>(alpha) + (n * (sp.steps + 1) + t + 1) * sp.states;
                    std::fill(share.begin(), share.end(), 0.0);
                    for (Int s = 0; s < used; ++s) {
                        at(share, sp.label(n, s)) += std::exp(now[s] + at(beta, s) - all);
                        at(next, s) = at(beta, s) + static_cast<double>(p[line + sp.label(n, s)]);
                    }
                    for (Int c = 0; c < sp.classes; ++c)
                        to[line + c] = static_cast<T>(-static_cast<double>(cotangent[n]) * at(share, c));
                    for (Int s = 0; s < used; ++s)
                        at(beta, s) = log_add(at(next, s), s + 1 < used ? at(next, s + 1) : minus_infinity,
                                              s + 2 < used && sp.skip(n, s + 2) ? at(next, s + 2) : minus_infinity);
                }
            }
        });
    });
    return d;
}

/// The losses computed with operations, for derivatives of any order.
Tensor compose(const Tensor& log_probs, const Spelling& sp) {
    const DType dtype = log_probs.dtype();
    const auto column = [](const Tensor& lengths) { return expand_dims(lengths, 1); };
    const auto shifted = [&](const Tensor& x, Int by) {
        return slice(pad(x, {{0, 0}, {by, 0}}, {.value = minus_infinity}), 1, 0, sp.states);
    };
    Tensor alpha = broadcast_to(
        where(equal(arange(0, static_cast<double>(sp.states), 1, dtype), 0), zeros({}, dtype), minus_infinity),
        {sp.samples, sp.states});
    for (Int t = 0; t < sp.steps; ++t) {
        const Tensor reached = stack({alpha, shifted(alpha, 1), where(sp.skips, shifted(alpha, 2), minus_infinity)});
        const Tensor next = logsumexp(reached, 0) + take_along_axis(select(log_probs, 0, t), sp.labels, 1);
        alpha = where(column(greater(sp.inputs, static_cast<double>(t))), next, alpha);
    }
    const Tensor last = column(sp.targets * 2);
    const Tensor before = where(greater(last, 0), take_along_axis(alpha, maximum(last - 1, 0), 1), minus_infinity);
    return -logsumexp(concat({take_along_axis(alpha, last, 1), before}, 1), 1);
}

void check_lengths(const Tensor& lengths, Int most, const char* what, Location where) {
    for (const Int length : lengths.data<Int>())
        check<ValueError>(length >= 0 && length <= most, where, [&] {
            return std::string("ctc_loss: ") + what + " must be in [0, " + std::to_string(most) + "], got " +
                   std::to_string(length);
        });
}

Spelling spell(const Tensor& log_probs, const Tensor& targets, const Tensor& input_lengths,
               const Tensor& target_lengths, Int blank, Location where) {
    const Int steps = log_probs.shape()[0], samples = log_probs.shape()[1], classes = log_probs.shape()[2];
    const bool padded = targets.ndim() == 2;
    check_lengths(input_lengths, steps, "input_lengths", where);
    check_lengths(target_lengths, targets.shape()[padded], "target_lengths", where);
    const auto lengths = target_lengths.data<Int>();
    Int most = 0, sum_of_lengths = 0;
    for (const Int length : lengths) most = std::max(most, length), sum_of_lengths += length;
    check<ShapeError>(padded || sum_of_lengths <= targets.size(), where, [&] {
        return "ctc_loss: the targets' lengths must not add up to more than there are, got " +
               std::to_string(sum_of_lengths) + " and " + std::to_string(targets.size());
    });
    const Int states = 2 * most + 1;
    const Tensor all_labels = full({samples, states}, static_cast<double>(blank), DType::i64);
    const Tensor all_skips = zeros({samples, states}, DType::boolean);
    const Int* target = elements<Int>(targets);
    for (Int n = 0; n < samples; ++n) {
        const Int length = lengths[static_cast<std::size_t>(n)];
        Int* labels = elements<Int>(all_labels) + n * states;
        for (Int i = 0; i < length; ++i) {
            check<IndexError>(target[i] >= 0 && target[i] < classes, where, [&] {
                return "ctc_loss: targets must be in [0, " + std::to_string(classes) + "), got " +
                       std::to_string(target[i]);
            });
            labels[2 * i + 1] = target[i];
            elements<std::uint8_t>(all_skips)[n * states + 2 * i + 1] =
                i > 0 && target[i] != blank && target[i] != target[i - 1];
        }
        target += padded ? targets.shape()[1] : length;
    }
    return {steps, samples, classes, all_labels, all_skips, input_lengths, target_lengths};
}

/// The losses for log_probs (T, N, C), i64 targets concatenated or (N, ...), and lengths (N). They are followed by
/// `alpha` and the tensors of the Spelling.
struct CtcLoss {
    static constexpr const char* name = "ctc_loss";
    Int blank = 0;
    Location where = {};
    XGRAD_ATTRIBUTES(blank)
    static constexpr Saves saves{.inputs = 0b1101, .outputs = 0b1110};
    static constexpr int results = 1;

    std::array<Tensor, 4> value(const Tensor& log_probs, const Tensor& targets, const Tensor& input_lengths,
                                const Tensor& target_lengths) const {
        const Spelling sp = spell(log_probs, targets, input_lengths, target_lengths, blank, where);
        const Tensor alpha = run_forward(log_probs, sp);
        return {losses_from(alpha, sp, log_probs.dtype()), alpha, sp.labels, sp.skips};
    }
    static std::array<Tensor, 4> pullback(Tensor g, const Saved& s) {
        Tape tape({.watch_parameters = false});
        const Tensor watched = tape.watch(s.input(0));
        return {
            tape.gradient(compose(watched, spelling(s)), watched, {.cotangent = g, .unconnected = Unconnected::zeros})};
    }
    static std::array<Tensor, 4> fused_pullback(Tensor g, const Saved& s) {
        return {run_back(s.input(0), s.output(1), spelling(s), g)};
    }

private:
    static Spelling spelling(const Saved& s) {
        const Shape& shape = s.input(0).shape();
        return {shape[0], shape[1], shape[2], s.output(2), s.output(3), s.input(2), s.input(3)};
    }
};

/// The lengths as a constant with one i64 for each sample.
Tensor lengths_of(const Operand& operand, Int samples, const char* what, Location where) {
    const Tensor& given = tensor_of(operand, "ctc_loss");
    check_index_type(given, "ctc_loss", where);
    check<ShapeError>(given.size() == samples && given.ndim() <= 1, where, [&] {
        return std::string("ctc_loss: ") + what + " must have one element for each of " + std::to_string(samples) +
               " samples, got shape " + to_string(given.shape());
    });
    return reshape(stop_gradient(given).to(DType::i64), {samples});
}

}  // namespace

Tensor ctc_loss(const Operand& operand, const Operand& target_operand, const Operand& input_lengths,
                const Operand& target_lengths, const CtcOptions& options) {
    const Tensor& given = tensor_of(operand, "ctc_loss");
    const Location where = operand.where();
    check_floating(given, "ctc_loss", where);
    check<ShapeError>(given.ndim() == 2 || given.ndim() == 3, where, [&] {
        return "ctc_loss: log_probs must be (T, N, C) or (T, C), got shape " + to_string(given.shape());
    });
    const bool alone = given.ndim() == 2;
    const Tensor log_probs = alone ? expand_dims({given, where}, 1) : given;
    const Int samples = log_probs.shape()[1], classes = log_probs.shape()[2];
    check<IndexError>(options.blank >= 0 && options.blank < classes, where, [&] {
        return "ctc_loss: blank must be in [0, " + std::to_string(classes) + "), got " + std::to_string(options.blank);
    });
    const Tensor& targets = tensor_of(target_operand, "ctc_loss");
    check_index_type(targets, "ctc_loss", where);
    check<ShapeError>((targets.ndim() == 2 && targets.shape()[0] == samples) || targets.ndim() == 1, where, [&] {
        return "ctc_loss: targets must be a vector or (" + std::to_string(samples) + ", ...), got shape " +
               to_string(targets.shape());
    });
    const Tensor inputs = lengths_of(input_lengths, samples, "input_lengths", where),
                 counts = lengths_of(target_lengths, samples, "target_lengths", where);
    Tensor losses = apply(CtcLoss{options.blank, where},
                          {log_probs, stop_gradient(targets).to(DType::i64), inputs, counts}, where)[0];
    if (options.zero_infinity) losses = xgrad::where(isinf(losses), 0, losses);
    if (options.reduction == Reduction::mean) return mean(losses / maximum(counts, 1).to(losses.dtype()));
    if (options.reduction == Reduction::sum) return sum(losses);
    return alone ? squeeze(losses) : losses;
}

}  // namespace xgrad
