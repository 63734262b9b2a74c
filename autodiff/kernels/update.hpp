#pragma once

#include <cstdint>

#include "autodiff/rules/update.hpp"

namespace xgrad::kernels {

/// The buffers of one parameter; outputs may be the inputs. States that the rule does not use are null.
struct UpdateBuffers {
    const void *weight, *gradient, *state[3];
    void *new_weight, *new_state[3];
};

/// Updates elements begin … end-1 of a parameter by a rule, which holds its constants.
using UpdateKernel = void (*)(const void* rule, const UpdateBuffers& buffers, std::int64_t begin, std::int64_t end);

struct UpdateKernels {
    UpdateKernel f32[updates::All::size], f64[updates::All::size];  // by the rule's index in updates::All
};

}  // namespace xgrad::kernels
