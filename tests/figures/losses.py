"""Losses with every reduction, and their gradients; see figures.py."""
import torch
import torch.nn.functional as F
from torch import distributions, nn

from figures import layer, main, wave


def loss(name, f, *inputs, reductions=("none", "mean", "sum")):
    for r in reductions:
        layer(f"{name} {r}", lambda *x: f(*x, reduction=r), *inputs, filled=True)


def plain(name, f, *inputs):
    layer(name, f, *inputs, filled=True)


def signs(*shape, seed=0):
    return torch.sign(wave(*shape, seed=seed)).long()


x, y = wave(3, 4, seed=1, scale=2.0), wave(3, 4, seed=2)
p, q = torch.sigmoid(wave(3, 4, seed=1)), torch.sigmoid(wave(3, 4, seed=2, scale=2.0))
log_p, log_q = (F.log_softmax(t, 1) for t in (wave(3, 4, seed=1), wave(3, 4, seed=2)))

loss("mse_loss", F.mse_loss, x, y)
loss("l1_loss", F.l1_loss, x, y)
loss("smooth_l1_loss", F.smooth_l1_loss, x, y)
loss("smooth_l1_loss beta", lambda a, b, reduction: F.smooth_l1_loss(a, b, beta=0.4, reduction=reduction), x, y)
loss("smooth_l1_loss beta 0", lambda a, b, reduction: F.smooth_l1_loss(a, b, beta=0.0, reduction=reduction), x, y)
loss("huber_loss", F.huber_loss, x, y)
loss("huber_loss delta", lambda a, b, reduction: F.huber_loss(a, b, delta=0.4, reduction=reduction), x, y)
counts = torch.tensor([[0.0, 1.0, 2.0, 3.0], [5.0, 0.0, 1.0, 7.0], [1.5, 2.5, 0.5, 4.0]])
loss("poisson_nll_loss", F.poisson_nll_loss, x, counts)
# Without the gradient to the target, where PyTorch gives NaN for 0.
loss("poisson_nll_loss full", lambda a, reduction: F.poisson_nll_loss(a, counts, log_input=False, full=True, eps=1e-3, reduction=reduction), q)
loss("gaussian_nll_loss", F.gaussian_nll_loss, x, y, p)
loss("gaussian_nll_loss full", lambda a, b, v, reduction: F.gaussian_nll_loss(a, b, v, full=True, eps=0.5, reduction=reduction), x, y, p[:, :1])
loss("gaussian_nll_loss row", F.gaussian_nll_loss, x, y, p[:, 0])

w = wave(3, 4, seed=3, shift=1.5)
loss("binary_cross_entropy", F.binary_cross_entropy, p, q)
loss("binary_cross_entropy weight", lambda a, b, reduction: F.binary_cross_entropy(a, b, weight=w, reduction=reduction), p, q)
edge, edge_target = torch.tensor([0.0, 1.0, 0.0, 1.0, 0.5]), torch.tensor([0, 1, 1, 0, 1])
loss("binary_cross_entropy edge", lambda a, b, reduction: F.binary_cross_entropy(a, b.double(), reduction=reduction), edge, edge_target)
loss("binary_cross_entropy_with_logits", F.binary_cross_entropy_with_logits, x, q)
loss("binary_cross_entropy_with_logits weights", lambda a, b, reduction: F.binary_cross_entropy_with_logits(a, b, weight=w[:, :1], pos_weight=w[0], reduction=reduction), x, q)
loss("binary_cross_entropy_with_logits huge", F.binary_cross_entropy_with_logits, 1e4 * x, q)

