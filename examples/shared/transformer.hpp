#pragma once

#include <nn/nn.hpp>
#include <vector>

// The Transformer that the language examples share, and the optimizer that trains it.

/// Pre-norm layers without dropout. The last weights of each residual branch start as zeros.
inline xgrad::nn::TransformerEncoder transformer(std::int64_t width, std::int64_t heads, std::int64_t layers) {
    using namespace xgrad;
    const nn::TransformerEncoderLayer layer(width, heads,
                                            {.dim_feedforward = 4 * width,
                                             .dropout = 0,
                                             .activation = nn::TransformerActivation::gelu,
                                             .batch_first = true,
                                             .norm_first = true});
    nn::TransformerEncoder encoder(layer, layers, nn::LayerNorm(width));
    for (nn::TransformerEncoderLayer& one : encoder.layers) {  // identical copies until here; from now on they differ
        nn::init::xavier_uniform(one.self_attn.in_proj_weight);
        nn::init::xavier_uniform(one.linear1.weight);
        nn::init::zeros(one.self_attn.out_proj.weight);
        nn::init::zeros(one.linear2.weight);
    }
    return encoder;
}

/// AdamW, and Muon (Jordan et al. 2024) with larger steps for the matrices in a model's `encoder`.
inline xgrad::nn::Muon transformer_optimizer(double lr) {
    xgrad::nn::Muon muon({.lr = lr, .weight_decay = 0.01, .use_muon = false});
    for (const char* matrices : {"encoder.*.in_proj_weight", "encoder.*.out_proj.weight", "encoder.*.linear?.weight"})
        muon.group(matrices, {.lr = 7 * lr}).use_muon = true;
    return muon;
}

/// The learning rate of each group rises for a tenth of the steps and then falls again.
inline xgrad::nn::OneCycleLR one_cycle(xgrad::nn::Optimizer& optimizer, std::int64_t steps, bool cycle_momentum) {
    std::vector<double> lrs;
    for (std::size_t group = 0; group < optimizer.groups(); ++group) lrs.push_back(optimizer.lr(group));
    return {optimizer, lrs, {.total_steps = steps + 1, .pct_start = 0.1, .cycle_momentum = cycle_momentum}};
}
