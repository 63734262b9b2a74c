#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <autodiff/ops/nn/recurrent.hpp>

#include "nn/core/module.hpp"

// Recurrent layers over a sequence and their cells for one step. Formulas, gate orders, parameter names and shapes are
// PyTorch's; all parameters start as U(-k, k) with k = 1/sqrt(hidden_size).
//
// A sequence is (T, B, I): steps, samples, inputs; with batch_first (B, T, I); a single sample is (T, I). The result's
// `output` has the same layout, with hidden_size (twice that when bidirectional: forward, then backward) instead of I.
// States are (num_layers * directions, B, H), without B for one sample, ordered layer by layer, forward before
// backward.
//
// `lengths` (B), i32 or i64, is the number of valid steps of each sample, as in pack_padded_sequence; samples may be in
// any order. After these steps the output is 0, and the input is not read.

namespace xgrad::nn {

/// The optional inputs of a recurrent layer.
struct RecurrentInputs {
    Tensor h = {};  ///< the state before the first step; zeros if not given
    Tensor lengths = {};
};
struct LSTMInputs {
    Tensor h = {}, c = {};  ///< states before the first step; zeros if not given
    Tensor lengths = {};
};

struct RNNOptions {
    std::int64_t num_layers = 1;
    Nonlinearity nonlinearity = Nonlinearity::tanh;
    bool bias = true;
    bool batch_first = false;
    double dropout = 0;  ///< of the outputs of every layer except the last, in training
    bool bidirectional = false;
    DType dtype = DType::f32;
};
struct LSTMOptions {
    std::int64_t num_layers = 1;
    bool bias = true;
    bool batch_first = false;
    double dropout = 0;  ///< of the outputs of every layer except the last, in training
    bool bidirectional = false;
    std::int64_t proj_size = 0;  ///< when positive, weight_hr projects h to this size
    DType dtype = DType::f32;
};
struct GRUOptions {
    std::int64_t num_layers = 1;
    bool bias = true;
    bool batch_first = false;
    double dropout = 0;  ///< of the outputs of every layer except the last, in training
    bool bidirectional = false;
    DType dtype = DType::f32;
};

namespace detail {

/// Stacked layers of one kind, in one or two directions: the common part of RNN, LSTM and GRU.
class XGRAD_API RecurrentLayers {
public:
    enum class Kind { rnn_tanh, rnn_relu, lstm, gru };

    std::int64_t input_size() const { return input_size_; }
    std::int64_t hidden_size() const { return hidden_size_; }
    std::int64_t num_layers() const { return options_.num_layers; }
    bool bidirectional() const { return options_.bidirectional; }

    /// A parameter by its name: "weight_ih_l0", "bias_hh_l1_reverse". IndexError if there is none.
    Parameter& parameter(std::string_view name, Location where = Location::current());
    const Parameter& parameter(std::string_view name, Location where = Location::current()) const;

    void xgrad_visit(const Path& path, Visitor& visitor);

    bool training = true;

protected:
    RecurrentLayers(Kind kind, std::int64_t input_size, std::int64_t hidden_size, const LSTMOptions& options,
                    Location where);
    LstmResult run(const Tensor& x, const LSTMInputs& inputs, Location where) const;

private:
    const char* name() const;
    void add(const Shape& shape, const std::string& parameter);
    void check_inputs(const Tensor& x, const LSTMInputs& inputs, Location where) const;
    LstmResult run_direction(std::size_t direction, const Tensor& x, const Tensor& h, const Tensor& c,
                             const Tensor& lengths, Location where) const;
    std::int64_t directions() const { return options_.bidirectional ? 2 : 1; }
    std::int64_t state_size() const { return options_.proj_size ? options_.proj_size : hidden_size_; }

