#include "move.hpp"

#include "isa.hpp"

namespace xgrad::kernels::XGRAD_ISA {

using Int = std::int64_t;

template <class T>
static inline void copy_line(T* to, const T* from, Int n, Int to_stride, Int from_stride) {
    if (to_stride == 1 && from_stride == 1) {
        __builtin_memcpy(to, from, static_cast<unsigned long>(n) * sizeof(T));
    } else if (to_stride == 1 && from_stride == 0) {
        const T value = *from;
        for (Int i = 0; i < n; ++i) to[i] = value;
    } else if (to_stride == 1) {
        for (Int i = 0; i < n; ++i) to[i] = from[i * from_stride];
    } else if (from_stride == 1) {
        for (Int i = 0; i < n; ++i) to[i * to_stride] = from[i];
    } else {
        for (Int i = 0; i < n; ++i) to[i * to_stride] = from[i * from_stride];
    }
}

/// to(r, c) = from(c, r): rows of `to` and of `from` are contiguous, `to_stride` and `from_stride` apart. Tiles of a cache line each
/// way go through a buffer, because the lines of a tile may all fall into one cache set.
template <class T>
static void transpose(T* to, const T* from, Int rows, Int columns, Int to_stride, Int from_stride) {
    constexpr Int side = sizeof(T) == 8 ? 8 : 16;
    T buffer[side * side];
    for (Int c0 = 0; c0 < columns; c0 += side)
        for (Int r0 = 0; r0 < rows; r0 += side) {
            const Int nr = rows - r0 < side ? rows - r0 : side, nc = columns - c0 < side ? columns - c0 : side;
            const T* source = from + c0 * from_stride + r0;
            T* target = to + r0 * to_stride + c0;
            if (nr == side && nc == side) {
                if constexpr (sizeof(T) == 4) {
                    typedef T V __attribute__((vector_size(16)));
                    for (Int c = 0; c < side; c += 4)
                        for (Int r = 0; r < side; r += 4) {
                            V a, b, d, e;
                            __builtin_memcpy(&a, source + c * from_stride + r, 16);
                            __builtin_memcpy(&b, source + (c + 1) * from_stride + r, 16);
                            __builtin_memcpy(&d, source + (c + 2) * from_stride + r, 16);
                            __builtin_memcpy(&e, source + (c + 3) * from_stride + r, 16);
                            const V ab0 = __builtin_shufflevector(a, b, 0, 4, 1, 5), ab1 = __builtin_shufflevector(a, b, 2, 6, 3, 7);
                            const V de0 = __builtin_shufflevector(d, e, 0, 4, 1, 5), de1 = __builtin_shufflevector(d, e, 2, 6, 3, 7);
                            const V out[4] = {__builtin_shufflevector(ab0, de0, 0, 1, 4, 5), __builtin_shufflevector(ab0, de0, 2, 3, 6, 7),
                                              __builtin_shufflevector(ab1, de1, 0, 1, 4, 5), __builtin_shufflevector(ab1, de1, 2, 3, 6, 7)};
                            for (Int k = 0; k < 4; ++k) __builtin_memcpy(buffer + (r + k) * side + c, &out[k], 16);
                        }
                } else {
                    for (Int c = 0; c < side; ++c)
                        for (Int r = 0; r < side; ++r) buffer[r * side + c] = source[c * from_stride + r];
                }
                for (Int r = 0; r < side; ++r) __builtin_memcpy(target + r * to_stride, buffer + r * side, side * sizeof(T));
            } else {
                for (Int r = 0; r < nr; ++r)
                    for (Int c = 0; c < nc; ++c) target[r * to_stride + c] = source[c * from_stride + r];
            }
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
    // The innermost axis is a line, or together with the axis along which the source is contiguous a transpose.
    const int last = rank - 1;
    int other = -1;
    if (layout.to[last] == 1 && layout.from[last] != 1 && layout.from[last] != 0)
        for (int k = 0; k < last; ++k)
            if (layout.from[k] == 1) other = k;
    Int index[StridedCopy::max_rank] = {};
    for (;;) {
        if (other >= 0) transpose(to, from, layout.sizes[other], layout.sizes[last], layout.to[other], layout.from[last]);
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

void fill_move(MoveKernels& table) {
    table.copy[0] = copy<std::uint8_t>;
    table.copy[1] = copy<std::uint32_t>;
    table.copy[2] = copy<std::uint64_t>;
    table.accumulate_f32 = accumulate<float>;
    table.accumulate_f64 = accumulate<double>;
}

}  // namespace xgrad::kernels::XGRAD_ISA
