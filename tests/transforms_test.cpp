#include <doctest/doctest.h>

#include <autodiff/autodiff.hpp>

#include "support.hpp"

using namespace xgrad;
using tests::close;

namespace {

Tensor cube(const Tensor& x) { return x * x * x; }

/// The sum of 100 (x[i+1] - x[i]²)² + (1 - x[i])² over i.
Tensor rosenbrock(const Tensor& x) {
    const Tensor head = slice(x, 0, 0, -1), tail = slice(x, 0, 1);
    return sum(100.0 * square(tail - square(head)) + square(1.0 - head));
}

Tensor plain_product(const Tensor& x, const Tensor& y) { return matmul(y, x); }
Tensor plain_energy(const Tensor& x, const Tensor& y) { return 0.5 * sum(x * matmul(y, x)); }
Tensor plain_list(const Tensors& xs) { return matmul(xs[1], xs[0]); }

Tensor w_of_two() { return tensor({1.0, 2.0}); }

double at(const Tensor& f) { return f.item<double>(); }

}  // namespace

TEST_SUITE("transforms") {
    TEST_CASE("grad of one argument") {
        CHECK(close(grad([](const Tensor& x) { return sum(cube(x)); }, tensor({1.0, 2.0})), tensor({3.0, 12.0})));
    }

    TEST_CASE("value_and_grad gives both") {
        const auto [y, dx] = value_and_grad([](const Tensor& x) { return sum(cube(x)); }, tensor({1.0, 2.0}));
        CHECK(at(y) == 9);
        CHECK(close(dx, tensor({3.0, 12.0})));
        CHECK_FALSE(tracked(y));
    }

    TEST_CASE("several arguments give a tuple") {
        const auto f = [](const Tensor& x, const Tensor& w, const Tensor& unused) {
            (void)unused;
            return sum(x * w * w);
        };
        const auto [y, gradients] = value_and_grad(f, tensor({1.0, 2.0}), tensor({3.0, 4.0}), tensor({{7.0f}}));
        const auto& [dx, dw, du] = gradients;
        CHECK(at(y) == 41);
        CHECK(close(dx, tensor({9.0, 16.0})));
        CHECK(close(dw, tensor({6.0, 16.0})));
        CHECK(close(du, tensor({{0.0}})));
        CHECK(du.dtype() == DType::f32);
        const auto [a, b] = grad([](const Tensor& u, const Tensor& v) { return u * v; }, scalar(2.0), scalar(5.0));
        CHECK(at(a) == 5);
        CHECK(at(b) == 2);
    }

    TEST_CASE("a vector of arguments gives a vector") {
        const auto f = [](const std::vector<Tensor>& x) { return sum(x[0] * x[1]) + sum(x[2]); };
        const auto [y, g] = value_and_grad(f, Tensors{tensor({1.0, 2.0}), tensor({3.0, 4.0}), tensor({5.0})});
        CHECK(at(y) == 16);
        CHECK(g.size() == 3);
        CHECK(close(g[0], tensor({3.0, 4.0})));
        CHECK(close(g[2], tensor({1.0})));
        CHECK(close(grad(f, Tensors{tensor({1.0, 2.0}), tensor({3.0, 4.0}), tensor({5.0})})[1], tensor({1.0, 2.0})));
    }

    TEST_CASE("the function may be generic") {
        CHECK(at(grad([](auto x) { return x * x; }, scalar(3.0))) == 6);
        CHECK(close(jvp([](auto x) { return x * x; }, tensor({3.0}), tensor({2.0})), tensor({12.0})));
        CHECK(close(hessian([](auto x) { return sum(x * x); }, tensor({3.0})), tensor({{2.0}})));
    }

    TEST_CASE("a constant function has gradient zero") {
        CHECK(close(grad([](const Tensor&) { return scalar(3.0); }, tensor({1.0, 2.0})), tensor({0.0, 0.0})));
        CHECK(close(jvp([](const Tensor&) { return tensor({3.0}); }, tensor({1.0, 2.0}), tensor({1.0, 1.0})),
                    tensor({0.0})));
        CHECK(close(jacobian([](const Tensor&) { return tensor({3.0}); }, tensor({1.0, 2.0})), tensor({{0.0, 0.0}})));
    }

    TEST_CASE("the gradient of a function of more than one element is an error") {
        CHECK_THROWS_AS(grad([](const Tensor& x) { return x * x; }, tensor({1.0, 2.0})), ShapeError);
    }

    TEST_CASE("grad nests to any order") {
        const auto f = [](const Tensor& x) { return sin(x); };
        const auto d1 = [&](const Tensor& x) { return grad(f, x); };
        const auto d2 = [&](const Tensor& x) { return grad(d1, x); };
        const auto d3 = [&](const Tensor& x) { return grad(d2, x); };
        const auto d4 = [&](const Tensor& x) { return grad(d3, x); };
        const Tensor x = scalar(0.7);
        CHECK(at(d1(x)) == doctest::Approx(std::cos(0.7)));
        CHECK(at(d2(x)) == doctest::Approx(-std::sin(0.7)));
        CHECK(at(d3(x)) == doctest::Approx(-std::cos(0.7)));
        CHECK(at(d4(x)) == doctest::Approx(std::sin(0.7)));
        CHECK(at(grad(d4, x)) == doctest::Approx(std::cos(0.7)));
    }

    TEST_CASE("a gradient inside the loss is differentiated") {
        // A gradient penalty: L(w) = |d/dx sum(tanh(w x))|².
        const Tensor x = tensor({0.3, -0.8});
        const auto penalty = [&](const Tensor& w) {
            return sum(square(grad([&](const Tensor& in) { return sum(tanh(w * in)); }, x)));
        };
        CHECK(gradcheck(penalty, {tensor({0.5, 1.5})}, {.order = 2}));
    }

    TEST_CASE("vjp is the transpose of jvp") {
        const auto f = [](const Tensor& x) { return matmul(tanh(x), tensor({{1.0, 2.0}, {3.0, 4.0}, {5.0, 6.0}})); };
        const Tensor x = tensor({0.1, -0.2, 0.3}), u = tensor({2.0, -1.0}), v = tensor({1.0, 0.5, -2.0});
        CHECK(vjp(f, x, u).shape() == Shape{3});
        CHECK(jvp(f, x, v).shape() == Shape{2});
        CHECK(close(sum(vjp(f, x, u) * v), sum(u * jvp(f, x, v))));
    }

    TEST_CASE("jvp is the derivative along a direction") {
        const Tensor x = tensor({{1.0, 2.0}, {3.0, 4.0}}), v = tensor({{1.0, 0.0}, {-1.0, 2.0}});
        CHECK(close(jvp([](const Tensor& a) { return a * a; }, x, v), 2.0 * x * v));
        CHECK(close(jvp([](const Tensor& a) { return matmul(a, a); }, x, v), matmul(x, v) + matmul(v, x)));
        CHECK(close(jvp([](const Tensor& a) { return sum(exp(a), 0); }, x, v), sum(exp(x) * v, 0)));
    }

    TEST_CASE("the Jacobian has the axes of the result and then of the input") {
        const Tensor wide = tensor({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}});
        CHECK(close(jacobian([&](const Tensor& x) { return matmul(wide, x); }, tensor({0.0, 0.0, 0.0})), wide));
        CHECK(close(jacobian([&](const Tensor& x) { return matmul(x, wide); }, tensor({0.0, 0.0})), transpose(wide)));
        const Tensor j = jacobian([](const Tensor& x) { return square(x); }, tensor({{1.0, 2.0}, {3.0, 4.0}}));
        CHECK(j.shape() == Shape{2, 2, 2, 2});
        CHECK(close(reshape(j, {4, 4}),
                    tensor({{2.0, 0.0, 0.0, 0.0}, {0.0, 4.0, 0.0, 0.0}, {0.0, 0.0, 6.0, 0.0}, {0.0, 0.0, 0.0, 8.0}})));
        CHECK(close(jacobian([](const Tensor& x) { return x * x; }, scalar(3.0)), scalar(6.0)));
        CHECK(close(jacobian([](const Tensor& x) { return sum(x * x); }, tensor({1.0, 2.0})), tensor({2.0, 4.0})));
    }

    TEST_CASE("the Jacobian of an empty input or result is empty") {
        CHECK(jacobian([](const Tensor& x) { return exp(x); }, zeros({0}, DType::f64)).shape() == Shape{0, 0});
        CHECK(jacobian([](const Tensor& x) { return sum(x); }, zeros({0}, DType::f64)).shape() == Shape{0});
    }

    TEST_CASE("the Hessian of the Rosenbrock function") {
        const Tensor x = tensor({1.2, -0.7});
        const double a = 1.2, b = -0.7;
        CHECK(close(grad(rosenbrock, x), tensor({-400 * a * (b - a * a) - 2 * (1 - a), 200 * (b - a * a)})));
        CHECK(close(hessian(rosenbrock, x), tensor({{1200 * a * a - 400 * b + 2, -400 * a}, {-400 * a, 200.0}})));
        CHECK(close(hessian(rosenbrock, tensor({1.0, 1.0})), tensor({{802.0, -400.0}, {-400.0, 200.0}})));
    }

    TEST_CASE("the Hessian is symmetric and hvp is its product") {
        const Tensor x = tensor({0.3, -1.1, 0.8, 1.7}), v = tensor({1.0, -2.0, 0.5, 3.0});
        const Tensor h = hessian(rosenbrock, x);
        CHECK(close(h, transpose(h)));
        CHECK(close(hvp(rosenbrock, x, v), matmul(h, v), 1e-11));
        CHECK(close(hvp([](const Tensor& a) { return sum(a * 3.0); }, x, v), zeros_like(x)));
    }

    TEST_CASE("the Hessian of a matrix argument has four axes") {
        const Tensor x = tensor({{1.0, 2.0}, {3.0, 4.0}});
        const Tensor h = hessian([](const Tensor& a) { return sum(cube(a)); }, x);
        CHECK(h.shape() == Shape{2, 2, 2, 2});
        CHECK(close(sum(sum(h, -1), -1), 6.0 * x));
    }

    TEST_CASE("transforms leave the caller's tape alone") {
        Tape tape;
        const Tensor x = tape.watch(tensor({1.0, 2.0}));
        const Tensor d = grad([](const Tensor& a) { return sum(cube(a)); }, x);  // 3x²
        CHECK(close(tape.gradient(sum(d), x), tensor({6.0, 12.0})));
    }

    TEST_CASE("stop_gradient is a constant") {
        const auto f = [](const Tensor& x) { return x * stop_gradient(x); };
        CHECK(at(grad(f, scalar(3.0))) == 3);
        CHECK(at(grad([&](const Tensor& x) { return grad(f, x); }, scalar(3.0))) == 0);
        CHECK(
            close(jvp([](const Tensor& x) { return stop_gradient(x); }, tensor({1.0}), tensor({1.0})), tensor({0.0})));
    }
}

