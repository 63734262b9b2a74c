#include "recurrent.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "../apply.hpp"
#include "elementwise.hpp"
#include "indices.hpp"
#include "matmul.hpp"
#include "recurrent_steps.hpp"
#include "reduce.hpp"
#include "shape.hpp"

// Fused steps forward, and back when nobody records; when somebody does, the way back is that of the composition below.
// An lstm whose state is projected is the composition.

namespace xgrad {

using namespace detail;

namespace {

using Results = std::vector<Tensor>;  // output, h, and c of lstm

/// The layer in operations, for derivatives of any order.
Results compose(const RecurrentLayer& l) {
    const bool is_lstm = l.cell == Cell::lstm;
    Tensor h = l.h0, c = l.c0;
    const Tensor of_x = linear(l.x, l.weight_ih, l.bias_ih);
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

std::array<Tensor*, 7> inputs_of(RecurrentLayer& l) { return {&l.x, &l.h0, &l.c0, &l.weight_ih, &l.weight_hh, &l.bias_ih, &l.bias_hh}; }

/// The cotangents of the inputs through the composition, for the tapes that record.
std::array<Tensor, 7> composed_back(RecurrentLayer layer, std::span<const Tensor> cotangents) {
    Tape tape({.watch_parameters = false});
    std::vector<Tensor> watched;
    for (Tensor* input : inputs_of(layer))
        if (input->defined()) watched.push_back(*input = tape.watch(*input));
    const Results results = compose(layer);
    Tensor total = sum(results[0] * cotangents[0]);
    for (std::size_t i = 1; i < results.size(); ++i) total = total + sum(results[i] * cotangents[i]);
    std::vector<Tensor> gradients = tape.gradient(total, watched, {.unconnected = Unconnected::zeros});
    std::array<Tensor, 7> parts;
    std::size_t next = 0, k = 0;
    for (Tensor* input : inputs_of(layer)) {
        if (input->defined()) parts[k] = std::move(gradients[next++]);
        ++k;
    }
    return parts;
}

Results run(const char* name, const RecurrentLayer& layer, Location where) {
    const RecurrentValues values = run_recurrent(layer);
    Results results{output_of(layer, values.states), last_of(layer, values.states, layer.h0)};
    if (layer.cell == Cell::lstm) results.push_back(last_of(layer, values.cells, layer.c0));
    return apply_many(
        name, {layer.x, layer.h0, layer.c0, layer.weight_ih, layer.weight_hh, layer.bias_ih, layer.bias_hh}, [&] { return results; },
        [layer, values](std::span<const Tensor> cotangents, Needs needs) {
            const auto is_tracked = [](const Tensor& t) { return t.defined() && tracked(t); };
            RecurrentLayer copy = layer;
            bool recorded = std::any_of(cotangents.begin(), cotangents.end(), is_tracked);
            for (const Tensor* input : inputs_of(copy)) recorded = recorded || is_tracked(*input);
            if (recorded) return composed_back(std::move(copy), cotangents);
            const bool biased = layer.bias_ih.defined();
            return run_recurrent_back(layer, values, cotangents[0], cotangents[1], cotangents.size() > 2 ? cotangents[2] : Tensor(),
                                      {needs[0], needs[3], needs[4], needs[5] && biased, needs[6] && biased});
        },
        where);
}

void check_part(const Tensor& part, const RecurrentLayer& layer, const Shape& shape, const char* name, const char* what, Location where) {
    check<DTypeError>(part.dtype() == layer.x.dtype(), where, [&] {
        return std::string(name) + ": " + what + " must have the input's element type, got " + name_of(part.dtype()) + " and " +
               name_of(layer.x.dtype());
    });
    check<ShapeError>(part.shape() == shape, where, [&] {
        return std::string(name) + ": " + what + " must be " + to_string(shape) + ", got " + to_string(part.shape());
    });
}

RecurrentLayer layer_of(const char* name, Cell cell, const Operand& input, const Operand& h0, const Operand& c0, const Operand& weight_ih,
                        const Operand& weight_hh, const Operand& bias_ih, const Operand& bias_hh, bool reverse, const Tensor& lengths,
                        const Tensor& weight_hr = {}) {
    const Location where = input.where();
    const auto given = [&](const Operand& operand, const char* what) {  // as the user's line, not that of a default argument
        check<ValueError>(operand.is_tensor(), where, [&] { return std::string(name) + ": " + what + " must be a tensor, got a number"; });
        return operand.tensor();
    };
    RecurrentLayer l{cell,
                     reverse,
                     {},
                     tensor_of(input, name),
                     tensor_of(h0, name),
                     {},
                     tensor_of(weight_ih, name),
                     tensor_of(weight_hh, name),
                     given(bias_ih, "bias_ih"),
                     given(bias_hh, "bias_hh"),
                     0,
                     0,
                     0,
                     0,
                     weight_hr};
    check_floating(l.x, name, where);
    check<ShapeError>(l.x.ndim() == 3, where, [&] {
        return std::string(name) + ": the input must be (steps, samples, inputs), got shape " + to_string(l.x.shape());
    });
    l.steps = l.x.shape()[0], l.batch = l.x.shape()[1], l.inputs = l.x.shape()[2];
    check<ShapeError>(l.h0.ndim() == 2, where,
                      [&] { return std::string(name) + ": h0 must be (samples, hidden), got shape " + to_string(l.h0.shape()); });
    const Int width_of_state = l.h0.shape()[1];
    l.hidden = width_of_state;
    if (weight_hr.defined()) {
        check<ShapeError>(weight_hr.ndim() == 2, where, [&] {
            return std::string(name) + ": weight_hr must be (projected, hidden), got shape " + to_string(weight_hr.shape());
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
            return std::string(name) + ": there must be a length for each of " + std::to_string(l.batch) + " samples, got shape " +
                   to_string(lengths.shape());
        });
        l.lengths = stop_gradient(lengths).to(DType::i64);
        for (const Int length : l.lengths.data<Int>())
            check<ValueError>(length >= 0 && length <= l.steps, where, [&] {
                return std::string(name) + ": lengths must be in [0, " + std::to_string(l.steps) + "], got " + std::to_string(length);
            });
        // What lies behind a sample's length is never looked at, be it NaN.
        const Tensor steps = expand_dims(arange(l.steps), {1, 2});
        l.x = xgrad::where({less(steps, expand_dims(l.lengths, 1)), where}, l.x, 0);
    }
    return l;
}

}  // namespace

Recurrent rnn(const Operand& x, const Operand& h0, const Operand& weight_ih, const Operand& weight_hh, const Operand& bias_ih,
              const Operand& bias_hh, const RnnOptions& options) {
    const Cell cell = options.nonlinearity == Nonlinearity::relu ? Cell::rnn_relu : Cell::rnn_tanh;
    const Results y = run(
        "rnn", layer_of("rnn", cell, x, h0, Tensor(), weight_ih, weight_hh, bias_ih, bias_hh, options.reverse, options.lengths), x.where());
    return {y[0], y[1]};
}

LongShortTerm lstm(const Operand& x, const Operand& h0, const Operand& c0, const Operand& weight_ih, const Operand& weight_hh,
                   const Operand& bias_ih, const Operand& bias_hh, const LstmOptions& options) {
    const RecurrentLayer layer = layer_of("lstm", Cell::lstm, x, h0, c0, weight_ih, weight_hh, bias_ih, bias_hh, options.reverse,
                                          options.lengths, options.weight_hr);
    const Results y = layer.weight_hr.defined() ? compose(layer) : run("lstm", layer, x.where());
    return {y[0], y[1], y[2]};
}

Recurrent gru(const Operand& x, const Operand& h0, const Operand& weight_ih, const Operand& weight_hh, const Operand& bias_ih,
              const Operand& bias_hh, const RecurrentOptions& options) {
    const Results y =
        run("gru", layer_of("gru", Cell::gru, x, h0, Tensor(), weight_ih, weight_hh, bias_ih, bias_hh, options.reverse, options.lengths),
            x.where());
    return {y[0], y[1]};
}

}  // namespace xgrad
