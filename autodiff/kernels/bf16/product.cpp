#include "product.hpp"

#include <immintrin.h>

#include <cstring>

// Matrix products in bf16. Both operands are converted while they are packed into tiles of 1 KB, in the layout that AMX
// reads: 16 rows of a by 32 steps of k; 16 pairs of steps by 16 columns of b, with each column's pair side by side.
// Padding is zero. A block of packed b and one of a stay in the second-level cache. Without AMX the same tiles are read
// by AVX-512's products of pairs.

namespace xgrad::kernels {
namespace {

using Int = std::int64_t;
using Half = std::uint16_t;  // a bf16

constexpr Int side = 16, tile_depth = 32, tile_size = side * tile_depth;
constexpr Int depth_limit = 512, rows_limit = 256, columns_limit = 1024;  // of a block

constexpr Int smaller(Int a, Int b) { return a < b ? a : b; }
constexpr Int pieces(Int n, Int size) { return (n + size - 1) / size; }
/// The size of equal pieces of n, none above `limit`; a multiple of `step`.
constexpr Int piece(Int n, Int limit, Int step) {
    return n == 0 ? step : pieces(pieces(n, pieces(n, limit)), step) * step;
}

inline __mmask16 first(Int count) {
    return static_cast<__mmask16>(count >= 16 ? 0xffff : count <= 0 ? 0 : (1U << count) - 1);
}
inline __m512 load_some(const float* from, Int count) {
    return count >= 16 ? _mm512_loadu_ps(from) : _mm512_maskz_loadu_ps(first(count), from);
}
/// Converts 32 numbers, those of `low` first.
inline __m512i convert(__m512 low, __m512 high) { return reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high, low)); }

