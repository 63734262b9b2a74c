"""Optimizers: parameters of a linear classifier after twenty steps; see figures.py."""
import math

import torch
import torch.nn.functional as F
from torch import optim

from figures import keep, main, wave


class Published(optim.Optimizer):
    """An optimizer that PyTorch 1.13 lacks or computes otherwise, by its published formula: update(p, g, state, options)."""

    def __init__(self, params, **options):
        super().__init__(params, options)

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    state = self.state[p]
                    state["step"] = state.get("step", 0) + 1
                    self.update(p, p.grad, state, group)


class Lion(Published):  # Chen et al. 2023, algorithm 2
    def update(self, p, g, state, o):
        b1, b2 = o["betas"]
        m = state.setdefault("m", torch.zeros_like(p))
        p.sub_(o["lr"] * (torch.sign(b1 * m + (1 - b1) * g) + o["weight_decay"] * p))
        m.copy_(b2 * m + (1 - b2) * g)


class NAdam(Published):  # Dozat 2016, as PyTorch documents it
    def update(self, p, g, state, o):
        b1, b2 = o["betas"]
        t = state["step"]
        g = g + o["weight_decay"] * p
        m, v = state.setdefault("m", torch.zeros_like(p)), state.setdefault("v", torch.zeros_like(p))
        mu, mu_next = (b1 * (1 - 0.5 * 0.96 ** (k * o["momentum_decay"])) for k in (t, t + 1))
        product = state["product"] = state.get("product", 1.0) * mu
        m.copy_(b1 * m + (1 - b1) * g)
        v.copy_(b2 * v + (1 - b2) * g * g)
        m_hat = mu_next * m / (1 - product * mu_next) + (1 - mu) * g / (1 - product)
        p.sub_(o["lr"] * m_hat / (torch.sqrt(v / (1 - b2**t)) + o["eps"]))


class Muon(Published):  # Jordan et al. 2024, as torch.optim.Muon of PyTorch 2.9, in f64
    def update(self, p, g, state, o):
        t = state["step"]
        if p.ndim < 2 or not o["use_muon"]:
            b1, b2 = 0.9, 0.95
            m, v = state.setdefault("m", torch.zeros_like(p)), state.setdefault("v", torch.zeros_like(p))
            p.mul_(1 - o["lr"] * o["weight_decay"])
            m.copy_(b1 * m + (1 - b1) * g)
            v.copy_(b2 * v + (1 - b2) * g * g)
            p.sub_(o["lr"] * m / (1 - b1**t) / (torch.sqrt(v / (1 - b2**t)) + 1e-10))
            return
        m = state.setdefault("m", torch.zeros_like(p))
        m.lerp_(g, 1 - o["momentum"])
        u = g.lerp(m, o["momentum"]) if o["nesterov"] else m
        a, b, c = 3.4445, -4.7750, 2.0315
        x = u.T if u.shape[0] > u.shape[1] else u
        x = x / x.norm().clamp(min=1e-7)
        for _ in range(5):
            gram = x @ x.T
            x = a * x + (b * gram + c * gram @ gram) @ x
        x = x.T if u.shape[0] > u.shape[1] else x
        factor = 0.2 * math.sqrt(max(p.shape)) if o["match"] else math.sqrt(max(1, p.shape[0] / p.shape[1]))
        p.mul_(1 - o["lr"] * o["weight_decay"])
        p.sub_(o["lr"] * factor * x)


def classifier(rows=5, columns=7):
    """Weight, bias and a function that gives the loss."""
    weight, bias = wave(rows, columns, seed=1, scale=0.5).requires_grad_(), wave(rows, seed=2, scale=0.5).requires_grad_()
    x, y = wave(6, columns, seed=3), torch.tensor([i % rows for i in range(6)])
    return weight, bias, lambda: F.cross_entropy(F.linear(x, weight, bias), y)


def steps(case, make, rows=5, columns=7):
    """Twenty steps; in step 7 the bias has no gradient."""
    weight, bias, loss = classifier(rows, columns)
    optimizer = make([weight, bias])
    for step in range(20):
        optimizer.zero_grad(set_to_none=True)
        loss().backward()
        if step == 7:
            bias.grad = None
        optimizer.step()
    keep(case, "weight", weight)
    keep(case, "bias", bias)


def groups(p, **options):
    return [{"params": [p[0]]}, {"params": [p[1]], **options}]


