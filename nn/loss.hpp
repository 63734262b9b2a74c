#pragma once

#include <autodiff/ops/ctc.hpp>
#include <autodiff/tensor.hpp>

namespace xgrad::nn {

using xgrad::Reduction;

struct LossOptions {
    Reduction reduction = Reduction::mean;
};

/// (input - target)². Both have one shape (ShapeError): a target (n,) against an input (n, 1) would broadcast to (n, n) by mistake.
XGRAD_API Tensor mse_loss(const Tensor& input, const Tensor& target, const LossOptions& options = {}, Location where = Location::current());

/// |input - target|, gradient 0 where they are equal. Both have one shape (ShapeError).
XGRAD_API Tensor l1_loss(const Tensor& input, const Tensor& target, const LossOptions& options = {}, Location where = Location::current());

/// -input at the class of `target`. input: log-probabilities (N, C), (C,) or (N, C, d…); target: classes as i32 or i64, (N,), () or (N, d…), which
/// is also the shape of the loss without reduction. ShapeError, DTypeError; IndexError for a class outside [0, C).
XGRAD_API Tensor nll_loss(const Tensor& input, const Tensor& target, const LossOptions& options = {}, Location where = Location::current());

/// -log(softmax(input)) at the class of `target`, exact for huge inputs: nll_loss of log_softmax over the classes. input: unnormalised scores.
XGRAD_API Tensor cross_entropy(const Tensor& input, const Tensor& target, const LossOptions& options = {},
                               Location where = Location::current());

}  // namespace xgrad::nn