labels, labels3 = torch.tensor([2, 0, 1, 2]), torch.tensor([[0, 1], [2, 2]])
ignoring = torch.tensor([2, -100, 1, -100])
classes, scores, scores3 = wave(3, seed=4, shift=1.5), wave(4, 3, seed=1), wave(2, 3, 2, seed=1)
for name, f in ("nll_loss", F.nll_loss), ("cross_entropy", F.cross_entropy):
    loss(name, f, scores, labels)
    loss(f"{name} 3 axes", f, scores3, labels3)
    loss(f"{name} 1 axis", f, wave(3, seed=1), torch.tensor(1))
    loss(f"{name} weight", lambda a, b, reduction: f(a, b, weight=classes, reduction=reduction), scores, labels)
    loss(f"{name} ignore", f, scores, ignoring)
    loss(f"{name} weight and ignore", lambda a, b, reduction: f(a, b, weight=classes, ignore_index=2, reduction=reduction), scores3, labels3)
loss("cross_entropy huge", F.cross_entropy, 1e4 * scores, labels)
loss("cross_entropy smoothing", lambda a, b, reduction: F.cross_entropy(a, b, label_smoothing=0.2, reduction=reduction), scores, labels)
loss("cross_entropy everything", lambda a, b, reduction: F.cross_entropy(a, b, weight=classes, ignore_index=1, label_smoothing=0.3, reduction=reduction), scores3, labels3)
loss("cross_entropy smoothing and ignore", lambda a, b, reduction: F.cross_entropy(a, b, label_smoothing=0.3, reduction=reduction), scores, ignoring)
loss("cross_entropy probabilities", F.cross_entropy, scores, F.softmax(wave(4, 3, seed=5), 1))
loss("cross_entropy probabilities 3 axes", lambda a, b, reduction: F.cross_entropy(a, b, weight=classes, label_smoothing=0.2, reduction=reduction), scores3, F.softmax(wave(2, 3, 2, seed=5), 1))
loss("cross_entropy probabilities 1 axis", F.cross_entropy, wave(3, seed=1), F.softmax(wave(3, seed=5), 0))

every = ("none", "mean", "sum", "batchmean")
loss("kl_div", F.kl_div, log_p, F.softmax(wave(3, 4, seed=2), 1), reductions=every)
loss("kl_div zeros", lambda a, b, reduction: F.kl_div(a, b.double(), reduction=reduction), log_p, torch.tensor([[0, 1, 0, 0]] * 3), reductions=every)
loss("kl_div log_target", lambda a, b, reduction: F.kl_div(a, b, log_target=True, reduction=reduction), log_p, log_q, reductions=every)

loss("hinge_embedding_loss", F.hinge_embedding_loss, x, signs(3, 4, seed=3))
loss("hinge_embedding_loss margin", lambda a, b, reduction: F.hinge_embedding_loss(a, b, margin=0.3, reduction=reduction), x, signs(3, 4, seed=3))
loss("margin_ranking_loss", F.margin_ranking_loss, x[0], y[0], signs(4, seed=3))
loss("margin_ranking_loss margin", lambda a, b, t, reduction: F.margin_ranking_loss(a, b, t, margin=0.7, reduction=reduction), x, y, signs(3, 4, seed=3))
loss("margin_ranking_loss tie", F.margin_ranking_loss, x[0], x[0], signs(4, seed=3))
loss("soft_margin_loss", lambda a, b, reduction: F.soft_margin_loss(a, b.double(), reduction=reduction), x, signs(3, 4, seed=3))
loss("multi_margin_loss", F.multi_margin_loss, scores, labels)
loss("multi_margin_loss options", lambda a, b, reduction: F.multi_margin_loss(a, b, p=2, margin=0.7, weight=classes, reduction=reduction), scores, labels)
loss("multi_margin_loss 1 axis", F.multi_margin_loss, wave(3, seed=1), torch.tensor(1))
several = torch.tensor([[3, 0, -1, 1], [1, -1, -1, -1], [0, 1, 2, 3]])
loss("multilabel_margin_loss", F.multilabel_margin_loss, x, several)
loss("multilabel_margin_loss 1 axis", F.multilabel_margin_loss, x[0], several[0])
bits = (wave(3, 4, seed=3) > 0).long()
loss("multilabel_soft_margin_loss", F.multilabel_soft_margin_loss, x, bits)
loss("multilabel_soft_margin_loss weight", lambda a, b, reduction: F.multilabel_soft_margin_loss(a, b, weight=w[0], reduction=reduction), x, bits)
loss("cosine_embedding_loss", F.cosine_embedding_loss, x, y, signs(3, seed=3))
loss("cosine_embedding_loss margin", lambda a, b, t, reduction: F.cosine_embedding_loss(a, b, t, margin=-0.5, reduction=reduction), x, y, -signs(3, seed=3))
loss("cosine_embedding_loss 1 axis", F.cosine_embedding_loss, x[0], y[0], torch.tensor(-1))
z = wave(3, 4, seed=6)
loss("triplet_margin_loss", F.triplet_margin_loss, x, y, z)
loss("triplet_margin_loss options", lambda a, b, c, reduction: F.triplet_margin_loss(a, b, c, margin=2.0, p=1.5, eps=1e-3, swap=True, reduction=reduction), x, y, z)


