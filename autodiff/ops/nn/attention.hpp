#pragma once

#include <optional>

#include "autodiff/core/tensor.hpp"

namespace xgrad {

struct AttentionOptions {
    /// Broadcasts to (…, L, S). Either bool, where true means "attend", as in PyTorch; or of the queries' dtype, added
    /// to the scores (and differentiable; that gradient needs memory for all scores).
    Tensor mask = {};
    bool causal = false;  ///< query i attends to keys 0 … i; combined with a mask, to those that both allow
    std::optional<double> scale = {};  ///< 1 / sqrt(E) by default
};
/// softmax(query · keyᵀ * scale + mask) · value for query (…, L, E), key (…, S, E) and value (…, S, V); returns (…, L,
/// V). Leading axes broadcast. The scores are never written out: memory grows with L + S, forward and backward (Dao,
/// Fu, Ermon, Rudra, Ré 2022; the running softmax is from Milakov, Gimelshein 2018). A query that may attend to no key
/// gives 0, with gradient 0. ShapeError unless the sizes agree.
XGRAD_API Tensor scaled_dot_product_attention(const Operand& query, const Operand& key, const Operand& value,
                                              const AttentionOptions& options = {});

/// softmax(query · keyᵀ * scale + mask) (…, L, S), written out: the weights that scaled_dot_product_attention applies
/// to the values. 0 for a query that may attend to no key.
XGRAD_API Tensor attention_weights(const Operand& query, const Operand& key, const AttentionOptions& options = {});

}  // namespace xgrad
