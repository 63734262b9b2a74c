#include "recurrent.hpp"

#include <cmath>

#include <autodiff/functions/functions.hpp>
#include <autodiff/ops/shape/shape.hpp>

#include "nn/core/detail/fields.hpp"
#include "nn/core/init.hpp"

namespace xgrad::nn {

namespace {

using Int = std::int64_t;
using Kind = detail::RecurrentLayers::Kind;

Int gates_of(Kind kind) { return kind == Kind::lstm ? 4 : kind == Kind::gru ? 3 : 1; }

const char* name_of(Kind kind) { return kind == Kind::lstm ? "LSTM" : kind == Kind::gru ? "GRU" : "RNN"; }

void check_sizes(const char* name, Int input_size, Int hidden_size, Location where) {
    check<ValueError>(input_size > 0 && hidden_size > 0, where, [&] {
        return std::string(name) + ": sizes must be positive, got " + std::to_string(input_size) + " and " +
               std::to_string(hidden_size);
    });
}

Parameter drawn(const Shape& shape, Int hidden_size, DType dtype) {
    Parameter p(zeros(shape, dtype));
    const double bound = 1 / std::sqrt(static_cast<double>(hidden_size));
    init::uniform(p, -bound, bound);
    return p;
}

/// The index of a name in a comma-separated list; -1 if it is absent.
int find_name(std::string_view names, std::string_view name) {
    for (int i = 0;; ++i) {
        const auto comma = names.find(',');
        if (names.substr(0, comma) == name) return i;
        if (comma == std::string_view::npos) return -1;
        names.remove_prefix(comma + 1);
    }
}

}  // namespace

namespace detail {

RecurrentLayers::RecurrentLayers(Kind kind, Int input_size, Int hidden_size, const LSTMOptions& options, Location where)
    : kind_(kind), input_size_(input_size), hidden_size_(hidden_size), options_(options) {
    check_sizes(name(), input_size, hidden_size, where);
    check<ValueError>(options.num_layers > 0, where, [&] {
        return std::string(name()) + ": num_layers must be positive, got " + std::to_string(options.num_layers);
    });
    check<ValueError>(options.dropout >= 0 && options.dropout <= 1, where, [&] {
        return std::string(name()) + ": dropout must be in [0, 1], got " + PlainNumber(options.dropout).text();
    });
    check<ValueError>(options.proj_size >= 0 && options.proj_size < hidden_size, where, [&] {
        return std::string(name()) + ": proj_size must be in [0, hidden_size), got " +
               std::to_string(options.proj_size);
    });
    const Int width = gates_of(kind) * hidden_size;
    for (Int layer = 0; layer < options.num_layers; ++layer)
        for (Int direction = 0; direction < directions(); ++direction) {
            const std::string suffix = "_l" + std::to_string(layer) + (direction ? "_reverse" : "");
            add({width, layer ? directions() * state_size() : input_size}, "weight_ih" + suffix);
            add({width, state_size()}, "weight_hh" + suffix);
            if (options.bias) {
                add({width}, "bias_ih" + suffix);
                add({width}, "bias_hh" + suffix);
            }
            if (options.proj_size) add({options.proj_size, hidden_size}, "weight_hr" + suffix);
        }
    per_direction_ = parameters_.size() / static_cast<std::size_t>(options.num_layers * directions());
}

const char* RecurrentLayers::name() const { return name_of(kind_); }

void RecurrentLayers::add(const Shape& shape, const std::string& parameter) {
    parameters_.push_back(drawn(shape, hidden_size_, options_.dtype));
    names_ += (names_.empty() ? "" : ",") + parameter;
}

const Parameter& RecurrentLayers::parameter(std::string_view wanted, Location where) const {
    const int i = find_name(names_, wanted);
    check<IndexError>(i >= 0, where, [&] {
        return std::string(name()) + ": parameters are " + names_ + ", got \"" + std::string(wanted) + "\"";
    });
    return parameters_[static_cast<std::size_t>(i)];
}

Parameter& RecurrentLayers::parameter(std::string_view wanted, Location where) {
    return const_cast<Parameter&>(std::as_const(*this).parameter(wanted, where));
}

void RecurrentLayers::xgrad_visit(const Path& path, Visitor& visitor) {
    int i = 0;
    for (Parameter& p : parameters_) visitor.parameter(Path(path, names_.c_str(), i++), p);
    visitor.random(Path(path, "random", 0), random_);
}

void RecurrentLayers::check_inputs(const Tensor& x, const LSTMInputs& inputs, Location where) const {
    const bool one = x.ndim() == 2;
    check<ShapeError>((one || x.ndim() == 3) && x.shape(-1) == input_size_, where, [&] {
        return std::string(name()) + ": the input must be " +
               (options_.batch_first ? "(samples, steps, " : "(steps, samples, ") + std::to_string(input_size_) +
               ") or (steps, " + std::to_string(input_size_) + "), got " + to_string(x.shape());
    });
    const auto check_state = [&](const Tensor& state, const char* what, Int width) {
        if (!state.defined()) return;
        Shape shape{num_layers() * directions()};
        if (!one) shape.push_back(x.shape(options_.batch_first ? 0 : 1));
        shape.push_back(width);
        check<ShapeError>(state.shape() == shape, where, [&] {
            return std::string(name()) + ": " + what + " must be " + to_string(shape) + ", got " +
                   to_string(state.shape());
        });
    };
    check_state(inputs.h, "h", state_size());
    check_state(inputs.c, "c", hidden_size_);
}

LstmResult RecurrentLayers::run_direction(std::size_t direction, const Tensor& x, const Tensor& h, const Tensor& c,
                                          const Tensor& lengths, Location where) const {
    const Parameter* const p = parameters_.data() + direction * per_direction_;
    const Tensor none, &bias_ih = options_.bias ? p[2] : none, &bias_hh = options_.bias ? p[3] : none;
    const bool reverse = options_.bidirectional && direction % 2 == 1;
    const Operand input(x, where);
    if (kind_ == Kind::lstm)
        return lstm(
            input, h, c, p[0], p[1], bias_ih, bias_hh,
            {.reverse = reverse, .lengths = lengths, .weight_hr = options_.proj_size ? p[per_direction_ - 1] : none});
    const RnnResult y = kind_ == Kind::gru
                            ? gru(input, h, p[0], p[1], bias_ih, bias_hh, {.reverse = reverse, .lengths = lengths})
                            : rnn(input, h, p[0], p[1], bias_ih, bias_hh,
                                  {.nonlinearity = kind_ == Kind::rnn_relu ? Nonlinearity::relu : Nonlinearity::tanh,
                                   .reverse = reverse,
                                   .lengths = lengths});
    return {y.output, y.h, {}};
}

LstmResult RecurrentLayers::run(const Tensor& input, const LSTMInputs& inputs, Location where) const {
    check_inputs(input, inputs, where);
    const bool one = input.ndim() == 2, swaps = options_.batch_first && !one, is_lstm = kind_ == Kind::lstm;
    Tensor x = one ? expand_dims(input, 1) : swaps ? swapaxes(input, 0, 1) : input;  // (T,B,I)
    const Int batch = x.shape(1);
    const auto initial = [&](const Tensor& states, Int i, Int width) {
        return states.defined() ? reshape(select(states, 0, i), {batch, width}) : zeros({batch, width}, x.dtype());
    };
    Generator generator;
    const bool drops = training && options_.dropout > 0 && num_layers() > 1;
    if (drops) generator = Generator(random_.next());
    std::vector<Tensor> h, c, outputs;
    for (Int i = 0; i < num_layers() * directions(); ++i) {
        LstmResult y = run_direction(static_cast<std::size_t>(i), x, initial(inputs.h, i, state_size()),
                                     is_lstm ? initial(inputs.c, i, hidden_size_) : Tensor(), inputs.lengths, where);
        h.push_back(std::move(y.h));
        if (is_lstm) c.push_back(std::move(y.c));
        outputs.push_back(std::move(y.output));
        if (static_cast<Int>(outputs.size()) < directions()) continue;
        x = concat(outputs, -1);
        outputs.clear();
        if (drops && i + 1 < num_layers() * directions()) x = dropout(x, options_.dropout, generator);
    }
    const auto together = [&](const std::vector<Tensor>& states) {
        if (states.empty()) return Tensor();
        const Tensor all = states.size() == 1 ? expand_dims(states[0], 0) : stack(states);
        return one ? squeeze(all, 1) : all;
    };
    return {one ? squeeze(x, 1) : swaps ? swapaxes(x, 0, 1) : x, together(h), together(c)};
}

}  // namespace detail

RNN::RNN(Int input_size, Int hidden_size, const RNNOptions& o, Location where)
    : RecurrentLayers(o.nonlinearity == Nonlinearity::relu ? Kind::rnn_relu : Kind::rnn_tanh, input_size, hidden_size,
                      {o.num_layers, o.bias, o.batch_first, o.dropout, o.bidirectional, 0, o.dtype}, where) {}
RnnResult RNN::operator()(const Tensor& x, const RecurrentInputs& inputs, Location where) const {
    LstmResult y = run(x, {inputs.h, {}, inputs.lengths}, where);
    return {std::move(y.output), std::move(y.h)};
}

LSTM::LSTM(Int input_size, Int hidden_size, const LSTMOptions& options, Location where)
    : RecurrentLayers(Kind::lstm, input_size, hidden_size, options, where) {}
LstmResult LSTM::operator()(const Tensor& x, const LSTMInputs& inputs, Location where) const {
    return run(x, inputs, where);
}

GRU::GRU(Int input_size, Int hidden_size, const GRUOptions& o, Location where)
    : RecurrentLayers(Kind::gru, input_size, hidden_size,
                      {o.num_layers, o.bias, o.batch_first, o.dropout, o.bidirectional, 0, o.dtype}, where) {}
RnnResult GRU::operator()(const Tensor& x, const RecurrentInputs& inputs, Location where) const {
    LstmResult y = run(x, {inputs.h, {}, inputs.lengths}, where);
    return {std::move(y.output), std::move(y.h)};
}

// --- cells -----------------------------------------------------------------------------------------------------------

namespace {

template <class Cell>
void make_cell(const char* name, Cell& cell, Int gates, Int input_size, Int hidden_size, bool bias, DType dtype,
               Location where) {
    check_sizes(name, input_size, hidden_size, where);
    cell.weight_ih = drawn({gates * hidden_size, input_size}, hidden_size, dtype);
    cell.weight_hh = drawn({gates * hidden_size, hidden_size}, hidden_size, dtype);
    if (!bias) return;
    cell.bias_ih = drawn({gates * hidden_size}, hidden_size, dtype);
    cell.bias_hh = drawn({gates * hidden_size}, hidden_size, dtype);
}

/// A cell's input as a sequence of one step, and its state as the state of a batch.
struct Step {
    Tensor x;  // (1,B,I)
    bool one;
    Int hidden;
    const char* name;
    Location where;

