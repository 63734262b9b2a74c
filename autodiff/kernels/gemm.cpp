#include "gemm.hpp"

#include <cstring>

#include "gemm_tile.hpp"
#include "kernels.hpp"

// Matrix products after Goto: a block of b is packed into panels as wide as the tile of c that the registers hold, and
// stays in the second-level cache while all of a is streamed past it, a few rows at a time. A panel that is stored
// across k is packed by the first tile that needs it, which has its vectors in registers anyway. If there are few rows,
// b is read in place. If both operands are stored along k, the smaller one becomes b and c is written transposed; the
// same is done if both are stored across k and c has too few columns for a vector.

namespace xgrad::kernels::XGRAD_ISA {
namespace {

/// Packs up to tile_rows rows of a that are stored across k: all rows for one step of k, then for the next. `to` has
/// room for one extra vector.
template <class T>
void pack_tile_rows(const T* from, std::int64_t ld, std::int64_t depth, std::int64_t rows, const T* limit, T* to) {
    constexpr std::int64_t w = width<T>, vectors = pieces(tile_rows, w);
    for (std::int64_t l = 0; l < depth; ++l, from += ld, to += rows) {
        if (from + vectors * w <= limit) [[likely]] {
#pragma GCC unroll 16
            for (std::int64_t v = 0; v < vectors; ++v) store(to + v * w, load(from + v * w));
        } else {
            for (std::int64_t i = 0; i < rows; ++i) to[i] = from[i];
        }
    }
}

/// Copies up to tile_rows rows of a that are stored along k, one after the other.
template <class T>
void copy_tile_rows(const T* from, std::int64_t ld, std::int64_t depth, std::int64_t rows, T* to) {
    for (std::int64_t i = 0; i < rows; ++i, from += ld, to += depth) {
        std::int64_t l = 0;
        for (; l + width<T> <= depth; l += width<T>) store(to + l, load(from + l));
        for (; l < depth; ++l) to[l] = from[l];
    }
}

/// The product as it is computed: if that is better, c's transpose as the product of the transposed operands in reverse
/// order.
template <class T>
struct Sides {
    const GemmProblem<T>& p;
    bool swapped;
    std::int64_t m, n, k;
    const T *a, *b;
    std::int64_t lda, ldb;
    bool a_along_k, b_along_k;

    explicit Sides(const GemmProblem<T>& problem)
        : p(problem),
          swapped(p.transpose_b ? p.transpose_a || (p.n > p.m && p.m <= 128)
                                : p.transpose_a && 2 * p.n <= p.m && p.n <= width<T>),
          m(swapped ? p.n : p.m),
          n(swapped ? p.m : p.n),
          k(p.k),
          a(swapped ? p.b : p.a),
          b(swapped ? p.a : p.b),
          lda(swapped ? p.ldb : p.lda),
          ldb(swapped ? p.lda : p.ldb),
          a_along_k(swapped ? p.transpose_b : !p.transpose_a),
          b_along_k(swapped ? !p.transpose_a : p.transpose_b) {}

    const T* a_at(std::int64_t i, std::int64_t l) const { return a_along_k ? a + i * lda + l : a + l * lda + i; }
    const T* b_at(std::int64_t l, std::int64_t j) const { return b_along_k ? b + j * ldb + l : b + l * ldb + j; }
    /// The end of an operand that is stored across k.
    const T* end_of_a() const { return k ? a + (k - 1) * lda + m : a; }
    const T* end_of_b() const { return k ? b + (k - 1) * ldb + n : b; }