def ctc(a, targets, reduction):
    return F.ctc_loss(F.log_softmax(a, 2), targets, torch.tensor([5, 4]), torch.tensor([2, 1]), reduction=reduction)


loss("ctc_loss", ctc, wave(5, 2, 3, seed=1), torch.tensor([[1, 2], [2, 1]]))


def info_nce(query, positive, negatives=None, temperature=0.1, reduction="mean"):  # van den Oord et al. 2018
    query, positive = F.normalize(query, dim=-1), F.normalize(positive, dim=-1)
    if negatives is None:
        return F.cross_entropy(query @ positive.T / temperature, torch.arange(len(query)), reduction=reduction)
    negatives = F.normalize(negatives, dim=-1)
    wrong = torch.einsum("nd,nmd->nm" if negatives.ndim == 3 else "nd,md->nm", query, negatives)
    right = (query * positive).sum(1, keepdim=True)
    scores = torch.cat([right, wrong], 1) / temperature
    return F.cross_entropy(scores, torch.zeros(len(query), dtype=torch.long), reduction=reduction)


loss("info_nce", info_nce, x, y)
loss("info_nce negatives", lambda a, b, c, reduction: info_nce(a, b, c, 0.5, reduction), x, y, wave(2, 4, seed=7))
loss("info_nce own negatives", lambda a, b, c, reduction: info_nce(a, b, c, 0.5, reduction), x, y, wave(3, 2, 4, seed=7))

r, s = F.softmax(wave(3, 4, seed=1), 1), F.softmax(wave(3, 4, seed=2), 1)
plain("categorical_entropy", lambda a: -(a * a.log()).sum(-1), r)
plain("categorical_entropy_with_logits", lambda a: distributions.Categorical(logits=a).entropy(), x)
plain("categorical_kl", lambda a, b: (a * (a.log() - b.log())).sum(-1), r, s)
plain("categorical_kl_with_logits", lambda a, b: distributions.kl_divergence(distributions.Categorical(logits=a), distributions.Categorical(logits=b)), x, y)
plain("normal_entropy", lambda a: distributions.Normal(0.0, a).entropy().sum(-1), p)
normal = distributions.Normal
plain("normal_kl", lambda a, b, c, d: distributions.kl_divergence(normal(a, b), normal(c, d)).sum(-1), x, p, y, q)
plain("normal_kl standard", lambda a, b: distributions.kl_divergence(normal(a, b), normal(torch.zeros_like(a), torch.ones_like(a))).sum(-1), x, p)
net = nn.Linear(3, 2)
layer("l1_penalty", net, call=lambda: net.weight.abs().sum())
layer("l2_penalty", net, call=lambda: (net.weight**2).sum() + (net.bias**2).sum())

main()
