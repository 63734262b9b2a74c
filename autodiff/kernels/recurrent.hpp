#pragma once

#include <cstdint>

namespace xgrad::kernels {

/// One step of a recurrent layer between its matrix products, for `rows` samples of `n` hidden elements. Gates are side
/// by side in a row, in PyTorch's order. In the pullbacks, `g` and `carried` are the cotangents that reach the step's
/// state from above and from the following step.
template <class T>
struct RecurrentTable {
    using Int = std::int64_t;
    /// h = tanh(h), with its slope, or max(h, 0), for which `slope` is not used.
    void (*rnn)(T* h, T* slope, Int rows, Int n, bool relu);
    /// d: the cotangent of the activation's input.
    void (*rnn_back)(const T* h, const T* slope, const T* g, const T* carried, T* d, Int rows, Int n, bool relu);

    /// gates (rows, 4n), i f g o, are the inputs of their activations. These are saved instead of the outputs, from
    /// which slopes in the tails cannot be computed.
    void (*lstm)(const T* gates, const T* c_before, T* c, T* h, Int rows, Int n);
    /// d (rows, 4n): the cotangents of the gates' inputs; dc, the cotangent of c, becomes that of c_before.
    void (*lstm_back)(const T* gates, const T* c_before, const T* c, const T* g, const T* carried, T* dc, T* d,
                      Int rows, Int n);

    /// of_x and of_h (rows, 3n), r z n, are the contributions of x and of the previous state; saved (rows, 4n): the
    /// inputs of r, z and n, and of_h's last part.
    void (*gru)(const T* of_x, const T* of_h, const T* h_before, T* h, T* saved, Int rows, Int n);
    /// Cotangents: dx and dh (rows, 3n) of the contributions of x and h; `past` of the previous state, without the part
    /// through dh.
    void (*gru_back)(const T* saved, const T* h_before, const T* g, const T* carried, T* dx, T* dh, T* past, Int rows,
                     Int n);
};

struct RecurrentKernels {
    RecurrentTable<float> f32;
    RecurrentTable<double> f64;

    template <class T>
    const RecurrentTable<T>& of() const {
        if constexpr (sizeof(T) == 4) return f32;
        else return f64;
    }
};

}  // namespace xgrad::kernels
