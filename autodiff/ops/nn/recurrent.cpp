#include "recurrent.hpp"

#include <array>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "autodiff/core/apply.hpp"
#include "autodiff/ops/elementwise/elementwise.hpp"
#include "autodiff/ops/linalg/matmul.hpp"
#include "autodiff/ops/reduce/reduce.hpp"
#include "autodiff/ops/shape/detail/indices.hpp"
#include "autodiff/ops/shape/shape.hpp"
#include "detail/recurrent_steps.hpp"

// Fused steps forward, and backward if no tape records the pullback; otherwise the pullback is that of the composition
// below. An lstm with a projected state always uses the composition.

namespace xgrad {

using namespace detail;

namespace {

using Results = std::vector<Tensor>;  // output, h, and c for lstm

/// The layer as a composition of operations, for derivatives of any order.
Results compose(const RecurrentLayer& l) {
    const bool is_lstm = l.cell == Cell::lstm;
    Tensor h = l.h0, c = l.c0;
    const Tensor of_x = [&] {
        const Autocast of_inputs(l.precision);
        return linear(l.x, l.weight_ih, l.bias_ih);
    }();
    const Autocast of_states(Precision::full);
    std::vector<Tensor> outputs(static_cast<std::size_t>(l.steps));
    for (Int s = 0; s < l.steps; ++s) {
        const Int t = l.time(s);
        const Tensor x = select(of_x, 0, t), y = linear(h, l.weight_hh, l.bias_hh);
        Tensor h_new, c_new;
        if (is_lstm) {
            const std::vector<Tensor> gates = split(x + y, 4, -1);
            c_new = sigmoid(gates[1]) * c + sigmoid(gates[0]) * tanh(gates[2]);
            h_new = sigmoid(gates[3]) * tanh(c_new);
            if (l.weight_hr.defined()) h_new = linear(h_new, l.weight_hr);
        } else if (l.cell == Cell::gru) {
            const std::vector<Tensor> a = split(x, 3, -1), b = split(y, 3, -1);
            const Tensor z = sigmoid(a[1] + b[1]), n = tanh(a[2] + sigmoid(a[0] + b[0]) * b[2]);
            h_new = n + z * (h - n);
        } else {
            h_new = l.cell == Cell::rnn_relu ? relu(x + y) : tanh(x + y);
        }
        Tensor& output = outputs[static_cast<std::size_t>(t)];
        if (l.lengths.defined()) {
            const Tensor counts = expand_dims(greater(l.lengths, static_cast<double>(t)), 1);
            output = where(counts, h_new, 0);
            h = where(counts, h_new, h);
            if (is_lstm) c = where(counts, c_new, c);
        } else {
            output = h_new;
            h = h_new;
            c = c_new;
        }
    }
    Results results{l.steps ? stack(outputs) : zeros({0, l.batch, l.h0.shape(1)}, l.x.dtype()), h};
    if (is_lstm) results.push_back(c);
    return results;
}

/// A layer's tensors in the order of its operation's inputs.
std::array<Tensor*, 8> inputs_of(RecurrentLayer& l) {
    return {&l.x, &l.h0, &l.c0, &l.weight_ih, &l.weight_hh, &l.bias_ih, &l.bias_hh, &l.lengths};
}

/// The results are followed by the states, cells and gates of all steps.
template <Cell cell>
struct Recurrence {
    static constexpr const char* name = cell == Cell::lstm       ? "lstm"
                                        : cell == Cell::gru      ? "gru"
                                        : cell == Cell::rnn_relu ? "rnn_relu"
                                                                 : "rnn_tanh";
    static constexpr int results = cell == Cell::lstm ? 3 : 2;
    bool reverse = false;
    Precision precision = Precision::full;
    XGRAD_ATTRIBUTES(reverse, precision)
    static constexpr Saves saves{.inputs = 0b11111111, .outputs = 0b111 << results};

