"""Linear and embedding layers, normalisations, computed weights: see figures.py."""
import torch
from torch import nn

from figures import keep, layer, main, wave

layer("Linear", nn.Linear(4, 3), wave(2, 5, 4))
layer("Linear without bias", nn.Linear(4, 3, bias=False), wave(2, 4))
layer("Bilinear", nn.Bilinear(3, 2, 4), wave(2, 2, 3), wave(2, 2, 2, seed=1))
layer("Bilinear without bias", nn.Bilinear(3, 2, 4, bias=False), wave(3), wave(2, seed=1))

# --- embeddings
indices = torch.tensor([[0, 4, 2], [2, 2, 1]])
layer("Embedding", nn.Embedding(5, 3), indices)
layer("Embedding padding_idx", nn.Embedding(5, 3, padding_idx=-3), indices)
for name, options in {
    "max_norm": dict(max_norm=0.5),
    "max_norm 1": dict(max_norm=0.6, norm_type=1),
    "max_norm inf": dict(max_norm=0.3, norm_type=float("inf")),
    "max_norm 3": dict(max_norm=0.45, norm_type=3),
}.items():
    module = nn.Embedding(5, 3, **options)
    layer(f"Embedding {name}", module, indices)
    keep(f"Embedding {name}: afterwards", "weight", module.weight)

vector = torch.tensor([0, 4, 2, 2, 2, 1, 3])
offsets = torch.tensor([0, 2, 2, 5])
for mode in ("sum", "mean", "max"):
    layer(f"EmbeddingBag {mode}", nn.EmbeddingBag(5, 3, mode=mode), indices)
    layer(f"EmbeddingBag {mode} offsets", nn.EmbeddingBag(5, 3, mode=mode), vector, offsets)
    layer(f"EmbeddingBag {mode} padding_idx", nn.EmbeddingBag(5, 3, mode=mode, padding_idx=2), vector, offsets)
    layer(f"EmbeddingBag {mode} last offset", nn.EmbeddingBag(5, 3, mode=mode, include_last_offset=True), vector, torch.tensor([0, 3, 3, 7]))
module = nn.EmbeddingBag(5, 3, mode="sum")
layer("EmbeddingBag weighted", module, indices, wave(2, 3, seed=4), call=lambda i, w: module(i, None, w))
weighted = nn.EmbeddingBag(5, 3, mode="sum", padding_idx=4)
layer("EmbeddingBag weighted offsets", weighted, vector, wave(7, seed=4), call=lambda i, w: weighted(i, offsets, w))
layer("EmbeddingBag max_norm", nn.EmbeddingBag(5, 3, max_norm=0.5), indices)

# --- batch and instance normalisation
shapes = {1: (2, 3, 4), 2: (2, 3, 2, 2), 3: (2, 3, 1, 2, 2)}


def running(module):
    module.running_mean.copy_(wave(3, seed=7))
    module.running_var.copy_(wave(3, seed=8, shift=2))
    return module


for n, shape in shapes.items():
    batch, instance = getattr(nn, f"BatchNorm{n}d"), getattr(nn, f"InstanceNorm{n}d")
    layer(f"BatchNorm{n}d", batch(3), wave(*shape))
    layer(f"BatchNorm{n}d eval", running(batch(3)).eval(), wave(*shape))
    layer(f"InstanceNorm{n}d", instance(3), wave(*shape))
    layer(f"InstanceNorm{n}d running", running(instance(3, affine=True, track_running_stats=True, momentum=0.3)), wave(*shape))
    layer(f"InstanceNorm{n}d eval", running(instance(3, affine=True, track_running_stats=True)).eval(), wave(*shape))
    layer(f"InstanceNorm{n}d without batch", instance(3, eps=0.1), wave(*shape[1:]))
layer("BatchNorm1d matrix", nn.BatchNorm1d(3, eps=0.01, momentum=0.4), wave(5, 3))
layer("BatchNorm1d plain", nn.BatchNorm1d(3, affine=False, track_running_stats=False).eval(), wave(5, 3))
cumulative = nn.BatchNorm1d(3, momentum=None)
layer("BatchNorm1d cumulative", cumulative, wave(5, 3), call=lambda x: [cumulative(x), cumulative(3 * x + 1), cumulative(x - 2)])

# --- other normalisations
layer("LayerNorm", nn.LayerNorm(4), wave(2, 3, 4))
layer("LayerNorm two axes", nn.LayerNorm([3, 4], eps=0.1), wave(2, 3, 4))
layer("LayerNorm plain", nn.LayerNorm(4, elementwise_affine=False), wave(3, 4))
layer("GroupNorm", nn.GroupNorm(2, 4), wave(2, 4, 3))
layer("GroupNorm plain", nn.GroupNorm(4, 4, eps=0.1, affine=False), wave(2, 4, 3))
layer("LocalResponseNorm", nn.LocalResponseNorm(2), wave(2, 3, 4))
layer("LocalResponseNorm options", nn.LocalResponseNorm(3, alpha=0.5, beta=0.6, k=1.5), wave(2, 4, 2, 2, scale=3))


class RMSNorm(nn.Module):
    """Zhang, Sennrich 2019, as later versions of PyTorch have it."""

    def __init__(self, size, eps, affine):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size)) if affine else None
        self.eps = eps
        self.axes = [-1 - k for k in range(len(size))]

    def forward(self, x):
        y = x / torch.sqrt((x * x).mean(self.axes, keepdim=True) + self.eps)
        return y if self.weight is None else y * self.weight


layer("RMSNorm", RMSNorm([4], 1e-6, True), wave(2, 3, 4))
layer("RMSNorm two axes", RMSNorm([3, 4], 0.1, False), wave(2, 3, 4))

# --- computed weights
layer("WeightNorm", nn.utils.weight_norm(nn.Linear(4, 3)), wave(2, 4))
layer("WeightNorm dim 1", nn.utils.weight_norm(nn.Linear(4, 3), dim=1), wave(2, 4))
layer("WeightNorm whole", nn.utils.weight_norm(nn.Linear(4, 3), dim=None), wave(2, 4))
layer("WeightNorm Conv2d", nn.utils.weight_norm(nn.Conv2d(2, 3, 2)), wave(1, 2, 3, 3))


def spectral(module, **options):
    module = nn.utils.spectral_norm(module, **options)
    for name, seed in (("weight_u", 30), ("weight_v", 31)):
        vector = wave(*getattr(module, name).shape, seed=seed)
        getattr(module, name).copy_(vector / vector.norm())
    return module


layer("SpectralNorm", spectral(nn.Linear(4, 3)), wave(2, 4))
layer("SpectralNorm options", spectral(nn.Linear(4, 3), n_power_iterations=3, eps=1e-6, dim=1), wave(2, 4))
layer("SpectralNorm eval", spectral(nn.Linear(4, 3)).eval(), wave(2, 4))
layer("SpectralNorm ConvTranspose2d", spectral(nn.ConvTranspose2d(2, 3, 2)), wave(1, 2, 2, 2))

main()
