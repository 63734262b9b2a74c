#include <doctest/doctest.h>

#include <functional>
#include <nn/nn.hpp>
#include <thread>

#include "support.hpp"

// A model as a value of its parameters: nn::functional_call, and the transforms with respect to a model.

using namespace xgrad;
using tests::close;
using tests::error_of;
using tests::nearby;

namespace {

constexpr DType f64 = DType::f64;

/// Every kind of container, in f64.
struct Net {
    nn::Sequential front{nn::Linear(3, 4, {.dtype = f64}), nn::Tanh()};
    nn::ModuleList<nn::Linear> middle{nn::Linear(4, 4, {.dtype = f64}), nn::Linear(4, 4, {.dtype = f64})};
    std::tuple<nn::LayerNorm> norm{nn::LayerNorm({4}, {.dtype = f64})};
    Parameter scale{tensor({1.5, -0.5})};
    Tensor operator()(const Tensor& x) const {
        Tensor h = front(x);
        for (const nn::Linear& layer : middle) h = tanh(layer(h)) + h;
        return slice(std::get<0>(norm)(h), 1, 0, 2) * scale;
    }
    XGRAD_FIELDS(front, middle, norm, scale)
};

struct Small {
    nn::Linear fc1{2, 3, {.dtype = f64}}, fc2{3, 1, {.dtype = f64}};
    Tensor operator()(const Tensor& x) const { return fc2(tanh(fc1(x))); }
    XGRAD_FIELDS(fc1, fc2)
};

struct Oscillator {
    Tensor position, velocity;
    XGRAD_FIELDS(position, velocity)
};

struct Tied {
    std::shared_ptr<nn::Linear> layer = std::make_shared<nn::Linear>(2, 2);
    Tensor operator()(const Tensor& x) const { return (*layer)(x); }
    XGRAD_FIELDS(layer)
};

Tensor inputs(std::int64_t rows, std::int64_t columns, std::uint64_t seed = 5) {
    Generator generator(seed);
    return randn({rows, columns}, generator, f64);
}

/// The derivative of the scalar function f of a row by central differences.
Tensor differences(const std::function<Tensor(const Tensor&)>& f, const Tensor& at, double step = 1e-5) {
    std::vector<double> result;
    for (std::int64_t i = 0; i < at.size(); ++i) {
        std::vector<double> up = tests::values(at), down = up;
        up[static_cast<std::size_t>(i)] += step;
        down[static_cast<std::size_t>(i)] -= step;
        result.push_back((f(tensor(up)).item() - f(tensor(down)).item()) / (2 * step));
    }
    return tensor(result);
}

Tensor plain_loss(const Small& net) { return mean(square(net(inputs(4, 2)))); }

}  // namespace

