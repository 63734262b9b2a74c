"""Distributions: densities, entropies, moments, distribution functions and divergences with all gradients; see figures.py. The slopes of gamma numbers are
computed with mpmath (which python3-torch brings along) to 30 digits, and beside them PyTorch's own."""
import mpmath
import torch
from torch import distributions as d

from figures import keep, layer, main, wave


class Digamma(torch.autograd.Function):
    """digamma with mpmath's slope: PyTorch's own, trigamma by a short series, is wrong in the ninth digit."""

    @staticmethod
    def forward(context, x):
        context.save_for_backward(x)
        return torch.special.digamma(x)

    @staticmethod
    def backward(context, g):
        (x,) = context.saved_tensors
        return g * torch.tensor([float(mpmath.psi(1, v)) for v in x.flatten().tolist()]).reshape(x.shape)


torch.digamma = torch.Tensor.digamma = lambda x: Digamma.apply(x)


def real(seed, *shape):
    return wave(*shape, seed=seed, scale=1.5)


def positive(seed, *shape):
    return torch.exp(wave(*shape, seed=seed))


def share(seed, *shape):
    return torch.sigmoid(wave(*shape, seed=seed))


def shares(seed, *shape):
    return torch.softmax(wave(*shape, seed=seed), -1)


def triangle(seed, n, *batch):
    return torch.tril(wave(*batch, n, n, seed=seed, scale=0.4), -1) + torch.diag_embed(positive(seed + 1, *batch, n))


def family(name, make, parameters, value=None, parts=("entropy", "mean", "variance"), points=(), p=share(9, 3, 4)):
    """log_prob at a value whose gradient is wanted as well, or at `points`, which are constants; the parts; cdf and icdf where they are named."""
    if value is not None:
        layer(f"{name} log_prob", lambda *x: make(*x[:-1]).log_prob(x[-1]), *parameters, value, filled=True)
    for i, point in enumerate(points):
        layer(f"{name} log_prob {i}", lambda *x: make(*x).log_prob(point), *parameters, filled=True)
    for part in parts:
        if part == "cdf":
            layer(f"{name} cdf", lambda *x: make(*x[:-1]).cdf(x[-1]), *parameters, value, filled=True)
        elif part == "icdf":
            layer(f"{name} icdf", lambda *x: make(*x[:-1]).icdf(x[-1]), *parameters, p, filled=True)
        elif part == "entropy":
            layer(f"{name} entropy", lambda *x: make(*x).entropy() + 0 * sum(t.sum() for t in x), *parameters, filled=True)
        else:
            layer(f"{name} {part}", lambda *x: getattr(make(*x), part) + 0 * sum(t.sum() for t in x), *parameters, filled=True)


whole = ("entropy", "mean", "variance", "stddev", "cdf", "icdf")
family("Normal", d.Normal, (real(1, 4), positive(2, 3, 1)), real(3, 3, 4), whole)
family("LogNormal", d.LogNormal, (real(1, 4), positive(2, 3, 1)), positive(3, 3, 4), whole)
family("Uniform", d.Uniform, (real(1, 4), real(1, 4) + positive(2, 3, 1)), real(1, 4) + share(3, 3, 4) * positive(2, 3, 1), whole)
family("Laplace", d.Laplace, (real(1, 4), positive(2, 3, 1)), real(3, 3, 4), whole)
family("Gumbel", d.Gumbel, (real(1, 4), positive(2, 3, 1)), positive(3, 3, 4), whole)
family("StudentT", d.StudentT, (2 + positive(4, 3, 4), real(1, 4), positive(2, 3, 1)), real(3, 3, 4))
family("Exponential", d.Exponential, (positive(2, 3, 4),), positive(3, 3, 4), whole)
family("Gamma", d.Gamma, (positive(1, 4), positive(2, 3, 1)), positive(3, 3, 4))
family("Beta", d.Beta, (positive(1, 4), positive(2, 3, 1)), share(3, 3, 4))
family("Dirichlet", d.Dirichlet, (positive(1, 3, 4),), points=(shares(3, 2, 3, 4),))
family("MultivariateNormal", lambda m, t: d.MultivariateNormal(m, scale_tril=torch.tril(t)), (real(1, 2, 3), triangle(2, 3)), real(3, 2, 3))
covariance = triangle(5, 3, 2) @ triangle(5, 3, 2).mT
family("MultivariateNormal covariance", lambda m, c: d.MultivariateNormal(m, (c + c.mT) / 2), (real(1, 3), covariance), real(3, 2, 3))
family("MultivariateNormal precision", lambda m, c: d.MultivariateNormal(m, precision_matrix=(c + c.mT) / 2), (real(1, 3), covariance), real(3, 2, 3))

