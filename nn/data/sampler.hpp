#pragma once

#include <cstdint>
#include <memory>

#include <autodiff/core/tensor.hpp>

#include "nn/core/random.hpp"

// The order in which a DataLoader reads samples: `nn::DataLoader loader(set, {.batch_size = 64, .sampler =
// nn::WeightedRandomSampler(weights, 1000)})`.

namespace xgrad::nn {

/// The order of the samples in each pass. A value type; copies share the underlying rule.
class XGRAD_API Sampler {
public:
    /// The base class of custom samplers.
    class XGRAD_API Rule {
    public:
        virtual ~Rule();
        virtual std::int64_t size() const = 0;
        /// Indices (i64) of one pass, `size` of them; equal for equal generators. Called for each pass, and again when
        /// one is resumed.
        virtual Tensor order(Generator& generator) const = 0;
    };

    Sampler() = default;
    Sampler(std::shared_ptr<const Rule> rule) : rule_(std::move(rule)) {}

    bool defined() const { return rule_ != nullptr; }
    /// Samples in one pass.
    std::int64_t size() const { return rule_->size(); }
    Tensor order(Generator& generator) const { return rule_->order(generator); }

private:
    std::shared_ptr<const Rule> rule_;
};

/// 0 … size-1 in order.
struct XGRAD_API SequentialSampler : Sampler {
    explicit SequentialSampler(std::int64_t size);
};

struct RandomSamplerOptions {
    bool replacement = false;
    std::int64_t num_samples =
        0;  ///< samples in one pass; 0: the size. If larger than the size: complete passes one after another
};
/// 0 … size-1 in a new order in each pass, or drawn with replacement. ValueError for a size that is not positive.
struct XGRAD_API RandomSampler : Sampler {
    explicit RandomSampler(std::int64_t size, const RandomSamplerOptions& options = {},
                           Location where = Location::current());
};

/// The given indices (a vector of i64) in a new order in each pass.
struct XGRAD_API SubsetRandomSampler : Sampler {
    explicit SubsetRandomSampler(const Tensor& indices, Location where = Location::current());
};

struct WeightedRandomSamplerOptions {
    bool replacement = true;
};
/// num_samples draws of 0 … n-1 with probabilities proportional to `weights` (n). Without replacement no index is drawn
/// twice, and each draw is proportional among the remaining ones (Efraimidis and Spirakis 2006). ValueError for weights
/// that are negative or not finite or all zero, and for more draws without replacement than there are positive weights.
struct XGRAD_API WeightedRandomSampler : Sampler {
    WeightedRandomSampler(const Tensor& weights, std::int64_t num_samples,
                          const WeightedRandomSamplerOptions& options = {}, Location where = Location::current());
};

}  // namespace xgrad::nn
