#pragma once

#include "gemm.hpp"
#include "autodiff/simd/isa.hpp"

// The tile of a matrix product that the registers hold, and the panels that it reads.

namespace xgrad::kernels::XGRAD_ISA {
namespace {

#if defined(__AVX512F__)
constexpr int tile_rows = 12, tile_vectors = 2;
#elif defined(__aarch64__)
constexpr int tile_rows = 6, tile_vectors = 4;
#elif defined(__AVX2__)
constexpr int tile_rows = 4, tile_vectors = 3;  // with as few loads per product as 16 registers allow
#else
constexpr int tile_rows = 6, tile_vectors = 2;
#endif
template <class T>
constexpr std::int64_t tile_columns = tile_vectors * width<T>;

template <class T>
constexpr std::int64_t depth_limit = 1536 / static_cast<std::int64_t>(sizeof(T));  // of k in one block
constexpr std::int64_t block_bytes = std::int64_t{sizeof(Batch<float>) == 64 ? 768 : 256} << 10;  // of packed b
constexpr std::int64_t block_rows = 96;                       // of packed a, a multiple of tile_rows
constexpr std::int64_t rows_bytes = block_rows * 1536 + 64;

constexpr std::int64_t smaller(std::int64_t a, std::int64_t b) { return a < b ? a : b; }
constexpr std::int64_t pieces(std::int64_t n, std::int64_t size) { return (n + size - 1) / size; }
/// The size of `count` equal pieces of n, a multiple of `step`.
constexpr std::int64_t piece(std::int64_t n, std::int64_t count, std::int64_t step) {
    return pieces(pieces(n, count), step) * step;
}

/// Whether partial vectors are loaded and stored as fast as whole ones.
#if defined(__AVX512F__)
constexpr bool has_masks = true;
#else
constexpr bool has_masks = false;
#endif

/// How k is split: `count` blocks of `depth`; the last one may be smaller.
template <class T>
struct Depths {
    std::int64_t count, depth;
    explicit Depths(std::int64_t k)
        : count(k > depth_limit<T> ? pieces(k, depth_limit<T>) : 1), depth(count == 1 ? k : piece(k, count, 4)) {}
};

/// Four floats or two doubles: the unit in which matrices are transposed.
#if defined(__aarch64__)
template <class T>
using Quad = xsimd::batch<T, xsimd::neon64>;
#else
template <class T>
using Quad = xsimd::batch<T, xsimd::sse2>;
#endif
template <class T>
constexpr int quad = static_cast<int>(Quad<T>::size);

/// Zips the lower or upper halves of both operands, separately in each 128-bit lane.
#if defined(__AVX512F__)
inline Batch<float> zip_low(const Batch<float>& a, const Batch<float>& b) { return _mm512_unpacklo_ps(a, b); }
inline Batch<float> zip_high(const Batch<float>& a, const Batch<float>& b) { return _mm512_unpackhi_ps(a, b); }
inline Batch<double> zip_low(const Batch<double>& a, const Batch<double>& b) { return _mm512_unpacklo_pd(a, b); }
inline Batch<double> zip_high(const Batch<double>& a, const Batch<double>& b) { return _mm512_unpackhi_pd(a, b); }
template <int lane>
inline Quad<float> lane_of(const Batch<float>& a) {
    return _mm512_extractf32x4_ps(a, lane);
}
template <int lane>
inline Quad<double> lane_of(const Batch<double>& a) {
    return _mm512_extractf64x2_pd(a, lane);
}
#elif defined(__AVX2__)
inline Batch<float> zip_low(const Batch<float>& a, const Batch<float>& b) { return _mm256_unpacklo_ps(a, b); }
inline Batch<float> zip_high(const Batch<float>& a, const Batch<float>& b) { return _mm256_unpackhi_ps(a, b); }
inline Batch<double> zip_low(const Batch<double>& a, const Batch<double>& b) { return _mm256_unpacklo_pd(a, b); }
inline Batch<double> zip_high(const Batch<double>& a, const Batch<double>& b) { return _mm256_unpackhi_pd(a, b); }
template <int lane>
inline Quad<float> lane_of(const Batch<float>& a) {
    return _mm256_extractf128_ps(a, lane);
}
template <int lane>
inline Quad<double> lane_of(const Batch<double>& a) {
    return _mm256_extractf128_pd(a, lane);
}
#else
template <int lane, class T>
inline Quad<T> lane_of(const Batch<T>& a) {
    return a;
}
#endif
template <class T>
inline Quad<T> zip_low(const Quad<T>& a, const Quad<T>& b) {
    return xsimd::zip_lo(a, b);
}
template <class T>
inline Quad<T> zip_high(const Quad<T>& a, const Quad<T>& b) {
    return xsimd::zip_hi(a, b);
}

/// The sum of the 128-bit lanes.
template <class T, int lane = 0>
inline Quad<T> add_lanes(const Batch<T>& x) {
    constexpr int lanes = static_cast<int>(width<T>) / quad<T>;
    if constexpr (lane + 1 < lanes) return lane_of<lane>(x) + add_lanes<T, lane + 1>(x);
    else return lane_of<lane>(x);
}

/// Transposes each 128-bit lane separately.
template <class V, int q>
inline void transpose(V (&x)[q]) {
    if constexpr (q == 4) {
        const V a = zip_low(x[0], x[2]), b = zip_high(x[0], x[2]), c = zip_low(x[1], x[3]), d = zip_high(x[1], x[3]);
        x[0] = zip_low(a, c);
        x[1] = zip_high(a, c);
        x[2] = zip_low(b, d);
        x[3] = zip_high(b, d);
    } else {
        const V a = x[0];
        x[0] = zip_low(a, x[1]);
        x[1] = zip_high(a, x[1]);
    }
}

/// The sum of the elements of each of q vectors.
template <class T>
inline Quad<T> totals(Batch<T> (&x)[quad<T>]) {
    constexpr int q = quad<T>;
    if constexpr (q == 4) {
        x[0] = zip_low(x[0], x[2]) + zip_high(x[0], x[2]);
        x[1] = zip_low(x[1], x[3]) + zip_high(x[1], x[3]);
    }
    const Batch<T> each = zip_low(x[0], x[1]) + zip_high(x[0], x[1]);
    return add_lanes<T>(each);
}

/// One tile of c: `rows` (a template argument) by `columns`.
template <class T>
struct Tile {
    std::int64_t depth;
    const T* a;
    std::int64_t step_a;  // between its rows, or between the steps of k
    const T* b;
    std::int64_t step_b;  // between the steps of k
    T* c;
    std::int64_t ldc;
    std::int64_t columns;
    bool transposed, accumulate;  // transposed: c is (columns,rows)
    const T* bias;                // along c's rows in memory
    const std::int64_t* offset = nullptr;  // of a's rows, if they are not `step_a` apart
    T* copy = nullptr;            // receives b's vectors, one after the other, from a full tile that copies them
};

/// Writes the sums of `rows` rows, `step` apart, to c, where they are columns.
template <class T>
__attribute__((noinline)) void write_transposed(const Tile<T>& t, const T* sums, int rows, std::int64_t step) {
    constexpr int q = quad<T>;
    int i = 0;
    for (; i + q <= rows; i += q) {
        Quad<T> bias(T(0));
        if (t.bias) bias = Quad<T>::load_unaligned(t.bias + i);
        for (std::int64_t j = 0; j < t.columns; j += q) {
            Quad<T> x[q];
#pragma GCC unroll 4
            for (int s = 0; s < q; ++s) x[s] = Quad<T>::load_aligned(sums + (i + s) * step + j);
            transpose(x);
            const std::int64_t count = smaller(q, t.columns - j);
            for (std::int64_t s = 0; s < count; ++s) {
                T* const out = t.c + (j + s) * t.ldc + i;
                Quad<T> y = x[s];
                if (t.accumulate) y = y + Quad<T>::load_unaligned(out);
                if (t.bias) y = y + bias;
                y.store_unaligned(out);
            }
        }
    }
    for (std::int64_t j = 0; i < rows && j < t.columns; ++j) {
        for (int s = i; s < rows; ++s) {
            T* const out = t.c + j * t.ldc + s;
            T x = sums[s * step + j];
            if (t.accumulate) x += *out;
            if (t.bias) x += t.bias[s];
            *out = x;
        }
    }
}

/// Writes the sums of `rows` rows, `step` apart, to the columns that c has.
template <class T>
__attribute__((noinline)) void write_rows(const Tile<T>& t, const T* sums, int rows, std::int64_t step) {
    for (std::int64_t j = 0; j < t.columns; j += width<T>) {
        const std::int64_t count = smaller(width<T>, t.columns - j);
        const Batch<T> bias = t.bias ? load_some(t.bias + j, count) : Batch<T>(T(0));
        for (int i = 0; i < rows; ++i) {
            T* const out = t.c + i * t.ldc + j;
            Batch<T> x = Batch<T>::load_aligned(sums + i * step + j);
            if (t.accumulate) x = x + load_some(out, count);
            if (t.bias) x = x + bias;
            store_some(out, x, count);
        }
    }
}

/// along_k: a's rows are contiguous, else its columns are.
template <class T, int rows, int vectors, bool along_k, bool copies = false>
void tile(const Tile<T>& t) {
    constexpr std::int64_t w = width<T>;
    if (!t.transposed) {
#pragma GCC unroll 16
        for (int i = 0; i < rows; ++i) {
            __builtin_prefetch(t.c + i * t.ldc, 1);
            __builtin_prefetch(t.c + i * t.ldc + t.columns - 1, 1);
        }
    }
    Batch<T> sum[rows][vectors];
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i)
#pragma GCC unroll 16
        for (int v = 0; v < vectors; ++v) sum[i][v] = Batch<T>(T(0));