TEST_SUITE("functional_call") {
    TEST_CASE("given tensors stand for parameters, by name, in a map, in order; the model is not changed") {
        const Net net;
        const Tensor x = inputs(5, 3), y = net(x);
        const nn::State before = nn::state_dict(net);
        CHECK(close(nn::functional_call(net, nn::state_dict(net), x), y, 0));
        CHECK(close(nn::functional_call(net, nn::parameters(net), x), y, 0));
        CHECK(close(nn::functional_call(net, {}, x), y, 0));
        const Tensor scale = tensor({3.0, -1.0});
        CHECK(close(nn::functional_call(net, {{"scale", scale}}, x), 2.0 * y, 1e-14));
        CHECK(close(nn::functional_call(net, std::map<std::string, Tensor>{{"scale", scale}}, x), 2.0 * y, 1e-14));
        Tensors all = nn::parameters(net);
        all.back() = scale;
        CHECK(close(nn::functional_call(net, all, x), 2.0 * y, 1e-14));
        const nn::Linear line(2, 1, {.dtype = f64});
        CHECK(
            close(nn::functional_call(line, {zeros({1, 2}, f64), ones({1}, f64)}, inputs(3, 2)), ones({3, 1}, f64), 0));
        const nn::State after = nn::state_dict(net);
        for (std::size_t i = 0; i < before.size(); ++i)
            CHECK(before[i].second.data<double>().data() == after[i].second.data<double>().data());
    }

    TEST_CASE("gradients flow to what is given, and to the model's own parameters that are not replaced") {
        const Net net;
        const Tensor x = inputs(5, 3);
        Tape reference;
        const Gradients expected = reference.gradient(sum(square(net(x))));
        Tape tape;
        const Tensor w = tape.watch(net.middle[1].weight.value()), computed = tape.watch(net.scale.value() / 2.0);
        const Tensor loss =
            sum(square(nn::functional_call(net, {{"middle.1.weight", w}, {"scale", computed * 2.0}}, x)));
        const Gradients g = tape.gradient(loss);
        CHECK(close(g[w], expected[net.middle[1].weight]));
        CHECK(close(g[computed], 2.0 * expected[net.scale]));
        CHECK(close(g[net.middle[0].weight], expected[net.middle[0].weight]));
        CHECK(g.find(net.scale) == nullptr);
        CHECK(g.size() == nn::parameters(net).size());
    }

    TEST_CASE("a constant that is given is a constant for every tape") {
        const Small net;
        Tape tape;
        const Tensor y = nn::functional_call(net, nn::state_dict(net), inputs(4, 2));
        CHECK(!tracked(y));
        CHECK(tape.size() <= 1);
    }

    TEST_CASE("names, numbers, shapes and types must fit, and errors name the line") {
        const Small net;
        const Tensor x = inputs(4, 2);
        CHECK(error_of<ValueError>([&] { nn::functional_call(net, {{"fc1.wieght", x}}, x); }) ==
              "functional_call: the model has no parameter or buffer of that name, got \"fc1.wieght\"" + nearby());
        CHECK(error_of<ValueError>([&] { nn::functional_call(net, Tensors{x}, x); }) ==
              "functional_call: one tensor for each parameter is needed, got 1 for 4" + nearby());
        CHECK(error_of<ShapeError>([&] { nn::functional_call(net, {{"fc1.weight", zeros({2, 3}, f64)}}, x); }) ==
              "functional_call: fc1.weight must have shape (3, 2), got (2, 3)" + nearby());
        CHECK(error_of<DTypeError>([&] { nn::functional_call(net, {{"fc1.bias", zeros({3})}}, x); }) ==
              "functional_call: fc1.bias must be f64, got f32" + nearby());
        CHECK(error_of<ValueError>([&] { nn::functional_call(net, {{"fc1.bias", Tensor()}}, x); }) ==
              "functional_call: fc1.bias must be a tensor, got an empty one" + nearby());
        const Tied tied;
        const Tensor before = tied.layer->weight.value();
        CHECK(
            error_of<ValueError>([&] { nn::functional_call(tied, {{"layer.weight", zeros({2, 2})}}, ones({1, 2})); }) ==
            "functional_call: a copy of the model must have parameters of its own, got one that shares a layer through "
            "a pointer; use a "
            "tape" +
                nearby());
        CHECK(close(tied.layer->weight, before, 0));
    }

    TEST_CASE("an error inside names the user's line") {
        const nn::Linear layer(2, 3);
        const Tensor x = ones({4, 5});
        const std::string error = error_of<ShapeError>([&] { nn::functional_call(layer, {}, x); });
        CHECK(error.ends_with(tests::here(__LINE__ - 1)));
        CHECK(error.starts_with("linear: "));
    }

    TEST_CASE("running statistics move as in a call, those that are given do not") {
        nn::Sequential net(nn::Linear(3, 4, {.dtype = f64}), nn::BatchNorm1d(4, {.dtype = f64})), twin = net;
        const Tensor x = inputs(6, 3);
        const Tensor y = net(x);
        CHECK(close(nn::functional_call(twin, nn::parameters(net), x), y, 0));
        auto &a = net.layer<nn::BatchNorm1d>(1), &b = twin.layer<nn::BatchNorm1d>(1);
        CHECK(close(a.running_mean, b.running_mean, 0));
        CHECK(close(a.running_var, b.running_var, 0));
        CHECK(b.num_batches_tracked.item<std::int64_t>() == 1);
        nn::functional_call(twin, nn::state_dict(net), x);
        CHECK(b.num_batches_tracked.item<std::int64_t>() == 1);
        nn::eval(twin);
        const Tensor shifted = nn::functional_call(twin, {{"1.running_mean", b.running_mean + 1.0}}, x);
        CHECK(close(shifted, twin(x) - 1.0 / sqrt(b.running_var + 1e-5), 1e-12));
        CHECK(close(a.running_mean, b.running_mean, 0));
    }

    TEST_CASE("dropout draws what a call would, and goes on from there") {
        const nn::Sequential net(nn::Dropout(0.5, 7), nn::Dropout(0.5, 8)), twin = net;
        const Tensor x = ones({100}, f64);
        for (int step = 0; step < 3; ++step) CHECK(close(nn::functional_call(twin, {}, x), net(x), 0));
        CHECK(!close(net(x), net(x), 0));
        const nn::Sequential& wrapped = net;
        const Tensor first = nn::functional_call(wrapped, {}, x);
        CHECK(!close(nn::functional_call(wrapped, {}, x), first, 0));
    }

    TEST_CASE("an embedding with max_norm scales its own rows, and lets gradients by to given ones") {
        const nn::Embedding own(3, 2, {.max_norm = 1.0, .dtype = f64}), twin = own;
        const Tensor x = tensor({0, 2}), large = full({3, 2}, 3.0, f64);
        CHECK(close(nn::functional_call(twin, {}, x), own(x), 0));
        CHECK(close(twin.weight, own.weight, 0));
        Tape tape;
        const Tensor rows = tape.watch(large);
        const Tensor y = nn::functional_call(twin, {{"weight", rows}}, x);
        CHECK(close(sum(square(y), 1), ones({2}, f64), 1e-6));
        CHECK(close(tape.gradient(sum(y), rows), tensor({{1.0, 1.0}, {0.0, 0.0}, {1.0, 1.0}})));
        CHECK(close(twin.weight, own.weight, 0));
    }

    TEST_CASE("threads share one model") {
        const Net net;
        const Tensor x = inputs(5, 3);
        std::vector<Tensor> got(4);
        std::vector<std::thread> threads;
        for (std::size_t i = 0; i < got.size(); ++i)
            threads.emplace_back([&, i] {
                for (int k = 0; k < 20; ++k) {
                    Tape tape;
                    const Tensor scale = tape.watch(full({2}, static_cast<double>(i + 1), f64));
                    got[i] = tape.gradient(sum(nn::functional_call(net, {{"scale", scale}}, x)), scale);
                }
            });
        for (std::thread& t : threads) t.join();
        for (const Tensor& g : got)
            CHECK(close(g, sum(nn::functional_call(net, {{"scale", ones({2}, f64)}}, x), 0), 1e-12));
    }

    TEST_CASE("a model that checkpoints its own layers may be called so: the copy lives as long as the tape needs it") {
        struct Checkpointed {
            nn::Linear a{2, 3, {.dtype = f64}}, b{3, 1, {.dtype = f64}};
            Tensor operator()(const Tensor& x) const {
                const Tensor h = checkpoint(a, x);
                return checkpoint([this](const Tensor& t) { return b(tanh(t)); }, h);
            }
            XGRAD_FIELDS(a, b)
        };
        const Checkpointed net;
        const Tensor x = inputs(4, 2), row = nn::ravel(net);
        const auto loss = [&](const Tensor& w) {
            const Tensors parts = split(w, {6, 3, 3, 1});
            return sum(square(nn::functional_call(
                net, {reshape(parts[0], {3, 2}), parts[1], reshape(parts[2], {1, 3}), parts[3]}, x)));
        };
        CHECK(close(grad(loss, row), differences(loss, row), 1e-6));
        const GradcheckReport r = nn::gradcheck([&](const Checkpointed& model) { return model(x); }, net, {.order = 2});
        CHECK_MESSAGE(r.ok, r.message);
    }
}

