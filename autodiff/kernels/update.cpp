#include "update.hpp"

#include "vec.hpp"

namespace xgrad::kernels::XGRAD_ISA {

// The arithmetic is written once for a vector; the last, partial one goes through padded copies.

template <class T, unsigned set, class Rule>
static void loop(const Rule rule, const UpdateBuffers& b, std::int64_t begin, std::int64_t end) {
    const T *weight = static_cast<const T*>(b.weight), *gradient = static_cast<const T*>(b.gradient);
    const T* const state[] = {static_cast<const T*>(b.state[0]), static_cast<const T*>(b.state[1]), static_cast<const T*>(b.state[2])};
    T* const new_weight = static_cast<T*>(b.new_weight);
    T* const new_state[] = {static_cast<T*>(b.new_state[0]), static_cast<T*>(b.new_state[1]), static_cast<T*>(b.new_state[2])};
    auto step = [&](std::int64_t i, auto read, auto write) __attribute__((always_inline)) {
        Vec<T> w = read(weight + i), s[3];
        for (int k = 0; k < 3; ++k) s[k] = set >> k & 1 ? read(state[k] + i) : Vec<T>(0.0);
        rule.step(w, read(gradient + i), s);
        write(new_weight + i, w);
        for (int k = 0; k < 3; ++k)
            if (set >> k & 1) write(new_state[k] + i, s[k]);
    };
    std::int64_t i = begin;
    for (; i + width<T> <= end; i += width<T>)
        step(i, [](const T* p) -> Vec<T> { return load(p); }, [](T* p, const Vec<T>& x) { store(p, x.v); });
    if (const auto left = end - i; left > 0)
        step(i, [left](const T* p) -> Vec<T> { return load_some(p, left); }, [left](T* p, const Vec<T>& x) { store_some(p, x.v, left); });
}

template <class T, class Rule, unsigned... set>
static void run(updates::StateSets<set...>, const Rule& rule, const UpdateBuffers& buffers, std::int64_t begin, std::int64_t end) {
    (void)((rule.states() == set && (loop<T, set>(rule, buffers, begin, end), true)) || ...);
}

template <class T, class Rule>
static void update(const void* rule, const UpdateBuffers& buffers, std::int64_t begin, std::int64_t end) {
    run<T>(typename Rule::Sets{}, *static_cast<const Rule*>(rule), buffers, begin, end);
}

template <class... Rule>
static void fill(UpdateKernels& table) {
    static_assert(sizeof...(Rule) == updates::count);
    ((table.f32[Rule::id] = update<float, Rule>), ...);
    ((table.f64[Rule::id] = update<double, Rule>), ...);
}

void fill_update(UpdateKernels& table) {
    fill<updates::Sgd, updates::Adam, updates::Adamax, updates::Rmsprop, updates::Adagrad, updates::Adadelta, updates::Rprop, updates::Lion,
         updates::Average>(table);
}

}  // namespace xgrad::kernels::XGRAD_ISA
