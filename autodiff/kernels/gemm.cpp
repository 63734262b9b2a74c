#include "gemm.hpp"

#include "gemm_tile.hpp"

// Matrix products after Goto: a block of b is packed into panels as wide as the tile of c that the registers hold, and stays in the
// second-level cache while all of a passes by it, a few rows at a time, copied to lie together. Where both operands are stored along
// k, the smaller one becomes b, and c is written transposed.

namespace xgrad::kernels::XGRAD_ISA {
namespace {

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

    const Depths<T> depths(k);
    const std::int64_t blocks = depths.count, full_depth = depths.depth;
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
            if (a_along_k) run_tile<T, true>(t, count);
            else run_tile<T, false>(t, count);
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

void fill_packed(GemmKernels& kernels);  // gemm_packed.cpp
void fill_thin(GemmKernels& kernels);  // gemm_thin.cpp

void fill_gemm(GemmKernels& kernels) {
    kernels.f32 = gemm<float>;
    kernels.f64 = gemm<double>;
    fill_packed(kernels);
    fill_thin(kernels);
    kernels.scratch_bytes = rows_bytes + block_bytes;
#if defined(__AVX512F__)
    kernels.largest = kernels.largest_transposed = std::int64_t{1} << 26;
#elif defined(__AVX2__)
    kernels.largest = std::int64_t{1} << 24;
    kernels.largest_transposed = std::int64_t{1} << 26;
#else
    kernels.largest = kernels.largest_transposed = std::int64_t{1} << 15;  // OpenBLAS may know a wider instruction set
#endif
}

}  // namespace xgrad::kernels::XGRAD_ISA
