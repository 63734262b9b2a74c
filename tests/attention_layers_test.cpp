#include "figures.hpp"
#include "support.hpp"

using namespace xgrad;
using tests::close;
using tests::error_of;
using tests::here;
using tests::wave;

namespace {

const Tensor q = wave({3, 2, 4}), k = wave({5, 2, 4}, 1), v = wave({5, 2, 4}, 2);
const Tensor causal = logical_not(tril(ones({3, 3}, DType::boolean)));
const Tensor hidden = reshape(
    tensor({false, true, false, false, true, false, false, false, true, false, true, false, true, false, false}),
    {3, 5});
const Tensor padding = reshape(tensor({false, false, false, false, true, false, false, false, true, true}), {2, 5});

Tensors parts(const nn::AttentionOutput& y) {
    return y.weights.defined() ? Tensors{y.output, y.weights} : Tensors{y.output};
}

struct Attention {
    const tests::Figures& figures;

    void operator()(const std::string& name, const Tensors& inputs, const nn::MultiheadAttentionOptions& options = {},
                    const nn::AttentionInputs& masks = {}) const {
        figures.check_layer(
            "MultiheadAttention" + name, nn::MultiheadAttention(4, 2, options), inputs,
            [&](const nn::MultiheadAttention& attention, const Tensors& in) {
                nn::AttentionInputs given = masks;
                if (Tensor& m = given.attn_mask; m.defined() && is_floating(m.dtype())) m = m.to(in[0].dtype());
                return parts(in.size() == 1 ? attention(in[0], given) : attention(in[0], in[1], in[2], given));
            });
    }
};

Tensor swapped(const Tensor& x) { return swapaxes(x, 0, 1); }
Tensor first_sample(const Tensor& x) { return select(x, 1, 0); }

const nn::TransformerLayerOptions small{.dim_feedforward = 3, .dropout = 0};
const Tensor src = wave({5, 2, 4}), tgt = wave({3, 2, 4}, 1);
Tensor source_mask() {
    std::vector<std::int32_t> mask(25);
    mask[3] = mask[21] = 1;
    return equal(tensor(mask, {5, 5}), 1);
}

}  // namespace

TEST_SUITE_BEGIN("nn");

TEST_CASE("multi-head attention: outputs, weights and gradients are PyTorch's") {
    const tests::Figures figures("attention");
    const Attention check{figures};
    check("", {q, k, v});
    check(" of itself", {q});
    check(" weights", {q, k, v}, {}, {.need_weights = true});
    check(" weights of heads", {q, k, v}, {}, {.need_weights = true, .average_attn_weights = false});
    check(" without bias", {q, k, v}, {.bias = false});
    check(" other sizes", {q, wave({5, 2, 3}, 1), wave({5, 2, 2}, 2)}, {.kdim = 3, .vdim = 2});
    check(" batch first", {swapped(q), swapped(k), swapped(v)}, {.batch_first = true}, {.need_weights = true});
    check(" batch first, of itself", {q}, {.batch_first = true});
    check(" one sample", {first_sample(q), first_sample(k), first_sample(v)}, {}, {.need_weights = true});
    check(" one sample, of itself", {first_sample(q)});
    check(" causal", {q}, {}, {.attn_mask = causal});
    check(" causal", {q}, {}, {.causal = true});
    check(" masks", {q, k, v}, {}, {.key_padding_mask = padding, .need_weights = true, .attn_mask = hidden});
    check(" masks of heads", {q, k, v}, {},
          {.attn_mask = stack({hidden, logical_not(hidden), hidden, flip(hidden, 1)})});
    check(" added masks", {q, k, v}, {}, {.key_padding_mask = padding, .attn_mask = wave({3, 5}, 3)});
    const nn::MultiheadAttentionOptions more{.add_bias_kv = true, .add_zero_attn = true};
    check(" more keys", {q, k, v}, more, {.need_weights = true});
    check(" more keys, masks", {q, k, v}, more, {.key_padding_mask = padding, .attn_mask = hidden});
    check(" more keys, causal", {q}, {.add_bias_kv = true}, {.attn_mask = causal});
    check(" more keys, causal", {q}, {.add_bias_kv = true}, {.causal = true});
    figures.check_layer("MultiheadAttention learned mask", nn::MultiheadAttention(4, 2), {q, k, v, wave({3, 5}, 3)},
                        [](const nn::MultiheadAttention& attention, const Tensors& in) {
                            return attention(in[0], in[1], in[2], {.attn_mask = in[3]}).output;
                        });
}

