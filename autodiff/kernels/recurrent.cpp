#include "recurrent.hpp"

#include "autodiff/simd/vec.hpp"
#include "kernels.hpp"

namespace xgrad::kernels::XGRAD_ISA {
namespace {

using Int = std::int64_t;

/// Calls f(offset, read, write) for n elements, a vector at a time; the last, partial one goes through padded copies.
template <class T, class F>
inline __attribute__((always_inline)) void each(Int n, const F& f) {
    Int j = 0;
    for (; j + width<T> <= n; j += width<T>)
        f(
            j, [](const T* p) __attribute__((always_inline)) { return Vec<T>(load(p)); },
            [](T* p, const Vec<T>& v) __attribute__((always_inline)) { store(p, v.v); });
    if (const Int left = n - j; left > 0)
        f(
            j, [left](const T* p) { return Vec<T>(load_some(p, left)); },
            [left](T* p, const Vec<T>& v) { store_some(p, v.v, left); });
}

template <class T>
void rnn(T* h, T* slope, Int rows, Int n, bool relu) {
    if (relu)
        each<T>(rows * n, [=](Int j, auto read, auto write) {
            const Vec<T> x = read(h + j);
            write(h + j, where(x <= 0.0, 0.0, x));  // NaN stays
        });
    else
        each<T>(rows * n, [=](Int j, auto read, auto write) {
            const Sloped<T> y = tangent(read(h + j));
            write(h + j, y.value);
            write(slope + j, y.slope);
        });
}

template <class T>
void rnn_back(const T* h, const T* slope, const T* g, const T* carried, T* d, Int rows, Int n, bool relu) {
    if (relu)
        each<T>(rows * n, [=](Int j, auto read, auto write) {
            write(d + j, where(read(h + j) <= 0.0, 0.0, read(g + j) + read(carried + j)));
        });
    else
        each<T>(rows * n, [=](Int j, auto read, auto write) {
            write(d + j, (read(g + j) + read(carried + j)) * read(slope + j));
        });
}

template <class T>
void lstm(const T* gates, const T* c_before, T* c, T* h, Int rows, Int n) {
    for (Int r = 0; r < rows; ++r, gates += 4 * n, c_before += n, c += n, h += n)
        each<T>(n, [=](Int j, auto read, auto write) {
            const Vec<T> i = sigmoid(read(gates + j)), f = sigmoid(read(gates + n + j)),
                         u = tanh(read(gates + 2 * n + j)), o = sigmoid(read(gates + 3 * n + j));
            const Vec<T> cell = f * read(c_before + j) + i * u;
            write(c + j, cell);
            write(h + j, o * tanh(cell));
        });
}

template <class T>
void lstm_back(const T* gates, const T* c_before, const T* c, const T* g, const T* carried, T* dc, T* d, Int rows,
               Int n) {
    for (Int r = 0; r < rows; ++r, gates += 4 * n, c_before += n, c += n, g += n, carried += n, dc += n, d += 4 * n)
        each<T>(n, [=](Int j, auto read, auto write) {
            const Sloped<T> i = logistic(read(gates + j)), f = logistic(read(gates + n + j)),
                            u = tangent(read(gates + 2 * n + j)), o = logistic(read(gates + 3 * n + j)),
                            t = tangent(read(c + j));
            const Vec<T> dh = read(g + j) + read(carried + j), cell = read(dc + j) + dh * o.value * t.slope;
            write(d + j, cell * u.value * i.slope);
            write(d + n + j, cell * read(c_before + j) * f.slope);
            write(d + 2 * n + j, cell * i.value * u.slope);
            write(d + 3 * n + j, dh * t.value * o.slope);
            write(dc + j, cell * f.value);
        });
}

template <class T>
void gru(const T* of_x, const T* of_h, const T* h_before, T* h, T* saved, Int rows, Int n) {
    for (Int row = 0; row < rows; ++row, of_x += 3 * n, of_h += 3 * n, h_before += n, h += n, saved += 4 * n)
        each<T>(n, [=](Int j, auto read, auto write) {
            const Vec<T> r = read(of_x + j) + read(of_h + j), z = read(of_x + n + j) + read(of_h + n + j),
                         past = read(of_h + 2 * n + j);
            const Vec<T> u = read(of_x + 2 * n + j) + sigmoid(r) * past, y = tanh(u);
            write(saved + j, r);
            write(saved + n + j, z);
            write(saved + 2 * n + j, u);
            write(saved + 3 * n + j, past);
            write(h + j, y + sigmoid(z) * (read(h_before + j) - y));
        });
}

template <class T>
void gru_back(const T* saved, const T* h_before, const T* g, const T* carried, T* dx, T* dh, T* past, Int rows, Int n) {
    for (Int row = 0; row < rows;
         ++row, saved += 4 * n, h_before += n, g += n, carried += n, dx += 3 * n, dh += 3 * n, past += n)
        each<T>(n, [=](Int j, auto read, auto write) {
            const Vec<T> minus_z = -read(saved + n + j);  // its sigmoid is 1 - z
            const Sloped<T> r = logistic(read(saved + j)), rest = logistic(minus_z),
                            u = tangent(read(saved + 2 * n + j));
            const Vec<T> d = read(g + j) + read(carried + j);
            const Vec<T> dz = d * (read(h_before + j) - u.value) * rest.slope, du = d * rest.value * u.slope;
            const Vec<T> dr = du * read(saved + 3 * n + j) * r.slope;
            write(dx + j, dr);
            write(dx + n + j, dz);
            write(dx + 2 * n + j, du);
            write(dh + j, dr);
            write(dh + n + j, dz);
            write(dh + 2 * n + j, du * r.value);
            write(past + j, d * sigmoid(-minus_z));
        });
}

template <class T>
void fill(RecurrentTable<T>& table) {
    table = {rnn<T>, rnn_back<T>, lstm<T>, lstm_back<T>, gru<T>, gru_back<T>};
}

}  // namespace

void fill_recurrent(Kernels& all) {
    RecurrentKernels& table = all.recurrent;
    fill(table.f32);
    fill(table.f64);
}

}  // namespace xgrad::kernels::XGRAD_ISA
