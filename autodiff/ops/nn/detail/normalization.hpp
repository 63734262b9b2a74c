#pragma once

#include "autodiff/core/apply.hpp"
#include "autodiff/core/detail/axes.hpp"
#include "autodiff/core/detail/dispatch.hpp"
#include "autodiff/kernels/kernels.hpp"

// Helpers shared by the normalisations. Not for users.

namespace xgrad::detail {

template <class T>
const kernels::NormalizeTable<T>& normalize_kernels() {
    return kernels::active().normalize.of<T>();
}

/// A weight, a bias or a statistic: empty, or of x's dtype and the given shape.
inline Tensor optional_of(const Operand& operand, const char* name, const char* argument, const Operand& x,
                          const Shape& shape) {
    if (operand.is_tensor() && !operand.tensor().defined()) return {};
    const Tensor& t = tensor_of(operand, name);
    check_same_dtype(x.dtype(), t.dtype(), name, x.where(), argument);
    check<ShapeError>(t.shape() == shape, x.where(), [&] {
        return std::string(name) + ": " + argument + " must be " + to_string(shape) + " for an input of shape " +
               to_string(x.shape()) + ", got " + to_string(t.shape());
    });
    return t;
}

/// The elements, or null for an empty tensor.
template <class T>
T* elements_or_null(const Tensor& t) {
    return t.defined() ? elements<T>(t) : nullptr;
}

}  // namespace xgrad::detail
