"""Schedules: the learning rates of two groups for forty steps, and for the smallest sizes; see figures.py."""
import math

import torch
from torch import optim
from torch.optim import lr_scheduler as S

from figures import keep, main, wave


class PolynomialLR(S._LRScheduler):
    """As in PyTorch 2, which 1.13 lacks."""

    def __init__(self, optimizer, total_iters=5, power=1.0):
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer)

    def get_lr(self):
        t, n = self.last_epoch, self.total_iters
        if t == 0 or t > n:
            return [group["lr"] for group in self.optimizer.param_groups]
        return [group["lr"] * ((1.0 - t / n) / (1.0 - (t - 1) / n)) ** self.power for group in self.optimizer.param_groups]

    def _get_closed_form_lr(self):
        return [lr * (1.0 - min(self.total_iters, self.last_epoch) / self.total_iters) ** self.power for lr in self.base_lrs]


def rates(case, make, optimizer=None, metric=None, steps=40):
    a, b = torch.zeros(1, requires_grad=True), torch.zeros(1, requires_grad=True)
    optimizer = (optimizer or (lambda p: optim.SGD(p, lr=0.1, momentum=0.9)))([{"params": [a]}, {"params": [b], "lr": 0.02}])
    schedule = make(optimizer)
    lrs, momenta = [], []
    for step in range(steps):
        groups = optimizer.param_groups
        lrs.append([group["lr"] for group in groups])
        momenta.append([group["betas"][0] if "betas" in group else group["momentum"] for group in groups])
        optimizer.step()
        schedule.step(*([metric[step]] if metric is not None else []))
    keep(case, "lr", torch.tensor(lrs))
    if "OneCycle" in case:
        keep(case, "momentum", torch.tensor(momenta))


rates("StepLR", lambda o: S.StepLR(o, 7))
rates("StepLR gamma", lambda o: S.StepLR(o, 3, gamma=0.5))
rates("MultiStepLR", lambda o: S.MultiStepLR(o, [5, 12, 12, 30], gamma=0.3))
rates("ConstantLR", lambda o: S.ConstantLR(o))
rates("ConstantLR options", lambda o: S.ConstantLR(o, factor=0.2, total_iters=11))
rates("LinearLR", lambda o: S.LinearLR(o))
rates("LinearLR options", lambda o: S.LinearLR(o, start_factor=0.1, end_factor=0.7, total_iters=13))
rates("ExponentialLR", lambda o: S.ExponentialLR(o, 0.9))
rates("PolynomialLR", lambda o: PolynomialLR(o))
rates("PolynomialLR options", lambda o: PolynomialLR(o, total_iters=25, power=2.0))
rates("CosineAnnealingLR", lambda o: S.CosineAnnealingLR(o, 9))
rates("CosineAnnealingLR eta_min", lambda o: S.CosineAnnealingLR(o, 12, eta_min=0.01))
rates("CosineAnnealingWarmRestarts", lambda o: S.CosineAnnealingWarmRestarts(o, 9))
rates("CosineAnnealingWarmRestarts options", lambda o: S.CosineAnnealingWarmRestarts(o, 4, T_mult=2, eta_min=0.01))
rates("OneCycleLR", lambda o: S.OneCycleLR(o, 0.5, total_steps=40))
rates("OneCycleLR linear", lambda o: S.OneCycleLR(o, [0.5, 0.3], epochs=5, steps_per_epoch=8, anneal_strategy="linear", pct_start=0.4, div_factor=10.0, final_div_factor=100.0))
rates("OneCycleLR three phases", lambda o: S.OneCycleLR(o, 0.5, total_steps=42, three_phase=True, base_momentum=0.8, max_momentum=0.9), optimizer=lambda p: optim.Adam(p, lr=0.1))
rates("OneCycleLR fixed momentum", lambda o: S.OneCycleLR(o, 0.5, total_steps=50, cycle_momentum=False))
loss = torch.exp(-torch.arange(40.0) / 10).clamp(min=0.2) + 0.001 * wave(40, seed=3)
rates("ReduceLROnPlateau", lambda o: S.ReduceLROnPlateau(o, patience=3), metric=loss.tolist())
rates("ReduceLROnPlateau options", lambda o: S.ReduceLROnPlateau(o, mode="max", factor=0.5, patience=1, threshold=0.01, threshold_mode="abs", cooldown=2, min_lr=0.004), metric=(1 - loss).tolist())
rates("ReduceLROnPlateau max", lambda o: S.ReduceLROnPlateau(o, mode="max", factor=0.5, patience=2, threshold=0.1, cooldown=1), metric=(2 - loss).tolist())
rates("ReduceLROnPlateau abs", lambda o: S.ReduceLROnPlateau(o, factor=0.5, patience=2, threshold=0.01, threshold_mode="abs", eps=1e-2), metric=loss.tolist())
rates("LambdaLR", lambda o: S.LambdaLR(o, lambda epoch: 1 / (1 + epoch)))
rates("SequentialLR", lambda o: S.SequentialLR(o, [S.ConstantLR(o, factor=0.1, total_iters=2), S.ExponentialLR(o, gamma=0.9)], [2]))
rates("SequentialLR three", lambda o: S.SequentialLR(o, [S.LinearLR(o, start_factor=0.1, total_iters=5), S.CosineAnnealingLR(o, 20), S.StepLR(o, 4)], [5, 25]))
rates("SequentialLR restarts", lambda o: S.SequentialLR(o, [S.CosineAnnealingWarmRestarts(o, 3, T_mult=2), S.CosineAnnealingWarmRestarts(o, 4), PolynomialLR(o, total_iters=6), S.MultiStepLR(o, [0, 2, 4])], [10, 21, 32]))
rates("SequentialLR others", lambda o: S.SequentialLR(o, [S.ExponentialLR(o, 0.8), S.LinearLR(o, total_iters=4), S.ConstantLR(o, total_iters=3), S.LambdaLR(o, lambda epoch: 1 / (1 + epoch)), S.OneCycleLR(o, 0.5, total_steps=20)], [6, 12, 18, 24]))
rates("ChainedScheduler", lambda o: S.ChainedScheduler([S.LinearLR(o, start_factor=0.1, total_iters=6), S.ExponentialLR(o, gamma=0.95), S.StepLR(o, 10, gamma=0.5)]))

