#pragma once

#include <initializer_list>
#include <limits>

#include <autodiff/functions/functions.hpp>
#include <autodiff/ops/elementwise/elementwise.hpp>
#include <autodiff/ops/reduce/reduce.hpp>
#include <autodiff/core/tape.hpp>

#include "nn/core/module.hpp"

// Activations as layers, for Sequential. In a model's own operator() call the functions instead: relu(fc1(x)). All
// except PReLU have no parameters; shapes are unchanged, except by GLU. The formula of each is documented at its
// function.

namespace xgrad::nn {

namespace detail {

/// Last member of a layer with numeric options; checks the members before it: ValueError at the user's line if they are
/// not valid, "rule, got 2 and 1".
struct XGRAD_API Valid {
    Valid(bool ok, const char* rule, std::initializer_list<double> numbers, Location where = Location::current());
};

}  // namespace detail

struct ReLU {
    Tensor operator()(const Tensor& x, Location where = Location::current()) const { return relu(Operand(x, where)); }
};
struct ReLU6 {
    Tensor operator()(const Tensor& x, Location where = Location::current()) const { return relu6(Operand(x, where)); }
};
struct LeakyReLU {
    double negative_slope = 0.01;
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return leaky_relu(Operand(x, where), negative_slope);
    }
};

struct PReLUOptions {
    std::int64_t num_parameters = 1;  ///< one slope for all, or one per channel (axis 1)
    double init = 0.25;
    DType dtype = DType::f32;
};
/// x for x > 0, else weight * x with a learned weight (num_parameters). (He, Zhang, Ren, Sun 2015.) ValueError unless
/// it has elements.
struct XGRAD_API PReLU {
    Parameter weight;
    explicit PReLU(const PReLUOptions& options = {}, Location where = Location::current());
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return prelu(Operand(x, where), weight);
    }
    void xgrad_visit(const Path& path, Visitor& visitor);
};

/// x for x > 0, else a slope times x: in training the slope is drawn from U(lower, upper) for each element, in eval
/// mode it is their mean. (Xu, Wang, Chen, Li 2015.) ValueError if lower > upper.
class XGRAD_API RReLU {
public:
    explicit RReLU(double lower = 1.0 / 8, double upper = 1.0 / 3, Location where = Location::current());
    RReLU(double lower, double upper, std::uint64_t seed, Location where = Location::current());
    Tensor operator()(const Tensor& x, Location where = Location::current()) const;

    bool training = true;
    void xgrad_visit(const Path& path, Visitor& visitor);

private:
    RReLU(double lower, double upper, RandomStream random, Location where);

    double lower_, upper_;
    mutable RandomStream random_;
};

struct ELU {
    double alpha = 1.0;
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return elu(Operand(x, where), alpha);
    }
};
struct SELU {
    Tensor operator()(const Tensor& x, Location where = Location::current()) const { return selu(Operand(x, where)); }
};
/// ValueError for an alpha of 0.
struct CELU {
    double alpha = 1.0;
    [[no_unique_address]] detail::Valid valid{alpha < 0 || alpha > 0, "CELU: alpha must not be 0", {alpha}};
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return celu(Operand(x, where), alpha);
    }
};
struct GELU {
    Gelu approximate = Gelu::erf;
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return gelu(Operand(x, where), approximate);
    }
};
struct SiLU {
    Tensor operator()(const Tensor& x, Location where = Location::current()) const { return silu(Operand(x, where)); }
};
struct Mish {
    Tensor operator()(const Tensor& x, Location where = Location::current()) const { return mish(Operand(x, where)); }
};
/// ValueError for a beta of 0.
struct Softplus {
    double beta = 1.0, threshold = std::numeric_limits<double>::infinity();
    [[no_unique_address]] detail::Valid valid{beta < 0 || beta > 0, "Softplus: beta must not be 0", {beta}};
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return softplus(Operand(x, where), beta, threshold);
    }
};

struct Sigmoid {
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return sigmoid(Operand(x, where));
    }
};
struct LogSigmoid {
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return logsigmoid(Operand(x, where));
    }
};
struct Tanh {
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return xgrad::tanh(Operand(x, where));
    }
};
struct Softsign {
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return softsign(Operand(x, where));
    }
};
/// ValueError if min_val > max_val.
struct Hardtanh {
    double min_val = -1.0, max_val = 1.0;
    [[no_unique_address]] detail::Valid valid{
        min_val <= max_val, "Hardtanh: min_val must not be above max_val", {min_val, max_val}};
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return hardtanh(Operand(x, where), min_val, max_val);
    }
};
struct Hardsigmoid {
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return hardsigmoid(Operand(x, where));
    }
};
struct Hardswish {
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return hardswish(Operand(x, where));
    }
};

struct Hardshrink {
    double lambda = 0.5;
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return hardshrink(Operand(x, where), lambda);
    }
};
/// ValueError for a negative lambda.
struct Softshrink {
    double lambda = 0.5;
    [[no_unique_address]] detail::Valid valid{lambda >= 0, "Softshrink: lambda must not be negative", {lambda}};
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return softshrink(Operand(x, where), lambda);
    }
};
struct Tanhshrink {
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return tanhshrink(Operand(x, where));
    }
};
struct Threshold {
    double threshold, value;
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return xgrad::threshold(Operand(x, where), threshold, value);
    }
};

struct GLU {
    int dim = -1;
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return glu(Operand(x, where), dim);
    }
};
struct Softmax {
    int dim = -1;
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return softmax(Operand(x, where), dim);
    }
};
struct Softmin {
    int dim = -1;
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return softmin(Operand(x, where), dim);
    }
};
struct LogSoftmax {
    int dim = -1;
    Tensor operator()(const Tensor& x, Location where = Location::current()) const {
        return log_softmax(Operand(x, where), dim);
    }
};
/// softmax over the channels at each position of x (batch, channels, height, width) or (channels, height, width).
/// ShapeError otherwise.
struct XGRAD_API Softmax2d {
    Tensor operator()(const Tensor& x, Location where = Location::current()) const;
};

}  // namespace xgrad::nn
