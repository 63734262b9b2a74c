#pragma once

#include "gemm.hpp"
#include "isa.hpp"

// The tile of a matrix product that the registers hold, and the panels that it reads.

namespace xgrad::kernels::XGRAD_ISA {
namespace {

#if defined(__AVX512F__)
constexpr int tile_rows = 12, tile_vectors = 2;
#elif defined(__aarch64__)
constexpr int tile_rows = 6, tile_vectors = 4;
#elif defined(__AVX2__)
constexpr int tile_rows = 4, tile_vectors = 3;  // with as few loads for each product as 16 registers allow
#else
constexpr int tile_rows = 6, tile_vectors = 2;
#endif
template <class T>
constexpr std::int64_t tile_columns = tile_vectors * width<T>;

template <class T>
constexpr std::int64_t depth_limit = 1536 / static_cast<std::int64_t>(sizeof(T));  // of k in one block
constexpr std::int64_t block_bytes = std::int64_t{256} << 10;  // of packed b
constexpr std::int64_t block_rows = 96;                       // of copied a, a multiple of tile_rows
constexpr std::int64_t rows_bytes = block_rows * 1536 + 64;

constexpr std::int64_t smaller(std::int64_t a, std::int64_t b) { return a < b ? a : b; }
constexpr std::int64_t pieces(std::int64_t n, std::int64_t size) { return (n + size - 1) / size; }
/// The size of `count` equal pieces of n, a multiple of `step`.
constexpr std::int64_t piece(std::int64_t n, std::int64_t count, std::int64_t step) { return pieces(pieces(n, count), step) * step; }

/// How k is cut: `count` blocks of `depth`, of which the last one may have less.
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

template <class T>
inline void transpose(Quad<T> (&x)[quad<T>]) {
    if constexpr (quad<T> == 4) {
        const Quad<T> a = xsimd::zip_lo(x[0], x[2]), b = xsimd::zip_hi(x[0], x[2]), c = xsimd::zip_lo(x[1], x[3]),
                      d = xsimd::zip_hi(x[1], x[3]);
        x[0] = xsimd::zip_lo(a, c);
        x[1] = xsimd::zip_hi(a, c);
        x[2] = xsimd::zip_lo(b, d);
        x[3] = xsimd::zip_hi(b, d);
    } else {
        const Quad<T> a = x[0];
        x[0] = xsimd::zip_lo(a, x[1]);
        x[1] = xsimd::zip_hi(a, x[1]);
    }
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
};

/// along_k: a's rows are contiguous, else its columns are.
template <class T, int rows, int vectors, bool along_k>
void tile(const Tile<T>& t) {
    constexpr std::int64_t w = width<T>;
    const bool whole = t.columns == vectors * w;
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
    for (int i = 0; i < rows; ++i) a[i] = along_k ? t.a + i * t.step_a : t.a + i;
    const T* b = t.b;
    const std::int64_t depth = t.depth, step_a = along_k ? 1 : t.step_a, step_b = t.step_b;
    const T* column = t.a;
    auto step = [&](std::int64_t l) __attribute__((always_inline)) {
        Batch<T> y[vectors];
#pragma GCC unroll 16
        for (int v = 0; v < vectors; ++v) y[v] = load(b + v * w);
#pragma GCC unroll 16
        for (int i = 0; i < rows; ++i) {
            const Batch<T> x(along_k ? a[i][l] : column[i]);
#pragma GCC unroll 16
            for (int v = 0; v < vectors; ++v) sum[i][v] = xsimd::fma(x, y[v], sum[i][v]);
        }
        b += step_b;
        if (!along_k) column += step_a;
    };
    std::int64_t l = 0;
    if constexpr (rows * vectors <= 12) {  // a large tile has enough to do in one step
        for (; l + 4 <= depth; l += 4) {
            step(l);
            step(l + 1);
            step(l + 2);
            step(l + 3);
        }
    }
    for (; l < depth; ++l) step(l);

    if (whole && !t.transposed) {
#pragma GCC unroll 16
        for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 16
            for (int v = 0; v < vectors; ++v) {
                T* const out = t.c + i * t.ldc + v * w;
                Batch<T> x = sum[i][v];
                if (t.accumulate) x = x + load(out);
                if (t.bias) x = x + load(t.bias + v * w);
                store(out, x);
            }
        }
        return;
    }
    alignas(64) T buffer[rows][vectors * w];
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i)
#pragma GCC unroll 16
        for (int v = 0; v < vectors; ++v) sum[i][v].store_aligned(&buffer[i][v * w]);
    if (!t.transposed) {
        for (int i = 0; i < rows; ++i) {
            T* const out = t.c + i * t.ldc;
            for (std::int64_t j = 0; j < t.columns; ++j) {
                T x = buffer[i][j];
                if (t.accumulate) x += out[j];
                if (t.bias) x += t.bias[j];
                out[j] = x;
            }
        }
        return;
    }
    constexpr int q = quad<T>;
    int i = 0;
    for (; i + q <= rows; i += q) {
        Quad<T> bias(T(0));
        if (t.bias) bias = Quad<T>::load_unaligned(t.bias + i);
        for (std::int64_t j = 0; j < t.columns; j += q) {
            Quad<T> x[q];
            for (int s = 0; s < q; ++s) x[s] = Quad<T>::load_aligned(&buffer[i + s][j]);
            transpose<T>(x);
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
            T x = buffer[s][j];
            if (t.accumulate) x += *out;
            if (t.bias) x += t.bias[s];
            *out = x;
        }
    }
}

