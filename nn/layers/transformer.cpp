#include "transformer.hpp"

#include <limits>

#include <autodiff/ops/shape/arrange.hpp>
#include <autodiff/ops/elementwise/elementwise.hpp>

#include "nn/core/detail/fields.hpp"
#include "nn/core/init.hpp"

namespace xgrad::nn {

namespace {

using Int = std::int64_t;

/// Checks the options first, so that errors name the layer and its own options rather than those of its parts.
MultiheadAttention attention_of(const char* name, Int d_model, Int nhead, const TransformerLayerOptions& o,
                                Location where) {
    check<ValueError>(d_model > 0 && nhead > 0 && d_model % nhead == 0, where, [&] {
        return std::string(name) + ": d_model must be a multiple of nhead, got " + std::to_string(d_model) + " and " +
               std::to_string(nhead);
    });
    check<ValueError>(o.dim_feedforward > 0, where, [&] {
        return std::string(name) + ": dim_feedforward must be positive, got " + std::to_string(o.dim_feedforward);
    });
    check<ValueError>(o.dropout >= 0 && o.dropout <= 1, where, [&] {
        return std::string(name) + ": dropout must be in [0, 1], got " + PlainNumber(o.dropout).text();
    });
    return {d_model, nhead, {.dropout = o.dropout, .batch_first = o.batch_first, .dtype = o.dtype}, where};
}
/// x must be (length, batch, d_model), or batch first, or without a batch axis.
void check_input(const char* layer, const char* name, const Tensor& x, Int d_model, Location where) {
    check<ShapeError>((x.ndim() == 2 || x.ndim() == 3) && x.shape(-1) == d_model, where, [&] {
        return std::string(layer) + ": " + name +
               " must have 2 or 3 axes, the last of d_model = " + std::to_string(d_model) + ", got " +
               to_string(x.shape());
    });
}

LayerNorm norm_of(Int d_model, const TransformerLayerOptions& o) {
    return LayerNorm(d_model, {.eps = o.layer_norm_eps, .dtype = o.dtype});
}

/// The feed-forward block of both layer types: linear2(dropout(activation(linear1(x)))).
template <class Layer>
Tensor feed_forward(const Layer& layer, const Tensor& x, Location where) {
    const Tensor y = layer.linear1(x, where);
    return layer.linear2(layer.dropout(layer.activation == TransformerActivation::gelu ? gelu(y) : relu(y)), where);
}

/// x + part(norm(x)), or norm(x + part(x)).
template <class Part>
Tensor residual(const Tensor& x, const LayerNorm& norm, bool norm_first, Location where, const Part& part) {
    if (norm_first) return x + part(norm(x, where));
    return norm(x + part(x), where);
}

/// Reseeds each copy: otherwise all copies would drop the same elements.
template <class Layer>
std::vector<Layer> copies(const char* name, const Layer& layer, Int count, Location where) {
    check<ValueError>(count > 0, where, [&] {
        return std::string(name) + ": num_layers must be positive, got " + std::to_string(count);
    });
    check<ValueError>(count <= 1 << 16, where, [&] {
        return std::string(name) + ": num_layers must be at most 65536, got " + std::to_string(count);
    });
    struct Reseed final : Visitor {
        void random(const Path&, RandomStream& stream) override { stream = RandomStream(); }
    } reseed;
    std::vector<Layer> layers;
    layers.reserve(static_cast<std::size_t>(count));
    for (Int i = 0; i < count; ++i) ModelRef(layers.emplace_back(layer)).visit(reseed);
    return layers;
}

const TransformerOptions& checked(const TransformerOptions& o, Location where) {
    for (const auto& [name, count] :
         {std::pair("num_encoder_layers", o.num_encoder_layers), {"num_decoder_layers", o.num_decoder_layers}})
        check<ValueError>(count > 0, where, [&, &option = name, &n = count] {
            return std::string("Transformer: ") + option + " must be positive, got " + std::to_string(n);
        });
    return o;
}

TransformerLayerOptions layer_options(const TransformerOptions& o) {
    return {o.dim_feedforward, o.dropout, o.activation, o.layer_norm_eps, o.batch_first, o.norm_first, o.dtype};
}

void check_cache(const char* name, std::span<const KeyValueCache> cache, std::size_t layers, Location where) {
    check<ValueError>(cache.empty() || cache.size() == layers, where, [&] {
        return std::string(name) + ": there must be a cache for each of " + std::to_string(layers) + " layers, got " +
               std::to_string(cache.size());
    });
}

}  // namespace

TransformerEncoderLayer::TransformerEncoderLayer(Int d_model, Int nhead, const TransformerLayerOptions& o,
                                                 Location where)
    : self_attn(attention_of("TransformerEncoderLayer", d_model, nhead, o, where)),
      linear1(d_model, o.dim_feedforward, {.dtype = o.dtype}, where),
      dropout(o.dropout, where),
      linear2(o.dim_feedforward, d_model, {.dtype = o.dtype}, where),
      norm1(norm_of(d_model, o)),
      norm2(norm_of(d_model, o)),
      dropout1(o.dropout, where),
      dropout2(o.dropout, where),
      activation(o.activation),
      norm_first(o.norm_first) {}

Tensor TransformerEncoderLayer::operator()(const Tensor& src, const TransformerEncoderInputs& inputs,
                                           Location where) const {
    check_input("TransformerEncoderLayer", "src", src, linear1.in_features(), where);
    check_cache("TransformerEncoderLayer", inputs.cache, 1, where);
    const AttentionInputs masks{.key_padding_mask = inputs.src_key_padding_mask,
                                .attn_mask = inputs.src_mask,
                                .causal = inputs.causal,
                                .cache = inputs.cache.empty() ? nullptr : inputs.cache.data()};
    const Tensor x = residual(src, norm1, norm_first, where,
                              [&](const Tensor& h) { return dropout1(self_attn(h, masks, where).output); });
    return residual(x, norm2, norm_first, where,
                    [&](const Tensor& h) { return dropout2(feed_forward(*this, h, where)); });
}

TransformerEncoder::TransformerEncoder(const TransformerEncoderLayer& layer, Int num_layers,
                                       const std::optional<LayerNorm>& final_norm, Location where)
    : layers(copies("TransformerEncoder", layer, num_layers, where)), norm(final_norm) {}

Tensor TransformerEncoder::operator()(const Tensor& src, const TransformerEncoderInputs& inputs, Location where) const {
    Tensor x = src;
    check_cache("TransformerEncoder", inputs.cache, layers.size(), where);
    TransformerEncoderInputs own = inputs;
    for (std::size_t i = 0; i < layers.size(); ++i) {
        if (!inputs.cache.empty()) own.cache = inputs.cache.subspan(i, 1);
        x = layers[i](x, own, where);
    }
    return norm ? (*norm)(x, where) : x;
}

TransformerDecoderLayer::TransformerDecoderLayer(Int d_model, Int nhead, const TransformerLayerOptions& o,
                                                 Location where)
    : self_attn(attention_of("TransformerDecoderLayer", d_model, nhead, o, where)),
      multihead_attn(attention_of("TransformerDecoderLayer", d_model, nhead, o, where)),
      linear1(d_model, o.dim_feedforward, {.dtype = o.dtype}, where),
      dropout(o.dropout, where),
      linear2(o.dim_feedforward, d_model, {.dtype = o.dtype}, where),
      norm1(norm_of(d_model, o)),
      norm2(norm_of(d_model, o)),
      norm3(norm_of(d_model, o)),
      dropout1(o.dropout, where),
      dropout2(o.dropout, where),
      dropout3(o.dropout, where),
      activation(o.activation),
      norm_first(o.norm_first) {}

Tensor TransformerDecoderLayer::operator()(const Tensor& tgt, const Tensor& memory,
                                           const TransformerDecoderInputs& inputs, Location where) const {
    check_input("TransformerDecoderLayer", "tgt", tgt, linear1.in_features(), where);
    check_input("TransformerDecoderLayer", "memory", memory, linear1.in_features(), where);
    const AttentionInputs own{
        .key_padding_mask = inputs.tgt_key_padding_mask, .attn_mask = inputs.tgt_mask, .causal = inputs.causal};
    const AttentionInputs across{.key_padding_mask = inputs.memory_key_padding_mask, .attn_mask = inputs.memory_mask};
    Tensor x = residual(tgt, norm1, norm_first, where,
                        [&](const Tensor& h) { return dropout1(self_attn(h, own, where).output); });
    x = residual(x, norm2, norm_first, where,
                 [&](const Tensor& h) { return dropout2(multihead_attn(h, memory, memory, across, where).output); });
    return residual(x, norm3, norm_first, where,
                    [&](const Tensor& h) { return dropout3(feed_forward(*this, h, where)); });
}

TransformerDecoder::TransformerDecoder(const TransformerDecoderLayer& layer, Int num_layers,
                                       const std::optional<LayerNorm>& final_norm, Location where)
    : layers(copies("TransformerDecoder", layer, num_layers, where)), norm(final_norm) {}

Tensor TransformerDecoder::operator()(const Tensor& tgt, const Tensor& memory, const TransformerDecoderInputs& inputs,
                                      Location where) const {
    Tensor x = tgt;
    for (const auto& layer : layers) x = layer(x, memory, inputs, where);
    return norm ? (*norm)(x, where) : x;
}

Transformer::Transformer(const TransformerOptions& o, Location where)
    : encoder(TransformerEncoderLayer(checked(o, where).d_model, o.nhead, layer_options(o), where),
              o.num_encoder_layers, norm_of(o.d_model, layer_options(o)), where),
      decoder(TransformerDecoderLayer(o.d_model, o.nhead, layer_options(o), where), o.num_decoder_layers,
              norm_of(o.d_model, layer_options(o)), where) {
    for (Parameter& p : parameters(*this))
        if (p.ndim() > 1) init::xavier_uniform(p);
}

Tensor Transformer::operator()(const Tensor& src, const Tensor& tgt, const TransformerInputs& inputs,
                               Location where) const {
    const Tensor memory =
        encoder(src, {.src_mask = inputs.src_mask, .src_key_padding_mask = inputs.src_key_padding_mask}, where);
    return decoder(tgt, memory,
                   {.tgt_mask = inputs.tgt_mask,
                    .memory_mask = inputs.memory_mask,
                    .tgt_key_padding_mask = inputs.tgt_key_padding_mask,
                    .memory_key_padding_mask = inputs.memory_key_padding_mask,
                    .causal = inputs.tgt_causal},
                   where);
}

Tensor Transformer::generate_square_subsequent_mask(Int size, DType dtype) {
    return triu(full({size, size}, -std::numeric_limits<double>::infinity(), dtype), 1);
}

XGRAD_FIELDS_OF(TransformerEncoderLayer, self_attn, linear1, dropout, linear2, norm1, norm2, dropout1, dropout2)
XGRAD_FIELDS_OF(TransformerEncoder, layers, norm)
XGRAD_FIELDS_OF(TransformerDecoderLayer, self_attn, multihead_attn, linear1, dropout, linear2, norm1, norm2, norm3,
                dropout1, dropout2, dropout3)
XGRAD_FIELDS_OF(TransformerDecoder, layers, norm)
XGRAD_FIELDS_OF(Transformer, encoder, decoder)

}  // namespace xgrad::nn
