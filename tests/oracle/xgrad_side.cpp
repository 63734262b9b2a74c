#include <cmath>
#include <sstream>
#include <utility>

#include "table.hpp"

// Draws programs, runs them with xgrad, and writes them as C++.

namespace oracle {
namespace {

using namespace xgrad;

Tensor to_tensor(const Array& a) { return tensor(a.values, Shape(a.shape)).to(a.single ? DType::f32 : DType::f64); }

Array to_array(const Tensor& x) {
    Array a{{x.shape().begin(), x.shape().end()}, x.dtype() == DType::f32, {}};
    const Tensor doubles = stop_gradient(x).to(DType::f64);
    a.values.assign(doubles.data<double>().begin(), doubles.data<double>().end());
    return a;
}

Tensor weights(const Tensor& like) {
    std::vector<double> w;
    for (std::int64_t i = 0; i < like.size(); ++i) w.push_back(weight(static_cast<std::size_t>(i)));
    return tensor(w, like.shape()).to(like.dtype());
}

Tensors chosen(const Tensors& values, const Step& step) {
    Tensors inputs;
    for (const std::size_t k : step.inputs) inputs.push_back(values[k]);
    return inputs;
}

Array draw_leaf(Random& random, const Ints& sizes, bool single) {
    Array leaf;
    leaf.single = single;
    for (auto axis = static_cast<std::size_t>(random.below(4)); axis < 3; ++axis)
        leaf.shape.push_back(random.chance(0.2) ? 1 : sizes[axis]);
    const bool positive = random.chance(0.3), halves = random.chance(0.3);  // halves: for ties, and elements on kinks
    std::int64_t size = 1;
    for (const auto n : leaf.shape) size *= n;
    for (; size > 0; --size) {
        double v = positive ? random.uniform(0.4, 2.5) : random.uniform(-2, 2);
        if (halves) v = std::round(2 * v) / 2;
        leaf.values.push_back(single ? static_cast<double>(static_cast<float>(v)) : v);
    }
    return leaf;
}

/// Small enough, finite, of at most five axes.
bool usable(const Tensor& y) {
    if (y.size() == 0 || y.size() > 400 || y.ndim() > 5) return false;
    const Tensor doubles = y.to(DType::f64);
    for (const double v : doubles.data<double>())
        if (!(std::abs(v) < 50)) return false;
    return true;
}

}  // namespace

Outcome run_with_xgrad(const Program& program) {
    Outcome outcome;
    try {
        Tape tape;
        Tensors values, leaves;
        for (const Array& leaf : program.leaves) leaves.push_back(tape.watch(to_tensor(leaf)));
        values = leaves;
        for (const Step& step : program.steps)
            values.push_back(operation_named(step.operation).run(chosen(values, step), step.arguments));
        const std::vector<bool> used = program.used();
        Tensor total = scalar(0.0);
        for (std::size_t k = 0; k < values.size(); ++k)
            if (k >= leaves.size() && !used[k]) total = total + sum(values[k] * weights(values[k])).to(DType::f64);
        for (const Tensor& x : values) outcome.values.push_back(to_array(x));
        for (const Tensor& g : tape.gradient(total, leaves, {.unconnected = Unconnected::zeros}))
            outcome.gradients.push_back(to_array(g));
    } catch (const std::exception& error) {
        outcome.error = error.what();
    }
    return outcome;
}

Program draw(std::uint64_t seed) {
    Random random(seed);
    Program program;
    Ints sizes;
    for (int axis = 0; axis < 3; ++axis) sizes.push_back(random.chance(0.3) ? 3 : random.between(1, 5));
    if (random.chance(0.5)) sizes[1] = sizes[2];  // square matrices
    const bool single = random.chance(0.4);
    for (auto leaves = random.between(2, 4); leaves > 0; --leaves)
        program.leaves.push_back(draw_leaf(random, sizes, single));
    Tensors values;
    for (const Array& leaf : program.leaves) values.push_back(to_tensor(leaf));
    const auto length = static_cast<std::size_t>(random.between(5, 40));
    for (int attempts = 0; program.steps.size() < length && attempts < 2000; ++attempts) {
        const Operation& operation =
            operations()[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(operations().size())))];
        Step step{operation.name, {}, {}};
        const auto count = static_cast<std::int64_t>(values.size());
        for (std::size_t k = 0; k < operation.arity; ++k)  // what is new is used more often
            step.inputs.push_back(static_cast<std::size_t>(
                random.chance(0.5) ? random.below(count) : count - 1 - random.below(std::min<std::int64_t>(4, count))));
        const Tensors inputs = chosen(values, step);
        if (operation.arity == 2 && inputs[0].dtype() != inputs[1].dtype()) continue;
        if (!operation.draw(random, inputs, step.arguments)) continue;
        const Tensor y = operation.run(inputs, step.arguments);
        if (!usable(y)) continue;
        values.push_back(y);
        program.steps.push_back(std::move(step));
    }
    return program;
}

