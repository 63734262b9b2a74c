#pragma once

#include <string>
#include <type_traits>

#include "autodiff/core/detail/axes.hpp"
#include "autodiff/core/detail/dispatch.hpp"
#include "autodiff/kernels/kernels.hpp"

// Helpers for operations with index tensors. Not for users.

namespace xgrad::detail {

/// The operand's indices, a constant; where the axis has less than 2^31 elements as i32, counted from the front, as the
/// kernels want them. DTypeError unless integers, IndexError unless all are in [low, n).
Tensor indices_of(const Operand& operand, Int low, Int n, const char* name, Location where);
/// The same for indices that may count from the end.
inline Tensor indices_of(const Operand& operand, Int n, const char* name, Location where) {
    return indices_of(operand, -n, n, name, where);
}

/// A copy of the elements in separate memory.
Tensor copy_of(const Tensor& x);

template <class I>
Int from_front(I index, Int n) {
    return index < 0 ? static_cast<Int>(index) + n : static_cast<Int>(index);
}

/// to += from.
template <class T>
void accumulate(T* to, const T* from, Int n) {
    if constexpr (std::is_same_v<T, float>) kernels::active().move.accumulate_f32(to, from, n);
    else if constexpr (std::is_same_v<T, double>) kernels::active().move.accumulate_f64(to, from, n);
    else
        for (Int i = 0; i < n; ++i) to[i] = static_cast<T>(to[i] + from[i]);
}

}  // namespace xgrad::detail
