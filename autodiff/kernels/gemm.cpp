#include "gemm.hpp"

#include "isa.hpp"

// Matrix products after Goto: a block of b is packed into panels as wide as the tile of c that the registers hold, and stays in the
// second-level cache while all of a passes by it, a few rows at a time, copied to lie together. Where both operands are stored along
// k, the smaller one becomes b, and c is written transposed.

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
    for (; l + 4 <= depth; l += 4) {
        step(l);
        step(l + 1);
        step(l + 2);
        step(l + 3);
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

/// tile_rows rows of a, stored across k, one after the other for each step of k. `to` has room for one vector more.
template <class T>
void pack_tile_rows(const T* from, std::int64_t ld, std::int64_t depth, std::int64_t rows, const T* limit, T* to) {
    constexpr std::int64_t w = width<T>, vectors = pieces(tile_rows, w);
    for (std::int64_t l = 0; l < depth; ++l, from += ld, to += tile_rows) {
        if (from + vectors * w <= limit) [[likely]] {
#pragma GCC unroll 16
            for (std::int64_t v = 0; v < vectors; ++v) store(to + v * w, load(from + v * w));
        } else {
            for (std::int64_t i = 0; i < rows; ++i) to[i] = from[i];
        }
    }
}

/// Up to tile_rows rows of a, stored along k, one behind the other.
template <class T>
void copy_tile_rows(const T* from, std::int64_t ld, std::int64_t depth, std::int64_t rows, T* to) {
    for (std::int64_t i = 0; i < rows; ++i, from += ld, to += depth) {
        std::int64_t l = 0;
        for (; l + width<T> <= depth; l += width<T>) store(to + l, load(from + l));
        for (; l < depth; ++l) to[l] = from[l];
    }
}

template <class T>
void gemm(const GemmProblem<T>& p, void* scratch) {
    constexpr std::int64_t mr = tile_rows, nr = tile_columns<T>;
    const bool swapped = p.transpose_b && (p.transpose_a || p.n > p.m);
    const std::int64_t m = swapped ? p.n : p.m, n = swapped ? p.m : p.n, k = p.k;
    const T *const a = swapped ? p.b : p.a, *const b = swapped ? p.a : p.b;
    const std::int64_t lda = swapped ? p.ldb : p.lda, ldb = swapped ? p.lda : p.ldb;
    const bool a_along_k = swapped ? p.transpose_b : !p.transpose_a, b_along_k = swapped ? !p.transpose_a : p.transpose_b;
    const T *const end_a = k ? a + (k - 1) * lda + m : a, *const end_b =
                                                              k ? b + (k - 1) * ldb + n : b;  // where they are not stored along k

    T* const rows = static_cast<T*>(scratch);
    T* const panels = reinterpret_cast<T*>(static_cast<char*>(scratch) + rows_bytes);

    const std::int64_t blocks = k > depth_limit<T> ? pieces(k, depth_limit<T>) : 1, full_depth = blocks == 1 ? k : piece(k, blocks, 4);
    const bool direct = !b_along_k && m <= 2 * mr;  // too few uses of b to pay for a copy
    const bool pack_a = n > 2 * nr;
    const std::int64_t block_columns =
        direct ? n : smaller(n, block_bytes / static_cast<std::int64_t>(sizeof(T)) / (full_depth > 16 ? full_depth : 16) / nr * nr);
    const std::int64_t column_blocks = block_columns ? pieces(n, block_columns) : 0,
                       full_columns = column_blocks ? piece(n, column_blocks, nr) : 1;

    Tile<T> t;
    t.ldc = p.ldc;
    t.transposed = swapped;
    for (std::int64_t l = 0, block = 0; block < blocks; ++block, l += full_depth) {
        const std::int64_t depth = smaller(full_depth, k - l);
        t.depth = depth;
        t.accumulate = p.accumulate || block > 0;
        const T* const bias = block > 0 ? nullptr : p.bias;
        const auto one = [&](std::int64_t i, std::int64_t j) __attribute__((always_inline)) {
            const std::int64_t count = smaller(mr, m - i);
            t.columns = smaller(nr, n - j);
            t.c = swapped ? p.c + j * p.ldc + i : p.c + i * p.ldc + j;
            t.bias = bias ? bias + (swapped ? i : j) : nullptr;
            if (tile_vectors > 2 && t.columns > width<T> && t.columns <= 2 * width<T>)
                (a_along_k ? tiles<T, 2, true>.of : tiles<T, 2, false>.of)[count](t);
            else if (t.columns <= width<T>) (a_along_k ? tiles<T, 1, true>.of : tiles<T, 1, false>.of)[count](t);
            else (a_along_k ? tiles<T, tile_vectors, true>.of : tiles<T, tile_vectors, false>.of)[count](t);
        };
        if (direct) {
            t.step_a = lda;
            for (std::int64_t j = 0; j < n; j += nr) {
                t.b = b + l * ldb + j;
                t.step_b = ldb;
                if (j + nr > n) {
                    pack_rows(t.b, ldb, depth, n - j, end_b, panels);
                    t.b = panels;
                    t.step_b = nr;
                }
                for (std::int64_t i = 0; i < m; i += mr) {
                    t.a = a_along_k ? a + i * lda + l : a + l * lda + i;
                    one(i, j);
                }
            }
            continue;
        }
        t.step_b = nr;
        for (std::int64_t first = 0; first < n; first += full_columns) {
            const std::int64_t last = smaller(n, first + full_columns);
            for (std::int64_t j = first; j < last; j += nr) {
                T* const to = panels + (j - first) * depth;
                if (b_along_k) pack_columns(b + j * ldb + l, ldb, depth, smaller(nr, n - j), to);
                else pack_rows(b + l * ldb + j, ldb, depth, smaller(nr, n - j), end_b, to);
            }
            for (std::int64_t top = 0; top < m; top += block_rows) {
                const std::int64_t bottom = smaller(m, top + block_rows);
                if (pack_a) {
                    for (std::int64_t i = top; i < bottom; i += mr) {
                        T* const to = rows + (i - top) * depth;
                        if (a_along_k) copy_tile_rows(a + i * lda + l, lda, depth, smaller(mr, m - i), to);
                        else pack_tile_rows(a + l * lda + i, lda, depth, smaller(mr, m - i), end_a, to);
                    }
                }
                t.step_a = pack_a ? (a_along_k ? depth : mr) : lda;
                for (std::int64_t j = first; j < last; j += nr) {
                    t.b = panels + (j - first) * depth;
                    for (std::int64_t i = top; i < bottom; i += mr) {
                        t.a = pack_a ? rows + (i - top) * depth : a_along_k ? a + i * lda + l : a + l * lda + i;
                        one(i, j);
                    }
                }
            }
        }
    }
}

}  // namespace

void fill_gemm(GemmKernels& kernels) {
    kernels.f32 = gemm<float>;
    kernels.f64 = gemm<double>;
    kernels.scratch_bytes = rows_bytes + block_bytes;
#if defined(__AVX2__)
    kernels.largest = std::int64_t{1} << 24;
    kernels.largest_transposed = std::int64_t{1} << 26;
#else
    kernels.largest = kernels.largest_transposed = std::int64_t{1} << 15;  // OpenBLAS may know a wider instruction set
#endif
}

}  // namespace xgrad::kernels::XGRAD_ISA
