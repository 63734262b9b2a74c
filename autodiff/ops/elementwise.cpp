#include "elementwise.hpp"

#include <array>
#include <cmath>
#include <string>

#include "../kernels/kernels.hpp"
#include "../record.hpp"
#include "broadcast.hpp"
#include "elementwise_integer.hpp"
#include "shape.hpp"

// Every function here is one line: the rule it runs. Checks, broadcasting, kernels and recording stand once, in unary() and binary().

namespace xgrad {
namespace {

using namespace detail;

const Tensor& require_floating(const char* name, const Operand& x) {
    check<DTypeError>(x.is_tensor(), x.where(), [&] { return std::string(name) + ": at least one operand must be a tensor, got numbers"; });
    const Tensor& t = x.tensor();
    check<DTypeError>(is_floating(t.dtype()), x.where(), [&] { return std::string(name) + ": must be f32 or f64, got " + name_of(t.dtype()); });
    return t;
}

KernelInput input(const Tensor& t) { return {TensorAccess::data(t), &t.shape(), size_of(t.dtype())}; }

/// A tensor for a result of `like`'s dtype: `reusable`'s own buffer if nobody else holds it, else a new one.
Tensor result_like(const Tensor& like, const Shape& shape, Tensor* reusable) {
    if (reusable && TensorAccess::unique(*reusable) && reusable->shape() == shape) return TensorAccess::constant(std::move(*reusable));
    return empty(shape, like.dtype());
}

/// No outer tape watches any of these: the fused kernel may compute what the composed rule would.
template <class... T>
bool nothing_recorded(const T&... tensors) {
    return !recording || !(is_tracked(tensors) || ...);
}

// --- one input ------------------------------------------------------------------------------------------------------

template <class Rule>
Tensor run_unary(const Rule& rule, const Tensor& x, Tensor* reusable) {
    const auto kernel = kernels::active().elementwise.unary[rules::Unary::index_of<Rule>()].value[x.dtype() == DType::f64];
    const KernelInput in[] = {input(x)};
    const std::int64_t size = x.size();
    const Shape* shape = &x.shape();
    Tensor y = result_like(x, *shape, reusable);  // may have taken x's storage, whose address stays
    const KernelOutput out[] = {{TensorAccess::data(y), in[0].element_bytes}};
    run(kernel, &rule, *shape, size, in, out);
    return y;
}

template <class Rule>
struct UnaryEntry {
    Rule rule;
    Tensor x, y;

    static void pull(void* closure, Entry&, Tensor* cotangents, Needs, Tensor* parts) {
        const auto& self = *static_cast<UnaryEntry*>(closure);
        Tensor& g = *cotangents;
        if (!nothing_recorded(g, self.x, self.y)) {
            parts[0] = self.rule.pull(g, self.x, self.y);
            return;
        }
        const auto kernel = kernels::active().elementwise.unary[rules::Unary::index_of<Rule>()].pull[g.dtype() == DType::f64];
        const KernelInput gi = input(g);
        const KernelInput in[] = {gi, self.x.defined() ? input(self.x) : gi, self.y.defined() ? input(self.y) : gi};
        const std::int64_t size = g.size();
        Tensor part = result_like(g, *gi.shape, &g);
        const KernelOutput out[] = {{TensorAccess::data(part), gi.element_bytes}};
        run(kernel, &self.rule, part.shape(), size, in, out);
        parts[0] = std::move(part);
    }
    static void forward(void* closure, std::span<const Tensor> inputs, Tensor* outputs) { *outputs = run_unary(static_cast<UnaryEntry*>(closure)->rule, inputs[0], nullptr); }
    static void destroy(void* closure) noexcept { static_cast<UnaryEntry*>(closure)->~UnaryEntry(); }
    static constexpr Behaviour behaviour{&pull, &forward, &destroy};
};

template <class Rule>
Tensor unary(const Rule& rule, const Operand& operand) {
    const Tensor& x = require_floating(Rule::name, operand);
    Tensor* temporary = operand.temporary() ? const_cast<Tensor*>(&x) : nullptr;
    if constexpr (rules::differentiable<Rule>) {
        if (is_tracked(x)) {
            const std::uint64_t origin = TensorAccess::origin(x);
            Tensor y = run_unary(rule, x, Rule::reads & rules::A ? nullptr : temporary);
            Tensor source;  // x may have given its storage away; what the tape needs is its origin
            const Tensor* recorded = &x;
            if (!x.defined()) {
                source = y;
                TensorAccess::set_origin(source, origin);
                recorded = &source;
            }
            void* place = record(UnaryEntry<Rule>::behaviour, Rule::name, {&recorded, 1}, {&y, 1}, sizeof(UnaryEntry<Rule>), operand.where());
            ::new (place) UnaryEntry<Rule>{rule, Rule::reads & rules::A ? x : Tensor(), Rule::reads & rules::Y ? y : Tensor()};
            return y;
        }
    }
    return run_unary(rule, x, temporary);
}

// --- two inputs -----------------------------------------------------------------------------------------------------

/// The operands of a binary operation, with a plain number as a tensor-less scalar of the other's dtype.
struct Pair {
    const Tensor* tensor[2] = {};
    Shape scalar_shape;
    float f32[2];
    double f64[2];
    DType dtype;
    Shape shape;

