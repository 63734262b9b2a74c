#pragma once

#include <string>

#include "nn/losses/loss.hpp"

// Common parts of the losses; not for users.

namespace xgrad::nn::detail {

/// The losses themselves, their mean or their sum.
Tensor reduced(Tensor losses, Reduction reduction);
/// ShapeError for different shapes, DTypeError for an input that is not floating or a floating target of another dtype.
void check_same_shape(const char* loss, const Tensor& input, const Tensor& target, Location where);
/// A target of any dtype converted to input's dtype, as a constant or a variable.
Tensor like(const Tensor& target, const Tensor& input);
/// max(x, 0) with gradient 1 at 0, like PyTorch's clamp.
Tensor clamp_min_0(const Tensor& x);

/// The axis of the classes: 0 for the scores of one sample, else 1.
int class_axis(const Tensor& input);
/// Checks classes against scores; `ignored` is not a class but is allowed. True if any target is ignored.
bool check_classes(const char* loss, const Tensor& input, const Tensor& target, std::int64_t ignored, Location where);
/// DTypeError unless (C,) and of input's dtype; an empty weight passes.
void check_class_weight(const char* loss, const Tensor& weight, const Tensor& input, Location where);

}  // namespace xgrad::nn::detail
