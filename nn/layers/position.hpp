#pragma once

#include <cstdint>

#include <autodiff/functions/functions.hpp>

#include "dropout.hpp"
#include "nn/core/module.hpp"

// Position encodings: they tell a model where in its sequence a token is, when it could not see this otherwise.

namespace xgrad::nn {

struct PositionOptions {
    double dropout = 0.1;
    std::int64_t max_len = 5000;  ///< steps whose encodings are precomputed; longer sequences recompute their sines
    bool batch_first = false;
};
/// dropout(x + positions): x (T, N, d_model), or (N, T, d_model) with batch_first, or (T, d_model), where positions are
/// the sines and cosines of sinusoidal_positions (Vaswani et al. 2017); `first` is the position of the first step, for
/// sequences that arrive in parts. No parameters, and nothing in the state. ValueError unless d_model is even.
struct XGRAD_API SinusoidalPositions {
    Dropout dropout;

    explicit SinusoidalPositions(std::int64_t d_model, const PositionOptions& options = {},
                                 Location where = Location::current());
    Tensor operator()(const Tensor& x, std::int64_t first = 0, Location where = Location::current()) const;

    void xgrad_visit(const Path& path, Visitor& visitor);

private:
    Tensor table_;  // f64 (max_len, d_model)
    bool batch_first_;
};

struct LearnedPositionOptions {
    double dropout = 0;
    bool batch_first = false;
    DType dtype = DType::f32;
};
/// dropout(x + weight[first … first+T-1]), with shapes as in SinusoidalPositions. weight (max_len, d_model) starts as
/// N(0, 1), like an Embedding's. ShapeError for a sequence that extends beyond max_len.
struct XGRAD_API LearnedPositions {
    Parameter weight;
    Dropout dropout;

    LearnedPositions(std::int64_t max_len, std::int64_t d_model, const LearnedPositionOptions& options = {},
                     Location where = Location::current());
    Tensor operator()(const Tensor& x, std::int64_t first = 0, Location where = Location::current()) const;

    void xgrad_visit(const Path& path, Visitor& visitor);

private:
    bool batch_first_;
};

struct RotaryOptions {
    double base = 10000;
    RotaryPairs pairs =
        RotaryPairs::halves;  ///< as in GPT-NeoX and Llama's published weights; `neighbours` as in the paper
    std::int64_t max_len = 2048;  ///< steps whose angles are precomputed; longer sequences recompute their sines
};
/// Rotary positions for queries and keys (…, T, dim), applied before their product: see rotary. `first` is the position
/// of the first step, for the continuation of a sequence. No parameters. ValueError unless dim is even, ShapeError for
/// another width.
class XGRAD_API RotaryPositions {
public:
    explicit RotaryPositions(std::int64_t dim, const RotaryOptions& options = {}, Location where = Location::current());
    Tensor operator()(const Tensor& x, std::int64_t first = 0, Location where = Location::current()) const;

    void xgrad_visit(const Path& path, Visitor& visitor);

private:
    std::int64_t dim_;
    RotaryOptions options_;
    Tensor cosine_, sine_;  // f64 (max_len, dim/2)
};

/// A mask for attention instead of position encodings: each head weights near keys more than distant ones (ALiBi:
/// Press, Smith and Lewis 2022). (num_heads, queries, keys) of -slope * |distance|; the queries are the last of the
/// keys, as with a KeyValueCache. The slopes are the powers of 2^(-8 / num_heads); when num_heads is not a power of
/// two, they are the slopes for the power of two below it, then every other slope for the power above. ValueError
/// unless sizes are positive and queries <= keys.
///
///     Tensor y = encoder(x, {.src_mask = nn::alibi_mask(4, x.shape(1)), .causal = true});
XGRAD_API Tensor alibi_mask(std::int64_t num_heads, std::int64_t queries, std::int64_t keys, DType dtype = DType::f32,
                            Location where = Location::current());
inline Tensor alibi_mask(std::int64_t num_heads, std::int64_t steps, DType dtype = DType::f32,
                         Location where = Location::current()) {
    return alibi_mask(num_heads, steps, steps, dtype, where);
}

}  // namespace xgrad::nn
