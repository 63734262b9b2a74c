#pragma once

#include <cstdint>

namespace xgrad::kernels {

/// Elements selected by indices that count from the front and are below 2^31.
template <class T>
struct ChooseTable {
    /// to[i] = from[index[i]].
    void (*gather)(const T* from, const std::int32_t* index, T* to, std::int64_t count);
    /// to[index[i]] += from[i], in this order; with `same`, from[0] every time.
    void (*add)(const T* from, const std::int32_t* index, T* to, std::int64_t count, bool same);
    /// The largest element of each two by two block of two rows, `row` apart, and its position, counted from `at` for
    /// the first element. Of equal elements the first; NaN wins, and of several NaNs the last one in a pair and in the
    /// two pairs.
    void (*largest_2x2)(const T* rows, std::int64_t row, std::int32_t at, T* to, std::int32_t* place,
                        std::int64_t count);
};

struct GatherKernels {
    ChooseTable<float> f32;
    ChooseTable<double> f64;
    /// Converts indices in [low, size), where negative ones count from the end, to such indices. Returns false, with
    /// `to` unspecified, if one is out of range.
    bool (*narrow_indices)(const std::int32_t* from, std::int32_t* to, std::int64_t count, std::int64_t low,
                           std::int64_t size);
    bool (*compact_i64)(const std::int64_t* from, std::int32_t* to, std::int64_t count, std::int64_t low,
                        std::int64_t size);

    template <class T>
    const ChooseTable<T>& of() const {
        if constexpr (sizeof(T) == 4) return f32;
        else return f64;
    }
};

}  // namespace xgrad::kernels
