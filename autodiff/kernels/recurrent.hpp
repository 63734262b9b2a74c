#pragma once

#include <cstdint>

namespace xgrad::kernels {

/// One step of a recurrent layer between its matrix products, for `rows` samples of `n` hidden elements. Gates lie side
/// by side in a row, in PyTorch's order. In the ways back `g` and `carried` are what arrives at the step's state from
/// above and from the step after it.
template <class T>
struct RecurrentTable {
    using Int = std::int64_t;
    /// h = tanh(h), with its slope, or max(h, 0), where `slope` is not used.
    void (*rnn)(T* h, T* slope, Int rows, Int n, bool relu);
    /// d: the cotangent of what went into the activation.
    void (*rnn_back)(const T* h, const T* slope, const T* g, const T* carried, T* d, Int rows, Int n, bool relu);

    /// gates (rows, 4n), i f g o, are what goes into their activations. They are kept so: slopes in the tails cannot be
    /// had from what comes out.
    void (*lstm)(const T* gates, const T* c_before, T* c, T* h, Int rows, Int n);
    /// d (rows, 4n): the cotangents of what went into the gates; dc, that of c, becomes that of c_before.
    void (*lstm_back)(const T* gates, const T* c_before, const T* c, const T* g, const T* carried, T* dc, T* d,
                      Int rows, Int n);

    /// of_x and of_h (rows, 3n), r z n, are what x and the state before give; saved (rows, 4n): what goes into r, z and
    /// n, and of_h's last part.
    void (*gru)(const T* of_x, const T* of_h, const T* h_before, T* h, T* saved, Int rows, Int n);
    /// Cotangents: dx and dh (rows, 3n) of what came from x and h; `past` of the state before, without what goes
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
