#pragma once

#include <string>
#include <type_traits>

#include "../kernels/kernels.hpp"
#include "axes.hpp"

// What operations with index tensors share. Not for users.

namespace xgrad::detail {

/// f(pointer to the indices) with their C++ type.
template <class F>
void with_indices(const Tensor& indices, F&& f) {
    if (indices.dtype() == DType::i32) f(elements<std::int32_t>(indices));
    else f(elements<Int>(indices));
}

/// The operand's indices, a constant. DTypeError unless integers, IndexError unless all are in [low, n).
inline Tensor indices_of(const Operand& operand, Int low, Int n, const char* name, Location where) {
    Tensor indices = stop_gradient(tensor_of(operand, name));
    check_index_type(indices, name, where);
    with_indices(indices, [&](const auto* index) {
        const Int size = indices.size();
        bool good = true;
        for (Int j = 0; j < size; ++j) good &= (index[j] >= low) & (index[j] < n);
        for (Int j = 0; !good && j < size; ++j)
            check<IndexError>(index[j] >= low && index[j] < n, where, [&] {
                return std::string(name) + ": indices must be in [" + std::to_string(low) + ", " + std::to_string(n) + "), got " +
                       std::to_string(index[j]);
            });
    });
    return indices;
}
/// The same for indices that may count from the end.
inline Tensor indices_of(const Operand& operand, Int n, const char* name, Location where) {
    return indices_of(operand, -n, n, name, where);
}

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