/// Transposes sixteen rows of sixteen pairs.
inline void transpose(__m512i (&x)[16]) {
    __m512i y[16];
#pragma GCC unroll 16
    for (int i = 0; i < 16; i += 2) {
        y[i] = _mm512_unpacklo_epi32(x[i], x[i + 1]);
        y[i + 1] = _mm512_unpackhi_epi32(x[i], x[i + 1]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < 16; i += 4) {
        x[i] = _mm512_unpacklo_epi64(y[i], y[i + 2]);
        x[i + 1] = _mm512_unpackhi_epi64(y[i], y[i + 2]);
        x[i + 2] = _mm512_unpacklo_epi64(y[i + 1], y[i + 3]);
        x[i + 3] = _mm512_unpackhi_epi64(y[i + 1], y[i + 3]);
    }
    // x[4q + c], lane l: rows 4q … 4q+3 of column 4l + c.
#pragma GCC unroll 16
    for (int c = 0; c < 4; ++c) {
        y[c] = _mm512_shuffle_i32x4(x[c], x[4 + c], 0x88);  // lanes 0 and 2 of the rows' first and second quarter
        y[4 + c] = _mm512_shuffle_i32x4(x[c], x[4 + c], 0xdd);  // lanes 1 and 3
        y[8 + c] = _mm512_shuffle_i32x4(x[8 + c], x[12 + c], 0x88);
        y[12 + c] = _mm512_shuffle_i32x4(x[8 + c], x[12 + c], 0xdd);
    }
#pragma GCC unroll 16
    for (int c = 0; c < 4; ++c) {
        x[c] = _mm512_shuffle_i32x4(y[c], y[8 + c], 0x88);
        x[8 + c] = _mm512_shuffle_i32x4(y[c], y[8 + c], 0xdd);
        x[4 + c] = _mm512_shuffle_i32x4(y[4 + c], y[12 + c], 0x88);
        x[12 + c] = _mm512_shuffle_i32x4(y[4 + c], y[12 + c], 0xdd);
    }
}

/// The rows of an operand in memory.
struct Rows {
    const float* begin;
    Int ld;
    const Int* offset;
    const float* operator[](Int i) const { return begin + (offset ? offset[i] : i * ld); }
    /// The rows from the i-th on, each from its j-th element on.
    Rows from(Int i, Int j) const {
        return offset ? Rows{begin + j, ld, offset + i} : Rows{begin + i * ld + j, ld, nullptr};
    }
};

/// Packs a tile whose 16 rows are stored along k. For b it is transposed: the same numbers as pairs by columns.
template <bool transposes>
void pack_along(const Rows& from, Int rows, Int depth, Half* to) {
    const float* start[16];
#pragma GCC unroll 16
    for (int i = 0; i < side; ++i) start[i] = from[i < rows ? i : 0];
    for (Int l = 0; l < depth; l += tile_depth, to += tile_size) {
        const Int left = depth - l;
        __m512i x[16];
#pragma GCC unroll 16
        for (int i = 0; i < side; ++i) {
            const float* const row = start[i] + l;
            if (i >= rows) x[i] = _mm512_setzero_si512();
            else if (left >= tile_depth) x[i] = convert(_mm512_loadu_ps(row), _mm512_loadu_ps(row + 16));
            else x[i] = convert(load_some(row, left), left > 16 ? load_some(row + 16, left - 16) : _mm512_setzero_ps());
        }
        if constexpr (transposes) transpose(x);
#pragma GCC unroll 16
        for (int i = 0; i < side; ++i) _mm512_store_si512(to + i * tile_depth, x[i]);
    }
}

/// Packs the tiles of `columns` columns stored across k, `step` apart. For a's rows they are transposed.
template <bool transposes>
void pack_across(const Rows& from, Int columns, Int depth, Half* to, Int step) {
    alignas(64) static constexpr Half zip[32] = {0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                                                 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
    const __m512i order = _mm512_load_si512(zip);
    const auto pair = [&](Int l, Int j) __attribute__((always_inline)) {
        if (l >= depth) return _mm512_setzero_si512();
        const Int left = columns - j;
        const __m512 low = load_some(from[l] + j, left),
                     high = l + 1 < depth ? load_some(from[l + 1] + j, left) : _mm512_setzero_ps();
        return _mm512_permutexvar_epi16(order, convert(low, high));
    };
    if constexpr (transposes) {
        for (Int j = 0; j < columns; j += side, to += step) {
            for (Int l = 0; l < depth; l += tile_depth) {
                __m512i x[16];
#pragma GCC unroll 16
                for (int i = 0; i < 16; ++i) x[i] = pair(l + 2 * i, j);
                transpose(x);
#pragma GCC unroll 16
                for (int i = 0; i < 16; ++i) _mm512_store_si512(to + l * side + i * tile_depth, x[i]);
            }
        }
    } else {
        constexpr Int together = 4 * side;  // a few cache lines of each row at a time
        const Int padded = pieces(depth, tile_depth) * tile_depth;
        for (Int begin = 0; begin < columns; begin += together)
            for (Int l = 0; l < padded; l += 2)
                for (Int j = begin; j < smaller(columns, begin + together); j += side)
                    _mm512_store_si512(to + j / side * step + l * side, pair(l, j));
    }
}

/// Where a tile of the result goes. Its sums start from the values that it is added to: c, the bias or both.
struct Place {
    float* c;
    Int ldc, rows, columns;
    bool accumulate;
    const float* bias;

    bool whole() const { return rows == side && columns == side; }
    bool one_beginning() const { return whole() && !(accumulate && bias); }
    /// The initial values of a row's sums.
    __m512 beginning(Int row) const {
        const __mmask16 mask = row < rows ? first(columns) : first(0);
        const __m512 there = accumulate ? _mm512_maskz_loadu_ps(mask, c + row * ldc) : _mm512_setzero_ps();
        return bias ? _mm512_add_ps(there, _mm512_maskz_loadu_ps(mask, bias)) : there;
    }
    void write(Int row, __m512 x) const { _mm512_mask_storeu_ps(c + row * ldc, first(columns), x); }
};

struct Amx {
    Amx() {
        struct alignas(64) Configuration {
            std::uint8_t palette = 1, start = 0, reserved[14] = {};
            std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
            std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
        };
        static constexpr Configuration configuration;
        _tile_loadconfig(&configuration);
    }
    ~Amx() { _tile_release(); }
    Amx(const Amx&) = delete;
    Amx& operator=(const Amx&) = delete;

#define XGRAD_BEGIN(tile, place)                                                                           \
    if (!(place).accumulate && !(place).bias) {                                                            \
        _tile_zero(tile);                                                                                  \
    } else if (!(place).one_beginning()) {                                                                 \
        for (Int row = 0; row < side; ++row) _mm512_store_ps(buffer + row * side, (place).beginning(row)); \
        _tile_loadd(tile, buffer, 64);                                                                     \
    } else if ((place).accumulate) {                                                                       \
        _tile_loadd(tile, (place).c, static_cast<long>((place).ldc) * 4);                                  \
    } else {                                                                                               \
        _tile_loadd(tile, (place).bias, 0);                                                                \
    }
#define XGRAD_END(tile, place)                                                                                \
    if ((place).whole()) {                                                                                    \
        _tile_stored(tile, (place).c, static_cast<long>((place).ldc) * 4);                                    \
    } else {                                                                                                  \
        _tile_stored(tile, buffer, 64);                                                                       \
        for (Int row = 0; row < (place).rows; ++row) (place).write(row, _mm512_load_ps(buffer + row * side)); \
    }
    /// Computes up to two by two tiles; those of a and b are `panel` apart.
    template <int rows, int columns>
    static void run(const Half* a, const Half* b, Int panel, Int tiles, const Place (&place)[2][2]) {
        alignas(64) float buffer[side * side];
        XGRAD_BEGIN(0, place[0][0])
        if constexpr (columns > 1) {
            XGRAD_BEGIN(1, place[0][1])
        }
        if constexpr (rows > 1) {
            XGRAD_BEGIN(2, place[1][0])
        }
        if constexpr (rows > 1 && columns > 1) {
            XGRAD_BEGIN(3, place[1][1])
        }
        for (Int l = 0; l < tiles; ++l, a += tile_size, b += tile_size) {
            _tile_loadd(6, b, 64);
            _tile_loadd(4, a, 64);
            _tile_dpbf16ps(0, 4, 6);
            if constexpr (columns > 1) {
                _tile_loadd(7, b + panel, 64);
                _tile_dpbf16ps(1, 4, 7);
            }
            if constexpr (rows > 1) {
                _tile_loadd(5, a + panel, 64);
                _tile_dpbf16ps(2, 5, 6);
            }
            if constexpr (rows > 1 && columns > 1) _tile_dpbf16ps(3, 5, 7);
        }
        XGRAD_END(0, place[0][0])
        if constexpr (columns > 1) {
            XGRAD_END(1, place[0][1])
        }
        if constexpr (rows > 1) {
            XGRAD_END(2, place[1][0])
        }
        if constexpr (rows > 1 && columns > 1) {
            XGRAD_END(3, place[1][1])
        }
    }
#undef XGRAD_BEGIN
#undef XGRAD_END
};

struct Pairs {
    /// `height` rows of a tile of a by one or two tiles of b.
    template <int height, int columns>
    static void some(const Half* a, const Half* b, Int panel, Int tiles, const Place* place, Int top) {
        __m512 sum[height][columns];
#pragma GCC unroll 16
        for (int i = 0; i < height; ++i)
#pragma GCC unroll 2
            for (int c = 0; c < columns; ++c) sum[i][c] = place[c].beginning(top + i);
        const char* row = reinterpret_cast<const char*>(a + top * tile_depth);
        for (Int l = 0; l < tiles; ++l, row += tile_size * 2, b += tile_size)
            for (Int pair = 0; pair < side; ++pair) {
                __m512bh y[columns];
#pragma GCC unroll 2
                for (int c = 0; c < columns; ++c)
                    y[c] = reinterpret_cast<__m512bh>(_mm512_load_si512(b + c * panel + pair * tile_depth));
#pragma GCC unroll 16
                for (int i = 0; i < height; ++i) {
                    std::int32_t both;
                    std::memcpy(&both, row + i * 64 + pair * 4, 4);
                    const __m512bh x = reinterpret_cast<__m512bh>(_mm512_set1_epi32(both));
#pragma GCC unroll 2
                    for (int c = 0; c < columns; ++c) sum[i][c] = _mm512_dpbf16_ps(sum[i][c], x, y[c]);
                }
            }
#pragma GCC unroll 16
        for (int i = 0; i < height; ++i)
#pragma GCC unroll 2
            for (int c = 0; c < columns; ++c)
                if (top + i < place[c].rows) place[c].write(top + i, sum[i][c]);
    }
    template <int rows, int columns>
    static void run(const Half* a, const Half* b, Int panel, Int tiles, const Place (&place)[2][2]) {
        for (int r = 0; r < rows; ++r)
            for (Int top = 0; top < place[r][0].rows; top += 8)
                some<8, columns>(a + r * panel, b, panel, tiles, place[r], top);
    }
};

template <class Tiles>
void product(const Bf16Problem& p, void* scratch) {
    if (p.m == 0 || p.n == 0) return;
    const Rows a_rows{p.a, p.lda, p.offset_a}, b_rows{p.b, p.ldb, p.offset_b};
    Half* const packed_a = static_cast<Half*>(scratch);
    Half* const packed_b = packed_a + rows_limit * depth_limit;
    const Int deep = piece(p.k, depth_limit, tile_depth), high = piece(p.m, rows_limit, 2 * side),
              wide = piece(p.n, columns_limit, 2 * side);
    [[maybe_unused]] const Tiles ready;
    Int l = 0;
    do {
        const Int depth = smaller(deep, p.k - l), tiles = pieces(depth, tile_depth), panel = tiles * tile_size;
        const bool accumulate = p.accumulate || l > 0;
        const float* const bias = l > 0 ? nullptr : p.bias;
        for (Int left = 0; left < p.n; left += wide) {
            const Int columns = smaller(wide, p.n - left);
            if (p.transpose_b)
                for (Int j = 0; j < columns; j += side)
                    pack_along<true>(b_rows.from(left + j, l), columns - j, depth, packed_b + j / side * panel);
            else pack_across<false>(b_rows.from(l, left), columns, depth, packed_b, panel);
            for (Int top = 0; top < p.m; top += high) {
                const Int rows = smaller(high, p.m - top);
                if (p.transpose_a) pack_across<true>(a_rows.from(l, top), rows, depth, packed_a, panel);
                else
                    for (Int i = 0; i < rows; i += side)
                        pack_along<false>(a_rows.from(top + i, l), rows - i, depth, packed_a + i / side * panel);
                for (Int j = 0; j < columns; j += 2 * side)
                    for (Int i = 0; i < rows; i += 2 * side) {
                        Place place[2][2];
                        for (Int r = 0; r < 2; ++r)
                            for (Int c = 0; c < 2; ++c)
                                place[r][c] = {p.c + (top + i + r * side) * p.ldc + left + j + c * side,
                                               p.ldc,
                                               smaller(side, rows - i - r * side),
                                               smaller(side, columns - j - c * side),
                                               accumulate,
                                               bias ? bias + left + j + c * side : nullptr};
                        const Half *const a = packed_a + i / side * panel, *const b = packed_b + j / side * panel;
                        const bool two_rows = rows - i > side, two_columns = columns - j > side;
                        if (two_rows && two_columns) Tiles::template run<2, 2>(a, b, panel, tiles, place);
                        else if (two_rows) Tiles::template run<2, 1>(a, b, panel, tiles, place);
                        else if (two_columns) Tiles::template run<1, 2>(a, b, panel, tiles, place);
                        else Tiles::template run<1, 1>(a, b, panel, tiles, place);
                    }
            }
        }
        l += deep;
    } while (l < p.k);
}

}  // namespace

const std::int64_t bf16_scratch_bytes = (rows_limit + columns_limit) * depth_limit * 2;
void product_amx(const Bf16Problem& problem, void* scratch) { product<Amx>(problem, scratch); }
void product_avx512(const Bf16Problem& problem, void* scratch) { product<Pairs>(problem, scratch); }

}  // namespace xgrad::kernels
