#pragma once

#include "autodiff/core/tensor.hpp"

// Recurrent layers over a whole sequence, as single operations: one layer, one direction; PyTorch's formulas, gate
// orders and parameter shapes. x is (T, B, I): steps, samples, inputs; states are (B, H); weight_ih is (gates H, I),
// weight_hh (gates H, H), the biases (gates H), or both of them empty tensors. All are f32 or all f64. ShapeError or
// DTypeError for arguments that do not match.

namespace xgrad {

struct RecurrentOptions {
    bool reverse = false;  ///< run from the last step to the first; outputs stay in the order of the steps
    /// The number of valid steps of each sample: i32 or i64, (B), each in [0, T]; all steps by default. Beyond them the
    /// output is 0 and the state does not change, so the last state is that of the last valid step.
    Tensor lengths = {};
};

struct LSTMFuncOptions {
    bool reverse = false;
    Tensor lengths = {};
    /// (P, H): the state is weight_hr·h (Sak, Senior, Beaufays 2014), so h0 and the outputs are (B, P) and weight_hh is
    /// (4 H, P). Such a layer is a step-by-step composition of operations.
    Tensor weight_hr = {};
};

/// tanh or max(x, 0), whose gradient at 0 is 0.
enum class Nonlinearity { tanh, relu };
struct RNNFuncOptions {
    Nonlinearity nonlinearity = Nonlinearity::tanh;
    bool reverse = false;
    Tensor lengths = {};
};

/// The state at every step (T, B, H), and the last state (B, H).
struct RnnResult {
    Tensor output, h;
};
struct LstmResult {
    Tensor output, h, c;
};

/// h = nonlinearity(weight_ih·x + bias_ih + weight_hh·h + bias_hh), step by step from h0.
XGRAD_API RnnResult rnn(const Operand& x, const Operand& h0, const Operand& weight_ih, const Operand& weight_hh,
                        const Operand& bias_ih = Tensor(), const Operand& bias_hh = Tensor(),
                        const RNNFuncOptions& options = {});
/// Long short-term memory with the gates i, f, g, o: c = sigmoid(f) c + sigmoid(i) tanh(g), h = sigmoid(o) tanh(c),
/// from h0 and c0.
XGRAD_API LstmResult lstm(const Operand& x, const Operand& h0, const Operand& c0, const Operand& weight_ih,
                          const Operand& weight_hh, const Operand& bias_ih = Tensor(),
                          const Operand& bias_hh = Tensor(), const LSTMFuncOptions& options = {});
/// Gated recurrent unit with the gates r, z, n: n = tanh(W_in x + b_in + r (W_hn h + b_hn)), h = (1 - z) n + z h, from
/// h0.
XGRAD_API RnnResult gru(const Operand& x, const Operand& h0, const Operand& weight_ih, const Operand& weight_hh,
                        const Operand& bias_ih = Tensor(), const Operand& bias_hh = Tensor(),
                        const RecurrentOptions& options = {});

}  // namespace xgrad
