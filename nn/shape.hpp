#pragma once

#include <autodiff/ops/shape.hpp>

namespace xgrad::nn {

/// Axes start_dim…end_dim (both included) merged into one; by default all but the first, the batch.
struct Flatten {
    int start_dim = 1, end_dim = -1;
    Tensor operator()(const Tensor& x) const { return flatten(x, start_dim, end_dim); }
};

/// x itself: where a layer is expected and none is wanted.
struct Identity {
    Tensor operator()(const Tensor& x) const { return x; }
};

}  // namespace xgrad::nn