TEST_SUITE("transforms: confusion of perturbations") {
    TEST_CASE("an inner derivative does not see the outer variable as its own") {
        // d/dx (x · d/dy (x + y) at y = 1) = 1, where a confused implementation gives 2.
        const auto f = [](const Tensor& x) { return x * grad([&](const Tensor& y) { return x + y; }, scalar(1.0)); };
        CHECK(at(grad(f, scalar(1.0))) == 1);
    }

    TEST_CASE("the same with the inner derivative at the outer variable") {
        // d/dx (x · [d/dy x·y² at y = x]) = d/dx 2x³ = 6x².
        const auto f = [](const Tensor& x) { return x * grad([&](const Tensor& y) { return x * y * y; }, x); };
        CHECK(at(grad(f, scalar(2.0))) == 24);
    }

    TEST_CASE("the same in forward mode") {
        const Tensor unit = scalar(1.0);
        const auto f = [&](const Tensor& x) {
            return x * jvp([&](const Tensor& y) { return x + y; }, scalar(1.0), unit);
        };
        CHECK(at(jvp(f, scalar(1.0), unit)) == 1);
        CHECK(at(grad(f, scalar(1.0))) == 1);
        const auto g = [&](const Tensor& x) { return x * grad([&](const Tensor& y) { return x + y; }, scalar(1.0)); };
        CHECK(at(jvp(g, scalar(1.0), unit)) == 1);
    }

    TEST_CASE("an inner derivative with respect to the outer variable itself") {
        const auto f = [](const Tensor& x) { return grad([](const Tensor& y) { return cube(y); }, x) * x; };
        CHECK(at(grad(f, scalar(2.0))) == 36);  // d/dx 3x³
    }

    TEST_CASE("three levels") {
        // f(x) = x · d/dy [ y · d/dz (x·y·z) ] = x · d/dy (x·y²) = 2x²·y, at y = x: 2x³.
        const auto f = [](const Tensor& x) {
            return x *
                   grad([&](const Tensor& y) { return y * grad([&](const Tensor& z) { return x * y * z; }, y); }, x);
        };
        CHECK(at(f(scalar(2.0))) == 16);
        CHECK(at(grad(f, scalar(2.0))) == 24);
    }
}

