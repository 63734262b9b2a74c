#!/usr/bin/env python3
"""Writes nn_figures.hpp: losses, gradients and optimizer steps as PyTorch computes them (Debian: python3-torch).

    python3 tests/nn_figures.py > tests/nn_figures.hpp
"""
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)


def wave(*shape, start=0.0):
    """Numbers that both sides can make: sin(1 + i) + start in row-major order."""
    n = 1
    for s in shape:
        n *= s
    return (torch.sin(torch.arange(1, n + 1).double()) + start).reshape(shape)


def numbers(t):
    return "{" + ", ".join(repr(v) for v in t.detach().flatten().tolist()) + "}"


def loss_row(name, f, x):
    x = x.clone().requires_grad_()
    y = f(x)
    cotangent = torch.ones_like(y) if y.ndim == 0 else wave(*y.shape)
    (dx,) = torch.autograd.grad(y, x, cotangent)
    print(f'    {{"{name}", {numbers(y)}, {numbers(dx)}}},')


def optimizer_row(name, make):
    """Twenty steps of a linear classifier; the gradient of step 7 is left out for the bias."""
    weight, bias = wave(2, 3).requires_grad_(), wave(2, start=0.5).requires_grad_()
    x, y = wave(4, 3, start=-0.25), torch.tensor([0, 1, 1, 0])
    optimizer = make([weight, bias])
    for step in range(20):
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(F.linear(x, weight, bias), y).backward()
        if step == 7:
            bias.grad = None
        optimizer.step()
    print(f'    {{"{name}", {numbers(torch.cat([weight.flatten(), bias]))}}},')


labels, labels3 = torch.tensor([2, 0, 1, 2]), torch.tensor([[0, 1], [2, 2]])
print("#pragma once\n\n// Written by nn_figures.py with PyTorch " + torch.__version__.split("+")[0] + ".\n\n#include <string>\n#include <vector>\n")
print("struct LossFigure {\n    std::string name;\n    std::vector<double> loss, gradient;\n};\n\n// clang-format off")
print("inline const std::vector<LossFigure> loss_figures = {")
for r in "none", "mean", "sum":
    loss_row(f"mse_loss {r}", lambda x: F.mse_loss(x, wave(2, 3, start=0.5).flip(0), reduction=r), wave(2, 3))
    loss_row(f"l1_loss {r}", lambda x: F.l1_loss(x, wave(2, 3, start=0.5).flip(0), reduction=r), wave(2, 3))
    loss_row(f"nll_loss {r}", lambda x: F.nll_loss(x, labels, reduction=r), wave(4, 3))
    loss_row(f"cross_entropy {r}", lambda x: F.cross_entropy(x, labels, reduction=r), wave(4, 3))
    loss_row(f"cross_entropy 3 axes {r}", lambda x: F.cross_entropy(x, labels3, reduction=r), wave(2, 3, 2))
    loss_row(f"cross_entropy 1 axis {r}", lambda x: F.cross_entropy(x, torch.tensor(1), reduction=r), wave(3))
    loss_row(f"cross_entropy huge {r}", lambda x: F.cross_entropy(x, labels, reduction=r), 1e4 * wave(4, 3))
print("};\n// clang-format on\n\nstruct OptimizerFigure {\n    std::string name;\n    std::vector<double> parameters;  ///< weight (2, 3), then bias (2,)\n};")
print("\n// clang-format off\ninline const std::vector<OptimizerFigure> optimizer_figures = {")
O = torch.optim
optimizer_row("SGD", lambda p: O.SGD(p, lr=0.1))
optimizer_row("SGD momentum", lambda p: O.SGD(p, lr=0.1, momentum=0.9))
optimizer_row("SGD dampening", lambda p: O.SGD(p, lr=0.1, momentum=0.9, dampening=0.3, weight_decay=0.05))
optimizer_row("SGD nesterov", lambda p: O.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.05, nesterov=True))
optimizer_row("SGD maximize", lambda p: O.SGD(p, lr=0.01, momentum=0.5, maximize=True))
optimizer_row("Adam", lambda p: O.Adam(p, lr=0.1))
optimizer_row("Adam options", lambda p: O.Adam(p, lr=0.05, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.1))
optimizer_row("Adam amsgrad", lambda p: O.Adam(p, lr=0.1, amsgrad=True))
optimizer_row("Adam maximize", lambda p: O.Adam(p, lr=0.01, maximize=True))
optimizer_row("AdamW", lambda p: O.AdamW(p, lr=0.1))
optimizer_row("AdamW options", lambda p: O.AdamW(p, lr=0.05, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.3, amsgrad=True))
print("};\n// clang-format on")
