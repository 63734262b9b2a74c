#pragma once

#include <cstdint>

namespace xgrad::kernels {

/// One step of stochastic gradient descent, with its constants worked out.
struct SgdPlan {
    double sign, lr, momentum, undamped, weight_decay;  // sign: -1 to maximize; undamped: 1 - dampening, or 1 at the first step
    bool has_velocity, nesterov, first;
};
/// One step of Adam: weight = keep * weight - step * mean / (sqrt(square) * scale + eps).
struct AdamPlan {
    double sign, weight_decay, keep, beta1, beta2, step, scale, eps;
};

/// Inputs and outputs of a step may be the same buffers.
template <class T>
struct UpdateTable {
    void (*sgd)(const T* weight, const T* gradient, const T* velocity, T* new_weight, T* new_velocity, std::int64_t n, const SgdPlan& plan);
    /// max_square and its output are null without amsgrad.
    void (*adam)(const T* weight, const T* gradient, const T* mean, const T* square, const T* max_square, T* new_weight, T* new_mean,
                 T* new_square, T* new_max_square, std::int64_t n, const AdamPlan& plan);
};

struct UpdateKernels {
    UpdateTable<float> f32;
    UpdateTable<double> f64;

    template <class T>
    const UpdateTable<T>& of() const {
        if constexpr (sizeof(T) == 4) return f32;
        else return f64;
    }
};

}  // namespace xgrad::kernels