TEST_SUITE("transforms: modes in each other") {
    const Tensor unit = scalar(1.0);

    TEST_CASE("jvp of grad") {
        const auto d = [](const Tensor& x) { return grad([](const Tensor& y) { return y * cube(y); }, x); };
        CHECK(at(jvp(d, scalar(2.0), unit)) == doctest::Approx(48));
    }

    TEST_CASE("grad of jvp") {
        const auto d = [](const Tensor& x) { return jvp([](const Tensor& y) { return y * cube(y); }, x, unit); };
        CHECK(at(grad(d, scalar(2.0))) == doctest::Approx(48));
    }

    TEST_CASE("jvp of jvp") {
        const auto d = [](const Tensor& x) { return jvp([](const Tensor& y) { return y * cube(y); }, x, unit); };
        CHECK(at(jvp(d, scalar(2.0), unit)) == doctest::Approx(48));
        CHECK(at(jvp([&](const Tensor& x) { return jvp(d, x, unit); }, scalar(2.0), unit)) == doctest::Approx(48));
    }

    TEST_CASE("grad of vjp and of hvp") {
        const Tensor x = tensor({0.3, -1.1}), v = tensor({1.0, -2.0});
        CHECK(gradcheck([&](const Tensor& a) { return vjp([](const Tensor& b) { return tanh(b); }, a, v); }, {x},
                        {.order = 2}));
        CHECK(gradcheck([&](const Tensor& a) { return hvp(rosenbrock, a, v); }, {x}));
        CHECK(gradcheck([&](const Tensor& direction) { return hvp(rosenbrock, x, direction); }, {v}));
    }

    TEST_CASE("grad of jvp with respect to the direction") {
        const Tensor x = tensor({0.3, -1.1});
        CHECK(close(grad([&](const Tensor& v) { return sum(jvp([](const Tensor& a) { return cube(a); }, x, v)); },
                         tensor({5.0, 6.0})),
                    3.0 * x * x));
    }

    TEST_CASE("jacobian of grad is the Hessian") {
        const Tensor x = tensor({0.3, -1.1, 0.8});
        CHECK(close(jacobian([](const Tensor& a) { return grad(rosenbrock, a); }, x), hessian(rosenbrock, x), 1e-11));
    }

    TEST_CASE("a Hessian is differentiated") {
        const auto trace = [](const Tensor& x) {
            return sum(hessian([](const Tensor& a) { return sum(a * cube(a)); }, x) * eye(2, DType::f64));
        };
        CHECK(close(grad(trace, tensor({1.0, 2.0})), tensor({24.0, 48.0})));  // trace = sum 12x²
    }
}