    void place(Tile<T>& t, std::int64_t i, std::int64_t j, const T* bias) const {
        t.c = swapped ? p.c + j * p.ldc + i : p.c + i * p.ldc + j;
        t.bias = bias ? bias + (swapped ? i : j) : nullptr;
    }
    void run(Tile<T>& t, std::int64_t i, std::int64_t j, std::int64_t count, const T* bias) const {
        place(t, i, j, bias);
        if (a_along_k) run_tile<T, true>(t, count);
        else run_tile<T, false>(t, count);
    }
};

/// All m rows, at most wide_rows, times `depth` rows of b from the l-th on, read in place.
template <class T>
void few_rows(const Sides<T>& s, Tile<T>& t, std::int64_t l, const T* bias, T* panel) {
    t.a = s.a_at(0, l);
    t.step_a = s.lda;
    for (std::int64_t j = 0; j < s.n; j += t.columns) {
        t.b = s.b_at(l, j);
        t.step_b = s.ldb;
        if (const std::int64_t left = s.n - j; left < width<T>) {
            pack_rows(t.b, s.ldb, t.depth, left, s.end_of_b(), panel);
            t.b = panel;
            t.step_b = tile_columns<T>;
            t.columns = left;
            s.run(t, 0, j, s.m, bias);
        } else {
            s.place(t, 0, j, bias);
            t.columns = s.a_along_k ? run_wide<T, true>(t, s.m, left) : run_wide<T, false>(t, s.m, left);
        }
    }
}

template <class T>
void gemm(const GemmProblem<T>& p, void* scratch) {
    constexpr std::int64_t mr = tile_rows, nr = tile_columns<T>, size = sizeof(T);
    const Sides<T> s(p);
    if (s.m == 0 || s.n == 0) return;
    T* const rows = static_cast<T*>(scratch);
    T* const panels = reinterpret_cast<T*>(static_cast<char*>(scratch) + rows_bytes);

    const Depths<T> depths(s.k);
    const bool direct = !s.b_along_k && s.m < 2 * mr;  // b is used too rarely for a copy to pay off
    // Rows of a that are a multiple of 1024 bytes apart share a few sets of the first-level cache. If a is stored
    // across k, a tile's part of each row is less than a cache line, on a separate page, and is read once for every
    // panel of b: pack it if there are more than a few panels.
    const bool pack_a = s.a_along_k ? s.n > 2 * nr && s.lda * size % 1024 == 0
                                    : s.n > 4 * nr || (s.n > 2 * nr && s.lda * size % 4096 == 0 && mr * size <= 32);
    const std::int64_t block_columns =
        direct ? s.n : smaller(s.n, block_bytes / size / (depths.depth > 16 ? depths.depth : 16) / nr * nr);
    const std::int64_t full_columns = piece(s.n, pieces(s.n, block_columns), nr);
    /// The number of rows of the next tile when `left` rows remain: the last two tiles share the rows that do not fit
    /// in one.
    const auto rows_of = [](std::int64_t left) { return left >= 2 * mr ? mr : left > mr ? (left + 1) / 2 : left; };

    Tile<T> t;
    t.ldc = p.ldc;
    t.transposed = s.swapped;
    for (std::int64_t l = 0, block = 0; block < depths.count; ++block, l += depths.depth) {
        const std::int64_t depth = smaller(depths.depth, s.k - l);
        t.depth = depth;
        t.accumulate = p.accumulate || block > 0;
        const T* const bias = block > 0 ? nullptr : p.bias;
        if (!s.b_along_k && s.m <= wide_rows) {
            few_rows(s, t, l, bias, panels);
            continue;
        }
        for (std::int64_t first = 0; first < s.n; first += full_columns) {
            const std::int64_t last = smaller(s.n, first + full_columns);
            for (std::int64_t top = 0; top < s.m; top += block_rows) {
                const std::int64_t bottom = smaller(s.m, top + block_rows);
                if (pack_a) {
                    for (std::int64_t i = top, count; i < bottom; i += count) {
                        T* const to = rows + (i - top) * depth;
                        count = rows_of(bottom - i);
                        if (s.a_along_k) copy_tile_rows(s.a_at(i, l), s.lda, depth, count, to);
                        else pack_tile_rows(s.a_at(i, l), s.lda, depth, count, s.end_of_a(), to);
                    }
                }
                for (std::int64_t j = first; j < last; j += nr) {
                    T* const panel = direct ? panels : panels + (j - first) * depth;
                    t.columns = smaller(nr, s.n - j);
                    t.b = panel;
                    t.step_b = nr;
                    t.copy = nullptr;
                    if (top == 0) {
                        if (s.b_along_k) {
                            pack_columns(s.b_at(l, j), s.ldb, depth, t.columns, panel);
                        } else if (t.columns < nr) {
                            pack_rows(s.b_at(l, j), s.ldb, depth, t.columns, s.end_of_b(), panel);
                        } else {
                            t.b = s.b_at(l, j);
                            t.step_b = s.ldb;
                            if (!direct) t.copy = panel;
                        }
                    }
                    for (std::int64_t i = top, count; i < bottom; i += count) {
                        count = rows_of(bottom - i);
                        t.a = pack_a ? rows + (i - top) * depth : s.a_at(i, l);
                        t.step_a = !pack_a ? s.lda : s.a_along_k ? depth : count;
                        s.run(t, i, j, count, bias);
                        if (t.copy) {
                            t.copy = nullptr;
                            t.b = panel;
                            t.step_b = nr;
                        }
                    }
                }
            }
        }
    }
}

// --- an operand that was packed beforehand -------------------------------------------------------------------------

template <class T>
void pack(const T* b, std::int64_t ldb, bool transposed, std::int64_t n, std::int64_t k, T* packed) {
    constexpr std::int64_t nr = tile_columns<T>;
    const Depths<T> blocks(k);
    for (std::int64_t l = 0; l < k; l += blocks.depth) {
        const std::int64_t depth = smaller(blocks.depth, k - l);
        for (std::int64_t j = 0; j < n; j += nr, packed += nr * depth) {
            if (transposed) pack_columns(b + j * ldb + l, ldb, depth, smaller(nr, n - j), packed);
            else pack_rows(b + l * ldb + j, ldb, depth, smaller(nr, n - j), b + (k - 1) * ldb + n, packed);
        }
    }
}

template <class T>
void run_packed(const PackedProblem<T>& p) {
    constexpr std::int64_t mr = tile_rows, nr = tile_columns<T>;
    const std::int64_t padded = pieces(p.n, nr) * nr;
    const Depths<T> blocks(p.k);
    Tile<T> t;
    t.step_a = p.k;
    t.step_b = nr;
    t.ldc = p.n;
    t.transposed = false;
    for (std::int64_t l = 0, block = 0; block < blocks.count; ++block, l += blocks.depth) {
        t.depth = smaller(blocks.depth, p.k - l);
        t.accumulate = p.accumulate || block > 0;
        for (std::int64_t j = p.begin; j < p.end; j += nr) {
            t.columns = smaller(nr, p.n - j);
            t.b = p.packed + l * padded + j * t.depth;
            t.bias = p.bias && block == 0 ? p.bias + j : nullptr;
            for (std::int64_t i = 0; i < p.m; i += mr) {
                if (p.offset) t.offset = p.offset + i;
                t.a = p.offset ? p.a + l : p.a + i * p.k + l;
                t.c = p.c + i * p.n + j;
                run_tile<T, true>(t, smaller(mr, p.m - i));
            }
        }
    }
}

void round_to_bf16(const float* from, float* to, std::int64_t count) {
    const auto round = [](std::uint32_t x) {
        const std::uint32_t nearest = x + 0x7fff + (x >> 16 & 1), quiet = x | 0x400000;
        return ((x & 0x7fffffff) > 0x7f800000 ? quiet : nearest) & 0xffff0000;
    };
    constexpr std::int64_t together = 16;  // so that the compiler vectorises the loops
    std::int64_t i = 0;
    for (; i + together <= count; i += together) {
        std::uint32_t x[together];
        std::memcpy(x, from + i, sizeof x);
        for (std::uint32_t& element : x) element = round(element);
        std::memcpy(to + i, x, sizeof x);
    }
    for (; i < count; ++i) {
        std::uint32_t x;
        std::memcpy(&x, from + i, sizeof x);
        x = round(x);
        std::memcpy(to + i, &x, sizeof x);
    }
}

}  // namespace

void fill_gemm(Kernels& all) {
    GemmKernels& kernels = all.gemm;
    kernels.f32 = gemm<float>;
    kernels.f64 = gemm<double>;
    kernels.packed_f32 = {pack<float>, run_packed<float>, tile_columns<float>};
    kernels.packed_f64 = {pack<double>, run_packed<double>, tile_columns<double>};
    kernels.round_to_bf16 = round_to_bf16;
    kernels.scratch_bytes = rows_bytes + block_bytes;
#if defined(__AVX512F__)
    kernels.largest = std::int64_t{1} << 27;
    kernels.largest_transposed = std::int64_t{1} << 28;
#elif defined(__AVX2__)
    kernels.largest = std::int64_t{1} << 24;
    kernels.largest_transposed = std::int64_t{1} << 26;
#else
    kernels.largest = kernels.largest_transposed = std::int64_t{1} << 15;  // OpenBLAS may use a wider instruction set
#endif
}

}  // namespace xgrad::kernels::XGRAD_ISA
