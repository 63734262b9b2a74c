#include "convolve.hpp"

#include "autodiff/simd/isa.hpp"
#include "kernels.hpp"

// The inner loops of convolutions: tiles of the result in registers, as in gemm.cpp, with one operand read in place.

namespace xgrad::kernels::XGRAD_ISA {
namespace {

using Int = std::int64_t;

#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int tile_rows = 8;
#else
constexpr int tile_rows = 4;
#endif
constexpr int tile_vectors = 3;
/// With few rows each row uses more vectors, so that enough sums run in parallel.
constexpr int vectors_of(int rows) { return rows == 1 ? 8 : rows == 2 ? 4 : tile_vectors; }

constexpr Int depth_limit = 384;   // of k at a time: the data that a tile reads stay in the first-level cache
constexpr Int length_limit = 1024;  // of n: the same for gather

constexpr Int smaller(Int a, Int b) { return a < b ? a : b; }

template <class T>
struct SpreadTile {
    const T* a;
    Int lda;
    const T* b;
    const Int* offset;
    const T* bias;
    T* c;
    Int ldc, depth;
    bool accumulate;

    static constexpr Int unit = width<T>;  // columns of one vector
    void advance(Int columns) {
        b += columns;
        c += columns;
    }
    template <int rows, int vectors>
    void run(Int columns) const {
        spread_tile<T, rows, vectors>(*this, columns);
    }
};

template <class T, int rows, int vectors>
void spread_tile(const SpreadTile<T>& t, Int columns) {
    constexpr Int w = width<T>;
    Batch<T> sum[rows][vectors];
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i)
#pragma GCC unroll 16
        for (int v = 0; v < vectors; ++v) sum[i][v] = Batch<T>(t.bias ? t.bias[i] : T(0));
    const T* a[rows];
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i) a[i] = t.a + i * t.lda;
    const Int depth = t.depth;
    for (Int l = 0; l < depth; ++l) {
        const T* const b = t.b + t.offset[l];
        if constexpr (rows > 2) {
            Batch<T> y[vectors];
#pragma GCC unroll 16
            for (int v = 0; v < vectors; ++v) y[v] = load(b + v * w);
#pragma GCC unroll 16
            for (int i = 0; i < rows; ++i) {
                const Batch<T> x(a[i][l]);
#pragma GCC unroll 16
                for (int v = 0; v < vectors; ++v) sum[i][v] = xsimd::fma(x, y[v], sum[i][v]);
            }
        } else {
            Batch<T> x[rows];
#pragma GCC unroll 16
            for (int i = 0; i < rows; ++i) x[i] = Batch<T>(a[i][l]);
#pragma GCC unroll 16
            for (int v = 0; v < vectors; ++v) {
                const Batch<T> y = load(b + v * w);
#pragma GCC unroll 16
                for (int i = 0; i < rows; ++i) sum[i][v] = xsimd::fma(x[i], y, sum[i][v]);
            }
        }
    }
    const bool whole = columns >= vectors * w;
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i) {
        T* const out = t.c + i * t.ldc;
        if (whole) {
#pragma GCC unroll 16
            for (int v = 0; v < vectors; ++v)
                store(out + v * w, t.accumulate ? Batch<T>(sum[i][v] + load(out + v * w)) : sum[i][v]);
        } else {
            alignas(64) T buffer[vectors * w];
#pragma GCC unroll 16
            for (int v = 0; v < vectors; ++v) sum[i][v].store_aligned(buffer + v * w);
            for (Int j = 0; j < columns; ++j) out[j] = t.accumulate ? out[j] + buffer[j] : buffer[j];
        }
    }
}

/// Computes columns from the tile's first one on, as many as a tile of `vectors` takes. Returns their number.
template <int rows, class Tile, int vectors = vectors_of(rows)>
Int some_columns(const Tile& t, Int left) {
    if constexpr (vectors > 1)
        if (left <= (vectors - 1) * Tile::unit) return some_columns<rows, Tile, vectors - 1>(t, left);
    const Int columns = smaller(left, vectors * Tile::unit);
    t.template run<rows, vectors>(columns);
    return columns;
}

/// Computes all columns of `rows` rows.
template <int rows, class Tile>
void all_columns(Tile t, Int columns) {
    for (Int j = 0; j < columns;) {
        const Int done = some_columns<rows>(t, columns - j);
        j += done;
        t.advance(done);
    }
}
/// Computes the remaining rows, fewer than a full tile.
template <class Tile, int rows = tile_rows - 1>
void last_rows(const Tile& t, Int left, Int columns) {
    if constexpr (rows > 0) {
        if (left == rows) all_columns<rows>(t, columns);
        else last_rows<Tile, rows - 1>(t, left, columns);
    }
}