    Results value(std::span<const Tensor> inputs) const {
        const RecurrentLayer layer = layer_of([&](std::size_t i) { return inputs[i]; });
        const RecurrentValues values = run_recurrent(layer);
        Results outputs{output_of(layer, values.states), last_of(layer, values.states, layer.h0)};
        if (cell == Cell::lstm) outputs.push_back(last_of(layer, values.cells, layer.c0));
        for (const Tensor& t : {values.states, values.cells, values.gates}) outputs.push_back(t);
        return outputs;
    }
    /// Uses the composition.
    std::array<Tensor, 8> pullback(std::span<const Tensor> cotangents, const Saved& s) const {
        RecurrentLayer layer = saved_layer(s);
        const std::array<Tensor*, 8> inputs = inputs_of(layer);
        Tape tape({.watch_parameters = false});
        std::vector<Tensor> watched;
        for (std::size_t i = 0; i < inputs.size(); ++i)
            if (s.needs(i)) watched.push_back(*inputs[i] = tape.watch(*inputs[i]));
        const Results outputs = compose(layer);
        Tensor total = sum(outputs[0] * cotangents[0]);
        for (std::size_t i = 1; i < outputs.size(); ++i) total = total + sum(outputs[i] * cotangents[i]);
        std::vector<Tensor> gradients = tape.gradient(total, watched, {.unconnected = Unconnected::zeros});
        std::array<Tensor, 8> parts;
        for (std::size_t i = 0, next = 0; i < parts.size(); ++i)
            if (s.needs(i)) parts[i] = std::move(gradients[next++]);
        return parts;
    }
    std::array<Tensor, 8> fused_pullback(std::span<const Tensor> cotangents, const Saved& s) const {
        return run_recurrent_back(saved_layer(s), {s.output(results), s.output(results + 1), s.output(results + 2)},
                                  cotangents[0], cotangents[1], cell == Cell::lstm ? cotangents[2] : Tensor(),
                                  s.all_needs());
    }

private:
    template <class Input>
    RecurrentLayer layer_of(const Input& input) const {
        RecurrentLayer l{.cell = cell, .reverse = reverse, .precision = precision};
        std::size_t i = 0;
        for (Tensor* const t : inputs_of(l)) *t = input(i++);
        l.steps = l.x.shape()[0], l.batch = l.x.shape()[1], l.inputs = l.x.shape()[2], l.hidden = l.h0.shape()[1];
        return l;
    }
    RecurrentLayer saved_layer(const Saved& s) const {
        return layer_of([&](std::size_t i) { return s.input(i); });
    }
};

template <Cell cell>
Results run(const char* name, RecurrentLayer layer, Location where) {
    std::vector<Tensor> inputs;
    for (const Tensor* const t : inputs_of(layer)) inputs.push_back(*t);
    return apply(Recurrence<cell>{layer.reverse, layer.precision}, std::span<const Tensor>(inputs), where, name);
}

void check_part(const Tensor& part, const RecurrentLayer& layer, const Shape& shape, const char* name, const char* what,
                Location where) {
    check_same_dtype(layer.x, part, name, where, what);
    check<ShapeError>(part.shape() == shape, where, [&] {
        return std::string(name) + ": " + what + " must be " + to_string(shape) + ", got " + to_string(part.shape());
    });
}

RecurrentLayer layer_of(const char* name, Cell cell, const Operand& input, const Operand& h0, const Operand& c0,
                        const Operand& weight_ih, const Operand& weight_hh, const Operand& bias_ih,
                        const Operand& bias_hh, bool reverse, const Tensor& lengths, const Tensor& weight_hr = {}) {
    const Location where = input.where();
    const auto given = [&](const Operand& operand,
                           const char* what) {  // errors name the user's line, not that of a default argument
        check<ValueError>(operand.is_tensor(), where,
                          [&] { return std::string(name) + ": " + what + " must be a tensor, got a number"; });
        return operand.tensor();
    };
    RecurrentLayer l{.cell = cell, .reverse = reverse};
    l.x = tensor_of(input, name);
    l.h0 = tensor_of(h0, name);
    l.weight_ih = tensor_of(weight_ih, name);
    l.weight_hh = tensor_of(weight_hh, name);
    l.bias_ih = given(bias_ih, "bias_ih");
    l.bias_hh = given(bias_hh, "bias_hh");
    l.weight_hr = weight_hr;
    check_floating(l.x, name, where);
    check<ShapeError>(l.x.ndim() == 3, where, [&] {
        return std::string(name) + ": the input must be (steps, samples, inputs), got shape " + to_string(l.x.shape());
    });
    l.steps = l.x.shape()[0], l.batch = l.x.shape()[1], l.inputs = l.x.shape()[2];
    check<ShapeError>(l.h0.ndim() == 2, where, [&] {
        return std::string(name) + ": h0 must be (samples, hidden), got shape " + to_string(l.h0.shape());
    });
    const Int width_of_state = l.h0.shape()[1];
    l.hidden = width_of_state;
    if (weight_hr.defined()) {
        check<ShapeError>(weight_hr.ndim() == 2, where, [&] {
            return std::string(name) + ": weight_hr must be (projected, hidden), got shape " +
                   to_string(weight_hr.shape());
        });
        l.hidden = weight_hr.shape()[1];
        check_part(weight_hr, l, {width_of_state, l.hidden}, name, "weight_hr", where);
    }
    const Int width = l.gates() * l.hidden;
    check_part(l.h0, l, {l.batch, width_of_state}, name, "h0", where);
    if (cell == Cell::lstm) {
        l.c0 = tensor_of(c0, name);
        check_part(l.c0, l, {l.batch, l.hidden}, name, "c0", where);
    }
    check_part(l.weight_ih, l, {width, l.inputs}, name, "weight_ih", where);
    check_part(l.weight_hh, l, {width, width_of_state}, name, "weight_hh", where);
    check<ValueError>(l.bias_ih.defined() == l.bias_hh.defined(), where,
                      [&] { return std::string(name) + ": there must be both biases or neither, got one"; });
    if (l.bias_ih.defined()) {
        check_part(l.bias_ih, l, {width}, name, "bias_ih", where);
        check_part(l.bias_hh, l, {width}, name, "bias_hh", where);
    }
    if (lengths.defined()) {
        check_index_type(lengths, name, where);
        check<ShapeError>(lengths.shape() == Shape{l.batch}, where, [&] {
            return std::string(name) + ": there must be a length for each of " + std::to_string(l.batch) +
                   " samples, got shape " + to_string(lengths.shape());
        });
        l.lengths = stop_gradient(lengths).to(DType::i64);
        for (const Int length : l.lengths.data<Int>())
            check<ValueError>(length >= 0 && length <= l.steps, where, [&] {
                return std::string(name) + ": lengths must be in [0, " + std::to_string(l.steps) + "], got " +
                       std::to_string(length);
            });
        // Elements after a sample's length must have no effect, even if they are NaN.
        const Tensor steps = expand_dims(arange(l.steps), {1, 2});
        l.x = xgrad::where({less(steps, expand_dims(l.lengths, 1)), where}, l.x, 0);
    }
    return l;
}

}  // namespace

RnnResult rnn(const Operand& x, const Operand& h0, const Operand& weight_ih, const Operand& weight_hh,
              const Operand& bias_ih, const Operand& bias_hh, const RNNFuncOptions& options) {
    const bool relu = options.nonlinearity == Nonlinearity::relu;
    const RecurrentLayer layer = layer_of("rnn", relu ? Cell::rnn_relu : Cell::rnn_tanh, x, h0, Tensor(), weight_ih,
                                          weight_hh, bias_ih, bias_hh, options.reverse, options.lengths);
    const Results y =
        relu ? run<Cell::rnn_relu>("rnn", layer, x.where()) : run<Cell::rnn_tanh>("rnn", layer, x.where());
    return {y[0], y[1]};
}

LstmResult lstm(const Operand& x, const Operand& h0, const Operand& c0, const Operand& weight_ih,
                const Operand& weight_hh, const Operand& bias_ih, const Operand& bias_hh,
                const LSTMFuncOptions& options) {
    const RecurrentLayer layer = layer_of("lstm", Cell::lstm, x, h0, c0, weight_ih, weight_hh, bias_ih, bias_hh,
                                          options.reverse, options.lengths, options.weight_hr);
    const Results y = layer.weight_hr.defined() ? compose(layer) : run<Cell::lstm>("lstm", layer, x.where());
    return {y[0], y[1], y[2]};
}

RnnResult gru(const Operand& x, const Operand& h0, const Operand& weight_ih, const Operand& weight_hh,
              const Operand& bias_ih, const Operand& bias_hh, const RecurrentOptions& options) {
    const RecurrentLayer layer = layer_of("gru", Cell::gru, x, h0, Tensor(), weight_ih, weight_hh, bias_ih, bias_hh,
                                          options.reverse, options.lengths);
    const Results y = run<Cell::gru>("gru", layer, x.where());
    return {y[0], y[1]};
}

}  // namespace xgrad