    template <class Cell>
    Step(const char* cell_name, const Cell& cell, const Tensor& input, Location location)
        : one(input.ndim() == 1), hidden(cell.weight_hh.shape(1)), name(cell_name), where(location) {
        const Int inputs = cell.weight_ih.shape(1);
        check<ShapeError>((one || input.ndim() == 2) && input.shape(-1) == inputs, where, [&] {
            return std::string(name) + ": the input must be (samples, " + std::to_string(inputs) + ") or (" +
                   std::to_string(inputs) + ",), got " + to_string(input.shape());
        });
        x = expand_dims(input, one ? Axes{0, 1} : Axes{0});
    }
    Tensor state(const Tensor& given, const char* what) const {
        if (!given.defined()) return zeros({x.shape(1), hidden}, x.dtype());
        const Shape shape = one ? Shape{hidden} : Shape{x.shape(1), hidden};
        check<ShapeError>(given.shape() == shape, where, [&] {
            return std::string(name) + ": " + what + " must be " + to_string(shape) + ", got " +
                   to_string(given.shape());
        });
        return one ? expand_dims(given, 0) : given;
    }
    Tensor result(const Tensor& h) const { return one ? squeeze(h, 0) : h; }
};

}  // namespace

RNNCell::RNNCell(Int input_size, Int hidden_size, const RNNCellOptions& options, Location where)
    : nonlinearity(options.nonlinearity) {
    make_cell("RNNCell", *this, 1, input_size, hidden_size, options.bias, options.dtype, where);
}
Tensor RNNCell::operator()(const Tensor& x, const Tensor& h, Location where) const {
    const Step step("RNNCell", *this, x, where);
    return step.result(
        rnn({step.x, where}, step.state(h, "h"), weight_ih, weight_hh, bias_ih, bias_hh, {.nonlinearity = nonlinearity})
            .h);
}

LSTMCell::LSTMCell(Int input_size, Int hidden_size, const CellOptions& options, Location where) {
    make_cell("LSTMCell", *this, 4, input_size, hidden_size, options.bias, options.dtype, where);
}
LSTMState LSTMCell::operator()(const Tensor& x, const LSTMState& state, Location where) const {
    const Step step("LSTMCell", *this, x, where);
    const auto y = lstm({step.x, where}, step.state(state.h, "h"), step.state(state.c, "c"), weight_ih, weight_hh,
                        bias_ih, bias_hh);
    return {step.result(y.h), step.result(y.c)};
}

GRUCell::GRUCell(Int input_size, Int hidden_size, const CellOptions& options, Location where) {
    make_cell("GRUCell", *this, 3, input_size, hidden_size, options.bias, options.dtype, where);
}
Tensor GRUCell::operator()(const Tensor& x, const Tensor& h, Location where) const {
    const Step step("GRUCell", *this, x, where);
    return step.result(gru({step.x, where}, step.state(h, "h"), weight_ih, weight_hh, bias_ih, bias_hh).h);
}

XGRAD_FIELDS_OF(RNNCell, weight_ih, weight_hh, bias_ih, bias_hh)
XGRAD_FIELDS_OF(LSTMCell, weight_ih, weight_hh, bias_ih, bias_hh)
XGRAD_FIELDS_OF(GRUCell, weight_ih, weight_hh, bias_ih, bias_hh)

}  // namespace xgrad::nn
