#pragma once

#include <optional>

#include "autodiff/core/tensor.hpp"

namespace xgrad {

struct AttentionOptions {
    /// Broadcasts to (…, L, S). bool: true takes part, as in PyTorch; or of the queries' dtype, added to the scores
    /// (and differentiable; that gradient takes memory for all scores).
    Tensor mask = {};
    bool causal = false;  ///< query i sees keys 0 … i; together with a mask, what both allow
    std::optional<double> scale = {};  ///< 1 / sqrt(E) where it is not given
};
/// softmax(query · keyᵀ * scale + mask) · value for query (…, L, E), key (…, S, E) and value (…, S, V); gives (…, L,
/// V). Leading axes broadcast. The scores are never written out: memory grows with L + S, forward and backward (Dao,
/// Fu, Ermon, Rudra, Ré 2022; the running softmax is that of Milakov, Gimelshein 2018). A query that may look at
/// nothing gives 0, with gradient 0. ShapeError unless the sizes agree.
XGRAD_API Tensor scaled_dot_product_attention(const Operand& query, const Operand& key, const Operand& value,
                                              const AttentionOptions& options = {});

/// softmax(query · keyᵀ * scale + mask) (…, L, S), written out: what scaled_dot_product_attention weighs the values
/// with. 0 for a query that may look at nothing.
XGRAD_API Tensor attention_weights(const Operand& query, const Operand& key, const AttentionOptions& options = {});

}  // namespace xgrad