    Pair(const char* name, const Operand& a, const Operand& b) {
        if (a.is_tensor()) tensor[0] = &a.tensor();
        if (b.is_tensor()) tensor[1] = &b.tensor();
        const Location where = a.where();
        check<DTypeError>(tensor[0] || tensor[1], where, [&] { return std::string(name) + ": at least one operand must be a tensor, got numbers"; });
        dtype = (tensor[0] ? tensor[0] : tensor[1])->dtype();
        if (tensor[0] && tensor[1]) {
            check<DTypeError>(tensor[1]->dtype() == dtype, where,
                              [&] { return std::string(name) + ": dtypes must agree, got " + name_of(dtype) + " and " + name_of(tensor[1]->dtype()) + " (convert one with .to())"; });
            shape = tensor[0]->shape() == tensor[1]->shape() ? tensor[0]->shape() : broadcast_shapes(tensor[0]->shape(), tensor[1]->shape(), name, where);
        } else {
            const int number = tensor[0] ? 1 : 0;
            f64[number] = (number ? b : a).number();
            f32[number] = static_cast<float>(f64[number]);
            shape = tensor[1 - number]->shape();
        }
    }
    KernelInput input(int i) const {
        if (tensor[i]) return ::xgrad::input(*tensor[i]);
        if (dtype == DType::f32) return {&f32[i], &scalar_shape, 4};
        return {&f64[i], &scalar_shape, 8};
    }
    /// For the tape: the operand as a tensor.
    Tensor saved(int i) const { return tensor[i] ? *tensor[i] : scalar(f64[i], dtype); }
};

template <class Rule>
Tensor run_binary(const Rule& rule, const Pair& pair, Tensor* reusable) {
    const auto kernel = kernels::active().elementwise.binary[rules::Binary::index_of<Rule>()].value[pair.dtype == DType::f64];
    const KernelInput in[] = {pair.input(0), pair.input(1)};
    Shape shapes[] = {*in[0].shape, *in[1].shape};
    Tensor y = reusable ? result_like(*reusable, pair.shape, reusable) : empty(pair.shape, pair.dtype);
    const KernelInput held[] = {{in[0].data, &shapes[0], in[0].element_bytes}, {in[1].data, &shapes[1], in[1].element_bytes}};
    const KernelOutput out[] = {{TensorAccess::data(y), in[0].element_bytes}};
    run(kernel, &rule, pair.shape, y.size(), held, out);
    return y;
}

template <class Rule>
struct BinaryEntry {
    Rule rule;
    Tensor a, b, y;

