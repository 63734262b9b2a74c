#pragma once

#include <array>

#include "autodiff/core/detail/axes.hpp"
#include "autodiff/core/operation.hpp"
#include "autodiff/core/precision.hpp"
#include "autodiff/core/tensor.hpp"

// The values of recurrent layers and their fused pullbacks, on plain memory. Not for users.

namespace xgrad::detail {

enum class Cell { rnn_tanh, rnn_relu, lstm, gru };

/// A layer with checked arguments.
struct RecurrentLayer {
    Cell cell = Cell::rnn_tanh;
    bool reverse = false;
    Tensor x = {}, h0 = {}, c0 = {}, weight_ih = {}, weight_hh = {}, bias_ih = {},
           bias_hh = {};  // c0 and the biases may be empty
    Tensor lengths = {};                                                                          // i64, or empty
    Tensor weight_hr = {};  // only for a composed layer
    Int steps = 0, batch = 0, inputs = 0, hidden = 0;
    Precision precision = current_precision();  // for products with x; those with states are always full

    Int gates() const { return cell == Cell::lstm ? 4 : cell == Cell::gru ? 3 : 1; }
    /// The time index of the s-th step taken.
    Int time(Int s) const { return reverse ? steps - 1 - s : s; }
};

/// The values that the pullback reads.
struct RecurrentValues {
    Tensor states;  // (T,B,H)
    Tensor cells;  // for lstm
    Tensor gates;  // (T,B,4H) for lstm and gru; the slopes (T,B,H) of tanh for rnn. See kernels/recurrent.hpp
};

RecurrentValues run_recurrent(const RecurrentLayer& layer);
/// The states, with 0 after the samples' lengths.
Tensor output_of(const RecurrentLayer& layer, const Tensor& states);
/// The last of the states or cells; `before` for samples without steps.
Tensor last_of(const RecurrentLayer& layer, const Tensor& states, const Tensor& before);

/// The cotangents of x, h0, c0, weight_ih, weight_hh, bias_ih, bias_hh and lengths (always empty) from those of output,
/// h and c, which is empty if the layer has no cells.
std::array<Tensor, 8> run_recurrent_back(const RecurrentLayer& layer, const RecurrentValues& values,
                                         const Tensor& output, const Tensor& h, const Tensor& c, Needs needs);

}  // namespace xgrad::detail
