#pragma once

#include "optimizer.hpp"

namespace xgrad::nn {

/// How Muon scales its step for a matrix of shape (rows, columns): by sqrt(max(1, rows / columns)) as in Jordan, or by
/// 0.2 * sqrt(max(rows, columns)), which makes it as large as AdamW's (Liu and others 2025).
enum class MuonLr { original, match_rms_adamw };
struct MuonOptions {
    double lr = 1e-3, weight_decay = 0.1, momentum = 0.95;
    bool nesterov = true;
    std::array<double, 3> ns_coefficients = {3.4445, -4.775, 2.0315};
    double eps = 1e-7;
    int ns_steps = 5;
    MuonLr adjust_lr_fn = MuonLr::original;
    bool use_muon = true;  ///< false: AdamW, for a group such as embeddings and the last layer
    std::pair<double, double> adamw_betas = {0.9, 0.95};
    double adamw_eps = 1e-10;
};

/// A momentum whose singular values are all brought near 1 (Jordan and others 2024): m += (1 - momentum) * (g - m); u =
/// g + momentum * (m - g) with nesterov, else m; w -= lr * (weight_decay * w + factor * orthogonalised u), as in
/// torch.optim.Muon of PyTorch 2.9, in the parameter's own precision.
///
/// The Newton–Schulz iteration X = a X + (b A + c A²) X, A = X·Xᵀ, starts from u / |u| and runs ns_steps times; its
/// coefficients (a, b, c) make small singular values grow fast and leave all of them in about [0.7, 1.2]. Convolution
/// kernels are treated as matrices (out, everything else). Parameters with fewer than two axes, and groups with
/// use_muon = false, are updated by AdamW with the same lr and weight_decay: `muon.group("embedding.*").use_muon =
/// false`.
class XGRAD_API Muon final : public OptimizerWith<MuonOptions> {
public:
    explicit Muon(const MuonOptions& options = {}, Location where = Location::current());

private:
    void check_options(const MuonOptions& options, Location where) const override;
    UpdateRule rule(std::size_t group, detail::ParameterState& state, Tensor& gradient) const override;
};

}  // namespace xgrad::nn
