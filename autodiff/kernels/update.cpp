#include "update.hpp"

#include "autodiff/simd/vec.hpp"
#include "kernels.hpp"

namespace xgrad::kernels::XGRAD_ISA {

// The arithmetic is written once, for a vector; the last, partial vector goes through padded copies.

template <class T, unsigned set, class Rule>
__attribute__((flatten)) static void loop(const Rule rule, const UpdateBuffers& b, std::int64_t begin,
                                          std::int64_t end) {
    const T *weight = static_cast<const T*>(b.weight), *gradient = static_cast<const T*>(b.gradient);
    const T* const state[] = {static_cast<const T*>(b.state[0]), static_cast<const T*>(b.state[1]),
                              static_cast<const T*>(b.state[2])};
    T* const new_weight = static_cast<T*>(b.new_weight);
    T* const new_state[] = {static_cast<T*>(b.new_state[0]), static_cast<T*>(b.new_state[1]),
                            static_cast<T*>(b.new_state[2])};
    auto step = [&](std::int64_t i, auto read, auto write) __attribute__((always_inline)) {
        Vec<T> w = read(weight + i), s[3];
        // Not a loop, so that the states stay in registers.
        if constexpr (set & 1) s[0] = read(state[0] + i);
        if constexpr (set & 2) s[1] = read(state[1] + i);
        if constexpr (set & 4) s[2] = read(state[2] + i);
        rule.step(w, read(gradient + i), s);
        write(new_weight + i, w);
        if constexpr (set & 1) write(new_state[0] + i, s[0]);
        if constexpr (set & 2) write(new_state[1] + i, s[1]);
        if constexpr (set & 4) write(new_state[2] + i, s[2]);
    };
    std::int64_t i = begin;
    for (; i + width<T> <= end; i += width<T>)
        step(i, [](const T* p) -> Vec<T> { return load(p); }, [](T* p, const Vec<T>& x) { store(p, x.v); });
    if (const auto left = end - i; left > 0)
        step(
            i, [left](const T* p) -> Vec<T> { return load_some(p, left); },
            [left](T* p, const Vec<T>& x) { store_some(p, x.v, left); });
}

template <class T, class Rule, unsigned... set>
static void run(updates::StateSets<set...>, const Rule& rule, const UpdateBuffers& buffers, std::int64_t begin,
                std::int64_t end) {
    (void)((rule.states() == set && (loop<T, set>(rule, buffers, begin, end), true)) || ...);
}

template <class T, class Rule>
static void update(const void* rule, const UpdateBuffers& buffers, std::int64_t begin, std::int64_t end) {
    run<T>(typename Rule::Sets{}, *static_cast<const Rule*>(rule), buffers, begin, end);
}

template <class... Rule>
static void fill(UpdateKernels& table, rules::List<Rule...>) {
    ((table.f32[updates::All::index_of<Rule>()] = update<float, Rule>), ...);
    ((table.f64[updates::All::index_of<Rule>()] = update<double, Rule>), ...);
}

void fill_update(Kernels& all) {
    UpdateKernels& table = all.update;
    fill(table, updates::All{});
}

}  // namespace xgrad::kernels::XGRAD_ISA