TEST_SUITE("models of tensors") {
    TEST_CASE("ravel and unravel are inverse, in the order of nn::parameters") {
        const Net net;
        const Tensor row = nn::ravel(net), x = inputs(5, 3);
        Tensors parts;
        for (const Parameter& p : nn::parameters(net)) parts.push_back(ravel(p));
        CHECK(close(row, concat(parts), 0));
        CHECK(close(nn::unravel(net, row)(x), net(x), 0));
        CHECK(close(nn::ravel(nn::unravel(net, row * 2.0)), row * 2.0, 0));
        CHECK(error_of<ShapeError>([&] { nn::unravel(net, zeros({3}, f64)); }) ==
              "nn::unravel: the row must have shape (" + std::to_string(row.size()) + ",), got (3,)" + nearby());
        const std::tuple<nn::Linear, nn::Linear> mixed{nn::Linear(1, 1), nn::Linear(1, 1, {.dtype = f64})};
        CHECK(error_of<DTypeError>([&] { nn::ravel(mixed); }) ==
              "nn::ravel: all parameters must have one dtype, got f32 and f64" + nearby());
        const Oscillator state{tensor({1.0, 2.0}), scalar(3.0)};
        CHECK(close(nn::ravel(state), tensor({1.0, 2.0, 3.0}), 0));
        CHECK(close(nn::unravel(state, tensor({4.0, 5.0, 6.0})).velocity, scalar(6.0), 0));
    }

    TEST_CASE("a model made of constants is trained like any other") {
        const Small net;
        Small other = nn::unravel(net, nn::ravel(net) * 0.5);
        const double before = plain_loss(other).item();
        nn::SGD sgd({.lr = 0.1});
        for (int i = 0; i < 5; ++i) {
            Tape tape;
            const Tensor loss = plain_loss(other);
            sgd.step(other, tape.gradient(loss));
        }
        CHECK(plain_loss(other).item() < before);
        const Small named = nn::with_parameters(net, {{"fc2.bias", tensor({7.0})}});
        CHECK(close(named.fc2.bias, tensor({7.0}), 0));
        Tape tape;
        CHECK(tape.gradient(plain_loss(named)).find(named.fc1.weight) != nullptr);
    }

    TEST_CASE("a bound parameter is the tensor; so is its copy; assignment makes it an ordinary one again") {
        Parameter p(tensor({1.0, 2.0}));
        {
            Tape tape;
            const Tensor x = tape.watch(tensor({3.0, 4.0}));
            p.bind(2.0 * x);
            CHECK(p.bound());
            const Parameter copy = p;
            Parameter assigned;
            assigned = p;
            CHECK((copy.bound() && assigned.bound()));
            CHECK(close(tape.gradient(sum(p * copy * assigned), x), 3.0 * square(2.0 * tensor({3.0, 4.0})) * 2.0));
        }
        const Parameter later = p;  // the tape is gone
        CHECK(!later.bound());
        CHECK(close(later, tensor({6.0, 8.0}), 0));
        p = tensor({1.0, 1.0});
        CHECK(!p.bound());
        Tape tape;
        const Gradients g = tape.gradient(sum(square(p) + later));
        CHECK(close(g[p], tensor({2.0, 2.0})));
        CHECK(close(g[later], tensor({1.0, 1.0})));
    }

    TEST_CASE("a model that is assigned inside carries its derivative") {
        const Small net;
        const auto unrolled = [&](const Tensor& rate) {
            Small model = net;
            for (int step = 0; step < 3; ++step)
                model = nn::unravel(net, nn::ravel(model) - rate * nn::ravel(nn::grad(plain_loss, model)));
            return plain_loss(model);
        };
        const Tensor rate = scalar(0.3);
        const double slope = grad(unrolled, rate).item();
        CHECK(slope ==
              doctest::Approx((unrolled(scalar(0.3 + 1e-5)).item() - unrolled(scalar(0.3 - 1e-5)).item()) / 2e-5)
                  .epsilon(1e-6));
        CHECK(std::abs(slope) > 1e-3);
    }
}

