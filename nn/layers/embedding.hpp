#pragma once

#include <optional>

#include <autodiff/functions/functions.hpp>
#include <autodiff/core/tape.hpp>

#include "nn/core/module.hpp"

namespace xgrad::nn {

struct EmbeddingOptions {
    std::optional<std::int64_t> padding_idx =
        {};  ///< a row that starts as zeros and receives no gradient; negative indices count from the end
    std::optional<double> max_norm = {};           ///< rows that are looked up are scaled down to at most this norm
    double norm_type = 2;                          ///< the p of that norm
    DType dtype = DType::f32;
};
/// Rows of weight (num_embeddings, embedding_dim) at x (i32 or i64): x's shape followed by embedding_dim. weight starts
/// as N(0, 1). IndexError for an index outside [0, num_embeddings).
///
/// With max_norm each call first scales down the rows of the parameter itself that it is about to read, outside of any
/// tape, as PyTorch does. So it changes weight although the call is const, and threads that share such a layer need a
/// lock.
///
/// To tie the output layer of a language model to this weight, compute `linear(h, embed.weight)` and give the weight
/// its second name with nn::alias (module.hpp): `head.weight = embed.weight` copies the value once and ties nothing.
struct XGRAD_API Embedding {
    mutable Parameter weight;

    Embedding(std::int64_t num_embeddings, std::int64_t embedding_dim, const EmbeddingOptions& options = {},
              Location where = Location::current());
    /// An embedding with the given rows, which are frozen by default. ShapeError unless they have 2 axes.
    static Embedding from_pretrained(const Tensor& rows, bool freeze = true, const EmbeddingOptions& options = {},
                                     Location where = Location::current());
    Tensor operator()(const Tensor& x, Location where = Location::current()) const;

    void xgrad_visit(const Path& path, Visitor& visitor);

private:
    std::optional<std::int64_t> padding_;
    std::optional<double> max_norm_;
    double norm_type_;
};

struct EmbeddingBagOptions {
    std::optional<double> max_norm = {};
    double norm_type = 2;
    BagMode mode = BagMode::mean;
    bool include_last_offset = false;
    std::optional<std::int64_t> padding_idx = {};
    DType dtype = DType::f32;
};
/// One row for each bag of indices: the sum, mean or maximum of their rows, as in xgrad::embedding_bag. `bag(x)` with x
/// (bags, length), or `bag(x, offsets)` with a vector x, and, for sums, optional weights per index. weight
/// (num_embeddings, embedding_dim) starts as N(0, 1); max_norm and padding_idx as in Embedding.
struct XGRAD_API EmbeddingBag {
    mutable Parameter weight;

    EmbeddingBag(std::int64_t num_embeddings, std::int64_t embedding_dim, const EmbeddingBagOptions& options = {},
                 Location where = Location::current());
    Tensor operator()(const Tensor& x, const Tensor& offsets = {}, const Tensor& per_sample_weights = {},
                      Location where = Location::current()) const;

    void xgrad_visit(const Path& path, Visitor& visitor);

private:
    EmbeddingBagOptions options_;
};

}  // namespace xgrad::nn
