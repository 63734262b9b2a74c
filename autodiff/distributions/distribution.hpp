#pragma once

#include "autodiff/core/apply.hpp"
#include "autodiff/core/tape.hpp"
#include "autodiff/ops/elementwise/elementwise.hpp"
#include "autodiff/ops/random/random.hpp"

namespace xgrad::distributions {

/// The parameters of discrete distributions; give exactly one of the two: `Bernoulli({.logits = l})`.
struct ProbsOrLogits {
    Tensor probs = {};
    Tensor logits = {};
};

/// The base of every distribution. Parameters broadcast to the batch shape; the event shape is that of one draw: (), or
/// (n) for vectors.
class XGRAD_API Distribution {
public:
    const Shape& batch_shape() const { return batch_; }
    const Shape& event_shape() const { return event_; }
    /// The parameters' element type.
    DType dtype() const { return dtype_; }

protected:
    /// `shape`, then the batch's axes, then the event's. ShapeError for a negative size.
    Shape extended(const Shape& shape) const;
    /// x broadcast to batch and event.
    Tensor over(const Tensor& x) const;
    Shape batch_, event_;
    DType dtype_ = DType::f32;
};

/// Distributions with a variance.
template <class D>
class Spread : public Distribution {
public:
    /// The standard deviation.
    Tensor stddev() const { return sqrt(static_cast<const D&>(*this).variance()); }
};

/// Distributions whose rsample has a gradient; sample draws the same numbers without one.
template <class D>
class Pathwise : public Spread<D> {
public:
    Tensor sample(const Shape& shape = {}, Generator& generator = default_generator()) const {
        NoRecording nothing_is_recorded;
        return stop_gradient(static_cast<const D&>(*this).rsample(shape, generator));
    }
};

}  // namespace xgrad::distributions
