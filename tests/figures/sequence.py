"""Recurrent layers and their cells: see figures.py."""
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from figures import layer, main, wave

LENGTHS = torch.tensor([2, 4, 1])  # in no order, none of them twice


def packed(module, x, *state):
    """A recurrent layer on samples of different lengths, as PyTorch has it."""
    steps = x.shape[1 if module.batch_first else 0]
    sequence = pack_padded_sequence(x, LENGTHS, batch_first=module.batch_first, enforce_sorted=False)
    state = state if len(state) > 1 else state[0] if state else None
    output, last = module(sequence, state)
    return pad_packed_sequence(output, batch_first=module.batch_first, total_length=steps)[0], last


def with_state(module, x, *state):
    return module(x, state if len(state) > 1 else state[0])


x = wave(4, 3, 3)  # steps, samples, inputs
for kind, make, states in (("RNN", nn.RNN, 1), ("LSTM", nn.LSTM, 2), ("GRU", nn.GRU, 1)):
    def state(rows, *shape):
        return [wave(rows, *shape, seed=7 + i) for i in range(states)]

    layer(kind, make(3, 2), x)
    layer(f"{kind} without bias", make(3, 2, bias=False), x)
    m = make(3, 2, num_layers=2, bidirectional=True, batch_first=True)
    layer(f"{kind} deep, both ways, batch first, from a state", m, x, *state(4, 4, 2), call=lambda *a, m=m: with_state(m, *a))
    m = make(3, 2, num_layers=2)
    layer(f"{kind} deep, one sample, from a state", m, x[:, 0], *state(2, 2), call=lambda *a, m=m: with_state(m, *a))
    m = make(3, 2, bidirectional=True)
    layer(f"{kind} one sample, both ways", m, x[:, 1])
    m = make(3, 2, num_layers=2, bidirectional=True)
    layer(f"{kind} deep, both ways, lengths, from a state", m, x, *state(4, 3, 2), call=lambda *a, m=m: packed(m, *a))
    m = make(3, 2, batch_first=True)
    layer(f"{kind} batch first, lengths", m, x.swapaxes(0, 1), call=lambda *a, m=m: packed(m, *a))
    m = make(3, 2, num_layers=2, dropout=1.0)
    layer(f"{kind} that drops everything between layers", m, x)
layer("RNN relu", nn.RNN(3, 2, nonlinearity="relu", num_layers=2, bidirectional=True), x)
layer("LSTM projected", nn.LSTM(3, 4, proj_size=2), x)
m = nn.LSTM(3, 3, proj_size=2, num_layers=2, bidirectional=True, batch_first=True)
layer("LSTM projected, deep, both ways, batch first, from a state", m, x, wave(4, 4, 2, seed=7), wave(4, 4, 3, seed=8),
      call=lambda *a: with_state(m, *a))
m2 = nn.LSTM(3, 3, proj_size=1, bias=False, bidirectional=True)
layer("LSTM projected, without bias, lengths", m2, x, call=lambda *a: packed(m2, *a))

layer("RNNCell", nn.RNNCell(3, 2), x[0], wave(3, 2, seed=7))
layer("RNNCell relu, one sample", nn.RNNCell(3, 2, nonlinearity="relu"), x[0, 0], wave(2, seed=7))
layer("RNNCell without bias and state", nn.RNNCell(3, 2, bias=False), x[0])
cell = nn.LSTMCell(3, 2)
layer("LSTMCell", cell, x[0], wave(3, 2, seed=7), wave(3, 2, seed=8), call=lambda a, h, c: cell(a, (h, c)))
layer("LSTMCell without bias and state, one sample", nn.LSTMCell(3, 2, bias=False), x[0, 0])
layer("GRUCell", nn.GRUCell(3, 2), x[0], wave(3, 2, seed=7))
layer("GRUCell without bias and state, one sample", nn.GRUCell(3, 2, bias=False), x[0, 0])

main()