bits, counts = (real(3, 3, 4) > 0).double(), torch.tensor([[0.0, 1.0, 5.0, 2.0], [3.0, 4.0, 0.0, 5.0], [1.0, 1.0, 2.0, 3.0]])
labels = torch.tensor([[0, 3, 1], [2, 2, 0]])
hot = torch.nn.functional.one_hot(labels, 4).double()
bags = torch.tensor([[2.0, 1.0, 0.0, 3.0], [0.0, 6.0, 0.0, 0.0], [1.0, 2.0, 2.0, 1.0]])
family("Bernoulli probs", lambda p: d.Bernoulli(p), (share(1, 3, 4),), points=(bits,), parts=("entropy", "mean", "variance", "stddev"))
family("Bernoulli logits", lambda l: d.Bernoulli(logits=l), (real(1, 3, 4),), points=(bits,))
family("Binomial probs", lambda p: d.Binomial(5, p), (share(1, 3, 4),), points=(counts,))
family("Binomial logits", lambda l: d.Binomial(5, logits=l), (real(1, 3, 4),), points=(counts,))
family("Poisson", d.Poisson, (positive(1, 3, 4),), points=(counts,), parts=("mean", "variance"))
family("Categorical probs", lambda p: d.Categorical(p), (positive(1, 3, 4),), points=(labels,), parts=("entropy",))
family("Categorical logits", lambda l: d.Categorical(logits=l), (real(1, 3, 4),), points=(labels,), parts=("entropy",))
family("OneHotCategorical probs", lambda p: d.OneHotCategorical(p), (positive(1, 3, 4),), points=(hot,))
family("OneHotCategorical logits", lambda l: d.OneHotCategorical(logits=l), (real(1, 3, 4),), points=(hot,))
family("Multinomial probs", lambda p: d.Multinomial(6, p), (positive(1, 3, 4),), points=(bags,))
family("Multinomial logits", lambda l: d.Multinomial(6, logits=l), (real(1, 3, 4),), points=(bags,))


def kl(name, p, q, p_parameters, q_parameters):
    n = len(p_parameters)
    layer(f"kl {name}", lambda *x: d.kl_divergence(p(*x[:n]), q(*x[n:])), *p_parameters, *q_parameters, filled=True)


def logs(cls):
    return lambda l: cls(logits=l)


spread, other = (real(1, 4), positive(2, 3, 1)), (real(3, 4), positive(4, 3, 1))
above, above_other = (positive(1, 4), positive(2, 3, 1)), (positive(3, 4), positive(4, 3, 1))
inside = (0.1 + 0.2 * share(1, 4), 0.5 + 0.4 * share(2, 3, 1))
around = (-positive(1, 4), 1 + positive(2, 3, 1))
one, one_other = (positive(1, 3, 4),), (positive(2, 3, 4),)
for cls in (d.Normal, d.LogNormal, d.Laplace, d.Gumbel):
    kl(f"{cls.__name__} {cls.__name__}", cls, cls, spread, other)
for cls in (d.Gamma, d.Beta):
    kl(f"{cls.__name__} {cls.__name__}", cls, cls, above, above_other)
for cls in (d.Exponential, d.Poisson, d.Dirichlet):
    kl(f"{cls.__name__} {cls.__name__}", cls, cls, one, one_other)
for cls in (d.Bernoulli, d.Categorical, d.OneHotCategorical):
    kl(f"{cls.__name__} {cls.__name__} logits", logs(cls), logs(cls), (real(1, 3, 4),), (real(2, 3, 4),))