    const T* a[rows];
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i) a[i] = !along_k ? t.a + i : t.offset ? t.a + t.offset[i] : t.a + i * t.step_a;
    const T* b = t.b;
    const std::int64_t depth = t.depth, step_a = along_k ? 1 : t.step_a, step_b = t.step_b;
    const T* column = t.a;
    T* copy = t.copy;
    const auto step = [&](std::int64_t l) __attribute__((always_inline)) {
        Batch<T> y[vectors];
#pragma GCC unroll 16
        for (int v = 0; v < vectors; ++v) {
            y[v] = load(b + v * w);
            if constexpr (vectors > tile_vectors)
                __builtin_prefetch(b + 4 * step_b + v * w);  // too far away for the processor to predict
            if constexpr (copies) y[v].store_aligned(copy + v * w);
        }
#pragma GCC unroll 16
        for (int i = 0; i < rows; ++i) {
            const Batch<T> x(along_k ? a[i][l] : column[i]);
#pragma GCC unroll 16
            for (int v = 0; v < vectors; ++v) sum[i][v] = xsimd::fma(x, y[v], sum[i][v]);
        }
        b += step_b;
        if (copies) copy += vectors * w;
        if (!along_k) column += step_a;
    };
    std::int64_t l = 0;
    if constexpr (rows * vectors <= 12) {  // a large tile has enough work in one step
        for (; l + 4 <= depth; l += 4) {
            step(l);
            step(l + 1);
            step(l + 2);
            step(l + 3);
        }
    }
    for (; l < depth; ++l) step(l);

