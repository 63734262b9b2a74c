#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "attention.hpp"
#include "dropout.hpp"
#include "linear.hpp"
#include "norm.hpp"

// The layers of Vaswani et al. 2017, each with the norm after (default) or before its blocks (norm_first; Xiong et al.
// 2020). Sequences are (T, N, d_model), with batch_first (N, T, d_model); without N, one sample. Masks are those of
// MultiheadAttention: bool, where true hides, or added to the scores.

namespace xgrad::nn {

enum class TransformerActivation { relu, gelu };

struct TransformerLayerOptions {
    std::int64_t dim_feedforward = 2048;
    double dropout = 0.1;
    TransformerActivation activation = TransformerActivation::relu;
    double layer_norm_eps = 1e-5;
    bool batch_first = false;
    bool norm_first = false;
    DType dtype = DType::f32;
};

struct TransformerEncoderInputs {
    Tensor src_mask = {}, src_key_padding_mask = {};
    bool causal = false;  ///< step i sees steps 0 … i, without storing a mask
    std::span<KeyValueCache> cache =
        {};  ///< one per layer: earlier steps, which this call's steps also see; this call's steps are appended
};

/// Self-attention and two linear layers with an activation between them, each with a residual connection and a norm.
struct XGRAD_API TransformerEncoderLayer {
    MultiheadAttention self_attn;
    Linear linear1;
    Dropout dropout;
    Linear linear2;
    LayerNorm norm1, norm2;
    Dropout dropout1, dropout2;
    TransformerActivation activation;
    bool norm_first;

    TransformerEncoderLayer(std::int64_t d_model, std::int64_t nhead, const TransformerLayerOptions& options = {},
                            Location where = Location::current());
    Tensor operator()(const Tensor& src, const TransformerEncoderInputs& inputs = {},
                      Location where = Location::current()) const;

    void xgrad_visit(const Path& path, Visitor& visitor);
};

/// Layers one after another, followed by a norm if one is given. Each starts as a copy of `layer`, with its own random
/// stream.
///
///     nn::TransformerEncoder encoder(nn::TransformerEncoderLayer(128, 4), 2, nn::LayerNorm({128}));
///     std::vector<nn::KeyValueCache> cache(2);
///     Tensor y = encoder(prompt, {.causal = true, .cache = cache});
///     Tensor z = encoder(next, {.causal = true, .cache = cache});  // next sees the prompt
struct XGRAD_API TransformerEncoder {
    std::vector<TransformerEncoderLayer> layers;
    std::optional<LayerNorm> norm;

    TransformerEncoder(const TransformerEncoderLayer& layer, std::int64_t num_layers,
                       const std::optional<LayerNorm>& final_norm = {}, Location where = Location::current());
    Tensor operator()(const Tensor& src, const TransformerEncoderInputs& inputs = {},
                      Location where = Location::current()) const;

    void xgrad_visit(const Path& path, Visitor& visitor);
};

struct TransformerDecoderInputs {
    Tensor tgt_mask = {}, memory_mask = {}, tgt_key_padding_mask = {}, memory_key_padding_mask = {};
    bool causal = false;  ///< target step i sees target steps 0 … i
};

/// Self-attention of the target, attention to the encoder's output `memory`, and two linear layers.
struct XGRAD_API TransformerDecoderLayer {
    MultiheadAttention self_attn, multihead_attn;
    Linear linear1;
    Dropout dropout;
    Linear linear2;
    LayerNorm norm1, norm2, norm3;
    Dropout dropout1, dropout2, dropout3;
    TransformerActivation activation;
    bool norm_first;

    TransformerDecoderLayer(std::int64_t d_model, std::int64_t nhead, const TransformerLayerOptions& options = {},
                            Location where = Location::current());
    Tensor operator()(const Tensor& tgt, const Tensor& memory, const TransformerDecoderInputs& inputs = {},
                      Location where = Location::current()) const;

    void xgrad_visit(const Path& path, Visitor& visitor);
};

/// Like TransformerEncoder.
struct XGRAD_API TransformerDecoder {
    std::vector<TransformerDecoderLayer> layers;
    std::optional<LayerNorm> norm;

    TransformerDecoder(const TransformerDecoderLayer& layer, std::int64_t num_layers,
                       const std::optional<LayerNorm>& final_norm = {}, Location where = Location::current());
    Tensor operator()(const Tensor& tgt, const Tensor& memory, const TransformerDecoderInputs& inputs = {},
                      Location where = Location::current()) const;

    void xgrad_visit(const Path& path, Visitor& visitor);
};

struct TransformerOptions {
    std::int64_t d_model = 512, nhead = 8, num_encoder_layers = 6, num_decoder_layers = 6, dim_feedforward = 2048;
    double dropout = 0.1;
    TransformerActivation activation = TransformerActivation::relu;
    double layer_norm_eps = 1e-5;
    bool batch_first = false;
    bool norm_first = false;
    DType dtype = DType::f32;
};
struct TransformerInputs {
    Tensor src_mask = {}, tgt_mask = {}, memory_mask = {};
    Tensor src_key_padding_mask = {}, tgt_key_padding_mask = {}, memory_key_padding_mask = {};
    bool tgt_causal = false;  ///< target step i sees target steps 0 … i
};

/// An encoder of the source and a decoder of the target that attends to the encoder's output, both with a final norm.
/// All matrices start as xavier_uniform.
///
///     Tensor y = transformer(src, tgt, {.tgt_causal = true});
struct XGRAD_API Transformer {
    TransformerEncoder encoder;
    TransformerDecoder decoder;

    explicit Transformer(const TransformerOptions& options = {}, Location where = Location::current());
    Tensor operator()(const Tensor& src, const Tensor& tgt, const TransformerInputs& inputs = {},
                      Location where = Location::current()) const;

    /// An additive mask, (size, size): 0 on and below the diagonal, -inf above. `causal` does the same without a mask.
    static Tensor generate_square_subsequent_mask(std::int64_t size, DType dtype = DType::f32);

    void xgrad_visit(const Path& path, Visitor& visitor);
};

}  // namespace xgrad::nn
