"""Activations as layers: see figures.py."""
import torch
from torch import nn

from figures import layer, main, wave

# Ordinary numbers, and those where something has a kink.
x = torch.cat([wave(2, 6, scale=4), torch.tensor([[-30.0, -6, -3, -1, -0.5, -0.25], [0, 0.5, 1, 3, 6, 30]])])

for module in [
    nn.ReLU(), nn.ReLU6(), nn.LeakyReLU(), nn.PReLU(), nn.ELU(), nn.SELU(), nn.CELU(), nn.GELU(), nn.SiLU(), nn.Mish(), nn.Softplus(),
    nn.Sigmoid(), nn.LogSigmoid(), nn.Tanh(), nn.Softsign(), nn.Hardtanh(), nn.Hardshrink(),
    nn.Softshrink(), nn.Tanhshrink(), nn.GLU(), nn.Softmax(-1), nn.Softmin(-1), nn.LogSoftmax(-1),
]:
    layer(type(module).__name__, module, x)

layer("LeakyReLU 0.3", nn.LeakyReLU(0.3), x)
layer("PReLU channels", nn.PReLU(3), wave(2, 3, 2))
layer("RReLU eval", nn.RReLU().eval(), x)
layer("RReLU training", nn.RReLU(0.2, 0.2), x)
layer("ELU 0.7", nn.ELU(0.7), x)
layer("CELU 0.5", nn.CELU(0.5), x)  # PyTorch rounds 1 / alpha to single precision
# PyTorch's own gradient has 1/6 in single precision.
layer("Hardsigmoid", nn.Hardtanh(0, 1), x, call=lambda x: nn.functional.hardtanh((x + 3) / 6, 0, 1))
# At 3 PyTorch's gradient is 1 or 3/2, as the place in memory has it.
layer("Hardswish", nn.Hardswish(), wave(3, 6, scale=4))
layer("GELU tanh", nn.GELU("tanh"), x)
layer("Softplus 2.5", nn.Softplus(2.5), x)
layer("Hardtanh limits", nn.Hardtanh(-0.5, 3), x)
layer("Hardshrink 1", nn.Hardshrink(1), x)
layer("Softshrink 1", nn.Softshrink(1), x)
layer("Threshold", nn.Threshold(0.5, -2), x)
layer("GLU axis 0", nn.GLU(0), x)
layer("Softmax axis 1", nn.Softmax(1), wave(2, 3, 2))
layer("Softmin axis 0", nn.Softmin(0), wave(3, 2))
layer("LogSoftmax axis 1", nn.LogSoftmax(1), wave(2, 3, 2))
layer("Softmax2d", nn.Softmax2d(), wave(2, 3, 2, 2))
layer("Softmax2d without batch", nn.Softmax2d(), wave(3, 2, 2))

main()