TEST_SUITE("transforms of models") {
    TEST_CASE("one MAML step: the outer gradient goes through an inner step of SGD") {
        const Net net;
        const Tensor support = inputs(4, 3, 1), query = inputs(4, 3, 2);
        const auto loss = [](const Net& model, const Tensor& x) { return mean(square(model(x) - 0.3)); };
        const auto maml = [&](const Net& model) {
            const Net g = nn::grad([&](const Net& inner) { return loss(inner, support); }, model);
            return loss(nn::unravel(model, nn::ravel(model) - 0.1 * nn::ravel(g)), query);
        };
        const Tensor row = nn::ravel(net);
        const Tensor expected = differences([&](const Tensor& w) { return maml(nn::unravel(net, w)); }, row);
        CHECK(close(nn::ravel(nn::grad(maml, net)), expected, 1e-7));
        // First order alone is another number: the second order is in it.
        const Net g = nn::grad([&](const Net& inner) { return loss(inner, support); }, net);
        const Net adapted = nn::unravel(net, row - 0.1 * nn::ravel(g));
        CHECK(!close(nn::ravel(nn::grad([&](const Net& m) { return loss(m, query); }, adapted)), expected, 1e-4));
        // The same with tapes and functional_call, the parameters by name.
        Tape tape;
        nn::State fast;
        {
            Tape inner;
            const Tensor inner_loss = loss(net, support);
            const Gradients steps = inner.gradient(inner_loss);
            for (const auto& [name, p] : nn::named_parameters(net)) fast.emplace_back(name, p - 0.1 * steps[p]);
        }
        const Gradients outer = tape.gradient(mean(square(nn::functional_call(net, fast, query) - 0.3)));
        Tensors parts;
        for (const Parameter& p : nn::parameters(net)) parts.push_back(ravel(outer[p]));
        CHECK(close(concat(parts), expected, 1e-7));
    }

    TEST_CASE("an unrolled optimizer: learning rates, one for each parameter, have gradients") {
        const Small net;
        const Tensor rates0 = tensor({0.1, 0.2, 0.05, 0.3}), x = inputs(4, 2);
        const auto unrolled = [&](const Tensor& rates) {
            Tensors w = nn::parameters(net);
            for (int step = 0; step < 3; ++step) {
                const Tensors g =
                    grad([&](const Tensors& at) { return mean(square(nn::functional_call(net, at, x))); }, w);
                for (std::size_t i = 0; i < w.size(); ++i)
                    w[i] = w[i] - select(rates, 0, static_cast<std::int64_t>(i)) * g[i];
            }
            return mean(square(nn::functional_call(net, w, x)));
        };
        const GradcheckReport r = gradcheck(unrolled, {rates0});
        CHECK_MESSAGE(r.ok, r.message);
    }

    TEST_CASE("a Laplace approximation: the Hessian over all parameters") {
        const Tensor x = inputs(6, 2);
        // For a linear model it is known: the loss's second derivative is 2 [x 1]ᵀ[x 1].
        const nn::Linear line(2, 1, {.dtype = f64});
        const Tensor design = concat({x, ones({6, 1}, f64)}, 1);
        const Tensor h = nn::hessian([&](const nn::Linear& model) { return sum(square(model(x) - 1.0)); }, line);
        CHECK(close(h, 2.0 * matmul(transpose(design), design), 1e-12));
        // For a network, the gradient's differences; with it the posterior's covariance of a prediction.
        const Small net;
        const auto loss = [&](const Small& model) {
            return sum(square(model(x) - 1.0)) + 0.5 * sum(square(nn::ravel(model)));
        };
        const Tensor row = nn::ravel(net), full = nn::hessian(loss, net);
        CHECK(full.shape() == Shape{13, 13});
        CHECK(close(full, transpose(full), 1e-10));
        for (std::int64_t i = 0; i < 13; ++i)
            CHECK(close(
                select(full, 0, i),
                differences(
                    [&](const Tensor& w) { return select(nn::ravel(nn::grad(loss, nn::unravel(net, w))), 0, i); }, row),
                1e-7));
        const Tensor j = nn::jacobian([&](const Small& model) { return reshape(model(x), {6}); }, net);
        CHECK(j.shape() == Shape{6, 13});
        const Tensor covariance = matmul(j, solve(full + 20.0 * eye(13, f64), transpose(j)));
        CHECK(covariance.shape() == Shape{6, 6});
        // hvp is its product with a vector, without forming it.
        const Tensor v = inputs(1, 13);
        CHECK(close(nn::ravel(nn::hvp(loss, net, nn::unravel(net, reshape(v, {13})))), matmul(full, reshape(v, {13})),
                    1e-9));
    }

    TEST_CASE("jvp and vjp through a model are products with its Jacobian") {
        const Net net;
        const Tensor x = inputs(2, 3), row = nn::ravel(net);
        const auto f = [&](const Net& model) { return model(x); };
        Generator generator(9);
        const Tensor v = randn({row.size()}, generator, f64), u = randn({2, 2}, generator, f64);
        const Tensor j = reshape(nn::jacobian(f, net), {4, row.size()});
        CHECK(close(nn::jvp(f, net, nn::unravel(net, v)), reshape(matmul(j, v), {2, 2}), 1e-11));
        CHECK(close(nn::ravel(nn::vjp(f, net, u)), matmul(reshape(u, {4}), j), 1e-11));
        const double step = 1e-6;
        CHECK(close(nn::jvp(f, net, nn::unravel(net, v)),
                    (nn::unravel(net, row + step * v)(x) - nn::unravel(net, row - step * v)(x)) / (2 * step), 1e-7));
    }

    TEST_CASE("gradients for each sample are those of the samples one by one") {
        const Net net;
        const Tensor xs = inputs(5, 3), ys = inputs(5, 2, 6);
        const auto loss = [](const Net& model, const Tensor& x, const Tensor& y) {
            return sum(square(reshape(model(reshape(x, {1, 3})), {2}) - y));
        };
        const Net each = nn::per_sample_grad(loss, net, xs, ys);
        CHECK(each.middle[0].weight.shape() == Shape{5, 4, 4});
        for (std::int64_t i = 0; i < 5; ++i) {
            Tape tape;
            const Gradients g = tape.gradient(loss(net, select(xs, 0, i), select(ys, 0, i)));
            const auto given = nn::parameters(each), own = nn::parameters(net);
            for (std::size_t k = 0; k < own.size(); ++k) CHECK(close(select(given[k], 0, i), g[own[k]]));
        }
    }

    TEST_CASE("they nest in tapes: a penalty of the gradient's norm has the model's gradients") {
        const Net net;
        const Tensor x = inputs(3, 3), row = nn::ravel(net);
        const auto penalty = [&](const Net& model) {
            return sum(square(nn::ravel(nn::grad([&](const Net& m) { return sum(square(m(x))); }, model))));
        };
        Tape tape;
        const Gradients g = tape.gradient(penalty(net));
        Tensors parts;
        for (const Parameter& p : nn::parameters(net)) parts.push_back(ravel(g[p]));
        CHECK(close(concat(parts), differences([&](const Tensor& w) { return penalty(nn::unravel(net, w)); }, row),
                    1e-5));
        const auto trace_of = [&](const Small& model) { return trace(nn::hessian(plain_loss, model)); };
        const Small small;
        CHECK(close(nn::ravel(nn::grad(trace_of, small)),
                    differences([&](const Tensor& w) { return trace_of(nn::unravel(small, w)); }, nn::ravel(small)),
                    1e-6));
    }

    TEST_CASE("structs of tensors have all of them too") {
        const Oscillator state{tensor({1.0, 2.0}), tensor({0.5, -1.0})};
        const auto energy = [](const Oscillator& s) { return sum(s.position * s.position * s.velocity); };
        const Tensor h = nn::hessian(energy, state);
        CHECK(
            close(h, hessian([&](const Tensor& row) { return energy(nn::unravel(state, row)); }, nn::ravel(state)), 0));
        CHECK(close(select(select(h, 0, 0), 0, 2), scalar(2.0)));
        const Oscillator p = nn::hvp(energy, state, Oscillator{ones({2}, f64), zeros({2}, f64)});
        CHECK(close(p.position, 2.0 * state.velocity));
        CHECK(close(p.velocity, 2.0 * state.position));
        const Oscillator twice =
            nn::grad([&](const Oscillator& s) { return sum(nn::grad(energy, s).position); }, state);
        CHECK(close(twice.velocity, 2.0 * state.position));
        const auto report = nn::gradcheck(energy, state, {.order = 2});
        CHECK_MESSAGE(report.ok, report.message);
    }

    TEST_CASE("a frozen parameter is a constant") {
        Small net;
        net.fc1.weight.freeze();
        const Small g = nn::grad(plain_loss, net);
        CHECK(close(g.fc1.weight, zeros({3, 2}, f64), 0));
        CHECK(!close(g.fc2.weight, zeros({1, 3}, f64), 0));
        const Tensor h = nn::hessian(plain_loss, net);
        CHECK(close(slice(h, 0, 0, 6), zeros({6, 13}, f64), 0));
        CHECK(close(slice(slice(h, 0, 6), 1, 0, 6), zeros({7, 6}, f64), 0));
        nn::freeze(net, "*");
        CHECK(close(nn::ravel(nn::grad(plain_loss, net)), zeros({13}, f64), 0));
    }

    TEST_CASE("a function that does not use what it is given is an error, not zeros") {
        const Small net;
        CHECK(error_of<ValueError>([&] { nn::grad([&](const Small&) { return plain_loss(net); }, net); }) ==
              "nn::grad: the function must compute with the model that it is given, got a result that does not depend "
              "on it (is a model "
              "captured?)" +
                  nearby());
        CHECK(error_of<ValueError>([&] {
                  nn::hessian([&](const Small&) { return plain_loss(net); }, net);
              }).starts_with("nn::hessian: "));
        Tape tape;  // whose parameters the captured model has
        CHECK(error_of<ValueError>([&] {
                  nn::grad([&](const Small&) { return plain_loss(net); }, net);
              }).starts_with("nn::grad: "));
    }

    TEST_CASE("plain functions of models do") {
        const Small net;
        CHECK(close(nn::ravel(nn::grad(plain_loss, net)), nn::ravel(nn::vjp(&plain_loss, net, scalar(1.0))), 0));
        CHECK(nn::gradcheck(plain_loss, net).ok);
    }

    TEST_CASE("running statistics move once, and dropout draws anew for each call of a transform") {
        nn::Sequential net(nn::Linear(3, 4, {.dtype = f64}), nn::BatchNorm1d(4, {.dtype = f64}), nn::Dropout(0.5),
                           nn::Linear(4, 1, {.dtype = f64}));
        const Tensor x = inputs(6, 3);
        const auto loss = [&](const nn::Sequential& model) { return sum(square(model(x))); };
        auto batches = [&] { return net.layer<nn::BatchNorm1d>(1).num_batches_tracked.item<std::int64_t>(); };
        const Tensor first = nn::hessian(loss, net);
        CHECK(batches() == 1);
        CHECK(!close(nn::hessian(loss, net), first, 1e-9));  // another mask
        CHECK(batches() == 2);
        CHECK(!tracked(net.layer<nn::BatchNorm1d>(1).running_mean));
        nn::jvp(loss, net, net);
        nn::hvp(loss, net, net);
        CHECK(batches() == 4);
        const nn::Sequential g = nn::grad(loss, net);
        CHECK(batches() == 5);
        const nn::Sequential twin = net;
        Tape tape;
        const Tensor expected = loss(twin);
        CHECK(close(nn::value_and_grad(loss, net).first, expected, 0));  // the numbers of a call
    }
}

