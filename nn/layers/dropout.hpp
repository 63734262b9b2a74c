#pragma once

#include <cstdint>

#include <autodiff/functions/functions.hpp>
#include <autodiff/core/tensor.hpp>

#include "nn/core/module.hpp"

namespace xgrad::nn {

namespace detail {

/// The common part of the dropout layers.
class XGRAD_API DropoutLayer {
public:
    Tensor operator()(const Tensor& x, Location where = Location::current()) const;
    double p() const { return p_; }

    bool training = true;
    void xgrad_visit(const Path& path, Visitor& visitor);

protected:
    using Function = Tensor (*)(const Operand&, double, Generator&);
    DropoutLayer(const char* name, Function function, double p, Location where);
    DropoutLayer(const char* name, Function function, double p, std::uint64_t seed, Location where);

private:
    Function function_;
    double p_;
    mutable RandomStream random_;
};

}  // namespace detail

/// In training, each element is zeroed with probability p and the others are scaled by 1/(1-p), so that the mean is
/// preserved; in eval mode returns x itself. (Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov 2014.)
///
/// The masks come from the layer's own random stream, seeded from default_generator() at construction, or given
/// explicitly. A copy continues the same stream independently. Several threads may use one layer; which thread receives
/// which mask then depends on their order. ValueError unless 0 <= p <= 1.
struct Dropout : detail::DropoutLayer {
    explicit Dropout(double p = 0.5, Location where = Location::current())
        : DropoutLayer("Dropout", dropout, p, where) {}
    Dropout(double p, std::uint64_t seed, Location where = Location::current())
        : DropoutLayer("Dropout", dropout, p, seed, where) {}
};

/// The same with whole channels zeroed together: x (batch, channels, sizes…); see xgrad::dropout2d. (Tompson et al.
/// 2015.)
struct Dropout1d : detail::DropoutLayer {
    explicit Dropout1d(double p = 0.5, Location where = Location::current())
        : DropoutLayer("Dropout1d", dropout1d, p, where) {}
    Dropout1d(double p, std::uint64_t seed, Location where = Location::current())
        : DropoutLayer("Dropout1d", dropout1d, p, seed, where) {}
};
struct Dropout2d : detail::DropoutLayer {
    explicit Dropout2d(double p = 0.5, Location where = Location::current())
        : DropoutLayer("Dropout2d", dropout2d, p, where) {}
    Dropout2d(double p, std::uint64_t seed, Location where = Location::current())
        : DropoutLayer("Dropout2d", dropout2d, p, seed, where) {}
};
struct Dropout3d : detail::DropoutLayer {
    explicit Dropout3d(double p = 0.5, Location where = Location::current())
        : DropoutLayer("Dropout3d", dropout3d, p, where) {}
    Dropout3d(double p, std::uint64_t seed, Location where = Location::current())
        : DropoutLayer("Dropout3d", dropout3d, p, seed, where) {}
};

/// Dropout for selu networks, which keeps mean 0 and variance 1: AlphaDropout drops single elements,
/// FeatureAlphaDropout whole channels. (Klambauer et al. 2017.)
struct AlphaDropout : detail::DropoutLayer {
    explicit AlphaDropout(double p = 0.5, Location where = Location::current())
        : DropoutLayer("AlphaDropout", alpha_dropout, p, where) {}
    AlphaDropout(double p, std::uint64_t seed, Location where = Location::current())
        : DropoutLayer("AlphaDropout", alpha_dropout, p, seed, where) {}
};
struct FeatureAlphaDropout : detail::DropoutLayer {
    explicit FeatureAlphaDropout(double p = 0.5, Location where = Location::current())
        : DropoutLayer("FeatureAlphaDropout", feature_alpha_dropout, p, where) {}
    FeatureAlphaDropout(double p, std::uint64_t seed, Location where = Location::current())
        : DropoutLayer("FeatureAlphaDropout", feature_alpha_dropout, p, seed, where) {}
};

}  // namespace xgrad::nn
