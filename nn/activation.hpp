#pragma once

#include <autodiff/ops/elementwise.hpp>
#include <autodiff/ops/reduce.hpp>

// Activations as layers, for Sequential. In a model's own operator() call the functions: relu(fc1(x)).
// They have no parameters; shapes stay as they are. What each computes is written at its function.

namespace xgrad::nn {

struct ReLU {
    Tensor operator()(const Tensor& x) const { return relu(x); }
};
struct LeakyReLU {
    double negative_slope = 0.01;
    Tensor operator()(const Tensor& x) const { return leaky_relu(x, negative_slope); }
};
struct ELU {
    double alpha = 1.0;
    Tensor operator()(const Tensor& x) const { return elu(x, alpha); }
};
struct GELU {
    Gelu approximate = Gelu::erf;
    Tensor operator()(const Tensor& x) const { return gelu(x, approximate); }
};
struct SiLU {
    Tensor operator()(const Tensor& x) const { return silu(x); }
};
struct Sigmoid {
    Tensor operator()(const Tensor& x) const { return sigmoid(x); }
};
struct Tanh {
    Tensor operator()(const Tensor& x) const { return xgrad::tanh(x); }
};
struct Softplus {
    double beta = 1.0;
    Tensor operator()(const Tensor& x) const { return softplus(x, beta); }
};
struct Softmax {
    int dim = -1;
    Tensor operator()(const Tensor& x) const { return softmax(x, dim); }
};
struct LogSoftmax {
    int dim = -1;
    Tensor operator()(const Tensor& x) const { return log_softmax(x, dim); }
};

}  // namespace xgrad::nn
