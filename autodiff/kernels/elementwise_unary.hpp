#pragma once

#include "elementwise.hpp"
#include "autodiff/simd/vec_special.hpp"

// Shared by the sources with kernels of one input.

namespace xgrad::kernels::XGRAD_ISA {
template <class Rule, class T>
void value(const void* rule, std::int64_t n, const void* const* in, const std::uint8_t* step, void* const* out) {
    const Rule r = *static_cast<const Rule*>(rule);
    pass<T, 1>(n, in, step, out, [&](const Vec<T>* x) { return r.value(x[0]); });
}

template <class Rule, class T>
void pull(const void* rule, std::int64_t n, const void* const* in, const std::uint8_t* step, void* const* out) {
    const Rule r = *static_cast<const Rule*>(rule);
    pass<T, 3>(n, in, step, out, [&](const Vec<T>* x) { return r.pull(x[0], x[1], x[2]); });
}

template <class Rule>
void fill(ElementwiseKernels& kernels) {
    auto& k = kernels.unary[rules::Unary::index_of<Rule>()];
    k.value[0] = value<Rule, float>;
    k.value[1] = value<Rule, double>;
    if constexpr (rules::differentiable<Rule>) {
        k.pull[0] = pull<Rule, float>;
        k.pull[1] = pull<Rule, double>;
    }
}

template <class... Rule>
void fill_all(ElementwiseKernels& kernels, rules::List<Rule...>) {
    (fill<Rule>(kernels), ...);
}

}  // namespace xgrad::kernels::XGRAD_ISA