TEST_SUITE("gradcheck of layers with respect to their parameters") {
    template <class L>
    void checked(const L& layer, const Tensor& x, int order = 2) {
        const GradcheckReport r = nn::gradcheck([&](const L& l) { return l(x); }, layer, {.order = order});
        CHECK_MESSAGE(r.ok, r.message);
    }

    TEST_CASE("containers") { checked(Net(), inputs(2, 3)); }
    TEST_CASE("Linear, Conv2d, LayerNorm, GroupNorm") {
        checked(nn::Linear(3, 2, {.dtype = f64}), inputs(4, 3));
        checked(nn::Conv2d(1, 2, 3, {.padding = 1, .dtype = f64}), reshape(inputs(4, 4), {1, 1, 4, 4}), 1);
        checked(nn::LayerNorm({3}, {.dtype = f64}), inputs(4, 3));
        checked(nn::GroupNorm(2, 4, {.dtype = f64}), inputs(3, 4));
    }
    TEST_CASE("batch normalisation in training, and its statistics stay still") {
        nn::Sequential net(nn::Linear(3, 2, {.dtype = f64}), nn::BatchNorm1d(2, {.dtype = f64}));
        checked(net, inputs(5, 3));
        CHECK(net.layer<nn::BatchNorm1d>(1).num_batches_tracked.item<std::int64_t>() ==
              1);  // moved by the first evaluation alone
    }
    TEST_CASE("dropout in training, whose masks are drawn again") {
        checked(nn::Sequential(nn::Linear(3, 8, {.dtype = f64}), nn::Dropout(0.5), nn::Linear(8, 2, {.dtype = f64})),
                inputs(5, 3));
        Generator generator(3);
        const GradcheckReport r =
            gradcheck([&](const Tensor& x) { return dropout(x, 0.5, generator); }, {inputs(3, 3)}, {.order = 2});
        CHECK_MESSAGE(r.ok, r.message);
    }
    TEST_CASE("a wrong rule is found") {
        struct Wrong {
            Parameter w{tensor({1.0, 2.0})};
            Tensor operator()(const Tensor& x) const {
                return apply("wrong", {w}, [&](const Tensor& v) { return v * v * x; }, [x](Tensor g) { return g * x; });
            }
            XGRAD_FIELDS(w)
        };
        const Wrong wrong;
        CHECK(!nn::gradcheck([&](const Wrong& m) { return m(tensor({1.0, 3.0})); }, wrong).ok);
    }
    TEST_CASE("f32 is refused") {
        CHECK(error_of<DTypeError>([] {
                  nn::gradcheck([](const nn::Linear& l) { return l(ones({1, 2})); }, nn::Linear(2, 2));
              }).starts_with("gradcheck: inputs must be f64, got f32"));
    }
}

