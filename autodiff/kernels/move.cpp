#include "move.hpp"

#include "autodiff/simd/isa.hpp"
#include "kernels.hpp"

namespace xgrad::kernels::XGRAD_ISA {

using Int = std::int64_t;

template <class T>
static inline void fill_line(T* to, T value, Int n) {
    constexpr Int lanes = 32 / sizeof(T);
    typedef T V __attribute__((vector_size(32)));
    const V all = V{} + value;
    Int i = 0;
    for (; i + lanes <= n; i += lanes) __builtin_memcpy(to + i, &all, sizeof all);
    for (; i < n; ++i) to[i] = value;
}

template <class T>
static inline void copy_line(T* to, const T* from, Int n, Int to_stride, Int from_stride) {
    if (to_stride == 1 && from_stride == 1) {
        __builtin_memcpy(to, from, static_cast<unsigned long>(n) * sizeof(T));
    } else if (to_stride == 1 && from_stride == 0) {
        fill_line(to, *from, n);
    } else if (to_stride == 1) {
        for (Int i = 0; i < n; ++i) to[i] = from[i * from_stride];
    } else if (from_stride == 1) {
        for (Int i = 0; i < n; ++i) to[i * to_stride] = from[i];
    } else {
        for (Int i = 0; i < n; ++i) to[i * to_stride] = from[i * from_stride];
    }
}

/// Transposes a square with sides of 16 bytes in registers.
template <class T>
static inline void transpose_square(T* to, const T* from, Int to_stride, Int from_stride) {
    constexpr Int n = 16 / sizeof(T);
    if constexpr (n > 4) {
        for (Int r = 0; r < n; ++r)
            for (Int c = 0; c < n; ++c) to[r * to_stride + c] = from[c * from_stride + r];
    } else {
        typedef T V __attribute__((vector_size(16)));
        V in[n], out[n];
        for (Int k = 0; k < n; ++k) __builtin_memcpy(&in[k], from + k * from_stride, 16);
        if constexpr (n == 4) {
            const V a = __builtin_shufflevector(in[0], in[1], 0, 4, 1, 5),
                    b = __builtin_shufflevector(in[0], in[1], 2, 6, 3, 7);
            const V c = __builtin_shufflevector(in[2], in[3], 0, 4, 1, 5),
                    d = __builtin_shufflevector(in[2], in[3], 2, 6, 3, 7);
            out[0] = __builtin_shufflevector(a, c, 0, 1, 4, 5), out[1] = __builtin_shufflevector(a, c, 2, 3, 6, 7);
            out[2] = __builtin_shufflevector(b, d, 0, 1, 4, 5), out[3] = __builtin_shufflevector(b, d, 2, 3, 6, 7);
        } else {
            out[0] = __builtin_shufflevector(in[0], in[1], 0, 2), out[1] = __builtin_shufflevector(in[0], in[1], 1, 3);
        }
        for (Int k = 0; k < n; ++k) __builtin_memcpy(to + k * to_stride, &out[k], 16);
    }
}

/// to(r, c) = from(c, r): rows of `to` and of `from` are contiguous, `to_stride` and `from_stride` apart. Tiles go
/// through a buffer, because the lines of a tile, `stride` apart, may all map to one cache set.
template <class T>
static void transpose(T* to, const T* from, Int rows, Int columns, Int to_stride, Int from_stride) {
    constexpr Int side = sizeof(T) == 8 ? 16 : 32, square = 16 / sizeof(T);
    alignas(64) T buffer[side * side];
    for (Int c0 = 0; c0 < columns; c0 += side)
        for (Int r0 = 0; r0 < rows; r0 += side) {
            const Int nr = rows - r0 < side ? rows - r0 : side, nc = columns - c0 < side ? columns - c0 : side;
            const Int whole_r = nr / square * square, whole_c = nc / square * square;
            const T* source = from + c0 * from_stride + r0;
            T* target = to + r0 * to_stride + c0;
            for (Int c = 0; c < whole_c; c += square)
                for (Int r = 0; r < whole_r; r += square)
                    transpose_square(buffer + r * side + c, source + c * from_stride + r, side, from_stride);
            for (Int r = 0; r < nr; ++r)
                for (Int c = r < whole_r ? whole_c : 0; c < nc; ++c) buffer[r * side + c] = source[c * from_stride + r];
            if (nc == side)  // the common case, with a size known at compile time
                for (Int r = 0; r < nr; ++r)
                    __builtin_memcpy(target + r * to_stride, buffer + r * side, side * sizeof(T));
            else
                for (Int r = 0; r < nr; ++r)
                    __builtin_memcpy(target + r * to_stride, buffer + r * side,
                                     static_cast<unsigned long>(nc) * sizeof(T));
        }
}

template <class T>
static void copy(void* to_bytes, const void* from_bytes, const StridedCopy& layout) {
    T* to = static_cast<T*>(to_bytes);
    const T* from = static_cast<const T*>(from_bytes);
    const int rank = layout.rank;
    if (rank == 0) {
        *to = *from;
        return;
    }
    // The innermost axis is copied as a line or, together with the axis along which the source is contiguous,
    // transposed.
    const int last = rank - 1;
    int other = -1;
    if (layout.to[last] == 1 && layout.from[last] != 1 && layout.from[last] != 0)
        for (int k = 0; k < last; ++k)
            if (layout.from[k] == 1) other = k;
    Int index[StridedCopy::max_rank] = {};
    for (;;) {
        if (other >= 0)
            transpose(to, from, layout.sizes[other], layout.sizes[last], layout.to[other], layout.from[last]);
        else copy_line(to, from, layout.sizes[last], layout.to[last], layout.from[last]);
        int k = last - 1;
        for (; k >= 0; --k) {
            if (k == other) continue;
            to += layout.to[k];
            from += layout.from[k];
            if (++index[k] < layout.sizes[k]) break;
            to -= layout.to[k] * layout.sizes[k];
            from -= layout.from[k] * layout.sizes[k];
            index[k] = 0;
        }
        if (k < 0) return;
    }
}

template <class T>
static void accumulate(T* to, const T* from, Int n) {
    Int i = 0;
    for (; n - i >= width<T>; i += width<T>) store(to + i, load(to + i) + load(from + i));
    for (; i < n; ++i) to[i] += from[i];
}

void fill_move(Kernels& all) {
    MoveKernels& table = all.move;
    table.copy[0] = copy<std::uint8_t>;
    table.copy[1] = copy<std::uint32_t>;
    table.copy[2] = copy<std::uint64_t>;
    table.accumulate_f32 = accumulate<float>;
    table.accumulate_f64 = accumulate<double>;
}

}  // namespace xgrad::kernels::XGRAD_ISA
