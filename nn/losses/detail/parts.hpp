#pragma once

#include <string>

#include "nn/losses/loss.hpp"

// What the losses share; not for users.

namespace xgrad::nn::detail {

/// The losses as they are, their mean or their sum.
Tensor reduced(Tensor losses, Reduction reduction);
/// ShapeError for different shapes, DTypeError for an input that is not floating or a floating target of another dtype.
void check_same_shape(const char* loss, const Tensor& input, const Tensor& target, Location where);
/// A target of any dtype as a constant or variable of input's.
Tensor like(const Tensor& target, const Tensor& input);
/// max(x, 0) whose gradient at 0 is 1, as PyTorch's clamp.
Tensor clamp_min_0(const Tensor& x);

/// 1 for scores of one sample, else the second axis.
int class_axis(const Tensor& input);
/// Checks classes against scores; `ignored` is no class but allowed. True if there is one that is ignored.
bool check_classes(const char* loss, const Tensor& input, const Tensor& target, std::int64_t ignored, Location where);
/// DTypeError unless (C,) and of input's dtype; an empty one passes.
void check_class_weight(const char* loss, const Tensor& weight, const Tensor& input, Location where);

}  // namespace xgrad::nn::detail