TEST_SUITE("vmap of models") {
    TEST_CASE("an ensemble: stacked models, one input; gradients for each of them") {
        const std::vector<Small> members(3);
        const Small stacked = nn::stack(members);
        CHECK(stacked.fc1.weight.shape() == Shape{3, 3, 2});
        const Tensor x = inputs(4, 2);
        const Tensor y = nn::vmap([&](const Small& net) { return net(x); }, stacked);
        const Small gradients = nn::vmap([&](const Small& net) { return nn::grad(plain_loss, net); }, stacked);
        const auto [losses, again] =
            nn::vmap([&](const Small& net) { return nn::value_and_grad(plain_loss, net); }, stacked);
        for (std::int64_t i = 0; i < 3; ++i) {
            const Small& member = members[static_cast<std::size_t>(i)];
            CHECK(close(select(y, 0, i), member(x), 0));
            CHECK(close(select(gradients.fc1.weight, 0, i), nn::grad(plain_loss, member).fc1.weight, 0));
            CHECK(close(select(again.fc2.bias, 0, i), nn::grad(plain_loss, member).fc2.bias, 0));
            CHECK(close(select(losses, 0, i), plain_loss(member), 0));
        }
        // Outer tapes see through it.
        const Small outer =
            nn::grad([&](const Small& s) { return sum(square(nn::vmap([&](const Small& net) { return net(x); }, s))); },
                     stacked);
        const Small own = nn::grad([&](const Small& s) { return sum(square(s(x))); }, members[1]);
        CHECK(close(select(outer.fc1.weight, 0, 1), own.fc1.weight));
    }
    TEST_CASE("models and tensors side by side; a model as the result of a function of tensors; buffers") {
        const std::vector<Small> members(2);
        const Tensor xs = reshape(inputs(6, 2), {2, 3, 2});
        const Tensor y = nn::vmap([](const Small& net, const Tensor& x) { return net(x); }, nn::stack(members), xs);
        CHECK(close(select(y, 0, 1), members[1](select(xs, 0, 1)), 0));
        const Small g = nn::vmap(
            [&](const Tensor& x) { return nn::grad([&](const Small& net) { return sum(net(x)); }, members[0]); }, xs);
        CHECK(close(select(g.fc1.weight, 0, 1),
                    nn::grad([&](const Small& net) { return sum(net(select(xs, 0, 1))); }, members[0]).fc1.weight));
        std::vector<nn::BatchNorm1d> norms(2, nn::BatchNorm1d(2, {.dtype = f64}));
        norms[1].running_mean = tensor({1.0, 2.0});
        nn::eval(norms);
        nn::BatchNorm1d stacked = nn::stack(norms);
        const Tensor z = nn::vmap([&](const nn::BatchNorm1d& norm) { return norm(inputs(3, 2)); }, stacked);
        CHECK(close(select(z, 0, 1), norms[1](inputs(3, 2)), 0));
        CHECK(error_of<ValueError>([] { nn::stack(std::vector<Small>()); }) ==
              "nn::stack: there must be a model, got none" + nearby());
    }
}

