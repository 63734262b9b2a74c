#pragma once

#include <autodiff/functions.hpp>
#include <autodiff/ops/elementwise.hpp>
#include <autodiff/ops/reduce.hpp>
#include <autodiff/tape.hpp>

#include "module.hpp"

// Activations as layers, for Sequential. In a model's own operator() call the functions: relu(fc1(x)).
// All but PReLU have no parameters; shapes stay as they are, except GLU's. What each computes is written at its function.

namespace xgrad::nn {

struct ReLU {
    Tensor operator()(const Tensor& x) const { return relu(x); }
};
struct ReLU6 {
    Tensor operator()(const Tensor& x) const { return relu6(x); }
};
struct LeakyReLU {
    double negative_slope = 0.01;
    Tensor operator()(const Tensor& x) const { return leaky_relu(x, negative_slope); }
};

struct PReLUOptions {
    std::int64_t num_parameters = 1;  ///< one slope for all, or one for each channel (axis 1)
    double init = 0.25;
    DType dtype = DType::f32;
};
/// x for x > 0, else weight * x with a learned weight (num_parameters). (He, Zhang, Ren, Sun 2015.) ValueError unless it has elements.
struct XGRAD_API PReLU {
    Parameter weight;
    explicit PReLU(const PReLUOptions& options = {}, Location where = Location::current());
    Tensor operator()(const Tensor& x, Location where = Location::current()) const { return prelu(Operand(x, where), weight); }
    void xgrad_visit(const Path& path, Visitor& visitor);
};

/// x for x > 0, else a slope times x: in training drawn from U(lower, upper) for each element, in eval mode their mean. (Xu, Wang, Chen, Li 2015.)
/// ValueError if lower > upper.
class XGRAD_API RReLU {
public:
    explicit RReLU(double lower = 1.0 / 8, double upper = 1.0 / 3, Location where = Location::current());
    RReLU(double lower, double upper, std::uint64_t seed, Location where = Location::current());
    Tensor operator()(const Tensor& x, Location where = Location::current()) const;

    bool training = true;
    void xgrad_visit(const Path& path, Visitor& visitor);

private:
    double lower_, upper_;
    mutable RandomStream random_;
};

struct ELU {
    double alpha = 1.0;
    Tensor operator()(const Tensor& x) const { return elu(x, alpha); }
};
struct SELU {
    Tensor operator()(const Tensor& x) const { return selu(x); }
};
struct CELU {
    double alpha = 1.0;
    Tensor operator()(const Tensor& x) const { return celu(x, alpha); }
};
struct GELU {
    Gelu approximate = Gelu::erf;
    Tensor operator()(const Tensor& x) const { return gelu(x, approximate); }
};
struct SiLU {
    Tensor operator()(const Tensor& x) const { return silu(x); }
};
struct Mish {
    Tensor operator()(const Tensor& x) const { return mish(x); }
};
struct Softplus {
    double beta = 1.0;
    Tensor operator()(const Tensor& x) const { return softplus(x, beta); }
};

struct Sigmoid {
    Tensor operator()(const Tensor& x) const { return sigmoid(x); }
};
struct LogSigmoid {
    Tensor operator()(const Tensor& x) const { return logsigmoid(x); }
};
struct Tanh {
    Tensor operator()(const Tensor& x) const { return xgrad::tanh(x); }
};
struct Softsign {
    Tensor operator()(const Tensor& x) const { return softsign(x); }
};
struct Hardtanh {
    double min_val = -1.0, max_val = 1.0;
    Tensor operator()(const Tensor& x) const { return hardtanh(x, min_val, max_val); }
};
struct Hardsigmoid {
    Tensor operator()(const Tensor& x) const { return hardsigmoid(x); }
};
struct Hardswish {
    Tensor operator()(const Tensor& x) const { return hardswish(x); }
};

struct Hardshrink {
    double lambda = 0.5;
    Tensor operator()(const Tensor& x) const { return hardshrink(x, lambda); }
};
struct Softshrink {
    double lambda = 0.5;
    Tensor operator()(const Tensor& x) const { return softshrink(x, lambda); }
};
struct Tanhshrink {
    Tensor operator()(const Tensor& x) const { return tanhshrink(x); }
};
struct Threshold {
    double threshold, value;
    Tensor operator()(const Tensor& x) const { return xgrad::threshold(x, threshold, value); }
};

struct GLU {
    int dim = -1;
    Tensor operator()(const Tensor& x) const { return glu(x, dim); }
};
struct Softmax {
    int dim = -1;
    Tensor operator()(const Tensor& x) const { return softmax(x, dim); }
};
struct Softmin {
    int dim = -1;
    Tensor operator()(const Tensor& x) const { return softmin(x, dim); }
};
struct LogSoftmax {
    int dim = -1;
    Tensor operator()(const Tensor& x) const { return log_softmax(x, dim); }
};
/// softmax over the channels of each place of x (batch, channels, height, width) or (channels, height, width). ShapeError otherwise.
struct XGRAD_API Softmax2d {
    Tensor operator()(const Tensor& x, Location where = Location::current()) const;
};

}  // namespace xgrad::nn
