#include "choose.hpp"

#include "isa.hpp"

namespace xgrad::kernels::XGRAD_ISA {
namespace {

using Int = std::int64_t;

template <class I>
bool compact(const I* from, std::int32_t* to, Int count, Int low, Int size) {
    const I first = static_cast<I>(low), last = static_cast<I>(size - 1), wrap = static_cast<I>(size);
    bool good = true;
    Int i = 0;
#if defined(__AVX2__) || defined(__aarch64__)
    constexpr int lanes = 32 / sizeof(I);  // wider vectors GCC takes apart again
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

}  // namespace

void fill_choose(ChooseKernels& table) {
    table = {{gather<float>, add<float>}, {gather<double>, add<double>}, compact<std::int32_t>, compact<std::int64_t>};
}

}  // namespace xgrad::kernels::XGRAD_ISA