TEST_SUITE("checkpoint") {
    const Tensor x = tensor({{0.1, 0.2}, {0.3, 0.4}}), w = tensor({{0.5, -0.6}, {0.7, 0.8}});

    TEST_CASE("gradients are those without a checkpoint") {
        const auto block = [](const Tensor& a, const Tensor& b) { return tanh(matmul(a, b)) * a; };
        const auto plain = [&](const Tensor& a, const Tensor& b) { return sum(block(block(a, b), b)); };
        const auto checked = [&](const Tensor& a, const Tensor& b) {
            return sum(checkpoint(block, checkpoint(block, a, b), b));
        };
        const auto [y, expected] = value_and_grad(plain, x, w);
        const auto [z, got] = value_and_grad(checked, x, w);
        CHECK(close(z, y));
        CHECK(close(std::get<0>(got), std::get<0>(expected)));
        CHECK(close(std::get<1>(got), std::get<1>(expected)));
    }

    TEST_CASE("what the function captured gets its gradient") {
        const Parameter p(w);
        Tape tape;
        const Tensor a = tape.watch(x), b = tape.watch(tensor({1.0, 2.0}));
        const Tensor y = checkpoint([&](const Tensor& in) { return tanh(matmul(in, p) + b); }, a);
        const Gradients g = tape.gradient(sum(y * y));
        Tape other;
        const Tensor c = other.watch(x), d = other.watch(tensor({1.0, 2.0}));
        const Gradients expected = other.gradient(sum(square(tanh(matmul(c, p) + d))));
        CHECK(close(g[a], expected[c]));
        CHECK(close(g[b], expected[d]));
        CHECK(close(g[p], expected[p]));
    }

    TEST_CASE("it may stand inside a checkpoint") {
        const auto f = [](const Tensor& a) {
            return checkpoint(
                [](const Tensor& b) { return sin(checkpoint([](const Tensor& c) { return c * exp(c); }, b)); }, a);
        };
        CHECK(gradcheck(f, {x}));
    }

    TEST_CASE("a checkpoint may do nothing but hand its input to another") {
        const auto f = [](const Tensor& a) {
            return checkpoint([](const Tensor& b) { return checkpoint([](const Tensor& c) { return c * c; }, b); }, a);
        };
        CHECK(close(grad([&](const Tensor& a) { return sum(f(a)); }, x), 2.0 * x));
        CHECK(gradcheck(f, {x}, {.order = 2}));
    }

    TEST_CASE("a gradient may be taken inside a checkpoint") {
        const auto f = [](const Tensor& a) {
            return checkpoint([](const Tensor& b) { return grad([](const Tensor& c) { return sum(cube(c)); }, b); }, a);
        };
        CHECK(close(f(x), 3.0 * x * x));
        CHECK(gradcheck(f, {x}, {.order = 2}));
    }

    TEST_CASE("a checkpointed function that throws leaves the tape usable") {
        Tape tape;
        const Tensor a = tape.watch(x);
        CHECK_THROWS_AS(checkpoint([](const Tensor& in) { return matmul(in, in) + tensor({1.0, 2.0, 3.0}); }, a),
                        ShapeError);
        {
            Tape inner;
            const Tensor b = inner.watch(w);
            CHECK(inner.gradient(sum(a * b)).size() == 1);
        }
        CHECK(close(tape.gradient(sum(a * a), a), 2.0 * x));
    }

    TEST_CASE("it has second derivatives") {
        const auto f = [](const Tensor& a, const Tensor& b) {
            return checkpoint([](const Tensor& u, const Tensor& v) { return tanh(matmul(u, v)); }, a, b);
        };
        const GradcheckReport report = gradcheck(f, {x, w}, {.order = 2});
        CHECK_MESSAGE(report.ok, report.message);
    }

    TEST_CASE("the function runs again only when a gradient is taken") {
        int runs = 0;
        const auto f = [&](const Tensor& a) {
            ++runs;
            return a * 2.0;
        };
        checkpoint(f, x);
        CHECK(runs == 1);
        {
            Tape tape;
            const Tensor a = tape.watch(x);
            const Tensor y = checkpoint(f, a);
            CHECK(runs == 2);
            tape.gradient(sum(y), a);
            CHECK(runs == 3);
        }
    }

    TEST_CASE("it keeps only its inputs") {
        constexpr std::int64_t n = 1 << 14;
        Tape tape;
        const Tensor a = tape.watch(zeros({n}, DType::f64));
        const auto before = memory_stats().bytes_in_use;
        const Tensor y = checkpoint(
            [](const Tensor& in) {
                Tensor h = in;
                for (int i = 0; i < 20; ++i) h = tanh(h);
                return h;
            },
            a);
        CHECK(memory_stats().bytes_in_use - before <= 3 * n * 8);
        CHECK(close(tape.gradient(sum(y), a), ones({n}, DType::f64)));
    }
}