# The smallest sizes. Beyond its last step PyTorch's OneCycleLR goes on, and for a rise of one step it divides by zero: both are not taken from it.
for n in (1, 2, 3):
    rates(f"StepLR {n}", lambda o: S.StepLR(o, n), steps=8)
    rates(f"MultiStepLR {n}", lambda o: S.MultiStepLR(o, [n]), steps=8)
    rates(f"ConstantLR {n}", lambda o: S.ConstantLR(o, total_iters=n), steps=8)
    rates(f"LinearLR {n}", lambda o: S.LinearLR(o, total_iters=n, end_factor=0.5), steps=8)
    rates(f"PolynomialLR {n}", lambda o: PolynomialLR(o, total_iters=n, power=2.0), steps=8)
    rates(f"CosineAnnealingLR {n}", lambda o: S.CosineAnnealingLR(o, n, eta_min=0.01), steps=8)
    rates(f"CosineAnnealingWarmRestarts {n}", lambda o: S.CosineAnnealingWarmRestarts(o, n, T_mult=2), steps=8)
    rates(f"OneCycleLR {n}", lambda o: S.OneCycleLR(o, 0.5, total_steps=n), steps=n)
    rates(f"OneCycleLR three phases {n}", lambda o: S.OneCycleLR(o, 0.5, total_steps=n, three_phase=True), steps=n)
    rates(f"OneCycleLR rise {n}", lambda o: S.OneCycleLR(o, 0.5, total_steps=n + 2, pct_start=2 / (n + 2)), steps=n + 2)
    rates(f"ReduceLROnPlateau {n}", lambda o: S.ReduceLROnPlateau(o, patience=n - 1, cooldown=n - 1, threshold_mode="abs"), metric=[-1.0] * 8, steps=8)
    rates(f"SequentialLR {n}", lambda o: S.SequentialLR(o, [S.ConstantLR(o, total_iters=1), S.ExponentialLR(o, gamma=0.5)], [n - 1]), steps=8)
rates("MultiStepLR none", lambda o: S.MultiStepLR(o, []), steps=8)

main()