    const bool whole = t.columns == vectors * w;
    if (!t.transposed && (whole || has_masks)) {
        const auto each = [&](auto f) __attribute__((always_inline)) {
#pragma GCC unroll 16
            for (int v = 0; v < vectors; ++v)
#pragma GCC unroll 16
                for (int i = 0; i < rows; ++i) f(sum[i][v], t.c + i * t.ldc + v * w, v);
        };
        const auto left = [&](int v) __attribute__((always_inline)) {
            return t.columns - v * w < 0 ? 0 : smaller(t.columns - v * w, w);
        };
        if (t.accumulate) {
            if (whole) each([&](Batch<T>& x, const T* from, int) { x = x + load(from); });
            else each([&](Batch<T>& x, const T* from, int v) { x = x + load_some(from, left(v)); });
        }
        if (t.bias)
            each([&](Batch<T>& x, const T*, int v) {
                x = x + (whole ? load(t.bias + v * w) : load_some(t.bias + v * w, left(v)));
            });
        if (whole) each([](const Batch<T>& x, T* to, int) { store(to, x); });
        else each([&](const Batch<T>& x, T* to, int v) { store_some(to, x, left(v)); });
        return;
    }
    alignas(64) T buffer[rows][vectors * w];
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i)
#pragma GCC unroll 16
        for (int v = 0; v < vectors; ++v) sum[i][v].store_aligned(&buffer[i][v * w]);
    if (t.transposed) write_transposed(t, &buffer[0][0], rows, vectors * w);
    else write_rows(t, &buffer[0][0], rows, vectors * w);
}

template <class T>
using TileFunction = void (*)(const Tile<T>&);

