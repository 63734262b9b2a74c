#include "draws.hpp"

// Activations, special functions, windows, convolutions and the like.

namespace oracle {
namespace {

Draw at_least(int rank) {
    return [=](Random&, In x, Ints&) { return x[0].ndim() >= rank; };
}
/// Ranks between the two, and sizes from `size` on along the last `axes` axes.
bool spacious(const Tensor& x, int lowest, int highest, int axes, std::int64_t size) {
    if (x.ndim() < lowest || x.ndim() > highest) return false;
    for (int axis = 1; axis <= axes; ++axis)
        if (x.shape(-axis) < size) return false;
    return true;
}
/// No two elements that rounding could bring into another order.
bool distinct(const Tensor& x) {
    return x.size() < 2 || range_of(diff(sort(stop_gradient(ravel(x)).to(DType::f64)))).nearest > 1e-5;
}

/// Indices for each element of x: arguments are the axis and then as many numbers.
bool draw_indices(Random& random, In x, Ints& n) {
    if (x[0].ndim() == 0 || x[0].size() > 40) return false;
    n = {random.below(x[0].ndim())};
    for (std::int64_t k = x[0].size(); k > 0; --k) n.push_back(random.below(x[0].shape(static_cast<int>(n[0]))));
    return true;
}
Tensor indices_of(const Tensor& x, const Ints& n) { return tensor(Ints(n.begin() + 1, n.end()), x.shape()); }

void add_functions(std::vector<Operation>& t) {
    t.push_back({"cbrt_of_square", "pow(square($0) + 1, 1.0 / 3)", 1, always(),
                 [](In x, const Ints&) { return pow(square(x[0]) + 1, 1.0 / 3); }});
    t.push_back(unary("exp2", [](const Tensor& x) { return exp2(x); }, within(-20, 4)));
    t.push_back(unary("log2", [](const Tensor& x) { return log2(x); }, within(0.1, 1e3)));
    t.push_back(unary("log10", [](const Tensor& x) { return log10(x); }, within(0.1, 1e3)));
    t.push_back(unary("acos", [](const Tensor& x) { return acos(x); }, within(-0.9, 0.9)));
    t.push_back(unary("cosh", [](const Tensor& x) { return cosh(x); }, within(-3, 3)));
    t.push_back(unary("acosh", [](const Tensor& x) { return acosh(x); }, within(1.2, 1e3)));
    t.push_back(unary("atanh", [](const Tensor& x) { return atanh(x); }, within(-0.9, 0.9)));
    t.push_back(unary("erfc", [](const Tensor& x) { return erfc(x); }, within(-3, 3)));
    t.push_back(unary("erfinv", [](const Tensor& x) { return erfinv(x); }, within(-0.9, 0.9)));
    t.push_back(unary("lgamma", [](const Tensor& x) { return lgamma(x); }, within(0.2, 30)));
    t.push_back(unary(
        "sinc", [](const Tensor& x) { return sinc(x); },
        [](Random&, In x, Ints&) {
            const Range r = range_of(x[0]);  // at other integers rounding decides whether it is 0
            return r.nearest > 1e-3 && r.low > -0.9 && r.high < 0.9;
        }));
    t.push_back(unary("logsigmoid", [](const Tensor& x) { return logsigmoid(x); }));
    t.push_back(unary("softsign", [](const Tensor& x) { return softsign(x); }));
    t.push_back(unary("mish", [](const Tensor& x) { return mish(x); }));
    t.push_back(unary("selu", [](const Tensor& x) { return selu(x); }, clear_of_all({0})));
    t.push_back(unary("celu", [](const Tensor& x) { return celu(x); }));
    t.push_back(unary("hardtanh", [](const Tensor& x) { return hardtanh(x); }, clear_of_all({-1, 1})));
    t.push_back(unary("relu6", [](const Tensor& x) { return relu6(x); }, clear_of_all({0, 6})));
    t.push_back(unary("hardsigmoid", [](const Tensor& x) { return hardsigmoid(x); }, clear_of_all({-3, 3})));
    t.push_back(unary("hardswish", [](const Tensor& x) { return hardswish(x); }, clear_of_all({-3, 3})));
    t.push_back(unary("tanhshrink", [](const Tensor& x) { return tanhshrink(x); }));
    t.push_back(unary("softshrink", [](const Tensor& x) { return softshrink(x); }, clear_of_all({-0.5, 0.5})));
    t.push_back(unary("hardshrink", [](const Tensor& x) { return hardshrink(x); }, clear_of_all({-0.5, 0.5})));
    t.push_back(binary(
        "xlogy", [](const Tensor& a, const Tensor& b) { return xlogy(a, b); },
        [](Random&, In x, Ints&) { return broadcast(x) && range_of(x[1]).low > 0.1; }));
    t.push_back(binary(
        "fmax", [](const Tensor& a, const Tensor& b) { return fmax(a, b); },
        [draw = comparing()](Random& random, In x, Ints& n) {
            return draw(random, x, n) && range_of(stop_gradient(x[0]) - stop_gradient(x[1])).nearest > 0;
        }));
    t.push_back({"remainder", "remainder($0, 1.25)", 1,
                 [](Random&, In x, Ints&) {
                     const Tensor quotient = stop_gradient(x[0]).to(DType::f64) / 1.25;
                     return range_of(quotient - round(quotient)).nearest > 1e-4;
                 },
                 [](In x, const Ints&) { return remainder(x[0], 1.25); }});
}

void add_indexing(std::vector<Operation>& t) {
    t.push_back({"gather", "gather($0, #0, tensor<std::int64_t>(#1+, $0.shape()))", 1, draw_indices,
                 [](In x, const Ints& n) { return gather(x[0], number(n, 0), indices_of(x[0], n)); }});
    t.push_back(
        {"scatter_add", "scatter_add($0, #0, tensor<std::int64_t>(#1+, $0.shape()), square($0))", 1, draw_indices,
         [](In x, const Ints& n) { return scatter_add(x[0], number(n, 0), indices_of(x[0], n), square(x[0])); }});
    t.push_back({"pad", "pad($0, {{#0, #1}})", 1,
                 [](Random& random, In x, Ints& n) { return n = {random.below(3), random.below(3)}, x[0].ndim() == 1; },
                 [](In x, const Ints& n) { return pad(x[0], {{n[0], n[1]}}); }});
    t.push_back({"pad_last", "pad($0, {{0, 0}, {#0, #1}}, {.mode = PadMode::reflect})", 1,
                 [](Random& random, In x, Ints& n) {
                     return n = {random.below(2), random.below(3)}, spacious(x[0], 2, 2, 1, 3);
                 },
                 [](In x, const Ints& n) { return pad(x[0], {{0, 0}, {n[0], n[1]}}, {.mode = PadMode::reflect}); }});
    t.push_back({"unfold", "unfold($0, #0, 2, 1)", 1,
                 [](Random& random, In x, Ints& n) {
                     if (x[0].ndim() == 0) return false;
                     return n = {random.below(x[0].ndim())}, x[0].shape(static_cast<int>(n[0])) >= 2;
                 },
                 [](In x, const Ints& n) { return unfold(x[0], number(n, 0), 2, 1); }});
    t.push_back({"tile", "tile($0, {2, 1})", 1, at_least(1), [](In x, const Ints&) { return tile(x[0], {2, 1}); }});
    t.push_back({"repeat", "repeat($0, 2, #0)", 1, along_axis(),
                 [](In x, const Ints& n) { return repeat(x[0], 2, number(n, 0)); }});
    t.push_back(binary(
        "kron", [](const Tensor& a, const Tensor& b) { return kron(a, b); },
        [](Random&, In x, Ints&) { return x[0].ndim() == 2 && x[1].ndim() == 2; }));
    t.push_back(
        {"tensordot", "tensordot($0, $1, {0}, {0})", 2,
         [](Random&, In x, Ints&) { return x[0].ndim() >= 1 && x[1].ndim() >= 1 && x[0].shape(0) == x[1].shape(0); },
         [](In x, const Ints&) { return tensordot(x[0], x[1], {0}, {0}); }});
}

void add_layers(std::vector<Operation>& t) {
    const Draw sizeable = [](Random&, In x, Ints&) {
        return x[0].ndim() >= 1 && x[0].shape(-1) >= 2 && range_of(var(stop_gradient(x[0]), -1)).nearest > 1e-3;
    };
    t.push_back(
        {"layer_norm", "layer_norm($0, {$0.shape(-1)}, Tensor(), Tensor(), {.eps = 0.1})", 1, sizeable,
         [](In x, const Ints&) { return layer_norm(x[0], {x[0].shape(-1)}, Tensor(), Tensor(), {.eps = 0.1}); }});
    const auto windows = [](int lowest, int highest, int axes) -> Draw {
        return [=](Random&, In x, Ints&) { return spacious(x[0], lowest, highest, axes, 2) && distinct(x[0]); };
    };
    t.push_back({"max_pool2d", "max_pool2d($0, 2, {.stride = 1})", 1, windows(3, 4, 2),
                 [](In x, const Ints&) { return max_pool2d(x[0], 2, {.stride = 1}); }});
    t.push_back({"avg_pool2d", "avg_pool2d($0, 2, {.padding = 1})", 1, windows(3, 4, 2),
                 [](In x, const Ints&) { return avg_pool2d(x[0], 2, {.padding = 1}); }});
    t.push_back({"max_pool1d", "max_pool1d($0, 2)", 1, windows(2, 3, 1),
                 [](In x, const Ints&) { return max_pool1d(x[0], 2); }});
    // One filter for all channels, made of the second input.
    const Draw filtered = [](Random&, In x, Ints&) {
        return spacious(x[0], 3, 3, 1, 3) && x[1].ndim() == 3 && x[1].shape(1) == x[0].shape(1) &&
               x[1].shape(2) <= x[0].shape(2);
    };
    t.push_back({"conv1d", "conv1d($0, $1, Tensor(), {.padding = 1})", 2, filtered,
                 [](In x, const Ints&) { return conv1d(x[0], x[1], Tensor(), {.padding = 1}); }});
    t.push_back({"conv1d_strided", "conv1d($0, $1, Tensor(), {.stride = 2})", 2, filtered,
                 [](In x, const Ints&) { return conv1d(x[0], x[1], Tensor(), {.stride = 2}); }});
    const Draw planes = [](Random&, In x, Ints&) {
        return spacious(x[0], 3, 3, 2, 2) && x[1].ndim() == 3 && x[1].shape(1) <= x[0].shape(1) &&
               x[1].shape(2) <= x[0].shape(2);
    };
    // Input and filters with the batch and the channel axis of size 1.
    t.push_back({"conv2d", "conv2d(expand_dims($0, 1), expand_dims($1, 1))", 2, planes,
                 [](In x, const Ints&) { return conv2d(expand_dims(x[0], 1), expand_dims(x[1], 1)); }});
    t.push_back({"conv_transpose2d",
                 "conv_transpose2d(expand_dims($0, 1), expand_dims($1, 0), Tensor(), {.stride = 2})", 2,
                 [](Random&, In x, Ints&) { return x[0].ndim() == 3 && x[1].ndim() == 3; },
                 [](In x, const Ints&) {
                     return conv_transpose2d(expand_dims(x[0], 1), expand_dims(x[1], 0), Tensor(), {.stride = 2});
                 }});
    t.push_back({"attention", "scaled_dot_product_attention($0, $1, $1)", 2,
                 [](Random&, In x, Ints&) {
                     return x[0].ndim() == 3 && x[1].ndim() == 3 && x[0].shape(0) == x[1].shape(0) &&
                            x[0].shape(2) == x[1].shape(2);
                 },
                 [](In x, const Ints&) { return scaled_dot_product_attention(x[0], x[1], x[1]); }});
}

}  // namespace

void add_neural(std::vector<Operation>& t) {
    add_functions(t);
    add_indexing(t);
    add_layers(t);
}

}  // namespace oracle