TEST_SUITE("several arguments") {
    const Tensor x0 = tensor({0.5, -1.0}), y0 = tensor({{1.0, 2.0}, {0.3, -0.4}}), vx = tensor({1.0, 0.2}),
                 vy = tensor({{0.1, -1.0}, {2.0, 0.5}});
    const auto f = [](const Tensor& x, const Tensor& y) { return tanh(matmul(y, x)) * x; };  // (2)
    const auto scalar_f = [](const Tensor& x, const Tensor& y) { return sum(tanh(matmul(y, x)) * x * x); };

    TEST_CASE("jvp sums over the arguments, vjp gives one result for each") {
        const Tensor j = jvp(f, {x0, y0}, {vx, vy});
        const Tensor in_x = jvp([&](const Tensor& x) { return f(x, y0); }, x0, vx),
                     in_y = jvp([&](const Tensor& y) { return f(x0, y); }, y0, vy);
        CHECK(close(j, in_x + in_y, 1e-12));
        const Tensor u = tensor({0.7, -0.3});
        const Tensors pulled = vjp(f, {x0, y0}, u);
        CHECK(close(sum(pulled[0] * vx) + sum(pulled[1] * vy), sum(u * j), 1e-12));
    }
    TEST_CASE("a function may take them as a vector") {
        const auto g = [&](const Tensors& xs) { return f(xs[0], xs[1]); };
        CHECK(close(jvp(g, {x0, y0}, {vx, vy}), jvp(f, {x0, y0}, {vx, vy}), 0));
    }
    TEST_CASE("the Jacobians by rows and by columns are those of one argument at a time") {
        const Tensors wide = jacobian(f, {x0, y0});
        CHECK(close(wide[0], jacobian([&](const Tensor& x) { return f(x, y0); }, x0), 1e-12));
        CHECK(close(wide[1], jacobian([&](const Tensor& y) { return f(x0, y); }, y0), 1e-12));
        const auto tall = [&](const Tensor& x, const Tensor& y) { return outer(outer(f(x, y), x), y); };
        const Tensors columns = jacobian(tall, {x0, y0});
        CHECK(columns[1].shape() == Shape{4, 4, 2, 2});
        CHECK(close(columns[0], jacobian([&](const Tensor& x) { return tall(x, y0); }, x0), 1e-12));
    }
    TEST_CASE("Hessian blocks and hvp agree") {
        const std::vector<Tensors> h = hessian(scalar_f, {x0, y0});
        CHECK(h[0][1].shape() == Shape{2, 2, 2});
        CHECK(close(reshape(h[0][1], {2, 4}), transpose(reshape(h[1][0], {4, 2})), 1e-10));
        const Tensors p = hvp(scalar_f, {x0, y0}, {vx, vy});
        CHECK(close(p[0], matmul(h[0][0], vx) + matmul(reshape(h[0][1], {2, 4}), ravel(vy)), 1e-10));
        CHECK(close(ravel(p[1]), matmul(reshape(h[1][0], {4, 2}), vx) + matmul(reshape(h[1][1], {4, 4}), ravel(vy)),
                    1e-10));
    }
    TEST_CASE("an argument that does not matter has zeros") {
        const auto g = [](const Tensor& x, const Tensor&) { return square(x); };
        CHECK(close(jacobian(g, {x0, y0})[1], zeros({2, 2, 2}, DType::f64), 0));
        CHECK(close(jvp(g, {x0, y0}, {vx, vy}), 2.0 * x0 * vx, 1e-12));
        CHECK(close(hvp([](const Tensor& x, const Tensor&) { return sum(x * x * x); }, {x0, y0}, {vx, vy})[1],
                    zeros_like(y0), 0));
    }
    TEST_CASE("a plain function is one of several arguments, too, by name and by pointer") {
        CHECK(close(vjp(plain_product, {x0, y0}, vx)[1], vjp(&plain_product, {x0, y0}, vx)[1], 0));
        CHECK(close(jvp(plain_product, {x0, y0}, {vx, vy}), matmul(vy, x0) + matmul(y0, vx), 1e-12));
        CHECK(close(jacobian(plain_product, {x0, y0})[0], y0, 1e-12));
        CHECK(hessian(plain_energy, {x0, y0})[0][1].shape() == Shape{2, 2, 2});
        CHECK(close(hvp(&plain_energy, {x0, y0}, {vx, vy})[0], hvp(plain_energy, {x0, y0}, {vx, vy})[0], 0));
        CHECK(close(std::get<0>(grad(plain_energy, x0, y0)), hvp(plain_energy, {x0, y0}, {x0, zeros_like(y0)})[0],
                    1e-12));
        const GradcheckReport r = gradcheck(plain_product, {x0, y0}, {.order = 2}),
                              s = gradcheck(&plain_energy, {x0, y0});
        CHECK_MESSAGE(r.ok, r.message);
        CHECK_MESSAGE(s.ok, s.message);
        CHECK(close(jacobian(cube, x0), 3.0 * diag(square(x0)), 1e-12));  // one argument
        CHECK(close(vmap(plain_product, stack({x0, vx}), stack({y0, vy})), stack({matmul(y0, x0), matmul(vy, vx)}),
                    1e-12));
        Tape tape;
        const Tensor x = tape.watch(x0);
        CHECK(close(tape.gradient(sum(checkpoint(plain_product, x, y0)), x), sum(y0, 0), 1e-12));
        const Tensors as_list = vjp(plain_list, {x0, y0}, vx);
        CHECK(close(as_list[0], matmul(vx, y0), 1e-12));
    }
    TEST_CASE("each argument needs its direction") {
        CHECK(tests::error_of<ValueError>([&] { jvp(f, {x0, y0}, Tensors{vx}); }) ==
              "jvp: one direction for each argument is needed, got 1 for 2" + tests::nearby());
        CHECK(tests::error_of<ShapeError>([&] { hvp(scalar_f, {x0, y0}, {vx, vx}); }) ==
              "hvp: the direction must have shape (2, 2), got (2,)" + tests::nearby());
    }
}

