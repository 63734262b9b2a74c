#pragma once

#include "loss.hpp"

// Losses that push one value above another, or one pair of vectors closer than another. Where a margin is exactly met,
// the gradient is PyTorch's.

namespace xgrad::nn {

struct MarginOptions {
    double margin = 0;
    Reduction reduction = Reduction::mean;
};

struct HingeEmbeddingOptions {
    double margin = 1;
    Reduction reduction = Reduction::mean;
};
/// input where target is 1, max(0, margin - input) where it is -1: for distances of similar and dissimilar pairs.
XGRAD_API Tensor hinge_embedding_loss(const Tensor& input, const Tensor& target,
                                      const HingeEmbeddingOptions& options = {}, Location where = Location::current());

/// max(0, -target * (input1 - input2) + margin): target 1 means input1 should be larger, -1 input2.
XGRAD_API Tensor margin_ranking_loss(const Tensor& input1, const Tensor& input2, const Tensor& target,
                                     const MarginOptions& options = {}, Location where = Location::current());

/// log(1 + exp(-target * input)), target 1 or -1.
XGRAD_API Tensor soft_margin_loss(const Tensor& input, const Tensor& target, const LossOptions& options = {},
                                  Location where = Location::current());

struct MultiMarginOptions {
    int p = 1;  ///< 1 or 2
    double margin = 1;
    Tensor weight = {};  ///< one factor per class, (C,)
    Reduction reduction = Reduction::mean;
};
/// For input (N, C) or (C,) and classes (N,) or (): the sum over all other classes c of weight * max(0, margin -
/// input[target] + input[c])^p, divided by C. IndexError for a class outside [0, C), ValueError for any other p.
XGRAD_API Tensor multi_margin_loss(const Tensor& input, const Tensor& target, const MultiMarginOptions& options = {},
                                   Location where = Location::current());

/// For input and classes (N, C) or (C,), where a row of classes ends at the first -1: the sum, over each class t of the
/// target and each class c not in the target, of max(0, 1 - input[t] + input[c]), divided by C. IndexError for a class
/// outside [0, C).
XGRAD_API Tensor multilabel_margin_loss(const Tensor& input, const Tensor& target, const LossOptions& options = {},
                                        Location where = Location::current());

/// For input (…, C) and targets of 0 and 1: binary_cross_entropy_with_logits, averaged over the classes. weight
/// broadcasts.
XGRAD_API Tensor multilabel_soft_margin_loss(const Tensor& input, const Tensor& target, const BceOptions& options = {},
                                             Location where = Location::current());

/// With the cosine of the angle between vectors (N, D) or (D,): 1 - cos where target (N,) or () is 1, max(0, cos -
/// margin) where it is -1.
XGRAD_API Tensor cosine_embedding_loss(const Tensor& input1, const Tensor& input2, const Tensor& target,
                                       const MarginOptions& options = {}, Location where = Location::current());

struct TripletMarginOptions {
    double margin = 1, p = 2, eps = 1e-6;
    bool swap = false;  ///< the negative's distance to the anchor or to the positive, whichever is smaller (Balntas et
                        ///< al. 2016)
    Reduction reduction = Reduction::mean;
};
/// max(0, |anchor - positive| - |anchor - negative| + margin) for vectors (…, D), with the distances of
/// pairwise_distance.
XGRAD_API Tensor triplet_margin_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                                     const TripletMarginOptions& options = {}, Location where = Location::current());

struct InfoNceOptions {
    double temperature = 0.1;
    Reduction reduction = Reduction::mean;
};
/// -log(exp(s(q, k) / temperature) / sum over all keys of exp(s(q, k') / temperature)) with s the cosine similarity
/// (van den Oord, Li, Vinyals 2018): classifies which key belongs to a query. query and positive are (N, D); the
/// negatives of a query are the other queries' positives, or are given as (M, D) for all queries or (N, M, D) for each.
/// ValueError unless the temperature is positive.
XGRAD_API Tensor info_nce(const Tensor& query, const Tensor& positive, const InfoNceOptions& options = {},
                          Location where = Location::current());
XGRAD_API Tensor info_nce(const Tensor& query, const Tensor& positive, const Tensor& negatives,
                          const InfoNceOptions& options = {}, Location where = Location::current());

}  // namespace xgrad::nn