    static void pull(void* closure, Entry&, Tensor* cotangents, Needs needs, Tensor* parts) {
        const auto& self = *static_cast<BinaryEntry*>(closure);
        Tensor& g = *cotangents;
        // A sum hands its cotangent on; there is nothing to compute.
        constexpr bool passes = Rule::reads_a == 0 && Rule::reads_b == 0;
        if (passes || !nothing_recorded(g, self.a, self.b, self.y)) {
            if (needs[0]) parts[0] = self.rule.pull_a(g, self.a, self.b, self.y);
            if (needs[1]) parts[1] = self.rule.pull_b(g, self.a, self.b, self.y);
            return;
        }
        const auto& k = kernels::active().elementwise.binary[rules::Binary::index_of<Rule>()];
        const int type = g.dtype() == DType::f64;
        const KernelInput gi = input(g);
        const KernelInput in[] = {gi, self.a.defined() ? input(self.a) : gi, self.b.defined() ? input(self.b) : gi, self.y.defined() ? input(self.y) : gi};
        const std::int64_t size = g.size();
        const Shape shape = g.shape();
        if (needs[0] && needs[1]) {
            Tensor second = empty(shape, g.dtype()), first = result_like(second, shape, &g);
            const KernelOutput out[] = {{TensorAccess::data(first), gi.element_bytes}, {TensorAccess::data(second), gi.element_bytes}};
            run(k.pull_both[type], &self.rule, first.shape(), size, in, out);
            parts[0] = std::move(first);
            parts[1] = std::move(second);
        } else {
            Tensor part = result_like(g, shape, &g);
            const KernelOutput out[] = {{TensorAccess::data(part), gi.element_bytes}};
            run(needs[0] ? k.pull_a[type] : k.pull_b[type], &self.rule, part.shape(), size, in, out);
            parts[needs[0] ? 0 : 1] = std::move(part);
        }
    }
    static void forward(void* closure, std::span<const Tensor> inputs, Tensor* outputs) {
        *outputs = run_binary(static_cast<BinaryEntry*>(closure)->rule, Pair(Rule::name, inputs[0], inputs[1]), nullptr);
    }
    static void destroy(void* closure) noexcept { static_cast<BinaryEntry*>(closure)->~BinaryEntry(); }
    static constexpr Behaviour behaviour{&pull, &forward, &destroy};
};

/// Whichever operand is about to die and has the result's shape gives its buffer.
Tensor* reusable_of(const Operand& a, const Operand& b, const Shape& shape, bool keep_a, bool keep_b) {
    for (const auto& [operand, keep] : {std::pair{&a, keep_a}, std::pair{&b, keep_b}})
        if (!keep && operand->is_tensor() && operand->temporary() && operand->shape() == shape && TensorAccess::unique(operand->tensor()))
            return const_cast<Tensor*>(&operand->tensor());
    return nullptr;
}

template <class Rule>
Tensor binary(const Rule& rule, const Operand& a, const Operand& b) {
    const Pair pair(Rule::name, a, b);
    if (!is_floating(pair.dtype)) {
        check<DTypeError>(integer_kernel<Rule>(pair.dtype) != nullptr, a.where(), [&] { return std::string(Rule::name) + ": must be f32 or f64, got " + name_of(pair.dtype); });
        return integer_binary(integer_kernel<Rule>(pair.dtype), rule.name, a, b);
    }
    if constexpr (rules::differentiable<Rule>) {
        const bool need_a = pair.tensor[0] && is_tracked(*pair.tensor[0]), need_b = pair.tensor[1] && is_tracked(*pair.tensor[1]);
        if (need_a || need_b) {
            const unsigned reads = (need_a ? Rule::reads_a : 0u) | (need_b ? Rule::reads_b : 0u);
            const std::uint64_t origins[] = {need_a ? TensorAccess::origin(*pair.tensor[0]) : 0, need_b ? TensorAccess::origin(*pair.tensor[1]) : 0};
            Tensor saved_a = reads & rules::A ? pair.saved(0) : Tensor(), saved_b = reads & rules::B ? pair.saved(1) : Tensor();
            Tensor y = run_binary(rule, pair, reusable_of(a, b, pair.shape, reads & rules::A, reads & rules::B));
            // An operand may have given its storage away; what the tape needs of it is its origin.
            Tensor sources[2];
            const Tensor* recorded[2];
            for (int i = 0; i < 2; ++i) {
                recorded[i] = origins[i] ? pair.tensor[i] : &sources[i];
                if (!recorded[i]->defined() && origins[i]) {
                    sources[i] = y;
                    TensorAccess::set_origin(sources[i], origins[i]);
                    recorded[i] = &sources[i];
                }
            }
            void* place = record(BinaryEntry<Rule>::behaviour, Rule::name, recorded, {&y, 1}, sizeof(BinaryEntry<Rule>), a.where());
            ::new (place) BinaryEntry<Rule>{rule, std::move(saved_a), std::move(saved_b), reads & rules::Y ? y : Tensor()};
            return y;
        }
    }
    return run_binary(rule, pair, reusable_of(a, b, pair.shape, false, false));
}

}  // namespace

Tensor add(const Operand& a, const Operand& b) { return binary(rules::Add{}, a, b); }
Tensor subtract(const Operand& a, const Operand& b) { return binary(rules::Subtract{}, a, b); }
Tensor multiply(const Operand& a, const Operand& b) { return binary(rules::Multiply{}, a, b); }
Tensor divide(const Operand& a, const Operand& b) { return binary(rules::Divide{}, a, b); }
Tensor floor_divide(const Operand& a, const Operand& b) { return binary(rules::FloorDivide{}, a, b); }
Tensor remainder(const Operand& a, const Operand& b) { return binary(rules::Remainder{}, a, b); }
Tensor fmod(const Operand& a, const Operand& b) { return binary(rules::Fmod{}, a, b); }
Tensor pow(const Operand& a, const Operand& b) {
    if (a.is_tensor() && !b.is_tensor() && is_floating(a.dtype())) {  // the usual exponents, exactly and fast
        if (b.number() == 2) return square(a);
        if (b.number() == 1) return a.tensor();
        if (b.number() == 0.5) return sqrt(a);
        if (b.number() == -1) return reciprocal(a);
    }
    return binary(rules::Pow{}, a, b);
}
Tensor positive(const Operand& x) { return x.tensor(); }
Tensor operator+(const Operand& a, const Operand& b) { return binary(rules::Add{}, a, b); }
Tensor operator-(const Operand& a, const Operand& b) { return binary(rules::Subtract{}, a, b); }
Tensor operator*(const Operand& a, const Operand& b) { return binary(rules::Multiply{}, a, b); }
Tensor operator/(const Operand& a, const Operand& b) { return binary(rules::Divide{}, a, b); }
Tensor operator-(const Operand& x) { return negative(x); }
Tensor logaddexp(const Operand& a, const Operand& b) { return binary(rules::LogAddExp{}, a, b); }
Tensor atan2(const Operand& y, const Operand& x) { return binary(rules::Atan2{}, y, x); }
Tensor hypot(const Operand& a, const Operand& b) { return binary(rules::Hypot{}, a, b); }
Tensor maximum(const Operand& a, const Operand& b) { return binary(rules::Maximum{}, a, b); }
Tensor minimum(const Operand& a, const Operand& b) { return binary(rules::Minimum{}, a, b); }
Tensor fmax(const Operand& a, const Operand& b) { return binary(rules::Fmax{}, a, b); }
Tensor fmin(const Operand& a, const Operand& b) { return binary(rules::Fmin{}, a, b); }
Tensor copysign(const Operand& a, const Operand& b) { return binary(rules::Copysign{}, a, b); }

Tensor negative(const Operand& x) {
    if (x.is_tensor() && (x.dtype() == DType::i32 || x.dtype() == DType::i64)) return subtract(0, x);
    return unary(rules::Negative{}, x);
}
Tensor abs(const Operand& x) {
    if (x.is_tensor() && (x.dtype() == DType::i32 || x.dtype() == DType::i64)) return maximum(x.tensor(), negative(x.tensor()));
    return unary(rules::Abs{}, x);
}
Tensor sign(const Operand& x) { return unary(rules::Sign{}, x); }
Tensor square(const Operand& x) { return unary(rules::Square{}, x); }
Tensor sqrt(const Operand& x) { return unary(rules::Sqrt{}, x); }
Tensor cbrt(const Operand& x) { return unary(rules::Cbrt{}, x); }
Tensor reciprocal(const Operand& x) { return unary(rules::Reciprocal{}, x); }
Tensor exp(const Operand& x) { return unary(rules::Exp{}, x); }
Tensor exp2(const Operand& x) { return unary(rules::Exp2{}, x); }
Tensor expm1(const Operand& x) { return unary(rules::Expm1{}, x); }
Tensor log(const Operand& x) { return unary(rules::Log{}, x); }
Tensor log2(const Operand& x) { return unary(rules::Log2{}, x); }
Tensor log10(const Operand& x) { return unary(rules::Log10{}, x); }
Tensor log1p(const Operand& x) { return unary(rules::Log1p{}, x); }
Tensor sin(const Operand& x) { return unary(rules::Sin{}, x); }
Tensor cos(const Operand& x) { return unary(rules::Cos{}, x); }
Tensor tan(const Operand& x) { return unary(rules::Tan{}, x); }
Tensor asin(const Operand& x) { return unary(rules::Asin{}, x); }
Tensor acos(const Operand& x) { return unary(rules::Acos{}, x); }
Tensor atan(const Operand& x) { return unary(rules::Atan{}, x); }
Tensor sinh(const Operand& x) { return unary(rules::Sinh{}, x); }
Tensor cosh(const Operand& x) { return unary(rules::Cosh{}, x); }
Tensor tanh(const Operand& x) { return unary(rules::Tanh{}, x); }
Tensor asinh(const Operand& x) { return unary(rules::Asinh{}, x); }
Tensor acosh(const Operand& x) { return unary(rules::Acosh{}, x); }
Tensor atanh(const Operand& x) { return unary(rules::Atanh{}, x); }
Tensor erf(const Operand& x) { return unary(rules::Erf{}, x); }
Tensor floor(const Operand& x) { return unary(rules::Floor{}, x); }
Tensor ceil(const Operand& x) { return unary(rules::Ceil{}, x); }
Tensor round(const Operand& x) { return unary(rules::Round{}, x); }
Tensor trunc(const Operand& x) { return unary(rules::Trunc{}, x); }
Tensor sigmoid(const Operand& x) { return unary(rules::Sigmoid{}, x); }
Tensor relu(const Operand& x) { return unary(rules::Relu{}, x); }
Tensor leaky_relu(const Operand& x, double slope) { return unary(rules::LeakyRelu{slope}, x); }
Tensor elu(const Operand& x, double alpha) { return unary(rules::Elu{alpha}, x); }
Tensor gelu(const Operand& x, Gelu form) { return form == Gelu::erf ? unary(rules::GeluErf{}, x) : unary(rules::GeluTanh{}, x); }
Tensor silu(const Operand& x) { return unary(rules::Silu{}, x); }
Tensor softplus(const Operand& x, double beta) { return unary(rules::Softplus{beta}, x); }
Tensor clip(const Operand& x, double low, double high) {
    check<ValueError>(low <= high, x.where(), [&] { return "clip: low must not exceed high, got " + std::to_string(low) + " and " + std::to_string(high); });
    return unary(rules::Clip{low, high}, x);
}

// --- choosing -------------------------------------------------------------------------------------------------------

namespace {

Tensor run_where(const Tensor& condition, const Tensor& a, const Tensor& b) {
    const Shape shape = broadcast_shapes(condition.shape(), broadcast_shapes(a.shape(), b.shape(), "where"), "where");
    Tensor y = empty(shape, a.dtype());
    const std::int64_t bytes = size_of(a.dtype());
    const KernelInput in[] = {input(condition), input(a), input(b)};
    const KernelOutput out[] = {{TensorAccess::data(y), bytes}};
    run(kernels::active().elementwise.where[bytes == 1 ? 0 : bytes == 4 ? 1 : 2], nullptr, shape, y.size(), in, out);
    return y;
}

}  // namespace

Tensor where(const Operand& condition, const Operand& a, const Operand& b) {
    const Location at = condition.where();
    check<DTypeError>(condition.is_tensor() && condition.dtype() == DType::boolean, at,
                      [&] { return std::string("where: the condition must be a bool tensor, got ") + (condition.is_tensor() ? name_of(condition.dtype()) : "a number"); });
    check<DTypeError>(a.is_tensor() || b.is_tensor(), at, [] { return std::string("where: at least one of a and b must be a tensor, got numbers"); });
    const DType dtype = a.is_tensor() ? a.dtype() : b.dtype();
    const Tensor x = a.is_tensor() ? a.tensor() : scalar(a.number(), dtype), y = b.is_tensor() ? b.tensor() : scalar(b.number(), dtype);
    check<DTypeError>(x.dtype() == y.dtype(), at, [&] { return std::string("where: dtypes of a and b must agree, got ") + name_of(x.dtype()) + " and " + name_of(y.dtype()); });
    broadcast_shapes(condition.shape(), broadcast_shapes(x.shape(), y.shape(), "where", at), "where", at);
    const Tensor& c = condition.tensor();
    if (!is_tracked(x) && !is_tracked(y)) return run_where(c, x, y);
    return apply(
        "where", {x, y}, [c](const Tensor& p, const Tensor& q) { return run_where(c, p, q); },
        [c](const Tensor& g, Needs needs) -> std::array<Tensor, 2> { return {needs[0] ? where(c, g, 0.0) : Tensor(), needs[1] ? where(c, 0.0, g) : Tensor()}; }, at);
}

}  // namespace xgrad
