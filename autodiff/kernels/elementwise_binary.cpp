#include "elementwise.hpp"
#include "autodiff/simd/vec.hpp"
#include "kernels.hpp"

namespace xgrad::kernels::XGRAD_ISA {
namespace {

template <class Rule, class T>
void value(const void* rule, std::int64_t n, const void* const* in, const std::uint8_t* step, void* const* out) {
    const Rule r = *static_cast<const Rule*>(rule);
    pass<T, 2>(n, in, step, out, [&](const Vec<T>* x) { return r.value(x[0], x[1]); });
}
template <class Rule, class T>
void pull_a(const void* rule, std::int64_t n, const void* const* in, const std::uint8_t* step, void* const* out) {
    const Rule r = *static_cast<const Rule*>(rule);
    pass<T, 4>(n, in, step, out, [&](const Vec<T>* x) { return r.pull_a(x[0], x[1], x[2], x[3]); });
}
template <class Rule, class T>
void pull_b(const void* rule, std::int64_t n, const void* const* in, const std::uint8_t* step, void* const* out) {
    const Rule r = *static_cast<const Rule*>(rule);
    pass<T, 4>(n, in, step, out, [&](const Vec<T>* x) { return r.pull_b(x[0], x[1], x[2], x[3]); });
}
template <class Rule, class T>
void pull_both(const void* rule, std::int64_t n, const void* const* in, const std::uint8_t* step, void* const* out) {
    const Rule r = *static_cast<const Rule*>(rule);
    pass<T, 4>(
        n, in, step, out, [&](const Vec<T>* x) { return r.pull_a(x[0], x[1], x[2], x[3]); },
        [&](const Vec<T>* x) { return r.pull_b(x[0], x[1], x[2], x[3]); });
}

template <class Rule, class T>
void fill(ElementwiseKernels::Two& k, int type) {
    k.value[type] = value<Rule, T>;
    if constexpr (rules::differentiable<Rule>) {
        k.pull_a[type] = pull_a<Rule, T>;
        k.pull_b[type] = pull_b<Rule, T>;
        k.pull_both[type] = pull_both<Rule, T>;
    }
}

template <class... Rule>
void fill_all(ElementwiseKernels& kernels, rules::List<Rule...>) {
    (fill<Rule, float>(kernels.binary[rules::Binary::index_of<Rule>()], 0), ...);
    (fill<Rule, double>(kernels.binary[rules::Binary::index_of<Rule>()], 1), ...);
}

template <class U>
void select(const void*, std::int64_t n, const void* const* in, const std::uint8_t* step, void* const* out) {
    const auto* c = static_cast<const std::uint8_t*>(in[0]);
    const auto* a = static_cast<const U*>(in[1]);
    const auto* b = static_cast<const U*>(in[2]);
    auto* y = static_cast<U*>(out[0]);
    if (step[0] && step[1] && step[2]) {
        for (std::int64_t i = 0; i < n; ++i) y[i] = c[i] ? a[i] : b[i];
        return;
    }
    for (std::int64_t i = 0; i < n; ++i) y[i] = c[i * step[0]] ? a[i * step[1]] : b[i * step[2]];
}

}  // namespace

void fill_elementwise_binary(Kernels& all) {
    ElementwiseKernels& kernels = all.elementwise;
    fill_all(kernels, rules::Binary{});
    kernels.where[0] = select<std::uint8_t>;
    kernels.where[1] = select<std::uint32_t>;
    kernels.where[2] = select<std::uint64_t>;
}

}  // namespace xgrad::kernels::XGRAD_ISA
