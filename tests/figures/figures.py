"""What the scripts of this folder share. Each computes figures with PyTorch (Debian: python3-torch) and keeps them in a file beside it,
which the C++ tests read (tests/figures.hpp):

    python3 tests/figures/losses.py            # writes losses.txt
    python3 tests/figures/losses.py --check    # compares losses.txt with what PyTorch computes now

A line is "case | quantity | shape | numbers". Both sides make their inputs and parameters with `wave`, so that no inputs need be kept.
"""
import math
import pathlib
import sys

import torch

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

_lines = {}


def wave(*shape, seed=0, scale=1.0, shift=0.0):
    """scale * sin(1 + i + 10 seed) + shift for the i-th element in row-major order."""
    n = math.prod(shape)
    return (scale * torch.sin(torch.arange(1, n + 1).double() + 10 * seed) + shift).reshape(shape)


def keep(case, quantity, tensor):
    """Puts one tensor of a case on record."""
    assert (case, quantity) not in _lines, f"{case} | {quantity} is there already"
    tensor = torch.as_tensor(tensor).detach()
    numbers = " ".join(repr(float(v)) for v in tensor.flatten().tolist())
    _lines[case, quantity] = f"{case} | {quantity} | {' '.join(map(str, tensor.shape))} | {numbers}"


def fill(module, scale=0.5):
    """Parameters in the alphabetical order of their names: wave(seed = 1, 2, …)."""
    with torch.no_grad():
        for i, (_, p) in enumerate(sorted(module.named_parameters())):
            p.copy_(wave(*p.shape, seed=1 + i, scale=scale))
    return module


def flat(y):
    """The tensors in a nest of tuples and lists, in order."""
    if torch.is_tensor(y):
        return [y]
    return [t for part in y if part is not None for t in flat(part)]


def layer(case, module, *inputs, call=None, filled=False):
    """Output, gradients of every parameter and floating input, and buffers afterwards, of module(*inputs). The cotangent of output k is
    wave(seed = 100 + k)."""
    if not filled:
        fill(module)
    inputs = [x.detach().clone().requires_grad_() if x.is_floating_point() else x for x in inputs]
    outputs = [y for y in flat((call or module)(*inputs)) if y.is_floating_point()]
    loss = sum((y * wave(*y.shape, seed=100 + k)).sum() for k, y in enumerate(outputs))
    named = {f"grad {n}": p for n, p in module.named_parameters() if p.requires_grad} if isinstance(module, torch.nn.Module) else {}
    named |= {f"grad input {i}": x for i, x in enumerate(inputs) if x.is_floating_point()}
    gradients = torch.autograd.grad(loss, list(named.values()), allow_unused=True)
    for k, y in enumerate(outputs):
        keep(case, f"output {k}", y)
    for name, gradient in zip(named, gradients):
        if gradient is not None:
            keep(case, name, gradient)
    if isinstance(module, torch.nn.Module):
        for name, buffer in module.named_buffers():
            keep(case, f"buffer {name}", buffer)


def _same(a, b):
    if a.split("|")[:3] != b.split("|")[:3]:
        return False
    x, y = ([float(v) for v in line.split("|")[3].split()] for line in (a, b))
    size = max([1.0] + [abs(v) for v in x if math.isfinite(v)])
    return len(x) == len(y) and all(p == q or abs(p - q) <= 1e-11 * size or (p != p and q != q) for p, q in zip(x, y))


def main():
    """Writes the file beside the script, or compares with it. To be called last."""
    path = pathlib.Path(sys.argv[0]).resolve().with_suffix(".txt")
    if sys.argv[1:] != ["--check"]:
        path.write_text("\n".join(_lines.values()) + "\n")
        return
    stored = path.read_text().splitlines()
    fresh = list(_lines.values())
    wrong = [b for a, b in zip(stored, fresh) if not _same(a, b)]
    for line in wrong:
        print("differs:", line[:160], file=sys.stderr)
    if wrong or len(stored) != len(fresh):
        sys.exit(f"{path.name}: {len(stored)} lines stored, {len(fresh)} computed, {len(wrong)} differ")
