#include "adaptive_softmax.hpp"

#include <cmath>
#include <string>

#include <autodiff/ops/elementwise/elementwise.hpp>
#include <autodiff/ops/shape/index.hpp>
#include <autodiff/ops/reduce/reduce.hpp>
#include <autodiff/ops/shape/shape.hpp>

#include "nn/core/detail/fields.hpp"

namespace xgrad::nn {

namespace {

std::vector<std::int64_t> checked(std::vector<std::int64_t> cutoffs, std::int64_t classes, Location where) {
    std::int64_t before = 0;
    bool rises = !cutoffs.empty();
    for (const std::int64_t c : cutoffs) {
        rises = rises && c > before && c < classes;
        before = c;
    }
    check<ValueError>(rises, where, [&] {
        return "AdaptiveLogSoftmaxWithLoss: cutoffs must rise from 1 to " + std::to_string(classes - 1) + ", got " +
               to_string(tensor(cutoffs));
    });
    cutoffs.push_back(classes);
    return cutoffs;
}

/// The targets of one cluster: their positions among the samples, and their class indices within the cluster.
struct Part {
    std::vector<std::int64_t> samples, classes;
};

}  // namespace

AdaptiveLogSoftmaxWithLoss::AdaptiveLogSoftmaxWithLoss(std::int64_t in_features, std::int64_t n_classes,
                                                       const std::vector<std::int64_t>& cutoffs,
                                                       const AdaptiveLogSoftmaxOptions& options, Location where)
    : head(in_features, checked(cutoffs, n_classes, where)[0] + static_cast<std::int64_t>(cutoffs.size()),
           {.bias = options.head_bias, .dtype = options.dtype}, where),
      cutoffs_(cutoffs) {
    cutoffs_.push_back(n_classes);
    const LinearOptions plain{.bias = false, .dtype = options.dtype};
    for (std::size_t i = 0; i + 1 < cutoffs_.size(); ++i) {
        const auto narrow = static_cast<std::int64_t>(
            std::floor(static_cast<double>(in_features) / std::pow(options.div_value, static_cast<double>(i + 1))));
        tail.push_back(
            {Linear(in_features, narrow, plain, where), Linear(narrow, cutoffs_[i + 1] - cutoffs_[i], plain, where)});
    }
}

Tensor AdaptiveLogSoftmaxWithLoss::within(std::size_t i, const Tensor& x, Location where) const {
    return log_softmax({tail[i][1](tail[i][0](x, where), where), where}, 1);
}

AdaptiveLogSoftmaxWithLoss::Result AdaptiveLogSoftmaxWithLoss::operator()(const Tensor& x, const Tensor& target,
                                                                          Location where) const {
    check<ShapeError>(x.ndim() == 2 && target.shape() == Shape{x.shape(0)}, where, [&] {
        return "AdaptiveLogSoftmaxWithLoss: x (N, in_features) and target (N) are needed, got " + to_string(x.shape()) +
               " and " + to_string(target.shape());
    });
    check<DTypeError>(target.dtype() == DType::i32 || target.dtype() == DType::i64, where, [&] {
        return std::string("AdaptiveLogSoftmaxWithLoss: classes must be i32 or i64, got ") + name_of(target.dtype());
    });
    std::vector<Part> parts(tail.size());
    std::vector<std::int64_t> in_head;
    const Tensor classes = target.to(DType::i64);
    for (const std::int64_t c : classes.data<std::int64_t>()) {
        check<IndexError>(c >= 0 && c < cutoffs_.back(), where, [&] {
            return "AdaptiveLogSoftmaxWithLoss: class must be in [0, " + std::to_string(cutoffs_.back()) + "), got " +
                   std::to_string(c);
        });
        const auto sample = static_cast<std::int64_t>(in_head.size());
        in_head.push_back(c);
        for (std::size_t i = tail.size(); i-- > 0;)
            if (c >= cutoffs_[i]) {
                in_head.back() = shortlist() + static_cast<std::int64_t>(i);
                parts[i].samples.push_back(sample);
                parts[i].classes.push_back(c - cutoffs_[i]);
                break;
            }
    }
    const auto picked = [&](const Tensor& log_probabilities, const std::vector<std::int64_t>& wanted) {
        const auto n = static_cast<std::int64_t>(wanted.size());
        return reshape(take_along_axis({log_probabilities, where}, tensor(wanted, Shape{n, 1}), 1), {n});
    };
    Tensor output = picked(log_softmax({head(x, where), where}, 1), in_head);
    for (std::size_t i = 0; i < tail.size(); ++i) {
        if (parts[i].samples.empty()) continue;
        const Tensor samples = tensor(parts[i].samples);
        const Tensor inside = picked(within(i, take({x, where}, samples), where), parts[i].classes);
        output = add({output, where}, index_add(output.shape(), samples, inside));
    }
    const Tensor loss = negative(mean({output, where}));
    return {std::move(output), loss};
}

Tensor AdaptiveLogSoftmaxWithLoss::log_prob(const Tensor& x, Location where) const {
    check<ShapeError>(x.ndim() == 2, where, [&] {
        return "AdaptiveLogSoftmaxWithLoss: x must be (N, in_features), got " + to_string(x.shape());
    });
    const Tensor of_head = log_softmax({head(x, where), where}, 1);
    std::vector<Tensor> parts{slice({of_head, where}, 1, 0, shortlist())};
    for (std::size_t i = 0; i < tail.size(); ++i) {
        const std::int64_t cluster = shortlist() + static_cast<std::int64_t>(i);
        parts.push_back(add({within(i, x, where), where}, slice({of_head, where}, 1, cluster, cluster + 1)));
    }
    return concat(parts, 1, where);
}

Tensor AdaptiveLogSoftmaxWithLoss::predict(const Tensor& x, Location where) const {
    return argmax({stop_gradient(log_prob(x, where)), where}, 1);
}

XGRAD_FIELDS_OF(AdaptiveLogSoftmaxWithLoss, head, tail)

}  // namespace xgrad::nn