TEST_CASE("transformers: outputs and gradients are PyTorch's") {
    const tests::Figures figures("attention");
    using Encoder = nn::TransformerEncoderLayer;
    using Decoder = nn::TransformerDecoderLayer;
    nn::TransformerLayerOptions other = small;
    other.activation = nn::TransformerActivation::gelu;
    other.batch_first = other.norm_first = true;
    const auto decode = [](const auto& decoder, const Tensors& in) { return decoder(in[0], in[1]); };

    figures.check_layer("TransformerDecoderLayer", Decoder(4, 2, small), {tgt, src}, decode);
    figures.check_layer("TransformerDecoderLayer norm first, gelu, batch first, masks", Decoder(4, 2, other),
                        {swapped(tgt), swapped(src)}, [](const Decoder& layer, const Tensors& in) {
                            const Tensor own = logical_and(flip(slice(padding, 1, 2), 0), slice(causal, 0, 0, 2));
                            return layer(in[0], in[1],
                                         {.memory_mask = hidden,
                                          .tgt_key_padding_mask = own,
                                          .memory_key_padding_mask = padding,
                                          .causal = true});
                        });
    figures.check_layer("TransformerDecoder", nn::TransformerDecoder(Decoder(4, 2, small), 2, nn::LayerNorm({4})),
                        {tgt, src}, decode);
    figures.check_layer("TransformerEncoderLayer", Encoder(4, 2, small), src);
    figures.check_layer("TransformerEncoder one sample", nn::TransformerEncoder(Encoder(4, 2, small), 1),
                        first_sample(src));
    figures.check_layer("TransformerEncoder", nn::TransformerEncoder(Encoder(4, 2, small), 2, nn::LayerNorm({4})),
                        {src}, [](const nn::TransformerEncoder& encoder, const Tensors& in) {
                            return encoder(in[0], {.src_mask = source_mask(), .src_key_padding_mask = padding});
                        });
    other.layer_norm_eps = 1e-3;
    figures.check_layer("TransformerEncoderLayer norm first, gelu, batch first, causal", Encoder(4, 2, other),
                        {swapped(tgt)},
                        [](const Encoder& layer, const Tensors& in) { return layer(in[0], {.src_mask = causal}); });
    const nn::Transformer whole({.d_model = 4,
                                 .nhead = 2,
                                 .num_encoder_layers = 1,
                                 .num_decoder_layers = 1,
                                 .dim_feedforward = 3,
                                 .dropout = 0});
    figures.check_layer("Transformer", whole, {src, tgt}, [](const nn::Transformer& transformer, const Tensors& in) {
        return transformer(in[0], in[1],
                           {.src_mask = source_mask(),
                            .tgt_mask = nn::Transformer::generate_square_subsequent_mask(3, in[0].dtype()),
                            .memory_mask = hidden,
                            .src_key_padding_mask = padding,
                            .memory_key_padding_mask = padding});
    });
}

TEST_CASE("positions are the published formulas'") {
    const tests::Figures figures("attention");
    figures.check("positions", "sinusoidal", sinusoidal_positions(6, 4, DType::f64));
    figures.check_layer("rotary halves", nn::RotaryPositions(4), wave({2, 6, 4}));
    figures.check_layer("rotary neighbours", nn::RotaryPositions(4, {.pairs = RotaryPairs::neighbours}),
                        wave({2, 6, 4}));
    figures.check_layer("learned positions", nn::LearnedPositions(7, 4), wave({6, 2, 4}));

    const Tensor x = wave({6, 2, 4}), table = sinusoidal_positions(6, 4, DType::f64);
    const nn::SinusoidalPositions steps_first(4, {.dropout = 0}),
        samples_first(4, {.dropout = 0, .max_len = 2, .batch_first = true});
    CHECK(close(steps_first(x) - x, broadcast_to(expand_dims(table, 1), x.shape())));
    CHECK(close(samples_first(swapped(x)), swapped(steps_first(x))));
    CHECK(close(steps_first(select(x, 1, 1)), select(steps_first(x), 1, 1)));

    const nn::RotaryPositions rotary(4, {.max_len = 4});
    const Tensor y = wave({2, 9, 4});
    CHECK(close(slice(rotary(y), 1, 3), rotary(slice(y, 1, 3), 3)));
    CHECK(close(slice(rotary(y), 1, 0, 4), rotary(slice(y, 1, 0, 4))));
    // What the product of a query and a key sees is how far they are apart.
    const Tensor a = wave({1, 4}, 3), b = wave({1, 4}, 4);
    CHECK(close(sum(rotary(a, 2) * rotary(b, 7)), sum(rotary(a, 11) * rotary(b, 16))));
    CHECK_FALSE(close(sum(rotary(a, 2) * rotary(b, 7)), sum(rotary(a, 2) * rotary(b, 8))));
}

