#include <autodiff/autodiff.hpp>
#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

using namespace xgrad;

// Long chains of element-wise operations are pulled back a block at a time (fused_chain.cpp). The same chain on short
// pieces of the input is pulled back entry by entry: both must give the same bits.

namespace {

using Chain = std::function<Tensor(const Tensor& x, const Tensor& w)>;

/// d sum(f) / dx and d sum(f) / dw for the whole, or for pieces of `piece` elements put together again.
std::vector<Tensor> gradients(const Chain& f, const Tensor& x, const Tensor& w, std::int64_t piece) {
    std::vector<Tensor> dx, dw;
    for (std::int64_t from = 0; from < x.size(); from += piece) {
        Tape tape;
        const Tensor a = tape.watch(slice(x, 0, from, from + piece)), b = tape.watch(slice(w, 0, from, from + piece));
        const auto g = tape.gradient(sum(f(a, b)), {a, b}, {.unconnected = Unconnected::zeros});
        dx.push_back(g[0]);
        dw.push_back(g[1]);
    }
    return {concat(dx), concat(dw)};
}

template <class T>
bool same_bits(const Tensor& a, const Tensor& b) {
    const auto p = a.data<T>(), q = b.data<T>();
    return std::equal(p.begin(), p.end(), q.begin(), q.end());
}

}  // namespace

TEST_SUITE("blocks") {
    TEST_CASE("a chain of large element-wise operations has the gradient of its pieces, to the bit") {
        const std::vector<std::pair<const char*, Chain>> chains = {
            {"one input, used often", [](auto& x, auto&) { return tanh(x * x + 0.5 * x) * exp(-x * x); }},
            {"two inputs", [](auto& x, auto& w) { return sigmoid(x * w + w) / (2.0 + square(x)); }},
            // The compiler chooses which operand of + is recorded first; both orders are wanted.
            {"a result used inside and, later, outside the chain",
             [](auto& x, auto& w) {
                 const Tensor h = tanh(x * w), inside = h * exp(h), outside = where(h > 0.0, h, 0.0) * x;
                 return inside + outside;
             }},
            {"a result used outside and, later, inside the chain",
             [](auto& x, auto& w) {
                 const Tensor h = tanh(x * w), outside = where(h > 0.0, h, 0.0) * x, inside = h * exp(h);
                 return inside + outside;
             }},
            {"the same part twice into one entry",
             [](auto& x, auto& w) {
                 const Tensor h = sin(x) - w;
                 return h * h + h + h;
             }},
            {"sums and differences only", [](auto& x, auto& w) { return (x + w) - (w - x) + x; }},
            {"one input with no gradient", [](auto& x, auto& w) { return exp(stop_gradient(w) * x) * relu(x); }},
            {"longer than one stretch",
             [](auto& x, auto& w) {
                 Tensor y = x;
                 for (int i = 0; i < 40; ++i) y = tanh(y * w + x);
                 return y;
             }},
            {"a tie", [](auto& x, auto& w) { return maximum(maximum(x, w), x) * hypot(x, w); }},
        };
        for (const DType dtype : {DType::f32, DType::f64})
            for (const auto& chain : chains) {
                const Chain& f = chain.second;
                const std::string where = std::string(chain.first) + " in " + name_of(dtype);
                CAPTURE(where);
                Generator generator(3);
                const Tensor x = randn({50001}, generator, dtype), w = randn({50001}, generator, dtype);
                const auto whole = gradients(f, x, w, 50001), pieces = gradients(f, x, w, 9973);
                for (int i = 0; i < 2; ++i)
                    CHECK((dtype == DType::f32 ? same_bits<float>(whole[i], pieces[i])
                                               : same_bits<double>(whole[i], pieces[i])));
            }
    }
    TEST_CASE("intermediate results may be sources, and cotangents may come from above a chain") {
        Generator generator(4);
        const Tensor x0 = randn({20, 1000}, generator, DType::f64), b0 = randn({1000}, generator, DType::f64);
        const auto run = [&](const Tensor& rows) {
            Tape tape;
            const Tensor x = tape.watch(rows), b = tape.watch(b0);
            const Tensor h = tanh(x * 2.0), z = exp(h * h);
            const Tensor y = sum(z + b, 1) + sum(sin(h) * z, 1);  // bias, rows, and h fed from two chains
            return tape.gradient(sum(square(y)), {x, h, b});
        };
        const auto whole = run(x0), upper = run(slice(x0, 0, 0, 10)), lower = run(slice(x0, 0, 10, 20));
        CHECK(same_bits<double>(whole[0], concat({upper[0], lower[0]})));
        CHECK(same_bits<double>(whole[1], concat({upper[1], lower[1]})));
        CHECK(max(abs(whole[2] - (upper[2] + lower[2]))).item() < 1e-10 * max(abs(whole[2])).item());
    }
    TEST_CASE("the gradient of a gradient goes entry by entry and agrees") {
        Generator generator(5);
        const Tensor x = randn({20000}, generator, DType::f64), v = randn({20000}, generator, DType::f64);
        const auto f = [](const Tensor& t) { return sum(tanh(t * t) * exp(-t)); };
        const Tensor whole = hvp(f, x, v), piece = hvp(f, slice(x, 0, 0, 5000), slice(v, 0, 0, 5000));
        CHECK(same_bits<double>(slice(whole, 0, 0, 5000), piece));
    }
}