/// The tile functions for 1 to tile_rows rows.
template <class T, int vectors, bool along_k>
struct Tiles {
    TileFunction<T> of[tile_rows + 1] = {};
    template <int rows>
    constexpr void add() {
        of[rows] = tile<T, rows, vectors, along_k>;
        if constexpr (rows < tile_rows) add<rows + 1>();
    }
    constexpr Tiles() { add<1>(); }
};
template <class T, int vectors, bool along_k>
constexpr Tiles<T, vectors, along_k> tiles;

/// With at most wide_rows rows, each row uses more vectors, so that enough sums run in parallel; b is read in place.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int wide_rows = 4;
constexpr int wide_vectors(int rows) { return rows == 1 ? 16 : rows == 2 ? 8 : 4; }
#else
constexpr int wide_rows = 2;
constexpr int wide_vectors(int rows) { return rows == 1 ? 8 : 4; }
#endif
/// Computes as many of `columns` as one tile takes, in whole vectors. Returns their number.
template <class T, bool along_k, int rows, int vectors = wide_vectors(rows)>
inline std::int64_t run_wide(Tile<T>& t, std::int64_t columns) {
    if constexpr (vectors > 1)
        if (columns < vectors * width<T>) return run_wide<T, along_k, rows, vectors / 2>(t, columns);
    t.columns = vectors * width<T>;
    tile<T, rows, vectors, along_k>(t);
    return t.columns;
}
template <class T, bool along_k, int rows = wide_rows>
inline std::int64_t run_wide(Tile<T>& t, std::int64_t count, std::int64_t columns) {
    if constexpr (rows > 1)
        if (count < rows) return run_wide<T, along_k, rows - 1>(t, count, columns);
    return run_wide<T, along_k, rows, wide_vectors(rows)>(t, columns);
}

template <class T, bool along_k>
inline void run_tile(const Tile<T>& t, std::int64_t rows) {
    if (t.copy) return tile<T, tile_rows, tile_vectors, along_k, true>(t);
    if (tile_vectors > 2 && t.columns > width<T> && t.columns <= 2 * width<T>) tiles<T, 2, along_k>.of[rows](t);
    else if (t.columns <= width<T>) tiles<T, 1, along_k>.of[rows](t);
    else tiles<T, tile_vectors, along_k>.of[rows](t);
}

/// Packs one panel of b, stored across k: `columns` columns, `depth` deep. Nothing is read from `limit` on.
template <class T>
void pack_rows(const T* from, std::int64_t ld, std::int64_t depth, std::int64_t columns, const T* limit, T* to) {
    constexpr std::int64_t nr = tile_columns<T>;
    for (std::int64_t l = 0; l < depth; ++l, from += ld, to += nr) {
        if (from + nr <= limit) [[likely]] {  // excess elements belong to the next row and are never used
#pragma GCC unroll 16
            for (int v = 0; v < tile_vectors; ++v) store(to + v * width<T>, load(from + v * width<T>));
        } else {
            for (std::int64_t j = 0; j < nr; ++j) to[j] = j < columns ? from[j] : T(0);
        }
    }
}

/// Stores the lanes of x, from `lane` on, q rows apart.
template <class T, int lane = 0>
inline void store_lanes(const Batch<T>& x, T* to, std::int64_t step) {
    if constexpr (lane < width<T> / quad<T>) {
        lane_of<lane>(x).store_aligned(to + lane * step);
        store_lanes<T, lane + 1>(x, to, step);
    }
}

/// Packs one panel of b, stored along k. A vector of each row is read at a time, so that each cache line is read once.
template <class T>
void pack_columns(const T* from, std::int64_t ld, std::int64_t depth, std::int64_t columns, T* to) {
    constexpr int q = quad<T>;
    constexpr std::int64_t nr = tile_columns<T>, w = width<T>;
    std::int64_t l = 0;
    for (; l + w <= depth; l += w) {
        for (std::int64_t j = 0; j < columns; j += q) {
            Batch<T> x[q];
#pragma GCC unroll 4
            for (int s = 0; s < q; ++s) {
                const T* const row = from + smaller(j + s, columns - 1) * ld + l;
                x[s] = load(row);
                __builtin_prefetch(row + 4 * w);
            }
            transpose(x);
#pragma GCC unroll 4
            for (int s = 0; s < q; ++s) store_lanes<T>(x[s], to + (l + s) * nr + j, q * nr);
        }
    }
    for (std::int64_t j = 0; j < columns; ++j)
        for (std::int64_t i = l; i < depth; ++i) to[i * nr + j] = from[j * ld + i];
}

}  // namespace

}  // namespace xgrad::kernels::XGRAD_ISA
