#include <stdexcept>

#include "draws.hpp"

// The operations that programs are made of. torch_side.cpp says what each is in libtorch.

namespace oracle {
namespace {

void add_elementwise(std::vector<Operation>& t) {
    t.push_back(unary("negative", [](const Tensor& x) { return negative(x); }));
    t.push_back(unary("abs", [](const Tensor& x) { return abs(x); }, clear_of_all({0})));
    t.push_back(unary("square", [](const Tensor& x) { return square(x); }));
    t.push_back(unary("sqrt", [](const Tensor& x) { return sqrt(x); }, within(0.1, 1e3)));
    t.push_back(unary(
        "reciprocal", [](const Tensor& x) { return reciprocal(x); },
        [](Random&, In x, Ints&) { return range_of(x[0]).nearest > 0.3; }));
    t.push_back(unary("exp", [](const Tensor& x) { return exp(x); }, within(-20, 3)));
    t.push_back(unary("expm1", [](const Tensor& x) { return expm1(x); }, within(-20, 3)));
    t.push_back(unary("log", [](const Tensor& x) { return log(x); }, within(0.1, 1e3)));
    t.push_back(unary("log1p", [](const Tensor& x) { return log1p(x); }, within(-0.8, 1e3)));
    t.push_back(unary("sin", [](const Tensor& x) { return sin(x); }, within(-30, 30)));
    t.push_back(unary("cos", [](const Tensor& x) { return cos(x); }, within(-30, 30)));
    t.push_back(unary("tan", [](const Tensor& x) { return tan(x); }, within(-1.2, 1.2)));
    t.push_back(unary("asin", [](const Tensor& x) { return asin(x); }, within(-0.9, 0.9)));
    t.push_back(unary("atan", [](const Tensor& x) { return atan(x); }));
    t.push_back(unary("sinh", [](const Tensor& x) { return sinh(x); }, within(-3, 3)));
    t.push_back(unary("tanh", [](const Tensor& x) { return tanh(x); }));
    t.push_back(unary("asinh", [](const Tensor& x) { return asinh(x); }));
    t.push_back(unary("erf", [](const Tensor& x) { return erf(x); }));
    t.push_back(unary("sigmoid", [](const Tensor& x) { return sigmoid(x); }));
    t.push_back(unary("relu", [](const Tensor& x) { return relu(x); }, clear_of_all({0})));
    t.push_back(unary("leaky_relu", [](const Tensor& x) { return leaky_relu(x); }, clear_of_all({0})));
    t.push_back(unary("elu", [](const Tensor& x) { return elu(x); }));
    t.push_back(unary("gelu", [](const Tensor& x) { return gelu(x); }));
    t.push_back(unary("silu", [](const Tensor& x) { return silu(x); }));
    t.push_back(unary(
        "softplus", [](const Tensor& x) { return softplus(x); },
        within(-15, 15)));  // libtorch takes the line from 20 on
    t.push_back(
        {"clip", "clip($0, -1, 1)", 1, clear_of_all({-1, 1}), [](In x, const Ints&) { return clip(x[0], -1, 1); }});
    t.push_back({"scale", "$0 * 1.5", 1, always(), [](In x, const Ints&) { return x[0] * 1.5; }});
    t.push_back({"shift", "2 - $0", 1, always(), [](In x, const Ints&) { return 2 - x[0]; }});
    t.push_back({"cube", "pow($0, 3)", 1, always(), [](In x, const Ints&) { return pow(x[0], 3); }});
    t.push_back({"detached", "$0 * stop_gradient($0)", 1, always(),
                 [](In x, const Ints&) { return x[0] * stop_gradient(x[0]); }});
    t.push_back({"to_f64", "$0.to(DType::f64)", 1, always(), [](In x, const Ints&) { return x[0].to(DType::f64); }});
    t.push_back({"to_f32", "$0.to(DType::f32)", 1, [](Random& random, In, Ints&) { return random.chance(0.2); },
                 [](In x, const Ints&) { return x[0].to(DType::f32); }});

    t.push_back(binary("add", [](const Tensor& a, const Tensor& b) { return add(a, b); }));
    t.push_back(binary("subtract", [](const Tensor& a, const Tensor& b) { return subtract(a, b); }));
    t.push_back(binary("multiply", [](const Tensor& a, const Tensor& b) { return multiply(a, b); }));
    t.push_back(binary("divide", [](const Tensor& a, const Tensor& b) { return divide(a, b); }, dividing()));
    t.push_back(binary("maximum", [](const Tensor& a, const Tensor& b) { return maximum(a, b); }, comparing()));
    t.push_back(binary("minimum", [](const Tensor& a, const Tensor& b) { return minimum(a, b); }, comparing()));
    t.push_back(binary("logaddexp", [](const Tensor& a, const Tensor& b) { return logaddexp(a, b); }));
    t.push_back(binary(
        "atan2", [](const Tensor& a, const Tensor& b) { return atan2(a, b); },
        [](Random&, In x, Ints&) {
            return broadcast(x) && range_of(x[0]).nearest > 1e-6 && range_of(x[1]).nearest > 0.3;
        }));
    t.push_back(binary("hypot", [](const Tensor& a, const Tensor& b) { return hypot(a, b); }, dividing()));
    t.push_back(binary(
        "pow", [](const Tensor& a, const Tensor& b) { return pow(a, b); },
        [](Random&, In x, Ints&) {
            const Range a = range_of(x[0]), b = range_of(x[1]);
            return broadcast(x) && a.low > 0.2 && a.high < 10 && b.low > -3 && b.high < 3;
        }));
    t.push_back({"larger_or_sum", "where(greater($0, $1), $0, $0 + $1)", 2, comparing(),
                 [](In x, const Ints&) { return where(greater(x[0], x[1]), x[0], x[0] + x[1]); }});
}

void add_reductions(std::vector<Operation>& t) {
    t.push_back(reduction("sum", [](const Tensor& x, int axis, bool keep) { return sum(x, axis, keep); }));
    t.push_back(reduction("mean", [](const Tensor& x, int axis, bool keep) { return mean(x, axis, keep); }));
    t.push_back(reduction(
        "max", [](const Tensor& x, int axis, bool keep) { return max(x, axis, keep); }, along_axis_comparing()));
    t.push_back(reduction(
        "min", [](const Tensor& x, int axis, bool keep) { return min(x, axis, keep); }, along_axis_comparing()));
    t.push_back(reduction("prod", [](const Tensor& x, int axis, bool keep) { return prod(x, axis, keep); }));
    t.push_back(reduction("logsumexp", [](const Tensor& x, int axis, bool keep) { return logsumexp(x, axis, keep); }));
    t.push_back({"var", "var($0, #0, 0, #1)", 1, along_axis(),
                 [](In x, const Ints& n) { return var(x[0], number(n, 0), 0, n[1] != 0); }});
    t.push_back({"norm", "norm($0, 2, #0, #1)", 1, along_axis(),
                 [](In x, const Ints& n) { return norm(x[0], 2, number(n, 0), n[1] != 0); }});
    t.push_back(
        {"norm1", "norm($0, 1, #0, #1)", 1,
         [draw = along_axis()](Random& random, In x, Ints& n) { return clear_of(0, x[0]) && draw(random, x, n); },
         [](In x, const Ints& n) { return norm(x[0], 1, number(n, 0), n[1] != 0); }});
    t.push_back({"sum_all", "sum($0)", 1, always(), [](In x, const Ints&) { return sum(x[0]); }});
    t.push_back({"mean_all", "mean($0)", 1, always(), [](In x, const Ints&) { return mean(x[0]); }});
    t.push_back({"max_all", "max($0)", 1, [](Random&, In x, Ints&) { return without_near_ties(ravel(x[0]), 0); },
                 [](In x, const Ints&) { return max(x[0]); }});
    t.push_back(scan("softmax", [](const Tensor& x, int axis) { return softmax(x, axis); }));
    t.push_back(scan("log_softmax", [](const Tensor& x, int axis) { return log_softmax(x, axis); }));
    t.push_back(scan("cumsum", [](const Tensor& x, int axis) { return cumsum(x, axis); }));
    t.push_back(scan("cumprod", [](const Tensor& x, int axis) { return cumprod(x, axis); }));
    t.push_back(scan("logcumsumexp", [](const Tensor& x, int axis) { return logcumsumexp(x, axis); }));
}

void add_special_functions(std::vector<Operation>& t) {
    t.push_back(unary("erfc", [](const Tensor& x) { return erfc(x); }));
    t.push_back(unary("erfinv", [](const Tensor& x) { return erfinv(x); }, within(-0.95, 0.95)));
    t.push_back(unary("lgamma", [](const Tensor& x) { return lgamma(x); }, within(0.3, 1e3)));
    // Not digamma and polygamma: libtorch's trigamma is right to nine digits only.
    t.push_back(unary(  // at the integers libtorch's is not 0
        "sinc", [](const Tensor& x) { return sinc(x); },
        [](Random&, In x, Ints&) {
            return range_of(x[0]).nearest > 0.3 &&
                   range_of(stop_gradient(x[0]) - round(stop_gradient(x[0]))).nearest > 1e-3;
        }));
    t.push_back(binary(
        "xlogy", [](const Tensor& a, const Tensor& b) { return xlogy(a, b); },
        [](Random&, In x, Ints&) { return broadcast(x) && range_of(x[0]).nearest > 0 && range_of(x[1]).low > 0.1; }));
}

void add_activations(std::vector<Operation>& t) {
    t.push_back(unary("softsign", [](const Tensor& x) { return softsign(x); }));
    t.push_back(unary("mish", [](const Tensor& x) { return mish(x); }, within(-15, 15)));
    t.push_back(unary("logsigmoid", [](const Tensor& x) { return logsigmoid(x); }));
    t.push_back(unary("tanhshrink", [](const Tensor& x) { return tanhshrink(x); }));
    t.push_back(unary("selu", [](const Tensor& x) { return selu(x); }, clear_of_all({0})));
    t.push_back(unary("celu", [](const Tensor& x) { return celu(x); }));
    t.push_back(unary("hardtanh", [](const Tensor& x) { return hardtanh(x); }, clear_of_all({-1, 1})));
    t.push_back(unary("relu6", [](const Tensor& x) { return relu6(x); }, clear_of_all({0, 6})));
    t.push_back(unary("hardsigmoid", [](const Tensor& x) { return hardsigmoid(x); }, clear_of_all({-3, 3})));
    t.push_back(unary(
        "hardswish", [](const Tensor& x) { return hardswish(x); },
        within(-2.9, 2.9)));  // at 3 libtorch gives 1 or 3/2, by the length
    t.push_back(unary("softshrink", [](const Tensor& x) { return softshrink(x); }, clear_of_all({-0.5, 0.5})));
    t.push_back(unary("hardshrink", [](const Tensor& x) { return hardshrink(x); }, clear_of_all({-0.5, 0.5})));
    t.push_back({"threshold", "threshold($0, 0.5, -3)", 1, clear_of_all({0.5}),
                 [](In x, const Ints&) { return threshold(x[0], 0.5, -3); }});
    t.push_back(
        {"prelu", "prelu($0, 0.25)", 1, clear_of_all({0}), [](In x, const Ints&) { return prelu(x[0], 0.25); }});
}

void add_order(std::vector<Operation>& t) {
    const Draw draw = along_axis_comparing();
    const Draw draw_long = [draw](Random& random, In x, Ints& n) {
        return draw(random, x, n) && x[0].shape(static_cast<int>(n[0])) > 1;
    };
    t.push_back({"cummax", "cummax($0, #0).values", 1, draw,
                 [](In x, const Ints& n) { return cummax(x[0], number(n, 0)).values; }});
    t.push_back({"cummin", "cummin($0, #0).values", 1, draw,
                 [](In x, const Ints& n) { return cummin(x[0], number(n, 0)).values; }});
    t.push_back(
        {"diff", "diff($0, 1, #0)", 1, draw_long, [](In x, const Ints& n) { return diff(x[0], 1, number(n, 0)); }});
    t.push_back({"quantile", "quantile($0, 0.3, #0, Quantile::linear, #1)", 1, draw,
                 [](In x, const Ints& n) { return quantile(x[0], 0.3, number(n, 0), Quantile::linear, n[1] != 0); }});
    t.push_back(reduction("median", [](const Tensor& x, int axis, bool keep) { return median(x, axis, keep); }, draw));
    t.push_back(reduction("ptp", [](const Tensor& x, int axis, bool keep) { return ptp(x, axis, keep); }, draw));
    // Which of equal elements is taken is not promised by libtorch.
    const Draw different = [draw_long](Random& random, In x, Ints& n) {
        if (!draw_long(random, x, n)) return false;
        const Tensor steps = diff(sort(stop_gradient(x[0]), static_cast<int>(n[0])), 1, static_cast<int>(n[0]));
        return range_of(steps).nearest > 0;
    };
    t.push_back({"topk", "topk($0, 2, #0).values", 1, different,
                 [](In x, const Ints& n) { return topk(x[0], 2, number(n, 0)).values; }});
    t.push_back({"sort_down", "sort($0, #0, true)", 1, different,
                 [](In x, const Ints& n) { return sort(x[0], number(n, 0), true); }});
}

void add_shapes(std::vector<Operation>& t) {
    t.push_back({"permute", "permute($0, #*)", 1,
                 [](Random& random, In x, Ints& n) { return n = random.permutation(x[0].ndim()), x[0].ndim() > 1; },
                 [](In x, const Ints& n) { return permute(x[0], numbers(n)); }});
    t.push_back({"reshape", "reshape($0, #*)", 1,
                 [](Random& random, In x, Ints& n) {
                     std::int64_t left = x[0].size();
                     while (left > 1 && n.size() < 3) {
                         std::int64_t factor = random.between(1, left);
                         while (left % factor) --factor;
                         n.push_back(factor);
                         left /= factor;
                     }
                     n.push_back(left);
                     return true;
                 },
                 [](In x, const Ints& n) { return reshape(x[0], Shape(n)); }});
    t.push_back({"expand_dims", "expand_dims($0, #0)", 1,
                 [](Random& random, In x, Ints& n) { return n = {random.between(0, x[0].ndim())}, x[0].ndim() < 4; },
                 [](In x, const Ints& n) { return expand_dims(x[0], number(n, 0)); }});
    t.push_back({"squeeze", "squeeze($0)", 1, always(), [](In x, const Ints&) { return squeeze(x[0]); }});
    t.push_back({"broadcast_to", "broadcast_to($0, #*)", 1,
                 [](Random& random, In x, Ints& n) {
                     for (const auto size : x[0].shape()) n.push_back(size == 1 ? random.between(1, 4) : size);
                     if (n.size() < 3 && random.chance(0.5)) n.insert(n.begin(), random.between(1, 3));
                     return true;
                 },
                 [](In x, const Ints& n) { return broadcast_to(x[0], Shape(n)); }});
    t.push_back({"slice", "slice($0, #0, #1, #2, #3)", 1,
                 [](Random& random, In x, Ints& n) {
                     if (x[0].ndim() == 0) return false;
                     const auto axis = random.below(x[0].ndim()), size = x[0].shape(static_cast<int>(axis)),
                                start = random.below(size);
                     n = {axis, start, random.between(start + 1, size), random.between(1, 2)};
                     return true;
                 },
                 [](In x, const Ints& n) { return slice(x[0], number(n, 0), n[1], n[2], n[3]); }});
    t.push_back({"select", "select($0, #0, #1)", 1,
                 [](Random& random, In x, Ints& n) {
                     if (x[0].ndim() == 0) return false;
                     const auto axis = random.below(x[0].ndim()), size = x[0].shape(static_cast<int>(axis));
                     n = {axis, random.between(-size, size - 1)};
                     return true;
                 },
                 [](In x, const Ints& n) { return select(x[0], number(n, 0), n[1]); }});
    t.push_back(
        {"flip", "flip($0, #0)", 1, along_axis(), [](In x, const Ints& n) { return flip(x[0], number(n, 0)); }});
    t.push_back({"roll", "roll($0, #1, #0)", 1,
                 [](Random& random, In x, Ints& n) {
                     if (x[0].ndim() == 0) return false;
                     return n = {random.below(x[0].ndim()), random.between(-3, 3)}, true;
                 },
                 [](In x, const Ints& n) { return roll(x[0], n[1], number(n, 0)); }});
    t.push_back({"tril", "tril($0, #0)", 1,
                 [](Random& random, In x, Ints& n) { return n = {random.between(-1, 1)}, x[0].ndim() >= 2; },
                 [](In x, const Ints& n) { return tril(x[0], n[0]); }});
    t.push_back({"diagonal", "diagonal($0, #0)", 1, [](Random&, In x, Ints& n) { return n = {0}, x[0].ndim() >= 2; },
                 [](In x, const Ints& n) { return diagonal(x[0], n[0]); }});
    // Arguments: the axis, then the indices, repeated ones among them.
    t.push_back({"take", "take($0, tensor<std::int64_t>(#1+), #0)", 1,
                 [](Random& random, In x, Ints& n) {
                     if (x[0].ndim() == 0) return false;
                     n = {random.below(x[0].ndim())};
                     const auto size = x[0].shape(number(n, 0));
                     for (auto count = random.between(1, 4); count > 0; --count) n.push_back(random.below(size));
                     return true;
                 },
                 [](In x, const Ints& n) {
                     return take(x[0], tensor(std::vector<std::int64_t>(n.begin() + 1, n.end())), number(n, 0));
                 }});
    const Draw joinable = [](Random& random, In x, Ints& n) {
        if (x[0].ndim() == 0 || x[0].shape() != x[1].shape()) return false;
        return n = {random.below(x[0].ndim())}, true;
    };
    t.push_back({"concat", "concat({$0, $1}, #0)", 2, joinable,
                 [](In x, const Ints& n) { return concat({x[0], x[1]}, number(n, 0)); }});
    t.push_back({"stack", "stack({$0, $1}, #0)", 2, joinable,
                 [](In x, const Ints& n) { return stack({x[0], x[1]}, number(n, 0)); }});
    t.push_back({"sort", "sort($0, #0)", 1,
                 [](Random& random, In x, Ints& n) {
                     if (x[0].ndim() == 0) return false;
                     n = {random.below(x[0].ndim())};
                     // Which of equal elements comes first is nobody's promise.
                     const Tensor sorted = sort(stop_gradient(x[0]).to(DType::f64), number(n, 0));
                     return sorted.shape(number(n, 0)) < 2 || range_of(diff(sorted, 1, number(n, 0))).nearest > 1e-6;
                 },
                 [](In x, const Ints& n) { return sort(x[0], number(n, 0)); }});
}

void add_matrices(std::vector<Operation>& t) {
    t.push_back(binary(
        "matmul", [](const Tensor& a, const Tensor& b) { return matmul(a, b); },
        [](Random&, In x, Ints&) {
            if (x[0].ndim() == 0 || x[1].ndim() == 0) return false;
            const Shape &a = x[0].shape(), &b = x[1].shape();
            if (a.back() != (b.rank() == 1 ? b[0] : b[b.rank() - 2])) return false;
            const auto batch = [](const Shape& s) { return zeros(Shape(s.begin(), std::max(0, s.rank() - 2))); };
            return broadcast({batch(a), batch(b)});
        }));
    const Draw same_columns = [](Random&, In x, Ints&) {
        return x[0].ndim() == 2 && x[1].ndim() == 2 && x[0].shape(1) == x[1].shape(1);
    };
    t.push_back(binary("linear", [](const Tensor& a, const Tensor& b) { return linear(a, b); }, same_columns));
    t.push_back({"einsum", "einsum(\"ij,kj->kij\", {$0, $1})", 2, same_columns,
                 [](In x, const Ints&) { return einsum("ij,kj->kij", x); }});
    t.push_back({"gram", "matmul($0, swapaxes($0, -1, -2))", 1, [](Random&, In x, Ints&) { return x[0].ndim() >= 2; },
                 [](In x, const Ints&) { return matmul(x[0], swapaxes(x[0], -1, -2)); }});
    t.push_back(binary(
        "outer", [](const Tensor& a, const Tensor& b) { return outer(a, b); },
        [](Random&, In x, Ints&) { return x[0].ndim() == 1 && x[1].ndim() == 1; }));
    t.push_back({"inv", "inv($0 * 0.1 + eye($0.shape(-1), $0.dtype()))", 1, square_matrices(2),
                 [](In x, const Ints&) { return inv(x[0] * 0.1 + identity(x[0])); }});
    t.push_back({"solve", "solve($0 * 0.1 + eye($0.shape(-1), $0.dtype()), $0)", 1, square_matrices(2),
                 [](In x, const Ints&) { return solve(x[0] * 0.1 + identity(x[0]), x[0]); }});
    t.push_back(
        {"cholesky", "cholesky(matmul($0, swapaxes($0, -1, -2)) + eye($0.shape(-2), $0.dtype()))", 1,
         [](Random&, In x, Ints&) { return x[0].ndim() >= 2 && range_of(x[0]).high < 4 && range_of(x[0]).low > -4; },
         [](In x, const Ints&) {
             return cholesky(matmul(x[0], swapaxes(x[0], -1, -2)) + eye(x[0].shape(-2), x[0].dtype()));
         }});
    // libtorch's gradient of det is wrong where the matrix is singular.
    t.push_back({"det", "det($0)", 1,
                 [draw = square_matrices(3)](Random& random, In x, Ints& n) {
                     return draw(random, x, n) && range_of(det(x[0])).nearest > 0.05;
                 },
                 [](In x, const Ints&) { return det(x[0]); }});
    t.push_back(
        {"matrix_exp", "matrix_exp($0)", 1, square_matrices(1), [](In x, const Ints&) { return matrix_exp(x[0]); }});
}

}  // namespace

const std::vector<Operation>& operations() {
    static const std::vector<Operation> table = [] {
        std::vector<Operation> t;
        add_elementwise(t);
        add_reductions(t);
        add_special_functions(t);
        add_activations(t);
        add_order(t);
        add_shapes(t);
        add_matrices(t);
        add_neural(t);
        return t;
    }();
    return table;
}

const Operation& operation_named(const std::string& name) {
    for (const Operation& operation : operations())
        if (operation.name == name) return operation;
    throw std::logic_error("no operation " + name);
}

}  // namespace oracle