TEST_CASE("alibi_mask: slopes by head, distances, and what attention makes of it") {
    CHECK(nn::alibi_mask(1, 2).dtype() == DType::f32);
    const Tensor distances = tensor({{1.0, 0.0, 1.0}, {2.0, 1.0, 0.0}});
    CHECK(close(nn::alibi_mask(2, 2, 3, DType::f64), -stack({distances / 16.0, distances / 256.0})));
    // The slopes of the authors' code.
    const auto slopes = [](std::int64_t heads) {
        return -ravel(select(nn::alibi_mask(heads, 1, 2, DType::f64), 2, 0));
    };
    CHECK(close(slopes(8), exp2(-arange(1, 9).to(DType::f64))));
    CHECK(close(slopes(6), tensor({1.0 / 4, 1.0 / 16, 1.0 / 64, 1.0 / 256, 1.0 / 2, 1.0 / 8})));
    nn::manual_seed(1);
    const nn::MultiheadAttention attention(8, 2, {.batch_first = true, .dtype = DType::f64});
    const Tensor x = wave({3, 5, 8}), mask = nn::alibi_mask(2, 5, DType::f64);
    const Tensor y = attention(x, {.attn_mask = mask, .causal = true}).output;
    CHECK(close(attention(x, {.attn_mask = tile(mask, {3, 1, 1}), .causal = true}).output, y));
    CHECK_FALSE(close(attention(x, {.causal = true}).output, y));
    nn::KeyValueCache cache;
    Tensors outputs = {
        attention(slice(x, 1, 0, 2), {.attn_mask = nn::alibi_mask(2, 2, DType::f64), .causal = true, .cache = &cache})
            .output};
    outputs.push_back(
        attention(slice(x, 1, 2), {.attn_mask = nn::alibi_mask(2, 3, 5, DType::f64), .causal = true, .cache = &cache})
            .output);
    CHECK(close(concat(outputs, 1), y));
    CHECK(error_of<ValueError>([&] { nn::alibi_mask(2, 3, 2); }) ==
          "alibi_mask: there must be heads, queries and at least as many keys, got 2, 3 and 2" + here());
}

TEST_CASE("every figure of attention is compared") {
    const tests::Figures figures("attention");
    CHECK(figures.cases().size() == 18 + 8 + 4);
}