TEST_SUITE("vmap") {
    const Tensor x0 = tensor({{1.0, 2.0}, {3.0, -1.0}, {0.5, 0.25}}), y0 = tensor({0.1, 0.2, 0.3});

    TEST_CASE("it is the loop over the leading axis") {
        const Tensor r = vmap([](const Tensor& x, const Tensor& s) { return outer(x, x) * s; }, x0, y0);
        CHECK(r.shape() == Shape{3, 2, 2});
        CHECK(close(select(r, 0, 1), tensor({{1.8, -0.6}, {-0.6, 0.2}}), 1e-12));
    }
    TEST_CASE("several results are stacked each") {
        const auto [s, p] = vmap([](const Tensor& x) { return std::array{sum(x), prod(x)}; }, x0);
        CHECK(close(s, sum(x0, 1), 1e-12));
        CHECK(close(p, prod(x0, 1), 1e-12));
    }
    TEST_CASE("it has derivatives to second order and may stand inside and around other transforms") {
        const auto f = [](const Tensor& x) { return vmap([](const Tensor& row) { return sum(tanh(row)) * row; }, x); };
        const GradcheckReport r = gradcheck(f, {x0}, {.order = 2});
        CHECK_MESSAGE(r.ok, r.message);
        const auto cost = [](const Tensor& row) { return sum(row * row * row); };
        const Tensor gradients = vmap([&](const Tensor& row) { return grad(cost, row); }, x0);
        CHECK(close(gradients, 3.0 * square(x0), 1e-12));
        const Tensor hessians = vmap([&](const Tensor& row) { return hessian(cost, row); }, x0);
        CHECK(close(select(hessians, 0, 2), tensor({{3.0, 0.0}, {0.0, 1.5}}), 1e-12));
        CHECK(close(vmap([](const Tensor& m) { return vmap([](const Tensor& v) { return v * 2.0; }, m); }, x0),
                    x0 * 2.0, 0));
    }
    TEST_CASE("gradients for each sample") {
        const Tensor w = tensor({0.5, -1.0});
        const auto loss = [](const Tensor& p, const Tensor& x, const Tensor& y) { return square(sum(p * x) - y); };
        const Tensor g = per_sample_grad(loss, w, x0, y0);
        CHECK(g.shape() == Shape{3, 2});
        CHECK(close(g, expand_dims(2.0 * (matmul(x0, w) - y0), 1) * x0, 1e-12));
        const auto with_bias = [](const Tensors& p, const Tensor& x, const Tensor& y) {
            return square(sum(p[0] * x) + p[1] - y);
        };
        const Tensors both = per_sample_grad(with_bias, Tensors{w, scalar(0.0)}, x0, y0);
        CHECK(close(both[0], g, 1e-12));
        CHECK(close(both[1], 2.0 * (matmul(x0, w) - y0), 1e-12));
    }
    TEST_CASE("sizes must agree") {
        CHECK(tests::error_of<ShapeError>([&] {
                  vmap([](const Tensor& a, const Tensor&) { return a; }, x0, w_of_two());
              }) == "vmap: the arguments must have one leading size, at least 1, got (3, 2) and (2,)");
    }
}