kl("Bernoulli Bernoulli", d.Bernoulli, d.Bernoulli, (share(1, 3, 4),), (share(2, 3, 4),))
kl("Categorical Categorical", d.Categorical, d.Categorical, one, one_other)
kl("Binomial Binomial", lambda p: d.Binomial(5, p), lambda p: d.Binomial(5, p), (share(1, 3, 4),), (share(2, 3, 4),))
kl("Uniform Uniform", d.Uniform, d.Uniform, inside, around)
tril = lambda m, t: d.MultivariateNormal(m, scale_tril=torch.tril(t))
kl("MultivariateNormal MultivariateNormal", tril, tril, (real(1, 2, 3), triangle(2, 3)), (real(4, 3), triangle(5, 3, 2)))
for cls, parameters in ((d.Gumbel, other), (d.Laplace, other)):
    kl(f"Normal {cls.__name__}", d.Normal, cls, spread, parameters)
for cls, parameters in ((d.Gumbel, spread), (d.Laplace, spread), (d.Uniform, inside), (d.Exponential, one), (d.Gamma, above), (d.Beta, above)):
    kl(f"{cls.__name__} Normal", cls, d.Normal, parameters, other)
for cls, parameters in ((d.Uniform, inside), (d.Exponential, one), (d.Gamma, above)):
    kl(f"{cls.__name__} Gumbel", cls, d.Gumbel, parameters, other)
for cls, parameters in ((d.Uniform, inside), (d.Gamma, above), (d.Beta, above)):
    kl(f"{cls.__name__} Exponential", cls, d.Exponential, parameters, one_other)
for cls, parameters in ((d.Uniform, inside), (d.Exponential, one), (d.Beta, above)):
    kl(f"{cls.__name__} Gamma", cls, d.Gamma, parameters, above_other)
kl("Uniform Beta", d.Uniform, d.Beta, inside, above_other)
kl("Beta Uniform", d.Beta, d.Uniform, above, around)
kl("Bernoulli Poisson", d.Bernoulli, d.Poisson, (share(1, 3, 4),), one_other)

# How gamma numbers move with their parameter: k = dw/da of w = log(z) at a fixed quantile, and dk/da, as quotients of differences.
mpmath.mp.dps = 90


def below(a, z):
    """The regularised lower incomplete gamma function, by its series."""
    term = z**a * mpmath.exp(-z) / mpmath.gamma(a + 1)
    total, n = term, 0
    while term > total * mpmath.mpf(10) ** -95 or z > a + n:
        n += 1
        term *= z / (a + n)
        total += term
    return total


def slope(a, w):
    z, h = mpmath.exp(w), mpmath.mpf(10) ** -22
    moved = (below(a + h, z) - below(a - h, z)) / (2 * h)
    return -moved / (z**a * mpmath.exp(-z) / mpmath.gamma(a))


pairs = [(a, w) for a in (0.01, 0.3, 1.0, 2.5) for w in (-60.0, -8.0, -1.0, -0.1, 0.0, 0.1, 0.6, 1.2, 1.6, 3.0)]
pairs += [(a, float(mpmath.log(a + s * a**0.5))) for a in (10.0, 70.0, 199.0, 201.0, 1000.0, 20000.0) for s in (-3, -1, 0, 0.1, 1, 3)]
pairs += [(a, float(mpmath.log(a + s * a**0.5))) for a in (201.0, 1000.0) for s in (-8, -5, 5, 8)]
h = mpmath.mpf(10) ** -15
exact = [(mpmath.mpf(a), mpmath.mpf(w)) for a, w in pairs]
alphas, ws = torch.tensor([a for a, _ in pairs]), torch.tensor([w for _, w in pairs])
keep("gamma slope", "alpha", alphas)
keep("gamma slope", "w", ws)
keep("gamma slope", "order 0", torch.tensor([float(slope(a, w)) for a, w in exact]))
keep("gamma slope", "order 1", torch.tensor([float((slope(a + h, w) - slope(a - h, w)) / (2 * h)) for a, w in exact]))
keep("gamma slope", "torch", torch._standard_gamma_grad(alphas, ws.exp()))

main()