namespace {

std::string list(Ints::const_iterator begin, Ints::const_iterator end) {
    std::string text = "{";
    for (auto it = begin; it != end; ++it) text += (it == begin ? "" : ", ") + std::to_string(*it);
    return text + "}";
}

/// The operation's text with inputs and arguments filled in.
std::string call_text(const Step& step) {
    const std::string& pattern = operation_named(step.operation).text;
    std::string text;
    for (std::size_t k = 0; k < pattern.size(); ++k) {
        const char c = pattern[k];
        if (c != '$' && c != '#') {
            text += c;
            continue;
        }
        const char what = pattern[++k];
        const auto index = static_cast<std::size_t>(what - '0');
        if (c == '$') text += "v" + std::to_string(step.inputs[index]);
        else if (what == '*') text += list(step.arguments.begin(), step.arguments.end());
        else if (k + 1 < pattern.size() && pattern[k + 1] == '+') {
            text += list(step.arguments.begin() + static_cast<std::ptrdiff_t>(index), step.arguments.end());
            ++k;
        } else text += std::to_string(step.arguments[index]);
    }
    return text;
}

}  // namespace

std::string to_cpp(const Program& program) {
    std::ostringstream out;
    out.precision(17);
    out << "Tape tape;\n";
    std::size_t name = 0;
    for (const Array& leaf : program.leaves) {
        out << "const Tensor v" << name++ << " = tape.watch(tensor<" << (leaf.single ? "float" : "double") << ">({";
        for (std::size_t k = 0; k < leaf.values.size(); ++k) out << (k ? ", " : "") << leaf.values[k];
        out << "}, " << (leaf.shape.empty() ? "Shape{}" : list(leaf.shape.begin(), leaf.shape.end())) << "));\n";
    }
    for (const Step& step : program.steps) out << "const Tensor v" << name++ << " = " << call_text(step) << ";\n";
    out << "const auto weighted = [](const Tensor& y) {\n"
           "    const Tensor w = remainder(arange(static_cast<double>(y.size()), DType::f64) * 7919 + 13, 101) / 50 - "
           "1;\n"
           "    return sum(y * reshape(w, y.shape()).to(y.dtype())).to(DType::f64);\n};\n"
           "const Tensor total = ";
    const std::vector<bool> used = program.used();
    const char* plus = "";
    for (std::size_t k = program.leaves.size(); k < used.size(); ++k)
        if (!used[k]) out << std::exchange(plus, " + ") << "weighted(v" << k << ")";
    out << ";\nconst Tensors gradients = tape.gradient(total, {";
    for (std::size_t k = 0; k < program.leaves.size(); ++k) out << (k ? ", v" : "v") << k;
    out << "}, {.unconnected = Unconnected::zeros});\n";
    return out.str();
}

}  // namespace oracle