TEST_SUITE("checkpoint of more") {
    TEST_CASE("several results come back as they were given, each with its gradient") {
        const auto f = [](const Tensor& x) { return std::pair{sin(x), x * x}; };
        const Tensor x0 = tensor({0.3, 1.1});
        const auto g = [&](const Tensor& x) {
            const auto [s, q] = checkpoint(f, x);
            return s * q + q;
        };
        CHECK(close(g(x0), sin(x0) * square(x0) + square(x0), 1e-14));
        const GradcheckReport r = gradcheck(g, {x0}, {.order = 2});
        CHECK_MESSAGE(r.ok, r.message);
        const auto vector_f = [](const Tensor& x) { return Tensors{sin(x), x * x, x}; };
        const GradcheckReport one = gradcheck([&](const Tensor& x) { return checkpoint(vector_f, x)[1]; }, {x0});
        CHECK_MESSAGE(one.ok, one.message);
    }
    TEST_CASE("random numbers are drawn again, and the generator goes on as if nothing had been") {
        const Tensor x0 = ones({1000}, DType::f64);
        Generator generator(7), reference(7);
        const auto noisy = [](const Tensor& x, Generator& g) {
            const Tensor mask = bernoulli(0.5, x.shape(), g, DType::f64);
            return x * x * mask + x * rand(x.shape(), g, DType::f64);
        };
        Tape tape;
        const Tensor x = tape.watch(x0);
        const Tensor y = checkpoint([&](const Tensor& t) { return noisy(t, generator); }, x);
        const Tensor plain_mask = bernoulli(0.5, {1000}, reference, DType::f64),
                     plain_rand = rand({1000}, reference, DType::f64);
        CHECK(close(y, plain_mask + plain_rand, 0));
        CHECK(generator.counter() == reference.counter());
        rand({10}, generator);  // others draw in between
        rand({10}, reference);
        CHECK(close(tape.gradient(sum(y), x), 2.0 * plain_mask + plain_rand, 0));
        CHECK(generator.counter() == reference.counter());
        CHECK(!drawing_again());
    }
    TEST_CASE("nested checkpoints with random numbers") {
        const Tensor x0 = ones({100}, DType::f64);
        const auto inner = [](const Tensor& x, Generator& g) { return x * x * rand(x.shape(), g, DType::f64); };
        const auto run = [&](bool keep) {
            Generator g(3);
            Tape tape;
            const Tensor x = tape.watch(x0);
            const auto body = [&](const Tensor& t) {
                const Tensor first = t * rand(t.shape(), g, DType::f64);
                const Tensor second =
                    keep ? inner(first, g) : checkpoint([&](const Tensor& s) { return inner(s, g); }, first);
                return second * rand(t.shape(), g, DType::f64);
            };
            const Tensor y = keep ? body(x) : checkpoint(body, x);
            return tape.gradient(sum(y), x);
        };
        CHECK(close(run(false), run(true), 0));
    }
    TEST_CASE("a network of 200 layers with a checkpoint every 14 keeps a quarter of the memory and the same bits") {
        constexpr int layers = 200, every = 14, width = 64;
        Generator generator(1);
        std::vector<Parameter> w;
        for (int i = 0; i < layers; ++i) w.emplace_back(randn({width, width}, generator) * (1.0 / 8));
        const Tensor x = randn({1024, width}, generator);
        const auto piece = [&w](const Tensor& in, int from, int to) {
            Tensor h = in;
            for (int i = from; i < to; ++i) h = tanh(matmul(h, w[static_cast<std::size_t>(i)]));
            return h;
        };
        const auto run = [&](bool keep, std::int64_t& peak) {
            reset_peak_memory();
            const std::int64_t before = memory_stats().bytes_in_use;
            Tape tape;
            Tensor h = x;
            for (int i = 0; i < layers; i += every) {
                const int to = std::min(i + every, layers);
                h = keep ? piece(h, i, to)
                         : checkpoint([&piece, i, to](const Tensor& in) { return piece(in, i, to); }, h);
            }
            const Gradients g = tape.gradient(mean(square(h)));
            peak = memory_stats().peak_bytes - before;
            Tensors gradients;
            for (const Parameter& p : w) gradients.push_back(g[p]);
            return gradients;
        };
        std::int64_t all = 0, few = 0;
        const Tensors plain = run(true, all), saving = run(false, few);
        for (std::size_t i = 0; i < w.size(); ++i) CHECK(close(plain[i], saving[i], 0));
        if (memory_stats().blocks > 0) CHECK(few * 4 < all);  // no figures under AddressSanitizer
        MESSAGE("peak " << all / 1024 << " KB without, " << few / 1024 << " KB with checkpoints");
    }
}