TEST_CASE("attention layers: names, initial values and copies") {
    nn::manual_seed(1);
    nn::TransformerEncoder encoder(nn::TransformerEncoderLayer(8, 2, {.dim_feedforward = 16}), 2, nn::LayerNorm({8}));
    std::vector<std::string> names;
    for (const auto& [name, p] : nn::named_parameters(encoder)) names.push_back(name);
    const std::vector<std::string> layer = {"self_attn.in_proj_weight",
                                            "self_attn.in_proj_bias",
                                            "self_attn.out_proj.weight",
                                            "self_attn.out_proj.bias",
                                            "linear1.weight",
                                            "linear1.bias",
                                            "linear2.weight",
                                            "linear2.bias",
                                            "norm1.weight",
                                            "norm1.bias",
                                            "norm2.weight",
                                            "norm2.bias"};
    std::vector<std::string> expected;
    for (const char* prefix : {"layers.0.", "layers.1."})
        for (const std::string& name : layer) expected.push_back(prefix + name);
    expected.insert(expected.end(), {"norm.weight", "norm.bias"});
    CHECK(names == expected);

    const auto& attention = encoder.layers[0].self_attn;
    const double bound = std::sqrt(6.0 / (8 + 24));
    CHECK(max(abs(attention.in_proj_weight)).item() <= bound);
    CHECK(max(abs(attention.in_proj_weight)).item() > 0.9 * bound);
    CHECK(max(abs(attention.in_proj_bias)).item() == 0);
    CHECK(max(abs(attention.out_proj.bias)).item() == 0);

    // Equal layers, as PyTorch's deep copies; but what they drop is their own.
    CHECK(close(encoder.layers[0].linear1.weight, encoder.layers[1].linear1.weight));
    const Tensor many = ones({64, 2, 8});
    CHECK_FALSE(close(encoder.layers[0].dropout1(many), encoder.layers[1].dropout1(many)));
    CHECK_FALSE(close(encoder(many), encoder(many)));
    nn::eval(encoder);
    CHECK(close(encoder(many), encoder(many)));

    const nn::Transformer transformer(
        {.d_model = 8, .nhead = 2, .num_encoder_layers = 1, .num_decoder_layers = 2, .dim_feedforward = 16});
    CHECK(nn::parameters(transformer).size() == 12 + 2 + 2 * 18 + 2);
    CHECK(transformer.decoder.layers[1].multihead_attn.in_proj_weight.shape() == Shape{24, 8});
}

TEST_CASE("attention in training drops weights; a query that sees nothing attends to nothing") {
    nn::MultiheadAttention attention(4, 2, {.dropout = 0.5, .dtype = DType::f64});
    const Tensor x = wave({40, 1, 4});
    const auto dropped = attention(x, {.need_weights = true, .average_attn_weights = false});
    const double zeroed = mean(equal(dropped.weights, 0).to(DType::f64)).item();
    CHECK(zeroed > 0.4);
    CHECK(zeroed < 0.6);
    CHECK_FALSE(close(attention(x).output, attention(x).output));
    nn::eval(attention);
    CHECK(close(attention(x).output, attention(x, {.need_weights = true}).output));

    const Tensor blind = ones({3, 5}, DType::boolean);
    CHECK(close(attention(q, k, v, {.attn_mask = blind}).output, zeros({3, 2, 4}, DType::f64)));
    const auto looked = attention(q, k, v, {.need_weights = true, .attn_mask = blind});
    CHECK(close(looked.weights, zeros({2, 3, 5}, DType::f64)));
}

