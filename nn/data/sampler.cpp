#include "sampler.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include <autodiff/ops/shape/index.hpp>
#include <autodiff/ops/shape/shape.hpp>
#include <autodiff/core/tape.hpp>

namespace xgrad::nn {

Sampler::Rule::~Rule() = default;

namespace {

/// A sampler from its size and a function.
template <class F>
Sampler sampler(std::int64_t size, F order) {
    struct Made final : Sampler::Rule {
        Made(std::int64_t n, F f) : size_(n), order_(std::move(f)) {}
        std::int64_t size() const override { return size_; }
        Tensor order(Generator& generator) const override { return order_(generator); }
        std::int64_t size_;
        F order_;
    };
    return Sampler(std::make_shared<const Made>(size, std::move(order)));
}

Tensor indices(const std::vector<std::int64_t>& list) { return tensor(list, {static_cast<std::int64_t>(list.size())}); }

Sampler random(std::int64_t size, const RandomSamplerOptions& options, Location where) {
    check<ValueError>(size > 0, where,
                      [&] { return "RandomSampler: size must be positive, got " + std::to_string(size); });
    check<ValueError>(options.num_samples >= 0, where, [&] {
        return "RandomSampler: num_samples must not be negative, got " + std::to_string(options.num_samples);
    });
    const std::int64_t count = options.num_samples ? options.num_samples : size;
    if (options.replacement)
        return sampler(count, [=](Generator& generator) { return randint(0, size, {count}, generator); });
    return sampler(count, [=](Generator& generator) {
        std::vector<Tensor> passes;
        for (std::int64_t left = count; left > 0; left -= size)
            passes.push_back(slice(permutation(size, generator), 0, 0, left));
        return concat(passes);
    });
}

std::vector<double> checked_weights(const Tensor& weights, std::int64_t num_samples, bool replacement, Location where) {
    check<ShapeError>(weights.ndim() == 1, where, [&] {
        return "WeightedRandomSampler: weights must be a vector, got " + to_string(weights.shape());
    });
    check<ValueError>(num_samples > 0, where, [&] {
        return "WeightedRandomSampler: num_samples must be positive, got " + std::to_string(num_samples);
    });
    const Tensor doubles = stop_gradient(weights).to(DType::f64);
    const auto data = doubles.data<double>();
    for (const double w : data)
        check<ValueError>(std::isfinite(w) && w >= 0, where, [&] {
            return "WeightedRandomSampler: weights must be finite and not negative, got " + PlainNumber(w).text();
        });
    const auto positive = std::count_if(data.begin(), data.end(), [](double w) { return w > 0; });
    check<ValueError>(positive >= (replacement ? 1 : num_samples), where, [&] {
        return "WeightedRandomSampler: " + std::to_string(num_samples) +
               (replacement ? " draws need" : " draws without replacement need as many") + " positive weights, got " +
               std::to_string(positive);
    });
    return {data.begin(), data.end()};
}

/// Draws positions on a line on which every index covers its weight.
Tensor drawn_with_replacement(const std::vector<double>& weights, std::int64_t count, Generator& generator) {
    std::vector<double> ends(weights.size());
    std::partial_sum(weights.begin(), weights.end(), ends.begin());
    const auto last =
        static_cast<std::int64_t>(
            std::find_if(weights.rbegin(), weights.rend(), [](double w) { return w > 0; }).base() - weights.begin()) -
        1;
    const Tensor places = rand({count}, generator, DType::f64);
    std::vector<std::int64_t> drawn;
    for (const double u : places.data<double>()) {
        const auto at = std::upper_bound(ends.begin(), ends.end(), u * ends.back()) - ends.begin();
        drawn.push_back(std::min<std::int64_t>(at, last));  // u * sum may be rounded up to the sum
    }
    return indices(drawn);
}

/// The `count` largest of log(u) / weight, in that order.
Tensor drawn_without_replacement(const std::vector<double>& weights, std::int64_t count, Generator& generator) {
    const Tensor uniform = rand({static_cast<std::int64_t>(weights.size())}, generator, DType::f64);
    const auto u = uniform.data<double>();
    std::vector<std::pair<double, std::int64_t>> keys;
    for (std::size_t i = 0; i < weights.size(); ++i)
        if (weights[i] > 0)
            keys.emplace_back(-std::log1p(-u[i]) / weights[i], static_cast<std::int64_t>(i));  // 1-u is never 0
    std::partial_sort(keys.begin(), keys.begin() + count, keys.end());
    std::vector<std::int64_t> drawn;
    for (std::int64_t i = 0; i < count; ++i) drawn.push_back(keys[static_cast<std::size_t>(i)].second);
    return indices(drawn);
}

}  // namespace

SequentialSampler::SequentialSampler(std::int64_t size)
    : Sampler(sampler(size, [=](Generator&) { return arange(size); })) {}

RandomSampler::RandomSampler(std::int64_t size, const RandomSamplerOptions& options, Location where)
    : Sampler(random(size, options, where)) {}

SubsetRandomSampler::SubsetRandomSampler(const Tensor& chosen, Location where)
    : Sampler(sampler(chosen.size(),
                      [chosen](Generator& generator) { return take(chosen, permutation(chosen.size(), generator)); })) {
    check<ShapeError>(chosen.ndim() == 1, where, [&] {
        return "SubsetRandomSampler: indices must be a vector, got " + to_string(chosen.shape());
    });
}

WeightedRandomSampler::WeightedRandomSampler(const Tensor& weights, std::int64_t num_samples,
                                             const WeightedRandomSamplerOptions& options, Location where)
    : Sampler(sampler(num_samples, [list = checked_weights(weights, num_samples, options.replacement, where),
                                    num_samples, replacement = options.replacement](Generator& generator) {
          return replacement ? drawn_with_replacement(list, num_samples, generator)
                             : drawn_without_replacement(list, num_samples, generator);
      })) {}

}  // namespace xgrad::nn
