#include "update.hpp"

#include "isa.hpp"

namespace xgrad::kernels::XGRAD_ISA {

// The arithmetic is written once for a batch; the last, partial batch goes through padded copies.

template <class T>
static void sgd(const T* weight, const T* gradient, const T* velocity, T* new_weight, T* new_velocity, std::int64_t n,
                const SgdPlan& plan) {
    using B = Batch<T>;
    const B sign(T(plan.sign)), lr(T(plan.lr)), momentum(T(plan.momentum)), undamped(T(plan.undamped)), decay(T(plan.weight_decay));
    const bool decays = plan.weight_decay != 0, has_velocity = plan.has_velocity, nesterov = plan.nesterov, first = plan.first;
    auto step = [&](std::int64_t i, auto read, auto write) __attribute__((always_inline)) {
        B w = read(weight + i);
        B g = read(gradient + i) * sign;
        if (decays) g = xsimd::fma(decay, w, g);
        if (has_velocity) {
            const B v = first ? g : xsimd::fma(momentum, read(velocity + i), undamped * g);
            write(new_velocity + i, v);
            g = nesterov ? xsimd::fma(momentum, v, g) : v;
        }
        write(new_weight + i, xsimd::fnma(lr, g, w));
    };
    std::int64_t i = 0;
    for (; i + width<T> <= n; i += width<T>) step(i, [](const T* p) { return load(p); }, [](T* p, const B& b) { store(p, b); });
    if (const auto left = n - i; left > 0)
        step(i, [left](const T* p) { return load_some(p, left); }, [left](T* p, const B& b) { store_some(p, b, left); });
}

template <class T, bool amsgrad>
static void adam_loop(const T* weight, const T* gradient, const T* mean, const T* square, const T* max_square, T* new_weight, T* new_mean,
                      T* new_square, T* new_max_square, std::int64_t n, const AdamPlan& plan) {
    using B = Batch<T>;
    const B sign(T(plan.sign)), decay(T(plan.weight_decay)), keep(T(plan.keep)), rest1(T(1 - plan.beta1)), beta2(T(plan.beta2)),
        rest2(T(1 - plan.beta2));
    const B size(T(plan.step)), scale(T(plan.scale)), eps(T(plan.eps));
    auto step = [&](std::int64_t i, auto read, auto write) __attribute__((always_inline)) {
        B w = read(weight + i);
        const B g = xsimd::fma(decay, w, read(gradient + i) * sign);
        B m = read(mean + i);
        m = xsimd::fma(rest1, g - m, m);
        const B v = xsimd::fma(rest2 * g, g, beta2 * read(square + i));
        write(new_mean + i, m);
        write(new_square + i, v);
        B largest = v;
        if constexpr (amsgrad) {
            largest = xsimd::max(read(max_square + i), v);
            write(new_max_square + i, largest);
        }
        const B denominator = xsimd::fma(xsimd::sqrt(largest), scale, eps);
        write(new_weight + i, xsimd::fnma(size, m / denominator, keep * w));
    };
    std::int64_t i = 0;
    for (; i + width<T> <= n; i += width<T>) step(i, [](const T* p) { return load(p); }, [](T* p, const B& b) { store(p, b); });
    if (const auto left = n - i; left > 0)
        step(i, [left](const T* p) { return load_some(p, left); }, [left](T* p, const B& b) { store_some(p, b, left); });
}

template <class T>
static void adam(const T* weight, const T* gradient, const T* mean, const T* square, const T* max_square, T* new_weight, T* new_mean,
                 T* new_square, T* new_max_square, std::int64_t n, const AdamPlan& plan) {
    if (max_square)
        adam_loop<T, true>(weight, gradient, mean, square, max_square, new_weight, new_mean, new_square, new_max_square, n, plan);
    else adam_loop<T, false>(weight, gradient, mean, square, nullptr, new_weight, new_mean, new_square, nullptr, n, plan);
}

void fill_update(UpdateKernels& table) {
    table.f32 = {sgd<float>, adam<float>};
    table.f64 = {sgd<double>, adam<double>};
}

}  // namespace xgrad::kernels::XGRAD_ISA