steps("SGD", lambda p: optim.SGD(p, lr=0.1))
steps("SGD momentum", lambda p: optim.SGD(p, lr=0.1, momentum=0.9))
steps("SGD dampening", lambda p: optim.SGD(p, lr=0.1, momentum=0.9, dampening=0.3, weight_decay=0.05))
steps("SGD nesterov", lambda p: optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.05, nesterov=True))
steps("SGD maximize", lambda p: optim.SGD(p, lr=0.01, momentum=0.5, maximize=True))
steps("SGD groups", lambda p: optim.SGD(groups(p, lr=0.02, weight_decay=0), lr=0.1, weight_decay=0.1, momentum=0.5))
steps("Adam", lambda p: optim.Adam(p, lr=0.1))
steps("Adam options", lambda p: optim.Adam(p, lr=0.05, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.1))
steps("Adam amsgrad", lambda p: optim.Adam(p, lr=0.1, amsgrad=True))
steps("Adam maximize", lambda p: optim.Adam(p, lr=0.01, maximize=True))
steps("Adam groups", lambda p: optim.Adam(groups(p, weight_decay=0, betas=(0.5, 0.9)), lr=0.05, weight_decay=0.1))
steps("AdamW", lambda p: optim.AdamW(p, lr=0.1))
steps("AdamW options", lambda p: optim.AdamW(p, lr=0.05, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.3, amsgrad=True))
nadam = dict(betas=(0.9, 0.999), eps=1e-8, weight_decay=0, momentum_decay=4e-3)
steps("NAdam", lambda p: NAdam(p, lr=0.05, **nadam))
steps("NAdam options", lambda p: NAdam(p, lr=0.02, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.1, momentum_decay=0.1))
steps("RAdam", lambda p: optim.RAdam(p, lr=0.1))
steps("RAdam options", lambda p: optim.RAdam(p, lr=0.05, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.1))
steps("Adamax", lambda p: optim.Adamax(p, lr=0.1))
steps("Adamax options", lambda p: optim.Adamax(p, lr=0.05, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.1, maximize=True))
steps("RMSprop", lambda p: optim.RMSprop(p, lr=0.01))
steps("RMSprop momentum", lambda p: optim.RMSprop(p, lr=0.01, alpha=0.9, eps=1e-3, weight_decay=0.1, momentum=0.8))
steps("RMSprop centered", lambda p: optim.RMSprop(p, lr=0.01, centered=True, maximize=True))
steps("RMSprop both", lambda p: optim.RMSprop(p, lr=0.01, centered=True, momentum=0.8, eps=1e-2))
steps("Adagrad", lambda p: optim.Adagrad(p, lr=0.1))
steps("Adagrad options", lambda p: optim.Adagrad(p, lr=0.1, lr_decay=0.1, weight_decay=0.1, initial_accumulator_value=0.2, eps=1e-3, maximize=True))
steps("Adadelta", lambda p: optim.Adadelta(p))
steps("Adadelta options", lambda p: optim.Adadelta(p, lr=0.5, rho=0.8, eps=1e-3, weight_decay=0.1, maximize=True))
steps("Rprop", lambda p: optim.Rprop(p, lr=0.01))
steps("Rprop options", lambda p: optim.Rprop(p, lr=0.1, etas=(0.4, 1.5), step_sizes=(1e-3, 0.3)))
steps("Lion", lambda p: Lion(p, lr=0.01, betas=(0.9, 0.99), weight_decay=0))
steps("Lion options", lambda p: Lion(p, lr=0.02, betas=(0.8, 0.95), weight_decay=0.3))
muon = dict(momentum=0.95, nesterov=True, weight_decay=0.1, use_muon=True, match=False)
steps("Muon", lambda p: Muon(p, lr=0.02, **muon))
steps("Muon tall", lambda p: Muon(p, **{**muon, "lr": 0.02, "match": True, "nesterov": False}), 7, 3)
steps("Muon groups", lambda p: Muon(groups(p, lr=0.01), **{**muon, "lr": 0.02, "use_muon": False}))


def lbfgs(case, parameters, loss, steps, **options):
    """Parameters and loss after each step."""
    optimizer = optim.LBFGS(parameters, **options)

    def closure():
        optimizer.zero_grad()
        y = loss()
        y.backward()
        return y

    losses = [float(optimizer.step(closure)) for _ in range(steps)]
    keep(case, "losses", losses)
    for i, p in enumerate(parameters):
        keep(case, f"parameter {i}", p)


def rosenbrock(start):
    x = torch.tensor(start).requires_grad_()
    return [x], lambda: (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


def small_classifier():
    weight, bias, loss = classifier()
    return [weight, bias], lambda: loss() + 0.01 * (weight**2).sum()


lbfgs("LBFGS Rosenbrock", *rosenbrock([-1.2, 1.0]), 6, max_iter=4, line_search_fn="strong_wolfe")
lbfgs("LBFGS Rosenbrock far", *rosenbrock([3.0, -4.0]), 5, lr=0.5, max_iter=6, max_eval=20, history_size=3, line_search_fn="strong_wolfe")
lbfgs("LBFGS classifier", *small_classifier(), 20, max_iter=2, line_search_fn="strong_wolfe")
lbfgs("LBFGS fixed step", *small_classifier(), 20, lr=0.3, max_iter=3, history_size=4)
lbfgs("LBFGS one iteration", *small_classifier(), 20, lr=0.3, max_iter=1)


def averaged(case, buffers=False, decay=None):
    """A model with a buffer that changes by a known amount in each of five updates."""
    model = torch.nn.BatchNorm1d(3)
    def set_to(step):
        with torch.no_grad():
            for i, t in enumerate([model.weight, model.bias, model.running_mean, model.running_var]):
                t.copy_(wave(3, seed=10 * step + i))
    set_to(0)
    ema = None if decay is None else lambda average, p, n: decay * average + (1 - decay) * p
    average = optim.swa_utils.AveragedModel(model, avg_fn=ema, use_buffers=buffers)
    for step in range(1, 6):
        set_to(step)
        average.update_parameters(model)
    for name in ["weight", "bias"] + (["running_mean", "running_var"] if buffers else []):
        keep(case, name, getattr(average.module, name))


averaged("AveragedModel")
averaged("EMA", decay=0.9)


def clipped(case, max_norm, norm_type):
    a, b = wave(2, 3, seed=1).requires_grad_(), wave(4, seed=2).requires_grad_()
    a.grad, b.grad = wave(2, 3, seed=3), wave(4, seed=4)
    keep(case, "norm", torch.nn.utils.clip_grad_norm_([a, b], max_norm, norm_type))
    keep(case, "a", a.grad)
    keep(case, "b", b.grad)


clipped("clip_grad_norm", 0.5, 2.0)
clipped("clip_grad_norm 1", 0.5, 1.0)
clipped("clip_grad_norm inf", 0.5, math.inf)
clipped("clip_grad_norm wide", 50.0, 2.0)

main()
