#pragma once

#include "figures.hpp"

namespace tests {

/// The classifier of figures.py's optimizers.
struct Classifier {
    explicit Classifier(xgrad::DType dtype, std::int64_t rows = 5, std::int64_t columns = 7)
        : net(columns, rows, {.dtype = dtype}),
          x(wave({6, columns}, 3, 1, 0, dtype)),
          y(xgrad::remainder(xgrad::arange(6, xgrad::DType::i64), rows)) {
        net.weight = wave({rows, columns}, 1, 0.5, 0, dtype);
        net.bias = wave({rows}, 2, 0.5, 0, dtype);
    }
    xgrad::Tensor loss() const { return xgrad::nn::cross_entropy(net(x), y); }

    xgrad::nn::Linear net;
    xgrad::Tensor x, y;
};

}  // namespace tests
