#include "attention.hpp"

#include "exponential.hpp"
#include "autodiff/simd/isa.hpp"
#include "kernels.hpp"

namespace xgrad::kernels::XGRAD_ISA {
namespace {

using Int = std::int64_t;

template <class T>
inline Batch<T> read(const T* from, Int count) {
    return count == width<T> ? load(from) : load_some(from, count, *from);
}
template <class T>
inline void write(T* to, const Batch<T>& value, Int count) {
    if (count == width<T>) store(to, value);
    else store_some(to, value, count);
}
template <class T, class F>
inline void for_each(Int n, const F& f) {
    Int i = 0;
    for (; n - i >= width<T>; i += width<T>) f(i, width<T>);
    if (i < n) f(i, n - i);
}

template <class T>
inline T largest_of(const T* x, Int n) {
    Batch<T> m(*x);
    for_each<T>(n, [&](Int i, Int count) { m = xsimd::max(m, read(x + i, count)); });
    alignas(64) T lanes[Batch<T>::size];
    m.store_aligned(lanes);
    T best = lanes[0];
    for (Int i = 1; i < width<T>; ++i) best = lanes[i] > best ? lanes[i] : best;
    return best;
}

template <class T>
void soften(T* s, Int rows, Int columns, T* largest, T* sum, T* out, Int out_width) {
    for (Int r = 0; r < rows; ++r, s += columns, out += out_width) {
        const T before = largest[r], here = largest_of(s, columns), top = here > before ? here : before;
        if (top == -__builtin_inf()) {
            // No key has been visible so far; but a NaN, which no comparison detects, must stay NaN.
            T bad = 0;
            for (Int i = 0; i < columns; ++i) {
                const T value = s[i];
                s[i] = value == value ? T(0) : value;
                bad += s[i];
            }
            sum[r] += bad;
            continue;
        }
        if (before != top && before != -__builtin_inf()) {
            const T factor = static_cast<T>(__builtin_exp(static_cast<double>(before) - static_cast<double>(top)));
            const Batch<T> f(factor);
            sum[r] *= factor;
            for_each<T>(out_width, [&](Int i, Int count) { write(out + i, read(out + i, count) * f, count); });
        }
        largest[r] = top;
        const Batch<T> m(top);
        Batch<T> total(T(0));
        Int i = 0;
        for (; columns - i >= width<T>; i += width<T>) {
            const Batch<T> e = exp_down<T>(load(s + i) - m);
            store(s + i, e);
            total = total + e;
        }
        T last = 0;
        if (i < columns) {
            write(s + i, exp_down<T>(read(s + i, columns - i) - m), columns - i);
            for (; i < columns; ++i) last += s[i];
        }
        sum[r] += xsimd::hadd(total) + last;
    }
}

template <class T>
void harden(T* s, T* ds, Int rows, Int columns, const T* logsum, const T* delta, T scale, Int column, T* others,
            Int* peak) {
    const Batch<T> large(T(0.75)), none(T(0));
    for (Int r = 0; r < rows; ++r, s += columns, ds += columns) {
        if (logsum[r] == -__builtin_inf()) {
            for (Int i = 0; i < columns; ++i) s[i] = ds[i] = 0;
            continue;
        }
        const Batch<T> l(logsum[r]), d(delta[r]), f(scale);
        Batch<T> total = none;
        Int at = -1;
        const auto block = [&](Int i, Int count) {
            const Batch<T> p = exp_down<T>(read(s + i, count) - l);
            const auto peaks = p > large;
            const Batch<T> back = xsimd::select(peaks, none, p * (read(ds + i, count) - d) * f);
            write(s + i, p, count);
            write(ds + i, back, count);
            if (xsimd::any(peaks)) [[unlikely]]
                at = i;
            return back;
        };
        Int i = 0;
        for (; columns - i >= width<T>; i += width<T>) total = total + block(i, width<T>);
        T sum = xsimd::hadd(total);
        if (i < columns) {
            block(i, columns - i);
            for (; i < columns; ++i) sum += ds[i];
        }
        if (at >= 0) {
            while (!(s[at] > T(0.75))) ++at;
            peak[r] = column + at;
        }
        others[r] += sum;
    }
}

}  // namespace

void fill_attention(Kernels& all) {
    AttentionKernels& kernels = all.attention;
    kernels.f32 = {soften<float>, harden<float>};
    kernels.f64 = {soften<double>, harden<double>};
}

}  // namespace xgrad::kernels::XGRAD_ISA