    Kind kind_;
    std::int64_t input_size_, hidden_size_;
    LSTMOptions options_;
    std::size_t per_direction_ = 0;  // the number of parameters of one direction of one layer
    std::vector<Parameter> parameters_;
    std::string names_;  // of the parameters, as XGRAD_FIELDS would write them
    mutable RandomStream random_;
};

}  // namespace detail

/// Elman's network: h = nonlinearity(weight_ih·x + bias_ih + weight_hh·h + bias_hh).
///
///     auto [output, h] = rnn(x, {.h = h0, .lengths = lengths});
class XGRAD_API RNN : public detail::RecurrentLayers {
public:
    RNN(std::int64_t input_size, std::int64_t hidden_size, const RNNOptions& options = {},
        Location where = Location::current());
    RnnResult operator()(const Tensor& x, const RecurrentInputs& inputs = {},
                         Location where = Location::current()) const;
};

/// Long short-term memory, gates in the order i f g o: c = sigmoid(f) c + sigmoid(i) tanh(g), h = sigmoid(o) tanh(c),
/// and with proj_size weight_hr·h instead of h (Hochreiter, Schmidhuber 1997; Sak, Senior, Beaufays 2014). A projected
/// layer runs step by step.
///
///     auto [output, h, c] = lstm(x, {.h = h0, .c = c0, .lengths = lengths});
class XGRAD_API LSTM : public detail::RecurrentLayers {
public:
    LSTM(std::int64_t input_size, std::int64_t hidden_size, const LSTMOptions& options = {},
         Location where = Location::current());
    LstmResult operator()(const Tensor& x, const LSTMInputs& inputs = {}, Location where = Location::current()) const;
};

/// Gated recurrent unit, gates in the order r z n: n = tanh(W_in x + b_in + r (W_hn h + b_hn)), h = (1 - z) n + z h
/// (Cho et al. 2014).
class XGRAD_API GRU : public detail::RecurrentLayers {
public:
    GRU(std::int64_t input_size, std::int64_t hidden_size, const GRUOptions& options = {},
        Location where = Location::current());
    RnnResult operator()(const Tensor& x, const RecurrentInputs& inputs = {},
                         Location where = Location::current()) const;
};

struct RNNCellOptions {
    bool bias = true;
    Nonlinearity nonlinearity = Nonlinearity::tanh;
    DType dtype = DType::f32;
};
struct CellOptions {
    bool bias = true;
    DType dtype = DType::f32;
};

/// One step of an RNN: x (B, I) and h (B, H), or (I) and (H), return the next h. h is zeros if not given.
struct XGRAD_API RNNCell {
    Parameter weight_ih, weight_hh, bias_ih, bias_hh;
    Nonlinearity nonlinearity;

    RNNCell(std::int64_t input_size, std::int64_t hidden_size, const RNNCellOptions& options = {},
            Location where = Location::current());
    Tensor operator()(const Tensor& x, const Tensor& h = {}, Location where = Location::current()) const;

    void xgrad_visit(const Path& path, Visitor& visitor);
};

struct LSTMState {
    Tensor h, c;
};
/// One step of an LSTM: `auto [h, c] = cell(x, {h0, c0})`, shapes as in RNNCell. The state is zeros if not given.
struct XGRAD_API LSTMCell {
    Parameter weight_ih, weight_hh, bias_ih, bias_hh;

    LSTMCell(std::int64_t input_size, std::int64_t hidden_size, const CellOptions& options = {},
             Location where = Location::current());
    LSTMState operator()(const Tensor& x, const LSTMState& state = {}, Location where = Location::current()) const;

    void xgrad_visit(const Path& path, Visitor& visitor);
};

/// One step of a GRU, shapes as in RNNCell.
struct XGRAD_API GRUCell {
    Parameter weight_ih, weight_hh, bias_ih, bias_hh;

    GRUCell(std::int64_t input_size, std::int64_t hidden_size, const CellOptions& options = {},
            Location where = Location::current());
    Tensor operator()(const Tensor& x, const Tensor& h = {}, Location where = Location::current()) const;

    void xgrad_visit(const Path& path, Visitor& visitor);
};

}  // namespace xgrad::nn