template <class T>
using TileFunction = void (*)(const Tile<T>&);

/// The functions for 1 to tile_rows rows.
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

template <class T, bool along_k>
inline void run_tile(const Tile<T>& t, std::int64_t rows) {
    if (tile_vectors > 2 && t.columns > width<T> && t.columns <= 2 * width<T>) tiles<T, 2, along_k>.of[rows](t);
    else if (t.columns <= width<T>) tiles<T, 1, along_k>.of[rows](t);
    else tiles<T, tile_vectors, along_k>.of[rows](t);
}

/// One panel of b, stored along its columns: `columns` of them, `depth` deep. Nothing is read from `limit` on.
template <class T>
void pack_rows(const T* from, std::int64_t ld, std::int64_t depth, std::int64_t columns, const T* limit, T* to) {
    constexpr std::int64_t nr = tile_columns<T>;
    for (std::int64_t l = 0; l < depth; ++l, from += ld, to += nr) {
        if (from + nr <= limit) [[likely]] {  // what is too much belongs to the next row and is never looked at
#pragma GCC unroll 16
            for (int v = 0; v < tile_vectors; ++v) store(to + v * width<T>, load(from + v * width<T>));
        } else {
            for (std::int64_t j = 0; j < nr; ++j) to[j] = j < columns ? from[j] : T(0);
        }
    }
}

/// One panel of b, stored along k.
template <class T>
void pack_columns(const T* from, std::int64_t ld, std::int64_t depth, std::int64_t columns, T* to) {
    constexpr int q = quad<T>;
    constexpr std::int64_t nr = tile_columns<T>;
    for (std::int64_t j = 0; j < columns; j += q) {
        const T* row[q];
        for (int s = 0; s < q; ++s) row[s] = from + smaller(j + s, columns - 1) * ld;
        T* out = to + j;
        std::int64_t l = 0;
        for (; l + q <= depth; l += q) {
            Quad<T> x[q];
#pragma GCC unroll 4
            for (int s = 0; s < q; ++s) x[s] = Quad<T>::load_unaligned(row[s] + l);
            transpose<T>(x);
#pragma GCC unroll 4
            for (int s = 0; s < q; ++s, out += nr) x[s].store_aligned(out);
        }
        for (; l < depth; ++l, out += nr)
            for (int s = 0; s < q; ++s) out[s] = row[s][l];
    }
}

}  // namespace

}  // namespace xgrad::kernels::XGRAD_ISA