TEST_SUITE("checkpoint of models") {
    TEST_CASE("the model is an argument, and need not outlive the tape") {
        const Net net;
        const Tensor x = inputs(3, 3);
        const auto f = [](const Net& model, const Tensor& in) { return sum(square(model(in))); };
        Tape plain;
        const Gradients expected = plain.gradient(f(net, x));
        Tape tape;
        Tensor y;
        const Tensor row = tape.watch(nn::ravel(net).to(f64));
        {
            const Net copy = nn::unravel(net, row);
            y = nn::checkpoint(f, copy, x);
        }
        const Tensor g = tape.gradient(y, row);
        Tensors parts;
        for (const Parameter& p : nn::parameters(net)) parts.push_back(ravel(expected[p]));
        CHECK(close(g, concat(parts)));
        Tape own;
        const Gradients of_net = own.gradient(nn::checkpoint(f, net, x));
        for (const Parameter& p : nn::parameters(net)) CHECK(close(of_net[p], expected[p]));
    }
    TEST_CASE("inside transforms of models, to second order, with batch normalisation and dropout") {
        nn::Sequential net(nn::Linear(3, 4, {.dtype = f64}), nn::BatchNorm1d(4, {.dtype = f64}), nn::Dropout(0.5, 3),
                           nn::Linear(4, 1, {.dtype = f64}));
        nn::Sequential twin = net;
        const Tensor x = inputs(6, 3);
        const auto loss = [&](const nn::Sequential& m) { return sum(square(m(x))); };
        const auto kept = [&](const nn::Sequential& m) { return nn::checkpoint(loss, m); };
        CHECK(close(nn::hessian(kept, net), nn::hessian(loss, twin), 1e-11));
        CHECK(net.layer<nn::BatchNorm1d>(1).num_batches_tracked.item<std::int64_t>() == 1);
        CHECK(close(net.layer<nn::BatchNorm1d>(1).running_mean, twin.layer<nn::BatchNorm1d>(1).running_mean, 0));
        const auto by_reference = [&](const nn::Sequential& m) {
            return checkpoint(m, x);
        };  // xgrad's, of the model where it stands
        CHECK(close(nn::ravel(nn::grad([&](const nn::Sequential& m) { return sum(square(by_reference(m))); }, net)),
                    nn::ravel(nn::grad(loss, twin)), 1e-12));
    }
}
