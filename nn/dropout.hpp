#pragma once

#include <cstdint>

#include <autodiff/tensor.hpp>

#include "module.hpp"

namespace xgrad::nn {

/// In training, each element is zeroed with probability p and the others are scaled by 1/(1-p), so that the mean stays; in eval mode x
/// itself. (Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov 2014.)
///
/// The masks come from the layer's own random stream, seeded from default_generator() when it is made, or given. A copy continues the
/// same stream by itself. Several threads may use one layer; which of them gets which mask is then up to their order.
/// ValueError unless 0 <= p <= 1.
class XGRAD_API Dropout {
public:
    explicit Dropout(double p = 0.5, Location where = Location::current());
    Dropout(double p, std::uint64_t seed, Location where = Location::current());

    Tensor operator()(const Tensor& x) const;
    double p() const { return p_; }

    bool training = true;
    XGRAD_FIELDS(random_)

private:
    double p_;
    mutable RandomStream random_;
};

}  // namespace xgrad::nn
