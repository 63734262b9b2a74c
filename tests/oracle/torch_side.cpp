#include <torch/torch.h>

#include <cmath>
#include <functional>
#include <map>

#include "program.hpp"

// The same programs with libtorch.

namespace oracle {
namespace {

using torch::Tensor;
using In = const std::vector<Tensor>&;
using Run = std::function<Tensor(In, const Ints&)>;

Tensor to_tensor(const Array& a) {
    const Tensor x = torch::tensor(a.values, torch::kDouble).reshape(a.shape);
    return a.single ? x.to(torch::kFloat) : x;
}

Array to_array(const Tensor& x) {
    Array a{x.sizes().vec(), x.scalar_type() == torch::kFloat, {}};
    const Tensor doubles = x.detach().to(torch::kDouble).contiguous();
    a.values.assign(doubles.data_ptr<double>(), doubles.data_ptr<double>() + doubles.numel());
    return a;
}

Tensor identity(const Tensor& x, int axis = -1) { return torch::eye(x.size(axis), x.options().requires_grad(false)); }

Tensor indices_of(const Tensor& x, const Ints& n) {
    return torch::tensor(Ints(n.begin() + 1, n.end())).reshape(x.sizes());
}

template <class F>
Run unary(F f) {
    return [f](In x, const Ints&) { return f(x[0]); };
}
template <class F>
Run binary(F f) {
    return [f](In x, const Ints&) { return f(x[0], x[1]); };
}

const std::map<std::string, Run>& table() {
    static const std::map<std::string, Run> runs{
        {"negative", unary([](const Tensor& x) { return -x; })},
        {"abs", unary([](const Tensor& x) { return x.abs(); })},
        {"square", unary([](const Tensor& x) { return x.square(); })},
        {"sqrt", unary([](const Tensor& x) { return x.sqrt(); })},
        {"reciprocal", unary([](const Tensor& x) { return x.reciprocal(); })},
        {"exp", unary([](const Tensor& x) { return x.exp(); })},
        {"expm1", unary([](const Tensor& x) { return x.expm1(); })},
        {"log", unary([](const Tensor& x) { return x.log(); })},
        {"log1p", unary([](const Tensor& x) { return x.log1p(); })},
        {"sin", unary([](const Tensor& x) { return x.sin(); })},
        {"cos", unary([](const Tensor& x) { return x.cos(); })},
        {"tan", unary([](const Tensor& x) { return x.tan(); })},
        {"asin", unary([](const Tensor& x) { return x.asin(); })},
        {"atan", unary([](const Tensor& x) { return x.atan(); })},
        {"sinh", unary([](const Tensor& x) { return x.sinh(); })},
        {"tanh", unary([](const Tensor& x) { return x.tanh(); })},
        {"asinh", unary([](const Tensor& x) { return x.asinh(); })},
        {"erf", unary([](const Tensor& x) { return x.erf(); })},
        {"sigmoid", unary([](const Tensor& x) { return x.sigmoid(); })},
        {"relu", unary([](const Tensor& x) { return x.relu(); })},
        {"leaky_relu", unary([](const Tensor& x) { return torch::leaky_relu(x); })},
        {"elu", unary([](const Tensor& x) { return torch::elu(x); })},
        // torch::gelu has a wrong gradient in f32 where what comes back is stored in another order.
        {"gelu", unary([](const Tensor& x) { return 0.5 * x * (1 + (x * std::sqrt(0.5)).erf()); })},
        {"silu", unary([](const Tensor& x) { return torch::silu(x); })},
        {"softplus", unary([](const Tensor& x) { return torch::softplus(x); })},
        {"clip", unary([](const Tensor& x) { return x.clamp(-1, 1); })},
        {"scale", unary([](const Tensor& x) { return x * 1.5; })},
        {"shift", unary([](const Tensor& x) { return 2 - x; })},
        {"cube", unary([](const Tensor& x) { return x.pow(3); })},
        {"detached", unary([](const Tensor& x) { return x * x.detach(); })},
        {"to_f64", unary([](const Tensor& x) { return x.to(torch::kDouble); })},
        {"to_f32", unary([](const Tensor& x) { return x.to(torch::kFloat); })},
        {"add", binary([](const Tensor& a, const Tensor& b) { return a + b; })},
        {"subtract", binary([](const Tensor& a, const Tensor& b) { return a - b; })},
        {"multiply", binary([](const Tensor& a, const Tensor& b) { return a * b; })},
        {"divide", binary([](const Tensor& a, const Tensor& b) { return a / b; })},
        {"maximum", binary([](const Tensor& a, const Tensor& b) { return torch::maximum(a, b); })},
        {"minimum", binary([](const Tensor& a, const Tensor& b) { return torch::minimum(a, b); })},
        {"logaddexp", binary([](const Tensor& a, const Tensor& b) { return torch::logaddexp(a, b); })},
        {"atan2", binary([](const Tensor& a, const Tensor& b) { return torch::atan2(a, b); })},
        {"hypot", binary([](const Tensor& a, const Tensor& b) { return torch::hypot(a, b); })},
        {"pow", binary([](const Tensor& a, const Tensor& b) { return torch::pow(a, b); })},
        {"larger_or_sum", binary([](const Tensor& a, const Tensor& b) { return torch::where(a > b, a, a + b); })},
        {"sum", [](In x, const Ints& n) { return x[0].sum(n[0], n[1] != 0); }},
        {"mean", [](In x, const Ints& n) { return x[0].mean(n[0], n[1] != 0); }},
        {"max", [](In x, const Ints& n) { return x[0].amax(n[0], n[1] != 0); }},
        {"min", [](In x, const Ints& n) { return x[0].amin(n[0], n[1] != 0); }},
        {"prod", [](In x, const Ints& n) { return x[0].prod(n[0], n[1] != 0); }},
        {"logsumexp", [](In x, const Ints& n) { return x[0].logsumexp(n[0], n[1] != 0); }},
        {"var", [](In x, const Ints& n) { return x[0].var(torch::IntArrayRef{n[0]}, false, n[1] != 0); }},
        {"norm", [](In x, const Ints& n) { return x[0].norm(2, torch::IntArrayRef{n[0]}, n[1] != 0); }},
        {"norm1", [](In x, const Ints& n) { return x[0].norm(1, torch::IntArrayRef{n[0]}, n[1] != 0); }},
        {"sum_all", unary([](const Tensor& x) { return x.sum(); })},
        {"mean_all", unary([](const Tensor& x) { return x.mean(); })},
        {"max_all", unary([](const Tensor& x) { return x.max(); })},
        {"softmax", [](In x, const Ints& n) { return x[0].softmax(n[0]); }},
        {"log_softmax", [](In x, const Ints& n) { return x[0].log_softmax(n[0]); }},
        {"cumsum", [](In x, const Ints& n) { return x[0].cumsum(n[0]); }},
        {"cumprod", [](In x, const Ints& n) { return x[0].cumprod(n[0]); }},
        {"logcumsumexp", [](In x, const Ints& n) { return x[0].logcumsumexp(n[0]); }},
        {"erfc", unary([](const Tensor& x) { return x.erfc(); })},
        {"erfinv", unary([](const Tensor& x) { return x.erfinv(); })},
        {"lgamma", unary([](const Tensor& x) { return x.lgamma(); })},
        {"sinc", unary([](const Tensor& x) { return x.sinc(); })},
        {"xlogy", binary([](const Tensor& a, const Tensor& b) { return torch::xlogy(a, b); })},
        {"softsign", unary([](const Tensor& x) { return x / (x.abs() + 1); })},
        {"mish", unary([](const Tensor& x) { return torch::mish(x); })},
        {"logsigmoid", unary([](const Tensor& x) { return torch::log_sigmoid(x); })},
        {"tanhshrink", unary([](const Tensor& x) { return x - x.tanh(); })},
        {"selu", unary([](const Tensor& x) { return torch::selu(x); })},
        {"celu", unary([](const Tensor& x) { return torch::celu(x); })},
        {"hardtanh", unary([](const Tensor& x) { return torch::hardtanh(x); })},
        {"relu6", unary([](const Tensor& x) { return torch::hardtanh(x, 0, 6); })},
        // torch::hardsigmoid has 1/6 in f32 even for f64.
        {"hardsigmoid", unary([](const Tensor& x) { return torch::hardtanh(x + 3, 0, 6) / 6; })},
        {"hardswish", unary([](const Tensor& x) { return torch::hardswish(x); })},
        {"softshrink", unary([](const Tensor& x) { return torch::softshrink(x); })},
        {"hardshrink", unary([](const Tensor& x) { return torch::hardshrink(x); })},
        {"threshold", unary([](const Tensor& x) { return torch::threshold(x, 0.5, -3); })},
        {"prelu", unary([](const Tensor& x) { return torch::where(x > 0, x, 0.25 * x); })},
        {"cummax", [](In x, const Ints& n) { return std::get<0>(x[0].cummax(n[0])); }},
        {"cummin", [](In x, const Ints& n) { return std::get<0>(x[0].cummin(n[0])); }},
        {"diff", [](In x, const Ints& n) { return x[0].diff(1, n[0]); }},
        {"quantile", [](In x, const Ints& n) { return x[0].quantile(0.3, n[0], n[1] != 0); }},
        {"median", [](In x, const Ints& n) { return x[0].quantile(0.5, n[0], n[1] != 0); }},
        {"ptp", [](In x, const Ints& n) { return x[0].amax(n[0], n[1] != 0) - x[0].amin(n[0], n[1] != 0); }},
        {"topk", [](In x, const Ints& n) { return std::get<0>(x[0].topk(2, n[0])); }},
        {"sort_down", [](In x, const Ints& n) { return std::get<0>(x[0].sort(n[0], true)); }},
        {"permute", [](In x, const Ints& n) { return x[0].permute(n); }},
        {"reshape", [](In x, const Ints& n) { return x[0].reshape(n); }},
        {"expand_dims", [](In x, const Ints& n) { return x[0].unsqueeze(n[0]); }},
        {"squeeze", unary([](const Tensor& x) { return x.squeeze(); })},
        {"broadcast_to", [](In x, const Ints& n) { return x[0].broadcast_to(n); }},
        {"slice", [](In x, const Ints& n) { return x[0].slice(n[0], n[1], n[2], n[3]); }},
        {"select", [](In x, const Ints& n) { return x[0].select(n[0], n[1]); }},
        {"flip", [](In x, const Ints& n) { return x[0].flip(torch::IntArrayRef{n[0]}); }},
        {"roll", [](In x, const Ints& n) { return x[0].roll(torch::IntArrayRef{n[1]}, torch::IntArrayRef{n[0]}); }},
        {"tril", [](In x, const Ints& n) { return x[0].tril(n[0]); }},
        {"diagonal", [](In x, const Ints& n) { return x[0].diagonal(n[0]); }},
        {"take",
         [](In x, const Ints& n) { return x[0].index_select(n[0], torch::tensor(Ints(n.begin() + 1, n.end()))); }},
        {"concat", [](In x, const Ints& n) { return torch::cat({x[0], x[1]}, n[0]); }},
        {"stack", [](In x, const Ints& n) { return torch::stack({x[0], x[1]}, n[0]); }},
        {"sort", [](In x, const Ints& n) { return std::get<0>(x[0].sort(n[0])); }},
        {"matmul", binary([](const Tensor& a, const Tensor& b) { return torch::matmul(a, b); })},
        {"linear", binary([](const Tensor& a, const Tensor& b) { return torch::linear(a, b); })},
        {"einsum", binary([](const Tensor& a, const Tensor& b) { return torch::einsum("ij,kj->kij", {a, b}); })},
        {"gram", unary([](const Tensor& x) { return torch::matmul(x, x.transpose(-1, -2)); })},
        {"outer", binary([](const Tensor& a, const Tensor& b) { return torch::outer(a, b); })},
        {"inv", unary([](const Tensor& x) { return torch::linalg_inv(x * 0.1 + identity(x)); })},
        {"solve", unary([](const Tensor& x) { return torch::matmul(torch::linalg_inv(x * 0.1 + identity(x)), x); })},
        {"cholesky", unary([](const Tensor& x) {
             return torch::linalg_cholesky(torch::matmul(x, x.transpose(-1, -2)) + identity(x, -2));
         })},
        {"det", unary([](const Tensor& x) { return torch::linalg_det(x); })},
        {"matrix_exp", unary([](const Tensor& x) { return torch::matrix_exp(x.contiguous()); })},
    };
    return runs;
}

const std::map<std::string, Run>& neural_table() {
    static const std::map<std::string, Run> runs{
        {"cbrt_of_square", unary([](const Tensor& x) { return (x.square() + 1).pow(1.0 / 3); })},
        {"exp2", unary([](const Tensor& x) { return x.exp2(); })},
        {"log2", unary([](const Tensor& x) { return x.log2(); })},
        {"log10", unary([](const Tensor& x) { return x.log10(); })},
        {"acos", unary([](const Tensor& x) { return x.acos(); })},
        {"cosh", unary([](const Tensor& x) { return x.cosh(); })},
        {"acosh", unary([](const Tensor& x) { return x.acosh(); })},
        {"atanh", unary([](const Tensor& x) { return x.atanh(); })},
        {"erfc", unary([](const Tensor& x) { return x.erfc(); })},
        {"erfinv", unary([](const Tensor& x) { return x.erfinv(); })},
        {"lgamma", unary([](const Tensor& x) { return x.lgamma(); })},
        {"sinc", unary([](const Tensor& x) { return x.sinc(); })},
        {"logsigmoid", unary([](const Tensor& x) { return torch::log_sigmoid(x); })},
        {"softsign", unary([](const Tensor& x) { return x / (1 + x.abs()); })},
        {"mish", unary([](const Tensor& x) { return torch::mish(x); })},
        {"selu", unary([](const Tensor& x) { return torch::selu(x); })},
        {"celu", unary([](const Tensor& x) { return torch::celu(x); })},
        {"hardtanh", unary([](const Tensor& x) { return torch::hardtanh(x); })},
        {"relu6", unary([](const Tensor& x) { return torch::hardtanh(x, 0, 6); })},
        // torch::hardsigmoid and hardswish divide by 6 in f32 even where x is f64.
        {"hardsigmoid", unary([](const Tensor& x) { return torch::hardtanh(x + 3, 0, 6) / 6; })},
        {"hardswish", unary([](const Tensor& x) { return x * (x / 6 + 0.5).clamp(0, 1); })},
        {"tanhshrink", unary([](const Tensor& x) { return x - x.tanh(); })},
        {"softshrink", unary([](const Tensor& x) { return torch::softshrink(x); })},
        {"hardshrink", unary([](const Tensor& x) { return torch::hardshrink(x); })},
        {"xlogy", binary([](const Tensor& a, const Tensor& b) { return torch::xlogy(a, b); })},
        {"fmax", binary([](const Tensor& a, const Tensor& b) { return torch::fmax(a, b); })},
        {"remainder", unary([](const Tensor& x) { return x.remainder(1.25); })},
        {"gather", [](In x, const Ints& n) { return x[0].gather(n[0], indices_of(x[0], n)); }},
        {"scatter_add", [](In x, const Ints& n) { return x[0].scatter_add(n[0], indices_of(x[0], n), x[0].square()); }},
        {"pad", [](In x, const Ints& n) { return torch::constant_pad_nd(x[0], {n[0], n[1]}); }},
        {"pad_last", [](In x, const Ints& n) { return torch::reflection_pad1d(x[0], {n[0], n[1]}); }},
        {"unfold", [](In x, const Ints& n) { return x[0].unfold(n[0], 2, 1); }},
        {"tile", unary([](const Tensor& x) { return x.tile({2, 1}); })},
        {"repeat", [](In x, const Ints& n) { return x[0].repeat_interleave(2, n[0]); }},
        {"kron", binary([](const Tensor& a, const Tensor& b) {
             return torch::einsum("ij,kl->ikjl", {a, b}).reshape({a.size(0) * b.size(0), a.size(1) * b.size(1)});
         })},
        {"tensordot", binary([](const Tensor& a, const Tensor& b) { return torch::tensordot(a, b, {0}, {0}); })},
        {"layer_norm", unary([](const Tensor& x) { return torch::layer_norm(x, {x.size(-1)}, {}, {}, 0.1); })},
        {"max_pool2d", unary([](const Tensor& x) { return torch::max_pool2d(x, 2, 1); })},
        {"avg_pool2d", unary([](const Tensor& x) { return torch::avg_pool2d(x, 2, 2, 1); })},
        {"max_pool1d", unary([](const Tensor& x) { return torch::max_pool1d(x, 2); })},
        {"conv1d", binary([](const Tensor& a, const Tensor& b) { return torch::conv1d(a, b, {}, 1, 1); })},
        {"conv1d_strided", binary([](const Tensor& a, const Tensor& b) { return torch::conv1d(a, b, {}, 2); })},
        {"conv2d",
         binary([](const Tensor& a, const Tensor& b) { return torch::conv2d(a.unsqueeze(1), b.unsqueeze(1)); })},
        {"conv_transpose2d", binary([](const Tensor& a, const Tensor& b) {
             return torch::conv_transpose2d(a.unsqueeze(1), b.unsqueeze(0), {}, 2);
         })},
        {"attention", binary([](const Tensor& q, const Tensor& k) {
             return torch::matmul(
                 torch::softmax(torch::matmul(q, k.transpose(-1, -2)) / std::sqrt(static_cast<double>(q.size(-1))), -1),
                 k);
         })},
    };
    return runs;
}

const Run& run_named(const std::string& name) {
    const auto found = table().find(name);
    return found != table().end() ? found->second : neural_table().at(name);
}

}  // namespace

Outcome run_with_torch(const Program& program) {
    Outcome outcome;
    try {
        std::vector<Tensor> values, leaves;
        for (const Array& leaf : program.leaves) leaves.push_back(to_tensor(leaf).requires_grad_());
        values = leaves;
        for (const Step& step : program.steps) {
            std::vector<Tensor> inputs;
            for (const std::size_t k : step.inputs) inputs.push_back(values[k]);
            values.push_back(run_named(step.operation)(inputs, step.arguments));
        }
        const std::vector<bool> used = program.used();
        Tensor total = torch::zeros({}, torch::kDouble);
        for (std::size_t k = leaves.size(); k < values.size(); ++k) {
            if (used[k]) continue;
            std::vector<double> weights(static_cast<std::size_t>(values[k].numel()));
            for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = weight(i);
            const Tensor w =
                torch::tensor(weights, torch::kDouble).reshape(values[k].sizes()).to(values[k].scalar_type());
            total = total + (values[k] * w).sum().to(torch::kDouble);
        }
        if (total.requires_grad()) total.backward();
        for (const Tensor& x : values) outcome.values.push_back(to_array(x));
        for (const Tensor& x : leaves)
            outcome.gradients.push_back(to_array(x.grad().defined() ? x.grad() : torch::zeros_like(x)));
    } catch (const c10::Error& error) {
        outcome.error = error.what_without_backtrace();
    } catch (const std::exception& error) {
        outcome.error = error.what();
    }
    return outcome;
}

}  // namespace oracle
