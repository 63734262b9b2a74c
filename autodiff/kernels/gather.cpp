#include "gather.hpp"

#include "autodiff/simd/isa.hpp"
#include "kernels.hpp"

namespace xgrad::kernels::XGRAD_ISA {
namespace {

using Int = std::int64_t;

template <class I>
bool compact(const I* from, std::int32_t* to, Int count, Int low, Int size) {
    const I first = static_cast<I>(low), last = static_cast<I>(size - 1), wrap = static_cast<I>(size);
    bool good = true;
    Int i = 0;
#if defined(__AVX2__) || defined(__aarch64__)
    constexpr int lanes = 32 / sizeof(I);  // GCC splits wider vectors
    typedef I Indices __attribute__((vector_size(32)));
    typedef std::int32_t Narrow __attribute__((vector_size(lanes * sizeof(std::int32_t))));
    Indices bad = {};
    for (; i + lanes <= count; i += lanes) {
        Indices x;
        __builtin_memcpy(&x, from + i, sizeof x);
        bad |= (x < first) | (x > last);
        x += (x < 0) & wrap;
        const Narrow y = __builtin_convertvector(x, Narrow);
        __builtin_memcpy(to + i, &y, sizeof y);
    }
    for (int k = 0; k < lanes; ++k) good &= bad[k] == 0;
#endif
    for (; i < count; ++i) {
        const I x = from[i];
        good &= (x >= first) & (x <= last);
        to[i] = static_cast<std::int32_t>(x + (x < 0 ? wrap : I(0)));
    }
    return good;
}

template <class T>
void gather(const T* from, const std::int32_t* index, T* to, Int count) {
    Int i = 0;
    for (; i + 4 <= count; i += 4) {
        const T a = from[index[i]], b = from[index[i + 1]], c = from[index[i + 2]], d = from[index[i + 3]];
        to[i] = a, to[i + 1] = b, to[i + 2] = c, to[i + 3] = d;
    }
    for (; i < count; ++i) to[i] = from[index[i]];
}

template <class T, bool same>
void add_loop(const T* from, const std::int32_t* index, T* to, Int count) {
    const T constant = same ? *from : T(0);
    Int i = 0;
    for (; i + 4 <= count; i += 4) {
        to[index[i]] += same ? constant : from[i];
        to[index[i + 1]] += same ? constant : from[i + 1];
        to[index[i + 2]] += same ? constant : from[i + 2];
        to[index[i + 3]] += same ? constant : from[i + 3];
    }
    for (; i < count; ++i) to[index[i]] += same ? constant : from[i];
}

template <class T>
void add(const T* from, const std::int32_t* index, T* to, Int count, bool same) {
    if (same) add_loop<T, true>(from, index, to, count);
    else add_loop<T, false>(from, index, to, count);
}

template <class T>
void largest_2x2(const T* rows, Int row, std::int32_t at, T* to, std::int32_t* place, Int count) {
    constexpr Int lanes = 32 / sizeof(T);
    typedef T V __attribute__((vector_size(32)));
    using I = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
    typedef I M __attribute__((vector_size(32)));
    typedef std::int32_t Narrow __attribute__((vector_size(lanes * sizeof(std::int32_t))));
    const auto pairs = [](const T* from, V& left, V& right) __attribute__((always_inline)) {
        V a, b;
        __builtin_memcpy(&a, from, sizeof a);
        __builtin_memcpy(&b, from + lanes, sizeof b);
        if constexpr (lanes == 8) {
            left = __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14);
            right = __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15);
        } else {
            left = __builtin_shufflevector(a, b, 0, 2, 4, 6);
            right = __builtin_shufflevector(a, b, 1, 3, 5, 7);
        }
    };
    M twice;
    for (int k = 0; k < lanes; ++k) twice[k] = 2 * k;
    Int c = 0;
    for (; c + lanes <= count; c += lanes) {
        V a, b, d, e;
        pairs(rows + 2 * c, a, b);
        pairs(rows + row + 2 * c, d, e);
        const M right = (b > a) | (b != b), below = (e > d) | (e != e);  // -1 where true
        const V top = right ? b : a, bottom = below ? e : d;
        const M lower = (bottom > top) | (bottom != bottom);
        const V best = lower ? bottom : top;
        const M where = twice + static_cast<I>(at + 2 * c) + (lower ? static_cast<I>(row) - below : -right);
        const Narrow narrow = __builtin_convertvector(where, Narrow);
        __builtin_memcpy(to + c, &best, sizeof best);
        __builtin_memcpy(place + c, &narrow, sizeof narrow);
    }
    for (; c < count; ++c) {
        const T a = rows[2 * c], b = rows[2 * c + 1], d = rows[row + 2 * c], e = rows[row + 2 * c + 1];
        const bool right = (b > a) | (b != b), below = (e > d) | (e != e);
        const T top = right ? b : a, bottom = below ? e : d;
        const bool lower = (bottom > top) | (bottom != bottom);
        to[c] = lower ? bottom : top;
        place[c] = at + static_cast<std::int32_t>(2 * c + (lower ? row + below : right));
    }
}

}  // namespace

void fill_gather(Kernels& all) {
    GatherKernels& table = all.gather;
    table = {{gather<float>, add<float>, largest_2x2<float>},
             {gather<double>, add<double>, largest_2x2<double>},
             compact<std::int32_t>,
             compact<std::int64_t>};
}

}  // namespace xgrad::kernels::XGRAD_ISA
