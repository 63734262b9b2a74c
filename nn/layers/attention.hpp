#pragma once

#include <cstdint>
#include <optional>

#include "linear.hpp"
#include "nn/core/module.hpp"

namespace xgrad::nn {

struct MultiheadAttentionOptions {
    double dropout = 0;          ///< of the attention weights, in training
    bool bias = true;
    bool add_bias_kv = false;    ///< append one learned key and value
    bool add_zero_attn = false;  ///< append one key and value of zeros
    std::optional<std::int64_t> kdim = {}, vdim = {};  ///< sizes of keys and values if they are not embed_dim
    bool batch_first = false;
    DType dtype = DType::f32;
};

/// Keys and values of the steps that a MultiheadAttention has seen, (N, heads, steps, embed_dim / heads) each; empty
/// before the first step. It lets text be generated token by token without recomputing earlier tokens.
struct KeyValueCache {
    Tensor key = {}, value = {};
    std::int64_t steps() const { return key.defined() ? key.shape(2) : 0; }
};

/// The options of an attention call besides query, key and value. A mask is either bool, where true hides, or is added
/// to the scores.
struct AttentionInputs {
    Tensor key_padding_mask = {};  ///< (N, S), or (S) for one sample: keys that no query attends to
    bool need_weights = false;  ///< return the weights as well; stores all of them in memory
    Tensor attn_mask = {};  ///< (L, S), or one per head: (heads, L, S), or one per sample and head: (N * heads, L, S)
    bool average_attn_weights = true;
    bool causal = false;  ///< query i sees keys 0 … i, and, with a cache, everything in it
    KeyValueCache* cache = nullptr;  ///< this call's keys and values are appended to it; masks then cover all of its
                                     ///< keys
};
/// output has the shape of query; weights only on request: (N, L, S), the mean over heads, or (N, heads, L, S); without
/// N for one sample.
struct AttentionOutput {
    Tensor output, weights;
};

/// Multi-head attention (Vaswani et al. 2017): queries, keys and values are projected, each head attends with embed_dim
/// / num_heads of the features (see scaled_dot_product_attention), and their concatenated results are projected by
/// out_proj.
///
/// query (L, N, embed_dim), key (S, N, kdim), value (S, N, vdim); with batch_first the batch axis comes first; without
/// N, one sample. Scores are never materialised unless weights are requested or dropped out. A query that may attend to
/// no key returns zeros (PyTorch: NaN). in_proj_weight (3 embed_dim, embed_dim) holds the projections of query, key and
/// value stacked; if their sizes differ, q_proj_weight, k_proj_weight and v_proj_weight replace it. The projection
/// weights start as xavier_uniform, biases as zeros, bias_k and bias_v as xavier_normal.
///
///     Tensor y = attention(x, {.causal = true}).output;
///     auto [output, weights] = attention(query, key, value, {.need_weights = true});
struct XGRAD_API MultiheadAttention {
    Parameter q_proj_weight, k_proj_weight, v_proj_weight, in_proj_weight, in_proj_bias, bias_k, bias_v;
    Linear out_proj;
    bool training = true;

    MultiheadAttention(std::int64_t embed_dim, std::int64_t num_heads, const MultiheadAttentionOptions& options = {},
                       Location where = Location::current());

    AttentionOutput operator()(const Tensor& query, const Tensor& key, const Tensor& value,
                               const AttentionInputs& inputs = {}, Location where = Location::current()) const;
    /// Self-attention of a sequence: (x, x, x) in one projection.
    AttentionOutput operator()(const Tensor& x, const AttentionInputs& inputs = {},
                               Location where = Location::current()) const;

    std::int64_t embed_dim() const { return embed_dim_; }
    std::int64_t num_heads() const { return num_heads_; }

    void xgrad_visit(const Path& path, Visitor& visitor);

private:
    struct Heads;
    void check_inputs(const Tensor& query, const Tensor& key, const Tensor& value, Location where) const;
    Heads project(const Tensor& query, const Tensor& key, const Tensor& value, Location where) const;
    Tensor to_heads(const Tensor& x) const;
    Tensor from_heads(const Tensor& x) const;
    void extend(Heads& heads) const;
    static std::int64_t remember(KeyValueCache& cache, Heads& heads, Location where);
    Tensor mask_of(const AttentionInputs& inputs, std::int64_t past, std::int64_t batch, std::int64_t rows,
                   std::int64_t columns, DType dtype, Location where) const;

    std::int64_t embed_dim_, num_heads_;
    MultiheadAttentionOptions options_;
    mutable RandomStream random_;
};

}  // namespace xgrad::nn