template <class T>
void spread(const T* a, Int lda, const T* b, const Int* offset, const T* bias, T* c, Int ldc, Int m, Int n, Int k) {
    // This many rows of a stay in the second-level cache while all of b is streamed past; the part of b that a strip
    // reads stays in the first-level cache while these rows are streamed past it.
    constexpr Int strip = tile_vectors * width<T>, block_rows = 128;
    const Int few = m < 3 ? n : strip;
    for (Int l = 0; l < k || l == 0; l += depth_limit)
        for (Int top = 0; top < m; top += block_rows) {
            const Int rows = smaller(block_rows, m - top);
            for (Int j = 0; j < n; j += few) {
                const Int some = smaller(few, n - j);
                SpreadTile<T> t{a + top * lda + l,
                                lda,
                                b + j,
                                offset + l,
                                l > 0 || !bias ? nullptr : bias + top,
                                c + top * ldc + j,
                                ldc,
                                smaller(depth_limit, k - l),
                                l > 0};
                Int i = 0;
                for (; i + tile_rows <= rows; i += tile_rows, t.a += tile_rows * lda, t.c += tile_rows * ldc) {
                    all_columns<tile_rows>(t, some);
                    if (t.bias) t.bias += tile_rows;
                }
                last_rows(t, rows - i, some);
            }
        }
}

template <class T>
struct GatherTile {
    const T* a;
    Int lda, image_a;
    const T* b;
    const Int* offset;
    Int image_b;
    T* c;
    Int ldc, length, images;

    static constexpr Int unit = 1;
    void advance(Int columns) {
        offset += columns;
        c += columns;
    }
    template <int rows, int columns>
    void run(Int) const {
        gather_tile<T, rows, columns>(*this);
    }
};

template <class T, int rows, int columns>
void gather_tile(const GatherTile<T>& t) {
    constexpr Int w = width<T>;
    Batch<T> sum[rows][columns];
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i)
#pragma GCC unroll 16
        for (int j = 0; j < columns; ++j) sum[i][j] = Batch<T>(T(0));
    const T *a[rows], *b[columns];
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i) a[i] = t.a + i * t.lda;
#pragma GCC unroll 16
    for (int j = 0; j < columns; ++j) b[j] = t.b + t.offset[j];
    for (Int image = 0; image < t.images; ++image) {
        for (Int l = 0; l < t.length; l += w) {
            if constexpr (rows >= columns) {
                Batch<T> y[columns];
#pragma GCC unroll 16
                for (int j = 0; j < columns; ++j) y[j] = load(b[j] + l);
#pragma GCC unroll 16
                for (int i = 0; i < rows; ++i) {
                    const Batch<T> x = load(a[i] + l);
#pragma GCC unroll 16
                    for (int j = 0; j < columns; ++j) sum[i][j] = xsimd::fma(x, y[j], sum[i][j]);
                }
            } else {
                Batch<T> x[rows];
#pragma GCC unroll 16
                for (int i = 0; i < rows; ++i) x[i] = load(a[i] + l);
#pragma GCC unroll 16
                for (int j = 0; j < columns; ++j) {
                    const Batch<T> y = load(b[j] + l);
#pragma GCC unroll 16
                    for (int i = 0; i < rows; ++i) sum[i][j] = xsimd::fma(x[i], y, sum[i][j]);
                }
            }
        }
#pragma GCC unroll 16
        for (int i = 0; i < rows; ++i) a[i] += t.image_a;
#pragma GCC unroll 16
        for (int j = 0; j < columns; ++j) b[j] += t.image_b;
    }
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i)
#pragma GCC unroll 16
        for (int j = 0; j < columns; ++j) t.c[i * t.ldc + j] += xsimd::hadd(sum[i][j]);
}

template <class T>
void gather(const T* a, Int lda, Int image_a, const T* b, const Int* offset, Int image_b, T* c, Int ldc, Int m, Int n,
            Int k, Int images) {
    if (n == 0) return;
    const Int together = n < length_limit ? length_limit / n : 1;
    for (Int image = 0; image < images; image += together)
        for (Int l = 0; l < n; l += length_limit) {
            GatherTile<T> t{a + image * image_a + l,
                            lda,
                            image_a,
                            b + image * image_b + l,
                            offset,
                            image_b,
                            c,
                            ldc,
                            smaller(length_limit, n - l),
                            smaller(together, images - image)};
            Int i = 0;
            for (; i + tile_rows <= m; i += tile_rows, t.a += tile_rows * lda, t.c += tile_rows * ldc)
                all_columns<tile_rows>(t, k);
            last_rows(t, m - i, k);
        }
}

}  // namespace

void fill_convolve(Kernels& all) {
    ConvolveKernels& kernels = all.convolve;
    kernels.f32 = {spread<float>, gather<float>};
    kernels.f64 = {spread<double>, gather<double>};
}

}  // namespace xgrad::kernels::XGRAD_ISA