TEST_CASE("attention layers say what does not fit") {
    const nn::MultiheadAttention attention(4, 2, {.kdim = 3, .dtype = DType::f64});
    CHECK(error_of<ShapeError>([&] { attention(q, k, v); }) ==
          "MultiheadAttention: query, key and value must be (L, N, 4), (S, N, 3) and (S, N, 4), got (3, 2, 4), (5, 2, "
          "4) and (5, 2, 4)" +
              tests::nearby());
    const nn::MultiheadAttention plain(4, 2, {.dtype = DType::f64});
    CHECK(error_of<ShapeError>([&] { plain(q, {.attn_mask = hidden}); }) ==
          "MultiheadAttention: attn_mask must be (3, 3), (2, 3, 3) or (4, 3, 3), got (3, 5)" + tests::nearby());
    CHECK(error_of<ShapeError>([&] { plain(q, {.key_padding_mask = padding}); }) ==
          "MultiheadAttention: key_padding_mask must be (2, 3), got (2, 5)" + tests::nearby());
    CHECK(error_of<DTypeError>([&] { plain(q, {.attn_mask = zeros({3, 3})}); }) ==
          "MultiheadAttention: attn_mask must be bool or f64, got f32" + tests::nearby());
    CHECK(error_of<ValueError>([&] { nn::MultiheadAttention(5, 2); }) ==
          "MultiheadAttention: embed_dim must be a multiple of num_heads, got 5 and 2" + tests::nearby());
    CHECK(error_of<ValueError>([&] { nn::TransformerEncoder(nn::TransformerEncoderLayer(4, 2, small), 0); }) ==
          "TransformerEncoder: num_layers must be positive, got 0" + tests::nearby());
    // The arguments' names are the layer's own, not those of its parts.
    CHECK(error_of<ValueError>([&] { nn::Transformer({.d_model = 6, .nhead = 4}); }) ==
          "TransformerEncoderLayer: d_model must be a multiple of nhead, got 6 and 4" + here());
    CHECK(error_of<ValueError>([&] { nn::Transformer({.d_model = 4, .nhead = 2, .num_decoder_layers = 0}); }) ==
          "Transformer: num_decoder_layers must be positive, got 0" + here());
    CHECK(error_of<ValueError>([&] { nn::TransformerDecoderLayer(4, 2, {.dim_feedforward = 0}); }) ==
          "TransformerDecoderLayer: dim_feedforward must be positive, got 0" + here());
    CHECK(error_of<ShapeError>([&] { nn::TransformerEncoderLayer(4, 2, small)(zeros({3, 5})); }) ==
          "TransformerEncoderLayer: src must have 2 or 3 axes, the last of d_model = 4, got (3, 5)" + here());
    CHECK(error_of<ShapeError>([&] { nn::TransformerDecoderLayer(4, 2, small)(zeros({3, 4}), zeros({4})); }) ==
          "TransformerDecoderLayer: memory must have 2 or 3 axes, the last of d_model = 4, got (4,)" + here());
    CHECK(error_of<ValueError>([&] { nn::RotaryPositions(3); }) ==
          "RotaryPositions: dim must be positive and even, got 3" + here());
    CHECK(error_of<ValueError>([&] { nn::SinusoidalPositions(3); }) ==
          "sinusoidal_positions: the width must be even, got 3" + here());
    CHECK(error_of<ShapeError>([&] { nn::LearnedPositions(2, 4)(zeros({3, 4})); }) ==
          "LearnedPositions: there are 2 positions, got 3 steps" + tests::nearby());
    CHECK(error_of<ShapeError>([&] { nn::SinusoidalPositions(4)(zeros({3, 6})); }) ==
          "SinusoidalPositions: the input must be (steps, samples, 4) or (steps, 4), got (3, 6)" + tests::nearby());
}

TEST_CASE("attention: with a cache, steps one by one give what the whole sequence gives") {
    nn::manual_seed(1);
    nn::TransformerEncoder encoder(
        nn::TransformerEncoderLayer(8, 2,
                                    {.dim_feedforward = 16, .dropout = 0, .batch_first = true, .dtype = DType::f64}),
        3);
    const nn::SinusoidalPositions positions(8, {.dropout = 0, .batch_first = true});
    const nn::LearnedPositions learned(16, 8, {.batch_first = true, .dtype = DType::f64});
    const Tensor x = wave({2, 7, 8}).to(DType::f64);
    const auto model = [&](const Tensor& steps, std::int64_t first, std::span<nn::KeyValueCache> cache) {
        return encoder(learned(positions(steps, first), first), {.causal = true, .cache = cache});
    };
    const Tensor whole = model(x, 0, {});
    for (const std::vector<std::int64_t>& parts : {std::vector<std::int64_t>{1, 1, 1, 1, 1, 1, 1}, {3, 1, 3}, {2, 5}}) {
        std::vector<nn::KeyValueCache> cache(3);
        Tensors outputs;
        std::int64_t first = 0;
        for (const std::int64_t count : parts) {
            outputs.push_back(model(slice(x, 1, first, first + count), first, cache));
            first += count;
            CHECK(cache[2].steps() == first);
        }
        CHECK(close(concat(outputs, 1), whole, 1e-12));
    }
    std::vector<nn::KeyValueCache> few(2), other(3);
    CHECK(error_of<ValueError>([&] { encoder(x, {.cache = few}); }) ==
          "TransformerEncoder: there must be a cache for each of 3 layers, got 2" + here());
    encoder(x, {.cache = other});
    CHECK(error_of<ShapeError>([&] { encoder(slice(x, 0, 0, 1), {.cache = other}); }) ==
          "MultiheadAttention: the cache must be of the same samples and heads, got (2, 2, 7, 4) where this call makes "
          "(1, 2, 7, 4)" +
              here());
    CHECK(error_of<ValueError>([&] { learned(x, -1); }) ==
          "LearnedPositions: the first position must not be negative, got -1" + here());
    CHECK(error_of<ShapeError>([&] { learned(x, 10); }) ==
          "LearnedPositions: there are 16 positions, got 17 steps" + here());
}

TEST_SUITE_END();
